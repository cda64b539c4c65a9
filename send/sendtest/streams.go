package sendtest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/sim"
)

// streamVersion is a published version of the streams. A stream answers only
// through the version that made it.
type streamVersion struct {
	path    string
	name    string // in the metadata
	element elementVersion
	waits   bool // knows waitForAccepted
	first   bool // V1: flat events, no groups, no metadata of versions
}

var streamVersions = []streamVersion{
	{path: "v2.9/", name: "v29", element: elementV28, waits: true},
	{path: "v2.8/", name: "v28", element: elementV27, waits: true},
	{path: "v2.7/", name: "v27", element: elementV26, waits: true},
	{path: "v2.6/", name: "v26", element: elementV26},
	{path: "v2.5/", name: "v25", element: elementV25},
	{path: "v2.4/", name: "v24", element: elementV24},
	{path: "v2.3/", name: "v23", element: elementV23},
	{path: "", name: "v10", element: elementV10, first: true},
}

// elementV10 is what the first version of the streams knows: less than that of
// the details.
var elementV10 = elementVersion{
	lacks: append([]string{catProbableAnalog}, elementV1.lacks...), noReturned: true, facts: factsBefore25, singleStamp: true,
}

const (
	eventStatus   = "STATUS"
	eventTimeline = "TIMELINE"
)

// defaultFilter is what the filter value DEFAULT stands for.
var defaultFilter = []string{
	catRefused, catAccepted, catSendDigital, catDigitalFeedback, catDigitalSuccess, catDigitalFailure,
	catSendSimple, catSimpleProgress, catSendAnalog, catAnalogProgress, catAnalogFeedback, catAnalogSuccess,
	catAnalogFailure, catUnreachable, catRefinement, catViewed, catCancelled, catRADD, catDeceased,
}

// stream is a stream of a sender with the events not yet acknowledged.
type stream struct {
	id        string
	taxID     string
	version   streamVersion
	request   streamRequest
	filter    []string // what passes; never empty
	activated time.Time
	disabled  time.Time // zero: active
	counter   int64
	events    []streamEvent
	served    int64     // highest identifier that was read
	again     time.Time // wire time before which a call comes too early
}

type streamEvent struct {
	id        int64
	at        time.Time
	n         *notification
	element   *element
	newStatus string
	iun       bool // the notification is accepted
}

type streamRequest struct {
	Title            string   `json:"title"`
	EventType        string   `json:"eventType"`
	Groups           []string `json:"groups"`
	FilterValues     []string `json:"filterValues,omitempty"`
	WaitForAccepted  bool     `json:"waitForAccepted,omitempty"`
	ReplacedStreamID string   `json:"replacedStreamId,omitempty"`
}

type streamMetadata struct {
	Title           string   `json:"title"`
	EventType       string   `json:"eventType"`
	Groups          []string `json:"groups,omitzero"`
	FilterValues    []string `json:"filterValues"`
	WaitForAccepted *bool    `json:"waitForAccepted,omitempty"`
	StreamID        string   `json:"streamId"`
	ActivationDate  stamp    `json:"activationDate"`
	DisabledDate    *stamp   `json:"disabledDate,omitempty"`
	Version         string   `json:"version,omitempty"`
}

type streamItem struct {
	StreamID string `json:"streamId"`
	Title    string `json:"title"`
}

type progressResponse struct {
	EventID               string       `json:"eventId"`
	NotificationRequestID string       `json:"notificationRequestId"`
	IUN                   string       `json:"iun,omitempty"`
	NewStatus             string       `json:"newStatus,omitempty"`
	Element               *wireElement `json:"element,omitempty"`
	*flatEvent
}

