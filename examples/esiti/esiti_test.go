package main

import (
	"bytes"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// clean takes the variables of whoever runs the tests away.
func clean(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		send.EnvEnvironment, send.EnvBaseURL, send.EnvAPIKey, send.EnvAPIKey + "_FILE", send.EnvRequests, send.EnvSent, send.EnvStreams, send.EnvPrice,
		pdnd.EnvEnvironment, pdnd.EnvTokenURL, pdnd.EnvAudience, pdnd.EnvClientID, pdnd.EnvKeyID, pdnd.EnvKey, pdnd.EnvKeyFile, pdnd.EnvPurposeID,
	} {
		t.Setenv(name, "")
	}
}

// execute runs the command and checks that nothing secret or personal is in
// what it prints.
func execute(ctx context.Context, t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(ctx, args, &out, &err)
	for _, canary := range []string{sendtest.APIKey, "SMPDNN80A41H501D", "adanna.esempio@", "Via ", "eyJ"} {
		require.NotContains(t, out.String()+err.String(), canary)
	}
	return code, out.String(), err.String()
}

var eventLine = regexp.MustCompile(`(?m)^\d{2}/\d{2}/\d{4} \d{2}:\d{2}  (\S+) +([A-Z_]+) +(\S+) +(\S.*)$`)

func TestWithoutFlags(t *testing.T) {
	clean(t)
	began := time.Now()
	code, stdout, stderr := execute(t.Context(), t)
	require.Zero(t, code, stderr)
	require.Empty(t, stderr)
	t.Logf("three stories in %s", time.Since(began))
	require.True(t, strings.HasSuffix(stdout, "\nLe notifiche sono arrivate tutte alla fine.\n"), stdout)
	counts := map[string]int{}
	for _, m := range eventLine.FindAllStringSubmatch(stdout, -1) {
		counts[m[2]]++
	}
	require.Equal(t, 3, counts["REQUEST_ACCEPTED"])
	require.Equal(t, 3, counts["REFINEMENT"])
	for _, category := range []string{"DIGITAL_SUCCESS_WORKFLOW", "DIGITAL_FAILURE_WORKFLOW", "SEND_SIMPLE_REGISTERED_LETTER", "ANALOG_SUCCESS_WORKFLOW"} {
		require.Equal(t, 1, counts[category], category)
	}
	dir := regexp.MustCompile(`stato in (.*)\. Ctrl-C`).FindStringSubmatch(stdout)
	require.NotNil(t, dir)
	require.NoDirExists(t, dir[1], "the demonstration leaves nothing behind")
}

func TestHelp(t *testing.T) {
	code, stdout, stderr := execute(t.Context(), t, "-h")
	require.Zero(t, code)
	require.Empty(t, stderr)
	o := new(options)
	for _, f := range append(o.flags(), o.access.Flags()...) {
		require.Contains(t, stdout, "\n  -"+f.Name)
	}
	require.Contains(t, stdout, "cronologia della shell")
	for line := range strings.Lines(stdout) {
		require.LessOrEqual(t, len([]rune(line)), 90, line)
	}
}

func TestBadFlags(t *testing.T) {
	clean(t)
	srv, flags := platform(t)
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown", []string{"-prova"}, "non esiste l'opzione -prova"},
		{"stray", []string{"x"}, `non si capisce "x"`},
		{"stream of nobody", []string{"-stream", "x"}, "-ambiente: manca"},
		{"which stream", flags, "-stream: quale?"},
		{"two", append(slices.Clone(flags), "-stream", "x", "-elenca"), "-stream, -crea, -elenca: se ne indica una sola"},
		{"no such stream", append(slices.Clone(flags), "-stream", "5d0c1f6e-9c1f-4f0e-8b1e-2c8f5f1a7b10"), "Lo stream non esiste"},
		{"wrong key", []string{"-url", srv.URL(), "-api-key", "chiave-sbagliata", "-elenca"}, "SEND non ha accettato le credenziali"},
		{"state", append(slices.Clone(flags), "-crea", "x", "-stato", filepath.Join("esiti_test.go", "x")), "-stato: la cartella non si può usare"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, _, stderr := execute(t.Context(), t, tt.args...)
			require.Equal(t, 1, code)
			require.Contains(t, stderr, tt.want)
			require.NotContains(t, stderr, "chiave-sbagliata")
		})
	}
}

