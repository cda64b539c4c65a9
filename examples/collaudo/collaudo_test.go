package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// Keys that must never be seen again, and a second body.
const (
	creditorKey = "canarino-creditore-5b1e"
	secondKey   = "canarino-secondo-ente-9d02"
	secondTaxID = "98765432103"
)

// canaries are secrets and personal data of the tests.
var canaries = []string{sendtest.APIKey, simulatedCreditorKey, creditorKey, secondKey, "SMPDNN80A41H501D", portalTaxID, "Adanna", "@pec.esempio", "Via Torino", "eyJ", "X-Amz"}

// clean takes the variables of whoever runs the tests away, and gives them a
// folder for temporary files.
func clean(t *testing.T) string {
	t.Helper()
	for _, name := range []string{
		send.EnvEnvironment, send.EnvBaseURL, send.EnvAPIKey, send.EnvAPIKey + "_FILE", send.EnvRequests, send.EnvSent, send.EnvStreams, send.EnvPrice,
		pdnd.EnvEnvironment, pdnd.EnvTokenURL, pdnd.EnvAudience, pdnd.EnvClientID, pdnd.EnvKeyID, pdnd.EnvKey, pdnd.EnvKeyFile, pdnd.EnvPurposeID,
		envCreditorKey, envCreditorKey + "_FILE",
	} {
		t.Setenv(name, "")
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("TMP", tmp) // Windows
	return tmp
}

// execute runs the command and checks that nothing secret or personal is in
// what it prints.
func execute(ctx context.Context, t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(ctx, args, &out, &err)
	for _, canary := range canaries {
		require.NotContains(t, out.String()+err.String(), canary)
	}
	return code, out.String(), err.String()
}

// server is a simulator somewhere else, and the flags that lead to it.
func server(t *testing.T, options ...sendtest.Option) (*sendtest.Server, []string) {
	t.Helper()
	clean(t)
	sender := func(key, taxID string) sendtest.Option {
		return sendtest.WithSender(sendtest.Sender{APIKey: key, TaxID: taxID, Over20Grams: true})
	}
	srv := sendtest.New(t, append([]sendtest.Option{
		sendtest.WithAddr("127.0.0.1:0"), sendtest.WithClock(patest.Day(100 * time.Millisecond)), sendtest.WithRetryAfter(12*time.Hour, true),
		sendtest.WithTerms(func(terms *sendtest.Terms) {
			const years = 100 * 365 * 24 * time.Hour
			terms.Storage, terms.StreamEvents, terms.Documents = years, years, years
		}),
		sender(sendtest.APIKey, sendtest.SenderTaxID), sender(secondKey, secondTaxID), sender(creditorKey, testCreditor),
	}, options...)...)
	return srv, []string{"-url", srv.URL(), "-api-key", sendtest.APIKey}
}

// rows returns the outcomes of the tables by case, in order.
func rows(stdout string) (names []string, outcome map[string]string) {
	outcome = map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(TC-\S+(?: scenario \d)?) +(superato|fallito) +(\S.*)$`).FindAllStringSubmatch(stdout, -1) {
		names = append(names, m[1])
		outcome[m[1]] = m[2] + ": " + m[3]
	}
	return names, outcome
}

var allCases = []string{casePlain, casePaid, caseStream, caseDownloads, caseOwnCost, caseOtherCost}

func readJSON(t *testing.T, v any, elem ...string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v))
}

// readTable returns the rows of a CSV by the names of the columns.
func readTable(t *testing.T, elem ...string) []map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	require.NoError(t, err)
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	r.Comma = ';'
	all, err := r.ReadAll()
	require.NoError(t, err)
	var list []map[string]string
	for _, record := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = record[i]
		}
		list = append(list, row)
	}
	return list
}

func TestWithoutFlags(t *testing.T) {
	tmp := clean(t)
	began := time.Now()
	code, stdout, stderr := execute(t.Context(), t)
	require.Zero(t, code, stdout+stderr)
	require.Empty(t, stderr)
	t.Logf("six cases in %s", time.Since(began))
	require.True(t, strings.HasSuffix(stdout, "\nESITO: 6 superati, 0 falliti\n"), stdout)
	require.NotContains(t, stdout, "\r", "no rewritten lines in a pipe")
	names, outcome := rows(stdout)
	require.Equal(t, allCases, names)
	require.Contains(t, outcome[caseOwnCost], "superato: 2,00 € sull'avviso")
	dirs, err := filepath.Glob(filepath.Join(tmp, "collaudo-*"))
	require.NoError(t, err)
	require.Len(t, dirs, 1)
	require.Contains(t, stdout, "Prove in "+dirs[0])
	checkEvidence(t, filepath.Join(dirs[0], sendtest.SenderTaxID), testCreditor)
}

// checkEvidence holds a folder against what the acceptance asks for.
func checkEvidence(t *testing.T, dir, askedBy string) {
	t.Helper()
	var results report
	readJSON(t, &results, dir, "esito.json")
	require.Len(t, results.Cases, 6)
	iuns := map[string]string{}
	for _, name := range []string{"TC-INVIO-01", "TC-INVIO-02", "TC-COSTO-01-scenario-2"} {
		var request send.Notification
		var deposit depositReport
		readJSON(t, &request, dir, name, "richiesta.json")
		readJSON(t, &deposit, dir, name, "deposito.json")
		require.Equal(t, request.PaProtocolNumber, deposit.PaProtocolNumber)
		require.NotEmpty(t, deposit.NotificationRequestID)
		require.NotEmpty(t, deposit.SubmittedAt)
		require.Equal(t, "accettata", deposit.Outcome)
		require.NotEmpty(t, request.Documents[0].Digests.SHA256)
		require.NotEmpty(t, request.Documents[0].Ref.VersionToken)
		act, err := os.ReadFile(filepath.Join(dir, name, actFile))
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(act, []byte("%PDF-")))
		iuns[deposit.IUN] = name
		if name == "TC-INVIO-01" {
			require.Equal(t, send.IntModeNone, request.PagoPaIntMode)
			raw, err := os.ReadFile(filepath.Join(dir, name, "richiesta.json"))
			require.NoError(t, err)
			require.Contains(t, string(raw), `"payments": []`)
			continue
		}
		require.Equal(t, send.IntModeSync, request.PagoPaIntMode)
		require.FileExists(t, filepath.Join(dir, name, noticeFile))
		payment := request.Recipients[0].Payments[0].PagoPA
		require.Equal(t, name == "TC-INVIO-02", payment.CreditorTaxID == request.SenderTaxID)
		scenario := strings.ReplaceAll(name, "TC-INVIO-02", "TC-COSTO-01-scenario-1")
		var cost costReport
		readJSON(t, &cost, dir, scenario, "costo.json")
		require.Equal(t, deposit.IUN, cost.IUN)
		require.Equal(t, payment.NoticeCode, cost.NoticeCode)
		require.Equal(t, payment.CreditorTaxID, cost.Creditor)
		require.NotEmpty(t, cost.Asked)
		require.NotEmpty(t, cost.Perfected)
		require.EqualValues(t, 200, cost.Total)
		require.Contains(t, string(cost.Reply), `"totalPrice": 200`)
		if name == "TC-COSTO-01-scenario-2" {
			require.Equal(t, askedBy, cost.AskedBy)
		}
	}
	require.Len(t, iuns, 3)

	events := readTable(t, dir, caseStream, "eventi.csv")
	ends := map[string]bool{}
	for _, e := range events {
		require.NotEmpty(t, e["data"])
		require.NotEmpty(t, e["tipo"])
		_, err := time.Parse(time.RFC3339Nano, e["timestamp"])
		require.NoError(t, err)
		require.True(t, e["iun"] == "" || iuns[e["iun"]] != "")
		if endings[send.Category(e["tipo"])] != "" {
			ends[e["iun"]] = true
		}
	}
	require.Len(t, ends, 3)
	var raw []json.RawMessage
	readJSON(t, &raw, dir, caseStream, "eventi.json")
	require.Len(t, raw, len(events))
	var readings []reading
	readJSON(t, &readings, dir, caseStream, "letture.json")
	_, broken := early(readings)
	require.False(t, broken)
	waits := 0
	for _, r := range readings[:len(readings)-1] {
		if r.RetryAfter != "0" {
			waits++
		}
	}
	require.Positive(t, waits, "there is something to prove")

	kinds := map[string]int{}
	for _, d := range readTable(t, dir, caseDownloads, "documenti.csv") {
		require.Empty(t, d["nota"])
		kinds[d["tipo"]]++
		info, err := os.Stat(filepath.Join(dir, caseDownloads, filepath.FromSlash(d["file"])))
		require.NoError(t, err)
		require.Positive(t, info.Size())
		require.Regexp(t, `^[0-9A-Z-]+-[0-9A-Za-z-]+/\d\d-[a-z-]+\.[a-z]{3}$`, d["file"])
		require.Equal(t, d["tipo"] == kindAct || d["tipo"] == kindNotice, d["timestamp"] == "")
	}
	require.Equal(t, 3, kinds[kindAct])
	require.Equal(t, 2, kinds[kindNotice])
	require.Equal(t, 3, kinds["REQUEST_ACCEPTED"])
	require.Equal(t, 3, kinds["AAR_GENERATION"])

	exchanges := map[string]int{}
	manifest, err := os.ReadFile(filepath.Join(dir, exchangesDir, "manifest.jsonl"))
	require.NoError(t, err)
	for line := range bytes.Lines(manifest) {
		var e pa.EvidenceEntry
		require.NoError(t, json.Unmarshal(line, &e))
		exchanges[e.Op]++
	}
	require.Equal(t, map[string]int{"send.Submit": 3, "send.Price": 2}, exchanges)

	// Nothing of the evidence has credentials.
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		for _, secret := range []string{sendtest.APIKey, simulatedCreditorKey, creditorKey, secondKey, "Bearer", "eyJ", "X-Amz"} {
			require.NotContains(t, string(data), secret, name)
		}
		return err
	}))
}

func TestElsewhere(t *testing.T) {
	srv, flags := server(t)
	out := filepath.Join(t.TempDir(), "nuova", "cartella")
	code, stdout, stderr := execute(t.Context(), t, append(flags, "-out", out, "-creditore-api-key", creditorKey)...)
	require.Zero(t, code, stdout+stderr)
	checkEvidence(t, filepath.Join(out, sendtest.SenderTaxID), testCreditor)
	require.Equal(t, 2, srv.Count("Price"))
	require.Zero(t, srv.Count("DeleteStream"), "a judge may look at it")

	code, _, stderr = execute(t.Context(), t, append(flags, "-out", out)...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "-out: contiene già le prove dell'ente "+sendtest.SenderTaxID)

	// Without a key of its own, the body asks for the creditor.
	out = t.TempDir()
	code, stdout, stderr = execute(t.Context(), t, append(flags, "-out", out)...)
	require.Zero(t, code, stdout+stderr)
	var cost costReport
	readJSON(t, &cost, out, sendtest.SenderTaxID, "TC-COSTO-01-scenario-2", "costo.json")
	require.Equal(t, sendtest.SenderTaxID, cost.AskedBy)
}

func TestUAT(t *testing.T) {
	srv, flags := server(t)
	code, stdout, stderr := execute(t.Context(), t, append(flags, "-ambiente", "uat", "-ente", sendtest.SenderTaxID)...)
	require.Zero(t, code, stdout+stderr)
	require.Contains(t, stdout, "DA APRIRE, come destinatario lucia.mondella su https://login.uat.notifichedigitali.it")
	require.Contains(t, stdout, "Si aspetta fino a 30 min (-attesa).")
	require.Contains(t, stdout, "per decorrenza dei termini", "nobody opened them")
	require.Equal(t, 1, srv.Count("DeleteStream"), "a body has few")

	code, _, stderr = execute(t.Context(), t, append(flags, "-ambiente", "uat")...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "-ente: manca")
}

// somebody reads what the command prints, and does something about it.
type somebody struct {
	read bytes.Buffer
	do   func(line string)
}

func (s *somebody) Write(p []byte) (int, error) {
	s.do(string(p))
	return s.read.Write(p)
}

func TestOpenedInTime(t *testing.T) {
	srv, flags := server(t)
	asked := regexp.MustCompile(`^  ([A-Z0-9-]{25})  Collaudo SEND`)
	person := &somebody{do: func(line string) {
		if m := asked.FindStringSubmatch(line); m != nil {
			require.NoError(t, srv.View(m[1], 0))
		}
	}}
	var stderr bytes.Buffer
	code := run(t.Context(), append(flags, "-ambiente", "uat", "-ente", sendtest.SenderTaxID), person, &stderr)
	require.Zero(t, code, person.read.String()+stderr.String())
	require.Equal(t, 3, strings.Count(person.read.String(), ": perfezionata per presa visione\n"), person.read.String())
}

func TestOlderVersions(t *testing.T) {
	clean(t)
	out := t.TempDir()
	code, stdout, stderr := execute(t.Context(), t, "-requests-version", "v2.3", "-sent-version", "v2.4", "-streams-version", "v2.4", "-out", out)
	require.Zero(t, code, stdout+stderr)
	checkEvidence(t, filepath.Join(out, sendtest.SenderTaxID), testCreditor)
	var results report
	readJSON(t, &results, out, sendtest.SenderTaxID, "esito.json")
	require.Equal(t, apiVersions{"v2.3", "v2.4", "v2.4"}, results.Versions)
}

func TestAllOfABody(t *testing.T) {
	clean(t)
	t.Setenv(envCreditorKey, creditorKey)
	out := t.TempDir()
	code, stdout, stderr := execute(t.Context(), t, "-ente", secondTaxID, "-denominazione", "Comune Secondo", "-gruppo", "gruppo-1", "-tassonomia", "010202N",
		"-creditore", "12345678903", "-nav-sync", "302010000000000017", "-nav-async", "302011000000000019", "-api-key", secondKey, "-out", out, "-attesa", "50s")
	require.Zero(t, code, stdout+stderr)
	require.Contains(t, stdout, "Comune Secondo ("+secondTaxID+")")
	_, outcome := rows(stdout)
	require.Contains(t, outcome[casePaid], "(SYNC)")
	require.Contains(t, outcome[casePaid], "(ASYNC)")
	for name, want := range map[string]struct {
		mode             send.IntMode
		creditor, notice string
	}{
		"TC-INVIO-02":            {send.IntModeSync, secondTaxID, "302010000000000017"},
		"TC-INVIO-02-asincrona":  {send.IntModeAsync, secondTaxID, "302011000000000019"},
		"TC-COSTO-01-scenario-2": {send.IntModeSync, "12345678903", ""},
	} {
		var request send.Notification
		readJSON(t, &request, out, secondTaxID, name, "richiesta.json")
		require.Equal(t, want.mode, request.PagoPaIntMode)
		require.Equal(t, "gruppo-1", request.Group)
		require.Equal(t, "010202N", request.TaxonomyCode)
		require.Equal(t, "Comune Secondo", request.SenderDenomination)
		payment := request.Recipients[0].Payments[0].PagoPA
		require.Equal(t, want.creditor, payment.CreditorTaxID)
		if want.notice != "" {
			require.Equal(t, want.notice, payment.NoticeCode)
		}
	}
}

// A case that fails makes the run fail, is named, and stops no other that does
// not need it.
func TestCasesThatFail(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options []sendtest.Option
		op      string
		fault   patest.Fault
		args    []string
		failed  map[string]string // what each says
	}{
		{name: "a legal fact", op: "LegalFact", fault: patest.Fault{Status: 404, Body: `{"status":404,"errors":[{"code":"PN_DELIVERYPUSH_NOTFOUND"}]}`},
			failed: map[string]string{caseDownloads: `non scaricati 1 su \d+; il primo: REQUEST_ACCEPTED di TC-INVIO-01: L'attestazione non esiste`}},
		{name: "a damaged document", op: "Download", fault: patest.Fault{Truncate: 3},
			failed: map[string]string{caseDownloads: `non scaricati 1 su \d+`}},
		{name: "a payment document", op: "PaymentDocument", fault: patest.Fault{Times: -1, Status: 404, Body: `{"status":404,"errors":[{"code":"PN_DELIVERY_FILEINFONOTFOUND"}]}`},
			failed: map[string]string{caseDownloads: `non scaricati 2 su \d+; il primo: AVVISO di TC-INVIO-02`}},
		{name: "the detail", op: "SentNotification", fault: patest.Fault{Times: -1, Status: 400, Body: `{"status":400,"errors":[{"code":"X"}]}`},
			failed: map[string]string{caseDownloads: `non scaricati 3 su 3; il primo: dettaglio di TC-INVIO-01`}},
		{name: "the first price", op: "Price", fault: patest.Fault{Status: 404, Body: `{"status":404,"errors":[{"code":"PN_DELIVERY_NOTIFICATIONCOSTNOTFOUND"}]}`},
			failed: map[string]string{caseOwnCost: `.`}},
		{name: "a price without a total", op: "Price", fault: patest.Fault{Skip: 1, Replace: member("totalPrice", "altro")},
			failed: map[string]string{caseOtherCost: `la risposta non dice il costo totale`}},
		{name: "a price of another", op: "Price", fault: patest.Fault{Replace: member("iun", "altro")},
			failed: map[string]string{caseOwnCost: `il costo è di un'altra notifica`}},
		{name: "a price without a date", op: "Price", fault: patest.Fault{Replace: member("refinementDate", "altro")},
			failed: map[string]string{caseOwnCost: `non dice quando la notifica è stata perfezionata`}},
		{name: "the stream", op: "CreateStream", fault: patest.Fault{Status: 409, Body: `{"status":409,"errors":[{"code":"PN_WEBHOOK_MAXSTREAMSCOUNTREACHED"}]}`},
			failed: map[string]string{caseStream: `.`, caseOwnCost: "da TC-INVIO-03 la notifica .* non risulta perfezionata", caseOtherCost: "non risulta perfezionata"}},
		{name: "a notification", op: "Submit", fault: patest.Fault{Skip: 1, Status: 400, Body: `{"status":400,"errors":[{"code":"PN_INVALID_BODY"}]}`},
			failed: map[string]string{casePaid: `.`, caseOwnCost: "dipende da TC-INVIO-02"}},
		{name: "all refused", options: []sendtest.Option{sendtest.WithUnknownTaxIDs("SMPDNN80A41H501D")},
			failed: map[string]string{casePlain: `TAXID_NOT_VALID|codice fiscale`, casePaid: `.`, caseStream: "dipende da TC-INVIO-01 e TC-INVIO-02", caseDownloads: "dipende da", caseOwnCost: "dipende da", caseOtherCost: "dipende da"}},
		{name: "no acceptance in time", args: []string{"-attesa", "300ms"}, options: []sendtest.Option{sendtest.WithClock(patest.RealTime())},
			failed: map[string]string{casePlain: `non è stata accettata entro 0,3 s \(-attesa\)`, casePaid: `.`, caseStream: `.`, caseDownloads: `.`, caseOwnCost: `.`, caseOtherCost: `.`}},
		{name: "a wrong key", args: []string{"-api-key", "chiave-sbagliata"},
			failed: map[string]string{casePlain: `SEND non ha accettato le credenziali`, casePaid: `.`, caseStream: `.`, caseDownloads: `.`, caseOwnCost: `.`, caseOtherCost: `.`}},
		{name: "a wrong key of the creditor", args: []string{"-creditore-api-key", "chiave-sbagliata"},
			failed: map[string]string{caseOtherCost: `SEND non ha accettato le credenziali`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv, flags := server(t, tt.options...)
			if tt.op != "" {
				require.NoError(t, srv.Inject(tt.op, tt.fault))
			}
			code, stdout, stderr := execute(t.Context(), t, append(flags, tt.args...)...)
			require.Equal(t, 1, code, stdout)
			names, outcome := rows(stdout)
			require.Equal(t, allCases, names, stdout)
			for _, name := range allCases {
				want, fails := tt.failed[name]
				if !fails {
					require.Contains(t, outcome[name], "superato", "%s\n%s", name, stdout)
					continue
				}
				require.Regexp(t, "^fallito: (?s).*("+want+")", outcome[name], name)
				require.Contains(t, stderr, name+" ("+sendtest.SenderTaxID+")")
			}
			require.True(t, strings.HasPrefix(stderr, "collaudo: non superati: "), stderr)
			require.Regexp(t, `\nESITO: \d superati, \d falliti\n$`, stdout)
		})
	}
}

