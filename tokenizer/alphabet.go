package tokenizer

import "unicode/utf8"

// A byte-level vocabulary writes each byte as one printable character: bytes that are printable in Latin-1 stand for
// themselves, the other 68 are the characters from U+0100 on, in order. A space becomes 'Ġ', a line feed 'Ċ'.
const (
	firstSubstitute = 0x100
	numSubstitutes  = 68
)

var (
	byteToChar [256]rune
	charToByte [firstSubstitute + numSubstitutes]int16 // -1: not in the alphabet
)

func init() {
	for i := range charToByte {
		charToByte[i] = -1
	}
	substitute := rune(firstSubstitute)
	for b := range 256 {
		char := rune(b)
		if !printable(b) {
			char = substitute
			substitute++
		}
		byteToChar[b] = char
		charToByte[char] = int16(b)
	}
}

// printable reports whether the byte stands for itself: '!' to '~', '¡' to '¬' and '®' to 'ÿ'.
func printable(b int) bool {
	return b >= 0x21 && b <= 0x7e || b >= 0xa1 && b <= 0xac || b >= 0xae
}

// toAlphabet writes the bytes of text in the byte alphabet.
func toAlphabet(text string) string {
	chars := make([]byte, 0, len(text)+len(text)/2)
	for i := range len(text) {
		chars = utf8.AppendRune(chars, byteToChar[text[i]])
	}
	return string(chars)
}

// fromAlphabet is the inverse of toAlphabet; ok is false when piece has a character outside the alphabet.
func fromAlphabet(piece string) (text string, ok bool) {
	bytes := make([]byte, 0, len(piece))
	for _, char := range piece {
		if int(char) >= len(charToByte) || charToByte[char] < 0 {
			return "", false
		}
		bytes = append(bytes, byte(charToByte[char]))
	}
	return string(bytes), true
}
