package fiscal_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
)

// ibanOf completes country and account number with their check digits, by
// another road than the package: one large number.
func ibanOf(t testing.TB, country, account string) string {
	t.Helper()
	var digits strings.Builder
	for _, c := range account + country + "00" {
		if 'A' <= c {
			fmt.Fprintf(&digits, "%d", c-'A'+10)
		} else {
			digits.WriteRune(c)
		}
	}
	n, ok := new(big.Int).SetString(digits.String(), 10)
	require.True(t, ok)
	rest := new(big.Int).Mod(n, big.NewInt(97)).Int64()
	return fmt.Sprintf("%s%02d%s", country, 98-rest, account)
}

// The examples that the registry of IBAN formats gives for each country.
func registryExamples() []string {
	return []string{
		"IT60 X054 2811 1010 0000 0123 456",
		"SM86 U032 2509 8000 0000 0270 100",
		"AT61 1904 3002 3457 3201",
		"BE68 5390 0754 7034",
		"CH93 0076 2011 6238 5295 7",
		"DE89 3704 0044 0532 0130 00",
		"ES91 2100 0418 4502 0005 1332",
		"FR14 2004 1010 0505 0001 3M02 606",
		"GB29 NWBK 6016 1331 9268 19",
		"GR16 0110 1250 0000 0001 2300 695",
		"MT84 MALT 0110 0001 2345 MTLC AST0 01S",
		"NL91 ABNA 0417 1643 00",
		"NO93 8601 1117 947",
		"PL61 1090 1014 0000 0712 1981 2874",
		"SI56 2633 0001 2039 086",
		"VA59 0011 2300 0012 3456 78",
	}
}

func TestParseIBAN(t *testing.T) {
	for _, printed := range registryExamples() {
		compact := strings.ReplaceAll(printed, " ", "")
		for _, in := range []string{printed, compact, strings.ToLower(printed)} {
			iban, err := fiscal.ParseIBAN(in)
			require.NoError(t, err, printed)
			require.NoError(t, iban.Valid())
			require.Equal(t, compact, iban.Value())
			require.Equal(t, printed, iban.Printed())
			require.Equal(t, compact[:2], iban.Country())
		}
	}
}

func TestDomesticIBAN(t *testing.T) {
	iban, err := fiscal.ParseIBAN("IT60X0542811101000000123456")
	require.NoError(t, err)
	account, ok := iban.Domestic()
	require.True(t, ok)
	require.Equal(t, fiscal.DomesticAccount{CIN: "X", ABI: "05428", CAB: "11101", Account: "000000123456"}, account)
	require.Equal(t, "IT*********************3456", iban.String())

	foreign, err := fiscal.ParseIBAN("DE89370400440532013000")
	require.NoError(t, err)
	_, ok = foreign.Domestic()
	require.False(t, ok)
	_, ok = fiscal.IBAN{}.Domestic()
	require.False(t, ok)
	require.Empty(t, fiscal.IBAN{}.Country())
}

func TestParseIBANRefuses(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     fiscal.Code
		position int
	}{
		{"empty", "", fiscal.CodeIBANLength, 0},
		{"country only", "IT", fiscal.CodeIBANLength, 0},
		{"short", "IT60X054281110100000012345", fiscal.CodeIBANLength, 0},
		{"long", "IT60X05428111010000001234567", fiscal.CodeIBANLength, 0},
		{"no such country", "XX60X0542811101000000123456", fiscal.CodeIBANCountry, 0},
		{"country without IBAN", "US60X0542811101000000123456", fiscal.CodeIBANCountry, 0},
		{"digits for the country", "1260X0542811101000000123456", fiscal.CodeIBANCharacter, 1},
		{"letters for check digits", "ITA0X0542811101000000123456", fiscal.CodeIBANCharacter, 3},
		{"wrong groups", "IT 60 X0542811101000000123456", fiscal.CodeIBANCharacter, 3},
		{"blank after", "IT60X0542811101000000123456 ", fiscal.CodeIBANCharacter, 28},
		{"hyphens", "IT60-X054-2811-1010-0000-0123-456", fiscal.CodeIBANCharacter, 5},
		{"check digits", "IT61X0542811101000000123456", fiscal.CodeIBANCheck, 0},
		{"check digits never issued", "GB01" + ibanOf(t, "GB", "NWBK60161331926801")[4:], fiscal.CodeIBANCheck, 0},
		{"check letter", ibanOf(t, "IT", "Y0542811101000000123456"), fiscal.CodeIBANCIN, 0},
		{"digit for the check letter", ibanOf(t, "IT", "00542811101000000123456"), fiscal.CodeIBANCharacter, 5},
		{"letter in the bank", ibanOf(t, "IT", "X0542A11101000000123456"), fiscal.CodeIBANCharacter, 10},
		{"letter in the branch", ibanOf(t, "SM", "X05428111O1000000123456"), fiscal.CodeIBANCharacter, 14},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := fiscal.ParseIBAN(test.in)
			require.Equal(t, &fiscal.Error{Code: test.want, Position: test.position}, err)
		})
	}
}

// For each of the three pairs of check digits that leave the same remainder,
// only the one that is issued is accepted.
func TestIBANCheckDigitsAreCanonical(t *testing.T) {
	r := seeded()
	twins := map[string]string{"97": "00", "98": "01", "02": "99"}
	found := map[string]bool{}
	for range 5000 {
		iban := ibanOf(t, "DE", fmt.Sprintf("%018d", r.Int64N(1e18)))
		_, err := fiscal.ParseIBAN(iban)
		require.NoError(t, err)
		if twin, ok := twins[iban[2:4]]; ok {
			found[twin] = true
			_, err := fiscal.ParseIBAN("DE" + twin + iban[4:])
			requireCode(t, fiscal.CodeIBANCheck, err)
		}
	}
	require.Len(t, found, len(twins))
}

func randomIBAN(t testing.TB, r *rand.Rand) string {
	t.Helper()
	return ibanOf(t, "DE", fmt.Sprintf("%018d", r.Int64N(1e18)))
}

// A digit for a digit and an exchange of neighbours are always detected; a
// letter for a digit only 96 times in 97, because it counts as two digits.
func TestIBANDetectsWrongDigitsAndExchanges(t *testing.T) {
	r := seeded()
	for range 200 {
		iban := randomIBAN(t, r)
		for at := 2; at < len(iban); at++ {
			for c := byte('0'); c <= '9'; c++ {
				_, err := fiscal.ParseIBAN(replaceAt(iban, at, c))
				require.Equal(t, c == iban[at], err == nil)
			}
		}
		for at := 4; at < len(iban)-1; at++ {
			_, err := fiscal.ParseIBAN(iban[:at] + iban[at+1:at+2] + iban[at:at+1] + iban[at+2:])
			require.Equal(t, iban[at] == iban[at+1], err == nil)
		}
	}
}

func FuzzParseIBAN(f *testing.F) {
	for _, seed := range registryExamples() {
		f.Add(seed)
	}
	f.Add("IT")
	f.Add("IT60\u00a0X054")
	f.Fuzz(func(t *testing.T, in string) {
		iban, err := fiscal.ParseIBAN(in)
		if err != nil {
			require.Zero(t, iban)
			return
		}
		again, err := fiscal.ParseIBAN(iban.Printed())
		require.NoError(t, err)
		require.Equal(t, iban, again)
		require.Equal(t, ibanOf(t, iban.Country(), iban.Value()[4:]), iban.Value())
	})
}
