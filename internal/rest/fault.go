package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/pa"
)

// maxRaw is how much of a failed reply an error keeps.
const maxRaw = 64 << 10

func clip(body []byte) []byte { return body[:min(len(body), maxRaw)] }

// withUnknown adds that the outcome is unknown where that matters: where a
// repeat would not be the same as a first time.
func withUnknown(op *Op, s ...*pa.Sentinel) []*pa.Sentinel {
	if !op.repeatable() {
		s = append(s, pa.ErrOutcomeUnknown)
	}
	return s
}

// failure is a failed attempt and what it leaves behind at the platform.
type failure struct {
	pa.Fault
	header  http.Header // of the reply, if there was one
	from    sender
	outcome outcome
}

// sender is who wrote a reply, by its looks.
type sender int

const (
	theService sender = iota
	theGateway        // a message and nothing else
	noRoute           // the gateway, about a path that it does not know
	aStranger         // a page: a proxy, a firewall, a captive portal
)

func senderOf(h http.Header, body []byte, problem *pa.Problem) sender {
	var gateway struct {
		Message      string `json:"message"`
		MessageUpper string `json:"Message"`
	}
	switch {
	case problem != nil:
		return theService
	case isHTML(h, body):
		return aStranger
	case len(bytes.TrimSpace(body)) == 0:
		return theGateway
	case json.Unmarshal(body, &gateway) != nil:
		return aStranger
	case gateway.Message == "Missing Authentication Token":
		return noRoute // AWS API Gateway says so of unknown paths
	}
	return theGateway
}

type outcome int

const (
	final   outcome = iota // repeating would fail again
	notDone                // refused for now, or never sent: repeating is safe
	unknown                // it may have been done
)

func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func isCertificate(err error) bool {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	return verify || authority || host
}

// proxyError is a refused CONNECT.
type proxyError struct{ status int }

func (e *proxyError) Error() string { return "the proxy answered HTTP " + strconv.Itoa(e.status) }

// isProxy recognizes a refused CONNECT, also through a transport of the user's,
// where net/http reports the proxy's status text alone, and a proxy that does
// not answer, a dial of "proxyconnect".
func isProxy(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		return true
	}
	if _, ok := errors.AsType[*proxyError](err); ok {
		return true
	}
	return err != nil && err.Error() == http.StatusText(http.StatusProxyAuthRequired)
}

// transportFailure is an attempt that had no whole reply. Nothing of the URL
// is kept: it can name people.
func (c *Core) transportFailure(state *callState, err error) *failure {
	if held, ok := errors.AsType[*heldError](err); ok {
		f := &failure{Fault: held.why}
		f.RetryAfter, f.Cause = held.remaining, held
		return f
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	f := &failure{Fault: pa.Fault{Cause: printableCause(err)}}
	credential, isCredential := errors.AsType[*credentialError](err)
	switch local, isLocal := errors.AsType[*notSentError](err); {
	case isCredential:
		f.Cause, f.Is = credential, []*pa.Sentinel{pa.ErrCredential}
		f.Code = pa.CodeOf(credential.err)
		f.Text = pa.Text{IT: pa.Message(credential.err, pa.Italian), EN: pa.Message(credential.err, pa.English)}
	case isLocal:
		// The caller's own limiter or file failed: its error says why, and
		// repeating is its business.
		f.Cause = local.err
	case isCertificate(err):
		f.Is = []*pa.Sentinel{pa.ErrCertificate}
	case isProxy(err):
		f.Is = []*pa.Sentinel{pa.ErrProxy}
	case isDial(err):
		f.Is, f.outcome = []*pa.Sentinel{pa.ErrUnavailable}, notDone
	default:
		f.Is, f.outcome = withUnknown(state.op, pa.ErrUnavailable), unknown
	}
	if state.ctx.Err() != nil {
		f.Cause = context.Cause(state.ctx)
	}
	return f
}

// printableCause hides the text of errors that quote what was received.
func printableCause(err error) error {
	_, network := errors.AsType[net.Error](err)
	if network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled) || isCertificate(err) || isProxy(err) {
		return err
	}
	return &brokenError{err}
}

// credentialError is a source of credentials that failed. What it says of its
// own platform must not be taken for what this one says: its kinds are hidden,
// but for those that mean to try later.
type credentialError struct{ err error }

func (e *credentialError) Error() string      { return e.err.Error() }
func (e *credentialError) As(target any) bool { return errors.As(e.err, target) }
func (e *credentialError) Is(target error) bool {
	switch target {
	case pa.ErrInvalid, pa.ErrForbidden, pa.ErrNotFound, pa.ErrConflict, pa.ErrOutcomeUnknown, pa.ErrUnexpectedReply, pa.ErrEvidence:
		return false
	}
	return errors.Is(e.err, target)
}

type brokenError struct{ cause error }

func (e *brokenError) Error() string { return "the connection broke" }
func (e *brokenError) Unwrap() error { return e.cause }

