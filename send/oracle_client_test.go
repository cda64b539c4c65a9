package send_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// The table of expectations drawn from the official test-suite, row by row
// through the public client. Each row plays in a bubble of its own, where days
// pass at once.

// officialRow is a line of the table as it stands.
type officialRow struct {
	ID, Class, Confidence string
	Trigger               map[string]any
	Expect                map[string]any

	raw  json.RawMessage
	read map[string]bool // expectations that the test has looked at
}

// want returns what a row expects under a name, nil where it says nothing.
func (r *officialRow) want(name string) any {
	r.read[name] = true
	return r.Expect[name]
}

func (r *officialRow) texts(name string) []string { return textsOf(r.want(name)) }

func (r *officialRow) text(name string) string {
	s, _ := r.want(name).(string)
	return s
}

// status returns an HTTP status that a row expects, 0 for none.
func (r *officialRow) status(name string) int {
	n, _ := r.want(name).(float64)
	return int(n)
}

func (r *officialRow) object(name string) map[string]any {
	o, _ := r.want(name).(map[string]any)
	return o
}

// value is what the trigger writes.
func (r *officialRow) value() string {
	s, _ := r.Trigger["value"].(string)
	return s
}

// extra returns a member of the rest of the trigger, "" where it is no text.
func (r *officialRow) extra(name string) string {
	x, _ := r.Trigger["extra"].(map[string]any)
	s, _ := x[name].(string)
	return s
}

func textsOf(v any) []string {
	list, _ := v.([]any)
	out := make([]string, len(list))
	for i, item := range list {
		out[i], _ = item.(string)
	}
	return out
}

func officialArrays(t *testing.T) map[string][]*officialRow {
	t.Helper()
	dir := os.Getenv("SPECS_DIR")
	if dir == "" {
		t.Skip("SPECS_DIR is not set: the official expectations are not part of the module")
	}
	data, err := os.ReadFile(filepath.Join(dir, "send", "derived", "trigger-expectations.json"))
	require.NoError(t, err)
	var table map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &table))
	arrays := map[string][]*officialRow{}
	for _, name := range officialArrayNames {
		var raw []json.RawMessage
		require.NoError(t, json.Unmarshal(table[name], &raw), name)
		for _, data := range raw {
			r := &officialRow{raw: data, read: map[string]bool{}}
			require.NoError(t, json.Unmarshal(data, r), name)
			arrays[name] = append(arrays[name], r)
		}
	}
	return arrays
}

var officialArrayNames = []string{
	"scenarios", "refusals", "sync_errors", "multi_recipient", "cancellation", "viewing", "price", "streams", "legal_facts", "status_rules",
}

