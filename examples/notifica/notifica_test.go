package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// clean takes the variables of whoever runs the tests away.
func clean(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		send.EnvEnvironment, send.EnvBaseURL, send.EnvAPIKey, send.EnvAPIKey + "_FILE", send.EnvRequests, send.EnvSent, send.EnvStreams, send.EnvPrice,
		pdnd.EnvEnvironment, pdnd.EnvTokenURL, pdnd.EnvAudience, pdnd.EnvClientID, pdnd.EnvKeyID, pdnd.EnvKey, pdnd.EnvKeyFile, pdnd.EnvPurposeID,
	} {
		t.Setenv(name, "")
	}
}

// execute runs the command and checks that nothing secret or personal is in
// what it prints.
func execute(ctx context.Context, t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(ctx, args, &out, &err)
	for _, canary := range []string{sendtest.APIKey, "SMPDNN80A41H501D", "adanna.esempio@", "eyJ"} {
		require.NotContains(t, out.String()+err.String(), canary)
	}
	return code, out.String(), err.String()
}

func read1(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	require.NoError(t, err)
	return data
}

// written writes a notification, as somebody would, and the files of the sample.
func written(t *testing.T, change func(*send.Notification)) (data, act, notice string) {
	t.Helper()
	dir := t.TempDir()
	n, files, err := access.Sample()
	require.NoError(t, err)
	if change != nil {
		change(&n)
	}
	text, err := json.MarshalIndent(n, "", "\t")
	require.NoError(t, err)
	data, act, notice = filepath.Join(dir, "dati.json"), filepath.Join(dir, "Verbale n. 7.pdf"), filepath.Join(dir, "avviso.pdf")
	require.NoError(t, os.WriteFile(data, text, 0o600))
	for from, to := range map[string]string{"atto-1.pdf": act, "avviso-1.pdf": notice} {
		r, err := files[from].Open()
		require.NoError(t, err)
		var b bytes.Buffer
		_, err = b.ReadFrom(r)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(to, b.Bytes(), 0o600))
	}
	return data, act, notice
}

var ending = regexp.MustCompile(`\nIUN: ([A-Z]{4}-[A-Z]{4}-[A-Z]{4}-[0-9]{6}-[A-Z]-[0-9])\nStato: Perfezionata per decorrenza dei termini \(EFFECTIVE_DATE\)\n` +
	`Costo di notifica: ([0-9]+,[0-9]{2} €)\nAttestazioni salvate: ([0-9]+)\n$`)

