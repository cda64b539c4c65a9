package patest

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFaultValidate(t *testing.T) {
	good := []Fault{
		{DropBefore: true}, {DropAfter: true, Skip: 2, Times: -1}, {Status: 504, Done: true, Delay: time.Second},
		{Delay: time.Second}, {Truncate: -1}, {Oversize: 1, Rate: 0.5},
		{Replace: func(s int, h http.Header, b []byte) (int, http.Header, []byte) { return s, h, b }},
	}
	bad := []Fault{
		{}, {Skip: 1}, {Skip: -1, DropBefore: true}, {Rate: 2, DropBefore: true}, {Rate: 0.1, Times: 2, DropBefore: true},
		{Done: true}, {Body: "x", Delay: 1}, {DropBefore: true, DropAfter: true}, {DropAfter: true, Status: 500},
		{Status: 100}, {Status: 600}, {Oversize: -1}, {Delay: -1},
	}
	for _, f := range good {
		require.NoError(t, f.Validate())
	}
	for i, f := range bad {
		require.Error(t, f.Validate(), i)
	}
}
