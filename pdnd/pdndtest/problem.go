package pdndtest

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/pa-italia/sdk-go/internal/sim"
	"github.com/pa-italia/sdk-go/pa/patest"
)

const contentType = "application/json; charset=utf-8"

type problemError struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// serviceProblem is an error of the authorization service. Its members come in
// another order than those of gatewayProblem, as they do on the wire.
type serviceProblem struct {
	Title         string         `json:"title"`
	Type          string         `json:"type"`
	Status        int            `json:"status"`
	Detail        string         `json:"detail"`
	Errors        []problemError `json:"errors"`
	CorrelationID string         `json:"correlationId"`
}

// gatewayProblem is an error of the framework around the service: the schema
// of the body, the rate limit.
type gatewayProblem struct {
	Type          string         `json:"type"`
	Title         string         `json:"title"`
	Status        int            `json:"status"`
	Detail        string         `json:"detail"`
	CorrelationID string         `json:"correlationId"`
	Errors        []problemError `json:"errors"`
}

// refused is the reply to every request that PDND does not want to serve,
// whatever the reason.
func refused(correlationID string) sim.Reply {
	return reply(http.StatusBadRequest, serviceProblem{
		Title: "The request contains bad syntax or cannot be fulfilled.", Type: "about:blank",
		Status: http.StatusBadRequest, Detail: "Bad request",
		Errors:        []problemError{{"015-0008", "Unable to generate a token for the given request"}},
		CorrelationID: correlationID,
	})
}

func badSchema(correlationID string, details []string) sim.Reply {
	p := gatewayProblem{
		Type: "about:blank", Title: "Bad request", Status: http.StatusBadRequest,
		Detail: "Incorrect value for body", CorrelationID: correlationID,
	}
	for _, d := range details {
		p.Errors = append(p.Errors, problemError{"007-9999", "Validation error: " + d})
	}
	return reply(http.StatusBadRequest, p)
}

func tooMany(correlationID, organizationID string) sim.Reply {
	detail := "Requests limit exceeded for organization " + organizationID
	return reply(http.StatusTooManyRequests, gatewayProblem{
		Type: "about:blank", Title: http.StatusText(http.StatusTooManyRequests), Status: http.StatusTooManyRequests,
		Detail: detail, CorrelationID: correlationID, Errors: []problemError{{"007-10004", detail}},
	})
}

func internalProblem(correlationID string) serviceProblem {
	return serviceProblem{
		Title: "The request couldn't be fulfilled due to an internal error", Type: "internalServerError",
		Status: http.StatusInternalServerError, Detail: "Internal server error",
		Errors:        []problemError{{"015-0000", "Unable to generate a token for the given request due to an internal error"}},
		CorrelationID: correlationID,
	}
}

// reply writes JSON as the platform does, without the escapes for HTML.
func reply(status int, v any) sim.Reply {
	body, err := encode(v)
	if err != nil {
		return sim.Text(http.StatusInternalServerError, "text/plain", "pdndtest: "+err.Error()+"\n")
	}
	return sim.Reply{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body}
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// InternalError is a fault that makes the next call of an operation end as an
// internal error of PDND. Its fields may be changed: Times, Skip, Rate.
func InternalError() patest.Fault {
	return patest.Fault{Status: http.StatusInternalServerError, Replace: func(status int, h http.Header, _ []byte) (int, http.Header, []byte) {
		const correlationID = "00000000-0000-4000-8000-000000000500"
		r := reply(status, internalProblem(correlationID))
		r.Header.Set("X-Correlation-Id", correlationID)
		return r.Status, r.Header, r.Body
	}}
}

// GatewayError is a fault that makes the next call of an operation end with
// the given status at the gateway in front of PDND, whose body is no Problem.
// The status is 403, 413, 429, 502, 503 or 504.
func GatewayError(status int) patest.Fault {
	messages := map[int]string{
		http.StatusForbidden:             "Forbidden",
		http.StatusRequestEntityTooLarge: "Request Too Long",
		http.StatusTooManyRequests:       "Too Many Requests",
		http.StatusBadGateway:            "Internal server error",
		http.StatusServiceUnavailable:    "Service Unavailable",
		http.StatusGatewayTimeout:        "Endpoint request timed out",
	}
	return patest.Fault{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"message":"` + messages[status] + `"}`}
}

// noRoute is how the gateway answers for what it does not serve.
func noRoute(*sim.Call) sim.Reply {
	return sim.Reply{Status: http.StatusForbidden, Body: []byte(`{"message":"Missing Authentication Token"}`), Header: http.Header{
		"Content-Type": {"application/json"}, "X-Amzn-Errortype": {"MissingAuthenticationTokenException"}}}
}
