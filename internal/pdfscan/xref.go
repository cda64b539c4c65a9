package pdfscan

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
)

// place is where an object is: at an offset, or inside an object stream. The
// zero place is nowhere.
type place struct {
	at     int64 // offset in the file, if positive
	holder ref   // object stream, if not 0
	index  int   // in it
}

// section is a run of object numbers in cross-reference data: lines of a table,
// which stay in the file, or rows of a stream.
type section struct {
	first, count int64

	at, stride int64 // of the lines

	rows   []byte
	widths [3]int
}

// lineLength is that of «0000000016 00000 n»; one or two line ends follow, of
// which some writers forget one.
const lineLength = 18

func (f *file) locate(num ref) (place, error) {
	if f.found != nil {
		return f.found[num], nil
	}
	for i := range f.sections {
		s := &f.sections[i]
		n := int64(num) - s.first
		if n < 0 || n >= s.count {
			continue
		}
		if s.rows != nil {
			return s.row(n, f.base), nil
		}
		return f.line(s.at + n*s.stride)
	}
	return place{}, nil
}

// line reads a line of a cross-reference table.
func (f *file) line(at int64) (place, error) {
	var line [lineLength]byte
	if n, err := f.src.ReadAt(line[:], at); n < lineLength {
		if err != nil && !errors.Is(err, io.EOF) {
			return place{}, err
		}
		return place{}, damaged("the cross-reference table is cut short")
	}
	offset, err := strconv.ParseInt(string(line[:10]), 10, 64)
	if err != nil || line[10] != ' ' || line[17] != 'n' && line[17] != 'f' {
		return place{}, damaged("a line of the cross-reference table is malformed")
	}
	if line[17] == 'f' {
		return place{}, nil
	}
	return place{at: f.base + offset}, nil
}

// row decodes a row of a cross-reference stream.
func (s *section) row(n, base int64) place {
	width := s.widths[0] + s.widths[1] + s.widths[2]
	row := s.rows[int(n)*width:]
	var fields [3]int64
	for i, w := range s.widths {
		for _, b := range row[:w] {
			fields[i] = fields[i]<<8 | int64(b)
		}
		row = row[w:]
	}
	if s.widths[0] == 0 {
		fields[0] = 1
	}
	switch {
	case fields[0] == 1 && fields[1] > 0:
		return place{at: base + fields[1]}
	case fields[0] == 2 && fields[1] > 0 && fields[1] <= maxNumber && fields[2] >= 0 && fields[2] < maxNodes:
		return place{holder: ref(fields[1]), index: int(fields[2])}
	}
	return place{}
}

// follow reads the cross-reference data of all revisions, newest first. It
// fails where they are damaged: the objects must then be looked for.
func (f *file) follow() error {
	at, err := f.startxref()
	if err != nil {
		return err
	}
	seen := map[int64]bool{}
	for ok := true; ok; {
		if seen[at] {
			return damaged("the revisions go round in a circle")
		}
		seen[at] = true
		if len(seen) > maxUpdates {
			return tooLarge("there are too many revisions")
		}
		trailer, err := f.revision(f.base + at)
		if err != nil {
			return err
		}
		if f.trailer["Root"] == nil {
			f.trailer = trailer
		}
		at, ok = offsetIn(trailer, "Prev")
	}
	return nil
}

// offsetIn returns an offset from a trailer; some writers make it a real, or 0
// where there is none.
func offsetIn(d dict, key name) (int64, bool) {
	switch n := d[key].(type) {
	case int64:
		return n, n > 0
	case float64:
		return int64(n), n >= 1 && n < 1<<53
	}
	return 0, false
}

// startxref finds the last «startxref» near the end.
func (f *file) startxref() (int64, error) {
	const tail = 2 << 10
	begin := max(f.src.size-tail, f.base)
	buf := make([]byte, f.src.size-begin)
	n, err := f.src.ReadAt(buf, begin)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	buf = buf[:n]
	i := bytes.LastIndex(buf, []byte("startxref"))
	if i < 0 {
		return 0, damaged("there is no startxref")
	}
	p := parser{buf: buf[i+len("startxref"):]}
	at, ok := p.integer()
	if !ok {
		return 0, damaged("startxref has no offset")
	}
	return at, nil
}

