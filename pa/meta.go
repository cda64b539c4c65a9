package pa

import (
	"context"
	"net/http"
	"time"
)

// Meta is what is known of the reply to a call beside its value.
type Meta struct {
	StatusCode int
	Header     http.Header
	TraceID    string
	Attempts   int
	Duration   time.Duration
	Body       []byte // as received; it may hold personal data
}

type metaKey struct{}

// CaptureMeta returns a context under which a call fills meta when it ends,
// also where it fails after a reply. Use one context per call.
func CaptureMeta(ctx context.Context, meta *Meta) context.Context {
	return context.WithValue(ctx, metaKey{}, meta)
}

// MetaFrom returns the destination set by [CaptureMeta], or nil.
func MetaFrom(ctx context.Context) *Meta {
	m, _ := ctx.Value(metaKey{}).(*Meta)
	return m
}
