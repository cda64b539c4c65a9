package pdnd

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pa-italia/sdk-go/pa"
)

// assertionClaims are the members that PDND admits in a client assertion; any
// other is refused by UAT and attestation. It is a type of its own because the
// registered claims of the jwt package write aud as an array.
type assertionClaims struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	ID        string `json:"jti"`
	IssuedAt  int64  `json:"iat"` // seconds
	ExpiresAt int64  `json:"exp"`
	PurposeID string `json:"purposeId,omitempty"`
}

func (c assertionClaims) GetIssuer() (string, error)  { return c.Issuer, nil }
func (c assertionClaims) GetSubject() (string, error) { return c.Subject, nil }
func (c assertionClaims) GetAudience() (jwt.ClaimStrings, error) {
	return jwt.ClaimStrings{c.Audience}, nil
}
func (c assertionClaims) GetIssuedAt() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(time.Unix(c.IssuedAt, 0)), nil
}
func (c assertionClaims) GetExpirationTime() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(time.Unix(c.ExpiresAt, 0)), nil
}
func (c assertionClaims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }

// assertion is a signed client assertion and the key that signed it.
type assertion struct {
	compact pa.Secret
	kid     string
}

// assert signs a new client assertion.
func (c *Client) assert(ctx context.Context) (assertion, error) {
	key, err := c.signingKey(ctx)
	if err != nil {
		return assertion{}, err
	}
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, assertionClaims{
		Issuer:    c.cfg.ClientID,
		Subject:   c.cfg.ClientID,
		Audience:  c.cfg.Audience,
		ID:        newUUID(),
		IssuedAt:  now.Add(-c.cfg.AssertionBackdate).Unix(),
		ExpiresAt: now.Add(c.cfg.AssertionLifetime).Unix(),
		PurposeID: c.cfg.PurposeID,
	})
	token.Header["kid"] = key.kid
	input, err := token.SigningString()
	if err != nil {
		return assertion{}, err
	}
	signature, err := key.sign(input)
	if err != nil {
		return assertion{}, err
	}
	return assertion{pa.NewSecret(input + "." + token.EncodeSegment(signature)), key.kid}, nil
}

func (c *Client) signingKey(ctx context.Context) (signingKey, error) {
	given, err := c.cfg.Key.Key(ctx)
	if err != nil {
		return signingKey{}, fmt.Errorf("pdnd: signing key: %w", err)
	}
	key, fault := given.check(c.cfg.KeyID)
	if fault != nil {
		return signingKey{}, pa.NewValidationError("pdnd.Key", []pa.Finding{*fault})
	}
	return key, nil
}

// sign makes an RS256 signature. It is verified before it goes out: PDND tells
// a wrong signature from no other fault.
func (k signingKey) sign(input string) ([]byte, error) {
	digest := sha256.Sum256([]byte(input))
	signature, err := k.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("pdnd: signer: %w", err)
	}
	if rsa.VerifyPKCS1v15(k.public, crypto.SHA256, digest[:], signature) != nil {
		return nil, pa.NewValidationError("pdnd.Key", []pa.Finding{finding("Key", ruleKeySigner)})
	}
	return signature, nil
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: see crypto/rand
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
