package xmlsafe

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits bound what one document may cost. Zero and negative values stand for
// the defaults.
type Limits struct {
	Bytes      int64 // whole document; default 8 MiB
	Depth      int   // nested elements; default 64
	Nodes      int   // elements, attributes, texts and comments; default 250000
	Attributes int   // in one element, namespace declarations included; default 64

	// RefuseComments refuses documents with comments. Signatures usually do
	// not cover them, and some readers end a text where one begins.
	RefuseComments bool
}

// The defaults of [Limits].
const (
	DefaultBytes      = 8 << 20
	DefaultDepth      = 64
	DefaultNodes      = 250_000
	DefaultAttributes = 64
)

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = DefaultBytes
	}
	if l.Depth <= 0 {
		l.Depth = DefaultDepth
	}
	if l.Nodes <= 0 {
		l.Nodes = DefaultNodes
	}
	if l.Attributes <= 0 {
		l.Attributes = DefaultAttributes
	}
	return l
}

const (
	xmlPrefix      = "xml"
	xmlnsPrefix    = "xmlns"
	xmlNamespace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
)

// Reader is a checking xml.TokenReader over one document. It is not safe for
// concurrent use.
type Reader struct {
	limits   Limits
	source   *source
	decoder  *xml.Decoder
	scope    map[string]string // namespaces by prefix, "" for unprefixed elements
	open     []element
	nodes    int
	rootSeen bool
	err      error // sticky
}

type element struct {
	name     xml.Name
	shadowed []binding // what the declarations of this element replaced
}

type binding struct {
	prefix, namespace string
	bound             bool
}

// NewReader returns a Reader of the document that r holds from its current
// position to its end. Nothing is read yet.
func NewReader(r io.Reader, limits Limits) *Reader {
	limits = limits.withDefaults()
	src := newSource(r, limits.Bytes)
	dec := xml.NewDecoder(src)
	// The bytes are UTF-8 whatever the declaration says; what it says is
	// checked with the rest of it.
	dec.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	return &Reader{
		limits:  limits,
		source:  src,
		decoder: dec,
		scope:   map[string]string{"": "", xmlPrefix: xmlNamespace},
	}
}

// Token returns the next token with names as they are written, or io.EOF after
// a complete document. Any other error is an [*Error] and is returned again by
// every later call. As with [xml.Decoder.RawToken], the bytes of a token are
// valid until the next call.
func (r *Reader) Token() (xml.Token, error) {
	if r.err != nil {
		return nil, r.err
	}
	token, err := r.next()
	if err != nil {
		r.err = err
		return nil, err
	}
	return token, nil
}

func (r *Reader) next() (xml.Token, error) {
	atStart := r.decoder.InputOffset() == 0
	r.source.marked = false
	token, err := r.decoder.RawToken()
	if fault := r.source.fault; fault != nil {
		fault.Line = r.line()
		return nil, fault
	}
	if errors.Is(err, io.EOF) {
		return nil, r.finish()
	}
	if _, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return nil, r.fault(CodeSyntax, "the document is not well-formed", err)
	}
	if err != nil {
		return nil, r.fault(CodeDeclaration, "the XML version is not 1.0", err)
	}
	switch t := token.(type) {
	case xml.StartElement:
		err = r.start(t)
	case xml.EndElement:
		err = r.end(t)
	case xml.CharData:
		err = r.text(t)
	case xml.Comment:
		err = r.comment()
	case xml.ProcInst:
		err = r.instruction(t, atStart)
	default: // xml.Directive, the only kind left
		err = r.fault(CodeDirective, "directives such as DOCTYPE are not accepted", nil)
	}
	if err != nil {
		return nil, err
	}
	return token, nil
}

func (r *Reader) line() int {
	line, _ := r.decoder.InputPos()
	return line
}

func (r *Reader) fault(code Code, reason string, cause error) error {
	return &Error{Code: code, Line: r.line(), Reason: reason, cause: cause}
}

func (r *Reader) finish() error {
	switch {
	case len(r.open) > 0:
		return r.fault(CodeSyntax, "the document ends inside an element", nil)
	case !r.rootSeen:
		return r.fault(CodeRoot, "the document has no root element", nil)
	default:
		return io.EOF
	}
}

func (r *Reader) count(n int) error {
	if r.nodes += n; r.nodes > r.limits.Nodes {
		return r.fault(CodeNodes, fmt.Sprintf("the document has more than %d nodes", r.limits.Nodes), nil)
	}
	return nil
}

