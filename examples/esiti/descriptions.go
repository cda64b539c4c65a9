package main

import (
	"fmt"
	"strings"

	"github.com/pa-italia/sdk-go/send"
)

// descriptions say in Italian what the categories of the timeline mean to a
// sender.
var descriptions = map[send.Category]string{
	send.CategorySenderAckCreationRequest:             "Si prepara l'attestazione di presa in carico",
	send.CategoryValidateNormalizeAddressesRequest:    "Si controllano gli indirizzi",
	send.CategoryNormalizedAddress:                    "Indirizzo controllato",
	send.CategoryRequestAccepted:                      "Richiesta accettata: la notifica esiste",
	send.CategorySendCourtesyMessage:                  "Inviato un messaggio di cortesia",
	send.CategoryGetAddress:                           "Si cerca un recapito",
	send.CategoryPublicRegistryCall:                   "Si interrogano i registri pubblici",
	send.CategoryPublicRegistryResponse:               "Risposta dei registri pubblici",
	send.CategoryScheduleAnalogWorkflow:               "Programmato l'invio cartaceo",
	send.CategoryScheduleDigitalWorkflow:              "Programmato un altro invio digitale",
	send.CategoryPrepareDigitalDomicile:               "Si prepara l'invio digitale",
	send.CategorySendDigitalDomicile:                  "Inviata al domicilio digitale",
	send.CategorySendDigitalProgress:                  "Ricevuta dell'invio digitale",
	send.CategorySendDigitalFeedback:                  "Esito dell'invio digitale",
	send.CategoryRefinement:                           "Perfezionata per decorrenza dei termini",
	send.CategoryScheduleRefinement:                   "Programmato il perfezionamento",
	send.CategoryDigitalDeliveryCreationRequest:       "Si prepara l'attestazione della consegna digitale",
	send.CategoryDigitalSuccessWorkflow:               "Consegnata al domicilio digitale",
	send.CategoryDigitalFailureWorkflow:               "Domicilio digitale non raggiungibile: deposito e raccomandata semplice",
	send.CategoryAnalogSuccessWorkflow:                "Consegnata su carta",
	send.CategoryAnalogFailureWorkflow:                "Invio cartaceo non riuscito",
	send.CategoryPrepareSimpleRegisteredLetter:        "Si prepara la raccomandata semplice",
	send.CategorySendSimpleRegisteredLetter:           "Inviata la raccomandata semplice",
	send.CategorySendSimpleRegisteredLetterProgress:   "Avanzamento della raccomandata semplice",
	send.CategoryNotificationViewedCreationRequest:    "Si prepara l'attestazione dell'accesso",
	send.CategoryNotificationViewed:                   "Il destinatario ha letto la notifica",
	send.CategoryPrepareAnalogDomicile:                "Si prepara l'invio cartaceo",
	send.CategorySendAnalogDomicile:                   "Inviata su carta",
	send.CategorySendAnalogProgress:                   "Avanzamento dell'invio cartaceo",
	send.CategorySendAnalogFeedback:                   "Esito dell'invio cartaceo",
	send.CategoryPayment:                              "Risulta un pagamento",
	send.CategoryCompletelyUnreachable:                "Destinatario irreperibile",
	send.CategoryCompletelyUnreachableCreationRequest: "Si prepara l'attestazione di irreperibilità",
	send.CategoryRequestRefused:                       "Richiesta rifiutata: la notifica non esiste",
	send.CategoryAARCreationRequest:                   "Si prepara l'avviso di avvenuta ricezione",
	send.CategoryAARGeneration:                        "Pronto l'avviso di avvenuta ricezione",
	send.CategoryNotHandled:                           "Caso non gestito da SEND",
	send.CategoryProbableSchedulingAnalogDate:         "Data probabile dell'invio cartaceo",
	send.CategoryNotificationCancellationRequest:      "Chiesto l'annullamento",
	send.CategoryNotificationCancelled:                "Annullata",
	send.CategoryPrepareAnalogDomicileFailure:         "Nessun altro indirizzo per l'invio cartaceo",
	send.CategoryNotificationRADDRetrieved:            "Stampata in un punto di ritiro",
	send.CategoryAnalogWorkflowRecipientDeceased:      "Destinatario deceduto: restituita al mittente",
	send.CategoryPublicRegistryValidationCall:         "Si chiedono gli indirizzi ai registri pubblici",
	send.CategoryPublicRegistryValidationResponse:     "Risposta dei registri pubblici sugli indirizzi",
	send.CategoryNotificationTimelineReworked:         "Corretti gli esiti cartacei: rileggere il dettaglio",
}

// describe says what an element is, in one line that names nobody.
func describe(e *send.TimelineElement) (string, error) {
	text, known := descriptions[e.Category]
	if !known {
		text = "Categoria nuova, non descritta da questo programma"
	}
	d, err := e.Decode()
	if err != nil {
		return "", err
	}
	var more []string
	if d.RecIndex != nil {
		more = append(more, fmt.Sprintf("destinatario %d", *d.RecIndex+1))
	}
	if d.ResponseStatus != "" {
		more = append(more, string(d.ResponseStatus))
	}
	if d.DeliveryDetailCode != "" {
		more = append(more, d.DeliveryDetailCode)
	}
	for _, r := range d.RefusalReasons {
		more = append(more, r.ErrorCode)
	}
	if d.AnalogCost != 0 {
		more = append(more, "costo "+d.AnalogCost.Text("it"))
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	return text, nil
}
