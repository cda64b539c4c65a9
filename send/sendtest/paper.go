package sendtest

import (
	"regexp"
	"strings"
	"time"
)

// startAnalog begins the paper workflow, after the days that a recipient who
// got a courtesy message has to read the notification.
func (a *addressee) startAnalog(now time.Time) {
	wait := time.Duration(0)
	if a.courtesy(now) {
		wait = a.n.server.set.terms.AfterCourtesy
		a.add(now, catProbableAnalog, details{"schedulingAnalogDate": stamp(now.Add(wait))})
	}
	a.add(now, catScheduleAnalog, details{"schedulingDate": stamp(now.Add(wait))})
	a.n.server.after(now, wait, func(now time.Time) {
		product := a.product("AR")
		if a.n.req.PhysicalCommunicationType == service890 {
			product = a.product("890")
		}
		a.sendAnalog(now, &envelope{address: *a.PhysicalAddress, product: product, attempts: paperSequence(a.PhysicalAddress.Address, product)})
	})
}

const service890 = "REGISTERED_LETTER_890"

// product is the postal product of a letter: abroad there is one for each of
// the two kinds.
func (a *addressee) product(inland string) string {
	switch {
	case a.PhysicalAddress.italian():
		return inland
	case inland == "RS":
		return "RIS"
	}
	return "RIR"
}

// cost is the cost of a letter, which depends on its product alone.
func (t Tariffs) cost(l Letter) int64 {
	return map[string]int64{"AR": t.AR, "890": t.L890, "RIR": t.RIR, "RS": t.RS, "RIS": t.RIS}[l.Product]
}

// frank returns the details that say what a letter costs, and the cost.
func (a *addressee) frank(e *envelope) (details, int64) {
	printed := a.n.printed()
	weight := grams(printed)
	cost := a.n.server.set.tariff(Letter{
		Product: e.product, Zip: e.address.Zip, ForeignState: e.address.ForeignState, Attempt: e.attempt, Pages: printed, Grams: weight,
	})
	a.cost += cost
	return details{
		"productType": e.product, "analogCost": cost, "numberOfPages": printed, "envelopeWeight": weight, "prepareRequestId": e.prepare,
	}, cost
}

// envelope is a paper delivery under way.
type envelope struct {
	attempt  int
	address  physicalAddress
	product  string
	attempts [][]event // of this attempt and those that may follow

	prepare, send string // element identifiers
	code          string // of the registered letter
	causes        map[string]string
	found         *physicalAddress // by the courier
	deposit       time.Time        // begin of the deposit (giacenza)
	detached      time.Time        // RECAG012 has arrived
	scan23L       bool
	done          bool // the feedback is given
	cost          int64
}

func (a *addressee) analogBase(e *envelope) details {
	return details{
		"physicalAddress": e.address, "serviceLevel": a.n.req.PhysicalCommunicationType, "sentAttemptMade": e.attempt,
	}
}

// sendAnalog prepares and sends an envelope, unless none is needed.
func (a *addressee) sendAnalog(now time.Time, e *envelope) {
	if !a.spared() {
		a.dispatch(now, e)
	}
}

func (a *addressee) dispatch(now time.Time, e *envelope) {
	a.letter = e
	e.prepare = a.add(now, catPrepareAnalog, a.analogBase(e), "ATTEMPT", e.attempt).id
	var d details
	d, e.cost = a.frank(e)
	e.send = a.add(now, catSendAnalog, a.analogBase(e).with(d), "ATTEMPT", e.attempt).id
	a.tellFees(now, analogPhase(e.attempt))
	e.causes = map[string]string{}
	e.code = a.n.server.sim.Hex(12)
	a.play(now, e.attempts[0], func(now time.Time, ev event) { a.paperEvent(now, e, ev) })
}

// play lets the events of a paper sequence happen, at the pace of paper.
func (a *addressee) play(now time.Time, events []event, f func(time.Time, event)) {
	var wait time.Duration
	for _, ev := range events {
		wait += paperTime(ev.delay, a.n.server.set.terms.PaperSecond)
		a.after(now, wait, func(now time.Time) { f(now, ev) })
	}
}

