package send

import (
	"strings"

	"github.com/pa-italia/sdk-go/pa"
)

// The words of SEND, for people: what happened and, where there is something,
// what to do. A value that is not known, since new ones appear, gives a text
// that names it.

// Known reports whether this package knows the status.
func (s Status) Known() bool { return known(statusTexts, s) }

// Message says what the status of a notification means, in one language.
func (s Status) Message(lang pa.Lang) string {
	return message(statusTexts, s, lang, pa.Text{IT: "Stato non riconosciuto: ", EN: "Unknown status: "})
}

// Known reports whether this package knows the category.
func (c Category) Known() bool { return known(categoryTexts, c) }

// Message says what an element of the timeline tells, in one language.
func (c Category) Message(lang pa.Lang) string {
	return message(categoryTexts, c, lang, pa.Text{IT: "Evento non riconosciuto: ", EN: "Unknown event: "})
}

// Known reports whether this package knows the category.
func (c LegalFactCategory) Known() bool { return known(legalFactTexts, c) }

// Message says what a legal fact attests, in one language.
func (c LegalFactCategory) Message(lang pa.Lang) string {
	return message(legalFactTexts, c, lang, pa.Text{IT: "Documento di tipo non riconosciuto: ", EN: "Document of an unknown kind: "})
}

// DeliveryCode is what a carrier says of a delivery: deliveryDetailCode of the
// progress and the feedback of an attempt. C… are of certified mail (PEC), Q…
// of the domicile on the platform (SERCQ), CON… of printing, REC… of postal
// delivery (RECRN of AR, RECAG of 890, RECRI of letters abroad, RECRS and
// RECRSI of simple ones), PN… and DP… of the platform itself.
type DeliveryCode string

// Known reports whether this package knows the code.
func (c DeliveryCode) Known() bool { return !c.text().IsZero() }

// Message says what the code means, in one language.
func (c DeliveryCode) Message(lang pa.Lang) string {
	return textOr(c.text(), string(c), lang, pa.Text{IT: "Codice non riconosciuto: ", EN: "Unknown code: "})
}

func (c DeliveryCode) text() pa.Text {
	for _, row := range deliveryRows {
		letter, ok := strings.CutPrefix(string(c), row.stem)
		if !ok || len(letter) > 1 || (letter == "") != (row.letters == "") || !strings.Contains(row.letters, letter) {
			continue
		}
		suffix := letterTexts[letter]
		return pa.Text{IT: row.text.IT + suffix.IT, EN: row.text.EN + suffix.EN}
	}
	return pa.Text{}
}

// FailureCause is why a delivery failed or was late: deliveryFailureCause of
// paper, failureCause of a second attempt that could not be made. Certified
// mail gives words of its own there, which are no codes.
type FailureCause string

// Known reports whether this package knows the cause.
func (c FailureCause) Known() bool { return known(causeTexts, c) }

// Message says what the cause means, in one language.
func (c FailureCause) Message(lang pa.Lang) string {
	return message(causeTexts, c, lang, pa.Text{IT: "Causa non riconosciuta: ", EN: "Unknown cause: "})
}

// RefusalCode is why a request was refused: code of a [RefusalError] and
// errorCode of a [RefusalNote].
type RefusalCode string

// Known reports whether this package knows the code.
func (c RefusalCode) Known() bool { return known(refusalTexts, string(c)) }

// Message says what is wrong and what to do, in one language.
func (c RefusalCode) Message(lang pa.Lang) string {
	text, ok := refusalTexts[string(c)]
	if !ok {
		text = pa.Text{IT: "Rifiutata con il codice " + string(c) + ".", EN: "refused with code " + string(c)}
	}
	return text.In(lang)
}

// Known reports whether this package knows the code.
func (c CancellationCode) Known() bool { return known(cancellationTexts, c) }

// Message says what will happen, in one language.
func (c CancellationCode) Message(lang pa.Lang) string {
	return message(cancellationTexts, c, lang, pa.Text{IT: "Esito non riconosciuto: ", EN: "Unknown outcome: "})
}

// Known reports whether this package knows the part of the platform.
func (f Functionality) Known() bool { return known(functionalityTexts, f) }

// Message says which part of the platform it is, in one language.
func (f Functionality) Message(lang pa.Lang) string {
	return message(functionalityTexts, f, lang, pa.Text{IT: "Funzionalità non riconosciuta: ", EN: "Unknown functionality: "})
}

// Known reports whether this package knows the status.
func (s GroupStatus) Known() bool { return known(groupStatusTexts, s) }

// Message says what the status of a group means, in one language.
func (s GroupStatus) Message(lang pa.Lang) string {
	return message(groupStatusTexts, s, lang, pa.Text{IT: "Stato del gruppo non riconosciuto: ", EN: "Unknown status of a group: "})
}

// Rule is the code of a local rule, as the findings of [Client.Validate] and
// [Preflight] name it; those of the file as such, SEND_FILE_…, say all in the
// finding.
type Rule string

