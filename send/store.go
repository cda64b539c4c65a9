package send

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pa-italia/sdk-go/internal/durable"
)

// DepositStore keeps deposits by a key of the caller's, for instance the
// protocol number.
type DepositStore interface {
	// Load returns fs.ErrNotExist for a key that has none.
	Load(ctx context.Context, key string) (Deposit, error)
	// Save must have made it durable when it returns.
	Save(ctx context.Context, key string, d Deposit) error
}

// FileDeposits is a [DepositStore] with one JSON file per deposit in a folder.
type FileDeposits struct{ dir durable.Dir }

// NewFileDeposits keeps deposits under dir, which is made where missing.
func NewFileDeposits(dir string) (*FileDeposits, error) {
	d, err := durable.NewDir(dir)
	if err != nil {
		return nil, err
	}
	return &FileDeposits{d}, nil
}

// Load reads the deposit of a key.
func (s *FileDeposits) Load(_ context.Context, key string) (Deposit, error) {
	var d Deposit
	found, err := s.dir.Load(key, &d)
	if err != nil {
		return Deposit{}, err
	}
	if !found {
		return Deposit{}, fmt.Errorf("send: deposit %q: %w", key, fs.ErrNotExist)
	}
	return d, nil
}

// Save replaces the deposit of a key.
func (s *FileDeposits) Save(_ context.Context, key string, d Deposit) error {
	return s.dir.Save(key, d)
}

// Resume goes on with the deposit of a key where the store has it, else begins
// one, and drives it to its end, saving every step.
func (c *Client) Resume(ctx context.Context, store DepositStore, key string, begin func() (Notification, error), files Source) (Deposit, error) {
	d, err := store.Load(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		var n Notification
		if n, err = begin(); err != nil {
			return Deposit{}, err
		}
		if d, err = NewDeposit(n); err != nil {
			return Deposit{}, err
		}
		err = store.Save(ctx, key, d)
	}
	if err != nil {
		return Deposit{}, err
	}
	return c.Complete(ctx, d, files, func(d Deposit) error { return store.Save(ctx, key, d) })
}
