package rest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/rest"
	"github.com/pa-italia/sdk-go/pa"
)

// script answers attempt after attempt; the last answer stays.
type script struct {
	mu      sync.Mutex
	answers []answer
	seen    []*http.Request
	bodies  []string
	at      []time.Time
}

type answer func(*http.Request) (*http.Response, error)

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := ""
	if req.Body != nil {
		data, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		body = string(data)
	}
	s.seen, s.bodies, s.at = append(s.seen, req), append(s.bodies, body), append(s.at, time.Now())
	a := s.answers[min(len(s.seen), len(s.answers))-1]
	return a(req)
}

func reply(status int, contentType, body string, headers ...string) answer {
	return func(req *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {contentType}}
		for i := 0; i+1 < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}, nil
	}
}

func lost() answer {
	return func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
}

func cut(body string) answer {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)) + 10, Request: req}, nil
	}
}

func unreachable() answer {
	return func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
}

const (
	ok      = `{"name":"uno"}`
	problem = `{"status":400,"title":"Bad","detail":"RSSMRA","traceId":"t-1","errors":[{"code":"PN_X","detail":"RSSMRA"}]}`
	denied  = `{"message":"User is not authorized to access this resource with an explicit deny"}`
)

type value struct {
	Name string `json:"name"`
}

func newCore(t *testing.T, s *script, change ...func(*rest.Config)) *rest.Core {
	t.Helper()
	cfg := rest.Config{
		BaseURL:          "https://platform.example",
		Authorizer:       pa.APIKey("x-api-key", pa.NewSecret("canary-key")),
		CredentialHeader: "x-api-key",
		Transport:        pa.Transport{HTTPClient: &http.Client{Transport: s}},
	}
	for _, f := range change {
		f(&cfg)
	}
	c, findings := rest.New(cfg)
	require.Empty(t, findings)
	return c
}

var (
	read      = rest.Op{Name: "x.Read", Method: http.MethodGet, Path: "/things/{id}"}
	write     = rest.Op{Name: "x.Write", Method: http.MethodPost, Path: "/things"}
	safeWrite = rest.Op{Name: "x.SafeWrite", Method: http.MethodPost, Path: "/things", Idempotent: true}
)

