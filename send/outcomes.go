package send

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/pa"
)

// Outcomes is what a notification has come to: for the sender, and for each
// recipient on its own. It is drawn from the timeline, whose elements may come
// in any order; elements that a correction invalidated are not counted.
type Outcomes struct {
	IUN          string
	Status       Status // of the whole: it says little of a single recipient
	Sender       SenderOutcome
	Recipients   []RecipientOutcome // by recIndex
	Cancellation Cancellation
	Corrections  []Correction // what SEND took back, oldest first
	Unknown      []Category   // categories that this package does not know: they count for nothing here
}

// SenderOutcome is the notification as it stands for the sender.
type SenderOutcome struct {
	// DepositedAt is when SEND received the request, AcceptedAt when it
	// accepted it: the perfection for the sender. Acceptance comes minutes or
	// hours later, so a request deposited on the last day of a term
	// (decadenza) can be accepted on the next: see both days.
	DepositedAt, AcceptedAt time.Time
	LegalFacts              []LegalFactID // of acceptance: SENDER_ACK
}

// DepositedOn returns the day of the deposit in Italy; none before it.
func (s SenderOutcome) DepositedOn() pa.Date { return italianDay(s.DepositedAt) }

// AcceptedOn returns the day of the perfection for the sender in Italy; none
// before it.
func (s SenderOutcome) AcceptedOn() pa.Date { return italianDay(s.AcceptedAt) }

// RecipientOutcome is the notification as it stands for one recipient.
type RecipientOutcome struct {
	RecIndex   int // position in the notification
	Perfection Perfection
	// Due is when the notification is perfected by elapsed time unless the
	// recipient sees it before; zero until SEND has fixed it.
	Due time.Time
	// Final reports that nothing is awaited that could change the
	// perfection. The sender can still cancel and SEND correct.
	Final bool

	Attempts []Attempt // in the order in which they were made
	// NoSecondAttempt is why the second paper attempt could not be made.
	NoSecondAttempt FailureCause

	UnreachableAt   time.Time // when the notice was deposited for want of a delivery
	DeceasedAt      time.Time // when the death was reported; before v2.6 of the detail, only the cause M02 of a letter tells
	PaidAt          time.Time // first payment reported: paper not sent yet is not sent
	Views           []View    // accesses on the platform
	RADDRetrievals  []RADDRetrieval
	CourtesyAt      []time.Time // courtesy messages, without legal effect
	LegalFacts      []LegalFactID
	GeneratedAARURL string // the notice to the recipient: what [Client.AAR] wants
	Cost            Cost
}

// Perfection is how and when a notification takes effect for a recipient.
type Perfection struct {
	Kind PerfectionKind
	At   time.Time // zero unless perfected
}

// On returns the day of the perfection in Italy; none unless perfected.
func (p Perfection) On() pa.Date { return italianDay(p.At) }

// PerfectionKind is how a notification is perfected for a recipient.
type PerfectionKind string

const (
	NotYetPerfected PerfectionKind = ""
	PerfectedByView PerfectionKind = "VIEW"    // the recipient saw it before the term elapsed
	PerfectedByTime PerfectionKind = "ELAPSED" // decorrenza dei termini
	NeverPerfected  PerfectionKind = "NEVER"   // the recipient is deceased, or the sender cancelled first
)

// Attempt is one delivery, by certified mail or on paper.
type Attempt struct {
	Channel Channel
	Number  int       // 0 for the first, as SEND counts
	SentAt  time.Time // zero where the timeline does not tell

	// Where a recipient changes a digital domicile between the attempts, the
	// second is made to the old one and to the new.
	DigitalAddress *DigitalAddress
	Source         DigitalAddressSource
	repeat         string // true for that to the old one

	PhysicalAddress *PhysicalAddress
	NewAddress      *PhysicalAddress // found by the carrier
	ProductType     string           // AR, 890, RIR, RS, RIS
	AnalogCost      fiscal.Cents     // without VAT

	// Result is the outcome as SEND counts it: a letter that was refused is
	// OK, and so is that of a deceased recipient, to whom it is not
	// delivered. "" until there is one; simple registered letters have none.
	Result   ResponseStatus
	ResultAt time.Time
	Cause    FailureCause    // of the result
	Events   []DeliveryEvent // all news, the result among them
}