// platform is a simulator outside of the command, with an API key that wants
// no voucher.
func platform(t *testing.T) (*sendtest.Server, []string) {
	t.Helper()
	srv, err := sendtest.Start(t.Context(), sendtest.WithClock(patest.RealTime()), sendtest.WithRetryAfter(50*time.Millisecond, false))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	return srv, []string{"-url", srv.URL(), "-api-key", sendtest.APIKey}
}

// deposit lets a notification live until it is delivered: four events.
func deposit(t *testing.T, srv *sendtest.Server) {
	t.Helper()
	client, err := send.New(send.Config{Environment: pa.Simulator, BaseURL: srv.URL(), APIKey: pa.NewSecret(sendtest.APIKey)})
	require.NoError(t, err)
	n, files, err := access.Sample()
	require.NoError(t, err)
	_, err = client.Submit(t.Context(), n, files)
	require.NoError(t, err)
	srv.Clock().Advance(time.Hour)
}

// breaking is an output that acts after some lines with events.
type breaking struct {
	seen  bytes.Buffer
	after int
	act   func() error
}

func (b *breaking) Write(p []byte) (int, error) {
	if eventLine.Match(p) {
		if b.after--; b.after < 0 {
			if err := b.act(); err != nil {
				return 0, err
			}
		}
	}
	return b.seen.Write(p)
}

// begun runs the command until it follows its stream, and returns what it prints.
func begun(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &following{cancel: cancel}
	var stderr bytes.Buffer
	require.Zero(t, run(ctx, args, out, &stderr), stderr.String())
	return out.seen.String()
}

type following struct {
	seen   bytes.Buffer
	cancel func()
}

func (f *following) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("Ctrl-C")) {
		f.cancel()
	}
	return f.seen.Write(p)
}

func lines(text string) []string { return eventLine.FindAllString(text, -1) }

func TestGoesOnAfterAStop(t *testing.T) {
	clean(t)
	srv, flags := platform(t)
	flags = append(flags, "-crea", "gestionale", "-stato", t.TempDir())
	stopped := func(after int) string {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out := &breaking{after: after, act: func() error { cancel(); return nil }}
		time.AfterFunc(20*time.Second, cancel) // where there is nothing to read
		var stderr bytes.Buffer
		require.Zero(t, run(ctx, flags, out, &stderr), stderr.String())
		require.True(t, strings.HasSuffix(out.seen.String(), "Fermato. Ripetendo il comando si riprende da qui.\n"))
		return out.seen.String()
	}

	// An output that breaks is a crash in the middle of a batch.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, stdout, stderr := execute(ctx, t, flags...)
	require.Equal(t, 1, code, "%s%s", stdout, stderr)
	require.Contains(t, begun(t, flags...), "Stream creato.")
	deposit(t, srv)
	crash := &breaking{after: 2, act: func() error { return errors.New("broken pipe") }}
	var errs bytes.Buffer
	require.Equal(t, 1, run(t.Context(), flags, crash, &errs))
	require.Contains(t, errs.String(), "broken pipe")
	before := lines(crash.seen.String())
	require.Len(t, before, 2)

	second := stopped(0)
	require.Contains(t, second, "Lo stream esiste già")
	seen := lines(second)
	require.Equal(t, before, seen[:2], "a batch that was not finished comes again")
	require.Len(t, seen, 4)
	require.Contains(t, seen[3], "DIGITAL_SUCCESS_WORKFLOW")

	deposit(t, srv)
	third := lines(stopped(0))
	require.Len(t, third, len(seen))
	for _, line := range third {
		require.NotContains(t, seen, line, "what was printed does not come again")
	}
	code, stdout, stderr = execute(t.Context(), t, append(flags[:4:4], "-elenca")...)
	require.Zero(t, code, stderr)
	require.Regexp(t, `^\S{36}  gestionale\n$`, stdout, "made once")
}

