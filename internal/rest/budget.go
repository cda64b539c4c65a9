package rest

import "sync"

// budget bounds the repeats of a client as a share of its successes, so that
// a platform in trouble is not hit with a multiple of the load. The figures
// are those of the AWS SDKs' standard retryer: 500 tokens, 5 for a repeat,
// refunded when it succeeds, one back for each success without repeats.
type budget struct {
	mu    sync.Mutex
	spent int
}

const (
	budgetSize  = 500
	budgetRetry = 5
)

// take pays for a repeat and reports whether there was enough.
func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+budgetRetry > budgetSize {
		return false
	}
	b.spent += budgetRetry
	return true
}

// succeeded gives back after a call that made that many repeats.
func (b *budget) succeeded(repeats int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = max(0, b.spent-max(1, repeats*budgetRetry))
}
