package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gomlx/go-huggingface/hub"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// statusError is an answer of the hub that is no success.
type statusError struct {
	status  int
	host    string
	code    string // X-Error-Code: RepoNotFound, RevisionNotFound, EntryNotFound, GatedRepo or ""
	message string // X-Error-Message
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("%s answers %d %s", e.host, e.status, http.StatusText(e.status))
	if e.message != "" {
		text += " (" + e.message + ")"
	}
	return text
}

// newStatusError takes the error out of an answer and marks it as temporary where it is.
func newStatusError(response *http.Response) error {
	// Reading the end of a short body lets the connection be used again; whether that works does not matter.
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
	header := response.Header
	err := &statusError{
		status: response.StatusCode, host: response.Request.URL.Host,
		code: header.Get("X-Error-Code"), message: strings.TrimSpace(header.Get("X-Error-Message")),
	}
	switch {
	case err.status == http.StatusTooManyRequests, err.status == http.StatusRequestTimeout, err.status >= 500:
		seconds, parseErr := strconv.Atoi(header.Get("Retry-After"))
		if parseErr != nil || seconds < 0 {
			seconds = 0
		}
		return &temporary{err: err, wait: time.Duration(seconds) * time.Second}
	}
	return err
}

// errUnavailable marks errors that say nothing about the repository: nobody answers, or with 5xx and broken connections
// again and again. What is in the cache may then be used instead.
var errUnavailable = errors.New("the hub is not available")

// unavailable marks err as errUnavailable and leaves its text.
type unavailable struct{ error }

func (u unavailable) Unwrap() []error { return []error{u.error, errUnavailable} }

// explain says what an error of the hub about what, the repository or one of its files, means for the user.
func (r *repository) explain(what string, err error) error {
	var status *statusError
	var passing *temporary
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", what, err)
	case errors.As(err, &certificate):
		return usage.Hint(usage.Errorf("%s: %w", what, err), "if a proxy replaces certificates here, name its authority in SSL_CERT_FILE")
	case unreachable(err):
		return r.explainUnreachable(what, err)
	case errors.As(err, &passing):
		return r.explainTrouble(what, err)
	case errors.As(err, &status):
		return r.explainStatus(what, status)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// explainUnreachable is explain for a hub that nobody answers at. What is asked for may be a path misspelt.
func (r *repository) explainUnreachable(what string, err error) error {
	const elsewhere = "download it elsewhere, copy the cache and set HF_HUB_CACHE to it and HF_HUB_OFFLINE=1"
	if what != r.String() {
		return usage.Hint(unavailable{usage.Errorf("%s: no way to %s: %w", what, r.Endpoint, err)}, elsewhere)
	}
	mistake := unavailable{usage.Errorf("%s: no such %s here, and no way to %s to look for it there: %w", what, r.local(), r.Endpoint, err)}
	return withLocalHint(usage.Hint(mistake, "give a local "+r.local()+", or "+elsewhere), r.id)
}

// local is what a name stands for on this machine.
func (r *repository) local() string {
	if r.kind == hub.RepoTypeDataset {
		return "file or folder"
	}
	return "folder"
}

// explainTrouble is explain for what did not go away by trying again.
func (r *repository) explainTrouble(what string, err error) error {
	var status *statusError
	trouble := unavailable{fmt.Errorf("%s: %w", what, err)}
	if errors.As(err, &status) && status.status == http.StatusTooManyRequests && r.Token == "" {
		return usage.Hint(trouble, "the hub allows more requests to those who set HF_TOKEN ("+r.Endpoint+"/settings/tokens)")
	}
	return usage.Hint(trouble, "what has been downloaded is kept; the same command continues")
}

func (r *repository) explainStatus(what string, err *statusError) error {
	switch {
	case err.code == "GatedRepo", err.status == http.StatusForbidden:
		return r.gated(err)
	case err.code == "RevisionNotFound":
		return usage.Hint(usage.Errorf("%s: the repository has no revision %q: %w", r, r.revision, err),
			"branches, tags and commits are listed at "+r.page()+"/tree/main")
	case err.code == "EntryNotFound":
		return usage.Errorf("%s: the file is no longer there: %w", what, err)
	case err.status == http.StatusUnauthorized && strings.Contains(strings.ToLower(err.message), "invalid credentials"):
		return usage.Hint(usage.Errorf("%s: the hub does not accept the token: %w", r, err),
			"correct HF_TOKEN, or unset it and remove the file HF_HOME/token; tokens are made at "+r.Endpoint+"/settings/tokens")
	case err.code == "RepoNotFound", err.status == http.StatusNotFound, err.status == http.StatusUnauthorized:
		return r.notFound(err)
	}
	return usage.Errorf("%s: %w", what, err)
}

// gated is the error for a repository whose conditions the user has to accept first.
func (r *repository) gated(err *statusError) error {
	hint := "accept the conditions on its page, " + r.page() + ", then "
	if r.Token == "" {
		hint += "set HF_TOKEN to a token of that account (" + r.Endpoint + "/settings/tokens)"
	} else {
		hint += "see that the token in use (HF_TOKEN) belongs to that account and may read gated repositories"
	}
	return usage.Hint(usage.Errorf("%s: the repository is gated: %w", r, err), hint)
}

// notFound is the error for a repository that does not exist, or is private: the hub does not tell these apart.
func (r *repository) notFound(err *statusError) error {
	text := "no such repository on the hub, or it is private"
	if r.revision != mainRevision && err.code == "" {
		text = fmt.Sprintf("no such repository or revision %q on the hub, or it is private", r.revision)
	}
	hint := "if it is private, set HF_TOKEN to a token that may read it (" + r.Endpoint + "/settings/tokens)"
	if r.Token != "" {
		hint = "if it is private, the token in use (HF_TOKEN) may not read it"
	}
	mistake := usage.Hint(usage.Errorf("%s: no such %s here, and %s: %w", r, r.local(), text, err), hint)
	return withLocalHint(mistake, r.id)
}
