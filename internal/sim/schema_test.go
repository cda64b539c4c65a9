package sim_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/sim"
)

func TestSchema(t *testing.T) {
	schema := &sim.Schema{Type: "object", Closed: true, Required: []string{"name"}, MinProps: 1, Props: map[string]*sim.Schema{
		"name":  {Type: "string", MinLen: 2, MaxLen: 4, Pattern: regexp.MustCompile(`^[a-z]*$`)},
		"kind":  {Type: "string", Enum: []string{"A", "B"}},
		"count": {Type: "integer"},
		"rate":  {Type: "integer", Min: 0, Max: 100},
		"flag":  {Type: "boolean"},
		"list":  {Type: "array", MinItems: 1, MaxItems: 2, Items: &sim.Schema{Type: "string"}},
	}}
	for _, tc := range []struct{ in, want string }{
		{`{"name":"ab","kind":"A","count":-3,"rate":100,"flag":true,"list":["x"]}`, ""},
		{`{"name":"ab","count":1e2,"rate":5.0}`, ""},
		{`{}`, `missing required properties (["name"])`},
		{`{"name":null}`, `[Path '/name'] Instance type (null) does not match any allowed primitive type (allowed: ["string"])`},
		{`{"name":"a"}`, "too short (length: 1, required minimum: 2)"},
		{`{"name":"abcde"}`, "too long (length: 5, maximum allowed: 4)"},
		{`{"name":"àè"}`, "ECMA 262 regex"},
		{`{"name":"ab","kind":""}`, "not found in enum"},
		{`{"name":"ab","count":1.5}`, "Instance type (number)"},
		{`{"name":"ab","count":1e999999999}`, "Instance type (number)"},
		{`{"name":"ab","count":2147483648}`, "greater than the required maximum"},
		{`{"name":"ab","count":99999999999999999999999}`, "out of range"},
		{`{"name":"ab","rate":-1}`, "lower than the required minimum"},
		{`{"name":"ab","flag":"true"}`, "Instance type (string)"},
		{`{"name":"ab","list":[]}`, "Array is too short"},
		{`{"name":"ab","list":["a","b","c"]}`, "Array is too long"},
		{`{"name":"ab","list":[1]}`, "[Path '/list/0']"},
		{`{"name":"ab","other":1}`, `not allowed by the schema: ["other"]`},
		{`[]`, "Instance type (array)"},
	} {
		tree, err := sim.Tree([]byte(tc.in), 0)
		require.NoError(t, err, tc.in)
		got := strings.Join(schema.Check(tree), "\n")
		if tc.want == "" {
			require.Empty(t, got, tc.in)
		} else {
			require.Contains(t, got, tc.want, tc.in)
		}
	}
}
