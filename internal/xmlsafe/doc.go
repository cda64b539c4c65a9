// Package xmlsafe reads XML from strangers.
//
// A [Reader] sits between [encoding/xml] and its user and refuses, in the one
// pass that also delivers the tokens, everything that no Italian platform
// sends and that attacks are made of:
//
//   - directives (DOCTYPE, ENTITY), and processing instructions other than one
//     XML declaration at the very beginning;
//   - encodings other than UTF-8, malformed UTF-8, control characters;
//   - names with an empty prefix or local part or with two colons, prefixes
//     that are not declared, reserved prefixes declared anew;
//   - an attribute twice in one element, compared by namespace and local name,
//     and a prefix declared twice in one element;
//   - text or a second element outside the root;
//   - more bytes, depth, nodes or attributes than [Limits] allow.
//
// A byte order mark before the document is skipped. The standard library does
// not tell whether blanks separate two attributes, so a document without them
// is read.
//
// # Raw names
//
// Like [encoding/xml.Decoder.RawToken], the Reader gives names as they are
// written, with the prefix in Name.Space: [encoding/xml.NewTokenDecoder] puts
// the namespace there. It would do so twice if the Reader had done it already,
// and a prefix that is spelled like a namespace would then be mistaken for it.
//
//	dec := xml.NewTokenDecoder(xmlsafe.NewReader(body, xmlsafe.Limits{}))
//
// Every error is an [*Error] with a stable [Code]; its text never contains a
// part of the document.
package xmlsafe
