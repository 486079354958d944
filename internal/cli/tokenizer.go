package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// newTokenizerCommand holds the work on tokenizers themselves.
func newTokenizerCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tokenizer",
		Short: "Train a tokenizer",
		Long: `Train a tokenizer on text. "sparsepo encode" and "sparsepo decode" use it, or any other BPE tokenizer in Hugging
Face layout.`,
		Example: `  sparsepo tokenizer train --data reviews.jsonl.gz --vocab-size 8192 --out tokenizer`,
	}
	cmd.AddCommand(newTokenizerTrainCommand(app))
	return cmd
}

// tokenizerTrain is the work of "tokenizer train".
type tokenizerTrain struct {
	data       []string
	field, out string
	options    tokenizer.TrainOptions
}

// tokenizerTrainResult is what "tokenizer train --json" prints.
type tokenizerTrainResult struct {
	Out       string  `json:"out"`
	Texts     int     `json:"texts"`
	Bytes     int     `json:"bytes"` // of all texts
	VocabSize int     `json:"vocab_size"`
	Seconds   float64 `json:"seconds"` // reading included
}

func newTokenizerTrainCommand(app *App) *cobra.Command {
	var work tokenizerTrain
	cmd := &cobra.Command{
		Use:   "train --data FILE --out FOLDER",
		Short: "Learn a byte-level BPE vocabulary",
		Long: `Learn a byte-level BPE vocabulary with GPT-2's split pattern. A data file is plain text (.txt, one text) or JSONL (.jsonl, the
field --field of each record), either of them also compressed (.gz). The result depends on the data and the flags alone.

The folder gets tokenizer.json and tokenizer_config.json, which Hugging Face's libraries load as they are. The first special
token ends a text.`,
		Example: `  sparsepo tokenizer train --data reviews.jsonl.gz --vocab-size 8192 --out tokenizer
  sparsepo tokenizer train --data a.txt --data b.txt --vocab-size 2000 --min-frequency 1 --out tokenizer`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			result, err := work.run(cmd.Context())
			if err != nil {
				return err
			}
			if app.JSON {
				return app.PrintJSON(result)
			}
			_, err = fmt.Fprintf(app.Stdout, "learned %d tokens from %d texts (%d bytes) in %.1f s\ntokenizer: %s\n",
				result.VocabSize, result.Texts, result.Bytes, result.Seconds, result.Out)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&work.data, "data", nil, "file to learn from (.jsonl, .txt, also .gz); may be given several times")
	flags.StringVar(&work.field, "field", "text", "field of the text in JSONL files")
	flags.IntVar(&work.options.VocabSize, "vocab-size", 8192, "number of tokens to learn, bytes and special tokens included")
	flags.IntVar(&work.options.MinFrequency, "min-frequency", 2, "merge no pair that occurs less often")
	flags.StringArrayVar(&work.options.SpecialTokens, "special-token", []string{"<|endoftext|>"}, "special token; may be given several times")
	flags.StringVar(&work.out, "out", "", "folder to write the tokenizer to")
	requireFlags(cmd, "data", "out")
	return cmd
}

func (w *tokenizerTrain) run(ctx context.Context) (tokenizerTrainResult, error) {
	result := tokenizerTrainResult{Out: w.out}
	start := time.Now()
	var readErr error
	tok, err := tokenizer.Train(func(yield func(string) bool) {
		readErr = w.texts(ctx, func(text string) bool {
			result.Texts++
			result.Bytes += len(text)
			return yield(text)
		})
	}, w.options)
	if readErr != nil {
		return result, readErr
	}
	if err != nil {
		return result, err
	}
	if result.Bytes == 0 {
		return result, usage.Errorf("train tokenizer: no text in %s", strings.Join(w.data, ", "))
	}
	result.VocabSize = tok.VocabSize()
	if err := tok.Save(w.out); err != nil {
		return result, err
	}
	result.Seconds = time.Since(start).Seconds()
	return result, nil
}

// texts passes the texts of all files to yield, until it returns false.
func (w *tokenizerTrain) texts(ctx context.Context, yield func(string) bool) error {
	for _, path := range w.data {
		if err := w.textsOf(ctx, path, yield); err != nil {
			return err
		}
	}
	return nil
}

func (w *tokenizerTrain) textsOf(ctx context.Context, path string, yield func(string) bool) error {
	plain := strings.HasSuffix(strings.TrimSuffix(path, ".gz"), ".txt")
	if !plain && !strings.HasSuffix(strings.TrimSuffix(path, ".gz"), ".jsonl") {
		return usage.Errorf("%s: unknown kind of text file; known: .jsonl, .txt, .jsonl.gz, .txt.gz", path)
	}
	file, err := jsonl.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if plain {
		content, err := io.ReadAll(file)
		if err != nil {
			return usage.Errorf("read %s: %w", path, err)
		}
		yield(string(content))
		return nil
	}
	return jsonl.Each(file, path, func(o jsonl.Object, _ int) error {
		var text string
		if err := errors.Join(ctx.Err(), usage.Wrap(o.Decode(w.field, &text, "a string"))); err != nil {
			return err
		}
		yield(text)
		return nil
	})
}

