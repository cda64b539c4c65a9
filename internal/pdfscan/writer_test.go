package pdfscan

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// writer writes PDFs, right ones and wrong ones.
type writer struct {
	out     bytes.Buffer
	objects map[int]string // not yet written
	places  map[int]string // rows of the cross-reference data: kind, two fields
	prev    int
	next    int
}

func newWriter() *writer {
	w := &writer{objects: map[int]string{}, places: map[int]string{}, next: 1}
	w.out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	return w
}

// add gives an object a number.
func (w *writer) add(body string, args ...any) int {
	n := w.next
	w.next++
	w.set(n, body, args...)
	return n
}

func (w *writer) set(n int, body string, args ...any) {
	if len(args) > 0 {
		body = fmt.Sprintf(body, args...)
	}
	w.objects[n] = body
	w.next = max(w.next, n+1)
}

// stream is a stream object, deflated where asked.
func streamObject(entries, data string, deflated bool) string {
	if deflated {
		data = deflate(data)
		entries += " /Filter /FlateDecode"
	}
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", entries, len(data), data)
}

func deflate(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(s)) // a bytes.Buffer does not fail
	_ = z.Close()
	return b.String()
}

func (w *writer) write(n int, body string) {
	w.places[n] = fmt.Sprintf("1 %d 0", w.out.Len())
	fmt.Fprintf(&w.out, "%d 0 obj\n%s\nendobj\n", n, body)
}

// table ends a revision with a cross-reference table.
func (w *writer) table(trailer string) *writer {
	for _, n := range slices.Sorted(maps.Keys(w.objects)) {
		w.write(n, w.objects[n])
	}
	return w.finishTable(trailer)
}

func (w *writer) finishTable(trailer string) *writer {
	start := w.out.Len()
	w.out.WriteString("xref\n")
	if w.prev == 0 {
		w.out.WriteString("0 1\n0000000000 65535 f \n")
	}
	for _, n := range slices.Sorted(maps.Keys(w.places)) {
		var kind, at, gen int
		fmt.Sscan(w.places[n], &kind, &at, &gen)
		if kind == 2 {
			fmt.Fprintf(&w.out, "%d 1\n0000000000 00000 f \n", n)
			continue
		}
		fmt.Fprintf(&w.out, "%d 1\n%010d %05d n \n", n, at, gen)
	}
	fmt.Fprintf(&w.out, "trailer\n<< /Size %d %s", w.next, trailer)
	if w.prev > 0 {
		fmt.Fprintf(&w.out, " /Prev %d", w.prev)
	}
	fmt.Fprintf(&w.out, " >>\nstartxref\n%d\n%%%%EOF\n", start)
	w.endRevision(start)
	return w
}

func (w *writer) endRevision(start int) {
	w.prev = start
	w.objects, w.places = map[int]string{}, map[int]string{}
}

// pack puts all objects but streams into an object stream.
func (w *writer) pack() {
	holder := w.next
	w.next++
	var head, data strings.Builder
	count := 0
	for _, n := range slices.Sorted(maps.Keys(w.objects)) {
		if strings.HasSuffix(w.objects[n], "endstream") {
			w.write(n, w.objects[n])
			continue
		}
		fmt.Fprintf(&head, "%d %d ", n, data.Len())
		data.WriteString(w.objects[n] + "\n")
		w.places[n] = fmt.Sprintf("2 %d %d", holder, count)
		count++
	}
	w.write(holder, streamObject(fmt.Sprintf("/Type /ObjStm /N %d /First %d", count, head.Len()), head.String()+data.String(), true))
}

// packed ends a revision with an object stream and a cross-reference stream,
// whose rows go through a PNG filter if not -1.
func (w *writer) packed(trailer string, filter int) *writer {
	w.pack()
	start := w.out.Len()
	w.writeXRef(trailer, filter)
	fmt.Fprintf(&w.out, "startxref\n%d\n%%%%EOF\n", start)
	w.endRevision(start)
	return w
}

func (w *writer) writeXRef(trailer string, filter int) {
	self := w.next
	w.next++
	w.places[self] = fmt.Sprintf("1 %d 0", w.out.Len())
	var index strings.Builder
	var rows []byte
	const width = 6
	for _, n := range slices.Sorted(maps.Keys(w.places)) {
		var kind, a, b int
		fmt.Sscan(w.places[n], &kind, &a, &b)
		fmt.Fprintf(&index, "%d 1 ", n)
		rows = append(rows, byte(kind), byte(a>>16), byte(a>>8), byte(a), byte(b>>8), byte(b))
	}
	entries := fmt.Sprintf("/Type /XRef /W [1 3 2] /Index [%s] /Size %d %s", index.String(), w.next, trailer)
	if w.prev > 0 {
		entries += fmt.Sprintf(" /Prev %d", w.prev)
	}
	if filter >= 0 {
		rows = filtered(rows, width, filter)
		entries += fmt.Sprintf(" /DecodeParms << /Predictor 15 /Columns %d >>", width)
	}
	fmt.Fprintf(&w.out, "%d 0 obj\n%s\nendobj\n", self, streamObject(entries, string(rows), true))
}

// filtered applies a filter of PNG, for samples of one byte.
func filtered(data []byte, width, filter int) []byte {
	var out []byte
	above := make([]byte, width)
	for row := range slices.Chunk(data, width) {
		out = append(out, byte(filter))
		for i := range row {
			var left, corner byte
			if i > 0 {
				left, corner = row[i-1], above[i-1]
			}
			// What the standard calls Paeth is chosen here by its definition:
			// the neighbour nearest to left + above - corner.
			guess := int(left) + int(above[i]) - int(corner)
			nearest := left
			for _, c := range []byte{above[i], corner} {
				if distance(guess, c) < distance(guess, nearest) {
					nearest = c
				}
			}
			minus := []byte{0, left, above[i], byte((int(left) + int(above[i])) / 2), nearest}[filter]
			out = append(out, row[i]-minus)
		}
		above = row
	}
	return out
}

const (
	a4     = "[0 0 595.276 841.89]"
	letter = "[0 0 612 792]"
)

// pages adds a tree of pages of these boxes and returns the number of the catalog,
// whose other entries are given.
func (w *writer) pages(catalog string, boxes ...string) int {
	tree := w.next
	w.next++
	var kids strings.Builder
	for _, box := range boxes {
		fmt.Fprintf(&kids, "%d 0 R ", w.add("<< /Type /Page /Parent %d 0 R /MediaBox %s /Resources << >> >>", tree, box))
	}
	w.set(tree, "<< /Type /Pages /Kids [%s] /Count %d >>", kids.String(), len(boxes))
	return w.add("<< /Type /Catalog /Pages %d 0 R %s >>", tree, catalog)
}

// signed adds a field with a signature and returns the entry of the catalog.
func (w *writer) signed(contents []byte, entries string) string {
	value := w.add("<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange [0 840 960 240] /Contents <%x%s> %s >>",
		contents, strings.Repeat("00", 64), entries)
	field := w.add("<< /FT /Sig /T (Signature1) /V %d 0 R >>", value)
	return fmt.Sprintf("/AcroForm << /SigFlags 3 /Fields [%d 0 R] >>", field)
}

// root is a trailer.
func root(catalog int) string { return fmt.Sprintf("/Root %d 0 R", catalog) }

const xmpPDFA2B = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"><pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>`
