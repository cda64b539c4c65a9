package pdndtest

import (
	"crypto"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/jws"
	"github.com/pa-italia/sdk-go/internal/sim"
)

// voucherHeader and voucherClaims are those of a voucher.
type voucherHeader struct {
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
	Type      string `json:"typ"`
	KeyID     string `json:"kid"`
}

type voucherClaims struct {
	ID        string `json:"jti"`
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"` // always one text; several are joined by commas
	ClientID  string `json:"client_id"`
	Subject   string `json:"sub"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	ExpiresAt int64  `json:"exp"`

	PurposeID    string `json:"purposeId,omitempty"`
	Digest       any    `json:"digest,omitempty"`
	ProducerID   string `json:"producerId,omitempty"`
	ConsumerID   string `json:"consumerId,omitempty"`
	EServiceID   string `json:"eserviceId,omitempty"`
	DescriptorID string `json:"descriptorId,omitempty"`

	OrganizationID string `json:"organizationId,omitempty"`
	Role           string `json:"role,omitempty"`
	AdminID        string `json:"adminId,omitempty"`
}

// tokenReply is the body of a success.
type tokenReply struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
}

const (
	voucherType = "at+jwt"
	bearer      = "Bearer"
)

// signer is the key that vouchers are signed with. Its kid is an identifier of
// the key store, not a thumbprint.
type signer struct {
	kid string
	key crypto.Signer
}

// issue makes a voucher. purpose is nil for an API client.
func (s *Server) issue(client *registered, purpose *Purpose, digest any) sim.Reply {
	now := s.now()
	life := apiLifetime
	if purpose != nil {
		life = purpose.Lifetime
	}
	claims := voucherClaims{
		ID: s.newUUID(), Issuer: s.Issuer(), ClientID: client.ID, Subject: client.ID,
		IssuedAt: now.Unix(), NotBefore: now.Unix(), ExpiresAt: now.Add(life).Unix(),
	}
	if purpose != nil {
		claims.Audience = strings.Join(purpose.Audience, ",")
		claims.PurposeID, claims.Digest = purpose.ID, digest
		claims.ProducerID, claims.ConsumerID = purpose.ProducerID, client.OrganizationID
		claims.EServiceID, claims.DescriptorID = purpose.EServiceID, purpose.DescriptorID
	} else {
		claims.Audience = s.APIAudience()
		claims.OrganizationID, claims.Role, claims.AdminID = client.OrganizationID, "m2m", client.AdminID
		if client.AdminID != "" {
			claims.Role = "m2m-admin"
		}
	}
	voucher, err := s.sign(claims)
	if err != nil {
		return reply(http.StatusInternalServerError, internalProblem(claims.ID))
	}
	return reply(http.StatusOK, tokenReply{voucher, bearer, claims.ExpiresAt - claims.IssuedAt})
}

func (s *Server) sign(claims voucherClaims) (string, error) {
	payload, err := encode(claims)
	if err != nil {
		return "", err
	}
	return jws.Sign(s.signer.key, voucherHeader{jws.RS256, "sig", voucherType, s.signer.kid}, payload)
}

// jwks serves the public key of the vouchers.
func (s *Server) jwks(*sim.Call) sim.Reply {
	r := sim.JSON(http.StatusOK, jws.Set{Keys: []jws.JWK{s.signer.public()}})
	r.Header.Set("Date", s.now().UTC().Format(http.TimeFormat))
	return r
}

func (k signer) public() jws.JWK {
	return jws.JWK{Key: k.key.Public(), KeyID: k.kid, Algorithm: jws.RS256, Use: "sig"}
}

// Faults that [Server.CheckVoucher] finds.
var (
	ErrVoucherForm      = errors.New("pdndtest: the voucher is not a JWS of type at+jwt with the claims of a voucher")
	ErrVoucherSignature = errors.New("pdndtest: the voucher is not signed by this simulator")
	ErrVoucherIssuer    = errors.New("pdndtest: the voucher is of another issuer")
	ErrVoucherExpired   = errors.New("pdndtest: the voucher has expired or is not valid yet")
	ErrVoucherAudience  = errors.New("pdndtest: the voucher is for another audience")
)

// CheckVoucher checks a voucher as a provider (erogatore) with one of the
// audiences of the registered purposes does: type, signature, issuer, times
// without leeway, audience. Use [Server.VoucherCheck] where there are several
// providers.
func (s *Server) CheckVoucher(voucher string) error {
	return s.checkVoucher(voucher, func(audiences []string) bool {
		for _, c := range s.clients {
			for _, p := range c.Purposes {
				if slices.Equal(audiences, p.Audience) {
					return true
				}
			}
		}
		return false
	})
}

// VoucherCheck returns a check of vouchers for one provider, which wants its
// audience among those of the voucher.
func (s *Server) VoucherCheck(audience string) func(voucher string) error {
	return func(voucher string) error {
		return s.checkVoucher(voucher, func(audiences []string) bool { return slices.Contains(audiences, audience) })
	}
}

// checkVoucher runs accepts with the state locked.
func (s *Server) checkVoucher(voucher string, accepts func(audiences []string) bool) error {
	token, err := jws.Parse(voucher)
	if err != nil || token.Header.Type != voucherType {
		return ErrVoucherForm
	}
	var claims voucherClaims
	if err := jws.DecodeStrict(token.Payload, &claims); err != nil {
		return ErrVoucherForm
	}
	s.do(func() {
		now := s.now()
		switch {
		case token.Header.KeyID != s.signer.kid || token.Verify(s.signer.public(), jws.RS256) != nil:
			err = ErrVoucherSignature
		case claims.Issuer != s.Issuer():
			err = ErrVoucherIssuer
		case now.Before(time.Unix(claims.NotBefore, 0)) || !now.Before(time.Unix(claims.ExpiresAt, 0)):
			err = ErrVoucherExpired
		case !accepts(strings.Split(claims.Audience, ",")):
			err = ErrVoucherAudience
		}
	})
	return err
}

// hidden returns the body of a success without the voucher.
func hidden(body []byte, removed string) []byte {
	var r tokenReply
	if json.Unmarshal(body, &r) != nil || r.AccessToken == "" {
		return body
	}
	r.AccessToken = removed
	out, err := encode(r)
	if err != nil {
		return []byte(removed)
	}
	return out
}
