package conformance

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// maxRepeat is the longest counted repetition that the regexp package takes.
const maxRepeat = 1000

// compilePattern compiles a pattern of a specification. Counted repetitions
// longer than the regexp package takes are written out in shorter ones.
func compilePattern(expr string) (openapi3.RegexMatcher, error) {
	split, err := splitRepeats(expr)
	if err != nil {
		return nil, err
	}
	return regexp.Compile(split)
}

// splitRepeats rewrites x{0,4096} as x{0,1000} four times and x{0,96}.
func splitRepeats(expr string) (string, error) {
	var out strings.Builder
	atom := 0        // where in out the last atom begins
	var groups []int // where in out the open groups begin
	for i := 0; i < len(expr); {
		n := atomLength(expr[i:])
		switch expr[i] {
		case '(':
			groups = append(groups, out.Len())
		case ')':
			if len(groups) == 0 {
				return "", fmt.Errorf("a group of the pattern %q is closed and not opened", expr)
			}
			atom, groups = groups[len(groups)-1], groups[:len(groups)-1]
		case '{':
			least, most, length, ok := counts(expr[i:])
			if ok {
				n = length
			}
			if ok && max(least, most) > maxRepeat {
				x := out.String()[atom:]
				kept := out.String()[:atom]
				out.Reset()
				out.WriteString(kept)
				writeRepeats(&out, x, least, most)
				i += n
				continue
			}
		case '*', '+', '?':
		default:
			atom = out.Len()
		}
		out.WriteString(expr[i : i+n])
		i += n
	}
	return out.String(), nil
}

// writeRepeats writes x at least and at most so often; most is -1 for no end.
func writeRepeats(out *strings.Builder, x string, least, most int) {
	for n := least; n > 0; n -= maxRepeat {
		fmt.Fprintf(out, "%s{%d}", x, min(n, maxRepeat))
	}
	if most < 0 {
		out.WriteString(x + "*")
	}
	for n := most - least; n > 0; n -= maxRepeat {
		fmt.Fprintf(out, "%s{0,%d}", x, min(n, maxRepeat))
	}
}

// atomLength returns how many bytes of a pattern belong together: an escape, a
// class, or a single character.
func atomLength(expr string) int {
	switch expr[0] {
	case '\\':
		if len(expr) > 2 && strings.IndexByte("pPx", expr[1]) >= 0 && expr[2] == '{' {
			if end := strings.IndexByte(expr, '}'); end > 0 {
				return end + 1
			}
		}
		if len(expr) > 3 && expr[1] == 'x' {
			return 4
		}
		return min(2, len(expr))
	case '[':
		for i := 1; i < len(expr); i++ {
			switch {
			case expr[i] == '\\':
				i++
			case expr[i] == ']' && i > 1:
				return i + 1
			}
		}
		return len(expr)
	}
	for i := range expr {
		if i > 0 {
			return i
		}
	}
	return len(expr)
}

// counts reads {n}, {n,} or {n,m} at the start of a text; most is -1 where
// there is no end. What has another form is not a repetition.
func counts(s string) (least, most, length int, ok bool) {
	end := strings.IndexByte(s, '}')
	if end < 0 {
		return 0, 0, 0, false
	}
	from, to, ranged := strings.Cut(s[1:end], ",")
	least, err := strconv.Atoi(from)
	if err != nil {
		return 0, 0, 0, false
	}
	switch {
	case !ranged:
		most = least
	case to == "":
		most = -1
	default:
		if most, err = strconv.Atoi(to); err != nil {
			return 0, 0, 0, false
		}
	}
	return least, most, end + 1, true
}
