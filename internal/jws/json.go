package jws

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth is far more than any token or key needs, and little enough for the
// recursion below.
const maxDepth = 64

// DecodeStrict decodes one JSON value into v like [json.Unmarshal], and
// refuses invalid UTF-8, nesting beyond 64 levels and objects that have a
// member twice. Two names that differ only in letter case count as one,
// because encoding/json would store both in the same field. Unknown members
// are accepted.
func DecodeStrict(data []byte, v any) error {
	if err := checkJSON(data); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return jsonError(err)
	}
	return nil
}

func checkJSON(data []byte) error {
	if !utf8.Valid(data) {
		return refuse(CodeJSON, "the JSON is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := checkValue(dec, 1); err != nil {
		return err
	}
	// Token is lenient about commas; Valid is not, and it also refuses what
	// follows the first value.
	if !json.Valid(data) {
		return refuse(CodeJSON, "the JSON is malformed or followed by other text")
	}
	return nil
}

func checkValue(dec *json.Decoder, depth int) error {
	if depth > maxDepth {
		return refuse(CodeDepth, "the JSON is nested more than %d levels", maxDepth)
	}
	tok, err := dec.Token()
	if err != nil {
		return jsonError(err)
	}
	switch tok {
	case json.Delim('['):
		for dec.More() {
			if err := checkValue(dec, depth+1); err != nil {
				return err
			}
		}
	case json.Delim('{'):
		seen := make(map[string]struct{})
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return jsonError(err)
			}
			text, ok := name.(string)
			if !ok {
				return refuse(CodeJSON, "the JSON has a member without a name at offset %d", dec.InputOffset())
			}
			folded := foldCase(text)
			if _, again := seen[folded]; again {
				return refuse(CodeDuplicate, "the JSON has a member twice at offset %d", dec.InputOffset())
			}
			seen[folded] = struct{}{}
			if err := checkValue(dec, depth+1); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	if _, err := dec.Token(); err != nil { // the closing bracket
		return jsonError(err)
	}
	return nil
}

// foldCase maps names that encoding/json would match to each other to one
// string, by taking the smallest rune of every case-folding orbit.
func foldCase(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next
			}
			r = next
		}
	}, name)
}

// jsonError keeps of an error of encoding/json what does not quote the input.
func jsonError(err error) error {
	e := refuse(CodeJSON, "the JSON is malformed, cut short or refused by its type")
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		e = refuse(CodeJSON, "the JSON is malformed at offset %d", syntax.Offset)
	}
	if typ, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		e = refuse(CodeJSON, "the JSON value at offset %d has another type than expected", typ.Offset)
	}
	e.cause = err
	return e
}
