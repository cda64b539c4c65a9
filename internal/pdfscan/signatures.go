package pdfscan

import "time"

// Signature is what a signature of the document declares. None of it is
// verified: not the digest, not the certificate, not the time.
type Signature struct {
	// Timestamp marks a time stamp on the document (DocTimeStamp), whose
	// Signer is a time stamping authority.
	Timestamp bool
	Name      string    // of the signature dictionary
	Reason    string    // of the signature dictionary
	Date      time.Time // M of the signature dictionary; zero where there is none

	Signer  string    // common name in the certificate that the message names as the signer's
	Signed  time.Time // signing time in the message; zero where there is none
	Stamped time.Time // time in the time stamp of the signature; zero where there is none
}

// maxSignatures is how many signatures are read; there is one for each revision
// at most.
const maxSignatures = maxUpdates

// form walks over the fields of the interactive form.
type form struct {
	f     *file
	seen  map[ref]bool
	found []Signature
}

func (f *file) signatures(acroForm any) ([]Signature, error) {
	d, err := resolved[dict](f, acroForm)
	if err != nil {
		return nil, err
	}
	w := form{f: f, seen: map[ref]bool{}}
	err = w.fields(d["Fields"], nil, 0)
	return w.found, err
}

func (w *form) fields(v, kind any, depth int) error {
	if depth > maxDepth {
		return tooLarge("the form is nested too deeply")
	}
	list, err := resolved[array](w.f, v)
	if err != nil {
		return err
	}
	for _, v := range list {
		if num, ok := v.(ref); ok {
			if w.seen[num] {
				continue
			}
			w.seen[num] = true
		}
		if err := w.field(v, kind, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *form) field(v, kind any, depth int) error {
	field, err := resolved[dict](w.f, v)
	if err != nil {
		return err
	}
	if field["FT"] != nil {
		if kind, err = w.f.resolve(field["FT"]); err != nil {
			return err
		}
	}
	if kind == name("Sig") {
		if err := w.signature(field["V"]); err != nil {
			return err
		}
	}
	return w.fields(field["Kids"], kind, depth+1)
}

// signature reads the value of a field, which has none until somebody signs.
func (w *form) signature(v any) error {
	d, err := resolved[dict](w.f, v)
	if err != nil || d == nil {
		return err
	}
	if num, ok := v.(ref); ok {
		if w.seen[num] {
			return nil
		}
		w.seen[num] = true
	}
	parts, err := resolved[array](w.f, d["ByteRange"])
	if err != nil || len(parts) < 4 {
		return err // it says nothing of what is signed
	}
	var fields [4]str
	for i, key := range []name{"Contents", "Name", "Reason", "M"} {
		if fields[i], err = resolved[str](w.f, d[key]); err != nil {
			return err
		}
	}
	if len(w.found) >= maxSignatures {
		return tooLarge("there are too many signatures")
	}
	s := Signature{
		Timestamp: d["Type"] == name("DocTimeStamp") || d["SubFilter"] == name("ETSI.RFC3161"),
		Name:      text(fields[1]), Reason: text(fields[2]), Date: date(fields[3]),
	}
	if m, ok := parseMessage([]byte(fields[0])); ok {
		s.Signer, s.Signed, s.Stamped = m.signer, m.signed, m.stamped
	}
	w.found = append(w.found, s)
	return nil
}
