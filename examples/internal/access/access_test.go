package access

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pdnd"
	"github.com/pa-italia/sdk-go/send"
)

// clean takes the variables of whoever runs the tests away.
func clean(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		send.EnvEnvironment, send.EnvBaseURL, send.EnvAPIKey, send.EnvAPIKey + "_FILE", send.EnvRequests, send.EnvSent, send.EnvStreams, send.EnvPrice,
		pdnd.EnvEnvironment, pdnd.EnvTokenURL, pdnd.EnvAudience, pdnd.EnvClientID, pdnd.EnvKeyID, pdnd.EnvKey, pdnd.EnvKeyFile, pdnd.EnvPurposeID,
	} {
		t.Setenv(name, "")
	}
}

func keyFile(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600))
	return name
}

func keep(*send.Config) {}

const uuid = "8e0cb1d7-6d6b-4c9b-a2a6-7a8a3b1a0c11"

func TestConnectToSimulators(t *testing.T) {
	clean(t)
	s, err := Connect(t.Context(), Options{}, Simulation{Day: time.Second}, keep)
	require.NoError(t, err)
	require.Equal(t, "simulatori in questo programma, un giorno dura 1 s", s.String())
	list, err := s.Client.ListStreams(t.Context())
	require.NoError(t, err, "key and voucher are accepted")
	require.Empty(t, list)
	require.Equal(t, 1, s.Simulators.PDND.Count("Token"))
	require.NoError(t, s.Close())
	_, err = s.Client.ListStreams(t.Context())
	require.Error(t, err, "they end with the session")
}

// Nothing is called by Connect, so the real addresses are safe here.
func TestConnectToPlatforms(t *testing.T) {
	clean(t)
	key := keyFile(t)
	for _, tt := range []struct {
		name     string
		env      map[string]string
		options  Options
		says     string
		vouchers bool
	}{
		{"uat without voucher", nil, Options{Environment: "uat", APIKey: "k"}, "SEND UAT (collaudo), https://api.uat.notifichedigitali.it", false},
		{"production", nil, Options{Environment: "produzione", APIKey: "k", PDNDClientID: uuid, PDNDPurposeID: uuid, PDNDKeyFile: key},
			"SEND PRODUZIONE, https://api.notifichedigitali.it", true},
		{"a simulator elsewhere", nil, Options{URL: "http://127.0.0.1:1/send", APIKey: "k"}, "simulatore, http://127.0.0.1:1/send", false},
		{"all from the environment", map[string]string{"SEND_ENVIRONMENT": "uat", "SEND_API_KEY": "k", "PDND_CLIENT_ID": uuid, "PDND_PURPOSE_ID": uuid, "PDND_KEY_FILE": key},
			Options{}, "SEND UAT (collaudo), https://api.uat.notifichedigitali.it", true},
		{"flags go first", map[string]string{"SEND_ENVIRONMENT": "produzione", "SEND_API_KEY": "k"}, Options{Environment: "uat"},
			"SEND UAT (collaudo), https://api.uat.notifichedigitali.it", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			s, err := Connect(t.Context(), tt.options, Simulation{}, keep)
			require.NoError(t, err)
			require.Nil(t, s.Simulators)
			require.Equal(t, tt.says, s.String())
			require.Equal(t, tt.vouchers, s.Vouchers != nil)
			require.NoError(t, s.Close())
		})
	}
}

func TestConnectNamesFlags(t *testing.T) {
	clean(t)
	const canary = "chiave-canarino-41c7"
	notKey := filepath.Join(t.TempDir(), "not.pem")
	require.NoError(t, os.WriteFile(notKey, []byte(canary), 0o600))
	for _, tt := range []struct {
		options Options
		env     map[string]string
		want    []string
	}{
		{Options{Environment: "marte"}, nil, []string{"-ambiente: ambiente sconosciuto"}},
		{Options{Environment: "uat"}, nil, []string{"-api-key (SEND_API_KEY): Manca"}},
		{Options{Environment: "uat", PDNDClientID: "x"}, nil, []string{"-api-key", "-pdnd-client-id (PDND_CLIENT_ID): deve essere un UUID", "-pdnd-key (PDND_KEY_FILE): manca"}},
		{Options{Environment: "uat", APIKey: canary, PDNDClientID: uuid, PDNDKeyFile: notKey}, nil, []string{"-pdnd-key (PDND_KEY_FILE): la chiave non è un testo PEM"}},
		{Options{Environment: "uat", APIKey: canary, PDNDClientID: uuid, PDNDKeyFile: "nowhere"}, nil, []string{"-pdnd-key (PDND_KEY_FILE): la chiave privata non si può leggere"}},
		{Options{Environment: "uat", APIKey: canary, PDNDClientID: uuid, PDNDKeyFile: keyFile(t), PDNDKeyID: strings.Repeat("k", 43)}, nil, []string{"-pdnd-kid (PDND_KID): il kid indicato non è quello della chiave"}},
		{Options{Environment: "uat", APIKey: canary, URL: "https://api.notifichedigitali.it"}, nil, []string{"-url (SEND_BASE_URL): L'indirizzo è di un altro ambiente"}},
		{Options{URL: "http://example.invalid/", APIKey: canary}, nil, []string{"-url (SEND_BASE_URL): Serve https"}},
		{Options{URL: "http://127.0.0.1:1", APIKey: canary, PDNDClientID: uuid, PDNDKeyFile: keyFile(t)}, nil, []string{"-pdnd-token-url", "-pdnd-audience"}},
		{Options{Environment: "uat", APIKey: canary, PDNDClientID: uuid, PDNDKeyFile: keyFile(t)}, map[string]string{"PDND_ENVIRONMENT": "produzione"}, []string{"PDND_ENVIRONMENT: è un altro ambiente"}},
	} {
		t.Run(strings.Join(tt.want, " "), func(t *testing.T) {
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			_, err := Connect(t.Context(), tt.options, Simulation{}, keep)
			require.Error(t, err)
			text := pa.Message(err, pa.Italian)
			for _, want := range tt.want {
				require.Contains(t, text, want)
			}
			require.Len(t, strings.Split(text, "\n"), len(tt.want), text)
			require.NotContains(t, text+err.Error(), canary)
		})
	}
}

