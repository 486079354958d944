package reference

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// A file of values is a line of magic, the length (uint32) and text of its key, and records: the pair's digest, its number of
// response tokens (uint32), its numbers (float32, field by field, token by token) and a CRC-32C of all that. Numbers are
// little-endian. A CRC-32C follows the key's text as well.
const magic = "sparsepo reference values 1\n"

// maxTokens bounds the response tokens of a pair.
const maxTokens = 1 << 24

const (
	recordHead = len(pairID{}) + 4
	checksum   = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errDamaged = errors.New("damaged")

// header is the beginning of a file.
func header(k Key) ([]byte, error) {
	text, err := k.text()
	if err != nil {
		return nil, err
	}
	head := binary.LittleEndian.AppendUint32([]byte(magic), uint32(len(text)))
	head = append(head, text...)
	return binary.LittleEndian.AppendUint32(head, crc32.Checksum(text, castagnoli)), nil
}

// appendRecord adds a pair's record to text.
func appendRecord(text []byte, id pairID, tokens int, fields [][]float32) []byte {
	first := len(text)
	text = append(text, id[:]...)
	text = binary.LittleEndian.AppendUint32(text, uint32(tokens))
	for _, values := range fields {
		for _, x := range values {
			text = binary.LittleEndian.AppendUint32(text, math.Float32bits(x))
		}
	}
	return binary.LittleEndian.AppendUint32(text, crc32.Checksum(text[first:], castagnoli))
}

// recordSize is the size of a record, bytes.
func recordSize(tokens, width int) int64 {
	return int64(recordHead) + 4*int64(tokens)*int64(width) + checksum
}

// parseRecord gives the numbers of a whole record.
func parseRecord(text []byte, id pairID) ([]float32, error) {
	body, sum := text[:len(text)-checksum], binary.LittleEndian.Uint32(text[len(text)-checksum:])
	if crc32.Checksum(body, castagnoli) != sum || !bytes.Equal(body[:len(id)], id[:]) {
		return nil, errDamaged
	}
	body = body[recordHead:]
	values := make([]float32, len(body)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
	}
	return values, nil
}

// place is where a record begins, and its response tokens.
type place struct {
	id     pairID
	at     int64
	tokens int
}

// scan reads a file of values from its beginning and checks every record.
func scan(r io.Reader, k Key) ([]place, error) {
	want, err := header(k)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(r, 1<<20)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(in, got); err != nil || !bytes.Equal(got, want) {
		return nil, fmt.Errorf("%w at its beginning", errDamaged)
	}
	var list []place
	for at := int64(len(want)); ; {
		p, err := scanRecord(in, at, k.width())
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, fmt.Errorf("%w at byte %d", err, at)
		}
		list = append(list, p)
		at += recordSize(p.tokens, k.width())
	}
}

// scanRecord checks the next record; io.EOF says that there is none.
func scanRecord(in io.Reader, at int64, width int) (place, error) {
	p := place{at: at}
	head := make([]byte, recordHead)
	switch _, err := io.ReadFull(in, head); {
	case errors.Is(err, io.EOF):
		return p, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return p, errDamaged
	case err != nil:
		return p, err
	}
	copy(p.id[:], head)
	tokens := binary.LittleEndian.Uint32(head[len(p.id):])
	if tokens > maxTokens {
		return p, errDamaged
	}
	p.tokens = int(tokens)
	sum := crc32.New(castagnoli)
	sum.Write(head)
	if _, err := io.CopyN(sum, in, 4*int64(tokens)*int64(width)); errors.Is(err, io.EOF) {
		return p, errDamaged
	} else if err != nil {
		return p, err
	}
	var stored [checksum]byte
	if _, err := io.ReadFull(in, stored[:]); err != nil || binary.LittleEndian.Uint32(stored[:]) != sum.Sum32() {
		return p, errDamaged
	}
	return p, nil
}
