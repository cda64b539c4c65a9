package fiscal

import (
	"fmt"
	"log/slog"
	"strings"
)

// VATNumber is an Italian VAT number (partita IVA): 11 digits, the last of
// which is a check digit (DPR 633/1972 art. 35, DM 23 December 1976). It is
// public, also when its owner is a person, and is never masked.
type VATNumber struct {
	text opaque
}

// vatCountry precedes the digits in the VIES system and in SPID metadata.
const vatCountry = "IT"

// ParseVATNumber checks 11 digits and their check digit. The country code IT
// may precede them, in lower case too; it is not kept.
func ParseVATNumber(s string) (VATNumber, error) {
	canonical, err := canonicalVATNumber(s)
	if err != nil {
		return VATNumber{}, err
	}
	return VATNumber{hide(canonical)}, nil
}

func canonicalVATNumber(s string) (string, error) {
	if len(s) == len(vatCountry)+numericLength && upper(s[:len(vatCountry)]) == vatCountry {
		s = s[len(vatCountry):]
	}
	switch {
	case len(s) != numericLength:
		return "", &Error{Code: CodeVATLength}
	case indexNotDigit(s) != 0:
		return "", &Error{Code: CodeVATCharacter, Position: indexNotDigit(s)}
	case strings.Trim(s, "0") == "":
		return "", &Error{Code: CodeVATZero}
	case s[numericLength-1] != checkDigit(s[:numericLength-1]):
		return "", &Error{Code: CodeVATCheck}
	}
	return s, nil
}

// CheckDigit returns the check digit that follows the first 10 digits of a VAT
// number or of a numeric tax code.
func CheckDigit(first10 string) (byte, error) {
	if len(first10) != numericLength-1 {
		return 0, &Error{Code: CodeVATLength}
	}
	if at := indexNotDigit(first10); at != 0 {
		return 0, &Error{Code: CodeVATCharacter, Position: at}
	}
	return checkDigit(first10), nil
}

// checkDigit adds the digits in odd positions and the doubles of those in even
// positions, less 9 where a double has two digits, and completes the sum to a
// multiple of ten.
func checkDigit(first10 string) byte {
	sum := 0
	for i := range len(first10) {
		value := int(first10[i] - '0')
		if i%2 == 1 { // even, counted from 1
			value *= 2
			if value > 9 {
				value -= 9
			}
		}
		sum += value
	}
	return byte('0' + (10-sum%10)%10)
}

// Value returns the 11 digits.
func (v VATNumber) Value() string { return v.text.reveal() }

// WithCountry returns the digits after the country code, as in IT12345678903.
func (v VATNumber) WithCountry() string {
	if v.IsZero() {
		return ""
	}
	return vatCountry + v.Value()
}

// IsZero reports whether there is no number.
func (v VATNumber) IsZero() bool { return v == VATNumber{} }

// Valid returns nil for a number that [ParseVATNumber] accepts, and its error
// otherwise. It fails only on numbers that were unmarshalled.
func (v VATNumber) Valid() error {
	_, err := canonicalVATNumber(v.Value())
	return err
}

func (v VATNumber) masked() string {
	switch {
	case v.IsZero():
		return ""
	case v.Valid() == nil:
		return v.Value()
	default:
		return maskInvalid // somebody may have put a person's tax code here
	}
}

// String returns a valid number, and a mask of anything else.
func (v VATNumber) String() string { return v.masked() }

// Format prints what String returns, whatever the verb.
func (v VATNumber) Format(s fmt.State, verb rune) { formatMasked(s, verb, "VATNumber", v.masked()) }

// LogValue logs what String returns.
func (v VATNumber) LogValue() slog.Value { return slog.StringValue(v.masked()) }

// MarshalText returns the number.
func (v VATNumber) MarshalText() ([]byte, error) { return []byte(v.Value()), nil }

// UnmarshalText keeps any text; see [VATNumber.Valid].
func (v *VATNumber) UnmarshalText(text []byte) error {
	*v = uncheckedVATNumber(string(text))
	return nil
}

// UnmarshalJSON keeps any JSON value; null is no number.
func (v *VATNumber) UnmarshalJSON(data []byte) error {
	text, err := textOfJSON(data)
	if err != nil {
		return err
	}
	*v = uncheckedVATNumber(text)
	return nil
}

func uncheckedVATNumber(s string) VATNumber {
	if canonical, err := canonicalVATNumber(s); err == nil {
		s = canonical
	}
	return VATNumber{hide(s)}
}
