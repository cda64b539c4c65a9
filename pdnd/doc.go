// Package pdnd gets vouchers from PDND Interoperabilità (Piattaforma Digitale
// Nazionale Dati), the access tokens that the services of Italy's public
// administrations ask for: SEND, ANPR, INAD and most others.
//
// # Start
//
// In the back office of PDND, in the environment of your choice: make a key
// pair (RSA, 2048 bits or more), create a client, upload the public key to it,
// and associate the client with the purpose (finalità) that was approved for
// the e-service. Then
//
//	vouchers, err := pdnd.New(pdnd.Config{
//		Environment: pa.UAT,
//		ClientID:    "…", // as the back office shows them
//		PurposeID:   "…",
//		Key:         pdnd.KeyFile("/run/secrets/pdnd.pem"),
//	})
//
// and give the [Client], which is a [pa.TokenSource], to whatever calls the
// e-service, such as the Voucher of a send.Config, or [pa.Bearer] for a client
// of your own. [ConfigFromEnv] reads the same from the environment. With no
// account, package pdndtest simulates the platform.
//
// One Client has the vouchers of one client and purpose. Where a program acts
// for many, [Client.With] derives the others, which share its connections.
//
// # Vouchers
//
// A voucher is asked for when the first call needs it, kept, and renewed before
// it expires; see [pa.TokenCache]. It lives for as long as the provider of the
// e-service chose, from one minute to a day. A renewal that fails disturbs
// nobody while the old voucher is valid. Do not make a Client for every call:
// PDND limits the requests of an organization, for all its clients together.
//
// # Keys
//
// The key of a client assertion comes from a [KeySource], which is asked every
// time: a file is read again ([KeyFile]), a secret manager asked again
// ([KeyPEM]), and any crypto.Signer serves, so that the key can stay in an HSM
// or a KMS. Its kid is computed ([Thumbprint]). To rotate a key without an
// interruption, upload the new one beside the old one, wait some minutes for it
// to be known, replace the file, and delete the old one.
//
// # Environments
//
// Production, UAT (collaudo) and attestation (attestazione) have their own
// addresses and their own identifiers; nothing of one works in another. The
// assertions made here have the members that the strictest of them admits.
//
// # Errors
//
// What is wrong with a [Config] is told by [New], all of it at once, before any
// network is touched. When PDND refuses, it says "Unable to generate a token
// for the given request" and nothing else: the error is [ErrVoucherRefused],
// its text lists what to check in the order in which PDND does, with the values
// of this client, and names the clock of this machine if it differs from that of
// the reply. [Client.Assertion] makes an assertion for the page of the back
// office that shows the true reason. The TraceID of the [*pa.Error] is the one
// that the support of PagoPA asks for.
//
// No error, log record or metric holds a key, an assertion or a voucher.
//
// # Sources
//
// The manual "PDND Interoperabilità - Manuale operativo" of PagoPA, the OpenAPI
// description of its authorization server (authorizationServerApi.yml, version
// 0.1.0) and the behaviour of that server, which is published as open source.
package pdnd
