package sendtest

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// sequencePrefix begins a sequence written in an address.
const sequencePrefix = "sequence."

// eventOptions are what a sequence says of an event in brackets.
type eventOptions struct {
	cause     string   // FAILCAUSE
	documents []string // DOC, with #Z… for a scan inside a ZIP
	discovery bool     // the courier found another address
	zip       string   // of the address found, if the sequence gives one
	backdate  time.Duration
}

var (
	attemptSeparator = regexp.MustCompile(`(?i)@discovered|attempt`)
	retrySeparator   = regexp.MustCompile(`(?i)@retry|pcretry`)
	sequenceEvent    = regexp.MustCompile(`(?:(\d{1,6})([smhd]))?-?([A-Za-z]+[0-9]*[A-Za-z]?)(?:\[([^\]]*)\])?`)
)

// Bounds of a sequence, which anyone can write in an address.
const (
	maxSequenceEvents = 100
	maxSequenceDelay  = 400 * day
)

// parseSequence reads the language of the mock behind the test environments,
//
//	5s-CON080.5s-CON020[DOC:7ZIP;PAGES:3].5s-RECRN001C@discovered.5s-…
//
// into the events of each attempt. A new shipment of the same attempt (@retry)
// simply goes on. What is not understood is left out; a text without any event
// gives nil.
func parseSequence(text string) [][]event {
	var attempts [][]event
	total := 0
	for _, attempt := range attemptSeparator.Split(text, -1) {
		var events []event
		for _, m := range sequenceEvent.FindAllStringSubmatch(retrySeparator.ReplaceAllString(attempt, "."), -1) {
			// .it at the end of a domain is no event
			if code := strings.ToUpper(m[3]); total < maxSequenceEvents && strings.ContainsAny(code, "0123456789") {
				events = append(events, event{delay: parseDelay(m[1], m[2]), code: code, opts: parseOptions(m[4])})
				total++
			}
		}
		if events != nil {
			attempts = append(attempts, events)
		}
	}
	return attempts
}

func parseDelay(number, unit string) time.Duration {
	units := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": day}
	u := units[strings.ToLower(unit)]
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || u == 0 {
		return 0
	}
	return min(time.Duration(n), maxSequenceDelay/u) * u
}

func parseOptions(text string) eventOptions {
	var o eventOptions
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, ":")
		switch strings.ToUpper(name) {
		case "DOC":
			o.documents = append(o.documents, value)
		case "FAILCAUSE":
			o.cause = strings.ToUpper(value)
		case "DISCOVERY":
			o.discovery, o.zip = true, value
		case "DELAY":
			if n := len(value); n > 1 {
				o.backdate = parseDelay(value[:n-1], value[n-1:])
			}
		}
	}
	return o
}

// Sequences of tokens that the data do not have.
const (
	defaultOK   = "5s-CON080.5s-RECRN001A.5s-RECRN001B[DOC:AR].5s-RECRN001C"
	defaultFail = "5s-CON080.5s-RECRN002A.5s-RECRN002B[DOC:Plico].5s-RECRN002C"
)

// paperSequence returns the events of a paper delivery, per attempt: those
// written in the street, or those of its token. The token is searched from the
// first «ok» or «fail» of the whole street to the next space, whatever the
// case; a street without @, or with a bare @ok, is delivered as its product is.
func paperSequence(street, product string) [][]event {
	lower := strings.ToLower(street)
	if i := strings.Index(lower, "@"+sequencePrefix); i >= 0 {
		custom, _, _ := strings.Cut(street[i+1+len(sequencePrefix):], " ")
		if attempts := parseSequence(custom); attempts != nil {
			return attempts
		}
	}
	token := ""
	if strings.Contains(lower, "@") {
		token, _, _ = strings.Cut(fromToken(lower), " ")
	}
	if token == "" || token == "ok" {
		token = "ok_" + strings.ToLower(product)
	}
	text, ok := paperSequences[token]
	switch {
	case !ok && strings.HasPrefix(token, "fail"):
		text = defaultFail
	case !ok:
		text = defaultOK
	}
	return parseSequence(text)
}

// fromToken returns the text from its first ok or fail on.
func fromToken(lower string) string {
	at := -1
	for _, word := range []string{"ok", "fail"} {
		if i := strings.Index(lower, word); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	if at < 0 {
		return ""
	}
	return lower[at:]
}
