// Package rest makes the REST calls of every client of this module. It is the
// only package that imports resty, which makes one attempt and nothing else:
// repeats, waits, errors, logs and observation are decided here, per operation,
// from the data of an [Op].
//
// An attempt goes through these layers:
//
//	Call: repeat, errors, log, observer, evidence
//	  resty: one request
//	    prepare: limiter, authorizer, held credentials, time-out
//	      http.Client: redirects refused, no cookies
//	        transport of the user
package rest
