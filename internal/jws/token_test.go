package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/jws"
)

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func code(err error) jws.Code {
	if e, ok := errors.AsType[*jws.Error](err); ok {
		return e.Code
	}
	return ""
}

func parseKey(t testing.TB, text string) jws.JWK {
	t.Helper()
	key, err := jws.ParseJWK([]byte(text))
	require.NoError(t, err)
	return key
}

func newRSA(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return key
}

func newEC(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

func TestVerifyExamplesOfRFC7515(t *testing.T) {
	for _, test := range []struct{ name, key, token, alg string }{
		{"A.2", rfc7515RSAKey, rfc7515RS256, jws.RS256},
		{"A.3", rfc7515ECKey, rfc7515ES256, jws.ES256},
	} {
		t.Run(test.name, func(t *testing.T) {
			token, err := jws.Parse(test.token)
			require.NoError(t, err)
			require.Equal(t, test.alg, token.Header.Algorithm)
			require.Equal(t, rfc7515Payload, string(token.Payload))
			require.NoError(t, token.Verify(parseKey(t, test.key), test.alg))
		})
	}
}

func TestSignThenVerify(t *testing.T) {
	rsaKey, ecKey := newRSA(t, 2048), newEC(t, elliptic.P256())
	for alg, key := range map[string]crypto.Signer{jws.RS256: rsaKey, jws.PS256: rsaKey, jws.ES256: ecKey} {
		t.Run(alg, func(t *testing.T) {
			compact, err := jws.Sign(key, map[string]string{"alg": alg, "typ": "at+jwt", "kid": "k1"}, []byte("payload"))
			require.NoError(t, err)
			token, err := jws.Parse(compact)
			require.NoError(t, err)
			require.Equal(t, "at+jwt", token.Header.Type)
			require.Equal(t, "k1", token.Header.KeyID)
			require.Equal(t, "payload", string(token.Payload))
			public := jws.JWK{Key: key.Public()}
			require.NoError(t, token.Verify(public, jws.RS256, jws.PS256, jws.ES256))

			for i := range token.Signature {
				changed := *token
				changed.Signature = slices.Clone(token.Signature)
				changed.Signature[i] ^= 1
				require.Equal(t, jws.CodeSignature, code(changed.Verify(public, alg)), "byte %d", i)
			}
			parts := strings.Split(compact, ".")
			other, err := jws.Parse(parts[0] + "." + b64("Payload") + "." + parts[2])
			require.NoError(t, err)
			require.Equal(t, jws.CodeSignature, code(other.Verify(public, alg)))
		})
	}
}

func TestES256IsRaw(t *testing.T) {
	key := newEC(t, elliptic.P256())
	for range 64 { // some R and S are short and need their leading zeros
		compact, err := jws.Sign(key, map[string]string{"alg": jws.ES256}, nil)
		require.NoError(t, err)
		token, err := jws.Parse(compact)
		require.NoError(t, err)
		require.Len(t, token.Signature, 64)
		require.NoError(t, token.Verify(jws.JWK{Key: key.Public()}, jws.ES256))

		// The same two numbers at another length are another signature.
		longer := *token
		longer.Signature = slices.Insert(slices.Clone(token.Signature), 32, 0)
		require.Equal(t, jws.CodeSignature, code(longer.Verify(jws.JWK{Key: key.Public()}, jws.ES256)))
		longer.Signature = token.Signature[:63]
		require.Equal(t, jws.CodeSignature, code(longer.Verify(jws.JWK{Key: key.Public()}, jws.ES256)))
	}
}

func TestVerifyRefuses(t *testing.T) {
	rsaKey, ecKey := newRSA(t, 2048), newEC(t, elliptic.P256())
	compact, err := jws.Sign(rsaKey, map[string]string{"alg": jws.RS256}, []byte("{}"))
	require.NoError(t, err)
	token, err := jws.Parse(compact)
	require.NoError(t, err)
	public := rsaKey.Public()
	for _, test := range []struct {
		name    string
		key     jws.JWK
		allowed []string
		want    jws.Code
	}{
		{"nothing allowed", jws.JWK{Key: public}, nil, jws.CodeNotAllowed},
		{"another algorithm allowed", jws.JWK{Key: public}, []string{jws.ES256, jws.PS256}, jws.CodeNotAllowed},
		{"key of another type", jws.JWK{Key: ecKey.Public()}, []string{jws.RS256}, jws.CodeKeyMismatch},
		{"key reserved for another algorithm", jws.JWK{Key: public, Algorithm: jws.PS256}, []string{jws.RS256}, jws.CodeKeyMismatch},
		{"key for encryption", jws.JWK{Key: public, Use: "enc"}, []string{jws.RS256}, jws.CodeKeyMismatch},
		{"no key", jws.JWK{}, []string{jws.RS256}, jws.CodeKeyType},
		{"typed nil", jws.JWK{Key: (*rsa.PublicKey)(nil)}, []string{jws.RS256}, jws.CodeKeyType},
		{"private key", jws.JWK{Key: rsaKey}, []string{jws.RS256}, jws.CodeKeyType},
		{"secret", jws.JWK{Key: []byte("secret")}, []string{jws.RS256}, jws.CodeKeyType},
		{"another curve", jws.JWK{Key: newEC(t, elliptic.P384()).Public()}, []string{jws.RS256}, jws.CodeKeyType},
		{"another key", jws.JWK{Key: newRSA(t, 2048).Public()}, []string{jws.RS256}, jws.CodeSignature},
		{"weak key", jws.JWK{Key: newRSA(t, 1024).Public()}, []string{jws.RS256}, jws.CodeWeakKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, code(token.Verify(test.key, test.allowed...)))
		})
	}
	require.NoError(t, token.Verify(jws.JWK{Key: public, Algorithm: jws.RS256, Use: "sig"}, jws.RS256))
}

