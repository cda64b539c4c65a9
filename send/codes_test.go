package send

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
)

// word is a value of the platform that has a text.
type word interface {
	Known() bool
	Message(pa.Lang) string
}

// constants returns the values of the constants of a type of this package.
func constants(t *testing.T, typeName string) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var values []string
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if ident, ok := spec.Type.(*ast.Ident); !ok || ident.Name != typeName {
				return true
			}
			for _, v := range spec.Values {
				lit, ok := v.(*ast.BasicLit)
				if !ok {
					continue
				}
				value, err := strconv.Unquote(lit.Value)
				require.NoError(t, err)
				values = append(values, value)
			}
			return true
		})
	}
	return values
}

// requireWords checks that values have a sentence in both languages.
func requireWords[W word](t *testing.T, values []string, of func(string) W) {
	t.Helper()
	for _, v := range values {
		w := of(v)
		require.True(t, w.Known(), "%q", v)
		it, en := w.Message(pa.Italian), w.Message(pa.English)
		require.NotEqual(t, it, en, "%q", v)
		for _, text := range []string{it, en} {
			require.NotContains(t, text, v+" ", "%q has a text of its own", v)
			require.Regexp(t, `^(\p{Lu}|senderTaxId).*\.$`, text, "%q", v)
		}
	}
	unknown := of("NEW_VALUE")
	require.False(t, unknown.Known())
	for _, lang := range []pa.Lang{pa.Italian, pa.English} {
		require.Contains(t, unknown.Message(lang), "NEW_VALUE")
	}
}

func status(s string) Status                   { return Status(s) }
func category(s string) Category               { return Category(s) }
func legalFactKind(s string) LegalFactCategory { return LegalFactCategory(s) }
func deliveryCode(s string) DeliveryCode       { return DeliveryCode(s) }
func failureCause(s string) FailureCause       { return FailureCause(s) }

func TestWordsOfConstants(t *testing.T) {
	statuses, categories, facts := constants(t, "Status"), constants(t, "Category"), constants(t, "LegalFactCategory")
	require.Len(t, statuses, len(statusTexts))
	require.Len(t, categories, len(categoryTexts))
	require.Len(t, facts, len(legalFactTexts))
	require.Len(t, categories, 46, "those of TimelineElementCategoryV28")
	requireWords(t, statuses, status)
	requireWords(t, categories, category)
	requireWords(t, facts, legalFactKind)
	requireWords(t, constants(t, "CancellationCode"), func(s string) CancellationCode { return CancellationCode(s) })
	requireWords(t, constants(t, "Functionality"), func(s string) Functionality { return Functionality(s) })
	requireWords(t, constants(t, "GroupStatus"), func(s string) GroupStatus { return GroupStatus(s) })
	for _, k := range constants(t, "PerfectionKind") {
		require.Contains(t, perfectionTexts, PerfectionKind(k))
	}
	for _, c := range constants(t, "Channel") {
		require.Contains(t, attemptTexts, Channel(c))
	}
	for _, s := range constants(t, "DigitalAddressSource") {
		require.Contains(t, sourceTexts, DigitalAddressSource(s))
	}
}

