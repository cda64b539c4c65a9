package fiscal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unique"
)

// opaque keeps a text where fmt does not find it: methods are not called on
// unexported fields of other structs, so there a plain string would be
// printed, while a handle shows only an address. Handles of equal texts are
// equal.
type opaque struct {
	handle unique.Handle[string]
}

func hide(text string) opaque {
	if text == "" {
		return opaque{}
	}
	return opaque{unique.Make(text)}
}

func (o opaque) reveal() string {
	if o == (opaque{}) {
		return ""
	}
	return o.handle.Value()
}

// maskInvalid stands for texts of which nothing is known.
const maskInvalid = "***"

func stars(n int) string { return strings.Repeat("*", n) }

// formatMasked implements fmt.Formatter for every verb.
func formatMasked(s fmt.State, verb rune, typeName, masked string) {
	switch {
	case verb == 'q':
		masked = strconv.Quote(masked)
	case verb == 'v' && s.Flag('#'):
		masked = "fiscal." + typeName + "(" + strconv.Quote(masked) + ")"
	}
	layout := "%"
	if s.Flag('-') {
		layout += "-"
	}
	if width, ok := s.Width(); ok {
		layout += strconv.Itoa(width)
	}
	// fmt.State gives no way to report a failed write; fmt itself drops it.
	fmt.Fprintf(s, layout+"s", masked)
}

// textOfJSON returns the text of a JSON value for a lenient unmarshal: the
// content of a string, nothing for null, and the JSON itself for anything
// else, such as a code that was sent as a number.
func textOfJSON(data []byte) (string, error) {
	data = bytes.TrimSpace(data)
	if bytes.Equal(data, []byte("null")) {
		return "", nil
	}
	if bytes.HasPrefix(data, []byte(`"`)) {
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return "", &Error{Code: CodeJSON}
		}
		return text, nil
	}
	return string(data), nil
}

// upper turns ASCII lower case into upper case and leaves other runes alone:
// strings.ToUpper would turn foreign letters into ASCII ones.
func upper(text string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, text)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'A' <= c && c <= 'Z' }

// indexNotDigit returns the position, counted from 1, of the first byte that
// is not a digit, or 0.
func indexNotDigit(text string) int {
	for i := range len(text) {
		if !isDigit(text[i]) {
			return i + 1
		}
	}
	return 0
}