// TestRepeats is the table of what is repeated, per kind of operation.
func TestRepeats(t *testing.T) {
	later := func(status int, after string) answer {
		return reply(status, "application/json", `{}`, "Retry-After", after)
	}
	json := func(status int) answer { return reply(status, "application/problem+json", problem) }
	for _, tt := range []struct {
		name              string
		fail              answer
		read, write, safe int // attempts, of three; an attempt after the failures would succeed
		is                []error
		unknown           bool // to the write
	}{
		{"lost reply", lost(), 3, 1, 3, []error{pa.ErrUnavailable}, true},
		{"cut reply", cut(`{"name":`), 3, 1, 3, []error{pa.ErrUnavailable}, true},
		{"never sent", unreachable(), 3, 3, 3, []error{pa.ErrUnavailable}, false},
		{"500", json(500), 3, 1, 3, []error{pa.ErrUnavailable}, true},
		{"504 of a gateway", reply(504, "application/json", `{"message":"Endpoint request timed out"}`), 3, 1, 3, []error{pa.ErrUnavailable}, true},
		{"503 without a time", json(503), 3, 1, 3, []error{pa.ErrUnavailable}, true},
		{"503 with a time", later(503, "1"), 3, 3, 3, []error{pa.ErrUnavailable}, false},
		{"429", later(429, "1"), 3, 3, 3, []error{pa.ErrRateLimited}, false},
		{"429 without a time", json(429), 3, 3, 3, []error{pa.ErrRateLimited}, false},
		{"429 beyond the bound", later(429, "3600"), 1, 1, 1, []error{pa.ErrRateLimited}, false},
		{"408", json(408), 3, 1, 3, []error{pa.ErrUnavailable}, true},
		{"400", json(400), 1, 1, 1, []error{pa.ErrInvalid}, false},
		{"401", json(401), 1, 1, 1, []error{pa.ErrUnauthorized}, false},
		{"403", json(403), 1, 1, 1, []error{pa.ErrForbidden}, false},
		{"404", json(404), 1, 1, 1, []error{pa.ErrNotFound}, false},
		{"409", json(409), 1, 1, 1, []error{pa.ErrConflict}, false},
		{"407", reply(407, "text/html", "<html>"), 1, 1, 1, []error{pa.ErrProxy, pa.ErrUnexpectedReply}, false},
		{"redirect", reply(302, "text/html", "", "Location", "https://elsewhere.example/"), 1, 1, 1, []error{pa.ErrRedirect}, false},
		{"a page in place of JSON", reply(200, "text/html", "<html>"), 1, 1, 1, []error{pa.ErrUnexpectedReply}, true},
		{"JSON of another shape", reply(200, "application/json", `[1]`), 1, 1, 1, []error{pa.ErrUnexpectedReply}, true},
		{"too large", reply(200, "application/json", strings.Repeat(" ", 9<<20)), 1, 1, 1, []error{pa.ErrTooLarge}, true},
	} {
		for op, want := range map[*rest.Op]int{&read: tt.read, &write: tt.write, &safeWrite: tt.safe} {
			t.Run(tt.name+"/"+op.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &script{answers: []answer{tt.fail}}
					c := newCore(t, s, func(cfg *rest.Config) { cfg.Transport.Retry = pa.Retry{MaxTries: 3} })
					_, _, err := rest.Call[value](t.Context(), c, op, rest.Request{Params: params(op), Body: body(op)})
					require.Len(t, s.seen, want)
					for _, is := range tt.is {
						require.ErrorIs(t, err, is)
					}
					require.Equal(t, tt.unknown && op == &write, errors.Is(err, pa.ErrOutcomeUnknown))
					e, isError := errors.AsType[*pa.Error](err)
					require.True(t, isError)
					require.Equal(t, want, e.Attempts)
					for _, canary := range []string{"canary", "RSSMRA", "secret-id", "https://"} {
						require.NotContains(t, err.Error(), canary)
						require.NotContains(t, pa.Message(err, pa.Italian), canary)
					}
					require.NotEmpty(t, pa.CodeOf(err))
					require.NotEmpty(t, pa.Message(err, pa.Italian))
					for _, b := range s.bodies {
						require.Equal(t, string(body(op)), b, "each attempt carries the whole body")
					}

					if want > 1 {
						s := &script{answers: []answer{tt.fail, tt.fail, reply(200, "application/json", ok)}}
						c := newCore(t, s, func(cfg *rest.Config) { cfg.Transport.Retry = pa.Retry{MaxTries: 3} })
						v, r, err := rest.Call[value](t.Context(), c, op, rest.Request{Params: params(op), Body: body(op)})
						require.NoError(t, err)
						require.Equal(t, "uno", v.Name)
						require.Equal(t, 3, r.Attempts)
					}
				})
			})
		}
	}
}

func params(op *rest.Op) []string {
	if op == &read {
		return []string{"secret-id"}
	}
	return nil
}

func body(op *rest.Op) []byte {
	if op == &read {
		return nil
	}
	return []byte(`{"taxId":"RSSMRA"}`)
}

func TestRetryAfterUnits(t *testing.T) {
	for unit, want := range map[time.Duration]time.Duration{0: 7 * time.Second, time.Millisecond: 7 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{reply(429, "application/json", `{}`, "Retry-After", "7"), reply(200, "application/json", ok)}}
			op := read
			op.RetryAfterUnit = unit
			start := time.Now()
			_, _, err := rest.Call[value](t.Context(), newCore(t, s), &op, rest.Request{Params: []string{"1"}})
			require.NoError(t, err)
			require.Equal(t, want, time.Since(start))
		})
	}
	synctest.Test(t, func(t *testing.T) { // a date
		s := &script{answers: []answer{reply(503, "application/json", `{}`, "Retry-After", time.Now().Add(20*time.Second).UTC().Format(http.TimeFormat)), reply(200, "application/json", ok)}}
		start := time.Now()
		_, _, err := rest.Call[value](t.Context(), newCore(t, s), &read, rest.Request{Params: []string{"1"}})
		require.NoError(t, err)
		require.InDelta(t, 20, time.Since(start).Seconds(), 1)
	})
}

func TestDeadlineEndsBeforeAWaitThatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		s := &script{answers: []answer{reply(429, "application/json", `{}`, "Retry-After", "30")}}
		start := time.Now()
		_, _, err := rest.Call[value](ctx, newCore(t, s), &read, rest.Request{Params: []string{"1"}})
		e, _ := errors.AsType[*pa.Error](err)
		require.Equal(t, 30*time.Second, e.RetryAfter)
		require.Zero(t, time.Since(start), "it says so at once")
	})
}

func TestAttemptTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}
		s := &script{answers: []answer{hang, reply(200, "application/json", ok)}}
		op := read
		op.Timeout = 3 * time.Second
		start := time.Now()
		_, _, err := rest.Call[value](t.Context(), newCore(t, s), &op, rest.Request{Params: []string{"1"}})
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(start), 3*time.Second)

		s = &script{answers: []answer{hang}}
		_, _, err = rest.Call[value](t.Context(), newCore(t, s), &write, rest.Request{Body: body(&write)})
		require.ErrorIs(t, err, pa.ErrOutcomeUnknown)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		s := &script{answers: []answer{func(*http.Request) (*http.Response, error) {
			cancel(cause)
			return nil, context.Canceled
		}}}
		_, _, err := rest.Call[value](ctx, newCore(t, s), &read, rest.Request{Params: []string{"1"}})
		require.ErrorIs(t, err, cause)
		require.Len(t, s.seen, 1)
	})
}

// renewable is a credential source with a token that can be renewed.
type renewable struct {
	mu      sync.Mutex
	n       int
	refused []string
}

func (r *renewable) Token(context.Context) (pa.Token, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return pa.Token{Value: pa.NewSecret(fmt.Sprintf("canary-token-%d", r.n))}, nil
}

func (r *renewable) Invalidate(rejected pa.Secret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = append(r.refused, rejected.Reveal())
	r.n++
}

func gated() rest.Op {
	op := read
	op.CredentialRefused = rest.Refusal{Status: 403, Hold: time.Minute}
	return op
}

func gatedCore(t *testing.T, s *script, key string, tokens pa.TokenSource) *rest.Core {
	return newCore(t, s, func(cfg *rest.Config) {
		cfg.Authorizer = pa.Authorizers(pa.APIKey("x-api-key", pa.NewSecret(key)), pa.Bearer(tokens))
	})
}

func TestRefusedCredentialIsRenewedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{reply(403, "application/json", denied), reply(200, "application/json", ok)}}
		tokens := new(renewable)
		op := gated()
		start := time.Now()
		_, _, err := rest.Call[value](t.Context(), gatedCore(t, s, "k", tokens), &op, rest.Request{Params: []string{"1"}})
		require.NoError(t, err)
		require.Zero(t, time.Since(start))
		require.Equal(t, []string{"canary-token-0"}, tokens.refused)
		require.Equal(t, "Bearer canary-token-1", s.seen[1].Header.Get("Authorization"))
	})
}

func TestHeldCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{reply(403, "application/json", denied), reply(403, "application/json", denied), reply(200, "application/json", ok)}}
		op := gated()
		core := gatedCore(t, s, "held", new(renewable))
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _, err := rest.Call[value](t.Context(), core, &op, rest.Request{Params: []string{"1"}})
			require.NoError(t, err)
			require.Equal(t, time.Minute, time.Since(start))
		})
		synctest.Wait()
		require.Len(t, s.seen, 2)

		// Every caller of the key waits, also through a derived client…
		wg.Go(func() {
			sameKey := core.With(pa.Authorizers(pa.APIKey("x-api-key", pa.NewSecret("held")), pa.Bearer(new(renewable))), "", nil)
			_, _, err := rest.Call[value](t.Context(), sameKey, &op, rest.Request{Params: []string{"2"}})
			require.NoError(t, err)
			require.Equal(t, time.Minute, time.Since(start))
		})
		// …or is told at once where it cannot…
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, _, err := rest.Call[value](ctx, core, &op, rest.Request{Params: []string{"3"}})
		require.ErrorIs(t, err, pa.ErrUnauthorized)
		e, _ := errors.AsType[*pa.Error](err)
		require.Equal(t, time.Minute, e.RetryAfter)
		require.Equal(t, 403, e.StatusCode)

		// …while another key is not delayed.
		other := core.With(pa.APIKey("x-api-key", pa.NewSecret("other")), "", nil)
		_, _, err = rest.Call[value](t.Context(), other, &op, rest.Request{Params: []string{"4"}})
		require.NoError(t, err)
		require.Zero(t, time.Since(start))
		wg.Wait()
	})
}

func TestRefusalConcludesAfterTheHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{reply(403, "application/json", denied)}}
		op := gated()
		start := time.Now()
		_, _, err := rest.Call[value](t.Context(), gatedCore(t, s, "k", new(renewable)), &op, rest.Request{Params: []string{"1"}})
		require.ErrorIs(t, err, pa.ErrUnauthorized)
		require.Equal(t, time.Minute, time.Since(start))
		require.Len(t, s.seen, 4, "refused, renewed, held, renewed again")
	})
}

func TestForbiddenByTheServiceIsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{reply(403, "application/problem+json", problem)}}
		op := gated()
		tokens := new(renewable)
		_, _, err := rest.Call[value](t.Context(), gatedCore(t, s, "k", tokens), &op, rest.Request{Params: []string{"1"}})
		require.ErrorIs(t, err, pa.ErrForbidden)
		require.NotErrorIs(t, err, pa.ErrUnauthorized)
		require.Len(t, s.seen, 1)
		require.Empty(t, tokens.refused)
	})
}

func TestCredentialSourceFails(t *testing.T) {
	cause := errors.New("vault is sealed")
	s := &script{answers: []answer{reply(200, "application/json", ok)}}
	c := newCore(t, s, func(cfg *rest.Config) {
		cfg.Authorizer = pa.APIKey("x-api-key", pa.SecretFunc(func(context.Context) (pa.Secret, error) { return pa.Secret{}, cause }))
	})
	_, _, err := rest.Call[value](t.Context(), c, &read, rest.Request{Params: []string{"1"}})
	require.ErrorIs(t, err, cause)
	require.ErrorIs(t, err, pa.ErrCredential)
	require.Empty(t, s.seen)
	require.NotErrorIs(t, err, pa.ErrUnavailable)
}

// TestCredentialSourceIsAnotherPlatform: what it says is not what this one says.
func TestCredentialSourceIsAnotherPlatform(t *testing.T) {
	for status, temporary := range map[int]bool{400: false, 404: false, 409: false, 403: false, 429: true, 503: true} {
		cause := pa.NewError(pa.Fault{Op: "voucher", StatusCode: status, Code: "015-0008", Text: pa.Text{IT: "voucher negato", EN: "voucher denied"}, Is: []*pa.Sentinel{pa.ErrOutcomeUnknown}})
		c := newCore(t, new(script), func(cfg *rest.Config) {
			cfg.Authorizer = pa.Bearer(pa.TokenFunc(func(context.Context) (pa.Token, error) { return pa.Token{}, cause }))
		})
		_, _, err := rest.Call[value](t.Context(), c, &write, rest.Request{})
		for _, kind := range []error{pa.ErrInvalid, pa.ErrNotFound, pa.ErrConflict, pa.ErrForbidden, pa.ErrOutcomeUnknown} {
			require.NotErrorIs(t, err, kind, status)
		}
		require.ErrorIs(t, err, pa.ErrCredential)
		require.Equal(t, temporary, pa.Temporary(err), status)
		require.Equal(t, "015-0008", pa.CodeOf(err))
		require.Equal(t, "voucher negato", pa.Message(err, pa.Italian))
	}
}

