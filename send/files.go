package send

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"github.com/pa-italia/sdk-go/pa"
)

// File is content that can be read more than once: SEND wants the digest of a
// document before it gives the address to send it to.
type File struct {
	Open func() (io.ReadCloser, error)
	Size int64

	content []byte // of a file in memory
}

// FromBytes returns a file whose content is in memory.
func FromBytes(content []byte) File {
	return File{Size: int64(len(content)), content: content, Open: func() (io.ReadCloser, error) {
		return memoryFile{bytes.NewReader(content)}, nil
	}}
}

// memoryFile keeps the random access of its reader, which io.NopCloser hides.
type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

// FromFile returns the file of that name.
func FromFile(name string) (File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return File{}, err
	}
	return fileOf(info, func() (io.ReadCloser, error) { return os.Open(name) })
}

// FromFS returns the file of that name in a file system.
func FromFS(fsys fs.FS, name string) (File, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return File{}, err
	}
	return fileOf(info, func() (io.ReadCloser, error) { return fsys.Open(name) })
}

func fileOf(info fs.FileInfo, open func() (io.ReadCloser, error)) (File, error) {
	if !info.Mode().IsRegular() {
		return File{}, fmt.Errorf("send: %s is not a regular file", info.Name())
	}
	return File{Open: open, Size: info.Size()}, nil
}

// Spool copies a stream to a new temporary file of dir ("" is the system's)
// and returns it with the function that removes it.
func Spool(r io.Reader, dir string) (File, func() error, error) {
	tmp, err := os.CreateTemp(dir, "send-*")
	if err != nil {
		return File{}, nil, err
	}
	name := tmp.Name()
	remove := func() error { return os.Remove(name) }
	_, err = io.Copy(tmp, r)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return File{}, nil, errors.Join(err, remove())
	}
	f, err := FromFile(name)
	return f, remove, err
}

// Source finds the content of the attachments of a notification by the names
// in their File fields. A deposit can ask again after a restart: the same name
// must give the same content.
type Source interface {
	File(ctx context.Context, name string) (File, error)
}

// Files is a [Source] in memory.
type Files map[string]File

// File returns the file of that name.
func (m Files) File(_ context.Context, name string) (File, error) {
	f, ok := m[name]
	if !ok {
		return File{}, fmt.Errorf("send: file %q: %w", name, fs.ErrNotExist)
	}
	return f, nil
}

// Dir is a [Source] of the files below a folder. Names that lead out of it,
// also through links, are refused.
type Dir string

// File returns the file of that name below the folder.
func (d Dir) File(_ context.Context, name string) (File, error) {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return File{}, err
	}
	info, err := root.Stat(name)
	if err = errors.Join(err, root.Close()); err != nil {
		return File{}, err
	}
	return fileOf(info, func() (io.ReadCloser, error) { return os.OpenInRoot(string(d), name) })
}

// Prepared is what SEND must know of a file before it is sent.
type Prepared struct {
	ContentType string `json:"contentType"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"` // base64
	// CRC32C tells a file that changed between the two readings; what the
	// platform checks is the SHA-256.
	CRC32C uint32 `json:"crc32c"`
}

// pdfMagic opens every PDF; the platform refuses a file without it
// (FILE_PDF_INVALID_ERROR).
const pdfMagic = "%PDF-"

// Prepare reads a file once and takes its digests. Content that the platform
// would refuse for what it is, is a [*pa.ValidationError] about name.
func Prepare(ctx context.Context, name string, f File, contentType string) (Prepared, error) {
	r, err := f.Open()
	if err != nil {
		return Prepared{}, err
	}
	sha, crc := sha256.New(), crc32.New(crc32.MakeTable(crc32.Castagnoli))
	var head [len(pdfMagic)]byte
	n, err := io.ReadFull(r, head[:])
	size := int64(n)
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		sha.Write(head[:n])
		crc.Write(head[:n])
		var rest int64
		rest, err = copyAll(ctx, io.MultiWriter(sha, crc), r)
		size += rest
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return Prepared{}, err
	}
	p := Prepared{ContentType: contentType, Size: f.Size, SHA256: base64.StdEncoding.EncodeToString(sha.Sum(nil)), CRC32C: crc.Sum32()}
	return p, checkContent(name, f, contentType, size, head[:n])
}

func checkContent(name string, f File, contentType string, size int64, head []byte) error {
	fault := func(rule string, text pa.Text) error {
		return &pa.ValidationError{Subject: "send.File", Findings: []pa.Finding{{Path: name, Rule: rule, Severity: pa.Invalid, Text: text}}}
	}
	switch {
	case size != f.Size:
		return fault("SEND_FILE_SIZE", pa.Text{
			IT: "La dimensione del file è cambiata durante la lettura.",
			EN: "the size of the file changed while it was read"})
	case size == 0:
		return fault("SEND_FILE_EMPTY", pa.Text{IT: "Il file è vuoto.", EN: "the file is empty"})
	case contentType == ContentPDF && string(head) != pdfMagic:
		return fault("SEND_FILE_PDF", pa.Text{
			IT: "Il file non è un PDF: SEND lo rifiuterebbe (FILE_PDF_INVALID_ERROR). Un .p7m va sbustato.",
			EN: "the file is not a PDF: SEND would refuse it (FILE_PDF_INVALID_ERROR); a .p7m must be unwrapped"})
	case contentType == ContentJSON:
		return checkJSON(f, fault)
	}
	return nil
}

// maxMetadata bounds the metadata of an F24, which are read whole.
const maxMetadata = 1 << 20

func checkJSON(f File, fault func(string, pa.Text) error) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(r, maxMetadata+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	if len(data) > maxMetadata || !json.Valid(data) {
		return fault("SEND_FILE_JSON", pa.Text{
			IT: "I metadati F24 non sono un JSON valido, o superano 1 MiB.",
			EN: "the F24 metadata are not valid JSON, or exceed 1 MiB"})
	}
	return nil
}

// verifiedFile opens a file so that reading it to its end fails with ErrDigest
// where it is not what was prepared.
func (p *Prepared) verifiedFile(f File) func() (io.ReadCloser, error) {
	table := crc32.MakeTable(crc32.Castagnoli)
	return func() (io.ReadCloser, error) {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		return &verifiedReader{ReadCloser: r, want: p, table: table}, nil
	}
}

// matches reports whether content is what was prepared.
func (p *Prepared) matches(content []byte) bool {
	return int64(len(content)) == p.Size && crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)) == p.CRC32C
}

type verifiedReader struct {
	io.ReadCloser
	want  *Prepared
	table *crc32.Table
	crc   uint32
	n     int64
}

func (r *verifiedReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	r.crc = crc32.Update(r.crc, r.table, b[:n])
	r.n += int64(n)
	short := err == io.EOF && r.n < r.want.Size
	if short || r.n > r.want.Size || r.n == r.want.Size && r.crc != r.want.CRC32C {
		return 0, ErrDigest // before the last bytes go out: no whole file is sent
	}
	return n, err
}

// copyAll copies to the end, or to that of the context. What is in memory needs
// no buffer.
func copyAll(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	if m, ok := r.(memoryFile); ok {
		return m.WriteTo(w)
	}
	return io.CopyBuffer(onlyWriter{w}, &contextReader{ctx, r}, make([]byte, 64<<10))
}

// contextReader stops a long reading at the end of the context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// onlyWriter hides the shortcuts that would bypass the buffer.
type onlyWriter struct{ io.Writer }
