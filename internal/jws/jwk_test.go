package jws_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/jws"
)

func TestThumbprintOfRFC7638(t *testing.T) {
	key := parseKey(t, rfc7638Key)
	require.Equal(t, "2011-04-29", key.KeyID)
	require.Equal(t, jws.RS256, key.Algorithm)
	got, err := jws.Thumbprint(key.Key)
	require.NoError(t, err)
	require.Equal(t, rfc7638Thumbprint, got)
}

func TestThumbprintOfEC(t *testing.T) {
	// The hash input of RFC 7638 §3.2 is written out here by hand: the digest
	// must be the one of exactly these bytes.
	const input = `{"crv":"P-256","kty":"EC",` +
		`"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
		`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	got, err := jws.Thumbprint(parseKey(t, rfc7515ECKey).Key)
	require.NoError(t, err)
	require.Equal(t, sha256Base64(input), got)

	_, err = jws.Thumbprint("not a key")
	require.Equal(t, jws.CodeKeyType, code(err))
}

func TestJWKRoundTrip(t *testing.T) {
	for _, key := range []jws.JWK{
		{Key: newRSA(t, 2048).Public(), KeyID: "k1", Algorithm: jws.RS256, Use: "sig"},
		{Key: newEC(t, elliptic.P256()).Public(), KeyID: "k2"},
		{Key: newEC(t, elliptic.P256()).Public()},
	} {
		data, err := json.Marshal(key)
		require.NoError(t, err)
		back, err := jws.ParseJWK(data)
		require.NoError(t, err)
		require.Equal(t, key, back)
	}
	_, err := json.Marshal(jws.JWK{})
	require.Equal(t, jws.CodeKeyType, code(err))
	_, err = json.Marshal(jws.JWK{Key: &ecdsa.PublicKey{Curve: elliptic.P256()}})
	require.Equal(t, jws.CodeKeyType, code(err))
}

func TestJWKKeepsLeadingZeros(t *testing.T) {
	for range 2000 {
		key := newEC(t, elliptic.P256())
		point, err := key.PublicKey.Bytes()
		require.NoError(t, err)
		if point[1] != 0 && point[33] != 0 {
			continue
		}
		data, err := json.Marshal(jws.JWK{Key: key.Public()})
		require.NoError(t, err)
		back, err := jws.ParseJWK(data)
		require.NoError(t, err)
		require.True(t, key.PublicKey.Equal(back.Key))
		return
	}
	t.Fatal("no key with a leading zero in 2000")
}

func TestParseJWKRefuses(t *testing.T) {
	edit := func(text, old, new string) string {
		edited := strings.Replace(text, old, new, 1)
		require.NotEqual(t, text, edited)
		return edited
	}
	weak, err := json.Marshal(map[string]string{"kty": "RSA", "e": "AQAB", "n": b64(string(newRSA(t, 1024).N.Bytes()))})
	require.NoError(t, err)
	for _, test := range []struct {
		name, key string
		want      jws.Code
	}{
		{"empty", ``, jws.CodeJSON},
		{"list", `[]`, jws.CodeJSON},
		{"no type", `{}`, jws.CodeKeyType},
		{"oct", `{"kty":"oct","k":"AA"}`, jws.CodePrivateKey},
		{"OKP", `{"kty":"OKP","crv":"Ed25519","x":"AA"}`, jws.CodeKeyType},
		{"P-384", edit(rfc7515ECKey, "P-256", "P-384"), jws.CodeKeyType},
		{"private EC", edit(rfc7515ECKey, `{`, `{"d":"AA",`), jws.CodePrivateKey},
		{"private RSA", edit(rfc7515RSAKey, `{`, `{"qi":"AA",`), jws.CodePrivateKey},
		{"duplicate", edit(rfc7515RSAKey, `{`, `{"e":"AQAB",`), jws.CodeDuplicate},
		{"off the curve", edit(rfc7515ECKey, `"x_F`, `"x_E`), jws.CodeKeyMember},
		{"short coordinate", edit(rfc7515ECKey, `VEU"`, `"`), jws.CodeKeyMember},
		{"no y", `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}`, jws.CodeKeyMember},
		{"padded", edit(rfc7515RSAKey, `AQAB`, `AQAB==`), jws.CodeKeyMember},
		{"leading zero in e", edit(rfc7515RSAKey, `AQAB`, `AAEAAQ`), jws.CodeKeyMember},
		{"even exponent", edit(rfc7515RSAKey, `AQAB`, `AQAA`), jws.CodeWeakKey},
		{"exponent one", edit(rfc7515RSAKey, `AQAB`, `AQ`), jws.CodeWeakKey},
		{"large exponent", edit(rfc7515RSAKey, `AQAB`, `gAAAAQ`), jws.CodeKeyMember},
		{"huge exponent", edit(rfc7515RSAKey, `AQAB`, `AQAAAAAAAAAB`), jws.CodeKeyMember},
		{"no modulus", `{"kty":"RSA","e":"AQAB"}`, jws.CodeKeyMember},
		{"weak", string(weak), jws.CodeWeakKey},
		{"oversize", `{"kty":"RSA","e":"AQAB","n":"` + b64(strings.Repeat("\xff", 1025)) + `"}`, jws.CodeWeakKey},
		{"kid is a number", edit(rfc7515RSAKey, `{`, `{"kid":1,`), jws.CodeHeader},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := jws.ParseJWK([]byte(test.key))
			require.Equal(t, test.want, code(err), "%v", err)
		})
	}
}

