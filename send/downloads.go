package send

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/rest"
)

// LegalFactID names a legal fact (attestazione opponibile a terzi) or another
// document of the timeline.
type LegalFactID struct {
	Key      string            `json:"key"`
	Category LegalFactCategory `json:"category"`
}

// LegalFactCategory is the kind of a legal fact; new ones appear.
type LegalFactCategory string

const (
	LegalFactSenderAck             LegalFactCategory = "SENDER_ACK"
	LegalFactDigitalDelivery       LegalFactCategory = "DIGITAL_DELIVERY"
	LegalFactAnalogDelivery        LegalFactCategory = "ANALOG_DELIVERY"
	LegalFactAnalogFailureDelivery LegalFactCategory = "ANALOG_FAILURE_DELIVERY"
	LegalFactRecipientAccess       LegalFactCategory = "RECIPIENT_ACCESS"
	LegalFactPECReceipt            LegalFactCategory = "PEC_RECEIPT"
	LegalFactNotificationCancelled LegalFactCategory = "NOTIFICATION_CANCELLED"
	LegalFactAnalogDeliveryTimeout LegalFactCategory = "ANALOG_DELIVERY_TIMEOUT"
)

// LegalFact is an entry of the list of legal facts of a notification.
type LegalFact struct {
	IUN   string      `json:"iun"`
	TaxID string      `json:"taxId,omitempty"`
	ID    LegalFactID `json:"legalFactsId"`
}

// LegalFacts lists the legal facts of a notification.
//
//api:operation GET /delivery-push/v2.0/{iun}/legal-facts
func (c *Client) LegalFacts(ctx context.Context, iun string) ([]LegalFact, error) {
	list, _, err := rest.Call[[]LegalFact](ctx, c.rest, &c.ops.legalFacts, rest.Request{Params: []string{iun}})
	return list, err
}

// DownloadOptions adjusts a download; the zero value does not wait and checks
// what can be checked.
type DownloadOptions struct {
	// MaxWait is how long to wait in all for a file that is being made or
	// fetched from cold storage, which can take hours. A file that is not
	// there by then is a [*NotReadyError].
	MaxWait time.Duration
	// SkipDigest accepts content that differs from its declared size and
	// digest, for test servers that serve the same file for all.
	SkipDigest bool
}

// Download is a file being read. Reading it to its end without an error means
// that it is whole: of the size and, where the platform gives one, of the
// digest declared (else ErrDigest).
type Download struct {
	Filename    string
	ContentType string // as declared, else as served
	Size        int64  // as declared; -1 where unknown
	SHA256      string // base64; "" where the platform gives none
	Body        io.ReadCloser
}

// Close ends the download.
func (d *Download) Close() error { return d.Body.Close() }

// fileMetadata is the reply of all downloads: with a url when the file is
// there, with retryAfter when it is not.
type fileMetadata struct {
	Filename      string   `json:"filename"`
	ContentType   string   `json:"contentType,omitempty"`
	ContentLength lenient  `json:"contentLength"`
	SHA256        string   `json:"sha256,omitempty"`
	URL           string   `json:"url,omitempty"`
	RetryAfter    *lenient `json:"retryAfter,omitempty"` // seconds
}

// lenient is a whole number that may come with a decimal point (decimal32).
type lenient int64

func (n *lenient) UnmarshalJSON(data []byte) error {
	var f float64
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return errors.New("not a whole number")
	}
	*n = lenient(f)
	return nil
}

// LegalFact downloads a legal fact by the key of its [LegalFactID].
//
//api:operation GET /delivery-push/{iun}/download/legal-facts/{legalFactId}
func (c *Client) LegalFact(ctx context.Context, iun, key string, opt DownloadOptions) (*Download, error) {
	return c.fetch(ctx, &c.ops.legalFact, rest.Request{Params: []string{iun, bareKey(key)}}, opt)
}

// Document downloads an act of a sent notification by its position.
//
//api:operation GET /delivery/notifications/sent/{iun}/attachments/documents/{docIdx}
func (c *Client) Document(ctx context.Context, iun string, docIdx int, opt DownloadOptions) (*Download, error) {
	return c.fetch(ctx, &c.ops.document, rest.Request{Params: []string{iun, strconv.Itoa(docIdx)}}, opt)
}

// AttachmentName says which document of a payment is meant.
type AttachmentName string

