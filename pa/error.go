package pa

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Error is a failed call to a REST platform. It answers to [errors.Is] with
// the sentinels of this package; its cause, where the call never had a reply,
// is behind Unwrap.
type Error struct {
	Op         string        // operation, like "send.Submit"
	StatusCode int           // 0 where there was no reply
	Code       string        // the platform's code of the first error, or a code of this module
	TraceID    string        // what to tell the platform's support
	RetryAfter time.Duration // how long the platform asked to wait, if it did
	Attempts   int           // how many requests were made
	Problem    *Problem      // the body, where it was one

	// Text replaces the general sentence of Message where the package that
	// made the call knows better.
	Text Text

	cause    error
	sentinel []*Sentinel
	raw      []byte
}

// Sentinels that an [*Error] answers to. An error can answer to several: a 503
// in reply to a write is both unavailable and of unknown outcome.
var (
	ErrInvalid = NewSentinel("PA_INVALID", Text{
		IT: "La richiesta è stata rifiutata perché non valida: correggere il dato indicato e riprovare.",
		EN: "the request was refused as invalid: correct what is named and try again"})
	ErrUnauthorized = NewSentinel("PA_UNAUTHORIZED", Text{
		IT: "Le credenziali non sono state accettate: controllare chiave, voucher e ambiente.",
		EN: "the credentials were not accepted: check key, voucher and environment"})
	ErrForbidden = NewSentinel("PA_FORBIDDEN", Text{
		IT: "Le credenziali sono valide ma non autorizzate a questa operazione: controllare ente, gruppo e abilitazioni.",
		EN: "the credentials are valid but may not do this: check the body, group and permissions"})
	ErrNotFound = NewSentinel("PA_NOT_FOUND", Text{
		IT: "La piattaforma non conosce l'oggetto richiesto: controllare l'identificativo e l'ambiente.",
		EN: "the platform does not know what was asked for: check the identifier and the environment"})
	ErrConflict = NewSentinel("PA_CONFLICT", Text{
		IT: "L'oggetto esiste già o è in uno stato che non ammette l'operazione.",
		EN: "it exists already or is in a state that does not allow this"})
	ErrRateLimited = NewSentinel("PA_RATE_LIMITED", Text{
		IT: "Troppe richieste: la piattaforma chiede di rallentare. Riprovare più tardi.",
		EN: "too many requests: the platform asks to slow down; try again later"})
	ErrUnavailable = NewSentinel("PA_UNAVAILABLE", Text{
		IT: "La piattaforma non è raggiungibile o non riesce a rispondere. Riprovare più tardi.",
		EN: "the platform cannot be reached or cannot answer; try again later"})
	ErrOutcomeUnknown = NewSentinel("PA_OUTCOME_UNKNOWN", Text{
		IT: "La risposta è andata persa: l'operazione può essere riuscita. Verificarne l'esito prima di ripeterla.",
		EN: "the reply was lost: it may have been done; look it up before repeating it"})
	ErrUnexpectedReply = NewSentinel("PA_UNEXPECTED_REPLY", Text{
		IT: "La risposta non è nel formato previsto: può venire da un proxy o da un altro servizio. Controllare l'indirizzo.",
		EN: "the reply is not in the expected form: it may come from a proxy or another service; check the address"})
	ErrTooLarge = NewSentinel("PA_TOO_LARGE", Text{
		IT: "La risposta supera la dimensione ammessa ed è stata scartata.",
		EN: "the reply is larger than allowed and was dropped"})
	ErrRedirect = NewSentinel("PA_REDIRECT", Text{
		IT: "Il server rimanda a un altro indirizzo: le credenziali non vengono inviate altrove. Controllare l'indirizzo.",
		EN: "the server points to another address: credentials are not sent elsewhere; check the address"})
	ErrProxy = NewSentinel("PA_PROXY", Text{
		IT: "Il proxy ha fermato la richiesta: controllare le credenziali del proxy o le regole del firewall.",
		EN: "the proxy stopped the request: check the proxy's credentials or the firewall's rules"})
	ErrCertificate = NewSentinel("PA_CERTIFICATE", Text{
		IT: "Il certificato del server non è riconosciuto: se la rete passa da un'ispezione TLS, aggiungerne la CA.",
		EN: "the server's certificate is not trusted: where the network inspects TLS, add its CA"})
	ErrCredential = NewSentinel("PA_CREDENTIAL", Text{
		IT: "Non è stato possibile ottenere le credenziali: la richiesta non è partita.",
		EN: "the credentials could not be had: the request was not sent"})
	ErrEvidence = NewSentinel("PA_EVIDENCE", Text{
		IT: "L'operazione è stata eseguita ma la prova non è stata salvata: controllare lo spazio e i permessi.",
		EN: "it was done but its evidence could not be saved: check space and permissions"})
)

