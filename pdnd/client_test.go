package pdnd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
)

func keyFunc(key pdnd.Key, err error) func(context.Context) (pdnd.Key, error) {
	return func(context.Context) (pdnd.Key, error) { return key, err }
}

// connect returns a client of a simulator, whose Config may be changed.
func connect(t testing.TB, s *pdndtest.Server, change ...func(*pdnd.Config)) *pdnd.Client {
	t.Helper()
	cfg, err := s.Config(pdndtest.ClientID, pdndtest.PurposeID)
	require.NoError(t, err)
	for _, f := range change {
		f(&cfg)
	}
	client, err := pdnd.New(cfg)
	require.NoError(t, err)
	return client
}

func token(t testing.TB, c *pdnd.Client) pa.Token {
	t.Helper()
	got, err := c.Token(t.Context())
	require.NoError(t, err)
	return got
}

func restError(t testing.TB, err error) *pa.Error {
	t.Helper()
	e, ok := errors.AsType[*pa.Error](err)
	require.True(t, ok, "want a *pa.Error, got %v", err)
	return e
}

func TestTokenIsAVoucher(t *testing.T) {
	for name, mode := range map[string][]pdndtest.Option{"strict": nil, "lax": {pdndtest.WithLax()}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := pdndtest.New(t, mode...)
				client := connect(t, s)
				start := time.Now()
				got := token(t, client)
				require.NoError(t, s.CheckVoucher(got.Value.Reveal()))
				require.Equal(t, start.Add(10*time.Minute).UnixNano(), got.Expiry.UnixNano())
				require.Equal(t, got, token(t, client))
				require.Equal(t, 1, s.Count("Token"))
				require.Empty(t, s.Failures())

				// Renewed before it expires, used until then.
				for range 3 * 60 {
					time.Sleep(10 * time.Second)
					require.NoError(t, s.CheckVoucher(token(t, client).Value.Reveal()))
					synctest.Wait()
				}
				require.GreaterOrEqual(t, s.Count("Token"), 3)
				require.LessOrEqual(t, s.Count("Token"), 4)
			})
		})
	}
}

func TestTokenOfAnAPIClient(t *testing.T) {
	s := pdndtest.New(t, pdndtest.WithClient(pdndtest.Client{ID: pdndtest.ClientID, API: true}))
	client := connect(t, s, func(c *pdnd.Config) { c.PurposeID = "" })
	require.NoError(t, s.VoucherCheck(s.APIAudience())(token(t, client).Value.Reveal()))
}

