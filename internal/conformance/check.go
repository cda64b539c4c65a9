package conformance

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Side is the half of an exchange in which something is wrong.
type Side string

const (
	Request Side = "request"
	Reply   Side = "reply"
)

// Violation is a way in which an exchange is not what the contract says. It
// names places and rules, and never shows a value.
type Violation struct {
	// Operation is "GET /path" of the contract or, where no operation matches,
	// of the call, with … for what may be a value.
	Operation string
	Status    int // of the reply
	Side      Side
	// At is where: a JSON pointer into the body, or one of "route", "status",
	// "content-type", "body", "security", "header NAME", "query NAME" and
	// "path NAME".
	At   string
	Rule string // keyword of the schema that is broken, or "undocumented"
	Text string
}

// String is the violation on one line.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s of %d: %s: %s (%s)", v.Operation, v.Side, v.Status, v.At, v.Text, v.Rule)
}

// generalRequest and generalReply are headers that HTTP itself or the client
// library of the language puts on messages; a specification need not name them.
var (
	generalRequest = []string{"Accept", "Accept-Encoding", "Content-Length", "Content-Type", "User-Agent"}
	generalReply   = []string{"Content-Length", "Content-Type", "Date"}
)

// problemType is the content type of error documents (RFC 9457), and
// problemSchema the name that the files give to their schema.
const (
	problemType   = "application/problem+json"
	problemSchema = "Problem"
)

// Check holds an exchange against the contract. It returns the operation that
// was called, nil where there is none, and all violations.
//
// The request of a reply with status 400 may be wrong, and of one with 401 or
// 403 may lack credentials: that is what was answered.
func (c *Contract) Check(e Exchange) (*Operation, []Violation) {
	op, path := c.route(e.Method, e.Path)
	if op == nil {
		return nil, []Violation{{Operation: e.Method + " " + c.masked(e.Path), Status: e.Status, Side: Request, At: "route", Rule: "undocumented", Text: "the contract has no such operation"}}
	}
	request := &checker{op: op, side: Request, status: e.Status}
	request.request(e, path)
	found := slices.DeleteFunc(request.found, func(v Violation) bool {
		if v.At == "security" {
			return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
		}
		return e.Status == http.StatusBadRequest
	})
	reply := &checker{op: op, side: Reply, status: e.Status}
	reply.reply(e)
	return op, append(found, reply.found...)
}

// CheckRequest holds only the request against the contract.
func (c *Contract) CheckRequest(e Exchange) (*Operation, []Violation) {
	op, path := c.route(e.Method, e.Path)
	if op == nil {
		return c.Check(e)
	}
	k := &checker{op: op, side: Request, status: e.Status}
	k.request(e, path)
	return op, k.found
}

