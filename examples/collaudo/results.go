package main

import (
	"strings"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
)

// The cases of the onboarding manual of SEND, section on the validation of the
// integration, in its order.
const (
	casePlain     = "TC-INVIO-01"
	casePaid      = "TC-INVIO-02"
	caseStream    = "TC-INVIO-03"
	caseDownloads = "TC-INVIO-04"
	caseOwnCost   = "TC-COSTO-01 scenario 1"
	caseOtherCost = "TC-COSTO-01 scenario 2"
)

// result is the outcome of a case.
type result struct {
	name   string
	detail string // where it passed
	err    error  // where it failed
}

func (t *trial) add(name, detail string, err error) {
	t.results = append(t.results, result{name, detail, err})
}

// text says what a result is about, in one line.
func (r *result) text() string {
	if r.err == nil {
		return r.detail
	}
	return strings.Join(strings.Fields(pa.Message(r.err, pa.Italian)), " ")
}

func (r *result) outcome() string {
	if r.err != nil {
		return "fallito"
	}
	return "superato"
}

// table prints the results of a body.
func (t *trial) table() {
	t.line("")
	t.line("%s (%s)", t.body.denomination, t.body.taxID)
	t.line("%-22s  %-8s  %s", "CASO", "ESITO", "DETTAGLIO")
	for _, r := range t.results {
		t.line("%-22s  %-8s  %s", r.name, r.outcome(), r.text())
	}
}

// summary prints the last line and returns the cases that failed as an error.
func (c *console) summary(trials []*trial) error {
	passed := 0
	var failed []string
	for _, t := range trials {
		for _, r := range t.results {
			if r.err == nil {
				passed++
				continue
			}
			failed = append(failed, r.name+" ("+t.body.taxID+")")
		}
	}
	c.line("")
	c.line("ESITO: %d superati, %d falliti", passed, len(failed))
	if len(failed) == 0 {
		return nil
	}
	return access.Fault("", "non superati: "+strings.Join(failed, ", "), "failed: "+strings.Join(failed, ", "))
}

// reportVersion is that of the files of this program.
const reportVersion = 1

// report is the form of the saved results.
type report struct {
	Version      int          `json:"version"`
	TaxID        string       `json:"ente"`
	Denomination string       `json:"denominazione"`
	Environment  string       `json:"ambiente"`
	Address      string       `json:"indirizzo"`
	Versions     apiVersions  `json:"versioni"`
	Began        string       `json:"inizio"`
	Ended        string       `json:"fine"`
	Cases        []reportCase `json:"casi"`
}

type apiVersions struct {
	Requests string `json:"requests,omitempty"` // "" is that of production
	Sent     string `json:"sent,omitempty"`
	Streams  string `json:"streams,omitempty"`
}

type reportCase struct {
	Name   string `json:"caso"`
	Passed bool   `json:"superato"`
	Detail string `json:"dettaglio"`
}

func (t *trial) report() report {
	r := report{
		Version: reportVersion, TaxID: t.body.taxID, Denomination: t.body.denomination,
		Environment: string(t.session.Environment), Address: t.session.Client.BaseURL(),
		Versions: apiVersions{string(t.versions.Requests), string(t.versions.Sent), string(t.versions.Streams)},
		Began:    stamp(t.began), Ended: stamp(t.ended),
	}
	for _, c := range t.results {
		r.Cases = append(r.Cases, reportCase{c.name, c.err == nil, c.text()})
	}
	return r
}

// errDepends is a case that could not be tried because of another.
func errDepends(on string) error {
	return access.Fault("", "non si è potuto provare: dipende da "+on+".", "could not be tried: it depends on "+on)
}
