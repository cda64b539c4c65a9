package sendtest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Timeline categories (TimelineElementCategoryV28).
const (
	catSenderAck             = "SENDER_ACK_CREATION_REQUEST"
	catValidateAddresses     = "VALIDATE_NORMALIZE_ADDRESSES_REQUEST"
	catNormalizedAddress     = "NORMALIZED_ADDRESS"
	catAccepted              = "REQUEST_ACCEPTED"
	catRefused               = "REQUEST_REFUSED"
	catAARRequest            = "AAR_CREATION_REQUEST"
	catAAR                   = "AAR_GENERATION"
	catGetAddress            = "GET_ADDRESS"
	catRegistryCall          = "PUBLIC_REGISTRY_CALL"
	catRegistryResponse      = "PUBLIC_REGISTRY_RESPONSE"
	catValidationCall        = "PUBLIC_REGISTRY_VALIDATION_CALL"
	catValidationResponse    = "PUBLIC_REGISTRY_VALIDATION_RESPONSE"
	catCourtesy              = "SEND_COURTESY_MESSAGE"
	catProbableAnalog        = "PROBABLE_SCHEDULING_ANALOG_DATE"
	catScheduleAnalog        = "SCHEDULE_ANALOG_WORKFLOW"
	catScheduleDigital       = "SCHEDULE_DIGITAL_WORKFLOW"
	catPrepareDigital        = "PREPARE_DIGITAL_DOMICILE"
	catSendDigital           = "SEND_DIGITAL_DOMICILE"
	catDigitalProgress       = "SEND_DIGITAL_PROGRESS"
	catDigitalFeedback       = "SEND_DIGITAL_FEEDBACK"
	catDigitalDelivery       = "DIGITAL_DELIVERY_CREATION_REQUEST"
	catDigitalSuccess        = "DIGITAL_SUCCESS_WORKFLOW"
	catDigitalFailure        = "DIGITAL_FAILURE_WORKFLOW"
	catPrepareSimple         = "PREPARE_SIMPLE_REGISTERED_LETTER"
	catSendSimple            = "SEND_SIMPLE_REGISTERED_LETTER"
	catSimpleProgress        = "SEND_SIMPLE_REGISTERED_LETTER_PROGRESS"
	catPrepareAnalog         = "PREPARE_ANALOG_DOMICILE"
	catPrepareAnalogFailure  = "PREPARE_ANALOG_DOMICILE_FAILURE"
	catSendAnalog            = "SEND_ANALOG_DOMICILE"
	catAnalogProgress        = "SEND_ANALOG_PROGRESS"
	catAnalogFeedback        = "SEND_ANALOG_FEEDBACK"
	catAnalogSuccess         = "ANALOG_SUCCESS_WORKFLOW"
	catAnalogFailure         = "ANALOG_FAILURE_WORKFLOW"
	catUnreachableRequest    = "COMPLETELY_UNREACHABLE_CREATION_REQUEST"
	catUnreachable           = "COMPLETELY_UNREACHABLE"
	catDeceased              = "ANALOG_WORKFLOW_RECIPIENT_DECEASED"
	catScheduleRefinement    = "SCHEDULE_REFINEMENT"
	catRefinement            = "REFINEMENT"
	catViewedRequest         = "NOTIFICATION_VIEWED_CREATION_REQUEST"
	catViewed                = "NOTIFICATION_VIEWED"
	catCancellationRequested = "NOTIFICATION_CANCELLATION_REQUEST"
	catCancelled             = "NOTIFICATION_CANCELLED"
	catRADD                  = "NOTIFICATION_RADD_RETRIEVED"
	catPayment               = "PAYMENT"
	catNotHandled            = "NOT_HANDLED"
	catReworked              = "NOTIFICATION_TIMELINE_REWORKED"
)

// categories lists those of element V28, the newest served, in the order of
// the specification.
var categories = []string{
	catSenderAck, catValidateAddresses, catNormalizedAddress, catAccepted, catCourtesy, catGetAddress,
	catRegistryCall, catRegistryResponse, catScheduleAnalog, catScheduleDigital, catPrepareDigital,
	catSendDigital, catDigitalProgress, catDigitalFeedback, catRefinement, catScheduleRefinement,
	catDigitalDelivery, catDigitalSuccess, catDigitalFailure, catAnalogSuccess, catAnalogFailure,
	catPrepareSimple, catSendSimple, catSimpleProgress, catViewedRequest, catViewed, catPrepareAnalog,
	catSendAnalog, catAnalogProgress, catAnalogFeedback, catPayment, catUnreachable, catUnreachableRequest,
	catRefused, catAARRequest, catAAR, catNotHandled, catProbableAnalog, catCancellationRequested,
	catCancelled, catPrepareAnalogFailure, catRADD, catDeceased, catValidationCall, catValidationResponse,
	catReworked,
}

