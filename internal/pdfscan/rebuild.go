package pdfscan

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
)

// rebuild looks through the whole file for objects and trailers, where the
// cross-reference data are damaged. Of two objects with one number the later
// counts. Bytes inside a stream can look like an object: it is a last resort.
func (f *file) rebuild() error {
	*f = file{src: f.src, base: f.base, loads: f.loads, inflated: f.inflated, found: map[ref]place{}}
	if err := f.search(); err != nil {
		return err
	}
	numbers := slices.SortedFunc(maps.Keys(f.found), func(a, b ref) int { return cmp.Compare(f.found[a].at, f.found[b].at) })
	var catalog ref
	for _, num := range numbers {
		p := f.found[num]
		if p.holder != 0 {
			continue // a later object stream has it
		}
		_, v, err := f.parserAt(p.at).indirect()
		if fatal(err) {
			return err
		}
		switch v := v.(type) {
		case dict:
			if v["Type"] == name("Catalog") {
				catalog = num
			}
		case stream:
			switch v.dict["Type"] {
			case name("XRef"):
				f.offer(v.dict)
			case name("ObjStm"):
				if err := f.adopt(num, p, v); fatal(err) {
					return err
				}
			}
		}
	}
	if f.trailer == nil && catalog != 0 {
		f.trailer = dict{"Root": catalog}
	}
	return nil
}

// fatal tells errors of reading and limits from those of one object, which
// leave the others as they are.
func fatal(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code != CodeDamaged
}

// offer takes a trailer if it can be one. Encryption concerns all revisions.
func (f *file) offer(d dict) {
	if d["Root"] == nil {
		return
	}
	encrypt := f.trailer["Encrypt"]
	f.trailer = d
	if d["Encrypt"] == nil && encrypt != nil {
		d["Encrypt"] = encrypt
	}
}

// adopt finds the objects in an object stream, unless a later one has them.
func (f *file) adopt(num ref, p place, s stream) error {
	h, err := f.unpack(s)
	if err != nil {
		return err
	}
	for i, n := range h.numbers {
		if have, ok := f.found[n]; ok && have.holder == 0 && have.at > p.at {
			continue
		}
		if len(f.found) >= maxFound {
			return tooLarge("there are too many objects to find")
		}
		f.found[n] = place{holder: num, index: i}
	}
	return nil
}

// search reads the file once and finds «12 0 obj» and «trailer».
func (f *file) search() error {
	const chunk, overlap = 64 << 10, 64 // more than a word with what comes before
	buf := make([]byte, 0, chunk)
	for at := f.base; at < f.src.size; {
		seen := min(overlap, len(buf))
		buf = append(buf[:0], buf[len(buf)-seen:]...)
		n, err := f.src.ReadAt(buf[seen:cap(buf)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		buf = buf[:seen+n]
		for i := range words(buf, "obj", seen) {
			num, begin, ok := headBefore(buf[:i])
			if !ok {
				continue
			}
			if len(f.found) >= maxFound {
				return tooLarge("there are too many objects to find")
			}
			f.found[num] = place{at: at - int64(seen) + int64(begin)}
		}
		for i := range words(buf, "trailer", seen) {
			v, err := f.parserAt(at - int64(seen) + int64(i+len("trailer"))).value(0)
			if fatal(err) {
				return err
			}
			if d, ok := v.(dict); ok {
				f.offer(d)
			}
		}
		at += int64(n)
	}
	return nil
}

// words yields where a word is that does not end within the bytes seen before.
func words(buf []byte, word string, seen int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := max(seen-len(word)+1, 0); ; {
			n := bytes.Index(buf[i:], []byte(word))
			if n < 0 || !yield(i+n) {
				return
			}
			i += n + len(word)
		}
	}
}

// headBefore reads backwards the number and the generation before «obj».
func headBefore(buf []byte) (num ref, begin int, ok bool) {
	end := len(buf)
	back := func(fits func(byte) bool, most int) []byte {
		i := end
		for i > 0 && end-i < most && fits(buf[i-1]) {
			i--
		}
		part := buf[i:end]
		end = i
		return part
	}
	if len(back(blank, 4)) == 0 || len(back(digit, 5)) == 0 || len(back(blank, 4)) == 0 {
		return 0, 0, false
	}
	n, err := strconv.ParseInt(string(back(digit, 10)), 10, 64)
	return ref(n), end, err == nil && n > 0 && n <= maxNumber
}