// replyFailure is a whole reply that is not a success.
func replyFailure(op *Op, resp *http.Response, body []byte) *failure {
	f := &failure{header: resp.Header, Fault: pa.Fault{
		StatusCode: resp.StatusCode,
		Raw:        clip(body),
		TraceID:    traceID(resp.Header),
		RetryAfter: retryAfter(resp.Header, op.RetryAfterUnit, time.Now()),
		Problem:    parseProblem(body),
	}}
	f.from = senderOf(resp.Header, body, f.Problem)
	if p := f.Problem; p != nil {
		if len(p.Errors) > 0 {
			f.Code = code(p.Errors[0].Code)
		}
		f.TraceID = orDefault(identifier(p.TraceID), orDefault(identifier(p.CorrelationID), f.TraceID))
	}
	switch status := resp.StatusCode; {
	case status >= 200 && status < 300:
		f.Is = withUnknown(op, pa.ErrUnexpectedReply)
	case op.CredentialRefused.refuses(f):
		f.Is = []*pa.Sentinel{pa.ErrUnauthorized}
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable && f.RetryAfter > 0:
		f.outcome = notDone
	case status == http.StatusRequestTimeout, status >= 500:
		f.Is, f.outcome = withUnknown(op), unknown
	}
	switch f.from {
	case aStranger:
		f.Is = append(f.Is, pa.ErrUnexpectedReply)
		if resp.StatusCode == http.StatusForbidden {
			f.Is = append([]*pa.Sentinel{pa.ErrProxy}, f.Is...)
		}
	case noRoute:
		f.Is = append(f.Is, pa.ErrNotFound)
	}
	return f
}

func isHTML(h http.Header, body []byte) bool {
	return strings.HasPrefix(h.Get("Content-Type"), "text/html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<!DOCTYPE html"))
}

// traceID finds the identifier that the platform's support asks for.
func traceID(h http.Header) string {
	for _, name := range []string{"X-Correlation-Id", "X-Amzn-Trace-Id", "X-Amzn-Requestid", "X-Request-Id"} {
		if v := identifier(h.Get(name)); v != "" {
			return v
		}
	}
	return ""
}

var (
	codePattern       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{1,95}$`)
	identifierPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:;=-]{3,127}$`)
	taxIDPattern      = regexp.MustCompile(`(?i)(^|[^a-z0-9])[a-z]{6}[0-9lmnp-v]{2}[abcdehlmprst][0-9lmnp-v]{2}[a-z][0-9lmnp-v]{3}[a-z]`)
)

// code and identifier let through what can be one: both come from the network
// and end up in logs, and some servers put a sentence where a code should be.
func code(s string) string {
	if codePattern.MatchString(s) && !taxIDPattern.MatchString(s) {
		return s
	}
	return ""
}

func identifier(s string) string {
	if identifierPattern.MatchString(s) && !taxIDPattern.MatchString(s) {
		return s
	}
	return ""
}

// retryAfter reads Retry-After: a number in the given unit or a date.
func retryAfter(h http.Header, unit time.Duration, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		d := n * float64(orDefault(unit, time.Second))
		if !(d > 0) {
			return 0
		}
		const most = float64(30 * 24 * time.Hour)
		return time.Duration(min(d, most))
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}

// wireProblem is the union of the error bodies that the platforms send.
type wireProblem struct {
	Type          string `json:"type"`
	Title         string `json:"title"`
	Status        any    `json:"status"`
	Detail        string `json:"detail"`
	TraceID       string `json:"traceId"`
	CorrelationID string `json:"correlationId"`
	Timestamp     string `json:"timestamp"`
	Errors        []struct {
		Code    string `json:"code"`
		Element string `json:"element"`
		Detail  string `json:"detail"`
	} `json:"errors"`
	// Of the adapters in front of older versions.
	ResultCode        string   `json:"resultCode"`
	ResultDescription string   `json:"resultDescription"`
	ErrorList         []string `json:"errorList"`
}

// parseProblem reads an error body of a service. The body of a gateway, which
// has a message and nothing else, is none.
func parseProblem(body []byte) *pa.Problem {
	var w wireProblem
	if err := json.Unmarshal(body, &w); err != nil {
		if _, oneMember := errors.AsType[*json.UnmarshalTypeError](err); !oneMember {
			return nil
		}
		// A member of another type: the others are there.
	}
	status, _ := w.Status.(float64)
	p := &pa.Problem{Type: w.Type, Title: w.Title, Status: int(status), Detail: w.Detail, TraceID: w.TraceID, CorrelationID: w.CorrelationID}
	p.Timestamp, _ = time.Parse(time.RFC3339Nano, w.Timestamp) // informative: a timestamp in another form is left out
	for _, e := range w.Errors {
		p.Errors = append(p.Errors, pa.ProblemError{Code: e.Code, Element: e.Element, Detail: e.Detail})
	}
	if w.ResultCode != "" {
		p.Detail = w.ResultDescription
		p.Errors = append(p.Errors, pa.ProblemError{Code: w.ResultCode, Detail: strings.Join(w.ErrorList, "; ")})
	}
	if len(p.Errors) == 0 && status == 0 && p.Title == "" {
		return nil
	}
	return p
}
