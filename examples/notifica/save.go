package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/send"
)

// listFile is the list of what is saved beside it.
const listFile = "elenco.json"

// saved is the form of the list.
type saved struct {
	Version int         `json:"version"`
	IUN     string      `json:"iun"`
	Files   []savedFile `json:"files"`
}

type savedFile struct {
	File   string `json:"file"`
	Kind   string `json:"kind"` // category of the legal fact, or ATTO, AVVISO, F24, AAR
	Key    string `json:"key"`  // what it is to the platform
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hexadecimal, as sha256sum prints it
}

const savedVersion = 1

// wanted is a file to save.
type wanted struct {
	key, kind, name string // name without its extension
	fact            bool
	open            func(context.Context, send.DownloadOptions) (*send.Download, error)
}

// coldWait is how long a file that is being made is waited for.
const coldWait = 2 * time.Minute

// save brings all legal facts and documents to disk, those that are not there
// yet, and returns how many legal facts there are.
func (j *job) save(ctx context.Context, n *send.SentNotification) (facts int, err error) {
	list, err := j.wanted(ctx, n)
	if err != nil {
		return 0, err
	}
	have, err := j.loadSaved(n.IUN)
	if err != nil {
		return 0, err
	}
	for i, w := range list {
		if w.fact {
			facts++
		}
		if have.has(j.folder, w.key) {
			continue
		}
		j.rewrite(fmt.Sprintf("Attestazioni e documenti: %d di %d…", i+1, len(list)))
		f, err := j.download(ctx, w)
		if err != nil {
			return facts, err
		}
		have.put(f)
		if err := j.folder.writeJSON(filepath.Join(legalFactsDir, listFile), have); err != nil {
			return facts, err
		}
	}
	j.line("Salvati in %s: %d attestazioni, %d altri documenti", legalFactsDir, facts, len(list)-facts)
	return facts, nil
}

