package sendtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// acknowledge is the first sign of life of a request: it is being validated.
func (n *notification) acknowledge(now time.Time) {
	n.add(now, catValidateAddresses, nil)
	rest := n.server.set.terms.Acceptance - n.server.set.terms.Acceptance/2
	n.server.after(now, rest, n.decide)
}

// decide accepts or refuses a request.
func (n *notification) decide(now time.Time) {
	n.refusals = n.refuse(now)
	ids := details{"notificationRequestId": n.requestID, "paProtocolNumber": n.req.PaProtocolNumber}
	if n.req.IdempotenceToken != "" {
		ids["idempotenceToken"] = n.req.IdempotenceToken
	}
	if len(n.refusals) > 0 {
		n.unlink()
		reasons := make([]details, 0, len(n.refusals))
		for _, r := range n.refusals {
			reason := details{"errorCode": r.Code, "detail": r.Detail}
			if r.RecIndex != nil {
				reason["recIndex"] = *r.RecIndex
			}
			reasons = append(reasons, reason)
		}
		ids["refusalReasons"] = reasons
		n.add(now, catRefused, ids)
		return
	}
	n.keepFiles()
	for _, a := range n.recipients {
		if a.PhysicalAddress != nil {
			a.add(now, catNormalizedAddress, details{"oldAddress": *a.PhysicalAddress, "normalizedAddress": normalized(*a.PhysicalAddress)})
		}
	}
	ack := n.server.legalFact(now, factSenderAck, n.iun)
	n.add(now, catSenderAck, details{"legalFactId": ack.Key})
	n.accepted = true
	n.add(now, catAccepted, ids, ack)
	for _, a := range n.recipients {
		n.server.after(now, n.server.set.terms.LegalFact, a.start)
	}
}

// normalized is the address as the normaliser would print it.
func normalized(a physicalAddress) physicalAddress {
	up := func(s string) string { return strings.ToUpper(strings.Join(strings.Fields(s), " ")) }
	if a.italian() && a.ForeignState == "" {
		a.ForeignState = "ITALIA"
	}
	return physicalAddress{
		At: up(a.At), Address: up(a.Address), AddressDetails: up(a.AddressDetails), Zip: up(a.Zip),
		Municipality: up(a.Municipality), MunicipalityDetails: up(a.MunicipalityDetails),
		Province: up(a.Province), ForeignState: up(a.ForeignState),
	}
}

// keepFiles marks the files of an accepted notification: they do not expire.
func (n *notification) keepFiles() {
	for _, a := range n.files() {
		if o := n.server.stored(a.Ref); o != nil {
			o.used = true
			o.cold = n.server.set.cold.Answers
		}
	}
}

// files returns all documents and attachments.
func (n *notification) files() []attachment {
	var all []attachment
	for _, d := range n.req.Documents {
		all = append(all, d.attachment)
	}
	for _, r := range n.req.Recipients {
		all = append(all, r.attachments()...)
	}
	return all
}

// unlink frees the notice numbers, after a refusal.
func (n *notification) unlink() {
	for key, link := range n.server.notices {
		if link.n == n {
			delete(n.server.notices, key)
		}
	}
}

// refuse is the asynchronous validation: each step is made only if those
// before it found nothing.
func (n *notification) refuse(now time.Time) []refusal {
	lookUp := func() []refusal { return n.lookUpAddresses(now) }
	for _, step := range []func() []refusal{
		n.checkPositions, n.checkStored, n.checkTaxIDs, n.checkWeight, n.checkF24, lookUp, n.checkAddresses,
	} {
		if refusals := step(); len(refusals) > 0 {
			return refusals
		}
	}
	return nil
}

// checkPositions asks for the debt positions of ASYNC notifications.
func (n *notification) checkPositions() []refusal {
	if n.req.PagoPaIntMode != "ASYNC" || n.req.NotificationFeePolicy != deliveryMode {
		return nil
	}
	var out []refusal
	for i, rec := range n.req.Recipients {
		known, pagoPa := true, 0
		for _, p := range rec.Payments {
			if p.PagoPa != nil {
				pagoPa++
				known = known && n.server.set.position(p.PagoPa.CreditorTaxID, p.PagoPa.NoticeCode)
			}
		}
		if pagoPa == 0 || !known {
			out = append(out, refusal{Code: "PAYMENT_NOT_VALID", Detail: "Payment information not valid", RecIndex: new(i)})
		}
	}
	return out
}

// checkStored looks at the stored PDF files. F24 metadata have a step and a
// code of their own.
func (n *notification) checkStored() []refusal {
	var out []refusal
	for _, a := range n.files() {
		if a.ContentType != mediaPDF {
			continue
		}
		o := n.server.stored(a.Ref)
		switch {
		case o == nil:
			out = append(out, refusal{Code: "FILE_NOTFOUND", Detail: "Allegato non trovato. fileKey=" + a.Ref.Key})
		case digest(o.body) != a.Digests.SHA256:
			out = append(out, refusal{Code: "FILE_SHA_ERROR", Detail: "Validation failed, different sha256. fileKey=" + a.Ref.Key})
		case int64(len(o.body)) > n.server.set.limits.PDFBytes:
			out = append(out, refusal{Code: "FILE_PDF_TOOBIG_ERROR", Detail: "File too big. fileKey=" + a.Ref.Key})
		case !bytes.HasPrefix(o.body, []byte("%PDF-")):
			out = append(out, refusal{Code: "FILE_PDF_INVALID_ERROR", Detail: "Invalid PDF. fileKey=" + a.Ref.Key})
		}
	}
	return out
}