// masked returns a path with … for each element that is in no path of the
// contract.
func (c *Contract) masked(escapedPath string) string {
	parts := strings.Split(escapedPath, "/")
	for i, part := range parts {
		known := slices.ContainsFunc(c.Operations, func(op *Operation) bool {
			return slices.Contains(strings.Split(op.Path, "/"), part)
		})
		if !known {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}

// checker collects what is wrong with one half of an exchange.
type checker struct {
	op     *Operation
	side   Side
	status int
	found  []Violation
}

func (k *checker) bad(at, rule, format string, args ...any) {
	k.found = append(k.found, Violation{
		Operation: k.op.String(), Status: k.status, Side: k.side, At: at, Rule: rule, Text: fmt.Sprintf(format, args...),
	})
}

func (k *checker) request(e Exchange, path map[string]string) {
	query, err := url.ParseQuery(e.Query)
	if err != nil {
		k.bad("query", "format", "the query cannot be read")
	}
	k.parameters(path, query, e.RequestHeader)
	credential := k.credentials(e.RequestHeader)
	for name := range e.RequestHeader {
		if !slices.Contains(generalRequest, name) && !slices.Contains(credential, name) && !k.hasParameter("header", name) {
			k.bad("header "+name, "undocumented", "the contract has no such header")
		}
	}
	for name := range query {
		if !k.hasParameter("query", name) {
			k.bad("query "+name, "undocumented", "the contract has no such parameter")
		}
	}
	switch body := k.op.spec.RequestBody; {
	case body == nil && len(e.RequestBody) > 0:
		k.bad("body", "undocumented", "the contract has no body here")
	case body == nil:
	case len(e.RequestBody) == 0:
		if body.Value.Required {
			k.bad("body", "required", "there is no body")
		}
	default:
		k.content(body.Value.Content, e.RequestHeader, e.RequestBody, openapi3.VisitAsRequest())
	}
}

func (k *checker) hasParameter(in, name string) bool {
	return slices.ContainsFunc(k.op.params, func(p *openapi3.Parameter) bool {
		return p.In == in && (p.Name == name || in == "header" && strings.EqualFold(p.Name, name))
	})
}

func (k *checker) parameters(path map[string]string, query url.Values, header http.Header) {
	for _, p := range k.op.params {
		var values []string
		switch p.In {
		case "path":
			values = []string{path[p.Name]}
		case "query":
			values = query[p.Name]
		case "header":
			values = header.Values(p.Name)
		}
		at := p.In + " " + p.Name
		switch {
		case len(values) == 0 && p.Required:
			k.bad(at, "required", "the parameter is missing")
		case len(values) > 1:
			k.bad(at, "type", "the parameter is there more than once")
		case len(values) == 1 && p.Schema != nil:
			k.text(at, p.Schema.Value, values[0])
		}
	}
}

// text checks a value that travels as text.
func (k *checker) text(at string, schema *openapi3.Schema, raw string) {
	var value any = raw
	switch {
	case schema.Type.Is(openapi3.TypeInteger), schema.Type.Is(openapi3.TypeNumber):
		n, err := strconv.ParseFloat(raw, 64)
		if err != nil {
			k.bad(at, "type", "value must be a number")
			return
		}
		value = n
	case schema.Type.Is(openapi3.TypeBoolean):
		b, err := strconv.ParseBool(raw)
		if err != nil {
			k.bad(at, "type", "value must be a boolean")
			return
		}
		value = b
	}
	k.value(at, schema, value)
}

// credentials checks that one of the ways to prove who calls is there, and
// returns the headers that those ways use.
func (k *checker) credentials(header http.Header) []string {
	if len(k.op.security) == 0 {
		return nil
	}
	var names []string
	satisfied := false
	for _, way := range k.op.security {
		all := true
		for scheme := range way {
			ref := k.op.doc.T.Components.SecuritySchemes[scheme]
			if ref == nil {
				k.bad("security", "undocumented", "the contract does not define the scheme %s", scheme)
				continue
			}
			name := "Authorization"
			if ref.Value.Type == "apiKey" && ref.Value.In == "header" {
				name = http.CanonicalHeaderKey(ref.Value.Name)
			}
			names = append(names, name)
			all = all && header.Get(name) != ""
		}
		satisfied = satisfied || all
	}
	if !satisfied {
		k.bad("security", "required", "there are no credentials")
	}
	return names
}

func (k *checker) reply(e Exchange) {
	ref := k.op.spec.Responses.Status(e.Status)
	if ref == nil {
		ref = k.op.spec.Responses.Default()
	}
	if ref == nil {
		k.bad("status", "undocumented", "the contract has no status %s", statusText(e.Status))
		k.problem(e)
		return
	}
	r := ref.Value
	for name, h := range r.Headers {
		switch values := e.ReplyHeader.Values(name); {
		case len(values) == 1 && h.Value.Schema != nil:
			k.text("header "+name, h.Value.Schema.Value, values[0])
		case len(values) > 1:
			k.bad("header "+name, "type", "the header is there more than once")
		case len(values) == 0 && h.Value.Required:
			k.bad("header "+name, "required", "the header is missing")
		}
	}
	for name := range e.ReplyHeader {
		documented := slices.Contains(generalReply, name)
		for other := range r.Headers {
			documented = documented || strings.EqualFold(other, name)
		}
		if !documented {
			k.bad("header "+name, "undocumented", "the contract has no such header")
		}
	}
	switch {
	case len(r.Content) > 0:
		k.content(r.Content, e.ReplyHeader, e.ReplyBody, openapi3.VisitAsResponse())
	case len(e.ReplyBody) > 0:
		k.bad("body", "undocumented", "the contract has no body here")
		k.problem(e)
	}
}

// problem checks an error document where the contract does not expect one:
// what it looks like is known all the same.
func (k *checker) problem(e Exchange) {
	schema := k.op.doc.Named(problemSchema)
	if media, _, err := mime.ParseMediaType(e.ReplyHeader.Get("Content-Type")); err == nil && media == problemType && schema != nil {
		k.json(schema, e.ReplyBody, openapi3.VisitAsResponse())
	}
}

// content checks a body by the schema of its content type.
func (k *checker) content(content openapi3.Content, header http.Header, body []byte, opt openapi3.SchemaValidationOption) {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		k.bad("content-type", "format", "the content type is missing or cannot be read")
		return
	}
	documented := content[media]
	if documented == nil {
		k.bad("content-type", "undocumented", "the contract has no content of type %s", media)
		// The body is still held against the one shape that there is.
		if len(content) == 1 {
			for name, only := range content {
				media, documented = name, only
			}
		}
	}
	switch {
	case documented == nil || documented.Schema == nil:
	case media == "application/x-www-form-urlencoded":
		k.form(documented.Schema.Value, body)
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		k.json(documented.Schema.Value, body, opt)
	default:
		k.bad("content-type", "undocumented", "content of type %s cannot be checked", media)
	}
}

func (k *checker) json(schema *openapi3.Schema, body []byte, opt openapi3.SchemaValidationOption) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		k.bad("body", "format", "the body is not JSON")
		return
	}
	k.value("", schema, value, opt)
	k.op.doc.eachElement(schema, value, nil, func(e *elementSchema, object map[string]any, at []string) {
		k.details(e, object, pointer(at)+"/details", opt)
	})
}

