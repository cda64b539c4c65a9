package send

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/rome"
	"github.com/pa-italia/sdk-go/pa"
)

// Report tells the outcomes in words, in one language, for a clerk: times are
// those of Italy. It names no person and no address; recipients are told by
// their position, from 1. The text is for reading, not for parsing.
func (o Outcomes) Report(lang pa.Lang) string {
	w := reporter{lang: lang}
	w.line(0, pa.Text{IT: "Notifica %s", EN: "Notification %s"}, o.IUN)
	w.line(1, pa.Text{IT: "Stato %s: %s", EN: "Status %s: %s"}, string(o.Status), o.Status.Message(lang))
	w.sender(o.Sender)
	w.cancellation(o.Cancellation)
	for i := range o.Recipients {
		w.recipient(&o.Recipients[i], o.Cancellation.At)
	}
	for i := range o.Corrections {
		w.correction(&o.Corrections[i])
	}
	for _, c := range o.Unknown {
		w.line(0, pa.Text{IT: "%s", EN: "%s"}, c.Message(lang))
	}
	return w.text.String()
}

// Message says how the notification stands for a recipient, in one language.
func (k PerfectionKind) Message(lang pa.Lang) string {
	return message(perfectionTexts, k, lang, pa.Text{IT: "Perfezionamento non riconosciuto: ", EN: "Unknown perfection: "})
}

var perfectionTexts = map[PerfectionKind]pa.Text{
	NotYetPerfected: {IT: "Non ancora perfezionata.", EN: "Not perfected yet."},
	PerfectedByView: {IT: "Perfezionata per presa visione.", EN: "Perfected by view."},
	PerfectedByTime: {IT: "Perfezionata per decorrenza dei termini.", EN: "Perfected by elapsed time."},
	NeverPerfected:  {IT: "Non si perfeziona.", EN: "It will not be perfected."},
}

// attemptTexts name attempts by channel; the number follows.
var attemptTexts = map[Channel]pa.Text{
	ChannelDigital: {IT: "Invio digitale", EN: "Digital delivery"},
	ChannelAnalog:  {IT: "Raccomandata", EN: "Registered letter"},
	ChannelSimple:  {IT: "Raccomandata semplice", EN: "Simple registered letter"},
}

var sourceTexts = map[DigitalAddressSource]pa.Text{
	SourcePlatform: {IT: "domicilio di piattaforma", EN: "domicile on the platform"},
	SourceSpecial:  {IT: "domicilio indicato dall'ente", EN: "domicile given by the sender"},
	SourceGeneral:  {IT: "domicilio dei registri pubblici", EN: "domicile of the public registers"},
}

var resultTexts = map[ResponseStatus]pa.Text{
	"":         {IT: "nessun esito finora", EN: "no outcome so far"},
	ResponseOK: {IT: "esito positivo", EN: "succeeded"},
	ResponseKO: {IT: "esito negativo", EN: "failed"},
}

// successTexts say what a success is worth that is no delivery.
var successTexts = map[FailureCause]pa.Text{
	causeDeceased: {IT: "restituita, destinatario deceduto; non c'è un secondo invio", EN: "returned, the recipient is deceased; there is no second delivery"},
	causeRefused:  {IT: "rifiutata, vale come consegnata; non c'è un secondo invio", EN: "refused, it counts as delivered; there is no second delivery"},
}

// depositClosed are the codes that close the file of an 890 letter in deposit,
// whose outcome comes before them as RECAG012.
var depositClosed = []DeliveryCode{"RECAG005C", "RECAG006C", "RECAG007C", "RECAG008C"}

// reporter writes the lines of a report.
type reporter struct {
	lang pa.Lang
	text strings.Builder
}

func (w *reporter) line(depth int, format pa.Text, args ...any) {
	w.text.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(&w.text, format.In(w.lang), args...)
	w.text.WriteByte('\n')
}

