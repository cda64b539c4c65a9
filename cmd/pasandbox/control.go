package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// route is a call of the control API, as the first page shows it.
type route struct {
	Method, Path string
	IT, EN       string
	Body         string // an example, in JSON
	handle       func(*sandbox, *http.Request) (any, error)
}

// routes are the control API.
var routes = []route{
	{"GET", "/state", "orologio, notifiche, chiamate per operazione, voucher rifiutati con il motivo",
		"clock, notifications, calls per operation, refused vouchers and why", "", getState},
	{"POST", "/clock", "manda avanti il tempo della notifica (advance: 90m, 36h, 7d), o cambia la durata di un giorno (day)",
		"moves life-cycle time ahead (advance), or changes how long a day lasts (day)", `{"advance": "7d"}`, postClock},
	{"POST", "/faults", "guasta le prossime chiamate di un'operazione: status, header, body, done, skip, times, rate, delay, dropBefore, dropAfter, truncate, oversize",
		"makes the next calls of an operation go wrong", `{"platform": "send", "op": "Submit", "dropAfter": true}`, postFaults},
	{"DELETE", "/faults", "toglie tutti i guasti", "disarms all faults", "", deleteFaults},
	{"GET", "/exchanges", "chiamate ricevute, senza credenziali; ?platform=send|pdnd, op, last (100)",
		"calls received, without credentials", "", getExchanges},
	{"POST", "/view", "il destinatario (0 è il primo) legge la notifica", "a recipient (0 is the first) reads a notification",
		`{"iun": "ABCD-EFGH-JKLM-202611-A-1", "recipient": 0}`, postView},
	{"POST", "/reset", "si ricomincia con SEND: nessuna notifica, nessuno stream, nessun guasto; i voucher restano validi", "begins anew with SEND: no notifications, streams or faults; vouchers stay good", `{}`, postReset},
	{"GET", "/pdnd-key.pem", "chiave privata del client dimostrativo della PDND (nuova a ogni avvio)",
		"private key of the demonstration client of PDND (new at every start)", "", getKey},
	{"POST", "/pdnd-keys", "aggiunge al client dimostrativo una chiave pubblica RSA (PEM) e ne dà il kid",
		"registers an RSA public key (PEM) on the demonstration client and gives its kid", `{"pem": "-----BEGIN PUBLIC KEY-----\n…"}`, postKeys},
}

// invalid is a call of the control API that cannot be served; it is answered
// with 400 and its text.
type invalid struct{ error }

// controlAPI serves the routes, to pages of this server only where it is a
// browser that asks.
func (s *sandbox) controlAPI() http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.HandleFunc(r.Method+" "+controlPath+r.Path, func(w http.ResponseWriter, req *http.Request) {
			v, err := r.handle(s, req)
			switch {
			case err != nil:
				status := http.StatusInternalServerError
				if _, ok := errors.AsType[invalid](err); ok {
					status = http.StatusBadRequest
				}
				reply(w, status, map[string]string{"error": err.Error()})
			case v == nil:
				w.WriteHeader(http.StatusNoContent)
			default:
				reply(w, http.StatusOK, v)
			}
		})
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

// plain is a reply that is not JSON.
type plain struct {
	contentType string
	body        []byte
}

func reply(w http.ResponseWriter, status int, v any) {
	if p, ok := v.(plain); ok {
		w.Header().Set("Content-Type", p.contentType)
		deliver(w, status, p.body)
		return
	}
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error": "the reply cannot be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	deliver(w, status, append(body, '\n'))
}

func deliver(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}

// body reads the JSON of a call. Unknown members are refused: a misspelt one
// would do nothing, in silence.
func body(r *http.Request, v any) error {
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return invalid{fmt.Errorf("the body is not what is expected: %w", err)}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return invalid{errors.New("the body has more than one value")}
	}
	return nil
}

// state is the reply of GET /state.
type state struct {
	Clock clock     `json:"clock"`
	SEND  sendState `json:"send"`
	PDND  pdndState `json:"pdnd"`
}

type clock struct {
	Now time.Time `json:"now"` // in the life of the notifications
	Day string    `json:"day"` // how long a day really lasts
}

type sendState struct {
	URL           string         `json:"url"`
	Calls         map[string]int `json:"calls"`
	Notifications []notification `json:"notifications"`
}

type pdndState struct {
	URL      string         `json:"url"`
	Calls    map[string]int `json:"calls"`
	Failures []failed       `json:"failures"`
}

