package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/pa"
)

// Request is what one call adds to its Op.
type Request struct {
	Params      []string // of the path template, in order
	Query       url.Values
	Header      http.Header
	Body        []byte
	ContentType string // of Body; default application/json
}

// Reply is the reply to a call that succeeded.
type Reply struct {
	Status   int
	Header   http.Header
	Body     []byte
	Attempts int
}

// RetryAfter returns the wait that the reply asks for, in the unit of the operation.
func (r *Reply) RetryAfter(op *Op) time.Duration {
	return retryAfter(r.Header, op.RetryAfterUnit, time.Now())
}

// callState is what the layers of a call leave for its loop.
type callState struct {
	ctx    context.Context
	op     *Op
	sent   *http.Request // as authorized, of the last attempt
	key    fingerprint
	cancel context.CancelFunc

	began    time.Time // of the last attempt
	evidence error     // what could not be recorded

	attempts int
	renewed  bool // the credential was renewed once
	waited   bool // a hold was waited out once
	bytesOut int64
}

// Call makes a call and decodes the JSON of its reply. As with [Core.Do], the
// value is there also where the error is pa.ErrEvidence.
func Call[T any](ctx context.Context, c *Core, op *Op, req Request) (T, *Reply, error) {
	var value, zero T
	reply, err := c.Do(ctx, op, req)
	if reply == nil {
		return zero, nil, err
	}
	if reply.Status == http.StatusNoContent {
		return value, reply, err
	}
	if json.Unmarshal(reply.Body, &value) != nil {
		return zero, nil, c.Unexpected(op, reply)
	}
	return value, reply, err
}

// Unexpected is the error of a reply that says something else than it should.
func (c *Core) Unexpected(op *Op, reply *Reply) error {
	return c.finish(op, pa.Fault{StatusCode: reply.Status, Attempts: reply.Attempts, TraceID: traceID(reply.Header), Raw: clip(reply.Body),
		Is: withUnknown(op, pa.ErrUnexpectedReply)})
}

// JSON encodes a body. What cannot be encoded is a fault of the caller's.
func JSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Do makes a call, repeating attempts as its Op allows, and returns the raw
// reply; together with an error only where that is pa.ErrEvidence.
func (c *Core) Do(ctx context.Context, op *Op, req Request) (*Reply, error) {
	start := time.Now()
	path, finding := op.expand(req.Params)
	if finding != nil {
		return nil, &pa.ValidationError{Subject: op.Name, Findings: []pa.Finding{*finding}}
	}
	ctx, observe := c.observe(ctx, op, c.base.Host)
	state := &callState{op: op}
	state.ctx = context.WithValue(ctx, attemptKey{}, state)
	target := c.address + path
	reply, fault := c.loop(state, func() (*Reply, *failure) { return c.attempt(state, target, req) })
	err := c.conclude(state, fault)
	captureMeta(ctx, state, reply, fault, start)
	received := int64(0)
	if reply != nil {
		received = int64(len(reply.Body))
	}
	observe(state, statusOf(reply, fault), received, time.Since(start), err)
	return reply, err
}

// conclude makes the error of a call, if it failed or left no evidence.
func (c *Core) conclude(state *callState, fault *failure) error {
	if fault == nil {
		c.budget.succeeded(state.attempts - 1)
		fault = &failure{}
		if state.evidence == nil {
			return nil
		}
		fault.Cause = state.evidence
	}
	if state.evidence != nil {
		fault.Is = append(fault.Is, pa.ErrEvidence)
	}
	fault.Attempts = state.attempts
	return c.finish(state.op, fault.Fault)
}

func statusOf(reply *Reply, fault *failure) int {
	if reply != nil {
		return reply.Status
	}
	return fault.StatusCode
}