// revision reads the table or stream at an offset and returns its trailer.
func (f *file) revision(at int64) (dict, error) {
	p := f.parserAt(at)
	if !p.keyword("xref") {
		return f.xrefStream(at)
	}
	sections, p, err := f.xrefTable(p)
	if err != nil {
		return nil, err
	}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	trailer, ok := v.(dict)
	if !ok {
		return nil, damaged("there is no trailer")
	}
	// What a hybrid file hides from old readers is free in its table.
	if hidden, ok := offsetIn(trailer, "XRefStm"); ok {
		if _, err := f.xrefStream(f.base + hidden); err != nil {
			return nil, err
		}
	}
	f.sections = append(f.sections, sections...)
	return trailer, f.checkSections()
}

// checkSections bounds what each look-up passes. Searching does better then.
func (f *file) checkSections() error {
	if len(f.sections) > maxSections {
		return damaged("the cross-reference data are in too many pieces")
	}
	return nil
}

// xrefTable reads where the lines of a table are, up to its trailer.
func (f *file) xrefTable(p *parser) ([]section, *parser, error) {
	var sections []section
	for !p.keyword("trailer") {
		first, ok := p.integer()
		count, also := p.integer()
		if !ok || !also || first > maxNumber || count > maxNumber || len(sections) > maxSections {
			return nil, nil, p.fail("the cross-reference table is malformed")
		}
		if count == 0 {
			continue
		}
		p.skip()
		s := section{first: first, count: count, at: p.offset(), stride: lineLength}
		for blank(p.at(int(s.stride))) && s.stride < lineLength+3 {
			s.stride++
		}
		sections = append(sections, s)
		p = f.parserAt(s.at + (count-1)*s.stride + lineLength)
	}
	return sections, p, nil
}

// xrefStream reads a cross-reference stream and returns its dictionary, which
// is its trailer.
func (f *file) xrefStream(at int64) (dict, error) {
	_, v, err := f.parserAt(at).indirect()
	if err != nil {
		return nil, err
	}
	s, ok := v.(stream)
	if !ok || s.dict["Type"] != name("XRef") {
		return nil, damaged("there are no cross-reference data where there should be")
	}
	w, _ := s.dict["W"].(array)
	if len(w) < 3 {
		return nil, damaged("a cross-reference stream has no widths")
	}
	var widths [3]int
	total := 0
	for i := range widths {
		n, ok := w[i].(int64)
		if !ok || n < 0 || n > 7 {
			return nil, damaged("a cross-reference stream has odd widths")
		}
		widths[i] = int(n)
		total += int(n)
	}
	if total == 0 {
		return nil, damaged("a cross-reference stream has odd widths")
	}
	rows, err := f.inflate(s, maxStream)
	if err != nil {
		return nil, err
	}
	if f.rows += len(rows); f.rows > maxStream {
		return nil, tooLarge("the cross-reference data are too long")
	}
	index, ok := s.dict["Index"].(array)
	if !ok {
		index = array{int64(0), s.dict["Size"]}
	}
	for pair := range slices.Chunk(index, 2) {
		first, ok := pair[0].(int64)
		count, also := pair[len(pair)-1].(int64)
		if len(pair) < 2 || !ok || !also || first < 0 || first > maxNumber || count < 0 {
			return nil, damaged("a cross-reference stream has an odd index")
		}
		count = min(count, int64(len(rows)/total))
		if count == 0 {
			continue
		}
		size := int(count) * total
		f.sections = append(f.sections, section{first: first, count: count, rows: rows[:size:size], widths: widths})
		rows = rows[size:]
	}
	return s.dict, f.checkSections()
}
