package conformance

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
)

// apiClientID is a client for the interoperability API, which has no purpose.
const apiClientID = "c1e00000-0000-4000-8000-00000000a9b1"

// pdndTalk is a simulator of PDND and what clients say to it.
type pdndTalk struct {
	t   *testing.T
	srv *pdndtest.Server
	rec *Recorder
}

func (k *pdndTalk) client(clientID, purposeID string, change ...func(*pdnd.Config)) *pdnd.Client {
	k.t.Helper()
	cfg, err := k.srv.Config(clientID, purposeID)
	require.NoError(k.t, err)
	cfg.Transport = pa.Transport{HTTPClient: &http.Client{Transport: k.rec}, Retry: pa.Retry{MaxTries: 1}}
	for _, f := range change {
		f(&cfg)
	}
	c, err := pdnd.New(cfg)
	require.NoError(k.t, err)
	return c
}

// raw posts a form that no client would send and returns the status.
func (k *pdndTalk) raw(contentType, body string) int {
	k.t.Helper()
	req, err := http.NewRequestWithContext(k.t.Context(), http.MethodPost, k.srv.TokenURL(), strings.NewReader(body))
	require.NoError(k.t, err)
	req.Header.Set("Content-Type", contentType)
	res, err := (&http.Client{Transport: k.rec}).Do(req)
	require.NoError(k.t, err)
	require.NoError(k.t, res.Body.Close())
	return res.StatusCode
}

func (k *pdndTalk) vouchers() {
	for _, c := range []*pdnd.Client{k.client(pdndtest.ClientID, pdndtest.PurposeID), k.client(apiClientID, "")} {
		_, err := c.Token(k.t.Context())
		require.NoError(k.t, err)
	}
}

