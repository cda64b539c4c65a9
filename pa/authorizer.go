package pa

import (
	"context"
	"net/http"
	"strings"
)

// Authorizer puts credentials on a request. It runs at every attempt, after
// the body is final, because some schemes sign the body. It must not keep the
// request and must be safe for concurrent use.
type Authorizer interface {
	Authorize(ctx context.Context, req *http.Request) error
}

// Refusable is an [Authorizer] that wants to hear that the platform refused
// the credential it put on req, so that the next attempt carries another.
// It reports whether the next attempt will.
type Refusable interface {
	Refused(req *http.Request) bool
}

// AuthorizerFunc makes a function an [Authorizer].
type AuthorizerFunc func(ctx context.Context, req *http.Request) error

// Authorize calls f.
func (f AuthorizerFunc) Authorize(ctx context.Context, req *http.Request) error { return f(ctx, req) }

// APIKey authorizes with a secret in a header of that name.
func APIKey(header string, key SecretSource) Authorizer { return apiKey{header, key} }

type apiKey struct {
	header string
	source SecretSource
}

func (a apiKey) Authorize(ctx context.Context, req *http.Request) error {
	s, err := a.source.Secret(ctx)
	if err != nil {
		return err
	}
	if s.IsZero() {
		return errNoSecret
	}
	req.Header.Set(a.header, s.Reveal())
	return nil
}

// Bearer authorizes with a token in the Authorization header, under the scheme
// that the token names.
func Bearer(tokens TokenSource) Authorizer { return bearer{tokens} }

type bearer struct{ source TokenSource }

func (b bearer) Authorize(ctx context.Context, req *http.Request) error {
	t, err := b.source.Token(ctx)
	if err != nil {
		return err
	}
	if t.Value.IsZero() {
		return errNoSecret
	}
	req.Header.Set("Authorization", t.scheme()+" "+t.Value.Reveal())
	return nil
}

func (b bearer) Refused(req *http.Request) bool {
	inv, ok := b.source.(Invalidator)
	if !ok {
		return false
	}
	_, value, ok := strings.Cut(req.Header.Get("Authorization"), " ")
	if !ok {
		return false
	}
	inv.Invalidate(NewSecret(value))
	return true
}

// Authorizers applies several in order, leaving out nil ones.
func Authorizers(list ...Authorizer) Authorizer {
	var out authorizers
	for _, a := range list {
		if a != nil {
			out = append(out, a)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

type authorizers []Authorizer

func (list authorizers) Authorize(ctx context.Context, req *http.Request) error {
	for _, a := range list {
		if err := a.Authorize(ctx, req); err != nil {
			return err
		}
	}
	return nil
}

func (list authorizers) Refused(req *http.Request) bool {
	renewed := false
	for _, a := range list {
		if r, ok := a.(Refusable); ok && r.Refused(req) {
			renewed = true
		}
	}
	return renewed
}
