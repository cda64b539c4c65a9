package rest

import (
	"context"
	"crypto/sha256"
	"net/http"
	"time"
)

// attemptKey is the context key of the *callState of a call.
type attemptKey struct{}

// credentials is the layer that waits for the limiter, puts the credentials on
// a request and waits out a hold on them. Credentials go to the host of the
// Core and to no other.
type credentials struct {
	core *Core
	next http.RoundTripper
}

func (t *credentials) RoundTrip(req *http.Request) (*http.Response, error) {
	c := t.core
	state := req.Context().Value(attemptKey{}).(*callState)
	if l := c.cfg.Transport.Limiter; l != nil {
		if err := l.Wait(state.ctx); err != nil {
			return nil, &notSentError{err}
		}
	}
	if err := t.authorize(state, req); err != nil {
		return nil, err
	}
	// The time of an attempt starts here: waiting for a turn, for a voucher
	// or for the end of a hold is not the platform's time.
	ctx, cancel := context.WithTimeout(state.ctx, state.op.timeout())
	state.cancel = cancel
	return t.next.RoundTrip(state.sent.WithContext(ctx))
}

// authorize leaves in the state the request as it goes out.
func (t *credentials) authorize(state *callState, req *http.Request) error {
	c := t.core
	if c.cfg.Authorizer == nil {
		state.sent = req
		return nil
	}
	if req.URL.Host != c.base.Host || req.URL.Scheme != c.base.Scheme {
		return &notSentError{errInsecure}
	}
	for {
		// A RoundTripper must not change the request it is given, and after
		// a wait the credentials are asked for again.
		out := req.Clone(state.ctx)
		if err := c.cfg.Authorizer.Authorize(state.ctx, out); err != nil {
			return &notSentError{err}
		}
		state.sent, state.key = out, fingerprintOf(out, c.cfg.CredentialHeader)
		h, held := c.engine.holds.get(state.key, time.Now())
		if !held {
			return nil
		}
		remaining := time.Until(h.until)
		if !fits(state.ctx, remaining, c.retry.MaxWait) {
			return &heldError{remaining, h.why}
		}
		if err := sleep(state.ctx, remaining); err != nil {
			return &notSentError{err}
		}
	}
}

func fingerprintOf(req *http.Request, header string) fingerprint {
	return sha256.Sum256([]byte(req.Header.Get(header)))
}

// notSentError marks an attempt that failed before anything went out.
type notSentError struct{ err error }

func (e *notSentError) Error() string { return e.err.Error() }
func (e *notSentError) Unwrap() error { return e.err }

// fits reports whether a wait is within the bound and ends before the context does.
func fits(ctx context.Context, wait, most time.Duration) bool {
	if wait > most {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}

// sleep waits, or returns the cause of the end of the context.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
