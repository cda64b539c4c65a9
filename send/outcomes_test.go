package send_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// story is a notification that lives its life on the simulator.
type story struct {
	name    string
	options []sendtest.Option
	prepare func(*send.Notification)
	// live lets time pass after acceptance; nil lets it all pass.
	live func(t *testing.T, s *sendtest.Server, iun string)
}

// alone makes the only recipient of a notification one of paper.
func alone(street string, product send.PhysicalType) func(*send.Notification) {
	return func(n *send.Notification) {
		n.PhysicalCommunicationType = product
		n.Recipients[0].DigitalDomicile = nil
		n.Recipients[0].PhysicalAddress.Address = street
	}
}

func to(pec string) func(*send.Notification) {
	return func(n *send.Notification) { n.Recipients[0].DigitalDomicile = send.PEC(pec) }
}

// seenAfter lets the first recipient see the notification after a while, and
// then all time pass.
func seenAfter(wait time.Duration) func(*testing.T, *sendtest.Server, string) {
	return func(t *testing.T, s *sendtest.Server, iun string) {
		time.Sleep(wait)
		require.NoError(t, s.View(iun, 0))
		time.Sleep(400 * day)
	}
}

func stories() []story {
	const hour = time.Hour
	return []story{
		{name: "pec-consegnata"},
		{name: "pec-in-attesa-del-termine", live: func(*testing.T, *sendtest.Server, string) { time.Sleep(2 * day) }},
		{name: "pec-consegnata-dopo-le-21", prepare: to("zeta@sequence.5s-C001.21h-C003.it")},
		{name: "pec-fallita", prepare: to("zeta@fail.it")},
		{name: "pec-fallita-poi-consegnata", prepare: to("zeta@ok-pecfirstfailsecondsuccess.it")},
		{name: "sercq", options: []sendtest.Option{sendtest.WithPlatformDomicile(person(1).Value(), "SERCQ", "sercq")}},
		{name: "890-consegnata", prepare: alone("Via @OK_890", send.RegisteredLetter890)},
		{name: "890-in-viaggio", prepare: alone("Via @OK_890_SLOW", send.RegisteredLetter890), live: func(*testing.T, *sendtest.Server, string) { time.Sleep(day) }},
		{name: "890-irreperibile", prepare: alone("Via @FAIL-Irreperibile_890", send.RegisteredLetter890)},
		{name: "890-giacenza", prepare: alone("Via @OK-Giacenza-gt10_890", send.RegisteredLetter890)},
		{name: "890-smarrita-poi-consegnata", prepare: alone("Via @OK-Retry_890", send.RegisteredLetter890)},
		{name: "ar-rifiutata", prepare: alone("Via @FAIL_AR", send.RegisteredLetterAR)},
		{name: "ar-secondo-indirizzo", prepare: alone("Via @FAIL-Discovery_AR", send.RegisteredLetterAR)},
		{name: "ar-compiuta-giacenza", prepare: alone("Via @FAIL-CompiutaGiacenza_AR", send.RegisteredLetterAR)},
		{name: "ar-forza-maggiore", prepare: alone("Via @OK-CausaForzaMaggiore_AR", send.RegisteredLetterAR)},
		{name: "ar-deceduto", prepare: alone("Via @FAIL_DECEDUTO_AR", send.RegisteredLetterAR)},
		{name: "cortesia-poi-carta", options: []sendtest.Option{sendtest.WithCourtesy(person(1).Value(), "EMAIL", "zeta@example.it")},
			prepare: alone("Via @OK_AR", send.RegisteredLetterAR)},
		{name: "vista-prima-del-termine", live: seenAfter(3 * day)},
		{name: "vista-dopo-il-termine", live: seenAfter(30 * day)},
		{name: "vista-con-carta-in-viaggio", prepare: alone("Via @OK_890_SLOW", send.RegisteredLetter890), live: func(t *testing.T, s *sendtest.Server, iun string) {
			time.Sleep(hour)
			require.NoError(t, s.View(iun, 0))
		}},
		{name: "vista-tardi-con-consegna-precedente", prepare: alone("Via @sequence.5s-CON080.5s-RECRN001B[DOC:AR].90s-RECRN001C[DELAY:90s]", send.RegisteredLetterAR),
			live: seenAfter(14 * day)},
		{name: "vista-dal-delegato", live: func(t *testing.T, s *sendtest.Server, iun string) {
			require.NoError(t, s.ViewByDelegate(iun, 0, sendtest.Delegate{TaxID: person(9).Value(), Denomination: "Delegata Inventata", Type: "PF"}))
		}},
		{name: "pagata-prima-della-carta", options: []sendtest.Option{sendtest.WithCourtesy(person(1).Value(), "EMAIL", "zeta@example.it")},
			prepare: alone("Via @OK_AR", send.RegisteredLetterAR), live: func(t *testing.T, s *sendtest.Server, _ string) {
				time.Sleep(hour)
				n, _ := notification(1)
				require.NoError(t, s.Pay(sendtest.SenderTaxID, n.Recipients[0].Payments[0].PagoPA.NoticeCode))
				time.Sleep(400 * day)
			}},
		{name: "annullata-con-carta-in-viaggio", prepare: alone("Via @OK_890", send.RegisteredLetter890), live: func(t *testing.T, s *sendtest.Server, iun string) {
			time.Sleep(day)
			require.NoError(t, s.Cancel(iun))
			time.Sleep(400 * day)
		}},
		{name: "annullata-dopo-il-termine", live: func(t *testing.T, s *sendtest.Server, iun string) {
			time.Sleep(30 * day)
			require.NoError(t, s.Cancel(iun))
			time.Sleep(day)
		}},
		{name: "irreperibile-poi-corretta", prepare: alone("Via @FAIL-Irreperibile_890", send.RegisteredLetter890), live: func(t *testing.T, s *sendtest.Server, iun string) {
			time.Sleep(60 * day)
			require.NoError(t, s.Rework(iun, 0, "@OK_890"))
			time.Sleep(400 * day)
		}},
		{name: "deceduto-poi-corretto", prepare: alone("Via @FAIL_DECEDUTO_AR", send.RegisteredLetterAR), live: func(t *testing.T, s *sendtest.Server, iun string) {
			time.Sleep(60 * day)
			require.NoError(t, s.Rework(iun, 0, "@OK_AR"))
			time.Sleep(400 * day)
		}},
		{name: "vista-poi-deceduto", prepare: alone("Via @FAIL_DECEDUTO_SLOW_AR", send.RegisteredLetterAR), live: seenAfter(hour)},
		{name: "spese-a-carico-dell-ente", prepare: func(n *send.Notification) {
			alone("Via @OK_AR", send.RegisteredLetterAR)(n)
			n.NotificationFeePolicy = send.FlatRate
			n.PaFee, n.VAT = nil, nil
			n.Recipients[0].Payments[0].PagoPA.ApplyCost = false
		}},
		{name: "tre-destinatari", live: seenAfter(2 * day), prepare: func(n *send.Notification) {
			second, _ := notification(2)
			third, _ := notification(3)
			for _, other := range []*send.Notification{&second, &third} {
				other.Recipients[0].Payments[0].PagoPA.Attachment = nil
				n.Recipients = append(n.Recipients, other.Recipients[0])
			}
			n.Recipients[1].DigitalDomicile = send.PEC("zeta@fail.it")
			n.Recipients[2].DigitalDomicile = nil
			n.Recipients[2].PhysicalAddress.Address = "Via @FAIL-Irreperibile_890"
		}},
	}
}

