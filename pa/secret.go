package pa

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

const redacted = "[redacted]"

// Secret is a value that must not be shown: an API key, a voucher, a password.
// Whatever prints or marshals it gets a placeholder; [Secret.Reveal] is the
// one way to the value, so its uses can be searched for. The value sits behind
// a pointer: not even a reflecting printer shows it from an unexported field.
type Secret struct{ v *string }

// NewSecret wraps a value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{v: &value}
}

// Reveal returns the value.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// IsZero reports whether there is no value.
func (s Secret) IsZero() bool { return s.v == nil }

// Equal compares two secrets in constant time.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns a placeholder.
func (s Secret) String() string { return redacted }

// GoString returns a placeholder.
func (s Secret) GoString() string { return redacted }

// LogValue returns a placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format redacts under every verb.
func (s Secret) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, redacted) }

// UnmarshalText reads the value, so that a configuration file can hold one.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// Secret makes a fixed secret its own [SecretSource].
func (s Secret) Secret(context.Context) (Secret, error) { return s, nil }

// SecretSource gives the current value of a secret. It is asked at every
// attempt, so that a rotated one is taken up without a restart; it must be
// quick and safe for concurrent use.
type SecretSource interface {
	Secret(ctx context.Context) (Secret, error)
}

// SecretFunc makes a function a [SecretSource].
type SecretFunc func(ctx context.Context) (Secret, error)

// Secret calls f.
func (f SecretFunc) Secret(ctx context.Context) (Secret, error) { return f(ctx) }

// SecretFile is a [SecretSource] that reads the file of this name each time it
// is asked, as secret managers that mount files want it. Surrounding white
// space is dropped.
type SecretFile string

const maxSecretFile = 64 << 10

// Secret reads the file.
func (name SecretFile) Secret(context.Context) (Secret, error) {
	f, err := os.Open(string(name))
	if err != nil {
		return Secret{}, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return Secret{}, err
	}
	if len(data) > maxSecretFile {
		return Secret{}, fmt.Errorf("pa: secret file %s is larger than %d bytes", string(name), maxSecretFile)
	}
	s := NewSecret(strings.TrimSpace(string(data)))
	if s.IsZero() {
		return Secret{}, fmt.Errorf("pa: secret file %s is empty", string(name))
	}
	return s, nil
}

// SecretFromEnv returns the source named by an environment variable: the value
// of NAME, or the file named by NAME_FILE, which is read at every use. Both
// set is an error; neither gives nil.
func SecretFromEnv(name string) (SecretSource, error) {
	value, file := os.Getenv(name), os.Getenv(name+"_FILE")
	switch {
	case value != "" && file != "":
		return nil, &ValidationError{Subject: "environment", Findings: []Finding{{Path: name, Rule: "PA_ENV_TWICE", Severity: Invalid, Text: Text{
			IT: "Sono impostate sia " + name + " sia " + name + "_FILE: tenerne una.",
			EN: "both " + name + " and " + name + "_FILE are set: keep one"}}}}
	case value != "":
		return NewSecret(value), nil
	case file != "":
		return SecretFile(file), nil
	}
	return nil, nil
}

var errNoSecret = errors.New("pa: the secret source gave an empty value")
