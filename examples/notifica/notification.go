package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pa-italia/sdk-go/examples/internal/access"
	"github.com/pa-italia/sdk-go/send"
)

// read returns the notification of -dati with the files of -atto and -avviso.
func read(o *options) (send.Notification, send.Files, error) {
	data, err := os.ReadFile(o.data)
	if err != nil {
		return send.Notification{}, nil, fileFault("-dati", o.data, err)
	}
	n, err := decode(o.data, data)
	if err != nil {
		return send.Notification{}, nil, err
	}
	files, err := attach(&n, o.acts, o.notices)
	return n, files, err
}

// decode reads a notification, strictly: a field that SEND does not have is
// one whose name was mistyped, and would be lost without a word. The error
// shows names and lines, never values.
func decode(name string, data []byte) (send.Notification, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // Windows editors put it there
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var n send.Notification
	err := dec.Decode(&n)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return n, nil
		}
		return n, jsonFault(name, data, dec.InputOffset(), "dopo la fine dei dati c'è altro.", "there is more after the end of the data")
	}
	if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return n, jsonFault(name, data, bad.Offset, "il campo "+strconv.Quote(bad.Field)+" non è del tipo giusto: vedere la richiesta di notifica di SEND.",
			"the field "+strconv.Quote(bad.Field)+" is of the wrong type")
	}
	if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
		return n, jsonFault(name, data, bad.Offset, "non è un JSON valido da qui in poi.", "not valid JSON from here on")
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return n, jsonFault(name, data, int64(bytes.Index(data, []byte(field))), "il campo "+field+" non esiste nella richiesta di notifica di SEND.",
			"the field "+field+" does not exist in a request for notification of SEND")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, jsonFault(name, data, int64(len(data)), "il JSON finisce prima del dovuto.", "the JSON ends too early")
	}
	return n, jsonFault(name, data, dec.InputOffset(), "un valore non ha la forma giusta: le date sono AAAA-MM-GG.", "a value does not have the right form: dates are YYYY-MM-DD")
}

func jsonFault(name string, data []byte, offset int64, it, en string) error {
	line := 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
	return access.Fault(fmt.Sprintf("-dati %s, riga %d", filepath.Base(name), line), it, en)
}

// fileFault says why a file cannot be used.
func fileFault(flag, name string, err error) error {
	path := flag + " " + name
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return access.Fault(path, "il file non esiste.", "the file does not exist")
	case errors.Is(err, fs.ErrPermission):
		return access.Fault(path, "manca il permesso di leggerlo o di scriverlo.", "it may not be read or written")
	}
	return access.Fault(path, "non si può usare: "+err.Error(), "it cannot be used: "+err.Error())
}
