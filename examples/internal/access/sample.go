package access

import (
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// Sample returns an invented notification to an invented person, of the sender
// that the simulators know, and the files that it carries: an act and a payment
// notice. Its numbers are new each time.
func Sample() (send.Notification, send.Files, error) {
	serial, err := rand.Int(rand.Reader, big.NewInt(1e15))
	if err != nil {
		return send.Notification{}, nil, err
	}
	taxID, err := fiscal.ParseTaxID("SMPDNN80A41H501D")
	if err != nil {
		return send.Notification{}, nil, err
	}
	notice := fmt.Sprintf("302%015d", serial)
	n := send.Notification{
		PaProtocolNumber:          fmt.Sprintf("ESEMPIO-%015d", serial),
		Subject:                   "Esempio: verbale di accertamento",
		Abstract:                  "Notifica inventata, senza valore legale",
		NotificationFeePolicy:     send.DeliveryMode,
		PhysicalCommunicationType: send.RegisteredLetter890,
		SenderDenomination:        sendtest.SenderDenomination,
		SenderTaxID:               sendtest.SenderTaxID,
		TaxonomyCode:              "010101P",
		Amount:                    new(fiscal.Cents(4200)),
		PaFee:                     new(fiscal.Cents(0)),
		VAT:                       new(22),
		Documents:                 []send.Document{{Title: "Verbale di esempio", Attachment: send.PDF("atto-1.pdf")}},
		Recipients: []send.Recipient{{
			RecipientType:   send.NaturalPerson,
			TaxID:           taxID,
			Denomination:    "Adanna Esempio",
			DigitalDomicile: send.PEC("adanna.esempio@pec.esempio.invalid"),
			PhysicalAddress: &send.PhysicalAddress{Address: "Via Inventata 1", Zip: "00100", Municipality: "Roma", Province: "RM"},
			Payments: []send.Payment{{PagoPA: &send.PagoPAPayment{
				NoticeCode: notice, CreditorTaxID: sendtest.SenderTaxID, ApplyCost: true, Attachment: new(send.PDF("avviso-1.pdf")),
			}}},
		}},
	}
	return n, send.Files{
		"atto-1.pdf": send.FromBytes(PDF("ESEMPIO SENZA VALORE LEGALE", "", "Comune di Esempio", "Verbale di accertamento",
			"Protocollo "+n.PaProtocolNumber, "", "Atto inventato, allegato a una notifica di prova.")),
		"avviso-1.pdf": send.FromBytes(PDF("ESEMPIO: NON PAGARE", "", "Comune di Esempio", "Avviso di pagamento",
			"Codice avviso "+notice, "Importo 42,00 euro, più il costo di notifica", "", "Avviso inventato: il codice non esiste.")),
	}, nil
}
