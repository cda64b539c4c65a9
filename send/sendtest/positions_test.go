package sendtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

func asyncRequest(c *client, recipients ...obj) obj {
	r := delivery(c.request(recipients...))
	r["pagoPaIntMode"] = "ASYNC"
	return r
}

// TestDebtPositionsFollowTheCost holds each phase with its fee.
func TestDebtPositionsFollowTheCost(t *testing.T) {
	var told []sendtest.FeeUpdate
	c := newClient(t, sendtest.WithTariffs(sendtest.Tariffs{L890: 824, RS: 194}), sendtest.WithGPD(func(u sendtest.FeeUpdate) int {
		told = append(told, u)
		return 200
	}))
	r := asyncRequest(c, withNotice(toStreet(t, 1, "Via @FAIL-Discovery_890"), payable), withNotice(toPEC(t, 2, "x@fail.it"), "302000000000000002"))
	r["physicalCommunicationType"], r["vat"] = "REGISTERED_LETTER_890", 10
	iun := c.accept(r)
	c.srv.Clock().Advance(100 * days)
	require.NoError(t, c.srv.Cancel(iun))
	c.srv.Clock().Advance(time.Minute)
	require.Equal(t, "CANCELLED", c.detail(iun)["notificationStatus"])
	update := func(notice string, fee int64, phase string) sendtest.FeeUpdate {
		return sendtest.FeeUpdate{CreditorTaxID: "77777777777", NoticeCode: notice, NotificationFee: fee, Phase: phase}
	}
	second := "302000000000000002"
	require.Equal(t, []sendtest.FeeUpdate{
		update(payable, 200, "VALIDATION"), update(second, 200, "VALIDATION"),
		update(payable, 1106, "SEND_ANALOG_DOMICILE_ATTEMPT_0"), update(payable, 2013, "SEND_ANALOG_DOMICILE_ATTEMPT_1"),
		update(second, 413, "SEND_SIMPLE_REGISTERED_LETTER"),
		update(payable, 0, "NOTIFICATION_CANCELLED"), update(second, 0, "NOTIFICATION_CANCELLED"),
	}, told)
}

func TestAnswersOfGPD(t *testing.T) {
	always := func(status int) func(int) int { return func(int) int { return status } }
	// turning answers with the first status until a call, then with the second.
	turning := func(first, at, then int) func(int) int {
		return func(call int) int {
			if call < at {
				return first
			}
			return then
		}
	}
	tests := map[string]struct {
		answer func(call int) int
		after  time.Duration
		code   string
	}{
		"done":                {always(200), time.Minute, ""},
		"under payment":       {always(209), time.Minute, ""},
		"unknown":             {always(404), time.Minute, "PAYMENT_NOT_VALID"},
		"cannot be changed":   {always(422), time.Minute, "PAYMENT_NOT_VALID"},
		"down for a while":    {turning(503, 3, 200), 3 * time.Minute, ""},
		"unknown after a try": {turning(500, 2, 404), 2 * time.Minute, "PAYMENT_NOT_VALID"},
		"down":                {always(500), 2 * time.Hour, "SERVICE_UNAVAILABLE"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			calls := 0
			c := newClient(t, sendtest.WithGPD(func(sendtest.FeeUpdate) int { calls++; return tc.answer(calls) }))
			id := c.submit(asyncRequest(c, withNotice(toPEC(t, 1, "x@pec.example.it"), payable)))
			c.srv.Clock().Advance(time.Minute)
			if tc.after > time.Minute {
				require.Equal(t, "WAITING", c.state(id)["notificationRequestStatus"])
			}
			c.srv.Clock().Advance(tc.after)
			state := c.state(id)
			if tc.code == "" {
				require.Equal(t, "ACCEPTED", state["notificationRequestStatus"], "%v", state["errors"])
				return
			}
			require.Equal(t, "REFUSED", state["notificationRequestStatus"])
			require.Equal(t, tc.code, state["errors"].([]any)[0].(obj)["code"])
		})
	}
}