func TestWithoutFlags(t *testing.T) {
	clean(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("TMP", tmp) // Windows
	began := time.Now()
	code, stdout, stderr := execute(t.Context(), t)
	require.Zero(t, code, stderr)
	require.Empty(t, stderr)
	t.Logf("the whole story in %s", time.Since(began))

	end := ending.FindStringSubmatch(stdout)
	require.NotNil(t, end, stdout)
	require.Equal(t, "1,00 €", end[2])
	require.Equal(t, "4", end[3])
	require.NotContains(t, stdout, "\r", "no rewritten lines in a pipe")
	last := 0
	for _, stage := range []string{"Voucher PDND: ottenuto", "Documenti caricati: 2", "Richiesta inviata", "Richiesta accettata, IUN " + end[1],
		"Accettata\n", "In consegna\n", "Consegnata\n", "Perfezionata per decorrenza dei termini\n"} {
		at := strings.Index(stdout[last:], stage)
		require.GreaterOrEqual(t, at, 0, "%q is missing or out of order in:\n%s", stage, stdout)
		last += at
	}

	dirs, err := filepath.Glob(filepath.Join(tmp, "notifica-*"))
	require.NoError(t, err)
	require.Len(t, dirs, 1, "a fresh folder")
	require.Contains(t, stdout, "Tutto salvato in: "+dirs[0])
	checkFolder(t, dirs[0], end[1], 4)
}

// checkFolder holds what is in a folder against what should be.
func checkFolder(t *testing.T, dir, iun string, facts int) {
	t.Helper()
	var detail send.SentNotification
	require.NoError(t, json.Unmarshal(read1(t, dir, detailFile), &detail))
	require.Equal(t, iun, detail.IUN)
	require.Equal(t, send.StatusEffectiveDate, detail.NotificationStatus)

	var list saved
	require.NoError(t, json.Unmarshal(read1(t, dir, legalFactsDir, listFile), &list))
	require.Equal(t, iun, list.IUN)
	counts := map[string]int{}
	portable := regexp.MustCompile(`^[a-z0-9-]+\.[a-z]{3}$`)
	for _, f := range list.Files {
		counts[f.Kind]++
		require.Regexp(t, portable, f.File)
		content := read1(t, dir, legalFactsDir, f.File)
		require.Len(t, content, int(f.Size))
		sum := sha256.Sum256(content)
		require.Equal(t, hex.EncodeToString(sum[:]), f.SHA256)
		if strings.HasSuffix(f.File, ".pdf") {
			require.True(t, bytes.HasPrefix(content, []byte("%PDF-")), f.File)
		}
	}
	others := counts["ATTO"] + counts["AVVISO"] + counts["AAR"]
	require.Equal(t, facts, len(list.Files)-others)
	require.Equal(t, len(detail.Recipients), counts["AAR"])
	require.Equal(t, 1, counts["SENDER_ACK"])
	for i := range detail.Documents {
		require.Equal(t, read1(t, dir, attachmentsDir, fmt.Sprintf("atto-%d.pdf", i+1)), read1(t, dir, legalFactsDir, fmt.Sprintf("atto-%d.pdf", i+1)),
			"the platform has what was sent")
	}
	entries, err := os.ReadDir(filepath.Join(dir, legalFactsDir))
	require.NoError(t, err)
	require.Len(t, entries, len(list.Files)+1, "nothing half written is left")

	sent := read1(t, dir, requestFile)
	evidence, err := pa.NewFileEvidence(filepath.Join(dir, evidenceDir))
	require.NoError(t, err)
	exchanges, err := evidence.Entries()
	require.NoError(t, err)
	for _, x := range exchanges {
		if x.Op == "send.Submit" {
			require.JSONEq(t, string(read1(t, dir, evidenceDir, x.Request)), string(sent), "notifica.json is what was sent")
		}
	}
	require.NotEmpty(t, exchanges)
}

func TestHelp(t *testing.T) {
	code, stdout, stderr := execute(t.Context(), t, "-h")
	require.Zero(t, code)
	require.Empty(t, stderr)
	o := new(options)
	for _, f := range append(o.flags(), o.access.Flags()...) {
		require.Contains(t, stdout, "\n  -"+f.Name)
		require.NotEmpty(t, f.Usage)
	}
	require.Contains(t, stdout, "cronologia della shell")
	require.Contains(t, stdout, "SEND_API_KEY_FILE")
	for line := range strings.Lines(stdout) {
		require.LessOrEqual(t, len([]rune(line)), 90, line)
	}
}

func TestBadInput(t *testing.T) {
	clean(t)
	data, act, notice := written(t, nil)
	dir := t.TempDir()
	file := func(name, content string) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
		return name
	}
	valid := string(read1(t, data))
	changed := func(name string, change func(*send.Notification)) []string {
		d, _, _ := written(t, change)
		return []string{"-dati", file(name, string(read1(t, d))), "-atto", act, "-avviso", notice}
	}
	with := func(name, content string) []string {
		return []string{"-dati", file(name, content), "-atto", act, "-avviso", notice}
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown flag", []string{"-prova"}, "non esiste l'opzione -prova"},
		{"no value", []string{"-out"}, "manca il valore dell'opzione -out"},
		{"stray argument", []string{"a.pdf"}, `non si capisce "a.pdf"`},
		{"wait", []string{"-attesa", "presto"}, "opzione -attesa: serve una durata"},
		{"act without data", []string{"-atto", act}, "-dati: manca"},
		{"no such data", []string{"-dati", filepath.Join(dir, "nulla.json")}, "nulla.json: il file non esiste"},
		{"data is a folder", []string{"-dati", dir, "-atto", act}, "-dati " + dir + ": non si può usare"},
		{"no act", []string{"-dati", data, "-avviso", notice}, "-atto: serve un file per ogni elemento di documents: sono 1, i file indicati 0"},
		{"two acts", []string{"-dati", data, "-atto", act, "-atto", act, "-avviso", notice}, "sono 1, i file indicati 2"},
		{"no such act", []string{"-dati", data, "-atto", "nulla.pdf", "-avviso", notice}, "-atto nulla.pdf: il file non esiste"},
		{"no notice", []string{"-dati", data, "-atto", act}, "-avviso: i pagamenti pagoPa con un avviso da allegare sono 1, i file indicati 0"},
		{"two notices", []string{"-dati", data, "-atto", act, "-avviso", notice, "-avviso", notice}, "sono 1, i file indicati 2"},
		{"not a PDF", []string{"-dati", data, "-atto", file("finto.pdf", "PK\x03\x04"), "-avviso", notice}, "documents[0] (atto-1.pdf): Il file non è un PDF"},
		{"empty PDF", []string{"-dati", data, "-atto", act, "-avviso", file("vuoto.pdf", "")}, "recipients[0].payments[0].pagoPa.attachment (avviso-1.pdf): Il file è vuoto"},
		{"unreadable JSON", with("a.json", "{\n\"subject\": \"x\",\n}"), "-dati a.json, riga 3: non è un JSON valido"},
		{"cut JSON", with("b.json", valid[:len(valid)/2]), "-dati b.json, riga"},
		{"empty JSON", with("c.json", ""), "-dati c.json, riga 1: il JSON finisce prima"},
		{"two values", with("d.json", valid+"{}"), "dopo la fine dei dati c'è altro"},
		{"unknown field", with("e.json", strings.Replace(valid, `"subject"`, `"oggetto"`, 1)), `riga 3: il campo "oggetto" non esiste`},
		{"unknown field below", with("f.json", strings.Replace(valid, `"zip"`, `"cap"`, 1)), `il campo "cap" non esiste`},
		{"wrong type", with("g.json", strings.Replace(valid, `"amount": 4200`, `"amount": "4200"`, 1)), `il campo "amount" non è del tipo giusto`},
		{"wrong date", with("h.json", strings.Replace(valid, `"amount": 4200`, `"paymentExpirationDate": "31/12/2026"`, 1)), "le date sono AAAA-MM-GG"},
		{"no recipients", changed("i.json", func(n *send.Notification) { n.Recipients = nil }), "-avviso: i pagamenti pagoPa con un avviso da allegare sono 0"},
		{"no subject", changed("j.json", func(n *send.Notification) { n.Subject = "" }), "subject: Il campo è obbligatorio"},
		{"wrong tax code", with("k.json", strings.Replace(valid, "SMPDNN80A41H501D", "SMPDNN80A41H501E", 1)), "recipients[0].taxId: Il codice fiscale non è valido"},
		{"taxonomy", changed("l.json", func(n *send.Notification) { n.TaxonomyCode = "1" }), "taxonomyCode: Il codice tassonomico"},
		{"F24", changed("m.json", func(n *send.Notification) {
			n.Recipients[0].Payments[0].F24 = &send.F24Payment{Title: "x", MetadataAttachment: send.F24Metadata("x")}
		}), "recipients[0].payments[0].f24: questo esempio non allega metadati F24"},
		{"environment", []string{"-ambiente", "collaudino"}, "-ambiente: ambiente sconosciuto"},
		{"no key", []string{"-ambiente", "uat", "-dati", data, "-atto", act, "-avviso", notice}, "-api-key (SEND_API_KEY): Manca la chiave API"},
		{"sample in uat", []string{"-ambiente", "uat", "-api-key", "k"}, "-dati: manca: la notifica d'esempio è solo per i simulatori"},
		{"production", []string{"-ambiente", "produzione", "-api-key", "k", "-dati", data, "-atto", act, "-avviso", notice}, "-confermo: in produzione va aggiunta"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			args := tt.args
			if tt.name != "no value" && tt.name != "stray argument" {
				args = append([]string{"-out", out}, args...)
			}
			code, _, stderr := execute(t.Context(), t, args...)
			require.Equal(t, 1, code)
			require.Contains(t, stderr, tt.want)
			require.NotContains(t, stderr, "SMPDNN80A41H501")
			require.NoDirExists(t, out, "nothing is left of a notification that was never begun")
		})
	}
}