// flatEvent is what an event of the first version says of its element.
type flatEvent struct {
	Timestamp             stamp     `json:"timestamp"`
	TimelineEventCategory string    `json:"timelineEventCategory"`
	RecipientIndex        *int      `json:"recipientIndex,omitempty"`
	AnalogCost            any       `json:"analogCost,omitempty"`
	Channel               string    `json:"channel,omitempty"`
	LegalFactIDs          []string  `json:"legalfactIds,omitempty"`
	ValidationErrors      []details `json:"validationErrors,omitempty"`
}

// channel is the one to which an event of the first version refers. Whatever
// the digital domicile is, it is PEC.
func (e *element) channel() string {
	switch e.category {
	case catCourtesy:
		if at, ok := e.details["digitalAddress"].(digitalAddress); ok {
			return at.Type
		}
	case catSendDigital, catDigitalProgress, catDigitalFeedback:
		return "PEC"
	case catSendAnalog, catAnalogProgress, catAnalogFeedback:
		if level, ok := e.details["serviceLevel"].(string); ok {
			return level
		}
	case catSendSimple, catSimpleProgress:
		return "SIMPLE_REGISTERED_LETTER"
	}
	return ""
}

func (v elementVersion) flat(e *element) *flatEvent {
	out := &flatEvent{Timestamp: stamp(e.event), TimelineEventCategory: e.category, AnalogCost: e.details["analogCost"], Channel: e.channel()}
	if e.recipient >= 0 {
		out.RecipientIndex = &e.recipient
	}
	for _, f := range v.known(e.facts) {
		out.LegalFactIDs = append(out.LegalFactIDs, strings.TrimPrefix(f.Key, storageScheme))
	}
	if reasons, ok := e.details["refusalReasons"].([]details); ok {
		for _, r := range reasons {
			out.ValidationErrors = append(out.ValidationErrors, r.without("recIndex"))
		}
	}
	return out
}

// progress writes an event.
func (v streamVersion) progress(e streamEvent) progressResponse {
	out := progressResponse{EventID: fmt.Sprintf("%038d", e.id), NotificationRequestID: e.n.requestID}
	if v.element.knowsStatus(e.newStatus) {
		out.NewStatus = e.newStatus
	}
	if e.iun {
		out.IUN = e.n.iun
	}
	if v.first {
		out.flatEvent = v.element.flat(e.element)
	} else {
		out.Element = new(v.element.translate(e.n, e.element))
	}
	return out
}

func (s *Server) createStream(c *call, v streamVersion) sim.Reply {
	r, refused := s.streamBody(c, v)
	if refused != nil {
		return *refused
	}
	s.removeStreams(c.Now)
	if !v.first && !s.mayName(c.sender, r.Groups) {
		return s.failOne(http.StatusForbidden, codeForbidden, "Not Allowed groups")
	}
	var replaced *stream
	if r.ReplacedStreamID != "" {
		replaced = s.streams[r.ReplacedStreamID]
		switch {
		case replaced == nil || replaced.taxID != c.sender.TaxID:
			return s.failOne(http.StatusNotFound, codeWebhookNotFound, "Replaced stream not found")
		case !replaced.disabled.IsZero() || !replaced.readableBy(c.sender):
			return s.failOne(http.StatusForbidden, codeForbidden, "Not supported operation, stream is disabled or not yours")
		}
	} else if limit := cmp.Or(c.sender.StreamLimit, s.set.streamLimit); s.activeStreams(c.sender.TaxID) >= limit {
		return s.failOne(http.StatusConflict, codeMaxStreams, fmt.Sprintf("Max streams count reached: %d", limit))
	}
	st := &stream{
		id:        s.uuid(),
		taxID:     c.sender.TaxID,
		version:   v,
		request:   r,
		filter:    v.filter(r),
		activated: c.Now,
	}
	if replaced != nil {
		replaced.disabled = c.Now
		st.counter = replaced.counter + 1000
	}
	s.streams[st.id] = st
	s.streamOrder = append(s.streamOrder, st.id)
	return sim.JSON(http.StatusOK, st.metadata())
}

