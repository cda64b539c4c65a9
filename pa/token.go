package pa

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Token is a bearer credential with a life: a PDND voucher, an OAuth access token.
type Token struct {
	Value  Secret
	Type   string    // authorization scheme; "" means Bearer
	Expiry time.Time // zero means that it does not expire
}

func (t Token) scheme() string {
	if t.Type == "" {
		return "Bearer"
	}
	return t.Type
}

// ValidAt reports whether the token can be used at that instant.
func (t Token) ValidAt(now time.Time) bool {
	return !t.Value.IsZero() && (t.Expiry.IsZero() || now.Before(t.Expiry))
}

// TokenSource gives a token that can be used now. Clients ask it at every
// attempt: wrap one that goes to the network in a [TokenCache].
type TokenSource interface {
	Token(ctx context.Context) (Token, error)
}

// TokenFunc makes a function a [TokenSource].
type TokenFunc func(ctx context.Context) (Token, error)

// Token calls f.
func (f TokenFunc) Token(ctx context.Context) (Token, error) { return f(ctx) }

// Invalidator is a [TokenSource] that can be told that a token was refused.
type Invalidator interface {
	// Invalidate drops the token if it is still the current one: a token
	// renewed meanwhile by somebody else stays.
	Invalidate(rejected Secret)
}

// TokenCacheOptions are the settings of a [TokenCache]; zero fields have the
// stated defaults.
type TokenCacheOptions struct {
	// Early is how long before expiry a token is renewed while it is still
	// usable; each renewal is set earlier by up to Jitter of it, so that
	// many processes do not renew together. Default: a fifth of the token's
	// life, at most one minute.
	Early time.Duration
	// Jitter is the share of Early that is drawn at random. Default 0.5.
	Jitter float64
	// Skew is how long before its expiry a token counts as expired. Default 5 s.
	Skew time.Duration
	// Timeout bounds one request for a token, whoever waits for it. Default 30 s.
	Timeout time.Duration
	// RetryAfter is the pause after a failed early renewal, during which the
	// old token is used and no other renewal is tried. Default 5 s.
	RetryAfter time.Duration
}

// TokenCache keeps the token of a source. Callers that need a new one share a
// single request, which goes on when the caller that started it leaves; while
// the old token is valid nobody waits for the new one and a failed renewal
// disturbs nobody. The hot path takes no lock and allocates nothing.
type TokenCache struct {
	source  TokenSource
	opt     TokenCacheOptions
	current atomic.Pointer[cachedToken]
	flight  singleflight.Group
	early   atomic.Bool // an early renewal is under way
}

type cachedToken struct {
	token   Token
	renewAt time.Time
	dead    time.Time
}

// NewTokenCache wraps a source.
func NewTokenCache(source TokenSource, opt TokenCacheOptions) *TokenCache {
	opt.Jitter = orDefault(opt.Jitter, 0.5)
	opt.Skew = orDefault(opt.Skew, 5*time.Second)
	opt.Timeout = orDefault(opt.Timeout, 30*time.Second)
	opt.RetryAfter = orDefault(opt.RetryAfter, 5*time.Second)
	return &TokenCache{source: source, opt: opt}
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Token returns the current token, renewing it where needed.
func (c *TokenCache) Token(ctx context.Context) (Token, error) {
	if cur := c.current.Load(); cur != nil {
		now := time.Now()
		switch {
		case cur.token.Expiry.IsZero() || now.Before(cur.renewAt):
			return cur.token, nil
		case now.Before(cur.dead):
			c.renewEarly(ctx, cur)
			return cur.token, nil
		}
	}
	return c.renew(ctx)
}

// Invalidate drops the rejected token if it is still the current one.
func (c *TokenCache) Invalidate(rejected Secret) {
	if cur := c.current.Load(); cur != nil && cur.token.Value.Equal(rejected) {
		c.current.CompareAndSwap(cur, nil)
	}
}

// renewEarly starts a renewal that nobody waits for. When it fails the old
// token is kept and the next try put off.
func (c *TokenCache) renewEarly(ctx context.Context, cur *cachedToken) {
	if !c.early.CompareAndSwap(false, true) {
		return
	}
	if c.current.Load() != cur { // renewed since the caller looked
		c.early.Store(false)
		return
	}
	done := c.fetch(ctx)
	go func() {
		defer c.early.Store(false)
		if res := <-done; res.Err != nil {
			later := *cur
			later.renewAt = time.Now().Add(c.opt.RetryAfter)
			if later.renewAt.After(cur.dead) {
				later.renewAt = cur.dead // a token is never used because its renewal failed
			}
			c.current.CompareAndSwap(cur, &later)
		}
	}()
}

func (c *TokenCache) renew(ctx context.Context) (Token, error) {
	if ctx.Err() != nil {
		return Token{}, context.Cause(ctx)
	}
	select {
	case res := <-c.fetch(ctx):
		if res.Err != nil {
			return Token{}, res.Err
		}
		return res.Val.(Token), nil
	case <-ctx.Done():
		return Token{}, context.Cause(ctx)
	}
}

// fetch joins the request under way or starts one. The request keeps the
// values of the context that started it and none of its end. It outlives the
// call of that context, so it must not write to the Meta of the call.
func (c *TokenCache) fetch(ctx context.Context) <-chan singleflight.Result {
	return c.flight.DoChan("", func() (any, error) {
		// A caller that looked just before the last request ended finds its
		// fruit here.
		if cur := c.current.Load(); cur != nil && (cur.token.Expiry.IsZero() || time.Now().Before(cur.renewAt)) {
			return cur.token, nil
		}
		ctx, cancel := context.WithTimeout(CaptureMeta(context.WithoutCancel(ctx), nil), c.opt.Timeout)
		defer cancel()
		t, err := c.source.Token(ctx)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		if !t.ValidAt(now) {
			return nil, errTokenUnusable
		}
		c.current.Store(c.schedule(t, now))
		return t, nil
	})
}

func (c *TokenCache) schedule(t Token, now time.Time) *cachedToken {
	cached := &cachedToken{token: t}
	if t.Expiry.IsZero() {
		return cached
	}
	life := t.Expiry.Sub(now)
	skew := min(c.opt.Skew, life/10) // a token that lives for seconds must still be usable
	early := c.opt.Early
	if early == 0 {
		early = min(life/5, time.Minute)
	}
	early += time.Duration(float64(early) * c.opt.Jitter * rand.Float64())
	cached.dead = t.Expiry.Add(-skew)
	cached.renewAt = cached.dead.Add(-min(early, life/2))
	return cached
}

var errTokenUnusable = errors.New("pa: the token source gave a token that is empty or has expired")