// unheld are the rows that cannot hold through the client, with the reason.
var unheld = map[string]string{
	"sync-len-764":        "the contract in force allows 88 characters",
	"sync-zip-abroad-478": "no source states the rule that refuses a foreign postal code of one digit",
	"sync-mandatory-66":   "applyCost is a bool of Go: the client always sends it",

	"sync-vat-null-v21-async":  "the client speaks the requests from v2.3 on",
	"sync-pafee-null-v21-sync": "the client speaks the requests from v2.3 on",
	"sync-vat-null-v21-sync":   "the client speaks the requests from v2.3 on",
	"price-v21-request":        "the client speaks the requests from v2.3 on",
	"price-v21-async-gpd":      "the client speaks the requests from v2.3 on",
	"sync-async-detail-v1":     "the client speaks the sent notifications from v2.4 on",
	"sync-async-detail-v20":    "the client speaks the sent notifications from v2.4 on",
	"stream-v23-read-v10":      "the client speaks the streams from v2.4 on",
	"stream-v10-read-v23":      "the client speaks the streams from v2.4 on",
	"stream-v10-update-v23":    "the client speaks the streams from v2.4 on",
	"stream-v10-get-group-key": "the client speaks the streams from v2.4 on",

	"stream-v10-update-group-key": "the client speaks the streams from v2.4 on",
	"stream-legalfact-ids":        "the client speaks the streams from v2.4 on",
	"stream-sercq-v10":            "the client speaks the streams from v2.4 on",
	"stream-visible-v10":          "the client speaks the streams from v2.4 on",
	"stream-visible-v23":          "the client speaks the streams from v2.4 on",
	"stream-status-rts-v23":       "the client speaks the streams from v2.4 on",

	"can-multi-recipient-download":         "the API of the recipients is another, which a sender does not call",
	"can-recipient-document":               "the API of the recipients is another, which a sender does not call",
	"can-recipient-pagopa":                 "the API of the recipients is another, which a sender does not call",
	"can-recipient-sender_ack":             "the API of the recipients is another, which a sender does not call",
	"can-recipient-pec_receipt":            "the API of the recipients is another, which a sender does not call",
	"can-recipient-document-after-request": "the API of the recipients is another, which a sender does not call",
	"can-appio":                            "the API of the recipients is another, which a sender does not call",

	"status-cancelled-notification_viewed-multi": "nobody can read a cancelled notification on the simulator; its table of statuses has the row",

	"view-before-completion-digital": "the outcome of a PEC and the scheduling of the refinement are one instant of the simulator",
	"view-paid-before-letter":        "the simple registered letter does not wait for DIGITAL_FAILURE_WORKFLOW, as the workflow source has it",
}

// foretold are the rows whose request the client refuses before the platform
// does, by a local rule that is certain.
var foretold = map[string]string{
	"ref-file-not-pdf":              "SEND_FILE_PDF",
	"ref-address-table-373":         "SEND_ADDRESS_ITALY",
	"ref-async-no-payments-digital": "SEND_ASYNC_PAYMENTS",
}

// eachOfficial plays the rows of an array whose confidence is high or medium.
// A row that expects something at which its test has not looked fails.
func eachOfficial(t *testing.T, array string, play func(t *testing.T, r *officialRow)) {
	t.Helper()
	rows := officialArrays(t)[array]
	held := 0
	for _, r := range rows {
		if r.Confidence == "low" || unheld[r.ID] != "" {
			continue
		}
		if t.Run(r.ID, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { play(t, r) })
			for name, value := range r.Expect {
				require.True(t, value == nil || r.read[name], "nothing looks at %s", name)
			}
		}) {
			held++
		}
	}
	require.NotZero(t, held)
	t.Logf("%d of %d rows of %s hold", held, len(rows), array)
}

// TestOfficialListsAreUsed fails for an entry that excuses no row.
func TestOfficialListsAreUsed(t *testing.T) {
	confidence := map[string]string{}
	for _, rows := range officialArrays(t) {
		for _, r := range rows {
			confidence[r.ID] = r.Confidence
		}
	}
	for id := range unheld {
		require.Contains(t, []string{"high", "medium"}, confidence[id], "%s is listed", id)
		require.NotEmpty(t, unheld[id], id)
		require.NotContains(t, foretold, id)
	}
	for id := range foretold {
		require.Contains(t, []string{"high", "medium"}, confidence[id], "%s is listed", id)
	}
}

// player is a simulator and a client of it.
type player struct {
	t *testing.T
	s *sendtest.Server
	c *send.Client
	n int // requests made
}

func newPlayer(t *testing.T, opts ...sendtest.Option) *player {
	t.Helper()
	s := sendtest.New(t, opts...)
	return &player{t: t, s: s, c: clientOf(t, s)}
}

// as returns the player with the client of another key.
func (p *player) as(key string) *player {
	p.t.Helper()
	c, err := p.c.With(send.Credentials{APIKey: secret(key)})
	require.NoError(p.t, err)
	return &player{t: p.t, s: p.s, c: c, n: p.n}
}

