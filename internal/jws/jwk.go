package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"math/big"
)

// MaxKeys is the largest number of keys in a [Set] that is read.
const MaxKeys = 1000

// JWK is a public key with what its owner says about it.
type JWK struct {
	Key       crypto.PublicKey // *rsa.PublicKey, or *ecdsa.PublicKey on P-256
	KeyID     string           // kid, may be empty
	Algorithm string           // alg, empty when the key is not reserved for one
	Use       string           // use: "sig", "enc" or empty
}

// Set is a JWK Set (RFC 7517 §5).
type Set struct {
	Keys []JWK `json:"keys"`
}

// wireJWK has the members in the order that RFC 7638 prescribes for the
// thumbprint of either type, followed by the optional ones.
type wireJWK struct {
	Crv string `json:"crv,omitempty"`
	E   string `json:"e,omitempty"`
	Kty string `json:"kty"`
	N   string `json:"n,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`

	Alg string `json:"alg,omitempty"`
	Kid string `json:"kid,omitempty"`
	Use string `json:"use,omitempty"`
}

// privateMembers are the members of RFC 7518 §6.2.2, §6.3.2 and §6.4.1 that
// must never be in a public key.
func privateMembers() []string { return []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} }

// ParseJWK reads a public RSA or EC P-256 key. Numbers must have the exact
// lengths of RFC 7518 §6, because the thumbprint depends on them. Unknown
// members are ignored, private ones refused.
func ParseJWK(data []byte) (JWK, error) {
	members, err := decodeObject(data)
	if err != nil {
		return JWK{}, err
	}
	for _, name := range privateMembers() {
		if _, present := members[name]; present {
			return JWK{}, refuse(CodePrivateKey, "the JWK has the private member %q", name)
		}
	}
	var w wireJWK
	if err := decodeStrings(members, []stringMember{
		{"kty", &w.Kty}, {"n", &w.N}, {"e", &w.E}, {"crv", &w.Crv}, {"x", &w.X}, {"y", &w.Y},
		{"alg", &w.Alg}, {"kid", &w.Kid}, {"use", &w.Use},
	}); err != nil {
		return JWK{}, err
	}
	jwk := JWK{KeyID: w.Kid, Algorithm: w.Alg, Use: w.Use}
	switch w.Kty {
	case "RSA":
		jwk.Key, err = parseRSA(w)
	case "EC":
		jwk.Key, err = parseEC(w)
	default:
		err = refuse(CodeKeyType, "the JWK type is neither RSA nor EC")
	}
	if err != nil {
		return JWK{}, err
	}
	return jwk, nil
}

func parseRSA(w wireJWK) (crypto.PublicKey, error) {
	n, err := decodeUint("n", w.N)
	if err != nil {
		return nil, err
	}
	e, err := decodeUint("e", w.E)
	if err != nil {
		return nil, err
	}
	// int has 32 bits on some targets.
	if !e.IsInt64() || e.Int64() > math.MaxInt32 {
		return nil, refuse(CodeKeyMember, `the JWK member "e" is too large`)
	}
	key := &rsa.PublicKey{N: n, E: int(e.Int64())}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return key, nil
}

// decodeUint reads a Base64urlUInt: the shortest big-endian form (RFC 7518 §2).
func decodeUint(name, text string) (*big.Int, error) {
	data, err := decodeBase64(text)
	if err != nil || len(data) == 0 || data[0] == 0 {
		return nil, refuse(CodeKeyMember, "the JWK member %q is missing or not a minimal base64url number", name)
	}
	return new(big.Int).SetBytes(data), nil
}

func parseEC(w wireJWK) (crypto.PublicKey, error) {
	if w.Crv != "P-256" {
		return nil, refuse(CodeKeyType, "the JWK curve is not P-256")
	}
	point := []byte{4} // uncompressed
	for _, c := range []struct{ name, text string }{{"x", w.X}, {"y", w.Y}} {
		data, err := decodeBase64(c.text)
		if err != nil || len(data) != p256Bytes {
			return nil, refuse(CodeKeyMember, "the JWK member %q is missing or not 32 bytes of base64url", c.name)
		}
		point = append(point, data...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, &Error{Code: CodeKeyMember, Reason: "the JWK is not a point of P-256", cause: err}
	}
	return key, nil
}

// MarshalJSON writes the members of RFC 7517 and RFC 7518.
func (k JWK) MarshalJSON() ([]byte, error) {
	w, err := publicMembers(k.Key)
	if err != nil {
		return nil, err
	}
	w.Alg, w.Kid, w.Use = k.Algorithm, k.KeyID, k.Use
	return json.Marshal(w)
}

func publicMembers(key crypto.PublicKey) (wireJWK, error) {
	if err := checkKey(key); err != nil {
		return wireJWK{}, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	if k, ok := key.(*rsa.PublicKey); ok {
		e := big.NewInt(int64(k.E))
		return wireJWK{Kty: "RSA", N: encode(k.N.Bytes()), E: encode(e.Bytes())}, nil
	}
	point, err := key.(*ecdsa.PublicKey).Bytes() // checkKey left only this type
	if err != nil {
		return wireJWK{}, &Error{Code: CodeKeyType, Reason: "the EC key is not a point of P-256", cause: err}
	}
	x, y := point[1:1+p256Bytes], point[1+p256Bytes:]
	return wireJWK{Kty: "EC", Crv: "P-256", X: encode(x), Y: encode(y)}, nil
}

// Thumbprint returns the SHA-256 thumbprint of a public key in base64url
// (RFC 7638): 43 characters, the "kid" that PDND gives to clients' keys and
// the "jkt" of RFC 9449.
func Thumbprint(key crypto.PublicKey) (string, error) {
	w, err := publicMembers(key)
	if err != nil {
		return "", err
	}
	// wireJWK writes the required members in lexicographic order, without
	// blanks, and base64url needs no escaping.
	data, err := json.Marshal(w)
	if err != nil {
		return "", &Error{Code: CodeJSON, Reason: "the key cannot be written as JSON", cause: err}
	}
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// ParseSet reads a JWK Set. Keys of types that this package does not serve are
// left out, as RFC 7517 §5 advises; malformed keys, weak keys and two keys
// with the same "kid" refuse the whole set.
func ParseSet(data []byte) (Set, error) {
	members, err := decodeObject(data)
	if err != nil {
		return Set{}, err
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(members["keys"], &raws); err != nil || raws == nil {
		return Set{}, refuse(CodeKeyMember, `the JWK Set has no list "keys"`)
	}
	if len(raws) > MaxKeys {
		return Set{}, refuse(CodeTooLarge, "the JWK Set has more than %d keys", MaxKeys)
	}
	set := Set{Keys: make([]JWK, 0, len(raws))}
	seen := make(map[string]struct{}, len(raws))
	for _, raw := range raws {
		key, err := ParseJWK(raw)
		if hasCode(err, CodeKeyType) {
			continue
		}
		if err != nil {
			return Set{}, err
		}
		if _, again := seen[key.KeyID]; again && key.KeyID != "" {
			return Set{}, refuse(CodeDuplicate, `the JWK Set has two keys with the same "kid"`)
		}
		seen[key.KeyID] = struct{}{}
		set.Keys = append(set.Keys, key)
	}
	return set, nil
}

// Find returns the key with this "kid". An empty kid finds nothing.
func (s Set) Find(kid string) (JWK, bool) {
	for _, key := range s.Keys {
		if kid != "" && key.KeyID == kid {
			return key, true
		}
	}
	return JWK{}, false
}
