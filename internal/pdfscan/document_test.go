package pdfscan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func scan(t testing.TB, data []byte) (*Document, error) {
	t.Helper()
	return Scan(t.Context(), bytes.NewReader(data), int64(len(data)))
}

func mustScan(t testing.TB, data []byte) *Document {
	t.Helper()
	doc, err := scan(t, data)
	require.NoError(t, err)
	return doc
}

// simple is a document of two A4 pages and one Letter, marked and signed.
func simple(w *writer) int {
	mark := w.add("%s", streamObject("/Type /Metadata /Subtype /XML", xmpPDFA2B, false))
	form := w.signed(nil, "/Name (Comune di Prova) /M (D:20260131093000+01'00')")
	return w.pages(fmt.Sprintf("/Metadata %d 0 R %s", mark, form), a4, letter, a4)
}

func checkSimple(t *testing.T, doc *Document, rebuilt bool) {
	t.Helper()
	require.Equal(t, rebuilt, doc.Rebuilt)
	doc.Rebuilt = false
	require.Equal(t, &Document{
		Pages: 3,
		Sizes: []PageSize{{Width: 595.276, Height: 841.89, Pages: 2, First: 1}, {Width: 612, Height: 792, Pages: 1, First: 2}},
		PDFA:  PDFA{Part: 2, Conformance: "B"},
		Signatures: []Signature{{
			Name: "Comune di Prova", Date: time.Date(2026, 1, 31, 8, 30, 0, 0, time.UTC),
		}},
	}, doc)
}

// forms are the ways to write the same document.
func forms() map[string][]byte {
	out := map[string][]byte{}
	w := newWriter()
	out["table"] = w.table(root(simple(w))).out.Bytes()

	for filter := -1; filter <= 4; filter++ {
		w := newWriter()
		out[fmt.Sprintf("streams, filter %d", filter)] = w.packed(root(simple(w)), filter).out.Bytes()
	}

	w = newWriter()
	out["lines that are too short"] = bytes.ReplaceAll(w.table(root(simple(w))).out.Bytes(), []byte(" n \n"), []byte(" n\n"))

	w = newWriter()
	out["line ends of Windows"] = bytes.ReplaceAll(w.table(root(simple(w))).out.Bytes(), []byte(" n \n"), []byte(" n\r\n"))

	// The catalog is replaced by a later revision, in each way.
	for _, way := range []string{"table", "streams"} {
		w = newWriter()
		catalog := simple(w)
		body := w.objects[catalog]
		w.set(catalog, "<< /Type /Catalog >>")
		w.table(root(catalog))
		w.set(catalog, "%s", body)
		if way == "table" {
			w.table(root(catalog))
		} else {
			w.packed(root(catalog), -1)
		}
		out["a second revision, "+way] = w.out.Bytes()
	}

	// Hybrid: objects that the table says are free are in the stream it names.
	w = newWriter()
	catalog := simple(w)
	w.pack()
	at := w.out.Len()
	w.writeXRef(root(catalog), 2)
	out["hybrid"] = w.finishTable(fmt.Sprintf("%s /XRefStm %d", root(catalog), at)).out.Bytes()

	// As in a linearized file, the catalog is not in the table of the others,
	// whose trailer names none.
	w = newWriter()
	catalog = simple(w)
	body := w.objects[catalog]
	delete(w.objects, catalog)
	w.table("")
	w.write(catalog, body)
	out["linearized"] = w.finishTable(root(catalog)).out.Bytes()

	w = newWriter()
	out["bytes before the header"] = append([]byte("\r\n junk \r\n"), w.table(root(simple(w))).out.Bytes()...)
	return out
}

func TestScanForms(t *testing.T) {
	for name, data := range forms() {
		t.Run(name, func(t *testing.T) {
			checkSimple(t, mustScan(t, data), false)
			// The same once the way in is lost: every object must be found.
			lost := bytes.ReplaceAll(data, []byte("startxref"), []byte("startxxxx"))
			checkSimple(t, mustScan(t, lost), true)
		})
	}
}

