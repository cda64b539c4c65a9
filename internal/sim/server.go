package sim

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pa-italia/sdk-go/pa/patest"
)

// Config says how a [Server] is made.
type Config struct {
	// Agenda guards the state of the simulator; handlers run inside its Do.
	Agenda *Agenda
	// BaseURL is where clients reach the simulator while it does not listen.
	// Its host is the only one that Transport answers for. Give it an https
	// URL under .invalid, such as https://send.simulator.invalid: no socket is
	// opened, and clients that insist on https are content.
	BaseURL string
	// Seed of everything drawn at random.
	Seed uint64
	// MaxBody is the largest request body that is read, in bytes; the rest is
	// answered with 413. Zero means 32 MiB.
	MaxBody int64
	// Secret names the headers and query or form parameters that carry
	// credentials and are removed from the record, besides Authorization,
	// Cookie, X-Api-Key, Ocp-Apim-Subscription-Key, client_assertion and the
	// signature of a presigned URL.
	Secret []string
	// Redact, when set, takes out of an exchange the credentials that only the
	// platform knows of (a token inside a reply) before it is kept. It must
	// replace bodies, not change them in place.
	Redact func(*patest.Exchange)
	// Fallback answers for a path or method that is not served. Nil means a
	// plain 404.
	Fallback Handler
}

// Call is a request being served.
type Call struct {
	*http.Request
	Op   string
	Body []byte    // read to the end; Request.Body is empty
	Now  time.Time // life-cycle instant
}

// Reply is what a handler answers. A zero Status means 200.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Handler does the work of an operation. It runs with the state locked.
type Handler func(*Call) Reply

// Server is the part of a simulator that does not depend on the platform.
type Server struct {
	agenda   *Agenda
	maxBody  int64
	secret   map[string]bool
	redact   func(*patest.Exchange)
	fallback Handler
	rand     *rand.Rand // guarded by the agenda

	mu     sync.Mutex // guards what follows
	base   *url.URL
	lines  *listening
	faults []*armed
	dice   *rand.Rand
	record []patest.Exchange
	counts map[string]int

	routes []route // complete before the first call
}

// keptExchanges bounds the record of a simulator that runs for days.
const keptExchanges = 5_000

// keptBody is how much of a body is kept in the record.
const keptBody = 64 << 10

// New returns a server without routes.
func New(cfg Config) (*Server, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil || base.Host == "" || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("sim: the base URL must be absolute, without query")
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	s := &Server{
		agenda:   cfg.Agenda,
		maxBody:  cmp.Or(cfg.MaxBody, 32<<20),
		secret:   map[string]bool{},
		redact:   cfg.Redact,
		fallback: cfg.Fallback,
		base:     base,
		rand:     rand.New(rand.NewPCG(cfg.Seed, 1)),
		dice:     rand.New(rand.NewPCG(cfg.Seed, 2)),
		counts:   map[string]int{},
	}
	if s.fallback == nil {
		s.fallback = func(*Call) Reply { return Text(http.StatusNotFound, "text/plain", "404 page not found\n") }
	}
	for _, name := range append([]string{
		"authorization", "cookie", "x-api-key", "ocp-apim-subscription-key",
		"client_assertion", "x-amz-signature", "x-amz-security-token", "x-amz-meta-secret",
	}, cfg.Secret...) {
		s.secret[strings.ToLower(name)] = true
	}
	return s, nil
}

// route is a method and a path whose segments in braces match anything that is
// not empty.
type route struct {
	op, method string
	segments   []string
	handler    Handler
}

// Handle serves an operation. path is a list of segments, such as
// /streams/{streamId}; where two routes match, the one with more literal
// segments from the left is taken. All routes are given before the first call.
// An operation may have many routes (one per version).
func (s *Server) Handle(op, method, path string, h Handler) {
	s.routes = append(s.routes, route{op, method, strings.Split(path, "/"), h})
}

// Ops returns the names of the operations served, sorted.
func (s *Server) Ops() []string {
	var ops []string
	for _, r := range s.routes {
		ops = append(ops, r.op)
	}
	slices.Sort(ops)
	return slices.Compact(ops)
}

// Agenda returns the agenda that guards the state.
func (s *Server) Agenda() *Agenda { return s.agenda }

// Rand returns the seeded source of the simulator. It is used inside
// [Agenda.Do] only.
func (s *Server) Rand() *rand.Rand { return s.rand }

// Hex returns n hexadecimal digits from [Server.Rand].
func (s *Server) Hex(n int) string {
	b := make([]byte, (n+1)/2)
	for i := range b {
		b[i] = byte(s.rand.Uint32())
	}
	return hex.EncodeToString(b)[:n]
}

