// Package durable keeps small states on disk so that a crash at any moment
// leaves the old one or the new one: files replaced as a whole, and locks that
// go with their process. It works the same on Windows, where a file held open
// by somebody else (a virus scanner, a backup) cannot be replaced for a while.
package durable