// TestTokenRequest looks at the form itself.
func TestTokenRequest(t *testing.T) {
	var seen []*http.Request
	var bodies []string
	cfg := config()
	cfg.TokenURL = "https://gateway.example.it/pdnd/v1/token.oauth2"
	cfg.Transport.UserAgent = "gestionale-acme/3.2"
	cfg.Transport.HTTPClient = &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		seen, bodies = append(seen, req), append(bodies, string(body))
		if len(seen) == 1 {
			return canned(http.StatusBadGateway, "text/html", "<html>"), err
		}
		return canned(http.StatusOK, "application/json", `{"access_token":"a.b.c","token_type":"bearer","expires_in":60}`), err
	})}
	synctest.Test(t, func(t *testing.T) {
		client, err := pdnd.New(cfg)
		require.NoError(t, err)
		require.Equal(t, "a.b.c", token(t, client).Value.Reveal())
		require.Len(t, seen, 2)
		var ids []string
		for i, req := range seen {
			require.Equal(t, "POST https://gateway.example.it/pdnd/v1/token.oauth2", req.Method+" "+req.URL.String())
			require.Equal(t, "application/x-www-form-urlencoded", req.Header.Get("Content-Type"))
			require.Equal(t, "application/json", req.Header.Get("Accept"))
			require.True(t, strings.HasPrefix(req.Header.Get("User-Agent"), "gestionale-acme/3.2 "))
			require.Empty(t, req.Header.Get("Authorization"))
			require.EqualValues(t, len(bodies[i]), req.ContentLength)
			again, err := req.GetBody()
			require.NoError(t, err)
			data, err := io.ReadAll(again)
			require.NoError(t, err)
			require.Equal(t, bodies[i], string(data))

			form, err := url.ParseQuery(bodies[i])
			require.NoError(t, err)
			ids = append(ids, form.Get("client_assertion"))
			form.Del("client_assertion")
			require.Equal(t, url.Values{"client_id": {clientID}, "grant_type": {"client_credentials"},
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}, form)
		}
		require.NotEqual(t, ids[0], ids[1], "every attempt has an assertion of its own")
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func canned(status int, contentType, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, ContentLength: int64(len(body)),
		Body: io.NopCloser(strings.NewReader(body)), ProtoMajor: 1, ProtoMinor: 1}
}

func TestTokenReplies(t *testing.T) {
	const secret = "canary0.canary1.canary2"
	for name, tc := range map[string]struct {
		status      int
		contentType string
		body        string
		life        time.Duration // 0 is refused
	}{
		"good":              {200, "application/json; charset=utf-8", `{"access_token":"` + secret + `","token_type":"Bearer","expires_in":600}`, 600 * time.Second},
		"more members":      {200, "application/json", `{"access_token":"` + secret + `","token_type":"bearer","expires_in":1,"scope":null}`, time.Second},
		"absurdly long":     {200, "application/json", `{"access_token":"` + secret + `","token_type":"Bearer","expires_in":9223372036854775807}`, 24 * time.Hour},
		"DPoP":              {200, "application/json", `{"access_token":"` + secret + `","token_type":"DPoP","expires_in":600}`, 0},
		"no type":           {200, "application/json", `{"access_token":"` + secret + `","expires_in":600}`, 0},
		"no life":           {200, "application/json", `{"access_token":"` + secret + `","token_type":"Bearer"}`, 0},
		"life zero":         {200, "application/json", `{"access_token":"` + secret + `","token_type":"Bearer","expires_in":0}`, 0},
		"life negative":     {200, "application/json", `{"access_token":"` + secret + `","token_type":"Bearer","expires_in":-1}`, 0},
		"life a text":       {200, "application/json", `{"access_token":"` + secret + `","token_type":"Bearer","expires_in":"600"}`, 0},
		"life a fraction":   {200, "application/json", `{"access_token":"` + secret + `","token_type":"Bearer","expires_in":0.5}`, 0},
		"no token":          {200, "application/json", `{"access_token":"","token_type":"Bearer","expires_in":600}`, 0},
		"header injection":  {200, "application/json", `{"access_token":"canary0\r\nX-Evil: 1","token_type":"Bearer","expires_in":600}`, 0},
		"null":              {200, "application/json", `null`, 0},
		"not JSON":          {200, "application/json", secret, 0},
		"empty":             {200, "application/json", ``, 0},
		"of another type":   {200, "text/plain", `{"access_token":"` + secret + `","token_type":"Bearer","expires_in":600}`, 0},
		"page of a portal":  {200, "text/html", `<!DOCTYPE html><html>canary0</html>`, 0},
		"too large":         {200, "application/json", `{"access_token":"` + secret + strings.Repeat("a", 300<<10) + `","token_type":"Bearer","expires_in":600}`, 0},
		"created":           {201, "application/json", `{"access_token":"` + secret + `","token_type":"Bearer","expires_in":600}`, 0},
		"redirect":          {302, "text/html", `canary0`, 0},
		"proxy wants a key": {407, "text/html", `canary0`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				cfg := config()
				cfg.Transport.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				cfg.Transport.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					time.Sleep(2 * time.Second)
					return canned(tc.status, tc.contentType, tc.body), nil
				})}
				client, err := pdnd.New(cfg)
				require.NoError(t, err)
				asked := time.Now()
				got, err := client.Token(t.Context())
				require.NotContains(t, log.String(), "canary")
				if tc.life > 0 && tc.life < 2*time.Second {
					require.Error(t, err, "it expired on its way")
					return
				}
				if tc.life > 0 {
					require.NoError(t, err)
					require.Equal(t, secret, got.Value.Reveal())
					require.Equal(t, tc.life, got.Expiry.Sub(asked), "counted from before the request")
					return
				}
				require.Zero(t, got)
				e := restError(t, err)
				require.Equal(t, "pdnd.Token", e.Op)
				if tc.status < 300 {
					require.Nil(t, e.Raw(), "it may hold a voucher")
				}
				for _, text := range []string{e.Error(), e.Message(pa.Italian), fmt.Sprintf("%+v", e)} {
					require.NotContains(t, text, "canary")
				}
				require.NotErrorIs(t, err, pa.ErrOutcomeUnknown, "nothing was changed")
			})
		})
	}
}

