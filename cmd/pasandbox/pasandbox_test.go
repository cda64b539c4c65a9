package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// output is what a running program prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// program is a running pasandbox.
type program struct {
	base string
	out  *output
}

// start runs the program until the test ends, and checks that it ends well.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{out: &output{more: make(chan struct{}, 1)}}
	var stderr bytes.Buffer
	done := make(chan int, 1)
	go func() { done <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), p.out, &stderr) }()
	select {
	case <-p.out.more:
	case code := <-done:
		t.Fatalf("ended with %d: %s", code, stderr.String())
	case <-time.After(time.Minute):
		t.Fatal("it does not start")
	}
	t.Cleanup(func() {
		cancel()
		require.Zero(t, <-done, stderr.String())
		_, err := net.DialTimeout("tcp", strings.TrimPrefix(p.base, "http://"), time.Second)
		require.Error(t, err, "it goes on listening")
	})
	m := regexp.MustCompile(`in ascolto su (127\.0\.0\.1:\d+)\n`).FindStringSubmatch(p.out.String())
	require.NotNil(t, m, p.out.String())
	p.base = "http://" + m[1]
	return p
}

// call makes a call and returns the status and the body.
func (p *program) call(t *testing.T, method, path, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.base+path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	require.NoError(t, err)
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, errors.Join(err, resp.Body.Close()))
	return resp.StatusCode, string(data)
}

func (p *program) control(t *testing.T, method, path, body string) string {
	t.Helper()
	status, text := p.call(t, method, controlPath+path, body)
	require.Less(t, status, 300, text)
	return text
}

func (p *program) state(t *testing.T) state {
	t.Helper()
	var s state
	require.NoError(t, json.Unmarshal([]byte(p.control(t, "GET", "/state", "")), &s))
	return s
}

// clients are made from what the program prints, as a person would.
func (p *program) clients(t *testing.T) (*send.Client, *pdnd.Client) {
	t.Helper()
	key := filepath.Join(t.TempDir(), "pdnd-key.pem")
	require.NoError(t, os.WriteFile(key, []byte(p.control(t, "GET", "/pdnd-key.pem", "")), 0o600))
	printed := regexp.MustCompile(`(?m)^  export ([A-Z_]+)=(\S+)$`).FindAllStringSubmatch(p.out.String(), -1)
	require.Len(t, printed, 10)
	for _, v := range printed {
		t.Setenv(v[1], v[2])
	}
	t.Setenv("PDND_KEY_FILE", key)
	voucherConfig, err := pdnd.ConfigFromEnv()
	require.NoError(t, err)
	vouchers, err := pdnd.New(voucherConfig)
	require.NoError(t, err)
	cfg, err := send.ConfigFromEnv()
	require.NoError(t, err)
	cfg.Voucher = vouchers
	cfg.Transport.Retry.MaxWait = time.Second // a held credential is told at once
	client, err := send.New(cfg)
	require.NoError(t, err)
	return client, vouchers
}

func notice(t *testing.T, number int) send.Notification {
	t.Helper()
	taxID, err := fiscal.ParseTaxID("SMPDNN80A41H501D")
	require.NoError(t, err)
	return send.Notification{
		PaProtocolNumber: fmt.Sprintf("P-%d", number), Subject: "Prova", NotificationFeePolicy: send.DeliveryMode,
		PhysicalCommunicationType: send.RegisteredLetterAR, SenderDenomination: sendtest.SenderDenomination, SenderTaxID: sendtest.SenderTaxID,
		TaxonomyCode: "010101P", PaFee: new(fiscal.Cents(0)), VAT: new(22),
		Documents: []send.Document{{Title: "Atto", Attachment: send.PDF("atto.pdf")}},
		Recipients: []send.Recipient{{
			RecipientType: send.NaturalPerson, TaxID: taxID, Denomination: "Adanna Esempio", DigitalDomicile: send.PEC("adanna@pec.esempio.invalid"),
			PhysicalAddress: &send.PhysicalAddress{Address: "Via Inventata 1", Zip: "00100", Municipality: "Roma", Province: "RM"},
			Payments: []send.Payment{{PagoPA: &send.PagoPAPayment{
				NoticeCode: fmt.Sprintf("302%015d", number), CreditorTaxID: sendtest.SenderTaxID, ApplyCost: true}}},
		}},
	}
}