// Known reports whether this package has the rule.
func (r Rule) Known() bool { return !r.text().IsZero() }

// Message says what breaks the rule, in one language.
func (r Rule) Message(lang pa.Lang) string {
	return textOr(r.text(), string(r), lang, pa.Text{IT: "Regola non riconosciuta: ", EN: "unknown rule: "})
}

func (r Rule) text() pa.Text {
	for _, rule := range rules() {
		if rule.code == string(r) {
			return rule.text
		}
	}
	for _, rule := range preflightRules() {
		if rule.code == string(r) {
			return pa.Text{IT: withoutCounts(rule.text.IT), EN: withoutCounts(rule.text.EN)}
		}
	}
	return pa.Text{}
}

// withoutCounts leaves out what is said of one file, in brackets.
func withoutCounts(text string) string {
	before, rest, counts := strings.Cut(text, " (%d")
	if !counts {
		return text
	}
	_, after, _ := strings.Cut(rest, ")")
	return before + after
}

func known[K ~string](texts map[K]pa.Text, value K) bool {
	_, ok := texts[value]
	return ok
}

func message[K ~string](texts map[K]pa.Text, value K, lang pa.Lang, unknown pa.Text) string {
	return textOr(texts[value], string(value), lang, unknown)
}

func textOr(text pa.Text, value string, lang pa.Lang, unknown pa.Text) string {
	if text.IsZero() {
		return unknown.In(lang) + value
	}
	return text.In(lang)
}

// statusTexts are of NotificationStatusV26. They speak of the notification;
// what holds for a recipient is in [RecipientOutcome].
var statusTexts = map[Status]pa.Text{
	StatusInValidation: {
		IT: "La richiesta è depositata e SEND la sta controllando: attendere l'accettazione o il rifiuto.",
		EN: "The request is deposited and SEND is checking it: wait for its acceptance or refusal."},
	StatusAccepted: {
		IT: "SEND ha preso in carico la notifica, che per il mittente è perfezionata: nessun invio è ancora partito.",
		EN: "SEND has taken charge of the notification, which is perfected for the sender: no delivery has started yet."},
	StatusRefused: {
		IT: "SEND ha rifiutato la richiesta, che non ha effetti: correggere secondo i motivi indicati e ridepositare con un nuovo idempotenceToken.",
		EN: "SEND has refused the request, which has no effect: correct it by the reasons given and deposit it again under a new idempotenceToken."},
	StatusDelivering: {
		IT: "Gli invii ai destinatari sono in corso.",
		EN: "The deliveries to the recipients are under way."},
	StatusDelivered: {
		IT: "Gli invii a tutti i destinatari sono conclusi: decorrono i termini del perfezionamento.",
		EN: "The deliveries to all recipients have ended: the terms of perfection are running."},
	StatusViewed: {
		IT: "Almeno un destinatario ha preso visione della notifica: il perfezionamento va guardato destinatario per destinatario.",
		EN: "At least one recipient has seen the notification: look at perfection recipient by recipient."},
	StatusEffectiveDate: {
		IT: "Per almeno un destinatario la notifica è perfezionata per decorrenza dei termini: guardare destinatario per destinatario.",
		EN: "For at least one recipient the notification is perfected by elapsed time: look recipient by recipient."},
	StatusPaid: {
		IT: "Un destinatario ha pagato (stato non più usato da SEND).",
		EN: "A recipient has paid (SEND no longer uses this status)."},
	StatusUnreachable: {
		IT: "Nessun destinatario è stato raggiunto: l'avviso è depositato su SEND e la notifica si perfeziona per decorrenza dei termini.",
		EN: "No recipient could be reached: the notice is deposited on SEND and the notification is perfected by elapsed time."},
	StatusCancelled: {
		IT: "Il mittente ha annullato la notifica: il costo di notifica non è dovuto e gli avvisi di pagamento possono stare in un'altra notifica.",
		EN: "The sender has cancelled the notification: its cost is not due and the payment notices may go into another notification."},
	StatusReturnedToSender: {
		IT: "Il destinatario risulta deceduto e la notifica è restituita al mittente: valutare la notifica agli eredi.",
		EN: "The recipient is reported deceased and the notification is returned to the sender: consider notifying the heirs."},
}

