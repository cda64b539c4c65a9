package sendtest

import (
	"strings"
	"time"
)

// Sources of digital domiciles, in the order in which they are tried.
const (
	sourcePlatform = "PLATFORM"
	sourceSpecial  = "SPECIAL"
	sourceGeneral  = "GENERAL"
)

var sources = []string{sourcePlatform, sourceSpecial, sourceGeneral}

// domicile is a digital domicile of a recipient.
type domicile struct {
	source, kind, address string
	next                  string // the address that takes its place after the first attempt
}

func (d domicile) wire() digitalAddress { return digitalAddress{Type: d.kind, Address: d.address} }

// domicile returns the domicile of a recipient in a source.
func (a *addressee) domicile(source string) (domicile, bool) {
	if source == sourceSpecial {
		if a.DigitalDomicile == nil {
			return domicile{}, false
		}
		return domicile{source: sourceSpecial, kind: a.DigitalDomicile.Type, address: a.DigitalDomicile.Address}, true
	}
	for _, d := range a.n.server.set.domiciles[a.TaxID] {
		if d.source == source {
			return d, true
		}
	}
	return domicile{}, false
}

// nextDigital tries the sources from index from on. When they are exhausted,
// those that exist are tried a second time after seven days, and if none
// exists the way is paper.
func (a *addressee) nextDigital(now time.Time, attempt, from int) {
	for i := from; i < len(sources); i++ {
		source := sources[i]
		d, ok := a.domicile(source)
		if source == sourceGeneral {
			a.askRegistry(now, attempt, d, ok)
		}
		a.add(now, catGetAddress, details{"digitalAddressSource": source, "isAvailable": ok, "attemptDate": stamp(now)}, "SOURCE", source, "ATTEMPT", attempt)
		if ok {
			send := &digitalSend{domicile: d, attempt: attempt, source: i}
			if attempt > 0 && d.next != "" {
				send.repeat, send.changed = true, &domicile{source: d.source, kind: d.kind, address: d.next}
			}
			a.sendDigital(now, send)
			return
		}
	}
	last, any := domicile{}, false
	for _, source := range sources {
		if d, ok := a.domicile(source); ok {
			last, any = d, true
		}
	}
	switch {
	case !any:
		a.startAnalog(now)
	case attempt == 0:
		second := now.Add(a.n.server.set.terms.SecondDigital)
		a.add(now, catScheduleDigital, details{
			"digitalAddress": last.wire(), "digitalAddressSource": last.source, "sentAttemptMade": 1, "lastAttemptDate": stamp(now), "schedulingDate": stamp(second),
		}, "SOURCE", last.source, "ATTEMPT", 1)
		a.n.server.after(now, second.Sub(now), func(now time.Time) {
			if a.viewed.IsZero() && !a.n.withdrawn {
				a.nextDigital(now, 1, 0)
			}
		})
	default:
		a.fail(now, last)
	}
}

// askRegistry asks the national registries for a digital domicile.
func (a *addressee) askRegistry(now time.Time, attempt int, d domicile, ok bool) {
	phase := "CHOOSE_DELIVERY"
	if a.has(catSendDigital) {
		phase = "SEND_ATTEMPT"
	}
	a.add(now, catRegistryCall, details{
		"deliveryMode": "DIGITAL", "contactPhase": phase, "sentAttemptMade": attempt, "sendDate": stamp(now),
	}, "DELIVERYMODE", "DIGITAL", "CONTACTPHASE", phase, "ATTEMPT", attempt)
	reply := details{}
	if ok {
		reply["digitalAddress"] = d.wire()
	}
	a.add(now, catRegistryResponse, reply, "CONTACTPHASE", phase, "ATTEMPT", attempt)
}

