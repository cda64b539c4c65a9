// Command esiti follows a stream of SEND and prints a line for each event:
// what happens to all notifications of a sender.
//
// It saves how far it has got after every batch, and only then tells SEND to
// forget it: stopped at whatever moment and started again, it goes on where it
// was and loses nothing. Without flags it shows this with the simulators and
// three invented notifications, and ends when they have.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const intro = `esiti: segue uno stream di SEND, una riga per evento.

Ogni riga ha data (ora italiana), IUN o, prima dell'accettazione, identificativo
della richiesta, categoria, nuovo stato se cambia, e che cosa vuol dire. Si ferma
con Ctrl-C; ripetendo il comando riprende dall'ultimo evento scritto.

Senza opzioni avvia i simulatori di SEND e della PDND, deposita tre notifiche
inventate (una PEC che riceve, una che non riceve, una lettera) e finisce con loro.

  esiti
  esiti -ambiente uat -elenca
  esiti -ambiente uat -crea gestionale
  esiti -ambiente uat -stream 5d0c1f6e-9c1f-4f0e-8b1e-2c8f5f1a7b10

Uno stream dà solo quello che accade dopo la sua creazione, per 7 giorni, e a un
lettore per volta. Codice d'uscita: 0 se fermato o finito, 1 se qualcosa non va.

`

// options are the flags.
type options struct {
	access access.Options
	stream string
	title  string
	list   bool
	state  string
}

func (o *options) flags() []access.Flag {
	return []access.Flag{
		{Name: "stream", Arg: "UUID", Usage: "lo stream da seguire", Set: access.Text(&o.stream)},
		{Name: "crea", Arg: "TITOLO", Usage: "segue lo stream con questo titolo, e lo crea se non c'è: eventi della\n" +
			"sequenza temporale che interessano un mittente", Set: access.Text(&o.title)},
		{Name: "elenca", Usage: "elenca gli stream dell'ente e finisce", Set: access.Switch(&o.list)},
		{Name: "stato", Arg: "CARTELLA", Usage: "dove ricordare l'ultimo evento scritto; senza, nella cartella delle\n" +
			"configurazioni dell'utente (con i simulatori non serve)", Set: access.Text(&o.state)},
	}
}

// errHelp is the wish to see the help.
var errHelp = errors.New("help")

func parse(args []string, stdout io.Writer) (*options, error) {
	o := new(options)
	own, shared := o.flags(), o.access.Flags()
	fs := flag.NewFlagSet("esiti", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	for _, list := range [][]access.Flag{own, shared} {
		for _, f := range list {
			if f.Arg == "" {
				fs.BoolFunc(f.Name, f.Usage, f.Set)
			} else {
				fs.Func(f.Name, f.Usage, f.Set)
			}
		}
	}
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err = io.WriteString(stdout, intro)
		err = errors.Join(err, access.Usage(stdout, "Lo stream", own), access.Usage(stdout, "La piattaforma", shared))
		_, more := io.WriteString(stdout, access.Secrets)
		if err = errors.Join(err, more); err == nil {
			err = errHelp
		}
		return nil, err
	case err != nil:
		return nil, errors.New(access.FlagError(err) + " (l'elenco con -h)")
	case fs.NArg() > 0:
		return nil, fmt.Errorf("non si capisce %q: lo stream si indica con -stream o -crea (l'elenco con -h)", fs.Arg(0))
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	if err == nil {
		err = outcomes(ctx, o, stdout)
	}
	if err == nil || errors.Is(err, errHelp) {
		return 0
	}
	_, _ = fmt.Fprintln(stderr, "esiti: "+pa.Message(err, pa.Italian)) // the exit code says it too
	return 1
}
