package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
)

// unseen is how often a notification just accepted may not be found yet.
const unseen = 10

// follow looks at the notification until it has ended for all recipients, and
// keeps its detail on disk as received. Whoever has many reads a stream
// instead: see the example esiti.
func (j *job) follow(ctx context.Context, d send.Deposit) (*send.SentNotification, error) {
	var last []byte
	var told, missed int
	since := time.Now()
	for {
		var meta pa.Meta
		detail, err := j.session.Client.SentNotification(pa.CaptureMeta(ctx, &meta), d.IUN)
		state := "In attesa del dettaglio"
		switch {
		case errors.Is(err, pa.ErrNotFound) && missed < unseen:
			missed++
		case err != nil && (!pa.Temporary(err) || ctx.Err() != nil):
			return nil, err
		case err != nil:
			j.line("%s", pa.Message(err, pa.Italian))
		default:
			if !bytes.Equal(last, meta.Body) {
				last = meta.Body
				if err := j.writeDetail(last); err != nil {
					return nil, err
				}
			}
			if told == 0 {
				j.line("Stati della notifica:")
			}
			for ; told < len(detail.NotificationStatusHistory); told++ {
				s := detail.NotificationStatusHistory[told]
				j.line("  %s  %s", s.ActiveFrom.In(j.zone).Format("02/01/2006 15:04"), access.Status(s.Status))
				since = time.Now()
			}
			ends, err := endsOf(detail)
			if err != nil {
				return nil, err
			}
			if ended(detail, ends) {
				for i, e := range ends {
					j.line("Destinatario %d: %s il %s", i+1, e.how, e.when.In(j.zone).Format("02/01/2006"))
				}
				return detail, nil
			}
			state = access.Status(detail.NotificationStatus) + ", si aspetta che finisca"
		}
		if err := j.wait(ctx, j.pace.poll, since, "%s", state); err != nil {
			return nil, err
		}
	}
}

func (j *job) writeDetail(raw []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := j.folder.write(detailFile, &b)
	return err
}

// end is how and when the notification ended for one recipient.
type end struct {
	how  string
	when time.Time
}

// endings are the categories that end a notification for a recipient. The
// status of the whole does not tell: it speaks of any of them.
var endings = map[send.Category]string{
	send.CategoryRefinement:                      "perfezionata per decorrenza dei termini",
	send.CategoryNotificationViewed:              "perfezionata per presa visione",
	send.CategoryAnalogWorkflowRecipientDeceased: "restituita al mittente, destinatario deceduto",
}

// endsOf returns the first ending of each recipient that has one.
func endsOf(n *send.SentNotification) (map[int]end, error) {
	ends := map[int]end{}
	for _, e := range n.Timeline {
		how, ok := endings[e.Category]
		if !ok {
			continue
		}
		details, err := e.Decode()
		if err != nil {
			return nil, err
		}
		if details.RecIndex == nil {
			continue
		}
		when := e.Time()
		if old, ok := ends[*details.RecIndex]; !ok || when.Before(old.when) {
			ends[*details.RecIndex] = end{how, when}
		}
	}
	return ends, nil
}

// ended reports whether nothing more is to be waited for.
func ended(n *send.SentNotification, ends map[int]end) bool {
	return n.NotificationStatus == send.StatusCancelled || len(ends) == len(n.Recipients)
}

// cost returns what the notification costs: to the recipients, where it is
// added to their notices, else to the sender.
func (j *job) cost(ctx context.Context, n *send.SentNotification) (fiscal.Cents, error) {
	var parts []fiscal.Cents
	for i, r := range n.Recipients {
		for _, p := range r.Payments {
			if p.PagoPA == nil || !p.PagoPA.ApplyCost {
				continue
			}
			price, err := j.session.Client.Price(ctx, p.PagoPA.CreditorTaxID, p.PagoPA.NoticeCode)
			if errors.Is(err, send.ErrCancelled) || n.NotificationStatus == send.StatusCancelled && errors.Is(err, send.ErrNoCost) {
				continue // not due
			}
			if err != nil {
				return 0, err
			}
			if price.TotalPrice == nil { // an older version of the price was asked for
				return 0, access.Fault(send.EnvPrice, "questa versione del prezzo non dice il costo totale: toglierla.", "this version of the price does not give the total: leave it out")
			}
			if price.TotalPrice == nil {
				return 0, errors.New("SEND non ha indicato il costo da aggiungere all'avviso")
			}
			j.line("Destinatario %d: all'avviso si aggiungono %s (SEND %s, carta %s, ente %s)", i+1,
				price.TotalPrice.Text("it"), price.SendFee.Text("it"), price.AnalogCost.Text("it"), price.PaFee.Text("it"))
			parts = append(parts, *price.TotalPrice)
			break // each of several notices would carry the same cost
		}
	}
	if n.NotificationFeePolicy == send.DeliveryMode && len(parts) > 0 {
		return fiscal.Sum(parts...)
	}
	for _, e := range n.Timeline {
		details, err := e.Decode()
		if err != nil {
			return 0, err
		}
		if details.NotificationCost != nil {
			parts = append(parts, *details.NotificationCost)
		}
	}
	j.line("Nessun avviso porta il costo di notifica: è a carico dell'ente.")
	return fiscal.Sum(parts...)
}
