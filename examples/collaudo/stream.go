package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
)

// createStream makes the stream that tells all elements of the timelines.
func (t *trial) createStream(ctx context.Context) (string, error) {
	r := send.StreamRequest{Title: "Collaudo " + t.italian(time.Now()), EventType: send.EventTimeline}
	if t.body.group != "" {
		r.Groups = []string{t.body.group}
	}
	s, err := t.session.Client.CreateStream(ctx, r)
	if err != nil {
		return "", err
	}
	return s.StreamID, nil
}

// deleteStream gives the stream back, also where the run was stopped: a body
// has few. One that stays is no fault of the tests, and is told. A test server
// that judges what was done may look for the stream afterwards: there it stays.
func (t *trial) deleteStream(ctx context.Context, stream string) {
	if t.foreign() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if err := t.session.Client.DeleteStream(ctx, stream); err != nil {
		t.say("Lo stream %s non è stato eliminato: %s", stream, pa.Message(err, pa.Italian))
	}
}

// reading is a call for events: what shows that retry-after was kept.
type reading struct {
	Asked       time.Time `json:"richiesta"`
	Answered    time.Time `json:"risposta"`
	LastEventID string    `json:"lastEventId,omitempty"`
	Status      int       `json:"stato"`
	RetryAfter  string    `json:"retryAfter"` // milliseconds, as received
	Events      int       `json:"eventi"`
}

// early returns the first reading that came before the one before it allowed.
func early(readings []reading) (int, bool) {
	for i := range readings[:max(len(readings)-1, 0)] {
		ms, err := strconv.ParseInt(readings[i].RetryAfter, 10, 32)
		if err == nil && readings[i+1].Asked.Sub(readings[i].Answered) < time.Duration(ms)*time.Millisecond {
			return i + 1, true
		}
	}
	return 0, false
}

// reader is the reading of a stream up to the end of the notifications.
type reader struct {
	readings []reading
	raw      []json.RawMessage
	rows     [][]string
	known    map[string]*notification // by request
	told     map[*notification]bool   // of whose acceptance the stream told
	open     map[*notification]bool
	opener   func(*notification) error // nil where nobody opens by himself
}

// text says what was read.
func (r *reader) text() string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("%d eventi in %d letture dello stream, retry-after rispettato", len(r.rows), len(r.readings))
}

// endings are the events that perfect a notification for its recipient.
var endings = map[send.Category]string{
	send.CategoryNotificationViewed: "presa visione",
	send.CategoryRefinement:         "decorrenza dei termini",
}

// follow reads the stream until every accepted notification is perfected, and
// keeps what it read, whatever comes.
func (t *trial) follow(ctx context.Context, stream string, all []*notification) (*reader, error) {
	list := accepted(all)
	if len(list) == 0 {
		return nil, errDepends(casePlain + " e " + casePaid)
	}
	t.askToOpen(list)
	r := &reader{known: map[string]*notification{}, told: map[*notification]bool{}, open: map[*notification]bool{}}
	if t.session.Simulators != nil {
		r.opener = func(n *notification) error { return t.session.Simulators.SEND.View(n.deposit.IUN, 0) }
	}
	for _, n := range list {
		r.known[n.deposit.NotificationRequestID], r.open[n] = n, true
	}
	err := t.limitFault(ctx, t.read(ctx, stream, r), "le notifiche non sono state tutte perfezionate")
	for _, n := range list {
		if err == nil && !r.told[n] {
			err = access.Fault("", "lo stream non ha detto l'accettazione di "+n.deposit.IUN+".", "the stream did not tell of the acceptance of "+n.deposit.IUN)
		}
	}
	if i, found := early(r.readings); found && err == nil {
		err = access.Fault("", fmt.Sprintf("la lettura %d è arrivata prima di quanto retry-after permettesse.", i+1), "a reading came before retry-after allowed")
	}
	return r, errors.Join(err,
		t.folder.writeJSON(r.readings, caseStream, "letture.json"),
		t.folder.writeJSON(r.raw, caseStream, "eventi.json"),
		t.folder.writeTable(append([][]string{{"eventId", "notificationRequestId", "iun", "data", "tipo", "timestamp", "nuovoStato"}}, r.rows...), caseStream, "eventi.csv"))
}

