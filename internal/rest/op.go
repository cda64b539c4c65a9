package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/pa"
)

// Op is an operation of a platform, declared once as data.
type Op struct {
	Name   string // "send.Submit"
	Method string
	Path   string // template: /delivery/v2.5/requests/{id}

	// Idempotent says that repeating is safe when the outcome of an attempt
	// is unknown. A refused attempt is repeated whatever it says.
	Idempotent bool
	// RetryAfterUnit is the unit of a number in Retry-After. Default one second.
	RetryAfterUnit time.Duration
	// CredentialRefused says how the platform refuses a credential.
	CredentialRefused Refusal
	// OK lists the statuses of success; none means every 2xx.
	OK []int
	// Timeout bounds one attempt. Default 35 s.
	Timeout time.Duration
	// MaxBody bounds the reply. Default 8 MiB.
	MaxBody int64
	// Evidence says that the exchange has legal weight.
	Evidence bool
}

// Refusal is how a platform refuses a credential. The zero value never does.
type Refusal struct {
	Status int
	// Hold is for how long the platform remembers a refusal, whatever is
	// sent meanwhile; every caller of the same credential waits it out.
	Hold time.Duration
}

// refuses tells a gateway that does not accept a credential from a service
// that does not allow the call, which explains itself with a Problem, and from
// a firewall's page.
func (r Refusal) refuses(f *failure) bool {
	return r.Status != 0 && f.StatusCode == r.Status && f.Problem == nil && f.from == theGateway
}

const (
	defaultTimeout = 35 * time.Second
	defaultMaxBody = 8 << 20
)

func (op *Op) timeout() time.Duration {
	if op.Timeout > 0 {
		return op.Timeout
	}
	return defaultTimeout
}

func (op *Op) maxBody() int64 {
	if op.MaxBody > 0 {
		return op.MaxBody
	}
	return defaultMaxBody
}

func (op *Op) ok(status int) bool {
	if len(op.OK) > 0 {
		return slices.Contains(op.OK, status)
	}
	return status >= 200 && status < 300
}

// repeatable reports whether an attempt of unknown outcome may be repeated.
func (op *Op) repeatable() bool {
	return op.Idempotent || op.Method == http.MethodGet || op.Method == http.MethodHead
}

// expand fills the path template. An empty parameter or a dot segment would
// name another resource and is refused.
func (op *Op) expand(params []string) (string, *pa.Finding) {
	path := op.Path
	if !strings.Contains(path, "{") {
		return path, nil
	}
	var b strings.Builder
	for _, value := range params {
		before, rest, _ := strings.Cut(path, "{")
		name, after, _ := strings.Cut(rest, "}")
		if value == "" || value == "." || value == ".." {
			return "", &pa.Finding{Path: name, Rule: "PA_PATH", Severity: pa.Invalid, Text: pa.Text{
				IT: "Manca un identificativo, o non può far parte di un indirizzo.",
				EN: "an identifier is missing or cannot be part of an address"}}
		}
		b.WriteString(before)
		b.WriteString(url.PathEscape(value))
		path = after
	}
	b.WriteString(path)
	return b.String(), nil
}