// play lets a story happen and returns what the platform tells of it.
func (st *story) play(t *testing.T, check func(*testing.T, *send.Client, *send.SentNotification)) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t, st.options...)
		c := clientOf(t, s)
		n, files := notification(1)
		if st.prepare != nil {
			st.prepare(&n)
		}
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		d, err = c.Await(t.Context(), d)
		require.NoError(t, err)
		if st.live != nil {
			st.live(t, s, d.IUN)
		} else {
			time.Sleep(400 * day)
		}
		sent, err := c.SentNotification(t.Context(), d.IUN)
		require.NoError(t, err)
		requireCounted(t, c, sent)
		check(t, c, sent)
	})
}

// requireCounted holds the outcomes against what other calls say: all legal
// facts are there, and the cost is that of the price.
func requireCounted(t *testing.T, c *send.Client, sent *send.SentNotification) {
	t.Helper()
	o, err := sent.Outcomes()
	require.NoError(t, err)
	require.Empty(t, o.Unknown)
	facts, err := c.LegalFacts(t.Context(), sent.IUN)
	require.NoError(t, err)
	var listed []send.LegalFactID
	for _, f := range facts {
		listed = append(listed, f.ID)
	}
	require.ElementsMatch(t, listed, factsOf(&o))
	for i, r := range o.Recipients {
		for _, p := range sent.Recipients[i].Payments {
			price, err := c.Price(t.Context(), p.PagoPA.CreditorTaxID, p.PagoPA.NoticeCode)
			if !o.Cancellation.At.IsZero() {
				require.ErrorIs(t, err, pa.ErrNotFound)
				require.Zero(t, r.Cost.TotalPrice)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, price.AnalogCost, r.Cost.AnalogCost)
			require.Equal(t, *price.TotalPrice, r.Cost.TotalPrice)
			require.Equal(t, price.PartialPrice, r.Cost.PartialPrice)
		}
		for _, a := range r.Attempts {
			for _, e := range a.Events {
				require.True(t, e.Code.Known(), e.Code)
				require.True(t, e.Cause == "" || a.Channel == send.ChannelDigital || e.Cause.Known(), e.Cause)
			}
		}
	}
}

func factsOf(o *send.Outcomes) []send.LegalFactID {
	all := slices.Concat(o.Sender.LegalFacts, o.Cancellation.LegalFacts)
	for _, r := range o.Recipients {
		all = append(all, r.LegalFacts...)
		for _, a := range r.Attempts {
			for _, e := range a.Events {
				all = append(all, e.Documents...)
			}
		}
	}
	return all
}

// reportOf returns the report without what changes from run to run.
func reportOf(t *testing.T, sent *send.SentNotification, lang pa.Lang) string {
	t.Helper()
	o, err := sent.Outcomes()
	require.NoError(t, err)
	text := strings.ReplaceAll(o.Report(lang), sent.IUN, "AAAA-BBBB-CCCC-202601-D-1")
	for _, r := range sent.Recipients { // nobody is named
		require.NotContains(t, text, r.Denomination)
		require.NotContains(t, text, r.TaxID.Value())
		if r.PhysicalAddress != nil {
			require.NotContains(t, text, r.PhysicalAddress.Address)
		}
	}
	require.NotContains(t, text, "@")
	return text
}

// requireGolden compares with a file of the folder of outcomes.
func requireGolden(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join("testdata", "outcomes", name+".golden")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	want, got := lines(string(data)), lines(text)
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("%s:%d: the outcome has changed: want %q, got %q", file, i+1, from(want, i), from(got, i))
		}
	}
}

func from(lines []string, i int) []string { return lines[min(i, len(lines)):min(i+3, len(lines))] }