// categoryTexts are of TimelineElementCategoryV28.
var categoryTexts = map[Category]pa.Text{
	CategorySenderAckCreationRequest: {
		IT: "SEND prepara l'attestazione di presa in carico.",
		EN: "SEND is making the legal fact that it took charge."},
	CategoryValidateNormalizeAddressesRequest: {
		IT: "SEND controlla e normalizza gli indirizzi fisici.",
		EN: "SEND is checking and normalizing the physical addresses."},
	CategoryNormalizedAddress: {
		IT: "L'indirizzo fisico è stato normalizzato: confrontarlo con quello indicato.",
		EN: "The physical address was normalized: compare it with the one given."},
	CategoryRequestAccepted: {
		IT: "SEND ha accettato la richiesta: per il mittente la notifica è perfezionata.",
		EN: "SEND has accepted the request: the notification is perfected for the sender."},
	CategoryRequestRefused: {
		IT: "SEND ha rifiutato la richiesta: correggere secondo i motivi indicati e ridepositare con un nuovo idempotenceToken.",
		EN: "SEND has refused the request: correct it by the reasons given and deposit it again under a new idempotenceToken."},
	CategorySendCourtesyMessage: {
		IT: "Il destinatario ha ricevuto un messaggio di cortesia, che non ha valore legale; l'eventuale invio cartaceo attende cinque giorni.",
		EN: "The recipient got a courtesy message, which has no legal effect; paper, if any, waits five days."},
	CategoryGetAddress: {
		IT: "SEND ha cercato un recapito del destinatario.",
		EN: "SEND looked for an address of the recipient."},
	CategoryPublicRegistryCall: {
		IT: "SEND ha chiesto un recapito ai registri pubblici.",
		EN: "SEND asked the public registers for an address."},
	CategoryPublicRegistryResponse: {
		IT: "I registri pubblici hanno risposto alla ricerca di un recapito.",
		EN: "The public registers answered the request for an address."},
	CategoryScheduleAnalogWorkflow: {
		IT: "L'invio cartaceo è programmato.",
		EN: "The paper delivery is scheduled."},
	CategoryScheduleDigitalWorkflow: {
		IT: "Il secondo tentativo digitale è programmato.",
		EN: "The second digital attempt is scheduled."},
	CategoryPrepareDigitalDomicile: {
		IT: "SEND prepara un invio digitale.",
		EN: "SEND is preparing a digital delivery."},
	CategorySendDigitalDomicile: {
		IT: "L'avviso è stato inviato a un domicilio digitale.",
		EN: "The notice was sent to a digital domicile."},
	CategorySendDigitalProgress: {
		IT: "C'è una notizia intermedia dell'invio digitale.",
		EN: "There is news of the digital delivery under way."},
	CategorySendDigitalFeedback: {
		IT: "È arrivato l'esito dell'invio digitale.",
		EN: "The outcome of the digital delivery has arrived."},
	CategoryScheduleRefinement: {
		IT: "La data di perfezionamento per decorrenza dei termini è fissata.",
		EN: "The day of perfection by elapsed time is set."},
	CategoryRefinement: {
		IT: "Il termine è decorso: se il destinatario non ne aveva già preso visione, la notifica è perfezionata a questa data.",
		EN: "The term has elapsed: unless the recipient had seen it before, the notification is perfected at this date."},
	CategoryDigitalDeliveryCreationRequest: {
		IT: "Gli invii digitali sono conclusi e SEND ne prepara l'attestazione.",
		EN: "The digital deliveries have ended and SEND is making their legal fact."},
	CategoryDigitalSuccessWorkflow: {
		IT: "L'avviso è stato consegnato al domicilio digitale.",
		EN: "The notice was delivered to the digital domicile."},
	CategoryDigitalFailureWorkflow: {
		IT: "Nessun domicilio digitale ha ricevuto l'avviso: resta depositato su SEND e una raccomandata semplice ne dà notizia.",
		EN: "No digital domicile took the notice: it stays deposited on SEND and a simple registered letter gives word of it."},
	CategoryAnalogSuccessWorkflow: {
		IT: "L'invio cartaceo è riuscito.",
		EN: "The paper delivery succeeded."},
	CategoryAnalogFailureWorkflow: {
		IT: "Nessun invio cartaceo è riuscito: l'avviso è depositato su SEND.",
		EN: "No paper delivery succeeded: the notice is deposited on SEND."},
	CategoryPrepareSimpleRegisteredLetter: {
		IT: "SEND prepara la raccomandata semplice.",
		EN: "SEND is preparing the simple registered letter."},
	CategorySendSimpleRegisteredLetter: {
		IT: "È partita la raccomandata semplice che segue agli invii digitali falliti: il suo costo si aggiunge.",
		EN: "The simple registered letter that follows failed digital deliveries was sent: its cost is added."},
	CategorySendSimpleRegisteredLetterProgress: {
		IT: "C'è una notizia della raccomandata semplice, che non incide sul perfezionamento.",
		EN: "There is news of the simple registered letter, which has no effect on perfection."},
	CategoryNotificationViewedCreationRequest: {
		IT: "Il destinatario ha aperto la notifica e SEND ne prepara l'attestazione.",
		EN: "The recipient has opened the notification and SEND is making its legal fact."},
	CategoryNotificationViewed: {
		IT: "Il destinatario ha preso visione della notifica: se il termine non era decorso, per lui è perfezionata a questa data.",
		EN: "The recipient has seen the notification: unless the term had elapsed, it is perfected for them at this date."},
	CategoryPrepareAnalogDomicile: {
		IT: "SEND prepara un invio cartaceo.",
		EN: "SEND is preparing a paper delivery."},
	CategoryPrepareAnalogDomicileFailure: {
		IT: "Il secondo invio cartaceo non si può fare: la causa dice perché.",
		EN: "The second paper delivery cannot be made: the cause says why."},
	CategorySendAnalogDomicile: {
		IT: "È partita una raccomandata: il suo costo si aggiunge.",
		EN: "A registered letter was sent: its cost is added."},
	CategorySendAnalogProgress: {
		IT: "C'è una notizia intermedia dell'invio cartaceo.",
		EN: "There is news of the paper delivery under way."},
	CategorySendAnalogFeedback: {
		IT: "È arrivato l'esito dell'invio cartaceo.",
		EN: "The outcome of the paper delivery has arrived."},
	CategoryPayment: {
		IT: "Il mittente ha comunicato un pagamento: gli invii cartacei che mancano non partono, e il pagamento non perfeziona la notifica.",
		EN: "The sender has reported a payment: paper not sent yet is not sent, and the payment does not perfect the notification."},
	CategoryCompletelyUnreachableCreationRequest: {
		IT: "Il destinatario è irreperibile e SEND prepara l'avviso di mancato recapito.",
		EN: "The recipient cannot be reached and SEND is making the notice of non-delivery."},
	CategoryCompletelyUnreachable: {
		IT: "Il destinatario è irreperibile: l'avviso di mancato recapito è depositato su SEND.",
		EN: "The recipient cannot be reached: the notice of non-delivery is deposited on SEND."},
	CategoryAARCreationRequest: {
		IT: "SEND prepara l'avviso di avvenuta ricezione (AAR).",
		EN: "SEND is making the notice to the recipient (AAR)."},
	CategoryAARGeneration: {
		IT: "L'avviso di avvenuta ricezione (AAR) è pronto e si può scaricare.",
		EN: "The notice to the recipient (AAR) is ready and can be downloaded."},
	CategoryNotHandled: {
		IT: "SEND non ha gestito questo caso (evento non più usato).",
		EN: "SEND did not handle this case (an event no longer used)."},
	CategoryProbableSchedulingAnalogDate: {
		IT: "L'invio cartaceo partirà probabilmente alla data indicata.",
		EN: "The paper delivery will probably start at the date given."},
	CategoryNotificationCancellationRequest: {
		IT: "Il mittente ha chiesto di annullare la notifica: attendere la conferma.",
		EN: "The sender has asked to cancel the notification: wait for the confirmation."},
	CategoryNotificationCancelled: {
		IT: "La notifica è annullata.",
		EN: "The notification is cancelled."},
	CategoryNotificationRADDRetrieved: {
		IT: "I documenti sono stati stampati in un punto RADD: l'accesso non perfeziona la notifica.",
		EN: "The documents were printed at a RADD point: this access does not perfect the notification."},
	CategoryAnalogWorkflowRecipientDeceased: {
		IT: "Il destinatario risulta deceduto: per lui la notifica non si perfeziona. Valutare la notifica agli eredi.",
		EN: "The recipient is reported deceased: the notification is not perfected for them. Consider notifying the heirs."},
	CategoryPublicRegistryValidationCall: {
		IT: "SEND cerca nei registri pubblici l'indirizzo fisico che il mittente non ha indicato.",
		EN: "SEND is looking up in the public registers the physical address that the sender left out."},
	CategoryPublicRegistryValidationResponse: {
		IT: "I registri pubblici hanno risposto alla ricerca dell'indirizzo fisico.",
		EN: "The public registers answered the look-up of the physical address."},
	CategoryNotificationTimelineReworked: {
		IT: "SEND ha corretto gli esiti cartacei: gli eventi che elenca non valgono più e altri li sostituiscono. Rivedere date e costi già registrati.",
		EN: "SEND has corrected the outcomes of paper: the events that it lists no longer hold and others replace them. Review dates and costs already recorded."},
}

