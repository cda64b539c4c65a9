package rest

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/pa-italia/sdk-go/internal/xmlsafe"
	"github.com/pa-italia/sdk-go/pa"
)

// Presigned is a request to a URL that carries its own authorization: it goes
// out without credentials, and the URL, which is one, is shown to nobody.
type Presigned struct {
	Method string
	URL    string
	Header http.Header
	// Body is opened for each attempt; nil sends none. Size is its exact
	// length: the storage refuses a body of unknown length.
	Body func() (io.ReadCloser, error)
	Size int64
}

// Upload sends the body of p and returns the headers of the reply. The time
// out of op is the longest standstill, not the whole: a large file on a slow
// line takes as long as it takes.
func (c *Core) Upload(ctx context.Context, op *Op, p Presigned) (http.Header, error) {
	resp, err := c.presigned(ctx, op, p)
	if err != nil {
		return nil, err
	}
	return resp.Header, resp.Body.Close()
}

// Download opens the body that p names. Its reads fail when it stands still
// for longer than the time out of op. The caller closes it.
func (c *Core) Download(ctx context.Context, op *Op, p Presigned) (*http.Response, error) {
	return c.presigned(ctx, op, p)
}

func (c *Core) presigned(ctx context.Context, op *Op, p Presigned) (*http.Response, error) {
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" {
		return nil, c.finish(op, pa.Fault{Is: []*pa.Sentinel{pa.ErrUnexpectedReply}, Cause: errPresigned})
	}
	if err := checkScheme(u, c.cfg.Transport.InsecureHosts); err != nil {
		return nil, c.finish(op, pa.Fault{Is: []*pa.Sentinel{pa.ErrUnexpectedReply}, Cause: err})
	}
	began := time.Now()
	ctx, observe := c.observe(ctx, op, u.Host)
	var resp *http.Response
	state := &callState{ctx: ctx, op: op}
	_, fault := c.loop(state, func() (*Reply, *failure) {
		var f *failure
		start := time.Now()
		resp, f = c.attemptPresigned(state, u, p)
		c.logAttempt(state, nil, f, time.Since(start))
		return nil, f
	})
	err = c.conclude(state, fault)
	if fault != nil {
		observe(state, fault.StatusCode, 0, time.Since(began), err)
		return nil, err
	}
	observe(state, resp.StatusCode, max(0, resp.ContentLength), time.Since(began), nil)
	return resp, nil
}

var errPresigned = errors.New("the platform gave a URL that cannot be used")

func (c *Core) attemptPresigned(state *callState, u *url.URL, p Presigned) (*http.Response, *failure) {
	state.attempts++
	ctx, cancel := context.WithCancelCause(state.ctx)
	stall := newStallTimer(state.op.timeout(), func() { cancel(errStalled) })
	req := (&http.Request{Method: p.Method, URL: u, Host: u.Host, Header: make(http.Header), ContentLength: p.Size, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	for name, values := range p.Header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", c.agent)
	if p.Body != nil {
		state.bytesOut += p.Size
		body, err := p.Body()
		if err != nil {
			cancel(nil)
			stall.stop()
			return nil, &failure{Fault: pa.Fault{Cause: err}}
		}
		req.Body = &ownBody{watchedBody{ReadCloser: body, stall: stall}}
	}
	resp, err := c.engine.plain.Do(req)
	if err != nil {
		stall.stop()
		if errors.Is(context.Cause(ctx), errStalled) {
			err = errStalled
		}
		cancel(nil)
		return nil, c.transportFailure(state, err)
	}
	resp.Body = &watchedBody{ReadCloser: resp.Body, stall: stall, end: func() { stall.stop(); cancel(nil) },
		explain: func(err error) error {
			if !errors.Is(context.Cause(ctx), errStalled) && state.ctx.Err() != nil {
				return context.Cause(state.ctx)
			}
			if errors.Is(context.Cause(ctx), errStalled) {
				err = errStalled
			}
			return c.finish(state.op, c.transportFailure(state, err).Fault)
		}}
	if state.op.ok(resp.StatusCode) {
		return resp, nil
	}
	defer resp.Body.Close()
	body, err := readAll(resp.Body, resp.ContentLength, state.op.maxBody())
	if err != nil {
		body = nil // the status alone decides
	}
	return nil, storageFailure(state.op, resp, body)
}

var errStalled = &stalledError{}

// stalledError is a time-out: no byte moved for too long.
type stalledError struct{}

func (*stalledError) Error() string   { return "the transfer stood still" }
func (*stalledError) Timeout() bool   { return true }
func (*stalledError) Temporary() bool { return true }

// stallTimer cancels a transfer that stands still.
type stallTimer struct {
	d time.Duration
	t *time.Timer
}

func newStallTimer(d time.Duration, f func()) *stallTimer {
	return &stallTimer{d, time.AfterFunc(d, f)}
}

// moved puts the end off; it does nothing once the timer has fired or stopped.
func (s *stallTimer) moved() {
	if s.t.Stop() {
		s.t.Reset(s.d)
	}
}

func (s *stallTimer) stop() { s.t.Stop() }

// watchedBody tells the timer of each read.
type watchedBody struct {
	io.ReadCloser
	stall   *stallTimer
	end     func()
	explain func(error) error // of a reading that failed
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.stall.moved()
	if err != nil && err != io.EOF && b.explain != nil {
		err = b.explain(err)
	}
	return n, err
}

func (b *watchedBody) Close() error {
	err := b.ReadCloser.Close()
	if b.end != nil {
		b.end()
	}
	return err
}

// ownBody is a body of the caller's: that it cannot be read is not the
// platform's trouble.
type ownBody struct{ watchedBody }

func (b *ownBody) Read(p []byte) (int, error) {
	n, err := b.watchedBody.Read(p)
	if err != nil && err != io.EOF {
		err = &notSentError{err}
	}
	return n, err
}

// storageFailure reads the XML in which the storage explains a refusal.
func storageFailure(op *Op, resp *http.Response, body []byte) *failure {
	f := replyFailure(op, resp, body)
	var w struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string   `xml:"Code"`
		RequestID string   `xml:"RequestId"`
	}
	if err := xmlsafe.Unmarshal(body, &w, xmlsafe.Limits{}); err == nil {
		f.Code, f.TraceID = code(w.Code), identifier(w.RequestID)
	}
	return f
}