func lines(text string) []string { return strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") }

// TestOutcomesOfStories reads what the simulator tells of whole lives, in words.
func TestOutcomesOfStories(t *testing.T) {
	for _, st := range stories() {
		t.Run(st.name, func(t *testing.T) {
			st.play(t, func(t *testing.T, _ *send.Client, sent *send.SentNotification) {
				requireGolden(t, st.name, reportOf(t, sent, pa.Italian))
				if st.name == "pec-fallita" || st.name == "tre-destinatari" {
					requireGolden(t, st.name+".en", reportOf(t, sent, pa.English))
				}
			})
		})
	}
}

// TestOutcomesOfDisorder shuffles timelines: what a notification has come to
// does not depend on the order of its elements.
func TestOutcomesOfDisorder(t *testing.T) {
	type essence struct {
		Perfection send.Perfection
		Due        time.Time
		Final      bool
		Attempts   map[string]send.ResponseStatus
		Cost       fiscal.Cents
		Facts      int
	}
	of := func(t *testing.T, sent *send.SentNotification) (send.SenderOutcome, []essence) {
		o, err := sent.Outcomes()
		require.NoError(t, err)
		var list []essence
		for _, r := range o.Recipients {
			e := essence{r.Perfection, r.Due, r.Final, map[string]send.ResponseStatus{}, r.Cost.TotalPrice, len(r.LegalFacts)}
			for _, a := range r.Attempts {
				e.Attempts[fmt.Sprint(a.Channel, a.Number, a.Source, a.SentAt, len(a.Events))] = a.Result
			}
			list = append(list, e)
		}
		return o.Sender, list
	}
	for _, st := range stories() {
		t.Run(st.name, func(t *testing.T) {
			st.play(t, func(t *testing.T, _ *send.Client, sent *send.SentNotification) {
				sender, want := of(t, sent)
				rnd := rand.New(rand.NewPCG(1, 2))
				for range 20 {
					rnd.Shuffle(len(sent.Timeline), func(i, j int) {
						sent.Timeline[i], sent.Timeline[j] = sent.Timeline[j], sent.Timeline[i]
					})
					s, got := of(t, sent)
					require.Equal(t, sender, s)
					require.Equal(t, want, got)
				}
			})
		})
	}
}

// The rest is told by hand: what the simulator does not do, or no platform should.

// tale is a timeline told by hand, an hour between its elements.
type tale struct {
	send.SentNotification
	now time.Time
}

func newTale(recipients int) *tale {
	n, _ := notification(1)
	for i := 2; i <= recipients; i++ {
		other, _ := notification(i)
		n.Recipients = append(n.Recipients, other.Recipients[0])
	}
	at := time.Date(2026, 12, 31, 22, 30, 0, 0, time.UTC) // 23:30 in Rome
	t := &tale{send.SentNotification{Notification: n, IUN: "AAAA-BBBB-CCCC-202612-D-1", SentAt: at, NotificationStatus: send.StatusAccepted}, at}
	t.add(send.CategoryRequestAccepted, nil, send.LegalFactSenderAck)
	return t
}

// add tells an element, with the identifier that the platform would give it.
func (t *tale) add(category send.Category, details map[string]any, facts ...send.LegalFactCategory) *send.TimelineElement {
	t.now = t.now.Add(time.Hour)
	e := send.TimelineElement{
		ElementID: string(category) + ".IUN_" + t.IUN, IngestionTimestamp: t.now, EventTimestamp: t.now, Timestamp: t.now,
		NotificationSentAt: t.SentAt, Category: category,
	}
	if rec, ok := details["recIndex"]; ok {
		e.ElementID += fmt.Sprint(".RECINDEX_", rec)
	}
	if attempt, ok := details["sentAttemptMade"]; ok {
		e.ElementID += fmt.Sprint(".ATTEMPT_", attempt)
	}
	for _, f := range facts {
		e.LegalFactsIDs = append(e.LegalFactsIDs, send.LegalFactID{Key: fmt.Sprintf("safestorage://PN-%d.pdf", len(t.Timeline)), Category: f})
	}
	if details != nil {
		e.Details = mustJSON(details)
	}
	t.Timeline = append(t.Timeline, e)
	return &t.Timeline[len(t.Timeline)-1]
}

func mustJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func (t *tale) outcomes(tb testing.TB) send.Outcomes {
	tb.Helper()
	o, err := t.Outcomes()
	require.NoError(tb, err)
	return o
}

type details = map[string]any

func TestOutcomesOfTheSender(t *testing.T) {
	tale := newTale(1)
	o := tale.outcomes(t)
	require.Equal(t, pa.Date{Year: 2026, Month: 12, Day: 31}, o.Sender.DepositedOn())
	require.Equal(t, pa.Date{Year: 2027, Month: 1, Day: 1}, o.Sender.AcceptedOn(), "half past midnight in Rome, still the old year in UTC")
	require.Equal(t, []send.LegalFactID{{Key: "safestorage://PN-0.pdf", Category: send.LegalFactSenderAck}}, o.Sender.LegalFacts)
	require.False(t, o.Recipients[0].Final)

	tale.SentAt = time.Time{} // of a program that has only the elements
	require.Equal(t, pa.Date{Year: 2026, Month: 12, Day: 31}, tale.outcomes(t).Sender.DepositedOn())
	tale.Timeline = nil
	require.True(t, tale.outcomes(t).Sender.AcceptedOn().IsZero())
}

// TestPerfection is the whole decision, by instants in hours from acceptance.
func TestPerfection(t *testing.T) {
	tests := []struct {
		name                               string
		view, refined, deceased, cancelled int
		want                               send.PerfectionKind
		at                                 int
	}{
		{name: "nothing yet", want: send.NotYetPerfected},
		{name: "view", view: 3, want: send.PerfectedByView, at: 3},
		{name: "term", refined: 3, want: send.PerfectedByTime, at: 3},
		{name: "view first", view: 3, refined: 5, want: send.PerfectedByView, at: 3},
		{name: "term first", view: 5, refined: 3, want: send.PerfectedByTime, at: 3},
		{name: "same instant: the term has elapsed", view: 3, refined: 3, want: send.PerfectedByTime, at: 3},
		{name: "deceased", deceased: 3, want: send.NeverPerfected},
		{name: "view, then deceased", view: 2, deceased: 3, want: send.NeverPerfected},
		{name: "deceased, then view", view: 4, deceased: 3, want: send.NeverPerfected},
		{name: "cancelled", cancelled: 3, want: send.NeverPerfected},
		{name: "cancelled before the view", cancelled: 3, view: 4, want: send.NeverPerfected},
		{name: "cancelled before the term", cancelled: 3, refined: 4, want: send.NeverPerfected},
		{name: "cancelled after the view", view: 3, cancelled: 4, want: send.PerfectedByView, at: 3},
		{name: "cancelled after the term", refined: 3, cancelled: 4, want: send.PerfectedByTime, at: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tale := newTale(2)
			start := tale.now
			tell := func(c send.Category, hours int, d details) {
				if hours > 0 {
					tale.add(c, d).EventTimestamp = start.Add(time.Duration(hours) * time.Hour)
				}
			}
			first := details{"recIndex": 0}
			tell(send.CategoryNotificationViewed, tt.view, first)
			tell(send.CategoryRefinement, tt.refined, first)
			tell(send.CategoryAnalogWorkflowRecipientDeceased, tt.deceased, first)
			tell(send.CategoryNotificationCancelled, tt.cancelled, details{"notRefinedRecipientIndexes": []int{}})
			o := tale.outcomes(t)
			want := send.Perfection{Kind: tt.want}
			if tt.at > 0 {
				want.At = start.Add(time.Duration(tt.at) * time.Hour)
			}
			require.Equal(t, want, o.Recipients[0].Perfection)
			require.Equal(t, tt.want != send.NotYetPerfected, o.Recipients[0].Final)
			other := send.NotYetPerfected
			if tt.cancelled > 0 {
				other = send.NeverPerfected
				require.Zero(t, o.Recipients[0].Cost.TotalPrice, "nothing is due")
			}
			require.Equal(t, other, o.Recipients[1].Perfection.Kind, "each recipient on its own")
		})
	}
}

