package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ErrUnknownHost is returned by [Server.Transport] for a host that is not the
// one of the simulator: a client that takes its calls, and its credentials,
// elsewhere is found out.
var ErrUnknownHost = errors.New("sim: the simulator does not answer for this host")

// Transport returns a round tripper that reaches the simulator without
// sockets. The handler runs in the goroutine of the caller, so nothing is left
// running when RoundTrip returns. It honours the context of the request and
// breaks connections as a socket does: a dropped one ends in
// [io.ErrUnexpectedEOF], and so does the reading of a truncated body.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ s *Server }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	if body == nil {
		body = http.NoBody
	}
	defer body.Close()
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	base, err := url.Parse(t.s.URL())
	if err != nil {
		return nil, err
	}
	if req.URL.Scheme != base.Scheme || !strings.EqualFold(req.URL.Host, base.Host) {
		return nil, fmt.Errorf("%w: %s://%s", ErrUnknownHost, req.URL.Scheme, req.URL.Host)
	}
	read := &sized{r: body, left: req.ContentLength}
	in := req.Clone(ctx)
	in.Body = io.NopCloser(read)
	in.Response = nil
	in.RequestURI = req.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:0"
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if in.Header == nil {
		in.Header = http.Header{}
	}
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		in.ContentLength = 0
		if slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, req.Method) {
			in.Header.Set("Content-Length", "0")
		}
	case req.ContentLength > 0:
		in.Header.Set("Content-Length", fmt.Sprint(req.ContentLength))
	default: // a body of unknown length travels in chunks
		in.ContentLength = -1
		in.TransferEncoding = []string{"chunked"}
		read.left = -1
	}

	o := t.s.serve(in)
	if read.err != nil {
		return nil, read.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.dropped {
		return nil, io.ErrUnexpectedEOF
	}
	res := &http.Response{
		Status:        fmt.Sprintf("%03d %s", o.reply.Status, http.StatusText(o.reply.Status)),
		StatusCode:    o.reply.Status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        o.reply.Header.Clone(),
		ContentLength: int64(len(o.reply.Body)),
		Request:       req,
	}
	var content io.Reader = bytes.NewReader(o.reply.Body[:o.sent])
	if o.sent < len(o.reply.Body) {
		content = io.MultiReader(content, broken{})
	}
	res.Body = io.NopCloser(content)
	return res, nil
}

// sized reads a request body and holds it to its announced length, as
// net/http does when it writes one.
type sized struct {
	r    io.Reader
	left int64 // below zero: not announced
	err  error
}

func (s *sized) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.left >= 0 {
		s.left -= int64(n)
		if s.left < 0 || errors.Is(err, io.EOF) && s.left > 0 {
			s.left = 0
			err = errors.New("sim: the request body does not have its announced Content-Length")
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// broken is the end of a truncated body.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
