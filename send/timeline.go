package send

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/pa-italia/sdk-go/fiscal"
)

// TimelineElement is one thing that happened to a notification
// (TimelineElementV28). Details is kept as received; [TimelineElement.Decode]
// reads it.
type TimelineElement struct {
	ElementID          string          `json:"elementId"`
	Timestamp          time.Time       `json:"timestamp,omitzero"` // superseded by EventTimestamp
	IngestionTimestamp time.Time       `json:"ingestionTimestamp,omitzero"`
	EventTimestamp     time.Time       `json:"eventTimestamp,omitzero"` // when it happened: what counts
	NotificationSentAt time.Time       `json:"notificationSentAt,omitzero"`
	LegalFactsIDs      []LegalFactID   `json:"legalFactsIds,omitempty"`
	Category           Category        `json:"category"`
	Details            json.RawMessage `json:"details,omitempty"`
}

// Time returns when it happened, also for elements of versions that had one
// timestamp only.
func (e *TimelineElement) Time() time.Time {
	if e.EventTimestamp.IsZero() {
		return e.Timestamp
	}
	return e.EventTimestamp
}

// Decode reads the details. An element without any gives zero details.
func (e *TimelineElement) Decode() (Details, error) {
	var d Details
	if len(e.Details) == 0 {
		return d, nil
	}
	if err := json.Unmarshal(e.Details, &d); err != nil {
		return Details{}, errors.New("send: the details of a timeline element of category " + string(e.Category) + " cannot be read")
	}
	return d, nil
}

// Category is the kind of a timeline element. New ones appear: a category that
// this package does not know is kept as received.
type Category string

// Categories of TimelineElementCategoryV28.
const (
	CategorySenderAckCreationRequest             Category = "SENDER_ACK_CREATION_REQUEST"
	CategoryValidateNormalizeAddressesRequest    Category = "VALIDATE_NORMALIZE_ADDRESSES_REQUEST"
	CategoryNormalizedAddress                    Category = "NORMALIZED_ADDRESS"
	CategoryRequestAccepted                      Category = "REQUEST_ACCEPTED"
	CategorySendCourtesyMessage                  Category = "SEND_COURTESY_MESSAGE"
	CategoryGetAddress                           Category = "GET_ADDRESS"
	CategoryPublicRegistryCall                   Category = "PUBLIC_REGISTRY_CALL"
	CategoryPublicRegistryResponse               Category = "PUBLIC_REGISTRY_RESPONSE"
	CategoryScheduleAnalogWorkflow               Category = "SCHEDULE_ANALOG_WORKFLOW"
	CategoryScheduleDigitalWorkflow              Category = "SCHEDULE_DIGITAL_WORKFLOW"
	CategoryPrepareDigitalDomicile               Category = "PREPARE_DIGITAL_DOMICILE"
	CategorySendDigitalDomicile                  Category = "SEND_DIGITAL_DOMICILE"
	CategorySendDigitalProgress                  Category = "SEND_DIGITAL_PROGRESS"
	CategorySendDigitalFeedback                  Category = "SEND_DIGITAL_FEEDBACK"
	CategoryRefinement                           Category = "REFINEMENT"
	CategoryScheduleRefinement                   Category = "SCHEDULE_REFINEMENT"
	CategoryDigitalDeliveryCreationRequest       Category = "DIGITAL_DELIVERY_CREATION_REQUEST"
	CategoryDigitalSuccessWorkflow               Category = "DIGITAL_SUCCESS_WORKFLOW"
	CategoryDigitalFailureWorkflow               Category = "DIGITAL_FAILURE_WORKFLOW"
	CategoryAnalogSuccessWorkflow                Category = "ANALOG_SUCCESS_WORKFLOW"
	CategoryAnalogFailureWorkflow                Category = "ANALOG_FAILURE_WORKFLOW"
	CategoryPrepareSimpleRegisteredLetter        Category = "PREPARE_SIMPLE_REGISTERED_LETTER"
	CategorySendSimpleRegisteredLetter           Category = "SEND_SIMPLE_REGISTERED_LETTER"
	CategorySendSimpleRegisteredLetterProgress   Category = "SEND_SIMPLE_REGISTERED_LETTER_PROGRESS"
	CategoryNotificationViewedCreationRequest    Category = "NOTIFICATION_VIEWED_CREATION_REQUEST"
	CategoryNotificationViewed                   Category = "NOTIFICATION_VIEWED"
	CategoryPrepareAnalogDomicile                Category = "PREPARE_ANALOG_DOMICILE"
	CategorySendAnalogDomicile                   Category = "SEND_ANALOG_DOMICILE"
	CategorySendAnalogProgress                   Category = "SEND_ANALOG_PROGRESS"
	CategorySendAnalogFeedback                   Category = "SEND_ANALOG_FEEDBACK"
	CategoryPayment                              Category = "PAYMENT"
	CategoryCompletelyUnreachable                Category = "COMPLETELY_UNREACHABLE"
	CategoryCompletelyUnreachableCreationRequest Category = "COMPLETELY_UNREACHABLE_CREATION_REQUEST"
	CategoryRequestRefused                       Category = "REQUEST_REFUSED"
	CategoryAARCreationRequest                   Category = "AAR_CREATION_REQUEST"
	CategoryAARGeneration                        Category = "AAR_GENERATION"
	CategoryNotHandled                           Category = "NOT_HANDLED"
	CategoryProbableSchedulingAnalogDate         Category = "PROBABLE_SCHEDULING_ANALOG_DATE"
	CategoryNotificationCancellationRequest      Category = "NOTIFICATION_CANCELLATION_REQUEST"
	CategoryNotificationCancelled                Category = "NOTIFICATION_CANCELLED"
	CategoryPrepareAnalogDomicileFailure         Category = "PREPARE_ANALOG_DOMICILE_FAILURE"
	CategoryNotificationRADDRetrieved            Category = "NOTIFICATION_RADD_RETRIEVED"
	CategoryAnalogWorkflowRecipientDeceased      Category = "ANALOG_WORKFLOW_RECIPIENT_DECEASED"
	CategoryPublicRegistryValidationCall         Category = "PUBLIC_REGISTRY_VALIDATION_CALL"
	CategoryPublicRegistryValidationResponse     Category = "PUBLIC_REGISTRY_VALIDATION_RESPONSE"
	CategoryNotificationTimelineReworked         Category = "NOTIFICATION_TIMELINE_REWORKED"
)

