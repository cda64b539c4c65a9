package sendtest

import (
	"maps"
	"mime"
	"net/http"
	"regexp"

	"github.com/pa-italia/sdk-go/internal/sim"
)

// The request schemas of the production OpenAPI bundle 2.24.2, as the gateway
// checks them.

func text(minLen, maxLen int, pattern string, enum ...string) *sim.Schema {
	s := &sim.Schema{Type: "string", MinLen: minLen, MaxLen: maxLen, Enum: enum}
	if pattern != "" {
		s.Pattern = regexp.MustCompile(pattern)
	}
	return s
}

func list(items *sim.Schema, minItems, maxItems int) *sim.Schema {
	return &sim.Schema{Type: "array", Items: items, MinItems: minItems, MaxItems: maxItems}
}

func objectOf(required []string, props map[string]*sim.Schema) *sim.Schema {
	return &sim.Schema{Type: "object", Required: required, Props: props}
}

func closed(s *sim.Schema) *sim.Schema { s.Closed = true; return s }

var (
	boolean = &sim.Schema{Type: "boolean"}
	integer = &sim.Schema{Type: "integer"}
	percent = &sim.Schema{Type: "integer", Min: 0, Max: 100}
	line    = `^.*$`

	taxIDSchema   = text(11, 16, `^([A-Z]{6}[0-9LMNPQRSTUV]{2}[A-Z]{1}[0-9LMNPQRSTUV]{2}[A-Z]{1}[0-9LMNPQRSTUV]{3}[A-Z]{1})|([0-9]{11})$`)
	paTaxIDSchema = text(11, 11, `^\d+$`)
	noticeSchema  = text(18, 18, `^\d+$`)
	iunSchema     = text(25, 25, `^[A-Z]{4}-[A-Z]{4}-[A-Z]{4}-[0-9]{6}-[A-Z]{1}-[0-9]{1}$`)
	sha256Schema  = text(44, 44, `^[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{44}$`)
	cursorSchema  = text(38, 38, `^0\d{37}$`)
	denomination  = text(1, 88, line)

	preloadSchema = list(objectOf([]string{"sha256"}, map[string]*sim.Schema{
		"preloadIdx":  text(1, 512, `^[a-zA-Z0-9._-]{1,512}$`),
		"contentType": text(15, 16, `^application/(pdf|json)$`),
		"sha256":      sha256Schema,
	}), 1, 0) // more than 15 are left to the service, which answers with its own code

	emailPattern = `^(?:[a-zA-Z0-9!#$%&'*+/=?^_` + "`" + `{|}~-]+(?:\.[a-zA-Z0-9!#$%&'*+/=?^_` + "`" + `{|}~-]+)*|"(?:[\x01-\x08\x0b\x0c\x0e-\x1f\x21\x23-\x5b\x5d-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*")@(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?|\[(?:(?:25[0-5]|2[0-4]\d|[01]?\d\d?)\.){3}(?:25[0-5]|2[0-4]\d|[01]?\d\d?|[a-zA-Z0-9-]*[a-zA-Z0-9]:(?:[\x01-\x08\x0b\x0c\x0e-\x1f\x21-\x5a\x53-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])+)\])$`

	digitalSchema = objectOf([]string{"type", "address"}, map[string]*sim.Schema{
		"type":    text(0, 0, "", "PEC"),
		"address": text(0, 320, emailPattern),
	})
	physicalSchema = objectOf([]string{"address", "municipality"}, map[string]*sim.Schema{
		"at":                  text(0, 44, line),
		"address":             text(2, 1024, line),
		"addressDetails":      text(0, 1024, line),
		"zip":                 text(0, 15, `^(\w|\ |\-)*$`),
		"municipality":        text(2, 256, line),
		"municipalityDetails": text(0, 256, line),
		"province":            text(0, 256, line),
		"foreignState":        text(0, 256, line),
	})
	refSchema = objectOf([]string{"key", "versionToken"}, map[string]*sim.Schema{
		"key":          text(0, 512, `^(safestorage://)?[A-Za-z0-9._-]+$`),
		"versionToken": text(0, 256, line),
	})
	digestsSchema = objectOf([]string{"sha256"}, map[string]*sim.Schema{"sha256": sha256Schema})
	documentProps = map[string]*sim.Schema{
		"title":  text(1, 512, line),
		"docIdx": text(0, 3, `^\d+$`),
	}
	paymentItemSchema = func() *sim.Schema {
		s := closed(objectOf(nil, map[string]*sim.Schema{
			"pagoPa": objectOf([]string{"noticeCode", "creditorTaxId", "applyCost"}, map[string]*sim.Schema{
				"noticeCode":    noticeSchema,
				"creditorTaxId": paTaxIDSchema,
				"applyCost":     boolean,
				"attachment":    attachmentSchema(`^application/pdf$`, 15, nil),
			}),
			"f24": objectOf([]string{"title", "applyCost", "metadataAttachment"}, map[string]*sim.Schema{
				"title":              text(0, 0, ""),
				"applyCost":          boolean,
				"metadataAttachment": attachmentSchema(`^application/json$`, 16, nil),
			}),
		}))
		s.MinProps = 1
		return s
	}()
)

