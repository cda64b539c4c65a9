package fiscal

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// TaxID is an Italian tax code (codice fiscale) in one of its forms:
//
//   - 16 characters for a person: name, birth and a check character; where two
//     persons would have the same code, letters stand for some of the digits
//     (omocodia);
//   - 11 digits for an organization, often also its VAT number;
//   - 11 digits for a temporary code (codice provvisorio), given mostly to
//     persons who have no code of 16 characters yet.
//
// Source: DM 23 December 1976 (form, check character, omocodia, temporary
// codes), and for the office numbers that tell temporary codes from those of
// organizations the formal check published by Agenzia delle Entrate.
//
// A code that parses is well formed; only Agenzia delle Entrate knows whether
// it was issued.
type TaxID struct {
	text opaque
}

const (
	personLength  = 16
	numericLength = 11
)

// The positions of a person's code, and what stands for the digits there when
// a code is omocodic: L is 0 and V is 9.
const (
	yearAt, monthAt, dayAt, placeAt = 6, 8, 9, 11
	monthLetters                    = "ABCDEHLMPRST"
	omocodicLetters                 = "LMNPQRSTUV"
	digitMark                       = '9' // a digit, or its letter
	letterMark                      = 'A'
	monthMark                       = 'M'
	personPattern                   = "AAAAAA99M99A999A"
	femaleDays                      = 40 // added to the day of birth of a woman
)

// ParseTaxID checks a code of 16 characters or 11 digits: length, characters,
// date of birth and check character. Lower case is accepted and turned into
// upper case. The characters of names and the place of birth are not checked
// further.
func ParseTaxID(s string) (TaxID, error) {
	canonical, err := canonicalTaxID(s)
	if err != nil {
		return TaxID{}, err
	}
	return TaxID{hide(canonical)}, nil
}

// UncheckedTaxID returns a code as it is, for the invented codes of test
// environments that have no valid check digit, such as 77777777777. What
// would parse is turned into upper case.
func UncheckedTaxID(s string) TaxID {
	if canonical, err := canonicalTaxID(s); err == nil {
		s = canonical
	}
	return TaxID{hide(s)}
}

func canonicalTaxID(s string) (string, error) {
	switch len(s) {
	case personLength:
		s = upper(s)
		return s, checkPerson(s)
	case numericLength:
		return s, checkNumericTaxID(s)
	default:
		return "", &Error{Code: CodeTaxIDLength}
	}
}

func checkPerson(s string) error {
	if at := indexNotPerson(s); at != 0 {
		return &Error{Code: CodeTaxIDCharacter, Position: at}
	}
	if !dayExists(birthOf(s)) {
		return &Error{Code: CodeTaxIDBirthDate}
	}
	if s[personLength-1] != checkCharacter(s[:personLength-1]) {
		return &Error{Code: CodeTaxIDCheck}
	}
	return nil
}

func checkNumericTaxID(s string) error {
	switch {
	case indexNotDigit(s) != 0:
		return &Error{Code: CodeTaxIDCharacter, Position: indexNotDigit(s)}
	case strings.Trim(s, "0") == "":
		return &Error{Code: CodeTaxIDZero}
	case s[numericLength-1] != checkDigit(s[:numericLength-1]):
		return &Error{Code: CodeTaxIDCheck}
	}
	return nil
}

// indexNotPerson returns the position, counted from 1, of the first character
// that does not follow personPattern, or 0. It also reads the beginning of a
// code.
func indexNotPerson(s string) int {
	for i := range len(s) {
		var ok bool
		switch personPattern[i] {
		case letterMark:
			ok = isLetter(s[i])
		case digitMark:
			ok = isDigit(s[i]) || strings.IndexByte(omocodicLetters, s[i]) >= 0
		case monthMark:
			ok = strings.IndexByte(monthLetters, s[i]) >= 0
		}
		if !ok {
			return i + 1
		}
	}
	return 0
}

// withoutOmocodia writes the digits of a well-formed person's code as digits;
// the check character is not touched.
func withoutOmocodia(s string) string {
	digits := []byte(s)
	for i, c := range digits {
		if value := strings.IndexByte(omocodicLetters, c); value >= 0 && personPattern[i] == digitMark {
			digits[i] = byte('0' + value)
		}
	}
	return string(digits)
}

// Birth is what a person's code says about the birth. It is personal data.
type Birth struct {
	Year   int // the last two digits, 0 to 99: the century is not in the code
	Month  time.Month
	Day    int
	Female bool
	Place  string // cadastral code of the municipality (codice catastale), or Z and three digits for a foreign country
}

// birthOf reads a code that follows personPattern.
func birthOf(s string) Birth {
	s = withoutOmocodia(s)
	two := func(at int) int { return int(s[at]-'0')*10 + int(s[at+1]-'0') }
	b := Birth{
		Year:  two(yearAt),
		Month: time.Month(strings.IndexByte(monthLetters, s[monthAt]) + 1),
		Day:   two(dayAt),
		Place: s[placeAt : placeAt+4],
	}
	if b.Day > femaleDays {
		b.Day -= femaleDays
		b.Female = true
	}
	return b
}