func TestScanDamaged(t *testing.T) {
	w := newWriter()
	data := w.table(root(simple(w))).out.String()
	tests := map[string]string{
		"offset beyond the end": strings.Replace(data, "startxref\n", "startxref\n9", 1),
		"offset into an object": strings.Replace(data, "startxref\n", "startxref\n1\n", 1),
		"shifted offsets":       strings.Replace(data, "%PDF-1.7\n", "%PDF-1.7\n%more\n", 1),
		"numbers off by one":    strings.NewReplacer("\n1 1\n", "\n2 1\n", "\n2 1\n", "\n1 1\n").Replace(data),
		"no trailer":            strings.Replace(data, "trailer", "tra1ler", 1),
		"cut before the table":  data[:strings.LastIndex(data, "xref\n0 1")],
		"cut in the table":      data[:strings.LastIndex(data, "trailer")],
		"no letters in lines":   strings.ReplaceAll(data, " n \n", " x \n"),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) { checkSimple(t, mustScan(t, []byte(data)), true) })
	}
}

func TestScanErrors(t *testing.T) {
	w := newWriter()
	whole := w.table(root(simple(w))).out.String()
	tests := map[string]struct {
		data string
		want Code
	}{
		"empty":              {"", CodeNotPDF},
		"text":               {"this is no PDF", CodeNotPDF},
		"header too far":     {strings.Repeat("x", headerWithin) + whole, CodeNotPDF},
		"header only":        {"%PDF-1.7\n", CodeDamaged},
		"no pages":           {newWriter().table("").out.String(), CodeDamaged},
		"root is a number":   {"%PDF-1.7\n1 0 obj 42 endobj trailer << /Root 1 0 R >>", CodeDamaged},
		"reference to self":  {"%PDF-1.7\n1 0 obj 1 0 R endobj trailer << /Root 1 0 R >>", CodeDamaged},
		"nested too deeply":  {"%PDF-1.7\n1 0 obj " + strings.Repeat("[", 1000) + " endobj trailer << /Root 1 0 R >>", CodeLimit},
		"too many values":    {"%PDF-1.7\n1 0 obj [" + strings.Repeat("1 ", maxNodes+1) + "] endobj", CodeLimit},
		"object without end": {"%PDF-1.7\n1 0 obj (" + strings.Repeat("x", maxObject+1), CodeLimit},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := scan(t, []byte(tt.data))
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.want, e.Code, err.Error())
		})
	}
}

func TestScanEncrypted(t *testing.T) {
	entries := map[string]string{
		"in place":  " /Encrypt << /Filter /Standard /V 5 /R 6 >>",
		"by number": " /Encrypt 90 0 R",
	}
	for name, entry := range entries {
		for _, packed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, packed %v", name, packed), func(t *testing.T) {
				w := newWriter()
				catalog := simple(w)
				if packed {
					w.write(90, "<< /Filter /Standard /V 5 >>")
					w.packed(root(catalog)+entry, -1)
				} else {
					w.set(90, "<< /Filter /Standard /V 5 >>")
					w.table(root(catalog) + entry)
				}
				require.Equal(t, &Document{Encrypted: true}, mustScan(t, w.out.Bytes()))
				lost := bytes.ReplaceAll(w.out.Bytes(), []byte("startxref"), []byte("startxxxx"))
				require.Equal(t, &Document{Encrypted: true, Rebuilt: true}, mustScan(t, lost))
			})
		}
	}
	t.Run("not where it leads nowhere", func(t *testing.T) {
		w := newWriter()
		checkSimple(t, mustScan(t, w.table(root(simple(w))+" /Encrypt 77 0 R").out.Bytes()), false)
	})
}

// failing fails once it has been read from so often.
type failing struct {
	io.ReaderAt
	left int
}

var errDisk = errors.New("disk on fire")

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(p, off)
}

// An error of reading never looks like one of the document, wherever it comes.
func TestScanReadErrors(t *testing.T) {
	for name, data := range forms() {
		t.Run(name, func(t *testing.T) {
			for reads := 0; ; reads++ {
				r := &failing{bytes.NewReader(data), reads}
				doc, err := Scan(t.Context(), r, int64(len(data)))
				if r.left >= 0 {
					require.NoError(t, err)
					checkSimple(t, doc, false)
					require.Greater(t, reads, 5)
					return
				}
				require.ErrorIs(t, err, errDisk, "after %d reads", reads)
				var e *Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, CodeRead, e.Code)
			}
		})
	}
}

func TestScanEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("going home")
	cancel(cause)
	_, err := Scan(ctx, strings.NewReader("%PDF-1.7"), 8)
	require.ErrorIs(t, err, cause)
}

