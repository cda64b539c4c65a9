package pdnd

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/rest"
	"github.com/pa-italia/sdk-go/pa"
)

const (
	grantType     = "client_credentials"
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// maxVoucherLife is the longest life that a provider can give to the
	// vouchers of an e-service version.
	maxVoucherLife = 24 * time.Hour
	maxTokenReply  = 256 << 10
)

// tokenOp is repeated freely: PDND keeps nothing of a request for a voucher,
// and takes an assertion more than once.
func tokenOp() rest.Op {
	return rest.Op{Name: "pdnd.Token", Method: http.MethodPost, Idempotent: true, OK: []int{http.StatusOK}, MaxBody: maxTokenReply}
}

// request asks PDND for a new voucher.
//
//api:operation POST /token.oauth2
func (c *Client) request(ctx context.Context) (pa.Token, error) {
	// A Meta of its own: the reply holds a secret and is not that of the call
	// that the voucher is for.
	var meta pa.Meta
	ctx = pa.CaptureMeta(ctx, &meta)
	attempt := &tokenAttempt{client: c}
	reply, err := c.core.With(attempt, "", nil).Do(ctx, &c.op, rest.Request{})
	if attempt.err != nil {
		return pa.Token{}, attempt.err
	}
	clock := driftOf(meta.Header, attempt.sent, time.Now())
	if err != nil {
		return pa.Token{}, c.describe(err, meta, attempt.kid, clock)
	}
	if log := c.cfg.Transport.Logger; log != nil && clock.large() {
		log.LogAttrs(ctx, slog.LevelWarn, "the clock of this machine differs from the platform's",
			slog.String("op", c.op.Name), slog.Duration("ahead", clock.ahead()))
	}
	token, ok := decodeVoucher(reply.Body, attempt.sent)
	if !ok {
		// Without the body, which may hold a voucher.
		return pa.Token{}, pa.NewError(pa.Fault{Op: c.op.Name, StatusCode: reply.Status, TraceID: meta.TraceID,
			Attempts: reply.Attempts, Is: []*pa.Sentinel{pa.ErrUnexpectedReply}})
	}
	return token, nil
}

// tokenAttempt puts a client assertion on every attempt of one request, so
// that none is sent with one that grew old while waiting.
type tokenAttempt struct {
	client *Client
	sent   time.Time
	kid    string
	err    error
}

// Authorize writes the form, which is all credential.
func (a *tokenAttempt) Authorize(ctx context.Context, req *http.Request) error {
	var signed assertion
	if signed, a.err = a.client.assert(ctx); a.err != nil {
		return a.err
	}
	form := url.Values{
		"client_id":             {a.client.cfg.ClientID},
		"client_assertion":      {signed.compact.Reveal()},
		"client_assertion_type": {assertionType},
		"grant_type":            {grantType},
	}.Encode()
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.ContentLength = int64(len(form))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(form)), nil }
	var err error
	req.Body, err = req.GetBody()
	a.kid, a.sent = signed.kid, time.Now()
	return err
}

// decodeVoucher reads the reply of the token endpoint. The life of a voucher
// is counted from before it was asked for, in wall time, which goes on while a
// machine sleeps.
func decodeVoucher(body []byte, asked time.Time) (pa.Token, bool) {
	var reply struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"` // seconds
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return pa.Token{}, false
	}
	// A voucher bound to a DPoP key was not asked for and could not be used.
	if reply.AccessToken == "" || strings.ContainsFunc(reply.AccessToken, notToken) ||
		!strings.EqualFold(reply.TokenType, "Bearer") || reply.ExpiresIn <= 0 {
		return pa.Token{}, false
	}
	life := time.Duration(min(reply.ExpiresIn, int64(maxVoucherLife/time.Second))) * time.Second
	return pa.Token{Value: pa.NewSecret(reply.AccessToken), Expiry: asked.Round(0).Add(life)}, true
}

// notToken reports whether a character cannot be part of a compact JWS, and
// so neither of a header.
func notToken(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
}

// drift is how far the clock of this machine is from the platform's.
type drift time.Duration // positive: this machine is ahead

// maxDrift is tolerated without a word.
const maxDrift = 5 * time.Second

func (d drift) ahead() time.Duration { return time.Duration(d).Round(time.Second) }
func (d drift) large() bool          { return time.Duration(d).Abs() > maxDrift }

// driftOf compares the Date of a reply, which is cut to a second, with the
// time between the request and the reply. A reply without one shows no drift.
func driftOf(h http.Header, sent, received time.Time) drift {
	date, err := http.ParseTime(h.Get("Date"))
	switch {
	case err != nil || sent.IsZero():
		return 0
	case date.After(received):
		return drift(received.Sub(date))
	case date.Add(time.Second).Before(sent):
		return drift(sent.Sub(date.Add(time.Second)))
	}
	return 0
}
