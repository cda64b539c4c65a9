package sendtest

import (
	"net/http"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/sim"
)

// authorization is an answer of the gateway's authorizer, kept under the API
// key alone: so a fresh voucher may still be refused, and an expired one pass,
// until it ends.
type authorization struct {
	sender *Sender
	until  time.Time // wire time
}

// authorize puts the two layers of authentication in front of a handler. Their
// answers are those of the API gateway, not Problem documents.
func (s *Server) authorize(h func(*call) sim.Reply) sim.Handler {
	return func(c *sim.Call) sim.Reply {
		keys := c.Header.Values("X-Api-Key")
		if len(keys) == 0 || keys[0] == "" {
			return gateway(http.StatusUnauthorized, "message", "Unauthorized")
		}
		wire := time.Now()
		a, ok := s.authorized[keys[0]]
		if !ok || !wire.Before(a.until) {
			a = authorization{sender: s.allowed(keys[0], c.Header), until: wire.Add(s.set.authorizer)}
			s.authorized[keys[0]] = a
		}
		if a.sender == nil {
			return gateway(http.StatusForbidden, "Message", "User is not authorized to access this resource with an explicit deny")
		}
		return h(&call{c, a.sender})
	}
}

// allowed returns the sender of a key, or nil: the voucher must be there and
// valid for a key that requires one, and must not be there for another.
func (s *Server) allowed(key string, h http.Header) *Sender {
	for i := range s.set.senders {
		sender := &s.set.senders[i]
		if sender.APIKey != key {
			continue
		}
		_, given := h["Authorization"]
		if !sender.VoucherRequired {
			if given {
				return nil
			}
			return sender
		}
		voucher, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
		if !ok || voucher == "" || s.set.checkVoucher(voucher) != nil {
			return nil
		}
		return sender
	}
	return nil
}

// noRoute is what the gateway answers for a path or method it does not know.
func noRoute(*sim.Call) sim.Reply {
	return gateway(http.StatusForbidden, "message", "Missing Authentication Token")
}

func gateway(status int, member, text string) sim.Reply {
	return sim.JSON(status, map[string]string{member: text})
}
