package send

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
)

func someone(t testing.TB, n int) fiscal.TaxID {
	t.Helper()
	first := fmt.Sprintf("ZZZZZZ80A01Z%03d", n)
	check, err := fiscal.CheckChar(first)
	require.NoError(t, err)
	id, err := fiscal.ParseTaxID(first + string(check))
	require.NoError(t, err)
	return id
}

func good(t testing.TB) Notification {
	ref := func(prefix, contentType string) Attachment {
		return Attachment{ContentType: contentType, Digests: Digests{SHA256: strings.Repeat("A", 43) + "="},
			Ref: Ref{Key: prefix + "-" + strings.Repeat("0", 32), VersionToken: "v1"}}
	}
	return Notification{
		PaProtocolNumber: "1", Subject: "Oggetto", NotificationFeePolicy: DeliveryMode, PaFee: new(fiscal.Cents(100)), VAT: new(22),
		PhysicalCommunicationType: RegisteredLetter890, SenderDenomination: "Comune di Esempio", SenderTaxID: "01234567897", TaxonomyCode: "010101P",
		Documents: []Document{{Title: "Atto", Attachment: ref("PN_NOTIFICATION_ATTACHMENTS", ContentPDF)}},
		Recipients: []Recipient{{
			RecipientType: NaturalPerson, TaxID: someone(t, 1), Denomination: "Zeta Zeta", DigitalDomicile: PEC("z@pec.example.it"),
			PhysicalAddress: &PhysicalAddress{Address: "Via Inventata 1", Zip: "87100", Municipality: "COSENZA", Province: "CS"},
			Payments: []Payment{{
				PagoPA: &PagoPAPayment{NoticeCode: "302010000000000001", CreditorTaxID: "01234567897", ApplyCost: true},
				F24:    &F24Payment{Title: "F24", ApplyCost: true, MetadataAttachment: ref("PN_F24_META", ContentJSON)},
			}},
		}},
	}
}

func TestGoodNotification(t *testing.T) {
	n := good(t)
	require.Empty(t, validate(&n, Config{Validation: Validation{}, Environment: pa.Production, Versions: Versions{Requests: "v2.5"}}))
}