type notification struct {
	IUN                   string      `json:"iun"` // also before the acceptance
	NotificationRequestID string      `json:"notificationRequestId"`
	PaProtocolNumber      string      `json:"paProtocolNumber"`
	IdempotenceToken      string      `json:"idempotenceToken,omitempty"`
	SenderTaxID           string      `json:"senderTaxId"`
	Subject               string      `json:"subject"`
	Status                string      `json:"status"`
	SentAt                time.Time   `json:"sentAt"`
	Refusals              []string    `json:"refusals,omitempty"`
	Documents             []document  `json:"documents"`
	Recipients            []recipient `json:"recipients"`
	Categories            []string    `json:"categories"` // of the timeline so far
}

type document struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"` // base64
	Stored bool   `json:"stored"` // with this digest
}

type recipient struct {
	AnalogCost int64     `json:"analogCost"` // euro cents so far
	Viewed     time.Time `json:"viewed,omitzero"`
	Refined    time.Time `json:"refined,omitzero"`
	Attempts   int       `json:"attempts"` // paper envelopes
}

type failed struct {
	Time          time.Time `json:"time"`
	CorrelationID string    `json:"correlationId"`
	Code          string    `json:"code"`
	Title         string    `json:"title"`
	Reasons       []reason  `json:"reasons,omitempty"`
}

type reason struct {
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
}

func clockOf(srv *sendtest.Server) clock { return clock{srv.Clock().Now(), short(day(srv))} }

func getState(s *sandbox, _ *http.Request) (any, error) {
	srv := s.present()
	out := state{
		Clock: clockOf(srv),
		SEND:  sendState{URL: s.base + sendPath, Calls: calls(srv.Exchanges()), Notifications: []notification{}},
		PDND:  pdndState{URL: s.base + pdndPath, Calls: calls(s.pdnd.Exchanges()), Failures: []failed{}},
	}
	for _, n := range srv.Notifications() {
		out.SEND.Notifications = append(out.SEND.Notifications, view(n))
	}
	for _, f := range s.pdnd.Failures() {
		item := failed{f.Time, f.CorrelationID, f.Code, f.Title, nil}
		for _, r := range f.Reasons {
			item.Reasons = append(item.Reasons, reason(r))
		}
		out.PDND.Failures = append(out.PDND.Failures, item)
	}
	return out, nil
}

func view(n sendtest.Notification) notification {
	out := notification{
		IUN: n.IUN, NotificationRequestID: n.NotificationRequestID, PaProtocolNumber: n.PaProtocolNumber,
		IdempotenceToken: n.IdempotenceToken, SenderTaxID: n.SenderTaxID, Subject: n.Subject, Status: n.Status,
		SentAt: n.SentAt, Refusals: n.Refusals, Categories: n.Categories,
	}
	for _, d := range n.Documents {
		out.Documents = append(out.Documents, document{d.Key, d.SHA256, d.Stored})
	}
	for _, r := range n.Recipients {
		out.Recipients = append(out.Recipients, recipient{r.AnalogCost, r.Viewed, r.Refined, r.Attempts})
	}
	return out
}

// calls counts what is still in the record.
func calls(list []patest.Exchange) map[string]int {
	n := map[string]int{}
	for _, x := range list {
		n[x.Op]++
	}
	return n
}

// span is a duration that may be in days, like 7d.
func span(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, invalid{fmt.Errorf("%q is not a number of days", text)}
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, invalid{fmt.Errorf("%q is not a duration like 90m, 36h or 7d", text)}
	}
	return d, nil
}

func postClock(s *sandbox, r *http.Request) (any, error) {
	var in struct{ Advance, Day string }
	if err := body(r, &in); err != nil {
		return nil, err
	}
	if in.Advance == "" && in.Day == "" {
		return nil, invalid{errors.New("give advance, day or both")}
	}
	srv := s.present()
	var advance, pace time.Duration
	var err error
	if in.Advance != "" {
		if advance, err = span(in.Advance); err != nil {
			return nil, err
		}
	}
	if in.Day != "" {
		if pace, err = span(in.Day); err != nil {
			return nil, err
		}
		srv.Clock().SetDay(pace)
	}
	srv.Clock().Advance(advance)
	return clockOf(srv), nil
}

// fault is a [patest.Fault] in JSON.
type fault struct {
	Platform   string      `json:"platform"` // send or pdnd
	Op         string      `json:"op"`       // * for all
	Skip       int         `json:"skip"`
	Times      int         `json:"times"`
	Rate       float64     `json:"rate"`
	Delay      string      `json:"delay"`
	DropBefore bool        `json:"dropBefore"`
	DropAfter  bool        `json:"dropAfter"`
	Status     int         `json:"status"`
	Header     http.Header `json:"header"`
	Body       string      `json:"body"`
	Done       bool        `json:"done"`
	Truncate   int         `json:"truncate"`
	Oversize   int         `json:"oversize"`
}

