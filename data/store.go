package data

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// store is a temporary file of token ids, four bytes each. It is written from its start to its end and then read anywhere.
// The file has no name any more where the system allows that, so that nothing is left behind however the program ends.
type store struct {
	file    *os.File
	output  *bufio.Writer
	words   int64 // written so far
	scratch []byte
	named   bool
}

func newStore() (*store, error) {
	file, err := temporaryFile()
	if err != nil {
		return nil, fmt.Errorf("make a temporary file for tokens: %w (TMPDIR names its folder)", err)
	}
	named := os.Remove(file.Name()) != nil
	return &store{file: file, output: bufio.NewWriterSize(file, 64<<10), named: named}, nil
}

// temporaryFile makes a file in TMPDIR or, where that is not set, in /var/tmp, because /tmp may lie in memory.
func temporaryFile() (*os.File, error) {
	const pattern = "sparsepo-tokens-*"
	if os.Getenv("TMPDIR") == "" {
		if file, err := os.CreateTemp("/var/tmp", pattern); err == nil {
			return file, nil
		}
	}
	return os.CreateTemp("", pattern)
}

// add appends words. Errors of the file show in finish.
func (s *store) add(words []int32) {
	s.scratch = s.scratch[:0]
	for _, word := range words {
		s.scratch = binary.LittleEndian.AppendUint32(s.scratch, uint32(word))
	}
	_, _ = s.output.Write(s.scratch)
	s.words += int64(len(words))
}

// finish ends the writing.
func (s *store) finish() error {
	err := s.output.Flush()
	s.output, s.scratch = nil, nil
	if err != nil {
		return fmt.Errorf("write tokens to a temporary file: %w (TMPDIR names its folder)", err)
	}
	return nil
}

// read returns words from a place on.
func (s *store) read(at int64, words int) ([]int32, error) {
	raw := make([]byte, 4*words)
	if _, err := s.file.ReadAt(raw, 4*at); err != nil {
		return nil, fmt.Errorf("read tokens from a temporary file: %w", err)
	}
	out := make([]int32, words)
	for i := range out {
		out[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out, nil
}

func (s *store) close() error {
	err := s.file.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}
