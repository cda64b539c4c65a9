package sim

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Schema is the part of JSON Schema that the gateways in front of the
// platforms check, written as data from their OpenAPI documents.
type Schema struct {
	Type     string // object, array, string, integer, boolean
	Props    map[string]*Schema
	Required []string
	Closed   bool // additionalProperties: false
	MinProps int
	Items    *Schema
	MinItems int
	MaxItems int // 0: no limit
	MinLen   int // in characters
	MaxLen   int // 0: no limit
	Pattern  *regexp.Regexp
	Enum     []string
	Min, Max int64 // of an integer; both 0: the range of int32
}

// Check returns what is wrong with a value made by [Tree], in the words of the
// validator behind Amazon API Gateway, which echoes what it was given (here at
// most the first 64 bytes).
func (s *Schema) Check(v any) []string { return s.check(v, "") }

func (s *Schema) check(v any, at string) []string {
	if got := typeOf(v); got != s.Type {
		return report(at, "Instance type (%s) does not match any allowed primitive type (allowed: [%q])", got, s.Type)
	}
	switch v := v.(type) {
	case map[string]any:
		return s.checkObject(v, at)
	case []any:
		return s.checkArray(v, at)
	case string:
		return s.checkString(v, at)
	case json.Number:
		return s.checkInteger(v, at)
	}
	return nil
}

func (s *Schema) checkObject(v map[string]any, at string) []string {
	var out []string
	var missing, extra []string
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			missing = append(missing, name)
		}
	}
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		prop, ok := s.Props[name]
		if !ok {
			if s.Closed {
				extra = append(extra, name)
			}
			continue
		}
		out = append(out, prop.check(v[name], Child(at, name))...)
	}
	if len(missing) > 0 {
		out = append(out, report(at, "Object has missing required properties (%s)", quote(missing))...)
	}
	if len(extra) > 0 {
		out = append(out, report(at, "Object instance has properties which are not allowed by the schema: %s", quote(extra))...)
	}
	if len(v) < s.MinProps {
		out = append(out, report(at, "Object has too few properties (found %d but schema requires at least %d)", len(v), s.MinProps)...)
	}
	return out
}

func (s *Schema) checkArray(v []any, at string) []string {
	var out []string
	if len(v) < s.MinItems {
		out = append(out, report(at, "Array is too short: must have at least %d elements but instance has %d elements", s.MinItems, len(v))...)
	}
	if s.MaxItems > 0 && len(v) > s.MaxItems {
		out = append(out, report(at, "Array is too long: must have at most %d elements but instance has %d elements", s.MaxItems, len(v))...)
	}
	for i, item := range v {
		out = append(out, s.Items.check(item, at+"/"+strconv.Itoa(i))...)
	}
	return out
}

func (s *Schema) checkString(v, at string) []string {
	var out []string
	n := utf8.RuneCountInString(v)
	if n < s.MinLen {
		out = append(out, report(at, "String %q is too short (length: %d, required minimum: %d)", shown(v), n, s.MinLen)...)
	}
	if s.MaxLen > 0 && n > s.MaxLen {
		out = append(out, report(at, "String %q is too long (length: %d, maximum allowed: %d)", shown(v), n, s.MaxLen)...)
	}
	if s.Pattern != nil && !s.Pattern.MatchString(v) {
		out = append(out, report(at, "ECMA 262 regex %q does not match input string %q", s.Pattern, shown(v))...)
	}
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		out = append(out, report(at, "Instance value (%q) not found in enum (possible values: %s)", shown(v), quote(s.Enum))...)
	}
	return out
}

func shown(v string) string {
	for i := range v {
		if i >= 64 {
			return v[:i] + "…"
		}
	}
	return v
}

func (s *Schema) checkInteger(v json.Number, at string) []string {
	lo, hi := s.Min, s.Max
	if lo == 0 && hi == 0 {
		lo, hi = -1<<31, 1<<31-1
	}
	n, err := strconv.ParseInt(v.String(), 10, 64)
	if err != nil {
		// 1e2 and 100.0 are integers too; what does not fit is out of range.
		r, ok := new(big.Rat).SetString(v.String())
		if !ok || !r.Num().IsInt64() {
			return report(at, "Numeric instance is out of range")
		}
		n = r.Num().Int64()
	}
	switch {
	case n < lo:
		return report(at, "Numeric instance is lower than the required minimum (minimum: %d, found: %d)", lo, n)
	case n > hi:
		return report(at, "Numeric instance is greater than the required maximum (maximum: %d, found: %d)", hi, n)
	}
	return nil
}

// typeOf names the JSON type of a value, integer for a number without
// fraction.
func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		// A huge exponent would make a huge number of it.
		if !strings.ContainsAny(v.String(), ".eE") || integral(v.String()) {
			return "integer"
		}
	}
	return "number"
}

func integral(number string) bool {
	if len(number) > 32 || strings.ContainsAny(number, "eE") && exponent(number) > 18 {
		return false
	}
	r, ok := new(big.Rat).SetString(number)
	return ok && r.IsInt()
}

func exponent(number string) int {
	_, e, _ := strings.Cut(strings.ToLower(number), "e")
	n, err := strconv.Atoi(strings.TrimLeft(e, "+-"))
	if err != nil {
		return 1 << 20
	}
	return n
}

func quote(names []string) string {
	b := make([]string, len(names))
	for i, name := range names {
		b[i] = strconv.Quote(name)
	}
	return "[" + strings.Join(b, ",") + "]"
}

func report(at, format string, args ...any) []string {
	return []string{fmt.Sprintf("[Path '%s'] ", at) + fmt.Sprintf(format, args...)}
}
