package hub

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"github.com/gomlx/go-huggingface/hub"
)

const (
	dialTimeout   = 10 * time.Second
	headerTimeout = 30 * time.Second // from the request to the first line of the answer
	maxRedirects  = 10
)

func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone() // proxies from the environment
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	transport.TLSHandshakeTimeout = dialTimeout
	transport.ResponseHeaderTimeout = headerTimeout
	return &http.Client{Transport: transport, CheckRedirect: checkRedirect}
}

// checkRedirect follows redirects without giving the token away. A request for a header ends where the hub names the etag,
// before the storage server, whose etag is another.
func checkRedirect(next *http.Request, via []*http.Request) error {
	if next.Method == http.MethodHead && next.Response != nil && next.Response.Header.Get(hub.HeaderXLinkedETag) != "" {
		return http.ErrUseLastResponse
	}
	if len(via) >= maxRedirects {
		return errors.New("redirects without end")
	}
	if first := via[0].URL; next.URL.Host != first.Host || (next.URL.Scheme != first.Scheme && next.URL.Scheme != "https") {
		next.Header.Del("Authorization")
	}
	return nil
}

// request asks for an address of the hub, with the token.
func (r *repository) request(ctx context.Context, method, address string, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", "sparsepo; "+runtime.Version())
	request.Header.Set("Accept-Encoding", "identity") // sizes and ranges count the file's own bytes
	if r.Token != "" {
		request.Header.Set("Authorization", "Bearer "+r.Token)
	}
	response, err := r.client.Do(request)
	var failed *url.Error
	if errors.As(err, &failed) { // its text has the whole address, signatures of the storage included
		err = failed.Err
	}
	return response, err
}

// unreachable reports whether err says that there is no way to the server, rather than that it misbehaved.
func unreachable(err error) bool {
	var name *net.DNSError
	var operation *net.OpError
	return errors.As(err, &name) || (errors.As(err, &operation) && (operation.Op == "dial" || operation.Op == "proxyconnect"))
}
