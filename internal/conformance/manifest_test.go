package conformance

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// specsDir returns the folder of the specification files or skips the test.
func specsDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(EnvDir)
	if dir == "" {
		t.Skip(EnvDir + " is not set: the specification files are not part of the repository (see cmd/specs)")
	}
	return dir
}

func TestManifestForm(t *testing.T) {
	files, err := Manifest()
	require.NoError(t, err)
	require.NotEmpty(t, files)
	hex := regexp.MustCompile(`^[0-9a-f]+$`)
	var names []string
	for _, f := range files {
		names = append(names, f.File)
		require.True(t, len(f.SHA256) == 64 && hex.MatchString(f.SHA256), f.File)
		require.Contains(t, []Treatment{AsIs, Bundled, Compiled}, f.Treatment, f.File)
		require.Equal(t, f.Treatment != Compiled, f.Origin != nil, f.File)
		url, served := f.URL("https://example.org/")
		require.Equal(t, f.Treatment == AsIs, served, f.File)
		if f.Origin == nil {
			continue
		}
		require.True(t, len(f.Origin.Commit) == 40 && hex.MatchString(f.Origin.Commit), f.File)
		require.Len(t, strings.Split(f.Origin.Repository, "/"), 2, f.File)
		if served {
			require.Equal(t, "https://example.org/"+f.Origin.Repository+"/"+f.Origin.Commit+"/"+f.Origin.Path, url)
		}
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(names))), len(files), "a file is listed twice")
}

func TestManifestDigests(t *testing.T) {
	dir := specsDir(t)
	files, err := Manifest()
	require.NoError(t, err)
	for _, f := range files {
		require.NoError(t, f.VerifyFile(dir))
	}
	t.Logf("%d files are those of the manifest", len(files))
}

func TestVerifyFails(t *testing.T) {
	files, err := Manifest()
	require.NoError(t, err)
	require.ErrorIs(t, files[0].Verify(strings.NewReader("openapi: 3.0.3\n")), ErrDigest)
	require.ErrorIs(t, files[0].VerifyFile(t.TempDir()), os.ErrNotExist)
}

// inManifest fails a test that names a file which the manifest does not have.
func inManifest(t testing.TB, names ...string) {
	t.Helper()
	files, err := Manifest()
	require.NoError(t, err)
	for _, name := range names {
		require.True(t, slices.ContainsFunc(files, func(f SpecFile) bool { return f.File == name }), "%s is not in the manifest", name)
	}
}
