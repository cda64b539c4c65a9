package send

import (
	"github.com/pa-italia/sdk-go/internal/rest"
	"github.com/pa-italia/sdk-go/pa"
)

// Client calls SEND for one sender. It is immutable and safe for concurrent use.
type Client struct {
	cfg  Config
	rest *rest.Core
	ops  *operations
}

// New makes a client. It opens no connection.
func New(cfg Config) (*Client, error) {
	findings := cfg.check()
	core, more := cfg.core()
	if err := pa.NewValidationError("send.Config", append(findings, more...)); err != nil {
		return nil, err
	}
	return &Client{cfg: cfg, rest: core, ops: newOperations(cfg.Versions)}, nil
}

// Credentials are those of one sender.
type Credentials struct {
	Sender  string // tax code, see Config.Sender
	Group   string // see Config.Group
	APIKey  pa.SecretSource
	Voucher pa.TokenSource // nil for a key that wants none
	Limiter pa.Limiter     // nil keeps that of the transport
}

// With derives the client of another sender, which shares connections and
// settings. What one sender's key is refused or throttled for delays no other.
func (c *Client) With(cred Credentials) (*Client, error) {
	cfg := c.cfg
	cfg.Sender, cfg.Group, cfg.APIKey, cfg.Voucher = cred.Sender, cred.Group, cred.APIKey, cred.Voucher
	if err := pa.NewValidationError("send.Credentials", cfg.check()); err != nil {
		return nil, err
	}
	return &Client{cfg: cfg, rest: c.rest.With(cfg.authorizer(), cfg.Sender, cred.Limiter), ops: c.ops}, nil
}

// WithVersions derives a client of the same sender that speaks other versions;
// zero fields are those of production.
func (c *Client) WithVersions(v Versions) (*Client, error) {
	cfg := c.cfg
	cfg.Versions = v
	if err := pa.NewValidationError("send.Versions", cfg.check()); err != nil {
		return nil, err
	}
	return &Client{cfg: cfg, rest: c.rest, ops: newOperations(cfg.Versions)}, nil
}

// Sender returns the tax code of the sender, where it is known.
func (c *Client) Sender() string { return c.cfg.Sender }

// Environment returns the environment that the client calls.
func (c *Client) Environment() pa.Environment { return c.cfg.Environment }

// BaseURL returns the address that the client calls.
func (c *Client) BaseURL() string { return c.rest.BaseURL() }
