package pdfscan

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
)

// A value is nil, bool, int64, float64, name, str, array, dict, ref or, at the
// top of an indirect object, stream.
type (
	name  string
	str   string
	array []any
	dict  map[name]any
	ref   uint32 // the number of an object; its generation does not matter here
)

// stream is an object whose data begin at an offset of the file.
type stream struct {
	dict dict
	at   int64
}

// maxNumber is more than the object numbers that readers must support.
const maxNumber = 1<<31 - 1

// firstRead is enough for most objects.
const firstRead = 1 << 10

// parser reads values from the file, or from the bytes of an object stream.
type parser struct {
	src   *source // nil where buf is all there is
	start int64   // offset of buf in the file
	buf   []byte
	pos   int
	nodes int
	err   error // of reading
}

func (p *parser) more() bool {
	if p.src == nil || p.err != nil {
		return false
	}
	had := len(p.buf)
	n := min(max(firstRead, had), maxObject-had)
	if n <= 0 {
		p.err = tooLarge("an object is too long")
		return false
	}
	p.buf = slices.Grow(p.buf, n)[:had+n]
	n, err := p.src.ReadAt(p.buf[had:], p.start+int64(had))
	p.buf = p.buf[:had+n]
	if err != nil && !errors.Is(err, io.EOF) {
		p.err = err
	}
	return n > 0
}

// at returns the byte so many places on, or 0 at the end. A zero byte of the
// file is blank, and so is the end.
func (p *parser) at(i int) byte {
	for p.pos+i >= len(p.buf) {
		if !p.more() {
			return 0
		}
	}
	return p.buf[p.pos+i]
}

func (p *parser) atEnd() bool { return p.pos >= len(p.buf) && !p.more() }

// offset returns the place in the file.
func (p *parser) offset() int64 { return p.start + int64(p.pos) }

// fail returns the error of reading where there is one: what comes then only
// looks malformed.
func (p *parser) fail(reason string) error {
	if p.err != nil {
		return p.err
	}
	return damaged(reason)
}

func blank(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}
func digit(c byte) bool { return c >= '0' && c <= '9' }
func regular(c byte) bool {
	return !blank(c) && bytes.IndexByte([]byte("()<>[]{}/%"), c) < 0
}

// skip passes blanks and comments.
func (p *parser) skip() {
	for !p.atEnd() {
		switch c := p.buf[p.pos]; {
		case blank(c):
			p.pos++
		case c == '%':
			for !p.atEnd() && p.buf[p.pos] != '\n' && p.buf[p.pos] != '\r' {
				p.pos++
			}
		default:
			return
		}
	}
}

// keyword passes a word if it comes next.
func (p *parser) keyword(word string) bool {
	p.skip()
	for i := range len(word) {
		if p.at(i) != word[i] {
			return false
		}
	}
	if regular(p.at(len(word))) {
		return false
	}
	p.pos += len(word)
	return true
}

// integer passes a number that is none below zero.
func (p *parser) integer() (int64, bool) {
	p.skip()
	if !digit(p.at(0)) {
		return 0, false
	}
	n, ok := p.number().(int64)
	return n, ok
}

// number reads digits, signs and dots; what is no number in spite of them is 0.
func (p *parser) number() any {
	begin := p.pos
	for c := p.at(0); digit(c) || c == '+' || c == '-' || c == '.'; c = p.at(0) {
		p.pos++
	}
	text := string(p.buf[begin:min(p.pos, begin+40)])
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return int64(0)
	}
	return f
}

// value reads a value.
func (p *parser) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, tooLarge("an object is nested too deeply")
	}
	if p.nodes++; p.nodes > maxNodes {
		return nil, tooLarge("an object has too many values")
	}
	p.skip()
	switch c := p.at(0); {
	case c == '/':
		return p.name(), nil
	case c == '(':
		return p.literal()
	case c == '[':
		return p.array(depth)
	case c == '<' && p.at(1) == '<':
		return p.dict(depth)
	case c == '<':
		return p.hex()
	case digit(c):
		return p.numberOrRef(), nil
	case c == '+' || c == '-' || c == '.':
		return p.number(), nil
	case p.keyword("true"):
		return true, nil
	case p.keyword("false"):
		return false, nil
	case p.keyword("null"):
		return nil, nil
	}
	return nil, p.fail("a value is malformed")
}

