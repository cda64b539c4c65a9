package pdndtest

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Option configures a simulator.
type Option func(*settings) error

type settings struct {
	addr        string
	remote      bool
	baseURL     string
	seed        uint64
	clients     []Client
	lax         bool
	limit       RateLimit
	propagation time.Duration
	skew        time.Duration
}

func defaults() settings {
	return settings{
		baseURL: "https://auth.pdnd.simulator.invalid",
		seed:    1,
		limit:   RateLimit{Requests: 10, Interval: time.Second, Burst: 1},
	}
}

// WithAddr listens on a loopback address, such as 127.0.0.1:8080.
func WithAddr(addr string) Option {
	return func(s *settings) error { s.addr = addr; return nil }
}

// WithRemoteAddr listens on an address that other machines can reach.
func WithRemoteAddr(addr string) Option {
	return func(s *settings) error { s.addr, s.remote = addr, true; return nil }
}

// WithBaseURL says where a simulator that is mounted in another server is
// reached.
func WithBaseURL(base string) Option {
	return func(s *settings) error {
		if u, err := url.Parse(base); err != nil || u.Host == "" {
			return fmt.Errorf("pdndtest: the base URL is not absolute: %q", base)
		}
		s.baseURL = base
		return nil
	}
}

// WithSeed sets the seed of identifiers and of faults given by rate.
func WithSeed(seed uint64) Option {
	return func(s *settings) error { s.seed = seed; return nil }
}

// WithClient registers a client. The client [ClientID] exists only while no
// other is given.
func WithClient(c Client) Option {
	return func(s *settings) error { s.clients = append(s.clients, c); return nil }
}

// WithLax behaves as production does: members of an assertion that PDND does
// not know, nbf among them, are let through, and an organization may make 450
// requests a second with bursts of a fifth more. Without it the simulator is
// as strict as UAT and attestation.
func WithLax() Option {
	return func(s *settings) error {
		s.lax = true
		s.limit = RateLimit{Requests: 450, Interval: time.Second, Burst: 1.2}
		return nil
	}
}

// RateLimit is the limit on the requests of an organization: Requests in an
// Interval, then once more Burst times Requests in Burst times the Interval.
type RateLimit struct {
	Requests int
	Interval time.Duration
	Burst    float64
}

// WithRateLimit sets the limit on the requests of an organization. The default
// is that of UAT: 10 in a second, with a burst of as many.
func WithRateLimit(l RateLimit) Option {
	return func(s *settings) error {
		if l.Requests < 1 || l.Interval < time.Millisecond || l.Burst < 0 {
			return errors.New("pdndtest: a rate limit needs a request, a millisecond and a burst that is not negative")
		}
		s.limit = l
		return nil
	}
}

// WithPropagation sets how long, in wire time, a change made after the start
// takes until the token endpoint knows it. The default is no time.
func WithPropagation(d time.Duration) Option {
	return func(s *settings) error {
		if d < 0 {
			return errors.New("pdndtest: a propagation time is not negative")
		}
		s.propagation = d
		return nil
	}
}

// WithClockSkew sets the clock of the simulator, in the checks, in vouchers and
// in the Date of its replies, ahead of the one of this machine by d, or behind
// it where d is negative.
func WithClockSkew(d time.Duration) Option {
	return func(s *settings) error { s.skew = d; return nil }
}
