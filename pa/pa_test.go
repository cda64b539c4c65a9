package pa_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
)

func TestParseEnvironment(t *testing.T) {
	for name, want := range map[string]pa.Environment{"Produzione": pa.Production, " uat ": pa.UAT, "collaudo": pa.UAT, "attestazione": pa.Attestation, "simulatore": pa.Simulator} {
		got, err := pa.ParseEnvironment(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := pa.ParseEnvironment("")
	require.Error(t, err)
	require.True(t, pa.Production.Real())
	require.False(t, pa.UAT.Real())
}

func TestSecretIsNotShown(t *testing.T) {
	s := pa.NewSecret("canary")
	type holder struct {
		Public  pa.Secret
		private pa.Secret
		list    []pa.Secret
	}
	h := holder{s, s, []pa.Secret{s}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb, s)
		fmt.Fprintf(&out, verb, h)
		fmt.Fprintf(&out, verb, &h)
	}
	data, err := json.Marshal(h)
	require.NoError(t, err)
	out.Write(data)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "secret", s, "holder", h)
	}
	require.NotContains(t, out.String(), "canary")
	require.NotContains(t, out.String(), "63616e617279", "nor in hexadecimal")
	require.Equal(t, "canary", s.Reveal())
	require.True(t, s.Equal(pa.NewSecret("canary")))
	require.False(t, s.Equal(pa.Secret{}))
	require.True(t, pa.NewSecret("").IsZero())
}

func TestSecretSources(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(name, []byte(" one\n"), 0o600))
	source := pa.SecretFile(name)
	s, err := source.Secret(t.Context())
	require.NoError(t, err)
	require.Equal(t, "one", s.Reveal())
	require.NoError(t, os.WriteFile(name, []byte("two"), 0o600))
	s, err = source.Secret(t.Context())
	require.NoError(t, err)
	require.Equal(t, "two", s.Reveal(), "a rotated one is taken up")
	require.NoError(t, os.WriteFile(name, []byte("\n"), 0o600))
	_, err = source.Secret(t.Context())
	require.ErrorContains(t, err, "empty")
	require.NoError(t, os.WriteFile(name, make([]byte, 1<<20), 0o600))
	_, err = source.Secret(t.Context())
	require.ErrorContains(t, err, "larger")
	_, err = pa.SecretFile(name + "none").Secret(t.Context())
	require.Error(t, err)

	none, err := pa.SecretFromEnv("PA_TEST_SECRET")
	require.NoError(t, err)
	require.Nil(t, none)
	t.Setenv("PA_TEST_SECRET", "v")
	got, err := pa.SecretFromEnv("PA_TEST_SECRET")
	require.NoError(t, err)
	require.Equal(t, pa.NewSecret("v").Reveal(), got.(pa.Secret).Reveal())
}

func TestAuthorizers(t *testing.T) {
	req, err := http.NewRequest(http.MethodGet, "https://platform.example", nil)
	require.NoError(t, err)
	token := pa.TokenFunc(func(context.Context) (pa.Token, error) { return pa.Token{Value: pa.NewSecret("t"), Type: "DPoP"}, nil })
	auth := pa.Authorizers(nil, pa.APIKey("x-api-key", pa.NewSecret("k")), pa.Bearer(token))
	require.NoError(t, auth.Authorize(t.Context(), req))
	require.Equal(t, "k", req.Header.Get("X-Api-Key"))
	require.Equal(t, "DPoP t", req.Header.Get("Authorization"))
	require.False(t, auth.(pa.Refusable).Refused(req), "a source that cannot renew")

	require.Error(t, pa.APIKey("x", pa.Secret{}).Authorize(t.Context(), req))
	empty := pa.TokenFunc(func(context.Context) (pa.Token, error) { return pa.Token{}, nil })
	require.Error(t, pa.Bearer(empty).Authorize(t.Context(), req))
}

func TestErrorKinds(t *testing.T) {
	cause := pa.NewSentinel("X_CAUSE", pa.Text{IT: "causa", EN: "cause"})
	for status, want := range map[int]error{
		400: pa.ErrInvalid, 401: pa.ErrUnauthorized, 403: pa.ErrForbidden, 404: pa.ErrNotFound, 410: pa.ErrNotFound, 409: pa.ErrConflict,
		407: pa.ErrProxy, 408: pa.ErrUnavailable, 422: pa.ErrInvalid, 429: pa.ErrRateLimited, 302: pa.ErrRedirect, 500: pa.ErrUnavailable, 504: pa.ErrUnavailable,
	} {
		err := error(pa.NewError(pa.Fault{Op: "x.Y", StatusCode: status}))
		require.ErrorIs(t, err, want)
		require.NotEmpty(t, pa.Message(err, pa.Italian))
		require.NotEqual(t, pa.Message(err, pa.Italian), pa.Message(err, pa.English))
		require.Contains(t, err.Error(), fmt.Sprint(status))
	}
	err := error(pa.NewError(pa.Fault{Op: "x.Y", Cause: cause}))
	require.ErrorIs(t, err, cause)
	require.Equal(t, "X_CAUSE", pa.CodeOf(err), "a call that never began says why")
	require.Equal(t, "causa", pa.Message(err, pa.Italian))

	err = pa.NewError(pa.Fault{Op: "x.Y", StatusCode: 400, Code: "a\nb<script>è", TraceID: strings.Repeat("t", 500), Raw: []byte("raw")})
	require.NotContains(t, err.Error(), "\n")
	require.NotContains(t, err.Error(), "<")
	require.Less(t, len(err.Error()), 300)
	e, _ := errors.AsType[*pa.Error](err)
	require.Equal(t, "raw", string(e.Raw()))

	wrapped := fmt.Errorf("outer: %w", pa.ErrRateLimited)
	require.Equal(t, "PA_RATE_LIMITED", pa.CodeOf(wrapped))
	require.True(t, pa.Temporary(wrapped))
	require.False(t, pa.Temporary(pa.ErrInvalid))
	require.Equal(t, "plain", pa.Message(errors.New("plain"), pa.Italian))
	require.Empty(t, pa.Message(nil, pa.Italian))
	require.Empty(t, pa.CodeOf(errors.New("plain")))
}