// legalFactTexts are of LegalFactCategory, with the later values that the
// timeline carries.
var legalFactTexts = map[LegalFactCategory]pa.Text{
	LegalFactSenderAck: {
		IT: "Attestazione opponibile a terzi: notifica presa in carico.",
		EN: "Legal fact: SEND took charge of the notification."},
	LegalFactDigitalDelivery: {
		IT: "Attestazione opponibile a terzi: esito degli invii digitali.",
		EN: "Legal fact: outcome of the digital deliveries."},
	LegalFactAnalogDelivery: {
		IT: "Documento dell'invio cartaceo: avviso stampato o scansione del recapitista.",
		EN: "Document of a paper delivery: the printed notice or a scan by the carrier."},
	LegalFactAnalogFailureDelivery: {
		IT: "Attestazione opponibile a terzi: deposito dell'avviso di mancato recapito del destinatario irreperibile.",
		EN: "Legal fact: deposit of the notice of non-delivery to a recipient who could not be reached."},
	LegalFactRecipientAccess: {
		IT: "Attestazione opponibile a terzi: accesso del destinatario alla notifica.",
		EN: "Legal fact: access of the recipient to the notification."},
	LegalFactPECReceipt: {
		IT: "Ricevuta PEC.",
		EN: "Receipt of certified mail."},
	LegalFactNotificationCancelled: {
		IT: "Attestazione opponibile a terzi: notifica annullata.",
		EN: "Legal fact: the notification was cancelled."},
	LegalFactAnalogDeliveryTimeout: {
		IT: "Attestazione: invio cartaceo senza esito entro il termine.",
		EN: "Legal fact: paper delivery without an outcome in time."},
}

