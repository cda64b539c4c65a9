package pdnd_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/jws"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pdnd"
)

func newKey(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

var (
	theKey     = sync.OnceValue(func() *rsa.PrivateKey { return newKey(2048) })
	anotherKey = sync.OnceValue(func() *rsa.PrivateKey { return newKey(2048) })
	shortKey   = sync.OnceValue(func() *rsa.PrivateKey { return newKey(1024) })
)

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func pkcs1(key *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// rules returns the codes of a validation error, with their paths.
func rules(t testing.TB, err error) []string {
	t.Helper()
	invalid, ok := errors.AsType[*pa.ValidationError](err)
	require.True(t, ok, "want a *pa.ValidationError, got %v", err)
	var codes []string
	for _, f := range invalid.Findings {
		codes = append(codes, f.Path+" "+f.Rule)
		require.NotEmpty(t, f.Text.IT)
		require.NotEmpty(t, f.Text.EN)
		require.NotEqual(t, f.Text.IT, f.Text.EN)
	}
	return codes
}

func TestParsePrivateKey(t *testing.T) {
	der, err := x509.MarshalPKIXPublicKey(theKey().Public())
	require.NoError(t, err)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	ecDER, err := x509.MarshalECPrivateKey(ecKey(t))
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Comune di Esempio"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, theKey().Public(), theKey())
	require.NoError(t, err)
	good := pkcs8(t, theKey())
	damaged := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("something")})
	legacy := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("something"),
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}})

	for name, tc := range map[string]struct {
		text []byte
		rule string // "" is accepted
	}{
		"PKCS #8":                  {good, ""},
		"PKCS #1":                  {pkcs1(theKey()), ""},
		"text before and after":    {[]byte("Bag Attributes\n" + string(good) + "\n\n"), ""},
		"Windows line ends":        {[]byte(strings.ReplaceAll(string(good), "\n", "\r\n")), ""},
		"empty":                    {nil, "PDND_KEY_NOT_PEM"},
		"base64 alone":             {[]byte(base64.StdEncoding.EncodeToString(good)), "PDND_KEY_NOT_PEM"},
		"line breaks written as n": {[]byte(strings.ReplaceAll(string(good), "\n", `\n`)), "PDND_KEY_NOT_PEM"},
		"something else":           {pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: []byte("x")}), "PDND_KEY_NOT_PEM"},
		"twice":                    {append(good, good...), "PDND_KEY_SEVERAL"},
		"with its certificate":     {append(good, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})...), "PDND_KEY_SEVERAL"},
		"encrypted":                {pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}), "PDND_KEY_ENCRYPTED"},
		"encrypted the old way":    {legacy, "PDND_KEY_ENCRYPTED"},
		"public":                   {public, "PDND_KEY_PUBLIC"},
		"public PKCS #1":           {pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: []byte("x")}), "PDND_KEY_PUBLIC"},
		"certificate":              {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), "PDND_KEY_CERTIFICATE"},
		"request":                  {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: cert}), "PDND_KEY_CERTIFICATE"},
		"EC":                       {pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ecDER}), "PDND_KEY_NOT_RSA"},
		"EC in PKCS #8":            {pkcs8(t, ecKey(t)), "PDND_KEY_NOT_RSA"},
		"1024 bits":                {pkcs8(t, shortKey()), "PDND_KEY_SHORT"},
		"damaged":                  {damaged, "PDND_KEY_MALFORMED"},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := pdnd.ParsePrivateKey(tc.text)
			if tc.rule == "" {
				require.NoError(t, err)
				require.True(t, key.Equal(theKey()))
				return
			}
			require.Nil(t, key)
			require.Equal(t, []string{"Key " + tc.rule}, rules(t, err))
			require.ErrorIs(t, err, pa.ErrInvalid)
			require.Equal(t, tc.rule, pa.CodeOf(err))
			for line := range strings.Lines(string(tc.text)) {
				if len(line) > 40 {
					require.NotContains(t, err.Error(), line)
				}
			}
		})
	}
}