func postFaults(s *sandbox, r *http.Request) (any, error) {
	var in fault
	if err := body(r, &in); err != nil {
		return nil, err
	}
	f := patest.Fault{
		Skip: in.Skip, Times: in.Times, Rate: in.Rate, DropBefore: in.DropBefore, DropAfter: in.DropAfter,
		Status: in.Status, Body: in.Body, Done: in.Done, Truncate: in.Truncate, Oversize: in.Oversize,
	}
	if len(in.Header) > 0 {
		f.Header = http.Header{}
		for name, values := range in.Header {
			for _, v := range values {
				f.Header.Add(name, v)
			}
		}
	}
	if in.Delay != "" {
		d, err := span(in.Delay)
		if err != nil {
			return nil, err
		}
		f.Delay = d
	}
	inject := map[string]func(string, patest.Fault) error{"send": s.present().Inject, "pdnd": s.pdnd.Inject}[in.Platform]
	if inject == nil {
		return nil, invalid{errors.New("platform is send or pdnd")}
	}
	if err := inject(in.Op, f); err != nil {
		return nil, invalid{err}
	}
	return nil, nil
}

func deleteFaults(s *sandbox, _ *http.Request) (any, error) {
	s.present().ClearFaults()
	s.pdnd.ClearFaults()
	return nil, nil
}

// exchange is a call in the reply of GET /exchanges.
type exchange struct {
	Platform       string      `json:"platform"`
	Time           time.Time   `json:"time"`
	Op             string      `json:"op,omitempty"`
	Method         string      `json:"method"`
	Path           string      `json:"path"`
	Query          url.Values  `json:"query,omitempty"`
	RequestHeader  http.Header `json:"requestHeader"`
	RequestBody    string      `json:"requestBody,omitempty"` // at most 64 KiB
	RequestSize    int64       `json:"requestSize"`
	Status         int         `json:"status"` // 0: the connection was broken
	ResponseHeader http.Header `json:"responseHeader,omitempty"`
	ResponseBody   string      `json:"responseBody,omitempty"`
	ResponseSize   int64       `json:"responseSize"`
	Faulted        bool        `json:"faulted,omitempty"`
}

const defaultLast = 100

func getExchanges(s *sandbox, r *http.Request) (any, error) {
	q := r.URL.Query()
	last := defaultLast
	if text := q.Get("last"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, invalid{errors.New("last is a number")}
		}
		last = n
	}
	seen := map[string]func() []patest.Exchange{"send": s.present().Exchanges, "pdnd": s.pdnd.Exchanges}
	platform := q.Get("platform")
	if platform == "" {
		platform = "send"
	}
	exchanges, ok := seen[platform]
	if !ok {
		return nil, invalid{errors.New("platform is send or pdnd")}
	}
	out := []exchange{}
	for _, x := range exchanges() {
		if op := q.Get("op"); op != "" && op != x.Op {
			continue
		}
		out = append(out, exchange{
			platform, x.Time, x.Op, x.Method, x.Path, x.Query, x.RequestHeader, string(x.RequestBody), x.RequestSize,
			x.Status, x.ResponseHeader, string(x.ResponseBody), x.ResponseSize, x.Faulted,
		})
	}
	return out[max(len(out)-last, 0):], nil
}

func postView(s *sandbox, r *http.Request) (any, error) {
	var in struct {
		IUN       string `json:"iun"`
		Recipient int    `json:"recipient"`
	}
	if err := body(r, &in); err != nil {
		return nil, err
	}
	if err := s.present().View(in.IUN, in.Recipient); err != nil {
		return nil, invalid{err}
	}
	return nil, nil
}

func postReset(s *sandbox, _ *http.Request) (any, error) { return nil, s.reset(day(s.present())) }

func getKey(s *sandbox, _ *http.Request) (any, error) {
	return plain{"application/x-pem-file", s.keyPEM}, nil
}

func postKeys(s *sandbox, r *http.Request) (any, error) {
	var in struct {
		PEM string `json:"pem"`
	}
	if err := body(r, &in); err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(in.PEM))
	if block == nil {
		return nil, invalid{errors.New("pem holds no PEM block")}
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, invalid{errors.New("pem holds no public key (BEGIN PUBLIC KEY)")}
	}
	kid, err := s.pdnd.AddKey(pdndtest.ClientID, key)
	if err != nil {
		return nil, invalid{err}
	}
	return map[string]string{"clientId": pdndtest.ClientID, "kid": kid}, nil
}
