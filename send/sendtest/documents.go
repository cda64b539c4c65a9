package sendtest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/pa-italia/sdk-go/internal/sim"
)

type attachmentResponse struct {
	Filename      string `json:"filename"`
	ContentType   string `json:"contentType"`
	ContentLength int    `json:"contentLength"`
	SHA256        string `json:"sha256"`
	URL           string `json:"url,omitempty"`
	RetryAfter    *int64 `json:"retryAfter,omitempty"`
}

func (s *Server) document(c *call) sim.Reply {
	n, refused := s.find(c, codeNotFound)
	if refused != nil {
		return *refused
	}
	i, err := strconv.Atoi(c.PathValue("docIdx"))
	if err != nil {
		return s.invalid(codeInvalidParameters, []string{"[Path '/docIdx'] Instance type (string) does not match any allowed primitive type (allowed: [\"integer\"])"})
	}
	if i < 0 || i >= len(n.req.Documents) {
		return s.failOne(http.StatusNotFound, codeNoFile, "Document not found")
	}
	d := n.req.Documents[i]
	return s.attachment(c, n, d.attachment, d.Title)
}

func (s *Server) paymentDocument(c *call) sim.Reply {
	n, refused := s.find(c, codeNotFound)
	if refused != nil {
		return *refused
	}
	recipient, err := strconv.Atoi(c.PathValue("recipientIdx"))
	if err != nil || recipient < 0 || recipient >= len(n.req.Recipients) {
		return s.failOne(http.StatusNotFound, codeNoFile, "Recipient not found")
	}
	kind := c.PathValue("attachmentName")
	if kind != "PAGOPA" && kind != "F24" {
		return s.invalid(codeInvalidParameters, []string{"[Path '/attachmentName'] ECMA 262 regex \"^(PAGOPA|F24)$\" does not match input string"})
	}
	index := 0
	if q := c.URL.Query().Get("attachmentIdx"); q != "" {
		if index, err = strconv.Atoi(q); err != nil {
			return s.invalid(codeInvalidParameters, []string{"Query parameter 'attachmentIdx' is not an integer"})
		}
	}
	payments := n.req.Recipients[recipient].Payments
	if index < 0 || index >= len(payments) {
		return s.failOne(http.StatusNotFound, codeNoPaymentFile, "Notification without payment attachment")
	}
	p := payments[index]
	switch {
	case kind == "PAGOPA" && p.PagoPa != nil && p.PagoPa.Attachment != nil:
		return s.attachment(c, n, *p.PagoPa.Attachment, kind)
	case kind == "F24" && p.F24 != nil:
		return s.f24(n, p.F24)
	}
	return s.failOne(http.StatusNotFound, codeNoPaymentFile, "Notification without payment attachment")
}

// attachment returns the metadata of a file of the sender.
func (s *Server) attachment(c *call, n *notification, a attachment, title string) sim.Reply {
	o := s.stored(a.Ref)
	if o == nil || !n.documentsAvailable(c.Now) {
		return s.failOne(http.StatusNotFound, codeNoFile, "File no longer available")
	}
	out := attachmentResponse{
		Filename:      filename(n.iun, title) + suffixOf(o.key),
		ContentType:   a.ContentType,
		ContentLength: len(o.body),
		SHA256:        a.Digests.SHA256,
	}
	if wait := s.thaw(o); wait != nil {
		out.RetryAfter = wait
	} else {
		out.URL = s.presign(http.MethodGet, o, "host")
	}
	return sim.JSON(http.StatusOK, out)
}

// f24 makes the PDF of an F24 on demand: the first answer asks to wait.
func (s *Server) f24(n *notification, p *f24Payment) sim.Reply {
	source := s.objects[strings.TrimPrefix(p.MetadataAttachment.Ref.Key, storageScheme)]
	key := "PN_F24-" + n.iun + "-" + strings.TrimSuffix(source.key, ".json") + ".pdf"
	name := filename(n.iun, p.Title) + ".pdf"
	o := s.objects[key]
	if o == nil {
		pdf := simulatedPDF("F24", "IUN "+n.iun)
		s.objects[key] = &object{key: key, contentType: mediaPDF, sha256: digest(pdf), version: s.sim.Hex(32), body: pdf, used: true}
		return sim.JSON(http.StatusOK, attachmentResponse{Filename: name, ContentType: mediaPDF, RetryAfter: new(s.seconds(s.set.terms.LegalFact))})
	}
	return sim.JSON(http.StatusOK, attachmentResponse{
		Filename: name, ContentType: mediaPDF, ContentLength: len(o.body), SHA256: o.sha256, URL: s.presign(http.MethodGet, o, "host"),
	})
}

// filename is the IUN and the title, of which only letters, digits and _ stay.
func filename(iun, title string) string {
	clean := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '_'
	}, title)
	if clean == "" {
		clean = "document"
	}
	return iun + "__" + clean
}
