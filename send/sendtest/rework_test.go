package sendtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestRework(t *testing.T) {
	c := newClient(t, sendtest.WithTerms(func(t *sendtest.Terms) { t.StreamEvents = 400 * days }))
	newest := c.stream(streamOf("TIMELINE", obj{"filterValues": []string{"NOTIFICATION_TIMELINE_REWORKED", "SEND_ANALOG_FEEDBACK"}}))
	iun := c.accept(delivery(c.request(withNotice(toStreet(t, 1, "Via @OK_AR"), payable), toPEC(t, 2, "x@pec.example.it"))))
	require.ErrorIs(t, c.srv.Rework(iun, 0, "@OK_AR"), sendtest.ErrNotReworkable, "no outcome yet")
	c.srv.Clock().Advance(60 * days)
	before := c.detail(iun)
	require.Equal(t, "EFFECTIVE_DATE", before["notificationStatus"])
	cost := c.price(payable)["analogCost"]
	require.ErrorIs(t, c.srv.Rework(iun, 1, "@OK_AR"), sendtest.ErrNotReworkable, "no paper")
	require.ErrorIs(t, c.srv.Rework(iun, 2, "@OK_AR"), sendtest.ErrNotReworkable)

	require.NoError(t, c.srv.Rework(iun, 0, "@FAIL-Irreperibile_AR"))
	require.Zero(t, c.srv.Notifications()[0].Recipients[0].Refined)
	d := c.detail(iun)
	reworked := timeline(d, "NOTIFICATION_TIMELINE_REWORKED")
	require.Len(t, reworked, 1)
	require.Equal(t, "NOTIFICATION_TIMELINE_REWORKED.IUN_"+iun+".RECINDEX_0.ATTEMPT_0.REWORK_0", reworked[0]["elementId"])
	details := reworked[0]["details"].(obj)
	require.EqualValues(t, 0, details["recIndex"])
	require.EqualValues(t, 0, details["sentAttemptMade"])

	gone, statuses := map[string]bool{}, []string{}
	for _, h := range details["invalidatedTimelineAndStatusHistory"].([]any) {
		statuses = append(statuses, h.(obj)["status"].(string))
		for _, e := range h.(obj)["relatedTimelineElements"].([]any) {
			gone[e.(obj)["elementId"].(string)] = true
		}
	}
	require.Equal(t, []string{"DELIVERING", "DELIVERED", "EFFECTIVE_DATE"}, statuses)
	for _, category := range []string{"PREPARE_ANALOG_DOMICILE", "SEND_ANALOG_DOMICILE", "SEND_ANALOG_FEEDBACK", "ANALOG_SUCCESS_WORKFLOW", "REFINEMENT"} {
		own := slices.DeleteFunc(timeline(before, category), func(e obj) bool { return e["details"].(obj)["recIndex"] != 0.0 })
		require.True(t, gone[own[0]["elementId"].(string)], category)
	}
	ids := map[string]bool{}
	for _, e := range timeline(d, "") {
		id := e["elementId"].(string)
		require.False(t, gone[id], "invalidated and still there")
		require.False(t, ids[id])
		ids[id] = true
	}
	require.Equal(t, cost, c.price(payable)["analogCost"], "one letter is paid, not two")

	c.srv.Clock().Advance(60 * days)
	d = c.detail(iun)
	require.Contains(t, categories(d), "COMPLETELY_UNREACHABLE")
	feedback := timeline(d, "SEND_ANALOG_FEEDBACK")
	require.Len(t, feedback, 1)
	require.True(t, strings.HasSuffix(feedback[0]["elementId"].(string), ".ATTEMPT_0.REWORK_0"))
	require.True(t, strings.HasSuffix(feedback[0]["details"].(obj)["sendRequestId"].(string), ".REWORK_0"))
	require.Equal(t, "KO", feedback[0]["details"].(obj)["responseStatus"])
	require.Len(t, timeline(d, "REFINEMENT"), 2, "of both recipients")

	require.Equal(t, []string{"SEND_ANALOG_FEEDBACK", "NOTIFICATION_TIMELINE_REWORKED", "SEND_ANALOG_FEEDBACK"}, c.drain(newest), "the other recipient keeps the status")
	old := c.object(200, c.do("GET", "/delivery/v2.7/notifications/sent/"+iun, nil))
	require.Empty(t, timeline(old, "NOTIFICATION_TIMELINE_REWORKED"))
	require.Len(t, timeline(old, "SEND_ANALOG_FEEDBACK"), 1)

	// Scans of what was invalidated can still be had.
	for _, e := range timeline(before, "SEND_ANALOG_PROGRESS") {
		facts, _ := e["legalFactsIds"].([]any)
		for _, f := range facts {
			require.Equal(t, 200, c.legalFact(iun, strings.TrimPrefix(f.(obj)["key"].(string), "safestorage://")).status)
		}
	}

	require.NoError(t, c.srv.Rework(iun, 0, "@OK_AR"))
	require.True(t, strings.HasSuffix(timeline(c.detail(iun), "NOTIFICATION_TIMELINE_REWORKED")[1]["elementId"].(string), ".REWORK_1"))
	require.NoError(t, c.srv.Cancel(iun))
	require.ErrorIs(t, c.srv.Rework(iun, 0, "@OK_AR"), sendtest.ErrNotReworkable)
}

// TestReworkVoidsWhatWasScheduled corrects while the term runs.
func TestReworkVoidsWhatWasScheduled(t *testing.T) {
	c := newClient(t)
	id := c.stream(streamOf("STATUS"))
	older := c.object(200, c.do("POST", "/delivery-progresses/v2.8/streams", streamOf("STATUS")))["streamId"].(string)
	iun := c.accept(c.request(toStreet(t, 1, "Via @OK_AR")))
	c.until("SCHEDULE_REFINEMENT")
	require.NoError(t, c.srv.Rework(iun, 0, "@FAIL_DECEDUTO_AR"))
	require.Equal(t, []string{
		"VALIDATE_NORMALIZE_ADDRESSES_REQUEST IN_VALIDATION", "REQUEST_ACCEPTED ACCEPTED", "SEND_ANALOG_DOMICILE DELIVERING",
		"ANALOG_SUCCESS_WORKFLOW DELIVERED", "NOTIFICATION_TIMELINE_REWORKED ACCEPTED", "SEND_ANALOG_DOMICILE DELIVERING",
	}, c.drain(id), "the statuses are gone through again")
	for _, e := range c.list(200, c.do("GET", "/delivery-progresses/v2.8/streams/"+older+"/events", nil)) {
		require.NotEqual(t, "NOTIFICATION_TIMELINE_REWORKED", e["element"].(obj)["category"])
	}
	c.srv.Clock().Advance(100 * days)
	d := c.detail(iun)
	require.Equal(t, "RETURNED_TO_SENDER", d["notificationStatus"])
	require.NotContains(t, categories(d), "REFINEMENT")
	require.Zero(t, c.srv.Notifications()[0].Recipients[0].Refined)
}