func TestRS256AndPS256AreNotInterchangeable(t *testing.T) {
	key := newRSA(t, 2048)
	compact, err := jws.Sign(key, map[string]string{"alg": jws.RS256}, nil)
	require.NoError(t, err)
	token, err := jws.Parse(compact)
	require.NoError(t, err)
	token.Header.Algorithm = jws.PS256
	require.Equal(t, jws.CodeSignature, code(token.Verify(jws.JWK{Key: key.Public()}, jws.PS256)))
}

func TestParseRefuses(t *testing.T) {
	signature := "." + b64("{}") + "." + b64("signature")
	header := func(text string) string { return b64(text) + signature }
	for _, test := range []struct {
		name, token string
		want        jws.Code
	}{
		{"empty", "", jws.CodeCompact},
		{"two parts", "e30.e30", jws.CodeCompact},
		{"four parts", "e30.e30.e30.e30", jws.CodeCompact},
		{"too large", strings.Repeat("a", jws.MaxSize+1), jws.CodeTooLarge},
		{"padding", "e30=" + signature, jws.CodeBase64},
		{"standard alphabet", "e3+/" + signature, jws.CodeBase64},
		{"not canonical", "e31" + signature, jws.CodeBase64},
		{"line break", "e\n30" + signature, jws.CodeBase64},
		{"carriage return in the payload", b64(`{"alg":"RS256"}`) + ".e\r30.e30", jws.CodeBase64},
		{"blank", " " + header(`{"alg":"RS256"}`), jws.CodeBase64},
		{"not JSON", header(`alg`), jws.CodeJSON},
		{"list", header(`["alg"]`), jws.CodeJSON},
		{"null", header(`null`), jws.CodeJSON},
		{"two values", header(`{"alg":"RS256"}{}`), jws.CodeJSON},
		{"not UTF-8", header("{\"alg\":\"RS256\",\"kid\":\"\xff\"}"), jws.CodeJSON},
		{"duplicate", header(`{"alg":"RS256","alg":"RS256"}`), jws.CodeDuplicate},
		{"duplicate in an escape", header(`{"alg":"RS256","\u0061lg":"RS256"}`), jws.CodeDuplicate},
		{"duplicate in another case", header(`{"alg":"RS256","ALG":"RS256"}`), jws.CodeDuplicate},
		{"duplicate below", header(`{"alg":"RS256","x":[{"a":1,"a":2}]}`), jws.CodeDuplicate},
		{"no algorithm", header(`{"typ":"JWT"}`), jws.CodeHeader},
		{"algorithm in another case", header(`{"ALG":"RS256"}`), jws.CodeHeader},
		{"algorithm is a number", header(`{"alg":256}`), jws.CodeHeader},
		{"algorithm is null", header(`{"alg":null}`), jws.CodeHeader},
		{"type is a list", header(`{"alg":"RS256","typ":["JWT"]}`), jws.CodeHeader},
		{"none", rfc7515None, jws.CodeAlgorithm},
		{"None", header(`{"alg":"None"}`), jws.CodeAlgorithm},
		{"HS256", header(`{"alg":"HS256"}`), jws.CodeAlgorithm},
		{"crit", header(`{"alg":"RS256","crit":["exp"],"exp":1}`), jws.CodeCritical},
		{"empty crit", header(`{"alg":"RS256","crit":[]}`), jws.CodeCritical},
		{"b64", header(`{"alg":"RS256","b64":false}`), jws.CodeCritical},
		{"private jwk", header(`{"alg":"ES256","jwk":{"kty":"EC","d":"AA"}}`), jws.CodePrivateKey},
		{"jwk is a string", header(`{"alg":"ES256","jwk":"k"}`), jws.CodeJSON},
		{"x5c is a string", header(`{"alg":"RS256","x5c":"AA=="}`), jws.CodeHeader},
		{"x5c is empty", header(`{"alg":"RS256","x5c":[]}`), jws.CodeHeader},
		{"x5c is base64url", header(`{"alg":"RS256","x5c":["_-8="]}`), jws.CodeHeader},
		{"no signature", b64(`{"alg":"RS256"}`) + ".e30.", jws.CodeSignature},
		{"deep", header(`{"alg":"RS256","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`), jws.CodeDepth},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := jws.Parse(test.token)
			require.Equal(t, test.want, code(err), "%v", err)
		})
	}
}

