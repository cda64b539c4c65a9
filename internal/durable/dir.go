package durable

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Dir is a folder of states, one JSON file per key.
type Dir struct{ path string }

// NewDir makes the folder where missing, readable by its owner alone.
func NewDir(path string) (Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return Dir{}, err
	}
	return Dir{path}, nil
}

// file returns the name of the file of a key: any text gives a name that all
// file systems take, and different keys give different names, also where case
// does not count.
func (d Dir) file(key, suffix string) (string, error) {
	if key == "" {
		return "", errors.New("durable: empty key")
	}
	var b strings.Builder
	for _, c := range []byte(key) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			b.WriteByte(c)
		case c >= 'A' && c <= 'Z':
			b.Write([]byte{'+', c - 'A' + 'a'})
		default:
			fmt.Fprintf(&b, "=%02x", c)
		}
	}
	name := b.String()
	if len(name) > longestName {
		sum := sha256.Sum256([]byte(key))
		name = name[:longestName-2*len(sum)] + hex.EncodeToString(sum[:])
	}
	return filepath.Join(d.path, "k-"+name+suffix), nil
}

// longestName leaves room for the suffix in the 255 bytes that file systems take.
const longestName = 200

// Load reads the state of a key and reports whether there is one.
func (d Dir) Load(key string, v any) (bool, error) {
	name, err := d.file(key, ".json")
	if err != nil {
		return false, err
	}
	data, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("durable: %s is damaged", name)
	}
	return true, nil
}

// Save replaces the state of a key. It is on disk when Save returns.
func (d Dir) Save(key string, v any) error {
	name, err := d.file(key, ".json")
	if err != nil {
		return err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return replace(name, data)
}

// replace writes a new file and renames it over the old one.
func replace(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = renamePatiently(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(name))
}

// patience is how long a replacement waits for whoever holds the old file open.
const patience = 2 * time.Second

func renamePatiently(from, to string) error {
	for deadline := time.Now().Add(patience); ; {
		err := os.Rename(from, to)
		if err == nil || !heldOpen(err) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("durable: %s is held open by another program: %w", to, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// Lock waits for the lock of a name and returns what releases it.
func (d Dir) Lock(ctx context.Context, name string) (unlock func() error, err error) {
	path, err := d.file(name, ".lock")
	if err != nil {
		return nil, err
	}
	for {
		unlock, free, err := tryLock(path)
		if err != nil {
			return nil, fmt.Errorf("durable: lock %s: %w", path, err)
		}
		if free {
			return unlock, nil
		}
		t := time.NewTimer(100 * time.Millisecond)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, context.Cause(ctx)
		}
	}
}