// Channel is the way of a delivery.
type Channel string

const (
	ChannelDigital Channel = "DIGITAL" // PEC or SERCQ
	ChannelAnalog  Channel = "ANALOG"  // AR, 890, RIR
	ChannelSimple  Channel = "SIMPLE"  // simple registered letter after digital failures
)

// DeliveryEvent is news of a delivery.
type DeliveryEvent struct {
	At                   time.Time
	Code                 DeliveryCode
	Cause                FailureCause
	RegisteredLetterCode string
	Documents            []LegalFactID     // receipts and scans: what [Client.LegalFact] wants
	Attachments          []ScannedDocument // the same scans, with what they are
}

// View is an access of the recipient, or of somebody for them, on the platform.
type View struct {
	At         time.Time
	Delegate   *DelegateInfo // nil for the recipient
	RADDType   string        // where it came through a RADD point
	LegalFacts []LegalFactID // RECIPIENT_ACCESS
}

// RADDRetrieval is a print at a RADD point. It does not perfect by itself: what
// does is the [View], if SEND records one.
type RADDRetrieval struct {
	At   time.Time
	Type string // FSU, ALT
}

// Cancellation is the end that the sender put to a notification.
type Cancellation struct {
	RequestedAt, At time.Time
	LegalFacts      []LegalFactID // NOTIFICATION_CANCELLED
}

// Cost is the cost of notification for one recipient, so far, in euro cents:
// the fields are those of [Price], which asks the platform instead.
type Cost struct {
	SendFee      fiscal.Cents
	AnalogCost   fiscal.Cents // paper, simple registered letters included, without VAT
	VAT          int          // percent, on AnalogCost; 22 where the notification has none
	PaFee        fiscal.Cents // 100 where the notification has none
	PartialPrice fiscal.Cents
	// TotalPrice is what to add to each payment with applyCost. It is 0 with
	// FLAT_RATE, without such payments, and once cancelled.
	TotalPrice fiscal.Cents
	// NotificationCost is the cost that the platform stated at perfection,
	// without VAT and PaFee; nil before.
	NotificationCost *fiscal.Cents
	// Final reports that the perfection, or its impossibility, has settled it.
	Final bool
}

// Correction is what SEND took back of a recipient when it corrected the
// outcomes of paper (NOTIFICATION_TIMELINE_REWORKED). What replaces it is in
// the outcome of the recipient.
type Correction struct {
	At       time.Time
	RecIndex int
	History  []InvalidatedStatus // statuses and elements that no longer hold

	// Withdrawn is what the elements that no longer hold had told of the
	// recipient, and nothing else; of its cost, AnalogCost and
	// NotificationCost only.
	Withdrawn RecipientOutcome
}

// Causes that decide more than the attempt.
const (
	causeDeceased FailureCause = "M02"
	causeRefused  FailureCause = "M05"
)

// The fee of SEND and what holds for notifications older than paFee and vat,
// in cents and percent (pn-delivery-push, NotificationProcessCostServiceImpl).
const (
	sendFee      fiscal.Cents = 100
	defaultPaFee fiscal.Cents = 100
	defaultVAT                = 22
)

// Outcomes draws the outcomes from the timeline. An error names elements that
// could not be counted, because they lack a time, a recipient or readable
// details; the outcomes are then those without them.
func (n *SentNotification) Outcomes() (Outcomes, error) {
	o := Outcomes{
		IUN:        n.IUN,
		Status:     n.NotificationStatus,
		Sender:     SenderOutcome{DepositedAt: n.SentAt},
		Recipients: make([]RecipientOutcome, len(n.Recipients)),
	}
	for i := range o.Recipients {
		o.Recipients[i].RecIndex = i
	}
	happened, errs := read(n.Timeline, len(n.Recipients))

	invalid := map[string]bool{}
	for _, h := range happened {
		for _, s := range h.InvalidatedTimelineAndStatusHistory {
			for _, e := range s.RelatedTimelineElements {
				invalid[e.ElementID] = true
			}
		}
	}
	for _, h := range happened {
		switch {
		case !h.element.Category.Known():
			if !slices.Contains(o.Unknown, h.element.Category) {
				o.Unknown = append(o.Unknown, h.element.Category)
			}
		case h.element.Category == CategoryNotificationTimelineReworked:
			correction, err := correct(h, len(n.Recipients))
			o.Corrections = append(o.Corrections, correction)
			errs = append(errs, err)
		case invalid[h.element.ElementID]:
		case h.recipient >= 0:
			o.Recipients[h.recipient].add(h)
		default:
			o.add(h)
		}
	}
	for i := range o.Recipients {
		r := &o.Recipients[i]
		r.conclude(o.Cancellation.At)
		errs = append(errs, r.price(&n.Notification, !o.Cancellation.At.IsZero()))
	}
	return o, errors.Join(errs...)
}

