package conformance

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// detailsByCategory says which schema the details of a timeline element have.
// The specification lists the schemas without a discriminator, and most
// details fit several of them; what belongs to what follows from the names and
// descriptions of TimelineElementCategoryV28 and of the schemas of
// TimelineElementDetailsV28 (SEND B2B 2.24.2). The names are those of the
// schemas without their version. A category with "" has no details.
var detailsByCategory = map[string]string{
	"SENDER_ACK_CREATION_REQUEST":             "SenderAckCreationRequestDetails",
	"VALIDATE_NORMALIZE_ADDRESSES_REQUEST":    "",
	"NORMALIZED_ADDRESS":                      "NormalizedAddressDetails",
	"REQUEST_ACCEPTED":                        "NotificationRequestAcceptedDetails",
	"SEND_COURTESY_MESSAGE":                   "SendCourtesyMessageDetails",
	"GET_ADDRESS":                             "GetAddressInfoDetails",
	"PUBLIC_REGISTRY_CALL":                    "PublicRegistryCallDetails",
	"PUBLIC_REGISTRY_RESPONSE":                "PublicRegistryResponseDetails",
	"SCHEDULE_ANALOG_WORKFLOW":                "ScheduleAnalogWorkflowDetails",
	"SCHEDULE_DIGITAL_WORKFLOW":               "ScheduleDigitalWorkflowDetails",
	"PREPARE_DIGITAL_DOMICILE":                "PrepareDigitalDetails",
	"SEND_DIGITAL_DOMICILE":                   "SendDigitalDetails",
	"SEND_DIGITAL_PROGRESS":                   "SendDigitalProgressDetails",
	"SEND_DIGITAL_FEEDBACK":                   "SendDigitalFeedbackDetails",
	"REFINEMENT":                              "RefinementDetails",
	"SCHEDULE_REFINEMENT":                     "ScheduleRefinementDetails",
	"DIGITAL_DELIVERY_CREATION_REQUEST":       "DigitalDeliveryCreationRequestDetails",
	"DIGITAL_SUCCESS_WORKFLOW":                "DigitalSuccessWorkflowDetails",
	"DIGITAL_FAILURE_WORKFLOW":                "DigitalFailureWorkflowDetails",
	"ANALOG_SUCCESS_WORKFLOW":                 "AnalogSuccessWorkflowDetails",
	"ANALOG_FAILURE_WORKFLOW":                 "AnalogFailureWorkflowDetails",
	"PREPARE_SIMPLE_REGISTERED_LETTER":        "BaseRegisteredLetterDetails",
	"SEND_SIMPLE_REGISTERED_LETTER":           "SimpleRegisteredLetterDetails",
	"SEND_SIMPLE_REGISTERED_LETTER_PROGRESS":  "SimpleRegisteredLetterProgressDetails",
	"NOTIFICATION_VIEWED_CREATION_REQUEST":    "NotificationViewedCreationRequestDetails",
	"NOTIFICATION_VIEWED":                     "NotificationViewedDetails",
	"PREPARE_ANALOG_DOMICILE":                 "BaseAnalogDetails",
	"SEND_ANALOG_DOMICILE":                    "SendAnalogDetails",
	"SEND_ANALOG_PROGRESS":                    "SendAnalogProgressDetails",
	"SEND_ANALOG_FEEDBACK":                    "SendAnalogFeedbackDetails",
	"PAYMENT":                                 "NotificationPaidDetails",
	"COMPLETELY_UNREACHABLE":                  "CompletelyUnreachableDetails",
	"COMPLETELY_UNREACHABLE_CREATION_REQUEST": "CompletelyUnreachableCreationRequestDetails",
	"REQUEST_REFUSED":                         "RequestRefusedDetails",
	"AAR_CREATION_REQUEST":                    "AarCreationRequestDetails",
	"AAR_GENERATION":                          "AarGenerationDetails",
	"NOT_HANDLED":                             "NotHandledDetails",
	"PROBABLE_SCHEDULING_ANALOG_DATE":         "ProbableDateAnalogWorkflowDetails",
	"NOTIFICATION_CANCELLATION_REQUEST":       "NotificationCancellationRequestDetails",
	"NOTIFICATION_CANCELLED":                  "NotificationCancelledDetails",
	"PREPARE_ANALOG_DOMICILE_FAILURE":         "PrepareAnalogDomicileFailureDetails",
	"NOTIFICATION_RADD_RETRIEVED":             "NotificationRADDRetrievedDetails",
	"ANALOG_WORKFLOW_RECIPIENT_DECEASED":      "AnalogWorkflowRecipientDeceasedDetails",
	"PUBLIC_REGISTRY_VALIDATION_CALL":         "PublicRegistryValidationCallDetails",
	"PUBLIC_REGISTRY_VALIDATION_RESPONSE":     "PublicRegistryValidationResponseDetails",
	"NOTIFICATION_TIMELINE_REWORKED":          "NotificationTimelineReworkedDetails",
}

