// Command pasandbox runs the simulators of the platforms as one server on
// loopback, for integration tests in any language and for trying things out by
// hand: SEND under /send, PDND under /pdnd, and a control API under /_sandbox
// that moves the clock, injects faults, shows what was received and begins
// anew. Its first page says how to call them.
//
// Like the simulators it may change in any minor version.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const help = `pasandbox: i simulatori di SEND e della PDND in un solo server locale, per i test
di integrazione in qualsiasi linguaggio. Le istruzioni sono sulla pagina iniziale.

  -addr INDIRIZZO
        dove ascoltare (127.0.0.1:8480); con la porta 0 ne sceglie una libera
  -url INDIRIZZO
        come lo chiamano i client, se diverso da dove ascolta: per esempio
        http://pasandbox:8480 in una rete di container
  -giorno DURATA
        quanto dura un giorno nella vita di una notifica (1m, come in uat)
  -remoto
        ammette un indirizzo raggiungibile da altre macchine: i simulatori non
        hanno segreti da proteggere, ma credono a chiunque
  -seme NUMERO
        rende ripetibili identificativi e guasti casuali

Codice d'uscita: 0 se fermato con Ctrl-C o SIGTERM, 1 se non può partire.
`

// options are the flags.
type options struct {
	addr   string
	url    string
	day    time.Duration
	remote bool
	seed   uint64
}

func parse(args []string) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("pasandbox", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.addr, "addr", "127.0.0.1:8480", "")
	fs.StringVar(&o.url, "url", "", "")
	fs.DurationVar(&o.day, "giorno", time.Minute, "")
	fs.BoolVar(&o.remote, "remoto", false, "")
	fs.Uint64Var(&o.seed, "seme", 0, "")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("non si capisce %q", fs.Arg(0))
	}
	if o.day <= 0 {
		return nil, errors.New("-giorno: serve una durata come 1s o 1m")
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(stdout, help)
	} else if err == nil {
		err = serve(ctx, o, stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "pasandbox: %v (le opzioni con -h)\n", err) // the exit code says it too
		return 1
	}
	return 0
}

// serve runs until ctx ends.
func serve(ctx context.Context, o *options, stdout io.Writer) error {
	ln, err := listen(ctx, o)
	if err != nil {
		return err
	}
	if o.url == "" {
		o.url = "http://" + reachable(ln.Addr())
	}
	s, err := newSandbox(strings.TrimSuffix(o.url, "/"), o.day, o.seed)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	if err := s.announce(stdout, ln.Addr()); err != nil {
		return errors.Join(err, ln.Close())
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// Calls under way are let through, those that are being delayed on purpose
	// are not waited for.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return errors.Join(server.Close(), ignoreClosed(<-failed))
	}
	return ignoreClosed(<-failed)
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// listen refuses an address that other machines can reach, unless told.
func listen(ctx context.Context, o *options) (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", o.addr)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	if !addr.IP.IsLoopback() && !o.remote {
		return nil, fmt.Errorf("-addr: %s è raggiungibile da altre macchine: se è voluto, aggiungere -remoto", o.addr)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	return ln, nil
}

// reachable is where clients on this machine find a listener.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return a.String()
}
