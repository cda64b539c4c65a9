package sendtest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// obj is a JSON object.
type obj = map[string]any

// client is the least of clients: it knows paths and nothing else.
type client struct {
	t    *testing.T
	srv  *sendtest.Server
	http *http.Client
	key  string
}

func newClient(t *testing.T, opts ...sendtest.Option) *client {
	t.Helper()
	srv := sendtest.New(t, opts...)
	return &client{t: t, srv: srv, http: &http.Client{Transport: srv.Transport()}, key: sendtest.APIKey}
}

// as returns the client of another key.
func (c *client) as(key string) *client {
	other := *c
	other.key = key
	return &other
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

func (c *client) do(method, path string, body any, change ...func(*http.Request)) reply {
	c.t.Helper()
	var data []byte
	switch b := body.(type) {
	case nil:
	case string:
		data = []byte(b)
	default:
		var err error
		data, err = json.Marshal(b)
		require.NoError(c.t, err)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.srv.URL()+path, bytes.NewReader(data))
	require.NoError(c.t, err)
	if c.key != "" {
		req.Header.Set("X-Api-Key", c.key)
	}
	if data != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(req)
	}
	return c.send(req)
}

func (c *client) send(req *http.Request) reply {
	c.t.Helper()
	res, err := c.http.Do(req)
	require.NoError(c.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	return reply{res.StatusCode, res.Header, b}
}

// object decodes a reply that must have the status given.
func (c *client) object(status int, r reply) obj {
	c.t.Helper()
	require.Equal(c.t, status, r.status, "%s", r.body)
	var o obj
	require.NoError(c.t, json.Unmarshal(r.body, &o), "%s", r.body)
	return o
}

func (c *client) list(status int, r reply) []obj {
	c.t.Helper()
	require.Equal(c.t, status, r.status, "%s", r.body)
	var l []obj
	require.NoError(c.t, json.Unmarshal(r.body, &l), "%s", r.body)
	return l
}

// problem checks an error reply and returns the codes and details of its
// errors.
func (c *client) problem(status int, r reply) string {
	c.t.Helper()
	o := c.object(status, r)
	require.Equal(c.t, "application/problem+json", r.header.Get("Content-Type"))
	require.EqualValues(c.t, status, o["status"])
	require.LessOrEqual(c.t, len(o["title"].(string)), 64)
	require.NotEmpty(c.t, o["errors"])
	var out []string
	for _, e := range o["errors"].([]any) {
		out = append(out, fmt.Sprint(e.(obj)["code"], ": ", e.(obj)["detail"]))
	}
	return strings.Join(out, "\n")
}

var onePage = []byte("%PDF-1.4\n1 0 obj << /Type /Page >> endobj\n%%EOF\n")

func pdfOf(pages int) []byte {
	return []byte("%PDF-1.4\n" + strings.Repeat("1 0 obj << /Type /Page >> endobj\n", pages) + "%%EOF\n")
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (c *client) preload(contentType string, data []byte) obj {
	c.t.Helper()
	return c.list(200, c.do("POST", "/delivery/attachments/preload", []obj{{"preloadIdx": "a", "contentType": contentType, "sha256": digestOf(data)}}))[0]
}

// put returns the upload of a preloaded file.
func (c *client) put(slot obj, contentType string, data []byte) *http.Request {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), slot["httpMethod"].(string), slot["url"].(string), bytes.NewReader(data))
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-Amz-Meta-Secret", slot["secret"].(string))
	req.Header.Set("X-Amz-Checksum-Sha256", digestOf(data))
	return req
}

// upload stores a file and returns the attachment that names it.
func (c *client) upload(contentType string, data []byte) obj {
	c.t.Helper()
	slot := c.preload(contentType, data)
	r := c.send(c.put(slot, contentType, data))
	require.Equal(c.t, 200, r.status, "%s", r.body)
	return obj{
		"digests":     obj{"sha256": digestOf(data)},
		"contentType": contentType,
		"ref":         obj{"key": slot["key"], "versionToken": r.header.Get("X-Amz-Version-Id")},
	}
}

const pdfType, jsonType = "application/pdf", "application/json"

// person returns the tax id of somebody who does not exist.
func person(t *testing.T, n int) string {
	t.Helper()
	first := fmt.Sprintf("XXXXXX%02dA01H501", n)
	check, err := fiscal.CheckChar(first)
	require.NoError(t, err)
	return first + string(check)
}

func toPEC(t *testing.T, n int, address string) obj {
	r := toStreet(t, n, "Via Esempio 1")
	r["digitalDomicile"] = obj{"type": "PEC", "address": address}
	return r
}

func toStreet(t *testing.T, n int, street string) obj {
	t.Helper()
	return obj{
		"recipientType": "PF", "taxId": person(t, n), "denomination": "Persona Inventata",
		"physicalAddress": obj{"address": street, "zip": "87100", "municipality": "COSENZA", "province": "CS"},
	}
}

// request returns a request in order, with a document that is uploaded.
func (c *client) request(recipients ...obj) obj {
	c.t.Helper()
	return obj{
		"idempotenceToken": "t", "paProtocolNumber": "P-" + strconv.Itoa(c.srv.Count("Submit")), "subject": "Avviso",
		"recipients": recipients, "documents": []obj{c.upload(pdfType, pdfOf(1))},
		"notificationFeePolicy": "FLAT_RATE", "physicalCommunicationType": "AR_REGISTERED_LETTER",
		"senderDenomination": sendtest.SenderDenomination, "senderTaxId": sendtest.SenderTaxID, "taxonomyCode": "010202N",
	}
}

// withNotice gives a recipient a payment with cost.
func withNotice(r obj, code string) obj {
	r["payments"] = []obj{{"pagoPa": obj{"noticeCode": code, "creditorTaxId": "77777777777", "applyCost": true}}}
	return r
}

func delivery(r obj) obj {
	r["notificationFeePolicy"], r["paFee"], r["vat"] = "DELIVERY_MODE", 100, 22
	return r
}

// submit sends a request and returns its identifier.
func (c *client) submit(r obj) string {
	c.t.Helper()
	return c.object(202, c.do("POST", "/delivery/v2.5/requests", r))["notificationRequestId"].(string)
}

func (c *client) state(id string) obj {
	c.t.Helper()
	return c.object(200, c.do("GET", "/delivery/v2.5/requests?notificationRequestId="+strings.ReplaceAll(id, "=", "%3D"), nil))
}

// accept sends a request, lets it be accepted and returns its IUN.
func (c *client) accept(r obj) string {
	c.t.Helper()
	id := c.submit(r)
	c.srv.Clock().Advance(time.Minute)
	o := c.state(id)
	require.Equal(c.t, "ACCEPTED", o["notificationRequestStatus"], "%v", o["errors"])
	return o["iun"].(string)
}

func (c *client) detail(iun string) obj {
	c.t.Helper()
	return c.object(200, c.do("GET", "/delivery/v2.8/notifications/sent/"+iun, nil))
}

// timeline returns the elements of a notification, of one category if given.
func timeline(detail obj, category string) []obj {
	var out []obj
	for _, e := range detail["timeline"].([]any) {
		if category == "" || e.(obj)["category"] == category {
			out = append(out, e.(obj))
		}
	}
	return out
}

func categories(detail obj) []string {
	var out []string
	for _, e := range timeline(detail, "") {
		out = append(out, e["category"].(string))
	}
	return out
}

func statusesOf(detail obj) []string {
	var out []string
	for _, e := range detail["notificationStatusHistory"].([]any) {
		out = append(out, e.(obj)["status"].(string))
	}
	return out
}

const days = 24 * time.Hour
