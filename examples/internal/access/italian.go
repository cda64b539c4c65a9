package access

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for machines without a zone database

	"github.com/pa-italia/sdk-go/send"
)

var statuses = map[send.Status]string{
	send.StatusInValidation:     "In validazione",
	send.StatusAccepted:         "Accettata",
	send.StatusRefused:          "Rifiutata",
	send.StatusDelivering:       "In consegna",
	send.StatusDelivered:        "Consegnata",
	send.StatusViewed:           "Letta dal destinatario",
	send.StatusEffectiveDate:    "Perfezionata per decorrenza dei termini",
	send.StatusPaid:             "Pagata",
	send.StatusUnreachable:      "Destinatario irreperibile",
	send.StatusCancelled:        "Annullata",
	send.StatusReturnedToSender: "Restituita al mittente",
}

// Status says a status in Italian. One that it does not know is returned as it is.
func Status(s send.Status) string {
	if text, ok := statuses[s]; ok {
		return text
	}
	return string(s)
}

// Italy returns the zone in which people in Italy read dates.
func Italy() (*time.Location, error) { return time.LoadLocation("Europe/Rome") }

// Duration writes a duration for people in Italy: "0,25 s", "15 s", "30 min", "12 h".
func Duration(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d >= 10*time.Second:
		return fmt.Sprintf("%d s", d.Round(time.Second)/time.Second)
	}
	seconds := strconv.FormatFloat(d.Round(10*time.Millisecond).Seconds(), 'f', -1, 64)
	return strings.Replace(seconds, ".", ",", 1) + " s"
}