// observe tells the observer that a call begins, and returns what tells it of
// the end.
func (c *Core) observe(ctx context.Context, op *Op, host string) (context.Context, func(*callState, int, int64, time.Duration, error)) {
	o := c.cfg.Transport.Observer
	if o == nil {
		return ctx, func(*callState, int, int64, time.Duration, error) {}
	}
	ctx, end := o.Start(ctx, pa.OpInfo{Op: op.Name, Method: op.Method, Path: op.Path, Host: host})
	return ctx, func(state *callState, status int, received int64, d time.Duration, err error) {
		end(pa.OpResult{StatusCode: status, Attempts: state.attempts, Duration: d, Sent: state.bytesOut, Received: received, Code: pa.CodeOf(err), Err: err})
	}
}

// loop makes attempts until one succeeds or repeating is not allowed.
func (c *Core) loop(state *callState, attempt func() (*Reply, *failure)) (*Reply, *failure) {
	for {
		reply, fault := attempt()
		if fault == nil {
			return reply, nil
		}
		wait, again := c.again(state, fault)
		if !again {
			return nil, fault
		}
		c.log.LogAttrs(state.ctx, slog.LevelWarn, "repeating", slog.String("op", state.op.Name),
			slog.Int("attempt", state.attempts), slog.Int("status", fault.StatusCode), slog.String("code", fault.Code), slog.Duration("wait", wait))
		if err := sleep(state.ctx, wait); err != nil {
			fault.Cause = err
			return nil, fault
		}
	}
}

// attempt makes one request and reads its reply whole.
func (c *Core) attempt(state *callState, target string, req Request) (*Reply, *failure) {
	op := state.op
	state.attempts++
	start := time.Now()
	r := c.resty.R().SetContext(state.ctx).SetDoNotParseResponse(true).SetHeader("User-Agent", c.agent).SetHeader("Accept", "application/json")
	maps.Copy(r.Header, req.Header)
	if req.Query != nil {
		r.SetQueryParamsFromValues(req.Query)
	}
	if req.Body != nil {
		r.SetHeader("Content-Type", orDefault(req.ContentType, "application/json")).SetBody(req.Body)
		state.bytesOut += int64(len(req.Body))
	}
	resp, err := r.Execute(op.Method, target)
	if state.cancel != nil {
		defer state.cancel()
	}
	var reply *Reply
	var fault *failure
	if err != nil {
		fault = c.transportFailure(state, err)
	} else {
		reply, fault = c.readReply(state, target, req, resp.RawResponse)
	}
	c.logAttempt(state, reply, fault, time.Since(start))
	return reply, fault
}

// readReply turns a response into a reply or a fault.
func (c *Core) readReply(state *callState, target string, req Request, resp *http.Response) (*Reply, *failure) {
	defer resp.Body.Close()
	op := state.op
	body, err := readAll(resp.Body, resp.ContentLength, op.maxBody())
	switch {
	case errors.Is(err, errTooLarge):
		return nil, &failure{Fault: pa.Fault{StatusCode: resp.StatusCode, Is: withUnknown(op, pa.ErrTooLarge)}}
	case err != nil:
		// Cut short: whatever the status said, the reply is lost.
		return nil, c.transportFailure(state, err)
	}
	c.record(state, target, req, resp, body)
	switch {
	case !op.ok(resp.StatusCode):
		return nil, replyFailure(op, resp, body)
	case len(body) > 0 && !isJSON(resp.Header):
		// A page where JSON should be comes from something in between.
		return nil, &failure{Fault: pa.Fault{StatusCode: resp.StatusCode, Raw: clip(body), Is: withUnknown(op, pa.ErrUnexpectedReply)}}
	}
	return &Reply{Status: resp.StatusCode, Header: resp.Header, Body: body, Attempts: state.attempts}, nil
}

