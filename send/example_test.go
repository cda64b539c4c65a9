package send_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/pa-italia/sdk-go/fiscal"
	"github.com/pa-italia/sdk-go/pa"
	"github.com/pa-italia/sdk-go/pa/patest"
	"github.com/pa-italia/sdk-go/send"
	"github.com/pa-italia/sdk-go/send/sendtest"
)

// simulator starts a simulated SEND on which a day lasts a fifth of a second.
func simulator(ctx context.Context) (*sendtest.Server, *send.Client) {
	sim, err := sendtest.Start(ctx, sendtest.WithClock(patest.Day(200*time.Millisecond)))
	if err != nil {
		panic(err)
	}
	client, err := send.New(send.Config{
		Environment: pa.Simulator, // pa.UAT, and no BaseURL, for the real one
		BaseURL:     sim.URL(),
		APIKey:      pa.NewSecret(sendtest.APIKey),
	})
	if err != nil {
		panic(err)
	}
	return sim, client
}

// tari is a notification with an act and a payment notice.
func tari(protocol, noticeCode string) (send.Notification, send.Files) {
	recipient, err := fiscal.ParseTaxID("ZZZZZZ80A01Z001I") // of nobody
	if err != nil {
		panic(err)
	}
	n := send.Notification{
		PaProtocolNumber: protocol,
		Subject:          "Avviso di accertamento TARI 2025",
		TaxonomyCode:     "010101P",
		Documents:        []send.Document{{Title: "Avviso di accertamento", Attachment: send.PDF("atto.pdf")}},
		Recipients: []send.Recipient{{
			RecipientType:   send.NaturalPerson,
			TaxID:           recipient,
			Denomination:    "Zeta Zeta",
			DigitalDomicile: send.PEC("zeta@pec.example.it"),
			PhysicalAddress: &send.PhysicalAddress{Address: "Via Inventata 1", Zip: "87100", Municipality: "Cosenza", Province: "CS"},
			Payments: []send.Payment{{PagoPA: &send.PagoPAPayment{
				NoticeCode: noticeCode, CreditorTaxID: sendtest.SenderTaxID, ApplyCost: true, Attachment: new(send.PDF("avviso.pdf")),
			}}},
		}},
		NotificationFeePolicy:     send.DeliveryMode, // the recipient pays
		PaFee:                     new(fiscal.Cents(100)),
		VAT:                       new(22),
		PhysicalCommunicationType: send.RegisteredLetter890,
		SenderDenomination:        sendtest.SenderDenomination,
		SenderTaxID:               sendtest.SenderTaxID,
	}
	files := send.Files{ // send.Dir("/srv/atti") for files of a folder
		"atto.pdf":   send.FromBytes([]byte("%PDF-1.7 the act")),
		"avviso.pdf": send.FromBytes([]byte("%PDF-1.7 the notice")),
	}
	return n, files
}

// Deposit a notification, wait until it is accepted and perfected, and learn
// what its cost adds to the payment notice.
func Example() {
	ctx := context.Background()
	sim, client := simulator(ctx)
	defer sim.Close()

	n, files := tari("2026/0001", "302010000000000001")
	d, err := client.Submit(ctx, n, files)
	if err == nil {
		d, err = client.Await(ctx, d)
	}
	if err != nil {
		fmt.Println(pa.Message(err, pa.Italian))
		return
	}
	sim.Clock().Advance(10 * 24 * time.Hour) // only a simulator can

	sent, err := client.SentNotification(ctx, d.IUN)
	if err != nil {
		fmt.Println(pa.Message(err, pa.Italian))
		return
	}
	price, err := client.Price(ctx, sendtest.SenderTaxID, "302010000000000001")
	if err != nil {
		fmt.Println(pa.Message(err, pa.Italian))
		return
	}
	fmt.Println(sent.NotificationStatus, price.TotalPrice.Text("it"))
	// Output: EFFECTIVE_DATE 2,00 €
}

