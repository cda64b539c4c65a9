package sendtest

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/sim"
)

// problem is the error document of the services.
type problem struct {
	Type      string         `json:"type,omitempty"`
	Status    int            `json:"status"`
	Title     string         `json:"title"`
	Detail    string         `json:"detail,omitempty"`
	TraceID   string         `json:"traceId,omitempty"`
	Timestamp *time.Time     `json:"timestamp,omitempty"`
	Errors    []problemError `json:"errors"`
}

type problemError struct {
	Code    string `json:"code"`
	Element string `json:"element,omitempty"`
	Detail  string `json:"detail,omitempty"`
}

// fail returns the Problem of a service, with the title and detail to which
// the services reduce all of them: what is wrong stands in errors.
func (s *Server) fail(status int, errors ...problemError) sim.Reply {
	title := "Handled error"
	switch {
	case status == http.StatusConflict:
		title = "Conflict"
	case status >= http.StatusInternalServerError:
		title = "Unexpected error"
	}
	now := time.Now().UTC()
	for i := range errors {
		errors[i].Detail = clip(errors[i].Detail, 1024)
	}
	return sim.Problem(status, problem{
		Type:      "GENERIC_ERROR",
		Status:    status,
		Title:     title,
		Detail:    "See logs for details in PN-DELIVERY",
		TraceID:   s.traceID(),
		Timestamp: &now,
		Errors:    errors,
	})
}

// failOne is fail with a single error.
func (s *Server) failOne(status int, code, detail string) sim.Reply {
	return s.fail(status, problemError{Code: code, Detail: detail})
}

// invalid is the 400 of the gateway's request validation.
func (s *Server) invalid(code string, faults []string) sim.Reply {
	return sim.Problem(http.StatusBadRequest, problem{
		Status:  http.StatusBadRequest,
		Title:   "VALIDATION ERROR",
		TraceID: s.traceID(),
		Errors:  []problemError{{Code: code, Detail: clip("Validation errors: ["+strings.Join(faults, ", ")+"]", 1024)}},
	})
}

func (s *Server) traceID() string {
	return fmt.Sprintf("Root=1-%s-%s", s.sim.Hex(8), s.sim.Hex(24))
}

// clip cuts a text to n bytes, at the start of a character.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}

// Codes of the services.
const (
	codeGeneric           = "PN_GENERIC_ERROR"
	codeInvalidBody       = "PN_INVALID_BODY"
	codeInvalidParameters = "PN_INVALID_PARAMETERS"
	codeInvalid           = "PN_GENERIC_INVALIDPARAMETER"
	codeSize              = "PN_GENERIC_INVALIDPARAMETER_SIZE"
	codeDuplicated        = "PN_GENERIC_INVALIDPARAMETER_DUPLICATED"
	codeTaxonomy          = "PN_GENERIC_INVALIDPARAMETER_TAXONOMYCODE"
	codeGroup             = "PN_DELIVERY_INVALIDPARAMETER_GROUP"
	codeSenderTaxID       = "PN_DELIVERY_INVALID_SENDER_TAX_ID"
	codeLanguages         = "PN_DELIVERY_INVALIDADDITIONALLANGS"
	codeLanguageRequired  = "PN_DELIVERY_REQUIREDADDITIONALLANG"
	codeNotFound          = "PN_DELIVERY_NOTIFICATIONNOTFOUND"
	codeNoCost            = "PN_DELIVERY_NOTIFICATIONCOSTNOTFOUND"
	codeNotAccepted       = "PN_DELIVERY_PUSH_NOTIFICATION_NOT_ACCEPTED"
	codeNoFile            = "PN_DELIVERY_FILEINFONOTFOUND"
	codeNoPaymentFile     = "PN_DELIVERY_NOTIFICATIONWITHOUTPAYMENTATTACHMENT"
	codePushNotFound      = "PN_DELIVERYPUSH_NOTFOUND"
	codePushCancelled     = "PN_DELIVERYPUSH_NOTIFICATION_CANCELLED"
	codeStreamNotFound    = "PN_STREAM_STREAMNOTFOUND"
	codeWebhookNotFound   = "PN_WEBHOOK_NOT_FOUND"
	codeForbidden         = "PN_WEBHOOK_FORBIDDEN"
	codeMaxStreams        = "PN_WEBHOOK_MAXSTREAMSCOUNTREACHED"
	codeStreamRetry       = "PN_STREAM_RETRY_AFTER_ERROR"
)
