package conformance

import (
	"errors"
	"fmt"
	"go/constant"
	"go/types"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Pair says which schemas a Go type stands for. With several schemas the type
// is their union. A name ending in "/details" stands for all shapes that the
// details of that version of the timeline element can have.
type Pair struct {
	Type    string
	Schemas []string
	// Sent says that clients send the type: what the schema requires is always
	// written, and what it does not is left out where it is empty.
	Sent bool
}

// Kind is a way in which a Go type differs from its schema.
type Kind string

const (
	Missing   Kind = "missing"  // a member of the schema has no field
	Extra     Kind = "extra"    // a field has no member of the schema
	WrongType Kind = "type"     // the types do not fit
	Enum      Kind = "enum"     // constants and values are not the same
	Required  Kind = "required" // written although optional, or left out although required
)

// Difference is one difference between a Go type and its schema.
type Difference struct {
	Type   string // of the package; nested structs have their own
	Member string // JSON name, or the value of an enum
	Kind   Kind
	Text   string
}

// String is the difference on one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: %s: %s: %s", d.Type, d.Member, d.Kind, d.Text)
}

// Drift compares Go types of a package with schemas, and from them on all
// types that they are made of. It returns the differences and what was compared:
// the names of struct types, and those of types with a list of values together
// with how many there are, as in "Status (11)".
func Drift(pkg *types.Package, s *Schemas, pairs []Pair) ([]Difference, []string, error) {
	w := &driftWalker{pkg: pkg, schemas: s, seen: make(map[string]bool), compared: make(map[string]bool)}
	var errs []error
	for _, p := range pairs {
		obj, ok := pkg.Scope().Lookup(p.Type).(*types.TypeName)
		if !ok {
			errs = append(errs, fmt.Errorf("conformance: %s has no type %s", pkg.Path(), p.Type))
			continue
		}
		var shapes []*openapi3.Schema
		for _, name := range p.Schemas {
			found := s.shapes(name)
			if len(found) == 0 {
				errs = append(errs, fmt.Errorf("conformance: there is no schema %s", name))
			}
			shapes = append(shapes, found...)
		}
		w.sent = p.Sent
		w.compare(p.Type, "", obj.Type(), shapes)
	}
	slices.SortFunc(w.found, func(a, b Difference) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(w.found), slices.Sorted(maps.Keys(w.compared)), errors.Join(errs...)
}

// shapes returns the schemas that a name of a [Pair] stands for.
func (s *Schemas) shapes(name string) []*openapi3.Schema {
	if element, ok := strings.CutSuffix(name, "/details"); ok {
		if e := s.elements[s.Named(element)]; e != nil {
			return e.shapes
		}
		return nil
	}
	if schema := s.Named(name); schema != nil {
		return []*openapi3.Schema{schema}
	}
	return nil
}

// driftWalker walks types and schemas together.
type driftWalker struct {
	pkg      *types.Package
	schemas  *Schemas
	sent     bool
	seen     map[string]bool
	compared map[string]bool
	found    []Difference
}

func (w *driftWalker) differ(owner, member string, kind Kind, format string, args ...any) {
	w.found = append(w.found, Difference{owner, member, kind, fmt.Sprintf(format, args...)})
}

// jsonForms are the types that write and read their JSON themselves, and the
// types of JSON that they take; nil for any.
var jsonForms = map[string][]string{
	"time.Time":                                {"string"},
	"encoding/json.RawMessage":                 nil,
	"github.com/pa-italia/sdk-go/pa.Date":      {"string"},
	"github.com/pa-italia/sdk-go/fiscal.TaxID": {"string"},
	"github.com/pa-italia/sdk-go/send.lenient": {"integer", "number"},
}

// compare holds a Go type against the schemas that a member can have. Owner
// and member say where it is.
func (w *driftWalker) compare(owner, member string, t types.Type, shapes []*openapi3.Schema) {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	named, _ := types.Unalias(t).(*types.Named)
	if named != nil {
		if forms, ok := jsonForms[qualified(named)]; ok {
			w.jsonType(owner, member, shapes, forms...)
			return
		}
		if hasMethod(named, "MarshalJSON") || hasMethod(named, "UnmarshalJSON") || hasMethod(named, "MarshalText") {
			w.differ(owner, member, WrongType, "the JSON form of %s is not known", qualified(named))
			return
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		w.jsonType(owner, member, shapes, basicForm(u))
		w.width(owner, member, u, shapes)
		if named != nil && named.Obj().Pkg() == w.pkg {
			w.enum(named, shapes)
		}
	case *types.Slice:
		if w.jsonType(owner, member, shapes, openapi3.TypeArray) {
			w.compare(owner, member, u.Elem(), items(shapes))
		}
	case *types.Struct:
		if w.jsonType(owner, member, shapes, openapi3.TypeObject) {
			name := owner + "." + member
			if named != nil {
				name = named.Obj().Name()
			}
			w.object(name, u, shapes)
		}
	default:
		w.differ(owner, member, WrongType, "types like %s are not compared", t)
	}
}

func qualified(t *types.Named) string {
	if t.Obj().Pkg() == nil {
		return t.Obj().Name()
	}
	return t.Obj().Pkg().Path() + "." + t.Obj().Name()
}

func hasMethod(t *types.Named, name string) bool {
	m, _, _ := types.LookupFieldOrMethod(types.NewPointer(t), true, t.Obj().Pkg(), name)
	return m != nil
}

func basicForm(b *types.Basic) string {
	switch info := b.Info(); {
	case info&types.IsBoolean != 0:
		return openapi3.TypeBoolean
	case info&types.IsInteger != 0:
		return openapi3.TypeInteger
	case info&types.IsFloat != 0:
		return openapi3.TypeNumber
	case info&types.IsString != 0:
		return openapi3.TypeString
	}
	return "none"
}

// jsonType reports whether the schemas have one of the JSON types; no types
// given stand for any. A schema without a type that has members is an object.
func (w *driftWalker) jsonType(owner, member string, shapes []*openapi3.Schema, forms ...string) bool {
	fits := true
	for _, s := range shapes {
		have := openapi3.TypeObject
		if s.Type != nil {
			have = strings.Join(s.Type.Slice(), "|")
		} else if len(s.Properties) == 0 {
			continue // anything
		}
		if len(forms) > 0 && !slices.Contains(forms, have) {
			w.differ(owner, member, WrongType, "%s in Go, %s in the schema", strings.Join(forms, " or "), have)
			fits = false
		}
	}
	return fits
}

// width finds numbers that do not fit on all platforms.
func (w *driftWalker) width(owner, member string, b *types.Basic, shapes []*openapi3.Schema) {
	bits := map[types.BasicKind]int{types.Int64: 64, types.Int32: 32, types.Int: 32}[b.Kind()]
	for _, s := range shapes {
		need := map[string]int{"int64": 64, "int32": 32}[s.Format]
		if s.Type.Is(openapi3.TypeInteger) && need > bits {
			w.differ(owner, member, WrongType, "%s does not hold every %s", b.Name(), s.Format)
		}
	}
}

func items(shapes []*openapi3.Schema) []*openapi3.Schema {
	var list []*openapi3.Schema
	for _, s := range shapes {
		if s.Items != nil {
			list = append(list, s.Items.Value)
		}
	}
	return list
}

// enum holds the constants of a type against the values that the schemas list.
// A schema without a list is open.
func (w *driftWalker) enum(named *types.Named, shapes []*openapi3.Schema) {
	name := named.Obj().Name()
	var values []string
	for _, s := range shapes {
		if len(s.Enum) == 0 {
			return
		}
		for _, v := range s.Enum {
			values = append(values, fmt.Sprint(v))
		}
	}
	var constants []string
	for _, n := range w.pkg.Scope().Names() {
		if c, ok := w.pkg.Scope().Lookup(n).(*types.Const); ok && types.Identical(c.Type(), named) && c.Val().Kind() == constant.String {
			constants = append(constants, constant.StringVal(c.Val()))
		}
	}
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	w.compared[fmt.Sprintf("%s (%d)", name, len(values))] = true
	for _, v := range values {
		if !slices.Contains(constants, v) {
			w.differ(name, v, Enum, "the value has no constant")
		}
	}
	for _, c := range constants {
		if !slices.Contains(values, c) {
			w.differ(name, c, Enum, "the constant is no value of the schema")
		}
	}
}

// goMember is a member of the JSON object that a struct is written as.
type goMember struct {
	typ     types.Type
	depth   int
	omitted bool // where it is empty
}

// goMembers returns the members by the rules of encoding/json.
func goMembers(s *types.Struct, depth int, into map[string]goMember) {
	for i := range s.NumFields() {
		f := s.Field(i)
		tag, tagged := reflect.StructTag(s.Tag(i)).Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		if tag == "-" {
			continue
		}
		if embedded, ok := f.Type().Underlying().(*types.Struct); ok && f.Embedded() && name == "" {
			goMembers(embedded, depth+1, into)
			continue
		}
		if !f.Exported() {
			continue
		}
		if !tagged || name == "" {
			name = f.Name()
		}
		if other, ok := into[name]; ok && other.depth <= depth {
			continue // the one less deep is written
		}
		list := strings.Split(options, ",")
		into[name] = goMember{f.Type(), depth, slices.Contains(list, "omitempty") || slices.Contains(list, "omitzero")}
	}
}

func (w *driftWalker) object(name string, s *types.Struct, shapes []*openapi3.Schema) {
	parts := []string{name, fmt.Sprint(w.sent)}
	for _, shape := range shapes {
		parts = append(parts, fmt.Sprintf("%p", shape))
	}
	key := strings.Join(parts, " ")
	if w.seen[key] {
		return
	}
	w.seen[key], w.compared[name] = true, true

	fields := make(map[string]goMember)
	goMembers(s, 0, fields)
	members := make(map[string][]*openapi3.Schema)
	required := make(map[string]int)
	for _, shape := range shapes {
		for member, ref := range shape.Properties {
			if !slices.Contains(members[member], ref.Value) {
				members[member] = append(members[member], ref.Value)
			}
		}
		for _, member := range shape.Required {
			required[member]++
		}
	}
	for _, member := range slices.Sorted(maps.Keys(members)) {
		field, ok := fields[member]
		if !ok {
			w.differ(name, member, Missing, "the schema has it")
			continue
		}
		w.compare(name, member, field.typ, members[member])
		switch must := required[member] == len(shapes); {
		case w.sent && must && field.omitted:
			w.differ(name, member, Required, "required, and left out where it is empty")
		case w.sent && !must && !field.omitted:
			w.differ(name, member, Required, "optional, and written where it is empty")
		}
	}
	for _, member := range slices.Sorted(maps.Keys(fields)) {
		if members[member] == nil {
			w.differ(name, member, Extra, "the schema does not have it")
		}
	}
}
