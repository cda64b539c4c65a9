package sendtest_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestPreload(t *testing.T) {
	c := newClient(t)
	item := func(idx string) obj {
		return obj{"preloadIdx": idx, "contentType": pdfType, "sha256": digestOf(onePage)}
	}
	slots := c.list(200, c.do("POST", "/delivery/attachments/preload", []obj{item("b"), item("a"), {"contentType": jsonType, "sha256": digestOf(nil)}}))
	require.Equal(t, "b", slots[0]["preloadIdx"])
	require.Regexp(t, `^PN_NOTIFICATION_ATTACHMENTS-[0-9a-f]{32}\.pdf$`, slots[1]["key"])
	require.Regexp(t, `^PN_F24_META-[0-9a-f]{32}\.json$`, slots[2]["key"])
	require.Regexp(t, `^\[[0-9a-f]+\]$`, slots[0]["secret"])
	require.Equal(t, "PUT", slots[0]["httpMethod"])

	require.Contains(t, c.problem(400, c.do("POST", "/delivery/attachments/preload", []obj{item("a"), item("a")})), "preloadIdx")
	var many []obj
	for i := range 16 {
		many = append(many, item(string(rune('a'+i))))
	}
	require.Contains(t, c.problem(400, c.do("POST", "/delivery/attachments/preload", many)), "PN_GENERIC_INVALIDPARAMETER_SIZE")
	c.list(200, c.do("POST", "/delivery/attachments/preload", many[:15]))
	for _, bad := range []any{
		[]obj{}, obj{}, "", "[", []obj{{"contentType": pdfType}}, []obj{{"sha256": strings.Repeat("0", 64)}},
		[]obj{{"sha256": digestOf(nil), "contentType": "text/plain"}}, []obj{{"sha256": digestOf(nil), "preloadIdx": "a b"}},
		[]obj{{"sha256": digestOf(nil), "preloadIdx": nil}}, `[{"sha256":"x","sha256":"x"}]`,
	} {
		require.Contains(t, c.problem(400, c.do("POST", "/delivery/attachments/preload", bad)), "PN_INVALID_BODY")
	}
}

// TestUploadIsExact changes one thing at a time.
func TestUploadIsExact(t *testing.T) {
	tests := map[string]struct {
		change func(*http.Request)
		status int
		text   string
	}{
		"as told":         {func(*http.Request) {}, 200, ""},
		"content type":    {func(r *http.Request) { r.Header.Set("Content-Type", "application/octet-stream") }, 403, "SignatureDoesNotMatch"},
		"no content type": {func(r *http.Request) { r.Header.Del("Content-Type") }, 403, "SignatureDoesNotMatch"},
		"no secret":       {func(r *http.Request) { r.Header.Del("X-Amz-Meta-Secret") }, 403, "SignatureDoesNotMatch"},
		"secret trimmed": {func(r *http.Request) {
			r.Header.Set("X-Amz-Meta-Secret", strings.Trim(r.Header.Get("X-Amz-Meta-Secret"), "[]"))
		}, 403, "SignatureDoesNotMatch"},
		"no checksum":         {func(r *http.Request) { r.Header.Del("X-Amz-Checksum-Sha256") }, 403, "SignatureDoesNotMatch"},
		"checksum of another": {func(r *http.Request) { r.Header.Set("X-Amz-Checksum-Sha256", digestOf([]byte("x"))) }, 403, "SignatureDoesNotMatch"},
		"checksum in hex": {func(r *http.Request) {
			r.Header.Set("X-Amz-Checksum-Sha256", hex.EncodeToString([]byte(strings.Repeat("x", 32))))
		}, 400, "Value for x-amz-checksum-sha256 header is invalid"},
		"other bytes": {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", len(onePage)))) }, 400, "BadDigest"},
		"chunked":     {func(r *http.Request) { r.ContentLength = -1 }, 411, "MissingContentLength"},
		"API key":     {func(r *http.Request) { r.Header.Set("X-Api-Key", sendtest.APIKey) }, 400, "InvalidArgument"},
		"voucher":     {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 400, "InvalidArgument"},
		"other key": {func(r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, "ATTACHMENTS-", "ATTACHMENTS-0", 1)
		}, 403, "AccessDenied"},
		"longer validity": {func(r *http.Request) { q := r.URL.Query(); q.Set("X-Amz-Expires", "7200"); r.URL.RawQuery = q.Encode() }, 403, "SignatureDoesNotMatch"},
		"no signature":    {func(r *http.Request) { r.URL.RawQuery = "" }, 403, "AccessDenied"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(t)
			req := c.put(c.preload(pdfType, onePage), pdfType, onePage)
			tc.change(req)
			r := c.send(req)
			require.Equal(t, tc.status, r.status, "%s", r.body)
			if tc.status == 200 {
				require.NotEmpty(t, r.header.Get("X-Amz-Version-Id"))
				return
			}
			require.Equal(t, "application/xml", r.header.Get("Content-Type"))
			require.Contains(t, string(r.body), tc.text)
		})
	}
}

func TestPresignedURLsExpireInWireTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t)
		slot := c.preload(pdfType, onePage)
		c.srv.Clock().Advance(30 * days)
		time.Sleep(59 * time.Minute)
		require.Equal(t, 200, c.send(c.put(slot, pdfType, onePage)).status)
		time.Sleep(2 * time.Minute)
		r := c.send(c.put(slot, pdfType, onePage))
		require.Equal(t, 403, r.status)
		require.Contains(t, string(r.body), "Request has expired")
	})
}

func TestDownloads(t *testing.T) {
	c := newClient(t)
	r := delivery(c.request(withNotice(toPEC(t, 1, "nome@pec.example.it"), "302000000000000001")))
	r["documents"].([]obj)[0]["title"] = "Atto n. 1/2026"
	r["recipients"].([]obj)[0]["payments"].([]obj)[0]["pagoPa"].(obj)["attachment"] = c.upload(pdfType, pdfOf(2))
	r["recipients"].([]obj)[0]["payments"] = append(r["recipients"].([]obj)[0]["payments"].([]obj),
		obj{"f24": obj{"title": "Rata", "applyCost": true, "metadataAttachment": c.upload(jsonType, []byte(`{"f24Simplified":{}}`))}})
	iun := c.accept(r)
	c.srv.Clock().Advance(days)

	fetch := func(meta obj) reply {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", meta["url"].(string), nil)
		require.NoError(t, err)
		return c.send(req)
	}
	base := "/delivery/notifications/sent/" + iun + "/attachments/"
	doc := c.object(200, c.do("GET", base+"documents/0", nil))
	require.Equal(t, iun+"__Atto_n__1_2026.pdf", doc["filename"])
	require.Equal(t, digestOf(pdfOf(1)), doc["sha256"])
	require.Equal(t, pdfOf(1), fetch(doc).body)
	pay := c.object(200, c.do("GET", base+"payment/0/PAGOPA?attachmentIdx=0", nil))
	require.Equal(t, pdfOf(2), fetch(pay).body)

	f24 := c.object(200, c.do("GET", base+"payment/0/F24?attachmentIdx=1", nil))
	require.Empty(t, f24["sha256"])
	require.NotContains(t, f24, "url")
	require.EqualValues(t, 10, f24["retryAfter"])
	f24 = c.object(200, c.do("GET", base+"payment/0/F24?attachmentIdx=1", nil))
	require.Equal(t, f24["sha256"], digestOf(fetch(f24).body))

	facts := map[string]bool{}
	for _, f := range c.list(200, c.do("GET", "/delivery-push/v2.0/"+iun+"/legal-facts", nil)) {
		id := f["legalFactsId"].(obj)
		facts[id["category"].(string)] = true
		meta := c.object(200, c.do("GET", "/delivery-push/"+iun+"/download/legal-facts/"+strings.TrimPrefix(id["key"].(string), "safestorage://"), nil))
		got := fetch(meta)
		require.EqualValues(t, len(got.body), meta["contentLength"])
		require.Contains(t, string(got.body), "SIMULATORE")
		if strings.HasSuffix(meta["filename"].(string), ".pdf") {
			require.True(t, strings.HasPrefix(string(got.body), "%PDF-1.4"))
		}
	}
	require.Equal(t, map[string]bool{"SENDER_ACK": true, "PEC_RECEIPT": true, "DIGITAL_DELIVERY": true}, facts)

	aar := timeline(c.detail(iun), "AAR_GENERATION")[0]["details"].(obj)["generatedAarUrl"].(string)
	meta := c.object(200, c.do("GET", "/delivery-push/"+iun+"/document/AAR?documentId="+strings.TrimPrefix(aar, "safestorage://"), nil))
	require.Contains(t, string(fetch(meta).body), "AVVISO DI AVVENUTA RICEZIONE")

	for path, code := range map[string]string{
		base + "documents/1":                                           "PN_DELIVERY_FILEINFONOTFOUND",
		base + "payment/3/PAGOPA":                                      "PN_DELIVERY_FILEINFONOTFOUND",
		base + "payment/0/F24?attachmentIdx=0":                         "PN_DELIVERY_NOTIFICATIONWITHOUTPAYMENTATTACHMENT",
		base + "payment/0/PAGOPA?attachmentIdx=9":                      "PN_DELIVERY_NOTIFICATIONWITHOUTPAYMENTATTACHMENT",
		"/delivery-push/" + iun + "/download/legal-facts/nothing":      "PN_DELIVERYPUSH_NOTFOUND",
		"/delivery-push/" + iun + "/document/AAR?documentId=nothing":   "PN_DELIVERYPUSH_NOTFOUND",
		"/delivery-push/v2.0/AAAA-AAAA-AAAA-202601-A-1/legal-facts":    "PN_DELIVERYPUSH_NOTFOUND",
		"/delivery/v2.8/notifications/sent/AAAA-AAAA-AAAA-202601-A-1":  "PN_DELIVERY_NOTIFICATIONNOTFOUND",
		"/delivery/v2.5/requests?notificationRequestId=QUFBQS1BQUFB":   "PN_DELIVERY_NOTIFICATIONNOTFOUND",
		"/delivery/v2.5/requests?paProtocolNumber=x&idempotenceToken=": "",
	} {
		if code == "" {
			c.problem(400, c.do("GET", path, nil))
			continue
		}
		require.Contains(t, c.problem(404, c.do("GET", path, nil)), code, path)
	}
	for _, path := range []string{base + "documents/x", base + "payment/0/OTHER", "/delivery/v2.8/notifications/sent/x", "/delivery-push/" + iun + "/document/AAR", "/delivery-push/" + iun + "/document/OTHER?documentId=x"} {
		require.Contains(t, c.problem(400, c.do("GET", path, nil)), "PN_INVALID_PARAMETERS", path)
	}

	c.srv.Clock().Advance(8*days + 121*days)
	require.Contains(t, c.problem(404, c.do("GET", base+"documents/0", nil)), "PN_DELIVERY_FILEINFONOTFOUND")
	require.Equal(t, false, c.detail(iun)["documentsAvailable"])
}

func TestColdStorage(t *testing.T) {
	c := newClient(t, sendtest.WithColdStorage(sendtest.ColdStorage{Answers: 2, RetryAfter: time.Hour}))
	iun := c.accept(c.request(toPEC(t, 1, "nome@pec.example.it")))
	for range 2 {
		meta := c.object(200, c.do("GET", "/delivery/notifications/sent/"+iun+"/attachments/documents/0", nil))
		require.EqualValues(t, 3600, meta["retryAfter"])
		require.NotContains(t, meta, "url")
	}
	meta := c.object(200, c.do("GET", "/delivery/notifications/sent/"+iun+"/attachments/documents/0", nil))
	require.NotContains(t, meta, "retryAfter")
	require.Contains(t, meta, "url")
}
