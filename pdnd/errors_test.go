package pdnd_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
)

func TestRefusedNamesWhatToCheck(t *testing.T) {
	s := pdndtest.New(t)
	client := connect(t, s, func(c *pdnd.Config) { c.Key = pdnd.StaticKey(theKey()) }) // not registered
	_, err := client.Token(t.Context())
	require.ErrorIs(t, err, pdnd.ErrVoucherRefused)
	require.ErrorIs(t, err, pa.ErrUnauthorized)
	e := restError(t, err)
	require.Equal(t, "015-0008", e.Code)
	require.Equal(t, http.StatusBadRequest, e.StatusCode)
	require.Equal(t, s.Failures()[0].CorrelationID, e.TraceID)
	require.Equal(t, "0006", s.Failures()[0].Code)
	require.Equal(t, 1, e.Attempts)

	for _, lang := range []pa.Lang{pa.Italian, pa.English} {
		text := e.Message(lang)
		after := 0
		for _, part := range []string{s.AssertionAudience(), pdndtest.ClientID, kidOf(t, theKey()), pdndtest.PurposeID,
			map[pa.Lang]string{pa.Italian: "orologio", pa.English: "clock"}[lang],
			map[pa.Lang]string{pa.Italian: "richiesta di fruizione", pa.English: "agreement"}[lang]} {
			at := strings.Index(text[after:], part)
			require.GreaterOrEqual(t, at, 0, "%q is missing, or out of the order in which PDND checks", part)
			after += at
		}
	}
	require.Contains(t, err.Error(), e.TraceID)

	client = connect(t, s, func(c *pdnd.Config) { c.PurposeID = "" })
	_, err = client.Token(t.Context())
	require.Contains(t, err.Error(), "no purpose is given")
}

func TestClocksThatDiffer(t *testing.T) {
	for name, tc := range map[string]struct {
		skew   time.Duration // of the platform
		en, it string
	}{
		"this machine behind": {time.Hour, "1h0m0s behind that of PDND", "1h0m0s rispetto"},
		// Less the second that Date cuts off.
		"this machine ahead":   {-time.Hour, "59m59s ahead of that of PDND", "avanti di 59m59s"},
		"a little":             {4 * time.Second, "must be right", "deve essere esatto"},
		"a little more":        {7 * time.Second, "7s behind", "indietro di 7s"},
		"a little more, ahead": {-7 * time.Second, "6s ahead", "avanti di 6s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := pdndtest.New(t, pdndtest.WithClockSkew(tc.skew))
				client := connect(t, s, func(c *pdnd.Config) {
					c.AssertionLifetime = time.Hour
					c.Transport.Logger = slog.New(slog.NewTextHandler(&log, nil))
				})
				if tc.skew < time.Hour { // else the assertion has expired
					token(t, client)
					require.Equal(t, tc.skew.Abs() > 5*time.Second, strings.Contains(log.String(), "clock"), log.String())
				}
				require.NoError(t, s.SetStates(pdndtest.ClientID, pdndtest.PurposeID, pdndtest.States{Purpose: pdndtest.Inactive}))
				client.Invalidate(tokenOrZero(t, client).Value)
				_, err := client.Token(t.Context())
				require.ErrorIs(t, err, pdnd.ErrVoucherRefused)
				require.Contains(t, pa.Message(err, pa.English), tc.en)
				require.Contains(t, pa.Message(err, pa.Italian), tc.it)
			})
		})
	}
}

func tokenOrZero(t testing.TB, c *pdnd.Client) pa.Token {
	got, err := c.Token(t.Context())
	if err != nil {
		return pa.Token{}
	}
	return got
}

func TestRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pdndtest.New(t, pdndtest.WithRateLimit(pdndtest.RateLimit{Requests: 2, Interval: 20 * time.Second}))
		client := connect(t, s)
		for range 2 {
			client.Invalidate(token(t, client).Value)
		}
		_, err := client.Token(t.Context())
		require.ErrorIs(t, err, pa.ErrRateLimited)
		require.True(t, pa.Temporary(err))
		e := restError(t, err)
		require.Equal(t, "007-10004", e.Code)
		require.Equal(t, 20*time.Second, e.RetryAfter)
		require.Equal(t, 4, e.Attempts)
		require.Contains(t, e.Message(pa.English), "2 every 20s")
		require.Contains(t, e.Message(pa.Italian), "2 ogni 20s")
		require.NotContains(t, err.Error(), pdndtest.OrganizationID, "texts of the server are not printed")
	})
}

func TestGatewaysAreNotPDND(t *testing.T) {
	s := pdndtest.New(t)
	for name, tc := range map[string]struct {
		fault patest.Fault
		text  string
		is    error
	}{
		"forbidden": {pdndtest.GatewayError(http.StatusForbidden), "in front of PDND", pa.ErrForbidden},
		"not found": {patest.Fault{Status: http.StatusNotFound, Body: "404"}, "in front of PDND", pa.ErrNotFound},
		"too large": {pdndtest.GatewayError(http.StatusRequestEntityTooLarge), "PA_INVALID", pa.ErrInvalid},
		"schema": {patest.Fault{Status: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}},
			Body: `{"type":"about:blank","title":"Bad request","status":400,"errors":[{"code":"007-9999","detail":"x"}]}`}, "did not recognize", pa.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			client := connect(t, s)
			require.NoError(t, s.Inject("Token", tc.fault))
			_, err := client.Token(t.Context())
			require.ErrorIs(t, err, tc.is)
			require.NotErrorIs(t, err, pdnd.ErrVoucherRefused)
			require.Contains(t, err.Error(), tc.text)
		})
	}
}
