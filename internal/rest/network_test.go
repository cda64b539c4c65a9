package rest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/rest"
	"github.com/pa-italia/sdk-go/pa"
)

func coreOn(t *testing.T, base string, transport pa.Transport) *rest.Core {
	t.Helper()
	transport.Retry.MaxTries = 2
	transport.Retry.BaseDelay = time.Millisecond
	c, findings := rest.New(rest.Config{BaseURL: base, Transport: transport, CredentialHeader: "x-api-key",
		Authorizer: pa.APIKey("x-api-key", pa.NewSecret("canary-key"))})
	require.Empty(t, findings)
	return c
}

func serveOK(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, ok)
}

func get(t *testing.T, c *rest.Core) error {
	_, _, err := rest.Call[value](t.Context(), c, &read, rest.Request{Params: []string{"1"}})
	return err
}

func TestForeignCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(serveOK))
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	defer srv.Close()
	err := get(t, coreOn(t, srv.URL, pa.Transport{}))
	require.ErrorIs(t, err, pa.ErrCertificate)
	require.Contains(t, pa.Message(err, pa.Italian), "CA")

	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	require.NoError(t, get(t, coreOn(t, srv.URL, pa.Transport{RootCAs: roots})))
}

func TestClientCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(serveOK))
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	srv.StartTLS()
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	asked := 0
	require.NoError(t, get(t, coreOn(t, srv.URL, pa.Transport{RootCAs: roots,
		ClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked++
			return &srv.TLS.Certificates[0], nil
		}})))
	require.Equal(t, 1, asked)
	require.Error(t, get(t, coreOn(t, srv.URL, pa.Transport{RootCAs: roots})))
}

func TestProxyRefuses(t *testing.T) {
	for _, status := range []int{http.StatusProxyAuthRequired, http.StatusForbidden} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }))
		defer proxy.Close()
		u, err := url.Parse(proxy.URL)
		require.NoError(t, err)
		err = get(t, coreOn(t, "https://platform.example", pa.Transport{Proxy: http.ProxyURL(u)}))
		require.ErrorIs(t, err, pa.ErrProxy)
		require.NotErrorIs(t, err, pa.ErrUnavailable)
	}
	dead, err := url.Parse("http://127.0.0.1:1")
	require.NoError(t, err)
	require.ErrorIs(t, get(t, coreOn(t, "https://platform.example", pa.Transport{Proxy: http.ProxyURL(dead)})), pa.ErrProxy)
}

func TestRedirectTakesNoCredentialsAway(t *testing.T) {
	stolen := false
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen = true }))
	defer thief.Close()
	srv := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	c := coreOn(t, srv.URL, pa.Transport{})
	require.ErrorIs(t, get(t, c), pa.ErrRedirect)
	_, err := c.Download(t.Context(), &download, rest.Presigned{Method: http.MethodGet, URL: srv.URL})
	require.ErrorIs(t, err, pa.ErrRedirect)
	require.False(t, stolen)
}

func TestCallersClientIsNotChanged(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(serveOK))
	defer srv.Close()
	mine := &http.Client{Timeout: 10 * time.Second}
	require.NoError(t, get(t, coreOn(t, srv.URL, pa.Transport{HTTPClient: mine})))
	require.Equal(t, http.Client{Timeout: 10 * time.Second}, *mine)
	_, findings := rest.New(rest.Config{BaseURL: srv.URL, Transport: pa.Transport{HTTPClient: mine, RootCAs: x509.NewCertPool()}})
	require.Len(t, findings, 1)
}

// TestGarbledConnection: what a broken peer sends does not end up in an error.
func TestGarbledConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, "RSSMRA canary nonsense\r\n\r\n")
			conn.Close()
		}
	}()
	err = get(t, coreOn(t, "http://"+l.Addr().String(), pa.Transport{}))
	require.ErrorIs(t, err, pa.ErrUnavailable)
	require.NotContains(t, err.Error(), "canary")
}

var (
	upload   = rest.Op{Name: "x.Upload", Method: http.MethodPut, Path: "(presigned)", Idempotent: true, Timeout: time.Second}
	download = rest.Op{Name: "x.Download", Method: http.MethodGet, Path: "(presigned)", Timeout: time.Second}
)

