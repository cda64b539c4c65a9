package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// body is an administration under test.
type body struct {
	access       access.Options
	taxID        string
	denomination string
	group        string
	taxonomy     string
	creditor     string
	creditorKey  pa.SecretSource // nil: the body asks for the creditor
	navSync      string
	navAsync     string
}

// What a body gets where nothing else is said. The creditor and the beginning
// of notices with synchronous integration are those of SEND's own test data.
const (
	testCreditor  = "77777777777"
	noticePrefix  = "302010"
	taxonomyPaid  = "010101P"
	taxonomyPlain = "010103N"
)

const envCreditorKey = "COLLAUDO_CREDITORE_API_KEY"

func (b *body) setCreditorKey(value string) error {
	b.creditorKey = pa.NewSecret(value)
	return nil
}

// column is a column of the file of -enti.
type column struct {
	name, usage string
	set         func(b *body, dir, value string) error
}

// columns are all of them. All but the first two can be missing
// or empty; what is then used is the flag, where there is one.
var columns = []column{
	{columnTaxID, "codice fiscale dell'ente, 11 cifre", text(func(b *body) *string { return &b.taxID })},
	{columnKey, "file con la sua chiave API", func(b *body, dir, value string) error {
		key, err := secretFile(dir, value)
		b.access.APIKey = key.Reveal()
		return err
	}},
	{"denominazione", "il suo nome nelle notifiche", text(func(b *body) *string { return &b.denomination })},
	{"gruppo", "gruppo della chiave", text(func(b *body) *string { return &b.group })},
	{"tassonomia", "codice tassonomico", text(func(b *body) *string { return &b.taxonomy })},
	{"creditore", "ente creditore dello scenario 2", text(func(b *body) *string { return &b.creditor })},
	{"creditore_api_key_file", "file con la chiave API del creditore", func(b *body, dir, value string) error {
		key, err := secretFile(dir, value)
		b.creditorKey = key
		return err
	}},
	{"nav_sync", "come -nav-sync", text(func(b *body) *string { return &b.navSync })},
	{"nav_async", "come -nav-async", text(func(b *body) *string { return &b.navAsync })},
	{"pdnd_client_id", "client della PDND", text(func(b *body) *string { return &b.access.PDNDClientID })},
	{"pdnd_kid", "kid della sua chiave", text(func(b *body) *string { return &b.access.PDNDKeyID })},
	{"pdnd_key_file", "file PEM con la sua chiave privata", func(b *body, dir, value string) error {
		b.access.PDNDKeyFile = beside(dir, value)
		return nil
	}},
	{"pdnd_purpose", "finalità dell'e-service di SEND", text(func(b *body) *string { return &b.access.PDNDPurposeID })},
}

const (
	columnTaxID = "codice_fiscale"
	columnKey   = "api_key_file"
)

func text(field func(*body) *string) func(*body, string, string) error {
	return func(b *body, _, value string) error { *field(b) = value; return nil }
}

