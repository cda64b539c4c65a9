package pdfscan

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"
)

// PDFA is the mark of PDF/A in the metadata (ISO 19005): what the file claims
// to be, not what it is.
type PDFA struct {
	Part        int    // 1 to 4
	Conformance string // like B; none in part 4
}

// String returns a level like PDF/A-2B.
func (p PDFA) String() string {
	if p.Part == 0 {
		return ""
	}
	return "PDF/A-" + strconv.Itoa(p.Part) + p.Conformance
}

// pdfaNamespace is that of the identification schema of PDF/A.
const pdfaNamespace = "http://www.aiim.org/pdfa/ns/id/"

// maxMetadata is how much of the metadata is read.
const maxMetadata = 1 << 20

// marker reads the metadata of the document. Metadata that cannot be read mark
// nothing.
func (f *file) marker(metadata any) (PDFA, error) {
	s, err := resolved[stream](f, metadata)
	if err != nil || s.dict == nil {
		return PDFA{}, err
	}
	filter, err := f.resolve(s.dict["Filter"])
	if err != nil {
		return PDFA{}, err
	}
	r, err := f.open(s, filter)
	if fatal(err) {
		return PDFA{}, err
	}
	if err != nil {
		return PDFA{}, nil //nolint:nilerr // metadata that cannot be read hold no marker
	}
	w := &watched{r: io.LimitReader(r, maxMetadata)}
	mark := readMarker(w)
	return mark, w.err
}

// watched keeps an error of the source, which the decoder would take for one of
// the document.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if fatal(err) {
		w.err = err
	}
	return n, err
}

// readMarker finds the mark in XMP, where it is two attributes or two elements.
func readMarker(r io.Reader) PDFA {
	var part, conformance string
	note := func(n xml.Name, value string) {
		switch {
		case n.Space != pdfaNamespace:
		case n.Local == "part" && part == "":
			part = strings.TrimSpace(value)
		case n.Local == "conformance" && conformance == "":
			conformance = strings.TrimSpace(value)
		}
	}
	d := xml.NewDecoder(r)
	d.Strict = false
	var element xml.Name
	for depth := 0; depth <= maxDepth && (part == "" || conformance == ""); {
		token, err := d.Token()
		if err != nil {
			break // its end, or no XML from here on
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			element = token.Name
			for _, a := range token.Attr {
				note(a.Name, a.Value)
			}
		case xml.CharData:
			note(element, string(token))
		case xml.EndElement:
			depth--
			element = xml.Name{}
		}
	}
	if len(part) != 1 || part < "1" || part > "9" {
		return PDFA{}
	}
	mark := PDFA{Part: int(part[0] - '0')}
	if len(conformance) == 1 && (conformance >= "A" && conformance <= "Z" || conformance >= "a" && conformance <= "z") {
		mark.Conformance = strings.ToUpper(conformance)
	}
	return mark
}