// happening is an element with its details read.
type happening struct {
	Details
	element   *TimelineElement
	at        time.Time
	recipient int // -1: of the whole notification
}

// scope says of whom an element that counts speaks.
type scope int

const (
	scopeNone scope = iota // it counts for nothing
	scopeWhole
	scopeRecipient
)

var scopes = map[Category]scope{
	CategoryRequestAccepted:                    scopeWhole,
	CategoryNotificationCancellationRequest:    scopeWhole,
	CategoryNotificationCancelled:              scopeWhole,
	CategoryAARGeneration:                      scopeRecipient,
	CategorySendCourtesyMessage:                scopeRecipient,
	CategorySendDigitalDomicile:                scopeRecipient,
	CategorySendDigitalProgress:                scopeRecipient,
	CategorySendDigitalFeedback:                scopeRecipient,
	CategoryDigitalSuccessWorkflow:             scopeRecipient,
	CategoryDigitalFailureWorkflow:             scopeRecipient,
	CategorySendSimpleRegisteredLetter:         scopeRecipient,
	CategorySendSimpleRegisteredLetterProgress: scopeRecipient,
	CategorySendAnalogDomicile:                 scopeRecipient,
	CategorySendAnalogProgress:                 scopeRecipient,
	CategorySendAnalogFeedback:                 scopeRecipient,
	CategoryPrepareAnalogDomicileFailure:       scopeRecipient,
	CategoryAnalogSuccessWorkflow:              scopeRecipient,
	CategoryAnalogFailureWorkflow:              scopeRecipient,
	CategoryCompletelyUnreachable:              scopeRecipient,
	CategoryAnalogWorkflowRecipientDeceased:    scopeRecipient,
	CategoryScheduleRefinement:                 scopeRecipient,
	CategoryRefinement:                         scopeRecipient,
	CategoryNotificationViewed:                 scopeRecipient,
	CategoryNotificationRADDRetrieved:          scopeRecipient,
	CategoryPayment:                            scopeRecipient,
	CategoryNotificationTimelineReworked:       scopeRecipient,
}

// read reads the elements that count, and names those of unknown categories,
// in the order of their time.
func read(timeline []TimelineElement, recipients int) ([]happening, []error) {
	var out []happening
	var errs []error
	for i := range timeline {
		e := &timeline[i]
		h := happening{element: e, at: e.Time(), recipient: -1}
		if !e.Category.Known() {
			out = append(out, h)
			continue
		}
		where := scopes[e.Category]
		if where == scopeNone {
			continue
		}
		var err error
		if h.Details, err = e.Decode(); err != nil {
			errs = append(errs, err)
			continue
		}
		// The details tell when it happened also under versions whose
		// elements have one timestamp only.
		if !h.EventTimestamp.IsZero() {
			h.at = h.EventTimestamp
		}
		if h.at.IsZero() {
			errs = append(errs, errors.New("send: a timeline element of category "+string(e.Category)+" has no time"))
			continue
		}
		if where == scopeRecipient {
			h.recipient = h.recIndex(recipients)
			if h.recipient < 0 {
				errs = append(errs, errors.New("send: a timeline element of category "+string(e.Category)+" is of no recipient of the notification"))
				continue
			}
		}
		out = append(out, h)
	}
	slices.SortStableFunc(out, func(a, b happening) int { return a.at.Compare(b.at) })
	return out, errs
}

