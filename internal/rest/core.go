package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/pa-italia/sdk-go/pa"
)

// userAgent is what this module calls itself.
const userAgent = "pa-italia-sdk-go/0.1"

// Config is what a client of a platform gives.
type Config struct {
	BaseURL    string
	Authorizer pa.Authorizer // nil for calls without credentials
	Transport  pa.Transport
	// CredentialHeader is the request header whose value tells one caller
	// from another; held credentials are told apart by it.
	CredentialHeader string
	Evidence         pa.Evidence
	Sender           string // for evidence
	// Explain may complete a fault with what the platform's package knows:
	// texts, sentinels. It must not log or keep it.
	Explain func(op *Op, f *pa.Fault)
}

// Core makes the calls of one client. It is immutable and safe for concurrent use.
type Core struct {
	cfg     Config
	base    *url.URL
	address string // base as text
	engine  *engine
	resty   *resty.Client
	limiter pa.Limiter
	budget  budget // of this caller: one that is throttled spends its own
	log     *slog.Logger
	retry   pa.Retry
	agent   string
}

// engine is what clients derived from one another share.
type engine struct {
	transport http.RoundTripper
	plain     *http.Client // without credentials, for presigned URLs
	timeout   time.Duration
	holds     holds
}

// New makes a Core. Findings are named after the fields of the public Config
// of the package that calls.
func New(cfg Config) (*Core, []pa.Finding) {
	base, findings := checkBaseURL(cfg.BaseURL, cfg.Transport.InsecureHosts)
	eng, more := newEngine(cfg.Transport)
	if findings = append(findings, more...); len(findings) > 0 {
		return nil, findings
	}
	return build(cfg, base, eng), nil
}

// With derives a Core for another caller, which shares the transport and the
// held credentials. A nil limiter keeps that of the Transport.
func (c *Core) With(auth pa.Authorizer, sender string, limiter pa.Limiter) *Core {
	cfg := c.cfg
	cfg.Authorizer, cfg.Sender = auth, sender
	if limiter != nil {
		cfg.Transport.Limiter = limiter
	}
	return build(cfg, c.base, c.engine)
}

// BaseURL returns the address of the platform without a trailing slash.
func (c *Core) BaseURL() string { return c.address }

