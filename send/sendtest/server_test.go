package sendtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// TestOverASocket runs the same course over the loopback interface.
func TestOverASocket(t *testing.T) {
	clock := patest.Day(50 * time.Millisecond)
	srv, err := sendtest.Start(t.Context(), sendtest.WithClock(clock))
	require.NoError(t, err)
	rt := &http.Transport{}
	t.Cleanup(func() { rt.CloseIdleConnections(); require.NoError(t, srv.Close()) })
	require.True(t, strings.HasPrefix(srv.URL(), "http://127.0.0.1:"))
	c := &client{t: t, srv: srv, http: &http.Client{Transport: rt}, key: sendtest.APIKey}
	iun := c.accept(c.request(toPEC(t, 1, "nome@pec.example.it")))
	require.Eventually(t, func() bool { return c.detail(iun)["notificationStatus"] == "EFFECTIVE_DATE" }, 10*time.Second, 20*time.Millisecond)

	meta := c.object(200, c.do("GET", "/delivery/notifications/sent/"+iun+"/attachments/documents/0", nil))
	res, err := rt.RoundTrip(must(http.NewRequestWithContext(t.Context(), "GET", meta["url"].(string), nil)))
	require.NoError(t, err)
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, pdfOf(1), b)

	req := c.put(c.preload(pdfType, onePage), pdfType, onePage)
	req.ContentLength = -1
	require.Equal(t, http.StatusLengthRequired, c.send(req).status)

	require.NoError(t, srv.Inject("Price", patest.Fault{DropAfter: true}))
	_, err = c.http.Do(must(http.NewRequestWithContext(t.Context(), "GET", srv.URL()+"/delivery/v2.3/price/77777777777/302000000000000001", nil)))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestNewWithAddr(t *testing.T) {
	srv := sendtest.New(t, sendtest.WithAddr("127.0.0.1:0"))
	require.True(t, strings.HasPrefix(srv.URL(), "http://127.0.0.1:"))
}

func TestMountedUnderAPath(t *testing.T) {
	var srv *sendtest.Server
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { srv.ServeHTTP(w, r) }))
	t.Cleanup(ts.Close)
	srv = sendtest.New(t, sendtest.WithBaseURL(ts.URL+"/send"))
	c := &client{t: t, srv: srv, http: ts.Client(), key: sendtest.APIKey}
	c.accept(c.request(toPEC(t, 1, "nome@pec.example.it")))
}

// TestLostReply is the fault that duplicates come from: the work is done and
// the client does not know.
func TestLostReply(t *testing.T) {
	c := newClient(t)
	r := c.request(toPEC(t, 1, "nome@pec.example.it"))
	require.NoError(t, c.srv.Inject("Submit", patest.Fault{Status: 504, Done: true, Body: `{"message":"Endpoint request timed out"}`}))
	require.Equal(t, 504, c.do("POST", "/delivery/v2.5/requests", r).status)
	require.Len(t, c.srv.Notifications(), 1)
	c.problem(409, c.do("POST", "/delivery/v2.5/requests", r))
	require.NoError(t, c.srv.Inject("Submit", patest.Fault{Status: 503}))
	r["paProtocolNumber"] = "other"
	require.Equal(t, 503, c.do("POST", "/delivery/v2.5/requests", r).status)
	require.Len(t, c.srv.Notifications(), 1)
	require.ErrorContains(t, c.srv.Inject("Send", patest.Fault{Status: 503}), "Submit")
}

func TestExchangesHoldNoCredentials(t *testing.T) {
	const secret = "canary-key-4711"
	c := newClient(t, sendtest.WithSender(sendtest.Sender{APIKey: secret, TaxID: sendtest.SenderTaxID, Over20Grams: true})).as(secret)
	c.accept(c.request(toPEC(t, 1, "nome@pec.example.it")))
	require.Equal(t, 4, c.srv.Count("*"), "preload, upload, submit, state")
	for _, x := range c.srv.Exchanges() {
		require.NotContains(t, fmt.Sprintf("%v", x.RequestHeader), secret)
		require.NotEmpty(t, x.Op)
	}
}

func TestSnapshot(t *testing.T) {
	c := newClient(t)
	r := c.request(toPEC(t, 1, "nome@pec.example.it"))
	c.submit(r)
	n := c.srv.Notifications()[0]
	require.Equal(t, "IN_VALIDATION", n.Status)
	require.Equal(t, r["paProtocolNumber"], n.PaProtocolNumber)
	require.Equal(t, "t", n.IdempotenceToken)
	require.Equal(t, digestOf(pdfOf(1)), n.Documents[0].SHA256)
	require.True(t, n.Documents[0].Stored)
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	c := newClient(t)
	id := c.stream(streamOf("TIMELINE"))
	doc := c.upload(pdfType, onePage)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				r := obj{
					"idempotenceToken": fmt.Sprint(j), "paProtocolNumber": fmt.Sprint(i), "subject": "Avviso",
					"recipients": []obj{toPEC(t, i+1, "nome@pec.example.it")}, "documents": []obj{doc},
					"notificationFeePolicy": "FLAT_RATE", "physicalCommunicationType": "AR_REGISTERED_LETTER",
					"senderDenomination": "x", "senderTaxId": sendtest.SenderTaxID, "taxonomyCode": "010202N",
				}
				c.submit(r)
				c.srv.Clock().Advance(time.Hour)
				c.page(id, "")
				c.srv.Notifications()
				c.srv.Exchanges()
			}
		})
	}
	wg.Wait()
	require.Len(t, c.srv.Notifications(), 80)
}

func TestStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv, err := sendtest.Start(ctx)
	require.NoError(t, err)
	cancel()
	require.NoError(t, srv.Close())
}

// FuzzRequests sends anything as a request: the gateway or the service
// refuses, and nothing breaks.
func FuzzRequests(f *testing.F) {
	f.Add(`{}`)
	f.Add(`{"recipients":[{"taxId":"x"}],"documents":[{}]}`)
	f.Add(`{"idempotenceToken":"t","paProtocolNumber":"p","subject":"s","recipients":[{"recipientType":"PG","taxId":"01234567897","denomination":"d","physicalAddress":{"address":"Via @sequence.5s-CON080","municipality":"Roma","zip":"00100","province":"RM"}}],"documents":[{"digests":{"sha256":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},"contentType":"application/pdf","ref":{"key":"PN_NOTIFICATION_ATTACHMENTS-0","versionToken":"v"}}],"notificationFeePolicy":"FLAT_RATE","physicalCommunicationType":"AR_REGISTERED_LETTER","senderDenomination":"d","senderTaxId":"01234567897","taxonomyCode":"010202N"}`)
	f.Fuzz(func(t *testing.T, data string) {
		c := newClient(t)
		if r := c.do("POST", "/delivery/v2.5/requests", data); r.status >= 500 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		c.srv.Clock().Advance(100 * days)
		c.srv.Notifications()
	})
}
