package send

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pa-italia/sdk-go/internal/durable"
)

// Batch is what a handler of [Client.Consume] gets.
type Batch struct {
	StreamID string
	Events   []Event // in order, none of them acknowledged
	// Checkpoint is what to go on from once the events are dealt with. A
	// handler with a database saves it in the same transaction.
	Checkpoint string
}

// BatchHandler deals with a batch. When it fails, Consume ends with its error
// and the batch comes again the next time: at least once, never lost.
type BatchHandler func(ctx context.Context, b Batch) error

// Checkpointer keeps how far a stream has been dealt with.
type Checkpointer interface {
	// Load returns the last checkpoint saved, or "".
	Load(ctx context.Context, streamID string) (string, error)
	// Save must have made it durable when it returns.
	Save(ctx context.Context, streamID, checkpoint string) error
}

// Locker lets one consumer at a time read a stream: the position in it is
// shared state at the platform.
type Locker interface {
	// Lock waits until the name is free. The context it returns ends with
	// the lock, when it is lost as when it is released.
	Lock(ctx context.Context, name string) (held context.Context, release func() error, err error)
}

// ConsumeOptions says how to consume a stream.
type ConsumeOptions struct {
	Handle BatchHandler
	// Checkpoints keeps the position between runs. Its Save is called after
	// Handle, and before the platform is asked for more. Nil is for handlers
	// that save Batch.Checkpoint themselves and start from From.
	Checkpoints Checkpointer
	// From is where to begin where Checkpoints has nothing.
	From string
	// Lock is held while the stream is read; nil where only one process does.
	Lock Locker

	// OnGap is told, before the next batch, that events may be gone: the
	// platform keeps them for seven days, and the stream has not been read for
	// longer. What became of the notifications that were open is then in their
	// [SentNotification]; an [Event] made of their request id and an element of
	// that timeline has the [Event.Key] that the one of the stream had. When
	// it fails, Consume ends with its error, and it is told again the next
	// time. Nil is not told.
	OnGap func(ctx context.Context, g Gap) error
	// LastRead is when the stream was last read, for OnGap. It is not needed
	// where Checkpoints knows it, as [FileCheckpoints] does.
	LastRead time.Time
}

// Gap is the time of which a stream may have lost events.
type Gap struct {
	StreamID string
	From, To time.Time
}

// eventRetention is how long the platform keeps an event (pn-stream, ttl of
// events).
const eventRetention = 7 * 24 * time.Hour

// markEvery is how often a stream that has nothing to tell is noted as read.
const markEvery = time.Hour

// dated is a [Checkpointer] that knows when a stream was last read.
type dated interface {
	LastRead(ctx context.Context, streamID string) (time.Time, error)
}

// Consume reads a stream and hands its events to a handler, batch by batch,
// until ctx ends, the handler fails or the stream is refused. The order is:
// handle, save, ask for more. Asking is what tells the platform to forget, so
// a crash anywhere brings events again and loses none. It returns nil when ctx
// ends between two batches.
func (c *Client) Consume(ctx context.Context, streamID string, opt ConsumeOptions) error {
	return c.consume(ctx, streamID, opt, false)
}

// Drain is [Client.Consume] that ends when the stream has nothing more to
// tell: for one that was disabled or replaced.
func (c *Client) Drain(ctx context.Context, streamID string, opt ConsumeOptions) error {
	return c.consume(ctx, streamID, opt, true)
}

