package sendtest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// notAsserted are rows of single fields that the simulator decides otherwise.
var notAsserted = map[string]string{
	"sync-len-764":        "the bundle in force allows 88 characters",
	"sync-zip-abroad-478": "no source states the rule that refuses a foreign zip of one digit",
}

// TestOfficialFieldErrors sets one field of a request as the official suite
// does.
func TestOfficialFieldErrors(t *testing.T) {
	dir := os.Getenv("SPECS_DIR")
	if dir == "" {
		t.Skip("SPECS_DIR is not set: the official expectations are not part of the module")
	}
	data, err := os.ReadFile(filepath.Join(dir, "send", "derived", "trigger-expectations.json"))
	require.NoError(t, err)
	var o struct {
		Rows []struct {
			ID      string
			Class   string
			Trigger struct {
				Field string
				Value *string
			}
			Expect struct {
				Status int    `json:"http_status"`
				Text   string `json:"error_text_contains"`
			}
		} `json:"sync_errors"`
	}
	require.NoError(t, json.Unmarshal(data, &o))
	known := map[string]bool{}
	for _, row := range o.Rows {
		if !slices.Contains([]string{"taxid", "taxonomy", "mandatory", "length", "charset", "address"}, row.Class) {
			continue
		}
		if known[row.ID] = true; notAsserted[row.ID] != "" {
			continue
		}
		t.Run(row.ID, func(t *testing.T) {
			c := newClient(t)
			r := c.request(toPEC(t, 1, "nome@pec.example.it"))
			r["recipients"].([]obj)[0]["payments"] = []obj{{
				"pagoPa": obj{"noticeCode": "302000000000000001", "creditorTaxId": "77777777777", "applyCost": false},
				"f24":    obj{"title": "F24", "applyCost": false, "metadataAttachment": c.upload(jsonType, []byte(`{"f24Elid":{}}`))},
			}}
			set(t, r, row.Trigger.Field, row.Trigger.Value, row.Class)
			got := c.do("POST", "/delivery/v2.5/requests", r)
			if row.Expect.Status == 202 {
				c.object(202, got)
				return
			}
			require.Contains(t, strings.ToLower(c.problem(row.Expect.Status, got)), strings.ToLower(row.Expect.Text))
		})
	}
	require.Greater(t, len(known), 45)
	for id := range notAsserted {
		require.True(t, known[id], id)
	}
}

// set gives a field, named by its path, the value that a row describes.
func set(t *testing.T, r obj, path string, described *string, class string) {
	t.Helper()
	rec := r["recipients"].([]obj)[0]
	at, name := r, path
	steps := strings.Split(path, ".")
	if name = steps[len(steps)-1]; len(steps) > 1 || path == "physicalAddress" {
		at = rec
		for _, step := range steps[:len(steps)-1] {
			switch step {
			case "recipients[]":
			case "payments[]":
				at = rec["payments"].([]obj)[0]
			default:
				at = at[step].(obj)
			}
		}
	}
	if described == nil {
		at[name] = nil
		return
	}
	value, kind, _ := strings.Cut(*described, " with ")
	value, _, _ = strings.Cut(value, " (")
	number, word, _ := strings.Cut(value, " ")
	n, err := strconv.Atoi(number)
	address := rec["physicalAddress"].(obj)
	switch {
	case kind == "recipientType PG":
		rec["recipientType"], at[name] = "PG", value
	case strings.HasPrefix(kind, "foreignState "):
		address["foreignState"] = strings.TrimPrefix(kind, "foreignState ")
		delete(address, name)
	case err == nil && strings.HasPrefix(word, "character"):
		at[name] = strings.Repeat("1", n)
	case value == "more than 44 characters":
		at[name] = strings.Repeat("a", 45)
	case value == "line break":
		at[name] = "a\nb"
	case value == "characters outside ISO Latin 1":
		at[name] = "Ω"
	case value == "address REVERE, municipality null":
		address["address"], address["municipality"] = "REVERE", nil
	case value == `address "0"`:
		address["address"] = "0"
	default:
		if at[name] = value; class == "address" {
			address["foreignState"] = "FRANCIA"
		}
	}
}
