package source

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
)

// letters is a tokenizer of bytes.
type letters struct{}

func (letters) VocabSize() int     { return 256 }
func (letters) EOS() (int32, bool) { return 0, false }
func (letters) Encode(text string) []int32 {
	ids := make([]int32, len(text))
	for i := range len(text) {
		ids[i] = int32(text[i])
	}
	return ids
}

// TestTurnsOfPublishedTemplates: what is learned of a conversation, written by the templates of published models: every answer to
// the mark of its end. A template that puts an empty thought into the last turn alone leaves the others out.
func TestTurnsOfPublishedTemplates(t *testing.T) {
	const conversation = `{"messages":[{"role":"user","content":"One?"},{"role":"assistant","content":"First."},` +
		`{"role":"user","content":"Two?"},{"role":"assistant","content":"Second."},{"role":"user","content":"Three?"},{"role":"assistant","content":"Third."}]}`
	path := filepath.Join(t.TempDir(), "chat.jsonl")
	if err := os.WriteFile(path, []byte(conversation), 0o644); err != nil {
		t.Fatal(err)
	}
	answers := func(end string) []string { return []string{"First." + end, "Second." + end, "Third." + end} }
	wants := map[string][]string{
		"chatml": answers("<|im_end|>\n"), "qwen2.5": answers("<|im_end|>\n"), "zephyr": answers("</s>\n"), "alpaca": answers("</s>"),
		"llama-3": answers("<|eot_id|>"), "llama-3.1": answers("<|eot_id|>"), "llama-3.2": answers("<|eot_id|>"), "llama-3-training": answers("<|eot_id|>"),
		"gemma": answers("<end_of_turn>\n"), "gemma-2": answers("<end_of_turn>\n"), "gemma-3": answers("<end_of_turn>\n"),
		"mistral-v1": {" First.</s>", " Second.</s>", " Third.</s>"}, "mistral-nemo": answers("</s>"), "deepseek-v2": answers("<｜end▁of▁sentence｜>"),
		"phi-3":            {"First.<|end|>\n", "Second.<|end|>\n", "Third.<|end|>\n<|endoftext|>"},
		"phi-3.5":          {"First.<|end|>\n", "Second.<|end|>\n", "Third.<|end|>\n<|endoftext|>"},
		"qwen2.5-training": {"\nFirst.<|im_end|>\n", "\nSecond.<|im_end|>\n", "\nThird.<|im_end|>\n"},
		"qwen3":            {"<think>\n\n</think>\n\nThird.<|im_end|>\n"},
	}
	folders := publishedTemplates(t)
	if len(folders) != len(wants) {
		t.Errorf("%d templates, want %d", len(folders), len(wants))
	}
	for name, folder := range folders {
		template, err := Template(folder)
		if err != nil {
			t.Fatal(err)
		}
		marked, err := MarkedTemplate(folder)
		if err != nil {
			t.Fatal(err)
		}
		set, report, err := data.Load(t.Context(), path, data.LoadOptions{
			Task: data.Supervised, Tokenizer: letters{}, VocabSize: 256, Template: template, MarkedTemplate: marked,
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		pair, err := set.Pair(0)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wants[name], learned(pair)); diff != "" || report.TurnsMissed != 3-len(wants[name]) {
			t.Errorf("%s: %d turns missed; learned (-want +got):\n%s", name, report.TurnsMissed, diff)
		}
	}
}

// learned lists the texts that are learned.
func learned(p data.TokenPair) []string {
	var list []string
	from := 0
	for _, s := range append(p.Given, data.Span{First: len(p.Chosen), End: len(p.Chosen)}) {
		var b strings.Builder
		for _, id := range p.Chosen[from:s.First] {
			b.WriteByte(byte(id))
		}
		list = append(list, b.String())
		from = s.End
	}
	return list
}

// publishedTemplates makes a folder of each template of shared/golden-eval/chat_templates.jsonl that chats are written in.
func publishedTemplates(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "golden-eval", "chat_templates.jsonl"))
	if err != nil {
		t.Skipf("%v: the templates lie in the folder shared beside the repository", err)
	}
	defer file.Close()
	folders := map[string]string{}
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<24)
	for scanner.Scan() {
		var line struct {
			Name     string
			Template string
			BOS      *string `json:"bos_token"`
			EOS      *string `json:"eos_token"`
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if folders[line.Name] != "" || strings.HasPrefix(line.Name, "jinja-") {
			continue
		}
		folder := t.TempDir()
		config, err := json.Marshal(map[string]any{"chat_template": line.Template, "bos_token": line.BOS, "eos_token": line.EOS})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "tokenizer_config.json"), config, 0o644); err != nil {
			t.Fatal(err)
		}
		folders[line.Name] = folder
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return folders
}
