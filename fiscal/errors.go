package fiscal

import "strconv"

// Code says in a stable way what is wrong with a value.
type Code string

// The codes of [Error].
const (
	CodeTaxIDLength    Code = "tax_id_length"        // neither 16 nor 11 characters
	CodeTaxIDCharacter Code = "tax_id_character"     // a character that cannot be where it is
	CodeTaxIDBirthDate Code = "tax_id_birth_date"    // the day of birth does not exist
	CodeTaxIDCheck     Code = "tax_id_check"         // the check character does not match
	CodeTaxIDZero      Code = "tax_id_zero"          // all digits are zero
	CodeVATLength      Code = "vat_number_length"    // not 11 digits
	CodeVATCharacter   Code = "vat_number_character" // something other than a digit
	CodeVATCheck       Code = "vat_number_check"     // the check digit does not match
	CodeVATZero        Code = "vat_number_zero"      // all digits are zero
	CodeIBANLength     Code = "iban_length"          // not the length of its country
	CodeIBANCharacter  Code = "iban_character"       // a character that cannot be where it is
	CodeIBANCountry    Code = "iban_country"         // the country issues no IBAN
	CodeIBANCheck      Code = "iban_check"           // the two check digits do not match
	CodeIBANCIN        Code = "iban_cin"             // the Italian check letter does not match
	CodeAmountFormat   Code = "amount_format"        // not euros with two decimals
	CodeAmountRange    Code = "amount_range"         // outside the range of int64 cents
	CodeJSON           Code = "json"                 // a malformed JSON string
)

// Error tells what is wrong with a value, and never contains it.
type Error struct {
	Code     Code
	Position int // of the wrong character, counted from 1; 0 when it is not one character
}

// Error returns the English message.
func (e *Error) Error() string { return "fiscal: " + e.Message("en") }

// Message returns what is wrong and what to do, for a clerk, in Italian for
// "it" and in English for any other language.
func (e *Error) Message(lang string) string {
	text, position := messages[e.Code].english, "character"
	if lang == "it" {
		text, position = messages[e.Code].italian, "carattere"
	}
	if text == "" {
		text = string(e.Code)
	}
	if e.Position > 0 {
		text += " (" + position + " " + strconv.Itoa(e.Position) + ")"
	}
	return text
}

type message struct{ italian, english string }

var messages = map[Code]message{
	CodeTaxIDLength: {
		"Il codice fiscale deve avere 16 caratteri, o 11 cifre se è numerico: ricopialo per intero, senza spazi",
		"A tax code has 16 characters, or 11 digits if it is numeric: copy all of it, without blanks",
	},
	CodeTaxIDCharacter: {
		"Il codice fiscale ha un carattere non ammesso in quella posizione: confrontalo con il documento",
		"The tax code has a character that is not possible in its place: compare it with the document",
	},
	CodeTaxIDBirthDate: {
		"Il giorno di nascita nel codice fiscale non esiste: confronta il codice con il documento",
		"The day of birth in the tax code does not exist: compare the code with the document",
	},
	CodeTaxIDCheck: {
		"Il carattere di controllo del codice fiscale non corrisponde: c'è un errore di battitura, ricontrolla tutto il codice",
		"The check character of the tax code does not match: there is a typing error, check the whole code",
	},
	CodeTaxIDZero: {
		"Il codice fiscale è composto di soli zeri: inserisci quello dell'ente o della persona",
		"The tax code is all zeros: enter the one of the organization or person",
	},
	CodeVATLength: {
		"La partita IVA deve avere 11 cifre: ricopiala per intero, senza spazi",
		"A VAT number has 11 digits: copy all of it, without blanks",
	},
	CodeVATCharacter: {
		"La partita IVA può contenere solo cifre: togli gli altri caratteri",
		"A VAT number has digits only: remove the other characters",
	},
	CodeVATCheck: {
		"La cifra di controllo della partita IVA non corrisponde: c'è un errore di battitura, ricontrolla tutte le cifre",
		"The check digit of the VAT number does not match: there is a typing error, check all digits",
	},
	CodeVATZero: {
		"La partita IVA è composta di soli zeri: inserisci quella vera",
		"The VAT number is all zeros: enter the real one",
	},
	CodeIBANLength: {
		"L'IBAN non ha la lunghezza prevista per il suo paese (27 caratteri per l'Italia): ricopialo per intero",
		"The IBAN does not have the length of its country (27 characters for Italy): copy all of it",
	},
	CodeIBANCharacter: {
		"L'IBAN ha un carattere non ammesso in quella posizione: usa lettere e cifre, senza spazi oppure a gruppi di quattro",
		"The IBAN has a character that is not possible in its place: use letters and digits, without blanks or in groups of four",
	},
	CodeIBANCountry: {
		"L'IBAN inizia con un paese che non emette IBAN: controlla le prime due lettere",
		"The IBAN begins with a country that issues none: check the first two letters",
	},
	CodeIBANCheck: {
		"Le cifre di controllo dell'IBAN non corrispondono: c'è un errore di battitura, ricontrolla tutto il codice",
		"The check digits of the IBAN do not match: there is a typing error, check the whole code",
	},
	CodeIBANCIN: {
		"La lettera di controllo (CIN) dell'IBAN non corrisponde: ricontrolla ABI, CAB e numero di conto",
		"The check letter (CIN) of the IBAN does not match: check the bank, branch and account numbers",
	},
	CodeAmountFormat: {
		"L'importo va scritto in euro con due decimali e senza separatore delle migliaia, per esempio 12,34",
		"Write the amount in euros with two decimals and no thousands separator, for example 12.34",
	},
	CodeAmountRange: {
		"L'importo è troppo grande per essere calcolato: controlla le cifre",
		"The amount is too large to be computed: check the figures",
	},
	CodeJSON: {
		"Il testo ricevuto non è JSON valido: chiedi a chi l'ha inviato di ripetere l'invio",
		"The text received is not valid JSON: ask the sender to send it again",
	},
}
