package sendtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

const secondNotice = "302000000000000002"

// gpd is an archive of debt positions of 100 cents each.
type gpd struct {
	fees   map[string]int64
	phases []string
}

func (g *gpd) option() sendtest.Option {
	g.fees = map[string]int64{}
	return sendtest.WithGPD(func(u sendtest.FeeUpdate) int {
		g.fees[u.NoticeCode] = u.NotificationFee
		g.phases = append(g.phases, u.Phase)
		return 200
	})
}

func (g *gpd) amount(notice string) int64 { return 100 + g.fees[notice] }

// priced is a notification of the array with its simulator.
type priced struct {
	*client
	gpd gpd
	iun string
}

// priceOf sends what a row describes; nothing of the delivery has happened yet.
func priceOf(t *testing.T, r row, version string, change func(c *client, request obj)) *priced {
	t.Helper()
	extra, _ := r.Trigger["extra"].(obj)
	p := &priced{}
	opts := []sendtest.Option{p.gpd.option()}
	if cost, ok := r.Expect["analogCost"].(float64); ok {
		opts = append(opts, sendtest.WithTariff(func(l sendtest.Letter) int64 {
			require.Equal(t, extra["product"], l.Product)
			require.Equal(t, extra["zip"], l.Zip)
			require.EqualValues(t, extra["pages"], l.Pages)
			return int64(cost)
		}))
	} else {
		opts = append(opts, sendtest.WithTariffs(sendtest.Tariffs{AR: 421, L890: 857, RIR: 700, RS: 194, RIS: 637}))
	}
	p.client = newClient(t, opts...)

	street, _ := r.Trigger["value"].(string)
	if !strings.Contains(street, "@") {
		street = "Via Esempio 1"
	}
	if s := r.extra("physicalAddress"); s != "" {
		street = s
	}
	simple := r.Expect["simple_registered_letter"] == true || strings.HasPrefix(r.extra("product"), "RS") || r.extra("product") == "RIS" ||
		strings.Contains(r.ID, "gpd-15")
	recipient := withNotice(toStreet(t, 1, street), payable)
	switch {
	case simple:
		recipient["digitalDomicile"] = obj{"type": "PEC", "address": "test@fail.it"}
	case strings.Contains(r.ID, "digital") || strings.Contains(r.ID, "attachment"):
		recipient["digitalDomicile"] = obj{"type": "PEC", "address": "x@pec.example.it"}
	}
	address := recipient["physicalAddress"].(obj)
	for _, name := range []string{"zip", "municipality", "province", "foreignState"} {
		if v := r.extra(name); v != "" {
			address[name] = v
		}
	}
	if strings.Contains(street, "RIS") {
		address["foreignState"] = "FRANCIA"
	}
	request := p.request(recipient)
	if policy := r.extra("feePolicy"); policy != "FLAT_RATE" {
		delivery(request)
	} else {
		recipient["payments"].([]obj)[0]["pagoPa"].(obj)["applyCost"] = false
	}
	for _, name := range []string{"vat", "paFee"} {
		if v, ok := extra[name]; ok {
			request[name] = v
		} else if v, ok := r.Expect[name]; ok && request["notificationFeePolicy"] == "DELIVERY_MODE" {
			request[name] = v
		}
	}
	if mode := r.extra("pagoPaIntMode"); mode != "" {
		request["pagoPaIntMode"] = mode
	}
	if product, ok := r.Trigger["physicalCommunicationType"].(string); ok {
		request["physicalCommunicationType"] = product
	} else if strings.Contains(street, "890") {
		request["physicalCommunicationType"] = "REGISTERED_LETTER_890"
	}
	if n, ok := extra["pages"].(float64); ok { // the notice is a page too
		request["documents"] = []obj{p.upload(pdfType, pdfOf(int(n)-1))}
	}
	if change != nil {
		change(p.client, request)
	}
	p.object(202, p.do("POST", "/delivery/"+version+"/requests", request))
	p.iun = p.srv.Notifications()[0].IUN
	p.srv.Clock().Advance(time.Minute)
	require.Equal(t, "ACCEPTED", p.srv.Notifications()[0].Status)
	return p
}

