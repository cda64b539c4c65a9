package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
)

// notification is one that a case deposits.
type notification struct {
	name    string // of the case, and of its folder
	data    send.Notification
	files   send.Files
	deposit send.Deposit
	err     error // why it does not exist

	perfected send.Category // how, once it is
}

// text says what became of the deposit.
func (n *notification) text() string {
	mode := ""
	if n.data.PagoPaIntMode != send.IntModeNone {
		mode = " (" + string(n.data.PagoPaIntMode) + ")"
	}
	return "richiesta accettata" + mode + ", IUN " + n.deposit.IUN
}

// The files of a notification.
const (
	actFile    = "atto.pdf"
	noticeFile = "avviso.pdf"
)

// plain is the notification of TC-INVIO-01.
func (t *trial) plain() *notification {
	return t.build("TC-INVIO-01", send.IntModeNone, "", "")
}

// paid is that of TC-INVIO-02 and of the cost in scenario 1: the creditor is
// the body itself.
func (t *trial) paid() *notification {
	return t.build("TC-INVIO-02", send.IntModeSync, t.body.taxID, cmp.Or(t.body.navSync, noticePrefix+number(12)))
}

// async is that of TC-INVIO-02 for whoever integrates pagoPA by GPD, or nil.
func (t *trial) async() *notification {
	if t.body.navAsync == "" {
		return nil
	}
	return t.build("TC-INVIO-02-asincrona", send.IntModeAsync, t.body.taxID, t.body.navAsync)
}

// other is that of the cost in scenario 2.
func (t *trial) other() *notification {
	return t.build("TC-COSTO-01-scenario-2", send.IntModeSync, t.body.creditor, noticePrefix+number(12))
}

// number returns so many random digits, at most 18: a notice or protocol number
// that nobody had before.
func number(digits int) string {
	limit := int64(1)
	for range digits {
		limit *= 10
	}
	return fmt.Sprintf("%0*d", digits, rand.Int64N(limit))
}

// build makes an invented notification to the test recipient, with a payment
// where there is a notice.
func (t *trial) build(name string, mode send.IntMode, creditor, notice string) *notification {
	protocol := "COLLAUDO-" + number(15)
	n := &notification{name: name, data: send.Notification{
		PaProtocolNumber:          protocol,
		Subject:                   "Collaudo SEND, " + name,
		Abstract:                  "Notifica di prova, senza valore legale",
		NotificationFeePolicy:     send.FlatRate,
		PhysicalCommunicationType: send.RegisteredLetter890,
		SenderDenomination:        t.body.denomination,
		SenderTaxID:               t.body.taxID,
		Group:                     t.body.group,
		TaxonomyCode:              cmp.Or(t.body.taxonomy, taxonomyPlain),
		PagoPaIntMode:             mode,
		Documents:                 []send.Document{{Title: "Atto di prova", Attachment: send.PDF(actFile)}},
		Recipients:                []send.Recipient{t.recipient()},
	}, files: send.Files{
		actFile: send.FromBytes(access.PDF("PROVA SENZA VALORE LEGALE", "", t.body.denomination, "Atto di prova", "Protocollo "+protocol, "", "Caso "+name)),
	}}
	if notice == "" {
		return n
	}
	n.data.NotificationFeePolicy = send.DeliveryMode
	n.data.TaxonomyCode = cmp.Or(t.body.taxonomy, taxonomyPaid)
	n.data.Amount, n.data.PaFee, n.data.VAT = new(fiscal.Cents(4200)), new(fiscal.Cents(100)), new(22)
	n.data.Recipients[0].Payments = []send.Payment{{PagoPA: &send.PagoPAPayment{
		NoticeCode: notice, CreditorTaxID: creditor, ApplyCost: true, Attachment: new(send.PDF(noticeFile)),
	}}}
	n.files[noticeFile] = send.FromBytes(access.PDF("PROVA: NON PAGARE", "", t.body.denomination, "Avviso di pagamento", "Codice avviso "+notice,
		"Ente creditore "+creditor, "", "Caso "+name))
	return n
}

