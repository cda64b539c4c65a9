package pa

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Evidence keeps the exchanges of the calls that have legal weight, byte for
// byte. A client calls Record for every request of such a call that had a
// reply, be it a refusal. Where Record fails, the call returns what it has
// together with an error that is [ErrEvidence]: it was done.
type Evidence interface {
	Record(ctx context.Context, x Exchange) error
}

// Exchange is a request and its reply, without credentials.
type Exchange struct {
	Op         string
	Sender     string // tax code of the sender, where the client knows it
	Method     string
	URL        string
	Time       time.Time // when the request was sent
	Duration   time.Duration
	Request    []byte
	StatusCode int
	Header     http.Header // of the reply
	Response   []byte
}

// FileEvidence keeps exchanges as files of a folder: for each the request and
// the reply as they were, and a line of manifest.jsonl with their digests. It
// is safe for concurrent use by one process.
type FileEvidence struct {
	dir string
	mu  sync.Mutex
}

// EvidenceEntry is a line of the manifest.
type EvidenceEntry struct {
	Version        int           `json:"version"`
	Op             string        `json:"op"`
	Sender         string        `json:"sender,omitempty"`
	Method         string        `json:"method"`
	URL            string        `json:"url"`
	Time           time.Time     `json:"time"`
	Duration       time.Duration `json:"durationNs"`
	StatusCode     int           `json:"statusCode"`
	Header         http.Header   `json:"header,omitempty"`
	Request        string        `json:"request,omitempty"` // file name
	RequestSHA256  string        `json:"requestSha256,omitempty"`
	Response       string        `json:"response,omitempty"`
	ResponseSHA256 string        `json:"responseSha256,omitempty"`
}

const (
	evidenceManifest = "manifest.jsonl"
	evidenceVersion  = 1
)

// NewFileEvidence keeps exchanges under dir, which is made with its parents,
// readable by its owner alone. The last line of a manifest that a crash cut
// short is removed; the files that it was to name stay.
func NewFileEvidence(dir string) (*FileEvidence, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, evidenceManifest)
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if whole := bytes.LastIndexByte(data, '\n') + 1; whole < len(data) {
		if err := os.Truncate(name, int64(whole)); err != nil {
			return nil, err
		}
	}
	return &FileEvidence{dir: dir}, nil
}

// Record writes the files, then the line that names them; all are on disk when
// it returns.
func (e *FileEvidence) Record(_ context.Context, x Exchange) error {
	stem := fmt.Sprintf("%s-%s-%s", x.Time.UTC().Format("20060102T150405.000Z"), portableName(x.Op), rand.Text()[:8])
	entry := EvidenceEntry{
		Version: evidenceVersion, Op: x.Op, Sender: x.Sender, Method: x.Method, URL: x.URL, Time: x.Time,
		Duration: x.Duration, StatusCode: x.StatusCode, Header: x.Header,
	}
	var err error
	if entry.Request, entry.RequestSHA256, err = e.save(stem+".request", x.Request); err != nil {
		return err
	}
	if entry.Response, entry.ResponseSHA256, err = e.save(stem+".response", x.Response); err != nil {
		return err
	}
	line, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return writeSynced(filepath.Join(e.dir, evidenceManifest), os.O_APPEND, append(line, '\n'))
}

func (e *FileEvidence) save(name string, body []byte) (file, digest string, err error) {
	if len(body) == 0 {
		return "", "", nil
	}
	sum := sha256.Sum256(body)
	return name, base64.StdEncoding.EncodeToString(sum[:]), writeSynced(filepath.Join(e.dir, name), os.O_EXCL, body)
}

func writeSynced(name string, flag int, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|flag, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if _, err = f.Write(data); err != nil {
		// Half a line would spoil the next one.
		return errors.Join(err, f.Truncate(info.Size()), f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

// portableName keeps what every file system accepts.
func portableName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, s)
}

// Entries reads the manifest, oldest line first.
func (e *FileEvidence) Entries() ([]EvidenceEntry, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.entries()
}

func (e *FileEvidence) entries() ([]EvidenceEntry, error) {
	data, err := os.ReadFile(filepath.Join(e.dir, evidenceManifest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []EvidenceEntry
	for line := range bytes.Lines(data) {
		var entry EvidenceEntry
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, fmt.Errorf("pa: %s line %d cannot be read", evidenceManifest, len(out)+1)
		}
		out = append(out, entry)
	}
	return out, nil
}

// Purge removes the exchanges older than an instant and returns how many. The
// manifest is replaced before the files go, so that it never names a file that
// a purge took away.
func (e *FileEvidence) Purge(before time.Time) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	entries, err := e.entries()
	if err != nil {
		return 0, err
	}
	var gone []EvidenceEntry
	tmp := filepath.Join(e.dir, evidenceManifest+".new")
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for _, entry := range entries {
		if entry.Time.Before(before) {
			gone = append(gone, entry)
			continue
		}
		if err := enc.Encode(entry); err != nil {
			return 0, errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(w.Flush(), f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	if err := os.Rename(tmp, filepath.Join(e.dir, evidenceManifest)); err != nil {
		return 0, err
	}
	for _, entry := range gone {
		for _, name := range []string{entry.Request, entry.Response} {
			if name == "" {
				continue
			}
			if rmErr := os.Remove(filepath.Join(e.dir, filepath.Base(name))); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
				err = errors.Join(err, rmErr)
			}
		}
	}
	return len(gone), err
}
