package send

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/internal/rest"
	"github.com/pa-italia/sdk-go/pa"
)

// Sentinels of SEND, for [errors.Is].
var (
	// ErrProtocolReused is a deposit whose protocol number and token are
	// those of another notification of the same sender.
	ErrProtocolReused = pa.NewSentinel("SEND_PROTOCOL_REUSED", pa.Text{
		IT: "Numero di protocollo e token sono già di un'altra notifica, con destinatari, documenti o pagamenti diversi: usare un altro protocollo o un altro idempotenceToken.",
		EN: "protocol number and token belong to another notification, with other recipients, documents or payments: use another protocol number or another idempotenceToken"})
	// ErrNoticeInUse is a payment notice that another notification carries;
	// see [NoticeInUseError].
	ErrNoticeInUse = pa.NewSentinel("SEND_NOTICE_IN_USE", pa.Text{
		IT: "Un avviso di pagamento è già in un'altra notifica: si libera solo se quella è rifiutata o annullata.",
		EN: "a payment notice is already in another notification: it becomes free only when that one is refused or cancelled"})
	// ErrRefused is a request that the platform refused; see [RefusedError].
	ErrRefused = pa.NewSentinel("SEND_REFUSED", pa.Text{
		IT: "La richiesta di notifica è stata rifiutata: correggere e ridepositare con un nuovo idempotenceToken.",
		EN: "the request for notification was refused: correct it and deposit it again under a new idempotenceToken"})
	// ErrNotReady is a file that the platform is still making or fetching
	// from cold storage; see [NotReadyError].
	ErrNotReady = pa.NewSentinel("SEND_NOT_READY", pa.Text{
		IT: "Il documento non è ancora disponibile: riprovare dopo il tempo indicato.",
		EN: "the file is not available yet: try again after the time given"})
	// ErrNoCost is a price asked for a notice that is in no notification:
	// there is no cost to add. It is the only 404 of the price that means so.
	ErrNoCost = pa.NewSentinel("SEND_NO_COST", pa.Text{
		IT: "L'avviso non è in alcuna notifica SEND: nessun costo di notifica da aggiungere.",
		EN: "the notice is in no SEND notification: there is no cost to add"})
	// ErrCancelled is a price asked for a cancelled notification.
	ErrCancelled = pa.NewSentinel("SEND_CANCELLED", pa.Text{
		IT: "La notifica è stata annullata: il costo di notifica non è dovuto.",
		EN: "the notification was cancelled: its cost is not due"})
	// ErrNotAccepted is a price asked before the notification was accepted.
	ErrNotAccepted = pa.NewSentinel("SEND_NOT_ACCEPTED", pa.Text{
		IT: "La notifica non è ancora stata accettata: il costo non è noto, riprovare più tardi.",
		EN: "the notification has not been accepted yet: its cost is not known, try again later"})
	// ErrStreamVersion is a stream asked through another version of the API
	// than the one that made it.
	ErrStreamVersion = pa.NewSentinel("SEND_STREAM_VERSION", pa.Text{
		IT: "Lo stream non risponde o non si può cambiare: è stato creato con un'altra versione delle API, è di un gruppo che la chiave non ha, oppure è già stato disabilitato o sostituito.",
		EN: "the stream does not answer or cannot be changed: it was made with another version of the API, belongs to a group that the key does not have, or has been disabled or replaced"})
	// ErrTooManyStreams is the limit of active streams of the sender.
	ErrTooManyStreams = pa.NewSentinel("SEND_TOO_MANY_STREAMS", pa.Text{
		IT: "L'ente ha già il numero massimo di stream attivi: eliminarne o disabilitarne uno.",
		EN: "the sender has as many active streams as it may: delete or disable one"})
	// ErrLockLost is a stream whose lock was lost while it was consumed.
	ErrLockLost = pa.NewSentinel("SEND_LOCK_LOST", pa.Text{
		IT: "Il blocco sullo stream è andato perso: un altro processo può leggerlo. Riprendere da capo, riacquisendo il blocco.",
		EN: "the lock of the stream was lost: another process may read it; start again by taking the lock"})
	// ErrDigest is a file whose content is not what was declared.
	ErrDigest = pa.NewSentinel("SEND_DIGEST", pa.Text{
		IT: "Il contenuto del file non corrisponde all'impronta dichiarata: il file è cambiato o è arrivato incompleto.",
		EN: "the content of the file does not match its declared digest: it changed or arrived incomplete"})
)

// RefusedError tells why a request was refused. It is ErrRefused.
type RefusedError struct {
	NotificationRequestID string
	Reasons               []RefusalError
}

// Error lists the codes; the platform's texts can name people and are left out.
func (e *RefusedError) Error() string {
	codes := make([]string, len(e.Reasons))
	for i, r := range e.Reasons {
		codes[i] = r.Code
		if r.RecIndex != nil {
			codes[i] += fmt.Sprintf(" (recipient %d)", *r.RecIndex)
		}
	}
	return ErrRefused.ErrorCode() + ": the request was refused: " + strings.Join(codes, ", ")
}

