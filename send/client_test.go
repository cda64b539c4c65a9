package send_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestConfigSaysAllThatIsWrong(t *testing.T) {
	_, err := send.New(send.Config{Versions: send.Versions{Requests: "v9", Streams: "v1.0"}})
	var invalid *pa.ValidationError
	require.ErrorAs(t, err, &invalid)
	var paths []string
	for _, f := range invalid.Findings {
		paths = append(paths, f.Path)
		require.NotEmpty(t, f.Text.IT)
	}
	require.Equal(t, []string{"Environment", "APIKey", "Versions.Requests", "Versions.Streams"}, paths)

	key := pa.NewSecret("k")
	for name, tt := range map[string]struct {
		cfg  send.Config
		path string
	}{
		"no address":        {send.Config{Environment: pa.Simulator, APIKey: key}, "BaseURL"},
		"no such":           {send.Config{Environment: pa.Attestation, APIKey: key}, "Environment"},
		"mixed":             {send.Config{Environment: pa.UAT, BaseURL: "https://api.notifichedigitali.it", APIKey: key}, "BaseURL"},
		"simulator is real": {send.Config{Environment: pa.Simulator, BaseURL: "https://api.notifichedigitali.it", APIKey: key}, "BaseURL"},
		"plain http":        {send.Config{Environment: pa.UAT, BaseURL: "http://send.example", APIKey: key}, "BaseURL"},
		"empty key":         {send.Config{Environment: pa.UAT, APIKey: pa.Secret{}}, "APIKey"},
	} {
		_, err := send.New(tt.cfg)
		require.ErrorAs(t, err, &invalid, name)
		require.Equal(t, tt.path, invalid.Findings[0].Path, name)
	}
	for env, base := range map[pa.Environment]string{pa.Production: "https://api.notifichedigitali.it", pa.UAT: "https://api.uat.notifichedigitali.it"} {
		c, err := send.New(send.Config{Environment: env, APIKey: key})
		require.NoError(t, err)
		require.Equal(t, base, c.BaseURL())
	}
}

func TestConfigFromEnv(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("canary-key\n"), 0o600))
	t.Setenv(send.EnvEnvironment, "Collaudo")
	t.Setenv(send.EnvAPIKey+"_FILE", file)
	t.Setenv(send.EnvRequests, "v2.4")
	cfg, err := send.ConfigFromEnv()
	require.NoError(t, err)
	require.Equal(t, pa.UAT, cfg.Environment)
	require.Equal(t, send.Version("v2.4"), cfg.Versions.Requests)
	key, err := cfg.APIKey.Secret(t.Context())
	require.NoError(t, err)
	require.Equal(t, "canary-key", key.Reveal())
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg), "canary-key")
	t.Setenv(send.EnvAPIKey, "another")
	_, err = send.ConfigFromEnv()
	require.ErrorContains(t, err, "both")
	t.Setenv(send.EnvEnvironment, "nowhere")
	_, err = send.ConfigFromEnv()
	require.ErrorIs(t, err, pa.ErrInvalid)
	require.Contains(t, pa.Message(err, pa.Italian), "collaudo")
}

// vouchers gives a new voucher after each refusal.
type vouchers struct{ n atomic.Int64 }

func (v *vouchers) Token(context.Context) (pa.Token, error) {
	return pa.Token{Value: pa.NewSecret(fmt.Sprintf("canary-voucher-%d", v.n.Load()))}, nil
}

func (v *vouchers) Invalidate(pa.Secret) { v.n.Add(1) }

// TestExpiredVoucher goes through what the gateway does: it goes on refusing
// for a minute although the voucher is new.
func TestExpiredVoucher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := "canary-voucher-1"
		s := sendtest.New(t,
			sendtest.WithSender(sendtest.Sender{APIKey: sendtest.APIKey, TaxID: sendtest.SenderTaxID, VoucherRequired: true}),
			sendtest.WithVoucherCheck(func(v string) error {
				if v == "canary-voucher-0" {
					return errors.New("expired")
				}
				return nil
			}))
		c := clientOf(t, s, func(cfg *send.Config) { cfg.Voucher = new(vouchers) })
		start := time.Now()
		_, err := c.ListStreams(t.Context())
		require.NoError(t, err)
		require.Equal(t, time.Minute, time.Since(start))
		require.NotEmpty(t, good)

		_, err = c.ListStreams(t.Context())
		require.NoError(t, err)
		require.Equal(t, time.Minute, time.Since(start), "and no longer")
	})
}

func TestWrongCredentialsAreExplained(t *testing.T) {
	for name, change := range map[string]func(*send.Config){
		"unknown key":        func(cfg *send.Config) { cfg.APIKey = pa.NewSecret("canary-wrong-key") },
		"voucher not wanted": func(cfg *send.Config) { cfg.Voucher = new(vouchers) },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := sendtest.New(t)
			c := clientOf(t, s, change)
			_, err := c.ListStreams(t.Context())
			require.ErrorIs(t, err, pa.ErrUnauthorized, name)
			e, _ := errors.AsType[*pa.Error](err)
			require.Equal(t, 403, e.StatusCode)
			require.Equal(t, time.Minute, e.RetryAfter)
			for _, hint := range []string{"chiave", "voucher", "finalità", "ambiente", "gruppo", "frequenza"} {
				require.Contains(t, pa.Message(err, pa.Italian), hint)
			}
			require.NotContains(t, err.Error()+pa.Message(err, pa.Italian), "canary")
		})
	}
}

