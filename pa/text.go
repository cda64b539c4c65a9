package pa

import (
	"errors"
)

// Lang is the language of a text for people.
type Lang string

const (
	Italian Lang = "it"
	English Lang = "en"
)

// Text is a sentence for people in both languages.
type Text struct {
	IT string `json:"it"`
	EN string `json:"en"`
}

// In returns the text in the given language; anything but Italian gives English.
func (t Text) In(lang Lang) string {
	if lang == Italian {
		return t.IT
	}
	return t.EN
}

// IsZero reports whether there is no text.
func (t Text) IsZero() bool { return t == Text{} }

// Sentinel is an error that code branches on, with a stable code and a text
// for a clerk. Sentinels are compared by identity with [errors.Is].
type Sentinel struct {
	code string
	text Text
}

// NewSentinel makes a sentinel. The code is upper case, prefixed by the name
// of the package that owns it, and never changes.
func NewSentinel(code string, text Text) *Sentinel { return &Sentinel{code: code, text: text} }

// Error returns the English text after the code.
func (s *Sentinel) Error() string { return s.code + ": " + s.text.EN }

// Text returns the text in both languages.
func (s *Sentinel) Text() Text { return s.text }

// Message returns what is wrong and what to do.
func (s *Sentinel) Message(lang Lang) string { return s.text.In(lang) }

// messenger is what [Message] looks for along the chain of an error.
type messenger interface{ Message(Lang) string }

// coder is what [CodeOf] looks for along the chain of an error.
type coder interface{ ErrorCode() string }

// ErrorCode returns the stable code, as [CodeOf] wants it.
func (s *Sentinel) ErrorCode() string { return s.code }

// Message returns the text for a clerk of the first error in the chain that
// has one, or err.Error() where none has.
func Message(err error, lang Lang) string {
	if err == nil {
		return ""
	}
	var m messenger
	if errors.As(err, &m) {
		return m.Message(lang)
	}
	return err.Error()
}

// CodeOf returns the stable code of the first error in the chain that has one, else "".
func CodeOf(err error) string {
	var c coder
	if errors.As(err, &c) {
		return c.ErrorCode()
	}
	return ""
}
