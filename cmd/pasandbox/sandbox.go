package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// Where things are.
const (
	sendPath    = "/send"
	pdndPath    = "/pdnd"
	controlPath = "/_sandbox"
)

// KeyWithoutVoucher is an API key of the same invented body that wants no PDND
// voucher, for trying SEND alone. That of package sendtest wants one.
const keyWithoutVoucher = "00000000-aaaa-4000-8000-5e4d00000002"

// emptyRetry is the wait that an empty page of a stream asks for, really: at
// the pace of the life cycle a client would call thousands of times a second.
const emptyRetry = 500 * time.Millisecond

// sandbox is the server.
type sandbox struct {
	base    string // as clients call it
	keyPEM  []byte // of the demonstration client of PDND
	kid     string
	pdnd    *pdndtest.Server
	control http.Handler

	mu    sync.RWMutex
	seeds *mathrand.Rand // one for each reset, so that identifiers do not come again
	send  *sendtest.Server
}

func newSandbox(base string, day time.Duration, seed uint64) (*sandbox, error) {
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" {
		return nil, errors.New("-url: serve un indirizzo come http://pasandbox:8480, senza percorso")
	}
	if seed == 0 {
		seed = mathrand.Uint64()
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	s := &sandbox{
		base:   base,
		keyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		seeds:  mathrand.New(mathrand.NewPCG(seed, 0)),
	}
	s.pdnd, err = pdndtest.Open(
		pdndtest.WithBaseURL(base+pdndPath), pdndtest.WithSeed(s.seeds.Uint64()),
		pdndtest.WithClient(pdndtest.Client{
			ID:       pdndtest.ClientID,
			Purposes: []pdndtest.Purpose{{ID: pdndtest.PurposeID, Audience: []string{s.audience()}}},
		}))
	if err != nil {
		return nil, err
	}
	if s.kid, err = s.pdnd.AddKey(pdndtest.ClientID, key.Public()); err != nil {
		return nil, err
	}
	s.control = s.controlAPI()
	return s, s.reset(day)
}

// audience is that of the vouchers for SEND.
func (s *sandbox) audience() string { return s.base + sendPath }

// reset puts a new simulator of SEND in the place of the present one: no
// notifications, streams or exchanges. PDND keeps its keys, and its vouchers
// stay good: SEND remembers a refused one for a minute, for which nobody wants
// to wait between two tests.
func (s *sandbox) reset(day time.Duration) error {
	sender := sendtest.Sender{TaxID: sendtest.SenderTaxID, Denomination: sendtest.SenderDenomination, Over20Grams: true}
	plain, vouched := sender, sender
	plain.APIKey = keyWithoutVoucher
	vouched.APIKey, vouched.VoucherRequired = sendtest.APIKey, true
	s.mu.Lock()
	defer s.mu.Unlock()
	clock := patest.Day(day)
	srv, err := sendtest.Open(
		sendtest.WithBaseURL(s.base+sendPath), sendtest.WithSeed(s.seeds.Uint64()),
		sendtest.WithClock(clock), sendtest.WithRetryAfter(clock.Life(emptyRetry), false),
		sendtest.WithSender(vouched), sendtest.WithSender(plain),
		sendtest.WithVoucherCheck(s.pdnd.VoucherCheck(s.audience())))
	if err != nil {
		return err
	}
	s.send = srv
	s.pdnd.ClearFaults()
	return nil
}

// present is the simulator of SEND since the last reset.
func (s *sandbox) present() *sendtest.Server {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.send
}

// day is how long a life-cycle day really lasts.
func day(srv *sendtest.Server) time.Duration { return srv.Clock().Wait(24 * time.Hour) }

// short writes a duration without the zeros at its end: 1m, not 1m0s.
func short(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// ServeHTTP sends each call to its platform, with its path untouched: what a
// client got wrong must arrive as it is.
func (s *sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case under(path, sendPath):
		s.present().ServeHTTP(w, r)
	case under(path, pdndPath):
		s.pdnd.ServeHTTP(w, r)
	case under(path, controlPath):
		s.control.ServeHTTP(w, r)
	case path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		s.page(w)
	default:
		http.Error(w, "Qui non c'è nulla / nothing here: "+s.base+"/", http.StatusNotFound)
	}
}

func under(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || rest[0] == '/')
}

// variable is an environment variable that the clients of this module read.
type variable struct{ Name, Value string }

// variables configure a client for this sandbox. The key is in a file that is
// fetched from the control API.
func (s *sandbox) variables() []variable {
	return []variable{
		{send.EnvEnvironment, "simulator"},
		{send.EnvBaseURL, s.base + sendPath},
		{send.EnvAPIKey, sendtest.APIKey},
		{pdnd.EnvEnvironment, "simulator"},
		{pdnd.EnvTokenURL, s.base + pdndPath + "/token.oauth2"},
		{pdnd.EnvAudience, s.pdnd.AssertionAudience()},
		{pdnd.EnvClientID, pdndtest.ClientID},
		{pdnd.EnvPurposeID, pdndtest.PurposeID},
		{pdnd.EnvKeyID, s.kid},
		{pdnd.EnvKeyFile, "pdnd-key.pem"},
	}
}

// announce prints where everything is.
func (s *sandbox) announce(w io.Writer, listening net.Addr) error {
	var b strings.Builder
	fmt.Fprintf(&b, "pasandbox: in ascolto su %s\nLe istruzioni sono sulla pagina iniziale: %s/\n\n", listening, s.base)
	fmt.Fprintf(&b, "  SEND       %s%s\n  PDND       %s%s\n  Controllo  %s%s/state\n\n", s.base, sendPath, s.base, pdndPath, s.base, controlPath)
	b.WriteString("Credenziali dimostrative, valide solo qui:\n\n")
	fmt.Fprintf(&b, "  curl -s -o pdnd-key.pem %s%s/pdnd-key.pem\n", s.base, controlPath)
	for _, v := range s.variables() {
		fmt.Fprintf(&b, "  export %s=%s\n", v.Name, v.Value)
	}
	fmt.Fprintf(&b, "\nSenza voucher: export %s=%s e nessuna variabile PDND_*.\n", send.EnvAPIKey, keyWithoutVoucher)
	fmt.Fprintf(&b, "Un giorno dura %s. Ctrl-C per finire.\n", short(day(s.present())))
	_, err := io.WriteString(w, b.String())
	return err
}
