package sendtest

import (
	"time"

	"github.com/pa-italia/sdk-go/internal/rome"
)

// start makes the notice of receipt and looks for a way to deliver.
func (a *addressee) start(now time.Time) {
	if a.n.withdrawn {
		return
	}
	s := a.n.server
	pdf := simulatedPDF("AVVISO DI AVVENUTA RICEZIONE", "IUN "+a.n.iun, now.UTC().Format(time.RFC3339))
	a.aar = s.store("PN_AAR-", ".pdf", mediaPDF, pdf, now)
	a.progress = map[string]int{}
	a.add(now, catAARRequest, details{"aarKey": storageScheme + a.aar.key, "numberOfPages": 1})
	a.add(now, catAAR, details{"generatedAarUrl": storageScheme + a.aar.key, "numberOfPages": 1})
	if a.viewed.IsZero() {
		a.nextDigital(now, 0, 0)
	}
}

// count numbers the progress elements of a send.
func (a *addressee) count(send string) int {
	a.progress[send]++
	return a.progress[send]
}

// scheduleRefinement opens the term after which the notification takes effect
// unless the recipient reads it first. The term may have passed already, when
// the outcome of a delivery arrives late.
func (a *addressee) scheduleRefinement(now, from time.Time, term time.Duration) {
	due := from.Add(term)
	if a.readBefore(due) || a.n.withdrawn {
		return
	}
	a.due = due
	a.add(now, catScheduleRefinement, details{"schedulingDate": stamp(due)})
	a.after(now, max(due.Sub(now), 0), a.refine)
}

// after schedules a step of the delivery, which a correction of the timeline
// makes void.
func (a *addressee) after(now time.Time, d time.Duration, f func(now time.Time)) {
	course := a.reworks
	a.n.server.after(now, d, func(now time.Time) {
		if a.reworks == course {
			f(now)
		}
	})
}

// spared reports whether no paper is sent any more: to who has read the
// notification or paid, or after its cancellation.
func (a *addressee) spared() bool { return !a.viewed.IsZero() || a.paid || a.n.withdrawn }

func (a *addressee) readBefore(t time.Time) bool { return !a.viewed.IsZero() && a.viewed.Before(t) }

func (a *addressee) refine(now time.Time) {
	if a.readBefore(a.due) || a.n.withdrawn {
		return
	}
	a.refined = a.due
	d := details{"eventTimestamp": stamp(a.due)}
	if a.viewed.IsZero() {
		d["notificationCost"] = sendFee + a.cost
	}
	a.publish(&element{category: catRefinement, ingested: now, event: a.due, details: d})
}

// late reports whether a digital delivery came after 21:00 in Rome, which
// moves the term by a day.
func late(t time.Time) bool { return t.In(rome.Location()).Hour() >= 21 }

// fail ends the digital workflow without a delivery: the term of the deposit
// begins, and a simple registered letter gives word of it.
func (a *addressee) fail(now time.Time, at domicile) {
	s := a.n.server
	fact := s.legalFact(now, factDigitalDelivery, a.n.iun)
	a.add(now, catDigitalDelivery, details{
		"digitalAddress": at.wire(), "endWorkflowStatus": "FAILURE", "completionWorkflowDate": stamp(now), "legalFactId": fact.Key,
	})
	a.scheduleRefinement(now, now, s.set.terms.DigitalFailure)
	s.after(now, s.set.terms.LegalFact, func(now time.Time) {
		a.publish(&element{category: catDigitalFailure, ingested: now, facts: []factID{fact}})
	})
	if !a.spared() {
		a.sendSimple(now)
	}
}

// succeed ends the digital workflow with a delivery, from which the term runs:
// the outcome of a second address may have come after it.
func (a *addressee) succeed(now time.Time, at domicile, delivered time.Time) {
	s := a.n.server
	fact := s.legalFact(now, factDigitalDelivery, a.n.iun)
	a.add(now, catDigitalDelivery, details{
		"digitalAddress": at.wire(), "endWorkflowStatus": "SUCCESS", "completionWorkflowDate": stamp(delivered), "legalFactId": fact.Key,
	})
	term := s.set.terms.DigitalSuccess
	if late(delivered) {
		term += day
	}
	a.scheduleRefinement(now, delivered, term)
	s.after(now, s.set.terms.LegalFact, func(now time.Time) {
		a.publish(&element{category: catDigitalSuccess, ingested: now, details: details{"digitalAddress": at.wire()}, facts: []factID{fact}})
	})
}

// printed is the number of pages of an envelope: the notice and the documents.
func (n *notification) printed() int {
	total := 1
	for _, d := range n.req.Documents {
		if o := n.server.stored(d.Ref); o != nil {
			total += pages(o.body)
		}
	}
	return total
}

// grams is the weight of an envelope: sheets are printed on both sides.
func grams(pages int) int { return 5 + 5*((pages+1)/2) }

// courtesy sends word, once, to a recipient who has given a contact, and
// reports whether there is one.
func (a *addressee) courtesy(now time.Time) bool {
	contact, ok := a.n.server.set.courtesy[a.TaxID]
	if !ok || a.has(catCourtesy) {
		return ok
	}
	d := details{"digitalAddress": contact, "sendDate": stamp(now)}
	if contact.Type == "APPIO" {
		d["ioSendMessageResult"] = "SENT_COURTESY"
	}
	a.add(now, catCourtesy, d, "COURTESYADDRESSTYPE", contact.Type)
	return true
}