// paperOf counts the paid letters of a recipient and sums their cost.
func (p *priced) paperOf(index int) (attempts int, simple bool, cost int64) {
	d := p.detail(p.iun)
	for _, e := range timeline(d, "") {
		details, _ := e["details"].(obj)
		if details["recIndex"] != float64(index) {
			continue
		}
		switch e["category"] {
		case "SEND_ANALOG_DOMICILE":
			attempts++
			cost += int64(details["analogCost"].(float64))
		case "SEND_SIMPLE_REGISTERED_LETTER":
			simple = true
			cost += int64(details["analogCost"].(float64))
		}
	}
	return attempts, simple, cost
}

// holdsFormula checks a price against the formula of the table.
func (p *priced) holdsFormula(t *testing.T, r row, index int, notice string) {
	t.Helper()
	attempts, simple, cost := p.paperOf(index)
	if want, ok := r.Expect["analog_attempts"].(float64); ok {
		require.EqualValues(t, want, attempts)
	}
	if want, ok := r.Expect["simple_registered_letter"].(bool); ok {
		require.Equal(t, want, simple)
	}
	require.Positive(t, cost)
	vat, fee := int64(r.Expect["vat"].(float64)), int64(r.Expect["paFee"].(float64))
	total := fee + 100 + cost + (cost*vat+50)/100
	got := p.price(notice)
	require.EqualValues(t, 100+cost, got["partialPrice"])
	require.EqualValues(t, total, got["totalPrice"])
	require.EqualValues(t, cost, got["analogCost"])
	if r.extra("pagoPaIntMode") == "ASYNC" {
		require.Equal(t, 100+total, p.gpd.amount(notice), "the debt position")
	}
}

// priceVariants are the rows of formulas that take more than the trigger says.
var priceVariants = map[string]func(c *client, request obj){
	"price-iva-8":  withF24,
	"price-iva-16": withF24,
	"price-iva-19": func(_ *client, request obj) {
		first := request["recipients"].([]obj)[0]
		first["payments"] = append(first["payments"].([]obj), withNotice(obj{}, secondNotice)["payments"].([]obj)...)
	},
}

func withF24(c *client, request obj) {
	first := request["recipients"].([]obj)[0]
	meta := c.upload(jsonType, []byte(`{"f24Standard":{"taxPayer":{"taxCode":"01234567897"},"treasury":{"records":[{"applyCost":true,"taxType":"1001","debit":100}]}}}`))
	first["payments"].([]obj)[0]["f24"] = obj{"title": "F24", "applyCost": true, "metadataAttachment": meta}
}

func TestOfficialPrices(t *testing.T) {
	eachRow(t, "price", func(t *testing.T, r row) {
		switch r.Class {
		case "formula":
			priceFormula(t, r)
		case "gpd_updates":
			priceOfPosition(t, r)
		case "tariff":
			p := priceOf(t, r, "v2.5", nil)
			p.srv.Clock().Advance(400 * days)
			require.Equal(t, r.Expect["partial"], p.price(payable)["partialPrice"])
			require.Equal(t, r.Expect["analogCost"], p.price(payable)["analogCost"])
		default:
			run, ok := priceRows[r.ID]
			require.True(t, ok, "a row without a request")
			run(t, r)
		}
	})
}

func priceFormula(t *testing.T, r row) {
	if r.ID == "price-iva-20" {
		streets := strings.Split(r.Trigger["value"].(string), " / ")
		r.Trigger["value"] = streets[0]
		p := priceOf(t, r, "v2.5", func(_ *client, request obj) {
			request["recipients"] = append(request["recipients"].([]obj), withNotice(toStreet(t, 2, streets[1]), secondNotice))
		})
		p.srv.Clock().Advance(400 * days)
		p.holdsFormula(t, r, 0, payable)
		p.holdsFormula(t, r, 1, secondNotice)
		return
	}
	p := priceOf(t, r, "v2.5", priceVariants[r.ID])
	p.srv.Clock().Advance(400 * days)
	p.holdsFormula(t, r, 0, payable)
	if r.ID == "price-iva-19" {
		p.holdsFormula(t, r, 0, secondNotice)
	}
}

