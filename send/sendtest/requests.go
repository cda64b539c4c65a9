package sendtest

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/sim"
)

// The wire form of a notification request. What a version lacks is simply
// absent: its schema has already refused it.

type request struct {
	IdempotenceToken          string      `json:"idempotenceToken,omitempty"`
	PaProtocolNumber          string      `json:"paProtocolNumber"`
	Subject                   string      `json:"subject"`
	Abstract                  string      `json:"abstract,omitempty"`
	Recipients                []recipient `json:"recipients"`
	Documents                 []document  `json:"documents"`
	NotificationFeePolicy     string      `json:"notificationFeePolicy"`
	CancelledIun              string      `json:"cancelledIun,omitempty"`
	PhysicalCommunicationType string      `json:"physicalCommunicationType"`
	SenderDenomination        string      `json:"senderDenomination"`
	SenderTaxID               string      `json:"senderTaxId"`
	Group                     string      `json:"group,omitempty"`
	Amount                    *int32      `json:"amount,omitempty"`
	PaymentExpirationDate     string      `json:"paymentExpirationDate,omitempty"`
	TaxonomyCode              string      `json:"taxonomyCode"`
	PaFee                     *int32      `json:"paFee,omitempty"`
	Vat                       *int32      `json:"vat,omitempty"`
	PagoPaIntMode             string      `json:"pagoPaIntMode,omitempty"`
	AdditionalLanguages       []string    `json:"additionalLanguages,omitempty"`

	PhysicalCommunicationPriority *int32 `json:"physicalCommunicationPriority,omitempty"`
}

type recipient struct {
	RecipientType   string           `json:"recipientType"`
	TaxID           string           `json:"taxId"`
	Denomination    string           `json:"denomination"`
	DigitalDomicile *digitalAddress  `json:"digitalDomicile,omitempty"`
	PhysicalAddress *physicalAddress `json:"physicalAddress,omitempty"`
	Payments        []payment        `json:"payments,omitempty"`
	Payment         *singlePayment   `json:"payment,omitempty"` // in replies of the oldest versions
}

type digitalAddress struct {
	Type    string `json:"type"`
	Address string `json:"address"`
}

type physicalAddress struct {
	At                  string `json:"at,omitempty"`
	Address             string `json:"address"`
	AddressDetails      string `json:"addressDetails,omitempty"`
	Zip                 string `json:"zip,omitempty"`
	Municipality        string `json:"municipality"`
	MunicipalityDetails string `json:"municipalityDetails,omitempty"`
	Province            string `json:"province,omitempty"`
	ForeignState        string `json:"foreignState,omitempty"`
}

func (a physicalAddress) italian() bool {
	state := strings.ToUpper(strings.TrimSpace(a.ForeignState))
	return state == "" || strings.HasPrefix(state, "ITAL")
}

type payment struct {
	PagoPa *pagoPaPayment `json:"pagoPa,omitempty"`
	F24    *f24Payment    `json:"f24,omitempty"`
}

type pagoPaPayment struct {
	NoticeCode    string      `json:"noticeCode"`
	CreditorTaxID string      `json:"creditorTaxId"`
	ApplyCost     bool        `json:"applyCost"`
	Attachment    *attachment `json:"attachment,omitempty"`
}

type f24Payment struct {
	Title              string     `json:"title"`
	ApplyCost          bool       `json:"applyCost"`
	MetadataAttachment attachment `json:"metadataAttachment"`
}

// singlePayment is the one pagoPA payment that a recipient had before V21.
type singlePayment struct {
	NoticeCode            string      `json:"noticeCode"`
	CreditorTaxID         string      `json:"creditorTaxId"`
	NoticeCodeAlternative string      `json:"noticeCodeAlternative,omitempty"`
	PagoPaForm            *attachment `json:"pagoPaForm,omitempty"`
}

type attachment struct {
	Digests     digests `json:"digests"`
	ContentType string  `json:"contentType"`
	Ref         ref     `json:"ref"`
}

type digests struct {
	SHA256 string `json:"sha256"`
}

type ref struct {
	Key          string `json:"key"`
	VersionToken string `json:"versionToken"`
}

type document struct {
	attachment
	Title  string `json:"title,omitempty"`
	DocIdx string `json:"docIdx,omitempty"`
}

// attachments returns the attachments of the payments of a recipient.
func (r recipient) attachments() []attachment {
	var all []attachment
	for _, p := range r.Payments {
		if p.PagoPa != nil && p.PagoPa.Attachment != nil {
			all = append(all, *p.PagoPa.Attachment)
		}
		if p.F24 != nil {
			all = append(all, p.F24.MetadataAttachment)
		}
	}
	return all
}

