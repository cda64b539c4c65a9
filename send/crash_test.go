package send_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

const (
	crashURL   = "SEND_CRASH_URL" // set in the process that is to be killed
	crashDir   = "SEND_CRASH_DIR"
	crashCount = "SEND_CRASH_COUNT"
	crashKills = "PA_CRASH_KILLS" // how often; the soak sets more

	crashStream = "SEND_CRASH_STREAM" // set where it is to consume a stream
)

// TestCrash kills a process that deposits 200 notifications, again and again,
// while one reply in twenty is lost. At the end the platform must hold each of
// them once, with its documents.
func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short")
	}
	kills := 100
	if v := os.Getenv(crashKills); v != "" {
		var err error
		kills, err = strconv.Atoi(v)
		require.NoError(t, err)
	}
	s, err := sendtest.Start(t.Context(), sendtest.WithClock(patest.Day(time.Second)))
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Inject("*", patest.Fault{Rate: 0.05, DropAfter: true}))

	dir := t.TempDir()
	killed, count := 0, 200
	for {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashURL+"="+s.URL(), crashDir+"="+dir, crashCount+"="+strconv.Itoa(count))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for lines.Scan() && lines.Text() != "ready" {
		}
		if killed < kills {
			time.Sleep(rand.N(90 * time.Millisecond))
			if cmd.Process.Kill() == nil {
				killed++
			}
		}
		for lines.Scan() {
		}
		err = cmd.Wait()
		if err == nil && killed >= kills {
			break
		}
		if err == nil {
			count += 200 // done before it was killed often enough: more work
			continue
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() == 1 {
			t.Fatalf("the worker failed by itself: %v", err)
		}
	}
	store, err := send.NewFileDeposits(dir)
	require.NoError(t, err)
	held := s.Notifications()
	require.Len(t, held, count, "nothing lost, nothing twice")
	for _, h := range held {
		d, err := store.Load(t.Context(), h.PaProtocolNumber)
		require.NoError(t, err)
		require.Equal(t, send.StageAccepted, d.Stage)
		require.Equal(t, h.IUN, d.IUN)
		require.Len(t, h.Documents, 1)
		require.True(t, h.Documents[0].Stored, "with its document")
		require.Equal(t, d.Files[0].SHA256, h.Documents[0].SHA256)
	}
	lost := 0
	for _, x := range s.Exchanges() {
		if x.Faulted {
			lost++
		}
	}
	t.Logf("%d kills, %d lost replies of %d calls, %d submits for %d notifications", killed, lost, len(s.Exchanges()), s.Count("Submit"), len(held))
}

// TestMain is also the process that is killed.
func TestMain(m *testing.M) {
	if url := os.Getenv(crashURL); url != "" {
		work := func() error { return crashWorker(url, os.Getenv(crashDir), os.Getenv(crashCount)) }
		if stream := os.Getenv(crashStream); stream != "" {
			work = func() error { return consumingWorker(url, os.Getenv(crashDir), stream) }
		}
		if err := work(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// crashWorker deposits that many notifications, going on where it was.
func crashWorker(url, dir, total string) error {
	count, err := strconv.Atoi(total)
	if err != nil {
		return err
	}
	store, err := send.NewFileDeposits(dir)
	if err != nil {
		return err
	}
	client, err := send.New(send.Config{Environment: pa.Simulator, BaseURL: url, APIKey: pa.NewSecret(sendtest.APIKey),
		Transport: pa.Transport{HTTPClient: &http.Client{Transport: slow{}}, Retry: pa.Retry{BaseDelay: 5 * time.Millisecond}}})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for i := range count {
		g.Go(func() error {
			n, files := notification(i + 1)
			_, err := client.Resume(ctx, store, n.PaProtocolNumber, func() (send.Notification, error) { return n, nil }, files)
			return err
		})
	}
	return g.Wait()
}

// slow makes calls long enough to be killed in.
type slow struct{}

func (slow) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(time.Duration(8+rand.IntN(12)) * time.Millisecond)
	return http.DefaultTransport.RoundTrip(req)
}

func TestResumeBeginsOnce(t *testing.T) {
	s := sendtest.New(t, sendtest.WithClock(patest.Day(time.Millisecond)))
	store, err := send.NewFileDeposits(t.TempDir())
	require.NoError(t, err)
	_, err = store.Load(t.Context(), "none")
	require.ErrorIs(t, err, fs.ErrNotExist)
	n, files := notification(1)
	for range 2 {
		began := 0
		d, err := clientOf(t, s).Resume(t.Context(), store, n.PaProtocolNumber, func() (send.Notification, error) { began++; return n, nil }, files)
		require.NoError(t, err)
		require.NotEmpty(t, d.IUN)
	}
	require.Len(t, s.Notifications(), 1)
}