// TestRefusalTakesFeesBack refuses for one recipient after the position of the
// other has been updated.
func TestRefusalTakesFeesBack(t *testing.T) {
	fees := map[string]int64{}
	c := newClient(t, sendtest.WithGPD(func(u sendtest.FeeUpdate) int {
		if u.NoticeCode != payable {
			return 404
		}
		fees[u.NoticeCode] = u.NotificationFee
		return 200
	}))
	id := c.submit(asyncRequest(c, withNotice(toPEC(t, 1, "x@pec.example.it"), payable), withNotice(toPEC(t, 2, "x@pec.example.it"), "302000000000000002")))
	c.srv.Clock().Advance(time.Minute)
	state := c.state(id)
	require.Equal(t, "REFUSED", state["notificationRequestStatus"])
	require.EqualValues(t, 1, state["errors"].([]any)[0].(obj)["recIndex"])
	require.Equal(t, map[string]int64{payable: 0}, fees)
}

// TestLateUpdatesAreRepeated has GPD down when the letter is sent, and for good
// when the notification is cancelled.
func TestLateUpdatesAreRepeated(t *testing.T) {
	down, calls := false, 0
	var last sendtest.FeeUpdate
	c := newClient(t, sendtest.WithGPD(func(u sendtest.FeeUpdate) int {
		if calls++; down {
			return 500
		}
		last = u
		return 200
	}))
	iun := c.accept(asyncRequest(c, withNotice(toStreet(t, 1, "Via @OK_AR"), payable)))
	down = true
	c.until("SEND_ANALOG_DOMICILE")
	require.Equal(t, "VALIDATION", last.Phase)
	down = false
	c.srv.Clock().Advance(2 * time.Hour)
	c.detail(iun)
	require.Equal(t, "SEND_ANALOG_DOMICILE_ATTEMPT_0", last.Phase)
	down, calls = true, 0
	c.until("SEND_ANALOG_FEEDBACK")
	calls = 0
	require.NoError(t, c.srv.Rework(iun, 0, "@OK_AR"), "the letter is sent again")
	c.srv.Clock().Advance(400 * days)
	c.detail(iun)
	require.Equal(t, 25, calls, "and then it is given up")
	calls = 0
	require.NoError(t, c.srv.Cancel(iun))
	c.srv.Clock().Advance(400 * days)
	c.detail(iun)
	require.Equal(t, 25, calls, "and then it is given up")
}

// TestCancellationHasTheLastWord cancels while an update is still to be
// repeated.
func TestCancellationHasTheLastWord(t *testing.T) {
	down := false
	var last sendtest.FeeUpdate
	c := newClient(t, sendtest.WithGPD(func(u sendtest.FeeUpdate) int {
		if down {
			return 500
		}
		last = u
		return 200
	}))
	iun := c.accept(asyncRequest(c, withNotice(toStreet(t, 1, "Via @OK_AR"), payable)))
	down = true
	c.until("SEND_ANALOG_DOMICILE")
	down = false
	require.NoError(t, c.srv.Cancel(iun))
	c.srv.Clock().Advance(30 * days)
	require.Equal(t, "CANCELLED", c.detail(iun)["notificationStatus"])
	require.Equal(t, sendtest.FeeUpdate{CreditorTaxID: "77777777777", NoticeCode: payable, Phase: "NOTIFICATION_CANCELLED"}, last)
}

func TestFlatRateLeavesDebtPositionsAlone(t *testing.T) {
	c := newClient(t, sendtest.WithGPD(func(sendtest.FeeUpdate) int { t.Error("asked"); return 404 }))
	r := withNotice(toPEC(t, 1, "x@pec.example.it"), payable)
	r["payments"].([]obj)[0]["pagoPa"].(obj)["applyCost"] = false
	request := c.request(r)
	request["pagoPaIntMode"] = "ASYNC"
	c.accept(request)
	sync := delivery(c.request(withNotice(toPEC(t, 2, "x@pec.example.it"), "302000000000000002")))
	c.accept(sync)
}