// TestWhoRefused tells the gateway, which is held, from all others.
func TestWhoRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		answer answer
		held   bool
		is     error
	}{
		"gateway":              {reply(403, "application/json", denied), true, pa.ErrUnauthorized},
		"gateway, upper case":  {reply(403, "application/json", `{"Message":"no"}`), true, pa.ErrUnauthorized},
		"empty":                {reply(403, "", ""), true, pa.ErrUnauthorized},
		"service":              {reply(403, "application/problem+json", problem), false, pa.ErrForbidden},
		"service, odd member":  {reply(403, "application/problem+json", `{"status":"403","traceId":17,"errors":[{"code":"PN_WEBHOOK_FORBIDDEN"}]}`), false, pa.ErrForbidden},
		"firewall":             {reply(403, "text/html", "<html>blocked"), false, pa.ErrProxy},
		"firewall, plain text": {reply(403, "text/plain", "blocked"), false, pa.ErrProxy},
		"unknown route":        {reply(403, "application/json", `{"message":"Missing Authentication Token"}`), false, pa.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{tt.answer}}
				op := gated()
				start := time.Now()
				_, _, err := rest.Call[value](t.Context(), gatedCore(t, s, "k", new(renewable)), &op, rest.Request{Params: []string{"1"}})
				require.ErrorIs(t, err, tt.is)
				require.Equal(t, tt.held, time.Since(start) == time.Minute, "held")
				require.Equal(t, tt.held, errors.Is(err, pa.ErrUnauthorized))
			})
		})
	}
}

func TestOneTryIsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{reply(403, "application/json", denied)}}
		op := gated()
		c := newCore(t, s, func(cfg *rest.Config) {
			cfg.Authorizer = pa.Authorizers(pa.APIKey("x-api-key", pa.NewSecret("k")), pa.Bearer(new(renewable)))
			cfg.Transport.Retry.MaxTries = 1
		})
		_, _, err := rest.Call[value](t.Context(), c, &op, rest.Request{Params: []string{"1"}})
		require.ErrorIs(t, err, pa.ErrUnauthorized)
		require.Len(t, s.seen, 1)
		_, findings := rest.New(rest.Config{BaseURL: "https://platform.example", Transport: pa.Transport{Retry: pa.Retry{BaseDelay: -1}}})
		require.NotEmpty(t, findings)
	})
}

// TestBudgetsAreNotShared: one caller's trouble spends its own repeats.
func TestBudgetsAreNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{reply(500, "application/json", `{}`)}}
		c := newCore(t, s)
		for range 100 {
			_, _, err := rest.Call[value](t.Context(), c, &read, rest.Request{Params: []string{"1"}})
			require.Error(t, err)
		}
		before := len(s.seen)
		other := c.With(pa.APIKey("x-api-key", pa.NewSecret("other")), "", nil)
		_, _, err := rest.Call[value](t.Context(), other, &read, rest.Request{Params: []string{"1"}})
		require.Error(t, err)
		require.Equal(t, before+4, len(s.seen))
	})
}

// TestStorm sends many callers of one refused key against the gateway.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(req *http.Request) (*http.Response, error) {
			time.Sleep(50 * time.Millisecond)
			return reply(403, "application/json", denied)(req)
		}
		s := &parallel{answer: slow}
		op := gated()
		core := newCore(t, new(script), func(cfg *rest.Config) {
			cfg.Authorizer = pa.APIKey("x-api-key", pa.NewSecret("k"))
			cfg.Transport.HTTPClient = &http.Client{Transport: s}
		})
		start := time.Now()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				_, _, err := rest.Call[value](t.Context(), core, &op, rest.Request{Params: []string{"1"}})
				require.ErrorIs(t, err, pa.ErrUnauthorized)
			})
		}
		wg.Wait()
		require.Less(t, time.Since(start), 2*time.Minute+5*time.Second, "nobody waits for ever")
		require.LessOrEqual(t, s.n.Load(), int64(100))
	})
}

type parallel struct {
	answer answer
	n      atomic.Int64
}

