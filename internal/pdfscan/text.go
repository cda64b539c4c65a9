package pdfscan

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxText is how many characters of a text are returned.
const maxText = 256

// docEncoding is PDFDocEncoding from 0x80 to 0xA0, where it differs from
// Latin-1 (ISO 32000-1 annex D.2).
const docEncoding = "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž\uFFFD€"

// text decodes a text string, for people to read.
func text(s str) string {
	s = s[:min(len(s), 8*maxText)]
	b := []byte(s)
	switch {
	case strings.HasPrefix(string(s), "\xFE\xFF"):
		return readable(wide(b[2:], 0))
	case strings.HasPrefix(string(s), "\xFF\xFE"): // against the standard
		return readable(wide(b[2:], 1))
	case strings.HasPrefix(string(s), "\xEF\xBB\xBF"):
		return readable(strings.ToValidUTF8(string(b[3:]), "\uFFFD"))
	}
	special := []rune(docEncoding)
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = rune(c)
		if n := int(c) - 0x80; n >= 0 && n < len(special) {
			out[i] = special[n]
		}
	}
	return readable(string(out))
}

// wide decodes UTF-16 whose high bytes come first, or second.
func wide(b []byte, high int) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i+high])<<8 | uint16(b[2*i+1-high])
	}
	return string(utf16.Decode(units))
}

// readable drops what is not shown, such as marks that turn the direction of
// text, joins blanks and cuts what is too long.
func readable(s string) string {
	var out strings.Builder
	n := 0
	for word := range strings.FieldsSeq(s) {
		if n > 0 && n < maxText {
			out.WriteByte(' ')
			n++
		}
		for _, r := range word {
			if n >= maxText {
				return out.String()
			}
			if unicode.IsGraphic(r) {
				out.WriteRune(r)
				n++
			}
		}
	}
	return out.String()
}

// narrow decodes text of a certificate that is UTF-8 or, in old ones, Latin-1.
func narrow(b []byte) string {
	if utf8.Valid(b) {
		return readable(string(b))
	}
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = rune(c)
	}
	return readable(string(out))
}

// date reads D:20260131093000+01'00', of which all after the year can be
// missing, or returns the zero time.
func date(s str) time.Time {
	v := strings.ReplaceAll(strings.TrimPrefix(text(s), "D:"), "'", "")
	digits := strings.IndexFunc(v, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 0 {
		digits = len(v)
	}
	const layout = "20060102150405"
	if digits < 4 || digits > len(layout) || digits%2 != 0 {
		return time.Time{}
	}
	layouts, value := layout[:digits], v[:digits]
	switch zone := v[digits:]; {
	case zone == "" || strings.HasPrefix(zone, "Z"):
	case len(zone) == 3:
		layouts, value = layouts+"-07", value+zone
	default:
		layouts, value = layouts+"-0700", value+zone
	}
	t, err := time.Parse(layouts, value)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
