package fiscal_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
)

type identified struct {
	Tax  fiscal.TaxID
	IBAN fiscal.IBAN
}

type hidden struct {
	tax  fiscal.TaxID
	iban fiscal.IBAN
	vat  fiscal.VATNumber
	list []fiscal.TaxID
	keys map[fiscal.TaxID]bool
}

// Nothing that prints may show more than a mask, at any depth, with any verb.
func TestNothingIsPrinted(t *testing.T) {
	code := withCheck(t, "BNCXYZ80A41Z999")
	person := fiscal.UncheckedTaxID(code)
	iban, err := fiscal.ParseIBAN("IT60X0542811101000000123456")
	require.NoError(t, err)
	var misplaced fiscal.VATNumber
	require.NoError(t, misplaced.UnmarshalText([]byte(code)))
	temporary := fiscal.UncheckedTaxID(numericWith(t, "1234567301"))
	wrong := fiscal.UncheckedTaxID(replaceAt(code, 0, 'Q'))

	inside := identified{person, iban}
	private := hidden{person, iban, misplaced, []fiscal.TaxID{person, wrong}, map[fiscal.TaxID]bool{person: true}}
	values := []any{
		person, &person, iban, &iban, misplaced, &misplaced, temporary, wrong,
		inside, &inside, private, &private, []any{inside, private}, map[string]any{"x": inside}, []fiscal.TaxID{person},
		struct{ P *fiscal.TaxID }{&person}, errors.Join(person.Valid(), wrong.Valid()),
	}
	secrets := []string{
		code[:6], code[1:6], code[6:], "x5428", "0542811101", temporary.Value(),
		fmt.Sprintf("%x", code[:6]), fmt.Sprintf("%X", code[:6]), fmt.Sprintf("%x", temporary.Value()),
		fmt.Sprint([]byte(code[:6]))[1:15],
	}
	var out bytes.Buffer
	for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
		for _, flags := range []string{"", "+", "#", " ", "0", "-", "5", "40", "-40", ".3", "+#"} {
			for _, value := range values {
				fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", value)
			}
		}
	}
	fmt.Fprintln(&out, values...)
	text := slog.New(slog.NewTextHandler(&out, nil))
	for _, value := range values {
		text.Info("message", "value", value)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("message", "person", person, "iban", iban, "vat", misplaced)
	for i, secret := range secrets {
		require.NotContains(t, out.String(), secret, "secret %d", i)
	}
	require.Contains(t, out.String(), `value=****************`)
}

func TestMasks(t *testing.T) {
	person := fiscal.UncheckedTaxID(withCheck(t, "BNCXYZ80A41Z999"))
	body := fiscal.UncheckedTaxID("01199250158")
	for _, test := range []struct{ got, want string }{
		{person.String(), "****************"},
		{fiscal.UncheckedTaxID(numericWith(t, "1234567301")).String(), "***********"},
		{fiscal.UncheckedTaxID("77777777777").String(), "***"},
		{fiscal.TaxID{}.String(), ""},
		{fiscal.VATNumber{}.String(), ""},
		{fiscal.IBAN{}.String(), ""},
		{body.String(), "01199250158"},
		{fmt.Sprintf("%d", body), "01199250158"},
		{fmt.Sprintf("%q", body), `"01199250158"`},
		{fmt.Sprintf("%#v", body), `fiscal.TaxID("01199250158")`},
		{fmt.Sprintf("%13s|%-13s|", body, body), "  01199250158|01199250158  |"},
	} {
		require.Equal(t, test.want, test.got)
	}
}