// A test server may lack the notices to recipients, and serve the same file for
// all: that is noted. SEND may not.
func TestPoorServer(t *testing.T) {
	srv, flags := server(t)
	same := patest.Fault{Times: -1, Replace: func(status int, h http.Header, _ []byte) (int, http.Header, []byte) {
		h.Del("Content-Length")
		return status, h, []byte("%PDF-1.4 always the same")
	}}
	require.NoError(t, srv.Inject("Download", same))
	require.NoError(t, srv.Inject("AAR", patest.Fault{Times: -1, Status: 404, Body: "<html>"}))
	out := t.TempDir()
	code, stdout, stderr := execute(t.Context(), t, append(flags, "-out", out)...)
	require.Zero(t, code, stdout+stderr)
	notes := map[string]int{}
	for _, d := range readTable(t, out, sendtest.SenderTaxID, caseDownloads, "documenti.csv") {
		notes[d["nota"]]++
		require.Equal(t, d["tipo"] == "AAR_GENERATION", d["file"] == "")
	}
	require.Equal(t, 3, notes["questo server non lo dà"])
	require.Equal(t, 5, notes["impronta diversa da quella dichiarata"], "acts and notices; legal facts declare none")

	code, stdout, _ = execute(t.Context(), t, append(flags, "-ambiente", "uat", "-ente", sendtest.SenderTaxID)...)
	require.Equal(t, 1, code)
	require.Contains(t, stdout, "ESITO: 5 superati, 1 falliti")
	_, outcome := rows(stdout)
	require.Contains(t, outcome[caseDownloads], "fallito")
}