var files = send.Files{"atto.pdf": send.FromBytes([]byte("%PDF-1.4\n%%EOF\n"))}

func TestWholeStory(t *testing.T) {
	p := start(t, "-giorno", "24h") // time moves by the control API only
	client, vouchers := p.clients(t)

	d, err := client.Submit(t.Context(), notice(t, 1), files)
	require.NoError(t, err, "voucher, upload and request")
	require.Equal(t, `{
  "now": `, p.control(t, "POST", "/clock", `{"advance": "1h"}`)[:11])
	d, err = client.Await(t.Context(), d)
	require.NoError(t, err)

	s := p.state(t)
	require.Len(t, s.SEND.Notifications, 1)
	n := s.SEND.Notifications[0]
	require.Equal(t, d.IUN, n.IUN)
	require.Equal(t, "DELIVERED", n.Status)
	require.True(t, n.Documents[0].Stored)
	require.Equal(t, 1, s.SEND.Calls["Submit"])
	require.Equal(t, 1, s.PDND.Calls["Token"])

	p.control(t, "POST", "/view", fmt.Sprintf(`{"iun": %q, "recipient": 0}`, d.IUN))
	detail, err := client.SentNotification(t.Context(), d.IUN)
	require.NoError(t, err)
	require.Equal(t, send.StatusViewed, detail.NotificationStatus)
	price, err := client.Price(t.Context(), sendtest.SenderTaxID, "302000000000000001")
	require.NoError(t, err)
	require.EqualValues(t, 100, *price.TotalPrice)
	facts, err := client.LegalFacts(t.Context(), d.IUN)
	require.NoError(t, err)
	fact, err := client.LegalFact(t.Context(), d.IUN, facts[0].ID.Key, send.DownloadOptions{})
	require.NoError(t, err, "the presigned URL leads here")
	content, err := io.ReadAll(fact.Body)
	require.NoError(t, errors.Join(err, fact.Close()))
	require.True(t, bytes.HasPrefix(content, []byte("%PDF-")))

	token, err := vouchers.Token(t.Context())
	require.NoError(t, err)
	for _, platform := range []string{"send", "pdnd"} {
		record := p.control(t, "GET", "/exchanges?platform="+platform, "")
		require.Contains(t, record, `"op"`)
		require.NotContains(t, record, token.Value.Reveal())
		require.NotContains(t, record, sendtest.APIKey)
	}
	var last []exchange
	require.NoError(t, json.Unmarshal([]byte(p.control(t, "GET", "/exchanges?op=Upload&last=5", "")), &last))
	require.Len(t, last, 1)
	require.Equal(t, "%PDF-1.4\n%%EOF\n", last[0].RequestBody)
}

func TestFaultsAndReset(t *testing.T) {
	p := start(t, "-giorno", "1s", "-seme", "7")
	client, _ := p.clients(t)

	p.control(t, "POST", "/faults", `{"platform": "send", "op": "Submit", "dropAfter": true}`)
	d, err := client.Submit(t.Context(), notice(t, 2), files)
	require.NoError(t, err, "the lost reply is looked up")
	require.Len(t, p.state(t).SEND.Notifications, 1)
	require.Equal(t, d.NotificationRequestID, p.state(t).SEND.Notifications[0].NotificationRequestID)

	p.control(t, "POST", "/faults", `{"platform": "send", "op": "ListStreams", "status": 400, "times": -1, "header": {"content-type": ["application/json"]}, "body": "{}", "delay": "1ms"}`)
	_, err = client.ListStreams(t.Context())
	require.ErrorIs(t, err, pa.ErrInvalid)
	p.control(t, "DELETE", "/faults", "")
	_, err = client.ListStreams(t.Context())
	require.NoError(t, err)

	p.control(t, "POST", "/clock", `{"day": "250ms", "advance": "36h"}`)
	require.Equal(t, "250ms", p.state(t).Clock.Day)

	p.control(t, "POST", "/reset", "")
	s := p.state(t)
	require.Empty(t, s.SEND.Notifications)
	require.Empty(t, s.SEND.Calls)
	require.Equal(t, "250ms", s.Clock.Day, "the pace stays")
	_, err = client.ListStreams(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, p.state(t).PDND.Calls["Token"], "the voucher is still good")
}