// portalUser is the account of UAT's recipient on the portal for recipients.
// Both are of the test data that SEND publishes.
const (
	portalUser  = "lucia.mondella"
	portalURL   = "https://login.uat.notifichedigitali.it"
	portalTaxID = "MNDLCU98T68C933T"
)

// recipient is the one of UAT's accounts that has no digital domicile of its
// own, and elsewhere an invented person. An empty list of payments is sent as
// one: some test servers want it.
func (t *trial) recipient() send.Recipient {
	r := send.Recipient{
		RecipientType:   send.NaturalPerson,
		TaxID:           fiscal.UncheckedTaxID("SMPDNN80A41H501D"),
		Denomination:    "Adanna Esempio",
		DigitalDomicile: send.PEC("collaudo@pec.esempio.invalid"),
		PhysicalAddress: &send.PhysicalAddress{Address: "Via Torino 1", Zip: "20123", Municipality: "Milano", Province: "MI"},
		Payments:        []send.Payment{},
	}
	if t.session.Environment == pa.UAT {
		r.TaxID, r.Denomination = fiscal.UncheckedTaxID(portalTaxID), "Lucia Mondella"
	}
	return r
}

// deposit sends the notifications, and waits until each is accepted or not.
func (t *trial) deposit(ctx context.Context, all []*notification) {
	for _, n := range all {
		n.err = t.submit(ctx, n)
	}
	var wg sync.WaitGroup
	for _, n := range all {
		if n.err == nil {
			wg.Go(func() { n.err = t.await(ctx, n) })
		}
	}
	wg.Wait()
}

// submit sends one, and keeps what is sent.
func (t *trial) submit(ctx context.Context, n *notification) error {
	for _, name := range slices.Sorted(maps.Keys(n.files)) {
		r, err := n.files[name].Open()
		if err != nil {
			return err
		}
		_, _, err = t.folder.write(r, n.name, name)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	var err error
	n.deposit, err = t.session.Client.Submit(ctx, n.data, n.files)
	if err != nil {
		return t.limitFault(ctx, err, "la richiesta non è stata inviata")
	}
	t.say("%s: richiesta inviata, %s", n.name, n.deposit.NotificationRequestID)
	return t.folder.writeJSON(n.deposit.Request(), n.name, "richiesta.json")
}

// depositReport is the form of what is known of a request.
type depositReport struct {
	Version               int      `json:"version"`
	NotificationRequestID string   `json:"notificationRequestId"`
	PaProtocolNumber      string   `json:"paProtocolNumber"`
	IdempotenceToken      string   `json:"idempotenceToken"`
	SubmittedAt           string   `json:"inviata"`
	Outcome               string   `json:"esito"`
	IUN                   string   `json:"iun,omitempty"`
	Refusals              []string `json:"rifiuti,omitempty"`
}

func (t *trial) await(ctx context.Context, n *notification) error {
	d, err := t.session.Client.Await(ctx, n.deposit)
	n.deposit = d
	r := depositReport{
		Version: reportVersion, NotificationRequestID: d.NotificationRequestID, PaProtocolNumber: d.Notification.PaProtocolNumber,
		IdempotenceToken: d.Notification.IdempotenceToken, SubmittedAt: stamp(d.SubmittedAt), Outcome: outcomes[d.Stage], IUN: d.IUN,
	}
	for _, reason := range d.Refusals {
		r.Refusals = append(r.Refusals, reason.Code)
	}
	if err == nil {
		t.say("%s: richiesta accettata, IUN %s", n.name, d.IUN)
	}
	return errors.Join(t.limitFault(ctx, err, "la richiesta non è stata accettata"), t.folder.writeJSON(r, n.name, "deposito.json"))
}

var outcomes = map[send.Stage]string{send.StageAccepted: "accettata", send.StageRefused: "rifiutata", send.StageAwait: "in validazione"}

// accepted returns those that exist.
func accepted(all []*notification) []*notification {
	var list []*notification
	for _, n := range all {
		if n.err == nil {
			list = append(list, n)
		}
	}
	return list
}

// italian writes an instant for people.
func (t *trial) italian(at time.Time) string { return at.In(t.zone).Format("02/01/2006 15:04:05") }