// paperTime is the life-cycle time that a delay of a sequence stands for, a
// year at most.
func paperTime(delay, second time.Duration) time.Duration {
	if second <= 0 {
		return 0
	}
	return min(delay/time.Second, 366*day/second) * second
}

// knownPaperCode tells the codes that the paper service maps; others, such as
// the RECRSI003 that ends a public sequence, are dropped.
var knownPaperCode = regexp.MustCompile(`^(CON\d{3}|RECRN(00[1-5][A-F]|006|01[0135])|RECAG(00[1-3][A-F]|004|00[5-8][A-C]|01[0135]|011[AB]|012)|RECRI(00[12]|00[34][A-C]|005[A-C]?)|RECRSI(00[12]|00[34][A-C]|005[A-C]?)|RECRS(001C|00[2-5][A-F]|006|01[135]))$`)

// provisional reports whether a code is a pre-outcome.
func provisional(code string) bool {
	return code == "CON018" || code == "RECAG012A" ||
		code != "RECAG011A" && strings.HasPrefix(code, "REC") && strings.ContainsAny(code[len(code)-1:], "AD")
}

// What a final code makes of an attempt.
type paperEffect int

const (
	paperProgress paperEffect = iota
	paperOK
	paperKO
	paperByCause  // OK if refused or deceased, or without a cause
	paperDeposit  // OK: a letter that was in deposit
	paperReturned // OK: the same for an 890, unless RECAG012 says it already
)

// perfections stand in for the outcome of a letter that was in deposit for ten
// days or more.
var perfections = map[paperEffect]string{paperDeposit: "PNRN012", paperReturned: "PNAG012"}

// paperCodes are the final codes (ExternalChannelCodeEnum of pn-paper-channel).
// RECAG005C, 006C and 008C are progress: their outcome is RECAG012.
var paperCodes = map[string]paperEffect{
	"RECRN001C": paperOK, "RECAG001C": paperOK, "RECAG002C": paperOK, "RECRI003C": paperOK,
	"RECRS001C": paperOK, "RECRS003C": paperOK, "RECRSI003C": paperOK,
	"RECRN002C": paperByCause, "RECAG003C": paperByCause,
	"RECRN003C": paperDeposit, "RECRN004C": paperDeposit, "RECRN005C": paperDeposit,
	"RECAG007C": paperReturned,
	"RECRN002F": paperKO, "RECAG003F": paperKO, "RECRI004C": paperKO, "RECRI005C": paperKO,
	"RECRS002C": paperKO, "RECRS002F": paperKO, "RECRS004C": paperKO, "RECRS005C": paperKO,
	"RECRSI004C": paperKO, "RECRSI005C": paperKO,
}

// causeDeceased and causeRefused do not lead to a second attempt.
const (
	causeDeceased = "M02"
	causeRefused  = "M05"
)

// depositTerm is after how long in deposit a letter counts as received.
const depositTerm = 10 * day

// paperEvent is what a code of the printing service does.
func (a *addressee) paperEvent(now time.Time, e *envelope, ev event) {
	if !knownPaperCode.MatchString(ev.code) {
		return
	}
	stem := strings.TrimRight(ev.code, "ABCDEF")
	if ev.opts.cause != "" {
		e.causes[stem] = ev.opts.cause
	}
	if ev.opts.discovery {
		e.found = e.discovered(ev.opts.zip)
	}
	date := now.Add(-paperTime(ev.opts.backdate, a.n.server.set.terms.PaperSecond))
	switch {
	case ev.code == "RECRN011" || ev.code == "RECAG011A":
		e.deposit = date
	case ev.code == "RECAG012":
		a.detach(now, e, date)
		return
	}
	effect, cause := paperCodes[ev.code], e.causes[stem]
	outcome := e.outcome(effect, cause)
	switch {
	case e.done || outcome == "":
		a.paperProgress(now, e, ev, date, cause)
	case perfections[effect] != "" && !e.deposit.IsZero() && date.Sub(e.deposit) >= depositTerm:
		a.paperFeedback(now, e, perfections[effect], "OK", e.deposit.Add(depositTerm), "")
		a.paperProgress(now, e, ev, date, cause)
	default:
		a.paperFeedback(now, e, ev.code, outcome, date, cause)
	}
	for _, doc := range ev.opts.documents {
		e.scan23L = e.scan23L || strings.HasPrefix(doc, "23L")
	}
	if e.scan23L && !e.detached.IsZero() && !e.done {
		a.paperFeedback(now, e, "RECAG012", "OK", e.detached, "")
	}
}

