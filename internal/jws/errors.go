package jws

import (
	"errors"
	"fmt"
)

// Code says in a stable way why something was refused.
type Code string

// The codes of [Error].
const (
	CodeTooLarge       Code = "too_large"       // longer than MaxSize
	CodeCompact        Code = "compact"         // not three parts separated by dots
	CodeBase64         Code = "base64"          // not canonical unpadded base64url
	CodeJSON           Code = "json"            // not JSON, or JSON of another shape
	CodeDuplicate      Code = "duplicate"       // an object has a member twice
	CodeDepth          Code = "depth"           // JSON nested too deeply
	CodeHeader         Code = "header"          // a member has the wrong type or is missing
	CodeCritical       Code = "critical"        // the header asks for an extension
	CodeAlgorithm      Code = "algorithm"       // an algorithm that is not implemented
	CodeNotAllowed     Code = "not_allowed"     // an algorithm that the verifier does not accept
	CodeKeyType        Code = "key_type"        // a key that is not RSA nor EC P-256
	CodeKeyMismatch    Code = "key_mismatch"    // a key that does not serve this algorithm or use
	CodeWeakKey        Code = "weak_key"        // an RSA key outside the accepted sizes
	CodeKeyMember      Code = "key_member"      // a JWK member is missing or malformed
	CodePrivateKey     Code = "private_key"     // a JWK with private members
	CodeSignature      Code = "signature"       // the signature does not match
	CodeSigning        Code = "signing"         // the signer failed
	CodeSigningInvalid Code = "signing_invalid" // the signer returned something that is not a signature
)

// Error tells why a token, a key or a JSON text was refused. Its text holds
// names fixed by the standards and positions, never received content.
type Error struct {
	Code   Code
	Reason string
	cause  error
}

func (e *Error) Error() string { return "jws: " + e.Reason }

// Unwrap returns the error below, if any. Unlike Error, its text may quote
// what was received.
func (e *Error) Unwrap() error { return e.cause }

func refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Reason: fmt.Sprintf(format, args...)}
}

func hasCode(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}
