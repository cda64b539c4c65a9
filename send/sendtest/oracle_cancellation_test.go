package sendtest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

// cancelling is how the rows of the array are set up; what they expect is in
// the table.
var cancelling = map[string]struct {
	pec, street string
	until       string // the element before which nothing is cancelled
	view        bool
	later       string // let this come before the end
}{
	"can-accepted":                           {pec: "x@pec.example.it"},
	"can-delivering":                         {street: "Via @OK_AR", until: "SEND_ANALOG_PROGRESS"},
	"can-effective-date":                     {pec: "x@pec.example.it", until: "REFINEMENT"},
	"can-unreachable":                        {street: "Via @FAIL-Irreperibile_AR", until: "COMPLETELY_UNREACHABLE"},
	"can-price-100-then-404":                 {pec: "x@pec.example.it"},
	"can-deceased-then-cancelled":            {street: "Via @FAIL_DECEDUTO_AR", until: "ANALOG_WORKFLOW_RECIPIENT_DECEASED"},
	"can-cancelled-then-deceased":            {street: "Via @FAIL_DECEDUTO_AR", until: "SEND_ANALOG_PROGRESS", later: "ANALOG_WORKFLOW_RECIPIENT_DECEASED"},
	"can-docs":                               {pec: "x@pec.example.it"},
	"can-payment":                            {pec: "x@pec.example.it"},
	"can-legalfact-sender_ack":               {pec: "x@pec.example.it"},
	"can-legalfact-recipient_access":         {pec: "x@pec.example.it", view: true},
	"can-legalfact-digital_delivery":         {pec: "x@pec.example.it", until: "DIGITAL_SUCCESS_WORKFLOW"},
	"can-legalfact-digital_delivery_failure": {pec: "x@fail.it", until: "DIGITAL_FAILURE_WORKFLOW"},
	"can-twice":                              {pec: "x@pec.example.it"},
	"can-inhibits-rs":                        {pec: "test@fail.it", street: "Via@ok_RS"},
	"can-inhibits-rs-prepare":                {pec: "test@fail.it", street: "Via@ok_RS"},
	"can-inhibits-analog-ar":                 {street: "Via@ok_AR"},
	"can-inhibits-analog-890":                {street: "Via@ok_890"},
	"can-inhibits-courtesy-email":            {},
	"can-pec-in-flight":                      {pec: "x@pec.example.it", until: "SEND_DIGITAL_PROGRESS", later: "SEND_DIGITAL_FEEDBACK"},
	"can-not-refined-indexes":                {pec: "test@fail.it"},
	"can-legal-fact-v25":                     {street: "Via @ok_890"},
}

func TestOfficialCancellations(t *testing.T) {
	eachRow(t, "cancellation", func(t *testing.T, r row) {
		switch r.ID {
		case "can-other-pa":
			cancelOfAnother(t, r)
		case "can-before-refusal", "can-refused":
			cancelOfRefused(t, r)
		default:
			cancelRow(t, r)
		}
	})
}

func cancelRow(t *testing.T, r row) {
	setup, ok := cancelling[r.ID]
	require.True(t, ok, "a row without a setup")
	c := newClient(t, sendtest.WithCourtesy(person(t, 1), "EMAIL", "x@example.it"))
	street := setup.street
	if street == "" {
		street = "Via Esempio 1"
	}
	recipient := withNotice(toStreet(t, 1, street), payable)
	recipient["payments"].([]obj)[0]["pagoPa"].(obj)["attachment"] = c.upload(pdfType, pdfOf(2))
	if setup.pec != "" {
		recipient["digitalDomicile"] = obj{"type": "PEC", "address": setup.pec}
	}
	iun := c.accept(delivery(c.request(recipient)))
	if setup.until != "" {
		c.until(setup.until)
	}
	if setup.view {
		require.NoError(t, c.srv.View(iun, 0))
	}
	refined := slices.Contains(c.srv.Notifications()[0].Categories, "REFINEMENT")
	if want, ok := r.Expect["price_before"]; ok {
		require.Equal(t, want, c.price(payable)["partialPrice"])
	}
	require.Equal(t, isAccepted, answerOf(t, c.cancel(iun)))
	c.until("NOTIFICATION_CANCELLED")
	if setup.later != "" {
		c.until(setup.later)
	}
	c.srv.Clock().Advance(100 * days)

	d := c.detail(iun)
	cats := categories(d)
	if want, ok := r.Expect["statuses_in_order"]; ok {
		subsequence(t, texts(want), statusesOf(d), "statuses")
	}
	require.Equal(t, r.Expect["final_status"], d["notificationStatus"])
	subsequence(t, texts(r.Expect["timeline_categories_in_order"]), cats, "categories")
	for _, absent := range texts(r.Expect["absent_categories"]) {
		require.NotContains(t, cats, absent)
	}
	for _, present := range texts(r.Expect["present_categories"]) {
		require.Contains(t, cats, present)
	}
	if x, ok := r.Expect["perfection"].(obj); ok && x["kind"] == "none" {
		require.Equal(t, refined, slices.Contains(cats, "REFINEMENT"), "nothing is perfected any more")
	}
	facts := c.factsOf(iun)
	for _, category := range texts(r.Expect["legal_fact_categories"]) {
		require.Contains(t, facts, category)
	}
	cancelled := timeline(d, "NOTIFICATION_CANCELLED")[0]["details"].(obj)
	if x, ok := r.Expect["cancelled_details"].(obj); ok {
		if cost, ok := x["notificationCost"]; ok {
			require.Equal(t, cost, cancelled["notificationCost"])
		}
		if x["notRefinedRecipientIndexes"] == "not empty" {
			require.NotEmpty(t, cancelled["notRefinedRecipientIndexes"])
		}
	}
	if want, ok := r.Expect["price_http_after"].(float64); ok {
		c.problem(int(want), c.do("GET", "/delivery/v2.3/price/77777777777/"+payable, nil))
	}
	if r.Expect["cancel_allowed"] == false {
		require.Equal(t, isCancelled, answerOf(t, c.cancel(iun)))
	}
	downloads, _ := r.Expect["sender_download"].(obj)
	for what, status := range downloads {
		require.EqualValues(t, status, downloadAfter(c, iun, what, facts).status, what)
	}
}