// deliveryRow is a delivery code, or several that differ in their last letter.
type deliveryRow struct {
	stem    string
	letters string
	text    pa.Text
}

// letterTexts say what the last letter of a postal code adds: A and D are a
// first word of the carrier, B and E come with scans, C and F close the file.
var letterTexts = map[string]pa.Text{
	"A": provisionalText, "D": provisionalText,
	"B": scannedText, "E": scannedText,
	"C": closedText, "F": closedText,
}

var (
	provisionalText = pa.Text{IT: " È un pre-esito: l'esito può essere diverso.", EN: " This is a first word: the outcome may differ."}
	scannedText     = pa.Text{IT: " La scansione è disponibile.", EN: " The scan is available."}
	closedText      = pa.Text{IT: " Fascicolo chiuso.", EN: " The file is closed."}
)

// Texts that several postal products share.
var (
	deliveredText = pa.Text{
		IT: "Consegnata.",
		EN: "Delivered."}
	notDeliveredText = pa.Text{
		IT: "Non consegnata: la causa dice perché.",
		EN: "Not delivered: the cause says why."}
	unreachableText = pa.Text{
		IT: "Destinatario irreperibile a questo indirizzo.",
		EN: "The recipient cannot be reached at this address."}
	absentText = pa.Text{
		IT: "Destinatario assente: la raccomandata va in giacenza.",
		EN: "The recipient was absent: the letter goes into deposit."}
	depositText = pa.Text{
		IT: "La raccomandata è in giacenza.",
		EN: "The letter is in deposit."}
	collectedText = pa.Text{
		IT: "Ritirata in giacenza dal destinatario.",
		EN: "Collected from deposit by the recipient."}
	notCollectedText = pa.Text{
		IT: "Non consegnata in giacenza.",
		EN: "Not delivered from deposit."}
	expiredText = pa.Text{
		IT: "Compiuta giacenza: nessuno ha ritirato la raccomandata nel tempo previsto.",
		EN: "Deposit expired: nobody collected the letter in the time allowed."}
	lostText = pa.Text{
		IT: "Furto, smarrimento o deterioramento: SEND spedisce di nuovo.",
		EN: "Stolen, lost or damaged: SEND sends it again."}
	notReportableText = pa.Text{
		IT: "Il recapitista non può dare conto della consegna: SEND spedisce di nuovo.",
		EN: "The carrier cannot account for the delivery: SEND sends it again."}
	forceMajeureText = pa.Text{
		IT: "Consegna fermata da una causa di forza maggiore: il recapitista ritenta quando cessa.",
		EN: "Delivery stopped by force majeure: the carrier tries again when it ends."}
	sentAbroadText = pa.Text{
		IT: "Avviata all'estero.",
		EN: "Sent abroad."}
	enteredText = pa.Text{
		IT: "Entrata nel paese di destinazione.",
		EN: "It has entered the country of destination."}
	printText = pa.Text{
		IT: "Errore di stampa: se l'invio non riparte, scrivere all'assistenza SEND.",
		EN: "Printing error: if the delivery does not start again, write to SEND support."}
)