func TestParseHeaderMembers(t *testing.T) {
	key := newEC(t, elliptic.P256())
	compact, err := jws.Sign(key, map[string]any{
		"alg": jws.ES256,
		"typ": "dpop+jwt",
		"cty": "JWT",
		"jwk": jws.JWK{Key: key.Public()},
		"x5c": []string{base64.StdEncoding.EncodeToString([]byte{0xfb, 0xff})},
		"use": "sig",
	}, []byte(`{}`))
	require.NoError(t, err)
	token, err := jws.Parse(compact)
	require.NoError(t, err)
	require.Equal(t, "dpop+jwt", token.Header.Type)
	require.Equal(t, "JWT", token.Header.ContentType)
	require.Equal(t, [][]byte{{0xfb, 0xff}}, token.Header.Chain)
	require.Equal(t, json.RawMessage(`"sig"`), token.Header.Members["use"])
	require.True(t, key.PublicKey.Equal(token.Header.JWK.Key))
	require.NoError(t, token.Verify(*token.Header.JWK, jws.ES256))
}

// signerFunc stands for a device that answers wrongly.
type signerFunc struct {
	public crypto.PublicKey
	sign   func() ([]byte, error)
}

func (s signerFunc) Public() crypto.PublicKey { return s.public }

func (s signerFunc) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return s.sign() }

