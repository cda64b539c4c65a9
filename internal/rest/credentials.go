package rest

import (
	"context"
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/go-resty/resty/v2"
)

// attemptKey is the context key of the *callState of a call.
type attemptKey struct{}

// prepare is the last thing that happens to a request before it goes out, its
// body final: it waits for the limiter, puts the credentials on, waits out a
// hold on them, and starts the clock of the attempt. Credentials go to the
// host of the Core and to no other.
func (c *Core) prepare(_ *resty.Client, req *http.Request) error {
	state := req.Context().Value(attemptKey{}).(*callState)
	if l := c.limiter; l != nil {
		if err := l.Wait(state.ctx); err != nil {
			return &notSentError{err}
		}
	}
	if c.cfg.Authorizer != nil {
		if err := c.authorize(state, req); err != nil {
			return err
		}
	}
	// Waiting for a turn, for a voucher or for the end of a hold is not the
	// platform's time.
	ctx, cancel := context.WithTimeout(state.ctx, state.op.timeout())
	state.sent, state.cancel, state.began = req, cancel, time.Now()
	*req = *req.WithContext(ctx)
	return nil
}

func (c *Core) authorize(state *callState, req *http.Request) error {
	if req.URL.Host != c.base.Host || req.URL.Scheme != c.base.Scheme {
		return &notSentError{errInsecure}
	}
	for {
		if err := c.cfg.Authorizer.Authorize(state.ctx, req); err != nil {
			return &credentialError{err}
		}
		state.key = fingerprintOf(req, c.cfg.CredentialHeader)
		h, held := c.engine.holds.get(state.key, time.Now())
		if !held {
			return nil
		}
		remaining := time.Until(h.until)
		if !fits(state.ctx, remaining, c.retry.MaxWait) {
			return &heldError{remaining, h.why}
		}
		state.waited = true
		if err := sleep(state.ctx, remaining); err != nil {
			return &notSentError{err}
		}
		// After a wait the credentials are asked for again.
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
