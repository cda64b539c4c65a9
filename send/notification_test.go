package send

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/internal/rest"
)

func TestNoPaymentsAndAnEmptyListOfThem(t *testing.T) {
	n := good(t)
	for want, payments := range map[string][]Payment{`"payments":[]`: {}, "": nil} {
		n.Recipients[0].Payments = payments
		d, err := NewDeposit(n)
		require.NoError(t, err)
		body, err := rest.JSON(d.Request()) // through the copies that a deposit makes
		require.NoError(t, err)
		if want == "" {
			require.NotContains(t, string(body), `"payments"`)
		} else {
			require.Contains(t, string(body), want)
		}
	}
}
