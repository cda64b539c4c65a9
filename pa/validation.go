package pa

import (
	"fmt"
	"strings"
)

// Severity is how certain a local rule is.
type Severity int

const (
	// Warning marks a rule known only from development settings, test data
	// or sources that disagree: the platform may accept what breaks it.
	Warning Severity = iota
	// Invalid marks a rule of the schema, of the law or of a check digit:
	// the platform would refuse.
	Invalid
)

// String returns "warning" or "error".
func (s Severity) String() string {
	if s == Invalid {
		return "error"
	}
	return "warning"
}

// Finding is one broken rule. It names the field, never its value.
type Finding struct {
	Path     string // like recipients[0].taxId, in the names of the platform
	Rule     string // stable code of the rule
	Severity Severity
	Text     Text // what is wrong and what to do
}

// String returns path, rule and English text.
func (f Finding) String() string {
	if f.Path == "" {
		return fmt.Sprintf("%s: %s", f.Rule, f.Text.EN)
	}
	return fmt.Sprintf("%s: %s: %s", f.Path, f.Rule, f.Text.EN)
}

// ValidationError is what was found wrong before any network was touched: all
// of it at once. It is ErrInvalid to [errors.Is].
type ValidationError struct {
	Subject  string // what was checked, like "send.Notification" or "send.Config"
	Findings []Finding
}

// NewValidationError returns nil when none of the findings is [Invalid], else
// an error with those that are.
func NewValidationError(subject string, findings []Finding) error {
	var bad []Finding
	for _, f := range findings {
		if f.Severity == Invalid {
			bad = append(bad, f)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return &ValidationError{Subject: subject, Findings: bad}
}

// Error lists all findings, one a line after the first.
func (e *ValidationError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is not valid", e.Subject)
	for i, f := range e.Findings {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("\n\t")
		}
		b.WriteString(f.String())
	}
	return b.String()
}

// Message lists all findings in one language, one a line.
func (e *ValidationError) Message(lang Lang) string {
	lines := make([]string, len(e.Findings))
	for i, f := range e.Findings {
		lines[i] = f.Text.In(lang)
		if f.Path != "" {
			lines[i] = f.Path + ": " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// ErrorCode returns the code of the first broken rule.
func (e *ValidationError) ErrorCode() string {
	if len(e.Findings) == 0 {
		return ErrInvalid.code
	}
	return e.Findings[0].Rule
}

// Is makes a validation error an ErrInvalid.
func (e *ValidationError) Is(target error) bool { return target == error(ErrInvalid) }
