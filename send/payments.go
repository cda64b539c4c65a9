package send

import (
	"context"
	"time"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/internal/rest"
	"github.com/pa-italia/sdk-go/pa"
)

// PaymentEvent tells SEND that a notice was paid outside of it, so that the
// recipient is no longer asked to.
type PaymentEvent struct {
	NoticeCode    string       `json:"noticeCode"`
	CreditorTaxID string       `json:"creditorTaxId"`
	PaymentDate   time.Time    `json:"paymentDate"`
	Amount        fiscal.Cents `json:"amount"` // paid, cost of notification included
}

// ReportPayments tells SEND of payments.
//
//api:operation POST /delivery/events/payment/pagopa
func (c *Client) ReportPayments(ctx context.Context, events ...PaymentEvent) error {
	if len(events) == 0 {
		return &pa.ValidationError{Subject: "send.ReportPayments", Findings: []pa.Finding{{Path: "events", Rule: "SEND_REQUIRED", Severity: pa.Invalid, Text: pa.Text{
			IT: "Non c'è alcun pagamento da comunicare.", EN: "there is no payment to report"}}}}
	}
	body, err := rest.JSON(struct {
		Events []PaymentEvent `json:"events"`
	}{events})
	if err != nil {
		return err
	}
	_, err = c.rest.Do(ctx, &c.ops.paymentEvents, rest.Request{Body: body})
	return err
}