// TestThumbprint checks the example of RFC 7638, section 3.1, and then keys
// that are made here against other code.
func TestThumbprint(t *testing.T) {
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	modulus, err := base64.RawURLEncoding.DecodeString(n)
	require.NoError(t, err)
	kid, err := pdnd.Thumbprint(&rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: 65537})
	require.NoError(t, err)
	require.Equal(t, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", kid)

	want, err := jws.Thumbprint(theKey().Public())
	require.NoError(t, err)
	kid, err = pdnd.Thumbprint(theKey().Public())
	require.NoError(t, err)
	require.Equal(t, want, kid)

	for _, key := range []crypto.PublicKey{nil, ecKey(t).Public(), (*rsa.PublicKey)(nil), new(rsa.PublicKey), theKey()} {
		_, err := pdnd.Thumbprint(key)
		require.Equal(t, []string{"Key PDND_KEY_NOT_RSA"}, rules(t, err))
	}
}

func TestKeySources(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key.pem")
	file := pdnd.KeyFile(name)
	_, err := file.Key(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)

	for _, key := range []*rsa.PrivateKey{theKey(), anotherKey()} { // read again at every use
		require.NoError(t, os.WriteFile(name, pkcs8(t, key), 0o600))
		got, err := file.Key(t.Context())
		require.NoError(t, err)
		require.True(t, key.Equal(got.Signer))
		require.Empty(t, got.ID)
	}
	require.NoError(t, os.WriteFile(name, []byte("not a key"), 0o600))
	_, err = file.Key(t.Context())
	require.Equal(t, []string{"Key PDND_KEY_NOT_PEM"}, rules(t, err))

	got, err := pdnd.StaticKey(theKey()).Key(t.Context())
	require.NoError(t, err)
	require.Equal(t, pdnd.Key{Signer: theKey()}, got)

	errVault := errors.New("the vault is sealed")
	_, err = pdnd.KeyPEM(pa.SecretFunc(func(context.Context) (pa.Secret, error) { return pa.Secret{}, errVault })).Key(t.Context())
	require.ErrorIs(t, err, errVault)
}

// TestKeysAreNotPrinted prints everything that holds a key in every usual way.
func TestKeysAreNotPrinted(t *testing.T) {
	text := string(pkcs8(t, theKey()))
	cfg := config()
	for name, source := range map[string]pdnd.KeySource{
		"static": pdnd.StaticKey(theKey()),
		"PEM":    pdnd.KeyPEM(pa.NewSecret(text)),
	} {
		cfg.Key = source
		key, err := source.Key(t.Context())
		require.NoError(t, err)
		var out strings.Builder
		log := slog.New(slog.NewJSONHandler(&out, nil))
		log.Info("x", "config", cfg, "key", key, "source", source)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "config", cfg, "key", key, "source", source)
		for _, v := range []any{cfg, &cfg, key, &key, source} {
			_, _ = fmt.Fprintf(&out, "%v %+v %#v %s\n", v, v, v, v)
		}
		data, err := json.Marshal(key)
		require.NoError(t, err)
		out.Write(data)

		printed := out.String()
		for line := range strings.Lines(text) {
			require.NotContains(t, printed, strings.TrimSpace(line), name)
		}
		for _, secret := range []*big.Int{theKey().D, theKey().Primes[0], theKey().Primes[1]} {
			require.NotContains(t, printed, secret.String(), name)
			require.NotContains(t, printed, secret.Text(16), name)
		}
	}
}

// device is a signer in an HSM: it knows its public key and signs what it is told.
type device struct {
	public crypto.PublicKey
	sign   func(digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

func (d device) Public() crypto.PublicKey { return d.public }
func (d device) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return d.sign(digest, opts)
}

func FuzzParsePrivateKey(f *testing.F) {
	f.Add(pkcs8(f, theKey()))
	f.Add(pkcs1(theKey()))
	f.Add(pkcs8(f, shortKey()))
	f.Add(pkcs8(f, ecKey(f)))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMA==\n-----END RSA PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := pdnd.ParsePrivateKey(text)
		if err != nil {
			require.ErrorIs(t, err, pa.ErrInvalid)
			return
		}
		require.GreaterOrEqual(t, key.N.BitLen(), 2048)
		_, err = pdnd.Thumbprint(key.Public())
		require.NoError(t, err)
	})
}