// TestRules breaks each rule once; every rule of the table must be in it.
func TestRules(t *testing.T) {
	tests := []struct {
		rule, path string
		severity   pa.Severity
		breaks     func(n *Notification)
	}{
		{"SEND_REQUIRED", "recipients", pa.Invalid, func(n *Notification) { n.Recipients = nil }},
		{"SEND_REQUIRED", "documents", pa.Invalid, func(n *Notification) { n.Documents = nil }},
		{"SEND_REQUIRED", "subject", pa.Invalid, func(n *Notification) { n.Subject = " " }},
		{"SEND_REQUIRED", "paProtocolNumber", pa.Invalid, func(n *Notification) { n.PaProtocolNumber = "" }},
		{"SEND_REQUIRED", "recipients[0].taxId", pa.Invalid, func(n *Notification) { n.Recipients[0].TaxID = fiscal.TaxID{} }},
		{"SEND_LENGTH", "subject", pa.Invalid, func(n *Notification) { n.Subject = strings.Repeat("à", 135) }},
		{"SEND_LENGTH", "recipients[0].physicalAddress.municipality", pa.Invalid, func(n *Notification) { n.Recipients[0].PhysicalAddress.Municipality = "X" }},
		{"SEND_ONE_LINE", "abstract", pa.Invalid, func(n *Notification) { n.Abstract = "a\nb" }},
		{"SEND_TOKEN", "idempotenceToken", pa.Invalid, func(n *Notification) { n.IdempotenceToken = "è" }},
		{"SEND_TOKEN", "idempotenceToken", pa.Invalid, func(n *Notification) { n.IdempotenceToken = strings.Repeat("x", 257) }},
		{"SEND_GROUP", "group", pa.Invalid, func(n *Notification) { n.Group = "\t" }},
		{"SEND_SENDER_TAXID", "senderTaxId", pa.Invalid, func(n *Notification) { n.SenderTaxID = "IT01234567897" }},
		{"SEND_VERSION", "physicalCommunicationPriority", pa.Invalid, func(n *Notification) { n.PhysicalCommunicationPriority = new(1) }},
		{"SEND_PRIORITY", "physicalCommunicationPriority", pa.Invalid, func(n *Notification) { n.PhysicalCommunicationPriority = new(101) }},
		{"SEND_SENDER_MISMATCH", "senderTaxId", pa.Invalid, func(n *Notification) { n.SenderTaxID = "12345678903" }},
		{"SEND_TAXONOMY", "taxonomyCode", pa.Invalid, func(n *Notification) { n.TaxonomyCode = "10101P" }},
		{"SEND_IUN", "cancelledIun", pa.Invalid, func(n *Notification) { n.CancelledIUN = "X" }},
		{"SEND_ENUM", "notificationFeePolicy", pa.Invalid, func(n *Notification) { n.NotificationFeePolicy = "FREE" }},
		{"SEND_ENUM", "recipients[0].recipientType", pa.Invalid, func(n *Notification) { n.Recipients[0].RecipientType = "" }},
		{"SEND_TAXID", "recipients[0].taxId", pa.Invalid, func(n *Notification) { n.Recipients[0].TaxID = fiscal.UncheckedTaxID("ZZZZZZ80A01Z001A") }},
		{"SEND_TAXID", "recipients[0].taxId", pa.Invalid, func(n *Notification) { n.Recipients[0].RecipientType = LegalPerson }},
		{"SEND_TAXID_TEMPORARY", "recipients[0].taxId", pa.Warning, func(n *Notification) { n.Recipients[0].TaxID = fiscal.UncheckedTaxID("01234567897") }},
		{"SEND_TAXID_TWICE", "recipients[1].taxId", pa.Invalid, func(n *Notification) {
			twin := n.Recipients[0]
			twin.Payments = nil
			n.Recipients = append(n.Recipients, twin)
		}},
		{"SEND_TEST_DATA", "recipients[0].taxId", pa.Invalid, func(n *Notification) { n.Recipients[0].TaxID = fiscal.UncheckedTaxID("GLLGLL64B15G702I") }},
		{"SEND_TEST_DATA", "recipients[0].physicalAddress.address", pa.Invalid, func(n *Notification) { n.Recipients[0].PhysicalAddress.Address = "Via @ok_890" }},
		{"SEND_TEST_DATA", "recipients[0].digitalDomicile.address", pa.Invalid, func(n *Notification) { n.Recipients[0].DigitalDomicile.Address = "x@fail.it" }},
		{"SEND_TEST_DATA", "recipients[0].payments[0].pagoPa.creditorTaxId", pa.Invalid, func(n *Notification) { n.Recipients[0].Payments[0].PagoPA.CreditorTaxID = "77777777777" }},
		{"SEND_DOMICILE", "recipients[0].digitalDomicile.address", pa.Invalid, func(n *Notification) { n.Recipients[0].DigitalDomicile.Address = "nobody" }},
		{"SEND_DOMICILE", "recipients[0].digitalDomicile.type", pa.Invalid, func(n *Notification) { n.Recipients[0].DigitalDomicile.Type = "EMAIL" }},
		{"SEND_ADDRESS_LOOKUP", "recipients[0].physicalAddress", pa.Warning, func(n *Notification) { n.Recipients[0].PhysicalAddress = nil }},
		{"SEND_ADDRESS_ITALY", "recipients[0].physicalAddress.zip", pa.Invalid, func(n *Notification) { n.Recipients[0].PhysicalAddress.Zip = "" }},
		{"SEND_ADDRESS_ITALY", "recipients[0].physicalAddress.province", pa.Invalid, func(n *Notification) { n.Recipients[0].PhysicalAddress.Province = "" }},
		{"SEND_ZIP", "recipients[0].physicalAddress.zip", pa.Invalid, func(n *Notification) { n.Recipients[0].PhysicalAddress.Zip = "871/00" }},
		{"SEND_ADDRESS_CHARS", "recipients[0].physicalAddress.address", pa.Warning, func(n *Notification) { n.Recipients[0].PhysicalAddress.Address = "Via №1" }},
		{"SEND_ADDRESS_ROW", "recipients[0].physicalAddress.municipality", pa.Warning, func(n *Notification) { n.Recipients[0].PhysicalAddress.Municipality = strings.Repeat("X", 36) }},
		{"SEND_DENOMINATION", "recipients[0].denomination", pa.Warning, func(n *Notification) { n.Recipients[0].Denomination = strings.Repeat("X", 45) }},
		{"SEND_DENOMINATION", "recipients[0].denomination", pa.Warning, func(n *Notification) { n.Recipients[0].Denomination = "Ψ" }},
		{"SEND_MAX_RECIPIENTS", "recipients", pa.Warning, func(n *Notification) {
			for i := range 15 {
				r := n.Recipients[0]
				r.TaxID, r.Payments = someone(t, 2+i), nil
				n.Recipients = append(n.Recipients, r)
			}
		}},
		{"SEND_MAX_ATTACHMENTS", "recipients[0].payments", pa.Warning, func(n *Notification) {
			for i := range 15 {
				d := n.Documents[0]
				d.Ref.Key += fmt.Sprint(i)
				n.Documents = append(n.Documents, d)
			}
		}},
		{"SEND_FEE", "vat", pa.Invalid, func(n *Notification) { n.VAT = nil }},
		{"SEND_FEE", "paFee", pa.Invalid, func(n *Notification) { n.PaFee = new(fiscal.Cents(101)) }},
		{"SEND_AMOUNT", "amount", pa.Invalid, func(n *Notification) { n.Amount = new(fiscal.Cents(1 << 31)) }},
		{"SEND_LANGUAGE", "additionalLanguages", pa.Invalid, func(n *Notification) { n.AdditionalLanguages = []string{"DE", "FR"} }},
		{"SEND_LANGUAGE_UNKNOWN", "additionalLanguages[0]", pa.Warning, func(n *Notification) { n.AdditionalLanguages = []string{"SI"} }},
		{"SEND_PAYMENT_EMPTY", "recipients[0].payments[1]", pa.Invalid, func(n *Notification) { n.Recipients[0].Payments = append(n.Recipients[0].Payments, Payment{}) }},
		{"SEND_NOTICE", "recipients[0].payments[0].pagoPa.noticeCode", pa.Invalid, func(n *Notification) { n.Recipients[0].Payments[0].PagoPA.NoticeCode = "1" }},
		{"SEND_CREDITOR", "recipients[0].payments[0].pagoPa.creditorTaxId", pa.Invalid, func(n *Notification) { n.Recipients[0].Payments[0].PagoPA.CreditorTaxID = "1" }},
		{"SEND_NOTICE_TWICE", "recipients[0].payments[1].pagoPa.noticeCode", pa.Invalid, func(n *Notification) {
			n.Recipients[0].Payments = append(n.Recipients[0].Payments, Payment{PagoPA: n.Recipients[0].Payments[0].PagoPA})
		}},
		{"SEND_F24_TITLE", "recipients[0].payments[0].f24.title", pa.Invalid, func(n *Notification) { n.Recipients[0].Payments[0].F24.Title = "" }},
		{"SEND_APPLY_COST", "recipients[0].payments(pagoPa)", pa.Invalid, func(n *Notification) { n.Recipients[0].Payments[0].PagoPA.ApplyCost = false }},
		{"SEND_APPLY_COST", "recipients[0].payments(f24)", pa.Invalid, func(n *Notification) { n.NotificationFeePolicy = FlatRate }},
		{"SEND_ASYNC_PAYMENTS", "recipients[0].payments", pa.Invalid, func(n *Notification) { n.PagoPaIntMode, n.Recipients[0].Payments = IntModeAsync, nil }},
		{"SEND_CONTENT_TYPE", "documents[0].contentType", pa.Invalid, func(n *Notification) { n.Documents[0].ContentType = "text/plain" }},
		{"SEND_REFERENCE", "documents[0]", pa.Invalid, func(n *Notification) { n.Documents[0].Ref.VersionToken = "" }},
		{"SEND_REFERENCE", "documents[0]", pa.Invalid, func(n *Notification) { n.Documents[0].Ref.Key = "PN_F24_META-1" }},
		{"SEND_ATTACHMENT_TWICE", "documents[1]", pa.Invalid, func(n *Notification) { n.Documents = append(n.Documents, n.Documents[0]) }},
	}
	seen := map[string]bool{"SEND_ADDRESS_MISSING": true} // of older versions: below
	for _, tt := range tests {
		seen[tt.rule] = true
		n := good(t)
		tt.breaks(&n)
		found := validate(&n, Config{Environment: pa.Production, Sender: "01234567897", Versions: Versions{Requests: "v2.5"}})
		i := slices.IndexFunc(found, func(f pa.Finding) bool { return f.Rule == tt.rule && f.Path == tt.path })
		require.GreaterOrEqual(t, i, 0, "%s at %s: %v", tt.rule, tt.path, found)
		require.Equal(t, tt.severity, found[i].Severity)
		for _, value := range []string{firstOf(&n).TaxID.Value(), "Zeta Zeta", "Via Inventata", "302010000000000001"} {
			require.False(t, value != "" && strings.Contains(found[i].String(), value), "a finding never shows a value")
		}
	}
	for _, r := range rules() {
		require.True(t, seen[r.code], "no test breaks %s", r.code)
		require.NotEmpty(t, r.text.IT)
		require.NotEmpty(t, r.text.EN)
	}
}

