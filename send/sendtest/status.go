package sendtest

import (
	"slices"
	"time"
)

// Notification statuses (NotificationStatusV26).
const (
	statusInValidation = "IN_VALIDATION"
	statusAccepted     = "ACCEPTED"
	statusRefused      = "REFUSED"
	statusDelivering   = "DELIVERING"
	statusDelivered    = "DELIVERED"
	statusViewed       = "VIEWED"
	statusEffective    = "EFFECTIVE_DATE"
	statusPaid         = "PAID"
	statusUnreachable  = "UNREACHABLE"
	statusCancelled    = "CANCELLED"
	statusReturned     = "RETURNED_TO_SENDER"
)

var statuses = []string{
	statusInValidation, statusAccepted, statusRefused, statusDelivering, statusDelivered, statusViewed,
	statusEffective, statusPaid, statusUnreachable, statusCancelled, statusReturned,
}

// transition is a row of the state map of the timeline service.
type transition struct {
	from, category, to string
	recipients         recipientCount
}

// recipientCount restricts a transition.
type recipientCount int

const (
	anyNumber recipientCount = iota
	one
	several
)

var transitions = []transition{
	{from: statusInValidation, category: catAccepted, to: statusAccepted},
	{from: statusInValidation, category: catRefused, to: statusRefused},

	{from: statusAccepted, category: catSendDigital, to: statusDelivering},
	{from: statusAccepted, category: catSendAnalog, to: statusDelivering},
	{from: statusAccepted, category: catViewed, to: statusViewed},
	{from: statusAccepted, category: catUnreachable, to: statusUnreachable},
	{from: statusAccepted, category: catCancelled, to: statusCancelled},

	{from: statusDelivering, category: catDigitalDelivery, to: statusDelivered},
	{from: statusDelivering, category: catAnalogSuccess, to: statusDelivered},
	{from: statusDelivering, category: catUnreachable, to: statusUnreachable},
	{from: statusDelivering, category: catViewed, to: statusViewed},
	{from: statusDelivering, category: catDeceased, to: statusReturned},
	{from: statusDelivering, category: catRefinement, to: statusEffective, recipients: several},
	{from: statusDelivering, category: catCancelled, to: statusCancelled},

	{from: statusDelivered, category: catViewed, to: statusViewed},
	{from: statusDelivered, category: catRefinement, to: statusEffective},
	{from: statusDelivered, category: catCancelled, to: statusCancelled},

	{from: statusUnreachable, category: catViewed, to: statusViewed},
	{from: statusUnreachable, category: catRefinement, to: statusEffective},
	{from: statusUnreachable, category: catCancelled, to: statusCancelled},

	{from: statusEffective, category: catViewed, to: statusViewed},
	{from: statusEffective, category: catCancelled, to: statusCancelled},

	{from: statusViewed, category: catDeceased, to: statusReturned, recipients: one},
	{from: statusViewed, category: catCancelled, to: statusCancelled},

	{from: statusReturned, category: catCancelled, to: statusCancelled},
}

// completions end the workflow of a recipient. With several recipients the
// first of this list that is found gives the status, once all have ended.
var completions = []string{catDigitalDelivery, catAnalogSuccess, catUnreachable, catDeceased}

// statusEntry is a stretch of the status history.
type statusEntry struct {
	Status                  string   `json:"status"`
	ActiveFrom              stamp    `json:"activeFrom"`
	RelatedTimelineElements []string `json:"relatedTimelineElements"`
}

// history computes the status history from a timeline, as the platform does at
// every read: elements in the order of their business time.
func history(timeline []*element, recipients int, sentAt time.Time) []statusEntry {
	elements := slices.SortedStableFunc(slices.Values(timeline), func(a, b *element) int { return a.event.Compare(b.event) })
	deceased := map[int]bool{}
	for _, e := range elements {
		if e.category == catDeceased && recipients > 1 {
			deceased[e.recipient] = true
		}
	}
	current := statusEntry{Status: statusInValidation, ActiveFrom: stamp(sentAt), RelatedTimelineElements: []string{}}
	var out []statusEntry
	var ended []string // completions since the last change of status
	completed := 0
	for _, e := range elements {
		category := e.category
		if category == catViewed && deceased[e.recipient] {
			category = "" // the view of a recipient found deceased does not count
		}
		if slices.Contains(completions, category) {
			completed++
			ended = append(ended, category)
		}
		next := nextStatus(current.Status, category, recipients, completed, ended)
		if next != current.Status {
			out = append(out, current)
			current = statusEntry{Status: next, ActiveFrom: stamp(e.event), RelatedTimelineElements: []string{}}
			ended = nil
		}
		current.RelatedTimelineElements = append(current.RelatedTimelineElements, e.id)
	}
	return append(out, current)
}

func nextStatus(current, category string, recipients, completed int, ended []string) string {
	if slices.Contains(completions, category) && (current == statusAccepted || current == statusDelivering) && recipients > 1 {
		if completed < recipients {
			return current
		}
		for _, c := range completions {
			if slices.Contains(ended, c) {
				category = c
				break
			}
		}
	}
	for _, t := range transitions {
		if t.from == current && t.category == category &&
			(t.recipients == anyNumber || (t.recipients == several) == (recipients > 1)) {
			return t.to
		}
	}
	return current
}

// history returns the status history of a notification.
func (n *notification) history() []statusEntry {
	return history(n.timeline, len(n.recipients), n.sentAt)
}

// status returns the present status of a notification.
func (n *notification) status() string {
	h := n.history()
	return h[len(h)-1].Status
}