// Some servers tell the events of newer versions in the form of the first.
func TestFlatEvents(t *testing.T) {
	n := &notification{name: "x", deposit: send.Deposit{NotificationRequestID: "r", IUN: "i"}}
	r := &reader{known: map[string]*notification{"r": n}, told: map[*notification]bool{}, open: map[*notification]bool{n: true}}
	tr := &trial{console: newConsole(io.Discard), zone: time.UTC}
	event := func(id, request, raw string) *send.Event {
		return &send.Event{EventID: id, NotificationRequestID: request, IUN: "i", NewStatus: send.StatusAccepted, Raw: json.RawMessage(raw)}
	}
	require.NoError(t, r.take(tr, event("0", "r", `{"timelineEventCategory":"REQUEST_ACCEPTED","timestamp":"2026-03-01T10:00:00Z"}`)))
	require.NoError(t, r.take(tr, event("1", "of others", `{}`)))
	require.NoError(t, r.take(tr, event("2", "r", `{"timelineEventCategory":"REFINEMENT","timestamp":"2026-03-09T10:00:00Z"}`)))
	require.Error(t, r.take(tr, event("3", "r", `{"timestamp":"yesterday"}`)))
	require.Equal(t, [][]string{
		{"0", "r", "i", "01/03/2026 10:00:00", "REQUEST_ACCEPTED", "2026-03-01T10:00:00Z", "ACCEPTED"},
		{"2", "r", "i", "09/03/2026 10:00:00", "REFINEMENT", "2026-03-09T10:00:00Z", "ACCEPTED"},
	}, r.rows)
	require.True(t, r.told[n])
	require.Empty(t, r.open)
	require.Equal(t, send.CategoryRefinement, n.perfected)
}