func TestTokenFaults(t *testing.T) {
	html := patest.Fault{Status: http.StatusBadGateway, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<!DOCTYPE html><html>"}
	for name, tc := range map[string]struct {
		fault    patest.Fault
		sentinel error
	}{
		"dropped":           {patest.Fault{DropBefore: true}, pa.ErrUnavailable},
		"dropped after":     {patest.Fault{DropAfter: true}, pa.ErrUnavailable},
		"truncated":         {patest.Fault{Truncate: 20}, pa.ErrUnavailable},
		"internal error":    {pdndtest.InternalError(), pa.ErrUnavailable},
		"gateway timed out": {pdndtest.GatewayError(http.StatusGatewayTimeout), pa.ErrUnavailable},
		"page of a gateway": {html, pa.ErrUnavailable},
		"throttled":         {pdndtest.GatewayError(http.StatusTooManyRequests), pa.ErrRateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := pdndtest.New(t)
				client := connect(t, s)

				once := tc.fault
				once.Times = 2
				require.NoError(t, s.Inject("Token", once))
				require.NoError(t, s.CheckVoucher(token(t, client).Value.Reveal()), "two faults are got over")
				require.Equal(t, 3, s.Count("Token"))

				client.Invalidate(token(t, client).Value)
				always := tc.fault
				always.Times = -1
				require.NoError(t, s.Inject("Token", always))
				_, err := client.Token(t.Context())
				require.ErrorIs(t, err, tc.sentinel)
				require.NotErrorIs(t, err, pa.ErrOutcomeUnknown)
				require.Equal(t, 4, restError(t, err).Attempts)
				require.Equal(t, 3+4, s.Count("Token"))
				require.True(t, pa.Temporary(err))
			})
		})
	}
}

func TestRefusedIsNotRepeated(t *testing.T) {
	s := pdndtest.New(t)
	client := connect(t, s)
	require.NoError(t, s.SetStates(pdndtest.ClientID, pdndtest.PurposeID, pdndtest.States{Agreement: pdndtest.Inactive}))
	_, err := client.Token(t.Context())
	require.ErrorIs(t, err, pdnd.ErrVoucherRefused)
	require.False(t, pa.Temporary(err))
	require.Equal(t, 1, s.Count("Token"))
}

func TestKeyRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pdndtest.New(t, pdndtest.WithPropagation(40*time.Second))
		name := filepath.Join(t.TempDir(), "key.pem")
		oldKID, err := s.AddKey(pdndtest.ClientID, theKey().Public())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, pkcs8(t, theKey()), 0o600))
		client := connect(t, s, func(c *pdnd.Config) { c.Key = pdnd.KeyFile(name) })
		time.Sleep(41 * time.Second)
		first := token(t, client)

		// The new key is registered and put in place at once: PDND does not
		// know it when the voucher is renewed, and nobody notices.
		time.Sleep(525 * time.Second)
		_, err = s.AddKey(pdndtest.ClientID, anotherKey().Public())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, pkcs8(t, anotherKey()), 0o600))
		for range 60 {
			require.NoError(t, s.CheckVoucher(token(t, client).Value.Reveal()))
			synctest.Wait()
			time.Sleep(time.Second)
		}
		require.NotEqual(t, first, token(t, client))
		require.NotEmpty(t, s.Failures())
		require.Equal(t, "0006", s.Failures()[0].Code)

		require.NoError(t, s.RemoveKey(pdndtest.ClientID, oldKID))
		time.Sleep(time.Hour)
		require.NoError(t, s.CheckVoucher(token(t, client).Value.Reveal()))
	})
}