// Fault is what the transport of a client knows about a failed call; packages
// that make calls build an [*Error] from it with [NewError].
type Fault struct {
	Op         string
	StatusCode int
	Code       string
	TraceID    string
	RetryAfter time.Duration
	Attempts   int
	Problem    *Problem
	Text       Text
	Cause      error
	Raw        []byte
	Is         []*Sentinel // beside those that follow from StatusCode and Cause
}

// NewError makes an [*Error]. The sentinels that follow from the status and
// from the cause are added to those given.
func NewError(f Fault) *Error {
	e := &Error{
		Op: f.Op, StatusCode: f.StatusCode, Code: f.Code, TraceID: f.TraceID, RetryAfter: f.RetryAfter,
		Attempts: f.Attempts, Problem: f.Problem, Text: f.Text, cause: f.Cause, raw: f.Raw, sentinel: f.Is,
	}
	if s := sentinelOf(f.StatusCode); s != nil {
		e.sentinel = append(e.sentinel, s)
	}
	switch {
	case e.Code != "":
	case len(e.sentinel) > 0:
		e.Code = e.sentinel[0].code
	default: // the call ended before it began: its cause says why
		e.Code = CodeOf(e.cause)
	}
	return e
}

func sentinelOf(status int) *Sentinel {
	switch {
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusForbidden:
		return ErrForbidden
	case status == http.StatusNotFound, status == http.StatusGone:
		return ErrNotFound
	case status == http.StatusConflict:
		return ErrConflict
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case status == http.StatusProxyAuthRequired:
		return ErrProxy
	case status == http.StatusRequestTimeout, status >= 500:
		return ErrUnavailable
	case status >= 300 && status < 400:
		return ErrRedirect
	case status >= 400:
		return ErrInvalid
	}
	return nil
}

// Error names the operation, the status, the code and the trace, and nothing
// that was sent or received.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	b.WriteString(":")
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, " HTTP %d", e.StatusCode)
	}
	if e.Code != "" {
		b.WriteString(" " + printable(e.Code))
	}
	if e.TraceID != "" {
		b.WriteString(" (trace " + printable(e.TraceID) + ")")
	}
	if e.RetryAfter > 0 {
		b.WriteString(", retry after " + e.RetryAfter.String())
	}
	if !e.Text.IsZero() {
		b.WriteString(": " + e.Text.EN)
	} else if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

// printable lets through only what a code or a trace id is made of: both come
// from the network.
func printable(s string) string {
	const most = 96
	if len(s) > most {
		s = s[:most]
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune("-_.:;=", r):
			return r
		}
		return '?'
	}, s)
}

// Message returns what is wrong and what to do, in one language.
func (e *Error) Message(lang Lang) string {
	if !e.Text.IsZero() {
		return e.Text.In(lang)
	}
	if len(e.sentinel) > 0 {
		return e.sentinel[0].Message(lang)
	}
	if e.cause != nil {
		return Message(e.cause, lang)
	}
	return e.Error()
}

// ErrorCode returns Code.
func (e *Error) ErrorCode() string { return e.Code }

// Is reports whether the error is of the kind of a sentinel.
func (e *Error) Is(target error) bool {
	for _, s := range e.sentinel {
		if error(s) == target {
			return true
		}
	}
	return false
}

// Unwrap returns the cause of a call that had no reply.
func (e *Error) Unwrap() error { return e.cause }

// Raw returns the body of the reply as received, cut to 64 KiB. It may hold
// personal data.
func (e *Error) Raw() []byte { return e.raw }

// Temporary reports whether the same call can succeed later with nothing
// changed: the platform was unavailable, throttled the caller or lost the reply.
func Temporary(err error) bool {
	return errors.Is(err, ErrRateLimited) || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrOutcomeUnknown) ||
		errors.Is(err, context.DeadlineExceeded)
}