// TestTenantsDoNotDelayEachOther: 403 storms, 429 and holds of one are its own.
func TestTenantsDoNotDelayEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		revoked, err := c.With(send.Credentials{APIKey: pa.NewSecret("revoked")})
		require.NoError(t, err)
		start := time.Now()
		done := make(chan error)
		for range 5 {
			go func() {
				_, err := revoked.ListStreams(t.Context())
				done <- err
			}()
		}
		synctest.Wait()
		_, err = c.ListStreams(t.Context())
		require.NoError(t, err)
		require.Zero(t, time.Since(start))
		for range 5 {
			require.ErrorIs(t, <-done, pa.ErrUnauthorized)
		}
		require.LessOrEqual(t, s.Count("ListStreams"), 1+5+5, "no storm: each once before and once after the hold")
		_, err = c.With(send.Credentials{})
		require.Error(t, err)
	})
}

// TestCanaries runs everything, good and bad, and looks for what must not show.
func TestCanaries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var texts strings.Builder
		s := sendtest.New(t)
		c := clientOf(t, s, func(cfg *send.Config) {
			cfg.Transport.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			cfg.Transport.Retry.MaxTries = 2
		})
		note := func(err error) {
			if err != nil {
				texts.WriteString(err.Error() + pa.Message(err, pa.Italian) + pa.Message(err, pa.English))
			}
		}
		faults := []patest.Fault{
			{}, {Status: 500, Body: `{"status":500,"errors":[{"code":"X","detail":"ZZZZZZ80A01Z001"}]}`}, {Status: 429}, {DropBefore: true}, {DropAfter: true},
			{Status: 400, Body: `{"status":400,"title":"ZZZZZZ80A01Z001","errors":[{"code":"PN_INVALID_BODY","detail":"ZZZZZZ80A01Z001 Via Inventata"}]}`},
			{Status: 403, Body: `{"message":"Forbidden"}`}, {Status: 404, Body: `{"status":404,"errors":[{"code":"ZZZZZZ80A01Z001 <b>"}]}`},
			{Truncate: 2}, {Status: 200, Body: "<html>ZZZZZZ80A01Z001", Header: http.Header{"Content-Type": {"text/html"}}},
		}
		taxID := person(1).Value()
		for i, f := range faults {
			for _, op := range []string{"Preload", "Upload", "Submit", "RequestStatus", "SentNotification", "Price", "Events", "LegalFacts", "CreateStream"} {
				if i > 0 {
					f.Times = 3
					require.NoError(t, s.Inject(op, f))
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			n, files := notification(1000*(i+1) + 1)
			d, err := c.Submit(ctx, n, files)
			note(err)
			_, err = c.Await(ctx, d)
			note(err)
			_, err = c.SentNotification(ctx, d.IUN)
			note(err)
			_, err = c.Price(ctx, sendtest.SenderTaxID, n.Recipients[0].Payments[0].PagoPA.NoticeCode)
			note(err)
			_, err = c.CreateStream(ctx, send.StreamRequest{Title: "t"})
			note(err)
			cancel()
			s.ClearFaults()
		}
		require.NotEmpty(t, texts.String())
		require.NotEmpty(t, log.String())
		for _, canary := range []string{taxID, sendtest.APIKey, "ZZZZZZ80A01Z001 ", "Via Inventata", "Zeta", "zeta@", "X-Amz", "3020100"} {
			require.False(t, strings.Contains(log.String(), canary), "%s in the log", canary)
			require.False(t, strings.Contains(texts.String(), canary), "%s in an error", canary)
		}
	})
}

func TestOlderVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s, func(cfg *send.Config) {
			cfg.Versions = send.Versions{Requests: "v2.4", Sent: "v2.7", Streams: "v2.8", Price: send.V1}
		})
		stream, err := c.CreateStream(t.Context(), send.StreamRequest{Title: "esiti"})
		require.NoError(t, err)
		require.Equal(t, "v28", stream.Version)
		_, sent := perfected(t, c, 1)
		legalFact := false
		for _, e := range sent.Timeline {
			d, err := e.Decode()
			require.NoError(t, err)
			legalFact = legalFact || d.LegalFactID != ""
			if e.Category == send.CategoryDigitalDeliveryCreationRequest {
				require.NotEmpty(t, d.LegalFactID, "spelled otherwise before v2.8, the same here")
			}
		}
		require.True(t, legalFact)
		page, err := c.EventPage(t.Context(), stream.StreamID, "")
		require.NoError(t, err)
		require.NotNil(t, page)
		for _, x := range s.Exchanges() {
			require.NotContains(t, x.Path, "v2.5/requests")
			require.NotContains(t, x.Path, "v2.9/streams")
		}
	})
}
