package send_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// cancelling is how the rows of the array are set up; what they expect is in
// the table.
var cancelling = map[string]struct {
	pec, street string
	until       send.Category // before which nothing is cancelled
	view        bool
	later       send.Category // let this come before the end
}{
	"can-accepted":                           {pec: "x@pec.example.it"},
	"can-delivering":                         {street: "Via @OK_AR", until: send.CategorySendAnalogProgress},
	"can-effective-date":                     {pec: "x@pec.example.it", until: send.CategoryRefinement},
	"can-unreachable":                        {street: "Via @FAIL-Irreperibile_AR", until: send.CategoryCompletelyUnreachable},
	"can-price-100-then-404":                 {pec: "x@pec.example.it"},
	"can-deceased-then-cancelled":            {street: "Via @FAIL_DECEDUTO_AR", until: send.CategoryAnalogWorkflowRecipientDeceased},
	"can-cancelled-then-deceased":            {street: "Via @FAIL_DECEDUTO_AR", until: send.CategorySendAnalogProgress, later: send.CategoryAnalogWorkflowRecipientDeceased},
	"can-docs":                               {pec: "x@pec.example.it"},
	"can-payment":                            {pec: "x@pec.example.it"},
	"can-legalfact-sender_ack":               {pec: "x@pec.example.it"},
	"can-legalfact-recipient_access":         {pec: "x@pec.example.it", view: true},
	"can-legalfact-digital_delivery":         {pec: "x@pec.example.it", until: send.CategoryDigitalSuccessWorkflow},
	"can-legalfact-digital_delivery_failure": {pec: "x@fail.it", until: send.CategoryDigitalFailureWorkflow},
	"can-twice":                              {pec: "x@pec.example.it"},
	"can-inhibits-rs":                        {pec: "test@fail.it", street: "Via@ok_RS"},
	"can-inhibits-rs-prepare":                {pec: "test@fail.it", street: "Via@ok_RS"},
	"can-inhibits-analog-ar":                 {street: "Via@ok_AR"},
	"can-inhibits-analog-890":                {street: "Via@ok_890"},
	"can-inhibits-courtesy-email":            {},
	"can-pec-in-flight":                      {pec: "x@pec.example.it", until: send.CategorySendDigitalProgress, later: send.CategorySendDigitalFeedback},
	"can-not-refined-indexes":                {pec: "test@fail.it"},
	"can-legal-fact-v25":                     {street: "Via @ok_890"},
}