// member renames a member of a reply.
func member(name, to string) func(int, http.Header, []byte) (int, http.Header, []byte) {
	return func(status int, h http.Header, body []byte) (int, http.Header, []byte) {
		h.Del("Content-Length")
		return status, h, bytes.Replace(body, []byte(`"`+name+`"`), []byte(`"`+to+`"`), 1)
	}
}

func TestStopped(t *testing.T) {
	srv, flags := server(t, sendtest.WithClock(patest.RealTime()))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	person := &somebody{do: func(line string) {
		if strings.HasPrefix(line, "TC-COSTO-01-scenario-2: richiesta inviata") {
			cancel()
		}
	}}
	var stderr bytes.Buffer
	code := run(ctx, append(flags, "-ambiente", "uat", "-ente", sendtest.SenderTaxID), person, &stderr)
	require.Equal(t, 1, code)
	require.Contains(t, person.read.String(), "ESITO: 0 superati, 6 falliti")
	require.Equal(t, 1, srv.Count("DeleteStream"), "given back also then")
}

// written makes a file of a folder.
func written(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestManyBodies(t *testing.T) {
	srv, flags := server(t)
	dir, out := t.TempDir(), t.TempDir()
	written(t, dir, "primo.key", sendtest.APIKey+"\n")
	written(t, dir, "secondo.key", secondKey)
	file := written(t, dir, "enti.csv", "\ufeffcodice_fiscale;api_key_file;denominazione\r\n"+
		sendtest.SenderTaxID+";primo.key;Comune Primo\r\n"+secondTaxID+";"+filepath.Join(dir, "secondo.key")+";\"Comune; Secondo\"\r\n")
	code, stdout, stderr := execute(t.Context(), t, "-url", srv.URL(), "-enti", file, "-out", out)
	require.Zero(t, code, stdout+stderr)
	require.True(t, strings.HasSuffix(stdout, "\nESITO: 12 superati, 0 falliti\n"), stdout)
	require.Less(t, strings.Index(stdout, "Comune Primo ("+sendtest.SenderTaxID), strings.Index(stdout, "Comune; Secondo ("+secondTaxID))
	require.Contains(t, stdout, "["+secondTaxID+"] TC-INVIO-01: richiesta accettata")
	for _, taxID := range []string{sendtest.SenderTaxID, secondTaxID} {
		checkEvidence(t, filepath.Join(out, taxID), taxID)
	}

	// One of them with a wrong key: the other passes, and the run fails.
	written(t, dir, "secondo.key", "chiave-revocata")
	code, stdout, stderr = execute(t.Context(), t, "-url", srv.URL(), "-enti", file, "-out", t.TempDir())
	require.Equal(t, 1, code)
	require.Contains(t, stdout, "ESITO: 6 superati, 6 falliti")
	require.Contains(t, stderr, "TC-INVIO-01 ("+secondTaxID+")")
	require.NotContains(t, stderr, sendtest.SenderTaxID)

	// What is wrong with one of them is found before anything is sent.
	calls := srv.Count("*")
	wrong := written(t, dir, "sbagliato.csv", "codice_fiscale;api_key_file;nav_sync\n"+sendtest.SenderTaxID+";primo.key;\n"+secondTaxID+";secondo.key;302\n")
	code, _, stderr = execute(t.Context(), t, "-url", srv.URL(), "-enti", wrong)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "-enti, ente "+secondTaxID+": -nav-sync: deve avere 18 cifre")
	require.Equal(t, calls, srv.Count("*"))

	// What belongs to one body cannot be given for all.
	code, _, stderr = execute(t.Context(), t, append(slices.Clone(flags), "-enti", file)...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "-api-key: è di un solo ente")
}