func (j *job) loadSaved(iun string) (*saved, error) {
	dir := filepath.Join(j.folder.path, legalFactsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fileFault("-out", dir, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, listFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fileFault("-out", dir, err)
	}
	return parseSaved(data, iun), nil
}

// parseSaved reads a list. What is no list of this notification counts as an
// empty one: its files are fetched anew.
func parseSaved(data []byte, iun string) *saved {
	var s saved
	if json.Unmarshal(data, &s) == nil && s.Version == savedVersion && s.IUN == iun {
		return &s
	}
	return &saved{Version: savedVersion, IUN: iun}
}

// has reports whether a file is listed and there.
func (s *saved) has(f *folder, key string) bool {
	for _, file := range s.Files {
		if file.Key == key {
			info, err := os.Stat(filepath.Join(f.path, legalFactsDir, filepath.Base(file.File)))
			return err == nil && info.Size() == file.Size
		}
	}
	return false
}

func (s *saved) put(file savedFile) {
	for i := range s.Files {
		if s.Files[i].Key == file.Key {
			s.Files[i] = file
			return
		}
	}
	s.Files = append(s.Files, file)
}

// names are those of the legal facts, for people.
var names = map[send.LegalFactCategory]string{
	send.LegalFactSenderAck:             "presa-in-carico",
	send.LegalFactDigitalDelivery:       "consegna-digitale",
	send.LegalFactAnalogDelivery:        "consegna-cartacea",
	send.LegalFactAnalogFailureDelivery: "deposito-per-irreperibilita",
	send.LegalFactRecipientAccess:       "accesso-del-destinatario",
	send.LegalFactPECReceipt:            "ricevuta-pec",
	send.LegalFactNotificationCancelled: "annullamento",
	send.LegalFactAnalogDeliveryTimeout: "tempi-scaduti-consegna-cartacea",
}

var notPortable = regexp.MustCompile(`[^a-z0-9]+`)

func nameOf(c send.LegalFactCategory) string {
	if name, ok := names[c]; ok {
		return name
	}
	return strings.Trim(notPortable.ReplaceAllString(strings.ToLower(string(c)), "-"), "-")
}

// wanted lists the legal facts in the order of the platform, then the
// documents, the payment documents and the notices to the recipients.
func (j *job) wanted(ctx context.Context, n *send.SentNotification) ([]wanted, error) {
	client := j.session.Client
	facts, err := client.LegalFacts(ctx, n.IUN)
	if err != nil {
		return nil, err
	}
	var list []wanted
	for i, f := range facts {
		list = append(list, wanted{f.ID.Key, string(f.ID.Category), fmt.Sprintf("%02d-%s", i+1, nameOf(f.ID.Category)), true,
			func(ctx context.Context, opt send.DownloadOptions) (*send.Download, error) {
				return client.LegalFact(ctx, n.IUN, f.ID.Key, opt)
			}})
	}
	if available := n.DocumentsAvailable; available == nil || *available {
		list = append(list, j.documents(n)...)
	} else {
		j.line("Gli atti non sono più scaricabili: sono passati 120 giorni dal perfezionamento.")
	}
	for _, e := range n.Timeline {
		if e.Category != send.CategoryAARGeneration {
			continue
		}
		details, err := e.Decode()
		if err != nil {
			return nil, err
		}
		if details.GeneratedAARURL == "" || details.RecIndex == nil {
			continue
		}
		list = append(list, wanted{details.GeneratedAARURL, "AAR", fmt.Sprintf("avviso-di-avvenuta-ricezione-%d", *details.RecIndex+1), false,
			func(ctx context.Context, opt send.DownloadOptions) (*send.Download, error) {
				return client.AAR(ctx, n.IUN, details.GeneratedAARURL, opt)
			}})
	}
	return list, nil
}

func (j *job) documents(n *send.SentNotification) []wanted {
	client := j.session.Client
	var list []wanted
	for i, d := range n.Documents {
		list = append(list, wanted{d.Ref.Key, "ATTO", fmt.Sprintf("atto-%d", i+1), false,
			func(ctx context.Context, opt send.DownloadOptions) (*send.Download, error) {
				return client.Document(ctx, n.IUN, i, opt)
			}})
	}
	for i, r := range n.Recipients {
		for k, p := range r.Payments {
			payment := func(kind, key string, name send.AttachmentName) {
				list = append(list, wanted{fmt.Sprintf("%s (%d, %d)", key, i, k), kind, fmt.Sprintf("%s-%d-%d", strings.ToLower(kind), i+1, k+1), false,
					func(ctx context.Context, opt send.DownloadOptions) (*send.Download, error) {
						return client.PaymentDocument(ctx, n.IUN, i, name, k, opt)
					}})
			}
			if p.PagoPA != nil && p.PagoPA.Attachment != nil {
				payment("AVVISO", p.PagoPA.Attachment.Ref.Key, send.AttachmentPagoPA)
			}
			if p.F24 != nil {
				payment("F24", p.F24.MetadataAttachment.Ref.Key, send.AttachmentF24)
			}
		}
	}
	return list
}

func (j *job) download(ctx context.Context, w wanted) (savedFile, error) {
	d, err := w.open(ctx, send.DownloadOptions{MaxWait: coldWait})
	if err != nil {
		return savedFile{}, err
	}
	sum := sha256.New()
	file := savedFile{File: w.name + extension(d), Kind: w.kind, Key: w.key}
	file.Size, err = j.folder.write(filepath.Join(legalFactsDir, file.File), io.TeeReader(d.Body, sum))
	if err = errors.Join(err, d.Close()); err != nil {
		return savedFile{}, err
	}
	file.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return file, nil
}

var extensions = regexp.MustCompile(`^\.[a-z0-9]{1,4}$`)

var extensionOf = map[string]string{
	"application/pdf": ".pdf", "application/json": ".json", "application/zip": ".zip",
	"application/xml": ".xml", "text/xml": ".xml", "message/rfc822": ".eml",
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
