package send_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// transaction is what a handler changes at once: its effects, and how far the
// stream has been dealt with.
type transaction struct {
	Effects    []string `json:"effects"` // keys of events
	Checkpoint string   `json:"checkpoint"`
}

// journal is a transactional store in a file: a line per transaction, behind
// its checksum. A line that was cut short is no transaction.
type journal struct {
	file       *os.File
	done       map[string]bool
	checkpoint string
}

// openJournal recovers what was committed and drops what was not.
func openJournal(name string) (j *journal, torn bool, err error) {
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, false, err
	}
	j = &journal{done: map[string]bool{}}
	good := 0
	for line := range bytes.Lines(data) {
		tx, ok := parseTransaction(line)
		if !ok {
			torn = true
			break
		}
		good += len(line)
		j.checkpoint = tx.Checkpoint
		for _, key := range tx.Effects {
			j.done[key] = true
		}
	}
	if j.file, err = os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return nil, false, err
	}
	_, err = j.file.Seek(int64(good), 0)
	return j, torn, errors.Join(j.file.Truncate(int64(good)), err)
}

func parseTransaction(line []byte) (tx transaction, ok bool) {
	sum, body, found := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
	return tx, found && bytes.HasSuffix(line, []byte("\n")) && sum == checksum([]byte(body)) && json.Unmarshal([]byte(body), &tx) == nil
}

func checksum(body []byte) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(body)) }

// commit makes a transaction durable. It takes its time over the middle of the
// line, to be killed there.
func (j *journal) commit(tx transaction) error {
	body, err := json.Marshal(tx)
	if err != nil {
		return err
	}
	line := checksum(body) + " " + string(body) + "\n"
	if _, err := j.file.WriteString(line[:len(line)/2]); err != nil {
		return err
	}
	time.Sleep(2 * time.Millisecond)
	if _, err := j.file.WriteString(line[len(line)/2:]); err != nil {
		return err
	}
	for _, key := range tx.Effects {
		j.done[key] = true
	}
	return j.file.Sync()
}

// consumingWorker is the process that is killed: it reads a stream to its end
// with a handler whose effects and checkpoint are one transaction.
func consumingWorker(url, dir, stream string) error {
	j, torn, err := openJournal(filepath.Join(dir, "journal"))
	if err != nil {
		return err
	}
	client, err := send.New(send.Config{Environment: pa.Simulator, BaseURL: url, APIKey: pa.NewSecret(sendtest.APIKey),
		Transport: pa.Transport{HTTPClient: &http.Client{Transport: slow{}}, Retry: pa.Retry{BaseDelay: 5 * time.Millisecond}}})
	if err != nil {
		return err
	}
	if torn {
		fmt.Println("torn")
	}
	fmt.Println("ready")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	err = client.Drain(ctx, stream, send.ConsumeOptions{From: j.checkpoint, Handle: func(_ context.Context, b send.Batch) error {
		tx := transaction{Checkpoint: b.Checkpoint}
		if !slices.IsSortedFunc(b.Events, func(a, b send.Event) int { return strings.Compare(a.EventID, b.EventID) }) {
			return errors.New("a batch is not in order")
		}
		for _, e := range b.Events {
			if key := e.Key(); !j.done[key] && !slices.Contains(tx.Effects, key) {
				tx.Effects = append(tx.Effects, key)
			}
		}
		return j.commit(tx)
	}})
	return errors.Join(err, j.file.Close())
}

// shuffled repeats an event of a page and turns its order around, as the
// platform may.
func shuffled(status int, header http.Header, body []byte) (int, http.Header, []byte) {
	var events []json.RawMessage
	if json.Unmarshal(body, &events) != nil || len(events) < 2 {
		return status, header, body
	}
	events = append(events, events[0])
	slices.Reverse(events)
	body, err := json.Marshal(events)
	if err != nil {
		return http.StatusInternalServerError, header, nil
	}
	return status, header, body
}