func TestManyBodiesWithoutPlatform(t *testing.T) {
	clean(t)
	dir := t.TempDir()
	written(t, dir, "k", secondKey)
	file := written(t, dir, "enti.csv", "codice_fiscale,api_key_file,creditore_api_key_file,creditore\n"+secondTaxID+",k,k2,12345678903\n01234567897,k,,\n")
	written(t, dir, "k2", creditorKey)
	code, stdout, stderr := execute(t.Context(), t, "-enti", file, "-out", t.TempDir())
	require.Zero(t, code, stdout+stderr)
	require.Contains(t, stdout, "ESITO: 12 superati, 0 falliti")
}

func TestReadBodies(t *testing.T) {
	dir := t.TempDir()
	written(t, dir, "k", secondKey)
	written(t, dir, "vuoto", "\n")
	const head = "codice_fiscale;api_key_file\n"
	for _, tt := range []struct{ name, data, want string }{
		{"empty", "", "riga 1: manca la riga di intestazione"},
		{"no bodies", head, "riga 2: non c'è nessun ente"},
		{"unknown column", "codice_fiscale;api_key_file;" + secondKey + "\n", "riga 1: la colonna 3 non si conosce"},
		{"column twice", "codice_fiscale;api_key_file;API_KEY_FILE\n", "riga 1: la colonna 3"},
		{"no key column", "codice_fiscale\n" + secondTaxID + "\n", "riga 1: servono almeno le colonne"},
		{"no key", head + secondTaxID + ";\n", "riga 2: manca api_key_file"},
		{"no such key", head + secondTaxID + ";" + secondKey + "\n", "riga 2: api_key_file: il file della chiave non si può leggere"},
		{"empty key", head + secondTaxID + ";vuoto\n", "riga 2: api_key_file: il file della chiave"},
		{"creditor's key", "codice_fiscale;api_key_file;creditore_api_key_file\n" + secondTaxID + ";k;x\n", "riga 2: creditore_api_key_file: il file"},
		{"tax id", head + "RSSMRA80A01H501U;k\n", "riga 2: codice_fiscale non ha 11 cifre"},
		{"twice", head + secondTaxID + ";k\n" + secondTaxID + ";k\n", "riga 3: l'ente compare due volte"},
		{"width", head + secondTaxID + ";k;z\n", "riga 2: non ha tante colonne"},
		{"quotes", head + "\"" + secondTaxID + ";k\n", "riga 2: non ha tante colonne"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readBodies([]byte(tt.data), body{}, dir)
			text := pa.Message(err, pa.Italian)
			require.True(t, strings.HasPrefix(text, "-enti, "+tt.want), text)
			require.NotContains(t, text+err.Error(), secondKey)
			require.NotContains(t, text+err.Error(), "RSSMRA")
		})
	}
	all, err := readBodies([]byte("PDND_Client_ID, pdnd_kid ,pdnd_key_file,pdnd_purpose,nav_sync,nav_async,tassonomia,gruppo,api_key_file,codice_fiscale\n"+
		"a,b,c,d,e,f,,h,k,"+secondTaxID+"\n"), body{taxonomy: "010101P", creditor: testCreditor}, dir)
	require.NoError(t, err)
	require.Len(t, all, 1)
	b := all[0]
	require.Equal(t, []string{"a", "b", filepath.Join(dir, "c"), "d", secondKey},
		[]string{b.access.PDNDClientID, b.access.PDNDKeyID, b.access.PDNDKeyFile, b.access.PDNDPurposeID, b.access.APIKey})
	require.Equal(t, []string{"e", "f", "010101P", "h", testCreditor, secondTaxID}, []string{b.navSync, b.navAsync, b.taxonomy, b.group, b.creditor, b.taxID})
}