func attachmentSchema(contentType string, n int, more map[string]*sim.Schema) *sim.Schema {
	props := map[string]*sim.Schema{
		"digests":     digestsSchema,
		"contentType": text(n, n, contentType),
		"ref":         refSchema,
	}
	maps.Copy(props, more)
	return objectOf([]string{"digests", "contentType", "ref"}, props)
}

// requestSchema is NewNotificationRequest; the versions differ in what a
// recipient must have, and know more members than they check.
func requestSchema(recipientRequired ...string) *sim.Schema {
	recipient := closed(objectOf(append([]string{"denomination", "recipientType", "taxId"}, recipientRequired...), map[string]*sim.Schema{
		"recipientType":   text(0, 0, "", "PF", "PG"),
		"taxId":           taxIDSchema,
		"denomination":    denomination,
		"digitalDomicile": digitalSchema,
		"physicalAddress": physicalSchema,
		"payments":        list(paymentItemSchema, 0, 0),
	}))
	return objectOf([]string{
		"paProtocolNumber", "subject", "recipients", "documents", "physicalCommunicationType",
		"notificationFeePolicy", "senderDenomination", "senderTaxId", "taxonomyCode",
	}, map[string]*sim.Schema{
		"idempotenceToken":          text(0, 256, `^[ -~]*$`),
		"paProtocolNumber":          text(0, 256, line),
		"subject":                   text(0, 134, line),
		"abstract":                  text(0, 1024, line),
		"recipients":                list(recipient, 1, 0),
		"documents":                 list(attachmentSchema(`^application/pdf$`, 15, documentProps), 1, 0),
		"notificationFeePolicy":     text(0, 0, "", "FLAT_RATE", "DELIVERY_MODE"),
		"cancelledIun":              iunSchema,
		"physicalCommunicationType": text(0, 0, "", "AR_REGISTERED_LETTER", "REGISTERED_LETTER_890"),
		"senderDenomination":        denomination,
		"senderTaxId":               paTaxIDSchema,
		"group":                     text(0, 1024, `^[ -~]*$`),
		"amount":                    integer,
		"paymentExpirationDate":     text(10, 10, `^([0-9]{4})-(1[0-2]|0[1-9])-(3[01]|[12][0-9]|0[1-9])$`),
		"taxonomyCode":              text(7, 7, `^([0-9]{6}[A-Z]{1})$`),
		"paFee":                     percent,
		"vat":                       percent,
		"pagoPaIntMode":             text(0, 0, "", "NONE", "SYNC", "ASYNC"),
		"additionalLanguages":       list(text(0, 0, ""), 0, 0),

		"physicalCommunicationPriority": percent,
	})
}

var streamSchema = objectOf([]string{"title", "eventType", "groups"}, map[string]*sim.Schema{
	"title":            text(0, 256, line),
	"eventType":        text(0, 0, "", "STATUS", "TIMELINE"),
	"groups":           list(text(0, 0, ""), 0, 0),
	"filterValues":     list(text(4, 256, `^[A-Z_]+$`), 0, 0),
	"waitForAccepted":  boolean,
	"replacedStreamId": text(36, 36, `^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`),
})

// firstStreamSchema is that of the first version, which has no groups.
var firstStreamSchema = objectOf([]string{"title", "eventType"}, map[string]*sim.Schema{
	"title":        streamSchema.Props["title"],
	"eventType":    streamSchema.Props["eventType"],
	"filterValues": streamSchema.Props["filterValues"],
})

var paymentEventsSchema = objectOf([]string{"events"}, map[string]*sim.Schema{
	"events": list(objectOf([]string{"noticeCode", "creditorTaxId", "paymentDate", "amount"}, map[string]*sim.Schema{
		"noticeCode":    noticeSchema,
		"creditorTaxId": paTaxIDSchema,
		"paymentDate":   text(0, 0, `^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?(Z|([+\-][0-9]{2}):([0-9]{2}))$`),
		"amount":        integer,
	}), 0, 0),
})

// body checks the body of a call as the gateway does and reads it into a
// value. It returns the refusal, if any.
func (s *Server) body(c *call, schema *sim.Schema, into any) *sim.Reply {
	if kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type")); err != nil || kind != mediaJSON {
		r := s.failOne(http.StatusUnsupportedMediaType, codeGeneric, "Content type is not supported: application/json is needed")
		return &r
	}
	if faults := decode(c.Body, schema, into); faults != nil {
		r := s.invalid(codeInvalidBody, faults)
		return &r
	}
	return nil
}

func decode(data []byte, schema *sim.Schema, into any) []string {
	tree, err := sim.Tree(data, 0)
	if err != nil {
		return []string{"Unable to parse JSON: " + err.Error()}
	}
	if faults := schema.Check(tree); len(faults) > 0 {
		return faults
	}
	if err := sim.DecodeJSON(data, into, sim.Strict{AllowUnknown: true, AllowNull: true}); err != nil {
		return []string{err.Error()}
	}
	return nil
}