func TestKeyThatCannotBeHad(t *testing.T) {
	s := pdndtest.New(t)
	errVault := errors.New("the vault is sealed")
	client := connect(t, s, func(c *pdnd.Config) { c.Key = pdnd.KeyFunc(keyFunc(pdnd.Key{}, errVault)) })
	_, err := client.Token(t.Context())
	require.ErrorIs(t, err, errVault)

	client = connect(t, s, func(c *pdnd.Config) { c.Key = pdnd.KeyFunc(keyFunc(pdnd.Key{Signer: shortKey()}, nil)) })
	_, err = client.Token(t.Context())
	require.Equal(t, []string{"Key PDND_KEY_SHORT"}, rules(t, err))
	require.NotEqual(t, pa.Message(err, pa.Italian), pa.Message(err, pa.English))
	require.Zero(t, s.Count("Token"))
}

func TestWith(t *testing.T) {
	const other, second = "c1e00000-0000-4000-8000-00000000000b", "f1a00000-0000-4000-8000-00000000000b"
	s := pdndtest.New(t,
		pdndtest.WithClient(pdndtest.Client{ID: pdndtest.ClientID, Purposes: []pdndtest.Purpose{{ID: pdndtest.PurposeID}}}),
		pdndtest.WithClient(pdndtest.Client{ID: other, OrganizationID: "0a900000-0000-4000-8000-00000000000b",
			Purposes: []pdndtest.Purpose{{ID: second, Audience: []string{"https://other.example.it"}}}}))
	client := connect(t, s)
	_, err := s.AddKey(other, theKey().Public())
	require.NoError(t, err)
	derived, err := client.With(pdnd.Credentials{ClientID: other, PurposeID: second, Key: pdnd.StaticKey(theKey())})
	require.NoError(t, err)
	require.NoError(t, s.VoucherCheck(pdndtest.Audience)(token(t, client).Value.Reveal()))
	require.NoError(t, s.VoucherCheck("https://other.example.it")(token(t, derived).Value.Reveal()))
	require.NotEqual(t, token(t, client), token(t, derived))

	_, err = client.With(pdnd.Credentials{})
	require.Equal(t, []string{"ClientID PDND_UUID", "Key PDND_KEY_MISSING"}, rules(t, err))
	_, err = client.With(pdnd.Credentials{ClientID: other, Key: pdnd.StaticKey(theKey()), KeyID: kidOf(t, anotherKey())})
	require.Equal(t, []string{"KeyID PDND_KEY_ID"}, rules(t, err))
}

func TestInvalidate(t *testing.T) {
	s := pdndtest.New(t)
	client := connect(t, s)
	first := token(t, client)
	client.Invalidate(pa.NewSecret("another"))
	require.Equal(t, first, token(t, client))
	client.Invalidate(first.Value)
	second := token(t, client)
	require.NotEqual(t, first, second)
	client.Invalidate(first.Value)
	require.Equal(t, second, token(t, client))
}

func TestTokenOfMany(t *testing.T) {
	s := pdndtest.New(t)
	client := connect(t, s)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			got, err := client.Token(t.Context())
			if err != nil || s.CheckVoucher(got.Value.Reveal()) != nil {
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, s.Count("Token"))
}

