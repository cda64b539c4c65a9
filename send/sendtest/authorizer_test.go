package sendtest_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

const listPath = "/delivery-progresses/v2.9/streams"

func bearer(voucher string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+voucher) }
}

func TestAuthorizer(t *testing.T) {
	denied := `{"Message":"User is not authorized to access this resource with an explicit deny"}`
	c := newClient(t,
		sendtest.WithAuthorizerCache(0),
		sendtest.WithSender(sendtest.Sender{APIKey: "plain", TaxID: sendtest.SenderTaxID}),
		sendtest.WithSender(sendtest.Sender{APIKey: "pdnd", TaxID: sendtest.SenderTaxID, VoucherRequired: true}),
		sendtest.WithVoucherCheck(func(v string) error {
			if v != "good" {
				return errors.New("bad")
			}
			return nil
		}),
	)
	for _, tc := range []struct {
		key    string
		change []func(*http.Request)
		status int
		body   string
	}{
		{"", nil, 401, `{"message":"Unauthorized"}`},
		{"unknown", nil, 403, denied},
		{"plain", nil, 200, `[]`},
		{"plain", []func(*http.Request){bearer("good")}, 403, denied},
		{"pdnd", nil, 403, denied},
		{"pdnd", []func(*http.Request){bearer("bad")}, 403, denied},
		{"pdnd", []func(*http.Request){func(r *http.Request) { r.Header.Set("Authorization", "good") }}, 403, denied},
		{"pdnd", []func(*http.Request){bearer("good")}, 200, `[]`},
	} {
		r := c.as(tc.key).do("GET", listPath, nil, tc.change...)
		require.Equal(t, tc.status, r.status)
		require.JSONEq(t, tc.body, string(r.body))
	}
	// the gateway refuses before it looks at the body
	require.Equal(t, 403, c.as("unknown").do("POST", "/delivery/v2.5/requests", "{").status)
	r := c.as("plain").do("GET", "/delivery/v9/requests", nil)
	require.Equal(t, 403, r.status)
	require.JSONEq(t, `{"message":"Missing Authentication Token"}`, string(r.body))
}

func TestAuthorizerCacheIgnoresTheVoucher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t,
			sendtest.WithSender(sendtest.Sender{APIKey: "pdnd", TaxID: sendtest.SenderTaxID, VoucherRequired: true}),
			sendtest.WithVoucherCheck(func(v string) error {
				if v != "good" {
					return errors.New("bad")
				}
				return nil
			}),
		).as("pdnd")
		status := func(v string) int { return c.do("GET", listPath, nil, bearer(v)).status }
		require.Equal(t, 403, status("old"))
		require.Equal(t, 403, status("good"), "the denial is cached")
		time.Sleep(59 * time.Second)
		require.Equal(t, 403, status("good"))
		time.Sleep(time.Second)
		require.Equal(t, 200, status("good"))
		require.Equal(t, 200, status("old"), "so is the permission")
		time.Sleep(time.Minute)
		require.Equal(t, 403, status("old"))
	})
}

func TestOptionsAreChecked(t *testing.T) {
	for name, opt := range map[string]sendtest.Option{
		"voucher without check": sendtest.WithSender(sendtest.Sender{APIKey: "k", TaxID: sendtest.SenderTaxID, VoucherRequired: true}),
		"no key":                sendtest.WithSender(sendtest.Sender{TaxID: sendtest.SenderTaxID}),
		"short tax id":          sendtest.WithSender(sendtest.Sender{APIKey: "k", TaxID: "1"}),
		"no clock":              sendtest.WithClock(nil),
		"relative base":         sendtest.WithBaseURL("/x"),
		"share above one":       sendtest.WithStreamDisorder(2, 0),
		"unknown contact":       sendtest.WithCourtesy("X", "FAX", "1"),
		"unknown domicile":      sendtest.WithPlatformDomicile("X", "FAX", "1"),
		"public address":        sendtest.WithAddr("0.0.0.0:0"),
		"unknown functionality": sendtest.WithIncident(sendtest.Incident{Functionality: "X"}),
		"negative incident":     sendtest.WithIncident(sendtest.Incident{Functionality: sendtest.NotificationCreate, Lasts: -1}),
		"no tariff":             sendtest.WithTariff(nil),
		"two changes":           sendtest.WithGeneralDomicile("X", "a@example.it", "b@example.it", "c@example.it"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sendtest.Start(t.Context(), opt)
			require.Error(t, err)
		})
	}
}