// newEncodeCommand turns texts into ids.
func newEncodeCommand(app *App) *cobra.Command {
	var model, field string
	var plain, specials bool
	cmd := &cobra.Command{
		Use:   "encode --model MODEL",
		Short: "Turn texts into token ids",
		Long: `Read JSONL records from standard input and write each with the field "ids" added to standard output. Special tokens written
out in a text are recognised unless --plain is given; nothing is added to it unless --specials is.`,
		Example: `  sparsepo encode --model sft/final < texts.jsonl > ids.jsonl
  echo '{"text": "Hello world"}' | sparsepo encode --model openai-community/gpt2`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if plain && specials {
				return usage.Errorf("--plain and --specials: give one of them; a frame of special tokens goes around a text in which they count")
			}
			tok, err := source.Tokenizer(cmd.Context(), model, app.Stderr)
			if err != nil {
				return err
			}
			encode := tok.Encode
			switch {
			case plain:
				encode = tok.EncodePlain
			case specials:
				encode = tok.EncodeWithSpecials
			}
			return eachRecord(cmd.Context(), app, "encoded", func(o jsonl.Object, line int) (jsonl.Object, error) {
				var text string
				if err := o.Decode(field, &text, "a string"); err != nil {
					return nil, usage.Wrap(err)
				}
				if b, missing := tok.Missing(text); missing {
					fmt.Fprintf(app.Stderr, "warning: standard input:%d: the vocabulary has no token for the byte 0x%02x\n", line, b)
				}
				return o.With("ids", encode(text))
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&model, "model", "", "folder of the tokenizer, or folder or hub id of the model it belongs to")
	flags.StringVar(&field, "field", "text", "field of the text")
	flags.BoolVar(&plain, "plain", false, "read special tokens in a text as ordinary text")
	flags.BoolVar(&specials, "specials", false, "put the special tokens around each text that the tokenizer's post-processor names")
	requireFlags(cmd, "model")
	return cmd
}

// newDecodeCommand turns ids into texts.
func newDecodeCommand(app *App) *cobra.Command {
	var model string
	var plain bool
	cmd := &cobra.Command{
		Use:   "decode --model MODEL",
		Short: "Turn token ids into texts",
		Long: `Read JSONL records from standard input and write each with the field "text" made from its "ids" to standard output. Where
the ids end in the middle of a character, the text has U+FFFD.`,
		Example: `  sparsepo decode --model sft/final < ids.jsonl > texts.jsonl
  echo '{"ids": [15496, 995]}' | sparsepo decode --model openai-community/gpt2`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			tok, err := source.Tokenizer(cmd.Context(), model, app.Stderr)
			if err != nil {
				return err
			}
			decode := tok.Decode
			if plain {
				decode = tok.DecodePlain
			}
			return eachRecord(cmd.Context(), app, "decoded", func(o jsonl.Object, _ int) (jsonl.Object, error) {
				var ids []int32
				if err := o.Decode("ids", &ids, "a list of token ids"); err != nil {
					return nil, usage.Wrap(err)
				}
				for i, id := range ids {
					if tok.Token(id) == "" {
						return nil, usage.Errorf("field \"ids\": entry %d is %d, which has no token; the vocabulary has %d ids", i+1, id, tok.VocabSize())
					}
				}
				return o.With("text", decode(ids))
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&model, "model", "", "folder of the tokenizer, or folder or hub id of the model it belongs to")
	flags.BoolVar(&plain, "plain", false, "leave special tokens out")
	requireFlags(cmd, "model")
	return cmd
}

// eachRecord writes the changed records of standard input to standard output. The records before a faulty line are written.
func eachRecord(ctx context.Context, app *App, done string, change func(o jsonl.Object, line int) (jsonl.Object, error)) error {
	out := bufio.NewWriter(app.Stdout)
	count := 0
	err := jsonl.Each(app.Stdin, "standard input", func(o jsonl.Object, line int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		changed, err := change(o, line)
		if err != nil {
			return err
		}
		written, err := changed.Line()
		if err != nil {
			return err
		}
		count++
		_, err = out.Write(written)
		return err
	})
	err = errors.Join(err, out.Flush())
	fmt.Fprintf(app.Stderr, "%s %d records\n", done, count)
	return err
}
