package pdndtest

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/jws"
	"github.com/pa-italia/sdk-go/internal/sim"
)

// assertion is a client assertion that passed the checks on its members, whose
// signature has not been checked.
type assertion struct {
	compact   string
	kid       string
	subject   string
	purposeID string
	digest    any // as received, or nil
	expires   float64
	notBefore float64
}

// object is a JSON object of an assertion, whose members are asked for one by
// one because each has a fault of its own.
type object map[string]any

// text returns a member that is a string with content.
func (o object) text(name string) (string, bool) {
	s, ok := o[name].(string)
	return s, ok && s != ""
}

// number returns a member that is a number other than zero.
func (o object) number(name string) (float64, bool) {
	n, ok := o[name].(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil && f != 0 && !math.IsInf(f, 0)
}

func (o object) has(name string) bool { _, ok := o[name]; return ok }

// beyond lists the members that are none of those known.
func (o object) beyond(known ...string) []string {
	var names []string
	for name := range o {
		if !slices.Contains(known, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// decode reads the two JSON parts of a compact JWS.
func decode(compact string) (header, payload object, fault *Reason) {
	bad := func(what string) (object, object, *Reason) {
		r := reason("0006", "Invalid format for Client assertion: %s", what)
		return nil, nil, &r
	}
	parts := strings.Split(compact, ".")
	if len(compact) > jws.MaxSize || len(parts) != 3 {
		return bad("it is not a compact JWS")
	}
	for i, into := range []*object{&header, &payload} {
		data, err := base64.RawURLEncoding.Strict().DecodeString(parts[i])
		if err != nil || strings.ContainsAny(parts[i], "\r\n") {
			return bad("a part is not base64url")
		}
		tree, err := sim.Tree(data, jws.MaxSize)
		if err != nil {
			return bad("a part is not JSON")
		}
		members, ok := tree.(map[string]any)
		if !ok {
			r := reason("0007", "Unexpected client assertion payload: it is not an object")
			return nil, nil, &r
		}
		*into = members
	}
	return header, payload, nil
}

var kidPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]{43}$`)

// checkAssertion reads an assertion and collects all faults of its members.
func (s *Server) checkAssertion(compact, clientID string) (assertion, []Reason) {
	header, payload, fault := decode(compact)
	if fault != nil {
		return assertion{}, []Reason{*fault}
	}
	a := assertion{compact: compact}
	var reasons []Reason
	bad := func(broken bool, code, format string, args ...any) {
		if broken {
			reasons = append(reasons, reason(code, format, args...))
		}
	}
	var ok bool

	alg, ok := header.text("alg")
	bad(!ok, "0028", "ALG not found in client assertion")
	bad(ok && alg != jws.RS256, "0029", "Algorithm %s is not allowed", alg)
	a.kid, ok = header.text("kid")
	bad(!header.has("kid"), "0015", "KID not found in client assertion")
	bad(header.has("kid") && (!ok || !kidPattern.MatchString(a.kid)), "0031", "Unexpected format for kid")

	_, ok = payload.text("iss")
	bad(!ok, "0011", "Issuer not found in client assertion")
	a.subject, ok = payload.text("sub")
	bad(!ok, "0012", "Subject not found in client assertion")
	bad(ok && !isUUID(a.subject), "0024", "Subject claim %s is not a valid UUID", a.subject)
	bad(ok && clientID != "" && clientID != a.subject, "0013", "Subject claim value %s does not correspond to provided client_id parameter", a.subject)

	audiences := textList(payload["aud"])
	bad(len(audiences) == 0, "0005", "Audience not found in client assertion")
	bad(len(audiences) > 0 && !slices.Contains(audiences, s.AssertionAudience()), "0004", "Unexpected client assertion audience: %s", strings.Join(audiences, ","))

	_, ok = payload.text("jti")
	bad(!ok, "0008", "JTI not found in client assertion")
	_, ok = payload.number("iat")
	bad(!ok, "0009", "IAT not found in client assertion")
	a.expires, ok = payload.number("exp")
	bad(!ok, "0010", "EXP not found in client assertion")
	if payload.has("nbf") {
		a.notBefore, ok = payload.number("nbf")
		bad(s.set.lax && !ok, "0007", "Unexpected client assertion payload: nbf is not a number")
	}
	if payload.has("purposeId") {
		a.purposeID, ok = payload.text("purposeId")
		bad(!ok || !isUUID(a.purposeID), "0014", "Purpose Id claim %s is not a valid UUID", a.purposeID)
	}
	if payload.has("digest") {
		a.digest = payload["digest"]
		if r, broken := checkDigest(a.digest); broken {
			reasons = append(reasons, r)
		}
	}

	extra := header.beyond("alg", "kid", "typ")
	bad(!s.set.lax && len(extra) > 0, "0032", "Invalid claims in client assertion header. Reason: %s", strings.Join(extra, ", "))
	extra = payload.beyond("iss", "sub", "aud", "jti", "iat", "exp", "purposeId", "digest")
	bad(!s.set.lax && len(extra) > 0, "0032", "Invalid claims in client assertion payload. Reason: %s", strings.Join(extra, ", "))
	return a, reasons
}

// textList reads a string or a list of strings.
func textList(v any) []string {
	if one, ok := v.(string); ok && one != "" {
		return []string{one}
	}
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		if text, ok := e.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// checkDigest wants an algorithm and 64 characters, which it does not hold to
// be hexadecimal.
func checkDigest(v any) (Reason, bool) {
	members, _ := v.(map[string]any)
	digest := object(members)
	alg, ok1 := digest.text("alg")
	value, ok2 := digest.text("value")
	switch {
	case !ok1 || !ok2 || len(digest) != 2:
		return reason("0025", "Invalid digest claim. Reason: it has not exactly the members alg and value"), true
	case alg != "SHA256":
		return reason("0027", "Invalid hash algorithm"), true
	case len([]rune(value)) != 64:
		return reason("0026", "Invalid hash length for algorithm SHA256"), true
	}
	return Reason{}, false
}

// checkSignature verifies an assertion and its times. There is no leeway.
func (a *assertion) checkSignature(key jws.JWK, now time.Time) []Reason {
	token, err := jws.Parse(a.compact)
	if err != nil {
		return []Reason{reason("0018", "Invalid JWT format in client assertion signature validation. Reason: %s", err.Error())}
	}
	if err := token.Verify(key, jws.RS256); err != nil {
		return []Reason{reason("0033", "Client assertion signature is invalid")}
	}
	seconds := float64(now.Unix())
	if a.expires <= seconds {
		return []Reason{reason("0017", "Token expired in client assertion signature validation")}
	}
	if a.notBefore > seconds {
		return []Reason{reason("0019", "Current time is before not before time in client assertion signature validation")}
	}
	return nil
}
