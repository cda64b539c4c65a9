package pdfscan

import (
	"bytes"
	"encoding/base64"
)

// EnvelopeHead is how many bytes from the beginning [Envelope] needs at most.
const EnvelopeHead = 1 << 10

// Envelope reports whether a file that begins with head is a CMS message (RFC
// 5652): a .p7m with its content inside, an encrypted one, or one with a time
// stamp (.tsd, RFC 5544). It can be in BER or DER, or in base64 with or without
// the lines of PEM.
func Envelope(head []byte) bool {
	head = head[:min(len(head), EnvelopeHead)]
	if enveloped(head) {
		return true
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), " \t\r\n")
	if after, ok := bytes.CutPrefix(text, []byte("-----BEGIN ")); ok {
		_, text, ok = bytes.Cut(after, []byte("-----"))
		if !ok {
			return false
		}
	}
	// Enough to know: the head of a message is some twenty bytes.
	var clean [64]byte
	n := 0
	for _, c := range text {
		if n == len(clean) {
			break
		}
		if c > ' ' {
			clean[n] = c
			n++
		}
	}
	var raw [48]byte
	decoded, err := base64.StdEncoding.Decode(raw[:], clean[:n/4*4])
	return err == nil && enveloped(raw[:decoded])
}

// enveloped reports whether b begins like ContentInfo of a known type. Its
// length is beyond what is at hand.
func enveloped(b []byte) bool {
	if len(b) < 2 || b[0] != tagSequence {
		return false
	}
	octets := 0
	if b[1] > 0x80 {
		octets = int(b[1] - 0x80)
	}
	if octets > 8 || len(b) < 2+octets {
		return false
	}
	kind, _, ok := readElement(b[2+octets:], 0)
	if !ok || kind.tag != tagOID {
		return false
	}
	switch string(kind.body) {
	case oidSignedData, oidEnvelopedData, oidStampedData:
		return true
	}
	return false
}