// requestForm is what a version knows of a request. The adapters drop the
// rest, in both directions.
type requestForm struct {
	languages bool // additionalLanguages
	priority  bool // physicalCommunicationPriority
	addressed bool // the physical address is mandatory
	single    bool // one payment for each recipient, and no fees
}

// trim returns a request without what a form does not know.
func (f requestForm) trim(r request) request {
	if !f.languages {
		r.AdditionalLanguages = nil
	}
	if !f.priority {
		r.PhysicalCommunicationPriority = nil
	}
	if f.single {
		r.PaFee, r.Vat = nil, nil
		r.Recipients = slices.Clone(r.Recipients)
		for i := range r.Recipients {
			r.Recipients[i].fold()
		}
	}
	return r
}

// fold writes the payments of a recipient as one, whose alternative notice
// number is the second.
func (r *recipient) fold() {
	for _, p := range r.Payments {
		switch {
		case r.Payment == nil:
			r.Payment = &singlePayment{NoticeCode: p.PagoPa.NoticeCode, CreditorTaxID: p.PagoPa.CreditorTaxID, PagoPaForm: p.PagoPa.Attachment}
		default:
			r.Payment.NoticeCodeAlternative = p.PagoPa.NoticeCode
		}
	}
	r.Payments = nil
}

// shows reports whether a notification can be written in a form at all.
func (f requestForm) shows(n *notification) bool {
	if f.addressed && n.lacksAddress() {
		return false
	}
	return !f.single || n.req.PagoPaIntMode != async && !slices.ContainsFunc(n.req.Recipients, func(r recipient) bool {
		return len(r.Payments) > 2 || slices.ContainsFunc(r.Payments, func(p payment) bool { return p.PagoPa == nil || p.F24 != nil })
	})
}

// requestVersion is a published version of the requests.
type requestVersion struct {
	path     string
	schema   *sim.Schema
	form     requestForm
	recIndex bool // a refusal tells its recipient
	optional bool // paFee and vat may be missing, unless the mode is ASYNC
}

var requestVersions = []requestVersion{
	{path: "v2.6/", schema: requestSchema(), form: requestForm{languages: true, priority: true}, recIndex: true},
	{path: "v2.5/", schema: requestSchema(), form: requestForm{languages: true}, recIndex: true},
	{path: "v2.4/", schema: requestSchema("physicalAddress"), form: requestForm{languages: true, addressed: true}},
	{path: "v2.3/", schema: requestSchema("physicalAddress"), form: requestForm{addressed: true}},
	{path: "v2.1/", schema: requestSchema("physicalAddress"), form: requestForm{addressed: true}, optional: true},
}

type submitResponse struct {
	NotificationRequestID string `json:"notificationRequestId"`
	PaProtocolNumber      string `json:"paProtocolNumber"`
	IdempotenceToken      string `json:"idempotenceToken,omitempty"`
}

func (s *Server) submit(c *call, v requestVersion) sim.Reply {
	var r request
	if refused := s.body(c, v.schema, &r); refused != nil {
		return *refused
	}
	r = v.form.trim(r)
	if refused := s.checkRequest(c.sender, &r, v); refused != nil {
		return *refused
	}
	setDefaults(&r)
	n := s.register(c.sender, r, c.Now)
	n.partial = v.optional
	return sim.JSON(http.StatusAccepted, submitResponse{n.requestID, r.PaProtocolNumber, r.IdempotenceToken})
}

// setDefaults adds what the service adds to a request.
func setDefaults(r *request) {
	if r.Vat == nil {
		r.Vat = new(int32(22))
	}
	if r.PaFee == nil {
		r.PaFee = new(int32(100))
	}
	if r.PagoPaIntMode == "" {
		paying := slices.ContainsFunc(r.Recipients, func(rec recipient) bool { return len(rec.Payments) > 0 })
		r.PagoPaIntMode = "NONE"
		if paying && r.NotificationFeePolicy == deliveryMode {
			r.PagoPaIntMode = "SYNC"
		}
	}
	if r.PhysicalCommunicationPriority == nil {
		r.PhysicalCommunicationPriority = new(int32(0))
	}
	for i := range r.Documents {
		r.Documents[i].DocIdx = strconv.Itoa(i)
	}
}

const (
	deliveryMode = "DELIVERY_MODE"
	flatRate     = "FLAT_RATE"
	async        = "ASYNC"
)

