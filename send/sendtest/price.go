package sendtest

import (
	"net/http"
	"time"

	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/internal/sim"
)

// sendFee is the fee of the platform, in euro cents.
const sendFee = 100

// priceVersion is a published version of the price.
type priceVersion struct {
	path  string
	reply func(priceResponse) any
}

var priceVersions = []priceVersion{
	{"v2.3/", func(p priceResponse) any { return p }},
	{"", func(p priceResponse) any {
		return priceResponseV1{IUN: p.IUN, Amount: p.PartialPrice, RefinementDate: p.RefinementDate, NotificationViewDate: p.NotificationViewDate}
	}},
}

type priceResponse struct {
	IUN                  string `json:"iun"`
	PartialPrice         int64  `json:"partialPrice"`
	TotalPrice           int64  `json:"totalPrice"`
	Vat                  int32  `json:"vat"`
	PaFee                int32  `json:"paFee"`
	SendFee              int64  `json:"sendFee"`
	AnalogCost           int64  `json:"analogCost"`
	RefinementDate       *stamp `json:"refinementDate,omitempty"`
	NotificationViewDate *stamp `json:"notificationViewDate,omitempty"`
}

type priceResponseV1 struct {
	IUN                  string `json:"iun"`
	Amount               int64  `json:"amount"`
	RefinementDate       *stamp `json:"refinementDate,omitempty"`
	NotificationViewDate *stamp `json:"notificationViewDate,omitempty"`
}

// price answers any authorized key: who asks need not be the sender.
func (s *Server) price(c *call, v priceVersion) sim.Reply {
	creditor, code := c.PathValue("paTaxId"), c.PathValue("noticeCode")
	if faults := append(paTaxIDSchema.Check(creditor), noticeSchema.Check(code)...); faults != nil {
		return s.invalid(codeInvalidParameters, faults)
	}
	link := s.notices[noticeKey(creditor, code)]
	if link == nil {
		return s.failOne(http.StatusNotFound, codeNoCost, "Notification cost not found")
	}
	switch {
	case !link.n.accepted:
		return s.failOne(http.StatusNotFound, codeNotAccepted, "Notification not accepted")
	case link.n.withdrawn: // until the notice is free again
		return s.failOne(http.StatusNotFound, codePushCancelled, "Notification cancelled")
	}
	return sim.JSON(http.StatusOK, v.reply(link.price()))
}

func (l *notice) price() priceResponse {
	a := l.n.recipients[l.recipient]
	out := priceResponse{
		IUN:        l.n.iun,
		Vat:        *l.n.req.Vat,
		PaFee:      *l.n.req.PaFee,
		SendFee:    sendFee,
		AnalogCost: a.cost,
	}
	if l.n.req.NotificationFeePolicy == deliveryMode && l.applyCost {
		out.PartialPrice = sendFee + a.cost
		// analogCost*(1+vat/100), rounded half up as Math.round does
		out.TotalPrice = sendFee + (a.cost*(100+int64(out.Vat))+50)/100 + int64(out.PaFee)
	}
	out.RefinementDate = endOfDay(a.due)
	if !a.viewed.IsZero() {
		out.NotificationViewDate = endOfDay(a.viewed)
	}
	return out
}

func endOfDay(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	return new(stamp(rome.EndOfDay(t)))
}
