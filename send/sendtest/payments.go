package sendtest

import (
	"errors"
	"net/http"
	"time"

	"github.com/pa-italia/sdk-go/internal/sim"
)

// Channels through which the platform learns of a payment.
const (
	channelSender   = "PA"
	channelPlatform = "EXTERNAL_REGISTRY"
)

type paymentEvents struct {
	Events []paymentEvent `json:"events"`
}

type paymentEvent struct {
	NoticeCode    string `json:"noticeCode"`
	CreditorTaxID string `json:"creditorTaxId"`
	PaymentDate   string `json:"paymentDate"`
	Amount        int64  `json:"amount"`
}

// paymentEvents takes the payments that a sender tells: all of them, or none
// if one is not of a notification of theirs.
func (s *Server) paymentEvents(c *call) sim.Reply {
	var r paymentEvents
	if refused := s.body(c, paymentEventsSchema, &r); refused != nil {
		return *refused
	}
	dates := make([]time.Time, len(r.Events))
	for i, e := range r.Events {
		at, err := time.Parse(time.RFC3339Nano, e.PaymentDate)
		if err != nil {
			return s.failOne(http.StatusBadRequest, codeInvalid, "paymentDate is not a date and time")
		}
		link := s.notices[noticeKey(e.CreditorTaxID, e.NoticeCode)]
		if link == nil || !link.n.visibleTo(c.sender) {
			return s.failOne(http.StatusNotFound, codeNotFound, "No notification by creditorTaxId and noticeCode")
		}
		dates[i] = at
	}
	for i, e := range r.Events {
		link := s.notices[noticeKey(e.CreditorTaxID, e.NoticeCode)]
		link.pay(c.Now, dates[i], channelSender, details{"amount": e.Amount})
	}
	return sim.Reply{Status: http.StatusNoContent}
}

// ErrNotPayable is returned by [Server.Pay] for a notice that belongs to no
// accepted notification.
var ErrNotPayable = errors.New("sendtest: no accepted notification with this notice")

// Pay makes the recipient of a notice pay it through the pagoPA platform, now.
// A second payment changes nothing.
func (s *Server) Pay(creditorTaxID, noticeCode string) error {
	err := ErrNotPayable
	s.do(func(now time.Time) {
		if link := s.notices[noticeKey(creditorTaxID, noticeCode)]; link != nil && link.n.accepted {
			err = nil
			link.pay(now, now, channelPlatform, details{})
		}
	})
	return err
}

// pay records a payment. No more paper is sent to who has paid.
func (l *notice) pay(now, at time.Time, channel string, d details) {
	if l.paid {
		return
	}
	l.paid = true
	a := l.n.recipients[l.recipient]
	a.paid = true
	l.n.publish(&element{
		id:       l.n.id(catPayment, "CODE", "PPA"+l.code+l.creditor),
		category: catPayment, ingested: now, event: at, recipient: a.index,
		details: d.with(details{
			"recIndex": a.index, "recipientType": a.RecipientType, "creditorTaxId": l.creditor, "noticeCode": l.code,
			"paymentSourceChannel": channel, "eventTimestamp": stamp(at),
		}),
	})
}