// register takes a request that is in order and starts its life.
func (s *Server) register(sender *Sender, r request, now time.Time) *notification {
	n := &notification{
		server: s,
		taxID:  sender.TaxID,
		req:    r,
		iun:    s.newIUN(now),
		sentAt: now,
	}
	n.requestID = base64.StdEncoding.EncodeToString([]byte(n.iun))
	for i := range r.Recipients {
		n.recipients = append(n.recipients, &addressee{n: n, index: i, recipient: r.Recipients[i]})
	}
	s.notifications = append(s.notifications, n)
	s.byIUN[n.iun] = n
	s.protocols[protocolKey(sender.TaxID, r)] = n
	for i, rec := range r.Recipients {
		for _, p := range rec.Payments {
			if p.PagoPa != nil {
				link := &notice{n: n, recipient: i, applyCost: p.PagoPa.ApplyCost, creditor: p.PagoPa.CreditorTaxID, code: p.PagoPa.NoticeCode}
				n.notices = append(n.notices, link)
				s.notices[noticeKey(link.creditor, link.code)] = link
			}
		}
	}
	s.after(now, s.set.terms.Acceptance/2, n.acknowledge)
	return n
}

// protocolKey is the first of the uniqueness keys; a missing token counts as
// the text null.
func protocolKey(taxID string, r request) string {
	token := r.IdempotenceToken
	if token == "" {
		token = "null"
	}
	return taxID + "##" + r.PaProtocolNumber + "##" + token
}

func noticeKey(creditorTaxID, noticeCode string) string { return creditorTaxID + "##" + noticeCode }

// newIUN makes an identifier as the platform does: no equal neighbours and no
// pairs that are easily misread.
func (s *Server) newIUN(now time.Time) string {
	for {
		groups := []string{s.letters(), s.letters(), s.letters(), now.UTC().Format("200601"), string(iunLetters[s.sim.Rand().IntN(len(iunLetters))]), "1"}
		iun := strings.Join(groups, "-")
		if s.byIUN[iun] == nil {
			return iun
		}
	}
}

const iunLetters = "ADEGHJKLMNPQRTUVWXYZ"

func (s *Server) letters() string {
	b := make([]byte, 0, 4)
	for len(b) < 4 {
		l := iunLetters[s.sim.Rand().IntN(len(iunLetters))]
		if len(b) > 0 {
			last := b[len(b)-1]
			if last == l || slices.Contains([]string{"UV", "VU", "HN", "NH", "LJ"}, string([]byte{last, l})) {
				continue
			}
		}
		b = append(b, l)
	}
	return string(b)
}

type requestStatusResponse struct {
	request
	NotificationRequestID     string    `json:"notificationRequestId"`
	NotificationRequestStatus string    `json:"notificationRequestStatus"`
	RetryAfter                *int64    `json:"retryAfter,omitempty"`
	IUN                       string    `json:"iun,omitempty"`
	Errors                    []refusal `json:"errors,omitempty"`
}

// refusal is a reason of a REFUSED request.
type refusal struct {
	Code     string `json:"code"`
	Detail   string `json:"detail,omitempty"`
	RecIndex *int   `json:"recIndex,omitempty"`
}

func (s *Server) requestStatus(c *call, v requestVersion) sim.Reply {
	q := c.URL.Query()
	id, protocol, token := q.Get("notificationRequestId"), q.Get("paProtocolNumber"), q.Get("idempotenceToken")
	var n *notification
	switch {
	case id != "":
		if iun, err := base64.StdEncoding.DecodeString(id); err == nil {
			n = s.byIUN[string(iun)]
		}
	case protocol != "" && token != "":
		n = s.protocols[c.sender.TaxID+"##"+protocol+"##"+token]
	default:
		return s.failOne(http.StatusBadRequest, codeInvalid, "Please specify either notificationRequestId or paProtocolNumber and idempotenceToken")
	}
	if n == nil || !n.visibleTo(c.sender) || !v.form.shows(n) {
		return s.failOne(http.StatusNotFound, codeNotFound, "Unable to find notification with that request identifier")
	}
	out := requestStatusResponse{request: v.form.trim(n.req), NotificationRequestID: n.requestID}
	switch {
	case n.accepted:
		out.NotificationRequestStatus, out.IUN = "ACCEPTED", n.iun
	case len(n.refusals) > 0:
		out.NotificationRequestStatus = "REFUSED"
		for _, r := range n.refusals {
			if !v.recIndex {
				r.RecIndex = nil
			}
			out.Errors = append(out.Errors, r)
		}
	default:
		out.NotificationRequestStatus = "WAITING"
		out.RetryAfter = new(s.seconds(s.set.terms.RequestRetry))
	}
	return sim.JSON(http.StatusOK, out)
}

// seconds scales a wait for a client and rounds it up to whole seconds, one at
// least: a field that is given in seconds cannot ask for less.
func (s *Server) seconds(d time.Duration) int64 {
	wait := s.set.clock.Wait(d)
	return max(1, int64((wait+time.Second-1)/time.Second))
}
