package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// The simulators of this process: a day lasts a quarter of a second, and an
// empty stream is asked again after half a day.
const (
	simulatedDay   = 250 * time.Millisecond
	simulatedRetry = 12 * time.Hour
)

// outcomes connects and does what the flags ask for.
func outcomes(ctx context.Context, o *options, stdout io.Writer) (err error) {
	session, err := access.Connect(ctx, o.access, access.Simulation{
		Day:     simulatedDay,
		Options: []sendtest.Option{sendtest.WithRetryAfter(simulatedRetry, false)},
	}, func(*send.Config) {})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	if err := o.check(session.Simulators != nil); err != nil {
		return err
	}
	zone, err := access.Italy()
	if err != nil {
		return err
	}
	f := &follower{w: stdout, zone: zone, client: session.Client}
	switch {
	case o.list:
		return f.list(ctx)
	case session.Simulators != nil:
		return f.demonstrate(ctx, session)
	}
	if err := f.printf("Ambiente: %s\n", session); err != nil {
		return err
	}
	stream, err := f.find(ctx, o)
	if err != nil {
		return err
	}
	if err := f.follow(ctx, stream, o.state); err != nil {
		return err
	}
	return f.printf("Fermato. Ripetendo il comando si riprende da qui.\n")
}

// check refuses flags that contradict each other.
func (o *options) check(simulators bool) error {
	chosen := 0
	for _, set := range []bool{o.stream != "", o.title != "", o.list} {
		if set {
			chosen++
		}
	}
	switch {
	case chosen > 1:
		return access.Fault("-stream, -crea, -elenca", "se ne indica una sola.", "only one of them can be given")
	case chosen == 0 && !simulators:
		return access.Fault("-stream", "quale? -elenca dice quali ci sono, -crea TITOLO ne crea uno.", "which? -elenca lists them, -crea makes one")
	case chosen == 1 && simulators:
		return access.Fault("-ambiente", "manca: i simulatori di questo programma nascono senza stream e finiscono con lui.", "missing: the simulators of this program begin without streams and end with it")
	}
	return nil
}

// follower prints what happens.
type follower struct {
	w      io.Writer
	zone   *time.Location
	client *send.Client
	ended  func(send.Event) // told of each event after it is printed
}

func (f *follower) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(f.w, format, args...)
	return err
}

func (f *follower) list(ctx context.Context) error {
	streams, err := f.client.ListStreams(ctx)
	if err != nil {
		return err
	}
	if len(streams) == 0 {
		return f.printf("L'ente non ha stream: se ne crea uno con -crea TITOLO.\n")
	}
	for _, s := range streams {
		if err := f.printf("%s  %s\n", s.StreamID, s.Title); err != nil {
			return err
		}
	}
	return nil
}

// find returns the stream to follow. One that is to be made is first looked
// for by its title, so that the same command goes on after a stop, also one
// that came before the reply.
func (f *follower) find(ctx context.Context, o *options) (string, error) {
	if o.stream != "" {
		s, err := f.client.Stream(ctx, o.stream)
		if err != nil {
			return "", err
		}
		return s.StreamID, nil
	}
	streams, err := f.client.ListStreams(ctx)
	if err != nil {
		return "", err
	}
	var found []string
	for _, s := range streams {
		if s.Title == o.title {
			found = append(found, s.StreamID)
		}
	}
	switch len(found) {
	case 0:
		return f.create(ctx, o.title)
	case 1:
		return found[0], f.printf("Lo stream esiste già: si segue quello.\n")
	}
	return "", access.Fault("-crea", "più stream hanno questo titolo: indicarne uno con -stream ("+strings.Join(found, ", ")+").", "several streams have this title: choose one with -stream")
}

func (f *follower) create(ctx context.Context, title string) (string, error) {
	s, err := f.client.CreateStream(ctx, send.StreamRequest{Title: title, EventType: send.EventTimeline, FilterValues: []string{send.FilterDefault}})
	if err != nil {
		return "", err
	}
	return s.StreamID, f.printf("Stream creato.\n")
}

// follow prints the events of a stream until ctx ends. The state is kept in a
// folder, with a lock: a stream has one reader.
func (f *follower) follow(ctx context.Context, stream, dir string) error {
	if dir == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return access.Fault("-stato", "va indicata: l'utente non ha una cartella delle configurazioni.", "needed: the user has no configuration folder")
		}
		dir = filepath.Join(base, "pa-italia", "esiti")
	}
	checkpoints, err := send.NewFileCheckpoints(dir)
	if err != nil {
		return access.Fault("-stato", "la cartella non si può usare: "+err.Error(), "the folder cannot be used: "+err.Error())
	}
	locks, err := send.NewFileLocks(dir)
	if err != nil {
		return access.Fault("-stato", "la cartella non si può usare: "+err.Error(), "the folder cannot be used: "+err.Error())
	}
	if err := f.printf("Stream %s, stato in %s. Ctrl-C per fermarsi.\n", stream, dir); err != nil {
		return err
	}
	err = f.client.Consume(ctx, stream, send.ConsumeOptions{
		Handle:      f.handle,
		Checkpoints: checkpoints,
		Lock:        announcedLocks{locks, f},
	})
	if err != nil && errors.Is(err, context.Cause(ctx)) {
		return nil // stopped while it waited for the lock
	}
	return err
}

// handle prints a batch. If that fails the batch is not acknowledged and comes
// again the next time.
func (f *follower) handle(_ context.Context, b send.Batch) error {
	for _, e := range b.Events {
		text, err := describe(&e.Element)
		if err != nil {
			return err
		}
		id, status := e.IUN, "-"
		if id == "" {
			id = e.NotificationRequestID
		}
		if e.NewStatus != "" {
			status = string(e.NewStatus)
		}
		if err := f.printf("%s  %-25s  %-38s  %-14s  %s\n", e.Element.Time().In(f.zone).Format("02/01/2006 15:04"), id, e.Element.Category, status, text); err != nil {
			return err
		}
		if f.ended != nil {
			f.ended(e)
		}
	}
	return nil
}

// announcedLocks says what is waited for where the lock is not free.
type announcedLocks struct {
	send.Locker
	f *follower
}

func (l announcedLocks) Lock(ctx context.Context, name string) (context.Context, func() error, error) {
	const silence = time.Second
	try, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	// The context that a lock gives ends with the one it was asked under, so
	// the try must only find out.
	_, release, err := l.Locker.Lock(try, name)
	switch {
	case err == nil:
		if err := release(); err != nil {
			return nil, nil, err
		}
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		if err := l.f.printf("Un altro programma segue questo stream: si aspetta che finisca.\n"); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, err
	}
	return l.Locker.Lock(ctx, name)
}
