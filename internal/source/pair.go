package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gomlx/compute"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
)

// Names of references that share the policy's base.
const (
	baseReference    = "base"
	adapterReference = "adapter:"
)

// Pair is a policy and what it is compared with.
type Pair struct {
	Policy *Model
	Lora   *model.LoRA // a new adapter to train on the policy; nil for none

	name    string         // of the reference, where it is not the policy's base
	whole   *Model         // a reference with weights of its own
	adapter *model.Adapter // a reference on the policy's base; nil for the base itself, or with whole
	shared  bool           // the reference is on the policy's base
}

// OpenPair opens a policy and its reference and checks that they fit. The reference is
//
//   - "base": the policy's base model, its adapter off;
//   - "adapter:NAME": another adapter on that base, such as the one that fine-tuning left;
//   - the folder or hub id of a whole model;
//   - "": none.
//
// The policy's own name as reference means the model as it is before training. For an adapter that could be the base or the
// adapter, and is an error that says so. lora is a new adapter to put on a whole model.
func OpenPair(ctx context.Context, policy, reference string, lora *model.LoRA, log io.Writer) (*Pair, error) {
	p := &Pair{Lora: lora}
	var err error
	if p.Policy, err = Open(ctx, policy, log); err != nil {
		return nil, err
	}
	err = p.checkLora()
	if err == nil {
		err = p.openReference(ctx, reference, log)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// adapted reports whether the policy has an adapter.
func (p *Pair) adapted() bool { return p.Policy.Adapter != nil || p.Lora != nil }

// checkLora refuses a new adapter that does not fit the policy.
func (p *Pair) checkLora() error {
	switch {
	case p.Lora == nil:
		return nil
	case p.Policy.Adapter != nil:
		return usage.Hint(usage.Errorf("model %s is an adapter already, and use_peft asks for another on it", p.Policy.Name),
			"leave use_peft out to train that adapter further, or fold it into its base with sparsepo merge first")
	}
	return p.Policy.Check(model.NewAdapter(*p.Lora, "", 0))
}

func (p *Pair) openReference(ctx context.Context, name string, log io.Writer) error {
	adapter, isAdapter := strings.CutPrefix(name, adapterReference)
	switch {
	case name == "":
		return nil
	case name == p.Policy.Name && p.Policy.Adapter != nil:
		return usage.Hint(usage.Errorf("reference: the model %s is an adapter, so what it is compared with must be said", name),
			fmt.Sprintf("--reference base for the model %s without it, --reference %s%s for the adapter as it is now", p.Policy.Base, adapterReference, name))
	case name == baseReference:
		return p.shareBase(ctx, log)
	case name == p.Policy.Name && p.Lora != nil:
		p.shared = true
		return nil
	case isAdapter && adapter == "":
		return usage.Errorf("reference: %q needs the folder or hub id of an adapter behind it", name)
	case isAdapter && !p.adapted():
		return usage.Hint(usage.Errorf("reference: %s is an adapter on the policy's base, and the policy %s has none: its base is what is trained", name, p.Policy.Name),
			fmt.Sprintf("--reference %s for a model of its own with that adapter on, or train an adapter (use_peft)", adapter))
	case isAdapter:
		return p.openAdapter(ctx, adapter, log)
	}
	return p.openWhole(ctx, name, log)
}

// shareBase takes the policy's base, unless a folder of that name could be meant.
func (p *Pair) shareBase(ctx context.Context, log io.Writer) error {
	switch folder := isFolder(baseReference); {
	case !p.adapted() && folder:
		return p.openWhole(ctx, baseReference, log)
	case !p.adapted():
		return usage.Errorf("reference: base is the policy's base model without its adapter, and %s has none; name a model", p.Policy.Name)
	case folder && !sameFolder(baseReference, p.Policy.Folder):
		return usage.Hint(usage.Errorf("reference: base is the policy's base model %s, and there is a folder of that name too", p.Policy.Base),
			fmt.Sprintf("--reference %s for the one, --reference ./%s for the other", p.Policy.Base, baseReference))
	}
	p.shared = true
	return nil
}

func (p *Pair) openAdapter(ctx context.Context, name string, log io.Writer) error {
	m, err := Open(ctx, name, log)
	if err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	defer m.Checkpoint.Close()
	if m.Adapter == nil {
		return usage.Errorf("reference: %s is a whole model, no adapter; name it without %q", name, adapterReference)
	}
	if !sameFolder(m.Folder, p.Policy.Folder) {
		return errors.Join(usage.Hint(usage.Errorf("reference: the adapter %s is on %s, the policy on %s; they must share their base", name, m.Base, p.Policy.Base),
			fmt.Sprintf("--reference %s for a model of its own with that adapter on", name)), m.Adapter.Close())
	}
	p.shared, p.adapter, p.name = true, m.Adapter, name
	return nil
}

func (p *Pair) openWhole(ctx context.Context, name string, log io.Writer) error {
	m, err := Open(ctx, name, log)
	if err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	policy, onBase := p.Policy.Config, p.adapted() && sameFolder(m.Folder, p.Policy.Folder)
	switch {
	case onBase && m.Adapter == nil:
		p.shared = true
		return m.Close()
	case onBase:
		err = usage.Hint(usage.Errorf("reference: %s is an adapter on the policy's base, so what is meant must be said", name),
			fmt.Sprintf("--reference %s%s for the base with this adapter on, --reference base for the base without any", adapterReference, name))
	case m.Config.Vocab != policy.Vocab:
		err = usage.Errorf("reference %s has a vocabulary of %d, the policy %s one of %d; KL needs the same vocabulary",
			name, m.Config.Vocab, p.Policy.Name, policy.Vocab)
	}
	if err != nil {
		return errors.Join(err, m.Close())
	}
	p.whole, p.name = m, name
	return nil
}

// Close releases the files.
func (p *Pair) Close() error {
	var list []error
	if p.Policy != nil {
		list = append(list, p.Policy.Close())
	}
	if p.whole != nil {
		list = append(list, p.whole.Close())
	}
	if p.adapter != nil {
		list = append(list, p.adapter.Close())
	}
	return errors.Join(list...)
}

// Reference is the configuration of the reference; nil without one.
func (p *Pair) Reference() *model.Config {
	switch {
	case p.whole != nil:
		return p.whole.Config
	case p.shared:
		return p.Policy.Config
	}
	return nil
}

// ReferenceName is the reference's name: the policy's base model where that is it, "" without one.
func (p *Pair) ReferenceName() string {
	if p.name == "" && p.shared {
		return p.Policy.Base
	}
	return p.name
}

// ReferenceText says what the policy is compared with, for people; "" where there is nothing.
func (p *Pair) ReferenceText() string {
	switch {
	case p.adapter != nil:
		return fmt.Sprintf("%s with the adapter %s; it shares the policy's frozen weights", p.Policy.Base, p.name)
	case p.shared:
		return fmt.Sprintf("%s without an adapter; it shares the policy's frozen weights", p.Policy.Base)
	case p.whole != nil && p.whole.Adapter != nil:
		return fmt.Sprintf("%s, an adapter on %s: %s, %.2f M parameters", p.name, p.whole.Base, p.whole.Config.Type, float64(p.whole.NumParameters())/1e6)
	case p.whole != nil:
		return fmt.Sprintf("%s: %s, %.2f M parameters", p.name, p.whole.Config.Type, float64(p.whole.NumParameters())/1e6)
	}
	return ""
}

// Shared reports whether the reference's weights are the policy's frozen ones.
func (p *Pair) Shared() bool { return p.shared }

// Whole is the reference where it has weights of its own, else nil.
func (p *Pair) Whole() *model.Checkpoint {
	if p.whole == nil {
		return nil
	}
	return p.whole.Checkpoint
}

// ReferenceFolders are the folders whose files decide on the reference's values: the whole model's, and its adapter's where it
// has one.
func (p *Pair) ReferenceFolders() []string {
	checkpoint, adapter := p.Policy.Checkpoint, p.adapter
	if p.whole != nil {
		checkpoint, adapter = p.whole.Checkpoint, p.whole.Adapter
	}
	folders := []string{checkpoint.Folder}
	if adapter != nil {
		folders = append(folders, adapter.Folder)
	}
	return folders
}

// Bind reads both into the store, under /policy and /reference; the reference is nil where there is none. b.Trainable says
// whether the policy is trained: its adapter where it has one, else its weights. Frozen weights are kept as b says.
func (p *Pair) Bind(backend compute.Backend, store *gomodel.Store, b model.Binding, seed uint64) (policy, reference *model.Network, err error) {
	policy, base, err := p.bindPolicy(backend, store, b, seed)
	if err != nil {
		return nil, nil, err
	}
	b.Trainable = false
	reference, err = p.bindReference(backend, store, base, b)
	return policy, reference, err
}

// BindWithHead is Bind with no more of the reference than its LM head, unless it shares the policy's weights anyway.
func (p *Pair) BindWithHead(backend compute.Backend, store *gomodel.Store, b model.Binding, seed uint64) (policy, reference *model.Network, err error) {
	policy, base, err := p.bindPolicy(backend, store, b, seed)
	if err != nil || p.shared { // no adapter is on the LM head
		return policy, base, err
	}
	b.Trainable, b.HeadOnly = false, true
	reference, err = p.whole.Checkpoint.Bind(backend, store, "/reference", b)
	return policy, reference, err
}

// BindPolicy is Bind without the reference.
func (p *Pair) BindPolicy(backend compute.Backend, store *gomodel.Store, b model.Binding, seed uint64) (*model.Network, error) {
	policy, _, err := p.bindPolicy(backend, store, b, seed)
	return policy, err
}

// BindReference is Bind without the policy, but for the frozen weights that the reference shares with it.
func (p *Pair) BindReference(backend compute.Backend, store *gomodel.Store, b model.Binding) (*model.Network, error) {
	b.Trainable = false
	var base *model.Network
	if p.shared {
		var err error
		if base, err = p.Policy.Checkpoint.Bind(backend, store, "/policy", b); err != nil {
			return nil, err
		}
	}
	return p.bindReference(backend, store, base, b)
}

// bindPolicy gives the policy, and the model under its adapter.
func (p *Pair) bindPolicy(backend compute.Backend, store *gomodel.Store, b model.Binding, seed uint64) (policy, base *model.Network, err error) {
	own := b
	own.Trainable = b.Trainable && !p.adapted()
	if base, err = p.Policy.Checkpoint.Bind(backend, store, "/policy", own); err != nil {
		return nil, nil, err
	}
	adapter := p.Policy.Adapter
	if p.Lora != nil {
		adapter = model.NewAdapter(*p.Lora, p.Policy.Base, seed)
	}
	if adapter == nil {
		return base, base, nil
	}
	policy, err = base.Adapt(backend, store, "/policy/adapter", adapter, b.Trainable)
	return policy, base, err
}

// bindReference binds what of the reference is its own.
func (p *Pair) bindReference(backend compute.Backend, store *gomodel.Store, base *model.Network, b model.Binding) (*model.Network, error) {
	switch {
	case p.whole != nil:
		return p.whole.Bind(backend, store, "/reference", b)
	case p.adapter != nil:
		return base.Adapt(backend, store, "/reference/adapter", p.adapter, false)
	case p.shared:
		return base, nil
	}
	return nil, nil
}
