package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
)

// costReport is the form of the evidence of a cost.
type costReport struct {
	Version      int             `json:"version"`
	IUN          string          `json:"iun"`
	Sender       string          `json:"ente"`
	Creditor     string          `json:"enteCreditore"`
	NoticeCode   string          `json:"codiceAvviso"`
	AskedBy      string          `json:"richiedente"` // whose API key it was asked with
	Asked        string          `json:"richiestaDelCreditore"`
	Perfected    string          `json:"perfezionamento"`
	PerfectedHow string          `json:"perfezionamentoPer"`
	Total        fiscal.Cents    `json:"costo"`    // cents
	Reply        json.RawMessage `json:"risposta"` // as the API gave it
}

// cost plays the creditor that is asked to validate its position: it asks SEND
// for the cost of the notification, which must be perfected.
func (t *trial) cost(ctx context.Context, name, on string, client *send.Client, n *notification) (string, error) {
	if n.err != nil {
		return "", errDepends(on)
	}
	if n.perfected == "" {
		return "", access.Fault("", "da "+caseStream+" la notifica "+n.deposit.IUN+" non risulta perfezionata.", "the stream did not tell that the notification is perfected")
	}
	payment := n.data.Recipients[0].Payments[0].PagoPA
	var meta pa.Meta
	asked := time.Now()
	p, err := client.Price(pa.CaptureMeta(ctx, &meta), payment.CreditorTaxID, payment.NoticeCode)
	if err != nil {
		return "", err
	}
	at, how := p.NotificationViewDate, endings[send.CategoryNotificationViewed]
	if at.IsZero() || !p.RefinementDate.IsZero() && p.RefinementDate.Before(at) {
		at, how = p.RefinementDate, endings[send.CategoryRefinement]
	}
	switch {
	case p.IUN != n.deposit.IUN:
		return "", access.Fault("", "il costo è di un'altra notifica.", "the cost is of another notification")
	case p.TotalPrice == nil:
		return "", access.Fault("", "la risposta non dice il costo totale.", "the reply does not give the total cost")
	case at.IsZero():
		return "", access.Fault("", "la risposta non dice quando la notifica è stata perfezionata.", "the reply does not say when it was perfected")
	}
	r := costReport{
		Version: reportVersion, IUN: p.IUN, Sender: t.body.taxID, Creditor: payment.CreditorTaxID, NoticeCode: payment.NoticeCode,
		AskedBy: client.Sender(), Asked: stamp(asked), Perfected: stamp(at), PerfectedHow: how, Total: *p.TotalPrice, Reply: meta.Body,
	}
	detail := p.TotalPrice.Text("it") + " sull'avviso, perfezionata il " + at.In(t.zone).Format("02/01/2006") + " per " + how
	return detail, t.folder.writeJSON(r, strings.ReplaceAll(name, " ", "-"), "costo.json")
}
