// Package reference keeps what a frozen reference model finds at the response tokens of preference pairs, so that its work is
// done once for all epochs of a run and for all runs of a sweep.
//
// A [Cache] lies in the user's cache folder: one folder for each [Key], which says what the values depend on besides the pair,
// and in it files of records, one record a pair, found by a digest of the pair's token ids. A file is written aside and takes
// its name in one step; after that it never changes. Records carry checksums: a file with a damaged one is reported and
// dropped, and its values are computed again. Runs share the cache: they read without locks, and one at a time computes.
package reference