// since writes a line about an instant, if it is known.
func (w *reporter) since(depth int, t time.Time, format pa.Text) {
	if !t.IsZero() {
		w.line(depth, format, w.when(t))
	}
}

func (w *reporter) when(t time.Time) string {
	layout := pa.Text{IT: "02/01/2006 15:04", EN: "2 January 2006 15:04"}
	return t.In(rome.Location()).Format(layout.In(w.lang))
}

func (w *reporter) documents(depth int, list []LegalFactID) {
	for _, d := range list {
		w.line(depth, pa.Text{IT: "[%s] %s", EN: "[%s] %s"}, string(d.Category), d.Category.Message(w.lang))
	}
}

func (w *reporter) sender(s SenderOutcome) {
	w.line(0, pa.Text{IT: "Mittente", EN: "Sender"})
	w.since(1, s.DepositedAt, pa.Text{IT: "Depositata il %s.", EN: "Deposited %s."})
	w.since(1, s.AcceptedAt, pa.Text{IT: "Accettata, e perfezionata per il mittente, il %s.", EN: "Accepted, and perfected for the sender, %s."})
	w.documents(1, s.LegalFacts)
}

func (w *reporter) cancellation(c Cancellation) {
	w.since(1, c.RequestedAt, pa.Text{IT: "Annullamento chiesto il %s.", EN: "Cancellation asked for %s."})
	w.since(1, c.At, pa.Text{IT: "Annullata il %s.", EN: "Cancelled %s."})
	w.documents(1, c.LegalFacts)
}

func (w *reporter) recipient(r *RecipientOutcome, cancelled time.Time) {
	w.line(0, pa.Text{IT: "Destinatario %d", EN: "Recipient %d"}, r.RecIndex+1)
	w.perfection(r)
	if r.Perfection.Kind == NeverPerfected {
		w.since(1, cancelled, pa.Text{
			IT: "La notifica è stata annullata il %s, prima di perfezionarsi.",
			EN: "The notification was cancelled %s, before its perfection."})
	}
	w.happenings(r)
	w.cost(r)
}

// happenings tells what happened to a recipient: first what decides, then the
// rest in the order of time.
func (w *reporter) happenings(r *RecipientOutcome) {
	w.since(1, r.DeceasedAt, pa.Text{
		IT: "Decesso segnalato il %s: valutare la notifica agli eredi.",
		EN: "Death reported %s: consider notifying the heirs."})
	w.since(1, r.UnreachableAt, pa.Text{
		IT: "Irreperibile: avviso depositato su SEND il %s.",
		EN: "Could not be reached: notice deposited on SEND %s."})
	type entry struct {
		at   time.Time
		tell func()
	}
	var entries []entry
	since := func(t time.Time, format pa.Text) {
		entries = append(entries, entry{t, func() { w.since(1, t, format) }})
	}
	for _, t := range r.CourtesyAt {
		since(t, pa.Text{IT: "Messaggio di cortesia il %s.", EN: "Courtesy message %s."})
	}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		entries = append(entries, entry{a.begun(), func() { w.attempt(a, r.domicileOf(a)) }})
	}
	since(r.PaidAt, pa.Text{
		IT: "Pagamento comunicato il %s: non perfeziona, e ferma gli invii cartacei non ancora partiti.",
		EN: "Payment reported %s: it does not perfect, and stops paper not sent yet."})
	for _, p := range r.RADDRetrievals {
		since(p.At, pa.Text{IT: "Stampa in un punto RADD il %s.", EN: "Printed at a RADD point %s."})
	}
	for _, v := range r.Views {
		by := pa.Text{IT: "Presa visione del destinatario il %s.", EN: "Seen by the recipient %s."}
		switch {
		case v.Delegate != nil:
			by = pa.Text{IT: "Presa visione di un delegato il %s.", EN: "Seen by a delegate %s."}
		case v.RADDType != "":
			by = pa.Text{IT: "Presa visione in un punto RADD il %s.", EN: "Seen at a RADD point %s."}
		}
		since(v.At, by)
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return a.at.Compare(b.at) })
	for _, e := range entries {
		e.tell()
	}
	if r.NoSecondAttempt != "" {
		w.line(1, pa.Text{IT: "Secondo invio cartaceo non fatto: %s %s", EN: "No second paper delivery: %s %s"},
			string(r.NoSecondAttempt), r.NoSecondAttempt.Message(w.lang))
	}
	if r.GeneratedAARURL != "" {
		w.line(1, pa.Text{IT: "[AAR] Avviso di avvenuta ricezione.", EN: "[AAR] Notice to the recipient."})
	}
	w.documents(1, r.LegalFacts)
}

