package send

import (
	"context"
	"time"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/internal/rest"
)

// Price is the cost of notification of one payment notice, in euro cents
// (NotificationPriceResponseV23).
type Price struct {
	IUN          string       `json:"iun,omitempty"`
	PartialPrice fiscal.Cents `json:"partialPrice"` // SendFee and AnalogCost, without VAT and PaFee
	// TotalPrice is what to add to the amount due: 0 with [FlatRate]. It is nil
	// where the platform does not say, as its first version does not: that is
	// never a zero.
	TotalPrice           *fiscal.Cents `json:"totalPrice,omitempty"`
	VAT                  int           `json:"vat,omitempty"` // percent, on AnalogCost
	PaFee                fiscal.Cents  `json:"paFee,omitempty"`
	SendFee              fiscal.Cents  `json:"sendFee,omitempty"`
	AnalogCost           fiscal.Cents  `json:"analogCost,omitempty"`    // paper, simple registered letters included
	RefinementDate       time.Time     `json:"refinementDate,omitzero"` // can lie ahead
	NotificationViewDate time.Time     `json:"notificationViewDate,omitzero"`
}

// Final reports whether the cost can no longer change at that instant: the
// recipient has seen the notification, or it is perfected by elapsed time.
func (p *Price) Final(now time.Time) bool {
	return !p.NotificationViewDate.IsZero() || !p.RefinementDate.IsZero() && now.After(p.RefinementDate)
}

// wirePrice adds what only the first version has.
type wirePrice struct {
	Price
	Amount *fiscal.Cents `json:"amount,omitempty"` // of v1: the partial price, the only one it knew
}

// Price returns the cost to add to a payment notice. The creditor need not be
// the sender: any body with a key may ask for any notice. Of the three ways of
// not being found only [ErrNoCost] means that there is nothing to add;
// [ErrNotAccepted] and [ErrCancelled] are the others. The price is there also
// where the error is pa.ErrEvidence.
//
//api:operation GET /delivery/v2.3/price/{paTaxId}/{noticeCode}
func (c *Client) Price(ctx context.Context, creditorTaxID, noticeCode string) (*Price, error) {
	w, reply, err := rest.Call[wirePrice](ctx, c.rest, &c.ops.price, rest.Request{Params: []string{creditorTaxID, noticeCode}})
	if reply == nil {
		return nil, err
	}
	if w.Amount != nil {
		w.PartialPrice = *w.Amount
	}
	return &w.Price, err
}