func FuzzReadBodies(f *testing.F) {
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "k"), []byte("chiave"), 0o600); err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "\ufeff", "codice_fiscale;api_key_file\r\n98765432103;k\r\n", "api_key_file,codice_fiscale,gruppo\nk,98765432103,\"a\nb\"\n",
		"codice_fiscale;api_key_file\n;\n", "codice_fiscale;api_key_file\n\"", "codice_fiscale;api_key_file\n\n\n1;2;3", ";;;\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := readBodies(data, body{}, dir)
		if err != nil {
			if !strings.HasPrefix(pa.Message(err, pa.Italian), "-enti, riga ") {
				t.Fatal("an error that does not say where")
			}
			return
		}
		seen := map[string]bool{}
		for _, b := range all {
			if b.access.APIKey == "" || !bodyPattern.MatchString(b.taxID) || seen[b.taxID] {
				t.Fatal("a body without key or tax code, or twice")
			}
			seen[b.taxID] = true
		}
		if len(all) == 0 {
			t.Fatal("nobody, and no error")
		}
	})
}

func TestBadFlags(t *testing.T) {
	srv, flags := server(t)
	dir := t.TempDir()
	with := func(args ...string) []string { return append(slices.Clone(flags), args...) }
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown", []string{"-prova"}, "non esiste l'opzione -prova"},
		{"stray", []string{"x"}, `non si capisce "x"`},
		{"wait", []string{"-attesa", "presto"}, "opzione -attesa: serve una durata"},
		{"production", []string{"-ambiente", "produzione", "-ente", secondTaxID, "-api-key", secondKey}, "-ambiente: il collaudo non si esegue in produzione"},
		{"tax id", with("-ente", "RSSMRA80A01H501U"), "-ente: deve avere 11 cifre"},
		{"creditor", with("-creditore", "x"), "-creditore: deve avere 11 cifre"},
		{"creditor is the body", with("-creditore", sendtest.SenderTaxID), "-creditore: nello scenario 2 il creditore non è l'ente"},
		{"notice", with("-nav-sync", "302"), "-nav-sync: deve avere 18 cifre"},
		{"async notice", with("-nav-async", "302"), "-nav-async: deve avere 18 cifre"},
		{"notice twice", with("-nav-async", "302010000000000017", "-nav-sync", "302010000000000017"), "-nav-async: deve essere un altro avviso"},
		{"version", with("-requests-version", "v1.9"), "Versione non gestita"},
		{"no file", with("-enti", "nulla.csv")[2:], "-api-key"},
		{"no such file", []string{"-url", srv.URL(), "-enti", filepath.Join(dir, "nulla.csv")}, "il file non si può leggere"},
		{"folder", with("-out", "collaudo_test.go"), "-out: la cartella non si può usare"},
		{"no key", []string{"-url", srv.URL()}, "-api-key (SEND_API_KEY)"},
		{"hosts of nowhere", []string{"-rete", "-ambiente", "marte"}, "-ambiente: ambiente sconosciuto"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := execute(t.Context(), t, tt.args...)
			require.Equal(t, 1, code)
			require.Contains(t, stderr, tt.want)
			require.NotContains(t, stdout, "ESITO")
			require.NotContains(t, stderr, "RSSMRA")
		})
	}
	require.Zero(t, srv.Count("*"), "nothing was called")

	t.Setenv(envCreditorKey, "a")
	t.Setenv(envCreditorKey+"_FILE", "b")
	code, _, stderr := execute(t.Context(), t, flags...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, envCreditorKey)
	t.Setenv(envCreditorKey, "")
	t.Setenv(envCreditorKey+"_FILE", filepath.Join(dir, "nulla"))
	code, _, stderr = execute(t.Context(), t)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "-creditore-api-key: la chiave non si può leggere")
}

