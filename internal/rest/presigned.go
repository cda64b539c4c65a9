package rest

import (
	"bytes"
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
	// Content is a body in memory, in place of Body. A small one goes out
	// together with its headers.
	Content []byte
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
		resp, f = c.attemptPresigned(state, u, p) //nolint:bodyclose // the caller's
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
	t := &transfer{core: c, state: state, ctx: ctx, cancel: cancel, limit: state.op.timeout()}
	t.timer = time.AfterFunc(t.limit, t.stalled)

	header := p.Header.Clone()
	if header == nil {
		header = make(http.Header, 1)
	}
	header.Set("User-Agent", c.agent)
	req := (&http.Request{Method: p.Method, URL: u, Host: u.Host, Header: header, ContentLength: p.Size, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	switch {
	case p.Content != nil && len(p.Content) <= smallBody:
		// Any line carries it within the time-out of an attempt: it need not
		// be watched, and net/http sees that it is in memory.
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(p.Content)), int64(len(p.Content))
		state.bytesOut += req.ContentLength
	case p.Content != nil:
		req.Body, req.ContentLength = &sentBody{io.NopCloser(bytes.NewReader(p.Content)), t}, int64(len(p.Content))
		state.bytesOut += req.ContentLength
	case p.Body != nil:
		state.bytesOut += p.Size
		body, err := p.Body()
		if err != nil {
			t.end()
			return nil, &failure{Fault: pa.Fault{Cause: err}}
		}
		req.Body = &sentBody{body, t}
	}
	resp, err := c.engine.plain.Do(req)
	if err != nil {
		err = t.cause(err)
		t.end()
		return nil, c.transportFailure(state, err)
	}
	resp.Body = &receivedBody{resp.Body, t}
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

const smallBody = 1 << 20

// transfer is one presigned request under way. It is given up when it stands
// still for too long.
type transfer struct {
	core   *Core
	state  *callState
	ctx    context.Context
	cancel context.CancelCauseFunc
	limit  time.Duration
	timer  *time.Timer
}

func (t *transfer) stalled() { t.cancel(errStalled) }

// moved puts the end off; it does nothing once the timer has fired or stopped.
func (t *transfer) moved() {
	if t.timer.Stop() {
		t.timer.Reset(t.limit)
	}
}

func (t *transfer) end() {
	t.timer.Stop()
	t.cancel(nil)
}

// cause tells a standstill, and the end of the caller's context, from what the
// network says of them.
func (t *transfer) cause(err error) error {
	switch {
	case t.state.ctx.Err() != nil:
		return context.Cause(t.state.ctx)
	case errors.Is(context.Cause(t.ctx), errStalled):
		return errStalled
	}
	return err
}

// sentBody is the caller's: that it cannot be read is not the platform's trouble.
type sentBody struct {
	io.ReadCloser
	t *transfer
}

func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.t.moved()
	if err != nil && !errors.Is(err, io.EOF) {
		err = &notSentError{err}
	}
	return n, err
}

// receivedBody ends the transfer when it is closed.
type receivedBody struct {
	io.ReadCloser
	t *transfer
}

func (b *receivedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.t.moved()
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.t.core.finish(b.t.state.op, b.t.core.transportFailure(b.t.state, b.t.cause(err)).Fault)
	}
	return n, err
}

func (b *receivedBody) Close() error {
	err := b.ReadCloser.Close()
	b.t.end()
	return err
}

var errStalled = &stalledError{}

// stalledError is a time-out: no byte moved for too long.
type stalledError struct{}

func (*stalledError) Error() string   { return "the transfer stood still" }
func (*stalledError) Timeout() bool   { return true }
func (*stalledError) Temporary() bool { return true }

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