func TestSignRefuses(t *testing.T) {
	rsaKey, ecKey := newRSA(t, 2048), newEC(t, elliptic.P256())
	broken := errors.New("device unplugged")
	answer := func(der []byte, err error) crypto.Signer {
		return signerFunc{ecKey.Public(), func() ([]byte, error) { return der, err }}
	}
	for _, test := range []struct {
		name   string
		key    crypto.Signer
		header any
		want   jws.Code
	}{
		{"no key", nil, map[string]string{"alg": jws.RS256}, jws.CodeKeyType},
		{"no algorithm", rsaKey, map[string]string{}, jws.CodeAlgorithm},
		{"none", rsaKey, map[string]string{"alg": "none"}, jws.CodeAlgorithm},
		{"not an object", rsaKey, []string{"alg"}, jws.CodeJSON},
		{"not JSON", rsaKey, func() {}, jws.CodeHeader},
		{"RSA for ES256", rsaKey, map[string]string{"alg": jws.ES256}, jws.CodeKeyMismatch},
		{"EC for RS256", ecKey, map[string]string{"alg": jws.RS256}, jws.CodeKeyMismatch},
		{"EC on P-384", newEC(t, elliptic.P384()), map[string]string{"alg": jws.ES256}, jws.CodeKeyType},
		{"weak", newRSA(t, 1024), map[string]string{"alg": jws.RS256}, jws.CodeWeakKey},
		{"signer fails", answer(nil, broken), map[string]string{"alg": jws.ES256}, jws.CodeSigning},
		{"signer returns no ASN.1", answer([]byte("x"), nil), map[string]string{"alg": jws.ES256}, jws.CodeSigningInvalid},
		{"signer returns zero", answer([]byte{0x30, 6, 2, 1, 0, 2, 1, 1}, nil), map[string]string{"alg": jws.ES256}, jws.CodeSigningInvalid},
		{"signer returns more", answer([]byte{0x30, 6, 2, 1, 1, 2, 1, 1, 0}, nil), map[string]string{"alg": jws.ES256}, jws.CodeSigningInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := jws.Sign(test.key, test.header, nil)
			require.Equal(t, test.want, code(err), "%v", err)
		})
	}
	_, err := jws.Sign(answer(nil, broken), map[string]string{"alg": jws.ES256}, nil)
	require.ErrorIs(t, err, broken)
}

func TestErrorsDoNotQuote(t *testing.T) {
	const canary = "CANARY"
	header := func(text string) string { return b64(text) + ".e30.e30" }
	for _, token := range []string{
		canary,
		header(`{"alg":"` + canary + `"}`),
		header(`{"` + canary + `":1,"` + canary + `":2}`),
		header(`{"alg":` + canary + `}`),
		header(`{"alg":"ES256","jwk":{"kty":"` + canary + `"}}`),
		header(`{"alg":"RS256","x5c":["` + canary + `"]}`),
	} {
		_, err := jws.Parse(token)
		require.Error(t, err)
		require.NotContains(t, err.Error(), canary)
	}
	var claims struct {
		Exp int `json:"exp"`
	}
	err := jws.DecodeStrict([]byte(`{"exp":"`+canary+`"}`), &claims)
	require.Equal(t, jws.CodeJSON, code(err))
	require.NotContains(t, err.Error(), canary)
}

func FuzzParse(f *testing.F) {
	f.Add(rfc7515RS256)
	f.Add(rfc7515ES256)
	f.Add(rfc7515None)
	f.Add(b64(`{"alg":"RS256","crit":["b64"],"b64":false}`) + ".e30.e30")
	f.Add(b64(`{"alg":"ES256","jwk":`+rfc7515ECKey+`,"x5c":["AA=="]}`) + "..AA")
	key := parseKey(f, rfc7515ECKey)
	f.Fuzz(func(t *testing.T, compact string) {
		token, err := jws.Parse(compact)
		if err != nil {
			require.NotEmpty(t, code(err))
			return
		}
		// What is accepted has one spelling only.
		parts := strings.Split(compact, ".")
		require.Equal(t, parts[1], base64.RawURLEncoding.EncodeToString(token.Payload))
		require.Equal(t, parts[2], base64.RawURLEncoding.EncodeToString(token.Signature))
		require.Contains(t, []string{jws.RS256, jws.PS256, jws.ES256}, token.Header.Algorithm)
		if token.Verify(key, jws.ES256) == nil {
			require.Equal(t, rfc7515ES256, compact)
		}
	})
}
