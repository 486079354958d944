package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Reads returns the keys that only some methods read and that method does; known is false for a method that does not
// exist. A key that is in no method's list is read by all.
type Reads = func(method string) (keys []string, known bool)

// Validate collects everything that is wrong with the settings: missing ones, values out of range, settings that do not
// fit together, and settings that the user gave but the run would not read. Values from presets and Optional sources may
// go unread. methods lists all methods, in the order messages name them.
//
// It notes which settings are not read, for YAML and WriteYAML to leave out; call it before them.
func (r *Run) Validate(reads Reads, methods []string) error {
	var problems []error
	report := func(key, format string, args ...any) {
		problems = append(problems, r.origins[key].at(key, fmt.Sprintf(format, args...)))
	}
	r.checkValues(reads, methods, report)
	r.checkTogether(report)
	r.unread = r.findUnread(reads, methods)
	for _, k := range keys {
		if reason, unread := r.unread[k.name]; unread && r.origins[k.name].explicit {
			report(k.name, "not read: %s", reason)
		}
	}
	return usage.Wrap(errors.Join(problems...))
}

func (r *Run) checkValues(reads Reads, methods []string, report func(key, format string, args ...any)) {
	for _, k := range keys {
		switch err := k.check(r); {
		case err != nil:
			report(k.name, "%v", err)
		case k.required && k.of(r).IsZero():
			report(k.name, "missing; give --%s or set it in the configuration: %s", k.flag, k.help)
		}
	}
	if _, known := reads(r.Method); r.Method != "" && !known {
		hint := ""
		if near := usage.Nearest(r.Method, methods); near != "" {
			hint = fmt.Sprintf(" (did you mean %q?)", near)
		}
		report("method", "unknown %q; known: %s%s", r.Method, strings.Join(methods, ", "), hint)
	}
}

// checkTogether reports settings that exclude or need each other.
func (r *Run) checkTogether(report func(key, format string, args ...any)) {
	if r.MaxPromptLength >= r.MaxLength {
		report("max_prompt_length", "found %d, which leaves no room for a response in max_length %d; lower it or raise max_length", r.MaxPromptLength, r.MaxLength)
	}
	if r.WarmupRatio > 0 && r.WarmupSteps > 0 {
		report("warmup_steps", "found %d besides warmup_ratio %g; give one of the two", r.WarmupSteps, r.WarmupRatio)
	}
	if r.EvalSteps > 0 && r.EvalData == "" {
		report("eval_steps", "found %d, but there is no eval_data to evaluate on; give --eval-data", r.EvalSteps)
	}
	if r.LoadBestModelAtEnd && r.EvalSteps == 0 {
		report("load_best_model_at_end", "needs evaluations to choose by; set eval_steps")
	}
	if r.Frontier.Every > 0 {
		for _, needed := range []string{"frontier.prompts", "frontier.reward"} {
			if keyByName[needed].of(r).IsZero() {
				report(needed, "missing; a frontier every %d steps needs it", r.Frontier.Every)
			}
		}
	}
}

// findUnread returns the keys that the run would not read, with the reason.
func (r *Run) findUnread(reads Reads, methods []string) map[string]string {
	unread := map[string]string{}
	if own, known := reads(r.Method); known {
		for _, k := range keys {
			if readers := readersOf(k.name, reads, methods); len(readers) > 0 && !slices.Contains(own, k.name) {
				unread[k.name] = fmt.Sprintf("method %s has no use for it; %s", r.Method, andRead(readers))
			}
		}
	}
	if _, already := unread["mask.width"]; !already && r.Mask.Depth == 1 {
		unread["mask.width"] = "mask.depth is 1; only a mask of depth 2 has a width"
	}
	if _, already := unread["reference_cache_gb"]; !already && !r.PrecomputeRefLogProbs {
		unread["reference_cache_gb"] = "precompute_ref_log_probs is false, so nothing is kept"
	}
	if r.Mask.Source == "file" {
		for _, k := range keys {
			if _, already := unread[k.name]; !already && ownMask(k.name) {
				unread[k.name] = "mask.source is file, so the method makes no mask of its own"
			}
		}
	}
	if !r.UsePEFT {
		for _, k := range keys {
			if strings.HasPrefix(k.name, "lora_") || k.name == "use_rslora" {
				unread[k.name] = "use_peft is false, so no adapter is made"
			}
		}
	}
	if r.Frontier.Every == 0 {
		for _, k := range keys {
			if strings.HasPrefix(k.name, "frontier.") && k.name != "frontier.every" {
				unread[k.name] = "frontier.every is 0, so no frontier is measured"
			}
		}
	}
	return unread
}

// ownMask reports whether a setting is about the mask that a method makes.
func ownMask(key string) bool {
	return key == "l1_u" || key == "l1_d" || strings.HasPrefix(key, "mask.") && key != "mask.source"
}

// readersOf returns the methods that list key; none where all read it.
func readersOf(key string, reads Reads, methods []string) (readers []string) {
	for _, method := range methods {
		if own, _ := reads(method); slices.Contains(own, key) {
			readers = append(readers, method)
		}
	}
	return readers
}

func andRead(readers []string) string {
	if len(readers) == 1 {
		return readers[0] + " reads it"
	}
	last := len(readers) - 1
	return strings.Join(readers[:last], ", ") + " and " + readers[last] + " read it"
}
