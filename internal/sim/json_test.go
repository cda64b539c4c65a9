package sim_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/sim"
)

type order struct {
	Name  string            `json:"name"`
	Items []item            `json:"items"`
	Extra map[string]string `json:"extra"`
	Inner *item             `json:"inner"`
}

type item struct {
	Count int `json:"count"`
}

func TestDecodeJSON(t *testing.T) {
	var o order
	require.NoError(t, sim.DecodeJSON([]byte(`{"name":"a","items":[{"count":1}],"extra":{"b":"c"},"inner":{"count":2}}`), &o, sim.Strict{}))
	require.Equal(t, order{"a", []item{{1}}, map[string]string{"b": "c"}, &item{2}}, o)

	for _, tc := range []struct{ in, kind, at string }{
		{`{"name":"a"`, sim.BadSyntax, ""},
		{`{"name":"a",}`, sim.BadSyntax, ""},
		{`{} {}`, sim.BadSyntax, ""},
		{``, sim.BadSyntax, ""},
		{"{\"name\":\"\xff\"}", sim.BadSyntax, ""},
		{`{"name":"a","name":"a"}`, sim.Duplicate, "/name"},
		{`{"items":[{"count":1},{"count":1,"count":2}]}`, sim.Duplicate, "/items/1/count"},
		{`{"name":null}`, sim.IsNull, "/name"},
		{`{"extra":{"a/b":null}}`, sim.IsNull, "/extra/a~1b"},
		{`null`, sim.IsNull, ""},
		{`{"Name":"a"}`, sim.UnknownKey, "/Name"},
		{`{"inner":{"total":1}}`, sim.UnknownKey, "/inner/total"},
		{`{"items":{}}`, sim.BadType, "/items"},
		{`{"inner":{"count":1.5}}`, sim.BadType, "/inner/count"},
		{`[]`, sim.BadType, ""},
		{strings.Repeat("[", 100) + strings.Repeat("]", 100), sim.TooDeep, strings.Repeat("/0", 64)},
	} {
		err := sim.DecodeJSON([]byte(tc.in), new(order), sim.Strict{})
		bad, ok := errors.AsType[*sim.JSONError](err)
		require.True(t, ok, "%s: %v", tc.in, err)
		require.Equal(t, tc.kind, bad.Kind, tc.in)
		require.Equal(t, tc.at, bad.Pointer, tc.in)
	}

	open := sim.Strict{AllowUnknown: true, AllowNull: true}
	require.NoError(t, sim.DecodeJSON([]byte(`{"other":1,"name":null}`), new(order), open))
	require.Error(t, sim.DecodeJSON([]byte(`{"NAME":"a"}`), new(order), open), "a misspelt name is not an unknown one")
	require.Error(t, sim.DecodeJSON([]byte(`{"name":"aaaaaaa"}`), new(order), sim.Strict{Max: 10}))
}

func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{`{"name":"a","items":[{"count":1}]}`, `{"a":null}`, `[[[]]]`, `{"a":1,"a":2}`, "\xff", `1e999`, `{"inner":{"count":99999999999999999999}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var o order
		if err := sim.DecodeJSON(data, &o, sim.Strict{}); err == nil {
			if _, err := sim.Tree(data, 0); err != nil {
				t.Fatalf("decoded what is no tree: %v", err)
			}
		}
	})
}
