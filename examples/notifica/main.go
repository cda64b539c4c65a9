// Command notifica deposits one notification with SEND and follows it to its
// end: voucher, documents uploaded, request accepted, delivered, perfected,
// legal facts on disk, cost known.
//
// Without flags it does so with an invented notification against the
// simulators, in a few seconds; -h says how to give it a real one. The state
// is saved in the folder of -out after every step, so a run that was stopped,
// at whatever moment, goes on when it is given the same folder.
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
	"time"

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

const intro = `notifica: deposita una notifica su SEND e la segue fino alla fine.

Senza opzioni usa una notifica inventata e i simulatori di SEND e della PDND,
avviati dentro il programma: nessun dato lascia questa macchina.

  notifica
  notifica -dati notifica.json -atto atto.pdf -avviso avviso.pdf
  notifica -ambiente uat -dati notifica.json -atto atto.pdf -out pratica-17

notifica.json ha la forma della richiesta di notifica di SEND; le parti sui file
(digests, ref, contentType) si possono omettere. Se il programma si ferma, con
la stessa cartella -out riprende da dove era e non deposita mai due volte.
Codice d'uscita: 0 se la notifica è arrivata alla fine, altrimenti 1.

`

// options are the flags.
type options struct {
	access  access.Options
	data    string
	acts    []string
	notices []string
	out     string
	confirm bool
	limit   time.Duration
}

func (o *options) flags() []access.Flag {
	return []access.Flag{
		{Name: "dati", Arg: "FILE", Usage: "la richiesta di notifica, in JSON", Set: access.Text(&o.data)},
		{Name: "atto", Arg: "FILE", Usage: "PDF dell'atto; da ripetere se i documenti sono più d'uno, nell'ordine di\ndocuments", Set: appendTo(&o.acts)},
		{Name: "avviso", Arg: "FILE", Usage: "PDF dell'avviso di pagamento; da ripetere nell'ordine dei pagamenti pagoPa", Set: appendTo(&o.notices)},
		{Name: "out", Arg: "CARTELLA", Usage: "dove salvare richiesta, dettaglio, attestazioni e stato del deposito;\nsenza, una nuova cartella temporanea", Set: access.Text(&o.out)},
		{Name: "attesa", Arg: "DURATA", Usage: "quanto aspettare la fine, per esempio 90s, 45m, 12h. Se non basta, la notifica\n" +
			"prosegue da sola e si ritrova ripetendo il comando con la stessa -out.\n" +
			"Senza: 10m in produzione, 1m con i simulatori di questo programma, altrimenti 30m", Set: o.setLimit},
		{Name: "confermo", Usage: "obbligatoria in produzione: la notifica ha effetto legale e un costo", Set: access.Switch(&o.confirm)},
	}
}

func appendTo(list *[]string) func(string) error {
	return func(value string) error { *list = append(*list, value); return nil }
}

func (o *options) setLimit(value string) error {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return errors.New("serve una durata come 90s, 45m o 12h")
	}
	o.limit = d
	return nil
}

// errHelp is the wish to see the help.
var errHelp = errors.New("help")

func parse(args []string, stdout io.Writer) (*options, error) {
	o := new(options)
	own, shared := o.flags(), o.access.Flags()
	fs := flag.NewFlagSet("notifica", flag.ContinueOnError)
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
		err = errors.Join(err, access.Usage(stdout, "La notifica", own), access.Usage(stdout, "La piattaforma", shared))
		_, more := io.WriteString(stdout, access.Secrets)
		if err = errors.Join(err, more); err == nil {
			err = errHelp
		}
		return nil, err
	case err != nil:
		return nil, errors.New(access.FlagError(err) + " (l'elenco con -h)")
	case fs.NArg() > 0:
		return nil, fmt.Errorf("non si capisce %q: i file si indicano con -dati, -atto e -avviso (l'elenco con -h)", fs.Arg(0))
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	if err == nil {
		err = notify(ctx, o, newProgress(stdout))
	}
	if err == nil || errors.Is(err, errHelp) {
		return 0
	}
	_, _ = fmt.Fprintln(stderr, "notifica: "+pa.Message(err, pa.Italian)) // the exit code says it too
	return 1
}
