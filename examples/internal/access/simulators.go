package access

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/pdnd/pdndtest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// Simulation says what the simulators that [Connect] starts are like.
type Simulation struct {
	Day     time.Duration // real duration of a day in the life of a notification
	Sender  sendtest.Sender
	Options []sendtest.Option
}

// Simulators are the two platforms in this process.
type Simulators struct {
	SEND *sendtest.Server
	PDND *pdndtest.Server
	Day  time.Duration
}

// audience is that of the e-service of SEND, which its vouchers are for.
const audience = "https://send.simulator.invalid"

// start starts the simulators on loopback. SEND takes vouchers of this PDND
// only, as the platforms do.
func start(ctx context.Context, sim Simulation) (*Simulators, send.Config, *pdnd.Config, error) {
	fail := func(err error) (*Simulators, send.Config, *pdnd.Config, error) { return nil, send.Config{}, nil, err }
	p, err := pdndtest.Start(ctx, pdndtest.WithClient(pdndtest.Client{
		ID:       pdndtest.ClientID,
		Purposes: []pdndtest.Purpose{{ID: pdndtest.PurposeID, Audience: []string{audience}}},
	}))
	if err != nil {
		return fail(err)
	}
	sender := sim.Sender
	sender.APIKey = cmp.Or(sender.APIKey, sendtest.APIKey)
	sender.TaxID = cmp.Or(sender.TaxID, sendtest.SenderTaxID)
	sender.Denomination = cmp.Or(sender.Denomination, sendtest.SenderDenomination)
	sender.VoucherRequired, sender.Over20Grams = true, true
	s, err := sendtest.Start(ctx, append([]sendtest.Option{
		sendtest.WithSeed(rand.Uint64()), // identifiers of their own for each run
		sendtest.WithClock(patest.Day(sim.Day)),
		sendtest.WithSender(sender),
		sendtest.WithVoucherCheck(p.VoucherCheck(audience)),
		sendtest.WithTerms(unhurried),
	}, sim.Options...)...)
	if err != nil {
		return fail(errors.Join(err, p.Close()))
	}
	both := &Simulators{SEND: s, PDND: p, Day: sim.Day}
	vouchers, err := p.Config(pdndtest.ClientID, pdndtest.PurposeID)
	if err != nil {
		return fail(errors.Join(err, both.close()))
	}
	return both, send.Config{Environment: pa.Simulator, BaseURL: s.URL(), APIKey: pa.NewSecret(sender.APIKey)}, &vouchers, nil
}

// unhurried keeps files and events for longer than the platform does: where a
// day lasts an instant, a machine that is busy for two seconds would lose them.
func unhurried(t *sendtest.Terms) {
	const years = 100 * 365 * 24 * time.Hour
	t.Storage, t.StreamEvents, t.Documents = years, years, years
}

func (s *Simulators) close() error { return errors.Join(s.SEND.Close(), s.PDND.Close()) }
