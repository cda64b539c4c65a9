package sendtest_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

const payable = "302000000000000001"

// until lets time pass until the first notification has an element of a
// category.
func (c *client) until(category string) {
	c.t.Helper()
	for step, total := 5*time.Second, time.Duration(0); total < 400*days; total += step {
		if slices.Contains(c.srv.Notifications()[0].Categories, category) {
			return
		}
		if total > 10*time.Minute {
			step = 4 * time.Hour
		}
		c.srv.Clock().Advance(step)
	}
	require.FailNow(c.t, "the element never comes", category)
}

func (c *client) cancel(iun string) obj {
	c.t.Helper()
	return c.object(202, c.do("PUT", "/delivery-push/v2.0/notifications/cancel/"+iun, nil))
}

// answerOf returns the code of the only detail of an answer.
func answerOf(t *testing.T, o obj) string {
	t.Helper()
	require.Equal(t, "OK", o["status"])
	all := o["details"].([]any)
	require.Len(t, all, 1)
	return all[0].(obj)["code"].(string)
}

const (
	isAccepted  = "NOTIFICATION_CANCELLATION_ACCEPTED"
	isCancelled = "NOTIFICATION_ALREADY_CANCELLED"
	isRefused   = "NOTIFICATION_REFUSED"
)

// factsOf returns the keys of the legal facts by category.
func (c *client) factsOf(iun string) map[string][]string {
	c.t.Helper()
	out := map[string][]string{}
	for _, f := range c.list(200, c.do("GET", "/delivery-push/v2.0/"+iun+"/legal-facts", nil)) {
		id := f["legalFactsId"].(obj)
		category := id["category"].(string)
		out[category] = append(out[category], id["key"].(string)[len("safestorage://"):])
	}
	return out
}

func (c *client) legalFact(iun, key string) reply {
	return c.do("GET", "/delivery-push/"+iun+"/download/legal-facts/"+key, nil)
}

func TestCancel(t *testing.T) {
	c := newClient(t)
	events := c.stream(streamOf("STATUS"))
	first := withNotice(toStreet(t, 1, "Via @OK_AR"), payable)
	iun := c.accept(delivery(c.request(first, toPEC(t, 2, "x@pec.example.it"))))
	c.until("DIGITAL_SUCCESS_WORKFLOW")
	path := "/delivery/v2.3/price/77777777777/" + payable
	require.Equal(t, 200, c.do("GET", path, nil).status)

	require.Equal(t, isAccepted, answerOf(t, c.cancel(iun)))
	require.Equal(t, isCancelled, answerOf(t, c.cancel(iun)))
	require.Contains(t, c.problem(404, c.do("GET", path, nil)), "PN_DELIVERYPUSH_NOTIFICATION_CANCELLED")
	require.NotEqual(t, "CANCELLED", c.detail(iun)["notificationStatus"], "it is done later")
	require.ErrorIs(t, c.srv.View(iun, 0), sendtest.ErrNotViewable)

	c.srv.Clock().Advance(time.Minute)
	require.Contains(t, c.drain(events), "NOTIFICATION_CANCELLED CANCELLED")
	c.srv.Clock().Advance(100 * days)
	d := c.detail(iun)
	require.Equal(t, "CANCELLED", d["notificationStatus"])
	require.NotEmpty(t, timeline(d, "NOTIFICATION_CANCELLATION_REQUEST")[0]["details"].(obj)["cancellationRequestId"])
	require.Equal(t, obj{"notificationCost": 200.0, "notRefinedRecipientIndexes": []any{0.0, 1.0}}, timeline(d, "NOTIFICATION_CANCELLED")[0]["details"])
	require.NotContains(t, categories(d), "REFINEMENT")
	require.Contains(t, c.problem(404, c.do("GET", path, nil)), "PN_DELIVERY_NOTIFICATIONCOSTNOTFOUND")
	require.Len(t, c.factsOf(iun)["NOTIFICATION_CANCELLED"], 1)
	require.Equal(t, 200, c.legalFact(iun, c.factsOf(iun)["NOTIFICATION_CANCELLED"][0]).status)
	require.Equal(t, 200, c.do("GET", "/delivery/notifications/sent/"+iun+"/attachments/documents/0", nil).status)
	require.ErrorIs(t, c.srv.Cancel(iun), sendtest.ErrNotCancelled)
	c.accept(delivery(c.request(withNotice(toPEC(t, 3, "x@pec.example.it"), payable))))
}