// TestWordsOfDeliveries goes through the codes of the published decodings of
// SEND_DIGITAL and SEND_ANALOG.
func TestWordsOfDeliveries(t *testing.T) {
	published := strings.Fields(`
		C000 C001 C002 C003 C004 C005 C006 C007 C008 C009 C010 C011 DP00 DP10 Q003 Q010 Q011
		CON018 CON020 CON080 CON993 CON995 CON996 CON997 CON998 PNALL001
		RECRN001A RECRN001B RECRN001C RECRN002A RECRN002B RECRN002C RECRN002D RECRN002E RECRN002F
		RECRN003A RECRN003B RECRN003C RECRN004A RECRN004B RECRN004C RECRN005A RECRN005B RECRN005C
		RECRN006 RECRN010 RECRN011 RECRN013 RECRN015 PNRN012
		RECAG001A RECAG001B RECAG001C RECAG002A RECAG002B RECAG002C
		RECAG003A RECAG003B RECAG003C RECAG003D RECAG003E RECAG003F RECAG004
		RECAG005A RECAG005B RECAG005C RECAG006A RECAG006B RECAG006C RECAG007A RECAG007B RECAG007C
		RECAG008A RECAG008B RECAG008C RECAG010 RECAG011A RECAG011B RECAG012 RECAG012A RECAG013 RECAG015 PNAG012
		RECRI001 RECRI002 RECRI003A RECRI003B RECRI003C RECRI004A RECRI004B RECRI004C RECRI005
		RECRS001C RECRS002A RECRS002B RECRS002C RECRS002D RECRS002E RECRS002F RECRS003C
		RECRS004A RECRS004B RECRS004C RECRS005A RECRS005B RECRS005C RECRS006 RECRS010 RECRS011 RECRS013 RECRS015
		RECRSI001 RECRSI002 RECRSI003C RECRSI004A RECRSI004B RECRSI004C RECRSI005`)
	requireWords(t, published, deliveryCode)
	for _, c := range []DeliveryCode{"", "RECRN", "RECRN001", "RECRN001D", "RECRN001CC", "RECRN006A", "RECAG011", "CON08", "RECRSI003", "C0000"} {
		require.False(t, c.Known(), "%q", c)
	}
	for _, c := range published {
		provisional := strings.Contains(DeliveryCode(c).Message(pa.Italian), "pre-esito")
		require.Equal(t, strings.HasPrefix(c, "REC") && strings.ContainsAny(c[5:], "AD") && c != "RECAG011A", provisional, c)
	}
	seen := map[deliveryRow]bool{}
	for _, row := range deliveryRows {
		key := deliveryRow{stem: row.stem, letters: row.letters}
		require.False(t, seen[key], "%s twice", row.stem)
		seen[key] = true
		for _, letter := range row.letters {
			require.Contains(t, letterTexts, string(letter))
		}
	}
}

func TestWordsOfCauses(t *testing.T) {
	published := strings.Fields("M01 M02 M03 M04 M05 M06 M07 M08 M09 F01 F02 F03 F04 C01 C02 C03 C04 C05 C06 D00 D01 D02")
	requireWords(t, published, failureCause)
	require.Len(t, causeTexts, len(published))
}

func TestWordsOfRefusals(t *testing.T) {
	for code := range strings.FieldsSeq(`FILE_NOTFOUND FILE_GONE FILE_SHA_ERROR FILE_PDF_INVALID_ERROR FILE_PDF_TOOBIG_ERROR
		TAXID_NOT_VALID RECIPIENT_ID_NOT_VALID NOT_VALID_ADDRESS ADDRESS_NOT_FOUND ADDRESS_SEARCH_FAILED
		F24_METADATA_NOT_VALID PAYMENT_NOT_VALID SENDER_DISABLED_MORE_THAN_20_GRAMS SERVICE_UNAVAILABLE`) {
		require.True(t, RefusalCode(code).Known(), code)
		require.NotEqual(t, RefusalCode(code).Message(pa.Italian), RefusalCode(code).Message(pa.English))
	}
	require.False(t, RefusalCode("NEW_CODE").Known())
	require.Contains(t, RefusalCode("NEW_CODE").Message(pa.English), "NEW_CODE")
}

func TestWordsOfRules(t *testing.T) {
	require.NotEmpty(t, rules())
	for _, r := range rules() {
		require.True(t, Rule(r.code).Known(), r.code)
		require.Equal(t, r.text.IT, Rule(r.code).Message(pa.Italian))
		require.NotEmpty(t, r.text.IT, r.code)
		require.NotEmpty(t, r.text.EN, r.code)
	}
	for _, r := range preflightRules() {
		require.True(t, Rule(r.code).Known(), r.code)
		for _, lang := range []pa.Lang{pa.Italian, pa.English} {
			require.NotContains(t, Rule(r.code).Message(lang), "%", r.code)
		}
	}
	require.False(t, Rule("SEND_NEW").Known())
	require.Contains(t, Rule("SEND_NEW").Message(pa.Italian), "SEND_NEW")
}

// specFile reads an official file.
func specFile(t *testing.T, name ...string) string {
	t.Helper()
	dir := os.Getenv("SPECS_DIR")
	if dir == "" {
		t.Skip("SPECS_DIR is not set: the official contracts are not part of the module")
	}
	data, err := os.ReadFile(filepath.Join(append([]string{dir, "send"}, name...)...))
	require.NoError(t, err)
	return string(data)
}

