package sendtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

func (c *client) price(notice string) obj {
	c.t.Helper()
	return c.object(200, c.do("GET", "/delivery/v2.3/price/77777777777/"+notice, nil))
}

func TestPriceGrowsWithTheDelivery(t *testing.T) {
	const notice, other = "302000000000000001", "302000000000000002"
	c := newClient(t, sendtest.WithTariffs(sendtest.Tariffs{L890: 824, AR: 401}))
	r := delivery(c.request(withNotice(toStreet(t, 1, "Via @FAIL-Discovery_890"), notice), withNotice(toStreet(t, 2, "Via Esempio 1"), other)))
	r["physicalCommunicationType"], r["vat"] = "REGISTERED_LETTER_890", 10
	path := "/delivery/v2.3/price/77777777777/" + notice
	require.Contains(t, c.problem(404, c.do("GET", path, nil)), "PN_DELIVERY_NOTIFICATIONCOSTNOTFOUND")
	id := c.submit(r)
	require.Contains(t, c.problem(404, c.do("GET", path, nil)), "PN_DELIVERY_PUSH_NOTIFICATION_NOT_ACCEPTED")
	c.srv.Clock().Advance(time.Minute)
	iun := c.state(id)["iun"].(string)

	p := c.price(notice)
	require.Equal(t, obj{"iun": iun, "partialPrice": 100.0, "totalPrice": 200.0, "vat": 10.0, "paFee": 100.0, "sendFee": 100.0, "analogCost": 0.0}, p)
	c.srv.Clock().Advance(time.Hour)
	p = c.price(notice)
	require.EqualValues(t, 924, p["partialPrice"])
	require.EqualValues(t, 1106, p["totalPrice"], "100 + 824 + 82.4, rounded, + 100")
	c.srv.Clock().Advance(60 * days)
	p = c.price(notice)
	require.EqualValues(t, 1748, p["partialPrice"])
	require.EqualValues(t, 2013, p["totalPrice"], "100 + 1648 + 164.8, rounded, + 100")
	require.Regexp(t, `T2[123]:59:59\.999999999Z$`, p["refinementDate"])
	require.EqualValues(t, 824, c.price(other)["analogCost"], "of this recipient alone")
	require.NotContains(t, p, "notificationViewDate")
	require.NoError(t, c.srv.View(iun, 0))
	require.Contains(t, c.price(notice), "notificationViewDate")
	require.NotContains(t, c.price(other), "notificationViewDate")

	v1 := c.object(200, c.do("GET", "/delivery/price/77777777777/"+notice, nil))
	require.EqualValues(t, 1748, v1["amount"])
	require.NotContains(t, v1, "totalPrice")
	c.problem(400, c.do("GET", "/delivery/v2.3/price/1/"+notice, nil))
}

func TestPriceAsksNoSender(t *testing.T) {
	c := newClient(t,
		sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, Over20Grams: true}),
		sendtest.WithSender(sendtest.Sender{APIKey: "creditor", TaxID: "77777777777"}),
	)
	iun := c.accept(delivery(c.request(withNotice(toPEC(t, 1, "nome@pec.example.it"), "302000000000000001"))))
	creditor := c.as("creditor")
	require.Equal(t, iun, creditor.price("302000000000000001")["iun"])
	creditor.problem(404, creditor.do("GET", "/delivery/v2.8/notifications/sent/"+iun, nil))
}

func TestPriceFlatRate(t *testing.T) {
	c := newClient(t)
	r := withNotice(toStreet(t, 1, "Via Esempio 1"), "302000000000000001")
	r["payments"].([]obj)[0]["pagoPa"].(obj)["applyCost"] = false
	c.accept(c.request(r))
	c.srv.Clock().Advance(days)
	p := c.price("302000000000000001")
	require.EqualValues(t, 0, p["partialPrice"])
	require.EqualValues(t, 0, p["totalPrice"])
	require.EqualValues(t, 400, p["analogCost"])
	require.EqualValues(t, 100, p["sendFee"])
	require.EqualValues(t, 22, p["vat"])
	require.EqualValues(t, 100, p["paFee"])
}

// TestTariff computes the cost of each letter from what it is.
func TestTariff(t *testing.T) {
	var letters []sendtest.Letter
	c := newClient(t, sendtest.WithTariff(func(l sendtest.Letter) int64 {
		letters = append(letters, l)
		return int64(l.Pages) * 10
	}))
	r := delivery(c.request(withNotice(toStreet(t, 1, "Via @FAIL-Discovery_890"), payable)))
	r["physicalCommunicationType"], r["documents"] = "REGISTERED_LETTER_890", []obj{c.upload(pdfType, pdfOf(3))}
	c.accept(r)
	c.srv.Clock().Advance(60 * days)
	require.EqualValues(t, 80, c.price(payable)["analogCost"])
	require.Equal(t, []sendtest.Letter{
		{Product: "890", Zip: "87100", Pages: 4, Grams: 15},
		{Product: "890", Zip: "20121", ForeignState: "Italia", Attempt: 1, Pages: 4, Grams: 15},
	}, letters)
}
