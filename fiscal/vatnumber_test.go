package fiscal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/fiscal"
)

func TestParseVATNumber(t *testing.T) {
	for _, in := range []string{"15376371009", "IT15376371009", "it15376371009"} {
		vat, err := fiscal.ParseVATNumber(in)
		require.NoError(t, err)
		require.NoError(t, vat.Valid())
		require.Equal(t, "15376371009", vat.Value())
		require.Equal(t, "15376371009", vat.String())
		require.Equal(t, "IT15376371009", vat.WithCountry())
	}
	for _, test := range []struct {
		in       string
		want     fiscal.Code
		position int
	}{
		{"", fiscal.CodeVATLength, 0},
		{"1537637100", fiscal.CodeVATLength, 0},
		{"FR15376371009", fiscal.CodeVATLength, 0},
		{"IT 15376371009", fiscal.CodeVATLength, 0},
		{" 5376371009", fiscal.CodeVATCharacter, 1},
		{"1537637100A", fiscal.CodeVATCharacter, 11},
		{"15376371008", fiscal.CodeVATCheck, 0},
		{"00000000000", fiscal.CodeVATZero, 0},
	} {
		vat, err := fiscal.ParseVATNumber(test.in)
		require.Equal(t, &fiscal.Error{Code: test.want, Position: test.position}, err, test.in)
		require.Zero(t, vat)
		require.Empty(t, vat.WithCountry())
	}
}

func TestCheckDigit(t *testing.T) {
	for first10, want := range map[string]byte{"0000000000": '0', "1537637100": '9', "0119925015": '8', "1234567890": '3'} {
		got, err := fiscal.CheckDigit(first10)
		require.NoError(t, err)
		require.Equal(t, want, got, first10)
	}
	_, err := fiscal.CheckDigit("123456789")
	requireCode(t, fiscal.CodeVATLength, err)
	_, err = fiscal.CheckDigit("123456789X")
	requireCode(t, fiscal.CodeVATCharacter, err)
}

func TestVATNumberDetectsEveryWrongDigit(t *testing.T) {
	r := seeded()
	for range 200 {
		number := randomNumeric(t, r)
		for at := range len(number) {
			for c := byte('0'); c <= '9'; c++ {
				_, err := fiscal.ParseVATNumber(replaceAt(number, at, c))
				require.Equal(t, c == number[at], err == nil)
			}
		}
	}
}

func FuzzVATNumber(f *testing.F) {
	for _, seed := range []string{"15376371009", "IT15376371009", "IT1537637100", "\xff", "77777777777"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		vat, err := fiscal.ParseVATNumber(in)
		if err == nil {
			require.True(t, strings.HasSuffix(in, vat.Value()))
		} else {
			require.Zero(t, vat)
		}
		var kept fiscal.VATNumber
		require.NoError(t, kept.UnmarshalText([]byte(in)))
		require.Equal(t, err, kept.Valid())
		text, err := json.Marshal(kept)
		require.NoError(t, err)
		require.True(t, json.Valid(text))
	})
}
