package sendtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

func TestConfigMakesAClient(t *testing.T) {
	srv := sendtest.New(t)
	_, err := send.New(srv.Config())
	require.NoError(t, err)
}
