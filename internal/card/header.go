package card

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// header is the YAML between the lines of dashes. The hub refuses a base_model or a data set that is no id of its own, so
// paths are left out; the nearest base model that has an id stands for a local one.
func (c Card) header() (string, error) {
	base := c.Base.Model
	if c.HubModel {
		base = hubID(c.BaseModel)
	}
	fields := struct {
		BaseModel   string   `yaml:"base_model,omitempty"`
		Relation    string   `yaml:"base_model_relation,omitempty"`
		Datasets    []string `yaml:"datasets,omitempty"`
		Library     string   `yaml:"library_name"`
		License     any      `yaml:"license,omitempty"`
		LicenseName string   `yaml:"license_name,omitempty"`
		LicenseLink string   `yaml:"license_link,omitempty"`
		Pipeline    string   `yaml:"pipeline_tag"`
		Tags        []string `yaml:"tags"`
	}{
		BaseModel: base, Datasets: c.datasets(), Library: "transformers", Pipeline: "text-generation", Tags: c.tags(),
		LicenseName: c.Base.LicenseName, LicenseLink: c.Base.LicenseLink,
	}
	switch licenses := c.Base.License; len(licenses) {
	case 0:
	case 1:
		fields.License = licenses[0]
	default:
		fields.License = licenses
	}
	if base != "" {
		fields.Relation = "finetune"
	}
	if c.Adapter {
		fields.Library = "peft"
		if base != "" {
			fields.Relation = "adapter"
		}
	}
	text, err := yaml.Marshal(fields)
	if err != nil {
		return "", fmt.Errorf("header: %w", err)
	}
	return string(text), nil
}

// hubID drops the revision and the place inside a repository from a hub id.
func hubID(name string) string {
	if end := strings.IndexAny(name, "@:"); end >= 0 {
		return name[:end]
	}
	return name
}

func (c Card) datasets() []string {
	var ids []string
	if c.HubData {
		ids = append(ids, hubID(c.Data))
	}
	if c.HubEvalData && (len(ids) == 0 || hubID(c.EvalData) != ids[0]) {
		ids = append(ids, hubID(c.EvalData))
	}
	return ids
}

func (c Card) tags() []string {
	tags := []string{"sparsepo"}
	if c.Method != "" {
		tags = append(tags, c.Method)
	}
	if c.Method != "" && !c.supervised() {
		tags = append(tags, "preference-optimization")
	}
	if c.Adapter {
		tags = append(tags, "lora")
	}
	return tags
}
