package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskDelta is the constant that TFRecord adds to rotated checksums.
const maskDelta = 0xa282ead8

// maskedCRC is the checksum of a TFRecord: CRC32C, rotated right by 15 bits, plus a constant, so that a record that contains
// records does not contain its own checksum's input.
func maskedCRC(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + maskDelta
}

// writeRecord writes one TFRecord: the length (8 bytes, little endian), its checksum (4), the data, their checksum (4).
func writeRecord(w io.Writer, data []byte) error {
	header := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	header = binary.LittleEndian.AppendUint32(header, maskedCRC(header))
	if _, err := w.Write(header); err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	_, err := w.Write(binary.LittleEndian.AppendUint32(nil, maskedCRC(data)))
	return err
}