// TestTransactionalConsumerIsKilled kills a consumer at random, a hundred times
// over 5,000 events, some of which come twice or out of order, alone and by the
// page. Every effect must have happened once.
func TestTransactionalConsumerIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short")
	}
	kills := 100
	if v := os.Getenv(crashKills); v != "" {
		var err error
		kills, err = strconv.Atoi(v)
		require.NoError(t, err)
	}
	s, err := sendtest.Start(t.Context(), sendtest.WithStreamDisorder(0.1, 0.1), kept(),
		sendtest.WithRetryAfter(5*time.Millisecond, false), sendtest.WithLimits(func(l *sendtest.Limits) { l.StreamPage = 20 }))
	require.NoError(t, err)
	defer s.Close()
	p := &player{t: t, s: s, c: clientOf(t, s)}
	stream, witness := p.stream(send.StreamRequest{Title: "esiti"}), p.stream(send.StreamRequest{Title: "testimone"})
	act := p.upload(pages(1, "atto"), send.ContentPDF)
	want, told := map[string]bool{}, 0
	happen := func(events int) {
		for end := told + events; told < end; {
			for range 50 {
				n, _ := p.request(toPEC(p.n%1000, "x@pec.example.it"))
				n.Documents[0].Attachment = act
				require.NoError(t, p.submit(n, nil))
			}
			s.Clock().Advance(30 * day)
			for _, e := range p.drain(p.c, witness) {
				want[e.Key()] = true
				told++
			}
		}
	}
	happen(5000)
	require.NoError(t, s.Inject("Events", patest.Fault{Rate: 0.3, Replace: shuffled}))

	dir := t.TempDir()
	killed, torn := 0, 0
	for {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashURL+"="+s.URL(), crashDir+"="+dir, crashStream+"="+stream)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for lines.Scan() && lines.Text() != "ready" {
			torn++
		}
		if killed < kills {
			time.Sleep(rand.N(60 * time.Millisecond))
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
			happen(1000) // done before it was killed often enough
			continue
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() == 1 {
			t.Fatalf("the worker failed by itself: %v", err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "journal"))
	require.NoError(t, err)
	times := map[string]int{}
	transactions := 0
	for line := range bytes.Lines(data) {
		tx, ok := parseTransaction(line)
		require.True(t, ok)
		transactions++
		for _, key := range tx.Effects {
			times[key]++
		}
	}
	for key, n := range times {
		require.Equal(t, 1, n, "the effect of %s", key)
	}
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(times)), "nothing lost, nothing made up")
	require.Less(t, len(want), told, "some events come twice")
	t.Logf("%d kills, %d of them within a transaction; %d effects of %d events in %d transactions", killed, torn, len(times), told, transactions)
}

// office keeps what an office has to do about its notifications, by the key of
// the event that it follows from, and which requests are open.
type office struct {
	p       *player
	effects map[string]int
	open    []string // notificationRequestId
	gaps    []send.Gap
	found   int // effects that only the sent details told
}

func (o *office) apply(e send.Event) bool {
	o.effects[e.Key()]++
	return o.effects[e.Key()] == 1
}

func (o *office) handle(_ context.Context, b send.Batch) error {
	for _, e := range b.Events {
		o.apply(e)
	}
	return nil
}

// reconcile goes through the notifications that were open and does what the
// lost events would have asked for.
func (o *office) reconcile(ctx context.Context, g send.Gap) error {
	o.gaps = append(o.gaps, g)
	for _, id := range o.open {
		status, err := o.p.c.RequestStatus(ctx, id)
		if err != nil {
			return err
		}
		if status.IUN == "" {
			continue
		}
		sent, err := o.p.c.SentNotification(ctx, status.IUN)
		if err != nil {
			return err
		}
		for _, element := range sent.Timeline {
			if o.apply(send.Event{NotificationRequestID: id, IUN: sent.IUN, Element: element}) {
				o.found++
			}
		}
	}
	return nil
}

func (o *office) deposit(t *testing.T) {
	t.Helper()
	n, files := o.p.request(toPEC(o.p.n+1, "x@pec.example.it"))
	d, err := o.p.c.Submit(t.Context(), n, files)
	require.NoError(t, err)
	o.open = append(o.open, d.NotificationRequestID)
}

// requireAll checks that the office has done everything that the timelines of
// its notifications tell.
func (o *office) requireAll(t *testing.T) {
	t.Helper()
	elements := 0
	for _, id := range o.open {
		status, err := o.p.c.RequestStatus(t.Context(), id)
		require.NoError(t, err)
		for _, e := range o.p.chronicle(status.IUN).elements {
			elements++
			require.Contains(t, o.effects, id+"/"+e.ElementID)
		}
	}
	require.Len(t, o.effects, elements, "and nothing else")
}

// consume reads the stream for as long as given.
func (o *office) consume(t *testing.T, d time.Duration, stream string, checkpoints send.Checkpointer, onGap func(context.Context, send.Gap) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return o.p.c.Consume(ctx, stream, send.ConsumeOptions{Checkpoints: checkpoints, Handle: o.handle, OnGap: onGap})
}

