package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
)

// The signature algorithms of RFC 7518 §3.1 that the platforms use.
const (
	RS256 = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	PS256 = "PS256" // RSASSA-PSS with SHA-256, MGF1 with SHA-256, salt of 32 bytes
	ES256 = "ES256" // ECDSA on P-256 with SHA-256, written as R followed by S
)

// RSA keys below are weak; above, one check costs more than a server should
// spend on a stranger.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

const p256Bytes = 32

// checkKey tells whether a public key is of a kind that this package serves.
func checkKey(key crypto.PublicKey) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k == nil || k.N == nil {
			return refuse(CodeKeyType, "the RSA key is empty")
		}
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return refuse(CodeWeakKey, "the RSA key has %d bits, accepted are %d to %d", bits, minRSABits, maxRSABits)
		}
		if k.E < 3 || k.E%2 == 0 {
			return refuse(CodeWeakKey, "the RSA exponent is even or less than 3")
		}
		return nil
	case *ecdsa.PublicKey:
		if k == nil || k.Curve != elliptic.P256() {
			return refuse(CodeKeyType, "the EC key is empty or not on P-256")
		}
		//lint:ignore SA1019 Bytes panics on a key that was never filled
		if k.X == nil || k.Y == nil { //nolint:staticcheck // the same
			return refuse(CodeKeyType, "the EC key is empty")
		}
		if _, err := k.Bytes(); err != nil {
			return &Error{Code: CodeKeyType, Reason: "the EC key is not a point of P-256", cause: err}
		}
		return nil
	default:
		return refuse(CodeKeyType, "the key is neither RSA nor EC P-256")
	}
}

// checkPair tells whether an algorithm is known and served by the key.
func checkPair(alg string, key crypto.PublicKey) error {
	if err := checkKey(key); err != nil {
		return err
	}
	var fits bool
	switch alg {
	case RS256, PS256:
		_, fits = key.(*rsa.PublicKey)
	case ES256:
		_, fits = key.(*ecdsa.PublicKey)
	default:
		return refuse(CodeAlgorithm, "the algorithm is none of %s, %s and %s", RS256, PS256, ES256)
	}
	if !fits {
		return refuse(CodeKeyMismatch, "the key does not serve %s", alg)
	}
	return nil
}

func pssOptions() *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
}

// verify checks a signature; the pair of algorithm and key has been checked.
func verify(alg string, key crypto.PublicKey, input, signature []byte) bool {
	digest := sha256.Sum256(input)
	switch k := key.(type) {
	case *rsa.PublicKey:
		if alg == PS256 {
			return rsa.VerifyPSS(k, crypto.SHA256, digest[:], signature, pssOptions()) == nil
		}
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		if len(signature) != 2*p256Bytes {
			return false
		}
		r := new(big.Int).SetBytes(signature[:p256Bytes])
		s := new(big.Int).SetBytes(signature[p256Bytes:])
		return ecdsa.Verify(k, digest[:], r, s)
	}
	return false
}

// sign signs with any signer, also one whose key is in a device.
func sign(alg string, key crypto.Signer, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	var opts crypto.SignerOpts = crypto.SHA256
	if alg == PS256 {
		opts = pssOptions()
	}
	signature, err := key.Sign(rand.Reader, digest[:], opts)
	if err != nil {
		return nil, &Error{Code: CodeSigning, Reason: "the signer failed", cause: err}
	}
	if alg == ES256 {
		return rawECDSA(signature)
	}
	return signature, nil
}

// rawECDSA turns the ASN.1 form that a crypto.Signer returns into R and S of
// 32 bytes each (RFC 7518 §3.4).
func rawECDSA(der []byte) ([]byte, error) {
	var pair struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &pair)
	if err != nil || len(rest) != 0 {
		return nil, &Error{Code: CodeSigningInvalid, Reason: "the signer returned no ASN.1 signature", cause: err}
	}
	order := elliptic.P256().Params().N
	for _, n := range []*big.Int{pair.R, pair.S} {
		if n.Sign() <= 0 || n.Cmp(order) >= 0 {
			return nil, refuse(CodeSigningInvalid, "the signer returned a number that is not of P-256")
		}
	}
	raw := make([]byte, 2*p256Bytes)
	pair.R.FillBytes(raw[:p256Bytes])
	pair.S.FillBytes(raw[p256Bytes:])
	return raw, nil
}
