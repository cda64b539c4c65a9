package jws_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/jws"
)

func sha256Base64(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestDecodeStrict(t *testing.T) {
	var v struct {
		A int               `json:"a"`
		B []map[string]bool `json:"b"`
	}
	require.NoError(t, jws.DecodeStrict([]byte(` {"a":1,"b":[{"x":true},{"x":false}],"unknown":{}} `), &v))
	require.Equal(t, 1, v.A)
	require.Equal(t, []map[string]bool{{"x": true}, {"x": false}}, v.B)

	for _, test := range []struct {
		name, text string
		want       jws.Code
	}{
		{"empty", ``, jws.CodeJSON},
		{"cut short", `{"a":1`, jws.CodeJSON},
		{"trailing text", `{} x`, jws.CodeJSON},
		{"trailing value", `{}{}`, jws.CodeJSON},
		{"trailing comma", `{"a":1,}`, jws.CodeJSON},
		{"missing comma", `{"b":[] "a":1}`, jws.CodeJSON},
		{"trailing comma in a list", `{"b":[{},]}`, jws.CodeJSON},
		{"comment", `{/**/}`, jws.CodeJSON},
		{"type", `{"a":"1"}`, jws.CodeJSON},
		{"not UTF-8", "{\"\xc3\x28\":1}", jws.CodeJSON},
		{"duplicate", `{"a":1,"a":1}`, jws.CodeDuplicate},
		{"duplicate in another case", `{"a":1,"A":1}`, jws.CodeDuplicate},
		{"duplicate with the Kelvin sign", `{"k":1,"\u212a":1}`, jws.CodeDuplicate},
		{"duplicate with the long s", `{"iss":1,"i\u017fs":1}`, jws.CodeDuplicate},
		{"duplicate in a list", `{"b":[{"x":true,"x":false}]}`, jws.CodeDuplicate},
		{"deep list", strings.Repeat("[", 65) + strings.Repeat("]", 65), jws.CodeDepth},
		{"unclosed deep list", strings.Repeat("[", 1<<20), jws.CodeDepth},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, code(jws.DecodeStrict([]byte(test.text), &v)))
		})
	}
	var any any
	require.NoError(t, jws.DecodeStrict([]byte(strings.Repeat("[", 63)+strings.Repeat("]", 63)), &any))
}

func FuzzDecodeStrict(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":[1,2,{"a":null}]}`, `[{"x":1,"X":2}]`, `{"a":1,}`, `"\ud800"`, `1e400`, `[[[]]]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var strict, lenient any
		if err := jws.DecodeStrict(data, &strict); err != nil {
			require.NotEmpty(t, code(err))
			return
		}
		require.NoError(t, json.Unmarshal(data, &lenient))
		require.Equal(t, lenient, strict)
	})
}
