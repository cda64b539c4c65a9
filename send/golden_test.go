package send_test

import (
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestDepositGolden reads the persisted form of the first version at every
// stage: what an older program left behind must go on.
func TestDepositGolden(t *testing.T) {
	n, files := notification(1)
	d, err := send.NewDeposit(n)
	require.NoError(t, err)
	if *update {
		at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
		states := []send.Deposit{d}
		d.Stage = send.StageUpload
		for i := range d.Files {
			p, err := send.Prepare(t.Context(), d.Files[i].Name, files[d.Files[i].Name], d.Files[i].ContentType)
			require.NoError(t, err)
			d.Files[i].Prepared = p
		}
		states = append(states, d)
		refused := d
		refused.Stage, refused.NotificationRequestID, refused.SubmittedAt = send.StageRefused, "QUJDRC1FRkdILUpLTE0tMjAyNjExLU4tMQ==", at
		refused.Refusals = []send.RefusalError{{Code: "TAXID_NOT_VALID", Detail: "dettaglio", RecIndex: new(0)}}
		accepted := refused
		accepted.Stage, accepted.Refusals, accepted.IUN = send.StageAccepted, nil, "ABCD-EFGH-JKLM-202611-N-1"
		states = append(states, refused, accepted)
		data, err := json.MarshalIndent(states, "", "\t")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile("testdata/deposit.v1.json", append(data, '\n'), 0o600))
	}
	data, err := os.ReadFile("testdata/deposit.v1.json")
	require.NoError(t, err)
	var states []send.Deposit
	require.NoError(t, json.Unmarshal(data, &states))
	require.Len(t, states, 4)
	back, err := json.MarshalIndent(states, "", "\t")
	require.NoError(t, err)
	require.Equal(t, string(data), string(back)+"\n", "nothing of the older form is dropped")
	require.ErrorIs(t, states[2].Err(), send.ErrRefused)
	require.Equal(t, "ABCD-EFGH-JKLM-202611-N-1", states[3].IUN)

	c := clientOf(t, sendtest.New(t))
	for _, s := range states[:2] { // and both unfinished ones go on
		s, _, err := c.Step(t.Context(), s, files)
		require.NoError(t, err)
		require.NotEqual(t, send.StageRefused, s.Stage)
	}
}

func TestCheckpointGolden(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/k-stream-abc.json", []byte(`{"version":1,"streamId":"abc","checkpoint":"00000000000000000000000000000000000042"}`), 0o600))
	f, err := send.NewFileCheckpoints(dir)
	require.NoError(t, err)
	got, err := f.Load(t.Context(), "abc")
	require.NoError(t, err)
	require.Equal(t, "00000000000000000000000000000000000042", got)
}