// streamBody reads a request, less what the version does not know.
func (s *Server) streamBody(c *call, v streamVersion) (streamRequest, *sim.Reply) {
	var r streamRequest
	schema := streamSchema
	if v.first {
		schema = firstStreamSchema
	}
	if refused := s.body(c, schema, &r); refused != nil {
		return r, refused
	}
	r.WaitForAccepted = r.WaitForAccepted && v.waits
	if v.first {
		r.Groups, r.ReplacedStreamID = nil, ""
	}
	return r, nil
}

// updateStream replaces what a request says of a stream. Groups can be added to
// those of a stream that has some; they cannot be taken away.
func (s *Server) updateStream(c *call, v streamVersion) sim.Reply {
	r, refused := s.streamBody(c, v)
	if refused != nil {
		return *refused
	}
	st, refused := s.ownStream(c, v)
	if refused != nil {
		return *refused
	}
	lost := slices.ContainsFunc(st.request.Groups, func(g string) bool { return !slices.Contains(r.Groups, g) })
	narrowed := len(st.request.Groups) == 0 && len(r.Groups) > 0
	switch {
	case !st.disabled.IsZero():
		return s.failOne(http.StatusForbidden, codeForbidden, "Stream ["+st.id+"] is disabled, cannot be updated")
	case lost || narrowed:
		return s.failOne(http.StatusForbidden, codeForbidden, "Not supported operation, groups cannot be removed")
	case !v.first && !s.mayName(c.sender, r.Groups):
		return s.failOne(http.StatusForbidden, codeForbidden, "Not Allowed groups")
	}
	r.ReplacedStreamID = st.request.ReplacedStreamID
	st.request, st.filter = r, v.filter(r)
	return sim.JSON(http.StatusOK, st.metadata())
}

// disableStream ends a stream for ever: what it holds can be read until it is
// removed.
func (s *Server) disableStream(c *call, v streamVersion) sim.Reply {
	st, refused := s.ownStream(c, v)
	if refused != nil {
		return *refused
	}
	if !st.disabled.IsZero() {
		return s.failOne(http.StatusForbidden, codeForbidden, "Not supported operation, stream already disabled")
	}
	st.disabled = c.Now
	return sim.JSON(http.StatusOK, st.metadata())
}

// filter expands the filter values of a request. Values that the version does
// not know are dropped.
func (v streamVersion) filter(r streamRequest) []string {
	all := slices.DeleteFunc(slices.Clone(statuses), func(s string) bool { return !v.element.knowsStatus(s) })
	if r.EventType == eventTimeline {
		all = slices.DeleteFunc(slices.Clone(categories), func(c string) bool { return !v.element.knows(c) })
	}
	if len(r.FilterValues) == 0 {
		return all
	}
	wanted := slices.Clone(r.FilterValues)
	if slices.Contains(wanted, "DEFAULT") {
		if r.EventType == eventStatus {
			return all
		}
		wanted = append(wanted, defaultFilter...)
	}
	return slices.DeleteFunc(slices.Clone(all), func(c string) bool { return !slices.Contains(wanted, c) })
}

// mayName reports whether a key may make a stream with these groups: one with
// groups needs at least one, and only its own; another may name any group of
// its administration.
func (s *Server) mayName(sender *Sender, groups []string) bool {
	allowed := sender.Groups
	if len(allowed) == 0 {
		allowed = s.groupsOf(sender.TaxID)
	} else if len(groups) == 0 {
		return false
	}
	return !slices.ContainsFunc(groups, func(g string) bool { return !slices.Contains(allowed, g) })
}

// readableBy reports whether a key may consume or change a stream. To those of
// the first version the groups of a key do not apply.
func (st *stream) readableBy(sender *Sender) bool {
	if len(sender.Groups) == 0 || st.version.first {
		return true
	}
	return len(st.request.Groups) > 0 &&
		!slices.ContainsFunc(st.request.Groups, func(g string) bool { return !slices.Contains(sender.Groups, g) })
}

