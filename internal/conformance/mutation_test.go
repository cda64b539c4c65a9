package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// place is somewhere in a JSON document.
type place struct {
	at    string // JSON pointer
	value any
	set   func(any) // puts another value there
	drop  func()    // takes the member out; nil for an item of a list
}

// places returns all places in a document that is an object or a list.
func places(root any) []place {
	var all []place
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, member := range v {
				all = append(all, place{at + "/" + name, member, func(x any) { v[name] = x }, func() { delete(v, name) }})
				walk(at+"/"+name, member)
			}
		case []any:
			for i, item := range v {
				p := fmt.Sprint(at, "/", i)
				all = append(all, place{p, item, func(x any) { v[i] = x }, nil})
				walk(p, item)
			}
		}
	}
	walk("", root)
	slices.SortFunc(all, func(a, b place) int { return strings.Compare(a.at, b.at) })
	return all
}

func parse(t testing.TB, data []byte) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(data, &v))
	return v
}

func write(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

// recorded lets a notification live and returns what was said.
func recorded(t *testing.T, v send.Versions) []Exchange {
	t.Helper()
	var exchanges []Exchange
	synctest.Test(t, func(t *testing.T) {
		srv := sendtest.New(t)
		k := &sendTalk{t: t, srv: srv, rec: NewRecorder(srv.Transport(), storage)}
		k.life(v)
		exchanges = k.rec.Exchanges()
	})
	return exchanges
}

// A member that nobody knows is found in every object of every reply, and a
// value of another type in every place.
func TestEveryPlaceOfAReplyIsChecked(t *testing.T) {
	c := load(t, sendDocuments())
	objects, values := 0, 0
	for _, e := range append(recorded(t, send.Versions{}), recorded(t, olderVersions)...) {
		if len(e.ReplyBody) == 0 {
			continue
		}
		_, found := c.Check(e)
		require.Empty(t, found)
		root := parse(t, e.ReplyBody)
		for _, p := range append(places(root), place{at: "", value: root}) {
			if object, ok := p.value.(map[string]any); ok {
				object["colour"] = "red"
				objects++
				e.ReplyBody = write(t, root)
				delete(object, "colour")
				_, found := c.Check(e)
				require.NotEmpty(t, found, "%s %s: an unknown member of %q", e.Method, e.Path, p.at)
			}
			if p.set == nil {
				continue
			}
			values++
			p.set(map[string]any{"colour": "red"})
			e.ReplyBody = write(t, root)
			p.set(p.value)
			_, found := c.Check(e)
			require.NotEmpty(t, found, "%s %s: an object at %q", e.Method, e.Path, p.at)
		}
	}
	require.Greater(t, objects, 500)
	t.Logf("%d objects and %d values of replies are checked", objects, values)
}

// wrongs are what is put in the places of a request.
var wrongs = []any{
	nil, true, 7.0, -1.0, 1.5, 1e12, "", "x", "è", "a\nb", "NONE", strings.Repeat("a", 5000), []any{}, []any{7.0}, map[string]any{}, map[string]any{"colour": "red"},
}

// schemaAt returns the schema of a place in a document.
func schemaAt(schema *openapi3.Schema, at string) *openapi3.Schema {
	for _, name := range strings.Split(at, "/")[1:] {
		if p := schema.Properties[name]; p != nil {
			schema = p.Value
			continue
		}
		schema = schema.Items.Value
	}
	return schema
}

// bounds are the values around the limits of a schema, right and wrong ones.
func bounds(s *openapi3.Schema) []any {
	var values []any
	add := func(n uint64) {
		for _, character := range []string{"a", "A", "0"} {
			values = append(values, strings.Repeat(character, int(n)))
		}
	}
	if s.MinLength > 0 {
		add(s.MinLength - 1)
		add(s.MinLength)
	}
	if s.MaxLength != nil {
		add(*s.MaxLength)
		add(*s.MaxLength + 1)
	}
	if s.Min != nil {
		values = append(values, *s.Min-1, *s.Min)
	}
	if s.Max != nil {
		values = append(values, *s.Max, *s.Max+1)
	}
	return append(values, s.Enum...)
}

// schemaCodes are those with which the gateway refuses what its schema does
// not allow.
var schemaCodes = []string{"PN_INVALID_BODY", "PN_INVALID_PARAMETERS"}

// The simulator refuses a body as the gateway does, if and only if the contract
// does not allow it: every place of each request is tried with each wrong value.
func TestGatewayIsAsStrictAsTheContract(t *testing.T) {
	c := load(t, sendDocuments())
	var bodies []Exchange
	for _, e := range append(recorded(t, send.Versions{}), recorded(t, olderVersions)...) {
		if len(e.RequestBody) > 0 && !slices.ContainsFunc(bodies, func(b Exchange) bool { return b.Path == e.Path && string(b.RequestBody) == string(e.RequestBody) }) {
			bodies = append(bodies, e)
		}
	}
	require.GreaterOrEqual(t, len(bodies), 5)
	tried, refused := 0, 0
	synctest.Test(t, func(t *testing.T) {
		srv := sendtest.New(t, sendtest.WithStreamLimit(1<<20), sendtest.WithTerms(func(terms *sendtest.Terms) { terms.Acceptance = 1000 * time.Hour }))
		rec := NewRecorder(srv.Transport())
		for _, e := range bodies {
			root := parse(t, e.RequestBody)
			try := func(at string, what any) {
				e := e
				e.RequestBody = write(t, root)
				status, code := post(t, rec, srv.URL(), e)
				_, found := c.CheckRequest(e)
				found = slices.DeleteFunc(found, func(v Violation) bool { return v.Rule == "undocumented" })
				bySchema := slices.Contains(schemaCodes, code)
				tried++
				if bySchema {
					refused++
				}
				if bySchema != (len(found) > 0) {
					t.Errorf("%s %s: %.60v at %q: the simulator answers %d %s, the contract finds %v", e.Method, e.Path, what, at, status, code, found)
				}
			}
			op, _ := c.route(e.Method, e.Path)
			schema := op.spec.RequestBody.Value.Content["application/json"].Schema.Value
			for _, p := range places(root) {
				for _, wrong := range append(bounds(schemaAt(schema, p.at)), wrongs...) {
					p.set(wrong)
					try(p.at, wrong)
				}
				p.set(p.value)
				if p.drop != nil {
					p.drop()
					try(p.at, "nothing")
					p.set(p.value)
				}
			}
		}
	})
	require.Greater(t, refused, 1000)
	require.Greater(t, tried-refused, 200)
	t.Logf("%d bodies tried, %d refused by simulator and contract alike", tried, refused)
}

// post sends a body and returns the status and the first code of the error.
func post(t *testing.T, transport http.RoundTripper, base string, e Exchange) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), e.Method, base+e.Path, strings.NewReader(string(e.RequestBody)))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", sendtest.APIKey)
	res, err := transport.RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	var problem struct{ Errors []struct{ Code string } }
	if res.StatusCode >= 400 {
		require.NoError(t, json.NewDecoder(res.Body).Decode(&problem))
		require.NotEmpty(t, problem.Errors)
		return res.StatusCode, problem.Errors[0].Code
	}
	return res.StatusCode, ""
}
