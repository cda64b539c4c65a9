package access

import (
	"fmt"
	"io"
	"strings"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/send"
)

// Options say which SEND to call and with which credentials. Empty fields are
// taken from the environment; with all empty the simulators are started.
type Options struct {
	Environment string // uat, produzione, simulatore
	URL         string
	APIKey      string

	PDNDTokenURL  string
	PDNDAudience  string
	PDNDClientID  string
	PDNDKeyID     string
	PDNDKeyFile   string
	PDNDPurposeID string
}

// Flag is a flag of a command, in the form of [flag.FlagSet.Func].
type Flag struct {
	Name  string
	Arg   string // what the value stands for; "" for a switch
	Usage string
	Set   func(value string) error
}

// Text returns what a Flag with a text for a value needs for Set.
func Text(v *string) func(string) error {
	return func(value string) error { *v = value; return nil }
}

// Switch returns what a Flag without a value needs for Set.
func Switch(v *bool) func(string) error {
	return func(string) error { *v = true; return nil }
}

// Flags returns the flags that set the options.
func (o *Options) Flags() []Flag {
	return []Flag{
		{"ambiente", "NOME", "uat o produzione; senza, e senza -url, si usano i simulatori\n" +
			"(variabile " + send.EnvEnvironment + ")", Text(&o.Environment)},
		{"url", "INDIRIZZO", "indirizzo di SEND al posto di quello dell'ambiente: un proxy o un\n" +
			"simulatore, per esempio quello di pasandbox (" + send.EnvBaseURL + ")", Text(&o.URL)},
		{"api-key", "CHIAVE", "chiave API di SEND (" + send.EnvAPIKey + " o " + send.EnvAPIKey + "_FILE)", Text(&o.APIKey)},
		{"pdnd-token-url", "INDIRIZZO", "dove chiedere i voucher, se non quello dell'ambiente (" + pdnd.EnvTokenURL + ")", Text(&o.PDNDTokenURL)},
		{"pdnd-audience", "TESTO", "audience della client assertion, senza https:// (" + pdnd.EnvAudience + ")", Text(&o.PDNDAudience)},
		{"pdnd-client-id", "UUID", "client della PDND (" + pdnd.EnvClientID + ")", Text(&o.PDNDClientID)},
		{"pdnd-kid", "TESTO", "kid della chiave; se manca si calcola dalla chiave (" + pdnd.EnvKeyID + ")", Text(&o.PDNDKeyID)},
		{"pdnd-key", "FILE", "file PEM con la chiave privata del client\n" +
			"(" + pdnd.EnvKeyFile + ", oppure " + pdnd.EnvKey + " con il testo)", Text(&o.PDNDKeyFile)},
		{"pdnd-purpose", "UUID", "finalità dell'e-service di SEND (" + pdnd.EnvPurposeID + ")", Text(&o.PDNDPurposeID)},
	}
}

// Secrets says who can see what is given as a flag.
const Secrets = `Segreti: quello che si scrive in un'opzione resta nella cronologia della shell,
e finché il programma gira lo vede chiunque su questa macchina elenchi i processi
(ps, Gestione attività). La chiave API sta meglio in un file leggibile solo da chi
lancia il programma, indicato da ` + send.EnvAPIKey + `_FILE. La chiave privata della PDND
si indica sempre come file o variabile. Le variabili d'ambiente le vedono root e i
processi dello stesso utente. Un'opzione vale più della variabile corrispondente.
`

// Usage prints the flags, in the order given.
func Usage(w io.Writer, title string, flags []Flag) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n", title)
	for _, f := range flags {
		fmt.Fprintf(&b, "  -%s %s\n", f.Name, f.Arg)
		for line := range strings.SplitSeq(f.Usage, "\n") {
			fmt.Fprintf(&b, "        %s\n", line)
		}
	}
	_, err := io.WriteString(w, strings.ReplaceAll(b.String(), " \n", "\n")+"\n")
	return err
}

// flagTexts are the beginnings of the errors of package flag.
var flagTexts = []struct{ en, it string }{
	{"flag provided but not defined: ", "non esiste l'opzione "},
	{"flag needs an argument: ", "manca il valore dell'opzione "},
	{"bad flag syntax: ", "non si capisce l'opzione "},
}

// FlagError says an error of package flag in Italian. An error of a Flag's
// Set is printed as it is.
func FlagError(err error) string {
	text := err.Error()
	for _, t := range flagTexts {
		if rest, ok := strings.CutPrefix(text, t.en); ok {
			return t.it + rest
		}
	}
	if _, rest, ok := strings.Cut(text, " for flag "); ok {
		return "opzione " + rest // without the value
	}
	return text
}

// Fault is what is wrong with one flag, file or folder.
func Fault(path string, it, en string) error {
	return &pa.ValidationError{Subject: "examples", Findings: []pa.Finding{{
		Path: path, Rule: "EXAMPLE_INPUT", Severity: pa.Invalid, Text: pa.Text{IT: it, EN: en}}}}
}