func build(cfg Config, base *url.URL, eng *engine) *Core {
	c := &Core{cfg: cfg, base: base, address: base.String(), engine: eng, limiter: cfg.Transport.Limiter, log: cfg.Transport.Logger, retry: cfg.Transport.Retry, agent: userAgent}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.retry.MaxTries = orDefault(c.retry.MaxTries, 4)
	c.retry.MaxWait = orDefault(c.retry.MaxWait, 90*time.Second)
	c.retry.BaseDelay = orDefault(c.retry.BaseDelay, 250*time.Millisecond)
	if cfg.Transport.UserAgent != "" {
		c.agent = cfg.Transport.UserAgent + " " + userAgent
	}
	c.resty = resty.NewWithClient(&http.Client{
		Transport:     eng.transport,
		CheckRedirect: refuseRedirect,
		Timeout:       eng.timeout,
	}).SetRetryCount(0).SetLogger(silent{}).SetDisableWarn(true).SetPreRequestHook(c.prepare)
	return c
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func newEngine(t pa.Transport) (*engine, []pa.Finding) {
	eng := new(engine)
	switch {
	case t.Retry.MaxTries < 0 || t.Retry.MaxWait < 0 || t.Retry.BaseDelay < 0:
		return nil, []pa.Finding{{Path: "Transport.Retry", Rule: "PA_CONFIG", Severity: pa.Invalid, Text: pa.Text{
			IT: "I limiti dei tentativi non possono essere negativi.",
			EN: "the bounds of repeats cannot be negative"}}}
	case t.HTTPClient != nil && (t.Proxy != nil || t.RootCAs != nil || t.ClientCertificate != nil):
		return nil, []pa.Finding{{Path: "Transport.HTTPClient", Rule: "PA_CONFIG", Severity: pa.Invalid, Text: pa.Text{
			IT: "Con un HTTPClient proprio, proxy, radici e certificato client vanno impostati in quello.",
			EN: "with an HTTPClient of your own, set proxy, roots and client certificate there"}}}
	case t.HTTPClient != nil:
		eng.transport, eng.timeout = t.HTTPClient.Transport, t.HTTPClient.Timeout
		if eng.transport == nil {
			eng.transport = http.DefaultTransport
		}
	default:
		eng.transport = newTransport(t)
	}
	// No time-out for the whole of a transfer: the stall timer watches it.
	eng.plain = &http.Client{Transport: eng.transport, CheckRedirect: refuseRedirect}
	return eng, nil
}

func newTransport(t pa.Transport) *http.Transport {
	tr, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		tr = tr.Clone()
	} else {
		tr = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second}
	}
	if t.Proxy != nil {
		tr.Proxy = t.Proxy
	}
	tr.MaxIdleConnsPerHost = 64 // presigned uploads are HTTP/1.1; two idle connections would be redialled all day
	tr.MaxIdleConns = 256
	// Documents and pages of events in few system calls: the default is 4 KiB.
	tr.WriteBufferSize, tr.ReadBufferSize = 64<<10, 32<<10
	tr.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode != http.StatusOK {
			return &proxyError{resp.StatusCode}
		}
		return nil
	}
	tr.ResponseHeaderTimeout = 0 // the attempt's own timeout covers it
	tr.TLSClientConfig = &tls.Config{
		MinVersion:           tls.VersionTLS12,
		RootCAs:              t.RootCAs,
		GetClientCertificate: t.ClientCertificate,
	}
	return tr
}

// refuseRedirect hands a redirect back as the reply that it is: following it
// would take credentials and bodies to where nobody sent them.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func checkBaseURL(raw string, insecure []string) (*url.URL, []pa.Finding) {
	fault := func(text pa.Text) (*url.URL, []pa.Finding) {
		return nil, []pa.Finding{{Path: "BaseURL", Rule: "PA_CONFIG", Severity: pa.Invalid, Text: text}}
	}
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return fault(pa.Text{IT: "Manca l'indirizzo della piattaforma.", EN: "the address of the platform is missing"})
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fault(pa.Text{IT: "L'indirizzo deve avere la forma https://host[:porta][/percorso].", EN: "the address must have the form https://host[:port][/path]"})
	}
	if err := checkScheme(u, insecure); err != nil {
		return fault(errInsecure.text)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

type insecureError struct{ text pa.Text }

func (e *insecureError) Error() string { return e.text.EN }

var errInsecure = &insecureError{pa.Text{
	IT: "Serve https: senza cifratura si può chiamare solo questa macchina o un host elencato in Transport.InsecureHosts.",
	EN: "https is needed: only this machine or a host listed in Transport.InsecureHosts can be called without"}}

// checkScheme lets through https, loopback and the hosts named for plain http.
func checkScheme(u *url.URL, insecure []string) error {
	if u.Scheme == "https" {
		return nil
	}
	if u.Scheme != "http" {
		return errInsecure
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	for _, h := range insecure {
		if strings.EqualFold(h, host) || strings.EqualFold(h, u.Host) {
			return nil
		}
	}
	return errInsecure
}

// silent is resty's logger: it would print URLs.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}

var errTooLarge = errors.New("the reply is larger than allowed")

// readAll reads a reply up to a bound, at its declared size where there is one.
func readAll(r io.Reader, declared, most int64) ([]byte, error) {
	if declared > most {
		return nil, errTooLarge
	}
	if declared < 0 {
		data, err := io.ReadAll(io.LimitReader(r, most+1))
		if err == nil && int64(len(data)) > most {
			return nil, errTooLarge
		}
		return data, err
	}
	data := make([]byte, declared)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, err
	}
	return data, nil
}