// dayExists allows a day that exists in one of the centuries possible: 29
// February of the year 00 is that of 2000.
func dayExists(b Birth) bool {
	lastDay := time.Date(2000+b.Year, b.Month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return 1 <= b.Day && b.Day <= lastDay
}

// CheckChar returns the check character that follows the first 15 characters
// of a person's code.
func CheckChar(first15 string) (byte, error) {
	if len(first15) != personLength-1 {
		return 0, &Error{Code: CodeTaxIDLength}
	}
	first15 = upper(first15)
	if at := indexNotPerson(first15); at != 0 {
		return 0, &Error{Code: CodeTaxIDCharacter, Position: at}
	}
	return checkCharacter(first15), nil
}

// oddValues are the values of the letters A to Z in odd positions, counted
// from 1; the digit n has the value of the n-th letter there. In even
// positions values are simply 0 to 25 and 0 to 9 (DM 23 December 1976).
var oddValues = [26]int{
	1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
}

// checkCharacter computes the letter shared by tax codes and Italian account
// numbers over a text of letters and digits.
func checkCharacter(s string) byte {
	sum := 0
	for i := range len(s) {
		value := int(s[i] - 'A')
		if isDigit(s[i]) {
			value = int(s[i] - '0')
		}
		if i%2 == 0 { // odd, counted from 1
			value = oddValues[value]
		}
		sum += value
	}
	return byte('A' + sum%26)
}

// Value returns the code in full.
func (t TaxID) Value() string { return t.text.reveal() }

// IsZero reports whether there is no code.
func (t TaxID) IsZero() bool { return t == TaxID{} }

// Valid returns nil for a code that [ParseTaxID] accepts, and its error
// otherwise. It fails only on codes that were unmarshalled or came from
// [UncheckedTaxID].
func (t TaxID) Valid() error {
	_, err := canonicalTaxID(t.Value())
	return err
}

// IsPerson reports whether this is a valid code of 16 characters. A temporary
// code is not: see [TaxID.IsTemporary].
func (t TaxID) IsPerson() bool {
	return len(t.Value()) == personLength && t.Valid() == nil
}

// IsOrganization reports whether this is a valid code of 11 digits whose
// office number, in digits 8 to 10, is one of those that number organizations
// and VAT payers.
func (t TaxID) IsOrganization() bool { return t.numericIn(organizationOffices[:]) }

// IsTemporary reports whether this is a valid code of 11 digits whose office
// number, in digits 8 to 10, is one of those that issued temporary codes.
func (t TaxID) IsTemporary() bool { return t.numericIn(temporaryOffices[:]) }

type officeRange struct{ first, last int }

// Office numbers in digits 8 to 10 of numeric codes, from the program for the
// formal check of tax codes published by Agenzia delle Entrate.
var (
	organizationOffices = [...]officeRange{{1, 100}, {120, 121}, {888, 888}, {999, 999}}
	temporaryOffices    = [...]officeRange{{0, 0}, {151, 245}, {301, 766}, {900, 950}}
)

func (t TaxID) numericIn(offices []officeRange) bool {
	code := t.Value()
	if len(code) != numericLength || t.Valid() != nil {
		return false
	}
	office := 0
	for _, c := range code[7:10] {
		office = office*10 + int(c-'0')
	}
	for _, r := range offices {
		if r.first <= office && office <= r.last {
			return true
		}
	}
	return false
}

// IsOmocodic reports whether letters stand for some digits of a person's code.
func (t TaxID) IsOmocodic() bool {
	return t.IsPerson() && withoutOmocodia(t.Value()) != t.Value()
}

// Base returns the person's code that an omocodic one was derived from, with
// digits restored and its own check character. That code belongs to somebody
// else: it serves to compare what two codes say of name and birth, never to
// identify. Any other code is returned as it is.
func (t TaxID) Base() TaxID {
	if !t.IsOmocodic() {
		return t
	}
	first15 := withoutOmocodia(t.Value())[:personLength-1]
	return TaxID{hide(first15 + string(checkCharacter(first15)))}
}

// Birth returns what a person's code says about the birth, and false for any
// other code.
func (t TaxID) Birth() (Birth, bool) {
	if !t.IsPerson() {
		return Birth{}, false
	}
	return birthOf(t.Value()), true
}

func (t TaxID) masked() string {
	switch {
	case t.IsZero():
		return ""
	case t.IsOrganization():
		return t.Value()
	case t.Valid() == nil:
		return stars(len(t.Value()))
	default:
		return maskInvalid
	}
}

// String returns the code of an organization, and a mask of any other.
func (t TaxID) String() string { return t.masked() }

// Format prints what String returns, whatever the verb.
func (t TaxID) Format(s fmt.State, verb rune) { formatMasked(s, verb, "TaxID", t.masked()) }

// LogValue logs what String returns.
func (t TaxID) LogValue() slog.Value { return slog.StringValue(t.masked()) }

// MarshalText returns the code in full.
func (t TaxID) MarshalText() ([]byte, error) { return []byte(t.Value()), nil }

// UnmarshalText keeps any text; see [TaxID.Valid].
func (t *TaxID) UnmarshalText(text []byte) error {
	*t = UncheckedTaxID(string(text))
	return nil
}

// UnmarshalJSON keeps any JSON value; null is no code.
func (t *TaxID) UnmarshalJSON(data []byte) error {
	text, err := textOfJSON(data)
	if err != nil {
		return err
	}
	*t = UncheckedTaxID(text)
	return nil
}
