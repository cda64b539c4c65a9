package pdfscan

import (
	"context"
	"errors"
	"io"
)

// The bounds of what one scan does. Documents of thousands of pages stay far
// below them.
const (
	maxObject   = 4 << 20   // bytes of one object without its stream
	maxNodes    = 1 << 17   // values in one object
	maxDepth    = 48        // nested values, or levels of a tree
	maxLoads    = 1 << 18   // objects read
	maxFound    = 1 << 18   // objects found in a damaged file
	maxSections = 1 << 12   // runs of object numbers in cross-reference data
	maxUpdates  = 1 << 10   // revisions
	maxStream   = 16 << 20  // bytes of one inflated stream
	maxInflated = 256 << 20 // bytes of all of them
	maxCached   = 16 << 20  // bytes of object streams kept
	maxRead     = 512 << 20 // bytes read, beside twice the file
)

// source reads the file until the context ends or too much has been read.
type source struct {
	ctx  context.Context
	r    io.ReaderAt
	size int64
	left int64 // bytes that may still be read
}

func newSource(ctx context.Context, r io.ReaderAt, size int64) *source {
	left := int64(maxRead)
	if size < 1<<60 {
		left += 2 * size
	}
	return &source{ctx: ctx, r: r, size: size, left: left}
}

// ReadAt is that of [io.ReaderAt]. Its errors are io.EOF or an [*Error].
func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= s.size {
		return 0, io.EOF
	}
	if s.ctx.Err() != nil {
		return 0, unread(context.Cause(s.ctx))
	}
	short := int64(len(p)) > s.size-off
	if short {
		p = p[:s.size-off]
	}
	if s.left -= int64(len(p)); s.left < 0 {
		return 0, tooLarge("too much of the file is to be read")
	}
	n, err := s.r.ReadAt(p, off)
	switch {
	case n == len(p) && short:
		return n, io.EOF
	case n == len(p):
		return n, nil
	case err == nil || errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF // shorter than its size
	}
	return n, unread(err)
}

// from reads on from an offset.
func (s *source) from(off int64) io.Reader {
	return io.NewSectionReader(s, off, max(s.size-off, 0))
}
