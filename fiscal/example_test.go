package fiscal_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pa-italia/sdk-go/fiscal"
)

func ExampleParseTaxID() {
	_, err := fiscal.ParseTaxID("BNCXYZ80F41Z999A")
	if e, ok := errors.AsType[*fiscal.Error](err); ok {
		fmt.Println(e.Code, e.Position)
		fmt.Println(e.Message("it"))
	}
	// Output:
	// tax_id_character 9
	// Il codice fiscale ha un carattere non ammesso in quella posizione: confrontalo con il documento (carattere 9)
}

// A person's code is masked wherever it is printed, and in full where it is
// sent.
func ExampleTaxID() {
	check, err := fiscal.CheckChar("BNCXYZ80A41Z999")
	if err != nil {
		fmt.Println(err)
		return
	}
	person, err := fiscal.ParseTaxID("BNCXYZ80A41Z999" + string(check))
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := json.Marshal(map[string]fiscal.TaxID{"taxId": person})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(person)
	fmt.Println(len(body), "bytes sent")
	// Output:
	// ****************
	// 28 bytes sent
}

func ExampleTaxID_UnmarshalJSON() {
	var reply struct {
		Debtor fiscal.TaxID `json:"debtor"`
	}
	if err := json.Unmarshal([]byte(`{"debtor":"ANONIMO"}`), &reply); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reply.Debtor.Value(), reply.Debtor.Valid() == nil)
	// Output: ANONIMO false
}

func ExampleIBAN_Domestic() {
	iban, err := fiscal.ParseIBAN("IT60 X054 2811 1010 0000 0123 456")
	if err != nil {
		fmt.Println(err)
		return
	}
	account, _ := iban.Domestic()
	fmt.Println(iban, account.ABI, account.CAB)
	// Output: IT*********************3456 05428 11101
}

func ExampleCents() {
	amount, err := fiscal.ParseCents("1234,56")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(int64(amount))
	fmt.Println(amount.Text("it"))
	fmt.Println(amount.Decimal())
	// Output:
	// 123456
	// 1.234,56 €
	// 1234.56
}