// at returns the client at another version of an area.
func (p *player) at(v send.Versions) *send.Client {
	p.t.Helper()
	c, err := p.c.WithVersions(v)
	require.NoError(p.t, err)
	return c
}

const (
	payable      = "302000000000000001"
	secondNotice = "302000000000000002"
	creditor     = "77777777777"
)

// toStreet is a recipient on paper, toPEC one with a digital domicile.
func toStreet(n int, street string) send.Recipient {
	if street == "" {
		street = "Via Esempio 1"
	}
	return send.Recipient{
		RecipientType: send.NaturalPerson, TaxID: person(n), Denomination: "Persona Inventata",
		PhysicalAddress: &send.PhysicalAddress{Address: street, Zip: "87100", Municipality: "COSENZA", Province: "CS"},
	}
}

func toPEC(n int, address string) send.Recipient {
	r := toStreet(n, "")
	r.DigitalDomicile = send.PEC(address)
	return r
}

// owing gives a recipient a notice, whose cost is theirs with DELIVERY_MODE.
func owing(r send.Recipient, notice string) send.Recipient {
	r.Payments = append(r.Payments, send.Payment{PagoPA: &send.PagoPAPayment{NoticeCode: notice, CreditorTaxID: creditor, ApplyCost: true}})
	return r
}

// pages is a document of that many pages. The text makes files differ.
func pages(n int, text string) send.File {
	return send.FromBytes([]byte("%PDF-1.4\n" + strings.Repeat("1 0 obj << /Type /Page >> endobj\n", n) + "% " + text + "\n%%EOF\n"))
}

// request is a notification in order, with its files.
func (p *player) request(recipients ...send.Recipient) (send.Notification, send.Files) {
	p.n++
	return send.Notification{
		PaProtocolNumber: fmt.Sprintf("P-%d", p.n), Subject: "Avviso", Recipients: recipients,
		Documents:             []send.Document{{Title: "Atto", Attachment: send.PDF("atto.pdf")}},
		NotificationFeePolicy: send.FlatRate, PhysicalCommunicationType: send.RegisteredLetterAR,
		SenderDenomination: sendtest.SenderDenomination, SenderTaxID: sendtest.SenderTaxID, TaxonomyCode: "010202N",
	}, send.Files{"atto.pdf": pages(1, "atto"), "avviso.pdf": pages(2, "avviso"), "f24.json": send.FromBytes([]byte(`{"f24Elid":{}}`))}
}

// charged makes the recipients bear the cost.
func charged(n send.Notification) send.Notification {
	n.NotificationFeePolicy, n.PaFee, n.VAT = send.DeliveryMode, new(fiscal.Cents(100)), new(22)
	return n
}

// accept sends a request and waits until it is accepted.
func (p *player) accept(n send.Notification, files send.Files) string {
	p.t.Helper()
	d, err := p.c.Submit(p.t.Context(), n, files)
	require.NoError(p.t, err)
	d, err = p.c.Await(p.t.Context(), d)
	require.NoError(p.t, err)
	return d.IUN
}

// decoded is a timeline element with its details.
type decoded struct {
	send.TimelineElement
	d send.Details
}

// chronicle is a sent notification whose details are read.
type chronicle struct {
	*send.SentNotification
	elements []decoded
}

func (p *player) chronicle(iun string) chronicle {
	p.t.Helper()
	sent, err := p.c.SentNotification(p.t.Context(), iun)
	require.NoError(p.t, err)
	s := chronicle{SentNotification: sent}
	for _, e := range sent.Timeline {
		d, err := e.Decode()
		require.NoError(p.t, err)
		s.elements = append(s.elements, decoded{e, d})
	}
	return s
}

// of returns the elements of a category.
func (s chronicle) of(category send.Category) []decoded {
	return slices.DeleteFunc(slices.Clone(s.elements), func(e decoded) bool { return e.Category != category })
}

func (s chronicle) categories() []string { return categoriesOf(s.elements) }

