package sendtest

import (
	"errors"
	"net/http"
	"time"

	"github.com/pa-italia/sdk-go/internal/sim"
)

type requestStatus struct {
	Status  string         `json:"status"`
	Details []statusDetail `json:"details"`
}

type statusDetail struct {
	Code   string `json:"code"`
	Level  string `json:"level"`
	Detail string `json:"detail"`
}

// What becomes of a request to cancel.
var (
	cancellationAccepted = statusDetail{"NOTIFICATION_CANCELLATION_ACCEPTED", "INFO", "La richiesta di annullamento è stata presa in carico"}
	alreadyCancelled     = statusDetail{"NOTIFICATION_ALREADY_CANCELLED", "WARN", "È già presente una richiesta di annullamento per questa notifica"}
	cancelledRefused     = statusDetail{"NOTIFICATION_REFUSED", "WARN", "Notifica rifiutata"}
)

// cancel takes charge of a cancellation, which is done later. A request that
// is still being validated may be cancelled too, by the IUN that its identifier
// holds.
func (s *Server) cancel(c *call) sim.Reply {
	iun := c.PathValue("iun")
	if faults := iunSchema.Check(iun); faults != nil {
		return s.invalid(codeInvalidParameters, faults)
	}
	n := s.byIUN[iun]
	if n == nil || !n.visibleTo(c.sender) {
		return s.failOne(http.StatusNotFound, codePushNotFound, "Notification not found")
	}
	return sim.JSON(http.StatusAccepted, requestStatus{"OK", []statusDetail{n.withdraw(c.Now)}})
}

// ErrNotCancelled is returned by [Server.Cancel] for a notification that is
// not known, refused, or cancelled already.
var ErrNotCancelled = errors.New("sendtest: no notification that could be cancelled")

// Cancel makes the sender cancel a notification elsewhere, such as in the
// portal of the platform.
func (s *Server) Cancel(iun string) error {
	err := ErrNotCancelled
	s.do(func(now time.Time) {
		if n := s.byIUN[iun]; n != nil && n.withdraw(now) == cancellationAccepted {
			err = nil
		}
	})
	return err
}

// withdraw asks for the cancellation: the workflow stops, save for what is
// already under way.
func (n *notification) withdraw(now time.Time) statusDetail {
	switch {
	case len(n.refusals) > 0:
		return cancelledRefused
	case n.withdrawn:
		return alreadyCancelled
	}
	n.withdrawn = true
	n.add(now, catCancellationRequested, details{"cancellationRequestId": n.server.uuid()})
	if n.accepted {
		n.server.after(now, n.server.set.terms.LegalFact, n.finishCancellation)
	}
	return cancellationAccepted
}

// finishCancellation frees the notice numbers, takes the fees back and says
// who had not been reached.
func (n *notification) finishCancellation(now time.Time) {
	n.takeFeesBack(now, phaseCancelled)
	n.unlink()
	n.cancelled = true
	open := []int{}
	for _, a := range n.recipients {
		if a.perfected().IsZero() && !a.has(catDeceased) {
			open = append(open, a.index)
		}
	}
	fact := n.server.legalFact(now, factCancelled, n.iun)
	n.add(now, catCancelled, details{"notificationCost": sendFee * len(open), "notRefinedRecipientIndexes": open}, fact)
}
