package send

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pa-italia/sdk-go/pa"
)

// ErrUnknownSender is a sender that the credential store does not have.
var ErrUnknownSender = pa.NewSentinel("SEND_UNKNOWN_SENDER", pa.Text{
	IT: "Per questo ente non ci sono credenziali SEND: registrarne la chiave API.",
	EN: "there are no SEND credentials for this sender: register its API key"})

// ErrGroup is a group that the credentials of a sender name and that cannot be
// used.
var ErrGroup = pa.NewSentinel("SEND_GROUP_UNUSABLE", pa.Text{
	IT: "Il gruppo indicato per questo ente non esiste o non è attivo: controllarlo nell'area riservata SEND.",
	EN: "the group given for this sender does not exist or is not active: check it in the reserved area of SEND"})

// ErrForeignCredentials is a store that gives one sender the credentials of
// another.
var ErrForeignCredentials = pa.NewSentinel("SEND_FOREIGN_CREDENTIALS", pa.Text{
	IT: "Il deposito delle credenziali ha dato quelle di un altro ente: correggerne la registrazione.",
	EN: "the credential store gave those of another sender: correct its entry"})

// CredentialStore is where a vendor keeps the credentials of the bodies it
// serves.
type CredentialStore interface {
	// Credentials returns those of a sender by its tax code, or an error that
	// is ErrUnknownSender.
	Credentials(ctx context.Context, taxID string) (Credentials, error)
}

// CredentialMap is a [CredentialStore] in memory.
type CredentialMap map[string]Credentials

// Credentials returns those of a sender.
func (m CredentialMap) Credentials(_ context.Context, taxID string) (Credentials, error) {
	c, ok := m[taxID]
	if !ok {
		return Credentials{}, ErrUnknownSender
	}
	return c, nil
}

// Senders gives the client of each of many senders, over one transport. None
// of them delays another. It is safe for concurrent use.
type Senders struct {
	template *Client
	store    CredentialStore

	mu      sync.Mutex
	clients map[string]*Client
	forgot  int // how often: what was read before must not be kept after
}

// NewSenders makes the clients of all senders from one configuration, whose
// credentials are not used and may be missing.
func NewSenders(cfg Config, store CredentialStore) (*Senders, error) {
	cfg.APIKey, cfg.Voucher, cfg.Sender = placeholder{}, nil, ""
	template, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return &Senders{template: template, store: store, clients: make(map[string]*Client)}, nil
}

// placeholder is the key of the template, which makes no calls.
type placeholder struct{}

func (placeholder) Secret(context.Context) (pa.Secret, error) { return pa.Secret{}, ErrUnknownSender }

// Client returns the client of a sender by its tax code. The store is asked the
// first time; [Senders.Forget] makes it be asked again. Keys that rotate need
// no forgetting: they come from the sources in the credentials.
func (s *Senders) Client(ctx context.Context, taxID string) (*Client, error) {
	s.mu.Lock()
	c, forgot := s.clients[taxID], s.forgot
	s.mu.Unlock()
	if c != nil {
		return c, nil
	}
	cred, err := s.store.Credentials(ctx, taxID)
	if err != nil {
		return nil, fmt.Errorf("send: sender %s: %w", taxID, err)
	}
	if cred.Sender != "" && cred.Sender != taxID {
		return nil, fmt.Errorf("send: sender %s: %w", taxID, ErrForeignCredentials)
	}
	cred.Sender = taxID
	if c, err = s.template.With(cred); err != nil {
		return nil, fmt.Errorf("send: sender %s: %w", taxID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.clients[taxID]; first != nil {
		return first, nil
	}
	if s.forgot == forgot {
		s.clients[taxID] = c
	}
	return c, nil
}

// Forget drops the client of a sender whose credentials have changed.
func (s *Senders) Forget(taxID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, taxID)
	s.forgot++
}

// SenderCheck is how it stands with the credentials of a sender.
type SenderCheck struct {
	TaxID string
	Err   error // nil where all holds
}

// Line says it in one line: who, and what to do.
func (k SenderCheck) Line(lang pa.Lang) string {
	if k.Err == nil {
		return k.TaxID + ": " + pa.Text{IT: "credenziali in ordine", EN: "credentials in order"}.In(lang)
	}
	return k.TaxID + ": " + pa.Message(k.Err, lang)
}

// checksAtOnce bounds the senders that are checked at the same time.
const checksAtOnce = 16

// Check tries the credentials of senders, key, voucher, group and environment,
// by a call that changes nothing, and yields the findings as they come. It
// does not wait out a refusal that the platform remembers.
func (s *Senders) Check(ctx context.Context, taxIDs ...string) iter.Seq[SenderCheck] {
	return func(yield func(SenderCheck) bool) {
		found, done := make(chan SenderCheck), make(chan struct{})
		defer close(done)
		var g errgroup.Group
		g.SetLimit(checksAtOnce)
		go func() {
			for _, taxID := range taxIDs {
				g.Go(func() error {
					select {
					case <-done: // nobody listens any more
						return nil
					default:
					}
					select {
					case found <- SenderCheck{taxID, s.check(ctx, taxID)}:
					case <-done:
					}
					return nil
				})
			}
			_ = g.Wait() // none of them fails
			close(found)
		}()
		for k := range found {
			if !yield(k) {
				return
			}
		}
	}
}

func (s *Senders) check(ctx context.Context, taxID string) error {
	c, err := s.Client(ctx, taxID)
	if err != nil {
		return err
	}
	return c.Check(ctx)
}

// Check tries the credentials of the client by a call that changes nothing:
// key and voucher are accepted in this environment, and the group, where the
// credentials name one, is active. That a key with groups needs one named, the
// platform only says to a notification. It does not wait out a refusal that the
// platform remembers.
func (c *Client) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	groups, err := c.Groups(ctx, "")
	if err != nil {
		return err
	}
	if c.cfg.Group == "" {
		return nil
	}
	i := slices.IndexFunc(groups, func(g Group) bool { return g.ID == c.cfg.Group })
	if i < 0 || groups[i].Status != GroupActive {
		return fmt.Errorf("send.Check: %w", ErrGroup)
	}
	return nil
}

// checkTimeout is shorter than the minute for which a refusal is remembered.
const checkTimeout = 20 * time.Second