func TestFlagErrors(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-nulla"}, "non esiste l'opzione -nulla"},
		{[]string{"-a"}, "manca il valore dell'opzione -a"},
		{[]string{"-=a"}, "non si capisce l'opzione -=a"},
		{[]string{"-a", "segreto"}, "opzione -a: serve altro"},
	} {
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		fs.Func("a", "", func(string) error { return fmt.Errorf("serve altro") })
		require.Equal(t, tt.want, FlagError(fs.Parse(tt.args)))
	}
}

func TestSample(t *testing.T) {
	clean(t)
	s, err := Connect(t.Context(), Options{URL: "http://127.0.0.1:1", APIKey: "k"}, Simulation{}, keep)
	require.NoError(t, err)
	n, files, err := Sample()
	require.NoError(t, err)
	require.NoError(t, n.Recipients[0].TaxID.Valid())
	d, err := send.NewDeposit(n)
	require.NoError(t, err)
	d, _, err = s.Client.Step(t.Context(), d, files)
	require.NoError(t, err, "valid, and its files are PDFs")
	require.Equal(t, send.StageUpload, d.Stage)
	for _, f := range s.Client.Validate(n) {
		require.Equal(t, "SEND_REFERENCE", f.Rule, "%s", f)
	}
	another, _, err := Sample()
	require.NoError(t, err)
	require.NotEqual(t, n.PaProtocolNumber, another.PaProtocolNumber)
	require.NotEqual(t, n.Recipients[0].Payments[0].PagoPA.NoticeCode, another.Recipients[0].Payments[0].PagoPA.NoticeCode)
}

// The table of a PDF must say where its objects are.
func TestPDF(t *testing.T) {
	doc := string(PDF("Città (di) Esempio \\", "𝄞"))
	require.Contains(t, doc, `(Citt\340 \(di\) Esempio \\) Tj`)
	require.Contains(t, doc, "(?) Tj")
	start := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindStringSubmatch(doc)
	require.NotNil(t, start)
	at, err := strconv.Atoi(start[1])
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(doc[at:], "xref\n0 6\n"))
	for i, row := range regexp.MustCompile(`(\d{10}) 00000 n \n`).FindAllStringSubmatch(doc[at:], -1) {
		offset, err := strconv.Atoi(row[1])
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(doc[offset:], fmt.Sprintf("%d 0 obj\n", i+1)))
	}
	length := regexp.MustCompile(`(?s)/Length (\d+) >>\nstream\n(.*)endstream`).FindStringSubmatch(doc)
	require.NotNil(t, length)
	require.Equal(t, length[1], strconv.Itoa(len(length[2])))
}

func TestItalian(t *testing.T) {
	for d, want := range map[time.Duration]string{
		250 * time.Millisecond: "0,25 s", 400 * time.Millisecond: "0,4 s", time.Second: "1 s", 1234 * time.Millisecond: "1,23 s",
		15 * time.Second: "15 s", 90 * time.Second: "90 s", 30 * time.Minute: "30 min", 12 * time.Hour: "12 h",
	} {
		require.Equal(t, want, Duration(d))
	}
	for _, s := range constants(t, "../../../send/sent.go", "Status") {
		require.NotEqual(t, s, Status(send.Status(s)), "no text")
	}
	require.Equal(t, "NEW", Status("NEW"))
}

// constants returns the values of the constants of a type in a file.
func constants(t *testing.T, file, name string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	var values []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != name {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		values = append(values, value)
		return true
	})
	require.NotEmpty(t, values)
	return values
}
