package sendtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/pa-italia/sdk-go/internal/sim"
	"github.com/pa-italia/sdk-go/pa/patest"
)

// Operation names, for [Server.Inject] and [Server.Exchanges].
const (
	opPreload          = "Preload"
	opUpload           = "Upload"
	opSubmit           = "Submit"
	opRequestStatus    = "RequestStatus"
	opSentNotification = "SentNotification"
	opDocument         = "Document"
	opPaymentDocument  = "PaymentDocument"
	opAAR              = "AAR"
	opLegalFacts       = "LegalFacts"
	opLegalFact        = "LegalFact"
	opDownload         = "Download"
	opPrice            = "Price"
	opCreateStream     = "CreateStream"
	opListStreams      = "ListStreams"
	opStream           = "Stream"
	opUpdateStream     = "UpdateStream"
	opDisableStream    = "DisableStream"
	opDeleteStream     = "DeleteStream"
	opEvents           = "Events"
	opCancel           = "Cancel"
	opPaymentEvents    = "PaymentEvents"
	opGroups           = "Groups"
	opPlatformStatus   = "PlatformStatus"
	opDowntimes        = "Downtimes"
	opDowntimeFact     = "DowntimeLegalFact"
	opProbing          = "Probing"
)

// Server is a simulated SEND. Its methods are safe for concurrent use.
type Server struct {
	sim *sim.Server
	set settings

	// What follows is guarded by the agenda of sim.
	signingKey    []byte
	authorized    map[string]authorization
	objects       map[string]*object
	notifications []*notification
	byIUN         map[string]*notification
	protocols     map[string]*notification // sender, protocol number, token
	notices       map[string]*notice       // creditor, notice code
	streams       map[string]*stream
	streamOrder   []string
	downtimes     []*downtime
}

