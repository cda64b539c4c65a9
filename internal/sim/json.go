package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Fault names of a [JSONError].
const (
	BadSyntax  = "syntax"
	TooLarge   = "size"
	TooDeep    = "depth"
	Duplicate  = "duplicate"
	IsNull     = "null"
	UnknownKey = "unknown"
	BadType    = "type"
)

// JSONError says where foreign JSON is not what it must be. It shows member
// names, never values.
type JSONError struct {
	Kind    string // one of the fault names
	Pointer string // RFC 6901, empty for the whole document
}

func (e *JSONError) Error() string {
	return fmt.Sprintf("sim: json: %s at %q", e.Kind, e.Pointer)
}

// Strict says what is refused when JSON is read.
type Strict struct {
	Max          int  // largest size in bytes; 0 means 10 MiB
	AllowUnknown bool // members that the type does not have are ignored
	AllowNull    bool
}

const (
	defaultJSONSize = 10 << 20
	maxJSONDepth    = 64
)

// Tree parses one JSON document into map[string]any, []any, string,
// [json.Number], bool and nil. It refuses duplicate members, trailing data and
// depth.
func Tree(data []byte, limit int) (any, error) {
	if limit == 0 {
		limit = defaultJSONSize
	}
	if len(data) > limit {
		return nil, &JSONError{Kind: TooLarge}
	}
	if !json.Valid(data) || !utf8.Valid(data) {
		return nil, &JSONError{Kind: BadSyntax}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := value(dec, "", 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &JSONError{Kind: BadSyntax}
	}
	return v, nil
}

func value(dec *json.Decoder, at string, depth int) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, &JSONError{BadSyntax, at}
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return tok, nil
	}
	if depth == maxJSONDepth {
		return nil, &JSONError{TooDeep, at}
	}
	if delim == '[' {
		list := []any{}
		for dec.More() {
			v, err := value(dec, at+"/"+strconv.Itoa(len(list)), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, closing(dec, at)
	}
	object := map[string]any{}
	for dec.More() {
		tok, err := dec.Token()
		name, ok := tok.(string)
		if err != nil || !ok {
			return nil, &JSONError{BadSyntax, at}
		}
		if _, ok := object[name]; ok {
			return nil, &JSONError{Duplicate, Child(at, name)}
		}
		if object[name], err = value(dec, Child(at, name), depth+1); err != nil {
			return nil, err
		}
	}
	return object, closing(dec, at)
}

func closing(dec *json.Decoder, at string) error {
	if _, err := dec.Token(); err != nil {
		return &JSONError{BadSyntax, at}
	}
	return nil
}

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// Child returns the JSON pointer of a member of the object at a pointer.
func Child(at, name string) string { return at + "/" + pointerEscape.Replace(name) }

// DecodeJSON reads data into the value that v points to. Unlike encoding/json
// it takes member names by their exact spelling: a name that differs from a
// known one only in case is refused even where unknown members are allowed,
// because it is a mistake of the client.
func DecodeJSON(data []byte, v any, strict Strict) error {
	tree, err := Tree(data, strict.Max)
	if err != nil {
		return err
	}
	if err := conform(tree, reflect.TypeOf(v), "", strict); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && bad.Field != "" {
			return &JSONError{BadType, "/" + strings.ReplaceAll(bad.Field, ".", "/")}
		}
		return &JSONError{Kind: BadType}
	}
	return nil
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// conform checks names and nulls of a tree against the type that will hold it.
func conform(tree any, t reflect.Type, at string, strict Strict) error {
	if tree == nil && !strict.AllowNull {
		return &JSONError{IsNull, at}
	}
	for t.Kind() == reflect.Pointer {
		if t.Implements(unmarshaler) {
			return nil
		}
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return nil
	}
	switch tree := tree.(type) {
	case []any:
		if t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
			return nil // left to Unmarshal, which knows the types
		}
		for i, v := range tree {
			if err := conform(v, t.Elem(), at+"/"+strconv.Itoa(i), strict); err != nil {
				return err
			}
		}
	case map[string]any:
		if t.Kind() == reflect.Map {
			for name, v := range tree {
				if err := conform(v, t.Elem(), Child(at, name), strict); err != nil {
					return err
				}
			}
			return nil
		}
		if t.Kind() != reflect.Struct {
			return nil
		}
		known := members(t)
		for name, v := range tree {
			ft, ok := known[name]
			if !ok {
				if strict.AllowUnknown && !folds(known, name) {
					continue
				}
				return &JSONError{UnknownKey, Child(at, name)}
			}
			if err := conform(v, ft, Child(at, name), strict); err != nil {
				return err
			}
		}
	}
	return nil
}

func folds(known map[string]reflect.Type, name string) bool {
	for k := range known {
		if strings.EqualFold(k, name) {
			return true
		}
	}
	return false
}

// members returns the JSON members of a struct and their types.
func members(t reflect.Type) map[string]reflect.Type {
	m := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() || f.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		m[name] = f.Type
	}
	return m
}
