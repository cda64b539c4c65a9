package send_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// The pairs of this file compare the client with the least that any correct
// program must do, both against the same canned responder.

// responder answers every call of the main path with fixed bytes.
func responder(b testing.TB, events []byte) *httptest.Server {
	mux := http.NewServeMux()
	reply := func(contentType string, body []byte) http.HandlerFunc {
		length := []string{strconv.Itoa(len(body))}
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			h := w.Header()
			h["Content-Type"], h["Content-Length"] = []string{contentType}, length
			h["Retry-After"] = []string{"0"}
			_, _ = w.Write(body)
		}
	}
	srv := httptest.NewServer(mux)
	slots := fmt.Sprintf(`[{"preloadIdx":"0","secret":"[s0]","httpMethod":"PUT","url":"%[1]s/put/0?X-Amz-Signature=0","key":"PN_NOTIFICATION_ATTACHMENTS-0.pdf"},`+
		`{"preloadIdx":"1","secret":"[s1]","httpMethod":"PUT","url":"%[1]s/put/1?X-Amz-Signature=1","key":"PN_NOTIFICATION_ATTACHMENTS-1.pdf"}]`, srv.URL)
	one := strings.SplitAfter(slots, "},")[0]
	mux.HandleFunc("POST /delivery/attachments/preload", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Count(body, []byte("sha256")) == 1 {
			reply("application/json", []byte(one[:len(one)-1]+"]"))(w, r)
			return
		}
		reply("application/json", []byte(slots))(w, r)
	})
	mux.HandleFunc("PUT /put/{n}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header()["X-Amz-Version-Id"] = []string{"v1"}
	})
	mux.HandleFunc("POST /delivery/v2.5/requests", reply("application/json", []byte(`{"notificationRequestId":"QUJDRC1FRkdILUlKS0wtMjAyNjAxLU0tMQ==","paProtocolNumber":"1"}`)))
	mux.HandleFunc("GET /delivery-progresses/v2.9/streams/{id}/events", reply("application/json", events))
	b.Cleanup(srv.Close)
	return srv
}

func benchClient(b testing.TB, url string, validation send.Validation) *send.Client {
	c, err := send.New(send.Config{Environment: pa.Simulator, BaseURL: url, APIKey: pa.NewSecret(sendtest.APIKey), Validation: validation})
	require.NoError(b, err)
	return c
}

// call is a bare call of the floor.
func call(b *testing.B, method, url string, header http.Header, body []byte, out any) http.Header {
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, url, r)
	if err != nil {
		b.Fatal(err)
	}
	maps.Copy(req.Header, header)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b.Fatal(resp.Status)
	}
	if out == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.Header
	}
	data := make([]byte, resp.ContentLength)
	if _, err := io.ReadFull(resp.Body, data); err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(data, out); err != nil {
		b.Fatal(err)
	}
	return resp.Header
}

// BenchmarkSubmit deposits a notification with two documents of 64 KiB. The
// floor does not look inside the documents, so the pair does not either; what
// looking inside costs is printed beside it.
func BenchmarkSubmit(b *testing.B) {
	act := append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("a"), 64<<10)...)
	notice := append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("n"), 64<<10)...)
	srv := responder(b, nil)
	n, _ := notification(1)
	files := send.Files{"atto.pdf": send.FromBytes(act), "avviso.pdf": send.FromBytes(notice)}

	deposit := func(b *testing.B, validation send.Validation) {
		c := benchClient(b, srv.URL, validation)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Submit(context.Background(), n, files); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("sdk", func(b *testing.B) { deposit(b, send.Validation{SkipPreflight: true}) })
	b.Run("preflight", func(b *testing.B) { deposit(b, send.Validation{}) })
	b.Run("floor", func(b *testing.B) {
		key := http.Header{"X-Api-Key": {sendtest.APIKey}, "Content-Type": {"application/json"}, "Accept": {"application/json"}}
		b.ReportAllocs()
		for b.Loop() {
			type item struct {
				PreloadIdx  string `json:"preloadIdx"`
				ContentType string `json:"contentType"`
				SHA256      string `json:"sha256"`
			}
			type slot struct{ PreloadIdx, Secret, HTTPMethod, URL, Key string }
			contents := [][]byte{act, notice}
			var items []item
			for i, content := range contents {
				sum := sha256.Sum256(content)
				items = append(items, item{strconv.Itoa(i), "application/pdf", base64.StdEncoding.EncodeToString(sum[:])})
			}
			body, err := json.Marshal(items)
			if err != nil {
				b.Fatal(err)
			}
			var slots []slot
			call(b, "POST", srv.URL+"/delivery/attachments/preload", key, body, &slots)
			refs := make([]send.Ref, len(slots))
			for i, s := range slots {
				h := call(b, "PUT", s.URL, http.Header{"Content-Type": {"application/pdf"}, "X-Amz-Meta-Secret": {s.Secret}, "X-Amz-Checksum-Sha256": {items[i].SHA256}}, contents[i], nil)
				refs[i] = send.Ref{Key: s.Key, VersionToken: h.Get("X-Amz-Version-Id")}
			}
			m := n
			m.Documents = []send.Document{n.Documents[0]}
			m.Documents[0].Ref, m.Documents[0].Digests.SHA256 = refs[0], items[0].SHA256
			if body, err = json.Marshal(m); err != nil {
				b.Fatal(err)
			}
			var out struct{ NotificationRequestID string }
			call(b, "POST", srv.URL+"/delivery/v2.5/requests", key, body, &out)
		}
	})
}

