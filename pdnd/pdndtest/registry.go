package pdndtest

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/pa-italia/sdk-go/internal/jws"
)

// The client of a simulator that is given no other, its purpose, and the
// audience of the e-service version that the purpose is for. All are invented.
const (
	ClientID       = "c1e00000-0000-4000-8000-000000000001"
	PurposeID      = "f1a00000-0000-4000-8000-000000000001"
	OrganizationID = "0a900000-0000-4000-8000-000000000001"
	Audience       = "https://eservice.simulator.invalid/v1"
)

// Client is a client of an organization.
type Client struct {
	ID             string // UUID
	OrganizationID string // tenant; default [OrganizationID]
	// API marks a client for the interoperability API, which has no purposes.
	API bool
	// AdminID makes an API client one of an administrator (m2m-admin).
	AdminID string
	// Keys are the public keys registered on it: RSA, 2048 bits or more. No
	// key can be on two clients.
	Keys     []crypto.PublicKey
	Purposes []Purpose
}

// Purpose is a purpose (finalità) associated with a client, and what belongs
// to it.
type Purpose struct {
	ID string // UUID
	// Audience is that of the e-service version (descriptor). Vouchers carry
	// several as one text, joined by commas. Default [Audience].
	Audience []string
	// Lifetime of the vouchers, between 60 s and 24 h. Default 10 minutes.
	Lifetime time.Duration

	// Identifiers put in vouchers; made up where empty.
	ProducerID, EServiceID, DescriptorID string

	States States
	// Async marks an e-service for asynchronous exchanges, which has a token
	// endpoint of its own.
	Async bool
}

// State is a state of the platform. The zero value is active.
type State string

const (
	Active   State = "ACTIVE"
	Inactive State = "INACTIVE" // suspended, archived or waiting for approval
)

func (s State) active() bool { return s == "" || s == Active }

// States are those of what a voucher depends on.
type States struct {
	Agreement  State
	Descriptor State // of the e-service version
	Purpose    State
}

const (
	minLifetime     = time.Minute
	maxLifetime     = 24 * time.Hour
	defaultLifetime = 10 * time.Minute
	apiLifetime     = 10 * time.Minute
	maxKeys         = 100
)

// uuidPattern is that of the platform, which takes either case.
var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

func isUUID(s string) bool { return uuidPattern.MatchString(s) }

// registered is a client with its keys by kid.
type registered struct {
	Client
	keys map[string]jws.JWK
}

func (r *registered) purpose(id string) (*Purpose, bool) {
	i := slices.IndexFunc(r.Purposes, func(p Purpose) bool { return p.ID == id })
	if i < 0 {
		return nil, false
	}
	return &r.Purposes[i], true
}

// Register adds a client, which must be new.
func (s *Server) Register(c Client) error {
	var err error
	s.do(func() {
		var r *registered
		if r, err = s.check(c); err == nil {
			s.propagate(func() { s.clients[c.ID] = r })
		}
	})
	return err
}

// check returns the client with its defaults, or why PDND would not have it.
func (s *Server) check(c Client) (*registered, error) {
	var errs []error
	bad := func(broken bool, format string, args ...any) {
		if broken {
			errs = append(errs, fmt.Errorf("pdndtest: client %.40q: "+format, append([]any{c.ID}, args...)...))
		}
	}
	_, again := s.clients[c.ID]
	bad(again, "it exists already")
	bad(!isUUID(c.ID), "its id is not a UUID")
	bad(c.API && len(c.Purposes) > 0, "a client for the interoperability API has no purposes")
	bad(!c.API && c.AdminID != "", "only a client for the interoperability API has an administrator")
	if c.OrganizationID == "" {
		c.OrganizationID = OrganizationID
	}
	r := &registered{Client: c, keys: map[string]jws.JWK{}}
	r.Purposes = slices.Clone(c.Purposes)
	for i := range r.Purposes {
		p := &r.Purposes[i]
		bad(!isUUID(p.ID), "the id of purpose %d is not a UUID", i)
		if p.Lifetime == 0 {
			p.Lifetime = defaultLifetime
		}
		bad(p.Lifetime < minLifetime || p.Lifetime > maxLifetime, "the vouchers of purpose %d do not live between 60 s and 24 h", i)
		if len(p.Audience) == 0 {
			p.Audience = []string{Audience}
		}
		for _, id := range []*string{&p.ProducerID, &p.EServiceID, &p.DescriptorID} {
			if *id == "" {
				*id = s.newUUID()
			}
		}
	}
	for i, key := range c.Keys {
		kid, err := s.checkKey(r, key)
		bad(err != nil, "key %d: %w", i, err)
		r.keys[kid] = jws.JWK{Key: key}
	}
	return r, errors.Join(errs...)
}

func (s *Server) checkKey(r *registered, key crypto.PublicKey) (string, error) {
	kid, err := jws.Thumbprint(key)
	if err != nil {
		return "", err
	}
	if _, ok := key.(*rsa.PublicKey); !ok {
		return "", errors.New("PDND takes RSA keys only")
	}
	if len(r.keys) >= maxKeys {
		return "", fmt.Errorf("a client has %d keys at most", maxKeys)
	}
	for _, other := range s.clients {
		if _, taken := other.keys[kid]; taken {
			return "", errors.New("the key is registered already")
		}
	}
	return kid, nil
}

// AddKey registers a public key on a client and returns its kid.
func (s *Server) AddKey(clientID string, key crypto.PublicKey) (kid string, err error) {
	s.do(func() {
		var r *registered
		if r, err = s.client(clientID); err != nil {
			return
		}
		if kid, err = s.checkKey(r, key); err != nil {
			err = fmt.Errorf("pdndtest: %w", err)
			return
		}
		s.propagate(func() { r.keys[kid] = jws.JWK{Key: key} })
	})
	return kid, err
}

// RemoveKey takes a key off a client.
func (s *Server) RemoveKey(clientID, kid string) error {
	var err error
	s.do(func() {
		var r *registered
		if r, err = s.client(clientID); err != nil {
			return
		}
		if _, ok := r.keys[kid]; !ok {
			err = errors.New("pdndtest: the client has no such key")
			return
		}
		s.propagate(func() { delete(r.keys, kid) })
	})
	return err
}

// SetStates changes the states of a purpose and of what it depends on.
func (s *Server) SetStates(clientID, purposeID string, states States) error {
	var err error
	s.do(func() {
		var r *registered
		if r, err = s.client(clientID); err != nil {
			return
		}
		p, ok := r.purpose(purposeID)
		if !ok {
			err = errors.New("pdndtest: the client has no such purpose")
			return
		}
		s.propagate(func() { p.States = states })
	})
	return err
}

func (s *Server) client(id string) (*registered, error) {
	if r, ok := s.clients[id]; ok {
		return r, nil
	}
	return nil, errors.New("pdndtest: there is no such client")
}
