// Package jws reads, writes and checks compact JSON Web Signatures (RFC 7515)
// and public JSON Web Keys (RFC 7517, RFC 7638) on the standard library alone.
//
// The simulators use it to check what the clients sign, and to sign what the
// clients check. The clients sign with other code, so that the two sides of a
// test cannot share one mistake; for the same reason this package is strict
// where a lenient reader would hide a fault of the sender:
//
//   - base64url is unpadded, canonical and free of line breaks;
//   - JSON has no member twice at any depth, not even in another letter case,
//     and nothing after its end;
//   - "alg" is one of [RS256], [PS256] and [ES256], and the verifier names the
//     ones it accepts: the token never chooses;
//   - "crit" and "b64" are refused, because no extension is implemented;
//   - RSA keys have 2048 to 8192 bits, EC keys are on P-256, and a JWK that
//     holds private members is refused.
//
// Every error is an [*Error] with a stable [Code]. Its text never contains a
// part of the token, of the key or of the JSON.
package jws
