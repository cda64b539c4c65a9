package sendtest_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestPlatformStatusAndDowntimes(t *testing.T) {
	c := newClient(t,
		sendtest.WithIncident(sendtest.Incident{Functionality: sendtest.NotificationCreate, After: time.Hour, Lasts: 2 * time.Hour}),
		sendtest.WithIncident(sendtest.Incident{Functionality: sendtest.NotificationCreate, After: 90 * time.Minute, Lasts: time.Hour}),
		sendtest.WithIncident(sendtest.Incident{Functionality: sendtest.NotificationWorkflow, After: 400 * days}),
	)
	status := func(want int) []any {
		r := c.do("GET", "/status", nil)
		o := c.object(want, r)
		require.Equal(t, "application/problem+json", r.header.Get("Content-Type"))
		require.Equal(t, []any{"NOTIFICATION_CREATE", "NOTIFICATION_VISUALIZATION", "NOTIFICATION_WORKFLOW"}, o["functionalities"])
		return o["openIncidents"].([]any)
	}
	resolved := func(query string) []any {
		o := c.object(200, c.as("").do("GET", "/downtime/v1/resolved"+query, nil))
		return o["result"].([]any)
	}
	require.Empty(t, status(200))
	require.Empty(t, resolved(""))
	start := c.srv.Clock().Now()

	c.srv.Clock().Advance(100 * time.Minute)
	open := status(500)
	require.Len(t, open, 1, "one per functionality")
	require.Equal(t, "NOTIFICATION_CREATE", open[0].(obj)["functionality"])
	require.Equal(t, "KO", open[0].(obj)["status"])
	require.NotContains(t, open[0], "endDate")

	c.srv.Clock().Advance(2 * time.Hour)
	require.Empty(t, status(200))
	ended := start.Add(3 * time.Hour).In(rome.Location())
	all := resolved(fmt.Sprintf("?year=%d&month=%d", ended.Year(), ended.Month()))
	require.Len(t, all, 2)
	entry := all[1].(obj)
	require.Equal(t, false, entry["fileAvailable"])
	require.Equal(t, time.Hour, instant(t, entry["endDate"]).Sub(instant(t, entry["startDate"])), "of the second, which began later")
	path := "/downtime/v1/legal-facts/" + entry["legalFactId"].(string)
	require.Equal(t, http.StatusNoContent, c.do("GET", path, nil).status, "not signed yet")
	c.srv.Clock().Advance(days)
	require.Equal(t, true, resolved("")[1].(obj)["fileAvailable"])
	meta := c.object(200, c.as("").do("GET", path, nil))
	got := c.send(must(http.NewRequestWithContext(t.Context(), "GET", meta["url"].(string), nil)))
	require.EqualValues(t, meta["contentLength"], len(got.body))

	require.Empty(t, resolved(fmt.Sprintf("?year=%d&month=%d", ended.Year()+1, ended.Month())))
	require.Len(t, resolved(fmt.Sprintf("?year=%d", ended.Year())), 2)
	for _, bad := range []string{"?year=2022", "?month=13", "?month=x", "?month="} {
		o := c.object(400, c.do("GET", "/downtime/v1/resolved"+bad, nil))
		require.Regexp(t, `^[0-9]{3}-[0-9]{4}$`, o["errors"].([]any)[0].(obj)["code"])
	}
	c.object(404, c.do("GET", "/downtime/v1/legal-facts/x", nil))
	require.Equal(t, 200, c.as("").do("GET", "/interop/probing", nil).status)
	require.Equal(t, 401, c.as("").do("GET", "/status", nil).status)

	c.srv.Clock().Advance(500 * days)
	require.Len(t, status(500), 1, "without end")
}
