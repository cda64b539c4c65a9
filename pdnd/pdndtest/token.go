package pdndtest

import (
	"mime"
	"net/http"
	"net/url"

	"github.com/pa-italia/sdk-go/internal/sim"
)

const (
	grantType     = "client_credentials"
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// token serves a request for a voucher. The order of the checks is PDND's.
func (s *Server) token(c *sim.Call) sim.Reply {
	id := s.newUUID()
	r := s.grant(c, id)
	r.Header.Set("X-Correlation-Id", id)
	r.Header.Set("Date", s.now().UTC().Format(http.TimeFormat))
	return r
}

func (s *Server) grant(c *sim.Call, id string) sim.Reply {
	if c.Header.Get("DPoP") != "" {
		return sim.Text(http.StatusNotImplemented, "text/plain", "pdndtest: DPoP is not simulated\n")
	}
	form, details := readForm(c)
	if len(details) > 0 {
		s.fail(id, checkRequest)
		return badSchema(id, details)
	}
	refuse := func(check string, reasons ...Reason) sim.Reply {
		s.fail(id, check, reasons...)
		return refused(id)
	}
	if kind := form.Get("client_assertion_type"); kind != assertionType {
		return refuse(checkRequest, reason("0002", "Assertion type not valid: %s", kind))
	}
	a, reasons := s.checkAssertion(form.Get("client_assertion"), form.Get("client_id"))
	if len(reasons) > 0 {
		return refuse(checkAssertion, reasons...)
	}
	client, purpose, ok := s.lookup(a)
	if !ok {
		return refuse(checkEntry)
	}
	if reasons := a.checkSignature(client.keys[a.kid], s.now()); len(reasons) > 0 {
		return refuse(checkSignature, reasons...)
	}
	if purpose != nil {
		if reasons := purpose.check(); len(reasons) > 0 {
			return refuse(checkStates, reasons...)
		}
	}
	left, ok := s.quota(client.OrganizationID).take(s.now(), s.set.limit)
	var r sim.Reply
	if ok {
		r = s.issue(client, purpose, a.digest)
	} else {
		s.fail(id, checkRateLimit)
		r = tooMany(id, client.OrganizationID)
	}
	s.set.limit.header(r.Header, left)
	return r
}

// readForm reads the body and lists what its schema does not allow, in the
// words of the validator and in the order of the schema.
func readForm(c *sim.Call) (url.Values, []string) {
	form := url.Values{}
	media, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err == nil && media == "application/x-www-form-urlencoded" {
		// What cannot be read is left out, as by the parser of the platform.
		form, _ = url.ParseQuery(string(c.Body))
	}
	var details []string
	bad := func(what, field string) { details = append(details, what+` at "`+field+`"`) }
	for _, field := range []struct {
		name     string
		required bool
	}{{"client_id", false}, {"client_assertion", true}, {"client_assertion_type", true}} {
		switch values := form[field.name]; {
		case len(values) > 1:
			bad("Expected string, received array", field.name)
		case len(values) == 0 && field.required:
			bad("Required", field.name)
		case len(values) == 1 && field.name == "client_id" && !isUUID(values[0]):
			bad("Invalid uuid", field.name)
		}
	}
	if values := form["grant_type"]; len(values) != 1 || values[0] != grantType {
		bad(`Invalid literal value, expected "`+grantType+`"`, "grant_type")
	}
	return form, details
}

// lookup finds the key by client, kid and purpose, or by client and kid: an
// assertion without a purpose finds API clients only, one with a purpose finds
// none of them. Identifiers are compared letter by letter.
func (s *Server) lookup(a assertion) (*registered, *Purpose, bool) {
	client, ok := s.clients[a.subject]
	if !ok {
		return nil, nil, false
	}
	if _, ok := client.keys[a.kid]; !ok || client.API != (a.purposeID == "") {
		return nil, nil, false
	}
	if client.API {
		return client, nil, true
	}
	purpose, ok := client.purpose(a.purposeID)
	return client, purpose, ok
}

// check collects what is not active.
func (p *Purpose) check() []Reason {
	var reasons []Reason
	for _, c := range []struct {
		state      State
		code, name string
	}{
		{p.States.Agreement, "0021", "Agreement"},
		{p.States.Descriptor, "0022", "E-Service"},
		{p.States.Purpose, "0020", "Purpose"},
	} {
		if !c.state.active() {
			reasons = append(reasons, reason(c.code, "%s state is: %s", c.name, string(c.state)))
		}
	}
	if p.Async {
		reasons = append(reasons, reason("0039", "Async exchange clients cannot use the standard authorization server"))
	}
	return reasons
}
