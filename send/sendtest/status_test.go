package sendtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOfficialTransitions holds the table of statuses against the one drawn
// from the official sources.
func TestOfficialTransitions(t *testing.T) {
	dir := os.Getenv("SPECS_DIR")
	if dir == "" {
		t.Skip("SPECS_DIR is not set: the official expectations are not part of the module")
	}
	data, err := os.ReadFile(filepath.Join(dir, "send", "derived", "trigger-expectations.json"))
	require.NoError(t, err)
	var o struct {
		Rules []struct {
			ID     string
			Class  string
			Expect struct {
				From, Category, To string
				Multi              bool `json:"multi_recipient_only"`
			}
		} `json:"status_rules"`
	}
	require.NoError(t, json.Unmarshal(data, &o))
	checked := 0
	for _, r := range o.Rules {
		if r.Class != "transition" {
			continue
		}
		recipients := 1
		if r.Expect.Multi {
			recipients = 2
		}
		got := nextStatus(r.Expect.From, r.Expect.Category, recipients, recipients, []string{r.Expect.Category})
		require.Equal(t, r.Expect.To, got, r.ID)
		checked++
	}
	require.GreaterOrEqual(t, checked, 22)
}