func (p *parallel) RoundTrip(req *http.Request) (*http.Response, error) {
	p.n.Add(1)
	return p.answer(req)
}

func TestRotatedKeyIsTakenUp(t *testing.T) {
	n := 0
	s := &script{answers: []answer{reply(200, "application/json", ok)}}
	c := newCore(t, s, func(cfg *rest.Config) {
		cfg.Authorizer = pa.APIKey("x-api-key", pa.SecretFunc(func(context.Context) (pa.Secret, error) {
			n++
			return pa.NewSecret(fmt.Sprint("key-", n)), nil
		}))
	})
	for range 2 {
		_, _, err := rest.Call[value](t.Context(), c, &read, rest.Request{Params: []string{"1"}})
		require.NoError(t, err)
	}
	require.Equal(t, "key-1", s.seen[0].Header.Get("X-Api-Key"))
	require.Equal(t, "key-2", s.seen[1].Header.Get("X-Api-Key"))
}

func TestPathParametersCannotLeave(t *testing.T) {
	for _, bad := range []string{"", ".", ".."} {
		s := &script{answers: []answer{reply(200, "application/json", ok)}}
		_, _, err := rest.Call[value](t.Context(), newCore(t, s), &read, rest.Request{Params: []string{bad}})
		var v *pa.ValidationError
		require.ErrorAs(t, err, &v)
		require.Equal(t, "id", v.Findings[0].Path)
		require.Empty(t, s.seen)
	}
	s := &script{answers: []answer{reply(200, "application/json", ok)}}
	_, _, err := rest.Call[value](t.Context(), newCore(t, s), &read, rest.Request{Params: []string{"../a b?c#d/%2e"}})
	require.NoError(t, err)
	require.Equal(t, "/things/..%2Fa%20b%3Fc%23d%2F%252e", s.seen[0].URL.EscapedPath())
	require.Empty(t, s.seen[0].URL.RawQuery)
}

func TestBaseURL(t *testing.T) {
	for base, good := range map[string]bool{
		"https://platform.example":         true,
		"https://platform.example/prefix/": true,
		"http://127.0.0.1:8080":            true,
		"http://[::1]:8080":                true,
		"http://localhost:8080":            true,
		"http://platform.example":          false,
		"http://sim.internal:8080":         true,
		"http://127.0.0.1.evil.example":    false,
		"ftp://platform.example":           false,
		"https://user:pw@platform.example": false,
		"https://platform.example?x=1":     false,
		"":                                 false,
		"platform.example":                 false,
	} {
		_, findings := rest.New(rest.Config{BaseURL: base, Transport: pa.Transport{InsecureHosts: []string{"sim.internal"}}})
		require.Equal(t, good, len(findings) == 0, base)
	}
}

func TestNothingPersonalInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := &script{answers: []answer{reply(429, "application/problem+json", problem), lost(), reply(500, "application/problem+json", problem), reply(200, "application/json", `{"name":"RSSMRA"}`)}}
		c := newCore(t, s, func(cfg *rest.Config) {
			cfg.Transport.Logger = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		_, _, err := rest.Call[value](t.Context(), c, &read, rest.Request{Params: []string{"secret-id"}, Query: map[string][]string{"taxId": {"RSSMRA"}}})
		require.NoError(t, err)
		require.Equal(t, 7, strings.Count(out.String(), "\n"), "four attempts, three repeats")
		require.Contains(t, out.String(), `"path":"/things/{id}"`)
		for _, canary := range []string{"canary", "RSSMRA", "secret-id"} {
			require.NotContains(t, out.String(), canary)
		}
	})
}

type observed struct {
	info   pa.OpInfo
	result pa.OpResult
}

func (o *observed) Start(ctx context.Context, info pa.OpInfo) (context.Context, func(pa.OpResult)) {
	o.info = info
	return ctx, func(r pa.OpResult) { o.result = r }
}

func TestObserverMetaAndEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{reply(429, "application/json", `{}`), reply(200, "application/json", ok, "X-Amzn-Trace-Id", "trace-1")}}
		o := new(observed)
		dir := t.TempDir()
		evidence, err := pa.NewFileEvidence(dir)
		require.NoError(t, err)
		c := newCore(t, s, func(cfg *rest.Config) { cfg.Transport.Observer, cfg.Evidence, cfg.Sender = o, evidence, "00000000000" })
		op := write
		op.Evidence = true
		var meta pa.Meta
		_, _, err = rest.Call[value](pa.CaptureMeta(t.Context(), &meta), c, &op, rest.Request{Body: []byte(`{"a":1}`)})
		require.NoError(t, err)
		require.Equal(t, pa.OpInfo{Op: "x.Write", Method: "POST", Path: "/things", Host: "platform.example"}, o.info)
		require.Equal(t, 200, o.result.StatusCode)
		require.Equal(t, 2, o.result.Attempts)
		require.EqualValues(t, 14, o.result.Sent)
		require.EqualValues(t, len(ok), o.result.Received)
		require.Equal(t, "trace-1", meta.TraceID)
		require.Equal(t, ok, string(meta.Body))

		entries, err := evidence.Entries()
		require.NoError(t, err)
		require.Len(t, entries, 2, "each request that had a reply")
		require.Equal(t, []int{429, 200}, []int{entries[0].StatusCode, entries[1].StatusCode})
		require.True(t, entries[1].Time.After(entries[0].Time), "each with its own time")
		require.Equal(t, "00000000000", entries[0].Sender)
		require.NotEmpty(t, entries[0].RequestSHA256)

		failing := evidenceFunc(func(pa.Exchange) error { return errors.New("disk full") })
		c = newCore(t, s, func(cfg *rest.Config) { cfg.Evidence = failing })
		v, _, err := rest.Call[value](t.Context(), c, &op, rest.Request{Body: []byte(`{}`)})
		require.Equal(t, "uno", v.Name, "the value comes with the error")
		require.ErrorIs(t, err, pa.ErrEvidence)
		require.NotErrorIs(t, err, pa.ErrOutcomeUnknown, "it is known to be done")
		require.False(t, pa.Temporary(err))
	})
}

type evidenceFunc func(pa.Exchange) error

func (f evidenceFunc) Record(_ context.Context, x pa.Exchange) error { return f(x) }

// TestBudget: a platform in trouble is not hit with a multiple of the load.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{reply(500, "application/json", `{}`)}}
		c := newCore(t, s)
		const calls = 400
		for range calls {
			_, _, err := rest.Call[value](t.Context(), c, &read, rest.Request{Params: []string{"1"}})
			require.Error(t, err)
		}
		require.Equal(t, calls+100, len(s.seen), "a hundred repeats, then none")
		s.answers = []answer{reply(200, "application/json", ok)}
		for range 20 {
			_, _, err := rest.Call[value](t.Context(), c, &read, rest.Request{Params: []string{"1"}})
			require.NoError(t, err)
		}
		before := len(s.seen)
		s.answers = []answer{reply(500, "application/json", `{}`)}
		_, _, err := rest.Call[value](t.Context(), c, &read, rest.Request{Params: []string{"1"}})
		require.Error(t, err)
		require.Equal(t, before+4, len(s.seen), "successes give it back")
	})
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{ok, problem, denied, "", "null", `{"status":"x"}`, `{"resultCode":"404.00","errorList":["a"]}`, "<html>", `{"errors":[{}]}`} {
		f.Add(404, seed, "5")
	}
	f.Fuzz(func(t *testing.T, status int, body, after string) {
		if status < 200 || status > 599 {
			t.Skip()
		}
		s := &script{answers: []answer{reply(status, "application/json", body, "Retry-After", after)}}
		c := newCore(t, s, func(cfg *rest.Config) { cfg.Transport.Retry = pa.Retry{MaxTries: 1} })
		_, _, err := rest.Call[value](t.Context(), c, &read, rest.Request{Params: []string{"1"}})
		if e, isError := errors.AsType[*pa.Error](err); isError {
			if e.RetryAfter < 0 {
				t.Fatal("negative wait")
			}
			_ = e.Error()
		}
	})
}