func TestScanShorterThanTold(t *testing.T) {
	w := newWriter()
	data := w.table(root(simple(w))).out.Bytes()
	_, err := Scan(t.Context(), bytes.NewReader(data), int64(len(data))+10)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// What a file makes large or endless ends soon, in little memory.
func TestScanHostile(t *testing.T) {
	build := func(f func(w *writer)) string {
		w := newWriter()
		f(w)
		return w.out.String()
	}
	zeros := strings.Repeat("\x00", maxStream+2)
	tests := map[string]struct {
		data string
		want Code // "" where it is read
	}{
		"pages within themselves": {build(func(w *writer) {
			w.set(1, "<< /Type /Catalog /Pages 2 0 R >>")
			w.set(2, "<< /Type /Pages /Kids [2 0 R 2 0 R 3 0 R] >>")
			w.set(3, "<< /Type /Page /MediaBox %s >>", a4)
			w.table(root(1))
		}), ""},
		"a laughing tree of pages": {build(func(w *writer) {
			w.set(1, "<< /Type /Catalog /Pages 2 0 R >>")
			for n := 2; n < 40; n++ {
				w.set(n, "<< /Type /Pages /Kids [%d 0 R %d 0 R] >>", n+1, n+1)
			}
			w.set(40, "<< /Type /Page /MediaBox %s >>", a4)
			w.table(root(1))
		}), ""},
		"a tree of pages that is too deep": {build(func(w *writer) {
			w.set(1, "<< /Type /Catalog /Pages 2 0 R >>")
			for n := 2; n < 90; n++ {
				w.set(n, "<< /Type /Pages /Kids [%d 0 R] >>", n+1)
			}
			w.set(90, "<< /Type /Page >>")
			w.table(root(1))
		}), CodeLimit},
		"fields within themselves": {build(func(w *writer) {
			w.set(50, "<< /FT /Sig /Kids [50 0 R 50 0 R 51 0 R] >>")
			w.set(51, "<< /Kids [50 0 R] >>")
			w.table(root(w.pages("/AcroForm << /Fields [50 0 R 51 0 R] >>", a4)))
		}), ""},
		"revisions in a circle": {build(func(w *writer) {
			c := w.pages("", a4)
			w.prev = w.out.Len() // the first object: damaged, then searched
			w.table(root(c))
		}), ""},
		"an object stream within itself": {build(func(w *writer) {
			c := w.pages("", a4)
			w.pack()
			for n := range w.places {
				w.places[n] = fmt.Sprintf("2 %d 0", w.next-1)
			}
			w.finishTable(root(c))
		}), ""},
		"an object stream whose length is within it": {build(func(w *writer) {
			body := "1 0 2 30 << /Type /Catalog /Pages 2 0 R >>"
			at := w.out.Len()
			fmt.Fprintf(&w.out, "9 0 obj << /Type /ObjStm /N 2 /First 9 /Length 1 0 R >>\nstream\n%s\nendstream endobj\n", body)
			w.next = 10
			w.places = map[int]string{1: "2 9 0", 2: "2 9 1", 9: fmt.Sprintf("1 %d 0", at)}
			start := w.out.Len()
			w.writeXRef(root(1), -1)
			fmt.Fprintf(&w.out, "startxref\n%d\n%%%%EOF\n", start)
		}), CodeDamaged},
		"a cross-reference stream that explodes": {build(func(w *writer) {
			start := w.out.Len()
			w.write(1, streamObject("/Type /XRef /W [1 1 1] /Size 9", zeros, true))
			fmt.Fprintf(&w.out, "startxref\n%d\n%%%%EOF\n", start)
		}), CodeLimit},
		"many cross-reference streams that explode together": {build(func(w *writer) {
			prev := ""
			var start int
			for range 4 {
				start = w.out.Len()
				w.write(1, streamObject("/Type /XRef /W [1 1 1] /Size 9"+prev, zeros[:maxStream/3], true))
				prev = fmt.Sprintf(" /Prev %d", start)
			}
			fmt.Fprintf(&w.out, "startxref\n%d\n%%%%EOF\n", start)
		}), CodeLimit},
		"metadata that explode": {build(func(w *writer) {
			mark := w.add("%s", streamObject("/Type /Metadata", strings.Repeat("<x>", 8<<20/3), true))
			w.table(root(w.pages(fmt.Sprintf("/Metadata %d 0 R", mark), a4)))
		}), ""},
		"a table of two thousand million lines": {build(func(w *writer) {
			w.set(1, "<< /Type /Catalog /Pages 2 0 R >>")
			w.set(2, "<< /Type /Page /MediaBox %s >>", a4)
			w.table(root(1))
			text := strings.Replace(w.out.String(), "xref\n0 1\n", "xref\n0 2147483647\n", 1)
			w.out.Reset()
			w.out.WriteString(text)
		}), ""},
		"a table in too many pieces": {build(func(w *writer) {
			w.pages("", a4)
			start := w.out.Len()
			w.out.WriteString("xref\n" + strings.Repeat("0 1\n0000000000 65535 f \n", maxSections+2) + "trailer\n<< /Root 1 0 R >>\n")
			fmt.Fprintf(&w.out, "startxref\n%d\n%%%%EOF\n", start)
		}), CodeDamaged},
		"too many objects to find": {"%PDF-1.7\n" + func() string {
			var b strings.Builder
			for n := range maxFound + 2 {
				fmt.Fprintf(&b, "%d 0 obj\n", n+1)
			}
			return b.String()
		}(), CodeLimit},
		"a page listed too often": {build(func(w *writer) {
			w.set(1, "<< /Type /Catalog /Pages 2 0 R >>")
			w.set(2, "<< /Kids [%s] >>", strings.Repeat("3 0 R ", 1000))
			w.set(3, "<< /Kids [%s] /Type /Page /MediaBox %s >>", strings.Repeat("3 0 R ", 1000), a4)
			w.table(root(1))
		}), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			doc, err := scan(t, []byte(tt.data))
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20))
			if tt.want == "" {
				require.NoError(t, err)
				require.NotZero(t, doc.Pages)
				return
			}
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.want, e.Code, err.Error())
		})
	}
}

