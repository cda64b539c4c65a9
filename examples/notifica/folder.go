package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/send"
)

// What there is in the folder of -out.
const (
	stateDir       = "stato"    // how far the deposit has got
	attachmentsDir = "allegati" // the files as they were sent
	legalFactsDir  = "attestazioni"
	evidenceDir    = "prove" // request and reply of the deposit, byte for byte
	requestFile    = "notifica.json"
	detailFile     = "dettaglio.json"

	originFile = "origine.json"
	depositKey = "notifica"
)

// origin says where the notification of a folder was deposited.
type origin struct {
	Version     int            `json:"version"`
	Environment pa.Environment `json:"environment"`
	Address     string         `json:"address,omitempty"` // none for simulators, which ended with their program
}

const originVersion = 1

func originOf(s *access.Session) origin {
	o := origin{Version: originVersion, Environment: s.Environment}
	if s.Simulators == nil {
		o.Address = s.Client.BaseURL()
	}
	return o
}

// folder is the folder of one notification.
type folder struct {
	path    string
	origin  *origin       // of a folder that was in use before
	deposit *send.Deposit // to go on with, where the platform still has it
	store   *send.FileDeposits
	unlock  func() error
}

// open looks at a folder, and takes it if it is in use. It creates nothing.
func open(ctx context.Context, path string) (*folder, error) {
	f := &folder{path: path, unlock: func() error { return nil }}
	if path == "" {
		return f, nil
	}
	name := filepath.Join(path, stateDir, originFile)
	data, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err != nil:
		return nil, fileFault("-out", name, err)
	}
	f.origin = new(origin)
	if err := json.Unmarshal(data, f.origin); err != nil || f.origin.Version != originVersion {
		return nil, access.Fault("-out", "il file "+name+" è danneggiato o di un'altra versione di questo programma.", "the file "+name+" is damaged or of another version of this program")
	}
	if err := f.take(ctx); err != nil {
		return nil, err
	}
	d, err := f.store.Load(ctx, depositKey)
	switch {
	case errors.Is(err, fs.ErrNotExist): // stopped before it began
	case err != nil:
		return nil, errors.Join(fileFault("-out", name, err), f.unlock())
	case f.origin.Address != "": // simulators have forgotten it
		f.deposit = &d
	}
	return f, nil
}

// take keeps other runs out of the folder.
func (f *folder) take(ctx context.Context) error {
	state := filepath.Join(f.path, stateDir)
	var err error
	if f.store, err = send.NewFileDeposits(state); err != nil {
		return fileFault("-out", f.path, err)
	}
	locks, err := send.NewFileLocks(state)
	if err != nil {
		return fileFault("-out", f.path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, unlock, err := locks.Lock(ctx, depositKey)
	if errors.Is(err, context.DeadlineExceeded) {
		return access.Fault("-out", "un altro programma sta lavorando in questa cartella.", "another program is at work in this folder")
	}
	if err != nil {
		return fileFault("-out", f.path, err)
	}
	f.unlock = unlock
	return nil
}

// begin makes the folder ready for a deposit that has passed its checks: the
// attachments are copied, so that it can go on when the originals have moved.
func (f *folder) begin(ctx context.Context, d send.Deposit, files send.Files, from origin) error {
	var err error
	if f.path == "" {
		if f.path, err = os.MkdirTemp("", "notifica-"); err != nil {
			return err
		}
	}
	if err := f.clear(); err != nil {
		return err
	}
	if f.store == nil {
		if err := f.take(ctx); err != nil {
			return err
		}
	}
	if err := f.writeJSON(filepath.Join(stateDir, originFile), from); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(f.path, attachmentsDir), 0o700); err != nil {
		return fileFault("-out", f.path, err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		r, err := files[name].Open()
		if err != nil {
			return err
		}
		_, err = f.write(filepath.Join(attachmentsDir, name), r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	if err := f.store.Save(ctx, depositKey, d); err != nil { // last: now it can be resumed
		return fileFault("-out", f.path, err)
	}
	return nil
}

// clear removes what a run against simulators left, and refuses a folder in
// which something else would be overwritten.
func (f *folder) clear() error {
	for _, name := range []string{attachmentsDir, legalFactsDir, evidenceDir, requestFile, detailFile} {
		path := filepath.Join(f.path, name)
		if f.origin != nil {
			if err := os.RemoveAll(path); err != nil {
				return fileFault("-out", f.path, err)
			}
			continue
		}
		if _, err := os.Lstat(path); err == nil {
			return access.Fault("-out", "la cartella contiene già "+name+", che non è di questo programma: usare un'altra cartella.",
				"the folder already holds "+name+", which is not of this program: use another")
		}
	}
	return nil
}

// attachments is the source of the files of the deposit.
func (f *folder) attachments() send.Source { return send.Dir(filepath.Join(f.path, attachmentsDir)) }

// write makes a file that is whole or not there. It returns its size.
func (f *folder) write(name string, r io.Reader) (int64, error) {
	name = filepath.Join(f.path, name)
	tmp, err := os.CreateTemp(filepath.Dir(name), "nuovo-*")
	if err != nil {
		return 0, fileFault("-out", f.path, err)
	}
	n, err := io.Copy(tmp, r)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(tmp.Name()))
	}
	return n, nil
}

func (f *folder) writeJSON(name string, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := f.write(name, &b)
	return err
}

// evidence keeps the exchanges of legal weight in the folder, which is made
// with the first of them.
func (f *folder) evidence() pa.Evidence {
	return lateEvidence{sync.OnceValues(func() (*pa.FileEvidence, error) {
		return pa.NewFileEvidence(filepath.Join(f.path, evidenceDir))
	})}
}

type lateEvidence struct {
	open func() (*pa.FileEvidence, error)
}

func (e lateEvidence) Record(ctx context.Context, x pa.Exchange) error {
	files, err := e.open()
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	return files.Record(ctx, x)
}