func TestValidationError(t *testing.T) {
	text := pa.Text{IT: "manca", EN: "is missing"}
	findings := []pa.Finding{{Path: "a", Rule: "R_A", Severity: pa.Invalid, Text: text}, {Path: "b", Rule: "R_B", Text: text}, {Rule: "R_C", Severity: pa.Invalid, Text: text}}
	err := pa.NewValidationError("x.Thing", findings)
	require.ErrorIs(t, err, pa.ErrInvalid)
	require.Equal(t, "R_A", pa.CodeOf(err))
	require.Equal(t, "a: manca\nmanca", pa.Message(err, pa.Italian))
	require.Equal(t, "x.Thing is not valid: a: R_A: is missing\n\tR_C: is missing", err.Error())
	require.NoError(t, pa.NewValidationError("x.Thing", findings[1:2]), "warnings are no error")
	require.Equal(t, "warning", findings[1].Severity.String())
}

func TestDate(t *testing.T) {
	d, err := pa.ParseDate("2026-02-28")
	require.NoError(t, err)
	type doc struct {
		Due pa.Date `json:"due,omitzero"`
	}
	data, err := json.Marshal(doc{d})
	require.NoError(t, err)
	require.Equal(t, `{"due":"2026-02-28"}`, string(data))
	var back doc
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, d, back.Due)
	data, err = json.Marshal(doc{})
	require.NoError(t, err)
	require.Equal(t, `{}`, string(data))
	require.NoError(t, json.Unmarshal([]byte(`{"due":""}`), &back))
	require.True(t, back.Due.IsZero())
	for _, bad := range []string{"2026-02-30", "28/02/2026", "2026-2-3", "x"} {
		_, err := pa.ParseDate(bad)
		require.Error(t, err, bad)
	}
	require.True(t, d.Before(pa.Date{Year: 2026, Month: time.March, Day: 1}))
	require.Equal(t, d, pa.DateOf(d.In(time.UTC)))
}

func TestNullable(t *testing.T) {
	type doc struct {
		N pa.Nullable[int] `json:"n,omitzero"`
	}
	for want, d := range map[string]doc{`{}`: {}, `{"n":null}`: {pa.Null[int]()}, `{"n":0}`: {pa.Value(0)}} {
		data, err := json.Marshal(d)
		require.NoError(t, err)
		require.Equal(t, want, string(data))
		var back doc
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, d, back)
	}
	v, ok := pa.Value(7).Get()
	require.True(t, ok)
	require.Equal(t, 7, v)
	require.True(t, pa.Null[int]().IsNull())
	var d doc
	require.Error(t, json.Unmarshal([]byte(`{"n":"x"}`), &d))
}

func TestFileEvidence(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "evidence")
	e, err := pa.NewFileEvidence(dir)
	require.NoError(t, err)
	old := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 4 {
		require.NoError(t, e.Record(t.Context(), pa.Exchange{Op: "send.Submit", Sender: "00000000000", Method: "POST", URL: "https://platform.example/x",
			Time: old.AddDate(0, i, 0), Request: fmt.Appendf(nil, "request %d", i), StatusCode: 202, Response: fmt.Appendf(nil, "response %d", i)}))
	}
	entries, err := e.Entries()
	require.NoError(t, err)
	require.Len(t, entries, 4)
	require.Equal(t, "1", fmt.Sprint(entries[0].Version))
	data, err := os.ReadFile(filepath.Join(dir, entries[0].Response))
	require.NoError(t, err)
	require.Equal(t, "response 0", string(data), "byte for byte")
	require.NotContains(t, entries[0].Request, ":", "names that every file system takes")

	n, err := e.Purge(old.AddDate(0, 2, 0))
	require.NoError(t, err)
	require.Equal(t, 2, n)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 2*2+1)

	// A crash in the middle of a line.
	manifest := filepath.Join(dir, "manifest.jsonl")
	f, err := os.OpenFile(manifest, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"version":1,"op":"cut`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	e, err = pa.NewFileEvidence(dir)
	require.NoError(t, err)
	require.NoError(t, e.Record(t.Context(), pa.Exchange{Op: "send.Price", Time: old}))
	entries, err = e.Entries()
	require.NoError(t, err)
	require.Len(t, entries, 3)

	require.NoError(t, os.WriteFile(manifest, []byte("nonsense\n"), 0o600))
	_, err = e.Entries()
	require.ErrorContains(t, err, "line 1")
}

// TestEvidenceGolden reads a manifest of the first version.
func TestEvidenceGolden(t *testing.T) {
	dir := t.TempDir()
	golden, err := os.ReadFile("testdata/manifest.v1.jsonl")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.jsonl"), golden, 0o600))
	e, err := pa.NewFileEvidence(dir)
	require.NoError(t, err)
	entries, err := e.Entries()
	require.NoError(t, err)
	require.Equal(t, []pa.EvidenceEntry{{Version: 1, Op: "send.Submit", Sender: "01234567897", Method: "POST", URL: "https://platform.example/delivery/v2.5/requests",
		Time: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), Duration: time.Second, StatusCode: 202, Header: http.Header{"Content-Type": {"application/json"}},
		Request: "a.request", RequestSHA256: "cmVx", Response: "a.response", ResponseSHA256: "cmVz"}}, entries)
}