// elementSchema is a version of the timeline element: which schema the details
// of each of its categories have. The schema is nil where there are none.
type elementSchema struct {
	details map[string]*openapi3.Schema
	shapes  []*openapi3.Schema // all that the specification lists
}

var (
	elementName = regexp.MustCompile(`^TimelineElement(V\d+)?$`)
	versioned   = regexp.MustCompile(`^(?:schemas-)?(.*?)(?:V\d+)?$`)
)

// chooseDetails takes the choice between the shapes of details out of the
// schemas of timeline elements and keeps it aside: it is made by category.
func (s *Schemas) chooseDetails() error {
	s.elements = make(map[*openapi3.Schema]*elementSchema)
	if s.T.Components == nil {
		return nil
	}
	for name, ref := range s.T.Components.Schemas {
		element := ref.Value
		if !elementName.MatchString(name) || element.Properties["details"] == nil {
			continue
		}
		shapes := element.Properties["details"].Value
		if len(shapes.OneOf) == 0 {
			continue
		}
		e, err := newElementSchema(element.Properties["category"], shapes.OneOf)
		if err != nil {
			return fmt.Errorf("conformance: %s: %w", name, err)
		}
		s.elements[element] = e
		// The schema may be shared: this element gets one of its own.
		element.Properties["details"] = openapi3.NewSchemaRef("", openapi3.NewObjectSchema())
	}
	return nil
}

func newElementSchema(category *openapi3.SchemaRef, shapes openapi3.SchemaRefs) (*elementSchema, error) {
	e := &elementSchema{details: make(map[string]*openapi3.Schema)}
	byName := make(map[string]*openapi3.Schema)
	for _, ref := range shapes {
		base := versioned.FindStringSubmatch(ref.Ref[strings.LastIndexByte(ref.Ref, '/')+1:])[1]
		if byName[base] != nil {
			return nil, fmt.Errorf("two versions of %s", base)
		}
		byName[base] = ref.Value
		e.shapes = append(e.shapes, ref.Value)
	}
	if category == nil {
		return nil, errors.New("no category")
	}
	for _, value := range category.Value.Enum {
		c := fmt.Sprint(value)
		shape, known := detailsByCategory[c]
		if !known {
			return nil, fmt.Errorf("category %s: no schema of details is known", c)
		}
		if shape != "" && byName[shape] == nil {
			return nil, fmt.Errorf("category %s: no schema %s", c, shape)
		}
		e.details[c] = byName[shape]
		delete(byName, shape)
	}
	if len(byName) > 0 {
		return nil, fmt.Errorf("no category has %s", strings.Join(slices.Sorted(maps.Keys(byName)), ", "))
	}
	return e, nil
}

// eachElement visits the timeline elements in a value, by its schema.
func (s *Schemas) eachElement(schema *openapi3.Schema, value any, at []string, visit func(e *elementSchema, object map[string]any, at []string)) {
	switch v := value.(type) {
	case map[string]any:
		e := s.elements[schema]
		if e != nil {
			visit(e, v, at)
			if d := e.details[fmt.Sprint(v["category"])]; d != nil {
				s.eachElement(d, v["details"], append(slices.Clone(at), "details"), visit) // elements within details
			}
		}
		for name, member := range v {
			if p := schema.Properties[name]; p != nil {
				s.eachElement(p.Value, member, append(slices.Clone(at), name), visit)
			}
		}
	case []any:
		if schema.Items == nil {
			return
		}
		for i, item := range v {
			s.eachElement(schema.Items.Value, item, append(slices.Clone(at), fmt.Sprint(i)), visit)
		}
	}
}
