package send_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// letterPage is a PDF without a table of its objects, whose page is not A4.
const letterPage = "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n" +
	"3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"

// beyond are notifications that break a rule which is a warning. Where the
// platform can be set to take them, accepted says that it does; by its settings
// in test environments it refuses the others.
var beyond = map[send.Rule]struct {
	path     string
	change   func(n *send.Notification, files send.Files)
	accepted bool
}{
	"SEND_TAXID_TEMPORARY": {path: "recipients[0].taxId", change: func(n *send.Notification, _ send.Files) {
		n.Recipients[0].TaxID = fiscal.UncheckedTaxID("01234567897")
	}},
	"SEND_ADDRESS_LOOKUP": {path: "recipients[0].physicalAddress", accepted: true, change: func(n *send.Notification, _ send.Files) {
		n.Recipients[0].PhysicalAddress = nil
	}},
	"SEND_ADDRESS_CHARS": {path: "recipients[0].physicalAddress.address", change: func(n *send.Notification, _ send.Files) {
		n.Recipients[0].PhysicalAddress.Address = "Via dell'Università 1 (piano 2º)"
	}},
	"SEND_ADDRESS_ROW": {path: "recipients[0].physicalAddress.address", change: func(n *send.Notification, _ send.Files) {
		n.Recipients[0].PhysicalAddress.Address = "Via " + strings.Repeat("lunga ", 10)
	}},
	"SEND_DENOMINATION": {path: "recipients[0].denomination", accepted: true, change: func(n *send.Notification, _ send.Files) {
		n.Recipients[0].Denomination = strings.Repeat("X", 45)
	}},
	"SEND_MAX_RECIPIENTS": {path: "recipients", accepted: true, change: func(n *send.Notification, _ send.Files) {
		for i := range 20 {
			n.Recipients = append(n.Recipients, toPEC(100+i, "x@pec.example.it"))
		}
	}},
	"SEND_MAX_ATTACHMENTS": {path: "recipients[0].payments", accepted: true, change: func(n *send.Notification, files send.Files) {
		for i := range 20 {
			name := fmt.Sprintf("allegato-%d.pdf", i)
			files[name] = pages(1, name)
			n.Documents = append(n.Documents, send.Document{Attachment: send.PDF(name)})
		}
	}},
	"SEND_LANGUAGE_UNKNOWN": {path: "additionalLanguages[0]", change: func(n *send.Notification, _ send.Files) {
		n.AdditionalLanguages = []string{"SI"}
	}},

	"SEND_PDF_UNREADABLE": {path: "documents[0] (atto.pdf)", accepted: true, change: func(_ *send.Notification, files send.Files) {
		files["atto.pdf"] = pdf("senza struttura")
	}},
	"SEND_PDF_DAMAGED":  letter,
	"SEND_PDF_UNSIGNED": letter,
	"SEND_PDF_A4":       letter,
	"SEND_PDF_A":        letter,
	"SEND_20_GRAMS": {path: "documents", accepted: true, change: func(n *send.Notification, _ send.Files) {
		n.Recipients[0] = owing(n.Recipients[0], payable)
		n.Recipients[0].Payments[0].PagoPA.Attachment = new(send.PDF("avviso.pdf"))
		*n = charged(*n)
	}},
}

var letter = struct {
	path     string
	change   func(n *send.Notification, files send.Files)
	accepted bool
}{path: "documents[0] (atto.pdf)", accepted: true, change: func(_ *send.Notification, files send.Files) {
	files["atto.pdf"] = send.FromBytes([]byte(letterPage))
}}

// warned are the records of warnings of a log.
func warned(t *testing.T, log *bytes.Buffer) map[send.Rule][]string {
	t.Helper()
	out := map[send.Rule][]string{}
	for line := range strings.Lines(log.String()) {
		var record struct {
			Level, Msg, Path string
			Rule             send.Rule
		}
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		if record.Level == "WARN" && record.Msg == "notification" {
			out[record.Rule] = append(out[record.Rule], record.Path)
		}
	}
	return out
}

// TestUncertainLimitsKeepNothingBack submits a notification beyond each of
// them: it reaches the platform, and the log says why it may be refused.
func TestUncertainLimitsKeepNothingBack(t *testing.T) {
	for rule, tt := range beyond {
		t.Run(string(rule), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlayer(t,
					sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, AddressLookup: true, Over20Grams: true}),
					sendtest.WithRegistryAddress(person(1).Value(), sendtest.Address{Street: "Via Esempio 1", Zip: "87100", Municipality: "Cosenza", Province: "CS"}),
					sendtest.WithLimits(func(l *sendtest.Limits) { l.Attachments, l.Recipients, l.DenominationChars = 0, 0, 88 }))
				var log bytes.Buffer
				p.c = clientOf(t, p.s, func(cfg *send.Config) {
					cfg.Transport.Logger = slog.New(slog.NewJSONHandler(&log, nil))
				})
				n, files := p.request(toPEC(1, "x@pec.example.it"))
				tt.change(&n, files)
				d, err := p.c.Submit(t.Context(), n, files)
				require.Equal(t, 1, p.s.Count("Submit"), "%v", err)
				require.Contains(t, warned(t, &log)[rule], tt.path)
				require.True(t, rule.Known())
				if !tt.accepted {
					e, ok := errors.AsType[*pa.Error](err)
					require.True(t, ok, "the platform refuses it, not we: %v", err)
					require.Equal(t, 400, e.StatusCode)
					return
				}
				require.NoError(t, err)
				d, err = p.c.Await(t.Context(), d)
				require.NoError(t, err)
				require.NotEmpty(t, d.IUN)

				// Whoever wants to, makes an error of it.
				strict := clientOf(t, p.s, func(cfg *send.Config) { cfg.Validation.Promote = []string{string(rule)} })
				n.PaProtocolNumber = "strict"
				_, err = strict.Submit(t.Context(), n, files)
				var invalid *pa.ValidationError
				require.ErrorAs(t, err, &invalid)
				require.True(t, slices.ContainsFunc(invalid.Findings, func(f pa.Finding) bool { return f.Rule == string(rule) && f.Path == tt.path }))
				require.Equal(t, 1, p.s.Count("Submit"))
			})
		})
	}
}

// TestEveryWarningIsTried holds the table above against the rules in the source.
func TestEveryWarningIsTried(t *testing.T) {
	var rules []string
	for _, name := range []string{"validation.go", "preflight.go"} {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\{"(SEND_\w+)", pa\.Warning`).FindAllStringSubmatch(string(source), -1) {
			rules = append(rules, m[1])
		}
	}
	require.NotEmpty(t, rules)
	for _, r := range rules {
		require.Contains(t, beyond, send.Rule(r))
	}
	require.Len(t, beyond, len(rules))
}
