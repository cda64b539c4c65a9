package xmlsafe

import "fmt"

// Code says in a stable way why a document was refused.
type Code string

// The codes of [Error].
const (
	CodeRead        Code = "read"        // the source failed
	CodeSyntax      Code = "syntax"      // not well-formed
	CodeEncoding    Code = "encoding"    // not UTF-8, or another encoding declared
	CodeCharacter   Code = "character"   // a character that XML does not allow
	CodeDeclaration Code = "declaration" // a malformed XML declaration
	CodeDirective   Code = "directive"   // DOCTYPE, ENTITY and the like
	CodeInstruction Code = "instruction" // a processing instruction
	CodeComment     Code = "comment"     // a comment, where Limits refuse them
	CodeName        Code = "name"        // a name with a misplaced colon or first character
	CodePrefix      Code = "prefix"      // a prefix that is undeclared or reserved
	CodeDuplicate   Code = "duplicate"   // an attribute or a prefix twice in one element
	CodeEndTag      Code = "end_tag"     // an end that matches no start
	CodeRoot        Code = "root"        // no root, two of them, or text outside
	CodeBytes       Code = "bytes"       // longer than Limits.Bytes
	CodeDepth       Code = "depth"       // deeper than Limits.Depth
	CodeNodes       Code = "nodes"       // more than Limits.Nodes
	CodeAttributes  Code = "attributes"  // more than Limits.Attributes in one element
	CodeValue       Code = "value"       // well-formed, but not what Unmarshal was to fill
)

// Error tells why and where a document was refused.
type Error struct {
	Code   Code
	Line   int // counted from 1; 0 when unknown
	Reason string
	cause  error
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return "xmlsafe: " + e.Reason
	}
	return fmt.Sprintf("xmlsafe: line %d: %s", e.Line, e.Reason)
}

// Unwrap returns the error of the source or of encoding/xml, if any. Unlike
// Error, its text may quote the document.
func (e *Error) Unwrap() error { return e.cause }
