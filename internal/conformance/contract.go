package conformance

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Document is one OpenAPI file and what of it counts.
type Document struct {
	File   string // below the folder, slash-separated
	Prefix string // of its paths on the host that clients call
	// Only lists the operations that count, as "GET /path" with the prefix;
	// nil for all. It is for a file that repeats what another one says better.
	Only []string
}

// Contract is what the files of a platform allow.
type Contract struct {
	// Operations in the order of their paths.
	Operations []*Operation
}

// Operation is a method on a path.
type Operation struct {
	Method     string
	Path       string // with its parameters in braces
	Deprecated bool

	doc      *Schemas
	spec     *openapi3.Operation
	params   []*openapi3.Parameter
	security openapi3.SecurityRequirements
}

// String is the name of an operation: its method and path.
func (o *Operation) String() string { return o.Method + " " + o.Path }

// Schemas are the named schemas of a document, with allOf merged and every
// object closed that does not say otherwise.
type Schemas struct {
	T *openapi3.T

	elements map[*openapi3.Schema]*elementSchema // the versions of the timeline element
	closed   map[*openapi3.Schema]bool           // objects that only we close
}

// Load reads the documents of a contract from a folder of specifications.
func Load(dir string, docs ...Document) (*Contract, error) {
	c := &Contract{}
	for _, d := range docs {
		s, err := LoadSchemas(filepath.Join(dir, filepath.FromSlash(d.File)))
		if err != nil {
			return nil, err
		}
		if err := c.add(d, s); err != nil {
			return nil, fmt.Errorf("%s: %w", d.File, err)
		}
	}
	slices.SortFunc(c.Operations, func(a, b *Operation) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	return c, nil
}

func (c *Contract) add(d Document, s *Schemas) error {
	found := 0
	for path, item := range s.T.Paths.Map() {
		for method, spec := range item.Operations() {
			op := &Operation{Method: method, Path: d.Prefix + path, Deprecated: spec.Deprecated, doc: s, spec: spec, security: s.T.Security}
			if d.Only != nil && !slices.Contains(d.Only, op.String()) {
				continue
			}
			if spec.Security != nil {
				op.security = *spec.Security
			}
			for _, p := range slices.Concat(item.Parameters, spec.Parameters) {
				op.params = append(op.params, p.Value)
			}
			found++
			c.Operations = append(c.Operations, op)
		}
	}
	if d.Only != nil && found != len(d.Only) {
		return errors.New("an operation that should count is not there")
	}
	return nil
}

// Operation returns the operation with that name, or nil.
func (c *Contract) Operation(name string) *Operation {
	for _, op := range c.Operations {
		if op.String() == name {
			return op
		}
	}
	return nil
}

// route finds the operation of a call and the values of its path parameters.
// Of several that match, the one with fewer parameters is meant.
func (c *Contract) route(method, escapedPath string) (*Operation, map[string]string) {
	var best *Operation
	var values map[string]string
	for _, op := range c.Operations {
		v, ok := match(op.Path, escapedPath)
		if op.Method == method && ok && (best == nil || len(v) < len(values)) {
			best, values = op, v
		}
	}
	return best, values
}

func match(template, escapedPath string) (map[string]string, bool) {
	want, have := strings.Split(template, "/"), strings.Split(escapedPath, "/")
	if len(want) != len(have) {
		return nil, false
	}
	values := make(map[string]string)
	for i, w := range want {
		h, err := url.PathUnescape(have[i])
		if err != nil {
			return nil, false
		}
		name, isParam := strings.CutPrefix(w, "{")
		switch {
		case isParam && h != "":
			values[strings.TrimSuffix(name, "}")] = h
		case w != h:
			return nil, false
		}
	}
	return values, true
}

// LoadSchemas reads an OpenAPI file. Its examples and defaults are not
// validated: those of published files are often wrong.
func LoadSchemas(name string) (*Schemas, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return ParseSchemas(data)
}

// ParseSchemas reads an OpenAPI document; see [LoadSchemas].
func ParseSchemas(data []byte) (*Schemas, error) {
	t, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	s := &Schemas{T: t}
	f := &flattener{done: make(map[*openapi3.Schema]bool), closed: make(map[*openapi3.Schema]bool)}
	s.closed = f.closed
	if t.Components != nil {
		for _, name := range slices.Sorted(maps.Keys(t.Components.Schemas)) {
			if err := f.schema(t.Components.Schemas[name].Value); err != nil {
				return nil, fmt.Errorf("conformance: schema %s: %w", name, err)
			}
		}
	}
	for path, item := range t.Paths.Map() {
		for method, op := range item.Operations() {
			if err := f.operation(op); err != nil {
				return nil, fmt.Errorf("conformance: %s %s: %w", method, path, err)
			}
		}
	}
	return s, s.chooseDetails()
}

// Named returns the schema with that name, or nil.
func (s *Schemas) Named(name string) *openapi3.Schema {
	if s.T.Components == nil || s.T.Components.Schemas[name] == nil {
		return nil
	}
	return s.T.Components.Schemas[name].Value
}

// flattener rewrites schemas in place, so that one look at an object tells all
// its members: allOf is merged into the schema that has it, what has properties is an
// object, and an object that lists properties has no others unless it says so.
type flattener struct {
	done, closed map[*openapi3.Schema]bool
}

func (f *flattener) operation(op *openapi3.Operation) error {
	var contents []openapi3.Content
	if op.RequestBody != nil {
		contents = append(contents, op.RequestBody.Value.Content)
	}
	for _, r := range op.Responses.Map() {
		contents = append(contents, r.Value.Content)
	}
	for _, content := range contents {
		for _, media := range content {
			if media.Schema == nil {
				continue
			}
			if err := f.schema(media.Schema.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *flattener) schema(s *openapi3.Schema) error {
	if f.done[s] {
		return nil
	}
	f.done[s] = true
	for _, part := range s.AllOf {
		if err := f.schema(part.Value); err != nil {
			return err
		}
	}
	if err := merge(s); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if err := f.schema(s.Properties[name].Value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, list := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf} {
		for _, part := range list {
			if err := f.schema(part.Value); err != nil {
				return err
			}
		}
	}
	if s.Items != nil {
		if err := f.schema(s.Items.Value); err != nil {
			return err
		}
	}
	if s.Type == nil && len(s.Properties) > 0 {
		s.Type = &openapi3.Types{openapi3.TypeObject} // left out in the files, never meant otherwise
	}
	open := s.AdditionalProperties.Has != nil || s.AdditionalProperties.Schema != nil
	if len(s.Properties) > 0 && !open && len(s.OneOf)+len(s.AnyOf) == 0 {
		s.AdditionalProperties.Has = new(bool)
		f.closed[s] = true
	}
	return nil
}

// merge takes the members of the parts of allOf into the schema itself. Parts
// that say more than which members there are cannot be merged and are refused,
// as nothing must get lost; none of the files has them.
func merge(s *openapi3.Schema) error {
	if len(s.AllOf) == 0 {
		return nil
	}
	if len(s.AllOf) == 1 && len(s.Properties)+len(s.Required) == 0 {
		*s = *s.AllOf[0].Value // a reference with a description of its own
		return nil
	}
	members := make(openapi3.Schemas)
	required := slices.Clone(s.Required)
	for _, ref := range s.AllOf {
		part := ref.Value
		if len(part.OneOf)+len(part.AnyOf)+len(part.Enum) > 0 || part.Not != nil || part.MinProps > 0 || part.MaxProps != nil ||
			!part.Type.Permits(openapi3.TypeObject) {
			return errors.New("allOf with a part that is more than an object with properties")
		}
		for name, p := range part.Properties {
			if other := members[name]; other != nil && other.Value != p.Value {
				return fmt.Errorf("allOf defines %s twice", name)
			}
			members[name] = p
		}
		required = append(required, part.Required...)
	}
	maps.Copy(members, s.Properties)
	s.Properties, s.Required, s.AllOf = members, slices.Compact(slices.Sorted(slices.Values(required))), nil
	s.Type = &openapi3.Types{openapi3.TypeObject}
	return nil
}

// statusText names a status for people.
func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprint(status, " ", http.StatusText(status)))
}
