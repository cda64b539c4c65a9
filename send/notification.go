package send

import (
	"iter"
	"slices"
	"strconv"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
)

// Notification is a request for notification, in the shape of the platform
// (NewNotificationRequestV25 of the SEND B2B contract 2.24.2). Its JSON is
// that of the platform, with the file of each attachment in place of digests
// and ref, so one read from a file can be deposited.
type Notification struct {
	// IdempotenceToken tells two requests with the same PaProtocolNumber
	// apart. A [Deposit] derives one where it is empty; after a refusal a
	// corrected request needs another.
	IdempotenceToken string `json:"idempotenceToken,omitempty"`
	// PaProtocolNumber is the sender's own number of the act (numero di protocollo).
	PaProtocolNumber          string        `json:"paProtocolNumber"`
	Subject                   string        `json:"subject"`            // oggetto, up to 134 characters
	Abstract                  string        `json:"abstract,omitempty"` // up to 1024 characters
	Recipients                []Recipient   `json:"recipients"`
	Documents                 []Document    `json:"documents"` // atti notificati
	NotificationFeePolicy     FeePolicy     `json:"notificationFeePolicy"`
	CancelledIUN              string        `json:"cancelledIun,omitempty"`
	PhysicalCommunicationType PhysicalType  `json:"physicalCommunicationType"`
	SenderDenomination        string        `json:"senderDenomination"`
	SenderTaxID               string        `json:"senderTaxId"` // of the body that owns the API key
	Group                     string        `json:"group,omitempty"`
	Amount                    *fiscal.Cents `json:"amount,omitempty"` // informative
	PaymentExpirationDate     pa.Date       `json:"paymentExpirationDate,omitzero"`
	TaxonomyCode              string        `json:"taxonomyCode"` // like 010101P
	// PaFee is the sender's own cost, in cents from 0 to 100, and VAT the
	// percentage on the cost of paper; both are needed with [DeliveryMode].
	PaFee               *fiscal.Cents `json:"paFee,omitempty"`
	VAT                 *int          `json:"vat,omitempty"`
	PagoPaIntMode       IntMode       `json:"pagoPaIntMode,omitempty"`
	AdditionalLanguages []string      `json:"additionalLanguages,omitempty"` // since v2.4
	// PhysicalCommunicationPriority orders the paper of a sender, from 0 to
	// 100; since v2.6 of the requests.
	PhysicalCommunicationPriority *int `json:"physicalCommunicationPriority,omitempty"`
}

// FeePolicy says who bears the cost of notification.
type FeePolicy string

const (
	FlatRate     FeePolicy = "FLAT_RATE"     // the sender; a lump sum may already be in the amount due
	DeliveryMode FeePolicy = "DELIVERY_MODE" // the recipient, as it turns out to be
)

// PhysicalType is the kind of registered letter used on paper.
type PhysicalType string

const (
	RegisteredLetterAR  PhysicalType = "AR_REGISTERED_LETTER"
	RegisteredLetter890 PhysicalType = "REGISTERED_LETTER_890" // judicial acts, law 890/1982
)

// IntMode is how the cost reaches the debt position.
type IntMode string

const (
	IntModeNone  IntMode = "NONE"
	IntModeSync  IntMode = "SYNC"  // the creditor asks SEND when the recipient pays
	IntModeAsync IntMode = "ASYNC" // SEND updates the position on GPD
)

// Recipient is a person or body that the act is notified to.
type Recipient struct {
	RecipientType   RecipientType    `json:"recipientType"`
	TaxID           fiscal.TaxID     `json:"taxId"`
	Denomination    string           `json:"denomination"`
	DigitalDomicile *DigitalDomicile `json:"digitalDomicile,omitempty"` // domicilio digitale speciale
	PhysicalAddress *PhysicalAddress `json:"physicalAddress,omitempty"`
	// Payments are the ways to pay. The platform takes none and an empty list
	// alike; an empty list that is not nil is sent as one, for test servers
	// that want it.
	Payments []Payment `json:"payments,omitzero"`
}

// RecipientType tells persons from bodies.
type RecipientType string

const (
	NaturalPerson RecipientType = "PF" // persona fisica
	LegalPerson   RecipientType = "PG" // persona giuridica
)

// DigitalDomicile is a certified mail address given by the sender.
type DigitalDomicile struct {
	Type    string `json:"type"` // PEC
	Address string `json:"address"`
}

// PEC returns the digital domicile with that address.
func PEC(address string) *DigitalDomicile { return &DigitalDomicile{Type: "PEC", Address: address} }

