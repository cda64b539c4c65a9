package pdfscan

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSignatures(t *testing.T) {
	const value = "/ByteRange [0 1 2 3] /Contents <00>"
	tests := map[string]struct {
		fields map[int]string // the form has 50
		want   []Signature
	}{
		"none":                     {map[int]string{50: "<< /FT /Tx /V (text) >>"}, nil},
		"not yet signed":           {map[int]string{50: "<< /FT /Sig /T (Firma) >>"}, nil},
		"no byte range":            {map[int]string{50: "<< /FT /Sig /V << /Type /Sig /Contents <00> >> >>"}, nil},
		"text that looks like one": {map[int]string{50: "<< /FT /Tx /V << " + value + " >> >>"}, nil},
		"in place":                 {map[int]string{50: "<< /FT /Sig /V << " + value + " /Name (A) >> >>"}, []Signature{{Name: "A"}}},
		"below, of inherited kind": {map[int]string{
			50: "<< /FT /Sig /Kids [51 0 R 52 0 R] >>", 51: "<< /V 60 0 R >>", 52: "<< /FT /Btn /V 60 0 R >>",
			60: "<< " + value + " /Reason (Perch\\351) >>"}, []Signature{{Reason: "Perché"}}},
		"the same twice": {map[int]string{
			50: "<< /Kids [51 0 R 52 0 R] >>", 51: "<< /FT /Sig /V 60 0 R >>", 52: "<< /FT /Sig /V 60 0 R >>",
			60: "<< " + value + " /Name (A) >>"}, []Signature{{Name: "A"}}},
		"entries elsewhere": {map[int]string{
			50: "<< /FT 61 0 R /V 60 0 R >>", 60: "<< /ByteRange 62 0 R /Contents <00> /Name 63 0 R >>",
			61: "/Sig", 62: "[0 1 2 3]", 63: "(A)"}, []Signature{{Name: "A"}}},
		"a time stamp": {map[int]string{50: "<< /FT /Sig /V << /Type /DocTimeStamp /SubFilter /ETSI.RFC3161 " + value + " >> >>"}, []Signature{{Timestamp: true}}},
		"two": {map[int]string{
			50: "<< /Kids [51 0 R 52 0 R] >>", 51: "<< /FT /Sig /V << " + value + " /Name (A) >> >>", 52: "<< /FT /Sig /V << " + value + " /Name (B) >> >>",
		}, []Signature{{Name: "A"}, {Name: "B"}}},
		"odd entries": {map[int]string{50: "<< /FT /Sig /V << " + value + " /Name 12 /M (yesterday) /Reason [] >> >>"}, []Signature{{}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, packed := range []bool{false, true} {
				w := newWriter()
				for n, body := range tt.fields {
					w.set(n, "%s", body)
				}
				catalog := w.pages("/AcroForm << /Fields [50 0 R] >>", a4)
				if packed {
					w.packed(root(catalog), -1)
				} else {
					w.table(root(catalog))
				}
				require.Equal(t, tt.want, mustScan(t, w.out.Bytes()).Signatures)
			}
		})
	}
}

func TestSignatureDeclaresSigner(t *testing.T) {
	s := selfMade(t)
	s.stamped = declaredStamped
	w := newWriter()
	catalog := w.pages(w.signed(indefinite(s.message(t)), "/Name <FEFF0043006F006D0075006E0065> /M (D:2026)"), a4)
	doc := mustScan(t, w.table(root(catalog)).out.Bytes())
	require.Equal(t, []Signature{{
		Name: "Comune", Date: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Signer: "Sigillo Inventato S.p.A.", Signed: declaredSigned, Stamped: declaredStamped,
	}}, doc.Signatures)
}

func TestTooManySignatures(t *testing.T) {
	w := newWriter()
	field := "<< /FT /Sig /V << /ByteRange [0 1 2 3] /Contents <00> >> >> "
	_, err := scan(t, w.table(root(w.pages("/AcroForm << /Fields ["+strings.Repeat(field, maxSignatures+1)+"] >>", a4))).out.Bytes())
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, CodeLimit, e.Code)
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "",
		"Comune di Prova":             "Comune di Prova",
		"Citt\xe0 \xa0 5":             "Città € 5",
		"\x80\x8d\x9e":                "•“ž",
		"\xFE\xFF\x00C\x20\xac":       "C€",
		"\xFF\xFEC\x00\xac\x20":       "C€",
		"\xFE\xFF\xd8\x34\xdd\x1e":    "𝄞",
		"\xEF\xBB\xBFCitt\xc3\xa0":    "Città",
		"\xFE\xFF\x00":                "",
		"a\x00b\n c\t":                "ab c",
		"\xEF\xBB\xBFa\u202eb\u200bc": "abc",
	} {
		require.Equal(t, want, text(str(in)), "%q", in)
	}
	require.Len(t, text(str(strings.Repeat("ab ", 1000))), maxText)
}

