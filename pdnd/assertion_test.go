package pdnd_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/jws"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pdnd"
)

type members = map[string]any

// readAssertion checks the signature with other code than the one that made it.
func readAssertion(t testing.TB, client *pdnd.Client, key crypto.Signer) (header, claims members) {
	t.Helper()
	secret, err := client.Assertion(t.Context())
	require.NoError(t, err)
	token, err := jws.Parse(secret.Reveal())
	require.NoError(t, err)
	require.NoError(t, token.Verify(jws.JWK{Key: key.Public()}, jws.RS256))
	head, _, _ := strings.Cut(secret.Reveal(), ".")
	data, err := base64.RawURLEncoding.DecodeString(head)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &header))
	require.NoError(t, json.Unmarshal(token.Payload, &claims))
	return header, claims
}

func TestAssertionHasTheStrictMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tc := range map[string]struct {
			change   func(*pdnd.Config)
			audience string
			iat, exp int64 // from now
			purpose  bool
		}{
			"defaults":    {func(*pdnd.Config) {}, "auth.uat.interop.pagopa.it/client-assertion", -5, 120, true},
			"API client":  {func(c *pdnd.Config) { c.PurposeID = "" }, "auth.uat.interop.pagopa.it/client-assertion", -5, 120, false},
			"production":  {func(c *pdnd.Config) { c.Environment = pa.Production }, "auth.interop.pagopa.it/client-assertion", -5, 120, true},
			"attestation": {func(c *pdnd.Config) { c.Environment = pa.Attestation }, "auth.att.interop.pagopa.it/client-assertion", -5, 120, true},
			"its own": {func(c *pdnd.Config) {
				c.Audience, c.AssertionLifetime, c.AssertionBackdate = "gateway.example.it/assertion", time.Minute, 30*time.Second
			}, "gateway.example.it/assertion", -30, 60, true},
		} {
			cfg := config()
			tc.change(&cfg)
			client, err := pdnd.New(cfg)
			require.NoError(t, err)
			header, claims := readAssertion(t, client, theKey())
			require.Equal(t, members{"alg": "RS256", "kid": kidOf(t, theKey()), "typ": "JWT"}, header, name)

			require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, claims["jti"])
			_, again := readAssertion(t, client, theKey())
			require.NotEqual(t, again["jti"], claims["jti"])
			delete(claims, "jti")

			want := members{"iss": clientID, "sub": clientID, "aud": tc.audience,
				"iat": float64(time.Now().Unix() + tc.iat), "exp": float64(time.Now().Unix() + tc.exp)}
			if tc.purpose {
				want["purposeId"] = purposeID
			}
			require.Equal(t, want, claims, name)
		}
	})
}

// TestAssertionAgainstVectors compares with assertions that the validation
// packages of PDND accepted.
func TestAssertionAgainstVectors(t *testing.T) {
	dir := os.Getenv("SPECS_DIR")
	if dir == "" {
		t.Skip("SPECS_DIR is not set")
	}
	data, err := os.ReadFile(filepath.Join(dir, "pdnd", "vectors", "pdnd-modi-vectors.json"))
	require.NoError(t, err)
	type vector struct {
		Compact string
		Header  members
		Payload members
	}
	var file struct {
		Keys struct {
			Private string `json:"client_rsa_private_pkcs8_der_base64"`
			KID     string `json:"client_kid_rfc7638"`
		}
		EService   vector `json:"client_assertion_eservice"`
		InteropAPI vector `json:"client_assertion_interop_api"`
	}
	require.NoError(t, json.Unmarshal(data, &file))
	text := "-----BEGIN PRIVATE KEY-----\n" + file.Keys.Private + "\n-----END PRIVATE KEY-----\n"
	key, err := pdnd.ParsePrivateKey([]byte(text))
	require.NoError(t, err)
	require.Equal(t, file.Keys.KID, kidOf(t, key))

	for _, v := range []vector{file.EService, file.InteropAPI} {
		cfg := pdnd.Config{Environment: pa.UAT, ClientID: v.Payload["sub"].(string), Key: pdnd.StaticKey(key), KeyID: file.Keys.KID}
		cfg.PurposeID, _ = v.Payload["purposeId"].(string)
		client, err := pdnd.New(cfg)
		require.NoError(t, err)
		header, claims := readAssertion(t, client, key)
		require.Equal(t, v.Header, header)
		for _, own := range []string{"jti", "iat", "exp"} {
			require.IsType(t, v.Payload[own], claims[own])
			delete(v.Payload, own)
			delete(claims, own)
		}
		require.Equal(t, v.Payload, claims)
	}
}

func TestAssertionSignedByADevice(t *testing.T) {
	errDevice := errors.New("the token is not in its slot")
	pkcs1v15 := func(key *rsa.PrivateKey) func([]byte, crypto.SignerOpts) ([]byte, error) {
		return func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			return key.Sign(rand.Reader, digest, opts)
		}
	}
	client := func(d device) *pdnd.Client {
		cfg := config()
		cfg.Key = pdnd.StaticKey(d)
		c, err := pdnd.New(cfg)
		require.NoError(t, err)
		return c
	}
	readAssertion(t, client(device{theKey().Public(), pkcs1v15(theKey())}), theKey())

	for name, d := range map[string]device{
		"PSS": {theKey().Public(), func(digest []byte, _ crypto.SignerOpts) ([]byte, error) {
			return rsa.SignPSS(rand.Reader, theKey(), crypto.SHA256, digest, nil)
		}},
		"another key": {theKey().Public(), pkcs1v15(anotherKey())},
		"nothing":     {theKey().Public(), func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, nil }},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(d).Assertion(t.Context())
			require.Equal(t, []string{"Key PDND_KEY_SIGNER"}, rules(t, err))
		})
	}
	_, err := client(device{theKey().Public(), func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, errDevice }}).Assertion(t.Context())
	require.ErrorIs(t, err, errDevice)
}

// TestKeysFromASourceAreChecked covers what New cannot see.
func TestKeysFromASourceAreChecked(t *testing.T) {
	errVault := errors.New("the vault is sealed")
	for name, tc := range map[string]struct {
		key  pdnd.Key
		err  error
		kid  string
		rule string
	}{
		"kid that goes with the key": {key: pdnd.Key{ID: kidOf(t, theKey()), Signer: theKey()}},
		"kid of another key":         {key: pdnd.Key{ID: kidOf(t, anotherKey()), Signer: theKey()}, rule: "KeyID PDND_KEY_ID"},
		"another than configured":    {key: pdnd.Key{Signer: anotherKey()}, kid: kidOf(t, theKey()), rule: "KeyID PDND_KEY_ID"},
		"no signer":                  {key: pdnd.Key{ID: "x"}, rule: "Key PDND_KEY_MISSING"},
		"EC":                         {key: pdnd.Key{Signer: ecKey(t)}, rule: "Key PDND_KEY_NOT_RSA"},
		"short":                      {key: pdnd.Key{Signer: shortKey()}, rule: "Key PDND_KEY_SHORT"},
		"error":                      {err: errVault},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config()
			cfg.KeyID = tc.kid
			cfg.Key = pdnd.KeyFunc(keyFunc(tc.key, tc.err))
			client, err := pdnd.New(cfg)
			require.NoError(t, err)
			_, err = client.Assertion(t.Context())
			switch {
			case tc.err != nil:
				require.ErrorIs(t, err, tc.err)
			case tc.rule != "":
				require.Equal(t, []string{tc.rule}, rules(t, err))
			default:
				require.NoError(t, err)
			}
		})
	}
}