// TestViewThatMayBeLate is a view while a letter is on its way: if it turns out
// to have been delivered long before, the term had elapsed.
func TestViewThatMayBeLate(t *testing.T) {
	tale := newTale(1)
	tale.add(send.CategorySendAnalogDomicile, details{"recIndex": 0, "sentAttemptMade": 0, "analogCost": 900})
	view := tale.add(send.CategoryNotificationViewed, details{"recIndex": 0})
	view.EventTimestamp = tale.SentAt.Add(20 * day)
	r := tale.outcomes(t).Recipients[0]
	require.Equal(t, send.PerfectedByView, r.Perfection.Kind)
	require.False(t, r.Final)
	require.True(t, r.Cost.Final, "nothing more is sent")

	tale.add(send.CategorySendAnalogFeedback, details{"recIndex": 0, "sentAttemptMade": 0, "responseStatus": "OK", "deliveryDetailCode": "RECAG001C"})
	due := tale.SentAt.Add(13 * day)
	tale.add(send.CategoryScheduleRefinement, details{"recIndex": 0, "schedulingDate": due})
	require.False(t, tale.outcomes(t).Recipients[0].Final, "the term lies before the view")
	tale.add(send.CategoryRefinement, details{"recIndex": 0}).EventTimestamp = due
	r = tale.outcomes(t).Recipients[0]
	require.Equal(t, send.Perfection{Kind: send.PerfectedByTime, At: due}, r.Perfection)
	require.True(t, r.Final)
}

// TestOutcomesOfOlderVersions have one timestamp, or none but that of the details.
func TestOutcomesOfOlderVersions(t *testing.T) {
	tale := newTale(1)
	send1 := tale.add(send.CategorySendDigitalDomicile, details{"recIndex": 0, "retryNumber": 0, "digitalAddressSource": "SPECIAL", "digitalAddress": details{"type": "PEC", "address": "zeta@pec.example.it"}})
	send1.ElementID = "SEND_DIGITAL.IUN_x.RECINDEX_0.SOURCE_SPECIAL.REPEAT_false.ATTEMPT_0"
	feedback := tale.add(send.CategorySendDigitalFeedback, details{"recIndex": 0, "responseStatus": "KO", "deliveryDetailCode": "C004"})
	feedback.ElementID = "SEND_DIGITAL_FEEDBACK.IUN_x.RECINDEX_0"
	tale.add(send.CategoryRefinement, details{"recIndex": 0})
	for i := range tale.Timeline {
		e := &tale.Timeline[i]
		e.EventTimestamp, e.IngestionTimestamp = time.Time{}, time.Time{}
	}
	viewed := tale.add(send.CategoryNotificationViewed, details{"recIndex": 0, "eventTimestamp": tale.SentAt.Add(90 * time.Minute)})
	viewed.EventTimestamp, viewed.IngestionTimestamp = time.Time{}, time.Time{}
	r := tale.outcomes(t).Recipients[0]
	require.Len(t, r.Attempts, 1, "feedback without a source is of the attempt under way")
	require.Equal(t, send.ResponseKO, r.Attempts[0].Result)
	require.Equal(t, send.Perfection{Kind: send.PerfectedByView, At: tale.SentAt.Add(90 * time.Minute)}, r.Perfection)
}