// TestBackAfterEightDays stops a consumer for longer than the platform keeps
// events: it is told so, and finds what it missed in the sent details.
func TestBackAfterEightDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{p: newPlayer(t), effects: map[string]int{}}
		stream := o.p.stream(send.StreamRequest{})
		checkpoints, err := send.NewFileCheckpoints(t.TempDir())
		require.NoError(t, err)
		o.deposit(t)
		o.deposit(t)
		require.NoError(t, o.consume(t, time.Hour, stream, checkpoints, o.reconcile))
		require.Empty(t, o.gaps, "the first time there is nothing to miss")
		seen := len(o.effects)
		require.NotZero(t, seen)

		stopped, err := checkpoints.LastRead(t.Context(), stream)
		require.NoError(t, err)
		o.deposit(t) // accepted while nobody reads
		time.Sleep(8 * day)

		// A reconciliation that fails is asked for again.
		trouble := errors.New("the database is down")
		err = o.consume(t, time.Hour, stream, checkpoints, func(context.Context, send.Gap) error { return trouble })
		require.ErrorIs(t, err, trouble)
		require.Len(t, o.effects, seen, "before anything else is done")

		require.NoError(t, o.consume(t, time.Hour, stream, checkpoints, o.reconcile))
		require.Len(t, o.gaps, 1)
		require.Equal(t, stream, o.gaps[0].StreamID)
		require.True(t, o.gaps[0].From.Equal(stopped))
		require.WithinDuration(t, time.Now().Add(-7*day), o.gaps[0].To, 2*time.Hour)
		require.Greater(t, o.found, 10, "what the stream no longer told")
		o.requireAll(t)

		require.NoError(t, o.consume(t, time.Hour, stream, checkpoints, o.reconcile))
		require.Len(t, o.gaps, 1, "once")
	})
}

// TestQuietStreamIsNoGap lets a stream have nothing to tell for longer than
// the platform keeps events, while somebody reads it.
func TestQuietStreamIsNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{p: newPlayer(t), effects: map[string]int{}}
		stream := o.p.stream(send.StreamRequest{})
		checkpoints, err := send.NewFileCheckpoints(t.TempDir())
		require.NoError(t, err)
		o.deposit(t)
		for range 3 {
			require.NoError(t, o.consume(t, 10*day, stream, checkpoints, o.reconcile))
			time.Sleep(day)
		}
		require.Empty(t, o.gaps)
		o.requireAll(t)
	})
}

// TestPlatformOutOfReachIsAGap keeps a running consumer from the platform for
// longer than that keeps events.
func TestPlatformOutOfReachIsAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{p: newPlayer(t), effects: map[string]int{}}
		stream := o.p.stream(send.StreamRequest{})
		o.deposit(t)
		done := make(chan error)
		go func() { done <- o.consume(t, 12*day, stream, new(send.MemoryCheckpoints), o.reconcile) }()
		time.Sleep(time.Hour)
		require.NoError(t, o.p.s.Inject("Events", patest.Fault{DropBefore: true, Times: -1}))
		o.deposit(t)
		time.Sleep(8 * day)
		o.p.s.ClearFaults()
		require.NoError(t, <-done)
		require.Len(t, o.gaps, 1)
		o.requireAll(t)
	})
}

// TestGapOfAnOwnCheckpoint is told where the handler keeps the position.
func TestGapOfAnOwnCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{p: newPlayer(t), effects: map[string]int{}}
		stream := o.p.stream(send.StreamRequest{})
		o.deposit(t)
		for age, want := range map[time.Duration]int{0: 0, 7 * day: 0, 8 * day: 1} {
			o.gaps = nil
			var read time.Time
			if age > 0 {
				read = time.Now().Add(-age)
			}
			require.NoError(t, o.p.c.Drain(t.Context(), stream, send.ConsumeOptions{Handle: o.handle, OnGap: o.reconcile, LastRead: read}))
			require.Len(t, o.gaps, want, "%v", age)
		}
	})
}

// TestOlderCheckpointsHaveNoDate reads what was saved before checkpoints were
// dated: nothing is told of a gap that cannot be known.
func TestOlderCheckpointsHaveNoDate(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "k-stream-abc.json"), []byte(`{"version":1,"streamId":"abc","checkpoint":"42"}`), 0o600))
	f, err := send.NewFileCheckpoints(dir)
	require.NoError(t, err)
	for _, stream := range []string{"abc", "unknown"} {
		read, err := f.LastRead(t.Context(), stream)
		require.NoError(t, err)
		require.True(t, read.IsZero())
	}
	require.NoError(t, f.Save(t.Context(), "abc", "43"))
	read, err := f.LastRead(t.Context(), "abc")
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), read, time.Minute)
	last, err := f.Load(t.Context(), "abc")
	require.NoError(t, err)
	require.Equal(t, "43", last)
}