// beside makes a path of the file one of this process.
func beside(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

func secretFile(dir, name string) (pa.Secret, error) {
	key, err := pa.SecretFile(beside(dir, name)).Secret(context.Background())
	if err != nil {
		return pa.Secret{}, errors.New("il file della chiave non si può leggere, o è vuoto")
	}
	return key, nil
}

func columnsHelp() string {
	var b strings.Builder
	b.WriteString("Il CSV di -enti ha una riga di intestazione e una per ente, separate da ; o da virgole.\n" +
		"I percorsi sono relativi alla sua cartella; le chiavi sono sempre in un file a parte.\n")
	for i, c := range columns {
		needed := ""
		if i < 2 {
			needed = " (obbligatoria)"
		}
		fmt.Fprintf(&b, "  %-24s %s%s\n", c.name, c.usage, needed)
	}
	b.WriteString("\n")
	return b.String()
}

// bodies returns whom to test: the body of the flags, or those of the file.
func (o *options) bodies() ([]*body, error) {
	if o.body.creditorKey == nil {
		key, err := pa.SecretFromEnv(envCreditorKey)
		if err != nil {
			return nil, err
		}
		o.body.creditorKey = key
	}
	if o.file == "" {
		b := o.body
		return []*body{&b}, nil
	}
	for _, f := range []struct{ name, value string }{
		{"-ente", o.body.taxID}, {"-denominazione", o.body.denomination}, {"-gruppo", o.body.group}, {"-api-key", o.body.access.APIKey},
		{"-nav-sync", o.body.navSync}, {"-nav-async", o.body.navAsync},
	} {
		if f.value != "" {
			return nil, access.Fault(f.name, "è di un solo ente: con -enti va nel file.", "belongs to one body: with -enti it goes in the file")
		}
	}
	data, err := os.ReadFile(o.file)
	if err != nil {
		return nil, access.Fault("-enti "+o.file, "il file non si può leggere.", "the file cannot be read")
	}
	return readBodies(data, o.body, filepath.Dir(o.file))
}

// readBodies reads the file of -enti. Its errors name rows and columns, never
// values.
func readBodies(data []byte, base body, dir string) ([]*body, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // spreadsheets put it there
	header, _, _ := bytes.Cut(data, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(data))
	if bytes.ContainsRune(header, ';') {
		r.Comma = ';'
	}
	r.TrimLeadingSpace = true
	names, err := r.Read()
	if err != nil {
		return nil, rowFault(1, "manca la riga di intestazione.", "the header is missing")
	}
	order := make([]int, len(names))
	seen := map[int]bool{}
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		order[i] = slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		if order[i] < 0 || seen[order[i]] {
			return nil, rowFault(1, fmt.Sprintf("la colonna %d non si conosce o compare due volte (le colonne con -h).", i+1), "an unknown or repeated column")
		}
		seen[order[i]] = true
	}
	if !seen[0] || !seen[1] {
		return nil, rowFault(1, "servono almeno le colonne "+columnTaxID+" e "+columnKey+".", "columns "+columnTaxID+" and "+columnKey+" are needed")
	}
	var all []*body
	known := map[string]bool{}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line := 0
			if bad, ok := errors.AsType[*csv.ParseError](err); ok {
				line = bad.Line
			}
			return nil, rowFault(line, "non ha tante colonne quante l'intestazione, o le virgolette non tornano.", "not as many columns as the header, or unbalanced quotes")
		}
		line, _ := r.FieldPos(0)
		b := base
		for i, value := range record {
			if value = strings.TrimSpace(value); value == "" {
				continue
			}
			if err := columns[order[i]].set(&b, dir, value); err != nil {
				return nil, rowFault(line, columns[order[i]].name+": "+err.Error()+".", columns[order[i]].name+": the file cannot be read, or is empty")
			}
		}
		switch {
		case b.access.APIKey == "":
			return nil, rowFault(line, "manca "+columnKey+".", columnKey+" is missing")
		case !bodyPattern.MatchString(b.taxID):
			return nil, rowFault(line, columnTaxID+" non ha 11 cifre.", columnTaxID+" does not have 11 digits")
		case known[b.taxID]:
			return nil, rowFault(line, "l'ente compare due volte.", "the body is there twice")
		}
		known[b.taxID] = true
		all = append(all, &b)
	}
	if len(all) == 0 {
		return nil, rowFault(2, "non c'è nessun ente.", "there are no bodies")
	}
	return all, nil
}

func rowFault(line int, it, en string) error {
	return access.Fault(fmt.Sprintf("-enti, riga %d", line), it, en)
}

var (
	bodyPattern   = regexp.MustCompile(`^[0-9]{11}$`)
	noticePattern = regexp.MustCompile(`^[0-9]{18}$`)
)

// complete puts in what was left out, and says what is wrong with the rest.
// Without a body it is the one that the simulators know.
func (b *body) complete() error {
	if b.taxID == "" {
		b.taxID, b.denomination = sendtest.SenderTaxID, cmp.Or(b.denomination, sendtest.SenderDenomination)
	}
	b.denomination = cmp.Or(b.denomination, "Ente "+b.taxID)
	b.creditor = cmp.Or(b.creditor, testCreditor)
	switch {
	case !bodyPattern.MatchString(b.taxID):
		return access.Fault("-ente", "deve avere 11 cifre.", "must have 11 digits")
	case !bodyPattern.MatchString(b.creditor):
		return access.Fault("-creditore", "deve avere 11 cifre.", "must have 11 digits")
	case b.creditor == b.taxID:
		return access.Fault("-creditore", "nello scenario 2 il creditore non è l'ente: indicarne un altro.", "in scenario 2 the creditor is not the body: name another")
	}
	for _, f := range []struct{ name, code string }{{"-nav-sync", b.navSync}, {"-nav-async", b.navAsync}} {
		if f.code != "" && !noticePattern.MatchString(f.code) {
			return access.Fault(f.name, "deve avere 18 cifre.", "must have 18 digits")
		}
	}
	if b.navSync != "" && b.navSync == b.navAsync {
		return access.Fault("-nav-async", "deve essere un altro avviso da -nav-sync.", "must be another notice than -nav-sync")
	}
	return nil
}