// priceOfPosition follows a debt position to a phase.
func priceOfPosition(t *testing.T, r row) {
	phase := strings.TrimPrefix(r.Trigger["value"].(string), "phase ")
	p := priceOf(t, r, "v2.5", nil)
	require.Equal(t, []string{"VALIDATION"}, p.gpd.phases)
	require.EqualValues(t, r.Expect["gpd_original"].(float64)+10+100, p.gpd.amount(payable))
	switch phase {
	case "VALIDATION":
		return
	case "NOTIFICATION_CANCELLED":
		p.cancel(p.iun)
		p.until("NOTIFICATION_CANCELLED")
		require.Equal(t, []string{"VALIDATION", phase}, p.gpd.phases)
		require.EqualValues(t, r.Expect["gpd_after"], p.gpd.amount(payable))
		return
	case "SEND_ANALOG_DOMICILE attempt 0":
		phase = "SEND_ANALOG_DOMICILE_ATTEMPT_0"
	}
	p.srv.Clock().Advance(400 * days)
	_, _, cost := p.paperOf(0)
	vat := int64(p.price(payable)["vat"].(float64))
	require.Positive(t, cost)
	require.Equal(t, 100+10+100+cost+(cost*vat+50)/100, p.gpd.amount(payable))
	require.Equal(t, []string{"VALIDATION", phase}, p.gpd.phases)
}

var priceRows = map[string]func(t *testing.T, r row){
	"price-flat-9":  flatPrice,
	"price-flat-10": flatPrice,
	"price-default-pafee": func(t *testing.T, r row) {
		p := priceOf(t, r, "v2.5", func(_ *client, request obj) { delete(request, "paFee") })
		got := p.price(payable)
		require.Equal(t, r.Expect["paFee"], got["paFee"])
		require.Equal(t, r.Expect["total"], got["totalPrice"])
	},
	"price-default-old-notification": func(t *testing.T, r row) {
		p := priceOf(t, r, "v2.1", func(_ *client, request obj) { delete(request, "paFee"); delete(request, "vat") })
		got := p.price(payable)
		require.Equal(t, r.Expect["vat"], got["vat"])
		require.Equal(t, r.Expect["paFee"], got["paFee"])
	},
	"price-base-digital-delivery": basePrice,
	"price-base-digital-flat":     basePrice,
	"price-no-attachment":         basePrice,
	"price-view-date": func(t *testing.T, r row) {
		p := priceOf(t, r, "v2.5", nil)
		p.until("SEND_ANALOG_DOMICILE")
		require.NoError(t, p.srv.View(p.iun, 0))
		viewed := instant(t, timeline(p.detail(p.iun), "NOTIFICATION_VIEWED_CREATION_REQUEST")[0]["eventTimestamp"])
		require.True(t, rome.EndOfDay(viewed).Equal(instant(t, p.price(payable)["notificationViewDate"])))
	},
	"price-v1-delivery": v1Price,
	"price-v1-flat":     v1Price,
	"price-v21-request": func(t *testing.T, r row) {
		p := priceOf(t, r, "v2.1", nil)
		p.srv.Clock().Advance(400 * days)
		p.holdsFormula(t, r, 0, payable)
	},
	"price-v21-async-gpd": func(t *testing.T, r row) {
		p := priceOf(t, r, "v2.1", func(_ *client, request obj) { request["pagoPaIntMode"] = "ASYNC" })
		p.srv.Clock().Advance(400 * days)
		require.EqualValues(t, 100+p.price(payable)["partialPrice"].(float64), p.gpd.amount(payable))
	},
}

func flatPrice(t *testing.T, r row) {
	p := priceOf(t, r, "v2.5", nil)
	p.srv.Clock().Advance(400 * days)
	got := p.price(payable)
	require.Equal(t, r.Expect["partial"], got["partialPrice"])
	require.Equal(t, r.Expect["total"], got["totalPrice"])
	require.Positive(t, got["analogCost"])
	require.Empty(t, p.gpd.phases, "the debt position is left alone")
}

func basePrice(t *testing.T, r row) {
	p := priceOf(t, r, "v2.5", nil)
	p.srv.Clock().Advance(400 * days)
	require.Equal(t, r.Expect["partial"], p.price(payable)["partialPrice"])
}

func v1Price(t *testing.T, r row) {
	p := priceOf(t, r, "v2.5", nil)
	p.srv.Clock().Advance(400 * days)
	got := p.object(200, p.do("GET", "/delivery/price/77777777777/"+payable, nil))
	require.Equal(t, r.Expect["amount"], got["amount"])
}