// Is makes it ErrRefused.
func (e *RefusedError) Is(target error) bool { return target == error(ErrRefused) }

// ErrorCode returns the platform's first code.
func (e *RefusedError) ErrorCode() string {
	if len(e.Reasons) > 0 {
		return e.Reasons[0].Code
	}
	return ErrRefused.ErrorCode()
}

// Message says why, in one language.
func (e *RefusedError) Message(lang pa.Lang) string {
	lines := []string{ErrRefused.Message(lang)}
	for _, r := range e.Reasons {
		lines = append(lines, r.Message(lang))
	}
	return strings.Join(lines, "\n")
}

// NoticeInUseError names the payment whose notice is taken. It is ErrNoticeInUse.
type NoticeInUseError struct {
	// Recipient and Payment are positions in the notification; -1 where the
	// platform does not say which of several it is.
	Recipient, Payment int
}

func (e *NoticeInUseError) path() string {
	if e.Recipient < 0 {
		return "recipients"
	}
	return at("recipients", e.Recipient) + "." + at("payments", e.Payment) + ".pagoPa.noticeCode"
}

// Error names the payment.
func (e *NoticeInUseError) Error() string { return ErrNoticeInUse.Error() + ": " + e.path() }

// Is makes it ErrNoticeInUse and pa.ErrConflict.
func (e *NoticeInUseError) Is(target error) bool {
	return target == error(ErrNoticeInUse) || target == error(pa.ErrConflict)
}

// ErrorCode returns the code of ErrNoticeInUse.
func (e *NoticeInUseError) ErrorCode() string { return ErrNoticeInUse.ErrorCode() }

// Message names the payment, in one language.
func (e *NoticeInUseError) Message(lang pa.Lang) string {
	return e.path() + ": " + ErrNoticeInUse.Message(lang)
}

// NotReadyError says when a file can be asked for again. It is ErrNotReady.
type NotReadyError struct {
	RetryAfter time.Duration
}

// Error gives the wait.
func (e *NotReadyError) Error() string {
	return ErrNotReady.Error() + " (" + e.RetryAfter.String() + ")"
}

// Is makes it ErrNotReady.
func (e *NotReadyError) Is(target error) bool { return target == error(ErrNotReady) }

// ErrorCode returns the code of ErrNotReady.
func (e *NotReadyError) ErrorCode() string { return ErrNotReady.ErrorCode() }

// Message gives the wait, in one language.
func (e *NotReadyError) Message(lang pa.Lang) string {
	return ErrNotReady.Message(lang) + " (" + e.RetryAfter.String() + ")"
}

// credentialText is what a refusal by the gateway can mean. It never says
// which: its answer is the same for all.
var credentialText = pa.Text{
	IT: "SEND non ha accettato le credenziali. Controllare nell'ordine: la chiave API (attiva, non bloccata, di questo ambiente); " +
		"il voucher PDND (richiesto o vietato da questa chiave, non scaduto); la finalità del voucher (quella di SEND per questo ambiente); " +
		"il gruppo della chiave; la frequenza degli invii. SEND ricorda il rifiuto per 60 secondi: un nuovo tentativo prima non serve.",
	EN: "SEND did not accept the credentials. Check in this order: the API key (enabled, not blocked, of this environment); " +
		"the PDND voucher (wanted or forbidden by this key, not expired); the purpose of the voucher (that of SEND for this environment); " +
		"the group of the key; the sending rate. SEND remembers a refusal for 60 seconds: trying again sooner is useless."}

// meanings gives a code of the platform its sentinel.
var meanings = map[string]*pa.Sentinel{
	"PN_DELIVERY_NOTIFICATIONCOSTNOTFOUND":       ErrNoCost,
	"PN_DELIVERYPUSH_NOTIFICATION_CANCELLED":     ErrCancelled,
	"PN_DELIVERY_NOTIFICATION_CANCELLED":         ErrCancelled,
	"PN_DELIVERY_PUSH_NOTIFICATION_NOT_ACCEPTED": ErrNotAccepted,
	"PN_WEBHOOK_FORBIDDEN":                       ErrStreamVersion,
	"PN_WEBHOOK_MAXSTREAMSCOUNTREACHED":          ErrTooManyStreams,
}

// explain completes a failed call with what SEND means by it.
func explain(_ *rest.Op, f *pa.Fault) {
	if s, ok := meanings[f.Code]; ok {
		f.Is = append([]*pa.Sentinel{s}, f.Is...)
	}
	switch {
	case f.StatusCode == http.StatusUnauthorized && f.Problem == nil, slices.Contains(f.Is, pa.ErrUnauthorized):
		f.Text = credentialText
	case f.Text.IsZero():
		f.Text = codeTexts[f.Code]
	}
}

// isNotFound reports whether it is SEND that says that something is not there:
// a page that a proxy answers with a 404 does not.
func isNotFound(err error) bool {
	e, ok := errors.AsType[*pa.Error](err)
	return ok && e.StatusCode == http.StatusNotFound && e.Problem != nil
}
