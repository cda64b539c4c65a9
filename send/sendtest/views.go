package sendtest

import (
	"errors"
	"time"
)

// ErrNotViewable is returned by [Server.View], [Server.ViewByDelegate] and
// [Server.RetrieveAtRADD] for a notification that is not known, not accepted or
// withdrawn, or has no such recipient.
var ErrNotViewable = errors.New("sendtest: no notification that this recipient could read")

// Delegate reads a notification for its recipient.
type Delegate struct {
	TaxID, Denomination string
	Type                string // PF or PG
}

// View makes a recipient read the notification on the platform, now. A second
// view changes nothing.
func (s *Server) View(iun string, recIndex int) error {
	return s.recipient(iun, recIndex, func(now time.Time, a *addressee) { a.view(now, nil) })
}

// ViewByDelegate is [Server.View] by somebody whom the recipient has appointed.
func (s *Server) ViewByDelegate(iun string, recIndex int, d Delegate) error {
	by := details{"delegateInfo": details{
		"internalId": "simulated-" + d.TaxID, "taxId": d.TaxID, "denomination": d.Denomination, "delegateType": d.Type,
	}}
	return s.recipient(iun, recIndex, func(now time.Time, a *addressee) { a.view(now, by) })
}

// RetrieveAtRADD makes a recipient collect a printed copy at a point of the
// RADD network, now, which is a view too, the first time.
func (s *Server) RetrieveAtRADD(iun string, recIndex int) error {
	return s.recipient(iun, recIndex, func(now time.Time, a *addressee) {
		at := details{"raddType": "ALT", "raddTransactionId": s.uuid()}
		d := details{"eventTimestamp": stamp(now)}
		a.publish(&element{category: catRADD, ingested: now, details: d.with(at)})
		a.view(now, at)
	})
}

// recipient gives f a recipient who may read the notification.
func (s *Server) recipient(iun string, recIndex int, f func(now time.Time, a *addressee)) error {
	err := ErrNotViewable
	s.do(func(now time.Time) {
		n := s.byIUN[iun]
		if n == nil || !n.accepted || n.withdrawn || recIndex < 0 || recIndex >= len(n.recipients) {
			return
		}
		err = nil
		f(now, n.recipients[recIndex])
	})
	return err
}

// view is the access of the recipient, or of somebody for them, to the
// notification.
func (a *addressee) view(now time.Time, by details) {
	if !a.viewed.IsZero() {
		return
	}
	a.viewed = now
	access := a.n.server.legalFact(now, factRecipientAccess, a.n.iun)
	request := details{"legalFactId": access.Key, "eventTimestamp": stamp(now)}
	a.add(now, catViewedRequest, request.with(by))
	d := details{"eventTimestamp": stamp(now)}
	if a.refined.IsZero() {
		d["notificationCost"] = sendFee + a.cost
	}
	a.publish(&element{category: catViewed, ingested: now, details: d.with(by), facts: []factID{access}})
}
