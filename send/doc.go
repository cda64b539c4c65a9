// Package send is a client of SEND, the platform through which Italian public
// bodies notify acts with legal effect (Servizio Notifiche Digitali).
//
// # Depositing a notification
//
// A [Client] calls SEND for one sender, with the API key and, for most keys,
// the PDND voucher of that sender:
//
//	client, err := send.New(send.Config{
//		Environment: pa.UAT,
//		APIKey:      pa.SecretFile("/run/secrets/send-api-key"),
//		Voucher:     vouchers, // a *pdnd.Client, or nil
//	})
//	d, err := client.Submit(ctx, notification, send.Dir("/srv/atti"))
//	d, err = client.Await(ctx, d) // d.IUN, or a *send.RefusedError
//
// Programs that must survive a crash keep the [Deposit] instead: plain JSON,
// moved on by [Client.Step], saved after every step ([Client.Resume] does so in
// a folder). A reply lost at any moment neither loses nor doubles a
// notification: what the platform has under our protocol number and
// idempotence token is looked up and compared with ours.
//
// # Following it
//
// A stream tells what happens to all notifications of the sender:
// [Client.CreateStream] before sending, then [Client.Consume], which handles a
// batch, saves the position and only then asks for more, since asking tells the
// platform to forget. [Client.SentNotification] gives the whole story of one
// notification and [SentNotification.Outcomes] what it comes to: when it was
// perfected for the sender and how, when and at what cost for each recipient.
// [Client.LegalFacts] and [Client.LegalFact] give its legal facts (attestazioni
// opponibili a terzi), [Client.Price] what its cost adds to a payment notice,
// in cents.
//
// # Many senders
//
// A vendor that serves many bodies keeps their credentials in a
// [CredentialStore]; [Senders] gives the client of each by its tax code, over
// one transport, and says in a line per body what is wrong with its key,
// voucher or group. None of them delays another.
//
// # Errors
//
// A notification that the platform would refuse is a [*pa.ValidationError]
// with all its faults, before any network. A refused request is a
// [*RefusedError], with the platform's codes and what to do about each. Calls
// fail with a [*pa.Error]; [pa.Message] gives a sentence for a clerk. When the
// gateway refuses the credentials the voucher is renewed once, then all callers
// of that key wait for the minute during which SEND remembers a refusal.
//
// # Environments and versions
//
// The environment must be named: nothing reaches production by default. Test
// recipients and triggers of the official test cases (like «Via @OK_890») pass
// in UAT and on the simulator of package sendtest, and are refused in
// production. The areas of the API (requests, sent, streams, price) have
// versions of their own; production's are the default, see [Versions]. Contract:
// SEND B2B 2.24.2.
package send
