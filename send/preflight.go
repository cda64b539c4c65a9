package send

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/pdfscan"
	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/pa"
)

// PreflightFile is a file of a notification that is to be looked into.
type PreflightFile struct {
	Path string // how findings name it: the path in the notification, or the name of the file
	File File
	// ContentType is that of the attachment; empty means [ContentPDF]. Nothing
	// is looked for in the metadata of an F24.
	ContentType string
	// Payment marks a payment notice or the metadata of an F24, which nobody
	// signs. Others are acts.
	Payment bool
}

// Preflight looks into the files of one notification for what SEND would refuse
// or is not meant to get. It finds:
//
//	SEND_FILE_PDF       error    the file is not a PDF
//	SEND_FILE_EMPTY     error    the file is empty
//	SEND_P7M            error    the file is an envelope (.p7m) around another
//	SEND_PDF_ENCRYPTED  error    the PDF is encrypted
//	SEND_PDF_UNREADABLE warning  the PDF cannot be followed: nothing else is known of it
//	SEND_PDF_DAMAGED    warning  the PDF is damaged, though it can be repaired
//	SEND_PDF_UNSIGNED   warning  the act has no signature
//	SEND_PDF_A4         warning  some pages are not A4
//	SEND_PDF_A          warning  the PDF is not marked as PDF/A
//	SEND_20_GRAMS       warning  senders who are not enabled beyond 20 grams are refused
//
// It reads what the files declare: where no signature is missing, none has been
// verified. The error is of reading the files, or of ctx. A file whose reader is
// an [io.ReaderAt], like that of [FromFile], is read in place; another is kept
// in memory or, beyond 16 MiB, in a temporary file.
//
// A4 is measured on the media box, either way up, with the tolerance of ISO 216.
// Sources: SEND onboarding manual; refusal codes of the service.
func Preflight(ctx context.Context, files ...PreflightFile) ([]pa.Finding, error) {
	var p preflight
	for _, f := range files {
		if err := p.look(ctx, f); err != nil {
			return nil, err
		}
	}
	p.weigh()
	return p.findings, nil
}

// preflightNotification does the same for the attachments of a notification,
// with the files by the paths of these. Those that have none were uploaded
// before and only count. It leaves out what [Prepare] finds.
func preflightNotification(ctx context.Context, n *Notification, v Validation, files map[string]File) ([]pa.Finding, error) {
	p := preflight{promote: v.Promote}
	for path, a := range n.attachments() {
		payment := !strings.HasPrefix(path, "documents[")
		content, ok := files[path]
		if !ok {
			p.count(payment, 0)
			continue
		}
		f := PreflightFile{Path: path + " (" + a.File + ")", File: content, ContentType: a.ContentType, Payment: payment}
		if err := p.look(ctx, f); err != nil {
			return nil, fmt.Errorf("send: %s: %w", path, err)
		}
	}
	p.weigh()
	return slices.DeleteFunc(p.findings, func(f pa.Finding) bool { return strings.HasPrefix(f.Rule, "SEND_FILE_") }), nil
}

// preflight collects what is found in the files of a notification.
type preflight struct {
	promote  []string
	findings []pa.Finding

	// What the envelope weighs.
	acts     int
	payments int
	longest  int // pages of the longest act that can be read
}

// preflightRule is one of the rules, whose text can have the numbers of pages.
type preflightRule struct {
	code     string
	severity pa.Severity
	text     pa.Text
}

func preflightRules() []preflightRule {
	return []preflightRule{
		{"SEND_P7M", pa.Invalid, pa.Text{
			IT: "Il file è una busta firmata (.p7m), non un PDF: estrarre il documento e firmarlo in formato PAdES.",
			EN: "the file is a signed envelope (.p7m), not a PDF: extract the document and sign it as PAdES"}},
		{"SEND_PDF_ENCRYPTED", pa.Invalid, pa.Text{
			IT: "Il PDF è protetto o cifrato: SEND non può stamparlo né il destinatario leggerlo. Salvarlo senza protezione.",
			EN: "the PDF is protected or encrypted: SEND cannot print it, nor the recipient read it; save it without protection"}},
		{"SEND_PDF_UNREADABLE", pa.Warning, pa.Text{
			IT: "La struttura del PDF è danneggiata o troppo complessa: firma, formato e numero delle pagine non sono stati controllati.",
			EN: "the structure of the PDF is damaged or too complex: signature, format and number of pages have not been checked"}},
		{"SEND_PDF_DAMAGED", pa.Warning, pa.Text{
			IT: "Il PDF è danneggiato o incompleto: alcuni programmi lo riparano, altri lo rifiutano. Produrlo o salvarlo di nuovo, prima di firmarlo.",
			EN: "the PDF is damaged or incomplete: some programs repair it, others refuse it; produce or save it again, before it is signed"}},
		{"SEND_PDF_UNSIGNED", pa.Warning, pa.Text{
			IT: "Il documento non contiene alcuna firma: SEND non lo richiede, ma un atto va firmato in formato PAdES prima del deposito.",
			EN: "the document has no signature: SEND does not demand one, but an act is to be signed as PAdES before it is deposited"}},
		{"SEND_PDF_A4", pa.Warning, pa.Text{
			IT: "Alcune pagine non sono in formato A4 (%d in tutto, la prima è la %d): stampate, possono risultare tagliate o ridotte.",
			EN: "some pages are not A4 (%d in all, the first is page %d): printed, they may be cut or reduced"}},
		{"SEND_PDF_A", pa.Warning, pa.Text{
			IT: "Il PDF non si dichiara PDF/A: per la conservazione è il formato richiesto.",
			EN: "the PDF does not declare to be PDF/A, the format asked for because documents are preserved"}},
		{"SEND_20_GRAMS", pa.Warning, pa.Text{
			IT: "La busta supera i 20 grammi: se l'ente non è abilitato SEND rifiuta (SENDER_DISABLED_MORE_THAN_20_GRAMS). Il limite è un documento di 4 pagine o due di 2 pagine, senza allegati di pagamento.",
			EN: "the envelope weighs more than 20 grams: where the sender is not enabled SEND refuses (SENDER_DISABLED_MORE_THAN_20_GRAMS); the limit is one document of 4 pages or two of 2 pages, without payment attachments"}},
	}
}

