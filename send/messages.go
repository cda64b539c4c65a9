package send

import (
	"github.com/pa-italia/sdk-go/pa"
)

// codeTexts says what codes of the platform mean and what to do
// (PnValidator and error codes of pn-delivery, pn-delivery-push, pn-stream).
var codeTexts = map[string]pa.Text{
	"PN_INVALID_BODY": {
		IT: "SEND non ha potuto leggere la richiesta: un campo manca, è vuoto o ha un formato diverso da quello previsto.",
		EN: "SEND could not read the request: a field is missing, empty or of another form than expected"},
	"PN_INVALID_PARAMETERS": {
		IT: "Un parametro dell'indirizzo non è valido.",
		EN: "a parameter of the address is not valid"},
	"PN_GENERIC_INVALIDPARAMETER": {
		IT: "SEND ha rifiutato un dato della notifica; il dettaglio è in Problem.Errors.",
		EN: "SEND refused a value of the notification; the detail is in Problem.Errors"},
	"PN_GENERIC_INVALIDPARAMETER_DUPLICATED": {
		IT: "Esiste già una notifica con lo stesso protocollo e token, o con uno degli avvisi di pagamento.",
		EN: "there already is a notification with the same protocol number and token, or with one of the payment notices"},
	"PN_GENERIC_INVALIDPARAMETER_TAXONOMYCODE": {
		IT: "Il codice tassonomico non esiste o non è dell'ente: controllare la tassonomia SEND.",
		EN: "the taxonomy code does not exist or is not the sender's: check the SEND taxonomy"},
	"PN_DELIVERY_INVALIDPARAMETER_GROUP": {
		IT: "Il gruppo manca, è sospeso o non è tra quelli della chiave API.",
		EN: "the group is missing, suspended or not one of those of the API key"},
	"PN_DELIVERY_INVALID_SENDER_TAX_ID": {
		IT: "senderTaxId non è il codice fiscale dell'ente a cui appartiene la chiave API.",
		EN: "senderTaxId is not the tax code of the body that owns the API key"},
	"PN_DELIVERY_SEND_IS_DISABLED": {
		IT: "L'ente non è abilitato all'invio: completare l'adesione a SEND.",
		EN: "the sender is not enabled to send: complete its onboarding to SEND"},
	"PN_DELIVERY_NOTIFICATION_LIMIT_EXCEEDED": {
		IT: "L'ente ha esaurito le notifiche del mese previste dal contratto.",
		EN: "the sender has used up the notifications of the month in its contract"},
	"PN_DELIVERY_REQUIREDADDITIONALLANG": {
		IT: "Per questo ente la lingua aggiuntiva è obbligatoria.",
		EN: "this sender must give the additional language"},
	"PN_DELIVERY_INVALIDADDITIONALLANGS": {
		IT: "La lingua aggiuntiva non è tra quelle ammesse.",
		EN: "the additional language is not one of those allowed"},
	"PN_DELIVERY_ADECHECKCF": {
		IT: "Il controllo del codice fiscale presso l'Agenzia delle Entrate non risponde: riprovare più tardi.",
		EN: "the tax code check of Agenzia delle Entrate does not answer: try again later"},
	"PN_DELIVERY_NOTIFICATIONNOTFOUND": {
		IT: "La notifica non esiste, non è di questo ente o non è ancora stata accettata.",
		EN: "the notification does not exist, is not this sender's or has not been accepted yet"},
	"PN_DELIVERY_FILEINFONOTFOUND": {
		IT: "Il documento richiesto non è nella notifica, o non è più disponibile.",
		EN: "the document asked for is not in the notification, or no longer available"},
	"PN_DELIVERY_NOTIFICATIONWITHOUTPAYMENTATTACHMENT": {
		IT: "Il pagamento non ha documenti allegati.",
		EN: "the payment has no attached documents"},
	"PN_DELIVERYPUSH_NOTFOUND": {
		IT: "L'attestazione non esiste o non è di questa notifica.",
		EN: "the legal fact does not exist or is not of this notification"},
	"PN_STREAM_STREAMNOTFOUND": {
		IT: "Lo stream non esiste: è stato eliminato o è di un altro ambiente.",
		EN: "the stream does not exist: it was deleted or belongs to another environment"},
	"PN_WEBHOOK_NOT_FOUND": {
		IT: "Lo stream non esiste: è stato eliminato o è di un altro ambiente.",
		EN: "the stream does not exist: it was deleted or belongs to another environment"},
	"PN_WEBHOOK_FORBIDDEN":                       ErrStreamVersion.Text(),
	"PN_WEBHOOK_MAXSTREAMSCOUNTREACHED":          ErrTooManyStreams.Text(),
	"PN_DELIVERY_NOTIFICATIONCOSTNOTFOUND":       ErrNoCost.Text(),
	"PN_DELIVERYPUSH_NOTIFICATION_CANCELLED":     ErrCancelled.Text(),
	"PN_DELIVERY_NOTIFICATION_CANCELLED":         ErrCancelled.Text(),
	"PN_DELIVERY_PUSH_NOTIFICATION_NOT_ACCEPTED": ErrNotAccepted.Text(),
	"PN_STREAM_RETRY_AFTER_ERROR": {
		IT: "Lo stream è stato letto prima del tempo indicato dalla piattaforma.",
		EN: "the stream was read sooner than the platform asked"},
	"SignatureDoesNotMatch": {
		IT: "Il deposito dei documenti non ha accettato la firma dell'indirizzo: tipo, segreto o impronta diversi da quelli annunciati.",
		EN: "the storage did not accept the signature of the address: type, secret or digest differ from those announced"},
	"AccessDenied": {
		IT: "L'indirizzo del file è scaduto.",
		EN: "the address of the file has expired"},
}

// refusalTexts says what the codes of a refused request mean and what to do.
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

// Message says what is wrong and what to do, in one language, with the
// recipient that it is about.
func (r *RefusalError) Message(lang pa.Lang) string {
	text, ok := refusalTexts[r.Code]
	if !ok {
		text = pa.Text{IT: "Rifiutata con il codice " + r.Code + ".", EN: "refused with code " + r.Code}
	}
	m := text.In(lang)
	if r.RecIndex != nil {
		m += " (" + at("recipients", *r.RecIndex) + ")"
	}
	return m
}