// TestCancelStopsWhatHasNotBegun cancels at each step of a delivery.
func TestCancelStopsWhatHasNotBegun(t *testing.T) {
	tests := map[string]struct {
		pec, street, until string
		shows              []string
		stops              []string
	}{
		"right after the acceptance": {"x@fail.it", "Via @OK_RS", "REQUEST_ACCEPTED", nil, []string{"AAR_GENERATION", "SEND_DIGITAL_DOMICILE"}},
		"a message under way":        {"x@pec.example.it", "", "SEND_DIGITAL_PROGRESS", []string{"SEND_DIGITAL_FEEDBACK"}, []string{"DIGITAL_DELIVERY_CREATION_REQUEST", "REFINEMENT"}},
		"before the second message":  {"x@fail.it", "", "SCHEDULE_DIGITAL_WORKFLOW", nil, []string{"PREPARE_DIGITAL_DOMICILE", "SEND_SIMPLE_REGISTERED_LETTER"}},
		"paper that waits":           {"", "Via @OK_AR", "SCHEDULE_ANALOG_WORKFLOW", nil, []string{"PREPARE_ANALOG_DOMICILE"}},
		"a letter under way":         {"", "Via @OK_AR", "SEND_ANALOG_DOMICILE", []string{"SEND_ANALOG_FEEDBACK"}, []string{"ANALOG_SUCCESS_WORKFLOW", "SCHEDULE_REFINEMENT"}},
		"between two letters":        {"", "Via @FAIL-Discovery_AR", "SEND_ANALOG_PROGRESS", []string{"SEND_ANALOG_FEEDBACK"}, []string{"ANALOG_FAILURE_WORKFLOW", "ANALOG_SUCCESS_WORKFLOW"}},
		"before the legal fact":      {"", "Via @FAIL-Irreperibile_AR", "COMPLETELY_UNREACHABLE_CREATION_REQUEST", nil, []string{"REFINEMENT"}},
		"the term is running":        {"x@pec.example.it", "", "SCHEDULE_REFINEMENT", nil, []string{"REFINEMENT"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, sendtest.WithCourtesy(person(t, 1), "EMAIL", "x@example.it"))
			recipient := toStreet(t, 1, cmp.Or(tc.street, "Via Esempio 1"))
			if tc.pec != "" {
				recipient["digitalDomicile"] = obj{"type": "PEC", "address": tc.pec}
			}
			iun := c.accept(c.request(recipient))
			c.until(tc.until)
			require.NoError(t, c.srv.Cancel(iun))
			c.srv.Clock().Advance(400 * days)
			got := categories(c.detail(iun))
			for _, category := range tc.shows {
				require.Contains(t, got, category)
			}
			for _, category := range tc.stops {
				require.NotContains(t, got, category)
			}
			require.Equal(t, "CANCELLED", c.detail(iun)["notificationStatus"])
		})
	}
}

func TestCancelIsForTheSender(t *testing.T) {
	sender := sendtest.Sender{TaxID: sendtest.SenderTaxID, Over20Grams: true}
	red, blue := sender, sender
	red.APIKey, red.Groups, blue.APIKey, blue.Groups = "red", []string{"red"}, "blue", []string{"blue"}
	c := newClient(t, sendtest.WithSender(red), sendtest.WithSender(blue), sendtest.WithSender(sendtest.Sender{APIKey: "else", TaxID: "77777777777"})).as("red")
	r := c.request(toPEC(t, 1, "x@pec.example.it"))
	r["group"] = "red"
	iun := c.accept(r)
	for _, key := range []string{"blue", "else"} {
		other := c.as(key)
		other.problem(404, other.do("PUT", "/delivery-push/v2.0/notifications/cancel/"+iun, nil))
	}
	require.Equal(t, isAccepted, answerOf(t, c.cancel(iun)))
}

func TestCancelDuringValidation(t *testing.T) {
	c := newClient(t)
	id := c.submit(c.request(toPEC(t, 1, "x@pec.example.it")))
	iun := c.srv.Notifications()[0].IUN
	require.Equal(t, isAccepted, answerOf(t, c.cancel(iun)))
	c.srv.Clock().Advance(time.Hour)
	require.Equal(t, "ACCEPTED", c.state(id)["notificationRequestStatus"])
	d := c.detail(iun)
	require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED", "CANCELLED"}, statusesOf(d))
	require.NotContains(t, categories(d), "AAR_GENERATION")

	c.problem(404, c.do("PUT", "/delivery-push/v2.0/notifications/cancel/ADEG-ADEG-ADEG-202601-A-1", nil))
	c.problem(400, c.do("PUT", "/delivery-push/v2.0/notifications/cancel/x", nil))
	require.ErrorIs(t, c.srv.Cancel("x"), sendtest.ErrNotCancelled)
}

func TestCancelCountsWhomItReached(t *testing.T) {
	c := newClient(t)
	iun := c.accept(c.request(toStreet(t, 1, "Via @FAIL_DECEDUTO_AR"), toPEC(t, 2, "x@pec.example.it"), toStreet(t, 3, "Via @ok_ar_blocked")))
	c.srv.Clock().Advance(60 * days)
	require.NoError(t, c.srv.Cancel(iun))
	c.srv.Clock().Advance(time.Minute)
	require.Equal(t, obj{"notificationCost": 100.0, "notRefinedRecipientIndexes": []any{2.0}},
		timeline(c.detail(iun), "NOTIFICATION_CANCELLED")[0]["details"], "the dead and the perfected are out")
}