func categoriesOf(elements []decoded) []string {
	out := make([]string, len(elements))
	for i, e := range elements {
		out[i] = string(e.Category)
	}
	return out
}

func (s chronicle) statuses() []string {
	out := make([]string, len(s.NotificationStatusHistory))
	for i, h := range s.NotificationStatusHistory {
		out[i] = string(h.Status)
	}
	return out
}

// own returns the elements about a recipient, and those about all.
func (s chronicle) own(index int) []decoded {
	return slices.DeleteFunc(slices.Clone(s.elements), func(e decoded) bool { return e.d.RecIndex != nil && *e.d.RecIndex != index })
}

// until lets time pass until a notification has an element of a category.
func (p *player) until(iun string, category send.Category) {
	p.t.Helper()
	for step, total := 5*time.Second, time.Duration(0); total < 400*day; total += step {
		if len(p.chronicle(iun).of(category)) > 0 {
			return
		}
		if total > 10*time.Minute {
			step = 4 * time.Hour
		}
		time.Sleep(step)
	}
	require.FailNow(p.t, "the element never comes", category)
}

// facts returns the keys of the legal facts of a notification by category.
func (p *player) facts(iun string) map[string][]string {
	p.t.Helper()
	list, err := p.c.LegalFacts(p.t.Context(), iun)
	require.NoError(p.t, err)
	out := map[string][]string{}
	for _, f := range list {
		out[string(f.ID.Category)] = append(out[string(f.ID.Category)], f.ID.Key)
	}
	return out
}

// inOrder checks that the wanted names without a question mark come in this
// order; others may lie between.
func inOrder(t *testing.T, want, got []string) {
	t.Helper()
	rest := got
	for _, w := range want {
		if strings.HasSuffix(w, "?") {
			continue
		}
		i := slices.Index(rest, w)
		require.GreaterOrEqual(t, i, 0, "%s is missing after %v in %v", w, got[:len(got)-len(rest)], got)
		rest = rest[i+1:]
	}
}

// checkStory holds a notification against what most arrays expect of it.
func checkStory(t *testing.T, r *officialRow, p *player, s chronicle) {
	t.Helper()
	inOrder(t, r.texts("statuses_in_order"), s.statuses())
	if final := r.text("final_status"); final != "" {
		require.Equal(t, final, string(s.NotificationStatus))
	}
	inOrder(t, r.texts("timeline_categories_in_order"), s.categories())
	for _, c := range r.texts("absent_categories") {
		require.NotContains(t, s.categories(), c)
	}
	for _, c := range r.texts("present_categories") {
		require.Contains(t, s.categories(), c)
	}
	for category, n := range r.object("element_counts") {
		require.Len(t, s.of(send.Category(category)), int(n.(float64)), category)
	}
	facts := p.facts(s.IUN)
	for _, category := range r.texts("legal_fact_categories") {
		if name, optional := strings.CutSuffix(category, "?"); !optional {
			require.Contains(t, facts, name)
		}
	}
}

// recipientWants is what a row expects about one recipient. Members that the
// row leaves open are nil or zero.
type recipientWants struct {
	officialExpectation
	Absent    []string            `json:"absent_categories"`
	Unordered []string            `json:"unordered_categories"`
	Delivered string              `json:"delivered_address"`
	LastCause send.FailureCause   `json:"failure_cause"`
	CodesOf   send.Category       `json:"delivery_codes_category"`
	Fields    []string            `json:"feedback_detail_fields"`
	Available map[string]bool     `json:"digital_addresses_available"`
	Single    map[string]bool     `json:"duplicates_allowed"`
	Visible   map[string][]string `json:"visible"`
	Hidden    map[string][]string `json:"not_visible"`
	Deceased  json.RawMessage     `json:"deceased_notificationCost"`
	Retry     *struct {
		Minutes int  `json:"delay_minutes"`
		NewSend bool `json:"new_send_domicile_element"`
	} `json:"retry"`
}

