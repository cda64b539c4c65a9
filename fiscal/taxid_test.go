package fiscal_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
)

// The persons of these tests were born in Z999, a country that does not exist.

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	letters      = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	substitutes  = "LMNPQRSTUV"
)

// digitPositions are the positions of a person's code that hold digits.
func digitPositions() []int { return []int{6, 7, 9, 10, 12, 13, 14} }

// withCheck completes the first 15 characters of a code.
func withCheck(t testing.TB, first15 string) string {
	t.Helper()
	check, err := fiscal.CheckChar(first15)
	require.NoError(t, err)
	return first15 + string(check)
}

func randomLetters(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(letters[r.IntN(len(letters))])
	}
	return b.String()
}

// randomPerson makes a code with a day of birth that exists in every year.
func randomPerson(t testing.TB, r *rand.Rand) string {
	t.Helper()
	day := 1 + r.IntN(28) + 40*r.IntN(2)
	first15 := fmt.Sprintf("%s%02d%c%02dZ999", randomLetters(r, 6), r.IntN(100), "ABCDEHLMPRST"[r.IntN(12)], day)
	return withCheck(t, first15)
}

func randomNumeric(t testing.TB, r *rand.Rand) string {
	t.Helper()
	first10 := fmt.Sprintf("%07d%03d", 1+r.IntN(9999999), 1+r.IntN(100))
	return numericWith(t, first10)
}

// substitute writes letters for the digits whose bit is set in the mask.
func substitute(t testing.TB, code string, mask int) string {
	t.Helper()
	text := []byte(code[:15])
	for i, at := range digitPositions() {
		if mask&(1<<i) != 0 {
			text[at] = substitutes[text[at]-'0']
		}
	}
	return withCheck(t, string(text))
}

func replaceAt(s string, at int, c byte) string { return s[:at] + string(c) + s[at+1:] }

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func requireCode(t testing.TB, want fiscal.Code, err error) {
	t.Helper()
	e, ok := errors.AsType[*fiscal.Error](err)
	require.True(t, ok, "no fiscal.Error")
	require.Equal(t, want, e.Code)
}

func TestParseTaxID(t *testing.T) {
	person := withCheck(t, "BNCXYZ80A41Z999")
	for _, test := range []struct {
		name, in, value                    string
		person, organization, temp, omocod bool
	}{
		{name: "woman", in: person, value: person, person: true},
		{name: "lower case", in: strings.ToLower(person), value: person, person: true},
		{name: "omocodic", in: withCheck(t, "BNCXYZ80A41ZVVV"), value: withCheck(t, "BNCXYZ80A41ZVVV"), person: true, omocod: true},
		{name: "29 February 2000", in: withCheck(t, "BNCXYZ00B29Z999"), value: withCheck(t, "BNCXYZ00B29Z999"), person: true},
		{name: "municipality", in: "01199250158", value: "01199250158", organization: true},
		{name: "agency", in: "97735020584", value: "97735020584", organization: true},
		{name: "company", in: "15376371009", value: "15376371009", organization: true},
		{name: "temporary", in: numericWith(t, "1234567301"), value: numericWith(t, "1234567301"), temp: true},
		{name: "unknown office", in: numericWith(t, "1234567130"), value: numericWith(t, "1234567130")},
	} {
		t.Run(test.name, func(t *testing.T) {
			id, err := fiscal.ParseTaxID(test.in)
			require.NoError(t, err)
			require.NoError(t, id.Valid())
			require.Equal(t, test.value, id.Value())
			require.Equal(t, test.person, id.IsPerson())
			require.Equal(t, test.organization, id.IsOrganization())
			require.Equal(t, test.temp, id.IsTemporary())
			require.Equal(t, test.omocod, id.IsOmocodic())
			require.False(t, id.IsZero())
		})
	}
}

// numericWith completes the first ten digits of a code.
func numericWith(t testing.TB, first10 string) string {
	t.Helper()
	check, err := fiscal.CheckDigit(first10)
	require.NoError(t, err)
	return first10 + string(check)
}

func TestOfficeNumbers(t *testing.T) {
	for office, want := range map[int]string{
		0: "temporary", 1: "organization", 100: "organization", 101: "", 119: "", 120: "organization",
		121: "organization", 122: "", 150: "", 151: "temporary", 245: "temporary", 246: "", 300: "",
		301: "temporary", 766: "temporary", 767: "", 887: "", 888: "organization", 889: "", 899: "",
		900: "temporary", 950: "temporary", 951: "", 998: "", 999: "organization",
	} {
		id, err := fiscal.ParseTaxID(numericWith(t, fmt.Sprintf("1234567%03d", office)))
		require.NoError(t, err)
		require.Equal(t, want == "organization", id.IsOrganization(), office)
		require.Equal(t, want == "temporary", id.IsTemporary(), office)
		require.Equal(t, want == "organization", id.String() == id.Value(), office)
	}
}