// deliveryRows are the codes of the published decodings of SEND_DIGITAL and
// SEND_ANALOG, of SendAnalogFeedbackDetails and SendDigitalFeedbackDetails, and
// of the public mock data of the test environments.
var deliveryRows = []deliveryRow{
	{"C000", "", pa.Text{IT: "Il gestore PEC è stato contattato.", EN: "The certified mail provider was contacted."}},
	{"C001", "", pa.Text{IT: "PEC accettata dal gestore del mittente.", EN: "The message was accepted by the provider of the sender."}},
	{"C002", "", pa.Text{IT: "PEC non accettata dal gestore del mittente.", EN: "The message was not accepted by the provider of the sender."}},
	{"C003", "", pa.Text{IT: "PEC consegnata.", EN: "The message was delivered."}},
	{"C004", "", pa.Text{IT: "PEC non consegnata, per esempio perché la casella è piena o non attiva.", EN: "The message was not delivered, for instance because the mailbox is full or not active."}},
	{"C005", "", pa.Text{IT: "PEC presa in carico dal gestore del destinatario.", EN: "The provider of the recipient has taken charge of the message."}},
	{"C006", "", pa.Text{IT: "PEC fermata: il gestore ha rilevato un virus.", EN: "The message was stopped: a provider found a virus."}},
	{"C007", "", pa.Text{IT: "Preavviso di mancata consegna: il gestore del destinatario non ha ancora risposto.", EN: "Early warning of non-delivery: the provider of the recipient has not answered yet."}},
	{"C008", "", pa.Text{IT: "Errore di comunicazione con il gestore PEC: SEND ritenta.", EN: "Communication with the provider failed: SEND tries again."}},
	{"C009", "", pa.Text{IT: "Il dominio dell'indirizzo PEC non è valido.", EN: "The domain of the address is not valid."}},
	{"C010", "", pa.Text{IT: "Errore nell'invio della PEC: SEND ritenta.", EN: "The message could not be sent: SEND tries again."}},
	{"C011", "", pa.Text{IT: "L'indirizzo PEC del destinatario non è valido.", EN: "The address of the recipient is not valid."}},
	{"DP00", "", pa.Text{IT: "SEND ripete l'invio dopo un errore temporaneo.", EN: "SEND repeats the delivery after a temporary error."}},
	{"DP10", "", pa.Text{IT: "Nessuna risposta dal canale digitale nel tempo previsto: SEND ritenta.", EN: "The digital channel did not answer in time: SEND tries again."}},
	{"Q003", "", pa.Text{IT: "Consegnata al recapito digitale SEND del destinatario (SERCQ).", EN: "Delivered to the domicile that the recipient has on SEND (SERCQ)."}},
	{"Q010", "", pa.Text{IT: "Consegna al recapito digitale SEND (SERCQ) fallita.", EN: "Delivery to the domicile on SEND (SERCQ) failed."}},
	{"Q011", "", pa.Text{IT: "Il recapito digitale SEND (SERCQ) non è valido.", EN: "The domicile on SEND (SERCQ) is not valid."}},

	{"CON018", "", pa.Text{IT: "Il recapitista ha accettato la busta.", EN: "The carrier has accepted the envelope."}},
	{"CON020", "", pa.Text{IT: "L'avviso da stampare, firmato, è disponibile.", EN: "The signed notice to be printed is available."}},
	{"CON080", "", pa.Text{IT: "Stampata e imbustata.", EN: "Printed and put into its envelope."}},
	{"CON993", "", printText},
	{"CON995", "", printText},
	{"CON996", "", pa.Text{IT: "Un documento non si può stampare: controllare i PDF della notifica.", EN: "A document cannot be printed: check the PDF files of the notification."}},
	{"CON997", "", pa.Text{IT: "CAP o zona internazionale non validi per la spedizione.", EN: "Zip or foreign zone are not valid for mailing."}},
	{"CON998", "", pa.Text{IT: "Un documento non ha il formato giusto (dimensioni, margini): controllare i PDF della notifica.", EN: "A document is not of the right form (size, margins): check the PDF files of the notification."}},
	{"PNALL001", "", pa.Text{IT: "L'indirizzo trovato per il secondo tentativo non è valido.", EN: "The address found for the second attempt is not valid."}},

	{"RECRN001", "ABC", deliveredText},
	{"RECRN002", "ABC", notDeliveredText},
	{"RECRN002", "DEF", unreachableText},
	{"RECRN003", "ABC", collectedText},
	{"RECRN004", "ABC", notCollectedText},
	{"RECRN005", "ABC", expiredText},
	{"RECRN006", "", lostText},
	{"RECRN010", "", absentText},
	{"RECRN011", "", depositText},
	{"RECRN013", "", notReportableText},
	{"RECRN015", "", forceMajeureText},
	{"PNRN012", "", pa.Text{
		IT: "Sono passati dieci giorni di giacenza: la raccomandata vale come consegnata.",
		EN: "Ten days of deposit have passed: the letter counts as delivered."}},

	{"RECAG001", "ABC", deliveredText},
	{"RECAG002", "ABC", pa.Text{IT: "Consegnata a persona abilitata al ritiro.", EN: "Delivered to a person entitled to receive it."}},
	{"RECAG003", "ABC", notDeliveredText},
	{"RECAG003", "DEF", unreachableText},
	{"RECAG004", "", lostText},
	{"RECAG005", "ABC", collectedText},
	{"RECAG006", "ABC", pa.Text{IT: "Ritirata in giacenza da un delegato.", EN: "Collected from deposit by a delegate."}},
	{"RECAG007", "ABC", notCollectedText},
	{"RECAG008", "ABC", expiredText},
	{"RECAG010", "", absentText},
	{"RECAG011A", "", depositText},
	{"RECAG011B", "", pa.Text{
		IT: "In giacenza: le scansioni del deposito (23L, ricevuta della CAD) sono disponibili.",
		EN: "In deposit: the scans of the deposit (form 23L, receipt of the notice of deposit) are available."}},
	{"RECAG012", "", pa.Text{
		IT: "Il modulo 23L è stato staccato dal plico, di norma dieci giorni dopo la comunicazione di avvenuto deposito (CAD): la raccomandata vale come consegnata.",
		EN: "The form 23L was detached from the envelope, as a rule ten days after the notice of deposit (CAD): the letter counts as delivered."}},
	{"RECAG012", "A", pa.Text{
		IT: "Il modulo 23L risulta staccato dal plico, di norma dieci giorni dopo la comunicazione di avvenuto deposito (CAD).",
		EN: "The form 23L is said to be detached from the envelope, as a rule ten days after the notice of deposit (CAD)."}},
	{"RECAG013", "", notReportableText},
	{"RECAG015", "", forceMajeureText},
	{"PNAG012", "", pa.Text{
		IT: "Sono passati dieci giorni dalla comunicazione di avvenuto deposito (CAD): la raccomandata 890 vale come consegnata.",
		EN: "Ten days have passed since the notice of deposit (CAD): the 890 letter counts as delivered."}},

	{"RECRI001", "", sentAbroadText},
	{"RECRI002", "", enteredText},
	{"RECRI003", "ABC", deliveredText},
	{"RECRI004", "ABC", notDeliveredText},
	{"RECRI005", "", lostText},
	{"RECRI005", "ABC", lostText},

	{"RECRS001", "C", deliveredText},
	{"RECRS002", "ABC", notDeliveredText},
	{"RECRS002", "DEF", unreachableText},
	{"RECRS003", "C", collectedText},
	{"RECRS004", "ABC", notCollectedText},
	{"RECRS005", "ABC", expiredText},
	{"RECRS006", "", lostText},
	{"RECRS010", "", absentText},
	{"RECRS011", "", depositText},
	{"RECRS013", "", notReportableText},
	{"RECRS015", "", forceMajeureText},

	{"RECRSI001", "", sentAbroadText},
	{"RECRSI002", "", enteredText},
	{"RECRSI003", "C", deliveredText},
	{"RECRSI004", "ABC", notDeliveredText},
	{"RECRSI005", "", lostText},
	{"RECRSI005", "ABC", lostText},
}