// Details are the details of a timeline element: the union of the 45 shapes of
// TimelineElementDetailsV28, whose members never clash. Which are set follows
// from the category of the element.
type Details struct {
	// RecIndex is the position of the recipient in the notification; nil
	// where the element is about the whole.
	RecIndex   *int  `json:"recIndex,omitempty"`
	RecIndexes []int `json:"recIndexes,omitempty"`

	// Of the request.
	NotificationRequestID string        `json:"notificationRequestId,omitempty"`
	PaProtocolNumber      string        `json:"paProtocolNumber,omitempty"`
	IdempotenceToken      string        `json:"idempotenceToken,omitempty"`
	RefusalReasons        []RefusalNote `json:"refusalReasons,omitempty"`

	// Of addresses.
	PhysicalAddress              *PhysicalAddress     `json:"physicalAddress,omitempty"`
	OldAddress                   *PhysicalAddress     `json:"oldAddress,omitempty"`
	NormalizedAddress            *PhysicalAddress     `json:"normalizedAddress,omitempty"`
	NewAddress                   *PhysicalAddress     `json:"newAddress,omitempty"`
	FoundAddress                 *PhysicalAddress     `json:"foundAddress,omitempty"`
	DigitalAddress               *DigitalAddress      `json:"digitalAddress,omitempty"`
	DigitalAddressSource         DigitalAddressSource `json:"digitalAddressSource,omitempty"`
	NextDigitalAddressSource     DigitalAddressSource `json:"nextDigitalAddressSource,omitempty"`
	NextSourceAttemptsMade       int                  `json:"nextSourceAttemptsMade,omitempty"`
	NextLastAttemptMadeForSource time.Time            `json:"nextLastAttemptMadeForSource,omitzero"`
	IsAvailable                  *bool                `json:"isAvailable,omitempty"`
	DeliveryMode                 string               `json:"deliveryMode,omitempty"` // DIGITAL, ANALOG
	ContactPhase                 string               `json:"contactPhase,omitempty"`
	Registry                     string               `json:"registry,omitempty"`

	// Of deliveries.
	ResponseStatus       ResponseStatus    `json:"responseStatus,omitempty"`
	DeliveryDetailCode   string            `json:"deliveryDetailCode,omitempty"`
	DeliveryFailureCause string            `json:"deliveryFailureCause,omitempty"`
	FailureCause         string            `json:"failureCause,omitempty"`
	ShouldRetry          *bool             `json:"shouldRetry,omitempty"`
	RetryNumber          *int              `json:"retryNumber,omitempty"`
	SentAttemptMade      *int              `json:"sentAttemptMade,omitempty"` // 0 is the first attempt
	ServiceLevel         PhysicalType      `json:"serviceLevel,omitempty"`
	ProductType          string            `json:"productType,omitempty"` // AR, 890, RIR, RS, RIS
	AnalogCost           fiscal.Cents      `json:"analogCost,omitempty"`
	NumberOfPages        int               `json:"numberOfPages,omitempty"`
	EnvelopeWeight       int               `json:"envelopeWeight,omitempty"` // grams
	RegisteredLetterCode string            `json:"registeredLetterCode,omitempty"`
	Attachments          []ScannedDocument `json:"attachments,omitempty"`
	SendingReceipts      []SendingReceipt  `json:"sendingReceipts,omitempty"`
	EndWorkflowStatus    string            `json:"endWorkflowStatus,omitempty"` // SUCCESS, FAILURE
	IoSendMessageResult  string            `json:"ioSendMessageResult,omitempty"`
	RelatedRequestID     string            `json:"relatedRequestId,omitempty"`
	PrepareRequestID     string            `json:"prepareRequestId,omitempty"`
	SendRequestID        string            `json:"sendRequestId,omitempty"`

	// Of the notice to the recipient (AAR), legal facts and perfection.
	AARKey                     string        `json:"aarKey,omitempty"`
	GeneratedAARURL            string        `json:"generatedAarUrl,omitempty"` // what [Client.AAR] wants
	LegalFactID                string        `json:"legalFactId,omitempty"`     // spelled legalfactId before v2.8 of the detail
	LegalFactGenerationDate    time.Time     `json:"legalFactGenerationDate,omitzero"`
	NotificationCost           *fiscal.Cents `json:"notificationCost,omitempty"`
	DelegateInfo               *DelegateInfo `json:"delegateInfo,omitempty"`
	RADDType                   string        `json:"raddType,omitempty"`
	RADDTransactionID          string        `json:"raddTransactionId,omitempty"`
	NotRefinedRecipientIndexes []int         `json:"notRefinedRecipientIndexes,omitempty"`
	CancellationRequestID      string        `json:"cancellationRequestId,omitempty"`

	// InvalidatedTimelineAndStatusHistory holds what a correction of paper
	// outcomes took back.
	InvalidatedTimelineAndStatusHistory []InvalidatedStatus `json:"invalidatedTimelineAndStatusHistory,omitempty"`

	// Of payments.
	RecipientType        RecipientType `json:"recipientType,omitempty"`
	Amount               *fiscal.Cents `json:"amount,omitempty"`
	CreditorTaxID        string        `json:"creditorTaxId,omitempty"`
	NoticeCode           string        `json:"noticeCode,omitempty"`
	IDF24                string        `json:"idF24,omitempty"`
	PaymentSourceChannel string        `json:"paymentSourceChannel,omitempty"`
	UncertainPaymentDate *bool         `json:"uncertainPaymentDate,omitempty"`

	// Of what was not done.
	ReasonCode string `json:"reasonCode,omitempty"`
	Reason     string `json:"reason,omitempty"`

	// Instants.
	EventTimestamp         time.Time `json:"eventTimestamp,omitzero"`
	NotificationDate       time.Time `json:"notificationDate,omitzero"`
	AttemptDate            time.Time `json:"attemptDate,omitzero"`
	LastAttemptDate        time.Time `json:"lastAttemptDate,omitzero"`
	SendDate               time.Time `json:"sendDate,omitzero"`
	SchedulingDate         time.Time `json:"schedulingDate,omitzero"`
	SchedulingAnalogDate   time.Time `json:"schedulingAnalogDate,omitzero"`
	CompletionWorkflowDate time.Time `json:"completionWorkflowDate,omitzero"`
}