func TestHelp(t *testing.T) {
	code, stdout, stderr := execute(t.Context(), t, "-h")
	require.Zero(t, code)
	require.Empty(t, stderr)
	o := new(options)
	for _, f := range append(o.flags(), o.body.access.Flags()...) {
		require.Contains(t, stdout, "\n  -"+f.Name)
	}
	for _, c := range columns {
		require.Contains(t, stdout, "\n  "+c.name)
	}
	require.Contains(t, stdout, "cronologia della shell")
	for line := range strings.Lines(stdout) {
		require.LessOrEqual(t, len([]rune(line)), 90, line)
	}
}

func TestHosts(t *testing.T) {
	clean(t)
	code, stdout, stderr := execute(t.Context(), t, "-rete")
	require.Zero(t, code, stderr)
	for _, host := range []string{"api.uat.notifichedigitali.it", "auth.uat.interop.pagopa.it", "login.uat.notifichedigitali.it",
		"api.notifichedigitali.it", "auth.interop.pagopa.it", "*.s3.eu-south-1.amazonaws.com"} {
		require.Contains(t, stdout, "\n  "+host+" ")
	}
	code, stdout, _ = execute(t.Context(), t, "-rete", "-ambiente", "uat", "-url", "https://proxy.example:8443/send")
	require.Zero(t, code)
	require.NotContains(t, stdout, "PRODUZIONE")
	require.Contains(t, stdout, "\n  proxy.example:8443 ")
}

