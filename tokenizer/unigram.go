package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// unigram cuts a word into the pieces whose scores, logarithms of probabilities, add up to the most (Kudo 2018).
type unigram struct {
	scores   []float64 // by id
	unknown  int32
	fallback bool // characters without a piece are written as bytes, <0x..>, where there are pieces for these

	pieces  map[string]int32
	bytes   [256]int32 // ids of the pieces of bytes
	lowest  float64    // score of a character without a piece
	longest int        // characters of the longest piece
}

// scoredPiece is a piece written as ["▁the", -3.2].
type scoredPiece struct {
	piece string
	score float64
}

func (p *scoredPiece) UnmarshalJSON(raw []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return fmt.Errorf("piece %.40s: want a piece and its score", raw)
	}
	return errors.Join(json.Unmarshal(parts[0], &p.piece), json.Unmarshal(parts[1], &p.score))
}

func readUnigram(d *definition, path string, raw json.RawMessage) error {
	var m struct {
		Type     string
		Unknown  *int32        `json:"unk_id"`
		Vocab    []scoredPiece `json:"vocab"`
		Fallback bool          `json:"byte_fallback"`
	}
	if err := decodeComponent(path, raw, &m); err != nil {
		return err
	}
	if m.Unknown == nil {
		return fmt.Errorf("%s: unk_id: missing; a Unigram vocabulary needs an unknown token", path)
	}
	if err := d.setUnigram(m.Vocab, *m.Unknown, m.Fallback); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// setUnigram makes the definition that of scored pieces, whose ids are their places.
func (d *definition) setUnigram(list []scoredPiece, unknown int32, fallback bool) error {
	if unknown < 0 || int(unknown) >= len(list) {
		return fmt.Errorf("unk_id: found %d, expected the place of one of the %d pieces", unknown, len(list))
	}
	u := &unigram{unknown: unknown, fallback: fallback, lowest: math.Inf(1)}
	d.pieces = make(map[string]int32, len(list))
	for id, p := range list {
		if other, ok := d.pieces[p.piece]; ok {
			return fmt.Errorf("vocab: %q stands there twice, at %d and %d", p.piece, other, id)
		}
		d.pieces[p.piece] = int32(id)
		u.scores = append(u.scores, p.score)
		u.lowest = min(u.lowest, p.score)
	}
	const penalty = 10 // of SentencePiece, for a character without a piece
	u.lowest -= penalty
	d.model = u
	return nil
}

func (u *unigram) setPieces(pieces map[string]int32) error {
	u.pieces = pieces
	for piece := range pieces {
		u.longest = max(u.longest, utf8.RuneCountInString(piece))
	}
	for b := range u.bytes {
		id, ok := pieces[bytePiece(byte(b))]
		if !ok {
			id = none
		}
		u.bytes[b] = id
	}
	return nil
}

// pathEnd is the best way to cut the beginning of a word that ends at a place.
type pathEnd struct {
	score float64
	start int // of its last piece; -1 where there is no way yet
	id    int32
}

func (e *pathEnd) offer(score float64, start int, id int32) {
	if e.start < 0 || score > e.score {
		*e = pathEnd{score, start, id}
	}
}

func (u *unigram) appendWord(ids []int32, word string, _ *encoder) []int32 {
	ends := u.paths(word)
	first := len(ids)
	unknownEnd := 0 // where a run of unknown characters ends; 0 outside one
	for end := len(word); end > 0; end = ends[end].start {
		last := ends[end]
		if last.id == u.unknown {
			unknownEnd = max(unknownEnd, end)
			if next := last.start; next == 0 || ends[next].id != u.unknown {
				ids = u.appendUnknown(ids, word[next:unknownEnd])
				unknownEnd = 0
			}
			continue
		}
		ids = append(ids, last.id)
	}
	slices.Reverse(ids[first:])
	return ids
}

// appendUnknown appends the ids of characters without pieces, the last first: those of their bytes, or one unknown token.
func (u *unigram) appendUnknown(ids []int32, text string) []int32 {
	if !u.fallback {
		return append(ids, u.unknown)
	}
	first := len(ids)
	for i := len(text) - 1; i >= 0; i-- {
		id := u.bytes[text[i]]
		if id == none {
			return append(ids[:first], u.unknown)
		}
		ids = append(ids, id)
	}
	return ids
}

// paths are the best ways to cut the beginnings of a word, by their ends in bytes. Of equally good ones the first found stays,
// of those with the longer last piece.
func (u *unigram) paths(word string) []pathEnd {
	ends := make([]pathEnd, len(word)+1)
	for i := 1; i < len(ends); i++ {
		ends[i].start = -1
	}
	for start := 0; start < len(word); {
		score := ends[start].score
		_, step := utf8.DecodeRuneInString(word[start:])
		end, single := start, false
		for chars := 0; chars < u.longest && end < len(word); chars++ {
			_, size := utf8.DecodeRuneInString(word[end:])
			end += size
			if id, ok := u.pieces[word[start:end]]; ok {
				ends[end].offer(score+u.scores[id], start, id)
				single = single || chars == 0
			}
		}
		if !single {
			ends[start+step].offer(score+u.lowest, start, u.unknown)
		}
		start += step
	}
	return ends
}
