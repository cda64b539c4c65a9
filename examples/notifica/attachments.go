package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/send"
)

// attach puts the files of -atto and -avviso in the places of the notification
// that they are for, and returns what to read under the names given to them.
func attach(n *send.Notification, acts, notices []string) (send.Files, error) {
	files := send.Files{}
	if len(n.Documents) == 0 {
		for _, name := range acts {
			n.Documents = append(n.Documents, send.Document{Title: strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))})
		}
	}
	if len(acts) != len(n.Documents) || len(acts) == 0 {
		return nil, access.Fault("-atto",
			fmt.Sprintf("serve un file per ogni elemento di documents: sono %d, i file indicati %d.", max(len(n.Documents), 1), len(acts)),
			fmt.Sprintf("one file is needed for each of documents: there are %d, with %d files", max(len(n.Documents), 1), len(acts)))
	}
	for i, name := range acts {
		as := fmt.Sprintf("atto-%d.pdf", i+1)
		if err := add(files, as, "-atto", name); err != nil {
			return nil, err
		}
		n.Documents[i].Attachment = send.PDF(as)
	}
	places, err := noticePlaces(n, len(notices))
	if err != nil {
		return nil, err
	}
	for i, name := range notices {
		as := fmt.Sprintf("avviso-%d.pdf", i+1)
		if err := add(files, as, "-avviso", name); err != nil {
			return nil, err
		}
		places[i].Attachment = new(send.PDF(as))
	}
	return files, nil
}

func add(files send.Files, as, flag, name string) error {
	f, err := send.FromFile(name)
	if err != nil {
		return fileFault(flag, name, err)
	}
	files[as] = f
	return nil
}

// noticePlaces returns the payments that the notices are for, in order: those
// that have an attachment in the data, or all where none has.
func noticePlaces(n *send.Notification, notices int) ([]*send.PagoPAPayment, error) {
	var all, asking []*send.PagoPAPayment
	for i := range n.Recipients {
		for j := range n.Recipients[i].Payments {
			p := &n.Recipients[i].Payments[j]
			if p.F24 != nil {
				return nil, access.Fault(fmt.Sprintf("recipients[%d].payments[%d].f24", i, j),
					"questo esempio non allega metadati F24.", "this example attaches no F24 metadata")
			}
			if p.PagoPA == nil {
				continue
			}
			all = append(all, p.PagoPA)
			if p.PagoPA.Attachment != nil {
				asking = append(asking, p.PagoPA)
			}
		}
	}
	wanted := len(asking)
	if wanted == 0 {
		asking, wanted = all, notices
	}
	if notices != wanted || notices > len(asking) {
		return nil, access.Fault("-avviso",
			fmt.Sprintf("i pagamenti pagoPa con un avviso da allegare sono %d, i file indicati %d.", len(asking), notices),
			fmt.Sprintf("there are %d pagoPa payments with a notice to attach, and %d files", len(asking), notices))
	}
	return asking, nil
}
