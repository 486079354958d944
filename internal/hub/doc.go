// Package hub finds models and data sets by their hub id, "org/name", and downloads what is missing into the cache that
// Hugging Face's own programs use. What those programs have downloaded is found here, and the other way round:
//
//	CACHE/models--org--name/refs/main                          the commit that "main" stood for
//	CACHE/models--org--name/snapshots/COMMIT/config.json       a relative link to ../../blobs/ETAG
//	CACHE/models--org--name/blobs/ETAG                         the content; ETAG is its checksum
//	CACHE/models--org--name/blobs/ETAG.incomplete              what an interrupted download left
//	CACHE/.locks/models--org--name/ETAG.lock                   held while ETAG is written
//
// Data sets lie in datasets--org--name. A model whose files are all in the cache is used without asking the hub, also when
// its branch has moved on there: a run is repeated with the weights it began with. A revision, "org/name@v1.0", says which
// ones are meant; removing refs/main asks anew.
//
// # What go-huggingface does, and what is done here
//
// The names of the layout, the place of the cache and the form of the hub's list of files come from go-huggingface's package
// hub. The transfer is our own, because the one in v0.4.1 deletes what an interrupted download has received, reports a
// connection that breaks as success, compares neither length nor checksum, names the blob after the storage server's etag
// where the hub redirects to one, writes no refs, keeps its locks where no other program looks, has no offline mode, does
// not cancel every request, and reports a status code as text only. Here
//
//   - a download continues where it stopped (HTTP Range on ETAG.incomplete), within a call and in the next one;
//   - a file appears under its name only after its length and its SHA-256 (large files) or Git blob SHA-1 (small ones) were
//     compared with the etag; content that differs is fetched once more from the start, then refused;
//   - lost connections, connections without a byte for half a minute, and answers 408, 429 and 5xx are tried again with
//     growing pauses, or after the time the hub asks for; attempts that bring the file forward are not counted;
//   - one process writes a blob at a time, others wait for it;
//   - the token goes to the hub alone, never to the storage server it redirects to.
//
// Everything that the user can mend (a wrong name, no access, no network, no space) is an error of package usage and comes
// before the first large file.
package hub
