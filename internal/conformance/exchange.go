package conformance

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Exchange is one call and its reply. It holds credentials and personal data:
// what the checks say of it never shows a value.
type Exchange struct {
	Method string
	Path   string // escaped, without the base path of the server
	Query  string

	RequestHeader http.Header
	RequestBody   []byte

	Status      int
	ReplyHeader http.Header
	ReplyBody   []byte
}

// Recorder keeps the exchanges that go through it. It is safe for concurrent
// use. Make it with [NewRecorder].
type Recorder struct {
	next    http.RoundTripper
	outside []string

	mu        sync.Mutex
	exchanges []Exchange
	passed    int
}

// NewRecorder puts a recorder in front of a transport. Calls whose path begins
// with one of the prefixes are outside of the contract, as those to presigned
// URLs are: they pass and are only counted.
func NewRecorder(next http.RoundTripper, outside ...string) *Recorder {
	return &Recorder{next: next, outside: outside}
}

// RoundTrip makes the call and keeps it, if there is a reply.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	for _, prefix := range r.outside {
		if strings.HasPrefix(req.URL.Path, prefix) {
			r.mu.Lock()
			r.passed++
			r.mu.Unlock()
			return r.next.RoundTrip(req)
		}
	}
	e := Exchange{Method: req.Method, Path: req.URL.EscapedPath(), Query: req.URL.RawQuery, RequestHeader: req.Header.Clone()}
	if req.Body != nil && req.Body != http.NoBody {
		body, err := io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
		e.RequestBody = body
		out := req.Clone(req.Context())
		out.Body = io.NopCloser(bytes.NewReader(body))
		req = out
	}
	res, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	e.Status, e.ReplyHeader = res.StatusCode, res.Header.Clone()
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	e.ReplyBody = body
	res.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges = append(r.exchanges, e)
	return res, nil
}

// Exchanges returns what was recorded, in the order of the replies.
func (r *Recorder) Exchanges() []Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Exchange(nil), r.exchanges...)
}

// Outside returns how many calls were outside of the contract.
func (r *Recorder) Outside() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.passed
}
