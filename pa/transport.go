package pa

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// Transport is how a client reaches the network. The zero value works: a pool
// of its own, TLS 1.2 or later, the proxy of the environment, four tries, no
// log. A client makes its http.Client once; clients derived from it share it.
type Transport struct {
	// HTTPClient brings a transport and a timeout of your own. It is copied and
	// never changed; its cookie jar and redirect policy are not used.
	// Proxy, RootCAs and ClientCertificate cannot be set beside it.
	HTTPClient *http.Client
	// Proxy picks the proxy of a request, as in [http.Transport]; nil takes
	// it from the environment.
	Proxy func(*http.Request) (*url.URL, error)
	// RootCAs replaces the system's roots, where a firewall inspects TLS.
	RootCAs *x509.CertPool
	// ClientCertificate is asked for a certificate at every handshake that
	// wants one.
	ClientCertificate func(*tls.CertificateRequestInfo) (*tls.Certificate, error)
	// InsecureHosts may be called over plain http with credentials, beside
	// loopback, as host or host:port: a simulator in a container network.
	InsecureHosts []string
	// Logger gets a record per attempt at debug and per repeat at warn. Nil is silent.
	Logger *slog.Logger
	Retry  Retry
	// Limiter is waited for before every request to the platform's API; it may
	// be shared. Files on presigned URLs go past it.
	Limiter Limiter
	// Observer is told of every call; see contrib/paotel.
	Observer Observer
	// UserAgent is put before that of this module, like "gestionale-acme/3.2".
	UserAgent string
}

// Retry bounds the repeats of a call. Which failures are repeated is decided
// by what a repeat would do in that operation, not here.
type Retry struct {
	// MaxTries counts the first attempt. Default 4; 1 never repeats.
	MaxTries int
	// MaxWait is the longest single wait. A platform that asks for more ends
	// the call, with its answer in [Error.RetryAfter]. Default 90 s.
	MaxWait time.Duration
	// BaseDelay is the first backoff; each further one doubles it, with
	// jitter on its upper half. Default 250 ms.
	BaseDelay time.Duration
}

// Limiter makes an attempt wait for its turn; *rate.Limiter of
// golang.org/x/time is one.
type Limiter interface {
	Wait(ctx context.Context) error
}

// Observer is told of calls, for spans and metrics.
type Observer interface {
	// Start is called once per call, before the first attempt; the context
	// it returns is used for the call. The function is called at its end.
	Start(ctx context.Context, op OpInfo) (context.Context, func(OpResult))
}

// OpInfo names a call. Nothing in it is personal: the path is the template.
type OpInfo struct {
	Op     string // like "send.Submit"
	Method string
	Path   string // like "/delivery/v2.5/requests"
	Host   string
}

// OpResult is how a call ended.
type OpResult struct {
	StatusCode int // of the last attempt; 0 where there was no reply
	Attempts   int
	Duration   time.Duration
	Sent       int64 // bytes of request body, all attempts
	Received   int64 // bytes of reply body, last attempt
	Code       string
	Err        error
}