func downloadAfter(c *client, iun, what string, facts map[string][]string) reply {
	attachments := "/delivery/notifications/sent/" + iun + "/attachments/"
	category := map[string]string{"DIGITAL_DELIVERY_FAILURE": "DIGITAL_DELIVERY", "COMPLETELY_UNREACHABLE": "ANALOG_FAILURE_DELIVERY"}[what]
	switch {
	case what == "document":
		return c.do("GET", attachments+"documents/0", nil)
	case what == "PAGOPA":
		return c.do("GET", attachments+"payment/0/PAGOPA", nil)
	case category == "":
		category = what
	}
	require.NotEmpty(c.t, facts[category], category)
	return c.legalFact(iun, facts[category][0])
}

func cancelOfAnother(t *testing.T, r row) {
	c := newClient(t,
		sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, Over20Grams: true}),
		sendtest.WithSender(sendtest.Sender{APIKey: "other", TaxID: "77777777777"}),
	)
	iun := c.accept(c.request(toPEC(t, 1, "x@pec.example.it")))
	other := c.as("other")
	other.problem(int(r.Expect["cancel_http"].(float64)), other.do("PUT", "/delivery-push/v2.0/notifications/cancel/"+iun, nil))
	require.Equal(t, "ACCEPTED", c.detail(iun)["notificationStatus"])
}

func cancelOfRefused(t *testing.T, r row) {
	c := newClient(t)
	request := c.request(toStreet(t, 1, "Via Esempio 1"))
	request["recipients"].([]obj)[0]["physicalAddress"].(obj)["zip"] = "00000"
	id := c.submit(request)
	iun := c.srv.Notifications()[0].IUN
	if r.ID == "can-before-refusal" {
		require.Equal(t, isAccepted, answerOf(t, c.cancel(iun)))
	}
	c.srv.Clock().Advance(days)
	require.Equal(t, "REFUSED", c.state(id)["notificationRequestStatus"])
	require.Equal(t, r.Expect["final_status"], c.srv.Notifications()[0].Status)
	if r.Expect["cancel_allowed"] == false {
		require.Equal(t, isRefused, answerOf(t, c.cancel(iun)))
	}
	c.problem(int(r.Expect["detail_http_after"].(float64)), c.do("GET", "/delivery/v2.8/notifications/sent/"+iun, nil))
}

// texts returns a list of texts of the table.
func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = item.(string)
	}
	return out
}

// viewing is how the rows of the array are set up.
var viewing = map[string]struct {
	pec, street string
	until       string
	wait        time.Duration // after that element
	second      bool          // with another recipient, who has a PEC
	act         func(t *testing.T, c *client, iun string)
}{
	"view-accepted":                      {pec: "x@pec.example.it", act: viewFirst},
	"view-delegate":                      {pec: "x@pec.example.it", act: viewByDelegate},
	"view-delivering":                    {pec: "x@pec.example.it", until: "SEND_DIGITAL_PROGRESS", act: viewFirst},
	"view-delivered":                     {pec: "x@pec.example.it", until: "DIGITAL_SUCCESS_WORKFLOW", act: viewFirst},
	"view-after-schedule-digital":        {pec: "x@pec.example.it", until: "SCHEDULE_REFINEMENT", wait: days, act: viewFirst},
	"view-before-simple-letter-progress": {pec: "test@fail.it", street: "Via@ok_RS", act: viewFirst},
	"view-before-paper":                  {street: "Via@ok_RS", act: viewFirst},
	"view-between-attempts":              {street: "Via@FAIL-Discovery_890", until: "SEND_ANALOG_PROGRESS", act: viewFirst},
	"view-after-schedule-analog":         {street: "@FAIL-Discovery_890", until: "SCHEDULE_REFINEMENT", wait: days, act: viewFirst},
	"view-after-10-days":                 {street: lateSequence, until: "SEND_ANALOG_PROGRESS", wait: 12 * days, act: viewFirst},
	"view-unreachable-inflight-multi":    {street: "Via@FAIL-Irreperibile_AR_SLOW", until: "SEND_ANALOG_DOMICILE", second: true, act: viewFirst},
	"view-view-then-deceased":            {street: "@FAIL_DECEDUTO_AR", until: "SEND_ANALOG_DOMICILE", act: viewFirst},
	"view-paid-before-paper":             {street: "Via@ok_RS", act: payFirst},
	"view-pay-one-of-two":                {street: "Via@ok_RS", second: true, act: payFirst},
}