// TestCostRounding has the VAT on paper rounded half up, to the cent.
func TestCostRounding(t *testing.T) {
	for paper, total := range map[int]fiscal.Cents{824: 1106, 5: 206, 4: 204, 15: 217, 850: 1135} {
		tale := newTale(1)
		tale.VAT = new(10)
		tale.add(send.CategorySendAnalogDomicile, details{"recIndex": 0, "sentAttemptMade": 0, "analogCost": paper})
		c := tale.outcomes(t).Recipients[0].Cost
		require.Equal(t, total, c.TotalPrice, "%d and 10%%", paper)
		require.Equal(t, fiscal.Cents(100+paper), c.PartialPrice)
	}
}

// TestAttemptSentAgain is a message sent again after a temporary error: one
// attempt, which began the first time.
func TestAttemptSentAgain(t *testing.T) {
	tale := newTale(1)
	again := details{"recIndex": 0, "retryNumber": 0, "digitalAddressSource": "GENERAL", "digitalAddress": details{"type": "PEC", "address": "zeta@pec.example.it"}}
	first := tale.add(send.CategorySendDigitalDomicile, again).EventTimestamp
	tale.add(send.CategorySendDigitalProgress, details{"recIndex": 0, "retryNumber": 0, "digitalAddressSource": "GENERAL", "deliveryDetailCode": "DP00"})
	tale.add(send.CategorySendDigitalDomicile, again)
	attempts := tale.outcomes(t).Recipients[0].Attempts
	require.Len(t, attempts, 1)
	require.Equal(t, first, attempts[0].SentAt)
	require.Equal(t, "zeta@pec.example.it", attempts[0].DigitalAddress.Address)
}

func TestOutcomesOfWhatIsNotKnown(t *testing.T) {
	tale := newTale(1)
	for range 2 {
		tale.add("NEWLY_INVENTED", details{"recIndex": "zero", "deliveryDetailCode": 5})
	}
	tale.add(send.CategorySendAnalogProgress, details{"recIndex": 0, "deliveryDetailCode": "RECXX099", "deliveryFailureCause": "M77"})
	tale.NotificationStatus = "NEW_STATUS"
	o := tale.outcomes(t)
	require.Equal(t, []send.Category{"NEWLY_INVENTED"}, o.Unknown)
	require.Equal(t, send.FailureCause("M77"), o.Recipients[0].Attempts[0].Events[0].Cause)
	require.Zero(t, o.Recipients[0].Attempts[0].SentAt)
	report := o.Report(pa.Italian)
	for _, value := range []string{"NEWLY_INVENTED", "RECXX099", "NEW_STATUS"} {
		require.Contains(t, report, value)
	}
}

// TestOutcomesThatCannotBeCounted names the category and gives the rest.
func TestOutcomesThatCannotBeCounted(t *testing.T) {
	tests := map[string]func(*tale){
		"has no time": func(tale *tale) {
			e := tale.add(send.CategoryRefinement, details{"recIndex": 0})
			e.EventTimestamp, e.Timestamp = time.Time{}, time.Time{}
		},
		"is of no recipient": func(tale *tale) { tale.add(send.CategoryRefinement, details{"recIndex": 7}) },
		"cannot be read":     func(tale *tale) { tale.add(send.CategoryRefinement, details{"recIndex": "canarino"}) },
		"REFINEMENT is of":   func(tale *tale) { tale.add(send.CategoryRefinement, nil).ElementID = "x" },
		"NOTIFICATION_VIEWED is of": func(tale *tale) {
			tale.add(send.CategoryNotificationViewed, details{"recIndex": -1})
		},
		"the cost of recipient 1": func(tale *tale) {
			for i := range 2 {
				tale.add(send.CategorySendAnalogDomicile, details{"recIndex": 1, "sentAttemptMade": i, "analogCost": int64(1) << 62})
			}
		},
	}
	for want, spoil := range tests {
		t.Run(want, func(t *testing.T) {
			tale := newTale(2)
			tale.add(send.CategoryNotificationViewed, details{"recIndex": 1})
			spoil(tale)
			o, err := tale.Outcomes()
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "canarino")
			require.Equal(t, send.PerfectedByView, o.Recipients[1].Perfection.Kind, "the rest is counted")
		})
	}
	tale := newTale(1)
	tale.add(send.CategoryRefinement, nil)
	require.Equal(t, send.PerfectedByTime, tale.outcomes(t).Recipients[0].Perfection.Kind, "there is only one recipient")
	two := newTale(2)
	two.add(send.CategoryRefinement, nil).ElementID = "REFINEMENT.IUN_x.RECINDEX_1"
	require.Equal(t, send.PerfectedByTime, two.outcomes(t).Recipients[1].Perfection.Kind, "the identifier tells")
}

func TestOutcomesOfACancellation(t *testing.T) {
	tale := newTale(2)
	tale.add(send.CategoryNotificationViewed, details{"recIndex": 0, "notificationCost": 100}, send.LegalFactRecipientAccess)
	tale.add(send.CategoryNotificationCancellationRequest, details{"cancellationRequestId": "x"})
	require.True(t, tale.outcomes(t).Cancellation.At.IsZero(), "asked for, not yet done")
	tale.add(send.CategoryNotificationCancelled, details{"notificationCost": 100, "notRefinedRecipientIndexes": []int{1}}, send.LegalFactNotificationCancelled)
	tale.NotificationStatus = send.StatusCancelled
	o := tale.outcomes(t)
	require.Len(t, o.Cancellation.LegalFacts, 1)
	require.True(t, o.Cancellation.RequestedAt.Before(o.Cancellation.At))
	requireGolden(t, "annullata", o.Report(pa.Italian))
}

