package rest

import (
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/pa-italia/sdk-go/pa"
)

// holds remembers the credentials that a platform will refuse for a while,
// whatever is sent, so that callers wait instead of hammering. A credential is
// known by its digest: one tenant's hold delays no other.
type holds struct {
	mu    sync.Mutex
	until map[fingerprint]hold
}

type fingerprint [sha256.Size]byte

type hold struct {
	until time.Time
	why   pa.Fault
}

// set holds a credential; a longer hold stays.
func (h *holds) set(key fingerprint, until time.Time, why pa.Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for k, v := range h.until {
		if !v.until.After(now) {
			delete(h.until, k)
		}
	}
	if h.until == nil {
		h.until = make(map[fingerprint]hold)
	}
	if h.until[key].until.Before(until) {
		h.until[key] = hold{until, why}
	}
}

// get returns the hold on a credential, if it has not ended.
func (h *holds) get(key fingerprint, now time.Time) (hold, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v, ok := h.until[key]
	return v, ok && v.until.After(now)
}

// heldError ends a call whose credential is held for longer than it can wait.
type heldError struct {
	remaining time.Duration
	why       pa.Fault
}

func (e *heldError) Error() string { return "the credential is held after a refusal" }

func isHeld(err error) bool {
	_, held := errors.AsType[*heldError](err)
	return held
}