func viewFirst(t *testing.T, c *client, iun string) { require.NoError(t, c.srv.View(iun, 0)) }

func viewByDelegate(t *testing.T, c *client, iun string) {
	require.NoError(t, c.srv.ViewByDelegate(iun, 0, sendtest.Delegate{TaxID: "CLMCST42R12D969Z", Denomination: "Cristoforo Colombo", Type: "PF"}))
}

func payFirst(t *testing.T, c *client, _ string) {
	require.NoError(t, c.srv.Pay("77777777777", payable))
}

func TestOfficialViews(t *testing.T) {
	eachRow(t, "viewing", func(t *testing.T, r row) {
		setup, ok := viewing[r.ID]
		require.True(t, ok, "a row without a setup")
		c := newClient(t)
		street := setup.street
		if street == "" {
			street = "Via Esempio 1"
		}
		first := withNotice(toStreet(t, 1, street), payable)
		if setup.pec != "" {
			first["digitalDomicile"] = obj{"type": "PEC", "address": setup.pec}
		}
		recipients := []obj{first}
		if setup.second {
			recipients = append(recipients, withNotice(toPEC(t, 2, "x@pec.example.it"), "302000000000000002"))
		}
		iun := c.accept(delivery(c.request(recipients...)))
		if setup.until != "" {
			c.until(setup.until)
		}
		c.srv.Clock().Advance(setup.wait)
		setup.act(t, c, iun)
		viewed := c.srv.Notifications()[0].Recipients[0].Viewed
		c.srv.Clock().Advance(400 * days)

		d := c.detail(iun)
		cats := categories(d)
		subsequence(t, texts(r.Expect["statuses_in_order"]), statusesOf(d), "statuses")
		subsequence(t, texts(r.Expect["timeline_categories_in_order"]), cats, "categories")
		if want, ok := r.Expect["final_status"]; ok {
			require.Equal(t, want, d["notificationStatus"])
		}
		for _, absent := range texts(r.Expect["absent_categories"]) {
			require.NotContains(t, cats, absent)
		}
		counts, _ := r.Expect["element_counts"].(obj)
		for category, n := range counts {
			require.Len(t, timeline(d, category), int(n.(float64)), category)
		}
		for index := range recipients {
			checkPresence(t, r, d, index)
		}
		facts := c.factsOf(iun)
		for _, category := range texts(r.Expect["legal_fact_categories"]) {
			require.Contains(t, facts, category)
		}
		if x, ok := r.Expect["viewed_details"].(obj); ok {
			got := timeline(d, "NOTIFICATION_VIEWED")[0]["details"].(obj)["delegateInfo"].(obj)
			for name, want := range x["delegateInfo"].(obj) {
				require.Equal(t, want, got[name])
			}
		}
		if x, ok := r.Expect["deceased_details"].(obj); ok {
			require.Equal(t, x["notificationCost"], timeline(d, "ANALOG_WORKFLOW_RECIPIENT_DECEASED")[0]["details"].(obj)["notificationCost"])
		}
		if x, ok := r.Expect["perfection"].(obj); ok {
			checkPerfectionByView(t, x, d, viewed)
		}
	})
}

// checkPresence holds the categories of one recipient against the table.
func checkPresence(t *testing.T, r row, d obj, index int) {
	t.Helper()
	suffix := map[int]string{0: "_recipient_0", 1: "_recipient_1"}[index]
	var own []string
	for _, e := range timeline(d, "") {
		if details, _ := e["details"].(obj); details["recIndex"] == float64(index) {
			own = append(own, e["category"].(string))
		}
	}
	for _, c := range texts(r.Expect["present_categories"+suffix]) {
		require.Contains(t, own, c)
	}
	for _, c := range texts(r.Expect["absent_categories"+suffix]) {
		require.NotContains(t, own, c)
	}
}

func checkPerfectionByView(t *testing.T, x, d obj, viewed time.Time) {
	t.Helper()
	require.NotZero(t, viewed)
	if x["kind"] == "view" {
		require.Empty(t, timeline(d, "REFINEMENT"))
		return
	}
	refinement := timeline(d, "REFINEMENT")[0]
	delivered := timeline(d, "SEND_ANALOG_FEEDBACK")[0]["details"].(obj)["notificationDate"]
	at := instant(t, refinement["eventTimestamp"])
	require.Equal(t, time.Duration(x["days"].(float64))*days, at.Sub(instant(t, delivered)))
	require.True(t, at.Before(viewed))
	require.NotContains(t, refinement["details"], "notificationCost")
}
