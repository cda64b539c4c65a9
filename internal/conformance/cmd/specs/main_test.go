package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/conformance"
)

// publisher serves the files of a folder at the addresses of their origins.
func publisher(t *testing.T, dir string, serve func(w http.ResponseWriter, name string)) string {
	t.Helper()
	files, err := conformance.Manifest()
	require.NoError(t, err)
	mux := http.NewServeMux()
	for _, f := range files {
		if path, ok := f.URL(""); ok {
			mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { serve(w, f.Path(dir)) })
		}
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestFetch(t *testing.T) {
	specs := os.Getenv(conformance.EnvDir)
	if specs == "" {
		t.Skip(conformance.EnvDir + " is not set: no files to serve")
	}
	served := 0
	base := publisher(t, specs, func(w http.ResponseWriter, name string) {
		served++
		content, err := os.ReadFile(name)
		if err != nil {
			http.Error(w, "not there", http.StatusNotFound)
			return
		}
		_, _ = w.Write(content)
	})
	dir := t.TempDir()
	var first, again strings.Builder
	require.NoError(t, run(t.Context(), dir, base, &first))
	require.Positive(t, served)
	require.Equal(t, served, strings.Count(first.String(), " fetched\n"))
	require.Contains(t, first.String(), "not fetched: bundled")
	require.Contains(t, first.String(), "not fetched: compiled")

	before := served
	require.NoError(t, run(t.Context(), dir, base, &again))
	require.Equal(t, before, served, "nothing is fetched twice")
	require.Equal(t, before, strings.Count(again.String(), " there\n"))
}

func TestFetchRefusesOtherBytes(t *testing.T) {
	base := publisher(t, "", func(w http.ResponseWriter, _ string) { _, _ = w.Write([]byte("openapi: 3.0.3\n")) })
	dir := t.TempDir()
	err := run(t.Context(), dir, base, &strings.Builder{})
	require.ErrorIs(t, err, conformance.ErrDigest)
	left, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	require.NoError(t, err)
	require.Empty(t, left, "a file that is not right is not kept")
}

func TestFetchReportsWhatIsGone(t *testing.T) {
	base := publisher(t, "", func(w http.ResponseWriter, _ string) { http.Error(w, "gone", http.StatusNotFound) })
	err := run(t.Context(), t.TempDir(), base, &strings.Builder{})
	require.ErrorContains(t, err, "404 Not Found")
	require.NotErrorIs(t, err, conformance.ErrDigest)
}

func TestNoFolder(t *testing.T) {
	require.ErrorContains(t, run(t.Context(), "", "", &strings.Builder{}), "-dir")
}
