package sendtest_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

const paymentsPath = "/delivery/events/payment/pagopa"

func paid(notice string, more obj) obj {
	e := obj{"noticeCode": notice, "creditorTaxId": "77777777777", "paymentDate": "2026-01-31T10:00:00Z", "amount": 4200}
	maps.Copy(e, more)
	return obj{"events": []obj{e}}
}

func TestPaymentEvents(t *testing.T) {
	c := newClient(t,
		sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, Over20Grams: true}),
		sendtest.WithSender(sendtest.Sender{APIKey: "creditor", TaxID: "77777777777"}),
	)
	iun := c.accept(delivery(c.request(withNotice(toStreet(t, 1, "Via @OK_AR"), payable), withNotice(toPEC(t, 2, "x@pec.example.it"), "302000000000000002"))))
	c.problem(404, c.as("creditor").do("POST", paymentsPath, paid(payable, nil)))
	c.problem(404, c.do("POST", paymentsPath, paid("302000000000000009", nil)))
	c.problem(400, c.do("POST", paymentsPath, paid(payable, obj{"paymentDate": "31/01/2026"})))
	c.problem(400, c.do("POST", paymentsPath, paid(payable, obj{"paymentDate": "2026-13-31T10:00:00Z"})))
	c.problem(400, c.do("POST", paymentsPath, paid(payable, obj{"amount": "1"})))
	mixed := paid(payable, nil)
	mixed["events"] = append(mixed["events"].([]obj), paid("302000000000000009", nil)["events"].([]obj)...)
	c.problem(404, c.do("POST", paymentsPath, mixed))
	require.False(t, c.srv.Notifications()[0].Recipients[0].Paid, "all or none")

	for range 2 { // the second changes nothing
		require.Equal(t, 204, c.do("POST", paymentsPath, paid(payable, nil)).status)
	}
	c.srv.Clock().Advance(100 * days)
	d := c.detail(iun)
	payments := timeline(d, "PAYMENT")
	require.Len(t, payments, 1)
	require.Equal(t, "NOTIFICATION_PAID.IUN_"+iun+".CODE_PPA"+payable+"77777777777", payments[0]["elementId"])
	require.Equal(t, "2026-01-31T10:00:00Z", payments[0]["eventTimestamp"])
	require.Equal(t, obj{
		"recIndex": 0.0, "recipientType": "PF", "amount": 4200.0, "creditorTaxId": "77777777777", "noticeCode": payable,
		"paymentSourceChannel": "PA", "eventTimestamp": "2026-01-31T10:00:00Z",
	}, payments[0]["details"])
	require.NotContains(t, categories(d), "SEND_ANALOG_DOMICILE", "who has paid gets no paper")
	require.Contains(t, categories(d), "DIGITAL_SUCCESS_WORKFLOW", "the other recipient does")
	require.Equal(t, []bool{true, false}, []bool{c.srv.Notifications()[0].Recipients[0].Paid, c.srv.Notifications()[0].Recipients[1].Paid})
}

func TestPay(t *testing.T) {
	c := newClient(t)
	iun := c.accept(delivery(c.request(withNotice(toPEC(t, 1, "x@fail.it"), payable))))
	require.ErrorIs(t, c.srv.Pay("77777777777", "302000000000000009"), sendtest.ErrNotPayable)
	c.until("SCHEDULE_DIGITAL_WORKFLOW")
	require.NoError(t, c.srv.Pay("77777777777", payable))
	require.NoError(t, c.srv.Pay("77777777777", payable))
	c.srv.Clock().Advance(100 * days)
	d := c.detail(iun)
	require.Len(t, timeline(d, "PAYMENT"), 1)
	require.Equal(t, "EXTERNAL_REGISTRY", timeline(d, "PAYMENT")[0]["details"].(obj)["paymentSourceChannel"])
	require.NotContains(t, categories(d), "SEND_SIMPLE_REGISTERED_LETTER")
	require.Contains(t, categories(d), "REFINEMENT", "the term runs all the same")
}

func TestPayIsNotForRefusedOrWaiting(t *testing.T) {
	c := newClient(t)
	c.submit(delivery(c.request(withNotice(toPEC(t, 1, "x@pec.example.it"), payable))))
	require.ErrorIs(t, c.srv.Pay("77777777777", payable), sendtest.ErrNotPayable)
	c.srv.Clock().Advance(time.Minute)
	require.NoError(t, c.srv.Pay("77777777777", payable))
}