// URL returns the address at which clients reach the simulator, without a
// slash at the end.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base.String()
}

// Inject arms a fault for the next calls of an operation; "*" stands for all.
// It refuses an operation that does not exist and a fault that cannot work.
func (s *Server) Inject(op string, f patest.Fault) error {
	if err := f.Validate(); err != nil {
		return err
	}
	if ops := s.Ops(); op != "*" && !slices.Contains(ops, op) {
		return fmt.Errorf("sim: no operation %q; there are %s", op, strings.Join(ops, ", "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armed{op: op, Fault: f, left: cmp.Or(f.Times, 1)})
	return nil
}

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Exchanges returns what was seen, oldest first: at most the last 5 000
// calls. Their headers and bodies must not be changed.
func (s *Server) Exchanges() []patest.Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.record)
}

// Count returns how many calls of an operation were seen; of all with "*".
func (s *Server) Count(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[op]
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o := s.serve(r)
	if o.dropped {
		breakConnection(w)
		return
	}
	h := w.Header()
	maps.Copy(h, o.reply.Header)
	if o.reply.Status != http.StatusNoContent && o.reply.Status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(o.reply.Body)))
	}
	w.WriteHeader(o.reply.Status)
	_, err := w.Write(o.reply.Body[:o.sent])
	if o.sent < len(o.reply.Body) {
		err = errors.Join(err, http.NewResponseController(w).Flush())
	}
	if err != nil || o.sent < len(o.reply.Body) {
		panic(http.ErrAbortHandler) // the connection ends here, without a log
	}
}

// breakConnection leaves a client without a reply. It writes the beginning
// of one, because the transport of net/http silently repeats a call whose
// connection ends before the first byte, and the fault would not be seen.
func breakConnection(w http.ResponseWriter) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2
		panic(http.ErrAbortHandler)
	}
	_, err = buf.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n")
	if err == nil {
		err = buf.Flush()
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		return // the client was faster in closing: it has no reply either
	}
}

// outcome is what becomes of a call: a reply of which sent bytes of the body
// go out, or none.
type outcome struct {
	dropped bool
	reply   Reply
	sent    int
}

func (s *Server) serve(r *http.Request) outcome {
	began := time.Now()
	rt, found := s.match(r)
	body, err := readBody(r, s.maxBody)
	size := int64(len(body))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); err != nil && !tooLarge {
		return outcome{dropped: true} // the client broke off while sending
	}
	call := &Call{Request: r, Op: rt.op, Body: body}
	f := s.hit(rt.op, found, r)

	out := s.play(call, rt.handler, f, err != nil)
	s.keep(call, began, size, out, f != nil)
	return out
}

func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	r.Body = http.NoBody
	return b, err
}

// play runs a call through its fault, in the order that [patest.Fault] gives.
func (s *Server) play(c *Call, h Handler, f *patest.Fault, tooLarge bool) outcome {
	if f == nil {
		f = &patest.Fault{}
	}
	gone := f.Delay > 0 && !sleep(c.Request, f.Delay)
	if f.DropBefore || gone && !f.DropAfter && !f.Done {
		return outcome{dropped: true}
	}
	var reply Reply
	switch {
	case tooLarge:
		reply = Text(http.StatusRequestEntityTooLarge, "text/plain", "body too large\n")
	case f.Status == 0 || f.Done:
		s.agenda.Do(func(now time.Time) {
			c.Now = now
			reply = h(c)
		})
	}
	if f.DropAfter || gone {
		return outcome{dropped: true}
	}
	if f.Status != 0 {
		reply = Reply{Status: f.Status, Header: f.Header.Clone(), Body: []byte(f.Body)}
	}
	reply.Status = cmp.Or(reply.Status, http.StatusOK)
	if reply.Header == nil {
		reply.Header = http.Header{}
	}
	if f.Replace != nil {
		reply.Status, reply.Header, reply.Body = f.Replace(reply.Status, reply.Header, reply.Body)
		if reply.Header == nil {
			reply.Header = http.Header{}
		}
	}
	if f.Oversize > 0 {
		reply.Body = append(slices.Clip(reply.Body), strings.Repeat(" ", f.Oversize)...)
	}
	sent := len(reply.Body)
	if f.Truncate != 0 {
		sent = min(max(f.Truncate, 0), sent)
	}
	return outcome{reply: reply, sent: sent}
}