func TestSet(t *testing.T) {
	text := fmt.Sprintf(`{"keys":[%s,{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"ed"},%s],"extra":1}`, rfc7638Key, rfc7515ECKey)
	set, err := jws.ParseSet([]byte(text))
	require.NoError(t, err)
	require.Len(t, set.Keys, 2)
	key, ok := set.Find("2011-04-29")
	require.True(t, ok)
	require.IsType(t, &rsa.PublicKey{}, key.Key)
	_, ok = set.Find("ed")
	require.False(t, ok)
	_, ok = set.Find("") // the second key has no kid
	require.False(t, ok)

	data, err := json.Marshal(set)
	require.NoError(t, err)
	back, err := jws.ParseSet(data)
	require.NoError(t, err)
	require.Equal(t, set, back)

	nameless, err := jws.ParseSet(fmt.Appendf(nil, `{"keys":[%s,%s]}`, rfc7515ECKey, rfc7515RSAKey))
	require.NoError(t, err)
	require.Len(t, nameless.Keys, 2)

	empty, err := jws.ParseSet([]byte(`{"keys":[]}`))
	require.NoError(t, err)
	require.Empty(t, empty.Keys)

	for _, test := range []struct {
		name, set string
		want      jws.Code
	}{
		{"no keys", `{}`, jws.CodeKeyMember},
		{"null", `{"keys":null}`, jws.CodeKeyMember},
		{"bare key", rfc7638Key, jws.CodeKeyMember},
		{"list", `[]`, jws.CodeJSON},
		{"same kid", fmt.Sprintf(`{"keys":[%s,%s]}`, rfc7638Key, rfc7638Key), jws.CodeDuplicate},
		{"malformed key", `{"keys":[{"kty":"RSA"}]}`, jws.CodeKeyMember},
		{"private key", `{"keys":[{"kty":"RSA","d":"AA"}]}`, jws.CodePrivateKey},
		{"too many", `{"keys":[{}` + strings.Repeat(`,{}`, jws.MaxKeys) + `]}`, jws.CodeTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := jws.ParseSet([]byte(test.set))
			require.Equal(t, test.want, code(err), "%v", err)
		})
	}
}

func FuzzParseSet(f *testing.F) {
	f.Add([]byte(`{"keys":[` + rfc7638Key + `,` + rfc7515ECKey + `]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"","y":""}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := jws.ParseSet(data)
		if err != nil {
			require.NotEmpty(t, code(err))
			return
		}
		text, err := json.Marshal(set)
		require.NoError(t, err)
		back, err := jws.ParseSet(text)
		require.NoError(t, err)
		require.Equal(t, set, back)
	})
}