func firstOf(n *Notification) Recipient {
	if len(n.Recipients) == 0 {
		return Recipient{}
	}
	return n.Recipients[0]
}

func TestTestDataPassesOutsideProduction(t *testing.T) {
	for _, id := range testTaxIDs[:4] {
		n := good(t)
		n.Recipients[0].TaxID = fiscal.UncheckedTaxID(id)
		n.Recipients[0].DigitalDomicile.Address = "x@sequence.5s-C000.5s-C001.it"
		n.Recipients[0].PhysicalAddress.Address = "Via @sequence.5m-RECAG001C[DOC:AR;FAILCAUSE:M05]"
		n.Recipients[0].Payments[0].PagoPA.CreditorTaxID = "77777777777"
		for _, env := range []pa.Environment{pa.UAT, pa.Simulator} {
			for _, f := range validate(&n, Config{Validation: Validation{MaxAddressRow: -1}, Environment: env, Versions: Versions{Requests: "v2.5"}}) {
				t.Errorf("%s: %v", env, f)
			}
		}
		require.NotEmpty(t, validate(&n, Config{Validation: Validation{}, Environment: pa.Production, Versions: Versions{Requests: "v2.5"}}))
	}
}

func TestValidationSettings(t *testing.T) {
	n := good(t)
	n.Recipients[0].Denomination = strings.Repeat("X", 80)
	n.Recipients[0].PhysicalAddress = nil
	require.Len(t, validate(&n, Config{Validation: Validation{}, Environment: pa.UAT, Versions: Versions{Requests: "v2.5"}}), 2)
	require.Empty(t, validate(&n, Config{Validation: Validation{MaxDenomination: 88, AddressLookup: true}, Environment: pa.UAT, Versions: Versions{Requests: "v2.5"}}))
	promoted := validate(&n, Config{Validation: Validation{Promote: []string{"SEND_DENOMINATION"}}, Environment: pa.UAT, Versions: Versions{Requests: "v2.5"}})
	require.Error(t, pa.NewValidationError("x", promoted))
	require.NoError(t, pa.NewValidationError("x", validate(&n, Config{Validation: Validation{}, Environment: pa.UAT, Versions: Versions{Requests: "v2.5"}})))
	older := validate(&n, Config{Validation: Validation{AddressLookup: true}, Environment: pa.UAT, Versions: Versions{Requests: "v2.4"}})
	require.Equal(t, "SEND_ADDRESS_MISSING", older[0].Rule)
}

func TestTextsAreComplete(t *testing.T) {
	for code, text := range codeTexts {
		require.NotEmpty(t, text.IT, code)
		require.NotEmpty(t, text.EN, code)
	}
	for code := range meanings {
		require.Contains(t, codeTexts, code)
	}
	for code := range refusalTexts {
		r := RefusalError{Code: code, RecIndex: new(1)}
		require.Contains(t, r.Message(pa.Italian), "recipients[1]")
		require.NotEqual(t, r.Message(pa.Italian), r.Message(pa.English))
	}
	unknown := RefusalError{Code: "NEW_CODE"}
	require.Contains(t, unknown.Message(pa.Italian), "NEW_CODE")
}
