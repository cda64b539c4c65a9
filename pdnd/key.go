package pdnd

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"

	"github.com/pa-italia/sdk-go/pa"
)

// Key signs client assertions. Its public half is registered on the client in
// the PDND back office.
type Key struct {
	// ID is the kid. PDND computes it from the key ([Thumbprint]), so it may
	// be left empty; one that does not belong to the key is refused.
	ID string
	// Signer holds an RSA key of 2048 bits or more: an *rsa.PrivateKey, or the
	// signer of an HSM or a KMS. It must sign a SHA-256 digest by
	// RSASSA-PKCS1-v1_5.
	Signer crypto.Signer `json:"-"`
}

// KeySource gives the key to sign with. It is asked for every client
// assertion, so that a rotated key is taken up without a restart, and must be
// safe for concurrent use. A signer that goes to the network can be bound to
// the context of the call that it is given for.
type KeySource interface {
	Key(ctx context.Context) (Key, error)
}

// KeyFunc makes a function a [KeySource].
type KeyFunc func(ctx context.Context) (Key, error)

// Key calls f.
func (f KeyFunc) Key(ctx context.Context) (Key, error) { return f(ctx) }

// StaticKey is a [KeySource] that always gives the same signer.
func StaticKey(signer crypto.Signer) KeySource { return staticKey{signer} }

type staticKey struct{ signer crypto.Signer }

func (k staticKey) Key(context.Context) (Key, error) { return Key{Signer: k.signer}, nil }

// KeyPEM is a [KeySource] that reads a private key, as [ParsePrivateKey] does,
// from a secret source at every use.
func KeyPEM(source pa.SecretSource) KeySource { return keyPEM{source} }

// KeyFile is a [KeySource] that reads a PEM file at every use. To rotate the
// key without an interruption, register the new one on the client, wait until
// PDND knows it, replace the file, then delete the old one from the client.
func KeyFile(name string) KeySource { return KeyPEM(pa.SecretFile(name)) }

type keyPEM struct{ source pa.SecretSource }

func (k keyPEM) Key(ctx context.Context) (Key, error) {
	secret, err := k.source.Secret(ctx)
	if err != nil {
		return Key{}, err
	}
	signer, err := ParsePrivateKey([]byte(secret.Reveal()))
	if err != nil {
		return Key{}, err
	}
	return Key{Signer: signer}, nil
}

// inspect returns the key of a source that can be asked without the network.
func inspect(source KeySource) (key Key, finding *pa.Finding, ok bool) {
	switch k := source.(type) {
	case staticKey:
		return Key{Signer: k.signer}, nil, true
	case keyPEM:
		var text []byte
		switch s := k.source.(type) {
		case pa.Secret:
			text = []byte(s.Reveal())
		case pa.SecretFile:
			var err error
			if text, err = os.ReadFile(string(s)); err != nil {
				return Key{}, keyFinding(ruleKeyUnreadable), true
			}
		default:
			return Key{}, nil, false
		}
		signer, finding := parsePrivateKey(text)
		return Key{Signer: signer}, finding, true
	}
	return Key{}, nil, false
}

func keyFinding(rule string) *pa.Finding { f := finding("Key", rule); return &f }

const minKeyBits = 2048

// ParsePrivateKey reads a PEM text that holds one RSA private key of at least
// 2048 bits, in PKCS #8 (BEGIN PRIVATE KEY) or PKCS #1 (BEGIN RSA PRIVATE KEY).
// The error is a [*pa.ValidationError] that names what is there instead.
func ParsePrivateKey(text []byte) (*rsa.PrivateKey, error) {
	key, fault := parsePrivateKey(text)
	if fault != nil {
		return nil, pa.NewValidationError("pdnd.Key", []pa.Finding{*fault})
	}
	return key, nil
}

func parsePrivateKey(text []byte) (*rsa.PrivateKey, *pa.Finding) {
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, keyFinding(ruleKeyNotPEM)
	}
	if another, _ := pem.Decode(rest); another != nil {
		return nil, keyFinding(ruleKeySeveral)
	}
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return nil, keyFinding(ruleKeyEncrypted)
	case strings.HasSuffix(block.Type, "PUBLIC KEY"):
		return nil, keyFinding(ruleKeyPublic)
	case strings.Contains(block.Type, "CERTIFICATE"):
		return nil, keyFinding(ruleKeyCertificate)
	case block.Type == "EC PRIVATE KEY":
		return nil, keyFinding(ruleKeyNotRSA)
	}
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, keyFinding(ruleKeyNotPEM)
	}
	if err != nil {
		return nil, keyFinding(ruleKeyMalformed)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, keyFinding(ruleKeyNotRSA)
	}
	if key.N.BitLen() < minKeyBits {
		return nil, keyFinding(ruleKeyShort)
	}
	return key, nil
}

// Thumbprint returns the kid that PDND gives to an RSA public key: the SHA-256
// thumbprint of RFC 7638, 43 characters of base64url.
func Thumbprint(pub crypto.PublicKey) (string, error) {
	key, ok := pub.(*rsa.PublicKey)
	if !ok || key == nil || key.N == nil {
		return "", pa.NewValidationError("pdnd.Key", []pa.Finding{*keyFinding(ruleKeyNotRSA)})
	}
	// The members in this order and without white space are what RFC 7638,
	// section 3, hashes.
	b64 := base64.RawURLEncoding
	sum := sha256.Sum256(fmt.Appendf(nil, `{"e":"%s","kty":"RSA","n":"%s"}`,
		b64.EncodeToString(big.NewInt(int64(key.E)).Bytes()), b64.EncodeToString(key.N.Bytes())))
	return b64.EncodeToString(sum[:]), nil
}

// signingKey is a key that has been checked.
type signingKey struct {
	kid    string
	public *rsa.PublicKey
	signer crypto.Signer
}

// check holds a key, and the kid that the configuration expects, against the
// rules of PDND.
func (k Key) check(expected string) (signingKey, *pa.Finding) {
	if k.Signer == nil {
		return signingKey{}, keyFinding(ruleKeyMissing)
	}
	public, ok := k.Signer.Public().(*rsa.PublicKey)
	if !ok || public == nil || public.N == nil {
		return signingKey{}, keyFinding(ruleKeyNotRSA)
	}
	if public.N.BitLen() < minKeyBits {
		return signingKey{}, keyFinding(ruleKeyShort)
	}
	kid, err := Thumbprint(public)
	if err != nil {
		return signingKey{}, keyFinding(ruleKeyNotRSA)
	}
	for _, claimed := range []string{k.ID, expected} {
		if claimed != "" && claimed != kid {
			f := finding("KeyID", ruleKeyID)
			f.Text.IT += ": il kid della chiave è " + kid
			f.Text.EN += ": the kid of the key is " + kid
			return signingKey{}, &f
		}
	}
	return signingKey{kid, public, k.Signer}, nil
}