func TestParseTaxIDRefuses(t *testing.T) {
	valid := withCheck(t, "BNCXYZ80A41Z999")
	wrong := "A"
	if valid[15] == 'A' {
		wrong = "B"
	}
	for _, test := range []struct {
		name, in string
		want     fiscal.Code
		position int
	}{
		{"empty", "", fiscal.CodeTaxIDLength, 0},
		{"15 characters", valid[:15], fiscal.CodeTaxIDLength, 0},
		{"blank before", " " + valid, fiscal.CodeTaxIDLength, 0},
		{"blank in place of a letter", " " + valid[1:], fiscal.CodeTaxIDCharacter, 1},
		{"accent", "É" + valid[2:], fiscal.CodeTaxIDCharacter, 1},
		{"digit in the name", "BNCXY0" + valid[6:], fiscal.CodeTaxIDCharacter, 6},
		{"letter that stands for no digit", "BNCXYZO0A41Z999X", fiscal.CodeTaxIDCharacter, 7},
		{"letter of no month", "BNCXYZ80F41Z999X", fiscal.CodeTaxIDCharacter, 9},
		{"digit at the end", valid[:15] + "1", fiscal.CodeTaxIDCharacter, 16},
		{"day 0", withCheck(t, "BNCXYZ80A00Z999"), fiscal.CodeTaxIDBirthDate, 0},
		{"day 32", withCheck(t, "BNCXYZ80A32Z999"), fiscal.CodeTaxIDBirthDate, 0},
		{"day 40", withCheck(t, "BNCXYZ80A40Z999"), fiscal.CodeTaxIDBirthDate, 0},
		{"day 72", withCheck(t, "BNCXYZ80A72Z999"), fiscal.CodeTaxIDBirthDate, 0},
		{"31 April", withCheck(t, "BNCXYZ80D31Z999"), fiscal.CodeTaxIDBirthDate, 0},
		{"29 February 1981", withCheck(t, "BNCXYZ81B69Z999"), fiscal.CodeTaxIDBirthDate, 0},
		{"check character", valid[:15] + wrong, fiscal.CodeTaxIDCheck, 0},
		{"letter among digits", "0119925O158", fiscal.CodeTaxIDCharacter, 8},
		{"check digit", "01199250159", fiscal.CodeTaxIDCheck, 0},
		{"zeros", "00000000000", fiscal.CodeTaxIDZero, 0},
		{"test code", "77777777777", fiscal.CodeTaxIDCheck, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := fiscal.ParseTaxID(test.in)
			requireCode(t, test.want, err)
			e, _ := errors.AsType[*fiscal.Error](err)
			require.Equal(t, test.position, e.Position)
			require.Equal(t, err, fiscal.UncheckedTaxID(test.in).Valid())
		})
	}
}

func TestCheckChar(t *testing.T) {
	// Worked out apart from the package with the tables of the decree.
	for first15, want := range map[string]string{
		"AAAAAA00A00A000": "I", // eight odd positions of value 1, the rest 0
		"BNCXYZ80A41Z999": "I",
		"QWKJHG37T69Z999": "L",
		"VXZYUOLMHQ8ZPV0": "U",
		"bncxyz80a41z999": "I",
	} {
		got, err := fiscal.CheckChar(first15)
		require.NoError(t, err)
		require.Equal(t, want, string(got), first15)
	}
	// The letters in the order of their values in odd positions: all other
	// characters of this code add up to 7.
	for value, letter := range "BAKPLCQDREVOSFTGUHMINJWZYX" {
		got, err := fiscal.CheckChar(string(letter) + "AAAAA00A00A000")
		require.NoError(t, err)
		require.Equal(t, string(rune('A'+(value+7)%26)), string(got), string(letter))
	}
	_, err := fiscal.CheckChar("BNCXYZ80A41Z99")
	requireCode(t, fiscal.CodeTaxIDLength, err)
	_, err = fiscal.CheckChar("BNCXYZ80A41Z99?")
	requireCode(t, fiscal.CodeTaxIDCharacter, err)
}

