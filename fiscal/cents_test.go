package fiscal_test

import (
	"encoding/json"
	"encoding/xml"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
)

func TestParseCents(t *testing.T) {
	for in, want := range map[string]fiscal.Cents{
		"0.00": 0, "0,01": 1, "0.10": 10, "12.34": 1234, "12,34": 1234, "-12,34": -1234, "1000000.00": 1e8,
		"92233720368547758.07": math.MaxInt64, "-92233720368547758,08": math.MinInt64,
	} {
		got, err := fiscal.ParseCents(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
		_, err = fiscal.ParseDecimal(in)
		require.Equal(t, strings.Contains(in, "."), err == nil, in)
	}
	for in, want := range map[string]fiscal.Code{
		"": fiscal.CodeAmountFormat, "12": fiscal.CodeAmountFormat, "12.3": fiscal.CodeAmountFormat,
		"12.345": fiscal.CodeAmountFormat, ".34": fiscal.CodeAmountFormat, "-.34": fiscal.CodeAmountFormat,
		"1.234,56": fiscal.CodeAmountFormat, "1,234.56": fiscal.CodeAmountFormat, "1 234,56": fiscal.CodeAmountFormat,
		"012.34": fiscal.CodeAmountFormat, "00.34": fiscal.CodeAmountFormat, "+1.00": fiscal.CodeAmountFormat,
		"--1.00": fiscal.CodeAmountFormat, "-0.00": fiscal.CodeAmountFormat, " 1.00": fiscal.CodeAmountFormat,
		"1.00 ": fiscal.CodeAmountFormat, "1.00€": fiscal.CodeAmountFormat, "1e2.00": fiscal.CodeAmountFormat,
		"0x1.00": fiscal.CodeAmountFormat, "1_0.00": fiscal.CodeAmountFormat, "1.-1": fiscal.CodeAmountFormat,
		"٣.00": fiscal.CodeAmountFormat, "1;00": fiscal.CodeAmountFormat,
		"92233720368547758.08": fiscal.CodeAmountRange, "-92233720368547758.09": fiscal.CodeAmountRange,
		"99999999999999999999999.00": fiscal.CodeAmountRange,
	} {
		_, err := fiscal.ParseCents(in)
		requireCode(t, want, err)
	}
}

func TestCentsTexts(t *testing.T) {
	for _, test := range []struct {
		cents                     fiscal.Cents
		decimal, italian, english string
	}{
		{0, "0.00", "0,00 €", "€0.00"},
		{5, "0.05", "0,05 €", "€0.05"},
		{-5, "-0.05", "-0,05 €", "-€0.05"},
		{1234, "12.34", "12,34 €", "€12.34"},
		{99999, "999.99", "999,99 €", "€999.99"},
		{100000, "1000.00", "1.000,00 €", "€1,000.00"},
		{123456789, "1234567.89", "1.234.567,89 €", "€1,234,567.89"},
		{math.MinInt64, "-92233720368547758.08", "-92.233.720.368.547.758,08 €", "-€92,233,720,368,547,758.08"},
	} {
		require.Equal(t, test.decimal, test.cents.Decimal())
		require.Equal(t, test.decimal, test.cents.String())
		require.Equal(t, test.italian, test.cents.Text("it"))
		require.Equal(t, test.english, test.cents.Text("en"))
	}
}

func TestCentsMarshalAsInteger(t *testing.T) {
	type amount struct {
		Amount fiscal.Cents `json:"amount" xml:"amount"`
	}
	data, err := json.Marshal(amount{1234})
	require.NoError(t, err)
	require.JSONEq(t, `{"amount":1234}`, string(data))
	data, err = xml.Marshal(amount{1234})
	require.NoError(t, err)
	require.Equal(t, `<amount><amount>1234</amount></amount>`, string(data))
	require.Error(t, json.Unmarshal([]byte(`{"amount":12.34}`), new(amount)))
}

// checkAgainstBig compares a checked result with exact arithmetic.
func checkAgainstBig(t *testing.T, exact *big.Int, got fiscal.Cents, err error) {
	t.Helper()
	if exact.IsInt64() {
		require.NoError(t, err)
		require.Equal(t, exact.Int64(), int64(got))
		return
	}
	requireCode(t, fiscal.CodeAmountRange, err)
	require.Zero(t, got)
}

func FuzzCentsArithmetic(f *testing.F) {
	edges := []int64{0, 1, -1, 2, -2, 100, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1, math.MaxInt64 / 2, math.MaxInt32, 3037000500}
	for _, a := range edges {
		for _, b := range edges {
			f.Add(a, b)
		}
	}
	f.Fuzz(func(t *testing.T, a, b int64) {
		x, y := big.NewInt(a), big.NewInt(b)
		c, d := fiscal.Cents(a), fiscal.Cents(b)
		got, err := c.Add(d)
		checkAgainstBig(t, new(big.Int).Add(x, y), got, err)
		got, err = c.Sub(d)
		checkAgainstBig(t, new(big.Int).Sub(x, y), got, err)
		got, err = c.Mul(b)
		checkAgainstBig(t, new(big.Int).Mul(x, y), got, err)
		got, err = fiscal.Sum(c, d, d, c)
		checkAgainstBig(t, new(big.Int).Lsh(new(big.Int).Add(x, y), 1), got, err)
	})
}

func TestSum(t *testing.T) {
	got, err := fiscal.Sum()
	require.NoError(t, err)
	require.Zero(t, got)
	got, err = fiscal.Sum(math.MaxInt64, 1, math.MinInt64, -1)
	require.NoError(t, err)
	require.Equal(t, fiscal.Cents(-1), got)
	_, err = fiscal.Sum(math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64)
	requireCode(t, fiscal.CodeAmountRange, err)
	_, err = fiscal.Sum(math.MinInt64, math.MinInt64)
	requireCode(t, fiscal.CodeAmountRange, err)
}

func FuzzParseCents(f *testing.F) {
	for _, seed := range []string{"12,34", "-12.34", "0.00", "-0.00", "92233720368547758.07", "-92233720368547758.08", "1.234,56"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		cents, err := fiscal.ParseCents(in)
		if err != nil {
			require.Zero(t, cents)
			return
		}
		require.Equal(t, strings.Replace(in, ",", ".", 1), cents.Decimal())
		again, err := fiscal.ParseDecimal(cents.Decimal())
		require.NoError(t, err)
		require.Equal(t, cents, again)
	})
}
