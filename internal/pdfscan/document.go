package pdfscan

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// Document is what a PDF says of itself.
type Document struct {
	// Encrypted says that the file is encrypted, with a password or without.
	// Nothing else is read then.
	Encrypted bool
	// Rebuilt says that the cross-reference data are damaged, so that the
	// objects had to be looked for. Not every reader does.
	Rebuilt    bool
	Pages      int
	Sizes      []PageSize  // of the pages, in order of appearance
	PDFA       PDFA        // zero where the file is not marked as PDF/A
	Signatures []Signature // in the order of the form
}

// headerWithin is how far from the beginning readers look for the header.
const headerWithin = 1 << 10

// Scan reads a document of that size. Every error is an [*Error].
func Scan(ctx context.Context, r io.ReaderAt, size int64) (*Document, error) {
	f := &file{src: newSource(ctx, r, size)}
	head := make([]byte, min(max(size, 0), headerWithin))
	n, err := f.src.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	begin := bytes.Index(head[:n], []byte("%PDF-"))
	if begin < 0 {
		return nil, &Error{Code: CodeNotPDF, Reason: "there is no PDF header"}
	}
	f.base = int64(begin)

	doc, err := f.read()
	if err == nil || fatal(err) {
		return doc, err
	}
	if err := f.rebuild(); err != nil {
		return nil, err
	}
	doc, err = f.document()
	if err == nil {
		doc.Rebuilt = true
	}
	return doc, err
}

// read follows the cross-reference data.
func (f *file) read() (*Document, error) {
	if err := f.follow(); err != nil {
		return nil, err
	}
	return f.document()
}

func (f *file) document() (*Document, error) {
	encrypt, err := resolved[dict](f, f.trailer["Encrypt"])
	if err != nil {
		return nil, err
	}
	if encrypt != nil {
		return &Document{Encrypted: true}, nil
	}
	root, err := resolved[dict](f, f.trailer["Root"])
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, damaged("there is no catalog")
	}
	doc := &Document{}
	if err := f.readPages(doc, root["Pages"]); err != nil {
		return nil, err
	}
	if doc.Signatures, err = f.signatures(root["AcroForm"]); err != nil {
		return nil, err
	}
	doc.PDFA, err = f.marker(root["Metadata"])
	return doc, err
}