// sendDigital sends to a domicile and lets its outcome arrive.
func (a *addressee) sendDigital(now time.Time, send *digitalSend) {
	if a.has(catSendDigital) {
		a.add(now, catPrepareDigital, details{
			"digitalAddress": send.wire(), "digitalAddressSource": send.domicile.source, "retryNumber": send.attempt, "attemptDate": stamp(now),
		}, send.qualifiers()...)
	}
	send.element = a.add(now, catSendDigital, details{
		"digitalAddress": send.wire(), "digitalAddressSource": send.domicile.source, "retryNumber": send.attempt,
	}, send.qualifiers()...).id
	a.courtesy(now)
	a.playDigital(now, send, 0)
}

// digitalSend is a message under way. The second attempt goes to the address of
// the first again and then, if the domicile has changed, to the present one;
// one delivery of the two is enough, and the later one counts.
type digitalSend struct {
	domicile
	attempt   int
	source    int
	repeat    bool      // to the former address
	changed   *domicile // the present one, still to be tried
	reached   *domicile // that a message of this attempt was delivered to
	reachedAt time.Time
	element   string
	done      bool
}

func (s *digitalSend) qualifiers() []any {
	return []any{"SOURCE", s.domicile.source, "REPEAT", s.repeat, "ATTEMPT", s.attempt}
}

// end goes on from the outcome of a message.
func (a *addressee) end(now time.Time, send *digitalSend, delivered bool) {
	if delivered {
		send.reached, send.reachedAt = &send.domicile, now
	}
	next := send.changed
	switch {
	case a.n.withdrawn:
	case next != nil && a.viewed.IsZero():
		a.add(now, catGetAddress, details{
			"digitalAddressSource": next.source, "isAvailable": true, "attemptDate": stamp(now),
		}, "SOURCE", next.source, "REPEAT", false, "ATTEMPT", send.attempt)
		a.sendDigital(now, &digitalSend{
			domicile: *next, attempt: send.attempt, source: send.source, reached: send.reached, reachedAt: send.reachedAt,
		})
	case send.reached != nil:
		a.succeed(now, *send.reached, send.reachedAt)
	case a.viewed.IsZero():
		a.nextDigital(now, send.attempt, send.source+1)
	}
}

// digitalRetry is the wait before a message is sent again after an error that
// is not final, and maxRetries how often: the platform never tires of it.
const (
	digitalRetry = 10 * time.Minute
	maxRetries   = 144
)

func (a *addressee) playDigital(now time.Time, send *digitalSend, retries int) {
	var wait time.Duration
	for _, e := range digitalSequence(send.domicile, send.attempt) {
		wait += e.delay
		a.n.server.after(now, wait, func(now time.Time) { a.digitalEvent(now, send, e.code, retries) })
	}
}

// digitalEvent is what a code does: see digitalCodes.
func (a *addressee) digitalEvent(now time.Time, send *digitalSend, code string, retries int) {
	if send.done {
		return
	}
	switch digitalCodes[code] {
	case digitalProgress:
		a.digitalProgress(now, send, code, false)
	case digitalAgain:
		a.digitalProgress(now, send, code, true)
		if retries < maxRetries {
			a.n.server.after(now, digitalRetry, func(now time.Time) { a.playDigital(now, send, retries+1) })
		}
	case digitalOK:
		send.done = true
		a.digitalFeedback(now, send, code, "OK")
		a.end(now, send, true)
	case digitalKO:
		send.done = true
		a.digitalFeedback(now, send, code, "KO")
		a.end(now, send, false)
	}
}

func (a *addressee) digitalProgress(now time.Time, send *digitalSend, code string, again bool) {
	facts := a.receipts(now, send, code)
	a.publish(&element{category: catDigitalProgress, ingested: now, facts: facts, details: details{
		"digitalAddress": send.wire(), "digitalAddressSource": send.domicile.source, "retryNumber": send.attempt,
		"deliveryDetailCode": code, "shouldRetry": again, "notificationDate": stamp(now), "eventTimestamp": stamp(now),
		"sendingReceipts": receiptsOf(facts),
	}}, append(send.qualifiers(), "IDX", a.count(send.element))...)
}

