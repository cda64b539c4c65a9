package jws

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

// MaxSize is the longest compact JWS that [Parse] reads, in bytes.
const MaxSize = 64 << 10

// Header is the protected header of a token.
type Header struct {
	Algorithm   string                     // alg, never empty
	Type        string                     // typ
	ContentType string                     // cty
	KeyID       string                     // kid
	JWK         *JWK                       // jwk: the key the sender shows, checked but not trusted
	Chain       [][]byte                   // x5c: DER certificates, the signer's first, not checked
	Members     map[string]json.RawMessage // every member, also those above
}

// Token is a compact JWS that was read. Nothing of it can be believed before
// [Token.Verify] returns nil.
type Token struct {
	Header    Header
	Payload   []byte
	Signature []byte

	input string // what is signed: header and payload as they were received
}

// Parse reads a compact JWS: three parts in unpadded base64url, the first a
// JSON object with an implemented "alg" and without "crit". The signature is
// not checked.
func Parse(compact string) (*Token, error) {
	if len(compact) > MaxSize {
		return nil, refuse(CodeTooLarge, "the token is longer than %d bytes", MaxSize)
	}
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return nil, refuse(CodeCompact, "the token has %d parts instead of 3", len(parts))
	}
	decoded := make([][]byte, len(parts))
	for i, name := range []string{"header", "payload", "signature"} {
		part, err := decodeBase64(parts[i])
		if err != nil {
			return nil, refuse(CodeBase64, "the %s is not canonical unpadded base64url", name)
		}
		decoded[i] = part
	}
	header, err := parseHeader(decoded[0])
	if err != nil {
		return nil, err
	}
	if len(decoded[2]) == 0 {
		return nil, refuse(CodeSignature, "the token has no signature")
	}
	return &Token{
		Header:    header,
		Payload:   decoded[1],
		Signature: decoded[2],
		input:     parts[0] + "." + parts[1],
	}, nil
}

func parseHeader(data []byte) (Header, error) {
	members, err := decodeObject(data)
	if err != nil {
		return Header{}, err
	}
	h := Header{Members: members}
	if err := decodeStrings(members, []stringMember{
		{"alg", &h.Algorithm}, {"typ", &h.Type}, {"cty", &h.ContentType}, {"kid", &h.KeyID},
	}); err != nil {
		return Header{}, err
	}
	for _, name := range []string{"crit", "b64"} {
		if _, present := members[name]; present {
			return Header{}, refuse(CodeCritical, "the header has %q, and no extension is implemented", name)
		}
	}
	switch h.Algorithm {
	case RS256, PS256, ES256:
	case "":
		return Header{}, refuse(CodeHeader, `the header has no "alg"`)
	default:
		return Header{}, refuse(CodeAlgorithm, "the algorithm is none of %s, %s and %s", RS256, PS256, ES256)
	}
	if raw, present := members["jwk"]; present {
		key, err := ParseJWK(raw)
		if err != nil {
			return Header{}, err
		}
		h.JWK = &key
	}
	if raw, present := members["x5c"]; present {
		if h.Chain, err = decodeChain(raw); err != nil {
			return Header{}, err
		}
	}
	return h, nil
}

// decodeChain reads x5c: standard, padded base64 (RFC 7515 §4.1.6).
func decodeChain(raw json.RawMessage) ([][]byte, error) {
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil || len(texts) == 0 {
		return nil, refuse(CodeHeader, `the header member "x5c" is not a list of certificates`)
	}
	chain := make([][]byte, len(texts))
	for i, text := range texts {
		der, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(der) == 0 || strings.ContainsAny(text, "\r\n") {
			return nil, refuse(CodeHeader, `the header member "x5c" is not base64 at index %d`, i)
		}
		chain[i] = der
	}
	return chain, nil
}

// Verify checks the signature with a key that the caller trusts. The token's
// algorithm must be one of those allowed, and fit the key's type and, where
// the JWK has them, its "alg" and "use".
func (t *Token) Verify(key JWK, allowed ...string) error {
	alg := t.Header.Algorithm
	if !slices.Contains(allowed, alg) {
		return refuse(CodeNotAllowed, "the algorithm of the token is not accepted here")
	}
	if err := checkPair(alg, key.Key); err != nil {
		return err
	}
	if key.Algorithm != "" && key.Algorithm != alg {
		return refuse(CodeKeyMismatch, "the key is reserved for another algorithm")
	}
	if key.Use != "" && key.Use != "sig" {
		return refuse(CodeKeyMismatch, "the key is not meant for signatures")
	}
	if !verify(alg, key.Key, []byte(t.input), t.Signature) {
		return refuse(CodeSignature, "the signature does not match")
	}
	return nil
}

// Sign makes a compact JWS. The header is marshalled as it is given and must
// hold an "alg" that fits the key; other members are not checked, so that a
// simulator can also sign what a strict reader must refuse.
func Sign(key crypto.Signer, header any, payload []byte) (string, error) {
	data, err := json.Marshal(header)
	if err != nil {
		return "", &Error{Code: CodeHeader, Reason: "the header cannot be written as JSON", cause: err}
	}
	members, err := decodeObject(data)
	if err != nil {
		return "", err
	}
	var alg string
	if err := decodeStrings(members, []stringMember{{"alg", &alg}}); err != nil {
		return "", err
	}
	if key == nil {
		return "", refuse(CodeKeyType, "there is no key to sign with")
	}
	if err := checkPair(alg, key.Public()); err != nil {
		return "", err
	}
	input := base64.RawURLEncoding.EncodeToString(data) + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := sign(alg, key, []byte(input))
	if err != nil {
		return "", err
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// decodeObject reads a JSON object by exact member names, which struct tags
// would not ask for.
func decodeObject(data []byte) (map[string]json.RawMessage, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return nil, refuse(CodeJSON, "the JSON is not an object")
	}
	var members map[string]json.RawMessage
	if err := DecodeStrict(data, &members); err != nil {
		return nil, err
	}
	return members, nil
}

type stringMember struct {
	name string
	into *string
}

// decodeStrings reads members that are strings, and leaves those untouched
// that are absent. A present member must not be empty nor null.
func decodeStrings(members map[string]json.RawMessage, wanted []stringMember) error {
	for _, w := range wanted {
		raw, present := members[w.name]
		if !present {
			continue
		}
		if err := json.Unmarshal(raw, w.into); err != nil || *w.into == "" {
			return refuse(CodeHeader, "the member %q is not a string with content", w.name)
		}
	}
	return nil
}

// decodeBase64 refuses the line breaks that encoding/base64 skips.
func decodeBase64(text string) ([]byte, error) {
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		return nil, base64.CorruptInputError(i)
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