func TestOutcomesOfADelegateAndRADD(t *testing.T) {
	tale := newTale(2)
	tale.add(send.CategoryPayment, details{"recIndex": 0, "recipientType": "PF", "amount": 5000, "noticeCode": "302010000000000001", "creditorTaxId": sendtest.SenderTaxID})
	tale.add(send.CategoryNotificationRADDRetrieved, details{"recIndex": 0, "raddType": "FSU", "raddTransactionId": "x"})
	tale.add(send.CategoryNotificationViewed, details{"recIndex": 0, "delegateInfo": details{
		"taxId": person(9).Value(), "denomination": "Delegata Inventata", "delegateType": "PF"}}, send.LegalFactRecipientAccess)
	tale.add(send.CategoryNotificationViewed, details{"recIndex": 1, "raddType": "ALT"}, send.LegalFactRecipientAccess)
	tale.NotificationStatus = send.StatusViewed
	o := tale.outcomes(t)
	r := o.Recipients[0]
	require.Equal(t, send.PerfectedByView, r.Perfection.Kind)
	require.Equal(t, "Delegata Inventata", r.Views[0].Delegate.Denomination)
	require.Equal(t, "FSU", r.RADDRetrievals[0].Type)
	require.False(t, r.PaidAt.IsZero())
	report := o.Report(pa.Italian)
	require.NotContains(t, report, "Delegata")
	requireGolden(t, "delegato-e-radd", report)
}

// TestOutcomesOfACorrection takes back an unreachable recipient, whose letter
// turns out to have been delivered (API GA26Q2.B, detail from v2.8 on).
func TestOutcomesOfACorrection(t *testing.T) {
	tale := newTale(2)
	first := func(more details) details { maps.Copy(more, details{"recIndex": 0}); return more }
	tale.add(send.CategorySendAnalogDomicile, first(details{"sentAttemptMade": 0, "analogCost": 900, "productType": "890"}))
	from := len(tale.Timeline)
	tale.add(send.CategorySendAnalogFeedback, first(details{"sentAttemptMade": 0, "responseStatus": "KO", "deliveryDetailCode": "RECAG003F", "deliveryFailureCause": "M01"}))
	tale.add(send.CategorySendAnalogDomicile, first(details{"sentAttemptMade": 1, "analogCost": 850, "productType": "890"}))
	tale.add(send.CategorySendAnalogFeedback, first(details{"sentAttemptMade": 1, "responseStatus": "KO", "deliveryDetailCode": "RECAG003F", "deliveryFailureCause": "M03"}))
	tale.add(send.CategoryAnalogFailureWorkflow, first(details{}))
	tale.add(send.CategoryCompletelyUnreachable, first(details{}), send.LegalFactAnalogFailureDelivery)
	tale.now = tale.now.Add(10 * day)
	tale.add(send.CategoryRefinement, first(details{"notificationCost": 1850}))
	before := tale.outcomes(t)
	require.Equal(t, fiscal.Cents(1750), before.Recipients[0].Cost.AnalogCost)
	require.Equal(t, send.PerfectedByTime, before.Recipients[0].Perfection.Kind)

	withdrawn := slices.Clone(tale.Timeline[from:])
	tale.add(send.CategoryNotificationTimelineReworked, first(details{"sentAttemptMade": 0, "invalidatedTimelineAndStatusHistory": []send.InvalidatedStatus{
		{Status: send.StatusDelivering, ActiveFrom: tale.SentAt, RelatedTimelineElements: withdrawn[:3]},
		{Status: send.StatusEffectiveDate, ActiveFrom: tale.now, RelatedTimelineElements: withdrawn[3:]},
	}}))
	after := tale.outcomes(t).Recipients[0]
	require.Equal(t, send.NotYetPerfected, after.Perfection.Kind)
	require.Zero(t, after.UnreachableAt)
	require.Nil(t, after.Cost.NotificationCost)
	require.Equal(t, fiscal.Cents(900), after.Cost.AnalogCost)
	require.Len(t, after.Attempts, 1)

	feedback := tale.add(send.CategorySendAnalogFeedback, first(details{"sentAttemptMade": 0, "responseStatus": "OK", "deliveryDetailCode": "RECAG001C"}))
	feedback.ElementID += ".REWORK_0"
	tale.now = tale.now.Add(10 * day)
	tale.add(send.CategoryRefinement, first(details{"notificationCost": 1000})).ElementID += ".REWORK_0"
	tale.NotificationStatus = send.StatusEffectiveDate
	o := tale.outcomes(t)
	require.Equal(t, send.ResponseOK, o.Recipients[0].Attempts[0].Result)
	require.Equal(t, send.PerfectedByTime, o.Recipients[0].Perfection.Kind)
	require.Len(t, o.Corrections, 1)
	c := o.Corrections[0]
	require.Equal(t, before.Recipients[0].Perfection, c.Withdrawn.Perfection)
	require.Equal(t, before.Recipients[0].UnreachableAt, c.Withdrawn.UnreachableAt)
	require.Equal(t, before.Recipients[0].LegalFacts, c.Withdrawn.LegalFacts)
	require.Equal(t, fiscal.Cents(1850), *c.Withdrawn.Cost.NotificationCost)
	require.Equal(t, fiscal.Cents(850), c.Withdrawn.Cost.AnalogCost)
	require.Len(t, c.Withdrawn.Attempts, 2)
	require.Equal(t, send.NotYetPerfected, o.Recipients[1].Perfection.Kind)
	requireGolden(t, "corretta", o.Report(pa.Italian))
	requireGolden(t, "corretta.en", o.Report(pa.English))

	// The platform shows the withdrawn elements inside the correction only.
	tale.Timeline = slices.DeleteFunc(tale.Timeline, func(e send.TimelineElement) bool {
		return slices.ContainsFunc(withdrawn, func(w send.TimelineElement) bool { return w.ElementID == e.ElementID })
	})
	require.Equal(t, o, tale.outcomes(t))
}

