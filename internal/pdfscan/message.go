package pdfscan

import (
	"bytes"
	"encoding/asn1"
	"time"
)

// Object identifiers, as they are encoded.
const (
	oidSignedData    = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"         // RFC 5652
	oidEnvelopedData = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"         // RFC 5652
	oidSigningTime   = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05"         // RFC 5652 section 11.3
	oidTimeStamp     = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0e" // RFC 3161 appendix A
	oidTSTInfo       = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04" // RFC 3161 section 2.4.2
	oidStampedData   = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x1f" // RFC 5544, .tsd
	oidCommonName    = "\x55\x04\x03"
)

// Identifier octets.
const (
	tagInteger  = 0x02
	tagOctets   = 0x04
	tagOID      = 0x06
	tagBMP      = 0x1e
	tagSequence = 0x30
	tagSet      = 0x31
	tagContext0 = 0xa0
	tagContext1 = 0xa1
)

// element is an element of BER, of which DER is a part. Messages of indefinite
// length are common in signatures, so encoding/asn1 alone is not enough.
type element struct {
	tag  byte
	raw  []byte // whole
	body []byte
}

const (
	maxNesting  = 24      // elements of indefinite length within each other
	maxChildren = 1 << 12 // elements in one
)

// readElement splits off the first element. Tags of more than one octet, which
// these messages do not have, are refused.
func readElement(b []byte, depth int) (e element, rest []byte, ok bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f || depth > maxNesting {
		return e, nil, false
	}
	e.tag = b[0]
	length, at := int(b[1]), 2
	switch {
	case length == 0x80:
		return readIndefinite(b, depth)
	case length > 0x80:
		octets := length - 0x80
		if octets > 4 || len(b) < 2+octets {
			return e, nil, false
		}
		var n int64
		for _, c := range b[2 : 2+octets] {
			n = n<<8 | int64(c)
		}
		if n > int64(len(b)) {
			return e, nil, false
		}
		length, at = int(n), 2+octets
	}
	if length > len(b)-at {
		return e, nil, false
	}
	e.raw, e.body = b[:at+length], b[at:at+length]
	return e, b[at+length:], true
}

// readIndefinite splits off an element that ends with two zero octets.
func readIndefinite(b []byte, depth int) (e element, rest []byte, ok bool) {
	if b[0]&0x20 == 0 {
		return e, nil, false
	}
	in := b[2:]
	for !bytes.HasPrefix(in, []byte{0, 0}) {
		if _, in, ok = readElement(in, depth+1); !ok {
			return e, nil, false
		}
	}
	end := len(b) - len(in)
	return element{tag: b[0], raw: b[:end+2], body: b[2:end]}, in[2:], true
}

// children splits the body of an element, as far as it can be.
func (e element) children() []element {
	var out []element
	for b := e.body; len(b) > 0 && len(out) < maxChildren; {
		child, rest, ok := readElement(b, 0)
		if !ok {
			break
		}
		out = append(out, child)
		b = rest
	}
	return out
}

// child returns one of the children, or an element of no tag.
func child(of []element, i int) element {
	if i >= len(of) {
		return element{}
	}
	return of[i]
}

// content returns the content of a message of that type.
func content(b []byte, oid string) (element, bool) {
	message, _, ok := readElement(b, 0)
	if !ok || message.tag != tagSequence {
		return element{}, false
	}
	parts := message.children()
	if kind := child(parts, 0); kind.tag != tagOID || string(kind.body) != oid {
		return element{}, false
	}
	return child(child(parts, 1).children(), 0), true
}

// message is what a CMS message declares of its first signer.
type message struct {
	signer  string
	signed  time.Time
	stamped time.Time
}

// parseMessage reads SignedData (RFC 5652 section 5), after which a signature
// dictionary is filled up with zeros. Nothing is verified.
func parseMessage(b []byte) (message, bool) {
	data, ok := content(b, oidSignedData)
	if !ok || data.tag != tagSequence {
		return message{}, false
	}
	parts := data.children()
	if len(parts) < 4 {
		return message{}, false
	}
	var m message
	m.stamped = stampTime(child(parts, 2)) // of a document time stamp
	var certificates []element
	for _, part := range parts {
		if part.tag == tagContext0 {
			certificates = part.children()
		}
	}
	signer := child(parts[len(parts)-1].children(), 0).children()
	m.signer = signerName(certificates, child(signer, 1))
	for _, part := range signer {
		switch part.tag {
		case tagContext0:
			if v, ok := attribute(part, oidSigningTime); ok {
				m.signed = timeOf(v)
			}
		case tagContext1:
			if v, ok := attribute(part, oidTimeStamp); ok {
				if token, ok := content(v.raw, oidSignedData); ok {
					m.stamped = stampTime(child(token.children(), 2))
				}
			}
		}
	}
	return m, true
}

// stampTime returns genTime where the content of a message is TSTInfo (RFC 3161
// section 2.4.2), else the zero time.
func stampTime(encapsulated element) time.Time {
	parts := encapsulated.children()
	if string(child(parts, 0).body) != oidTSTInfo {
		return time.Time{}
	}
	info, _, ok := readElement(octets(child(child(parts, 1).children(), 0)), 0)
	if !ok {
		return time.Time{}
	}
	return timeOf(child(info.children(), 4))
}

// octets returns an octet string, which BER can cut into pieces.
func octets(e element) []byte {
	if e.tag == tagOctets {
		return e.body
	}
	var out []byte
	for _, piece := range e.children() {
		if piece.tag == tagOctets {
			out = append(out, piece.body...)
		}
	}
	return out
}

// attribute returns the first value of an attribute.
func attribute(set element, oid string) (element, bool) {
	for _, a := range set.children() {
		parts := a.children()
		if string(child(parts, 0).body) == oid {
			return child(child(parts, 1).children(), 0), true
		}
	}
	return element{}, false
}

func timeOf(e element) time.Time {
	var t time.Time
	if _, err := asn1.Unmarshal(e.raw, &t); err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// signerName returns the common name in the certificate that issuer and serial
// number name. A message that names it by its key has it only where there is a
// single certificate.
func signerName(certificates []element, sid element) string {
	for _, c := range certificates {
		tbs := child(c.children(), 0).children()
		if child(tbs, 0).tag == tagContext0 { // the version
			tbs = tbs[1:]
		}
		serial, issuer, subject := child(tbs, 0), child(tbs, 2), child(tbs, 4)
		named := child(sid.children(), 0)
		number := child(sid.children(), 1)
		same := serial.tag == tagInteger && bytes.Equal(serial.raw, number.raw) && bytes.Equal(issuer.raw, named.raw)
		if same || sid.tag != tagSequence && len(certificates) == 1 {
			return commonName(subject)
		}
	}
	return ""
}

// commonName returns the last common name of a distinguished name.
func commonName(subject element) string {
	var out string
	for _, set := range subject.children() {
		for _, pair := range set.children() {
			parts := pair.children()
			if string(child(parts, 0).body) != oidCommonName {
				continue
			}
			value := child(parts, 1)
			if value.tag == tagBMP {
				out = readable(wide(value.body, 0))
			} else {
				out = narrow(value.body)
			}
		}
	}
	return out
}