// counting counts what is read.
type counting struct {
	io.ReaderAt
	bytes int
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	c.bytes += len(p)
	return c.ReaderAt.ReadAt(p, off)
}

// A large document costs what its structure does, not what it holds.
func TestScanReadsLittle(t *testing.T) {
	w := newWriter()
	for range 64 {
		w.add("%s", streamObject("/Type /XObject", strings.Repeat("image", 64<<10), false))
	}
	data := w.table(root(simple(w))).out.Bytes()
	r := &counting{ReaderAt: bytes.NewReader(data)}
	doc, err := Scan(t.Context(), r, int64(len(data)))
	require.NoError(t, err)
	checkSimple(t, doc, false)
	require.Greater(t, len(data), 16<<20)
	require.Less(t, r.bytes, 256<<10)
}

// No error text has anything of the document in it.
func TestErrorsAreSilent(t *testing.T) {
	const canary = "RSSMRA80A01H501U"
	rng := rand.New(rand.NewPCG(1, 2))
	w := newWriter()
	data := w.table(root(w.pages("/Secret ("+canary+")", a4)) + " /Info << /Title (" + canary + ") >>").out.Bytes()
	failed := 0
	for range 2000 {
		bad := bytes.Clone(data)
		for range 20 {
			i := rng.IntN(len(bad))
			if !bytes.Contains(bad[max(0, i-len(canary)):min(len(bad), i+len(canary))], []byte(canary)) {
				bad[i] = byte(rng.UintN(256))
			}
		}
		if _, err := scan(t, bad); err != nil {
			failed++
			require.NotContains(t, err.Error(), canary)
		}
	}
	require.NotZero(t, failed)
}

func FuzzScan(f *testing.F) {
	for _, data := range forms() {
		f.Add(data)
		f.Add(bytes.ReplaceAll(data, []byte("startxref"), []byte("startxxxx")))
	}
	w := newWriter()
	f.Add(w.table(root(w.pages(w.signed(selfMade(f).message(f), ""), a4))).out.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := scan(t, data)
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			require.NotEqual(t, CodeRead, e.Code)
			return
		}
		if doc.Encrypted {
			return
		}
		total := 0
		for _, s := range doc.Sizes {
			total += s.Pages
		}
		require.Equal(t, doc.Pages, total)
		require.NotZero(t, doc.Pages)
	})
}
