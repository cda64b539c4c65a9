//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package durable

import "errors"

func heldOpen(error) bool { return false }

func syncDir(string) error { return nil }

func tryLock(string) (func() error, bool, error) {
	return nil, false, errors.New("no file locks on this system: use a lock of your database")
}
