package send

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/rest"
	"github.com/pa-italia/sdk-go/pa"
)

// StreamRequest asks for a stream of events. A stream gives only what happens
// after it was made: make it before sending.
type StreamRequest struct {
	Title     string    `json:"title"` // up to 256 characters
	EventType EventType `json:"eventType"`
	// Groups the stream is limited to; a key with groups must name some of them.
	Groups []string `json:"groups"`
	// FilterValues are categories or statuses; none means all, DEFAULT the
	// ones that matter to a sender.
	FilterValues []string `json:"filterValues"`
	// WaitForAccepted holds the events of a notification back until it is accepted.
	WaitForAccepted bool `json:"waitForAccepted,omitempty"`
	// ReplacedStreamID names a stream that this one takes over from.
	ReplacedStreamID string `json:"replacedStreamId,omitempty"`
}

// EventType is what a stream tells.
type EventType string

const (
	EventStatus   EventType = "STATUS"   // changes of status
	EventTimeline EventType = "TIMELINE" // each element of the timeline
)

// FilterDefault stands for the categories that matter to a sender.
const FilterDefault = "DEFAULT"

// Stream is a stream of events.
type Stream struct {
	StreamRequest
	StreamID       string    `json:"streamId"`
	ActivationDate time.Time `json:"activationDate"`
	DisabledDate   time.Time `json:"disabledDate,omitzero"`
	Version        string    `json:"version,omitempty"` // like v29: the only one that it answers to
}

// StreamListElement is an entry of the list of streams.
type StreamListElement struct {
	StreamID string `json:"streamId"`
	Title    string `json:"title"`
}