// TestDeathBeforeItsElement reads a version that has no element for the death:
// the cause of the letter tells.
func TestDeathBeforeItsElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s, func(cfg *send.Config) { cfg.Versions.Sent = "v2.4" })
		n, files := notification(1)
		alone("Via @FAIL_DECEDUTO_AR", send.RegisteredLetterAR)(&n)
		d, err := c.Submit(t.Context(), n, files)
		require.NoError(t, err)
		d, err = c.Await(t.Context(), d)
		require.NoError(t, err)
		time.Sleep(400 * day)
		require.NoError(t, s.View(d.IUN, 0))
		sent, err := c.SentNotification(t.Context(), d.IUN)
		require.NoError(t, err)
		require.False(t, slices.ContainsFunc(sent.Timeline, func(e send.TimelineElement) bool {
			return e.Category == send.CategoryAnalogWorkflowRecipientDeceased
		}))
		o, err := sent.Outcomes()
		require.NoError(t, err)
		r := o.Recipients[0]
		require.Equal(t, r.Attempts[0].ResultAt, r.DeceasedAt)
		require.False(t, r.DeceasedAt.IsZero())
		require.Len(t, r.Views, 1)
		require.Equal(t, send.NeverPerfected, r.Perfection.Kind)
		require.True(t, r.Final)
		require.Contains(t, o.Report(pa.Italian), "Decesso segnalato il ")
	})
}

// TestDeathOfASimpleLetter decides nothing: SEND does not conclude from it.
func TestDeathOfASimpleLetter(t *testing.T) {
	tale := newTale(1)
	tale.add(send.CategorySendSimpleRegisteredLetterProgress, details{"recIndex": 0, "deliveryDetailCode": "RECRS002C", "deliveryFailureCause": "M02", "responseStatus": "OK"})
	tale.add(send.CategoryNotificationViewed, details{"recIndex": 0})
	r := tale.outcomes(t).Recipients[0]
	require.Zero(t, r.DeceasedAt)
	require.Equal(t, send.PerfectedByView, r.Perfection.Kind)
}

// TestDepositWithoutItsOutcome is a closed deposit of an 890 letter: only where
// RECAG012 is missing is there something to ask.
func TestDepositWithoutItsOutcome(t *testing.T) {
	tale := newTale(1)
	tale.add(send.CategorySendAnalogProgress, details{"recIndex": 0, "sentAttemptMade": 0, "deliveryDetailCode": "RECAG005B"})
	require.NotContains(t, tale.outcomes(t).Report(pa.Italian), "RECAG012")
	tale.add(send.CategorySendAnalogProgress, details{"recIndex": 0, "sentAttemptMade": 0, "deliveryDetailCode": "RECAG005C"})
	require.Contains(t, tale.outcomes(t).Report(pa.Italian), "manca l'esito RECAG012: chiederlo all'assistenza SEND.")
	tale.add(send.CategorySendAnalogFeedback, details{"recIndex": 0, "sentAttemptMade": 0, "deliveryDetailCode": "RECAG012", "responseStatus": "OK"})
	require.NotContains(t, tale.outcomes(t).Report(pa.Italian), "manca l'esito")
}

// TestSecondMessagesToTwoDomiciles are told apart where there are two.
func TestSecondMessagesToTwoDomiciles(t *testing.T) {
	tale := newTale(1)
	message := func(repeat bool, attempt int) {
		e := tale.add(send.CategorySendDigitalDomicile, details{"recIndex": 0, "retryNumber": attempt, "digitalAddressSource": "GENERAL"})
		e.ElementID = fmt.Sprintf("SEND_DIGITAL.IUN_x.RECINDEX_0.SOURCE_GENERAL.REPEAT_%t.ATTEMPT_%d", repeat, attempt)
	}
	message(false, 0)
	message(true, 1)
	require.NotContains(t, tale.outcomes(t).Report(pa.Italian), "domicilio di prima")
	message(false, 1)
	report := tale.outcomes(t).Report(pa.Italian)
	require.Contains(t, report, "Invio digitale 1, domicilio dei registri pubblici, 0")
	require.Contains(t, report, "Invio digitale 2, domicilio dei registri pubblici, al domicilio di prima, 0")
	require.Contains(t, report, "Invio digitale 2, domicilio dei registri pubblici, al nuovo domicilio, 0")
}

// TestReportInOrder tells what happened to a recipient in the order of time.
func TestReportInOrder(t *testing.T) {
	tale := newTale(1)
	first := details{"recIndex": 0}
	tale.add(send.CategoryNotificationViewed, first)
	tale.add(send.CategoryPayment, first)
	tale.add(send.CategorySendAnalogProgress, details{"recIndex": 0, "sentAttemptMade": 0, "deliveryDetailCode": "CON080"})
	tale.add(send.CategorySendCourtesyMessage, first)
	report, from := tale.outcomes(t).Report(pa.Italian), 0
	for _, line := range []string{"Presa visione", "Pagamento comunicato", "Raccomandata 1", "Messaggio di cortesia"} {
		at := strings.Index(report, "\n  "+line)
		require.Greater(t, at, from, line)
		from = at
	}
}