func isJSON(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// again decides whether to repeat and after how long. The order of the cases
// is the rule.
func (c *Core) again(state *callState, f *failure) (time.Duration, bool) {
	op := state.op
	switch {
	case state.ctx.Err() != nil, isHeld(f.Cause):
		return 0, false
	case op.CredentialRefused.refuses(f):
		return c.againCredential(state, f)
	case state.attempts >= c.retry.MaxTries:
		return 0, false
	case f.outcome == notDone:
	case f.outcome == unknown && op.repeatable():
	default:
		return 0, false
	}
	wait := f.RetryAfter
	if wait == 0 {
		wait = c.backoff(state.attempts)
	}
	if !fits(state.ctx, wait, c.retry.MaxWait) || !c.budget.take() {
		return 0, false
	}
	return wait, true
}

// againCredential renews the credential once. Where the platform remembers a
// refusal it then holds the credential for all callers and waits that out, once.
func (c *Core) againCredential(state *callState, f *failure) (time.Duration, bool) {
	if !state.renewed && state.attempts < c.retry.MaxTries {
		state.renewed = true
		if r, ok := c.cfg.Authorizer.(pa.Refusable); ok && r.Refused(state.sent) {
			return 0, true
		}
	}
	hold := state.op.CredentialRefused.Hold
	if hold == 0 {
		return 0, false
	}
	f.RetryAfter = hold
	c.engine.holds.set(state.key, time.Now().Add(hold), f.Fault)
	if state.waited || state.attempts >= c.retry.MaxTries || !fits(state.ctx, hold, c.retry.MaxWait) {
		return 0, false
	}
	state.waited, state.renewed = true, false
	return hold, true
}

// backoff doubles with each attempt, drawn from its upper half.
func (c *Core) backoff(attempts int) time.Duration {
	d := c.retry.BaseDelay << min(attempts-1, 16)
	d = min(d, c.retry.MaxWait)
	return d/2 + rand.N(d/2+1)
}

func (c *Core) logAttempt(state *callState, reply *Reply, fault *failure, d time.Duration) {
	if !c.log.Enabled(state.ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{slog.String("op", state.op.Name), slog.String("method", state.op.Method), slog.String("path", state.op.Path),
		slog.Int("attempt", state.attempts), slog.Duration("duration", d)}
	switch {
	case fault != nil:
		attrs = append(attrs, slog.Int("status", fault.StatusCode), slog.String("code", fault.Code), slog.String("trace_id", fault.TraceID))
	case reply != nil:
		attrs = append(attrs, slog.Int("status", reply.Status), slog.Int("bytes", len(reply.Body)), slog.String("trace_id", traceID(reply.Header)))
	}
	c.log.LogAttrs(state.ctx, slog.LevelDebug, "attempt", attrs...)
}

// record hands an exchange of legal weight to the evidence.
func (c *Core) record(state *callState, target string, req Request, resp *http.Response, body []byte) {
	if c.cfg.Evidence == nil || !state.op.Evidence {
		return
	}
	if len(req.Query) > 0 {
		target += "?" + req.Query.Encode()
	}
	err := c.cfg.Evidence.Record(state.ctx, pa.Exchange{
		Op: state.op.Name, Sender: c.cfg.Sender, Method: state.op.Method, URL: target, Time: state.began, Duration: time.Since(state.began),
		Request: req.Body, StatusCode: resp.StatusCode, Header: resp.Header, Response: body,
	})
	state.evidence = errors.Join(state.evidence, err)
}

func captureMeta(ctx context.Context, state *callState, reply *Reply, fault *failure, start time.Time) {
	meta := pa.MetaFrom(ctx)
	if meta == nil {
		return
	}
	*meta = pa.Meta{Attempts: state.attempts, Duration: time.Since(start)}
	if reply != nil {
		meta.StatusCode, meta.Header, meta.Body, meta.TraceID = reply.Status, reply.Header, reply.Body, traceID(reply.Header)
	} else if fault != nil {
		meta.StatusCode, meta.Header, meta.Body, meta.TraceID = fault.StatusCode, fault.header, fault.Raw, fault.TraceID
	}
}

// finish lets the platform's package complete a fault and makes it an error.
func (c *Core) finish(op *Op, f pa.Fault) *pa.Error {
	f.Op = op.Name
	if c.cfg.Explain != nil {
		c.cfg.Explain(op, &f)
	}
	return pa.NewError(f)
}