// New returns a simulator that ends with the test. It opens no socket unless
// [WithAddr] is given. A wrong option ends the test.
func New(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s, err := newServer(opts)
	if err == nil && s.set.addr != "" {
		err = s.sim.Start(tb.Context(), s.set.addr, s.set.remote)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Start returns a simulator that listens until ctx is done or [Server.Close]
// is called: on 127.0.0.1 and a free port unless [WithAddr] says otherwise.
func Start(ctx context.Context, opts ...Option) (*Server, error) {
	s, err := newServer(opts)
	if err != nil {
		return nil, err
	}
	addr := s.set.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	if err := s.sim.Start(ctx, addr, s.set.remote); err != nil {
		return nil, err
	}
	return s, nil
}

// Open returns a simulator that listens nowhere: an [http.Handler] to mount in
// another server, with [WithBaseURL] for where that is.
func Open(opts ...Option) (*Server, error) { return newServer(opts) }

func newServer(opts []Option) (*Server, error) {
	set := defaults()
	var errs []error
	for _, opt := range opts {
		errs = append(errs, opt(&set))
	}
	if len(set.senders) == 0 {
		set.senders = []Sender{{APIKey: APIKey, TaxID: SenderTaxID, Denomination: SenderDenomination, Over20Grams: true}}
	}
	for _, sender := range set.senders {
		if sender.VoucherRequired && set.checkVoucher == nil {
			errs = append(errs, errors.New("sendtest: a sender that requires a voucher needs WithVoucherCheck"))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	core, err := sim.New(sim.Config{
		Agenda:   sim.NewAgenda(set.clock),
		BaseURL:  set.baseURL,
		Seed:     set.seed,
		MaxBody:  set.limits.UploadBytes + 1,
		Fallback: noRoute,
	})
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("sendtest: %w", err)
	}
	s := &Server{
		sim:        core,
		set:        set,
		signingKey: key,
		authorized: map[string]authorization{},
		objects:    map[string]*object{},
		byIUN:      map[string]*notification{},
		protocols:  map[string]*notification{},
		notices:    map[string]*notice{},
		streams:    map[string]*stream{},
	}
	s.routes()
	s.do(s.scheduleDowntimes)
	return s, nil
}

// call is a request of an authorized sender.
type call struct {
	*sim.Call
	sender *Sender
}

// routes registers every operation, on every version that is served.
func (s *Server) routes() {
	handle := func(op, method, path string, h func(*call) sim.Reply) {
		s.sim.Handle(op, method, path, s.authorize(h))
	}
	handle(opPreload, "POST", "/delivery/attachments/preload", s.preload)
	for _, v := range requestVersions {
		handle(opSubmit, "POST", "/delivery/"+v.path+"requests", func(c *call) sim.Reply { return s.submit(c, v) })
		handle(opRequestStatus, "GET", "/delivery/"+v.path+"requests", func(c *call) sim.Reply { return s.requestStatus(c, v) })
	}
	for _, v := range sentVersions {
		handle(opSentNotification, "GET", "/delivery/"+v.path+"notifications/sent/{iun}", func(c *call) sim.Reply { return s.sentNotification(c, v) })
	}
	handle(opDocument, "GET", "/delivery/notifications/sent/{iun}/attachments/documents/{docIdx}", s.document)
	handle(opPaymentDocument, "GET", "/delivery/notifications/sent/{iun}/attachments/payment/{recipientIdx}/{attachmentName}", s.paymentDocument)
	for _, v := range priceVersions {
		handle(opPrice, "GET", "/delivery/"+v.path+"price/{paTaxId}/{noticeCode}", func(c *call) sim.Reply { return s.price(c, v) })
	}
	handle(opLegalFacts, "GET", "/delivery-push/v2.0/{iun}/legal-facts", s.legalFacts)
	handle(opLegalFact, "GET", "/delivery-push/{iun}/download/legal-facts/{legalFactId}", s.legalFactDownload)
	handle(opAAR, "GET", "/delivery-push/{iun}/document/{documentType}", s.aar)
	for _, v := range streamVersions {
		base := "/delivery-progresses/" + v.path + "streams"
		handle(opCreateStream, "POST", base, func(c *call) sim.Reply { return s.createStream(c, v) })
		handle(opListStreams, "GET", base, s.listStreams)
		handle(opStream, "GET", base+"/{streamId}", func(c *call) sim.Reply { return s.getStream(c, v) })
		handle(opUpdateStream, "PUT", base+"/{streamId}", func(c *call) sim.Reply { return s.updateStream(c, v) })
		handle(opDeleteStream, "DELETE", base+"/{streamId}", func(c *call) sim.Reply { return s.deleteStream(c, v) })
		if !v.first {
			handle(opDisableStream, "POST", base+"/{streamId}/action/disable", func(c *call) sim.Reply { return s.disableStream(c, v) })
		}
		handle(opEvents, "GET", base+"/{streamId}/events", func(c *call) sim.Reply { return s.events(c, v) })
	}
	handle(opCancel, "PUT", "/delivery-push/v2.0/notifications/cancel/{iun}", s.cancel)
	handle(opPaymentEvents, "POST", "/delivery/events/payment/pagopa", s.paymentEvents)
	handle(opGroups, "GET", "/ext-registry-b2b/pa/v1/groups", s.groups)
	handle(opPlatformStatus, "GET", "/status", s.platformStatus)
	s.sim.Handle(opDowntimes, "GET", "/downtime/v1/resolved", s.resolvedDowntimes)
	s.sim.Handle(opDowntimeFact, "GET", "/downtime/v1/legal-facts/{legalFactId}", s.downtimeFact)
	s.sim.Handle(opProbing, "GET", "/interop/probing", func(*sim.Call) sim.Reply { return sim.Reply{} })
	s.sim.Handle(opUpload, "PUT", "/safestorage/{key}", s.upload)
	s.sim.Handle(opDownload, "GET", "/safestorage/{key}", s.download)
}

// ServeHTTP implements [http.Handler], for a simulator that is mounted in
// another server; give it [WithBaseURL] then.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.sim.ServeHTTP(w, r) }

// Transport returns a round tripper that reaches the simulator, and nothing
// else, without sockets.
func (s *Server) Transport() http.RoundTripper { return s.sim.Transport() }

// URL returns the base URL of the API.
func (s *Server) URL() string { return s.sim.URL() }

// Close stops listening. What was seen can still be read.
func (s *Server) Close() error { return s.sim.Close() }

// Clock returns the life-cycle time.
func (s *Server) Clock() *patest.Clock { return s.set.clock }

// Inject makes the next calls of an operation go wrong; "*" stands for all
// operations. The operations are named after the methods of the client:
// Preload, Upload, Submit, RequestStatus, SentNotification, Document,
// PaymentDocument, AAR, LegalFacts, LegalFact, Download, Price, Cancel,
// PaymentEvents, CreateStream, ListStreams, Stream, UpdateStream,
// DisableStream, DeleteStream, Events, Groups, PlatformStatus, Downtimes,
// DowntimeLegalFact; and Probing, which has none.
func (s *Server) Inject(op string, f patest.Fault) error { return s.sim.Inject(op, f) }

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() { s.sim.ClearFaults() }

// Exchanges returns the calls seen so far, without credentials.
func (s *Server) Exchanges() []patest.Exchange { return s.sim.Exchanges() }

// Count returns how many calls of an operation were seen; of all with "*".
func (s *Server) Count(op string) int { return s.sim.Count(op) }

// do runs f with the state locked and up to date.
func (s *Server) do(f func(now time.Time)) { s.sim.Agenda().Do(f) }

// after schedules f for d of life-cycle time after now.
func (s *Server) after(now time.Time, d time.Duration, f func(now time.Time)) {
	s.sim.Agenda().At(now.Add(d), f)
}