func TestOfficialCancellationsThroughTheClient(t *testing.T) {
	eachOfficial(t, "cancellation", func(t *testing.T, r *officialRow) {
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

// cancel asks to cancel and returns the only thing that the platform says.
func (p *player) cancel(iun string) send.CancellationCode {
	p.t.Helper()
	reply, err := p.c.Cancel(p.t.Context(), iun)
	require.NoError(p.t, err)
	require.Equal(p.t, "OK", reply.Status)
	require.Len(p.t, reply.Details, 1)
	require.True(p.t, reply.Has(reply.Details[0].Code))
	return reply.Details[0].Code
}

func cancelRow(t *testing.T, r *officialRow) {
	setup, ok := cancelling[r.ID]
	require.True(t, ok, "a row without a setup")
	p := newPlayer(t, sendtest.WithCourtesy(person(1).Value(), "EMAIL", "x@example.it"))
	recipient := owing(toStreet(1, setup.street), payable)
	recipient.Payments[0].PagoPA.Attachment = new(send.PDF("avviso.pdf"))
	if setup.pec != "" {
		recipient.DigitalDomicile = send.PEC(setup.pec)
	}
	n, files := p.request(recipient)
	iun := p.accept(charged(n), files)
	if setup.until != "" {
		p.until(iun, setup.until)
	}
	if setup.view {
		require.NoError(t, p.s.View(iun, 0))
	}
	refined := len(p.chronicle(iun).of(send.CategoryRefinement)) > 0
	if want, ok := r.want("price_before").(float64); ok {
		price, err := p.c.Price(t.Context(), creditor, payable)
		require.NoError(t, err)
		require.EqualValues(t, want, price.PartialPrice)
	}
	require.Equal(t, send.CancellationAccepted, p.cancel(iun))
	p.until(iun, send.CategoryNotificationCancelled)
	if setup.later != "" {
		p.until(iun, setup.later)
	}
	time.Sleep(100 * day)

	s := p.chronicle(iun)
	checkStory(t, r, p, s)
	o, err := s.Outcomes()
	require.NoError(t, err)
	if x := r.object("perfection"); x != nil {
		require.Equal(t, "none", x["kind"])
		require.Equal(t, refined, len(s.of(send.CategoryRefinement)) > 0, "nothing is perfected any more")
		perfected := slices.Contains([]send.PerfectionKind{send.PerfectedByView, send.PerfectedByTime}, o.Recipients[0].Perfection.Kind)
		require.Equal(t, setup.view || refined, perfected)
	}
	cancelled := s.of(send.CategoryNotificationCancelled)[0].d
	for name, want := range r.object("cancelled_details") {
		switch name {
		case "notificationCost":
			require.EqualValues(t, want, *cancelled.NotificationCost)
		case "notRefinedRecipientIndexes":
			require.Equal(t, "not empty", want)
			require.NotEmpty(t, cancelled.NotRefinedRecipientIndexes)
		default:
			require.FailNow(t, name)
		}
	}
	if r.status("price_http_after") != 0 {
		require.Equal(t, http.StatusNotFound, r.status("price_http_after"))
		_, err := p.c.Price(t.Context(), creditor, payable)
		require.ErrorIs(t, err, send.ErrNoCost, "the notice is free for another notification")
		require.ErrorIs(t, err, pa.ErrNotFound)
	}
	if r.want("cancel_allowed") == false {
		require.Equal(t, send.CancellationAlreadyCancelled, p.cancel(iun))
	}
	for what, status := range r.object("sender_download") {
		require.EqualValues(t, http.StatusOK, status)
		d, err := p.download(iun, what)
		require.NoError(t, err, what)
		requireWhole(t, d)
	}
}

// download fetches what a row names.
func (p *player) download(iun, what string) (*send.Download, error) {
	p.t.Helper()
	wait := send.DownloadOptions{MaxWait: day}
	switch what {
	case "document":
		return p.c.Document(p.t.Context(), iun, 0, wait)
	case "PAGOPA":
		return p.c.PaymentDocument(p.t.Context(), iun, 0, send.AttachmentPagoPA, 0, wait)
	case "DIGITAL_DELIVERY_FAILURE":
		what = string(send.LegalFactDigitalDelivery)
	}
	keys := p.facts(iun)[what]
	require.NotEmpty(p.t, keys, what)
	return p.c.LegalFact(p.t.Context(), iun, keys[0], wait)
}

func requireWhole(t *testing.T, d *send.Download) {
	t.Helper()
	content, err := io.ReadAll(d.Body)
	require.NoError(t, errors.Join(err, d.Close()))
	require.Len(t, content, int(d.Size))
}

// twoSenders are the sender and another.
func twoSenders(t *testing.T) (p, other *player) {
	t.Helper()
	p = newPlayer(t,
		sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, Over20Grams: true}),
		sendtest.WithSender(sendtest.Sender{APIKey: "other", TaxID: creditor}),
	)
	return p, p.as("other")
}

func requireStatus(t *testing.T, status int, err error) {
	t.Helper()
	e, ok := errors.AsType[*pa.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, status, e.StatusCode)
}

func cancelOfAnother(t *testing.T, r *officialRow) {
	p, other := twoSenders(t)
	n, files := p.request(toPEC(1, "x@pec.example.it"))
	iun := p.accept(n, files)
	_, err := other.c.Cancel(t.Context(), iun)
	requireStatus(t, r.status("cancel_http"), err)
	require.Equal(t, send.StatusAccepted, p.chronicle(iun).NotificationStatus)
}

func cancelOfRefused(t *testing.T, r *officialRow) {
	p := newPlayer(t)
	n, files := p.request(toStreet(1, ""))
	n.Recipients[0].PhysicalAddress.Zip = "00000"
	d, err := p.c.Submit(t.Context(), n, files)
	require.NoError(t, err)
	iun := p.s.Notifications()[0].IUN
	if r.ID == "can-before-refusal" {
		require.Equal(t, send.CancellationAccepted, p.cancel(iun))
	}
	d, err = p.c.Await(t.Context(), d)
	require.ErrorIs(t, err, send.ErrRefused)
	require.Equal(t, "REFUSED", r.text("final_status"))
	require.Equal(t, send.StageRefused, d.Stage)
	if r.want("cancel_allowed") == false {
		require.Equal(t, send.CancellationRefused, p.cancel(iun))
	}
	_, err = p.c.SentNotification(t.Context(), iun)
	requireStatus(t, r.status("detail_http_after"), err)
}

// viewing is how the rows of the array are set up.
var viewing = map[string]struct {
	pec, street string
	until       send.Category
	wait        time.Duration // after that element
	second      bool          // with another recipient, who has a PEC
	act         func(p *player, iun string)
}{
	"view-accepted":                      {pec: "x@pec.example.it", act: viewFirst},
	"view-delegate":                      {pec: "x@pec.example.it", act: viewByDelegate},
	"view-delivering":                    {pec: "x@pec.example.it", until: send.CategorySendDigitalProgress, act: viewFirst},
	"view-delivered":                     {pec: "x@pec.example.it", until: send.CategoryDigitalSuccessWorkflow, act: viewFirst},
	"view-after-schedule-digital":        {pec: "x@pec.example.it", until: send.CategoryScheduleRefinement, wait: day, act: viewFirst},
	"view-before-simple-letter-progress": {pec: "test@fail.it", street: "Via@ok_RS", act: viewFirst},
	"view-before-paper":                  {street: "Via@ok_RS", act: viewFirst},
	"view-between-attempts":              {street: "Via@FAIL-Discovery_890", until: send.CategorySendAnalogProgress, act: viewFirst},
	"view-after-schedule-analog":         {street: "@FAIL-Discovery_890", until: send.CategoryScheduleRefinement, wait: day, act: viewFirst},
	"view-after-10-days":                 {street: privateTokens["@OK-RITARDO_PERFEZIONAMENTO"], until: send.CategorySendAnalogProgress, wait: 12 * day, act: viewFirst},
	"view-unreachable-inflight-multi":    {street: "Via@FAIL-Irreperibile_AR_SLOW", until: send.CategorySendAnalogDomicile, second: true, act: viewFirst},
	"view-view-then-deceased":            {street: "@FAIL_DECEDUTO_AR", until: send.CategorySendAnalogDomicile, act: viewFirst},
	"view-paid-before-paper":             {street: "Via@ok_RS", act: payFirst},
	"view-pay-one-of-two":                {street: "Via@ok_RS", second: true, act: payFirst},
}

func viewFirst(p *player, iun string) { require.NoError(p.t, p.s.View(iun, 0)) }

func viewByDelegate(p *player, iun string) {
	require.NoError(p.t, p.s.ViewByDelegate(iun, 0, sendtest.Delegate{TaxID: "CLMCST42R12D969Z", Denomination: "Cristoforo Colombo", Type: "PF"}))
}

// payFirst is a payment of which the sender tells the platform.
func payFirst(p *player, _ string) {
	require.NoError(p.t, p.c.ReportPayments(p.t.Context(), send.PaymentEvent{NoticeCode: payable, CreditorTaxID: creditor, PaymentDate: time.Now(), Amount: 100}))
}

func TestOfficialViewsThroughTheClient(t *testing.T) {
	eachOfficial(t, "viewing", func(t *testing.T, r *officialRow) {
		setup, ok := viewing[r.ID]
		require.True(t, ok, "a row without a setup")
		p := newPlayer(t)
		first := owing(toStreet(1, setup.street), payable)
		if setup.pec != "" {
			first.DigitalDomicile = send.PEC(setup.pec)
		}
		recipients := []send.Recipient{first}
		if setup.second {
			recipients = append(recipients, owing(toPEC(2, "x@pec.example.it"), secondNotice))
		}
		n, files := p.request(recipients...)
		iun := p.accept(charged(n), files)
		if setup.until != "" {
			p.until(iun, setup.until)
		}
		time.Sleep(setup.wait)
		acted := time.Now()
		setup.act(p, iun)
		time.Sleep(400 * day)

		s := p.chronicle(iun)
		checkStory(t, r, p, s)
		for index, suffix := range []string{"_recipient_0", "_recipient_1"} {
			var own []string
			for _, e := range s.elements {
				if e.d.RecIndex != nil && *e.d.RecIndex == index {
					own = append(own, string(e.Category))
				}
			}
			require.Subset(t, own, r.texts("present_categories"+suffix))
			for _, c := range r.texts("absent_categories" + suffix) {
				require.NotContains(t, own, c)
			}
		}
		if x := r.object("viewed_details"); x != nil {
			want, got := x["delegateInfo"].(map[string]any), s.of(send.CategoryNotificationViewed)[0].d.DelegateInfo
			require.Equal(t, want, map[string]any{"taxId": got.TaxID.Value(), "denomination": got.Denomination, "delegateType": string(got.DelegateType)})
		}
		if x := r.object("deceased_details"); x != nil {
			require.Contains(t, x, "notificationCost")
			require.Nil(t, x["notificationCost"])
			require.Nil(t, s.of(send.CategoryAnalogWorkflowRecipientDeceased)[0].d.NotificationCost)
		}
		x := r.object("perfection")
		if x == nil {
			return
		}
		o, err := s.Outcomes()
		require.NoError(t, err)
		got := o.Recipients[0].Perfection
		if x["kind"] == "view" {
			require.Equal(t, send.PerfectedByView, got.Kind)
			require.Equal(t, acted.UTC(), got.At.UTC())
			require.Empty(t, s.of(send.CategoryRefinement))
			return
		}
		require.Equal(t, "elapsed", x["kind"])
		require.Equal(t, send.PerfectedByTime, got.Kind)
		require.True(t, got.At.Before(acted), "perfected before it was seen")
		delivered := s.of(send.CategorySendAnalogFeedback)[0].d.NotificationDate
		require.Equal(t, time.Duration(x["days"].(float64))*day, got.At.Sub(delivered))
		require.Nil(t, s.of(send.CategoryRefinement)[0].d.NotificationCost)
	})
}

// gpd is an archive of debt positions of 100 cents each.
type gpd struct {
	fees   map[string]int64
	phases []string
}

func (g *gpd) amount(notice string) int64 { return 100 + g.fees[notice] }

// priced is a notification of the array.
type priced struct {
	*player
	gpd gpd
	iun string
}

// number is a number of the rest of the trigger of a row.
func (r *officialRow) number(name string) (int, bool) {
	x, _ := r.Trigger["extra"].(map[string]any)
	n, ok := x[name].(float64)
	return int(n), ok
}

// priceOf sends what a row describes; nothing of the delivery has happened yet.
func priceOf(t *testing.T, r *officialRow, change func(n *send.Notification, files send.Files)) *priced {
	t.Helper()
	p := &priced{gpd: gpd{fees: map[string]int64{}}}
	sheets, counted := r.number("pages")
	tariff := sendtest.WithTariffs(sendtest.Tariffs{AR: 421, L890: 857, RIR: 700, RS: 194, RIS: 637})
	if cost, ok := r.want("analogCost").(float64); ok {
		tariff = sendtest.WithTariff(func(l sendtest.Letter) int64 {
			require.Equal(t, []any{r.extra("product"), r.extra("zip"), sheets}, []any{l.Product, l.Zip, l.Pages})
			return int64(cost)
		})
	}
	p.player = newPlayer(t, tariff, sendtest.WithGPD(func(u sendtest.FeeUpdate) int {
		p.gpd.fees[u.NoticeCode] = u.NotificationFee
		p.gpd.phases = append(p.gpd.phases, u.Phase)
		return http.StatusOK
	}))
	street := r.value()
	if !strings.Contains(street, "@") {
		street = r.extra("physicalAddress")
	}
	recipient := owing(toStreet(1, street), payable)
	simple := r.want("simple_registered_letter") == true || strings.HasPrefix(r.extra("product"), "RS") || r.extra("product") == "RIS" ||
		strings.Contains(r.ID, "gpd-15")
	switch {
	case simple:
		recipient.DigitalDomicile = send.PEC("test@fail.it")
	case strings.Contains(r.ID, "digital") || strings.Contains(r.ID, "attachment"):
		recipient.DigitalDomicile = send.PEC("x@pec.example.it")
	}
	a := recipient.PhysicalAddress
	for name, field := range map[string]*string{"zip": &a.Zip, "municipality": &a.Municipality, "province": &a.Province, "foreignState": &a.ForeignState} {
		if v := r.extra(name); v != "" {
			*field = v
		}
	}
	if strings.Contains(street, "RIS") {
		a.ForeignState = "FRANCIA"
	}
	n, files := p.request(recipient)
	if r.extra("feePolicy") == string(send.FlatRate) {
		recipient.Payments[0].PagoPA.ApplyCost = false
	} else {
		n = charged(n)
		if vat, ok := r.number("vat"); ok {
			n.VAT = new(vat)
		}
		if fee, ok := r.number("paFee"); ok {
			n.PaFee = new(fiscal.Cents(fee))
		}
	}
	n.PagoPaIntMode = send.IntMode(r.extra("pagoPaIntMode"))
	if product, ok := r.Trigger["physicalCommunicationType"].(string); ok {
		n.PhysicalCommunicationType = send.PhysicalType(product)
	} else if strings.Contains(street, "890") {
		n.PhysicalCommunicationType = send.RegisteredLetter890
	}
	if counted { // the notice is a page too
		files["atto.pdf"] = pages(sheets-1, "atto")
	}
	if change != nil {
		change(&n, files)
	}
	p.iun = p.accept(n, files)
	return p
}

func (p *priced) price(notice string) *send.Price {
	p.t.Helper()
	price, err := p.c.Price(p.t.Context(), creditor, notice)
	require.NoError(p.t, err)
	return price
}

// paper counts the letters that a recipient paid for and sums their cost.
func (p *priced) paper(index int) (attempts int, simple bool, cost fiscal.Cents) {
	for _, e := range p.chronicle(p.iun).own(index) {
		switch e.Category {
		case send.CategorySendAnalogDomicile:
			attempts++
			cost += e.d.AnalogCost
		case send.CategorySendSimpleRegisteredLetter:
			simple = true
			cost += e.d.AnalogCost
		}
	}
	return attempts, simple, cost
}

// withVAT adds the tax to a cost, rounded half up.
func withVAT(cost fiscal.Cents, vat int) fiscal.Cents { return cost + (cost*fiscal.Cents(vat)+50)/100 }

// holdsFormula checks a price against the formula of the table.
func (p *priced) holdsFormula(t *testing.T, r *officialRow, index int, notice string) {
	t.Helper()
	require.Contains(t, r.text("formula"), "100 + ")
	attempts, simple, cost := p.paper(index)
	if want, ok := r.want("analog_attempts").(float64); ok {
		require.EqualValues(t, want, attempts)
	}
	if want, ok := r.want("simple_registered_letter").(bool); ok {
		require.Equal(t, want, simple)
	}
	require.Positive(t, cost)
	got := p.price(notice)
	require.EqualValues(t, r.want("vat"), got.VAT)
	require.EqualValues(t, r.want("paFee"), got.PaFee)
	require.Equal(t, 100+cost, got.PartialPrice)
	require.Equal(t, got.PaFee+100+withVAT(cost, got.VAT), *got.TotalPrice)
	require.Equal(t, cost, got.AnalogCost)
	if r.extra("pagoPaIntMode") == string(send.IntModeAsync) {
		require.EqualValues(t, 100+*got.TotalPrice, p.gpd.amount(notice), "the debt position")
	}
	s := p.chronicle(p.iun)
	o, err := s.Outcomes()
	require.NoError(t, err)
	told := o.Recipients[index].Cost
	require.Equal(t, []fiscal.Cents{got.PartialPrice, *got.TotalPrice}, []fiscal.Cents{told.PartialPrice, told.TotalPrice}, "what the timeline adds up to")
}

// priceVariants are the rows of formulas that take more than the trigger says.
var priceVariants = map[string]func(n *send.Notification, files send.Files){
	"price-iva-8":  withF24,
	"price-iva-16": withF24,
	"price-iva-19": func(n *send.Notification, _ send.Files) { n.Recipients[0] = owing(n.Recipients[0], secondNotice) },
}

func withF24(n *send.Notification, files send.Files) {
	files["f24.json"] = send.FromBytes([]byte(`{"f24Standard":{"taxPayer":{"taxCode":"01234567897"},"treasury":{"records":[{"applyCost":true,"taxType":"1001","debit":100}]}}}`))
	n.Recipients[0].Payments[0].F24 = &send.F24Payment{Title: "F24", ApplyCost: true, MetadataAttachment: send.F24Metadata("f24.json")}
}

func TestOfficialPricesThroughTheClient(t *testing.T) {
	eachOfficial(t, "price", func(t *testing.T, r *officialRow) {
		switch r.Class {
		case "formula":
			priceFormula(t, r)
		case "gpd_updates":
			priceOfPosition(t, r)
		case "tariff":
			p := priceOf(t, r, nil)
			time.Sleep(400 * day)
			require.EqualValues(t, r.want("partial"), p.price(payable).PartialPrice)
			require.EqualValues(t, r.want("analogCost"), p.price(payable).AnalogCost)
			require.True(t, p.price(payable).Final(time.Now()))
		default:
			run, ok := priceRows[r.ID]
			require.True(t, ok, "a row without a request")
			run(t, r)
		}
	})
}

func priceFormula(t *testing.T, r *officialRow) {
	if r.ID == "price-iva-20" {
		streets := strings.Split(r.value(), " / ")
		r.Trigger["value"] = streets[0]
		p := priceOf(t, r, func(n *send.Notification, _ send.Files) {
			n.Recipients = append(n.Recipients, owing(toStreet(2, streets[1]), secondNotice))
		})
		time.Sleep(400 * day)
		p.holdsFormula(t, r, 0, payable)
		p.holdsFormula(t, r, 1, secondNotice)
		return
	}
	p := priceOf(t, r, priceVariants[r.ID])
	time.Sleep(400 * day)
	p.holdsFormula(t, r, 0, payable)
	if r.ID == "price-iva-19" {
		p.holdsFormula(t, r, 0, secondNotice)
	}
}

// priceOfPosition follows a debt position to a phase.
func priceOfPosition(t *testing.T, r *officialRow) {
	phase := strings.TrimPrefix(r.value(), "phase ")
	p := priceOf(t, r, nil)
	require.Equal(t, []string{"VALIDATION"}, p.gpd.phases)
	original, after := int64(r.status("gpd_original")), r.want("gpd_after")
	require.Equal(t, original+10+100, p.gpd.amount(payable))
	switch phase {
	case "VALIDATION":
	case "NOTIFICATION_CANCELLED":
		require.Equal(t, send.CancellationAccepted, p.cancel(p.iun))
		p.until(p.iun, send.CategoryNotificationCancelled)
		require.EqualValues(t, after, p.gpd.amount(payable))
	default:
		phase = strings.ReplaceAll(phase, " attempt ", "_ATTEMPT_")
		require.Equal(t, "original + paFee + base 100 + analog costs so far", after)
		time.Sleep(400 * day)
		_, _, cost := p.paper(0)
		require.Positive(t, cost)
		require.Equal(t, original+10+100+int64(withVAT(cost, p.price(payable).VAT)), p.gpd.amount(payable))
	}
	require.Equal(t, phase, p.gpd.phases[len(p.gpd.phases)-1])
	require.LessOrEqual(t, len(p.gpd.phases), 2)
}

var priceRows = map[string]func(t *testing.T, r *officialRow){
	"price-flat-9":  flatPrice,
	"price-flat-10": flatPrice,
	"price-default-pafee": func(t *testing.T, r *officialRow) {
		got := priceOf(t, r, nil).price(payable)
		require.EqualValues(t, r.want("paFee"), got.PaFee)
		require.EqualValues(t, r.want("total"), *got.TotalPrice)
	},
	// Those of today may leave the fees out where the sender bears the cost.
	"price-default-old-notification": func(t *testing.T, r *officialRow) {
		r.Trigger["extra"] = map[string]any{"feePolicy": "FLAT_RATE"}
		got := priceOf(t, r, nil).price(payable)
		require.EqualValues(t, r.want("vat"), got.VAT)
		require.EqualValues(t, r.want("paFee"), got.PaFee)
	},
	"price-base-digital-delivery": basePrice,
	"price-base-digital-flat":     basePrice,
	"price-no-attachment":         basePrice,
	"price-view-date": func(t *testing.T, r *officialRow) {
		require.Equal(t, "date of NOTIFICATION_VIEWED_CREATION_REQUEST", r.text("notificationViewDate"))
		p := priceOf(t, r, nil)
		p.until(p.iun, send.CategorySendAnalogDomicile)
		require.NoError(t, p.s.View(p.iun, 0))
		viewed := p.chronicle(p.iun).of(send.CategoryNotificationViewedCreationRequest)[0].Time()
		require.True(t, rome.EndOfDay(viewed).Equal(p.price(payable).NotificationViewDate))
		require.True(t, p.price(payable).Final(viewed))
	},
	"price-v1-delivery": v1Price,
	"price-v1-flat":     v1Price,
}

func flatPrice(t *testing.T, r *officialRow) {
	p := priceOf(t, r, nil)
	time.Sleep(400 * day)
	got := p.price(payable)
	require.EqualValues(t, r.want("partial"), got.PartialPrice)
	require.EqualValues(t, r.want("total"), *got.TotalPrice)
	require.Positive(t, got.AnalogCost)
	require.Empty(t, p.gpd.phases, "the debt position is left alone")
}

func basePrice(t *testing.T, r *officialRow) {
	p := priceOf(t, r, nil)
	time.Sleep(400 * day)
	require.EqualValues(t, r.want("partial"), p.price(payable).PartialPrice)
}

func v1Price(t *testing.T, r *officialRow) {
	p := priceOf(t, r, nil)
	time.Sleep(400 * day)
	got, err := p.at(send.Versions{Price: send.V1}).Price(t.Context(), creditor, payable)
	require.NoError(t, err)
	require.EqualValues(t, r.want("amount"), got.PartialPrice)
	require.Nil(t, got.TotalPrice)
}

// origins are the recipients that make a legal fact of a category, and the
// element that carries it, where a row names the category alone.
var origins = map[send.LegalFactCategory]struct {
	pec, street string
	element     send.Category
}{
	send.LegalFactSenderAck:             {"x@pec.example.it", "", send.CategoryRequestAccepted},
	send.LegalFactDigitalDelivery:       {"x@pec.example.it", "", send.CategoryDigitalSuccessWorkflow},
	send.LegalFactRecipientAccess:       {"x@pec.example.it", "", send.CategoryNotificationViewed},
	send.LegalFactPECReceipt:            {"x@pec.example.it", "", send.CategorySendDigitalFeedback},
	send.LegalFactNotificationCancelled: {"x@pec.example.it", "", send.CategoryNotificationCancelled},
	send.LegalFactAnalogFailureDelivery: {"", "Via @FAIL-Irreperibile_AR", send.CategoryCompletelyUnreachable},
}

// streetsOfFacts are those of rows that describe the outcome in words.
var streetsOfFacts = map[string]string{
	"unreachable AR":       "Via @FAIL-Irreperibile_AR",
	"legal-progress-ar":    "Via @OK_AR",
	"legal-progress-plico": "Via @FAIL_AR",
}

func TestOfficialLegalFactsThroughTheClient(t *testing.T) {
	eachOfficial(t, "legal_facts", func(t *testing.T, r *officialRow) {
		category := send.LegalFactCategory(r.texts("legal_fact_categories")[0])
		from, known := origins[category]
		words := strings.Fields(r.value())
		switch {
		case r.Class == "analog":
			from.element, from.street, from.pec = send.Category(words[0]), r.extra("physicalAddress"), ""
			for _, key := range []string{from.street, r.ID} {
				if s, ok := streetsOfFacts[key]; ok {
					from.street = s
				}
			}
			if from.element == send.CategoryDigitalFailureWorkflow {
				from.pec = "test@fail.it"
			}
		case strings.HasSuffix(r.value(), "DIGITAL_FAILURE_WORKFLOW"):
			from.pec, from.element = "test@fail.it", send.CategoryDigitalFailureWorkflow
		default:
			require.True(t, known, "a row without a recipient")
		}
		p, other := twoSenders(t)
		recipient := toStreet(1, from.street)
		if from.pec != "" {
			recipient.DigitalDomicile = send.PEC(from.pec)
		}
		if strings.Contains(strings.ToUpper(from.street), "_RI") {
			recipient.PhysicalAddress.ForeignState = "FRANCIA"
		}
		n, files := p.request(recipient)
		if strings.Contains(from.street, "890") {
			n.PhysicalCommunicationType = send.RegisteredLetter890
		}
		iun := p.accept(n, files)
		switch category {
		case send.LegalFactRecipientAccess:
			require.NoError(t, p.s.View(iun, 0))
		case send.LegalFactNotificationCancelled:
			require.Equal(t, send.CancellationAccepted, p.cancel(iun))
		}
		time.Sleep(400 * day)

		key, code := "", ""
		for _, e := range p.chronicle(iun).of(from.element) {
			for _, f := range e.LegalFactsIDs {
				if f.Category == category {
					key, code = f.Key, e.d.DeliveryDetailCode
				}
			}
		}
		require.NotEmpty(t, key, "%s carries no %s", from.element, category)
		require.Contains(t, p.facts(iun)[string(category)], key, "and the list has it")
		require.True(t, strings.HasPrefix(strings.TrimPrefix(key, "safestorage://"), r.extra("key_prefix")), key)
		if r.Class == "analog" && len(words) > 1 {
			require.Equal(t, strings.TrimSuffix(words[1], ","), code)
		}
		reader := p
		if r.Class == "other_sender" {
			reader = other
		}
		d, err := reader.c.LegalFact(t.Context(), iun, key, send.DownloadOptions{MaxWait: day})
		if status := r.status("http_status"); status != http.StatusOK {
			requireStatus(t, status, err)
			return
		}
		require.NoError(t, err)
		requireWhole(t, d)
	})
}

// timings are the terms of the test environments, in the words of the table.
var timings = map[string]struct {
	pec, street string
	from, to    send.Category
	courtesy    bool
	set         func(t *sendtest.Terms, d time.Duration)
}{
	"refinement, digital success": digitalTiming("x@pec.example.it", func(t *sendtest.Terms, d time.Duration) { t.DigitalSuccess = d }),
	"digital_ok":                  digitalTiming("x@pec.example.it", func(t *sendtest.Terms, d time.Duration) { t.DigitalSuccess = d }),
	"refinement, digital failure": digitalTiming("x@fail.it", func(t *sendtest.Terms, d time.Duration) { t.DigitalFailure = d }),
	"digital_ko":                  digitalTiming("x@fail.it", func(t *sendtest.Terms, d time.Duration) { t.DigitalFailure = d }),
	"second digital attempt": {pec: "x@fail.it", from: send.CategoryScheduleDigitalWorkflow, to: send.CategoryPrepareDigitalDomicile,
		set: func(t *sendtest.Terms, d time.Duration) { t.SecondDigital = d }},
	"wait after courtesy message": {street: "Via @OK_AR", courtesy: true, from: send.CategorySendCourtesyMessage, to: send.CategoryPrepareAnalogDomicile,
		set: func(t *sendtest.Terms, d time.Duration) { t.AfterCourtesy = d }},
	"paper_ok": {street: "Via @OK_AR", from: send.CategorySendAnalogFeedback, to: send.CategoryRefinement,
		set: func(t *sendtest.Terms, d time.Duration) { t.Analog = d }},
	"paper_ko": {street: "Via @FAIL-Irreperibile_AR", from: send.CategoryAnalogFailureWorkflow, to: send.CategoryRefinement,
		set: func(t *sendtest.Terms, d time.Duration) { t.Analog = d }},
}

func digitalTiming(pec string, set func(t *sendtest.Terms, d time.Duration)) (timing struct {
	pec, street string
	from, to    send.Category
	courtesy    bool
	set         func(t *sendtest.Terms, d time.Duration)
}) {
	timing.pec, timing.set = pec, set
	timing.from, timing.to = send.CategoryDigitalDeliveryCreationRequest, send.CategoryRefinement
	return timing
}

// holdsTiming sets a term to what an environment has, and measures it.
func holdsTiming(t *testing.T, name string, want time.Duration) {
	t.Helper()
	setup, ok := timings[name]
	require.True(t, ok, name)
	opts := []sendtest.Option{sendtest.WithTerms(func(t *sendtest.Terms) { setup.set(t, want) })}
	if setup.courtesy {
		opts = append(opts, sendtest.WithCourtesy(person(1).Value(), "EMAIL", "x@example.it"))
	}
	p := newPlayer(t, opts...)
	recipient := toStreet(1, setup.street)
	if setup.pec != "" {
		recipient.DigitalDomicile = send.PEC(setup.pec)
	}
	n, files := p.request(recipient)
	iun := p.accept(n, files)
	time.Sleep(400 * day)
	s := p.chronicle(iun)
	from, to := s.of(setup.from), s.of(setup.to)
	require.NotEmpty(t, from)
	require.NotEmpty(t, to)
	start := from[len(from)-1].Time()
	if setup.pec == "x@pec.example.it" && lateInRome(start) {
		want += day
	}
	require.Equal(t, want, to[0].Time().Sub(start), name)
}

func TestOfficialStatusRulesThroughTheClient(t *testing.T) {
	eachOfficial(t, "status_rules", func(t *testing.T, r *officialRow) {
		switch r.Class {
		case "transition":
			holdsTransition(t, r)
		case "timing":
			require.Contains(t, []string{"uat", "test", "dev"}, r.text("environment"))
			minutes := r.object("minutes")
			if minutes == nil {
				minutes = map[string]any{r.value(): r.want("minutes")}
			}
			for name, n := range minutes {
				holdsTiming(t, name, time.Duration(n.(float64))*time.Minute)
			}
		default:
			run, ok := statusRows[r.ID]
			require.True(t, ok, "a row without a test")
			run(t, r)
		}
	})
}

// scene is the life of a notification in which an element comes upon a status.
type scene struct {
	recipients []send.Recipient
	refused    bool // the request is
	play       func(p *player, iun string)
}

func paper(streets ...string) []send.Recipient {
	var all []send.Recipient
	for i, s := range streets {
		all = append(all, toStreet(1+i, s))
	}
	return all
}

var byPEC = []send.Recipient{toPEC(1, "x@pec.example.it")}

// lateSequence is a delivery whose outcome arrives fifteen days after its date.
var lateSequence = privateTokens["@OK-RITARDO_PERFEZIONAMENTO"]

// viewAt lets the first recipient read the notification after an element.
func viewAt(category send.Category) func(p *player, iun string) {
	return func(p *player, iun string) {
		p.until(iun, category)
		viewFirst(p, iun)
	}
}

func cancelAt(category send.Category) func(p *player, iun string) {
	return func(p *player, iun string) {
		p.until(iun, category)
		require.Equal(p.t, send.CancellationAccepted, p.cancel(iun))
	}
}

var scenes = map[string]scene{
	"status-in_validation-request_accepted":                          {recipients: byPEC},
	"status-in_validation-request_refused":                           {recipients: paper(""), refused: true},
	"status-accepted-send_analog_domicile":                           {recipients: paper("Via @OK_AR")},
	"status-accepted-notification_viewed":                            {recipients: byPEC, play: viewAt(send.CategoryRequestAccepted)},
	"status-accepted-notification_cancelled":                         {recipients: byPEC, play: cancelAt(send.CategoryRequestAccepted)},
	"status-delivering-digital_delivery_creation_request":            {recipients: byPEC},
	"status-delivering-completely_unreachable":                       {recipients: paper("Via @FAIL-Irreperibile_AR")},
	"status-delivering-notification_viewed":                          {recipients: paper("Via @OK_AR"), play: viewAt(send.CategorySendAnalogDomicile)},
	"status-delivering-analog_workflow_recipient_deceased":           {recipients: paper("Via @FAIL_DECEDUTO_AR")},
	"status-delivering-notification_cancelled":                       {recipients: paper("Via @OK_AR"), play: cancelAt(send.CategorySendAnalogDomicile)},
	"status-delivered-refinement":                                    {recipients: byPEC},
	"status-delivered-notification_cancelled":                        {recipients: byPEC, play: cancelAt(send.CategoryDigitalDeliveryCreationRequest)},
	"status-effective_date-notification_cancelled":                   {recipients: byPEC, play: cancelAt(send.CategoryRefinement)},
	"status-viewed-analog_workflow_recipient_deceased":               {recipients: paper("Via @FAIL_DECEDUTO_AR"), play: viewAt(send.CategorySendAnalogDomicile)},
	"status-viewed-digital_delivery_creation_request":                {recipients: byPEC, play: viewAt(send.CategorySendDigitalDomicile)},
	"status-viewed-analog_success_workflow":                          {recipients: paper("Via @OK_AR"), play: viewAt(send.CategorySendAnalogDomicile)},
	"status-unreachable-refinement":                                  {recipients: paper("Via @FAIL-Irreperibile_AR")},
	"status-unreachable-notification_cancelled":                      {recipients: paper("Via @FAIL-Irreperibile_AR"), play: cancelAt(send.CategoryCompletelyUnreachable)},
	"status-returned_to_sender-notification_cancelled":               {recipients: paper("Via @FAIL_DECEDUTO_AR"), play: cancelAt(send.CategoryAnalogWorkflowRecipientDeceased)},
	"status-viewed-analog_workflow_recipient_deceased-multi":         {recipients: paper("Via @OK_AR", "Via @FAIL_DECEDUTO_AR"), play: viewAt(send.CategorySendAnalogDomicile)},
	"status-effective_date-analog_workflow_recipient_deceased-multi": {recipients: []send.Recipient{toPEC(1, "x@pec.example.it"), toStreet(2, "Via @sequence.5s-CON080.60s-RECRN002B[DOC:Plico].60s-RECRN002C[FAILCAUSE:M02]")}},
}

// holdsTransition finds the element in a life that brings it upon the status,
// and looks which status follows.
func holdsTransition(t *testing.T, r *officialRow) {
	sc, ok := scenes[r.ID]
	require.True(t, ok, "a row without a scene")
	from, to, category := r.text("from"), r.text("to"), r.text("category")
	require.Equal(t, r.want("multi_recipient_only"), len(sc.recipients) > 1)
	p := newPlayer(t, kept())
	stream := p.stream(send.StreamRequest{EventType: send.EventTimeline})
	n, files := p.request(slices.Clone(sc.recipients)...)
	if sc.refused {
		n.Recipients[0].PhysicalAddress.Zip = "00000"
	}
	d, err := p.c.Submit(t.Context(), n, files)
	require.NoError(t, err)
	d, err = p.c.Await(t.Context(), d)
	require.Equal(t, sc.refused, errors.Is(err, send.ErrRefused))
	if sc.play != nil {
		sc.play(p, d.IUN)
	}
	time.Sleep(100 * day)
	// A stream tells the status as it was after each element.
	status, met := string(send.StatusInValidation), false
	for _, e := range p.drain(p.c, stream) {
		after := status
		if e.NewStatus != "" {
			after = string(e.NewStatus)
		}
		if string(e.Element.Category) == category && status == from {
			met = true
			require.Equal(t, to, after)
		}
		status = after
	}
	require.True(t, met, "%s never comes upon %s", category, from)
}

var statusRows = map[string]func(t *testing.T, r *officialRow){
	"status-multi-wait-all": func(t *testing.T, r *officialRow) {
		require.Contains(t, r.text("rule"), "only when as many completions as recipients have arrived")
		p := newPlayer(t)
		n, files := p.request(toPEC(1, "x@pec.example.it"), toStreet(2, "Via @OK_AR_slow"))
		iun := p.accept(n, files)
		p.until(iun, send.CategoryDigitalSuccessWorkflow)
		require.Equal(t, send.StatusDelivering, p.chronicle(iun).NotificationStatus, "one of two has ended")
		p.until(iun, send.CategoryAnalogSuccessWorkflow)
		require.Equal(t, send.StatusDelivered, p.chronicle(iun).NotificationStatus)
	},
	"status-multi-priority": func(t *testing.T, r *officialRow) {
		require.Equal(t, []string{
			"DIGITAL_DELIVERY_CREATION_REQUEST", "ANALOG_SUCCESS_WORKFLOW", "COMPLETELY_UNREACHABLE", "ANALOG_WORKFLOW_RECIPIENT_DECEASED",
		}, r.texts("priority"))
		require.NotEmpty(t, r.text("note"))
		for streets, want := range map[[2]string]send.Status{
			{"Via @FAIL_DECEDUTO_AR", "Via @FAIL-Irreperibile_AR"}: send.StatusUnreachable,
			{"Via @FAIL_DECEDUTO_AR", "Via @OK_AR"}:                send.StatusDelivered,
			{"Via @FAIL-Irreperibile_AR", "Via @OK_AR"}:            send.StatusDelivered,
			{"Via @FAIL_DECEDUTO_AR", "Via @FAIL_DECEDUTO_AR"}:     send.StatusReturnedToSender,
		} {
			p := newPlayer(t)
			n, files := p.request(paper(streets[:]...)...)
			iun := p.accept(n, files)
			time.Sleep(8 * day)
			require.Equal(t, want, p.chronicle(iun).NotificationStatus, "%v", streets)
		}
	},
	"status-history-recomputed": func(t *testing.T, r *officialRow) {
		require.Contains(t, r.text("rule"), "rebuilt from all timeline elements")
		// The view comes before the outcome does, which is dated earlier.
		p := newPlayer(t)
		n, files := p.request(toStreet(1, lateSequence))
		iun := p.accept(n, files)
		p.until(iun, send.CategorySendAnalogProgress)
		time.Sleep(2 * day)
		viewFirst(p, iun)
		require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED", "DELIVERING", "VIEWED"}, p.chronicle(iun).statuses())
		time.Sleep(100 * day)
		require.Equal(t, []string{"IN_VALIDATION", "ACCEPTED", "DELIVERING", "DELIVERED", "VIEWED"}, p.chronicle(iun).statuses())
	},
	"status-unknown-transition": func(t *testing.T, r *officialRow) {
		require.Equal(t, "status unchanged", r.text("rule"))
		p := newPlayer(t)
		n, files := p.request(toPEC(1, "x@pec.example.it"))
		iun := p.accept(n, files)
		viewFirst(p, iun)
		time.Sleep(time.Minute)
		require.NoError(t, p.s.RetrieveAtRADD(iun, 0))
		require.Equal(t, send.StatusViewed, p.chronicle(iun).NotificationStatus)
	},
	"status-perf-digital-ok":  perfectionOf("x@pec.example.it", "", send.CategoryDigitalDeliveryCreationRequest),
	"status-perf-digital-ko":  perfectionOf("x@fail.it", "", send.CategoryDigitalDeliveryCreationRequest),
	"status-perf-unreachable": perfectionOf("", "Via @FAIL-Irreperibile_AR", send.CategoryAnalogFailureWorkflow),
	"status-perf-deceased": func(t *testing.T, _ *officialRow) {
		p := newPlayer(t)
		n, files := p.request(toStreet(1, "Via @FAIL_DECEDUTO_AR"))
		iun := p.accept(n, files)
		time.Sleep(400 * day)
		s := p.chronicle(iun)
		require.Empty(t, s.of(send.CategoryScheduleRefinement))
		require.Empty(t, s.of(send.CategoryRefinement))
		o, err := s.Outcomes()
		require.NoError(t, err)
		require.Equal(t, send.NeverPerfected, o.Recipients[0].Perfection.Kind)
	},
}

func perfectionOf(pec, street string, from send.Category) func(t *testing.T, r *officialRow) {
	return func(t *testing.T, r *officialRow) {
		if stated := r.text("from"); stated != "" {
			require.Equal(t, string(from), stated)
		}
		p := newPlayer(t)
		// A quarter of an hour before nine in the evening, and one after it.
		for _, minutes := range []int{-15, 15} {
			now := time.Now().In(rome.Location())
			time.Sleep(time.Date(now.Year(), now.Month(), now.Day()+1, 21, minutes, 0, 0, rome.Location()).Sub(now))
			recipient := toStreet(1, street)
			if pec != "" {
				recipient.DigitalDomicile = send.PEC(pec)
			}
			n, files := p.request(recipient)
			iun := p.accept(n, files)
			time.Sleep(100 * day)
			s := p.chronicle(iun)
			start := s.of(from)[0].Time()
			want := time.Duration(r.status("days")) * day
			if late := r.object("plus_days_if_after"); late != nil {
				require.Equal(t, minutes > 0, lateInRome(start))
				require.Equal(t, "21:00", late["time"])
				if lateInRome(start) {
					want += time.Duration(late["days"].(float64)) * day
				}
			}
			o, err := s.Outcomes()
			require.NoError(t, err)
			require.Equal(t, send.PerfectedByTime, o.Recipients[0].Perfection.Kind)
			require.Equal(t, want, o.Recipients[0].Perfection.At.Sub(start))
		}
	}
}
