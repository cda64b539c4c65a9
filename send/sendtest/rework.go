package sendtest

import (
	"errors"
	"slices"
	"time"
)

// invalidatedEntry is a stretch of the status history with the elements that a
// correction took out of it.
type invalidatedEntry struct {
	Status                  string        `json:"status"`
	ActiveFrom              stamp         `json:"activeFrom"`
	RelatedTimelineElements []wireElement `json:"relatedTimelineElements"`
}

// paperCategories are the elements of a paper attempt and of what follows.
var paperCategories = []string{
	catPrepareAnalog, catSendAnalog, catAnalogProgress, catAnalogFeedback, catPrepareAnalogFailure,
	catAnalogSuccess, catAnalogFailure, catUnreachableRequest, catUnreachable, catDeceased,
	catScheduleRefinement, catRefinement,
}

// ErrNotReworkable is returned by [Server.Rework] for a notification that is
// not known or withdrawn, or whose recipient has had no outcome of a paper
// delivery.
var ErrNotReworkable = errors.New("sendtest: no outcome of a paper delivery to correct")

// Rework corrects the timeline of a recipient (since GA26Q2.B): the elements of
// the last paper attempt, and of all that came of it, are invalidated and
// listed in a NOTIFICATION_TIMELINE_REWORKED; then the attempt is acted out
// again, with the outcome that is written as in a street, such as
// "@FAIL-Irreperibile_AR". The identifiers of the new elements end in REWORK_n.
func (s *Server) Rework(iun string, recIndex int, outcome string) error {
	err := ErrNotReworkable
	s.do(func(now time.Time) {
		n := s.byIUN[iun]
		if n == nil || n.withdrawn || recIndex < 0 || recIndex >= len(n.recipients) {
			return
		}
		a := n.recipients[recIndex]
		if a.letter == nil || !a.letter.done {
			return
		}
		err = nil
		a.rework(now, outcome)
	})
	return err
}

func (a *addressee) rework(now time.Time, outcome string) {
	before, old := a.n.status(), a.letter
	history := a.invalidate(old)
	a.reworks++
	a.due, a.refined = time.Time{}, time.Time{}
	a.cost -= old.cost
	e := a.own(&element{category: catReworked, ingested: now, details: details{
		"sentAttemptMade": old.attempt, "invalidatedTimelineAndStatusHistory": history,
	}}, "ATTEMPT", old.attempt)
	a.n.publishAfter(before, e)
	a.dispatch(now, &envelope{attempt: old.attempt, address: old.address, product: old.product, attempts: paperSequence(outcome, old.product)})
}

// invalidate takes the elements of a paper attempt out of the timeline and
// returns them by status.
func (a *addressee) invalidate(e *envelope) []invalidatedEntry {
	n := a.n
	first := slices.IndexFunc(n.timeline, func(el *element) bool { return el.id == e.prepare })
	gone := map[string]*element{}
	for _, el := range n.timeline[first:] {
		if el.recipient == a.index && slices.Contains(paperCategories, el.category) {
			gone[el.id] = el
			n.invalidated = append(n.invalidated, el)
		}
	}
	out := []invalidatedEntry{}
	for _, h := range n.history() {
		entry := invalidatedEntry{Status: h.Status, ActiveFrom: h.ActiveFrom}
		for _, id := range h.RelatedTimelineElements {
			if el, ok := gone[id]; ok {
				entry.RelatedTimelineElements = append(entry.RelatedTimelineElements, elementV28.translate(n, el))
			}
		}
		if entry.RelatedTimelineElements != nil {
			out = append(out, entry)
		}
	}
	n.timeline = slices.DeleteFunc(n.timeline, func(el *element) bool { return gone[el.id] != nil })
	return out
}
