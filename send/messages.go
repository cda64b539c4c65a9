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

// Message says what is wrong and what to do, in one language, with the
// recipient that it is about.
func (r *RefusalError) Message(lang pa.Lang) string {
	m := RefusalCode(r.Code).Message(lang)
	if r.RecIndex != nil {
		m += " (" + at("recipients", *r.RecIndex) + ")"
	}
	return m
}