// PhysicalAddress is a postal address. Zip and Province are needed in Italy;
// each printed row holds 44 characters.
type PhysicalAddress struct {
	At                  string `json:"at,omitempty"` // presso
	Address             string `json:"address"`
	AddressDetails      string `json:"addressDetails,omitempty"`
	Zip                 string `json:"zip,omitempty"`
	Municipality        string `json:"municipality"`
	MunicipalityDetails string `json:"municipalityDetails,omitempty"` // frazione
	Province            string `json:"province,omitempty"`
	ForeignState        string `json:"foreignState,omitempty"` // empty means Italy
}

// Payment is one way to pay: a pagoPA notice, an F24, or both.
type Payment struct {
	PagoPA *PagoPAPayment `json:"pagoPa,omitempty"`
	F24    *F24Payment    `json:"f24,omitempty"`
}

// PagoPAPayment is a pagoPA notice (avviso di pagamento).
type PagoPAPayment struct {
	NoticeCode    string      `json:"noticeCode"` // codice avviso, 18 digits
	CreditorTaxID string      `json:"creditorTaxId"`
	ApplyCost     bool        `json:"applyCost"` // the cost of notification goes on this one
	Attachment    *Attachment `json:"attachment,omitempty"`
}

// F24Payment is an F24, whose PDF the platform makes from its metadata.
type F24Payment struct {
	Title              string     `json:"title"`
	ApplyCost          bool       `json:"applyCost"`
	MetadataAttachment Attachment `json:"metadataAttachment"`
}

// Document is an act.
type Document struct {
	Attachment
	Title  string `json:"title,omitempty"`
	DocIdx string `json:"docIdx,omitempty"` // set by the platform: a number in a string
}

// Attachment is a file: by name before it is deposited, by reference after.
type Attachment struct {
	Digests     Digests `json:"digests"`
	ContentType string  `json:"contentType"`
	Ref         Ref     `json:"ref"`

	// File is the name under which the [Source] of a deposit finds the
	// content. It is this package's own and is not sent to the platform.
	File string `json:"file,omitempty"`
}

// Content types of attachments.
const (
	ContentPDF  = "application/pdf"
	ContentJSON = "application/json" // metadata of an F24
)

// PDF returns an attachment whose content is found under that name.
func PDF(file string) Attachment { return Attachment{ContentType: ContentPDF, File: file} }

// F24Metadata returns the metadata of an F24, found under that name.
func F24Metadata(file string) Attachment { return Attachment{ContentType: ContentJSON, File: file} }

// Digests are the digests of a file.
type Digests struct {
	SHA256 string `json:"sha256"` // base64 of the 32 bytes
}

// Ref is where the platform stored a file.
type Ref struct {
	Key          string `json:"key"`
	VersionToken string `json:"versionToken"`
}

// attachments walks over all attachments in the order of the platform's own
// paths: documents[0], recipients[0].payments[0].pagoPa.attachment, …
func (n *Notification) attachments() iter.Seq2[string, *Attachment] {
	return func(yield func(string, *Attachment) bool) {
		for i := range n.Documents {
			if !yield(at("documents", i), &n.Documents[i].Attachment) {
				return
			}
		}
		for path, p := range n.payments() {
			if p.PagoPA != nil && p.PagoPA.Attachment != nil && !yield(path+".pagoPa.attachment", p.PagoPA.Attachment) {
				return
			}
			if p.F24 != nil && !yield(path+".f24.metadataAttachment", &p.F24.MetadataAttachment) {
				return
			}
		}
	}
}

func (n *Notification) payments() iter.Seq2[string, *Payment] {
	return func(yield func(string, *Payment) bool) {
		for i := range n.Recipients {
			for j := range n.Recipients[i].Payments {
				if !yield(at("recipients", i)+"."+at("payments", j), &n.Recipients[i].Payments[j]) {
					return
				}
			}
		}
	}
}

// clone shares no memory with n.
func (n Notification) clone() Notification {
	n.Amount, n.PaFee, n.VAT = clonePtr(n.Amount), clonePtr(n.PaFee), clonePtr(n.VAT)
	n.PhysicalCommunicationPriority = clonePtr(n.PhysicalCommunicationPriority)
	n.AdditionalLanguages = slices.Clone(n.AdditionalLanguages)
	n.Documents = slices.Clone(n.Documents)
	n.Recipients = slices.Clone(n.Recipients)
	for i := range n.Recipients {
		r := &n.Recipients[i]
		r.DigitalDomicile, r.PhysicalAddress, r.Payments = clonePtr(r.DigitalDomicile), clonePtr(r.PhysicalAddress), slices.Clone(r.Payments)
		for j := range r.Payments {
			p := &r.Payments[j]
			p.PagoPA, p.F24 = clonePtr(p.PagoPA), clonePtr(p.F24)
			if p.PagoPA != nil {
				p.PagoPA.Attachment = clonePtr(p.PagoPA.Attachment)
			}
		}
	}
	return n
}

func clonePtr[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
