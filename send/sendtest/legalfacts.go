package sendtest

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/sim"
)

// Categories of legal facts.
const (
	factSenderAck       = "SENDER_ACK"
	factDigitalDelivery = "DIGITAL_DELIVERY"
	factRecipientAccess = "RECIPIENT_ACCESS"
	factAnalogFailure   = "ANALOG_FAILURE_DELIVERY"
	factPecReceipt      = "PEC_RECEIPT"
	factAnalogDelivery  = "ANALOG_DELIVERY"
	factCancelled       = "NOTIFICATION_CANCELLED"
)

// legalFact makes a legal fact: a PDF that says what it stands for.
func (s *Server) legalFact(now time.Time, category, iun string) factID {
	pdf := simulatedPDF(category, "IUN "+iun, now.UTC().Format(time.RFC3339))
	return fact(s.store("PN_LEGAL_FACTS-", ".pdf", mediaPDF, pdf, now), category)
}

// scan makes the scan of a paper document, as PDF or inside a ZIP.
func (s *Server) scan(now time.Time, document, iun string, zipped bool) factID {
	pdf := simulatedPDF("SCANSIONE "+document, "IUN "+iun, now.UTC().Format(time.RFC3339))
	if zipped {
		return fact(s.store("PN_EXTERNAL_LEGAL_FACTS-", ".zip", "application/zip", zipOf(document+".pdf", pdf), now), factAnalogDelivery)
	}
	return fact(s.store("PN_EXTERNAL_LEGAL_FACTS-", ".pdf", mediaPDF, pdf, now), factAnalogDelivery)
}

// zipOf packs one file.
func zipOf(name string, data []byte) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		panic("sendtest: zip in memory: " + err.Error()) // a bytes.Buffer does not fail
	}
	return out.Bytes()
}

// receipt makes a PEC receipt: the XML data or, for the delivery, the whole
// message.
func (s *Server) receipt(now time.Time, code, iun string) factID {
	kinds := map[string]string{"C001": "accettazione", "C003": "avvenuta-consegna"}
	kind := kinds[code]
	if kind == "" {
		kind = "errore-consegna"
	}
	if code == "C003" {
		eml := "Subject: SIMULATORE: " + kind + "\r\nX-Ricevuta: " + kind + "\r\nDate: " + now.UTC().Format(time.RFC1123Z) +
			"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSIMULATORE, senza valore legale. IUN " + iun + "\r\n"
		return fact(s.store("PN_EXTERNAL_LEGAL_FACTS-", ".eml", "message/rfc822", []byte(eml), now), factPecReceipt)
	}
	xml := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<postacert tipo="` + kind + `" errore="nessuno"><intestazione><oggetto>SIMULATORE, senza valore legale. IUN ` +
		iun + `</oggetto></intestazione></postacert>` + "\n"
	return fact(s.store("PN_EXTERNAL_LEGAL_FACTS-", ".xml", "application/xml", []byte(xml), now), factPecReceipt)
}

func fact(o *object, category string) factID {
	return factID{Key: storageScheme + o.key, Category: category}
}

type legalFactElement struct {
	IUN          string `json:"iun"`
	TaxID        string `json:"taxId,omitempty"`
	LegalFactsID factID `json:"legalFactsId"`
}

func (s *Server) legalFacts(c *call) sim.Reply {
	n, refused := s.find(c, codePushNotFound)
	if refused != nil {
		return *refused
	}
	out := []legalFactElement{}
	for _, e := range n.timeline {
		for _, f := range e.facts {
			item := legalFactElement{IUN: n.iun, LegalFactsID: f}
			if e.recipient >= 0 {
				item.TaxID = n.recipients[e.recipient].TaxID
			}
			out = append(out, item)
		}
	}
	return sim.JSON(http.StatusOK, out)
}

type downloadResponse struct {
	Filename      string `json:"filename"`
	ContentLength int    `json:"contentLength"`
	URL           string `json:"url,omitempty"`
	RetryAfter    *int64 `json:"retryAfter,omitempty"`
}

func (s *Server) legalFactDownload(c *call) sim.Reply {
	n, refused := s.find(c, codePushNotFound)
	if refused != nil {
		return *refused
	}
	key := c.PathValue("legalFactId")
	for _, e := range slices.Concat(n.timeline, n.invalidated) {
		for _, f := range e.facts {
			if strings.TrimPrefix(f.Key, storageScheme) == key {
				return s.downloadOf(s.objects[key], f.Category+"-"+n.iun)
			}
		}
	}
	return s.failOne(http.StatusNotFound, codePushNotFound, "Legal fact not found")
}

// aar serves the notice of receipt of a recipient.
func (s *Server) aar(c *call) sim.Reply {
	if c.PathValue("documentType") != "AAR" {
		return s.invalid(codeInvalidParameters, []string{"[Path '/documentType'] Instance value not found in enum (possible values: [\"AAR\"])"})
	}
	n, refused := s.find(c, codePushNotFound)
	if refused != nil {
		return *refused
	}
	id := c.URL.Query().Get("documentId")
	if id == "" {
		return s.invalid(codeInvalidParameters, []string{"Query parameter 'documentId' is required"})
	}
	for _, a := range n.recipients {
		if a.aar != nil && a.aar.key == id {
			return s.downloadOf(a.aar, "AAR-"+n.iun)
		}
	}
	return s.failOne(http.StatusNotFound, codePushNotFound, "Document not found")
}

// downloadOf returns the metadata of a file of the platform: an URL, or a wait
// while it is in cold storage.
func (s *Server) downloadOf(o *object, name string) sim.Reply {
	out := downloadResponse{Filename: name + suffixOf(o.key), ContentLength: len(o.body)}
	if wait := s.thaw(o); wait != nil {
		out.RetryAfter = wait
	} else {
		out.URL = s.presign(http.MethodGet, o, "host")
	}
	return sim.JSON(http.StatusOK, out)
}

// thaw counts down the waits of a file in cold storage.
func (s *Server) thaw(o *object) *int64 {
	if o.cold == 0 {
		return nil
	}
	o.cold--
	return new(s.seconds(s.set.cold.RetryAfter))
}

func suffixOf(key string) string {
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		return key[i:]
	}
	return ""
}

// simulatedPDF makes a PDF of one page that says that it has no legal value.
func simulatedPDF(lines ...string) []byte {
	lines = append([]string{"SIMULATORE SEND", "Documento di prova, senza valore legale"}, lines...)
	var text bytes.Buffer
	text.WriteString("BT /F1 14 Tf 60 780 Td 22 TL\n")
	for _, l := range lines {
		fmt.Fprintf(&text, "(%s) Tj T*\n", strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(l))
	}
	text.WriteString("ET\n")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", text.Len(), text.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
	}
	var out bytes.Buffer
	out.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return out.Bytes()
}
