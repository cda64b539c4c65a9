package pdndtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Failure is why a request for a voucher was refused. The wire never says it:
// PDND keeps it in its log and shows it under "Debug client assertion".
type Failure struct {
	Time          time.Time
	CorrelationID string
	// Code is that of the check that refused the request, and Title its name.
	Code, Title string
	// Reasons are the faults found by that check, in its own numbering.
	Reasons []Reason
}

// Reason is a fault found by a check.
type Reason struct{ Code, Title, Detail string }

// String lists the codes and details, one reason a line.
func (f Failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", f.Code, f.Title)
	for _, r := range f.Reasons {
		fmt.Fprintf(&b, "\n\t%s %s", r.Code, r.Detail)
	}
	return b.String()
}

// Codes of the checks, in the order in which they are made.
const (
	checkRequest   = "0001"
	checkAssertion = "0002"
	checkSignature = "0003"
	checkEntry     = "0006"
	checkStates    = "0008"
	checkRateLimit = "007-10004"
)

var checkTitles = map[string]string{
	checkRequest:   "Request validation failed",
	checkAssertion: "Client assertion validation failed",
	checkSignature: "Client assertion signature validation failed",
	checkEntry:     "No key is known for this client, kid and purpose",
	checkStates:    "Platform state validation failed",
	checkRateLimit: "Too Many Requests",
}

// reasonTitles are those of the codes of a Reason.
var reasonTitles = map[string]string{
	"0002": "Assertion type not valid",
	"0004": "Invalid audience",
	"0005": "Audience not found",
	"0006": "Invalid format for Client assertion",
	"0007": "Invalid client assertion payload",
	"0008": "JTI not found",
	"0009": "IAT not found",
	"0010": "EXP not found",
	"0011": "ISS not found",
	"0012": "Subject not found",
	"0013": "Invalid subject",
	"0014": "Invalid purposeId claim format",
	"0015": "KID not found",
	"0017": "Token expired",
	"0018": "Invalid JWT format",
	"0019": "Current time is before not before time",
	"0020": "Purpose is not active",
	"0021": "Agreement is not active",
	"0022": "E-Service is not active",
	"0024": "Invalid subject format",
	"0025": "Invalid digest claim",
	"0026": "Invalid hash length",
	"0027": "Invalid hash algorithm",
	"0028": "ALG not found",
	"0029": "ALG not allowed",
	"0031": "Invalid KID format",
	"0032": "Invalid claims in client assertion",
	"0033": "Invalid signature",
	"0039": "Async exchange not allowed",
}

// reason makes a Reason. Of what was received only identifiers are shown, cut
// to a length at which none of them is a token.
func reason(code, format string, args ...any) Reason {
	for i, a := range args {
		if s, ok := a.(string); ok && len(s) > 100 {
			args[i] = s[:100]
		}
	}
	return Reason{Code: code, Title: reasonTitles[code], Detail: fmt.Sprintf(format, args...)}
}

const keptFailures = 1000

func (s *Server) fail(correlationID, check string, reasons ...Reason) {
	if len(s.failures) == keptFailures {
		s.failures = slices.Delete(s.failures, 0, keptFailures/10)
	}
	s.failures = append(s.failures, Failure{
		Time: s.now(), CorrelationID: correlationID, Code: check, Title: checkTitles[check], Reasons: reasons,
	})
}

// Failures returns why requests were refused, oldest first: at most the last
// 1000.
func (s *Server) Failures() []Failure {
	var out []Failure
	s.do(func() { out = slices.Clone(s.failures) })
	return out
}
