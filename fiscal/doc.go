// Package fiscal holds the identifiers and amounts that every Italian public
// platform uses: the tax code ([TaxID], codice fiscale), the VAT number
// ([VATNumber], partita IVA), the bank account number ([IBAN]) and euro cents
// ([Cents]).
//
// # Parsing
//
// The Parse functions are strict: they check form and check characters, turn
// lower case into upper case, and refuse everything else, blanks included.
// Their error is an [*Error] with a stable code, a text for a clerk in Italian
// and English, and never the value.
//
// Unmarshalling is lenient, because a document from a platform must decode
// even when one code in it is wrong: what would parse is kept in its canonical
// form, anything else exactly as received. Valid tells which of the two it is.
//
//	var reply struct {
//		Debtor fiscal.TaxID `json:"debtor"`
//	}
//	if err := json.Unmarshal(data, &reply); err != nil {
//		return err
//	}
//	if err := reply.Debtor.Valid(); err != nil {
//		// received, but not a tax code
//	}
//
// # Personal data
//
// TaxID, VATNumber and IBAN are written in full only by Value and when they
// are marshalled to text, JSON or XML. Whatever prints them (String, every
// verb of fmt, log/slog) shows a mask where the value can identify a person:
//
//   - the code of a person, temporary codes included, is all asterisks;
//   - the code of an organization and a VAT number are public and shown;
//   - an IBAN shows its country and last four characters;
//   - what is not valid could be anything, and is shown as "***".
//
// The mask holds inside other structs, in unexported fields too. It cannot
// hold where a logger marshals a whole struct to JSON, which is what
// [log/slog.JSONHandler] does with struct values: log the fields one by one.
//
// The values are comparable, usable as map keys, and their zero value is
// "no value": IsZero is true, so the JSON option omitzero leaves it out.
package fiscal
