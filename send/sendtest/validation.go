package sendtest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/internal/sim"
)

// checkRequest is the synchronous validation of the service, in its order:
// sender and group, taxonomy and languages, the rules on the content, then the
// uniqueness keys. It returns nil for a request that is in order.
func (s *Server) checkRequest(sender *Sender, r *request, v requestVersion) *sim.Reply {
	refuse := func(status int, code, detail string) *sim.Reply {
		reply := s.failOne(status, code, detail)
		return &reply
	}
	if r.SenderTaxID != sender.TaxID {
		return refuse(http.StatusForbidden, codeSenderTaxID, "senderTaxId does not match the sender")
	}
	if detail := s.checkGroup(sender, r.Group); detail != "" {
		return refuse(http.StatusBadRequest, codeGroup, detail)
	}
	if !slices.Contains(taxonomyCodes, r.TaxonomyCode) {
		return refuse(http.StatusBadRequest, codeTaxonomy, "The taxonomyCode "+r.TaxonomyCode+" does not exist")
	}
	if len(r.AdditionalLanguages) > 1 {
		return refuse(http.StatusBadRequest, codeLanguageRequired, "At most one additional language")
	}
	for _, lang := range r.AdditionalLanguages {
		if !slices.Contains([]string{"DE", "FR", "SL"}, lang) {
			return refuse(http.StatusBadRequest, codeLanguages, "Language "+lang+" is not supported")
		}
	}
	if details := s.checkContent(sender, r, v); len(details) > 0 {
		errs := make([]problemError, len(details))
		for i, detail := range details {
			errs[i] = problemError{Code: codeInvalid, Detail: detail}
		}
		reply := s.fail(http.StatusBadRequest, errs...)
		return &reply
	}
	if n := s.protocols[protocolKey(sender.TaxID, *r)]; n != nil {
		return refuse(http.StatusConflict, codeDuplicated, "Duplicated notification for senderPaId##paProtocolNumber##idempotenceToken")
	}
	for _, rec := range r.Recipients {
		for _, p := range rec.Payments {
			if p.PagoPa != nil && s.notices[noticeKey(p.PagoPa.CreditorTaxID, p.PagoPa.NoticeCode)] != nil {
				return refuse(http.StatusConflict, codeDuplicated, "Duplicated notification for creditorTaxId##noticeCode")
			}
		}
	}
	return nil
}

func (s *Server) checkGroup(sender *Sender, group string) string {
	switch {
	case len(sender.Groups) > 0 && !slices.Contains(sender.Groups, group):
		return fmt.Sprintf("Specify a group in cx_groups=[%s]", strings.Join(sender.Groups, ","))
	case group != "" && !slices.Contains(s.groupsOf(sender.TaxID), group):
		return "Group " + group + " is not an active group of the sender"
	}
	return ""
}

// checkContent returns the faults that the service finds in the content, in
// its words.
func (s *Server) checkContent(sender *Sender, r *request, v requestVersion) []string {
	var faults []string
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	files := len(r.Documents)
	for _, rec := range r.Recipients {
		files += len(rec.attachments())
	}
	if limit := s.set.limits.Attachments; limit > 0 && files > limit {
		add("Max attachment count reached")
	}
	if limit := s.set.limits.Recipients; limit > 0 && len(r.Recipients) > limit {
		add("Max recipient count reached")
	}
	optional := v.optional && r.PagoPaIntMode != async
	if r.NotificationFeePolicy == deliveryMode && (r.PaFee == nil || r.Vat == nil) && !optional {
		add("paFee or vat field not filled in for notification with notificationFeePolicy DELIVERY_MODE")
	}
	taxIDs, notices := map[string]bool{}, map[string]bool{}
	for i, rec := range r.Recipients {
		switch {
		case rec.RecipientType == "PG" && !numeric(rec.TaxID):
			add("SEND accepts only numerical taxId for PG recipient %d", i)
		case !validTaxID(rec):
			add("Invalid taxId for recipient %d", i)
		}
		if taxIDs[rec.TaxID] {
			add("Duplicated recipient taxId")
		}
		taxIDs[rec.TaxID] = true
		for j, p := range rec.Payments {
			if p.PagoPa == nil {
				continue
			}
			key := noticeKey(p.PagoPa.CreditorTaxID, p.PagoPa.NoticeCode)
			if notices[key] {
				add("Duplicated iuv { } on recipient with index %d in payment with index %d", i, j)
			}
			notices[key] = true
		}
		faults = append(faults, checkFees(r.NotificationFeePolicy, rec)...)
		faults = append(faults, s.checkDenomination(i, rec.Denomination)...)
		if rec.PhysicalAddress == nil {
			if !sender.AddressLookup {
				add("PhysicalAddress cannot be null")
			}
			continue
		}
		faults = append(faults, checkAddress(i, *rec.PhysicalAddress)...)
	}
	return append(faults, checkFiles(r)...)
}

