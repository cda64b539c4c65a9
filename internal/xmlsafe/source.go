package xmlsafe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// source feeds encoding/xml byte by byte and checks every byte, also of
// comments and names, before the parser sees it.
type source struct {
	r       *bufio.Reader
	left    int64
	limit   int64
	partial []byte // beginning of a rune
	marked  bool   // a '[' or '&' was read since the last reset
	started bool
	fault   *Error // sticky
}

func newSource(r io.Reader, limit int64) *source {
	return &source{r: bufio.NewReader(r), left: limit, limit: limit, partial: make([]byte, 0, utf8.UTFMax)}
}

// ReadByte implements io.ByteReader. Its faults are kept, because the parser
// may deliver the text read so far before it reports them.
func (s *source) ReadByte() (byte, error) {
	if s.fault != nil {
		return 0, s.fault
	}
	if !s.started {
		s.started = true
		s.skipByteOrderMark()
	}
	b, err := s.r.ReadByte()
	switch {
	case errors.Is(err, io.EOF) && len(s.partial) == 0:
		return 0, io.EOF
	case errors.Is(err, io.EOF):
		return s.refuse(CodeEncoding, "the document ends inside a UTF-8 sequence", nil)
	case err != nil:
		return s.refuse(CodeRead, "the document could not be read", err)
	case s.left == 0:
		return s.refuse(CodeBytes, fmt.Sprintf("the document is longer than %d bytes", s.limit), nil)
	}
	s.left--
	if b == '[' || b == '&' {
		s.marked = true
	}
	if b < utf8.RuneSelf && len(s.partial) == 0 {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' {
			return s.refuse(CodeCharacter, "a control character is not allowed", nil)
		}
		return b, nil
	}
	s.partial = append(s.partial, b)
	if !utf8.FullRune(s.partial) {
		return b, nil
	}
	r, size := utf8.DecodeRune(s.partial)
	if r == utf8.RuneError && size <= 1 {
		return s.refuse(CodeEncoding, "the document is not valid UTF-8", nil)
	}
	if r == 0xFFFE || r == 0xFFFF {
		return s.refuse(CodeCharacter, "a character is not allowed", nil)
	}
	s.partial = s.partial[:0]
	return b, nil
}

// Read implements io.Reader, which encoding/xml asks for and does not use where
// it finds ReadByte.
func (s *source) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := s.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

func (s *source) refuse(code Code, reason string, cause error) (byte, error) {
	s.fault = &Error{Code: code, Reason: reason, cause: cause}
	return 0, s.fault
}

func (s *source) skipByteOrderMark() {
	const mark = "\uFEFF"
	// A read error is met again, and reported, by ReadByte.
	if start, _ := s.r.Peek(len(mark)); bytes.Equal(start, []byte(mark)) {
		n, _ := s.r.Discard(len(mark)) // peeked: cannot fail
		s.left -= min(s.left, int64(n))
	}
}