// wantsOfRecipient are the names that recipientWants reads.
var wantsOfRecipient = []string{
	"recIndex", "timeline_categories_in_order", "delivery_codes_in_order", "attempts", "digital_address_source", "perfection", "cost", "feedback",
	"get_address", "prepare_failure", "wait_before_paper_days", "viewed", "courtesy", "absent_categories", "unordered_categories", "delivered_address",
	"failure_cause", "delivery_codes_category", "feedback_detail_fields", "digital_addresses_available", "duplicates_allowed", "visible",
	"not_visible", "deceased_notificationCost", "retry",
}

// checkOwn holds the elements of a recipient against what is expected.
func checkOwn(t *testing.T, x recipientWants, own []decoded, streamed []string) {
	t.Helper()
	var codes []string
	var feedback []decoded
	var retried []time.Time // progress that asks for another try
	sends := map[string]bool{}
	var cause string
	analog, simple := 0, false
	for _, e := range own {
		if e.d.DeliveryDetailCode != "" && (x.CodesOf == "" || x.CodesOf == e.Category) {
			codes = append(codes, e.d.DeliveryDetailCode)
		}
		if e.d.DeliveryFailureCause != "" {
			cause = e.d.DeliveryFailureCause
		}
		if e.d.ShouldRetry != nil && *e.d.ShouldRetry {
			retried = append(retried, e.Time())
		}
		switch e.Category {
		case send.CategorySendAnalogFeedback, send.CategorySendDigitalFeedback:
			feedback = append(feedback, e)
		case send.CategorySendAnalogDomicile:
			analog++
			sends[fmt.Sprint("paper", *e.d.SentAttemptMade)] = true
		case send.CategorySendSimpleRegisteredLetter:
			simple = true
		case send.CategorySendDigitalDomicile:
			// To the old address of a domicile and to its new one is one attempt.
			sends[fmt.Sprint(e.d.DigitalAddressSource, *e.d.RetryNumber)] = true
			if x.Source != "" {
				require.Equal(t, x.Source, string(e.d.DigitalAddressSource))
			}
		}
		checkElement(t, x, e)
	}
	cats := categoriesOf(own)
	inOrder(t, x.Categories, cats)
	inOrder(t, x.Codes, codes)
	require.Subset(t, cats, x.Unordered)
	for _, c := range x.Absent {
		require.NotContains(t, cats, c)
	}
	require.Subset(t, codes, x.Visible["b2b"])
	for where, got := range map[string][]string{"b2b": codes, "stream": streamed} {
		for _, c := range x.Hidden[where] {
			require.NotContains(t, got, c, where)
		}
	}
	if x.LastCause != "" {
		require.Equal(t, string(x.LastCause), cause)
	}
	if x.Attempts != nil {
		require.Len(t, sends, *x.Attempts)
		require.True(t, x.Feedback == nil || len(feedback) == len(x.Feedback))
	}
	if x.Cost != nil {
		require.True(t, x.Cost.Analog == nil || *x.Cost.Analog == analog)
		require.Equal(t, x.Cost.Simple, simple)
	}
	for i, f := range x.Feedback {
		got := feedback[i].d
		require.Equal(t, f.Status, got.ResponseStatus)
		require.Equal(t, f.Attempt, attemptOf(feedback[i]))
		require.True(t, f.Code == "" || string(f.Code) == got.DeliveryDetailCode)
		switch {
		case f.Cause != nil:
			require.Equal(t, string(*f.Cause), got.DeliveryFailureCause)
		case strings.HasPrefix(string(f.Code), "R"):
			require.Empty(t, got.DeliveryFailureCause)
		}
	}
	for _, name := range x.Fields {
		require.Contains(t, string(feedback[0].Details), `"`+name+`"`)
	}
	for category, allowed := range x.Single {
		n := len(slices.DeleteFunc(slices.Clone(cats), func(c string) bool { return c != category }))
		require.True(t, allowed || n <= 1, "%d %s", n, category)
	}
	if x.Retry != nil {
		require.GreaterOrEqual(t, len(retried), 2)
		require.Equal(t, x.Retry.Minutes, int(retried[1].Sub(retried[0]).Minutes()))
		require.False(t, x.Retry.NewSend)
		require.Len(t, sends, 1)
	}
	if x.Courtesy.Type != "" || x.WaitDays != 0 {
		require.Contains(t, cats, string(send.CategorySendCourtesyMessage))
	}
	checkTerm(t, x, own)
}