// elementIDs are the categories whose identifier begins with another word.
var elementIDs = map[string]string{
	catSendDigital: "SEND_DIGITAL", catDigitalProgress: "DIGITAL_PROG", catPayment: "NOTIFICATION_PAID",
}

// details are the category-specific members of an element, in the newest
// spelling.
type details map[string]any

// with adds members to the details and returns them.
func (d details) with(more details) details {
	maps.Copy(d, more)
	return d
}

// without returns the details less a member; a dot leads into the objects of
// a list.
func (d details) without(path string) details {
	name, inner, nested := strings.Cut(path, ".")
	d = maps.Clone(d)
	items, ok := d[name].([]details)
	switch {
	case !nested:
		delete(d, name)
	case ok:
		trimmed := make([]details, len(items))
		for i, item := range items {
			trimmed[i] = item.without(inner)
		}
		d[name] = trimmed
	}
	return d
}

// element is an element of a timeline. Its identifier is made once; what a
// version cannot show is translated when it is read.
type element struct {
	id        string
	category  string
	ingested  time.Time
	event     time.Time // business time, which may lie before ingestion
	recipient int       // -1: of the whole notification
	facts     []factID
	details   details
}

type factID struct {
	Key      string `json:"key"` // with its scheme
	Category string `json:"category"`
}

// wireElement is an element in a reply.
type wireElement struct {
	ElementID          string   `json:"elementId"`
	Timestamp          stamp    `json:"timestamp"`
	IngestionTimestamp *stamp   `json:"ingestionTimestamp,omitempty"`
	EventTimestamp     *stamp   `json:"eventTimestamp,omitempty"`
	NotificationSentAt *stamp   `json:"notificationSentAt,omitempty"`
	LegalFactsIDs      []factID `json:"legalFactsIds,omitempty"`
	Category           string   `json:"category"`
	Details            details  `json:"details,omitzero"`
}

// stamp writes an instant as the platform does: UTC, and a fraction only as
// long as needed.
type stamp time.Time

func (t stamp) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, time.RFC3339Nano), nil
}

// id makes an element identifier. qualifiers are names and values in turn.
func (n *notification) id(category string, qualifiers ...any) string {
	prefix := category
	if p, ok := elementIDs[category]; ok {
		prefix = p
	}
	var b strings.Builder
	b.WriteString(prefix + ".IUN_" + n.iun)
	for i := 0; i+1 < len(qualifiers); i += 2 {
		b.WriteString("." + qualifiers[i].(string) + "_")
		switch v := qualifiers[i+1].(type) {
		case string:
			b.WriteString(v)
		case int:
			b.WriteString(strconv.Itoa(v))
		case bool:
			b.WriteString(strconv.FormatBool(v))
		}
	}
	return b.String()
}

// publish adds an element to the timeline and tells the streams.
func (n *notification) publish(e *element) *element { return n.publishAfter(n.status(), e) }

// publishAfter is publish where the status before the element is not the one
// of the present timeline.
func (n *notification) publishAfter(before string, e *element) *element {
	if e.event.IsZero() {
		e.event = e.ingested
	}
	n.timeline = append(n.timeline, e)
	after := n.status()
	if len(n.timeline) > 1 && after == before {
		after = ""
	}
	n.server.notifyStreams(n, e, after)
	return e
}

// add publishes an element of the whole notification.
func (n *notification) add(now time.Time, category string, d details, facts ...factID) *element {
	return n.publish(&element{id: n.id(category), category: category, ingested: now, recipient: -1, details: d, facts: facts})
}

// add publishes an element of a recipient; its details carry recIndex.
func (a *addressee) add(now time.Time, category string, d details, qualifiers ...any) *element {
	return a.publish(&element{category: category, ingested: now, details: d}, qualifiers...)
}

func (a *addressee) publish(e *element, qualifiers ...any) *element {
	return a.n.publish(a.own(e, qualifiers...))
}

// own makes an element one of the recipient. After a correction of the
// timeline its identifier says so, since the one that it replaces is known.
func (a *addressee) own(e *element, qualifiers ...any) *element {
	qualifiers = append([]any{"RECINDEX", a.index}, qualifiers...)
	if a.reworks > 0 {
		qualifiers = append(qualifiers, "REWORK", a.reworks-1)
	}
	e.id = a.n.id(e.category, qualifiers...)
	e.recipient = a.index
	if e.details == nil {
		e.details = details{}
	}
	e.details["recIndex"] = a.index
	return e
}

// has reports whether the recipient has an element of a category.
func (a *addressee) has(category string) bool {
	return slices.ContainsFunc(a.n.timeline, func(e *element) bool { return e.category == category && e.recipient == a.index })
}

// elementVersion is how a published version shows elements: what the adapters
// in front of the newest leave out or spell otherwise.
type elementVersion struct {
	lacks       []string                     // categories
	noReturned  bool                         // the status RETURNED_TO_SENDER
	respelled   map[string]map[string]string // category, newest member name, its name
	drops       map[string][]string          // category, members of the details
	facts       []string                     // categories of legal facts; nil: any
	singleStamp bool                         // timestamp only
}