// CreateStream makes a stream. A sender has a limited number of them
// (ErrTooManyStreams). A lost reply is not repeated, or there could be two:
// look for the title with [Client.ListStreams].
//
//api:operation POST /delivery-progresses/v2.9/streams
func (c *Client) CreateStream(ctx context.Context, r StreamRequest) (*Stream, error) {
	body, err := c.streamBody(r)
	if err != nil {
		return nil, err
	}
	s, _, err := rest.Call[Stream](ctx, c.rest, &c.ops.createStream, rest.Request{Body: body})
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// streamBody completes a request: the platform wants the list of groups also
// where there are none, and an absent filter is not the empty one to all of its
// servers.
func (c *Client) streamBody(r StreamRequest) ([]byte, error) {
	if r.WaitForAccepted && c.cfg.Versions.Streams.before("v2.7") {
		return nil, &pa.ValidationError{Subject: "send.StreamRequest", Findings: []pa.Finding{{Path: "waitForAccepted", Rule: "SEND_VERSION", Severity: pa.Invalid, Text: pa.Text{
			IT: "Questa versione degli stream non ha il campo: serve la v2.7 o una più recente.",
			EN: "this version of the streams does not have the field: it takes v2.7 or a newer one"}}}}
	}
	r.Groups, r.FilterValues = orEmpty(r.Groups), orEmpty(r.FilterValues)
	if r.EventType == "" {
		r.EventType = EventTimeline
	}
	return rest.JSON(r)
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// ListStreams lists the streams of the sender, of all versions.
//
//api:operation GET /delivery-progresses/v2.9/streams
func (c *Client) ListStreams(ctx context.Context) ([]StreamListElement, error) {
	list, _, err := rest.Call[[]StreamListElement](ctx, c.rest, &c.ops.listStreams, rest.Request{})
	return list, err
}

// Stream returns a stream.
//
//api:operation GET /delivery-progresses/v2.9/streams/{streamId}
func (c *Client) Stream(ctx context.Context, streamID string) (*Stream, error) {
	s, _, err := rest.Call[Stream](ctx, c.rest, &c.ops.stream, rest.Request{Params: []string{streamID}})
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// UpdateStream changes the title, the filters and the groups of a stream;
// groups can only be added. What r does not say is taken away, so begin with
// what the stream is; its type cannot change.
//
//api:operation PUT /delivery-progresses/v2.9/streams/{streamId}
func (c *Client) UpdateStream(ctx context.Context, streamID string, r StreamRequest) (*Stream, error) {
	if r.EventType == "" {
		return nil, &pa.ValidationError{Subject: "send.StreamRequest", Findings: []pa.Finding{{Path: "eventType", Rule: "SEND_REQUIRED", Severity: pa.Invalid, Text: pa.Text{
			IT: "Il campo è obbligatorio: la modifica sostituisce tutto lo stream.",
			EN: "the field is required: an update replaces the whole of a stream"}}}}
	}
	r.ReplacedStreamID = ""
	body, err := c.streamBody(r)
	if err != nil {
		return nil, err
	}
	s, _, err := rest.Call[Stream](ctx, c.rest, &c.ops.updateStream, rest.Request{Params: []string{streamID}, Body: body})
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// DisableStream stops a stream for good: it can be read for another fourteen
// days and then is gone.
//
//api:operation POST /delivery-progresses/v2.9/streams/{streamId}/action/disable
func (c *Client) DisableStream(ctx context.Context, streamID string) (*Stream, error) {
	s, _, err := rest.Call[Stream](ctx, c.rest, &c.ops.disableStream, rest.Request{Params: []string{streamID}})
	if e, ok := errors.AsType[*pa.Error](err); ok && e.Attempts > 1 && errors.Is(err, pa.ErrForbidden) {
		// Perhaps by an attempt whose reply was lost.
		if now, lookErr := c.Stream(ctx, streamID); lookErr == nil && !now.DisabledDate.IsZero() {
			return now, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// ReplaceStream makes a stream that takes over from one of an older version of
// the API, which only a client of that version can read, with its title, type,
// groups and filters. The older one is disabled; what it still holds is read by
// old.Drain, then this stream from its beginning: together they tell
// everything, some of it twice ([Event.Key]).
func (c *Client) ReplaceStream(ctx context.Context, old *Client, streamID string) (*Stream, error) {
	s, err := old.Stream(ctx, streamID)
	if err != nil {
		return nil, err
	}
	if !s.DisabledDate.IsZero() {
		if made, err := c.successor(ctx, s); made != nil || err != nil {
			return made, err
		}
	}
	r := s.StreamRequest
	r.ReplacedStreamID = streamID
	made, err := c.CreateStream(ctx, r)
	if !errors.Is(err, pa.ErrOutcomeUnknown) {
		return made, err
	}
	// The reply was lost: the old stream tells whether it was replaced.
	if now, lookErr := old.Stream(ctx, streamID); lookErr == nil && !now.DisabledDate.IsZero() {
		if made, lookErr := c.successor(ctx, now); made != nil {
			return made, lookErr
		}
	}
	return nil, err
}

// successor finds the stream that took over from a disabled one: of this
// version, with the same request, made when the other was disabled.
func (c *Client) successor(ctx context.Context, old *Stream) (*Stream, error) {
	list, err := c.ListStreams(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if e.StreamID == old.StreamID || e.Title != old.Title {
			continue
		}
		s, err := c.Stream(ctx, e.StreamID)
		if errors.Is(err, ErrStreamVersion) || isNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		sameTime := s.ActivationDate.Sub(old.DisabledDate).Abs() < replaceWindow
		if sameTime && s.EventType == old.EventType && slices.Equal(s.FilterValues, old.FilterValues) && slices.Equal(s.Groups, old.Groups) {
			return s, nil
		}
	}
	return nil, nil
}

// replaceWindow is how far apart the platform may note the two halves of a
// replacement.
const replaceWindow = time.Minute

// DeleteStream removes a stream with the events that nobody has read.
//
//api:operation DELETE /delivery-progresses/v2.9/streams/{streamId}
func (c *Client) DeleteStream(ctx context.Context, streamID string) error {
	_, err := c.rest.Do(ctx, &c.ops.deleteStream, rest.Request{Params: []string{streamID}})
	if e, ok := errors.AsType[*pa.Error](err); ok && e.Attempts > 1 && isNotFound(err) {
		return nil // by an attempt whose reply was lost
	}
	return err
}

// Event is an event of a stream (ProgressResponseElementV29).
type Event struct {
	EventID               string          `json:"eventId"`
	NotificationRequestID string          `json:"notificationRequestId,omitempty"` // always there: correlate on it
	IUN                   string          `json:"iun,omitempty"`                   // none before acceptance
	NewStatus             Status          `json:"newStatus,omitempty"`             // where the element changes it
	Element               TimelineElement `json:"element"`

	// Raw is the event as received. It shares the memory of its page: copy
	// it to keep it for long.
	Raw json.RawMessage `json:"-"`
}

// Key names what happened: it is the same for an event that comes twice, also
// under another id, as the platform may do. It makes the unique key of an
// effect that must happen once.
func (e *Event) Key() string {
	if e.Element.ElementID != "" {
		return e.NotificationRequestID + "/" + e.Element.ElementID
	}
	return e.NotificationRequestID + "/" + string(e.NewStatus)
}

// EventPage is a reply of a stream: at most 50 events, in the order of their ids.
type EventPage struct {
	Events []Event
	// Last is the id of the last event, or the one asked from where there
	// are none. To ask with it acknowledges: the platform forgets the
	// events up to it.
	Last string
	// RetryAfter is how long to leave the stream alone; 0 means that there
	// may be more at once.
	RetryAfter time.Duration
}

// EventPage reads the events after an id; "" begins with the oldest that the
// platform still has. Asking with an id acknowledges the events up to it, so
// first save what was read. Events at or before it, which the platform can
// send again, are left out.
//
//api:operation GET /delivery-progresses/v2.9/streams/{streamId}/events
func (c *Client) EventPage(ctx context.Context, streamID, lastEventID string) (*EventPage, error) {
	req := rest.Request{Params: []string{streamID}}
	if lastEventID != "" {
		req.Query = url.Values{"lastEventId": {lastEventID}}
	}
	reply, err := c.rest.Do(ctx, &c.ops.events, req)
	if err != nil {
		return nil, err
	}
	events, ok := decodeEvents(reply.Body)
	if !ok {
		return nil, c.rest.Unexpected(&c.ops.events, reply)
	}
	page := &EventPage{Events: inOrder(events, lastEventID), Last: lastEventID, RetryAfter: reply.RetryAfter(&c.ops.events)}
	if n := len(page.Events); n > 0 {
		page.Last = page.Events[n-1].EventID
	} else if page.RetryAfter == 0 {
		page.RetryAfter = emptyWait // nothing new and no word of when: do not spin
	}
	return page, nil
}

const emptyWait = time.Second

// inOrder sorts by event id and leaves out what was acknowledged or is there twice.
func inOrder(events []Event, after string) []Event {
	sorted := slices.IsSortedFunc(events, func(a, b Event) int { return compareIDs(a.EventID, b.EventID) })
	if !sorted {
		slices.SortStableFunc(events, func(a, b Event) int { return compareIDs(a.EventID, b.EventID) })
	}
	return slices.DeleteFunc(events, func(e Event) bool {
		if after != "" && compareIDs(e.EventID, after) <= 0 {
			return true
		}
		after = e.EventID
		return false
	})
}

// compareIDs compares the numbers that event ids are, whatever their length.
func compareIDs(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// decodeEvents reads a page. An element that has a member of another form than
// the contract's, like an instant without a zone, must not stop a stream for
// good: of such an event what can be read is, and Raw has the rest.
func decodeEvents(body []byte) ([]Event, bool) {
	var events []Event
	if err := json.Unmarshal(body, &events); err != nil {
		var list []json.RawMessage
		if json.Unmarshal(body, &list) != nil {
			return nil, false
		}
		events = make([]Event, len(list))
		for i, raw := range list {
			if json.Unmarshal(raw, &events[i]) != nil && !events[i].salvage(raw) {
				return nil, false
			}
		}
	}
	raw := rawElements(body, len(events))
	for i := range events {
		if events[i].EventID == "" {
			return nil, false
		}
		events[i].Raw = raw[i]
	}
	return events, true
}

// salvage reads the members that an event cannot do without.
func (e *Event) salvage(raw json.RawMessage) bool {
	var w struct {
		EventID, NotificationRequestID, IUN string
		NewStatus                           Status
		Element                             struct {
			ElementID string
			Category  Category
			Details   json.RawMessage
		}
	}
	if json.Unmarshal(raw, &w) != nil {
		return false
	}
	*e = Event{EventID: w.EventID, NotificationRequestID: w.NotificationRequestID, IUN: w.IUN, NewStatus: w.NewStatus,
		Element: TimelineElement{ElementID: w.Element.ElementID, Category: w.Element.Category, Details: w.Element.Details}}
	return true
}

// rawElements returns the elements of a JSON array of n objects that is known
// to be valid: a second decoding would cost as much as the first.
func rawElements(data []byte, n int) []json.RawMessage {
	list := make([]json.RawMessage, 0, n)
	depth, start := 0, 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = endOfString(data, i)
		case '{', '[':
			if depth++; depth == 2 {
				start = i
			}
		case '}', ']':
			if depth--; depth == 1 {
				list = append(list, data[start:i+1:i+1])
			}
		}
	}
	// Elements that are no objects have no id and are refused by the caller.
	return append(list, make([]json.RawMessage, max(0, n-len(list)))...)
}

// endOfString returns the position of the closing quote of the string at i.
func endOfString(data []byte, i int) int {
	for i++; ; i++ {
		q := bytes.IndexByte(data[i:], '"')
		if q < 0 {
			return len(data)
		}
		i += q
		backslashes := 0
		for data[i-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return i
		}
	}
}

// Events reads a stream for as long as ctx lives, pausing as the platform
// asks, after an id or from the oldest event. When the loop takes the first
// event of a page, the page before is acknowledged; whoever must not lose an
// event uses [Client.Consume]. Temporary failures are waited out; any other is
// yielded, once, and ends the sequence, as does the end of ctx.
func (c *Client) Events(ctx context.Context, streamID, lastEventID string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for page, err := range c.pages(ctx, streamID, lastEventID) {
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range page.Events {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// pages asks for page after page. The next is asked for, and the last one so
// acknowledged, only when the caller comes back.
func (c *Client) pages(ctx context.Context, streamID, last string) iter.Seq2[*EventPage, error] {
	return func(yield func(*EventPage, error) bool) {
		for tries := 0; ; {
			page, err := c.EventPage(ctx, streamID, last)
			var wait time.Duration
			switch {
			case err == nil:
				tries, last, wait = 0, page.Last, page.RetryAfter
				if !yield(page, nil) {
					return
				}
			case ctx.Err() == nil && pa.Temporary(err):
				tries++
				wait = waitAfter(err, tries)
			default:
				yield(nil, err)
				return
			}
			if err := sleep(ctx, wait); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}
