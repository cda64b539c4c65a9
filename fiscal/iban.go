package fiscal

import (
	"fmt"
	"log/slog"
	"strings"
)

// IBAN is an international bank account number (ISO 13616).
type IBAN struct {
	text opaque
}

// ibanLengths are the lengths by country of the registry that SWIFT keeps for
// ISO 13616.
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27,
	"BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28,
	"EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
	"GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
	"IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21,
	"LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
	"NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22,
	"RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25,
	"SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}

// ibanPrinted is the number of characters in a group of the printed form.
const ibanPrinted = 4

// ParseIBAN checks country, length, characters and check digits, and for Italy
// and San Marino also the check letter (CIN). It takes the electronic form and
// the printed one, in groups of four separated by one blank; lower case is
// turned into upper case. Other countries' rules for their account numbers are
// not checked, so a letter typed for a digit abroad may pass (one in 97).
func ParseIBAN(s string) (IBAN, error) {
	canonical, err := canonicalIBAN(s)
	if err != nil {
		return IBAN{}, err
	}
	return IBAN{hide(canonical)}, nil
}

func canonicalIBAN(s string) (string, error) {
	if compact := strings.ReplaceAll(s, " ", ""); printedIBAN(compact) == s {
		s = compact
	}
	s = upper(s)
	if at := indexNotIBAN(s); at != 0 {
		return "", &Error{Code: CodeIBANCharacter, Position: at}
	}
	if len(s) < 4 {
		return "", &Error{Code: CodeIBANLength}
	}
	length, known := ibanLengths[s[:2]]
	if !known {
		return "", &Error{Code: CodeIBANCountry}
	}
	if len(s) != length {
		return "", &Error{Code: CodeIBANLength}
	}
	if !ibanCheckDigitsMatch(s) {
		return "", &Error{Code: CodeIBANCheck}
	}
	if !isDomestic(s) {
		return s, nil
	}
	if at := indexNotDomestic(s); at != 0 {
		return "", &Error{Code: CodeIBANCharacter, Position: at}
	}
	if s[cinAt] != checkCharacter(s[abiAt:]) {
		return "", &Error{Code: CodeIBANCIN}
	}
	return s, nil
}

// indexNotIBAN returns the position, counted from 1, of the first character
// that no IBAN can have there, or 0.
func indexNotIBAN(s string) int {
	for i := range len(s) {
		letter, digit := isLetter(s[i]), isDigit(s[i])
		switch {
		case i < 2 && !letter, (i == 2 || i == 3) && !digit, !letter && !digit:
			return i + 1
		}
	}
	return 0
}

// ibanCheckDigitsMatch computes ISO 7064 MOD 97-10 with the first four
// characters moved to the end. The check digits 00, 01 and 99 would give the
// same remainder as 97, 98 and 02, but are never issued.
func ibanCheckDigitsMatch(s string) bool {
	if check := s[2:4]; check == "00" || check == "01" || check == "99" {
		return false
	}
	remainder := 0
	for _, c := range s[4:] + s[:4] {
		if 'A' <= c {
			remainder = (remainder*100 + int(c-'A') + 10) % 97
		} else {
			remainder = (remainder*10 + int(c-'0')) % 97
		}
	}
	return remainder == 1
}

// The positions of a domestic account number: check letter (CIN), bank (ABI),
// branch (CAB) and account, of 12 letters and digits.
const cinAt, abiAt, cabAt, accountAt = 4, 5, 10, 15

// isDomestic reports whether a country uses the Italian account number.
func isDomestic(s string) bool { return s[:2] == "IT" || s[:2] == "SM" }

func indexNotDomestic(s string) int {
	if !isLetter(s[cinAt]) {
		return cinAt + 1
	}
	if at := indexNotDigit(s[abiAt:accountAt]); at != 0 {
		return abiAt + at
	}
	return 0
}

func printedIBAN(compact string) string {
	var b strings.Builder
	for i := range len(compact) {
		if i > 0 && i%ibanPrinted == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(compact[i])
	}
	return b.String()
}

// Value returns the IBAN in full, in electronic form.
func (i IBAN) Value() string { return i.text.reveal() }

// Printed returns the IBAN in full, in groups of four.
func (i IBAN) Printed() string { return printedIBAN(i.Value()) }

// Country returns the two letters of the country, or nothing when the IBAN is
// not valid.
func (i IBAN) Country() string {
	if i.Valid() != nil {
		return ""
	}
	return i.Value()[:2]
}

// DomesticAccount holds the parts of an account number of Italy or San Marino.
type DomesticAccount struct {
	CIN     string // check letter
	ABI     string // bank, 5 digits
	CAB     string // branch, 5 digits
	Account string // 12 letters and digits
}

// Domestic returns the parts of a valid IBAN of Italy or San Marino, and false
// for any other.
func (i IBAN) Domestic() (DomesticAccount, bool) {
	s := i.Value()
	if i.Valid() != nil || !isDomestic(s) {
		return DomesticAccount{}, false
	}
	return DomesticAccount{CIN: s[cinAt:abiAt], ABI: s[abiAt:cabAt], CAB: s[cabAt:accountAt], Account: s[accountAt:]}, true
}

// IsZero reports whether there is no IBAN.
func (i IBAN) IsZero() bool { return i == IBAN{} }

// Valid returns nil for an IBAN that [ParseIBAN] accepts, and its error
// otherwise. It fails only on IBANs that were unmarshalled.
func (i IBAN) Valid() error {
	_, err := canonicalIBAN(i.Value())
	return err
}

func (i IBAN) masked() string {
	s := i.Value()
	switch {
	case i.IsZero():
		return ""
	case i.Valid() == nil:
		return s[:2] + stars(len(s)-2-4) + s[len(s)-4:]
	default:
		return maskInvalid
	}
}

// String returns the country, asterisks and the last four characters.
func (i IBAN) String() string { return i.masked() }

// Format prints what String returns, whatever the verb.
func (i IBAN) Format(s fmt.State, verb rune) { formatMasked(s, verb, "IBAN", i.masked()) }

// LogValue logs what String returns.
func (i IBAN) LogValue() slog.Value { return slog.StringValue(i.masked()) }

// MarshalText returns the IBAN in full.
func (i IBAN) MarshalText() ([]byte, error) { return []byte(i.Value()), nil }

// UnmarshalText keeps any text; see [IBAN.Valid].
func (i *IBAN) UnmarshalText(text []byte) error {
	*i = uncheckedIBAN(string(text))
	return nil
}

// UnmarshalJSON keeps any JSON value; null is no IBAN.
func (i *IBAN) UnmarshalJSON(data []byte) error {
	text, err := textOfJSON(data)
	if err != nil {
		return err
	}
	*i = uncheckedIBAN(text)
	return nil
}

func uncheckedIBAN(s string) IBAN {
	if canonical, err := canonicalIBAN(s); err == nil {
		s = canonical
	}
	return IBAN{hide(s)}
}
