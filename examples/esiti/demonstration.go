package main

import (
	"context"
	"errors"
	"os"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/send"
)

// stories are the notifications of the demonstration: what tells each from
// the sample. The names are the triggers of SEND's test environments.
var stories = []func(*send.Recipient){
	func(*send.Recipient) {},
	func(r *send.Recipient) { r.DigitalDomicile = send.PEC("adanna.esempio@fail.it") },
	func(r *send.Recipient) {
		r.DigitalDomicile, r.PhysicalAddress.Address = nil, "Via @OK_890"
	},
}

// demonstrate makes a stream, deposits the stories and follows them to their
// ends.
func (f *follower) demonstrate(ctx context.Context, session *access.Session) (err error) {
	dir, err := os.MkdirTemp("", "esiti-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := f.printf("Ambiente: %s\n", session); err != nil {
		return err
	}
	stream, err := f.create(ctx, "Dimostrazione") // before the deposits: it tells what comes after it
	if err != nil {
		return err
	}
	open := map[string]bool{}
	for _, story := range stories {
		n, files, err := access.Sample()
		if err != nil {
			return err
		}
		story(&n.Recipients[0])
		d, err := f.client.Submit(ctx, n, files)
		if err != nil {
			return err
		}
		open[d.NotificationRequestID] = true
	}
	if err := f.printf("Richieste di notifica inviate: %d\n", len(open)); err != nil {
		return err
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	f.ended = func(e send.Event) {
		switch e.Element.Category {
		case send.CategoryRefinement, send.CategoryNotificationViewed, send.CategoryRequestRefused:
			if delete(open, e.NotificationRequestID); len(open) == 0 {
				stop()
			}
		}
	}
	if err := f.follow(following, stream, dir); err != nil {
		return err
	}
	if len(open) > 0 {
		return f.printf("Fermato. Con i simulatori di questo programma si ricomincia ogni volta.\n")
	}
	return f.printf("Le notifiche sono arrivate tutte alla fine.\n")
}