// broken reports a rule, with what goes into its text.
func (p *preflight) broken(path, code string, values ...any) {
	for _, r := range preflightRules() {
		if r.code != code {
			continue
		}
		if slices.Contains(p.promote, "*") || slices.Contains(p.promote, code) {
			r.severity = pa.Invalid
		}
		if len(values) > 0 {
			r.text = pa.Text{IT: fmt.Sprintf(r.text.IT, values...), EN: fmt.Sprintf(r.text.EN, values...)}
		}
		p.findings = append(p.findings, pa.Finding{Path: path, Rule: code, Severity: r.severity, Text: r.text})
	}
}

// look looks into a file.
func (p *preflight) look(ctx context.Context, f PreflightFile) error {
	if f.ContentType != "" && f.ContentType != ContentPDF {
		p.count(f.Payment, 0)
		return nil
	}
	r, size, done, err := f.File.random(ctx)
	if err != nil {
		return err
	}
	pages, err := p.document(ctx, f, r, size)
	p.count(f.Payment, pages)
	return errors.Join(err, done())
}

// document checks a PDF and returns its pages, 0 where they are not known.
func (p *preflight) document(ctx context.Context, f PreflightFile, r io.ReaderAt, size int64) (pages int, err error) {
	head := make([]byte, min(size, pdfscan.EnvelopeHead))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // shorter than its size
		}
		return 0, err
	}
	if pdfscan.Envelope(head) {
		p.broken(f.Path, "SEND_P7M")
		return 0, nil
	}
	err = checkContent(f.Path, f.File, ContentPDF, size, head[:min(len(head), len(pdfMagic))])
	if invalid, ok := errors.AsType[*pa.ValidationError](err); ok {
		p.findings = append(p.findings, invalid.Findings...)
		return 0, nil
	}
	doc, err := pdfscan.Scan(ctx, r, size)
	if unreadable(err) {
		p.broken(f.Path, "SEND_PDF_UNREADABLE")
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if doc.Encrypted {
		p.broken(f.Path, "SEND_PDF_ENCRYPTED")
		return 0, nil
	}
	if doc.Rebuilt {
		p.broken(f.Path, "SEND_PDF_DAMAGED")
	}
	if !f.Payment && !slices.ContainsFunc(doc.Signatures, func(s pdfscan.Signature) bool { return !s.Timestamp }) {
		p.broken(f.Path, "SEND_PDF_UNSIGNED")
	}
	if count, first := otherThanA4(doc.Sizes); count > 0 {
		p.broken(f.Path, "SEND_PDF_A4", count, first)
	}
	if doc.PDFA.Part == 0 {
		p.broken(f.Path, "SEND_PDF_A")
	}
	return doc.Pages, nil
}

// unreadable tells a document that cannot be followed from a file that cannot
// be read.
func unreadable(err error) bool {
	e, ok := errors.AsType[*pdfscan.Error](err)
	return ok && e.Code != pdfscan.CodeRead
}

// otherThanA4 counts the pages of other sizes and returns the first of them.
func otherThanA4(sizes []pdfscan.PageSize) (count, first int) {
	const mm = 72 / 25.4
	near := func(a, b float64) bool { return math.Abs(a-b) <= 2*mm } // ISO 216
	for _, s := range sizes {
		if near(min(s.Width, s.Height), 210*mm) && near(max(s.Width, s.Height), 297*mm) {
			continue
		}
		if count == 0 {
			first = s.First
		}
		count += s.Pages
	}
	return count, first
}

