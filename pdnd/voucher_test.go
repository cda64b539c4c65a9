package pdnd

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func FuzzDecodeVoucher(f *testing.F) {
	f.Add([]byte(`{"access_token":"a.b.c","token_type":"Bearer","expires_in":600}`))
	f.Add([]byte(`{"access_token":"a.b.c","token_type":"DPoP","expires_in":600}`))
	f.Add([]byte(`{"ACCESS_TOKEN":"a","token_type":"bearer","expires_in":1e3}`))
	f.Add([]byte(`{"access_token":"\u0000","token_type":"Bearer","expires_in":1}`))
	f.Add([]byte(`[]`))
	f.Add([]byte(``))
	asked := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		token, ok := decodeVoucher(body, asked)
		if !ok {
			require.Zero(t, token)
			return
		}
		value := token.Value.Reveal()
		require.NotEmpty(t, value)
		require.NotContains(t, value, "\n")
		require.Equal(t, value, strings.TrimSpace(value))
		life := token.Expiry.Sub(asked)
		require.GreaterOrEqual(t, life, time.Second)
		require.LessOrEqual(t, life, maxVoucherLife)
	})
}

func TestDriftOf(t *testing.T) {
	sent := time.Date(2026, 1, 2, 3, 4, 5, 500_000_000, time.UTC)
	received := sent.Add(2 * time.Second)
	for name, tc := range map[string]struct {
		date string
		want time.Duration
	}{
		"none":           {"", 0},
		"nonsense":       {"yesterday", 0},
		"before, cut":    {"Fri, 02 Jan 2026 03:04:05 GMT", 0},
		"on its way":     {"Fri, 02 Jan 2026 03:04:06 GMT", 0},
		"at the end":     {"Fri, 02 Jan 2026 03:04:07 GMT", 0},
		"after":          {"Fri, 02 Jan 2026 03:04:17 GMT", -9500 * time.Millisecond},
		"before":         {"Fri, 02 Jan 2026 03:03:55 GMT", 9500 * time.Millisecond},
		"year 1 somehow": {"Mon, 01 Jan 0001 00:00:00 GMT", sent.Sub(time.Time{}.Add(time.Second))},
	} {
		got := driftOf(http.Header{"Date": {tc.date}}, sent, received)
		require.Equal(t, drift(tc.want), got, name)
		require.Equal(t, tc.want.Abs() > 5*time.Second, got.large(), name)
	}
	require.Zero(t, driftOf(http.Header{"Date": {"Fri, 02 Jan 2026 03:04:17 GMT"}}, time.Time{}, received), "nothing was sent")
	require.Zero(t, driftOf(nil, sent, received))
}

func TestRateLimitOf(t *testing.T) {
	for name, tc := range map[string]struct {
		limit, interval string
		want            rateLimit
	}{
		"as documented": {"450", "1000", rateLimit{450, time.Second}},
		"none":          {"", "", rateLimit{}},
		"half":          {"450", "", rateLimit{}},
		"zero":          {"0", "1000", rateLimit{}},
		"negative":      {"10", "-1", rateLimit{}},
		"a day":         {"10", "86400000", rateLimit{}},
		"huge":          {"99999999999999999999", "1000", rateLimit{}},
	} {
		h := http.Header{"X-Rate-Limit-Limit": {tc.limit}, "X-Rate-Limit-Interval": {tc.interval}}
		require.Equal(t, tc.want, rateLimitOf(h), name)
		require.NotEqual(t, tc.want.text().IT, tc.want.text().EN)
	}
}

func TestEveryRuleHasATextInBothLanguages(t *testing.T) {
	for rule, text := range ruleTexts {
		require.True(t, strings.HasPrefix(rule, "PDND_"), rule)
		require.NotEmpty(t, text.IT, rule)
		require.NotEmpty(t, text.EN, rule)
	}
}