func TestTaxIDDetectsEveryWrongCharacter(t *testing.T) {
	r := seeded()
	for range 50 {
		for _, code := range []string{randomPerson(t, r), randomNumeric(t, r)} {
			for at := range len(code) {
				for i := range len(alphanumeric) {
					if alphanumeric[i] == code[at] {
						continue
					}
					_, err := fiscal.ParseTaxID(replaceAt(code, at, alphanumeric[i]))
					require.Error(t, err)
				}
			}
		}
	}
}

// The check character of persons detects most, the check digit all but one
// kind of exchanges of neighbours.
func TestTaxIDDetectsExchanges(t *testing.T) {
	r := seeded()
	tried, missed := 0, 0
	for range 2000 {
		code := randomPerson(t, r)
		for at := range 5 {
			if code[at] == code[at+1] {
				continue
			}
			tried++
			if _, err := fiscal.ParseTaxID(code[:at] + code[at+1:at+2] + code[at:at+1] + code[at+2:]); err == nil {
				missed++
			}
		}
	}
	require.Less(t, float64(missed)/float64(tried), 0.05)

	for range 2000 {
		code := randomNumeric(t, r)
		for at := range len(code) - 1 {
			pair := code[at : at+2]
			if pair[0] == pair[1] {
				continue
			}
			_, err := fiscal.ParseTaxID(code[:at] + pair[1:] + pair[:1] + code[at+2:])
			require.Equal(t, pair == "09" || pair == "90", err == nil)
		}
	}
}

func TestOmocodia(t *testing.T) {
	r := seeded()
	for range 20 {
		base, err := fiscal.ParseTaxID(randomPerson(t, r))
		require.NoError(t, err)
		require.Equal(t, base, base.Base())
		birth, ok := base.Birth()
		require.True(t, ok)
		seen := map[string]bool{base.Value(): true}
		for mask := 1; mask < 1<<len(digitPositions()); mask++ {
			other, err := fiscal.ParseTaxID(substitute(t, base.Value(), mask))
			require.NoError(t, err)
			require.True(t, other.IsOmocodic())
			require.Equal(t, base, other.Base())
			otherBirth, ok := other.Birth()
			require.True(t, ok)
			require.Equal(t, birth, otherBirth)
			seen[other.Value()] = true
		}
		require.Len(t, seen, 128)
	}
}

func TestBirth(t *testing.T) {
	for code, want := range map[string]fiscal.Birth{
		"BNCXYZ80A01Z999": {Year: 80, Month: time.January, Day: 1, Place: "Z999"},
		"BNCXYZ05T71Z999": {Year: 5, Month: time.December, Day: 31, Female: true, Place: "Z999"},
		"BNCXYZLRH7LZ99V": {Year: 5, Month: time.June, Day: 30, Female: true, Place: "Z999"},
	} {
		id, err := fiscal.ParseTaxID(withCheck(t, code))
		require.NoError(t, err)
		got, ok := id.Birth()
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, id := range []fiscal.TaxID{{}, fiscal.UncheckedTaxID("01199250158"), fiscal.UncheckedTaxID("?")} {
		_, ok := id.Birth()
		require.False(t, ok)
		require.Equal(t, id, id.Base())
	}
}

// sendPattern is the pattern of taxId for persons in the SEND delivery API.
func sendPattern() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Z]{6}[0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]$`)
}

func FuzzParseTaxID(f *testing.F) {
	f.Add(withCheck(f, "BNCXYZ80A41Z999"))
	f.Add(withCheck(f, "BNCXYZ80A41ZVVV"))
	f.Add("01199250158")
	f.Add("77777777777")
	f.Add("\u017fNCXYZ80A41Z999")
	f.Add("")
	pattern := sendPattern()
	f.Fuzz(func(t *testing.T, in string) {
		id, err := fiscal.ParseTaxID(in)
		if err != nil {
			require.Zero(t, id)
			_, typed := errors.AsType[*fiscal.Error](err)
			require.True(t, typed)
			require.Equal(t, in, fiscal.UncheckedTaxID(in).Value())
			return
		}
		require.True(t, strings.EqualFold(in, id.Value()))
		require.Equal(t, id, fiscal.UncheckedTaxID(in))
		if id.IsPerson() {
			require.Regexp(t, pattern, id.Value())
			require.NoError(t, id.Base().Valid())
			require.False(t, id.Base().IsOmocodic())
			require.NotContains(t, id.String(), id.Value()[:3])
		}
	})
}
