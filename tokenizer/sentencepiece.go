package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// sentencePiece is a SentencePiece model as its file describes it: a protocol buffer of type ModelProto.
type sentencePiece struct {
	pieces   []scoredPiece
	kinds    []uint64 // of the pieces
	unknown  int32
	kind     uint64 // of the model
	fallback bool
	charsMap []byte
	dummy    bool // a space before the text
	squeeze  bool // spaces in a row are one, those around the text none
}

// The kinds of SentencePiece's models that are read.
const (
	unigramKind = 1
	bpeKind     = 2
)

// The kinds of pieces.
const (
	normalPiece  = 1
	unknownPiece = 2
	controlPiece = 3
	userPiece    = 4
	bytesPiece   = 6 // of a single byte
)

// Numbers of the fields that are read, by message.
const (
	modelPieces, modelTrainer, modelNormalizer           = 1, 2, 3
	pieceString, pieceScore, pieceKind                   = 1, 2, 3
	trainerKind, trainerFallback, trainerUnknown         = 3, 35, 40
	normalizerMap, normalizerDummy, normalizerNoSqueezed = 2, 3, 4
)

// protoField is a field of a message: the number of a varint or a 32-bit value, or the bytes of another.
type protoField struct {
	number protowire.Number
	value  uint64
	bytes  []byte
}

// eachField calls read for the fields of a message, in order.
func eachField(message []byte, read func(f protoField) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		f := protoField{number: number}
		switch kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(message)
		case protowire.Fixed32Type:
			var value uint32
			value, n = protowire.ConsumeFixed32(message)
			f.value = uint64(value)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if err := read(f); err != nil {
			return err
		}
	}
	return nil
}

func parseSentencePiece(content []byte) (*sentencePiece, error) {
	m := &sentencePiece{kind: unigramKind, dummy: true, squeeze: true}
	err := eachField(content, func(f protoField) error {
		switch f.number {
		case modelPieces:
			return m.readPiece(f.bytes)
		case modelTrainer:
			return eachField(f.bytes, m.readTrainer)
		case modelNormalizer:
			return eachField(f.bytes, m.readNormalizer)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("not a SentencePiece model: %w", err)
	case len(m.pieces) == 0:
		return nil, errors.New("not a SentencePiece model: no pieces")
	case m.kind != unigramKind && m.kind != bpeKind:
		return nil, fmt.Errorf("a SentencePiece model of kind %d (words are 3, characters 4); supported: Unigram, 1, and BPE, 2", m.kind)
	}
	return m, nil
}

func (m *sentencePiece) readPiece(message []byte) error {
	var p scoredPiece
	kind := uint64(normalPiece)
	err := eachField(message, func(f protoField) error {
		switch f.number {
		case pieceString:
			p.piece = string(f.bytes)
		case pieceScore:
			p.score = float64(math.Float32frombits(uint32(f.value)))
		case pieceKind:
			kind = f.value
		}
		return nil
	})
	m.pieces, m.kinds = append(m.pieces, p), append(m.kinds, kind)
	return err
}

func (m *sentencePiece) readTrainer(f protoField) error {
	switch f.number {
	case trainerKind:
		m.kind = f.value
	case trainerFallback:
		m.fallback = f.value != 0
	case trainerUnknown:
		m.unknown = int32(f.value)
	}
	return nil
}

func (m *sentencePiece) readNormalizer(f protoField) error {
	switch f.number {
	case normalizerMap:
		m.charsMap = f.bytes
	case normalizerDummy:
		m.dummy = f.value != 0
	case normalizerNoSqueezed:
		m.squeeze = f.value != 0
	}
	return nil
}

// family finds the family of the SentencePiece model in a folder by the tokenizer's class, or else by the model's type.
func (s *settings) family(file string) (pieceFamily, error) {
	class := strings.TrimSuffix(s.class, "Fast")
	var known []string
	for _, f := range pieceFamilies {
		known = append(known, f.owner)
		if f.file != file {
			continue
		}
		for _, kind := range f.modelTypes {
			if class == f.class || class == "" && s.modelType == kind {
				return f, nil
			}
		}
	}
	return pieceFamily{}, fmt.Errorf("%s of a %q (model_type %q) is not supported; supported: that of %s; or write tokenizer.json (save_pretrained of the fast tokenizer)",
		file, s.class, s.modelType, strings.Join(known, ", "))
}

// llamaFile is Llama's SentencePiece model.
const llamaFile = "tokenizer.model"

// pieceFile is the SentencePiece model in a folder, "" where there is none.
func pieceFile(dir string) string {
	names := []string{llamaFile}
	for _, f := range pieceFamilies {
		names = append(names, f.file)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return name
		}
	}
	return ""
}

// applyPieces makes the tokenizer of a SentencePiece model.
func (s *settings) applyPieces(d *definition, file string) error {
	if file == llamaFile && d.sentencePiece.kind == bpeKind {
		return s.applyLlama(d, file)
	}
	f, err := s.family(file)
	if err != nil {
		return err
	}
	if d.sentencePiece.kind != unigramKind {
		return fmt.Errorf("%s: a SentencePiece model of kind %d; %s's is Unigram, 1", file, d.sentencePiece.kind, f.owner)
	}
	if split := s.bert.SplitPunctuation; split != nil && *split {
		return fmt.Errorf("tokenizer_config.json: split_by_punct: true is not supported with %s", file)
	}
	table, err := parseCharsMap(d.sentencePiece.charsMap)
	if err != nil {
		return fmt.Errorf("%s: normalizer: %w", file, err)
	}
	m := d.sentencePiece
	list := f.vocabulary(m)
	if err := d.setUnigram(list, m.unknown, m.fallback); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	d.normalizer = append(f.before(s), table.apply)
	if m.squeeze {
		d.normalizer = append(d.normalizer, squeezed)
	}
	d.words = preTokenizer{text: []step{metaspaceStep{replacement: metaspace, prefix: m.dummy, cut: true}}}
	ids, err := s.specials(d, f.owner, f.specials, true)
	if err != nil {
		return err
	}
	d.frame.classify(ids["cls_token"], ids["sep_token"], f.asRoberta)
	return nil
}

// squeezed leaves out all spaces but one between words.
func squeezed(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(char rune) bool { return char == ' ' }), " ")
}
