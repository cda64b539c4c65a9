package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// pace is how an environment is followed.
type pace struct {
	limit time.Duration // of -attesa
	poll  time.Duration // between two looks at a notification
}

// simulatedDay is how long a day lasts in the simulators of this process.
const simulatedDay = 400 * time.Millisecond

func paceOf(s *access.Session) pace {
	switch {
	case s.Simulators != nil:
		return pace{time.Minute, simulatedDay / 2}
	case s.Environment == pa.Simulator:
		return pace{30 * time.Minute, 250 * time.Millisecond}
	case s.Environment.Real():
		return pace{10 * time.Minute, time.Minute}
	}
	return pace{30 * time.Minute, 15 * time.Second} // in UAT a day lasts a minute
}

// job is the notification of one run.
type job struct {
	*progress
	folder  *folder
	session *access.Session
	pace    pace
	zone    *time.Location
}

var errLimit = errors.New("the time of -attesa is over")

// notify is the whole story of a notification.
func notify(ctx context.Context, o *options, p *progress) (err error) {
	f, err := open(ctx, o.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.unlock()) }()
	n, files, err := o.input(f)
	if err != nil {
		return err
	}
	session, err := access.Connect(ctx, o.access, simulation(n), func(cfg *send.Config) {
		cfg.Evidence, cfg.Sender = f.evidence(), n.SenderTaxID
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	zone, err := access.Italy()
	if err != nil {
		return err
	}
	j := &job{progress: p, folder: f, session: session, pace: paceOf(session), zone: zone}
	if o.limit > 0 {
		j.pace.limit = o.limit
	}
	if err := j.admit(o); err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, j.pace.limit, errLimit)
	defer cancel()
	err = j.do(limited, n, files)
	p.rewrite("")
	if err != nil && limited.Err() != nil {
		err = j.stopped(context.Cause(limited))
	}
	return errors.Join(err, p.err)
}

// input returns the notification to deposit: none where the folder has one
// that goes on.
func (o *options) input(f *folder) (send.Notification, send.Files, error) {
	switch {
	case o.data == "" && len(o.acts)+len(o.notices) > 0:
		return send.Notification{}, nil, access.Fault("-dati", "manca: -atto e -avviso accompagnano i dati di una notifica.", "missing: -atto and -avviso go with the data of a notification")
	case o.data != "":
		return read(o)
	case f.deposit != nil:
		return send.Notification{}, nil, nil
	}
	return access.Sample()
}

var organization = regexp.MustCompile(`^[0-9]{11}$`)

// simulation makes the simulators of this process take notifications of the
// sender of n.
func simulation(n send.Notification) access.Simulation {
	sender := sendtest.Sender{Denomination: n.SenderDenomination}
	if organization.MatchString(n.SenderTaxID) { // else it is found by the checks
		sender.TaxID = n.SenderTaxID
	}
	if n.Group != "" {
		sender.ActiveGroups = []string{n.Group}
	}
	return access.Simulation{Day: simulatedDay, Sender: sender}
}

// admit refuses what must not be begun.
func (j *job) admit(o *options) error {
	real := j.session.Environment.Real()
	here := originOf(j.session)
	switch {
	case j.folder.origin != nil && *j.folder.origin != here:
		return access.Fault("-out", "la cartella è di una notifica di un altro ambiente ("+j.folder.origin.text()+"): usare un'altra cartella, o lo stesso ambiente.",
			"the folder belongs to a notification of another environment")
	case o.data == "" && j.folder.deposit == nil && j.session.Environment != pa.Simulator:
		return access.Fault("-dati", "manca: la notifica d'esempio è solo per i simulatori.", "missing: the sample is for simulators only")
	}
	j.line("Ambiente: %s", j.session)
	if !real {
		return nil
	}
	j.line("ATTENZIONE: in produzione la notifica ha effetto legale per chi la riceve e un costo")
	j.line("per l'ente o per il destinatario. Una volta accettata si può solo annullare.")
	if !o.confirm {
		return access.Fault("-confermo", "in produzione va aggiunta: senza, non parte nulla.", "needed in production: nothing was sent")
	}
	return nil
}

func (o *origin) text() string {
	if o.Address == "" {
		return "i simulatori di un programma finito"
	}
	return string(o.Environment) + ", " + o.Address
}