func (a *addressee) digitalFeedback(now time.Time, send *digitalSend, code, outcome string) {
	facts := a.receipts(now, send, code)
	d := details{
		"digitalAddress": send.wire(), "responseStatus": outcome, "notificationDate": stamp(now),
		"deliveryDetailCode": code, "sendingReceipts": receiptsOf(facts),
	}
	if outcome == "KO" {
		d["deliveryFailureCause"] = digitalCauses[code]
	}
	a.publish(&element{category: catDigitalFeedback, ingested: now, facts: facts, details: d}, send.qualifiers()...)
}

// receipts makes the PEC receipt of a code; SERCQ has none.
func (a *addressee) receipts(now time.Time, send *digitalSend, code string) []factID {
	if send.kind != "PEC" {
		return nil
	}
	return []factID{a.n.server.receipt(now, code, a.n.iun)}
}

func receiptsOf(facts []factID) []details {
	out := []details{}
	for _, f := range facts {
		out = append(out, details{"id": f.Key, "system": "SIMULATORE"})
	}
	return out
}

// What the workflow makes of a digital code.
type digitalEffect int

const (
	digitalSkipped digitalEffect = iota // also of an unknown code
	digitalProgress
	digitalAgain // an error that is not final
	digitalOK
	digitalKO
)

// digitalCodes is the configuration of the workflow service. C000, C005 and
// C007 arrive and are not published.
var digitalCodes = map[string]digitalEffect{
	"C001": digitalProgress,
	"C008": digitalAgain, "C010": digitalAgain, "DP10": digitalAgain,
	"C003": digitalOK, "Q003": digitalOK,
	"C002": digitalKO, "C004": digitalKO, "C006": digitalKO, "C009": digitalKO, "C011": digitalKO,
	"Q010": digitalKO, "Q011": digitalKO,
}

var digitalCauses = map[string]string{
	"C002": "Non accettazione", "C004": "Errore di consegna", "C006": "Rilevazione virus",
	"C009": "Dominio non valido", "C011": "Destinatario non valido", "Q010": "Errore SERCQ", "Q011": "Errore SERCQ",
}

// event is a step of a sequence.
type event struct {
	delay time.Duration // since the step before
	code  string
	opts  eventOptions
}

const pecStep = 5 * time.Second

func pec(codes ...string) []event {
	var out []event
	for _, c := range codes {
		out = append(out, event{delay: pecStep, code: c})
	}
	return out
}

// digitalSequences are the outcomes of the mock behind the test environments,
// by the first label of the domain, per attempt; the last one holds for the
// attempts that follow.
var digitalSequences = map[string][][]event{
	"":                             {pec("C000", "C001", "C005", "C003")},
	"fail":                         {pec("C001", "C007", "C004")},
	"fail-pecfirstkosecondko":      {pec("C001", "C007", "C004")},
	"fail-pecfirstko":              {pec("C001", "C007", "C004")},
	"ok-pecfirstfailsecondsuccess": {pec("C001", "C007", "C004"), pec("C000", "C001", "C005", "C003")},
}

// digitalSequence returns the events of a send to a domicile.
func digitalSequence(d domicile, attempt int) []event {
	if d.kind == "SERCQ" {
		return pec("Q003")
	}
	_, domain, _ := strings.Cut(d.address, "@")
	if custom, ok := cutPrefixFold(domain, sequencePrefix); ok {
		if attempts := parseSequence(custom); len(attempts) > 0 {
			return attempts[min(attempt, len(attempts)-1)]
		}
	}
	label, _, _ := strings.Cut(strings.ToLower(domain), ".")
	attempts, ok := digitalSequences[label]
	if !ok {
		attempts = digitalSequences[""]
	}
	return attempts[min(attempt, len(attempts)-1)]
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