// outcome returns what a code says of the attempt, or nothing.
func (e *envelope) outcome(effect paperEffect, cause string) string {
	switch effect {
	case paperOK, paperDeposit:
		return "OK"
	case paperKO:
		return "KO"
	case paperByCause:
		if cause == "" || cause == causeDeceased || cause == causeRefused {
			return "OK"
		}
		return "KO"
	case paperReturned:
		if e.detached.IsZero() {
			return "OK"
		}
	}
	return ""
}

// detach handles RECAG012, the end of ten days of deposit: it is the outcome
// once the scan of the 23L is there, a pre-outcome until then.
func (a *addressee) detach(now time.Time, e *envelope, date time.Time) {
	switch {
	case e.done:
	case e.scan23L:
		a.paperFeedback(now, e, "RECAG012", "OK", date, "")
	case e.detached.IsZero():
		e.detached = date
		a.paperProgress(now, e, event{code: "RECAG012A"}, date, "")
	}
}

// discovered is the address that the courier finds in the test environments.
func (e *envelope) discovered(zip string) *physicalAddress {
	if zip == "" {
		zip = "20121"
	}
	return &physicalAddress{Address: "via@sequence", Zip: zip, Municipality: "Milano", Province: "MI", ForeignState: "Italia"}
}

// paperProgress publishes a code that is no outcome.
func (a *addressee) paperProgress(now time.Time, e *envelope, ev event, date time.Time, cause string) {
	if provisional(ev.code) && !a.n.server.set.preOutcomes {
		return
	}
	d := details{"serviceLevel": a.n.req.PhysicalCommunicationType, "sendRequestId": e.send}
	a.progressElement(now, catAnalogProgress, d, e, ev, date, cause, "ATTEMPT", e.attempt)
}

// progressElement publishes a progress of a letter of either kind.
func (a *addressee) progressElement(now time.Time, category string, d details, e *envelope, ev event, date time.Time, cause string, qualifiers ...any) {
	d["deliveryDetailCode"], d["notificationDate"], d["registeredLetterCode"] = ev.code, stamp(date), e.code
	if cause != "" {
		d["deliveryFailureCause"] = cause
	}
	var facts []factID
	files := []details{}
	for _, doc := range ev.opts.documents {
		name, kind, _ := strings.Cut(doc, "#")
		if name == "ZIP" || name == "7ZIP" {
			name = "AAR" // the signed copy of the printed notice, taken out of its archive
		}
		f := a.n.server.scan(now, name, a.n.iun, strings.HasPrefix(kind, "Z"))
		facts = append(facts, f)
		files = append(files, details{"id": strings.TrimPrefix(f.Key, storageScheme), "documentType": name, "url": f.Key, "date": stamp(date)})
	}
	if facts != nil {
		d["attachments"] = files
	}
	a.publish(&element{category: category, ingested: now, event: date, facts: facts, details: d},
		append(qualifiers, "IDX", a.count(e.send))...)
}

