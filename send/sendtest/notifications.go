package sendtest

import (
	"net/http"
	"slices"
	"time"

	"github.com/pa-italia/sdk-go/internal/sim"
)

// notification is a request and what has become of it.
type notification struct {
	server     *Server
	taxID      string // of the sender
	req        request
	iun        string
	requestID  string
	sentAt     time.Time
	recipients []*addressee
	timeline   []*element
	accepted   bool
	refusals   []refusal
	notices    []*notice

	partial     bool       // sent without fees: GPD is told the partial price
	validations int        // so far
	withdrawn   bool       // its cancellation has been asked for
	cancelled   bool       // and is done
	invalidated []*element // by corrections of the timeline
}

// addressee is a recipient and the course of the delivery to them.
type addressee struct {
	n     *notification
	index int
	recipient
	aar      *object
	viewed   time.Time // the first view
	refined  time.Time
	due      time.Time // scheduled refinement
	cost     int64     // analog cost so far
	paid     bool      // a payment of theirs is known
	reworks  int       // corrections of the timeline
	letter   *envelope // the last paper attempt
	progress map[string]int
}

// notice is a pagoPA notice number in use.
type notice struct {
	n              *notification
	recipient      int
	applyCost      bool
	creditor, code string
	updated        bool // its debt position carries a fee
	paid           bool
}

// visibleTo reports whether a sender may read a notification: it is of the
// same administration and, for a key with groups, of one of them.
func (n *notification) visibleTo(sender *Sender) bool {
	return n.taxID == sender.TaxID && (len(sender.Groups) == 0 || slices.Contains(sender.Groups, n.req.Group))
}

func (n *notification) lacksAddress() bool {
	return slices.ContainsFunc(n.req.Recipients, func(r recipient) bool { return r.PhysicalAddress == nil })
}

// sentVersion is a published version of the detail of a notification.
type sentVersion struct {
	path     string
	element  elementVersion
	form     requestForm
	services bool // usedServices
}

var sentVersions = []sentVersion{
	{"v2.9/", elementV28, requestForm{languages: true, priority: true}, true},
	{"v2.8/", elementV28, requestForm{languages: true}, true},
	{"v2.7/", elementV27, requestForm{languages: true}, true},
	{"v2.6/", elementV26, requestForm{languages: true, addressed: true}, false},
	{"v2.5/", elementV25, requestForm{languages: true, addressed: true}, false},
	{"v2.4/", elementV24, requestForm{addressed: true}, false},
	{"v2.3/", elementV23, requestForm{addressed: true}, false},
	{"v2.1/", elementV20, requestForm{addressed: true}, false},
	{"v2.0/", elementV20, requestForm{addressed: true, single: true}, false},
	{"", elementV1, requestForm{addressed: true, single: true}, false},
}

type sentResponse struct {
	request
	SenderPaID                string        `json:"senderPaId"`
	IUN                       string        `json:"iun"`
	SentAt                    stamp         `json:"sentAt"`
	DocumentsAvailable        bool          `json:"documentsAvailable"`
	UsedServices              *usedServices `json:"usedServices,omitempty"`
	NotificationStatus        string        `json:"notificationStatus"`
	NotificationStatusHistory []statusEntry `json:"notificationStatusHistory"`
	Timeline                  []wireElement `json:"timeline"`
}

type usedServices struct {
	PhysicalAddressLookup bool `json:"physicalAddressLookup"`
}

func (s *Server) sentNotification(c *call, v sentVersion) sim.Reply {
	n, refused := s.find(c, codeNotFound)
	if refused != nil {
		return *refused
	}
	if !v.form.shows(n) {
		return s.failOne(http.StatusBadRequest, codeInvalid, "Unable to transform the notification into this version of the API")
	}
	h := v.element.history(n)
	out := sentResponse{
		request:                   v.form.trim(n.req),
		SenderPaID:                n.senderID(),
		IUN:                       n.iun,
		SentAt:                    stamp(n.sentAt),
		DocumentsAvailable:        n.documentsAvailable(c.Now),
		NotificationStatus:        h[len(h)-1].Status,
		NotificationStatusHistory: h,
		Timeline:                  v.element.timeline(n),
	}
	if v.services {
		out.UsedServices = &usedServices{n.lacksAddress()}
	}
	return sim.JSON(http.StatusOK, out)
}