// TestCostThatMayRise says so only while paper can still be sent.
func TestCostThatMayRise(t *testing.T) {
	letter := func(number int, result string) func(*tale) {
		return func(tale *tale) {
			tale.add(send.CategorySendAnalogFeedback, details{"recIndex": 0, "sentAttemptMade": number, "responseStatus": result})
		}
	}
	of := func(c send.Category) func(*tale) {
		return func(tale *tale) { tale.add(c, details{"recIndex": 0, "failureCause": "D00"}) }
	}
	tests := []struct {
		name string
		tell func(*tale)
		want string
	}{
		{"nothing yet", func(*tale) {}, "Può ancora crescere."},
		{"certified mail failed", func(tale *tale) {
			tale.add(send.CategorySendDigitalFeedback, details{"recIndex": 0, "responseStatus": "KO"})
		}, "Può ancora crescere."},
		{"certified mail delivered", func(tale *tale) {
			tale.add(send.CategorySendDigitalFeedback, details{"recIndex": 0, "responseStatus": "OK"})
		}, "Non ancora definitivo."},
		{"simple letter sent", of(send.CategorySendSimpleRegisteredLetter), "Non ancora definitivo."},
		{"first letter failed", letter(0, "KO"), "Può ancora crescere."},
		{"first letter delivered", letter(0, "OK"), "Non ancora definitivo."},
		{"second letter sent", letter(1, ""), "Non ancora definitivo."},
		{"no second letter", of(send.CategoryPrepareAnalogDomicileFailure), "Non ancora definitivo."},
		{"unreachable", of(send.CategoryCompletelyUnreachable), "Non ancora definitivo."},
		{"paid", of(send.CategoryPayment), "Non ancora definitivo."},
		{"perfected", of(send.CategoryRefinement), " Definitivo."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tale := newTale(1)
			tt.tell(tale)
			require.Contains(t, tale.outcomes(t).Report(pa.Italian), tt.want)
		})
	}
}

func FuzzOutcomes(f *testing.F) {
	tale := newTale(2)
	tale.add(send.CategorySendAnalogDomicile, details{"recIndex": 0, "sentAttemptMade": 1, "analogCost": 900})
	tale.add(send.CategoryNotificationTimelineReworked, details{"recIndex": 1, "invalidatedTimelineAndStatusHistory": []details{{"relatedTimelineElements": []details{{"category": "REFINEMENT"}}}}})
	f.Add([]byte(mustJSON(tale.SentNotification)))
	f.Add([]byte(`{"recipients":[{}],"timeline":[{"elementId":"X.RECINDEX_99999999999999999999","category":"REFINEMENT","timestamp":"2026-01-01T00:00:00Z"}]}`))
	f.Add([]byte(`{"recipients":[{"payments":[{}]}],"vat":-101,"notificationFeePolicy":"DELIVERY_MODE","timeline":[{"category":"SEND_ANALOG_DOMICILE","timestamp":"0001-01-01T00:00:00+01:00","details":{"recIndex":-1,"analogCost":-1}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var n send.SentNotification
		if json.Unmarshal(data, &n) != nil {
			return
		}
		o, err := n.Outcomes()
		if len(o.Recipients) != len(n.Recipients) {
			t.Fatalf("%d recipients of %d", len(o.Recipients), len(n.Recipients))
		}
		for _, r := range o.Recipients {
			if perfected := r.Perfection.Kind == send.PerfectedByView || r.Perfection.Kind == send.PerfectedByTime; perfected == r.Perfection.At.IsZero() {
				t.Fatalf("%q at %v", r.Perfection.Kind, r.Perfection.At)
			}
		}
		if err == nil && o.Report(pa.Italian) == "" {
			t.Fatal("no report")
		}
	})
}

func ExampleSentNotification_Outcomes() {
	instant := func(text string) time.Time { t, _ := time.Parse(time.RFC3339, text); return t }
	sent := send.SentNotification{ // what Client.SentNotification returns
		Notification:       send.Notification{Recipients: make([]send.Recipient, 2)},
		IUN:                "AAAA-BBBB-CCCC-202612-D-1",
		SentAt:             instant("2026-12-31T17:05:00Z"),
		NotificationStatus: send.StatusViewed,
		Timeline: []send.TimelineElement{
			{Category: send.CategoryRequestAccepted, EventTimestamp: instant("2026-12-31T23:10:00Z")},
			{Category: send.CategoryRefinement, EventTimestamp: instant("2027-01-15T10:00:00Z"), Details: json.RawMessage(`{"recIndex":0}`)},
			{Category: send.CategoryNotificationViewed, EventTimestamp: instant("2027-01-20T10:00:00Z"), Details: json.RawMessage(`{"recIndex":0}`)},
			{Category: send.CategoryNotificationViewed, EventTimestamp: instant("2027-01-07T23:30:00Z"), Details: json.RawMessage(`{"recIndex":1}`)},
		},
	}
	o, err := sent.Outcomes()
	if err != nil {
		fmt.Println(pa.Message(err, pa.Italian))
	}
	fmt.Println("depositata", o.Sender.DepositedOn(), "accettata", o.Sender.AcceptedOn())
	for _, r := range o.Recipients {
		fmt.Println("destinatario", r.RecIndex, r.Perfection.Kind, r.Perfection.On(), r.Perfection.Kind.Message(pa.Italian))
	}
	// Output:
	// depositata 2026-12-31 accettata 2027-01-01
	// destinatario 0 ELAPSED 2027-01-15 Perfezionata per decorrenza dei termini.
	// destinatario 1 VIEW 2027-01-08 Perfezionata per presa visione.
}

func ExampleDeliveryCode_Message() {
	fmt.Println(send.DeliveryCode("RECAG003C").Message(pa.Italian))
	fmt.Println(send.FailureCause("M05").Message(pa.Italian))
	fmt.Println(send.DeliveryCode("RECAG099").Message(pa.English))
	// Output:
	// Non consegnata: la causa dice perché. Fascicolo chiuso.
	// Il destinatario ha rifiutato l'invio.
	// Unknown code: RECAG099
}
