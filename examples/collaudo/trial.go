package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// The simulators of this process: how long a day lasts, and after what part
// of it an empty stream can be asked again, sooner being refused.
const (
	simulatedDay   = 250 * time.Millisecond
	simulatedRetry = 12 * time.Hour
)

// simulatedCreditorKey is that of the creditor of scenario 2, to whom the
// simulators give a key of its own.
const simulatedCreditorKey = "00000000-aaaa-4000-8000-5e4d00000002"

// atOnce is how many bodies are tested at the same time: most of it is waiting.
const atOnce = 8

// errLimit is the end of what -attesa allows.
var errLimit = errors.New("the time of -attesa is over")

// trial is the test of one body.
type trial struct {
	*console
	prefix   string // of its lines, where there are several bodies
	body     *body
	versions send.Versions
	session  *access.Session
	creditor *send.Client // asks for the cost in scenario 2
	folder   folder
	limit    time.Duration
	zone     *time.Location

	began, ended time.Time
	results      []result
}

// accept runs all cases for every body and prints the tables.
func accept(ctx context.Context, o *options, c *console) (err error) {
	bodies, err := o.bodies()
	if err != nil {
		return err
	}
	var trials []*trial
	defer func() {
		for _, t := range trials {
			err = errors.Join(err, t.session.Close())
		}
	}()
	for _, b := range bodies { // what is wrong with any of them is found before the first call
		t, err := connect(ctx, o, b, c)
		if err != nil && len(bodies) > 1 {
			return access.Fault("-enti, ente "+b.taxID, pa.Message(err, pa.Italian), err.Error())
		}
		if err != nil {
			return err
		}
		trials = append(trials, t)
		if len(bodies) > 1 {
			t.prefix = "[" + b.taxID + "] "
		}
	}
	out := o.out
	if out == "" {
		if out, err = os.MkdirTemp("", "collaudo-"); err != nil {
			return err
		}
	}
	for _, t := range trials {
		if t.folder, err = newFolder(out, t.body.taxID); err != nil {
			return err
		}
	}
	c.line("Ambiente: %s", trials[0].session)
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, t := range trials {
		g.Go(func() error { return t.run(ctx) })
	}
	err = g.Wait()
	for _, t := range trials {
		t.table()
	}
	c.line("")
	c.line("Prove in %s", out)
	return errors.Join(err, c.summary(trials), c.err)
}

// connect makes the clients of a body. It calls nobody.
func connect(ctx context.Context, o *options, b *body, c *console) (*trial, error) {
	named := b.taxID != ""
	if err := b.complete(); err != nil {
		return nil, err
	}
	t := &trial{console: c, body: b, limit: o.limit}
	var err error
	if t.zone, err = access.Italy(); err != nil {
		return nil, err
	}
	creditorKey, err := b.simulatedKey(ctx)
	if err != nil {
		return nil, err
	}
	t.session, err = access.Connect(ctx, b.access, b.simulation(creditorKey), func(cfg *send.Config) {
		cfg.Sender, cfg.Group, cfg.Evidence = b.taxID, b.group, t.exchanges()
		cfg.Versions.Requests = cmp.Or(o.versions.Requests, cfg.Versions.Requests)
		cfg.Versions.Sent = cmp.Or(o.versions.Sent, cfg.Versions.Sent)
		cfg.Versions.Streams = cmp.Or(o.versions.Streams, cfg.Versions.Streams)
		t.versions = cfg.Versions
	})
	if err != nil {
		return nil, err
	}
	if err := t.admit(named); err != nil {
		return nil, errors.Join(err, t.session.Close())
	}
	t.creditor = t.session.Client
	if t.session.Simulators != nil {
		b.creditorKey = pa.NewSecret(creditorKey)
	}
	if b.creditorKey != nil {
		cred := send.Credentials{Sender: b.creditor, APIKey: b.creditorKey}
		if t.session.Vouchers != nil {
			cred.Voucher = t.session.Vouchers
		}
		if t.creditor, err = t.session.Client.With(cred); err != nil {
			return nil, errors.Join(err, t.session.Close())
		}
	}
	return t, nil
}

