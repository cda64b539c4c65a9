package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
)

// coldWait is how long a file that is being made is waited for.
const coldWait = 2 * time.Minute

// document is one to download: of an element of the timeline, or of the
// request itself.
type document struct {
	kind     string // of the element, or ATTO, AVVISO
	at       time.Time
	key      string
	optional bool // not all servers have it
	open     func(context.Context, send.DownloadOptions) (*send.Download, error)
}

// The kinds of document that were sent.
const (
	kindAct    = "ATTO"
	kindNotice = "AVVISO"
)

// downloads fetches every document of every accepted notification. It goes on
// after a failure, so that the evidence has all there is.
func (t *trial) downloads(ctx context.Context, all []*notification) (string, error) {
	list := accepted(all)
	if len(list) == 0 {
		return "", errDepends(casePlain + " e " + casePaid)
	}
	rows := [][]string{{"iun", "tipo", "timestamp", "documento", "file", "byte", "sha256", "nota"}}
	count := map[string]int{}
	saved, total := 0, 0
	var failures []error
	failed := func(n *notification, what string, err error) {
		failures = append(failures, access.Fault("", what+" di "+n.name+": "+pa.Message(err, pa.Italian), what+" of "+n.name+": "+err.Error()))
	}
	for _, n := range list {
		docs, err := t.documents(ctx, n)
		if err != nil {
			total++
			failed(n, "dettaglio", err)
			continue
		}
		for i, d := range docs {
			total++
			row, err := t.download(ctx, n, i, d)
			if err != nil {
				failed(n, d.kind, err)
				row.note = "non scaricato"
			} else if row.file != "" {
				saved++
				count[d.kind]++
			}
			rows = append(rows, []string{n.deposit.IUN, d.kind, stamp(d.at), d.key, row.file, row.size, row.digest, row.note})
		}
	}
	err := t.folder.writeTable(rows, caseDownloads, "documenti.csv")
	legalFacts := saved - count[kindAct] - count[kindNotice]
	switch {
	case err != nil:
	case len(failures) > 0:
		err = access.Fault("", fmt.Sprintf("non scaricati %d su %d; il primo: %s", len(failures), total, pa.Message(failures[0], pa.Italian)),
			errors.Join(failures...).Error())
	case count[kindAct] == 0 || count[kindNotice] == 0 || legalFacts == 0:
		err = access.Fault("", fmt.Sprintf("atti %d, avvisi %d, attestazioni e ricevute %d: serve almeno uno di ognuno.", count[kindAct], count[kindNotice], legalFacts),
			"at least an act, a notice and a legal fact are needed")
	}
	return fmt.Sprintf("%d atti, %d avvisi, %d attestazioni e ricevute", count[kindAct], count[kindNotice], legalFacts), err
}

// unseen is how often a detail that is behind the stream is asked for again.
const unseen = 10

