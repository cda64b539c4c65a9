package pdfscan

import (
	"compress/zlib"
	"errors"
	"io"
)

// open reads the data of a stream with that filter: none, or FlateDecode, whose
// data say where they end. Nothing in the dictionary is followed elsewhere, so
// without a length in place it reads on to the end of the file.
func (f *file) open(s stream, filter any) (io.Reader, error) {
	if list, ok := filter.(array); ok {
		switch len(list) {
		case 0:
			filter = nil
		case 1:
			filter = list[0]
		}
	}
	data := f.src.from(s.at)
	switch filter {
	case nil:
		return io.LimitReader(data, intOr(s.dict, "Length", f.src.size)), nil
	case name("FlateDecode"):
		r, err := zlib.NewReader(data)
		if e, ok := errors.AsType[*Error](err); ok {
			return nil, e
		}
		if err != nil {
			return nil, damaged("a stream is not compressed as it says")
		}
		return r, nil
	}
	return nil, damaged("a stream has a filter that is not read")
}

// inflate returns the data of a stream of cross-references or objects. Of data
// with a damaged end it returns what comes before.
func (f *file) inflate(s stream, most int) ([]byte, error) {
	r, err := f.open(s, s.dict["Filter"])
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if e, ok := errors.AsType[*Error](err); ok {
		return nil, e
	}
	f.inflated += int64(len(data))
	if len(data) > most || f.inflated > maxInflated {
		return nil, tooLarge("streams are too large once inflated")
	}
	return unpredict(data, s.dict["DecodeParms"])
}

// unpredict undoes a PNG predictor, in place.
func unpredict(data []byte, parms any) ([]byte, error) {
	if list, ok := parms.(array); ok && len(list) == 1 {
		parms = list[0]
	}
	d, ok := parms.(dict)
	if !ok && parms != nil {
		return nil, damaged("a stream does not say how it is compressed")
	}
	predictor := intOr(d, "Predictor", 1)
	if predictor == 1 {
		return data, nil
	}
	colors, bits, columns := intOr(d, "Colors", 1), intOr(d, "BitsPerComponent", 8), intOr(d, "Columns", 1)
	if predictor < 10 || predictor > 15 || colors < 1 || colors > 32 || bits < 1 || bits > 16 || columns < 1 || columns > 1<<16 {
		return nil, damaged("a stream has a predictor that is not read")
	}
	size, step := int(colors*bits*columns+7)/8, int(max(colors*bits/8, 1))
	out, above := data[:0], make([]byte, size)
	for len(data) > 1 {
		kind := data[0]
		row := data[1:min(len(data), 1+size)]
		data = data[1+len(row):]
		if err := unfilter(kind, row, above, step); err != nil {
			return nil, err
		}
		copy(above, row)
		out = append(out, row...) // begins before row does
	}
	return out, nil
}

func intOr(d dict, key name, otherwise int64) int64 {
	if n, ok := d[key].(int64); ok {
		return n
	}
	return otherwise
}

// unfilter undoes a filter of PNG (RFC 2083 section 6) on a row.
func unfilter(kind byte, row, above []byte, step int) error {
	if kind > 4 {
		return damaged("a row has a filter that does not exist")
	}
	for i := range row {
		var left, corner byte
		if i >= step {
			left, corner = row[i-step], above[i-step]
		}
		switch kind {
		case 1:
			row[i] += left
		case 2:
			row[i] += above[i]
		case 3:
			row[i] += byte((int(left) + int(above[i])) / 2)
		case 4:
			row[i] += paeth(left, above[i], corner)
		}
	}
	return nil
}

func paeth(left, above, corner byte) byte {
	guess := int(left) + int(above) - int(corner)
	l, a, c := distance(guess, left), distance(guess, above), distance(guess, corner)
	switch {
	case l <= a && l <= c:
		return left
	case a <= c:
		return above
	}
	return corner
}

func distance(a int, b byte) int { return max(a-int(b), int(b)-a) }