// Categories by the version that brought them.
var (
	since28 = []string{catReworked}
	since27 = []string{catValidationCall, catValidationResponse}
	since26 = []string{catDeceased}
	since23 = []string{catRADD}
	since20 = []string{catPrepareAnalogFailure, catCancellationRequested, catCancelled}
)

var (
	// The member legalFactId was spelled legalfactId before V28, except in
	// SENDER_ACK_CREATION_REQUEST.
	spelledBefore28 = map[string]map[string]string{
		catDigitalDelivery:    {"legalFactId": "legalfactId"},
		catUnreachableRequest: {"legalFactId": "legalfactId"},
		catViewedRequest:      {"legalFactId": "legalfactId"},
	}
	droppedBefore27 = map[string][]string{
		catAccepted: {"notificationRequestId", "paProtocolNumber", "idempotenceToken"},
		catRefused:  {"notificationRequestId", "paProtocolNumber", "idempotenceToken", "refusalReasons.recIndex"},
	}
	droppedBefore23 = func() map[string][]string {
		all := maps.Clone(droppedBefore27)
		maps.Copy(all, map[string][]string{
			catViewed: {"eventTimestamp"}, catRefinement: {"eventTimestamp"}, catDigitalProgress: {"eventTimestamp"}, catPayment: {"eventTimestamp"},
			catScheduleAnalog: {"schedulingDate"}, catScheduleDigital: {"schedulingDate"}, catAnalogProgress: {"serviceLevel"},
		})
		return all
	}()
	// factsBefore25 was a closed list.
	factsBefore25 = []string{
		factSenderAck, factDigitalDelivery, factAnalogDelivery, factRecipientAccess, factPecReceipt, factAnalogFailure,
	}
)

var (
	elementV28 = elementVersion{}
	elementV27 = elementVersion{lacks: since28, respelled: spelledBefore28}
	elementV26 = elementVersion{lacks: slices.Concat(since28, since27), respelled: spelledBefore28, drops: droppedBefore27}
	elementV25 = elementVersion{
		lacks: slices.Concat(since28, since27, since26), noReturned: true, respelled: spelledBefore28, drops: droppedBefore27,
	}
	elementV24 = elementVersion{
		lacks: elementV25.lacks, noReturned: true, respelled: spelledBefore28, drops: droppedBefore27, facts: factsBefore25,
	}
	elementV23 = elementVersion{
		lacks: elementV25.lacks, noReturned: true, respelled: spelledBefore28, drops: droppedBefore27, facts: factsBefore25, singleStamp: true,
	}
	elementV20 = elementVersion{
		lacks: slices.Concat(elementV25.lacks, since23), noReturned: true, respelled: spelledBefore28, drops: droppedBefore23, facts: factsBefore25, singleStamp: true,
	}
	elementV1 = elementVersion{
		lacks: slices.Concat(elementV20.lacks, since20), noReturned: true, respelled: spelledBefore28, drops: droppedBefore23, facts: factsBefore25, singleStamp: true,
	}
)

func (v elementVersion) knows(category string) bool { return !slices.Contains(v.lacks, category) }

func (v elementVersion) knowsStatus(status string) bool {
	return !v.noReturned || status != statusReturned
}

// timeline writes the elements that a version knows.
func (v elementVersion) timeline(n *notification) []wireElement {
	out := []wireElement{}
	for _, e := range n.timeline {
		if v.knows(e.category) {
			out = append(out, v.translate(n, e))
		}
	}
	return out
}

// translate writes an element in a version.
func (v elementVersion) translate(n *notification, e *element) wireElement {
	d := e.details
	for _, path := range v.drops[e.category] {
		d = d.without(path)
	}
	if names := v.respelled[e.category]; names != nil {
		d = maps.Clone(d)
		for newest, name := range names {
			if value, ok := d[newest]; ok {
				delete(d, newest)
				d[name] = value
			}
		}
	}
	out := wireElement{
		ElementID:     e.id,
		Timestamp:     stamp(e.event),
		LegalFactsIDs: v.known(e.facts),
		Category:      e.category,
		Details:       d,
	}
	if !v.singleStamp {
		out.IngestionTimestamp, out.EventTimestamp, out.NotificationSentAt = new(stamp(e.ingested)), new(stamp(e.event)), new(stamp(n.sentAt))
	}
	return out
}

// known returns the legal facts whose category a version has.
func (v elementVersion) known(facts []factID) []factID {
	if v.facts == nil {
		return facts
	}
	return slices.DeleteFunc(slices.Clone(facts), func(f factID) bool { return !slices.Contains(v.facts, f.Category) })
}

// history writes the statuses that a version knows; what it does not know
// leaves the one before in force.
func (v elementVersion) history(n *notification) []statusEntry {
	return slices.DeleteFunc(n.history(), func(e statusEntry) bool { return !v.knowsStatus(e.Status) })
}
