package xmlsafe

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
)

// Unmarshal decodes a document into v like [xml.Unmarshal], and checks all of
// it, also what follows the root and what v has no field for. Fields tagged
// ",innerxml" stay empty, because the decoder sees tokens and not bytes.
func Unmarshal(data []byte, v any, limits Limits) error {
	reader := NewReader(bytes.NewReader(data), limits)
	if err := xml.NewTokenDecoder(reader).Decode(v); err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			return e
		}
		return reader.fault(CodeValue, "a value is not of the type expected, or the root is another element", err)
	}
	return drain(reader)
}

// Check reads a document to its end, for parsers that need its bytes.
func Check(data []byte, limits Limits) error {
	return drain(NewReader(bytes.NewReader(data), limits))
}

func drain(reader *Reader) error {
	for {
		if _, err := reader.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