func TestKeysAndFailures(t *testing.T) {
	p := start(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	vouchers, err := pdnd.New(pdnd.Config{
		Environment: pa.Simulator, TokenURL: p.base + "/pdnd/token.oauth2", Audience: strings.TrimPrefix(p.base, "http://") + "/client-assertion",
		ClientID: pdndtest.ClientID, PurposeID: pdndtest.PurposeID, Key: pdnd.StaticKey(key),
	})
	require.NoError(t, err)
	_, err = vouchers.Token(t.Context())
	require.ErrorIs(t, err, pdnd.ErrVoucherRefused)
	require.NotEmpty(t, p.state(t).PDND.Failures, "here the reason can be seen")

	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	body, err := json.Marshal(map[string]string{"pem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))})
	require.NoError(t, err)
	kid, err := pdnd.Thumbprint(key.Public())
	require.NoError(t, err)
	require.Contains(t, p.control(t, "POST", "/pdnd-keys", string(body)), kid)
	_, err = vouchers.Token(t.Context())
	require.NoError(t, err)

	plain, err := send.New(send.Config{Environment: pa.Simulator, BaseURL: p.base + "/send", APIKey: pa.NewSecret(keyWithoutVoucher)})
	require.NoError(t, err)
	_, err = plain.ListStreams(t.Context())
	require.NoError(t, err)
}

func TestControlRefuses(t *testing.T) {
	p := start(t)
	for _, tt := range []struct{ method, path, body, want string }{
		{"POST", "/clock", `{}`, "give advance, day or both"},
		{"POST", "/clock", `{"advance": "tomorrow"}`, "not a duration"},
		{"POST", "/clock", `{"advance": "-1h"}`, "not a duration"},
		{"POST", "/clock", `{"advance": "xd"}`, "not a number of days"},
		{"POST", "/clock", `{"day": "0s"}`, "not a duration"},
		{"POST", "/clock", `{"advanced": "1h"}`, "unknown field"},
		{"POST", "/clock", `{"advance": "1h"} {}`, "more than one value"},
		{"POST", "/clock", ``, "not what is expected"},
		{"POST", "/faults", `{"platform": "spid", "op": "*", "dropAfter": true}`, "platform is send or pdnd"},
		{"POST", "/faults", `{"platform": "send", "op": "Sumbit", "dropAfter": true}`, "no operation"},
		{"POST", "/faults", `{"platform": "send", "op": "*"}`, "it does nothing"},
		{"POST", "/faults", `{"platform": "send", "op": "*", "delay": "x"}`, "not a duration"},
		{"POST", "/view", `{"iun": "ABCD-EFGH-JKLM-202611-A-1"}`, "sendtest: no"},
		{"GET", "/exchanges?platform=x", ``, "platform is send or pdnd"},
		{"GET", "/exchanges?last=x", ``, "last is a number"},
		{"POST", "/pdnd-keys", `{"pem": "x"}`, "no PEM block"},
		{"POST", "/pdnd-keys", `{"pem": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}`, "no public key"},
	} {
		status, body := p.call(t, tt.method, controlPath+tt.path, tt.body)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.Contains(t, body, tt.want)
	}
	status, _ := p.call(t, "GET", controlPath+"/clock", "")
	require.Equal(t, http.StatusMethodNotAllowed, status)
	status, _ = p.call(t, "POST", controlPath+"/reset", "", "Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.invalid")
	require.Equal(t, http.StatusForbidden, status, "a page of another site cannot press the buttons")
}

func TestPage(t *testing.T) {
	p := start(t)
	resp, err := http.Get(p.base + "/")
	require.NoError(t, err)
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, errors.Join(err, resp.Body.Close()))
	page := string(data)
	require.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
	require.Contains(t, resp.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Contains(t, page, `<html lang="it">`)
	for _, want := range []string{p.base + "/send", p.base + "/pdnd", "<strong>1m</strong>", keyWithoutVoucher, sendtest.APIKey, "PDND_KEY_FILE=pdnd-key.pem", `lang="en"`} {
		require.Contains(t, page, want)
	}
	for _, r := range routes {
		require.Contains(t, page, "<code>"+r.Method+" "+r.Path+"</code>")
		require.Contains(t, page, p.base+"/_sandbox"+r.Path)
	}
	// The example of a call to SEND works as it is printed.
	status, body := p.call(t, "POST", "/send/delivery-progresses/v2.9/streams", `{"title": "prova", "eventType": "TIMELINE", "groups": [], "filterValues": []}`,
		"x-api-key", keyWithoutVoucher, "Content-Type", "application/json")
	require.Equal(t, http.StatusOK, status, body)

	for path, want := range map[string]int{
		"/nulla": 404, "/sender": 404, "/_sandbox/nulla": 404,
		"/send": 403, "/send/nulla": 403, // as the gateway answers
		"/pdnd/.well-known/jwks.json": 200,
	} {
		status, _ := p.call(t, "GET", path, "")
		require.Equal(t, want, status, path)
	}
	status, _ = p.call(t, "POST", "/", "")
	require.Equal(t, 404, status)
}

func TestAddressOfClients(t *testing.T) {
	p := start(t, "-url", "http://pasandbox.invalid:8480/")
	require.Contains(t, p.out.String(), "export SEND_BASE_URL=http://pasandbox.invalid:8480/send\n")
	require.Contains(t, p.out.String(), "export PDND_AUDIENCE=pasandbox.invalid:8480/client-assertion\n")
}

func TestWillNotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-addr", "0.0.0.0:0"}, "-remoto"},
		{[]string{"-addr", ":0"}, "-remoto"},
		{[]string{"-addr", "192.0.2.1:0"}, "-remoto"},
		{[]string{"-addr", "x"}, "-addr"},
		{[]string{"-addr", taken.Addr().String()}, "-addr"},
		{[]string{"-giorno", "0s"}, "-giorno: serve una durata"},
		{[]string{"-addr", "127.0.0.1:0", "-url", "pasandbox"}, "-url: serve un indirizzo"},
		{[]string{"-addr", "127.0.0.1:0", "-url", "http://x/y"}, "-url: serve un indirizzo"},
		{[]string{"altro"}, `non si capisce "altro"`},
		{[]string{"-prova"}, "prova"},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 1, run(t.Context(), tt.args, &stdout, &stderr), tt.args)
		require.Contains(t, stderr.String(), tt.want)
		require.Empty(t, stdout.String())
	}
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"-h"}, &stdout, &stderr))
	require.Contains(t, stdout.String(), "-remoto")
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Minute: "1m", 24 * time.Hour: "24h", 90 * time.Second: "1m30s", 10 * time.Second: "10s", 0: "0s"} {
		require.Equal(t, want, short(d))
	}
}

func TestRemote(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &output{more: make(chan struct{}, 1)}
	done := make(chan int, 1)
	var stderr bytes.Buffer
	go func() { done <- run(ctx, []string{"-addr", "0.0.0.0:0", "-remoto"}, out, &stderr) }()
	select {
	case <-out.more:
	case <-time.After(time.Minute):
		t.Fatal("it does not start")
	}
	cancel()
	require.Zero(t, <-done, stderr.String())
	require.Regexp(t, `http://127\.0\.0\.1:\d+/`, out.String())
}