func TestProductionSaysWhatItIs(t *testing.T) {
	clean(t)
	data, act, notice := written(t, nil)
	_, stdout, _ := execute(t.Context(), t, "-ambiente", "produzione", "-api-key", "k", "-dati", data, "-atto", act, "-avviso", notice)
	require.Contains(t, stdout, "effetto legale")
	require.Contains(t, stdout, "un costo")
}

// Test data are refused before any network, also with -confermo.
func TestProductionRefusesTestData(t *testing.T) {
	clean(t)
	data, act, notice := written(t, func(n *send.Notification) {
		n.Recipients[0].DigitalDomicile = send.PEC("esempio@fail.it")
	})
	code, _, stderr := execute(t.Context(), t, "-ambiente", "produzione", "-confermo", "-api-key", "k", "-dati", data, "-atto", act, "-avviso", notice)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "recipients[0].digitalDomicile.address: È un dato di prova")
}

func TestOwnInput(t *testing.T) {
	clean(t)
	two := func(n *send.Notification) {
		n.SenderTaxID = "00000000000" // another sender than that of the sample
		n.Documents = nil             // made from the files
		first := n.Recipients[0]
		second := first
		if err := second.TaxID.UnmarshalText([]byte("SMPDNN80A01H501Z")); err != nil {
			t.Fatal(err)
		}
		second.DigitalDomicile = nil
		second.PhysicalAddress = new(*first.PhysicalAddress)
		second.PhysicalAddress.Address = "Via @OK_890"
		second.Payments = []send.Payment{{PagoPA: new(*first.Payments[0].PagoPA)}}
		second.Payments[0].PagoPA.NoticeCode = "302000000000000001"
		n.Recipients = append(n.Recipients, second)
	}
	data, act, notice := written(t, two)
	_, another, _ := written(t, nil)
	out := filepath.Join(t.TempDir(), "nuova", "pratica")
	code, stdout, stderr := execute(t.Context(), t, "-dati", data, "-atto", act, "-atto", another, "-avviso", notice, "-avviso", notice, "-out", out)
	require.Zero(t, code, stderr)
	end := ending.FindStringSubmatch(stdout)
	require.NotNil(t, end, stdout)
	require.Equal(t, "12,98 €", end[2], "of both recipients")
	checkFolder(t, out, end[1], 6)
	require.Contains(t, string(read1(t, out, requestFile)), `"title": "Verbale n. 7"`)
	require.Contains(t, stdout, "Destinatario 2: perfezionata per decorrenza dei termini")

	code, stdout, stderr = execute(t.Context(), t, "-out", out)
	require.Zero(t, code, stderr)
	require.NotContains(t, stdout, end[1], "with simulators that have ended it begins again, with the sample")
	end = ending.FindStringSubmatch(stdout)
	require.NotNil(t, end, stdout)
	checkFolder(t, out, end[1], 4)
}