// askToOpen says who must open the notifications: in UAT a person does.
func (t *trial) askToOpen(list []*notification) {
	if t.session.Environment != pa.UAT {
		return
	}
	t.say("DA APRIRE, come destinatario %s su %s (SPID di prova):", portalUser, portalURL)
	for _, n := range list {
		t.say("  %s  %s", n.deposit.IUN, n.data.Subject)
	}
	t.say("Si aspetta fino a %s (-attesa). Quelle che nessuno apre si perfezionano per decorrenza dei termini.", access.Duration(t.limit))
}

func (t *trial) read(ctx context.Context, stream string, r *reader) error {
	last := ""
	for {
		var meta pa.Meta
		asked := time.Now()
		page, err := t.session.Client.EventPage(pa.CaptureMeta(ctx, &meta), stream, last)
		var wait time.Duration
		switch {
		case err == nil:
			r.readings = append(r.readings, reading{asked, time.Now(), last, meta.StatusCode, meta.Header.Get("retry-after"), len(page.Events)})
			for i := range page.Events {
				if err := r.take(t, &page.Events[i]); err != nil {
					return err
				}
			}
			last, wait = page.Last, page.RetryAfter
		case ctx.Err() == nil && pa.Temporary(err):
			t.say("Stream: %s", pa.Message(err, pa.Italian))
			wait = time.Second
			if e, ok := errors.AsType[*pa.Error](err); ok {
				wait = max(wait, e.RetryAfter)
			}
		default:
			return err
		}
		if len(r.open) == 0 && len(r.readings) > 1 { // one alone would not show that retry-after is kept
			return nil
		}
		if err := t.wait(ctx, wait, t.prefix+"Si aspettano gli eventi di "+counted(len(r.open))); err != nil {
			return err
		}
	}
}

func counted(notifications int) string {
	if notifications == 1 {
		return "una notifica"
	}
	return strconv.Itoa(notifications) + " notifiche"
}

// flatEvent has what the first version of the streams says outside an element.
type flatEvent struct {
	Category  send.Category `json:"timelineEventCategory"`
	Timestamp time.Time     `json:"timestamp"`
}

// take notes an event of one of our notifications.
func (r *reader) take(t *trial, e *send.Event) error {
	n := r.known[e.NotificationRequestID]
	if n == nil {
		return nil // the body sends others meanwhile
	}
	category, at := e.Element.Category, e.Element.Time()
	if category == "" {
		var flat flatEvent
		if err := json.Unmarshal(e.Raw, &flat); err != nil {
			return access.Fault("", "un evento dello stream non ha tipo o data.", "an event of the stream has no type or date")
		}
		category, at = flat.Category, flat.Timestamp
	}
	r.raw = append(r.raw, append(json.RawMessage(nil), e.Raw...))
	r.rows = append(r.rows, []string{e.EventID, e.NotificationRequestID, e.IUN, t.italian(at), string(category), stamp(at), string(e.NewStatus)})
	if e.IUN == n.deposit.IUN && (e.NewStatus == send.StatusAccepted || category == send.CategoryRequestAccepted) {
		r.told[n] = true
	}
	if _, ok := endings[category]; ok && n.perfected == "" {
		n.perfected = category
		delete(r.open, n)
		t.say("%s: perfezionata per %s", n.name, endings[category])
	}
	// A recipient opens what has a payment; the other runs out its term.
	if category == send.CategoryDigitalSuccessWorkflow && r.opener != nil && n.data.PagoPaIntMode != send.IntModeNone {
		return r.opener(n)
	}
	return nil
}
