package conformance

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
)

// sendMissing are the operations of the contract that package send does not
// call: none.
var sendMissing = []string{}

// pdndMissing are those that package pdnd does not call.
var pdndMissing = []string{
	"POST /token.oauth2.async", // asynchronous exchanges
	"GET /status",              // of the service inside PDND: it is not published
}

func declaredIn(t testing.TB, dir string) []Declared {
	t.Helper()
	declared, err := ReadDeclared(filepath.Join("..", "..", dir))
	require.NoError(t, err)
	require.NotEmpty(t, declared)
	return declared
}

// area is a part of the API of SEND with a version of its own.
type area struct {
	paths *regexp.Regexp // the version is the submatch; none is the first
	set   func(*send.Versions, send.Version)
}

func areas() []area {
	at := func(pattern string, set func(*send.Versions, send.Version)) area {
		return area{regexp.MustCompile(pattern), set}
	}
	return []area{
		at(`^/delivery/(v[\d.]+/)?requests$`, func(vs *send.Versions, v send.Version) { vs.Requests = v }),
		at(`^/delivery/(v[\d.]+/)?notifications/sent/\{iun\}$`, func(vs *send.Versions, v send.Version) { vs.Sent = v }),
		at(`^/delivery-progresses/(v[\d.]+/)?streams(?:/.*)?$`, func(vs *send.Versions, v send.Version) { vs.Streams = v }),
		at(`^/delivery/(v[\d.]+/)?price/\{paTaxId\}/\{noticeCode\}$`, func(vs *send.Versions, v send.Version) { vs.Price = v }),
	}
}

// split takes the version out of a path of the area.
func (a area) split(path string) (before, after string, v send.Version, ok bool) {
	m := a.paths.FindStringSubmatchIndex(path)
	if m == nil {
		return "", "", "", false
	}
	if m[2] < 0 {
		i := strings.Index(path[1:], "/") + 2
		return path[:i], path[i:], send.V1, true
	}
	return path[:m[2]], path[m[3]:], send.Version(strings.TrimSuffix(path[m[2]:m[3]], "/")), true
}

// speaks reports whether a client takes these versions.
func speaks(v send.Versions) bool {
	_, err := send.New(send.Config{
		Environment: pa.Simulator, BaseURL: "https://send.example.invalid", APIKey: pa.NewSecret("k"), Versions: v,
	})
	return err == nil
}

// olderOperations are the operations of other versions that the declared
// functions can be made to call: the versions of the contract that a client
// takes.
func olderOperations(c *Contract, declared []Declared) []string {
	var older []string
	for _, a := range areas() {
		for _, op := range c.Operations {
			before, after, v, ok := a.split(op.Path)
			if !ok {
				continue
			}
			var vs send.Versions
			a.set(&vs, v)
			called := slices.ContainsFunc(declared, func(d Declared) bool {
				method, path, _ := strings.Cut(d.Operation, " ")
				b, rest, current, ok := a.split(path)
				return ok && method == op.Method && b == before && rest == after && current != v
			})
			if called && speaks(vs) {
				older = append(older, op.String())
			}
		}
	}
	return older
}

func TestSendOperations(t *testing.T) {
	c := load(t, sendDocuments())
	declared := declaredIn(t, "send")
	older := olderOperations(c, declared)
	r := Coverage(c, declared, older)
	require.Empty(t, r.Gone, "declared, and not in the contract")
	require.ElementsMatch(t, sendMissing, r.Missing, "the list of what is missing must be exact")
	t.Logf("SEND: %d operations called, %d of them of older versions; missing: %d\n%s",
		len(r.Covered), len(older), len(r.Missing), strings.Join(r.Missing, "\n"))
}

func TestPDNDOperations(t *testing.T) {
	c := load(t, pdndDocuments())
	r := Coverage(c, declaredIn(t, "pdnd"), nil)
	require.Empty(t, r.Gone)
	require.ElementsMatch(t, pdndMissing, r.Missing)
	t.Logf("PDND: %d operations called; missing: %s", len(r.Covered), strings.Join(r.Missing, ", "))
}

func TestAreas(t *testing.T) {
	for path, want := range map[string][3]string{
		"/delivery/v2.5/requests":                          {"/delivery/", "requests", "v2.5"},
		"/delivery/requests":                               {"/delivery/", "requests", "v1"},
		"/delivery-progresses/v2.9/streams/{streamId}":     {"/delivery-progresses/", "streams/{streamId}", "v2.9"},
		"/delivery-progresses/streams":                     {"/delivery-progresses/", "streams", "v1"},
		"/delivery/price/{paTaxId}/{noticeCode}":           {"/delivery/", "price/{paTaxId}/{noticeCode}", "v1"},
		"/delivery/v2.8/notifications/sent/{iun}":          {"/delivery/", "notifications/sent/{iun}", "v2.8"},
		"/delivery/notifications/sent/{iun}/attachments/x": {},
	} {
		var got [3]string
		for _, a := range areas() {
			if before, after, v, ok := a.split(path); ok {
				got = [3]string{before, after, string(v)}
			}
		}
		require.Equal(t, want, got, path)
	}
	require.True(t, speaks(send.Versions{}))
	require.False(t, speaks(send.Versions{Requests: "v0.1"}))
}

const coverageContract = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /things:
    get: {responses: {"200": {description: ok}}}
    post: {responses: {"200": {description: ok}}}
  /things/{id}:
    get: {deprecated: true, responses: {"200": {description: ok}}}
    delete: {responses: {"204": {description: ok}}}
`

func contractOf(t testing.TB, source string) *Contract {
	t.Helper()
	s, err := ParseSchemas([]byte(source))
	require.NoError(t, err)
	c := &Contract{}
	require.NoError(t, c.add(Document{}, s))
	return c
}

func TestCoverageCatches(t *testing.T) {
	c := contractOf(t, coverageContract)
	declared, err := parseDeclared("client.go", []byte(`package p

// List lists.
//
//api:operation GET /things
func List() {}

// Gone calls what is no more.
//
//api:operation GET /things/{id}/parts
func Gone() {}
`))
	require.NoError(t, err)
	r := Coverage(c, declared, []string{"DELETE /things/{id}"})
	slices.Sort(r.Covered)
	require.Equal(t, []string{"DELETE /things/{id}", "GET /things"}, r.Covered)
	require.Equal(t, []string{"POST /things"}, r.Missing, "a deprecated operation is not missing")
	require.Len(t, r.Gone, 1)
	require.Contains(t, r.Gone[0], "client.go:10:1: Gone: GET /things/{id}/parts")
}

func TestDeclarationsOfAnotherForm(t *testing.T) {
	for _, src := range []string{
		"package p\n\n//api:operation GET\nfunc F() {}\n",
		"package p\n\n//api:operation /things GET\nfunc F() {}\n",
		"package p\n\n//api:operations GET /things\nfunc F() {}\n",
		"package p\n\nfunc F() {\n\t//api:operation GET /things\n}\n",
		"package p\n\n//api:operation GET /things\n\nfunc F() {}\n",
	} {
		_, err := parseDeclared("client.go", []byte(src))
		require.ErrorContains(t, err, "client.go:", src)
	}
	_, err := parseDeclared("client.go", []byte("no Go"))
	require.Error(t, err)
}
