package sendtest

import (
	"maps"

	"github.com/pa-italia/sdk-go/internal/sim"
)

// The form of F24 metadata, as the table of names, patterns and mandatory
// members of pn-f24 (docs/openapi/schemas-f24.yaml). No form has others.

type members = map[string]*sim.Schema

var (
	f24Code    = matching(`^[0-9A-Z]{4}$`)
	f24Year    = matching(`^[1-2][0-9]{3}$`)
	f24TaxCode = matching(`^([A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST]{1}[0-9LMNPQRSTUV]{2}[A-Z]{1}[0-9LMNPQRSTUV]{3}[A-Z]{1})|([0-9]{11})$`)
	f24Number  = matching(`^\d{11}$`)
	f24Office  = matching(`^[A-Z0-9]{3}$`)
	f24ID      = matching(`^[A-Z0-9]{2}$`)
	f24Act     = matching(`^[A-Z0-9]{17}$`)
	f24Period  = form(nil, members{"startDate": matching(`^[0-9]{6}$`), "endDate": matching(`^[0-9]{6}$`)})

	// What the rows of most sections have.
	f24Row = members{
		"applyCost": boolean, "taxType": f24Code, "installment": matching(`^[A-Z0-9]{0,4}$`), "year": f24Year,
		"debit": integer, "credit": integer,
	}
	f24Sum = members{"applyCost": boolean, "debit": integer, "credit": integer}

	f24Address = form(nil, members{
		"municipality": matching(`^[ -~]{1,40}$`), "province": matching(`^[A-Z]{2}$`), "address": matching(`^[ -~]{1,35}$`),
	})
	f24Personal = form([]string{"surname", "name", "birthDate", "sex"}, members{
		"surname": matching(`^[ -~]{1,24}$`), "name": matching(`^[ -~]{1,20}$`), "birthDate": matching(`^\d{2}-\d{2}-\d{4}$`),
		"sex": matching(`^[FM]$`), "birthPlace": matching(`^[ -~]{1,40}$`), "birthProvince": matching(`^[A-Z]{2}$`),
	})
	f24Company = members{"name": matching(`^[ -~]{1,60}$`), "taxAddress": f24Address}
	f24Payer   = members{
		"taxCode": f24TaxCode, "relativePersonTaxCode": f24TaxCode, "id": f24ID,
		"person":  form(nil, members{"personalData": f24Personal, "taxAddress": f24Address}),
		"company": form([]string{"name"}, f24Company),
	}

	f24Treasury = section(f24Row, nil, members{"office": f24Office, "document": f24Number})
	f24Inps     = section(f24Sum, members{
		"office": matching(`^[0-9]{3,4}$`), "reason": matching(`^[A-Z-]{3,4}$`), "inps": matching(`^[ -~]{0,17}$`), "period": f24Period,
	}, nil)
	f24Region   = section(f24Row, members{"region": matching(`^[0-9]{2}$`)}, nil)
	f24Property = members{
		"municipality": f24Code, "reconsideration": boolean, "propertiesChanges": boolean, "advancePayment": boolean,
		"fullPayment": boolean, "numberOfProperties": matching(`^[0-9]{3}$`),
	}
	f24Operation = members{"operationId": matching(`^[A-Z0-9]{18}$`)}
	f24LocalTax  = section(f24Row, f24Property, joined(f24Operation, members{"deduction": matching(`^[0-9]{3,15}$`)}), "municipality", "taxType")
	f24Social    = section(f24Sum, members{
		"office": matching(`^[0-9]{5}$`), "company": matching(`^[0-9]{8}$`), "control": matching(`^[0-9]{2}$`),
		"refNumber": matching(`^[0-9]{6}$`), "reason": matching(`^[A-Z0-9]$`),
	}, members{"socSecRecords": rows(f24Sum, members{
		"institution": matching(`^[0-9]{4}$`), "office": matching(`^[0-9A-Z]{5}$`), "reason": matching(`^[0-9A-Z]{3,4}$`),
		"position": matching(`^[0-9]{9}$`), "period": f24Period,
	})})
	f24Excise = section(members{"applyCost": boolean, "debit": integer}, members{
		"institution": matching(`^[A-Z]{2}$`), "province": matching(`^[A-Z]{2}$`), "id": f24Act, "taxType": f24Code,
		"installment": f24Row["installment"], "month": matching(`^[0-1][0-9]$`), "year": f24Year,
	}, members{"office": f24Office, "document": f24Number})
	f24Elid = section(members{"applyCost": boolean, "debit": integer}, members{
		"type": matching(`^[A-Z]$`), "id": f24Act, "taxType": f24Code, "year": f24Year,
	}, members{"office": f24Office, "document": f24Number})
	f24Simple = section(f24Row, joined(f24Property, members{"section": matching(`^(ER|RG|EL)$`)}), f24Operation, "section", "municipality", "taxType")
)