func TestHistoryOfAFolder(t *testing.T) {
	clean(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, requestFile), []byte("{}"), 0o600))
	code, _, stderr := execute(t.Context(), t, "-out", dir)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "-out: la cartella contiene già notifica.json")
	require.Equal(t, "{}", string(read1(t, dir, requestFile)))

	require.NoError(t, os.Mkdir(filepath.Join(dir, stateDir), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, stateDir, originFile), []byte("{"), 0o600))
	code, _, stderr = execute(t.Context(), t, "-out", dir)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "danneggiato")
}

// platform is a simulator outside of the command, with an API key that wants
// no voucher.
func platform(t *testing.T, opts ...sendtest.Option) (*sendtest.Server, []string) {
	t.Helper()
	srv, err := sendtest.Start(t.Context(), append([]sendtest.Option{
		sendtest.WithClock(patest.Day(50 * time.Millisecond)),
		sendtest.WithTerms(func(t *sendtest.Terms) { // for machines that are busy for a second
			const years = 100 * 365 * 24 * time.Hour
			t.Storage, t.Documents = years, years
		}),
	}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	return srv, []string{"-url", srv.URL(), "-api-key", sendtest.APIKey}
}

// stopAt cancels when a text is printed.
type stopAt struct {
	seen   bytes.Buffer
	text   string
	cancel context.CancelFunc
}

func (s *stopAt) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.text)) {
		s.cancel()
	}
	return s.seen.Write(p)
}