// begun is when an attempt was made, else when the first news of it came.
func (a *Attempt) begun() time.Time {
	if a.SentAt.IsZero() && len(a.Events) > 0 {
		return a.Events[0].At
	}
	return a.SentAt
}

// domicileOf tells the two messages of an attempt apart where the domicile has
// changed since the attempt before.
func (r *RecipientOutcome) domicileOf(a *Attempt) pa.Text {
	for i := range r.Attempts {
		b := &r.Attempts[i]
		switch {
		case b.Channel != a.Channel || b.Number != a.Number || b.Source != a.Source:
		case a.repeat == "true" && b.repeat == "false":
			return pa.Text{IT: "al domicilio di prima", EN: "to the former domicile"}
		case a.repeat == "false" && b.repeat == "true":
			return pa.Text{IT: "al nuovo domicilio", EN: "to the new domicile"}
		}
	}
	return pa.Text{}
}

func (w *reporter) perfection(r *RecipientOutcome) {
	p := r.Perfection
	w.line(1, pa.Text{IT: "%s", EN: "%s"}, p.Kind.Message(w.lang))
	w.since(1, p.At, pa.Text{IT: "Data: %s.", EN: "Date: %s."})
	switch {
	case p.Kind == NotYetPerfected && !r.Due.IsZero():
		w.since(1, r.Due, pa.Text{
			IT: "Lo sarà il %s, se il destinatario non la legge prima.",
			EN: "It will be %s, unless the recipient sees it before."})
	case p.Kind == PerfectedByView && !r.Final:
		w.line(1, pa.Text{
			IT: "La data può ancora cambiare: se un invio risulta consegnato prima, il termine può essere decorso prima della presa visione.",
			EN: "The date can still change: if a delivery turns out to have come before, the term may have elapsed before the view."})
	case p.Kind == NeverPerfected && !r.DeceasedAt.IsZero() && len(r.Views) > 0:
		w.line(1, pa.Text{
			IT: "C'è una presa visione, ma il destinatario risulta deceduto e SEND non la conta: verificare chi ha avuto accesso.",
			EN: "There is a view, but the recipient is reported deceased and SEND does not count it: find out who had access."})
	}
}

func (w *reporter) attempt(a *Attempt, domicile pa.Text) {
	name := attemptTexts[a.Channel].In(w.lang)
	if a.Channel != ChannelSimple {
		name += fmt.Sprintf(" %d", a.Number+1)
	}
	if source, ok := sourceTexts[a.Source]; ok {
		name += ", " + source.In(w.lang)
	}
	if !domicile.IsZero() {
		name += ", " + domicile.In(w.lang)
	}
	if a.ProductType != "" {
		name += ", " + a.ProductType
	}
	if !a.SentAt.IsZero() {
		name += ", " + w.when(a.SentAt)
	}
	w.line(1, pa.Text{IT: "%s: %s", EN: "%s: %s"}, name, w.result(a))
	for i := 0; i < len(a.Events); {
		e := a.Events[i]
		w.event(&e)
		again := i + 1
		for again < len(a.Events) && a.Events[again].Code == e.Code && a.Events[again].Cause == e.Cause {
			again++
		}
		if again-i > 2 { // a platform that tries for days
			w.line(3, pa.Text{IT: "Altre %d volte, fino al %s.", EN: "Again %d times, until %s."}, again-i-1, w.when(a.Events[again-1].At))
			i = again
			continue
		}
		i++
	}
	if a.Result == "" && slices.ContainsFunc(a.Events, func(e DeliveryEvent) bool { return slices.Contains(depositClosed, e.Code) }) {
		w.line(2, pa.Text{
			IT: "La giacenza è chiusa ma manca l'esito RECAG012: chiederlo all'assistenza SEND.",
			EN: "The deposit is closed but the outcome RECAG012 is missing: ask SEND support for it."})
	}
}