func TestEarly(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	for _, tt := range []struct {
		name     string
		readings []reading
		at       int
	}{
		{"none", nil, -1},
		{"one", []reading{{RetryAfter: "1000"}}, -1},
		{"kept", []reading{{at(0), at(10), "", 200, "1000", 0}, {at(1010), at(1020), "", 200, "0", 1}, {at(1020), at(1030), "", 200, "", 1}, {at(1030), at(1040), "", 200, "x", 1}, {at(1040), at(1041), "", 200, "9", 1}}, -1},
		{"broken", []reading{{at(0), at(10), "", 200, "0", 0}, {at(10), at(20), "", 200, "1000", 1}, {at(1019), at(1030), "", 200, "0", 1}}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i, found := early(tt.readings)
			require.Equal(t, tt.at >= 0, found)
			if found {
				require.Equal(t, tt.at, i)
			}
		})
	}
}

func TestConsole(t *testing.T) {
	var b bytes.Buffer
	c := newConsole(&b)
	require.False(t, c.terminal)
	c.status("x")
	c.line("fermo")
	require.Equal(t, "fermo\n", b.String())

	b.Reset()
	c.terminal = true
	c.status("lungo")
	c.status("più")
	c.line("%d", 1)
	require.Equal(t, "\rlungo\rpiù  \r   \r1\n", b.String())
	b.Reset()
	require.NoError(t, c.wait(t.Context(), time.Millisecond, "Si aspetta"))
	require.Contains(t, b.String(), "\rSi aspetta… (0 s)")
	b.Reset()
	c.status(strings.Repeat("x", 200))
	require.Contains(t, b.String(), strings.Repeat("x", 79))
	require.NotContains(t, b.String(), strings.Repeat("x", 80))

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errLimit)
	require.ErrorIs(t, c.wait(ctx, time.Hour, ""), errLimit)
}

// full is a pipe that nobody reads any more.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fs.ErrClosed }

func TestOutputThatFails(t *testing.T) {
	_, flags := server(t)
	var stderr bytes.Buffer
	require.Equal(t, 1, run(t.Context(), flags, full{}, &stderr))
	require.Contains(t, stderr.String(), "file already closed")
}

func TestFolder(t *testing.T) {
	f := folder(t.TempDir())
	_, _, err := f.write(strings.NewReader("a"), "x", "y")
	require.NoError(t, err)
	_, _, err = f.write(strings.NewReader("b"), "x", "y")
	require.Error(t, err, "evidence is never overwritten")
	_, _, err = f.write(brokenReader{}, "x", "z")
	require.ErrorIs(t, err, fs.ErrClosed)
	require.NoFileExists(t, filepath.Join(string(f), "x", "z"), "nor is half a file evidence")
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, fs.ErrClosed }

func TestExtensions(t *testing.T) {
	for want, d := range map[string]send.Download{
		".pdf": {Filename: "a.b.PDF"}, ".eml": {Filename: "x", ContentType: "message/rfc822; charset=utf-8"},
		".xml": {Filename: "a.b/c", ContentType: "text/xml"}, "": {Filename: "a.exe?", ContentType: "application/x"},
	} {
		require.Equal(t, want, extension(&d))
	}
	require.Equal(t, "new-kind-2", portable("NEW_KIND/2"))
}
