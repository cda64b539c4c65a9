package fiscal

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Cents is an amount of money in euro cents. It marshals as an integer, which
// is how the REST platforms write amounts; those that want euros with two
// decimals take [Cents.Decimal] and [ParseDecimal].
type Cents int64

// ParseCents reads euros with exactly two decimals, after a comma or a dot:
// "12,34", "0.05", "-3,00". Thousands separators, signs other than one minus,
// blanks, useless leading zeros and whole numbers are refused: nobody can tell
// whether "1234" means euros or cents.
func ParseCents(s string) (Cents, error) { return parseCents(s, ".,") }

// ParseDecimal reads the form that [Cents.Decimal] writes: like [ParseCents],
// but with a dot only, as XML and the pagoPA node require.
func ParseDecimal(s string) (Cents, error) { return parseCents(s, ".") }

func parseCents(s, separators string) (Cents, error) {
	digits, negative := strings.CutPrefix(s, "-")
	at := len(digits) - 3
	if at < 1 || strings.IndexByte(separators, digits[at]) < 0 {
		return 0, &Error{Code: CodeAmountFormat}
	}
	euros, decimals := digits[:at], digits[at+1:]
	if indexNotDigit(euros) != 0 || indexNotDigit(decimals) != 0 || (len(euros) > 1 && euros[0] == '0') {
		return 0, &Error{Code: CodeAmountFormat}
	}
	size, err := strconv.ParseUint(euros+decimals, 10, 64)
	if err != nil {
		return 0, &Error{Code: CodeAmountRange} // only digits: it can only be too large
	}
	switch {
	case !negative && size <= math.MaxInt64:
		return Cents(size), nil
	case negative && size == 0:
		return 0, &Error{Code: CodeAmountFormat}
	case negative && size <= -math.MinInt64:
		return Cents(-size), nil // wraps to the negative number, also for the smallest
	default:
		return 0, &Error{Code: CodeAmountRange}
	}
}

// split returns the sign, the euros and the two decimals.
func (c Cents) split() (sign, euros, decimals string) {
	size := uint64(c)
	if c < 0 {
		sign, size = "-", -size
	}
	decimals = strconv.FormatUint(size%100, 10)
	if len(decimals) == 1 {
		decimals = "0" + decimals
	}
	return sign, strconv.FormatUint(size/100, 10), decimals
}

// Decimal returns euros with a dot and two decimals, as in "1234.56": the form
// of SOAP, XML and flow files.
func (c Cents) Decimal() string {
	sign, euros, decimals := c.split()
	return sign + euros + "." + decimals
}

// String returns what Decimal returns.
func (c Cents) String() string { return c.Decimal() }

// Text returns the amount for people: "1.234,56 €" for "it", "€1,234.56" for
// any other language.
func (c Cents) Text(lang string) string {
	sign, euros, decimals := c.split()
	if lang == "it" {
		return sign + group(euros, ".") + "," + decimals + " €"
	}
	return sign + "€" + group(euros, ",") + "." + decimals
}

func group(digits, separator string) string {
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(separator)
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

// Add returns c + d, or an error with [CodeAmountRange].
func (c Cents) Add(d Cents) (Cents, error) {
	sum := c + d
	if (sum > c) != (d > 0) {
		return 0, &Error{Code: CodeAmountRange}
	}
	return sum, nil
}

// Sub returns c - d, or an error with [CodeAmountRange].
func (c Cents) Sub(d Cents) (Cents, error) {
	difference := c - d
	if (difference < c) != (d > 0) {
		return 0, &Error{Code: CodeAmountRange}
	}
	return difference, nil
}

// Mul returns c times n, or an error with [CodeAmountRange].
func (c Cents) Mul(n int64) (Cents, error) {
	product := c * Cents(n)
	if c == 0 || n == 0 {
		return 0, nil
	}
	if product/Cents(n) != c || (c == math.MinInt64 && n == -1) {
		return 0, &Error{Code: CodeAmountRange}
	}
	return product, nil
}

// Sum adds amounts, or returns an error with [CodeAmountRange]. The order does
// not matter: only the result must be in range.
func Sum(amounts ...Cents) (Cents, error) {
	var high, low uint64 // a sum of 128 bits in two's complement
	for _, a := range amounts {
		var carry uint64
		low, carry = bits.Add64(low, uint64(a), 0)
		high, _ = bits.Add64(high, uint64(int64(a)>>63), carry)
	}
	if high != uint64(int64(low)>>63) {
		return 0, &Error{Code: CodeAmountRange}
	}
	return Cents(low), nil
}
