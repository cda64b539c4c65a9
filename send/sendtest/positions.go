package sendtest

import (
	"net/http"
	"strconv"
	"time"
)

// Phases in which the platform tells GPD a fee (pn-external-registries,
// CostUpdateCostPhaseInt).
const (
	phaseValidation = "VALIDATION"
	phaseAnalog     = "SEND_ANALOG_DOMICILE_ATTEMPT_"
	phaseSimple     = "SEND_SIMPLE_REGISTERED_LETTER"
	phaseRefused    = "REQUEST_REFUSED"
	phaseCancelled  = "NOTIFICATION_CANCELLED"
)

// FeeUpdate is what the platform tells GPD of a debt position of an ASYNC
// notification, at each change: the body and the path of
// PUT /organizations/{organizationfiscalcode}/paymentoptions/{nav}/notificationfee.
type FeeUpdate struct {
	CreditorTaxID, NoticeCode string

	NotificationFee int64 // euro cents, on top of the original amount
	// Phase is VALIDATION, SEND_ANALOG_DOMICILE_ATTEMPT_0 or _1,
	// SEND_SIMPLE_REGISTERED_LETTER or, with a fee of zero, REQUEST_REFUSED or
	// NOTIFICATION_CANCELLED.
	Phase string
}

// settled are the statuses that end an update; 209 says that a payment is in
// progress and counts as done. Any other status is asked again.
var settled = map[int]bool{http.StatusOK: true, 209: true, http.StatusNotFound: false, http.StatusUnprocessableEntity: false}

// validationRetries are the waits before a validation that could not be
// completed is tried again; after the last the request is refused.
var validationRetries = []time.Duration{10 * time.Second, time.Minute, time.Minute, 5 * time.Minute, time.Hour}

// Late updates are repeated at this pace, and then given up.
const (
	feeRetry   = time.Hour
	feeRetries = 24
)

// managed reports whether the platform keeps the debt positions up to date.
func (n *notification) managed() bool {
	return n.req.PagoPaIntMode == async && n.req.NotificationFeePolicy == deliveryMode
}

// tell updates a debt position and returns the status of the answer.
func (l *notice) tell(phase string, fee int64) int {
	if l.n.server.set.gpd == nil {
		return http.StatusOK
	}
	return l.n.server.set.gpd(FeeUpdate{CreditorTaxID: l.creditor, NoticeCode: l.code, NotificationFee: fee, Phase: phase})
}

// fee is what a debt position carries now.
func (l *notice) fee() int64 {
	p := l.price()
	if l.n.partial {
		return p.PartialPrice
	}
	return p.TotalPrice
}

// checkPositions puts the first fee on the debt positions of an ASYNC
// notification. It returns the refusals, and whether every position has
// answered.
func (n *notification) checkPositions() (refusals []refusal, answered bool) {
	if !n.managed() {
		return nil, true
	}
	answered = true
	unknown := make([]bool, len(n.recipients))
	for i, rec := range n.req.Recipients {
		unknown[i] = true // without a pagoPA payment
		for _, p := range rec.Payments {
			unknown[i] = unknown[i] && p.PagoPa == nil
		}
	}
	for _, l := range n.notices {
		if !l.applyCost || l.updated {
			continue
		}
		ok, done := settled[l.tell(phaseValidation, l.fee())]
		answered = answered && done
		l.updated = ok
		unknown[l.recipient] = unknown[l.recipient] || done && !ok
	}
	for i, bad := range unknown {
		if bad {
			refusals = append(refusals, refusal{Code: "PAYMENT_NOT_VALID", Detail: "Payment information not valid", RecIndex: new(i)})
		}
	}
	return refusals, answered
}

// tellFees updates the debt positions of a recipient after a change of their
// cost.
func (a *addressee) tellFees(now time.Time, phase string) {
	for _, l := range a.n.notices {
		if l.recipient == a.index && l.updated {
			l.update(now, phase, feeRetries)
		}
	}
}

func (l *notice) update(now time.Time, phase string, retries int) {
	if l.n.cancelled {
		return
	}
	if _, done := settled[l.tell(phase, l.fee())]; done || retries == 0 {
		return
	}
	l.n.server.after(now, feeRetry, func(now time.Time) { l.update(now, phase, retries-1) })
}

// takeFeesBack leaves the debt positions at their original amounts.
func (n *notification) takeFeesBack(now time.Time, phase string) {
	for _, l := range n.notices {
		if l.updated {
			l.takeBack(now, phase, feeRetries)
		}
	}
}

func (l *notice) takeBack(now time.Time, phase string, retries int) {
	if _, done := settled[l.tell(phase, 0)]; done || retries == 0 {
		return
	}
	l.n.server.after(now, feeRetry, func(now time.Time) { l.takeBack(now, phase, retries-1) })
}

func analogPhase(attempt int) string { return phaseAnalog + strconv.Itoa(attempt) }