// listed returns the enumeration of a schema of a bundle.
func listed(t *testing.T, bundle, schema string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(bundle, "\n    "+schema+":\n")
	require.True(t, ok, schema)
	_, rest, ok = strings.Cut(rest, "\n      enum:\n")
	require.True(t, ok, schema)
	var values []string
	for line := range strings.Lines(rest) {
		value, ok := strings.CutPrefix(line, "        - ")
		if !ok {
			break
		}
		values = append(values, strings.TrimSpace(value))
	}
	return values
}

func TestWordsOfOfficialContracts(t *testing.T) {
	codes := regexp.MustCompile(`__((?:CON|REC|PN)[A-Z0-9]+)__`)
	causes := regexp.MustCompile(`__([MFD]\d\d)__`)
	for _, name := range []string{"send-b2b-pa.openapi.yaml", "send-b2b-pa-next-2.25.0.openapi.yaml"} {
		bundle := specFile(t, name)
		for _, s := range []string{"NotificationStatus", "NotificationStatusV26"} {
			requireWords(t, listed(t, bundle, s), status)
		}
		for _, s := range []string{"TimelineElementCategory", "TimelineElementCategoryV20", "TimelineElementCategoryV23", "TimelineElementCategoryV26", "TimelineElementCategoryV27", "TimelineElementCategoryV28"} {
			requireWords(t, listed(t, bundle, s), category)
		}
		requireWords(t, listed(t, bundle, "LegalFactCategory"), legalFactKind)
		found := codes.FindAllStringSubmatch(bundle, -1)
		require.Greater(t, len(found), 30)
		for _, m := range found {
			require.True(t, DeliveryCode(m[1]).Known(), m[1])
		}
		found = causes.FindAllStringSubmatch(bundle, -1)
		require.Greater(t, len(found), 10)
		for _, m := range found {
			require.True(t, FailureCause(m[1]).Known(), m[1])
		}
	}
}

// notPublished are the words of the mock data of the test environments that
// are wrong on purpose or by mistake.
var notPublished = map[string]string{
	"RECRSI003": "lacks its letter: the service drops it",
	"X00":       "a cause that does not exist, to test the service",
}

func TestWordsOfOfficialMocks(t *testing.T) {
	codes := regexp.MustCompile(`\b(?:CON|REC|PN)[A-Z]*\d{3}[A-F]?\b`)
	causes := regexp.MustCompile(`FAILCAUSE:(\w+)`)
	used := map[string]bool{}
	check := func(value string, known bool) {
		if notPublished[value] != "" {
			used[value] = true
			return
		}
		require.True(t, known, value)
	}
	for _, name := range []string{"paper-mocksequences.json", "paper-mocksequence_2.json", "paper-mocksequence_3.json"} {
		text := specFile(t, name)
		found := codes.FindAllString(text, -1)
		require.NotEmpty(t, found)
		for _, c := range found {
			check(c, DeliveryCode(c).Known())
		}
		for _, m := range causes.FindAllStringSubmatch(text, -1) {
			check(m[1], FailureCause(m[1]).Known())
		}
	}
	require.Len(t, used, len(notPublished), "an exception is not needed any more")
}

func TestWordsOfOfficialExpectations(t *testing.T) {
	var o struct {
		Scenarios []struct {
			Expect struct {
				Codes    []string `json:"delivery_codes_in_order"`
				Facts    []string `json:"legal_fact_categories"`
				Feedback []struct {
					Cause *string `json:"failure_cause"`
				}
			}
		}
		Refusals []struct {
			Expect struct {
				Codes []string `json:"error_codes"`
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(specFile(t, "derived", "trigger-expectations.json")), &o))
	checked := 0
	check := func(w word, value string) {
		checked++
		require.True(t, w.Known() || notPublished[value] != "", value)
	}
	for _, s := range o.Scenarios {
		for _, c := range s.Expect.Codes {
			c = strings.TrimSuffix(c, "?")
			check(DeliveryCode(c), c)
		}
		for _, f := range s.Expect.Facts {
			f = strings.TrimSuffix(f, "?")
			check(LegalFactCategory(f), f)
		}
		for _, f := range s.Expect.Feedback {
			if f.Cause != nil {
				check(FailureCause(*f.Cause), *f.Cause)
			}
		}
	}
	for _, r := range o.Refusals {
		for _, c := range r.Expect.Codes {
			check(RefusalCode(c), c)
		}
	}
	require.Greater(t, checked, 500)
}