// senderID is the identifier of the sender inside the platform.
func (n *notification) senderID() string { return "simulated-" + n.taxID }

// find returns the accepted notification of a path, for its sender only.
func (s *Server) find(c *call, code string) (*notification, *sim.Reply) {
	iun := c.PathValue("iun")
	if faults := iunSchema.Check(iun); faults != nil {
		r := s.invalid(codeInvalidParameters, faults)
		return nil, &r
	}
	n := s.byIUN[iun]
	if n == nil || !n.accepted || !n.visibleTo(c.sender) {
		r := s.failOne(http.StatusNotFound, code, "Notification not found")
		return nil, &r
	}
	return n, nil
}

// perfected returns when the notification took effect for a recipient, or the
// zero time.
func (a *addressee) perfected() time.Time {
	switch {
	case a.viewed.IsZero():
		return a.refined
	case a.refined.IsZero() || a.viewed.Before(a.refined):
		return a.viewed
	default:
		return a.refined
	}
}

// documentsAvailable reports whether the term after the last perfection is
// still open.
func (n *notification) documentsAvailable(now time.Time) bool {
	for _, a := range n.recipients {
		if p := a.perfected(); p.IsZero() || now.Before(p.Add(n.server.set.terms.Documents)) {
			return true
		}
	}
	return false
}

// Notification is what a simulator holds of a notification.
type Notification struct {
	IUN                   string // known here also before the acceptance
	NotificationRequestID string
	PaProtocolNumber      string
	IdempotenceToken      string
	SenderTaxID           string
	Subject               string
	Status                string
	Refusals              []string // codes
	Documents             []Document
	Recipients            []Recipient
	Categories            []string // of the timeline, in order of publication
	SentAt                time.Time
}

// Document is a file of a notification.
type Document struct {
	Key          string
	VersionToken string
	SHA256       string // base64, as in the request
	Stored       bool   // the bytes are there and have this digest
}

// Recipient is the course of the delivery to a recipient.
type Recipient struct {
	AnalogCost int64     // euro cents so far
	Viewed     time.Time // zero: not yet
	Refined    time.Time
	Paid       bool // a payment of theirs is known
	Attempts   int  // paper envelopes sent, the simple registered letter apart
}

// Notifications returns all notifications, in the order of their requests.
func (s *Server) Notifications() []Notification {
	var out []Notification
	s.do(func(time.Time) {
		for _, n := range s.notifications {
			out = append(out, n.snapshot())
		}
	})
	return out
}

func (n *notification) snapshot() Notification {
	out := Notification{
		IUN:                   n.iun,
		NotificationRequestID: n.requestID,
		PaProtocolNumber:      n.req.PaProtocolNumber,
		IdempotenceToken:      n.req.IdempotenceToken,
		SenderTaxID:           n.taxID,
		Subject:               n.req.Subject,
		Status:                n.status(),
		SentAt:                n.sentAt,
	}
	for _, r := range n.refusals {
		out.Refusals = append(out.Refusals, r.Code)
	}
	for _, d := range n.req.Documents {
		o := n.server.stored(d.Ref)
		out.Documents = append(out.Documents, Document{
			Key: d.Ref.Key, VersionToken: d.Ref.VersionToken, SHA256: d.Digests.SHA256,
			Stored: o != nil && digest(o.body) == d.Digests.SHA256,
		})
	}
	for _, a := range n.recipients {
		r := Recipient{AnalogCost: a.cost, Viewed: a.viewed, Refined: a.refined, Paid: a.paid}
		for _, e := range n.timeline {
			if e.category == catSendAnalog && e.recipient == a.index {
				r.Attempts++
			}
		}
		out.Recipients = append(out.Recipients, r)
	}
	for _, e := range n.timeline {
		out.Categories = append(out.Categories, e.category)
	}
	return out
}
