package sendtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseSequence(t *testing.T) {
	got := parseSequence("5s-CON080.2m-CON020[DOC:7ZIP;PAGES:3].5s-RECRN006[FAILCAUSE:F01]@retry.1h-RECRN002D[DISCOVERY:00100;FAILCAUSE:M01]@discovered.RECRN001C[DELAY:15m]")
	require.Equal(t, [][]event{
		{
			{delay: 5 * time.Second, code: "CON080"},
			{delay: 2 * time.Minute, code: "CON020", opts: eventOptions{documents: []string{"7ZIP"}}},
			{delay: 5 * time.Second, code: "RECRN006", opts: eventOptions{cause: "F01"}},
			{delay: time.Hour, code: "RECRN002D", opts: eventOptions{cause: "M01", discovery: true, zip: "00100"}},
		},
		{{code: "RECRN001C", opts: eventOptions{backdate: 15 * time.Minute}}},
	}, got)
	require.Nil(t, parseSequence(""))
	require.Nil(t, parseSequence("it"))
	require.Equal(t, "C003", parseSequence("5s-C001.5s-C003.it")[0][1].code)
}

// TestTokensAreWhole checks that every event of the tokens is understood.
func TestTokensAreWhole(t *testing.T) {
	// What the paper service does not know either.
	unknown := map[string]bool{"NONESISTENTE": true, "RECRSI003": true}
	for token, text := range paperSequences {
		attempts := parseSequence(text)
		require.NotEmpty(t, attempts, token)
		for _, events := range attempts {
			for _, e := range events {
				require.True(t, knownPaperCode.MatchString(e.code) || unknown[e.code], "%s: %s", token, e.code)
			}
		}
	}
}

func FuzzParseSequence(f *testing.F) {
	for _, s := range []string{"5s-CON080.5s-CON020[DOC:7ZIP;PAGES:3]-RECRS001C", "@discovered@retryattempt", "999999d-X1", "5s-C001.it", "[", "1s-A1[DELAY:9999999999999m]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		for _, events := range parseSequence(text) {
			if len(events) == 0 {
				t.Fatal("an attempt without events")
			}
			for _, e := range events {
				n++
				if e.delay < 0 || e.delay > maxSequenceDelay || e.opts.backdate < 0 {
					t.Fatalf("delay %s", e.delay)
				}
			}
		}
		if n > maxSequenceEvents {
			t.Fatalf("%d events", n)
		}
		paperSequence("Via @"+text, "AR")
	})
}
