package sendtest

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/sim"
)

func TestF24(t *testing.T) {
	const payer = `"taxPayer":{"taxCode":"01234567897"}`
	row := func(applyCost string) string {
		return `{"f24Standard":{` + payer + `,"treasury":{"records":[{"applyCost":` + applyCost + `,"taxType":"1001","debit":100}]}}}`
	}
	tests := map[string]struct {
		json        string
		cost, valid bool
	}{
		"a form without members":    {`{"f24Simplified":{}}`, false, true},
		"one row, no cost":          {row("false"), false, true},
		"one row with the cost":     {row("true"), true, true},
		"the cost is not asked for": {row("true"), false, false},
		"the cost is nowhere":       {row("false"), true, false},
		"no form":                   {`{}`, false, false},
		"two forms":                 {`{"f24Standard":{},"f24Elid":{}}`, false, false},
		"unknown form":              {`{"f24":{}}`, false, false},
		"no object":                 {`[]`, false, false},
		"no JSON":                   {`{`, false, false},
		"null":                      {`{"f24Standard":null}`, false, false},
		"without a payer":           {`{"f24Standard":{"treasury":{"records":[]}}}`, false, false},
		"a payer and no section":    {`{"f24Standard":{` + payer + `}}`, false, false},
		"unknown member":            {`{"f24Standard":{` + payer + `,"x":1}}`, false, false},
		"row without applyCost":     {`{"f24Standard":{` + payer + `,"treasury":{"records":[{"debit":1}]}}}`, false, false},
		"number out of bounds":      {`{"f24Standard":{` + payer + `,"treasury":{"records":[{"applyCost":false,"debit":2147483648}]}}}`, false, false},
	}
	for name, tc := range tests {
		require.Equal(t, tc.valid, validF24([]byte(tc.json), tc.cost), name)
	}
}

func FuzzF24(f *testing.F) {
	f.Add([]byte(`{"f24Standard":{"taxPayer":{"taxCode":"01234567897"},"treasury":{"records":[{"applyCost":true}]}}}`), true)
	f.Add([]byte(`{"f24Elid":{}}`), false)
	f.Add([]byte(`[[[[`), false)
	f.Fuzz(func(t *testing.T, data []byte, cost bool) {
		if validF24(data, cost) && !json.Valid(data) {
			t.Fatalf("taken and no JSON: %q", data)
		}
	})
}

// TestOfficialF24Forms holds the table against the published JSON schema.
func TestOfficialF24Forms(t *testing.T) {
	dir := os.Getenv("SPECS_DIR")
	if dir == "" {
		t.Skip("SPECS_DIR is not set: the official schema is not part of the module")
	}
	data, err := os.ReadFile(filepath.Join(dir, "send", "f24-metadata.schema.json"))
	require.NoError(t, err)
	var schema jsonSchema
	require.NoError(t, json.Unmarshal(data, &schema))
	n := 0
	schema.equals(t, "", form(nil, f24Forms), &n)
	require.Greater(t, n, 150)
	t.Logf("%d members", n)
}

type jsonSchema struct {
	Type       any                   `json:"type"`
	Required   []string              `json:"required"`
	Properties map[string]jsonSchema `json:"properties"`
	Items      *jsonSchema           `json:"items"`
	Pattern    string                `json:"pattern"`
	AllOf      []jsonSchema          `json:"allOf"`

	MinProperties int `json:"minProperties"`
}

func (j jsonSchema) equals(t *testing.T, at string, s *sim.Schema, n *int) {
	t.Helper()
	for _, part := range j.AllOf {
		j.Required = append(j.Required, part.Required...)
		maps.Copy(j.Properties, part.Properties)
	}
	require.NotNil(t, s, at)
	if s.Pattern != nil || j.Pattern != "" {
		same := strings.NewReplacer("[0-9A-Z]", "[A-Z0-9]") // the same class, written in two ways
		require.Equal(t, same.Replace(j.Pattern), same.Replace(s.Pattern.String()), at)
	}
	require.ElementsMatch(t, j.Required, s.Required, at)
	if at != "" { // that there is exactly one form is checked by hand
		require.Equal(t, j.MinProperties, s.MinProps, at)
	}
	require.Equal(t, slices.Sorted(maps.Keys(j.Properties)), slices.Sorted(maps.Keys(s.Props)), at)
	if kind, ok := j.Type.(string); ok {
		require.Equal(t, kind, s.Type, at)
	}
	for name, p := range j.Properties {
		*n++
		p.equals(t, at+"/"+name, s.Props[name], n)
	}
	if j.Items != nil {
		j.Items.equals(t, at+"[]", s.Items, n)
	}
}
