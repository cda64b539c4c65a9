package pdfscan

// Code says in a stable way why a file could not be read.
type Code string

// The codes of [Error].
const (
	CodeRead    Code = "read"    // the source failed, or the context ended
	CodeNotPDF  Code = "not_pdf" // no PDF header near the beginning
	CodeDamaged Code = "damaged" // the structure cannot be followed
	CodeLimit   Code = "limit"   // larger or more nested than the package reads
)

// Error tells why a file could not be read.
type Error struct {
	Code   Code
	Reason string
	cause  error
}

func (e *Error) Error() string {
	if e.cause != nil {
		return "pdfscan: " + e.Reason + ": " + e.cause.Error()
	}
	return "pdfscan: " + e.Reason
}

// Unwrap returns the error of the source or of the context, if any.
func (e *Error) Unwrap() error { return e.cause }

func damaged(reason string) error { return &Error{Code: CodeDamaged, Reason: reason} }
func tooLarge(what string) error  { return &Error{Code: CodeLimit, Reason: what} }
func unread(cause error) error {
	return &Error{Code: CodeRead, Reason: "the file cannot be read", cause: cause}
}
