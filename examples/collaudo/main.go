// Command collaudo runs the acceptance tests of the onboarding to SEND: the
// cases TC-INVIO-01 to 04 and both scenarios of TC-COSTO-01, as the onboarding
// manual of the platform lists them, and saves the evidence that the
// acceptance asks for.
//
// Without flags it runs them against the simulators, in a few seconds; -h says
// how to run them in UAT, against another server, or for many Comuni.
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
	"github.com/pa-italia/sdk-go/send"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const intro = `collaudo: i casi di test dell'adesione a SEND, con le prove da consegnare.

  TC-INVIO-01              una notifica senza pagamento
  TC-INVIO-02              una notifica con pagamento
  TC-INVIO-03              lo IUN e gli stati, da uno stream
  TC-INVIO-04              atti, avvisi, attestazioni e ricevute scaricati
  TC-COSTO-01 scenario 1   il costo, con l'ente che è anche creditore
  TC-COSTO-01 scenario 2   il costo, con un creditore diverso dall'ente

Senza opzioni usa un ente inventato e i simulatori di SEND e della PDND, avviati
dentro il programma: nessun dato lascia questa macchina.

  collaudo
  collaudo -ambiente uat -ente 01234567897 -out prove
  collaudo -ambiente uat -enti enti.csv -out prove
  collaudo -url http://127.0.0.1:8081 -api-key key-value

In produzione non si esegue: le notifiche sono a persone di prova. Codice
d'uscita: 0 se tutti i casi sono superati, altrimenti 1.

`

// options are the flags.
type options struct {
	body     body // the only one, or what those of the file have in common
	file     string
	out      string
	limit    time.Duration
	versions send.Versions
	hosts    bool
}

func (o *options) flags() []access.Flag {
	return []access.Flag{
		{Name: "ente", Arg: "CODICE", Usage: "codice fiscale dell'ente mittente, quello della chiave API; con i simulatori\nse ne può fare a meno", Set: access.Text(&o.body.taxID)},
		{Name: "denominazione", Arg: "TESTO", Usage: "nome dell'ente nelle notifiche", Set: access.Text(&o.body.denomination)},
		{Name: "gruppo", Arg: "ID", Usage: "gruppo delle notifiche e dello stream, per una chiave API che ne ha", Set: access.Text(&o.body.group)},
		{Name: "tassonomia", Arg: "CODICE", Usage: "codice tassonomico di tutte le notifiche; senza, " + taxonomyPaid + " per quelle con\npagamento e " + taxonomyPlain + " per le altre", Set: access.Text(&o.body.taxonomy)},
		{Name: "creditore", Arg: "CODICE", Usage: "codice fiscale dell'ente creditore dello scenario 2, diverso dall'ente;\nsenza, " + testCreditor + ", quello dei dati di prova di SEND", Set: access.Text(&o.body.creditor)},
		{Name: "creditore-api-key", Arg: "CHIAVE", Usage: "chiave API del creditore, che nello scenario 2 chiede il costo con questa e\n" +
			"con il voucher dell'ente; senza, lo chiede l'ente per lui\n(" + envCreditorKey + " o " + envCreditorKey + "_FILE)", Set: o.body.setCreditorKey},
		{Name: "nav-sync", Arg: "CODICE", Usage: "codice avviso di TC-INVIO-02; senza, uno inventato", Set: access.Text(&o.body.navSync)},
		{Name: "nav-async", Arg: "CODICE", Usage: "codice avviso di una posizione dell'ente su GPD: TC-INVIO-02 si ripete in\nmodalità asincrona", Set: access.Text(&o.body.navAsync)},
		{Name: "enti", Arg: "FILE", Usage: "ripete il collaudo per ciascun ente di un CSV (sotto)", Set: access.Text(&o.file)},
		{Name: "out", Arg: "CARTELLA", Usage: "dove salvare le prove, in una cartella per ente con il suo codice fiscale;\nsenza, una nuova cartella temporanea", Set: access.Text(&o.out)},
		{Name: "attesa", Arg: "DURATA", Usage: "quanto aspettare il perfezionamento delle notifiche, per esempio 90s o 45m;\nsenza, 1m con i simulatori di questo programma, altrimenti 30m", Set: o.setLimit},
		{Name: "requests-version", Arg: "VERSIONE", Usage: "versione delle richieste, per esempio v2.3", Set: version(&o.versions.Requests)},
		{Name: "sent-version", Arg: "VERSIONE", Usage: "versione del dettaglio delle notifiche, per esempio v2.4", Set: version(&o.versions.Sent)},
		{Name: "streams-version", Arg: "VERSIONE", Usage: "versione degli stream, per esempio v2.4", Set: version(&o.versions.Streams)},
		{Name: "rete", Usage: "elenca gli indirizzi da aprire sul firewall, e finisce", Set: access.Switch(&o.hosts)},
	}
}

func version(v *send.Version) func(string) error {
	return func(value string) error { *v = send.Version(value); return nil }
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
	own, shared := o.flags(), o.body.access.Flags()
	fs := flag.NewFlagSet("collaudo", flag.ContinueOnError)
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
		err = errors.Join(err, access.Usage(stdout, "Il collaudo", own), access.Usage(stdout, "La piattaforma", shared))
		_, more := io.WriteString(stdout, columnsHelp()+access.Secrets)
		if err = errors.Join(err, more); err == nil {
			err = errHelp
		}
		return nil, err
	case err != nil:
		return nil, errors.New(access.FlagError(err) + " (l'elenco con -h)")
	case fs.NArg() > 0:
		return nil, fmt.Errorf("non si capisce %q (l'elenco delle opzioni con -h)", fs.Arg(0))
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	switch {
	case err == nil && o.hosts:
		err = printHosts(o, stdout)
	case err == nil:
		err = accept(ctx, o, newConsole(stdout))
	}
	if err == nil || errors.Is(err, errHelp) {
		return 0
	}
	_, _ = fmt.Fprintln(stderr, "collaudo: "+pa.Message(err, pa.Italian)) // the exit code says it too
	return 1
}
