package sendtest

import (
	"bytes"
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

// decide accepts or refuses a request, or tries again later if a debt position
// has not answered.
func (n *notification) decide(now time.Time) {
	refusals, answered := n.checkPositions()
	switch {
	case !answered && n.validations < len(validationRetries):
		n.server.after(now, validationRetries[n.validations], n.decide)
		n.validations++
		return
	case !answered:
		refusals = []refusal{{Code: "SERVICE_UNAVAILABLE", Detail: "The validation could not be completed in time"}}
	case len(refusals) == 0:
		refusals = n.refuse(now)
	}
	n.refusals = refusals
	ids := details{"notificationRequestId": n.requestID, "paProtocolNumber": n.req.PaProtocolNumber}
	if n.req.IdempotenceToken != "" {
		ids["idempotenceToken"] = n.req.IdempotenceToken
	}
	if len(n.refusals) > 0 {
		n.takeFeesBack(now, phaseRefused)
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
	if n.withdrawn {
		n.server.after(now, n.server.set.terms.LegalFact, n.finishCancellation)
	}
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

// unlink frees the notice numbers, after a refusal or a cancellation.
func (n *notification) unlink() {
	for key, link := range n.server.notices {
		if link.n == n {
			delete(n.server.notices, key)
		}
	}
}

// refuse is the asynchronous validation, after that of the debt positions: each
// step is made only if those before it found nothing.
func (n *notification) refuse(now time.Time) []refusal {
	lookUp := func() []refusal { return n.lookUpAddresses(now) }
	for _, step := range []func() []refusal{
		n.checkStored, n.checkTaxIDs, n.checkWeight, n.checkF24, lookUp, n.checkAddresses,
	} {
		if refusals := step(); len(refusals) > 0 {
			return refusals
		}
	}
	return nil
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
			if o == nil || digest(o.body) != a.Digests.SHA256 || !validF24(o.body, p.F24.ApplyCost) {
				out = append(out, refusal{Code: "F24_METADATA_NOT_VALID", Detail: "F24 metadata not valid. fileKey=" + a.Ref.Key, RecIndex: new(i)})
			}
		}
	}
	return out
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
		registry := "ANPR"
		if a.RecipientType == "PG" {
			registry = "REGISTRO_IMPRESE"
		}
		found, ok := n.server.set.residences[a.TaxID]
		switch {
		case n.server.set.failingTaxIDs[a.TaxID]:
			a.add(now, catValidationResponse, details{"registry": registry})
			out = append(out, refusal{Code: "ADDRESS_SEARCH_FAILED", Detail: fmt.Sprintf("Address search for recipient index: %d, encountered an error", i), RecIndex: new(i)})
		case ok:
			a.add(now, catValidationResponse, details{"registry": registry, "physicalAddress": found})
			a.PhysicalAddress = &found
		default:
			a.add(now, catValidationResponse, details{"registry": registry})
			out = append(out, refusal{Code: "ADDRESS_NOT_FOUND", Detail: fmt.Sprintf("Address not found for recipient index: %d", i), RecIndex: new(i)})
		}
	}
	return out
}

// checkAddresses is the normaliser.
func (n *notification) checkAddresses() []refusal {
	var out []refusal
	for i, rec := range n.req.Recipients {
		if a := rec.PhysicalAddress; a != nil && !n.server.deliverable(*a) {
			out = append(out, refusal{Code: "NOT_VALID_ADDRESS", Detail: fmt.Sprintf("Address not valid for recipient index: %d", i), RecIndex: new(i)})
		}
	}
	return out
}

var postalCode = regexp.MustCompile(`^\d{5}$`)

// deliverable reports whether an Italian address has a postal code (00000 is
// none) and the normaliser, if there is one, knows the address.
func (s *Server) deliverable(a physicalAddress) bool {
	zip := strings.TrimSpace(a.Zip)
	if a.italian() && (!postalCode.MatchString(zip) || zip == "00000") {
		return false
	}
	return s.set.normaliser == nil || s.set.normaliser(Address{a.Address, a.Zip, a.Municipality, a.Province, a.ForeignState})
}