// attemptOf returns the number of an attempt, which the elements of PEC have in
// their identifier only.
func attemptOf(e decoded) int {
	_, number, _ := strings.Cut(e.ElementID, ".ATTEMPT_")
	n, _ := strconv.Atoi(number[:min(1, len(number))])
	return n
}

// checkElement holds the details of an element against what is expected of its
// category.
func checkElement(t *testing.T, x recipientWants, e decoded) {
	t.Helper()
	switch e.Category {
	case send.CategoryDigitalSuccessWorkflow:
		require.True(t, x.Delivered == "" || x.Delivered == e.d.DigitalAddress.Address)
	case send.CategoryGetAddress:
		for _, available := range []map[string]bool{x.GetAddress, x.Available} {
			if want, ok := available[string(e.d.DigitalAddressSource)]; ok {
				require.Equal(t, want, *e.d.IsAvailable)
			}
		}
	case send.CategoryPrepareAnalogDomicileFailure:
		require.True(t, x.PrepareFailure == "" || string(x.PrepareFailure) == e.d.FailureCause)
	case send.CategorySendCourtesyMessage:
		require.True(t, x.Courtesy.Type == "" || *e.d.DigitalAddress == send.DigitalAddress(x.Courtesy))
	case send.CategoryAnalogWorkflowRecipientDeceased:
		if x.Deceased != nil {
			require.Equal(t, string(x.Deceased) == `"set"`, e.d.NotificationCost != nil)
		}
	}
}

// checkTerm holds the perfection by elapsed time against its term.
func checkTerm(t *testing.T, x recipientWants, own []decoded) {
	t.Helper()
	if x.Perfection == nil {
		return
	}
	var from, due, refined time.Time
	for _, e := range own {
		switch e.Category {
		case send.CategorySendDigitalFeedback: // of two addresses the one that was reached counts
			if e.d.ResponseStatus == send.ResponseOK {
				from = e.d.NotificationDate
			}
		case send.CategoryDigitalDeliveryCreationRequest:
			if e.d.EndWorkflowStatus == "FAILURE" {
				from = e.Time()
			}
		case send.CategoryAnalogFailureWorkflow:
			from = e.Time()
		case send.CategorySendAnalogFeedback:
			from = e.d.NotificationDate
		case send.CategoryScheduleRefinement:
			due = e.d.SchedulingDate
		case send.CategoryRefinement:
			refined = e.Time()
		}
	}
	if x.Perfection.Kind != "elapsed" { // none, or the view
		require.Zero(t, refined)
		return
	}
	require.Equal(t, due, refined)
	days := x.Perfection.Days
	if days == 7 && lateInRome(from) {
		days++
	}
	require.Equal(t, time.Duration(days)*day, due.Sub(from))
}

// lateInRome reports whether a PEC was delivered after 21:00, which moves its
// term by a day.
func lateInRome(at time.Time) bool { return at.In(rome.Location()).Hour() >= 21 }

// kept are the terms of a simulator whose streams hold events for years.
func kept() sendtest.Option {
	return sendtest.WithTerms(func(t *sendtest.Terms) { t.StreamEvents = 1000 * day })
}