func TestMarshalInFull(t *testing.T) {
	type document struct {
		XMLName struct{}               `json:"-" xml:"document"`
		Tax     fiscal.TaxID           `json:"tax" xml:"tax"`
		Attr    fiscal.TaxID           `json:"attr" xml:"attr,attr"`
		VAT     fiscal.VATNumber       `json:"vat" xml:"vat"`
		IBAN    fiscal.IBAN            `json:"iban" xml:"iban"`
		None    fiscal.TaxID           `json:"none,omitzero" xml:"none"`
		Keys    map[fiscal.TaxID]int64 `json:"keys" xml:"-"`
	}
	code := withCheck(t, "BNCXYZ80A41Z999")
	person := fiscal.UncheckedTaxID(code)
	vat, err := fiscal.ParseVATNumber("15376371009")
	require.NoError(t, err)
	iban, err := fiscal.ParseIBAN("IT60X0542811101000000123456")
	require.NoError(t, err)
	in := document{Tax: person, Attr: person, VAT: vat, IBAN: iban, Keys: map[fiscal.TaxID]int64{person: 1}}

	data, err := json.Marshal(in)
	require.NoError(t, err)
	require.JSONEq(t, `{"tax":"`+code+`","attr":"`+code+`","vat":"15376371009","iban":"IT60X0542811101000000123456","keys":{"`+code+`":1}}`, string(data))
	var back document
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, in, back)

	data, err = xml.Marshal(in)
	require.NoError(t, err)
	require.Contains(t, string(data), `attr="`+code+`"`)
	require.Contains(t, string(data), `<tax>`+code+`</tax>`)
	back = document{}
	require.NoError(t, xml.Unmarshal(data, &back))
	in.Keys = nil
	require.Equal(t, in, back)
}

func TestUnmarshalIsLenient(t *testing.T) {
	code := withCheck(t, "BNCXYZ80A41Z999")
	for in, want := range map[string]string{
		`"` + strings.ToLower(code) + `"`: code,
		`"` + code + ` "`:                 code + " ",
		`"01199250158"`:                   "01199250158",
		`"it is a secret"`:                "it is a secret",
		`1199250158`:                      "1199250158",
		`null`:                            "",
		`""`:                              "",
		`{"a":1}`:                         `{"a":1}`,
		`true`:                            "true",
		`"\u0041"`:                        "A",
	} {
		tax := fiscal.UncheckedTaxID("something before")
		require.NoError(t, json.Unmarshal([]byte(in), &tax), in)
		require.Equal(t, want, tax.Value(), in)
		require.Equal(t, want == "", tax.IsZero())

		var vat fiscal.VATNumber
		require.NoError(t, json.Unmarshal([]byte(in), &vat), in)
		var iban fiscal.IBAN
		require.NoError(t, json.Unmarshal([]byte(in), &iban), in)
		require.Error(t, iban.Valid())
	}
	var vat fiscal.VATNumber
	require.NoError(t, json.Unmarshal([]byte(`"IT15376371009"`), &vat))
	require.Equal(t, "15376371009", vat.Value())
	require.NoError(t, vat.Valid())
	var iban fiscal.IBAN
	require.NoError(t, json.Unmarshal([]byte(`"it60 x054 2811 1010 0000 0123 456"`), &iban))
	require.Equal(t, "IT60X0542811101000000123456", iban.Value())

	for _, value := range []json.Unmarshaler{new(fiscal.TaxID), new(fiscal.VATNumber), new(fiscal.IBAN)} {
		requireCode(t, fiscal.CodeJSON, value.UnmarshalJSON([]byte(`"open`)))
	}
}

func FuzzUnmarshalKeepsText(f *testing.F) {
	f.Add(withCheck(f, "BNCXYZ80A41Z999"))
	f.Add("lower case and \x00")
	f.Add("IT60 X054 2811 1010 0000 0123 456")
	f.Fuzz(func(t *testing.T, in string) {
		var tax, again fiscal.TaxID
		require.NoError(t, tax.UnmarshalText([]byte(in)))
		if tax.Valid() != nil {
			require.Equal(t, in, tax.Value())
		}
		text, err := tax.MarshalText()
		require.NoError(t, err)
		require.NoError(t, again.UnmarshalText(text))
		require.Equal(t, tax, again)
		var iban fiscal.IBAN
		require.NoError(t, iban.UnmarshalText([]byte(in)))
		if iban.Valid() != nil {
			require.Equal(t, in, iban.Value())
		}
	})
}