// sleep waits for d and reports whether the client is still there.
func sleep(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// match finds the route of a request and gives the request its path values.
func (s *Server) match(r *http.Request) (route, bool) {
	s.mu.Lock()
	prefix := s.base.Path
	s.mu.Unlock()
	best := route{handler: s.fallback}
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix)
	if !ok {
		return best, false
	}
	segments := strings.Split(path, "/")
	found := false
	for _, rt := range s.routes {
		if rt.method == r.Method && matches(rt.segments, segments) && (!found || moreLiteral(rt.segments, best.segments)) {
			best, found = rt, true
		}
	}
	for i, name := range best.segments {
		if isParam(name) {
			value, err := url.PathUnescape(segments[i])
			if err != nil {
				return route{handler: s.fallback}, false
			}
			r.SetPathValue(name[1:len(name)-1], value)
		}
	}
	return best, found
}

func isParam(segment string) bool {
	return strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}")
}

func matches(pattern, segments []string) bool {
	if len(pattern) != len(segments) {
		return false
	}
	for i, p := range pattern {
		if segments[i] != p && (!isParam(p) || segments[i] == "") {
			return false
		}
	}
	return true
}

// moreLiteral reports whether a has a literal at the first place where only
// one of the two patterns has one.
func moreLiteral(a, b []string) bool {
	for i := range a {
		if isParam(a[i]) != isParam(b[i]) {
			return isParam(b[i])
		}
	}
	return false
}

// armed is an injected fault and what is left of it.
type armed struct {
	op string
	patest.Fault
	skipped int
	left    int // below zero: for ever
}

// hit returns the fault that meets a call, if any. A call that a fault lets
// pass is offered to the next one.
func (s *Server) hit(op string, found bool, r *http.Request) *patest.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !found {
		return nil
	}
	for i, a := range s.faults {
		if a.op != "*" && a.op != op || a.Match != nil && !a.Match(r) {
			continue
		}
		if a.skipped < a.Skip {
			a.skipped++
			continue
		}
		if a.Rate > 0 {
			if s.dice.Float64() >= a.Rate {
				continue
			}
			return &a.Fault
		}
		if a.left > 0 {
			if a.left--; a.left == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return &a.Fault
	}
	return nil
}

// keep adds a call to the record.
func (s *Server) keep(c *Call, began time.Time, size int64, o outcome, faulted bool) {
	x := patest.Exchange{
		Time:          began,
		Op:            c.Op,
		Method:        c.Method,
		Path:          c.URL.EscapedPath(),
		Query:         s.clean(c.URL.Query(), c.URL.Query()),
		RequestHeader: s.clean(c.Header, c.Header.Clone()),
		RequestBody:   s.cleanBody(c),
		RequestSize:   size,
		Faulted:       faulted,
	}
	if !o.dropped {
		x.Status = o.reply.Status
		x.ResponseHeader = s.clean(o.reply.Header, o.reply.Header.Clone())
		x.ResponseBody = beginning(o.reply.Body[:o.sent])
		x.ResponseSize = int64(o.sent)
	}
	if s.redact != nil {
		s.redact(&x)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.record) == keptExchanges {
		s.record = slices.Delete(s.record, 0, keptExchanges/10)
	}
	s.record = append(s.record, x)
	s.counts["*"]++
	s.counts[c.Op]++
}

// clean blanks in out the values of names that carry credentials.
func (s *Server) clean(in, out map[string][]string) map[string][]string {
	for name := range in {
		if s.secret[strings.ToLower(name)] {
			out[name] = []string{patest.Removed}
		}
	}
	return out
}

func (s *Server) cleanBody(c *Call) []byte {
	if strings.HasPrefix(c.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(c.Body))
		if err != nil { // what cannot be read cannot be cleaned
			return []byte(patest.Removed)
		}
		return []byte(url.Values(s.clean(form, form)).Encode())
	}
	return beginning(c.Body)
}

// beginning copies what is kept of a body, so that the rest can go.
func beginning(body []byte) []byte { return bytes.Clone(body[:min(len(body), keptBody)]) }

// JSON returns a reply with v as application/json. v must be marshalable.
func JSON(status int, v any) Reply { return jsonReply(status, "application/json", v) }

// Problem returns a reply with v as application/problem+json.
func Problem(status int, v any) Reply { return jsonReply(status, "application/problem+json", v) }

func jsonReply(status int, contentType string, v any) Reply {
	b, err := json.Marshal(v)
	if err != nil {
		// The types of replies belong to the simulator: this is a fault of its
		// own, and must be seen.
		return Text(http.StatusInternalServerError, "text/plain", "simulator: "+err.Error()+"\n")
	}
	return Reply{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: b}
}

// Text returns a reply with a body of the given media type.
func Text(status int, contentType, body string) Reply {
	return Reply{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
}
