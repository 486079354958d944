package train

import (
	"os"
	"path/filepath"

	"github.com/sparsepo/sparsepo/internal/card"
	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/internal/hub"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/loss"
)

// newCard begins the model card with what is known before the first step.
func (s *session) newCard(models *source.Pair, log func(format string, args ...any)) card.Card {
	c, o := s.config, s.objective
	base, err := card.ReadBase(models.Policy.Folder)
	if err != nil {
		log("warning: %v; the model card will not repeat its license", err)
	}
	described := card.Card{
		Name: c.Out, Method: o.Name, Formula: o.Summary, Source: o.Source,
		BaseModel: models.Policy.Base, HubModel: hub.IsID(models.Policy.Base), Base: base,
		Data: c.Data, HubData: hub.IsID(c.Data), Records: s.train.Len(),
		Adapter: models.Policy.Adapter != nil || models.Lora != nil, Masks: o.Mask.Learned(), FileMasks: o.Mask == loss.FileMask,
		Settings: settings(c),
	}
	if models.Policy.Adapter != nil {
		described.Start = models.Policy.Name
	}
	if o.Reference {
		described.Reference = models.ReferenceName()
	}
	if s.eval != nil {
		described.EvalData, described.HubEvalData, described.EvalRecords = c.EvalData, hub.IsID(c.EvalData), s.eval.Len()
	}
	return described
}

func settings(c *config.Run) []card.Setting {
	var list []card.Setting
	for _, s := range c.Settings() {
		list = append(list, card.Setting(s))
	}
	return list
}

// saveWithCard writes the weights as they are, and a card with the newest metrics.
func (r *runner) saveWithCard(folder string) error {
	if err := r.save(folder); err != nil {
		return err
	}
	described := r.card
	described.Steps, described.Metrics = r.progress.Step, r.last
	file, err := os.Create(filepath.Join(folder, card.FileName))
	if err != nil {
		return err
	}
	if err := described.Write(file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