// paperFeedback publishes the outcome of an attempt and goes on from there.
func (a *addressee) paperFeedback(now time.Time, e *envelope, code, outcome string, date time.Time, cause string) {
	e.done = true
	d := a.analogBase(e)
	d["responseStatus"], d["deliveryDetailCode"], d["notificationDate"] = outcome, code, stamp(date)
	d["sendRequestId"], d["registeredLetterCode"] = e.send, e.code
	if cause != "" {
		d["deliveryFailureCause"] = cause
	}
	if e.found != nil {
		d["newAddress"] = *e.found
	}
	a.publish(&element{category: catAnalogFeedback, ingested: now, event: date, details: d}, "ATTEMPT", e.attempt)
	switch {
	case outcome == "OK" && cause == causeDeceased:
		gone := details{"physicalAddress": e.address}
		if a.viewed.IsZero() {
			gone["notificationCost"] = sendFee + a.cost
		}
		a.add(now, catDeceased, gone)
	case a.n.withdrawn:
		// What was under way still shows, and leads nowhere.
	case outcome == "OK":
		a.publish(&element{category: catAnalogSuccess, ingested: now, event: date, details: details{"physicalAddress": e.address}})
		a.scheduleRefinement(now, date, a.n.server.set.terms.Analog)
	case a.spared():
		// No second attempt is needed.
	case e.attempt == 0 && e.found != nil:
		next := &envelope{attempt: 1, address: *e.found, product: e.product, attempts: e.attempts[1:]}
		if len(next.attempts) == 0 {
			next.attempts = paperSequence("", e.product)
		}
		a.sendAnalog(now, next)
	case e.attempt == 0:
		a.secondAddress(now, e)
	default:
		a.unreachable(now)
	}
}

// secondAddress looks in the registries for another address: without one (D00),
// with one that is not valid (D01) or with the same (D02), the recipient is
// unreachable.
func (a *addressee) secondAddress(now time.Time, e *envelope) {
	found, ok := a.n.server.set.residences[a.TaxID]
	var cause string
	switch {
	case !ok:
		cause = "D00"
	case !a.n.server.deliverable(found):
		cause = "D01"
	case normalized(found) == normalized(e.address):
		cause = "D02"
	default:
		a.sendAnalog(now, &envelope{attempt: 1, address: found, product: e.product, attempts: paperSequence(found.Address, e.product)})
		return
	}
	second := *e
	second.attempt = 1
	prepare := a.add(now, catPrepareAnalog, a.analogBase(&second), "ATTEMPT", 1)
	failure := details{"failureCause": cause, "prepareRequestId": prepare.id}
	if ok {
		failure["foundAddress"] = found
	}
	a.add(now, catPrepareAnalogFailure, failure)
	a.unreachable(now)
}

// unreachable ends the paper workflow without a delivery.
func (a *addressee) unreachable(now time.Time) {
	s := a.n.server
	aar := storageScheme + a.aar.key
	a.add(now, catAnalogFailure, details{"generatedAarUrl": aar})
	began := now
	fact := s.legalFact(now, factAnalogFailure, a.n.iun)
	a.add(now, catUnreachableRequest, details{"legalFactId": fact.Key, "endWorkflowStatus": "FAILURE", "completionWorkflowDate": stamp(now)})
	a.after(now, s.set.terms.LegalFact, func(now time.Time) {
		a.publish(&element{category: catUnreachable, ingested: now, facts: []factID{fact}, details: details{"legalFactGenerationDate": stamp(now)}})
		a.scheduleRefinement(now, began, s.set.terms.Analog)
	})
}

// sendSimple sends the simple registered letter after a digital failure. Its
// codes are progress only and change no status.
func (a *addressee) sendSimple(now time.Time) {
	product := a.product("RS")
	base := func() details { return details{"physicalAddress": *a.PhysicalAddress} }
	e := &envelope{address: *a.PhysicalAddress, product: product, code: a.n.server.sim.Hex(12), causes: map[string]string{}}
	e.prepare = a.add(now, catPrepareSimple, base()).id
	d, _ := a.frank(e)
	e.send = a.add(now, catSendSimple, base().with(d)).id
	a.tellFees(now, phaseSimple)
	for _, attempt := range paperSequence(a.PhysicalAddress.Address, product)[:1] {
		a.play(now, attempt, func(now time.Time, ev event) {
			if !knownPaperCode.MatchString(ev.code) {
				return
			}
			stem := strings.TrimRight(ev.code, "ABCDEF")
			if ev.opts.cause != "" {
				e.causes[stem] = ev.opts.cause
			}
			if provisional(ev.code) && !a.n.server.set.preOutcomes {
				return
			}
			date := now.Add(-paperTime(ev.opts.backdate, a.n.server.set.terms.PaperSecond))
			a.progressElement(now, catSimpleProgress, details{"sendRequestId": e.send}, e, ev, date, e.causes[stem])
		})
	}
}