// detail returns the notification as the platform has it, and keeps it as
// received. What a stream has told can be missing for a moment.
func (t *trial) detail(ctx context.Context, n *notification) (*send.SentNotification, error) {
	for tries := 0; ; tries++ {
		var meta pa.Meta
		detail, err := t.session.Client.SentNotification(pa.CaptureMeta(ctx, &meta), n.deposit.IUN)
		behind := errors.Is(err, pa.ErrNotFound) || err == nil && n.perfected != "" && !has(detail, n.perfected)
		if behind && tries < unseen {
			if err := t.wait(ctx, time.Second, t.prefix+"Si aspetta il dettaglio"); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		_, _, err = t.folder.write(strings.NewReader(string(meta.Body)), caseDownloads, n.name, "dettaglio.json")
		return detail, err
	}
}

func has(n *send.SentNotification, c send.Category) bool {
	for i := range n.Timeline {
		if n.Timeline[i].Category == c {
			return true
		}
	}
	return false
}

// documents lists what the timeline refers to, each once, and what was sent.
func (t *trial) documents(ctx context.Context, n *notification) ([]document, error) {
	detail, err := t.detail(ctx, n)
	if err != nil {
		return nil, err
	}
	client, iun := t.session.Client, n.deposit.IUN
	var list []document
	for i := range detail.Timeline {
		e := &detail.Timeline[i]
		for _, id := range e.LegalFactsIDs {
			list = append(list, document{kind: string(e.Category), at: e.Time(), key: id.Key, open: func(ctx context.Context, opt send.DownloadOptions) (*send.Download, error) {
				return client.LegalFact(ctx, iun, id.Key, opt)
			}})
		}
		if e.Category != send.CategoryAARGeneration {
			continue
		}
		details, err := e.Decode()
		if err != nil {
			return nil, err
		}
		if key := details.GeneratedAARURL; key != "" {
			list = append(list, document{kind: string(e.Category), at: e.Time(), key: key, optional: true, open: func(ctx context.Context, opt send.DownloadOptions) (*send.Download, error) {
				return client.AAR(ctx, iun, key, opt)
			}})
		}
	}
	for i, d := range detail.Documents {
		list = append(list, document{kind: kindAct, key: d.Ref.Key, open: func(ctx context.Context, opt send.DownloadOptions) (*send.Download, error) {
			return client.Document(ctx, iun, i, opt)
		}})
	}
	for i, r := range detail.Recipients {
		for k, p := range r.Payments {
			if p.PagoPA == nil || p.PagoPA.Attachment == nil {
				continue
			}
			list = append(list, document{kind: kindNotice, key: p.PagoPA.Attachment.Ref.Key, open: func(ctx context.Context, opt send.DownloadOptions) (*send.Download, error) {
				return client.PaymentDocument(ctx, iun, i, send.AttachmentPagoPA, k, opt)
			}})
		}
	}
	return list, nil
}

// savedDocument is a file of the evidence.
type savedDocument struct {
	file, size, digest, note string
}

// download saves a document. A foreign test server can serve the same file for
// all: there, what differs from the declared digest is noted and not refused.
func (t *trial) download(ctx context.Context, n *notification, i int, d document) (savedDocument, error) {
	r, err := d.open(ctx, send.DownloadOptions{MaxWait: coldWait, SkipDigest: t.foreign()})
	if e, ok := errors.AsType[*pa.Error](err); ok && d.optional && e.StatusCode == http.StatusNotFound {
		return savedDocument{note: "questo server non lo dà"}, nil
	}
	if err != nil {
		return savedDocument{}, err
	}
	name := fmt.Sprintf("%02d-%s%s", i+1, portable(d.kind), extension(r))
	size, digest, err := t.folder.write(r.Body, caseDownloads, n.name, name)
	if err = errors.Join(err, r.Close()); err != nil {
		return savedDocument{}, err
	}
	doc := savedDocument{file: n.name + "/" + name, size: strconv.FormatInt(size, 10), digest: hexOf(digest)}
	if r.SHA256 != "" && r.SHA256 != base64.StdEncoding.EncodeToString(digest) {
		doc.note = "impronta diversa da quella dichiarata"
	}
	return doc, nil
}

var notPortable = regexp.MustCompile(`[^a-z0-9]+`)

func portable(kind string) string {
	return strings.Trim(notPortable.ReplaceAllString(strings.ToLower(kind), "-"), "-")
}

var extensions = regexp.MustCompile(`^\.[a-z0-9]{1,4}$`)

var extensionOf = map[string]string{
	"application/pdf": ".pdf", "application/zip": ".zip", "application/xml": ".xml", "text/xml": ".xml", "message/rfc822": ".eml",
}

// extension returns that of the name that the platform gives, where it has a
// plain one, else that of the content type.
func extension(d *send.Download) string {
	if ext := strings.ToLower(path.Ext(d.Filename)); extensions.MatchString(ext) {
		return ext
	}
	media, _, _ := strings.Cut(d.ContentType, ";")
	return extensionOf[strings.TrimSpace(media)]
}