func (k *pdndTalk) refusals() {
	t, ctx := k.t, k.t.Context()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, err = k.client(pdndtest.ClientID, pdndtest.PurposeID, func(cfg *pdnd.Config) { cfg.Key = pdnd.StaticKey(other) }).Token(ctx)
	require.ErrorIs(t, err, pdnd.ErrVoucherRefused)

	const form = "application/x-www-form-urlencoded"
	require.Equal(t, 400, k.raw(form, ""))
	require.Equal(t, 400, k.raw(form, "grant_type=password"))
	require.Equal(t, 400, k.raw(form, url.Values{
		"client_id": {"not-a-uuid"}, "client_assertion": {"a.b.c"}, "grant_type": {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}.Encode()))
	require.Equal(t, 400, k.raw("application/json", `{"grant_type":"client_credentials"}`))

	require.NoError(t, k.srv.Inject("Token", pdndtest.InternalError()))
	_, err = k.client(pdndtest.ClientID, pdndtest.PurposeID).Token(ctx)
	require.ErrorIs(t, err, pa.ErrUnavailable)

	for i := 0; ; i++ { // until the organization has asked too often
		_, err := k.client(pdndtest.ClientID, pdndtest.PurposeID).Token(ctx)
		if err != nil {
			require.ErrorIs(t, err, pa.ErrRateLimited)
			break
		}
		require.Less(t, i, 10)
	}
}

// pdndDepartures are what the authorization server does beyond its contract
// (pagopa/interop-be-monorepo 21b6a2e2, packages/api-clients/open-api/authorizationServerApi.yml).
var pdndDepartures = []Departure{
	{
		Operation: "POST /token.oauth2", Status: 400, Side: Reply, At: "content-type", Rule: "undocumented",
		Reason: "error documents are sent as any JSON, application/json; charset=utf-8",
		Source: "packages/authorization-server/src/utilities/routerUtils.ts",
	},
	{
		Operation: "POST /token.oauth2", Status: 429, Side: Reply, At: "content-type", Rule: "undocumented",
		Reason: "the same",
		Source: "packages/authorization-server/src/utilities/routerUtils.ts",
	},
	{
		Operation: "POST /token.oauth2", Status: 500, Side: Reply, At: "status", Rule: "undocumented", Shape: pdndProblem,
		Reason: "an internal error has an error document of the same form",
		Source: "packages/authorization-server/src/utilities/routerUtils.ts",
	},
	{
		Operation: "POST /token.oauth2", Side: Reply, At: "header X-Correlation-Id", Rule: "undocumented",
		Reason: "all services of PDND give the identifier of a call",
		Source: "packages/commons/src/context/context.ts",
	},
	{
		Operation: "POST /token.oauth2", Status: 429, Side: Reply, At: "/errors/*/code", Rule: "maxLength",
		Reason: "the code of too many requests is 007-10004, one digit longer than codes should be",
		Source: "packages/models/src/errors.ts, tooManyRequestsError",
	},
	{
		Operation: "POST /token.oauth2", Status: 429, Side: Reply, At: "/errors/*/code", Rule: "pattern",
		Reason: "the same",
		Source: "packages/models/src/errors.ts, tooManyRequestsError",
	},
}

// pdndProblem is the shape of an internal error: that of the other errors.
func pdndProblem(e Exchange) string {
	var p struct {
		Title         string `json:"title"`
		Type          string `json:"type"`
		Status        int    `json:"status"`
		Detail        string `json:"detail"`
		CorrelationID string `json:"correlationId"`
		Errors        []struct {
			Code   string `json:"code"`
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	dec := json.NewDecoder(bytes.NewReader(e.ReplyBody))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&p); {
	case err != nil:
		return "not an error document"
	case p.Status != e.Status || p.Title == "" || p.Type == "" || p.CorrelationID == "":
		return "an error document without its members"
	case p.CorrelationID != e.ReplyHeader.Get("X-Correlation-Id"):
		return "the header has another correlation id"
	case len(p.Errors) != 1 || p.Errors[0].Code == "" || p.Errors[0].Detail == "":
		return "an error document without an error"
	}
	return ""
}

func TestPDNDProblem(t *testing.T) {
	good := `{"title":"t","type":"internalServerError","status":500,"detail":"d","errors":[{"code":"015-0000","detail":"d"}],"correlationId":"c"}`
	reply := func(body string) Exchange {
		return Exchange{Status: 500, ReplyHeader: http.Header{"X-Correlation-Id": {"c"}}, ReplyBody: []byte(body)}
	}
	require.Empty(t, pdndProblem(reply(good)))
	for _, change := range [][2]string{
		{`"status":500`, `"status":400`}, {`"correlationId":"c"`, `"correlationId":"d"`}, {`"code":"015-0000"`, `"code":""`},
		{`"title":"t",`, ""}, {`"title":"t"`, `"message":"t"`}, {"{", "["},
	} {
		require.NotEmpty(t, pdndProblem(reply(strings.Replace(good, change[0], change[1], 1))), change)
	}
}

func TestPDND(t *testing.T) {
	c := load(t, pdndDocuments())
	var exchanges []Exchange
	talk := func(name string, through func(*pdndtest.Server) http.RoundTripper, f func(*pdndTalk), opts ...pdndtest.Option) {
		t.Run(name, func(t *testing.T) {
			opts = append(opts,
				pdndtest.WithClient(pdndtest.Client{ID: pdndtest.ClientID, Purposes: []pdndtest.Purpose{{ID: pdndtest.PurposeID}}}),
				pdndtest.WithClient(pdndtest.Client{ID: apiClientID, API: true}))
			srv := pdndtest.New(t, opts...)
			k := &pdndTalk{t: t, srv: srv, rec: NewRecorder(through(srv))}
			defer func() { exchanges = append(exchanges, k.rec.Exchanges()...) }() // also where it fails
			f(k)
		})
	}
	memory := (*pdndtest.Server).Transport
	sockets := func(*pdndtest.Server) http.RoundTripper {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		return transport
	}
	talk("vouchers", memory, (*pdndTalk).vouchers)
	talk("over sockets", sockets, (*pdndTalk).vouchers, pdndtest.WithAddr("127.0.0.1:0"))
	talk("refusals", memory, (*pdndTalk).refusals, pdndtest.WithRateLimit(pdndtest.RateLimit{Requests: 1, Interval: 1 << 40}))

	r := Check(c, exchanges, pdndDepartures)
	report(t, c, r, names(declaredIn(t, "pdnd")))
}