func (p *preflight) count(payment bool, pages int) {
	if payment {
		p.payments++
		return
	}
	p.acts++
	p.longest = max(p.longest, pages)
}

// weigh applies the rule of 20 grams: no payment attachments, and either one
// document of up to four pages or two of up to two pages each.
func (p *preflight) weigh() {
	most := 4
	if p.acts == 2 {
		most = 2
	}
	if p.payments > 0 || p.acts > 2 || p.longest > most {
		p.broken("documents", "SEND_20_GRAMS")
	}
}

// inMemory is how much of a file that can only be read from its beginning is
// kept in memory.
const inMemory = 16 << 20

// random opens a file to be read in any order. What it returns last ends that.
func (f File) random(ctx context.Context) (io.ReaderAt, int64, func() error, error) {
	r, err := f.Open()
	if err != nil {
		return nil, 0, nil, err
	}
	if at, ok := r.(io.ReaderAt); ok {
		return at, f.Size, r.Close, nil
	}
	whole := &contextReader{ctx, io.LimitReader(r, f.Size)}
	if f.Size <= inMemory {
		data, err := io.ReadAll(whole)
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, 0, nil, err
		}
		return bytes.NewReader(data), int64(len(data)), func() error { return nil }, nil
	}
	spooled, remove, err := Spool(whole, "")
	if err = errors.Join(err, r.Close()); err != nil {
		if remove != nil {
			err = errors.Join(err, remove())
		}
		return nil, 0, nil, err
	}
	at, size, closed, err := spooled.random(ctx)
	if err != nil {
		return nil, 0, nil, errors.Join(err, remove())
	}
	return at, size, func() error { return errors.Join(closed(), remove()) }, nil
}

// Seal is what a signature in a PDF declares, as on the legal facts that SEND
// seals. Nothing of it is verified: anybody can write such a thing. To verify a
// seal takes a qualified validation service.
type Seal struct {
	// Signer is the common name in the certificate that the signature names
	// as its own, else the name that the PDF gives.
	Signer string
	// Time is the first there is of the time in the time stamp of the
	// signature, the signing time in the signature and the date that the PDF
	// gives; zero where there is none.
	Time   time.Time
	Reason string
	// Timestamp marks a time stamp on the document instead of a signature.
	Timestamp bool
}

// Message returns a sentence for a clerk: who and when, as declared.
func (s Seal) Message(lang pa.Lang) string {
	text, gender := pa.Text{IT: "Sigillo", EN: "seal"}, "o"
	if s.Timestamp {
		text, gender = pa.Text{IT: "Marca temporale", EN: "time stamp"}, "a"
	}
	add := func(it, en string) { text.IT, text.EN = text.IT+it, text.EN+en }
	if s.Signer == "" {
		add(" senza nome del firmatario", " naming no signer")
	} else {
		add(" dichiarat"+gender+" di "+s.Signer, " naming "+s.Signer+" as signer")
	}
	if s.Time.IsZero() {
		add(", senza data", ", without a date")
	} else {
		when := s.Time.In(rome.Location()).Format("02/01/2006 15:04:05")
		add(", del "+when+" (ora italiana)", ", of "+when+" (Italian time)")
	}
	add("; non verificat"+gender+".", "; not verified")
	return text.In(lang)
}

// ErrSealUnknown is a PDF whose seals cannot be told: it is none, it is
// encrypted, or its structure is damaged or too complex.
var ErrSealUnknown = pa.NewSentinel("SEND_SEAL_UNKNOWN", pa.Text{
	IT: "Non è possibile leggere i sigilli del documento: non è un PDF, è cifrato, oppure è danneggiato o troppo complesso.",
	EN: "the seals of the document cannot be read: it is not a PDF, is encrypted, or is damaged or too complex"})

// Seals returns what the signatures of a PDF declare, in its own order; none
// where it has none. It fails with [ErrSealUnknown], or with the error of reading the
// file or of ctx. The file is read as by [Preflight].
func Seals(ctx context.Context, f File) ([]Seal, error) {
	r, size, done, err := f.random(ctx)
	if err != nil {
		return nil, err
	}
	doc, err := pdfscan.Scan(ctx, r, size)
	closed := done()
	switch {
	case unreadable(err):
		return nil, fmt.Errorf("%w (%w)", ErrSealUnknown, err)
	case err != nil || closed != nil:
		return nil, errors.Join(err, closed)
	case doc.Encrypted:
		return nil, ErrSealUnknown
	}
	var seals []Seal
	for _, s := range doc.Signatures {
		seal := Seal{Signer: s.Signer, Time: s.Stamped, Reason: s.Reason, Timestamp: s.Timestamp}
		if seal.Signer == "" {
			seal.Signer = s.Name
		}
		for _, t := range []time.Time{s.Signed, s.Date} {
			if seal.Time.IsZero() {
				seal.Time = t
			}
		}
		seals = append(seals, seal)
	}
	return seals, nil
}