func TestOfficialScenariosThroughTheClient(t *testing.T) {
	eachOfficial(t, "scenarios", func(t *testing.T, r *officialRow) {
		var sc struct {
			Trigger officialTrigger
			Expect  recipientWants
		}
		require.NoError(t, json.Unmarshal(r.raw, &sc))
		for _, name := range wantsOfRecipient {
			r.read[name] = true
		}
		recipient, opts := officialRecipient(t, sc.Trigger, sc.Expect.officialExpectation, r.Class, 1)
		recipient.Payments = nil
		p := newPlayer(t, append(opts, sendtest.WithPreOutcomes(sc.Trigger.Extra.PreOutcomes), kept())...)
		stream := p.stream(send.StreamRequest{})
		n, files := p.request(recipient)
		if sc.Trigger.Product != "" {
			n.PhysicalCommunicationType = sc.Trigger.Product
		}
		iun := p.accept(n, files)
		time.Sleep(400 * day)
		var streamed []string
		for _, e := range p.drain(p.c, stream) {
			d, err := e.Element.Decode()
			require.NoError(t, err)
			streamed = append(streamed, d.DeliveryDetailCode)
		}
		s := p.chronicle(iun)
		checkStory(t, r, p, s)
		checkOwn(t, sc.Expect, s.own(0), streamed)
	})
}

func TestOfficialSeveralRecipientsThroughTheClient(t *testing.T) {
	eachOfficial(t, "multi_recipient", func(t *testing.T, r *officialRow) {
		var m struct {
			Trigger struct {
				Product    send.PhysicalType `json:"physicalCommunicationType"`
				Recipients []officialTrigger
			}
			Expect struct {
				PerRecipient []recipientWants `json:"per_recipient"`
			}
		}
		require.NoError(t, json.Unmarshal(r.raw, &m))
		list, _ := r.want("per_recipient").([]any)
		for _, item := range list {
			require.Subset(t, wantsOfRecipient, slices.Collect(maps.Keys(item.(map[string]any))), "nothing looks at it")
		}
		expect := make([]officialExpectation, len(m.Trigger.Recipients))
		var during, later []int // who reads it, and when
		for _, x := range m.Expect.PerRecipient {
			expect[x.RecIndex] = x.officialExpectation
			switch x.Viewed {
			case "after SEND_ANALOG_DOMICILE":
				during = append(during, x.RecIndex)
			case "after the deceased element":
				later = append(later, x.RecIndex)
			case "":
			default:
				require.FailNow(t, "viewed", x.Viewed)
			}
		}
		var recipients []send.Recipient
		var opts []sendtest.Option
		for i, tr := range m.Trigger.Recipients {
			recipient, more := officialRecipient(t, tr, expect[i], "", i+1)
			recipient.Payments = nil
			recipients, opts = append(recipients, recipient), append(opts, more...)
			if tr.Extra.Viewed != "" {
				during = append(during, i)
			}
		}
		p := newPlayer(t, opts...)
		n, files := p.request(recipients...)
		if m.Trigger.Product != "" {
			n.PhysicalCommunicationType = m.Trigger.Product
		}
		iun := p.accept(n, files)
		time.Sleep(time.Hour)
		for _, i := range during {
			require.NoError(t, p.s.View(iun, i))
		}
		time.Sleep(400 * day)
		for _, i := range later {
			require.NoError(t, p.s.View(iun, i))
		}
		if r.text("final_status") == string(send.StatusCancelled) {
			reply, err := p.c.Cancel(t.Context(), iun)
			require.NoError(t, err)
			require.True(t, reply.Has(send.CancellationAccepted))
			time.Sleep(time.Minute)
		}
		s := p.chronicle(iun)
		checkStory(t, r, p, s)
		if reached := r.text("status_reached"); reached != "" {
			require.Contains(t, s.statuses(), reached)
		}
		for _, x := range m.Expect.PerRecipient {
			checkOwn(t, x, s.own(x.RecIndex), nil)
		}
	})
}