func TestGoesOnAfterAStop(t *testing.T) {
	clean(t)
	for _, at := range []string{"controllati", "caricati", "inviata", "accettata", "In consegna", "Salvati"} {
		t.Run(at, func(t *testing.T) {
			srv, flags := platform(t)
			out := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stdout, stderr := &stopAt{text: at, cancel: cancel}, new(bytes.Buffer)
			require.Equal(t, 1, run(ctx, append(flags, "-out", out), stdout, stderr), stdout.seen.String())
			require.Contains(t, stderr.String(), "interrotto")
			require.Contains(t, stderr.String(), "-out "+out)

			code, again, errs := execute(t.Context(), t, append(flags, "-out", out)...)
			require.Zero(t, code, errs)
			require.Contains(t, again, "Si riprende il deposito")
			end := ending.FindStringSubmatch(again)
			require.NotNil(t, end, again)
			require.Len(t, srv.Notifications(), 1, "never twice")
			checkFolder(t, out, end[1], 4)

			downloads := srv.Count("Download")
			code, _, errs = execute(t.Context(), t, append(flags, "-out", out)...)
			require.Zero(t, code, errs)
			require.Equal(t, downloads, srv.Count("Download"), "what is there is not fetched again")
		})
	}
}

func TestLostReplies(t *testing.T) {
	clean(t)
	srv, flags := platform(t)
	for _, op := range []string{"Preload", "Upload", "Submit", "RequestStatus", "SentNotification", "LegalFacts", "LegalFact", "Download", "Price"} {
		require.NoError(t, srv.Inject(op, patest.Fault{DropAfter: true}))
	}
	code, stdout, stderr := execute(t.Context(), t, append(flags, "-out", t.TempDir())...)
	require.Zero(t, code, stderr)
	require.Regexp(t, ending, stdout)
	require.Len(t, srv.Notifications(), 1)
}

func TestAnotherEnvironment(t *testing.T) {
	clean(t)
	_, flags := platform(t)
	out := t.TempDir()
	code, _, stderr := execute(t.Context(), t, append(flags, "-out", out)...)
	require.Zero(t, code, stderr)

	code, _, stderr = execute(t.Context(), t, "-out", out)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "-out: la cartella è di una notifica di un altro ambiente")

	data, act, notice := written(t, nil)
	code, _, stderr = execute(t.Context(), t, append(flags, "-out", out, "-dati", data, "-atto", act, "-avviso", notice)...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "un altro numero di protocollo")
}

