package pdfscan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPageSize(t *testing.T) {
	tests := []struct {
		tree, page    string
		width, height float64
	}{
		{"", "/MediaBox [0 0 595 842]", 595, 842},
		{"/MediaBox [0 0 595 842]", "", 595, 842},
		{"/MediaBox [0 0 1 1]", "/MediaBox [0 0 595 842]", 595, 842},
		{"", "/MediaBox [595 842 0 0]", 595, 842},
		{"", "/MediaBox [-10 20 585 862.5]", 595, 842.5},
		{"", "/MediaBox [0 0 595 842] /Rotate 90", 842, 595},
		{"/Rotate 270", "/MediaBox [0 0 595 842]", 842, 595},
		{"/Rotate 90", "/MediaBox [0 0 595 842] /Rotate 0", 595, 842},
		{"", "/MediaBox [0 0 595 842] /Rotate -90", 842, 595},
		{"", "/MediaBox [0 0 595 842] /Rotate 180", 595, 842},
		{"", "/MediaBox [0 0 595 842] /UserUnit 2", 1190, 1684},
		{"", "/MediaBox [0 0 595 842] /UserUnit 0", 595, 842},
		{"", "/MediaBox 20 0 R", 595, 842},
		{"", "/MediaBox [0 0 21 0 R 842]", 595, 842},
		{"", "/MediaBox [0 0 595]", 0, 0},
		{"", "/MediaBox [0 0 595 /A4]", 0, 0},
		{"", "/MediaBox 99 0 R", 0, 0},
		{"", "", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.tree+tt.page, func(t *testing.T) {
			w := newWriter()
			w.set(1, "<< /Type /Catalog /Pages 2 0 R >>")
			w.set(2, "<< /Type /Pages /Kids [3 0 R] %s >>", tt.tree)
			w.set(3, "<< /Type /Pages /Kids [4 0 R] >>")
			w.set(4, "<< /Type /Page %s >>", tt.page)
			w.set(20, "[0 0 595 842]")
			w.set(21, "595")
			doc := mustScan(t, w.table(root(1)).out.Bytes())
			require.Equal(t, []PageSize{{Width: tt.width, Height: tt.height, Pages: 1, First: 1}}, doc.Sizes)
		})
	}
}

func TestPages(t *testing.T) {
	w := newWriter()
	w.set(1, "<< /Type /Catalog /Pages 2 0 R >>")
	w.set(2, "<< /Type /Pages /Count 99 /Kids [3 0 R null 77 0 R << /Type /Page /MediaBox %s >> 4 0 R] >>", letter)
	w.set(3, "<< /MediaBox %s /Kids 9 0 R >>", a4)
	w.set(4, "<< /Type /Page /MediaBox %s >>", a4)
	w.set(5, "<< /Type /Page >>")
	w.set(6, "<< >>") // what has no kids is a page
	w.set(9, "[5 0 R 6 0 R]")
	doc := mustScan(t, w.packed(root(1), 4).out.Bytes())
	require.Equal(t, 4, doc.Pages, "the count that the tree gives is not believed")
	require.Equal(t, []PageSize{{595.276, 841.89, 3, 1}, {612, 792, 1, 3}}, doc.Sizes)
}

// The writer makes a piece of each object: more than are followed.
func TestManyPages(t *testing.T) {
	boxes := make([]string, 5000)
	for i := range boxes {
		boxes[i] = a4
	}
	w := newWriter()
	doc := mustScan(t, w.packed(root(w.pages("", boxes...)), -1).out.Bytes())
	require.Equal(t, 5000, doc.Pages)
	require.Len(t, doc.Sizes, 1)
}

func TestMarker(t *testing.T) {
	const ns = `xmlns:p="http://www.aiim.org/pdfa/ns/id/"`
	utf8 := func(body string) string { return "<?xpacket begin='\uFEFF'?>" + body }
	tests := map[string]struct {
		xmp, want string
	}{
		"elements":            {xmpPDFA2B, "PDF/A-2B"},
		"attributes":          {utf8(`<r><d ` + ns + ` p:part="3" p:conformance="u"/></r>`), "PDF/A-3U"},
		"another prefix":      {utf8(`<d ` + ns + `><p:part> 1 </p:part><p:conformance>A</p:conformance></d>`), "PDF/A-1A"},
		"no conformance":      {utf8(`<d ` + ns + ` p:part="4" p:rev="2020"/>`), "PDF/A-4"},
		"another namespace":   {`<d xmlns:p="urn:x" p:part="2" p:conformance="B"/>`, ""},
		"no namespace":        {`<d part="2" conformance="B"/>`, ""},
		"no number":           {`<d ` + ns + ` p:part="two" p:conformance="B"/>`, ""},
		"odd conformance":     {`<d ` + ns + ` p:part="2" p:conformance="lots of text"/>`, "PDF/A-2"},
		"elsewhere":           {`<d ` + ns + `><p:part/>2</d>`, ""},
		"cut":                 {xmpPDFA2B[:len(xmpPDFA2B)/2], ""},
		"empty":               {"", ""},
		"entities":            {`<!DOCTYPE x [<!ENTITY y "2">]><d ` + ns + `><p:part>&y;</p:part></d>`, ""},
		"beyond what is read": {"<d " + ns + ">" + strings.Repeat(" ", maxMetadata) + "<p:part>2</p:part></d>", ""},
	}
	for name, tt := range tests {
		for _, deflated := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, deflated %v", name, deflated), func(t *testing.T) {
				w := newWriter()
				mark := w.add("%s", streamObject("/Type /Metadata", tt.xmp, deflated))
				doc := mustScan(t, w.table(root(w.pages(fmt.Sprintf("/Metadata %d 0 R", mark), a4))).out.Bytes())
				require.Equal(t, tt.want, doc.PDFA.String())
			})
		}
	}
	for _, metadata := range []string{
		"<< /Filter /LZWDecode /Length 3 >>\nstream\nabc\nendstream",
		"<< /Filter [/FlateDecode /FlateDecode] /Length 3 >>\nstream\nabc\nendstream",
		"<< /Filter /FlateDecode /Length 3 >>\nstream\nabc\nendstream",
		"(no stream)",
	} {
		w := newWriter()
		mark := w.add("%s", metadata)
		doc := mustScan(t, w.table(root(w.pages(fmt.Sprintf("/Metadata %d 0 R", mark), a4))).out.Bytes())
		require.Zero(t, doc.PDFA, metadata)
	}
	t.Run("length and filter elsewhere", func(t *testing.T) {
		w := newWriter()
		data := deflate(xmpPDFA2B)
		w.set(30, "%d", len(data))
		w.set(31, "/FlateDecode")
		w.set(32, "<< /Type /Metadata /Length 30 0 R /Filter 31 0 R >>\nstream\r\n%s\nendstream", data)
		w.set(33, "<< /Type /Metadata /Length 34 0 R >>\nstream\n%s\nendstream", xmpPDFA2B)
		for _, n := range []int{32, 33} {
			doc := mustScan(t, w.table(root(w.pages(fmt.Sprintf("/Metadata %d 0 R", n), a4))).out.Bytes())
			require.Equal(t, PDFA{2, "B"}, doc.PDFA)
		}
	})
}
