package send_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// perfected deposits a notification and lets it come to its end.
func perfected(t *testing.T, c *send.Client, n int) (send.Notification, *send.SentNotification) {
	t.Helper()
	want, files := notification(n)
	d, err := c.Submit(t.Context(), want, files)
	require.NoError(t, err)
	d, err = c.Await(t.Context(), d)
	require.NoError(t, err)
	time.Sleep(10 * day)
	sent, err := c.SentNotification(t.Context(), d.IUN)
	require.NoError(t, err)
	return want, sent
}

func readAll(t *testing.T, d *send.Download) string {
	t.Helper()
	data, err := io.ReadAll(d.Body)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	require.EqualValues(t, d.Size, len(data))
	return string(data)
}

func TestDownloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		_, sent := perfected(t, c, 1)

		facts, err := c.LegalFacts(t.Context(), sent.IUN)
		require.NoError(t, err)
		categories := map[send.LegalFactCategory]bool{}
		for _, f := range facts {
			categories[f.ID.Category] = true
			d, err := c.LegalFact(t.Context(), sent.IUN, f.ID.Key, send.DownloadOptions{})
			require.NoError(t, err)
			require.NotEmpty(t, d.Filename)
			require.NotEmpty(t, readAll(t, d))
		}
		require.True(t, categories[send.LegalFactSenderAck])
		require.True(t, categories[send.LegalFactDigitalDelivery])

		d, err := c.Document(t.Context(), sent.IUN, 0, send.DownloadOptions{})
		require.NoError(t, err)
		require.Contains(t, readAll(t, d), "atto 1")
		require.NotEmpty(t, d.SHA256)
		d, err = c.PaymentDocument(t.Context(), sent.IUN, 0, send.AttachmentPagoPA, 0, send.DownloadOptions{})
		require.NoError(t, err)
		require.Contains(t, readAll(t, d), "avviso 1")
		_, err = c.PaymentDocument(t.Context(), sent.IUN, 0, send.AttachmentF24, 0, send.DownloadOptions{})
		require.ErrorIs(t, err, pa.ErrNotFound)

		for _, e := range sent.Timeline {
			if e.Category != send.CategoryAARGeneration {
				continue
			}
			details, err := e.Decode()
			require.NoError(t, err)
			d, err := c.AAR(t.Context(), sent.IUN, details.GeneratedAARURL, send.DownloadOptions{})
			require.NoError(t, err)
			require.NotEmpty(t, readAll(t, d))
		}
		for _, x := range s.Exchanges() {
			if x.Op == "Download" || x.Op == "Upload" {
				require.Empty(t, x.RequestHeader.Get("X-Api-Key"), "no credentials to the storage")
				require.Empty(t, x.RequestHeader.Get("Authorization"))
			}
		}
	})
}

func TestColdStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t, sendtest.WithColdStorage(sendtest.ColdStorage{Answers: 1, RetryAfter: 5 * time.Hour}))
		c := clientOf(t, s)
		_, sent := perfected(t, c, 1)
		facts, err := c.LegalFacts(t.Context(), sent.IUN)
		require.NoError(t, err)
		_, err = c.LegalFact(t.Context(), sent.IUN, facts[0].ID.Key, send.DownloadOptions{MaxWait: time.Hour})
		require.ErrorIs(t, err, send.ErrNotReady)
		var notReady *send.NotReadyError
		require.ErrorAs(t, err, &notReady)
		require.Equal(t, 5*time.Hour, notReady.RetryAfter)

		start := time.Now()
		d, err := c.LegalFact(t.Context(), sent.IUN, facts[1].ID.Key, send.DownloadOptions{MaxWait: 6 * time.Hour})
		require.NoError(t, err)
		require.NotEmpty(t, readAll(t, d))
		require.Equal(t, 5*time.Hour, time.Since(start))
	})
}

func TestDownloadsThatAreNotWhatWasDeclared(t *testing.T) {
	for name, tt := range map[string]struct {
		fault patest.Fault
		is    error // nil: any error
	}{
		"another file": {patest.Fault{Replace: func(_ int, h http.Header, body []byte) (int, http.Header, []byte) {
			other := make([]byte, len(body))
			return 200, h, other
		}}, send.ErrDigest},
		"longer":  {patest.Fault{Replace: func(_ int, h http.Header, body []byte) (int, http.Header, []byte) { return 200, h, append(body, '!') }}, send.ErrDigest},
		"shorter": {patest.Fault{Replace: func(_ int, h http.Header, body []byte) (int, http.Header, []byte) { return 200, h, body[:len(body)-1] }}, send.ErrDigest},
		"cut":     {patest.Fault{Truncate: 5}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sendtest.New(t)
				c := clientOf(t, s)
				_, sent := perfected(t, c, 1)
				require.NoError(t, s.Inject("Download", tt.fault))
				d, err := c.Document(t.Context(), sent.IUN, 0, send.DownloadOptions{})
				require.NoError(t, err)
				_, err = io.ReadAll(d.Body)
				require.Error(t, err)
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				}
				require.NoError(t, d.Close())
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // on request, a test server's one file for all is taken
		s := sendtest.New(t)
		c := clientOf(t, s)
		_, sent := perfected(t, c, 1)
		require.NoError(t, s.Inject("Download", patest.Fault{Replace: func(_ int, h http.Header, _ []byte) (int, http.Header, []byte) { return 200, h, []byte("x") }}))
		d, err := c.Document(t.Context(), sent.IUN, 0, send.DownloadOptions{SkipDigest: true})
		require.NoError(t, err)
		data, err := io.ReadAll(d.Body)
		require.NoError(t, err)
		require.Equal(t, "x", string(data))
		require.NoError(t, d.Close())
	})
}

func TestLenientNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sendtest.New(t)
		c := clientOf(t, s)
		_, sent := perfected(t, c, 1)
		facts, err := c.LegalFacts(t.Context(), sent.IUN)
		require.NoError(t, err)
		for _, body := range []string{`{"filename":"f","contentLength":54092.0,"retryAfter":3600.0}`, `{"filename":"f","contentLength":0,"retryAfter":3600}`} {
			require.NoError(t, s.Inject("LegalFact", patest.Fault{Replace: func(int, http.Header, []byte) (int, http.Header, []byte) {
				return 200, http.Header{"Content-Type": {"application/json"}}, []byte(body)
			}}))
			_, err = c.LegalFact(t.Context(), sent.IUN, facts[0].ID.Key, send.DownloadOptions{})
			var notReady *send.NotReadyError
			require.ErrorAs(t, err, &notReady)
			require.Equal(t, time.Hour, notReady.RetryAfter)
		}
	})
}