func TestOneProgramPerFolder(t *testing.T) {
	clean(t)
	_, flags := platform(t)
	out := t.TempDir()
	code, _, stderr := execute(t.Context(), t, append(flags, "-out", out)...)
	require.Zero(t, code, stderr)
	f, err := open(t.Context(), out)
	require.NoError(t, err)
	code, _, stderr = execute(t.Context(), t, append(flags, "-out", out)...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "un altro programma sta lavorando in questa cartella")
	require.NoError(t, f.unlock())
}

func TestWrongKey(t *testing.T) {
	clean(t)
	srv, _ := platform(t)
	const canary = "chiave-sbagliata-5b1d"
	code, stdout, stderr := execute(t.Context(), t, "-url", srv.URL(), "-api-key", canary, "-out", t.TempDir())
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "SEND non ha accettato le credenziali")
	require.NotContains(t, stdout+stderr, canary)
	require.Empty(t, srv.Notifications())
}

func TestRefused(t *testing.T) {
	clean(t)
	srv, flags := platform(t, sendtest.WithUnknownTaxIDs("SMPDNN80A41H501D"))
	out := t.TempDir()
	code, _, stderr := execute(t.Context(), t, append(flags, "-out", out)...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "La richiesta di notifica è stata rifiutata")
	require.Contains(t, stderr, "non risulta all'Agenzia delle Entrate: verificarlo in anagrafe. (recipients[0])")
	require.FileExists(t, filepath.Join(out, requestFile))
	require.Len(t, srv.Notifications(), 1)
}

func TestLimit(t *testing.T) {
	clean(t)
	srv, err := sendtest.Start(t.Context()) // in real time
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	out := t.TempDir()
	code, _, stderr := execute(t.Context(), t, "-url", srv.URL(), "-api-key", sendtest.APIKey, "-out", out, "-attesa", "300ms")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "non è finita entro 0,3 s (-attesa)")
	require.Contains(t, stderr, "-out "+out)

	code, _, stderr = execute(t.Context(), t, "-attesa", "300ms")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "I simulatori finiscono con questo programma")
}

func TestUnreachable(t *testing.T) {
	clean(t)
	srv, err := sendtest.Start(t.Context())
	require.NoError(t, err)
	gone := srv.URL()
	require.NoError(t, srv.Close())
	code, stdout, stderr := execute(t.Context(), t, "-url", gone, "-api-key", sendtest.APIKey, "-out", t.TempDir(), "-attesa", "4s")
	require.Equal(t, 1, code)
	require.Contains(t, stdout, "La piattaforma non è raggiungibile")
	require.Contains(t, stdout, "Nuovo tentativo fra")
	require.Contains(t, stderr, "non è finita entro 4 s")
}

// A detail can be found a moment after the acceptance only.
func TestDetailNotYetThere(t *testing.T) {
	clean(t)
	srv, flags := platform(t)
	require.NoError(t, srv.Inject("SentNotification", patest.Fault{
		Times: 2, Status: 404, Header: http.Header{"Content-Type": {"application/problem+json"}},
		Body: `{"status":404,"title":"Not found","errors":[{"code":"PN_DELIVERY_NOTIFICATIONNOTFOUND"}]}`,
	}))
	code, stdout, stderr := execute(t.Context(), t, append(flags, "-out", t.TempDir())...)
	require.Zero(t, code, stderr)
	require.Regexp(t, ending, stdout)
}

func TestPaper(t *testing.T) {
	clean(t)
	srv, flags := platform(t)
	data, act, notice := written(t, func(n *send.Notification) {
		n.Recipients[0].DigitalDomicile = nil
		n.Recipients[0].PhysicalAddress.Address = "Via @OK_890"
	})
	code, stdout, stderr := execute(t.Context(), t, append(flags, "-dati", data, "-atto", act, "-avviso", notice, "-out", t.TempDir())...)
	require.Zero(t, code, stderr)
	end := ending.FindStringSubmatch(stdout)
	require.NotNil(t, end, stdout)
	require.Equal(t, "11,98 €", end[2], "1,00 and a letter of 9,00 with its VAT of 22 %")
	require.Contains(t, stdout, "(SEND 1,00 €, carta 9,00 €, ente 0,00 €)")
	require.Len(t, srv.Notifications(), 1)
}

