package conformance

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRecorder(t *testing.T) {
	echo := transportFunc(func(r *http.Request) (*http.Response, error) {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if string(content) == "broken" {
			return nil, errors.New("connection lost")
		}
		return &http.Response{StatusCode: 200, Header: http.Header{"X-Echo": {"1"}}, Body: io.NopCloser(strings.NewReader("got " + string(content)))}, nil
	})
	rec := NewRecorder(echo, "/storage/")
	call := func(path, body string) (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://example.invalid"+path, strings.NewReader(body))
		require.NoError(t, err)
		res, err := rec.RoundTrip(req)
		if err != nil {
			return "", err
		}
		content, err := io.ReadAll(res.Body)
		require.NoError(t, errors.Join(err, res.Body.Close()))
		return string(content), nil
	}
	got, err := call("/a%2Fb?x=1", "one")
	require.NoError(t, err)
	require.Equal(t, "got one", got)
	got, err = call("/storage/key", "two")
	require.NoError(t, err)
	require.Equal(t, "got two", got)
	_, err = call("/c", "broken")
	require.Error(t, err)

	require.Equal(t, 1, rec.Outside())
	require.Equal(t, []Exchange{{
		Method: "PUT", Path: "/a%2Fb", Query: "x=1", RequestHeader: http.Header{}, RequestBody: []byte("one"),
		Status: 200, ReplyHeader: http.Header{"X-Echo": {"1"}}, ReplyBody: []byte("got one"),
	}}, rec.Exchanges())
}
