package pdnd

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pa-italia/sdk-go/internal/rest"
	"github.com/pa-italia/sdk-go/pa"
)

// ErrVoucherRefused says that PDND was asked for a voucher and did not issue
// it. PDND gives no reason; the text of the [*pa.Error] names what to check.
var ErrVoucherRefused = pa.NewSentinel("PDND_VOUCHER_REFUSED", pa.Text{
	IT: "La PDND non ha rilasciato il voucher: controllare client, chiave, finalità, ambiente e orologio.",
	EN: "PDND did not issue the voucher: check client, key, purpose, environment and clock"})

// Codes of the authorization server, in the first error of its Problem.
const (
	codeRefused = "015-0008"
	codeSchema  = "007-9999"
)

// explain completes a fault with what its code says. It runs before the fault
// becomes an error.
func explain(_ *rest.Op, f *pa.Fault) {
	if f.StatusCode >= 200 && f.StatusCode < 300 {
		f.Raw = nil // it may hold a voucher
	}
	if f.Code == codeRefused {
		f.Is = append(f.Is, ErrVoucherRefused, pa.ErrUnauthorized)
	}
}

// describe completes the error of a request for a voucher with what is known
// of this client and of the reply.
func (c *Client) describe(err error, meta pa.Meta, kid string, clock drift) error {
	e, ok := errors.AsType[*pa.Error](err)
	if !ok {
		return err
	}
	switch {
	case e.Code == codeRefused:
		e.Text = c.refusedText(kid, clock)
	case e.Code == codeSchema:
		e.Text = pa.Text{
			IT: "La PDND non ha riconosciuto la richiesta di voucher: l'indirizzo è di un altro servizio, oppure la richiesta è stata alterata lungo la strada.",
			EN: "PDND did not recognize the request for a voucher: the address is that of another service, or the request was altered on the way"}
	case e.StatusCode == http.StatusTooManyRequests:
		limit := rateLimitOf(meta.Header)
		if e.RetryAfter == 0 {
			e.RetryAfter = limit.interval
		}
		e.Text = limit.text()
	case e.Problem == nil && (e.StatusCode == http.StatusForbidden || e.StatusCode == http.StatusNotFound):
		e.Text = pa.Text{
			IT: "Ha risposto qualcosa che sta davanti alla PDND o un altro servizio: controllare l'indirizzo del token e le regole del firewall.",
			EN: "something in front of PDND or another service replied: check the token URL and the firewall's rules"}
	}
	return e
}

// refusedText lists what can be wrong in the order in which PDND checks it.
func (c *Client) refusedText(kid string, clock drift) pa.Text {
	purpose := pa.Text{
		IT: "non è indicata una finalità, che manca solo ai client per le API di interoperabilità",
		EN: "no purpose is given, which only clients for the interoperability API go without"}
	if c.cfg.PurposeID != "" {
		purpose = pa.Text{
			IT: "il client deve essere associato alla finalità " + c.cfg.PurposeID,
			EN: "the client must be associated with the purpose " + c.cfg.PurposeID}
	}
	now := pa.Text{
		IT: "l'orologio di questa macchina deve essere esatto",
		EN: "the clock of this machine must be right"}
	if clock.large() {
		how := pa.Text{IT: "indietro", EN: "behind"}
		if clock > 0 {
			how = pa.Text{IT: "avanti", EN: "ahead of"}
		}
		by := clock.ahead().Abs().String()
		now = pa.Text{
			IT: "l'orologio di questa macchina è " + how.IT + " di " + by + " rispetto alla PDND: sincronizzarlo",
			EN: "the clock of this machine is " + by + " " + how.EN + " that of PDND: synchronize it"}
	}
	return pa.Text{
		IT: fmt.Sprintf("La PDND non ha rilasciato il voucher e non dice perché. Controllare nell'ordine: "+
			"(1) l'audience %s deve essere dell'ambiente in cui esiste il client %s; "+
			"(2) la chiave con kid %s deve essere caricata su quel client; (3) %s; (4) %s; "+
			"(5) richiesta di fruizione, versione dell'e-service e finalità devono essere attive. "+
			"Una modifica recente può non valere ancora. Il motivo si vede nel back office con «Debug client assertion»; all'assistenza serve l'identificativo della richiesta.",
			c.cfg.Audience, c.cfg.ClientID, kid, purpose.IT, now.IT),
		EN: fmt.Sprintf("PDND did not issue the voucher and does not say why. Check in this order: "+
			"(1) the audience %s must be of the environment in which the client %s exists; "+
			"(2) the key with kid %s must be registered on that client; (3) %s; (4) %s; "+
			"(5) agreement, e-service version and purpose must be active. "+
			"A recent change may not be in force yet. The back office shows the reason under \"Debug client assertion\"; support needs the id of the request",
			c.cfg.Audience, c.cfg.ClientID, kid, purpose.EN, now.EN),
	}
}

// rateLimit is what PDND says of the limit that it keeps for an organization.
type rateLimit struct {
	requests int
	interval time.Duration
}

func rateLimitOf(h http.Header) rateLimit {
	requests, err1 := strconv.Atoi(h.Get("X-Rate-Limit-Limit"))
	interval, err2 := strconv.Atoi(h.Get("X-Rate-Limit-Interval")) // milliseconds
	const most = int(time.Hour / time.Millisecond)
	if err1 != nil || err2 != nil || requests <= 0 || interval <= 0 || interval > most {
		return rateLimit{}
	}
	return rateLimit{requests, time.Duration(interval) * time.Millisecond}
}

func (l rateLimit) text() pa.Text {
	t := pa.Text{
		IT: "Troppe richieste di voucher: il limite della PDND vale per tutti i client dell'ente insieme",
		EN: "too many requests for vouchers: PDND's limit holds for all clients of the organization together"}
	if l.requests > 0 {
		t.IT += fmt.Sprintf(" ed è di %d ogni %s", l.requests, l.interval)
		t.EN += fmt.Sprintf(" and is %d every %s", l.requests, l.interval)
	}
	t.IT += ". Riprovare più tardi e non chiedere un voucher per ogni chiamata."
	t.EN += "; try again later, and do not ask for a voucher for every call"
	return t
}
