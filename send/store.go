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
// one, and drives it to its end, saving every step. After a refusal it begins
// anew if begin gives a notification with another idempotence token, which is
// what a corrected one needs, and else reports the refusal again.
func (c *Client) Resume(ctx context.Context, store DepositStore, key string, begin func() (Notification, error), files Source) (Deposit, error) {
	d, err := store.Load(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Deposit{}, err
	}
	if err != nil || d.Stage == StageRefused {
		n, err := begin()
		if err != nil {
			return d, err
		}
		fresh, err := NewDeposit(n)
		if err != nil {
			return d, err
		}
		if d.Stage == StageRefused && fresh.Notification.IdempotenceToken == d.Notification.IdempotenceToken {
			return d, d.Err()
		}
		d = fresh
		if err := store.Save(ctx, key, d); err != nil {
			return d, err
		}
	}
	return c.Complete(ctx, d, files, func(d Deposit) error { return store.Save(ctx, key, d) })
}