func TestCostOfTheSender(t *testing.T) {
	clean(t)
	_, flags := platform(t)
	data, act, notice := written(t, func(n *send.Notification) {
		n.NotificationFeePolicy, n.Recipients[0].Payments[0].PagoPA.ApplyCost = send.FlatRate, false
	})
	code, stdout, stderr := execute(t.Context(), t, append(flags, "-dati", data, "-atto", act, "-avviso", notice, "-out", t.TempDir())...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "è a carico dell'ente")
	require.Contains(t, stdout, "Costo di notifica: 1,00 €")
}

func TestOldPrice(t *testing.T) {
	clean(t)
	_, flags := platform(t)
	t.Setenv(send.EnvPrice, "v1")
	code, _, stderr := execute(t.Context(), t, append(flags, "-out", t.TempDir())...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "SEND_PRICE: questa versione del prezzo non dice il costo totale")
}

func TestProgressOnATerminal(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b, terminal: true}
	p.rewrite("lungo testo")
	p.rewrite("breve")
	p.line("resta")
	require.Equal(t, "\rlungo testo\rbreve      \r     \rresta\n", b.String())

	b.Reset()
	p.rewrite(strings.Repeat("x", 200))
	require.Len(t, b.String(), 80)

	b.Reset()
	p.terminal = false
	p.rewrite("x")
	p.line("y")
	require.Equal(t, "y\n", b.String())
}

// full is a pipe that nobody reads any more.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fs.ErrClosed }

func TestOutputThatFails(t *testing.T) {
	clean(t)
	_, flags := platform(t)
	var stderr bytes.Buffer
	require.Equal(t, 1, run(t.Context(), append(flags, "-out", t.TempDir()), full{}, &stderr))
	require.Contains(t, stderr.String(), "file already closed")
}

func TestNamesOfLegalFacts(t *testing.T) {
	require.Equal(t, "ricevuta-pec", nameOf(send.LegalFactPECReceipt))
	require.Equal(t, "new-kind-2", nameOf("NEW_KIND/2"))
	for want, d := range map[string]send.Download{
		".pdf": {Filename: "a.b.PDF"}, ".eml": {Filename: "x", ContentType: "message/rfc822; charset=utf-8"},
		".xml": {Filename: "a.b/c", ContentType: "text/xml"}, "": {Filename: "a.exe?", ContentType: "application/x"},
	} {
		require.Equal(t, want, extension(&d))
	}
}

func TestDamagedListIsMadeAgain(t *testing.T) {
	const good = `{"version":1,"iun":"I","files":[{"file":"a.pdf","key":"k","size":1}]}`
	require.Len(t, parseSaved([]byte(good), "I").Files, 1)
	for _, bad := range []string{"", "{", `{"version":2,"iun":"I","files":[{}]}`, `{"version":1,"iun":"J","files":[{}]}`} {
		require.Equal(t, &saved{Version: 1, IUN: "I"}, parseSaved([]byte(bad), "I"))
	}
}

func FuzzDecode(f *testing.F) {
	n, _, err := access.Sample()
	if err != nil {
		f.Fatal(err)
	}
	data, err := json.Marshal(n)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for _, seed := range []string{"", "{}", "[]", "\ufeff{}", `{"subject":1}`, `{"recipients":[{"taxId":"x"}]}`, `{"a":1}`, `{"paymentExpirationDate":"x"}`, "{}{}", `{"amount":1e99}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := decode("dati.json", data)
		if err != nil {
			if pa.Message(err, pa.Italian) == "" || !strings.HasPrefix(pa.Message(err, pa.Italian), "-dati dati.json, riga ") {
				t.Fatal("an error that does not say where")
			}
			return
		}
		if _, err := json.Marshal(n); err != nil {
			t.Fatal(err)
		}
	})
}