// details checks the details of a timeline element against the one schema of
// its category.
func (k *checker) details(e *elementSchema, object map[string]any, at string, opt openapi3.SchemaValidationOption) {
	category, details := fmt.Sprint(object["category"]), object["details"]
	schema, known := e.details[category]
	switch {
	case !known: // reported as a value of category that is not in its list
	case schema == nil && details != nil:
		k.bad(at, "undocumented", "an element of category %s has no details", category)
	case schema != nil && details == nil:
		k.bad(at, "required", "an element of category %s has details", category)
	case schema != nil:
		k.value(at, schema, details, opt)
	}
}

// form checks a body of a form, each field of which is a text.
func (k *checker) form(schema *openapi3.Schema, body []byte) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		k.bad("body", "format", "the body is not a form")
		return
	}
	object := make(map[string]any, len(values))
	for name, v := range values {
		if len(v) > 1 {
			k.bad(pointer([]string{name}), "type", "the field is there more than once")
		}
		object[name] = v[0]
	}
	k.value("", schema, object, openapi3.VisitAsRequest())
}

// formats are checked beside date, date-time, int32 and int64, which the
// library knows by itself.
var formats = map[string]openapi3.StringFormatValidator{
	"uuid": openapi3.NewRegexpFormatValidator(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`),
	"jws":  openapi3.NewRegexpFormatValidator(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+$`),
}

// value checks a JSON value. What is wrong within it is reported below the
// place given: a pointer, "" for the whole body, or the name of a parameter.
func (k *checker) value(at string, schema *openapi3.Schema, value any, opts ...openapi3.SchemaValidationOption) {
	opts = append(opts, openapi3.MultiErrors(), openapi3.DisableSchemaErrorDetails(),
		openapi3.SetSchemaRegexCompiler(compilePattern), openapi3.WithStringFormatValidators(formats))
	for _, e := range leaves(schema.VisitJSON(value, opts...)) {
		where := cmp.Or(at+pointer(e.JSONPointer()), "body")
		reason := e.Reason
		if reason == "" {
			reason = "not allowed by the keyword " + e.SchemaField
		}
		rule := e.SchemaField
		if rule == "properties" && k.op.doc.closed[e.Schema] {
			rule = "undocumented" // the specification does not forbid it
		}
		k.bad(where, rule, "%s", reason)
	}
}

// leaves takes the single errors out of a tree of them.
func leaves(err error) []*openapi3.SchemaError {
	var list []*openapi3.SchemaError
	var many openapi3.MultiError
	var one *openapi3.SchemaError
	switch {
	case err == nil:
	case errors.As(err, &many) && len(many) > 0:
		for _, e := range many {
			list = append(list, leaves(e)...)
		}
	case errors.As(err, &one):
		list = append(list, one)
	default:
		list = append(list, &openapi3.SchemaError{SchemaField: "schema", Reason: "the value cannot be validated"})
	}
	return list
}

// pointer writes a place in a body as a JSON pointer (RFC 6901).
func pointer(at []string) string {
	var b strings.Builder
	for _, name := range at {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	return b.String()
}