// f24Forms are the four forms, of which a document has exactly one.
var f24Forms = members{
	"f24Standard": atLeast(2, form([]string{"taxPayer"}, members{
		"taxPayer": payer(members{"isNotTaxYear": boolean}),
		"treasury": f24Treasury, "inps": f24Inps, "region": f24Region, "localTax": f24LocalTax, "socialSecurity": f24Social,
	})),
	"f24Simplified": form(nil, members{
		"taxPayer": form([]string{"taxCode"}, members{
			"taxCode": f24TaxCode, "relativePersonTaxCode": f24TaxCode, "id": f24ID, "document": f24Number, "office": f24Office,
			"personalData": f24Personal, "company": form([]string{"name"}, members{"name": f24Company["name"]}),
		}),
		"payments": f24Simple,
	}),
	"f24Excise": form(nil, members{
		"taxPayer": payer(members{"isNotTaxYear": boolean}),
		"treasury": f24Treasury, "inps": f24Inps, "region": f24Region, "localTax": f24LocalTax, "excise": f24Excise,
	}),
	"f24Elid": form(nil, members{"taxPayer": payer(nil), "treasury": f24Elid}),
}

func matching(pattern string) *sim.Schema { return text(0, 0, pattern) }

func form(required []string, props members) *sim.Schema { return closed(objectOf(required, props)) }

func atLeast(n int, s *sim.Schema) *sim.Schema { s.MinProps = n; return s }

func joined(a, b members) members {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func payer(more members) *sim.Schema { return form([]string{"taxCode"}, joined(f24Payer, more)) }

// rows are the rows of a section, each of which says whether it takes the cost.
func rows(base, more members, required ...string) *sim.Schema {
	return list(form(append([]string{"applyCost"}, required...), joined(base, more)), 0, 0)
}

func section(base, more, beside members, required ...string) *sim.Schema {
	return form(nil, joined(members{"records": rows(base, more, required...)}, beside))
}

// validF24 reports whether a document is F24 metadata: exactly one form, whose
// members are those of the table, and the cost on one row where the payment
// asks for it and on none elsewhere. A form without any member is taken as it
// is.
func validF24(data []byte, applyCost bool) bool {
	tree, err := sim.Tree(data, 0)
	if err != nil {
		return false
	}
	document, ok := tree.(map[string]any)
	if !ok || len(document) != 1 {
		return false
	}
	for name, content := range document {
		schema := f24Forms[name]
		if fields, ok := content.(map[string]any); ok && schema != nil && len(fields) == 0 {
			return true
		}
		if schema == nil || len(schema.Check(content)) > 0 {
			return false
		}
	}
	want := 0
	if applyCost {
		want = 1
	}
	return costRows(tree) == want
}

// costRows counts the rows with applyCost.
func costRows(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		if v["applyCost"] == true {
			n++
		}
		for _, child := range v {
			n += costRows(child)
		}
	case []any:
		for _, child := range v {
			n += costRows(child)
		}
	}
	return n
}