// simulatedKey is the key that the simulators give to the creditor.
func (b *body) simulatedKey(ctx context.Context) (string, error) {
	if b.creditorKey == nil {
		return simulatedCreditorKey, nil
	}
	key, err := b.creditorKey.Secret(ctx)
	if err != nil {
		return "", access.Fault("-creditore-api-key", "la chiave non si può leggere.", "the key cannot be read")
	}
	return key.Reveal(), nil
}

// simulation is what the simulators of this process know: the body and the
// creditor of scenario 2.
func (b *body) simulation(creditorKey string) access.Simulation {
	sender := sendtest.Sender{APIKey: b.access.APIKey, TaxID: b.taxID, Denomination: b.denomination}
	if b.group != "" {
		sender.Groups = []string{b.group}
	}
	return access.Simulation{Day: simulatedDay, Sender: sender, Options: []sendtest.Option{
		sendtest.WithSender(sendtest.Sender{APIKey: creditorKey, TaxID: b.creditor, Denomination: "Ente creditore", VoucherRequired: true}),
		sendtest.WithRetryAfter(simulatedRetry, true),
	}}
}

// admit refuses what must not be begun, and settles what depends on the
// environment.
func (t *trial) admit(named bool) error {
	switch {
	case t.session.Environment.Real():
		return access.Fault("-ambiente", "il collaudo non si esegue in produzione: le notifiche avrebbero effetto legale e un costo.",
			"the tests are not for production: the notifications would have legal effect and a cost")
	case !named && t.session.Environment != pa.Simulator:
		return access.Fault("-ente", "manca: serve il codice fiscale dell'ente della chiave API.", "missing: the tax code of the body that owns the API key")
	case t.limit == 0 && t.session.Simulators != nil:
		t.limit = time.Minute
	case t.limit == 0:
		t.limit = 30 * time.Minute // in UAT a day lasts a minute
	}
	return nil
}

// foreign reports whether the server is neither SEND nor a simulator of this
// process.
func (t *trial) foreign() bool {
	return t.session.Environment == pa.Simulator && t.session.Simulators == nil
}

// say prints a line about this body.
func (t *trial) say(format string, args ...any) {
	t.line("%s%s", t.prefix, fmt.Sprintf(format, args...))
}

// run goes through the cases. A case that fails stops none that does not need
// it. The error is that of the report itself.
func (t *trial) run(ctx context.Context) error {
	t.began = time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, t.limit, errLimit)
	defer cancel()

	// The stream comes first: it tells only what happens after it was made.
	stream, streamErr := t.createStream(limited)
	plain, paid, async, other := t.plain(), t.paid(), t.async(), t.other()
	all := []*notification{plain, paid, other}
	if async != nil {
		all = append(all, async)
	}
	t.deposit(limited, all)
	t.add(casePlain, plain.text(), plain.err)
	t.add(casePaid, joinTexts(paid, async), errors.Join(paid.err, errOf(async)))

	var events *reader
	if streamErr == nil {
		events, streamErr = t.follow(limited, stream, all)
		t.deleteStream(ctx, stream)
	}
	t.add(caseStream, events.text(), streamErr)

	detail, err := t.downloads(ctx, all)
	t.add(caseDownloads, detail, err)
	detail, err = t.cost(ctx, caseOwnCost, casePaid, t.session.Client, paid)
	t.add(caseOwnCost, detail, err)
	detail, err = t.cost(ctx, caseOtherCost, "la notifica dello scenario 2", t.creditor, other)
	t.add(caseOtherCost, detail, err)

	t.ended = time.Now()
	return t.folder.writeJSON(t.report(), "esito.json")
}

func errOf(n *notification) error {
	if n == nil {
		return nil
	}
	return n.err
}

func joinTexts(list ...*notification) string {
	var texts []string
	for _, n := range list {
		if n != nil && n.err == nil {
			texts = append(texts, n.text())
		}
	}
	return strings.Join(texts, "; ")
}

// limitFault tells the end of -attesa from other errors.
func (t *trial) limitFault(ctx context.Context, err error, what string) error {
	if err == nil || !errors.Is(context.Cause(ctx), errLimit) {
		return err
	}
	return access.Fault("", fmt.Sprintf("%s entro %s (-attesa).", what, access.Duration(t.limit)), "not within the time of -attesa: "+err.Error())
}

// stamp writes an instant for the files of the evidence.
func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}