func numeric(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// validTaxID checks the check character or digit. A natural person needs the
// code of 16 characters.
func validTaxID(rec recipient) bool {
	if rec.RecipientType == "PF" {
		_, err := fiscal.ParseTaxID(rec.TaxID)
		return err == nil && len(rec.TaxID) == 16
	}
	if len(rec.TaxID) != 11 {
		return false
	}
	check, err := fiscal.CheckDigit(rec.TaxID[:10])
	return err == nil && check == rec.TaxID[10]
}

// checkFees holds applyCost against the fee policy, per kind of payment.
func checkFees(policy string, rec recipient) []string {
	var faults []string
	kinds := []struct {
		name  string
		apply func(payment) (cost, ok bool)
	}{
		{"PagoPA", func(p payment) (bool, bool) { return p.PagoPa != nil && p.PagoPa.ApplyCost, p.PagoPa != nil }},
		{"F24", func(p payment) (bool, bool) { return p.F24 != nil && p.F24.ApplyCost, p.F24 != nil }},
	}
	for _, kind := range kinds {
		payments, applied := 0, 0
		for _, p := range rec.Payments {
			cost, ok := kind.apply(p)
			if ok {
				payments++
			}
			if cost {
				applied++
			}
		}
		switch {
		case policy == deliveryMode && payments > 0 && applied == 0:
			faults = append(faults, kind.name+" applyCostFlg must be valorized for at least one payment")
		case policy == flatRate && applied > 0:
			faults = append(faults, kind.name+" applyCostFlg must not be valorized for any payment")
		}
	}
	for _, p := range rec.Payments {
		if p.F24 != nil && strings.TrimSpace(p.F24.Title) == "" {
			faults = append(faults, "F24 description is mandatory")
		}
	}
	return faults
}

func (s *Server) checkDenomination(i int, text string) []string {
	if utf8.RuneCountInString(text) > s.set.limits.DenominationChars {
		return []string{fmt.Sprintf("Field denomination in recipient %d exceed max length of %d chars", i, s.set.limits.DenominationChars)}
	}
	for _, c := range text {
		// Latin-1 printable, without the separator of the printing service.
		if c == '|' || c < 0x20 || c > 0x7e && c < 0xa0 || c > 0xff {
			return []string{fmt.Sprintf("Field denomination in recipient %d contains invalid characters.", i)}
		}
	}
	return nil
}

// addressChars are those that an address may have; @ and _ belong to the
// tokens of the test environments.
const addressChars = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz./ '-@_"

// sequenceChars are found in a custom sequence, which the mock behind the test
// environments reads from the same field.
const sequenceChars = addressChars + "[]:;#,"

// addressRow is the longest row that is printed.
const addressRow = 44

func checkAddress(i int, a physicalAddress) []string {
	var faults []string
	for _, field := range []struct{ name, value string }{
		{"at", a.At}, {"address", a.Address}, {"addressDetails", a.AddressDetails}, {"zip", a.Zip},
		{"municipality", a.Municipality}, {"municipalityDetails", a.MunicipalityDetails},
		{"province", a.Province}, {"foreignState", a.ForeignState},
	} {
		allowed := addressChars
		if strings.Contains(strings.ToLower(field.value), "@sequence.") {
			allowed = sequenceChars
		}
		if strings.Trim(field.value, allowed) != "" {
			faults = append(faults, fmt.Sprintf("Field %s in recipient %d contains invalid characters.", field.name, i))
		}
	}
	for _, row := range []struct{ name, value string }{
		{"at and municipalityDetails", join(a.At, a.MunicipalityDetails)},
		{"addressDetails", a.AddressDetails},
		{"address", a.Address},
		{"zip, municipality and Province", join(a.Zip, a.Municipality, a.Province)},
		{"foreignState", a.ForeignState},
	} {
		if utf8.RuneCountInString(row.value) > addressRow && !strings.Contains(strings.ToLower(row.value), "@sequence.") {
			faults = append(faults, fmt.Sprintf("Field %s in recipient %d exceed max length of %d chars", row.name, i, addressRow))
		}
	}
	if a.italian() && strings.TrimSpace(a.Province) == "" {
		faults = append(faults, "No province provided in physical address")
	}
	return faults
}

func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// checkFiles checks keys against content types and looks for the same file
// twice: among the documents, or among the documents and the payments of one
// recipient. Recipients may share a file.
func checkFiles(r *request) []string {
	var faults []string
	conform := func(a attachment) {
		marker := "PN_NOTIFICATION_ATTACHMENTS"
		if a.ContentType == mediaJSON {
			marker = "PN_F24_META"
		}
		if !strings.Contains(a.Ref.Key, marker) {
			faults = append(faults, fmt.Sprintf("Key: %s does not conform to the expected content type: %s", a.Ref.Key, a.ContentType))
		}
	}
	documents := make([]attachment, len(r.Documents))
	for i, d := range r.Documents {
		documents[i] = d.attachment
		conform(d.attachment)
	}
	repeated := twice(documents)
	for _, rec := range r.Recipients {
		own := rec.attachments()
		for _, a := range own {
			conform(a)
		}
		repeated = repeated || twice(append(own, documents...))
	}
	if repeated {
		faults = append(faults, "Same attachment compares more then once in the same request")
	}
	return faults
}

func twice(files []attachment) bool {
	sorted := slices.SortedFunc(slices.Values(files), func(a, b attachment) int {
		return cmp.Or(cmp.Compare(a.Ref.Key, b.Ref.Key), cmp.Compare(a.Digests.SHA256, b.Digests.SHA256))
	})
	return len(slices.CompactFunc(sorted, func(a, b attachment) bool {
		return a.Ref.Key == b.Ref.Key && a.Digests.SHA256 == b.Digests.SHA256
	})) < len(files)
}
