package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/evaluation"
	"github.com/sparsepo/sparsepo/internal/hub"
	"github.com/sparsepo/sparsepo/internal/reference"
	"github.com/sparsepo/sparsepo/internal/sentence"
	"github.com/sparsepo/sparsepo/internal/textmetric"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// textFolders are the folders of models that metrics of texts need; "" where none does.
type textFolders struct{ encoder, nli string }

func (w *evalText) has(metric string) bool { return slices.Contains(w.suite.Metrics, metric) }

// open prepares the models that the metrics need; close releases them.
func (w *evalText) open(ctx context.Context, app *App, groups []textmetric.Group) (folders textFolders, err error) {
	options := hub.Options{Log: app.Stderr}
	if w.has("bertscore") {
		if folders.encoder, err = hub.Model(ctx, w.encoder, options); err != nil {
			return folders, err
		}
		if err := w.openEncoder(app, folders.encoder, groups); err != nil {
			return folders, err
		}
	}
	if w.has("summac") || w.has("edna") {
		if folders.nli, err = hub.Model(ctx, w.nli, options); err != nil {
			return folders, err
		}
		err = w.openJudge(app, folders.nli)
	}
	return folders, err
}

// openEncoder prepares BERTScore.
func (w *evalText) openEncoder(app *App, folder string, groups []textmetric.Group) error {
	switch w.idf {
	case "none":
	case "references":
		for _, group := range groups {
			w.bert.IDF = append(w.bert.IDF, group.References...)
		}
	default:
		var err error
		if w.bert.IDF, err = textmetric.ReadTexts(w.idf, w.fields); err != nil {
			return fmt.Errorf("--idf: %w", err)
		}
	}
	backend, err := app.Backend()
	if err != nil {
		return err
	}
	w.bert.Name = w.encoder
	if w.suite.BERT, err = textmetric.OpenBERTScore(folder, backend, w.bert); err != nil {
		return err
	}
	fmt.Fprintf(app.Stderr, "bertscore: layer %d of %s\n", w.suite.BERT.Layer, w.encoder)
	return nil
}

// openJudge prepares SummaC.
func (w *evalText) openJudge(app *App, folder string) error {
	form := textmetric.SummaCForm(textmetric.ZeroShot)
	switch w.form {
	case "contrast":
		form = textmetric.ZeroShotContrast
	case "conv":
		var err error
		if form, err = textmetric.Convolution(w.weights); err != nil {
			return err
		}
	}
	backend, err := app.Backend()
	if err != nil {
		return err
	}
	if w.judge, err = textmetric.OpenNLI(folder, backend, w.labels); err != nil {
		return err
	}
	w.suite.SummaC = &textmetric.SummaC{Judge: w.judge, Form: form, Split: sentence.Split}
	return nil
}

// close releases the models.
func (w *evalText) close(app *App) {
	if w.suite.BERT != nil {
		w.suite.BERT.Close()
	}
	if w.judge == nil {
		return
	}
	if w.judge.NumCut > 0 {
		fmt.Fprintf(app.Stderr, "summac: %d pairs of sentences are longer than %s reads and were cut\n", w.judge.NumCut, w.nli)
	}
	w.judge.Close()
}

// file opens the file of results. Its header has what records depend on besides prompts and references.
func (w *evalText) file(groups []textmetric.Group, folders textFolders) (*evaluation.File, error) {
	header := evaluation.Header{Model: w.samples}
	if w.out == "" {
		return evaluation.Memory(header), nil
	}
	samples, references := evaluation.TextDigests(groups)
	header.Digest = samples
	header.Settings = map[string]string{evaluation.MetricsSetting: strings.Join(w.suite.Names(), ",")}
	if w.references != "" {
		header.Settings[evaluation.ReferencesSetting] = references
	}
	if w.has("rouge") {
		header.Settings["stem"] = fmt.Sprint(w.suite.Stem)
	}
	for _, add := range []func(map[string]string, textFolders) error{w.encoderSettings, w.judgeSettings} {
		if err := add(header.Settings, folders); err != nil {
			return nil, err
		}
	}
	return evaluation.Create(w.out, header)
}

// encoderSettings are what BERTScore depends on.
func (w *evalText) encoderSettings(settings map[string]string, folders textFolders) (err error) {
	if folders.encoder == "" {
		return nil
	}
	settings["layer"], settings["idf"], settings["baseline"] = fmt.Sprint(w.suite.BERT.Layer), "none", "none"
	if w.bert.IDF != nil {
		settings["idf"] = evaluation.TextsDigest(w.bert.IDF)
	}
	if settings["encoder"], err = modelDigest(folders.encoder); err != nil || w.bert.Baseline == "" {
		return err
	}
	settings["baseline"], err = fileDigest(w.bert.Baseline)
	return err
}

// judgeSettings are what SummaC and EDNA depend on.
func (w *evalText) judgeSettings(settings map[string]string, folders textFolders) (err error) {
	if folders.nli == "" {
		return nil
	}
	settings["summac"] = w.form
	if w.labels != (textmetric.NLIOptions{}) {
		settings["labels"] = w.labels.Entailment + "," + w.labels.Contradiction
	}
	if settings["nli"], err = modelDigest(folders.nli); err != nil || w.weights == "" {
		return err
	}
	settings["summac_weights"], err = fileDigest(w.weights)
	return err
}

// modelDigest is a digest of a model's folder.
func modelDigest(folder string) (string, error) {
	cache, err := reference.Folder()
	if err != nil {
		return "", err
	}
	return reference.Digest(cache, folder)
}

// fileDigest is the SHA-256 of a file that was read before.
func fileDigest(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", usage.Wrap(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}
