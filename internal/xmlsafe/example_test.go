package xmlsafe_test

import (
	"errors"
	"fmt"

	"github.com/pa-italia/sdk-go/internal/xmlsafe"
)

func ExampleUnmarshal() {
	var receipt struct {
		Amount string `xml:"amount"`
	}
	document := []byte(`<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><amount>&x;</amount></r>`)
	err := xmlsafe.Unmarshal(document, &receipt, xmlsafe.Limits{})
	if e, ok := errors.AsType[*xmlsafe.Error](err); ok {
		fmt.Println(e.Code)
		fmt.Println(e)
	}
	// Output:
	// directive
	// xmlsafe: line 1: directives such as DOCTYPE are not accepted
}