func (c *Client) consume(ctx context.Context, streamID string, opt ConsumeOptions, drain bool) (err error) {
	if opt.Handle == nil {
		return errors.New("send: ConsumeOptions.Handle is not set")
	}
	held := ctx
	if opt.Lock != nil {
		var release func() error
		if held, release, err = opt.Lock.Lock(ctx, "send-stream-"+streamID); err != nil {
			return fmt.Errorf("send: lock of stream %s: %w", streamID, err)
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	// ended tells the end of the caller's context from the loss of the lock.
	ended := func(err error) error {
		switch {
		case ctx.Err() != nil && drain:
			return context.Cause(ctx) // there may be more
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the caller's own end is none of its errors
		case held.Err() != nil:
			return fmt.Errorf("send: stream %s: %w", streamID, ErrLockLost)
		}
		return err
	}
	from, read, marks, err := opt.start(held, streamID)
	if err != nil {
		return fmt.Errorf("send: checkpoint of stream %s: %w", streamID, err)
	}
	marked := read
	for page, err := range c.pages(held, streamID, from) {
		if err != nil {
			return ended(err)
		}
		now := time.Now()
		if opt.OnGap != nil && !read.IsZero() && now.Sub(read) > eventRetention {
			if err := opt.OnGap(held, Gap{StreamID: streamID, From: read, To: now.Add(-eventRetention)}); err != nil {
				return err
			}
		}
		read = now
		switch {
		case len(page.Events) > 0:
			if err := opt.Handle(held, Batch{StreamID: streamID, Events: page.Events, Checkpoint: page.Last}); err != nil {
				return err
			}
		case drain:
			return nil
		case !marks || now.Sub(marked) < markEvery:
			continue
		}
		if opt.Checkpoints == nil {
			continue
		}
		marked = now
		if held.Err() != nil && ctx.Err() == nil {
			// Whoever has the lock now may be further: nothing is saved, and
			// the batch comes again.
			return ended(nil)
		}
		if err := opt.Checkpoints.Save(context.WithoutCancel(held), streamID, page.Last); err != nil {
			return fmt.Errorf("send: checkpoint of stream %s: %w", streamID, err)
		}
	}
	return nil
}

// start returns where to begin, when the stream was last read, and whether the
// checkpoints keep that.
func (opt *ConsumeOptions) start(ctx context.Context, streamID string) (from string, read time.Time, marks bool, err error) {
	from, read = opt.From, opt.LastRead
	if opt.Checkpoints == nil {
		return from, read, false, nil
	}
	saved, err := opt.Checkpoints.Load(ctx, streamID)
	if err != nil {
		return "", time.Time{}, false, err
	}
	if saved != "" {
		from = saved
	}
	d, marks := opt.Checkpoints.(dated)
	if marks && read.IsZero() {
		read, err = d.LastRead(ctx, streamID)
	}
	return from, read, marks, err
}

// MemoryCheckpoints is a [Checkpointer] that forgets when the process ends.
// The zero value is ready.
type MemoryCheckpoints struct {
	mu   sync.Mutex
	last map[string]string
}

// Load returns the last checkpoint of a stream.
func (m *MemoryCheckpoints) Load(_ context.Context, streamID string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last[streamID], nil
}

// Save keeps the checkpoint of a stream.
func (m *MemoryCheckpoints) Save(_ context.Context, streamID, checkpoint string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		m.last = make(map[string]string)
	}
	m.last[streamID] = checkpoint
	return nil
}

// FileCheckpoints is a [Checkpointer] with one file per stream in a folder,
// replaced as a whole and on disk when Save returns.
type FileCheckpoints struct{ dir durable.Dir }

// NewFileCheckpoints keeps checkpoints under dir, which is made where missing.
func NewFileCheckpoints(dir string) (*FileCheckpoints, error) {
	d, err := durable.NewDir(dir)
	if err != nil {
		return nil, err
	}
	return &FileCheckpoints{d}, nil
}

// fileCheckpoint is the persisted form.
type fileCheckpoint struct {
	Version    int       `json:"version"`
	StreamID   string    `json:"streamId"`
	Checkpoint string    `json:"checkpoint"`
	SavedAt    time.Time `json:"savedAt,omitzero"` // none in older files
}

const checkpointVersion = 1

// Load reads the file of a stream; none is no checkpoint.
func (f *FileCheckpoints) Load(_ context.Context, streamID string) (string, error) {
	c, err := f.load(streamID)
	return c.Checkpoint, err
}

// LastRead returns when the checkpoint of a stream was saved, or the zero time.
func (f *FileCheckpoints) LastRead(_ context.Context, streamID string) (time.Time, error) {
	c, err := f.load(streamID)
	return c.SavedAt, err
}

func (f *FileCheckpoints) load(streamID string) (fileCheckpoint, error) {
	var c fileCheckpoint
	found, err := f.dir.Load("stream-"+streamID, &c)
	if err != nil || !found {
		return fileCheckpoint{}, err
	}
	if c.Version != checkpointVersion || c.StreamID != streamID {
		return fileCheckpoint{}, fmt.Errorf("send: the checkpoint file of stream %s is of another version or stream", streamID)
	}
	return c, nil
}

// Save replaces the file of a stream.
func (f *FileCheckpoints) Save(_ context.Context, streamID, checkpoint string) error {
	return f.dir.Save("stream-"+streamID, fileCheckpoint{checkpointVersion, streamID, checkpoint, time.Now().UTC()})
}

// MemoryLocks is a [Locker] within one process. The zero value is ready.
type MemoryLocks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// Lock waits until the name is free.
func (m *MemoryLocks) Lock(ctx context.Context, name string) (context.Context, func() error, error) {
	for {
		m.mu.Lock()
		busy, taken := m.held[name]
		if !taken {
			if m.held == nil {
				m.held = make(map[string]chan struct{})
			}
			free := make(chan struct{})
			m.held[name] = free
			m.mu.Unlock()
			held, cancel := context.WithCancel(ctx)
			return held, sync.OnceValue(func() error {
				cancel()
				m.mu.Lock()
				defer m.mu.Unlock()
				delete(m.held, name)
				close(free)
				return nil
			}), nil
		}
		m.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

// FileLocks is a [Locker] between the processes of one machine: a lock of the
// operating system on a file of a folder, which goes with its process.
type FileLocks struct{ dir durable.Dir }

// NewFileLocks keeps lock files under dir, which is made where missing.
func NewFileLocks(dir string) (*FileLocks, error) {
	d, err := durable.NewDir(dir)
	if err != nil {
		return nil, err
	}
	return &FileLocks{d}, nil
}

// Lock waits until the name is free.
func (l *FileLocks) Lock(ctx context.Context, name string) (context.Context, func() error, error) {
	unlock, err := l.dir.Lock(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	held, cancel := context.WithCancel(ctx)
	return held, func() error {
		cancel()
		return unlock()
	}, nil
}