// causeTexts are of the published decoding of deliveryFailureCause, and of
// failureCause of PrepareAnalogDomicileFailureDetails.
var causeTexts = map[FailureCause]pa.Text{
	"M01": {IT: "Il destinatario è irreperibile.", EN: "The recipient cannot be found."},
	"M02": {IT: "Il destinatario risulta deceduto: valutare la notifica agli eredi.", EN: "The recipient is reported deceased: consider notifying the heirs."},
	"M03": {IT: "Il destinatario è sconosciuto a questo indirizzo.", EN: "The recipient is unknown at this address."},
	"M04": {IT: "Il destinatario si è trasferito.", EN: "The recipient has moved."},
	"M05": {IT: "Il destinatario ha rifiutato l'invio.", EN: "The recipient refused it."},
	"M06": {IT: "L'indirizzo è inesatto: verificarlo in anagrafe.", EN: "The address is inexact: check it in the register."},
	"M07": {IT: "L'indirizzo è inesistente: verificarlo in anagrafe.", EN: "The address does not exist: check it in the register."},
	"M08": {IT: "L'indirizzo è insufficiente: completarlo.", EN: "The address is not sufficient: complete it."},
	"M09": {IT: "Altro motivo.", EN: "Another reason."},
	"F01": {IT: "Furto.", EN: "Theft."},
	"F02": {IT: "Smarrimento.", EN: "Loss."},
	"F03": {IT: "Deterioramento.", EN: "Damage."},
	"F04": {IT: "Rapina.", EN: "Robbery."},
	"C01": {IT: "Incendio.", EN: "Fire."},
	"C02": {IT: "Strada chiusa per lavori o frana.", EN: "Road closed by works or a landslide."},
	"C03": {IT: "Strada chiusa dalle autorità per eventi eccezionali.", EN: "Road closed by the authorities for exceptional events."},
	"C04": {IT: "Maltempo: alluvione, neve o allagamento.", EN: "Bad weather: flood or snow."},
	"C05": {IT: "Terremoto.", EN: "Earthquake."},
	"C06": {IT: "Eruzione vulcanica.", EN: "Volcanic eruption."},
	"D00": {IT: "Nei registri non c'è un altro indirizzo per un secondo tentativo.", EN: "The registers have no other address for a second attempt."},
	"D01": {IT: "L'indirizzo trovato per il secondo tentativo non è valido.", EN: "The address found for the second attempt is not valid."},
	"D02": {IT: "L'indirizzo trovato per il secondo tentativo è quello del primo.", EN: "The address found for the second attempt is that of the first."},
}