func (s *Server) activeStreams(taxID string) int {
	n := 0
	for _, st := range s.streams {
		if st.taxID == taxID && st.disabled.IsZero() {
			n++
		}
	}
	return n
}

// uuid makes an identifier in the form of a random UUID.
func (s *Server) uuid() string {
	h := s.sim.Hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

func (st *stream) metadata() streamMetadata {
	out := streamMetadata{
		Title:          st.request.Title,
		EventType:      st.request.EventType,
		FilterValues:   append([]string{}, st.request.FilterValues...),
		StreamID:       st.id,
		ActivationDate: stamp(st.activated),
	}
	if st.version.waits {
		out.WaitForAccepted = &st.request.WaitForAccepted
	}
	if st.version.first {
		return out
	}
	out.Groups, out.Version = append([]string{}, st.request.Groups...), st.version.name
	if !st.disabled.IsZero() {
		out.DisabledDate = new(stamp(st.disabled))
	}
	return out
}

// listStreams lists the streams of all versions.
func (s *Server) listStreams(c *call) sim.Reply {
	s.removeStreams(c.Now)
	out := []streamItem{}
	for _, id := range s.streamOrder {
		if st := s.streams[id]; st.taxID == c.sender.TaxID {
			out = append(out, streamItem{st.id, st.request.Title})
		}
	}
	return sim.JSON(http.StatusOK, out)
}

// stream returns the stream of a path. What an unknown one is answered with
// depends on the operation.
func (s *Server) stream(c *call, v streamVersion, unknown int) (*stream, *sim.Reply) {
	id := c.PathValue("streamId")
	if faults := streamSchema.Props["replacedStreamId"].Check(id); faults != nil {
		r := s.invalid(codeInvalidParameters, faults)
		return nil, &r
	}
	s.removeStreams(c.Now)
	st := s.streams[id]
	if st == nil || st.taxID != c.sender.TaxID {
		r := s.failOne(unknown, codeStreamNotFound, "Stream "+id+" not found")
		return nil, &r
	}
	if st.version.name != v.name {
		// The adapter of the first version makes 400 of it.
		status := http.StatusForbidden
		if v.first {
			status = http.StatusBadRequest
		}
		r := s.failOne(status, codeForbidden, "Pa "+c.sender.TaxID+" version "+v.name+" is trying to access streamId "+id+": api version mismatch")
		return nil, &r
	}
	return st, nil
}

// ownStream returns the stream of a path to a key that may consume or change
// it.
func (s *Server) ownStream(c *call, v streamVersion) (*stream, *sim.Reply) {
	st, refused := s.stream(c, v, http.StatusNotFound)
	if refused == nil && !st.readableBy(c.sender) {
		r := s.failOne(http.StatusForbidden, codeForbidden, "Not allowed groups")
		return nil, &r
	}
	return st, refused
}

// getStream serves the metadata to any key of the administration.
func (s *Server) getStream(c *call, v streamVersion) sim.Reply {
	st, refused := s.stream(c, v, http.StatusBadRequest)
	if refused != nil {
		return *refused
	}
	return sim.JSON(http.StatusOK, st.metadata())
}

func (s *Server) deleteStream(c *call, v streamVersion) sim.Reply {
	st, refused := s.ownStream(c, v)
	if refused != nil {
		return *refused
	}
	s.removeStream(st.id)
	return sim.Reply{Status: http.StatusNoContent}
}

func (s *Server) removeStream(id string) {
	delete(s.streams, id)
	s.streamOrder = slices.DeleteFunc(s.streamOrder, func(other string) bool { return other == id })
}

// removeStreams removes the streams whose time after the disabling is over.
func (s *Server) removeStreams(now time.Time) {
	for id, st := range s.streams {
		if !st.disabled.IsZero() && now.Sub(st.disabled) > s.set.terms.DisabledStreams {
			s.removeStream(id)
		}
	}
}

// events serves a page. A cursor acknowledges: what it covers is gone.
func (s *Server) events(c *call, v streamVersion) sim.Reply {
	st, refused := s.ownStream(c, v)
	if refused != nil {
		return *refused
	}
	wire := time.Now()
	if s.set.enforceRetry && wire.Before(st.again) {
		r := s.failOne(http.StatusTooManyRequests, codeStreamRetry, "Retry after not expired")
		r.Header.Set("Retry-After", strconv.FormatInt(st.again.Sub(wire).Milliseconds(), 10))
		return r
	}
	if q := c.URL.Query(); q.Has("lastEventId") {
		cursor := q.Get("lastEventId")
		last, err := strconv.ParseInt(cursor, 10, 64)
		if faults := cursorSchema.Check(cursor); faults != nil || err != nil {
			return s.invalid(codeInvalidParameters, append(faults, "Query parameter 'lastEventId' is not valid"))
		}
		st.events = slices.DeleteFunc(st.events, func(e streamEvent) bool { return e.id <= last })
	}
	oldest := c.Now.Add(-s.set.terms.StreamEvents)
	st.events = slices.DeleteFunc(st.events, func(e streamEvent) bool { return e.at.Before(oldest) })

	page := st.events[:min(len(st.events), s.set.limits.StreamPage)]
	out := make([]progressResponse, 0, len(page))
	for _, e := range page {
		out = append(out, v.progress(e))
		st.served = max(st.served, e.id)
	}
	wait := time.Duration(0)
	if len(page) == 0 {
		wait = s.set.clock.Wait(cmp.Or(c.sender.StreamRetry, s.set.terms.StreamRetry))
	}
	st.again = wire.Add(wait)
	r := sim.JSON(http.StatusOK, out)
	r.Header.Set("Retry-After", strconv.FormatInt((wait+time.Millisecond-1).Milliseconds(), 10))
	return r
}

// notifyStreams gives an element to the streams that want it. newStatus is
// empty if the status has not changed.
func (s *Server) notifyStreams(n *notification, e *element, newStatus string) {
	for _, id := range s.streamOrder {
		st := s.streams[id]
		if st.taxID != n.taxID || !st.disabled.IsZero() || !st.wants(n, e, newStatus) {
			continue
		}
		ev := streamEvent{at: e.ingested, n: n, element: e, newStatus: newStatus, iun: n.accepted}
		if k := len(st.events) - 1; k >= 0 && st.events[k].id > st.served && !st.holds(st.events[k]) && s.chance(s.set.disorderedRate) {
			st.events[k], ev = swapped(st.events[k], ev)
		}
		st.append(ev)
		if s.chance(s.set.duplicateRate) {
			st.append(ev)
		}
	}
}

func (s *Server) chance(rate float64) bool { return rate > 0 && s.sim.Rand().Float64() < rate }

// holds reports whether an event must come before those that follow it: what
// waitForAccepted promises of the acceptance and the refusal.
func (st *stream) holds(e streamEvent) bool {
	return st.request.WaitForAccepted && (e.element.category == catAccepted || e.element.category == catRefused)
}

// swapped exchanges two events under their identifiers, which always grow.
func swapped(a, b streamEvent) (streamEvent, streamEvent) {
	a.id, b.id = b.id, a.id
	return b, a
}

func (st *stream) append(e streamEvent) {
	st.counter++
	e.id = st.counter
	st.events = append(st.events, e)
}

// wants reports whether an element passes the groups and the filter.
func (st *stream) wants(n *notification, e *element, newStatus string) bool {
	if len(st.request.Groups) > 0 && !slices.Contains(st.request.Groups, n.req.Group) || !st.version.element.knows(e.category) {
		return false
	}
	if st.request.EventType == eventTimeline {
		return slices.Contains(st.filter, e.category)
	}
	if newStatus == statusInValidation && st.request.WaitForAccepted {
		return false
	}
	return newStatus != "" && slices.Contains(st.filter, newStatus)
}