const (
	AttachmentPagoPA AttachmentName = "PAGOPA"
	AttachmentF24    AttachmentName = "F24"
)

// PaymentDocument downloads a payment document of a recipient; attachmentIdx
// is the position of the payment. An F24 is made on demand with its present
// cost, so it is often not ready at first.
//
//api:operation GET /delivery/notifications/sent/{iun}/attachments/payment/{recipientIdx}/{attachmentName}
func (c *Client) PaymentDocument(ctx context.Context, iun string, recipientIdx int, name AttachmentName, attachmentIdx int, opt DownloadOptions) (*Download, error) {
	return c.fetch(ctx, &c.ops.paymentDocument, rest.Request{
		Params: []string{iun, strconv.Itoa(recipientIdx), string(name)},
		Query:  url.Values{"attachmentIdx": {strconv.Itoa(attachmentIdx)}},
	}, opt)
}

// AAR downloads the notice handed to a recipient (avviso di avvenuta
// ricezione), named by GeneratedAARURL of the details of AAR_GENERATION.
//
//api:operation GET /delivery-push/{iun}/document/{documentType}
func (c *Client) AAR(ctx context.Context, iun, generatedAARURL string, opt DownloadOptions) (*Download, error) {
	return c.fetch(ctx, &c.ops.aar, rest.Request{
		Params: []string{iun}, Query: url.Values{"documentId": {bareKey(generatedAARURL)}},
	}, opt)
}

// bareKey drops the scheme of a storage key: its slashes would break a path.
func bareKey(key string) string { return strings.TrimPrefix(key, "safestorage://") }

// fetch asks for the metadata of a file until it is there, then opens it. The
// URL is never kept: it is a credential that ends within the hour.
func (c *Client) fetch(ctx context.Context, op *rest.Op, req rest.Request, opt DownloadOptions) (*Download, error) {
	var waited time.Duration
	for {
		meta, reply, err := rest.Call[fileMetadata](ctx, c.rest, op, req)
		if err != nil {
			return nil, err
		}
		if meta.URL != "" {
			return c.open(ctx, meta, opt)
		}
		var wait time.Duration
		switch {
		case meta.RetryAfter != nil:
			wait = time.Duration(min(max(*meta.RetryAfter, 1), 24*3600)) * time.Second
		case reply.Status == http.StatusNoContent:
			wait = unsignedWait
		default:
			return nil, c.rest.Unexpected(op, reply)
		}
		if waited+wait > opt.MaxWait {
			return nil, &NotReadyError{RetryAfter: wait}
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
		waited += wait
	}
}

// unsignedWait is for a file that is not signed yet, which comes with no word
// of when.
const unsignedWait = time.Hour

func (c *Client) open(ctx context.Context, meta fileMetadata, opt DownloadOptions) (*Download, error) {
	resp, err := c.rest.Download(ctx, &c.ops.download, rest.Presigned{Method: http.MethodGet, URL: meta.URL}) //nolint:bodyclose // the caller of the Download closes it
	if err != nil {
		return nil, err
	}
	d := &Download{Filename: meta.Filename, ContentType: meta.ContentType, Size: int64(meta.ContentLength), SHA256: meta.SHA256, Body: resp.Body}
	if d.ContentType == "" {
		d.ContentType = resp.Header.Get("Content-Type")
	}
	if d.Size == 0 {
		d.Size = resp.ContentLength // not declared: what is served counts
	}
	if !opt.SkipDigest {
		d.Body = &checkedBody{ReadCloser: resp.Body, size: d.Size, want: d.SHA256, sum: sha256.New()}
	}
	return d, nil
}

// checkedBody turns the end of a body that is not what was declared into ErrDigest.
type checkedBody struct {
	io.ReadCloser
	size int64 // -1 where unknown
	want string
	sum  hash.Hash
	n    int64
}

func (b *checkedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	b.sum.Write(p[:n])
	if b.size >= 0 && b.n > b.size {
		return n, ErrDigest
	}
	if err == io.EOF {
		wrongSize := b.size >= 0 && b.n != b.size
		wrongSum := b.want != "" && base64.StdEncoding.EncodeToString(b.sum.Sum(nil)) != b.want
		if wrongSize || wrongSum {
			return n, ErrDigest
		}
	}
	return n, err
}
