package pdnd

import (
	"context"
	"net/url"
	"path"

	"github.com/pa-italia/sdk-go/internal/rest"
	"github.com/pa-italia/sdk-go/pa"
)

// Client asks for the vouchers of one client and purpose and keeps the current
// one. It is immutable and safe for concurrent use. It is a [pa.TokenSource]
// and a [pa.Invalidator]: give it to [pa.Bearer].
type Client struct {
	cfg   Config
	core  *rest.Core
	op    rest.Op
	cache *pa.TokenCache
}

// New makes a Client. It does not touch the network. Its error is a
// [*pa.ValidationError] with all that is wrong with cfg, the key included
// where it is at hand.
func New(cfg Config) (*Client, error) {
	cfg, findings := cfg.withDefaults()
	findings = append(findings, checkKey(cfg)...)
	op := tokenOp()
	var core *rest.Core
	if cfg.TokenURL != "" {
		base, last, ok := splitURL(cfg.TokenURL)
		if !ok {
			findings = append(findings, finding("TokenURL", ruleTokenURL))
		}
		op.Path = last
		var more []pa.Finding
		core, more = rest.New(rest.Config{BaseURL: base, Transport: cfg.Transport, Explain: explain})
		for _, f := range more {
			if f.Path != "BaseURL" {
				findings = append(findings, f)
			} else if ok { // it has the form of a URL and is refused all the same
				f.Path = "TokenURL"
				findings = append(findings, f)
			}
		}
	}
	if err := pa.NewValidationError("pdnd.Config", findings); err != nil {
		return nil, err
	}
	return build(cfg, core, op), nil
}

// Credentials are those of one client and purpose; see the fields of [Config]
// of the same names.
type Credentials struct {
	ClientID  string
	PurposeID string
	Key       KeySource
	KeyID     string
}

// With derives a Client that asks with other credentials, for vouchers of its
// own, over the connections of c.
func (c *Client) With(cred Credentials) (*Client, error) {
	cfg := c.cfg
	cfg.ClientID, cfg.PurposeID, cfg.Key, cfg.KeyID = cred.ClientID, cred.PurposeID, cred.Key, cred.KeyID
	cfg, findings := cfg.withDefaults()
	if err := pa.NewValidationError("pdnd.Credentials", append(findings, checkKey(cfg)...)); err != nil {
		return nil, err
	}
	return build(cfg, c.core, c.op), nil
}

func build(cfg Config, core *rest.Core, op rest.Op) *Client {
	c := &Client{cfg: cfg, core: core, op: op}
	c.cache = pa.NewTokenCache(pa.TokenFunc(c.request), cfg.Cache)
	return c
}

// checkKey holds the key against the rules where no network is needed to have it.
func checkKey(cfg Config) []pa.Finding {
	key, fault, ok := inspect(cfg.Key)
	if ok && fault == nil {
		_, fault = key.check(cfg.KeyID)
	}
	if fault == nil {
		return nil
	}
	return []pa.Finding{*fault}
}

// splitURL cuts an address before the last segment of its path.
func splitURL(raw string) (base, last string, ok bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return raw, "", false
	}
	dir, last := path.Split(u.EscapedPath())
	if last == "" {
		return raw, "", false
	}
	return u.Scheme + "://" + u.Host + dir, "/" + last, true
}

// Token returns a voucher that can be used now: the current one, or a new one
// from PDND. Callers that need a new one share a single request; see
// [pa.TokenCache].
//
// Its error is a [*pa.Error] where PDND was asked, with [ErrVoucherRefused]
// where it did not want to, and a [*pa.ValidationError] or the error of the
// [KeySource] where there is no key to sign with.
func (c *Client) Token(ctx context.Context) (pa.Token, error) { return c.cache.Token(ctx) }

// Invalidate drops the voucher that a platform refused, if it is still the
// current one.
func (c *Client) Invalidate(rejected pa.Secret) { c.cache.Invalidate(rejected) }

// Assertion returns a new client assertion, as it would be sent: for the page
// "Debug client assertion" of the back office, which says what PDND's token
// endpoint does not. Until it expires it is worth a voucher.
func (c *Client) Assertion(ctx context.Context) (pa.Secret, error) {
	a, err := c.assert(ctx)
	return a.compact, err
}
