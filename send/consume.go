package send

import (
	"context"
	"errors"
	"fmt"
	"sync"

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
}

// Consume reads a stream and hands its events to a handler, batch by batch,
// until ctx ends, the handler fails or the stream is refused. The order is:
// handle, save, ask for more. Asking is what tells the platform to forget, so
// a crash anywhere brings events again and loses none. It returns nil when ctx
// ends between two batches.
func (c *Client) Consume(ctx context.Context, streamID string, opt ConsumeOptions) (err error) {
	if opt.Handle == nil {
		return errors.New("send: ConsumeOptions.Handle is not set")
	}
	held := ctx
	if opt.Lock != nil {
		var release func() error
		held, release, err = opt.Lock.Lock(ctx, "send-stream-"+streamID)
		if err != nil {
			return fmt.Errorf("send: lock of stream %s: %w", streamID, err)
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	// ended tells the end of the caller's context from the loss of the lock.
	ended := func(err error) error {
		switch {
		case ctx.Err() != nil:
			return nil
		case held.Err() != nil:
			return fmt.Errorf("send: stream %s: %w", streamID, ErrLockLost)
		}
		return err
	}
	from := opt.From
	if opt.Checkpoints != nil {
		saved, err := opt.Checkpoints.Load(held, streamID)
		if err != nil {
			return fmt.Errorf("send: checkpoint of stream %s: %w", streamID, err)
		}
		if saved != "" {
			from = saved
		}
	}
	for page, err := range c.pages(held, streamID, from) {
		if err != nil {
			return ended(err)
		}
		if len(page.Events) == 0 {
			continue
		}
		if err := opt.Handle(held, Batch{StreamID: streamID, Events: page.Events, Checkpoint: page.Last}); err != nil {
			return err
		}
		if opt.Checkpoints == nil {
			continue
		}
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
	Version    int    `json:"version"`
	StreamID   string `json:"streamId"`
	Checkpoint string `json:"checkpoint"`
}

const checkpointVersion = 1

// Load reads the file of a stream; none is no checkpoint.
func (f *FileCheckpoints) Load(_ context.Context, streamID string) (string, error) {
	var c fileCheckpoint
	found, err := f.dir.Load("stream-"+streamID, &c)
	if err != nil || !found {
		return "", err
	}
	if c.Version != checkpointVersion || c.StreamID != streamID {
		return "", fmt.Errorf("send: the checkpoint file of stream %s is of another version or stream", streamID)
	}
	return c.Checkpoint, nil
}

// Save replaces the file of a stream.
func (f *FileCheckpoints) Save(_ context.Context, streamID, checkpoint string) error {
	return f.dir.Save("stream-"+streamID, fileCheckpoint{checkpointVersion, streamID, checkpoint})
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
