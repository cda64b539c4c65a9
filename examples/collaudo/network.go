package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
)

// environmentHosts are the addresses of an environment beside that of SEND,
// which its client knows.
type environmentHosts struct {
	environment pa.Environment
	name        string
	vouchers    string
	people      []string // portals, for browsers
}

var hosts = []environmentHosts{
	{pa.UAT, "UAT", "auth.uat.interop.pagopa.it", []string{"login.uat.notifichedigitali.it", "selfcare.uat.notifichedigitali.it"}},
	{pa.Production, "PRODUZIONE", "auth.interop.pagopa.it", nil},
}

// storageHosts are those of the presigned addresses, which the platform names
// anew at each call: storage of Amazon S3 in the region of Milan.
var storageHosts = []string{"*.s3.eu-south-1.amazonaws.com", "s3.eu-south-1.amazonaws.com"}

// printHosts lists what a firewall must let out.
func printHosts(o *options, w io.Writer) error {
	wanted := pa.Environment("")
	if o.body.access.Environment != "" {
		var err error
		if wanted, err = pa.ParseEnvironment(o.body.access.Environment); err != nil {
			return access.Fault("-ambiente", "ambiente sconosciuto: indicare uat o produzione.", "unknown environment: name uat or produzione")
		}
	}
	var b strings.Builder
	row := func(host, use string) { fmt.Fprintf(&b, "  %-36s %s\n", host, use) }
	b.WriteString("Indirizzi da aprire in uscita, TCP 443:\n")
	for _, h := range hosts {
		if wanted != "" && h.environment != wanted {
			continue
		}
		client, err := send.New(send.Config{Environment: h.environment, APIKey: pa.NewSecret("-")}) // which makes no call
		if err != nil {
			return err
		}
		u, err := url.Parse(client.BaseURL())
		if err != nil {
			return err
		}
		b.WriteString(h.name + "\n")
		row(u.Hostname(), "API di SEND")
		row(h.vouchers, "voucher della PDND")
		for _, portal := range h.people {
			row(portal, "portale, solo per il browser delle persone")
		}
	}
	b.WriteString("TUTTI\n")
	for _, host := range storageHosts {
		row(host, "documenti: SEND indica l'indirizzo a ogni chiamata")
	}
	if u, err := url.Parse(o.body.access.URL); err == nil && u.Host != "" {
		b.WriteString("QUESTO COMANDO\n")
		row(u.Host, "indirizzo di -url, al posto delle API di SEND")
	}
	b.WriteString("Un proxy non deve cambiare le intestazioni: gli indirizzi dei documenti sono firmati con loro.\n")
	_, err := io.WriteString(w, b.String())
	return err
}