// A deposit that survives crashes: its state is a JSON file, saved at every
// step. Running this again goes on, or finds it done.
func ExampleClient_Resume() {
	ctx := context.Background()
	sim, client := simulator(ctx)
	defer sim.Close()
	dir, err := os.MkdirTemp("", "deposits-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	store, err := send.NewFileDeposits(dir)
	if err != nil {
		panic(err)
	}

	n, files := tari("2026/0002", "302010000000000002")
	for range 2 {
		d, err := client.Resume(ctx, store, n.PaProtocolNumber, func() (send.Notification, error) { return n, nil }, files)
		fmt.Println(d.Stage, err)
	}
	fmt.Println(len(sim.Notifications()), "notification")
	// Output:
	// accepted <nil>
	// accepted <nil>
	// 1 notification
}

// What a clerk reads when a notification cannot be sent: all its faults, found
// before any network.
func ExampleClient_Validate() {
	client, err := send.New(send.Config{Environment: pa.UAT, APIKey: pa.SecretFile("/run/secrets/send-api-key")})
	if err != nil {
		panic(err)
	}
	n, _ := tari("2026/0003", "3020100000000003") // two digits short
	n.Recipients[0].PhysicalAddress.Province = ""
	n.Recipients[0].Denomination = "Zeta Zeta in qualità di legale rappresentante pro tempore"
	n.VAT = nil
	for _, f := range client.Validate(n) {
		fmt.Printf("%s %s: %s\n", f.Severity, f.Path, f.Text.In(pa.Italian))
	}
	// Output:
	// error recipients[0].physicalAddress.province: In Italia servono CAP e provincia.
	// warning recipients[0].denomination: La denominazione è più lunga di quanto SEND stampi, o ha caratteri fuori dall'alfabeto latino.
	// error vat: paFee e vat vanno da 0 a 100 e con DELIVERY_MODE sono obbligatori.
	// error recipients[0].payments[0].pagoPa.noticeCode: Il codice avviso ha 18 cifre.
}

// Follow all notifications of a sender through a stream. The position is kept
// in a file: a restart goes on where it was.
func ExampleClient_Consume() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sim, client := simulator(ctx)
	defer sim.Close()
	dir, err := os.MkdirTemp("", "checkpoints-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	checkpoints, err := send.NewFileCheckpoints(dir)
	if err != nil {
		panic(err)
	}

	stream, err := client.CreateStream(ctx, send.StreamRequest{
		Title:     "esiti",
		EventType: send.EventStatus,
	})
	if err != nil {
		panic(err)
	}
	n, files := tari("2026/0004", "302010000000000004")
	if _, err := client.Submit(ctx, n, files); err != nil {
		panic(err)
	}
	sim.Clock().Advance(6 * 24 * time.Hour)

	err = client.Consume(ctx, stream.StreamID, send.ConsumeOptions{
		Checkpoints: checkpoints,
		Handle: func(_ context.Context, b send.Batch) error {
			for _, e := range b.Events {
				fmt.Println(e.NewStatus)
				if e.NewStatus == send.StatusEffectiveDate {
					cancel() // enough for an example
				}
			}
			return nil
		},
	})
	fmt.Println(err)
	// Output:
	// IN_VALIDATION
	// ACCEPTED
	// DELIVERING
	// DELIVERED
	// EFFECTIVE_DATE
	// <nil>
}

// Save the legal facts (attestazioni opponibili a terzi) of a notification.
func ExampleClient_LegalFact() {
	ctx := context.Background()
	sim, client := simulator(ctx)
	defer sim.Close()
	n, files := tari("2026/0005", "302010000000000005")
	d, err := client.Submit(ctx, n, files)
	if err == nil {
		d, err = client.Await(ctx, d)
	}
	if err != nil {
		panic(err)
	}
	sim.Clock().Advance(24 * time.Hour)

	facts, err := client.LegalFacts(ctx, d.IUN)
	if err != nil {
		panic(err)
	}
	for _, fact := range facts {
		download, err := client.LegalFact(ctx, d.IUN, fact.ID.Key, send.DownloadOptions{MaxWait: time.Minute})
		if err != nil {
			panic(err)
		}
		_, err = io.Copy(io.Discard, download.Body) // an error here means that it is not whole
		fmt.Println(fact.ID.Category, errors.Join(err, download.Close()))
	}
	// Output:
	// SENDER_ACK <nil>
	// PEC_RECEIPT <nil>
	// PEC_RECEIPT <nil>
	// DIGITAL_DELIVERY <nil>
}

// One transport for the many bodies that a vendor serves.
func ExampleClient_With() {
	template, err := send.New(send.Config{
		Environment: pa.UAT,
		APIKey:      pa.SecretFile("/run/secrets/comune-a"),
		Transport:   pa.Transport{UserAgent: "gestionale-acme/3.2", HTTPClient: &http.Client{Timeout: time.Minute}},
	})
	if err != nil {
		panic(err)
	}
	other, err := template.With(send.Credentials{Sender: "01234567897", APIKey: pa.SecretFile("/run/secrets/comune-b")})
	fmt.Println(other.Environment(), err)
	// Output: uat <nil>
}
