// Package pdfscan reads what a PDF says of itself: whether it is encrypted, how
// many pages of what size it has, whether it is marked as PDF/A and what its
// signatures declare. It renders nothing and verifies nothing: that a file
// declares a signer does not mean that anybody signed it.
//
// Files come from strangers. [Scan] follows the cross-reference data of ISO
// 32000 (tables, streams, hybrids, earlier revisions, object streams), and
// where these are damaged looks for the objects themselves. It reads through an
// [io.ReaderAt] only what it needs, so memory does not grow with the file, and
// everything that a file can make large is bounded: the length, depth and
// number of objects, inflated bytes, bytes read, revisions. Cycles end. Every
// error is an [*Error] whose text has nothing of the document in it.
//
// [Envelope] recognizes by its first bytes a file that is wrapped in a CMS
// message, as .p7m files are.
package pdfscan