// do deposits, follows and saves.
func (j *job) do(ctx context.Context, n send.Notification, files send.Files) error {
	d, err := j.prepare(ctx, n, files)
	if err != nil {
		return err
	}
	if v := j.session.Vouchers; v != nil {
		token, err := v.Token(ctx)
		if err != nil {
			return err
		}
		j.line("Voucher PDND: ottenuto, vale fino alle %s", token.Expiry.In(j.zone).Format("15:04"))
	}
	if d, err = j.deposit(ctx, d); err != nil {
		return err
	}
	detail, err := j.follow(ctx, d)
	if err != nil {
		return err
	}
	saved, err := j.save(ctx, detail)
	if err != nil {
		return err
	}
	cost, err := j.cost(ctx, detail)
	if err != nil {
		return err
	}
	j.line("Tutto salvato in: %s", j.folder.path)
	j.line("")
	j.line("IUN: %s", detail.IUN)
	j.line("Stato: %s (%s)", access.Status(detail.NotificationStatus), detail.NotificationStatus)
	j.line("Costo di notifica: %s", cost.Text("it"))
	j.line("Attestazioni salvate: %d", saved)
	return nil
}

// prepare returns the deposit of the folder where there is one to go on with,
// else a new one that has passed all checks: nothing is written, and nobody is
// called, for a notification that has not.
func (j *job) prepare(ctx context.Context, n send.Notification, files send.Files) (send.Deposit, error) {
	if j.folder.deposit != nil {
		d := *j.folder.deposit
		if n.PaProtocolNumber != "" && n.PaProtocolNumber != d.Notification.PaProtocolNumber {
			return d, access.Fault("-out", "la cartella è di una notifica con un altro numero di protocollo: usarne un'altra.", "the folder belongs to a notification with another protocol number")
		}
		j.line("Si riprende il deposito della cartella %s", j.folder.path)
		return d, nil
	}
	for _, f := range j.session.Client.Validate(n) {
		if f.Severity == pa.Warning {
			j.line("Avvertenza: %s: %s", f.Path, f.Text.IT)
		}
	}
	d, err := send.NewDeposit(n)
	if err == nil {
		d, _, err = j.session.Client.Step(ctx, d, files) // the first step is local
	}
	if err != nil {
		return d, err
	}
	if err := j.folder.begin(ctx, d, files, originOf(j.session)); err != nil {
		return d, err
	}
	j.line("Cartella: %s", j.folder.path)
	j.line("Dati e documenti controllati: %d file", len(d.Files))
	return d, nil
}

// deposit brings the deposit to its IUN. Every state is on disk before the
// next step is taken.
func (j *job) deposit(ctx context.Context, d send.Deposit) (send.Deposit, error) {
	since := time.Now()
	for !d.Stage.Done() {
		before := d.Stage
		next, wait, err := j.session.Client.Step(ctx, d, j.folder.attachments())
		d = next
		if saveErr := j.folder.store.Save(ctx, depositKey, d); saveErr != nil {
			return d, errors.Join(fileFault("-out", j.folder.path, saveErr), err)
		}
		if err != nil && (!pa.Temporary(err) || ctx.Err() != nil) {
			return d, err
		}
		if err != nil {
			j.line("%s Nuovo tentativo fra %s.", pa.Message(err, pa.Italian), access.Duration(wait))
		}
		if d.Stage != before {
			if err := j.reached(d); err != nil {
				return d, err
			}
			since = time.Now()
		}
		if err := j.wait(ctx, wait, since, "%s", waitingFor[d.Stage]); err != nil {
			return d, err
		}
	}
	return d, d.Err()
}

var waitingFor = map[send.Stage]string{
	send.StageUpload: "Caricamento dei documenti",
	send.StageSubmit: "Invio della richiesta",
	send.StageAwait:  "SEND controlla la richiesta",
}

// reached tells of a new stage.
func (j *job) reached(d send.Deposit) error {
	switch d.Stage {
	case send.StageSubmit:
		j.line("Documenti caricati: %d", len(d.Files))
	case send.StageAwait:
		j.line("Richiesta inviata, SEND la controlla: %s", d.NotificationRequestID)
	case send.StageAccepted:
		j.line("Richiesta accettata, IUN %s", d.IUN)
	}
	if d.NotificationRequestID == "" {
		return nil
	}
	return j.folder.writeJSON(requestFile, d.Request())
}

// stopped says that the run was cut short, and how to go on.
func (j *job) stopped(cause error) error {
	it, en := "interrotto.", "interrupted."
	if errors.Is(cause, errLimit) {
		it = fmt.Sprintf("non è finita entro %s (-attesa).", access.Duration(j.pace.limit))
		en = "it has not ended within the time of -attesa."
	}
	switch {
	case j.session.Simulators != nil:
		return access.Fault("", it+" I simulatori finiscono con questo programma: per riprovare, ripetere il comando.", en+" The simulators end with this program")
	case j.folder.path == "":
		return access.Fault("", it+" Non è stato inviato nulla.", en+" Nothing was sent")
	}
	return access.Fault("", it+" Nulla è perso: quello che è stato inviato prosegue da solo. Per vedere come va, o continuare,\n"+
		"ripetere il comando con le stesse credenziali e lo stesso ambiente, senza -dati, e con:\n  -out "+j.folder.path,
		en+" Nothing is lost: repeat the command with -out "+j.folder.path)
}