func (w *reporter) event(e *DeliveryEvent) {
	w.line(2, pa.Text{IT: "%s %s %s", EN: "%s %s %s"}, w.when(e.At), string(e.Code), e.Code.Message(w.lang))
	if e.Cause.Known() { // certified mail puts text there that can name people
		w.line(3, pa.Text{IT: "Causa %s: %s", EN: "Cause %s: %s"}, string(e.Cause), e.Cause.Message(w.lang))
	}
	if len(e.Attachments) == 0 {
		w.documents(3, e.Documents)
	}
	for _, scan := range e.Attachments {
		w.line(3, pa.Text{IT: "Documento: %s", EN: "Document: %s"}, scan.DocumentType)
	}
}

// result says what came of an attempt.
func (w *reporter) result(a *Attempt) string {
	if a.Channel == ChannelSimple {
		return pa.Text{IT: "non incide sul perfezionamento", EN: "no effect on perfection"}.In(w.lang)
	}
	if text, ok := successTexts[a.Cause]; ok && a.Result == ResponseOK {
		return text.In(w.lang)
	}
	return textOr(resultTexts[a.Result], string(a.Result), w.lang, pa.Text{})
}

func (w *reporter) cost(r *RecipientOutcome) {
	c, lang := &r.Cost, string(w.lang)
	w.line(1, pa.Text{IT: "Costo finora: SEND %s, carta %s.", EN: "Cost so far: SEND %s, paper %s."}, c.SendFee.Text(lang), c.AnalogCost.Text(lang))
	if c.TotalPrice == 0 {
		w.line(1, pa.Text{IT: "Da aggiungere al dovuto: nulla.", EN: "To add to the amount due: nothing."})
		return
	}
	state := pa.Text{IT: "Non ancora definitivo.", EN: "Not final yet."}
	switch {
	case c.Final:
		state = pa.Text{IT: "Definitivo.", EN: "Final."}
	case r.paperMayFollow():
		state = pa.Text{IT: "Può ancora crescere.", EN: "It can still rise."}
	}
	w.line(1, pa.Text{
		IT: "Da aggiungere al dovuto: %s, con l'IVA al %d%% sulla carta e %s dell'ente. %s",
		EN: "To add to the amount due: %s, with %d%% VAT on paper and %s of the sender. %s",
	}, c.TotalPrice.Text(lang), c.VAT, c.PaFee.Text(lang), state.In(w.lang))
}

func (w *reporter) correction(c *Correction) {
	w.line(0, pa.Text{
		IT: "Correzione del %s per il destinatario %d: quanto segue non vale più",
		EN: "Correction of %s for recipient %d: what follows no longer holds"}, w.when(c.At), c.RecIndex+1)
	r := &c.Withdrawn
	switch p := r.Perfection; p.Kind {
	case NotYetPerfected:
	case NeverPerfected:
		w.line(1, pa.Text{IT: "%s", EN: "%s"}, p.Kind.Message(w.lang))
	default:
		w.line(1, pa.Text{IT: "%s Data: %s.", EN: "%s Date: %s."}, p.Kind.Message(w.lang), w.when(p.At))
	}
	w.happenings(r)
	w.line(1, pa.Text{IT: "Costo della carta non più contato: %s.", EN: "Paper cost no longer counted: %s."}, r.Cost.AnalogCost.Text(string(w.lang)))
}