// numberOrRef tells «12» from «12 0 R» by what follows.
func (p *parser) numberOrRef() any {
	n := p.number()
	num, ok := n.(int64)
	if !ok || num < 0 || num > maxNumber {
		return n
	}
	mark := p.pos
	if _, ok := p.integer(); ok && p.keyword("R") {
		return ref(num)
	}
	p.pos = mark
	return n
}

func (p *parser) name() name {
	p.pos++
	var out []byte
	for c := p.at(0); regular(c); c = p.at(0) {
		if c == '#' && unhex(p.at(1)) >= 0 && unhex(p.at(2)) >= 0 {
			c = byte(unhex(p.at(1))<<4 | unhex(p.at(2)))
			p.pos += 2
		}
		out = append(out, c)
		p.pos++
	}
	return name(out)
}

func unhex(c byte) int {
	switch {
	case digit(c):
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func (p *parser) hex() (any, error) {
	p.pos++
	var out []byte
	high := -1
	for !p.atEnd() {
		c := p.buf[p.pos]
		p.pos++
		d := unhex(c)
		switch {
		case c == '>':
			if high >= 0 {
				out = append(out, byte(high<<4))
			}
			return str(out), nil
		case d < 0:
			continue // blanks; others pass for them
		case high < 0:
			high = d
		default:
			out = append(out, byte(high<<4|d))
			high = -1
		}
	}
	return nil, p.fail("a string does not end")
}

func (p *parser) literal() (any, error) {
	p.pos++
	var out []byte
	for open := 1; !p.atEnd(); {
		c := p.buf[p.pos]
		p.pos++
		switch c {
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				return str(out), nil
			}
		case '\\':
			out = p.escape(out)
			continue
		}
		out = append(out, c)
	}
	return nil, p.fail("a string does not end")
}

// escape appends what follows a backslash.
func (p *parser) escape(out []byte) []byte {
	c := p.at(0)
	if c >= '0' && c <= '7' {
		code := 0
		for range 3 {
			if c = p.at(0); c < '0' || c > '7' {
				break
			}
			code = code<<3 | int(c-'0')
			p.pos++
		}
		return append(out, byte(code))
	}
	if !p.atEnd() {
		p.pos++
	}
	switch c {
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case '\r': // a line that goes on
		if p.at(0) == '\n' {
			p.pos++
		}
		return out
	case '\n':
		return out
	}
	return append(out, c)
}

func (p *parser) array(depth int) (any, error) {
	p.pos++
	out := array{}
	for {
		p.skip()
		if p.at(0) == ']' {
			p.pos++
			return out, nil
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}

func (p *parser) dict(depth int) (any, error) {
	p.pos += 2
	out := dict{}
	for {
		p.skip()
		switch {
		case p.at(0) == '>' && p.at(1) == '>':
			p.pos += 2
			return out, nil
		case p.at(0) != '/':
			return nil, p.fail("a dictionary is malformed")
		}
		key := p.name()
		p.skip()
		if p.at(0) == '>' && p.at(1) == '>' {
			continue // a key without a value
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out[key] = v
	}
}

// indirect reads «12 0 obj …» and returns its number.
func (p *parser) indirect() (ref, any, error) {
	num, ok := p.integer()
	if _, gen := p.integer(); !ok || !gen || num > maxNumber || !p.keyword("obj") {
		return 0, nil, p.fail("there is no object where there should be one")
	}
	if p.keyword("endobj") {
		return ref(num), nil, nil
	}
	v, err := p.value(0)
	if err != nil {
		return 0, nil, err
	}
	d, ok := v.(dict)
	if !ok || !p.keyword("stream") {
		return ref(num), v, p.err
	}
	switch { // the data begin on the next line
	case p.at(0) == '\r' && p.at(1) == '\n':
		p.pos += 2
	case p.at(0) == '\r' || p.at(0) == '\n':
		p.pos++
	}
	return ref(num), stream{d, p.offset()}, p.err
}