// refusalTexts say what the codes of a refused request mean and what to do.
var refusalTexts = map[string]pa.Text{
	"FILE_NOTFOUND": {
		IT: "Un documento non è stato trovato: caricarlo di nuovo e ridepositare.",
		EN: "a document was not found: upload it again and deposit again"},
	"FILE_GONE": {
		IT: "Un documento è scaduto prima dell'uso (7 giorni): caricarlo di nuovo e ridepositare.",
		EN: "a document expired before it was used (7 days): upload it again and deposit again"},
	"FILE_SHA_ERROR": {
		IT: "L'impronta dichiarata di un documento non è quella del file caricato: ricaricarlo.",
		EN: "the declared digest of a document is not that of the uploaded file: upload it again"},
	"FILE_PDF_INVALID_ERROR": {
		IT: "Un documento non è un PDF valido.",
		EN: "a document is not a valid PDF"},
	"FILE_PDF_TOOBIG_ERROR": {
		IT: "Un documento supera la dimensione massima: ridurlo o dividerlo.",
		EN: "a document is over the largest size: shrink or split it"},
	"TAXID_NOT_VALID": {
		IT: "Il codice fiscale del destinatario non risulta all'Agenzia delle Entrate: verificarlo in anagrafe.",
		EN: "the recipient's tax code is not known to Agenzia delle Entrate: check it in the register"},
	"RECIPIENT_ID_NOT_VALID": {
		IT: "Il destinatario non è valido.",
		EN: "the recipient is not valid"},
	"NOT_VALID_ADDRESS": {
		IT: "L'indirizzo fisico non è stato riconosciuto: correggere via, CAP, comune e provincia.",
		EN: "the physical address was not recognized: correct street, zip, municipality and province"},
	"ADDRESS_NOT_FOUND": {
		IT: "La ricerca dell'indirizzo non ha dato risultati: indicarlo nella richiesta.",
		EN: "the address look-up found nothing: give the address in the request"},
	"ADDRESS_SEARCH_FAILED": {
		IT: "La ricerca dell'indirizzo non è riuscita per un problema tecnico: ridepositare più tardi.",
		EN: "the address look-up failed for technical reasons: deposit again later"},
	"F24_METADATA_NOT_VALID": {
		IT: "I metadati F24 non sono validi o non sono stati trovati: correggerli secondo lo schema e ridepositare.",
		EN: "the F24 metadata are not valid or were not found: correct them by the schema and deposit again"},
	"PAYMENT_NOT_VALID": {
		IT: "La posizione debitoria non esiste su GPD o non può essere aggiornata: crearla prima di notificare.",
		EN: "the debt position does not exist on GPD or cannot be updated: create it before notifying"},
	"SENDER_DISABLED_MORE_THAN_20_GRAMS": {
		IT: "L'ente non è abilitato a invii oltre 20 grammi: ridurre pagine e allegati di pagamento.",
		EN: "the sender is not enabled for mail over 20 grams: reduce pages and payment attachments"},
	"SERVICE_UNAVAILABLE": {
		IT: "La validazione non è riuscita in tempo: ridepositare con un nuovo token.",
		EN: "validation could not complete in time: deposit again under a new token"},
}

// cancellationTexts say what becomes of a request to cancel (StatusDetail of
// SEND B2B 2.24.2).
var cancellationTexts = map[CancellationCode]pa.Text{
	CancellationAccepted: {
		IT: "La richiesta di annullamento è stata presa in carico: la notifica è annullata quando lo dice la sua cronologia.",
		EN: "The request to cancel was taken: the notification is cancelled once its timeline says so."},
	CancellationAlreadyCancelled: {
		IT: "L'annullamento di questa notifica è già stato chiesto: non c'è altro da fare.",
		EN: "This notification was to be cancelled already: there is nothing more to do."},
	CancellationRefused: {
		IT: "La richiesta di notifica era stata rifiutata: non c'è niente da annullare.",
		EN: "The request for notification had been refused: there is nothing to cancel."},
}

// functionalityTexts name the parts of the platform (PnFunctionality).
var functionalityTexts = map[Functionality]pa.Text{
	FunctionalityCreate: {
		IT: "Creazione delle notifiche: gli enti non riescono a depositare.",
		EN: "Creation of notifications: senders cannot deposit."},
	FunctionalityVisualization: {
		IT: "Visualizzazione delle notifiche: i destinatari non riescono a leggerle.",
		EN: "Display of notifications: recipients cannot read them."},
	FunctionalityWorkflow: {
		IT: "Processo di notifica: gli invii digitali e cartacei sono fermi o in ritardo.",
		EN: "Process of notification: digital and paper deliveries are stopped or late."},
}

// groupStatusTexts say what the status of a group means (PaGroupStatus).
var groupStatusTexts = map[GroupStatus]pa.Text{
	GroupActive:    {IT: "Gruppo attivo.", EN: "The group is active."},
	GroupSuspended: {IT: "Gruppo sospeso: riattivarlo nell'area riservata o usarne un altro.", EN: "The group is suspended: activate it in the reserved area or use another."},
	GroupDeleted:   {IT: "Gruppo eliminato: usarne un altro.", EN: "The group was deleted: use another."},
}
