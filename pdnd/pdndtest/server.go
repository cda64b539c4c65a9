package pdndtest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/pa-italia/sdk-go/internal/sim"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/pdnd"
)

// Operation names, for [Server.Inject] and [Server.Exchanges].
const (
	opToken = "Token"
	opJWKS  = "JWKS"
)

// Server is a simulated authorization server of PDND. Its methods are safe for
// concurrent use.
type Server struct {
	sim *sim.Server
	set settings

	// What follows is guarded by the agenda of sim.
	signer   signer
	clients  map[string]*registered
	quotas   map[string]*quota // by organization
	failures []Failure
	started  bool // from now on changes take time to be known
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
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(set.clients) == 0 {
		set.clients = []Client{{ID: ClientID, Purposes: []Purpose{{ID: PurposeID}}}}
	}
	core, err := sim.New(sim.Config{
		Agenda:   sim.NewAgenda(patest.RealTime()),
		BaseURL:  set.baseURL,
		Seed:     set.seed,
		MaxBody:  1 << 20,
		Secret:   []string{"DPoP"},
		Fallback: noRoute,
	})
	if err != nil {
		return nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("pdndtest: %w", err)
	}
	s := &Server{sim: core, set: set, clients: map[string]*registered{}, quotas: map[string]*quota{}}
	s.do(func() { s.signer = signer{s.newUUID(), key} })
	for _, c := range set.clients {
		errs = append(errs, s.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.started = true
	s.sim.Handle(opToken, http.MethodPost, "/token.oauth2", s.token)
	s.sim.Handle(opJWKS, http.MethodGet, "/.well-known/jwks.json", s.jwks)
	return s, nil
}

// ServeHTTP implements [http.Handler], for a simulator that is mounted in
// another server; give it [WithBaseURL] then.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.sim.ServeHTTP(w, r) }

// Transport returns a round tripper that reaches the simulator, and nothing
// else, without sockets.
func (s *Server) Transport() http.RoundTripper { return s.sim.Transport() }

// URL returns the base URL.
func (s *Server) URL() string { return s.sim.URL() }

// TokenURL returns the address of the token endpoint.
func (s *Server) TokenURL() string { return s.URL() + "/token.oauth2" }

// JWKSURL returns the address of the keys that vouchers are signed with.
func (s *Server) JWKSURL() string { return s.URL() + "/.well-known/jwks.json" }

// AssertionAudience returns the audience that a client assertion must have.
func (s *Server) AssertionAudience() string { return s.host() + "/client-assertion" }

// Issuer returns the issuer of the vouchers. Like the audiences it has no
// scheme.
func (s *Server) Issuer() string { return s.host() }

// APIAudience returns the audience of the vouchers of API clients.
func (s *Server) APIAudience() string { return s.host() + "/m2m" }

// host is that of the configured base URL: identifiers do not change when the
// simulator starts to listen on some port.
func (s *Server) host() string {
	u, err := url.Parse(s.set.baseURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// Close stops listening. What was seen can still be read.
func (s *Server) Close() error { return s.sim.Close() }

// Inject makes the next calls of an operation go wrong: Token, JWKS, or "*"
// for both. See [InternalError] and [GatewayError] for the replies of PDND.
func (s *Server) Inject(op string, f patest.Fault) error { return s.sim.Inject(op, f) }

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() { s.sim.ClearFaults() }

// Exchanges returns the calls seen so far, without credentials and vouchers.
func (s *Server) Exchanges() []patest.Exchange {
	list := s.sim.Exchanges()
	for i := range list {
		list[i].ResponseBody = hidden(list[i].ResponseBody, patest.Removed)
	}
	return list
}

// Count returns how many calls of an operation were seen; of all with "*".
func (s *Server) Count(op string) int { return s.sim.Count(op) }

// Config returns the configuration of a client for a purpose, or for none with
// an API client. It makes a key and registers it on the client; while the
// simulator does not listen the client reaches it without sockets.
func (s *Server) Config(clientID, purposeID string) (pdnd.Config, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return pdnd.Config{}, fmt.Errorf("pdndtest: %w", err)
	}
	if _, err := s.AddKey(clientID, key.Public()); err != nil {
		return pdnd.Config{}, err
	}
	cfg := pdnd.Config{
		Environment: pa.Simulator,
		TokenURL:    s.TokenURL(),
		Audience:    s.AssertionAudience(),
		ClientID:    clientID,
		PurposeID:   purposeID,
		Key:         pdnd.StaticKey(key),
	}
	if s.URL() == s.set.baseURL {
		cfg.Transport.HTTPClient = &http.Client{Transport: s.Transport()}
	}
	return cfg, nil
}

// do runs f with the state locked and up to date.
func (s *Server) do(f func()) { s.sim.Agenda().Do(func(time.Time) { f() }) }

// propagate makes a change, or plans it for when the token endpoint learns of
// it.
func (s *Server) propagate(change func()) {
	if !s.started || s.set.propagation == 0 {
		change()
		return
	}
	agenda := s.sim.Agenda()
	agenda.At(agenda.Clock().Now().Add(s.set.propagation), func(time.Time) { change() })
}

// now is the wire time of the simulator.
func (s *Server) now() time.Time { return time.Now().Add(s.set.skew) }

func (s *Server) quota(organizationID string) *quota {
	q, ok := s.quotas[organizationID]
	if !ok {
		q = new(quota)
		s.quotas[organizationID] = q
	}
	return q
}

// newUUID draws from the seeded source.
func (s *Server) newUUID() string {
	h := s.sim.Hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}
