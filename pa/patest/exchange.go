package patest

import (
	"net/http"
	"net/url"
	"time"
)

// Exchange is one call as a simulator saw it. Credentials are removed: the
// value of a header or parameter that carries one is [Removed].
type Exchange struct {
	Time   time.Time // wire time of the request
	Op     string    // operation name; empty for a path that is not served
	Method string
	Path   string // as sent, escaped
	Query  url.Values

	RequestHeader http.Header
	RequestBody   []byte // at most the first 64 KiB
	RequestSize   int64  // bytes received

	// Status is what was sent to the client; 0 when the connection was broken
	// before any reply.
	Status         int
	ResponseHeader http.Header
	ResponseBody   []byte // at most the first 64 KiB
	ResponseSize   int64

	// Faulted says that an injected [Fault] hit this call.
	Faulted bool
}

// Removed stands for a credential in an [Exchange].
const Removed = "[removed]"