// recIndex returns the position of the recipient that an element is about, or
// -1: from its details, else its identifier, else because there is one only.
func (h *happening) recIndex(recipients int) int {
	index := -1
	switch id, ok := number(h.element.ElementID, "RECINDEX"); {
	case h.RecIndex != nil:
		index = *h.RecIndex
	case ok:
		index = id
	case recipients == 1:
		index = 0
	}
	if index >= recipients {
		return -1
	}
	return max(index, -1)
}

// qualifier returns a part of the identifier of an element, as in
// SEND_ANALOG_DOMICILE.IUN_….RECINDEX_0.ATTEMPT_1.
func qualifier(id, name string) (value string, ok bool) {
	for part := range strings.SplitSeq(id, ".") {
		if value, ok = strings.CutPrefix(part, name+"_"); ok {
			return value, true
		}
	}
	return "", false
}

// number returns a number among the qualifiers.
func number(id, name string) (int, bool) {
	value, _ := qualifier(id, name)
	n, err := strconv.Atoi(value)
	return n, err == nil
}

// add counts an element of the whole notification.
func (o *Outcomes) add(h happening) {
	switch h.element.Category {
	case CategoryRequestAccepted:
		o.Sender.AcceptedAt = h.at
		o.Sender.LegalFacts = append(o.Sender.LegalFacts, h.element.LegalFactsIDs...)
		if o.Sender.DepositedAt.IsZero() {
			o.Sender.DepositedAt = h.element.NotificationSentAt
		}
	case CategoryNotificationCancellationRequest:
		o.Cancellation.RequestedAt = h.at
	case CategoryNotificationCancelled:
		o.Cancellation.At = h.at
		o.Cancellation.LegalFacts = append(o.Cancellation.LegalFacts, h.element.LegalFactsIDs...)
	}
}

// add counts an element of the recipient. Elements come in the order of time.
func (r *RecipientOutcome) add(h happening) {
	facts := h.element.LegalFactsIDs
	switch h.element.Category {
	case CategoryAARGeneration:
		r.GeneratedAARURL = h.GeneratedAARURL
	case CategorySendCourtesyMessage:
		r.CourtesyAt = append(r.CourtesyAt, h.at)
	case CategorySendDigitalDomicile, CategorySendAnalogDomicile, CategorySendSimpleRegisteredLetter:
		r.attempt(h).send(h)
	case CategorySendDigitalProgress, CategorySendDigitalFeedback,
		CategorySendAnalogProgress, CategorySendAnalogFeedback, CategorySendSimpleRegisteredLetterProgress:
		r.attempt(h).tell(h)
		facts = nil // they are of the attempt
	case CategoryPrepareAnalogDomicileFailure:
		r.NoSecondAttempt = FailureCause(h.FailureCause)
	case CategoryAnalogFailureWorkflow, CategoryCompletelyUnreachable:
		if r.UnreachableAt.IsZero() {
			r.UnreachableAt = h.at
		}
	case CategoryAnalogWorkflowRecipientDeceased:
		r.DeceasedAt = h.at
	case CategoryScheduleRefinement:
		r.Due = h.SchedulingDate
	case CategoryRefinement:
		r.Perfection = Perfection{PerfectedByTime, h.at}
	case CategoryNotificationViewed:
		r.Views = append(r.Views, View{At: h.at, Delegate: h.DelegateInfo, RADDType: h.RADDType, LegalFacts: facts})
	case CategoryNotificationRADDRetrieved:
		r.RADDRetrievals = append(r.RADDRetrievals, RADDRetrieval{h.at, h.RADDType})
	case CategoryPayment:
		if r.PaidAt.IsZero() {
			r.PaidAt = h.at
		}
	}
	r.LegalFacts = append(r.LegalFacts, facts...)
	if h.NotificationCost != nil {
		r.Cost.NotificationCost = h.NotificationCost
	}
}