func TestListOfNone(t *testing.T) {
	clean(t)
	_, flags := platform(t)
	code, stdout, stderr := execute(t.Context(), t, append(flags, "-elenca")...)
	require.Zero(t, code, stderr)
	require.Equal(t, "L'ente non ha stream: se ne crea uno con -crea TITOLO.\n", stdout)
}

func TestTwoStreamsOfOneTitle(t *testing.T) {
	clean(t)
	srv, flags := platform(t)
	client, err := send.New(send.Config{Environment: pa.Simulator, BaseURL: srv.URL(), APIKey: pa.NewSecret(sendtest.APIKey)})
	require.NoError(t, err)
	for range 2 {
		_, err := client.CreateStream(t.Context(), send.StreamRequest{Title: "doppio"})
		require.NoError(t, err)
	}
	code, _, stderr := execute(t.Context(), t, append(flags, "-crea", "doppio")...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "-crea: più stream hanno questo titolo")
}

func TestOneReader(t *testing.T) {
	clean(t)
	srv, flags := platform(t)
	client, err := send.New(send.Config{Environment: pa.Simulator, BaseURL: srv.URL(), APIKey: pa.NewSecret(sendtest.APIKey)})
	require.NoError(t, err)
	s, err := client.CreateStream(t.Context(), send.StreamRequest{Title: "uno"})
	require.NoError(t, err)
	dir := t.TempDir()
	locks, err := send.NewFileLocks(dir)
	require.NoError(t, err)
	_, release, err := locks.Lock(t.Context(), "send-stream-"+s.StreamID)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	code, stdout, stderr := execute(ctx, t, append(flags, "-stream", s.StreamID, "-stato", dir)...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "Un altro programma segue questo stream")
	require.Contains(t, stdout, "Fermato.")
	require.Zero(t, srv.Count("Events"))
	require.NoError(t, release())
}

// Every category that the package knows has a text.
func TestDescriptions(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "send", "timeline.go"), nil, 0)
	require.NoError(t, err)
	known := 0
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == "Category" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			require.NotEmpty(t, descriptions[send.Category(value)], value)
			known++
		}
		return true
	})
	require.Len(t, descriptions, known)

	for want, e := range map[string]send.TimelineElement{
		"Categoria nuova, non descritta da questo programma":                      {Category: "NEW"},
		"Richiesta rifiutata: la notifica non esiste (FILE_SHA_ERROR)":            {Category: send.CategoryRequestRefused, Details: []byte(`{"refusalReasons":[{"errorCode":"FILE_SHA_ERROR","detail":"personal"}]}`)},
		"Esito dell'invio cartaceo (destinatario 2, KO, RECRN002F, costo 4,00 €)": {Category: send.CategorySendAnalogFeedback, Details: []byte(`{"recIndex":1,"responseStatus":"KO","deliveryDetailCode":"RECRN002F","analogCost":400}`)},
	} {
		text, err := describe(&e)
		require.NoError(t, err)
		require.Equal(t, want, text)
	}
	_, err = describe(&send.TimelineElement{Details: []byte(`[]`)})
	require.Error(t, err)
}

func TestStateOfTheUser(t *testing.T) {
	clean(t)
	_, flags := platform(t)
	home := t.TempDir()
	for _, name := range []string{"XDG_CONFIG_HOME", "HOME", "AppData"} {
		t.Setenv(name, home)
	}
	want, err := os.UserConfigDir()
	require.NoError(t, err)
	require.Contains(t, begun(t, append(flags, "-crea", "x")...), filepath.Join(want, "pa-italia", "esiti"))

	for _, name := range []string{"XDG_CONFIG_HOME", "HOME", "AppData"} {
		t.Setenv(name, "")
	}
	code, _, stderr := execute(t.Context(), t, append(flags, "-crea", "x")...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "-stato: va indicata")
}
