package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/pa"
)

// folder holds the evidence of one body, readable by its owner alone: the
// documents name people.
type folder string

// exchangesDir has requests and replies of legal weight, byte for byte.
const exchangesDir = "scambi"

// newFolder makes the folder of a body. One that is there already is refused:
// the evidence of two runs must not be mixed.
func newFolder(out, taxID string) (folder, error) {
	if err := os.MkdirAll(out, 0o700); err != nil {
		return "", outFault(err)
	}
	dir := filepath.Join(out, taxID)
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return "", access.Fault("-out", "contiene già le prove dell'ente "+taxID+": usare un'altra cartella.", "it already holds the evidence of "+taxID+": use another")
	}
	if err != nil {
		return "", outFault(err)
	}
	return folder(dir), nil
}

func outFault(err error) error {
	return access.Fault("-out", "la cartella non si può usare: "+err.Error(), "the folder cannot be used: "+err.Error())
}

// write makes a new file with what r gives and returns its size and digest. A
// file that could not be finished is removed.
func (f folder) write(r io.Reader, elem ...string) (size int64, digest []byte, err error) {
	name := filepath.Join(append([]string{string(f)}, elem...)...)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return 0, nil, outFault(err)
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, nil, outFault(err)
	}
	sum := sha256.New()
	size, err = io.Copy(file, io.TeeReader(r, sum))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return 0, nil, errors.Join(err, os.Remove(name))
	}
	return size, sum.Sum(nil), nil
}

func (f folder) writeJSON(v any, elem ...string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, _, err := f.write(&b, elem...)
	return err
}

// writeTable makes a CSV that spreadsheets in Italy open as it is.
func (f folder) writeTable(rows [][]string, elem ...string) error {
	b := bytes.NewBufferString("\ufeff")
	w := csv.NewWriter(b)
	w.Comma, w.UseCRLF = ';', true
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	_, _, err := f.write(b, elem...)
	return err
}

func hexOf(digest []byte) string { return hex.EncodeToString(digest) }

// exchanges keeps requests and replies under the folder that a trial has when
// the first of them comes.
type exchanges struct {
	open func() (*pa.FileEvidence, error)
}

func (t *trial) exchanges() pa.Evidence {
	return exchanges{sync.OnceValues(func() (*pa.FileEvidence, error) {
		return pa.NewFileEvidence(filepath.Join(string(t.folder), exchangesDir))
	})}
}

func (e exchanges) Record(ctx context.Context, x pa.Exchange) error {
	files, err := e.open()
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	return files.Record(ctx, x)
}