// TestCallerLearnsNothingOfTheTokenRequest asks for a voucher inside a call
// that captures its reply.
func TestCallerLearnsNothingOfTheTokenRequest(t *testing.T) {
	client := connect(t, pdndtest.New(t))
	var meta pa.Meta
	_, err := client.Token(pa.CaptureMeta(t.Context(), &meta))
	require.NoError(t, err)
	require.Zero(t, meta)
}

// observer collects what a call tells of itself.
type observer struct {
	mu  sync.Mutex
	out []string
}

func (o *observer) Start(ctx context.Context, op pa.OpInfo) (context.Context, func(pa.OpResult)) {
	return ctx, func(r pa.OpResult) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.out = append(o.out, fmt.Sprintf("%+v %+v", op, r))
	}
}

// TestNothingSecretIsTold runs successes and all kinds of failures with every
// outlet open, and looks for the key, the assertions and the vouchers.
func TestNothingSecretIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var secrets []string
		watch := new(observer)
		s := pdndtest.New(t)
		_, err := s.AddKey(pdndtest.ClientID, theKey().Public())
		require.NoError(t, err)
		client := connect(t, s, func(c *pdnd.Config) {
			c.Key = pdnd.StaticKey(theKey())
			next := c.Transport.HTTPClient.Transport
			c.Transport = pa.Transport{
				Logger:   slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
				Observer: watch,
				HTTPClient: &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
					body, err := req.GetBody()
					require.NoError(t, err)
					data, err := io.ReadAll(body)
					require.NoError(t, err)
					form, err := url.ParseQuery(string(data))
					require.NoError(t, err)
					secrets = append(secrets, form.Get("client_assertion"))
					return next.RoundTrip(req)
				})},
			}
		})
		var told strings.Builder
		keep := func(err error) {
			require.Error(t, err)
			fmt.Fprintf(&told, "%v %+v %#v %s %s\n", err, err, err.Error(), pa.Message(err, pa.Italian), pa.Message(err, pa.English))
			if e, ok := errors.AsType[*pa.Error](err); ok {
				told.Write(e.Raw())
			}
		}
		secrets = append(secrets, token(t, client).Value.Reveal())
		fmt.Fprintf(&told, "%v %+v %#v", token(t, client), token(t, client), token(t, client))
		data, err := json.Marshal(token(t, client))
		require.NoError(t, err)
		told.Write(data)
		for _, fault := range []patest.Fault{
			{DropAfter: true}, {Truncate: 600}, pdndtest.InternalError(), pdndtest.GatewayError(http.StatusForbidden), {Oversize: 300 << 10},
			{Replace: func(status int, h http.Header, body []byte) (int, http.Header, []byte) {
				h.Set("Content-Type", "text/html")
				return status, h, body
			}},
			{Replace: func(_ int, h http.Header, body []byte) (int, http.Header, []byte) {
				return http.StatusOK, h, bytes.Replace(body, []byte("Bearer"), []byte("DPoP"), 1)
			}},
		} {
			time.Sleep(time.Minute)
			client.Invalidate(token(t, client).Value)
			fault.Times = -1
			require.NoError(t, s.Inject("Token", fault))
			_, err := client.Token(t.Context())
			keep(err)
			s.ClearFaults()
			secrets = append(secrets, token(t, client).Value.Reveal())
		}
		require.NoError(t, s.SetStates(pdndtest.ClientID, pdndtest.PurposeID, pdndtest.States{Purpose: pdndtest.Inactive}))
		client.Invalidate(token(t, client).Value)
		_, err = client.Token(t.Context())
		keep(err)

		all := told.String() + log.String() + strings.Join(watch.out, "\n")
		require.Contains(t, log.String(), "op=pdnd.Token")
		require.Greater(t, len(watch.out), 10)
		require.Greater(t, len(secrets), 20)
		for _, secret := range secrets {
			for i, part := range strings.Split(secret, ".") {
				if i > 0 { // the header of a token is no secret, and the same in all
					require.NotContains(t, all, part)
				}
			}
		}
		require.NotContains(t, all, theKey().D.String())
	})
}