// ResponseStatus is the outcome of an attempt.
type ResponseStatus string

const (
	ResponseOK ResponseStatus = "OK"
	ResponseKO ResponseStatus = "KO"
)

// DigitalAddressSource is where a digital address comes from.
type DigitalAddressSource string

const (
	SourcePlatform DigitalAddressSource = "PLATFORM" // given to the platform by the recipient
	SourceSpecial  DigitalAddressSource = "SPECIAL"  // given by the sender
	SourceGeneral  DigitalAddressSource = "GENERAL"  // of the public registers
)

// DigitalAddress is an address that was written to.
type DigitalAddress struct {
	Type    string `json:"type"`
	Address string `json:"address"`
}

// ScannedDocument is a document of a paper delivery.
type ScannedDocument struct {
	ID           string    `json:"id,omitempty"`
	DocumentType string    `json:"documentType,omitempty"` // Plico, AR, 23L, ARCAD, Indagine
	URL          string    `json:"url,omitempty"`
	Date         time.Time `json:"date,omitzero"`
}

// SendingReceipt is a receipt of certified mail.
type SendingReceipt struct {
	ID     string `json:"id,omitempty"`
	System string `json:"system,omitempty"`
}

// DelegateInfo tells who read the notification for the recipient.
type DelegateInfo struct {
	InternalID   string        `json:"internalId,omitempty"`
	TaxID        fiscal.TaxID  `json:"taxId,omitzero"`
	OperatorUUID string        `json:"operatorUuid,omitempty"`
	MandateID    string        `json:"mandateId,omitempty"`
	Denomination string        `json:"denomination,omitempty"`
	DelegateType RecipientType `json:"delegateType,omitempty"`
}

// RefusalNote is a reason of refusal as the timeline tells it.
type RefusalNote struct {
	ErrorCode string `json:"errorCode,omitempty"`
	Detail    string `json:"detail,omitempty"`
	RecIndex  *int   `json:"recIndex,omitempty"`
}

// InvalidatedStatus is a status that a correction took back, with its elements.
type InvalidatedStatus struct {
	Status                  Status            `json:"status"`
	ActiveFrom              time.Time         `json:"activeFrom"`
	RelatedTimelineElements []TimelineElement `json:"relatedTimelineElements"`
}