func (r *Reader) start(t xml.StartElement) error {
	if len(r.open) == 0 && r.rootSeen {
		return r.fault(CodeRoot, "the document has a second root element", nil)
	}
	r.rootSeen = true
	if len(r.open) == r.limits.Depth {
		return r.fault(CodeDepth, fmt.Sprintf("elements are nested more than %d deep", r.limits.Depth), nil)
	}
	if len(t.Attr) > r.limits.Attributes {
		return r.fault(CodeAttributes, fmt.Sprintf("an element has more than %d attributes", r.limits.Attributes), nil)
	}
	if err := r.count(1 + len(t.Attr)); err != nil {
		return err
	}
	if !goodName(t.Name) {
		return r.fault(CodeName, "an element name is malformed", nil)
	}
	for _, a := range t.Attr {
		if !goodName(a.Name) {
			return r.fault(CodeName, "an attribute name is malformed", nil)
		}
	}
	shadowed, err := r.declare(t.Attr)
	if err != nil {
		return err
	}
	r.open = append(r.open, element{t.Name, shadowed})
	return r.resolve(t)
}

// goodName checks what encoding/xml leaves: a colon that it could not split
// stays in the local part, and the local part may begin like no name.
func goodName(name xml.Name) bool {
	first, _ := utf8.DecodeRuneInString(name.Local)
	return !strings.Contains(name.Local, ":") &&
		(first == '_' || unicode.IsLetter(first) || unicode.Is(unicode.Nl, first))
}

// declaredPrefix returns the prefix that an attribute declares, "" for the
// default namespace.
func declaredPrefix(a xml.Attr) (string, bool) {
	switch {
	case a.Name.Space == xmlnsPrefix:
		return a.Name.Local, true
	case a.Name.Space == "" && a.Name.Local == xmlnsPrefix:
		return "", true
	default:
		return "", false
	}
}

// declare puts the namespaces that the attributes declare in scope.
func (r *Reader) declare(attrs []xml.Attr) ([]binding, error) {
	var shadowed []binding
	for _, a := range attrs {
		prefix, ok := declaredPrefix(a)
		if !ok {
			continue
		}
		for _, earlier := range shadowed {
			if earlier.prefix == prefix {
				return nil, r.fault(CodeDuplicate, "an element declares a prefix twice", nil)
			}
		}
		if !mayDeclare(prefix, a.Value) {
			return nil, r.fault(CodePrefix, "a declaration binds a reserved prefix or namespace, or none", nil)
		}
		namespace, bound := r.scope[prefix]
		shadowed = append(shadowed, binding{prefix, namespace, bound})
		r.scope[prefix] = a.Value
	}
	return shadowed, nil
}

// mayDeclare holds the constraints of Namespaces in XML 1.0 §3: only the
// default namespace can be undeclared, and the two reserved namespaces belong
// to their prefixes.
func mayDeclare(prefix, namespace string) bool {
	switch {
	case prefix == xmlPrefix || namespace == xmlNamespace:
		return prefix == xmlPrefix && namespace == xmlNamespace
	case prefix == xmlnsPrefix || namespace == xmlnsNamespace:
		return false
	default:
		return prefix == "" || namespace != ""
	}
}

// resolve checks that every prefix is declared and that no attribute comes
// twice.
func (r *Reader) resolve(t xml.StartElement) error {
	if _, ok := r.scope[t.Name.Space]; !ok {
		return r.fault(CodePrefix, "the prefix of an element is not declared", nil)
	}
	seen := make(map[xml.Name]struct{}, len(t.Attr))
	for _, a := range t.Attr {
		if _, declaration := declaredPrefix(a); declaration {
			continue
		}
		name := a.Name
		if name.Space != "" { // the default namespace is not for attributes
			namespace, ok := r.scope[name.Space]
			if !ok {
				return r.fault(CodePrefix, "the prefix of an attribute is not declared", nil)
			}
			name.Space = namespace
		}
		if _, again := seen[name]; again {
			return r.fault(CodeDuplicate, "an element has an attribute twice", nil)
		}
		seen[name] = struct{}{}
	}
	return nil
}

func (r *Reader) end(t xml.EndElement) error {
	last := len(r.open) - 1
	if last < 0 || r.open[last].name != t.Name {
		return r.fault(CodeEndTag, "an end tag matches no start tag", nil)
	}
	for _, b := range r.open[last].shadowed {
		if b.bound {
			r.scope[b.prefix] = b.namespace
		} else {
			delete(r.scope, b.prefix)
		}
	}
	r.open = r.open[:last]
	return nil
}

func (r *Reader) text(t xml.CharData) error {
	if len(r.open) > 0 {
		return r.count(1)
	}
	// Outside the root, blanks must be literal: no CDATA and no references.
	if len(bytes.Trim(t, blanks)) > 0 || r.source.marked {
		return r.fault(CodeRoot, "there is text outside the root element", nil)
	}
	return nil
}

func (r *Reader) comment() error {
	if r.limits.RefuseComments {
		return r.fault(CodeComment, "comments are not accepted here", nil)
	}
	return r.count(1)
}

func (r *Reader) instruction(t xml.ProcInst, atStart bool) error {
	if t.Target != xmlPrefix || !atStart {
		return r.fault(CodeInstruction, "processing instructions are not accepted", nil)
	}
	return r.declaration(string(t.Inst))
}