// attempt finds the attempt that an element is about, or begins it.
func (r *RecipientOutcome) attempt(h happening) *Attempt {
	want := Attempt{Channel: channels[h.element.Category], Number: h.attemptNumber()}
	if want.Channel == ChannelDigital { // feedback tells the source in its identifier only
		source, _ := qualifier(h.element.ElementID, "SOURCE")
		want.Source = cmp.Or(h.DigitalAddressSource, DigitalAddressSource(source))
		want.repeat, _ = qualifier(h.element.ElementID, "REPEAT")
	}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if a.Channel == want.Channel && a.Number == want.Number &&
			(a.Source == want.Source || want.Source == "") && (a.repeat == want.repeat || want.repeat == "") {
			return a
		}
	}
	r.Attempts = append(r.Attempts, want)
	return &r.Attempts[len(r.Attempts)-1]
}

var channels = map[Category]Channel{
	CategorySendDigitalDomicile:                ChannelDigital,
	CategorySendDigitalProgress:                ChannelDigital,
	CategorySendDigitalFeedback:                ChannelDigital,
	CategorySendAnalogDomicile:                 ChannelAnalog,
	CategorySendAnalogProgress:                 ChannelAnalog,
	CategorySendAnalogFeedback:                 ChannelAnalog,
	CategorySendSimpleRegisteredLetter:         ChannelSimple,
	CategorySendSimpleRegisteredLetterProgress: ChannelSimple,
}

// attemptNumber is 0 for the first attempt. Not all elements tell it in the
// same place.
func (h *happening) attemptNumber() int {
	for _, told := range []*int{h.SentAttemptMade, h.RetryNumber} {
		if told != nil {
			return *told
		}
	}
	for _, id := range []string{h.SendRequestID, h.element.ElementID} {
		if n, ok := number(id, "ATTEMPT"); ok {
			return n
		}
	}
	return 0
}

// send notes that the attempt was made. One that was made again, after a
// temporary error, began the first time.
func (a *Attempt) send(h happening) {
	if a.SentAt.IsZero() {
		a.SentAt = h.at
	}
	a.DigitalAddress = cmp.Or(h.DigitalAddress, a.DigitalAddress)
	a.PhysicalAddress = cmp.Or(h.PhysicalAddress, a.PhysicalAddress)
	a.ProductType = cmp.Or(h.ProductType, a.ProductType)
	a.AnalogCost = cmp.Or(h.AnalogCost, a.AnalogCost)
}

// tell notes news of the attempt.
func (a *Attempt) tell(h happening) {
	a.Events = append(a.Events, DeliveryEvent{
		At: h.at, Code: DeliveryCode(h.DeliveryDetailCode), Cause: FailureCause(h.DeliveryFailureCause),
		RegisteredLetterCode: h.RegisteredLetterCode, Documents: h.element.LegalFactsIDs, Attachments: h.Attachments,
	})
	if h.ResponseStatus != "" {
		a.Result, a.ResultAt, a.Cause = h.ResponseStatus, h.at, FailureCause(h.DeliveryFailureCause)
	}
	a.DigitalAddress = cmp.Or(a.DigitalAddress, h.DigitalAddress)
	a.PhysicalAddress = cmp.Or(a.PhysicalAddress, h.PhysicalAddress)
	a.NewAddress = cmp.Or(h.NewAddress, a.NewAddress)
}

// conclude decides what the elements of the recipient amount to. The view
// perfects if it comes before the term elapsed; nothing does after the
// cancellation; and of a recipient who is reported deceased no view counts,
// whenever it was.
func (r *RecipientOutcome) conclude(cancelled time.Time) {
	for _, a := range r.Attempts {
		if r.DeceasedAt.IsZero() && a.deceased() {
			r.DeceasedAt = a.ResultAt
		}
	}
	p := r.Perfection // by elapsed time, or none
	if len(r.Views) > 0 && r.DeceasedAt.IsZero() && (p.Kind == NotYetPerfected || r.Views[0].At.Before(p.At)) {
		p = Perfection{PerfectedByView, r.Views[0].At}
	}
	tooLate := !cancelled.IsZero() && p.At.After(cancelled)
	if tooLate || p.Kind == NotYetPerfected && (!cancelled.IsZero() || !r.DeceasedAt.IsZero()) {
		p = Perfection{Kind: NeverPerfected}
	}
	r.Perfection = p
	r.Final = p.Kind == PerfectedByTime || p.Kind == NeverPerfected || p.Kind == PerfectedByView && !r.mayElapseBefore(p.At)
	r.Cost.Final = p.Kind != NotYetPerfected
}