// eventsPage is a page of 50 events as the platform sends them.
func eventsPage() []byte {
	list := make([]json.RawMessage, 50)
	for i := range list {
		list[i] = fmt.Appendf(nil, `{"eventId":"%038d","notificationRequestId":"QUJDRC1FRkdILUlKS0wtMjAyNjAxLU0tMQ==","iun":"ABCD-EFGH-JKLM-202601-N-1","newStatus":"DELIVERING",`+
			`"element":{"elementId":"SEND_ANALOG_PROGRESS.IUN_ABCD-EFGH-JKLM-202601-N-1.RECINDEX_0.ATTEMPT_0.IDX_%d","timestamp":"2026-01-10T10:00:00.123456789Z","ingestionTimestamp":"2026-01-10T10:00:01.123Z",`+
			`"eventTimestamp":"2026-01-10T10:00:00.123456789Z","notificationSentAt":"2026-01-09T08:00:00Z","legalFactsIds":[{"key":"safestorage://PN_EXTERNAL_LEGAL_FACTS-0123456789abcdef0123456789abcdef.pdf","category":"ANALOG_DELIVERY"}],`+
			`"category":"SEND_ANALOG_PROGRESS","details":{"recIndex":0,"notificationDate":"2026-01-10T10:00:00Z","deliveryDetailCode":"RECAG001B","attachments":[{"id":"CON020_0","documentType":"Plico",`+
			`"url":"safestorage://PN_EXTERNAL_LEGAL_FACTS-0123456789abcdef0123456789abcdef.pdf","date":"2026-01-10T10:00:00Z"}],"sendRequestId":"SEND_ANALOG_DOMICILE.IUN_ABCD-EFGH-JKLM-202601-N-1.RECINDEX_0.ATTEMPT_0",`+
			`"registeredLetterCode":"123456789012","serviceLevel":"REGISTERED_LETTER_890"}}}`, i+1, i)
	}
	data, _ := json.Marshal(list)
	return data
}

// BenchmarkEventPage reads a page of 50 events, details undecoded.
func BenchmarkEventPage(b *testing.B) {
	srv := responder(b, eventsPage())
	b.Run("sdk", func(b *testing.B) {
		c := benchClient(b, srv.URL, send.Validation{})
		b.ReportAllocs()
		for b.Loop() {
			page, err := c.EventPage(context.Background(), "00000000-0000-4000-8000-000000000000", "")
			if err != nil || len(page.Events) != 50 || len(page.Events[49].Raw) == 0 {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		type event struct {
			EventID, NotificationRequestID, IUN, NewStatus string
			Element                                        struct {
				ElementID, Category                                               string
				Timestamp, IngestionTimestamp, EventTimestamp, NotificationSentAt time.Time
				LegalFactsIDs                                                     []struct{ Key, Category string }
				Details                                                           json.RawMessage
			}
		}
		key := http.Header{"X-Api-Key": {sendtest.APIKey}, "Accept": {"application/json"}}
		b.ReportAllocs()
		for b.Loop() {
			var events []event
			call(b, "GET", srv.URL+"/delivery-progresses/v2.9/streams/00000000-0000-4000-8000-000000000000/events", key, nil, &events)
			if len(events) != 50 {
				b.Fatal(len(events))
			}
		}
	})
}

// BenchmarkUpload hashes and sends a file of 64 MiB.
func BenchmarkUpload(b *testing.B) {
	const size = 64 << 20
	name := filepath.Join(b.TempDir(), "atto.pdf")
	require.NoError(b, os.WriteFile(name, append([]byte("%PDF-1.7\n"), make([]byte, size-9)...), 0o600))
	srv := responder(b, nil)
	b.Run("sdk", func(b *testing.B) {
		c := benchClient(b, srv.URL, send.Validation{})
		slot := send.Slot{Method: "PUT", URL: pa.NewSecret(srv.URL + "/put/0"), Secret: pa.NewSecret("[s]"), Key: "k"}
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			f, err := send.FromFile(name)
			if err != nil {
				b.Fatal(err)
			}
			p, err := send.Prepare(context.Background(), name, f, send.ContentPDF)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := c.Upload(context.Background(), slot, p, f); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			f, err := os.Open(name)
			if err != nil {
				b.Fatal(err)
			}
			sum := sha256.New()
			if _, err := io.Copy(sum, f); err != nil {
				b.Fatal(err)
			}
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				b.Fatal(err)
			}
			req, err := http.NewRequestWithContext(context.Background(), "PUT", srv.URL+"/put/0", f)
			if err != nil {
				b.Fatal(err)
			}
			req.ContentLength = size
			req.Header.Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(sum.Sum(nil)))
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			_ = resp.Body.Close()
		}
	})
}

// TestUploadMemory holds the memory of an upload independent of its size.
func TestUploadMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short")
	}
	name := filepath.Join(t.TempDir(), "atto.pdf")
	require.NoError(t, os.WriteFile(name, append([]byte("%PDF-1.7\n"), make([]byte, 64<<20)...), 0o600))
	srv := responder(t, nil)
	c := benchClient(t, srv.URL, send.Validation{})
	slot := send.Slot{Method: "PUT", URL: pa.NewSecret(srv.URL + "/put/0"), Secret: pa.NewSecret("[s]"), Key: "k"}
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f, err := send.FromFile(name)
			if err != nil {
				b.Fatal(err)
			}
			p, err := send.Prepare(context.Background(), name, f, send.ContentPDF)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := c.Upload(context.Background(), slot, p, f); err != nil {
				b.Fatal(err)
			}
		}
	})
	require.Less(t, r.AllocedBytesPerOp(), int64(1<<20), "client and server together")
}