func TestPresignedCarriesNoCredentials(t *testing.T) {
	var got *http.Request
	var body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got, body = r, string(data)
		w.Header().Set("X-Amz-Version-Id", "v1")
	}))
	defer srv.Close()
	c := coreOn(t, "https://platform.example", pa.Transport{})
	h, err := c.Upload(t.Context(), &upload, rest.Presigned{Method: http.MethodPut, URL: srv.URL + "/f?X-Amz-Signature=canary",
		Header: http.Header{"X-Amz-Meta-Secret": {"[s]"}}, Size: 3, Body: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil }})
	require.NoError(t, err)
	require.Equal(t, "v1", h.Get("X-Amz-Version-Id"))
	require.Equal(t, "abc", body)
	require.EqualValues(t, 3, got.ContentLength)
	require.Empty(t, got.TransferEncoding)
	require.Empty(t, got.Header.Get("X-Api-Key"))
	require.Equal(t, "[s]", got.Header.Get("X-Amz-Meta-Secret"))
}

func TestPresignedFailures(t *testing.T) {
	const s3 = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Request has expired RSSMRA</Message><RequestId>REQ1</RequestId></Error>`
	for _, tt := range []struct {
		name     string
		answer   answer
		attempts int
		is       error
		code     string
	}{
		{"expired", reply(403, "application/xml", s3), 1, pa.ErrForbidden, "AccessDenied"},
		{"slow down", reply(503, "application/xml", `<Error><Code>SlowDown</Code></Error>`), 3, pa.ErrUnavailable, "SlowDown"},
		{"lost", lost(), 3, pa.ErrUnavailable, "PA_UNAVAILABLE"},
		{"not XML", reply(400, "text/html", "<html><!DOCTYPE x>"), 1, pa.ErrInvalid, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{tt.answer}}
				c := newCore(t, s, func(cfg *rest.Config) { cfg.Transport.Retry.MaxTries = 3 })
				_, err := c.Upload(t.Context(), &upload, rest.Presigned{Method: http.MethodPut, URL: "https://store.example/?X-Amz-Signature=canary", Size: 1,
					Body: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }})
				require.ErrorIs(t, err, tt.is)
				require.Len(t, s.seen, tt.attempts)
				if tt.code != "" {
					require.Equal(t, tt.code, pa.CodeOf(err))
				}
				require.NotContains(t, err.Error(), "canary")
				require.NotContains(t, err.Error(), "RSSMRA")
				for _, b := range s.bodies {
					require.Equal(t, "x", b)
				}
			})
		})
	}
	for _, bad := range []string{"http://store.example/x", "", "://", "ftp://store.example"} {
		_, err := newCore(t, new(script)).Upload(t.Context(), &upload, rest.Presigned{Method: http.MethodPut, URL: bad})
		require.ErrorIs(t, err, pa.ErrUnexpectedReply, bad)
	}
}

// TestUploadBodyFails: a file that cannot be read is the caller's trouble, not
// the platform's, and not repeated.
func TestUploadBodyFails(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer srv.Close()
	cause := errors.New("file changed")
	opened := 0
	c := coreOn(t, srv.URL, pa.Transport{})
	_, err := c.Upload(t.Context(), &upload, rest.Presigned{Method: http.MethodPut, URL: srv.URL, Size: 10, Body: func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(io.MultiReader(strings.NewReader("abc"), failingReader{cause})), nil
	}})
	require.ErrorIs(t, err, cause)
	require.Equal(t, 1, opened)
	require.NotErrorIs(t, err, pa.ErrUnavailable)
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestStandstill(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "abc")
		w.(http.Flusher).Flush()
		<-release
	}))
	defer srv.Close()
	defer close(release)
	op := download
	op.Timeout = 100 * time.Millisecond
	resp, err := coreOn(t, srv.URL, pa.Transport{}).Download(t.Context(), &op, rest.Presigned{Method: http.MethodGet, URL: srv.URL})
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.ErrorIs(t, err, pa.ErrUnavailable, "not the caller's own context")
	require.NotErrorIs(t, err, context.Canceled)
	require.True(t, bytes.Equal(data, []byte("abc")))
}