// deceased reports whether a letter came back because the recipient is
// deceased. Of a simple one SEND draws no conclusion.
func (a *Attempt) deceased() bool {
	return a.Channel == ChannelAnalog && a.Result == ResponseOK && a.Cause == causeDeceased
}

// mayElapseBefore reports whether the term can still turn out to have elapsed
// before the view: a carrier may report a delivery weeks later.
func (r *RecipientOutcome) mayElapseBefore(view time.Time) bool {
	if !r.Due.IsZero() {
		return r.Due.Before(view)
	}
	return slices.ContainsFunc(r.Attempts, func(a Attempt) bool { return a.Channel != ChannelSimple && a.Result == "" })
}

// paperMayFollow reports whether SEND may still send paper at a cost: none goes
// to who was reached or has paid, nor after the second letter or where there
// is no address for it, nor after the simple one.
func (r *RecipientOutcome) paperMayFollow() bool {
	if !r.PaidAt.IsZero() || !r.UnreachableAt.IsZero() || r.NoSecondAttempt != "" || r.Perfection.Kind != NotYetPerfected {
		return false
	}
	return !slices.ContainsFunc(r.Attempts, func(a Attempt) bool {
		return a.Result == ResponseOK || a.Channel == ChannelSimple || a.Channel == ChannelAnalog && a.Number > 0
	})
}

// price works out the cost as the platform does.
func (r *RecipientOutcome) price(n *Notification, cancelled bool) error {
	c := &r.Cost
	c.SendFee, c.VAT, c.PaFee = sendFee, defaultVAT, defaultPaFee
	if n.VAT != nil {
		c.VAT = *n.VAT
	}
	if n.PaFee != nil {
		c.PaFee = *n.PaFee
	}
	var err error
	if c.AnalogCost, err = analogCost(r.Attempts); err != nil {
		return fmt.Errorf("send: the cost of recipient %d: %w", r.RecIndex, err)
	}
	charged := slices.ContainsFunc(n.Recipients[r.RecIndex].Payments, func(p Payment) bool {
		return p.PagoPA != nil && p.PagoPA.ApplyCost || p.F24 != nil && p.F24.ApplyCost
	})
	if cancelled || !charged || n.NotificationFeePolicy != DeliveryMode {
		return nil
	}
	taxed, err := c.AnalogCost.Mul(100 + int64(c.VAT))
	if err == nil {
		c.PartialPrice, err = fiscal.Sum(c.SendFee, c.AnalogCost)
	}
	if err == nil {
		// (taxed+50)/100 rounds half up, as Math.round does.
		c.TotalPrice, err = fiscal.Sum(c.SendFee, taxed/100, (taxed%100+50)/100, c.PaFee)
	}
	if err != nil {
		return fmt.Errorf("send: the cost of recipient %d: %w", r.RecIndex, err)
	}
	return nil
}

func analogCost(attempts []Attempt) (fiscal.Cents, error) {
	var costs []fiscal.Cents
	for _, a := range attempts {
		costs = append(costs, a.AnalogCost)
	}
	return fiscal.Sum(costs...)
}

// correct reads what a correction took back.
func correct(h happening, recipients int) (Correction, error) {
	c := Correction{At: h.at, RecIndex: h.recipient, History: h.InvalidatedTimelineAndStatusHistory}
	var elements []TimelineElement
	for _, s := range c.History {
		elements = append(elements, s.RelatedTimelineElements...)
	}
	withdrawn, errs := read(elements, recipients)
	c.Withdrawn.RecIndex = c.RecIndex
	for _, w := range withdrawn {
		if w.recipient == c.RecIndex {
			c.Withdrawn.add(w)
		}
	}
	c.Withdrawn.conclude(time.Time{})
	var err error
	c.Withdrawn.Cost.AnalogCost, err = analogCost(c.Withdrawn.Attempts)
	return c, errors.Join(append(errs, err)...)
}

func italianDay(t time.Time) pa.Date {
	if t.IsZero() {
		return pa.Date{}
	}
	return pa.DateOf(t.In(rome.Location()))
}