func (n *notification) checkTaxIDs() []refusal {
	var out []refusal
	for i, rec := range n.req.Recipients {
		if n.server.set.unknownTaxIDs[rec.TaxID] {
			out = append(out, refusal{Code: "TAXID_NOT_VALID", Detail: "Tax id not valid for Agenzia delle Entrate", RecIndex: new(i)})
		}
	}
	return out
}

// checkWeight is the rule of 20 grams, for senders who are not enabled beyond:
// no payment attachment; one document of at most 4 pages, or two of at most 2
// each.
func (n *notification) checkWeight() []refusal {
	if n.server.overweightAllowed(n.taxID) {
		return nil
	}
	heavy := len(n.req.Documents) > 2
	for _, r := range n.req.Recipients {
		heavy = heavy || len(r.attachments()) > 0
	}
	most := 4
	if len(n.req.Documents) == 2 {
		most = 2
	}
	for _, d := range n.req.Documents {
		if o := n.server.stored(d.Ref); o != nil {
			heavy = heavy || pages(o.body) > most
		}
	}
	if !heavy {
		return nil
	}
	return []refusal{{Code: "SENDER_DISABLED_MORE_THAN_20_GRAMS", Detail: "Sender disabled for notifications of more than 20 grams"}}
}

func (s *Server) overweightAllowed(taxID string) bool {
	for _, sender := range s.set.senders {
		if sender.TaxID == taxID && sender.Over20Grams {
			return true
		}
	}
	return false
}

var pageObject = regexp.MustCompile(`/Type\s*/Page[^s]`)

// pages counts the page objects of a PDF, one at least. Pages inside
// compressed object streams are not seen.
func pages(pdf []byte) int { return max(1, len(pageObject.FindAllIndex(pdf, -1))) }

// checkF24 reads the F24 metadata. Whatever is wrong with the file, missing or
// altered, is one code.
func (n *notification) checkF24() []refusal {
	var out []refusal
	for i, rec := range n.req.Recipients {
		for _, p := range rec.Payments {
			if p.F24 == nil {
				continue
			}
			a := p.F24.MetadataAttachment
			o := n.server.stored(a.Ref)
			if o == nil || digest(o.body) != a.Digests.SHA256 || !f24Form(o.body) {
				out = append(out, refusal{Code: "F24_METADATA_NOT_VALID", Detail: "F24 metadata not valid. fileKey=" + a.Ref.Key, RecIndex: new(i)})
			}
		}
	}
	return out
}

// f24Form reports whether a document is an object with exactly one of the four
// forms. Their fields are not checked.
func f24Form(data []byte) bool {
	var forms map[string]json.RawMessage
	if err := json.Unmarshal(data, &forms); err != nil || len(forms) != 1 {
		return false
	}
	for _, form := range []string{"f24Standard", "f24Simplified", "f24Excise", "f24Elid"} {
		var members map[string]json.RawMessage
		if raw, ok := forms[form]; ok {
			return json.Unmarshal(raw, &members) == nil && members != nil
		}
	}
	return false
}

// lookUpAddresses looks for the addresses that the sender left out.
func (n *notification) lookUpAddresses(now time.Time) []refusal {
	var missing []int
	for i, rec := range n.req.Recipients {
		if rec.PhysicalAddress == nil {
			missing = append(missing, i)
		}
	}
	if missing == nil {
		return nil
	}
	n.add(now, catValidationCall, details{"recIndexes": missing, "deliveryMode": "ANALOG", "sendDate": stamp(now)})
	var out []refusal
	for _, i := range missing {
		a := n.recipients[i]
		found, ok := n.server.set.residences[a.TaxID]
		if ok {
			a.add(now, catValidationResponse, details{"registry": "ANPR", "physicalAddress": found})
			a.PhysicalAddress = &found
			continue
		}
		a.add(now, catValidationResponse, details{"registry": "ANPR"})
		out = append(out, refusal{Code: "ADDRESS_NOT_FOUND", Detail: fmt.Sprintf("Address not found for recipient index: %d", i), RecIndex: new(i)})
	}
	return out
}

// checkAddresses is the part of the normaliser that needs no table of places.
func (n *notification) checkAddresses() []refusal {
	var out []refusal
	for i, rec := range n.req.Recipients {
		if a := rec.PhysicalAddress; a != nil && !deliverable(*a) {
			out = append(out, refusal{Code: "NOT_VALID_ADDRESS", Detail: fmt.Sprintf("Address not valid for recipient index: %d", i), RecIndex: new(i)})
		}
	}
	return out
}

var postalCode = regexp.MustCompile(`^\d{5}$`)

// deliverable reports whether an Italian address has a postal code; 00000 is
// none.
func deliverable(a physicalAddress) bool {
	zip := strings.TrimSpace(a.Zip)
	return !a.italian() || postalCode.MatchString(zip) && zip != "00000"
}