func TestDate(t *testing.T) {
	for in, want := range map[string]string{
		"D:20260131093000+01'00'": "2026-01-31T08:30:00Z",
		"D:20260131093000+01'00":  "2026-01-31T08:30:00Z",
		"D:20260131093000-0330":   "2026-01-31T13:00:00Z",
		"D:20260131093000+01":     "2026-01-31T08:30:00Z",
		"D:20260131093000Z00'00'": "2026-01-31T09:30:00Z",
		"D:20260131093000Z":       "2026-01-31T09:30:00Z",
		"20260131093000":          "2026-01-31T09:30:00Z",
		"D:202601310930":          "2026-01-31T09:30:00Z",
		"D:20260131":              "2026-01-31T00:00:00Z",
		"D:2026":                  "2026-01-01T00:00:00Z",
		"D:20261331":              "0001-01-01T00:00:00Z",
		"D:202":                   "0001-01-01T00:00:00Z",
		"D:20260131093000999":     "0001-01-01T00:00:00Z",
		"D:20260131093000+never":  "0001-01-01T00:00:00Z",
		"31/01/2026":              "0001-01-01T00:00:00Z",
		"":                        "0001-01-01T00:00:00Z",
	} {
		require.Equal(t, want, date(str(in)).Format(time.RFC3339), in)
	}
}

func TestValues(t *testing.T) {
	tests := map[string]any{
		"12":                           int64(12),
		"-3.5":                         -3.5,
		"+7":                           int64(7),
		".5":                           0.5,
		"--5":                          int64(0),
		"12 0 R":                       ref(12),
		"[12 0 R 3 4]":                 array{ref(12), int64(3), int64(4)},
		"[1 2 R]":                      array{ref(1)},
		"[1 2 Rx 3]":                   nil,
		"true":                         true,
		"null":                         nil,
		"/A#42C#zz":                    name("ABC#zz"),
		"/":                            name(""),
		`(a(b)c\)\\\n\101\7z\` + "\n)": str("a(b)c)\\\nA\az"),
		`(\r\t\b\f\53x\0538)`:          str("\r\t\b\f+x+8"),
		"(a\\\r\nb\\\rc)":              str("abc"),
		"<48 65 6c6C 6F7>":             str("Hellop"),
		"<</A 1/B[/C]/D<</E()>>>>":     dict{"A": int64(1), "B": array{name("C")}, "D": dict{"E": str("")}},
		"<</A>>":                       dict{},
		"<</A/B/C>>":                   dict{"A": name("B")},
		"% comment\n 4":                int64(4),
		"9223372036854775808":          9223372036854775808.0,
	}
	for in, want := range tests {
		v, err := (&parser{buf: []byte(in)}).value(0)
		if in == "[1 2 Rx 3]" {
			require.Error(t, err, in)
			continue
		}
		require.NoError(t, err, in)
		require.Equal(t, want, v, in)
	}
	for _, in := range []string{"", "(", "<4", "[", "<<", "<</A", "<<1 2>>", ")", "]", "endobj", "<</A ]>>"} {
		_, err := (&parser{buf: []byte(in)}).value(0)
		require.Error(t, err, in)
	}
	require.Equal(t, "pdfscan: a value is malformed", fmt.Sprint(damaged("a value is malformed")))
}

// The object streams read first are dropped, and read again when needed.
func TestObjectStreamsKept(t *testing.T) {
	f := &file{}
	for n := range ref(10) {
		f.keep(n, &objectStream{data: make([]byte, maxCached/4)})
		require.LessOrEqual(t, f.cached, maxCached)
	}
	require.Len(t, f.holders, 4)
	require.NotContains(t, f.holders, ref(5))
	require.Contains(t, f.holders, ref(9))
	f.keep(20, &objectStream{data: make([]byte, maxCached+1)})
	require.Len(t, f.holders, 1, "the last is kept whatever it weighs")
}

func TestObjectOutOfPlace(t *testing.T) {
	for name, tt := range map[string]struct {
		place string // of the catalog, which is the fourth and last
		ok    bool
	}{
		"right":                {"2 5 3", true},
		"wrong index":          {"2 5 0", true},
		"index beyond the end": {"2 5 99", true},
		"no such stream":       {"2 99 0", false},
		"another object":       {"1 15 0", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWriter()
			catalog := w.pages("", a4, a4)
			w.pack()
			require.Equal(t, "2 5 3", w.places[catalog])
			w.places[catalog] = tt.place
			start := w.out.Len()
			w.writeXRef(root(catalog), -1)
			fmt.Fprintf(&w.out, "startxref\n%d\n%%%%EOF\n", start)
			doc := mustScan(t, w.out.Bytes())
			require.Equal(t, 2, doc.Pages)
			require.Equal(t, !tt.ok, doc.Rebuilt)
		})
	}
}

func FuzzValue(f *testing.F) {
	f.Add([]byte("<</A[1 2 0 R/B#20(c\\(\\053)<4a>true null]/M(D:20260131093000+01'00')>>"))
	f.Add([]byte("12 0 obj<</Length 3>>stream\r\nabc"))
	f.Add([]byte("trailer<</Root 1 0 R>>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _ = (&parser{buf: data}).indirect()
		p := &parser{buf: data}
		if _, err := p.value(0); err == nil {
			require.LessOrEqual(t, p.pos, len(data))
		}
		require.LessOrEqual(t, len([]rune(text(str(data)))), maxText)
		if at := date(str(data)); !at.IsZero() {
			require.Less(t, at.Year(), 10001)
		}
		_, _, _ = headBefore(data)
		_, _ = unpredict(bytes.Clone(data), dict{"Predictor": int64(12), "Columns": int64(3)})
	})
}
