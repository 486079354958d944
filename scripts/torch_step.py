"""One preference-optimisation step of a GPT-2 in PyTorch, to compare `sparsepo bench train` with on a GPU.

Does what trainers on PyTorch do, with PyTorch's own fast parts: chosen and rejected sides are padded to one length, on the
right, and concatenated into one batch; attention is scaled_dot_product_attention with its causal flag, which is exact for
such rows and takes the flash kernels; the reference runs under no_grad with weights in the type of the passes; both models
give logits at all positions; gradients are clipped to norm 1; AdamW is the fused one, on float32 weights. In bfloat16 the
passes run under autocast and softmax, losses and masks in float32.

usage: torch_step.py --layers 36 --dim 1280 --heads 20 --vocab 50257 --pairs pairs.jsonl [--method sparse-independent]
                     [--batch 8] [--steps 8] [--dtype bfloat16] [--device cuda] [--compile]

--pairs names records of token ids, as `sparsepo bench pairs` writes them. Prints one line of JSON: median seconds a step,
real (non-padding) tokens a second, peak memory of the process and of PyTorch's allocations on the GPU.
"""
import argparse
import contextlib
import inspect
import json
import math
import resource
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

WARM_UP = 3  # steps that are not counted, the first of which compiles where that is asked for


def attend(q, k, v):
    """Causal attention, [rows, heads, seq, dim] each."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    scores = (q @ k.transpose(-1, -2)).float() / math.sqrt(q.shape[-1])  # PyTorch before 2.0
    hidden = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
    return torch.softmax(scores.masked_fill(hidden, float("-inf")), -1).to(v.dtype) @ v


class Layer(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):
        rows, seq, dim = x.shape
        parts = self.qkv(self.attention_norm(x)).split(dim, -1)
        q, k, v = (z.view(rows, seq, self.heads, -1).transpose(1, 2) for z in parts)
        x = x + self.out(attend(q, k, v).transpose(1, 2).reshape(rows, seq, dim))
        return x + self.down(F.gelu(self.up(self.mlp_norm(x)), approximate="tanh"))


class GPT2(nn.Module):
    """Token ids [rows, seq] -> logits [rows, seq, vocab], and the hidden states after each layer, the last one normed."""

    def __init__(self, options):
        super().__init__()
        self.tokens = nn.Embedding(options.vocab, options.dim)
        self.positions = nn.Embedding(options.ctx, options.dim)
        self.layers = nn.ModuleList(Layer(options.dim, options.heads) for _ in range(options.layers))
        self.norm = nn.LayerNorm(options.dim)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device))
        hidden = []
        for layer in self.layers:
            x = layer(x)
            hidden.append(x)
        hidden[-1] = self.norm(x)
        return F.linear(hidden[-1], self.tokens.weight), hidden


class Mask(nn.Module):
    """A learned mask: hidden states of all layers [rows, seq, dim] -> one number a token, never negative."""

    def __init__(self, options):
        super().__init__()
        self.norm = nn.LayerNorm(options.dim)
        self.layers = nn.ModuleList(nn.Linear(options.dim, 1) for _ in range(options.layers))
        self.mixer = nn.Linear(options.layers, 1, bias=False)
        nn.init.constant_(self.mixer.weight, 1 / options.layers)

    def forward(self, hidden):
        each = [torch.relu(layer(self.norm(h.float()))) for layer, h in zip(self.layers, hidden)]
        return torch.relu(self.mixer(torch.cat(each, -1)))[..., 0]


def collate(pairs, device):
    """Ids [2 * pairs, seq], the chosen sides first; 1 where a response token is predicted [2 * pairs, seq - 1]; real tokens."""
    rows = [(p["prompt"], p[side]) for side in ("chosen", "rejected") for p in pairs]
    seq = max(len(prompt) + len(response) for prompt, response in rows)
    ids, predicted = torch.zeros(len(rows), seq, dtype=torch.long), torch.zeros(len(rows), seq - 1)
    for i, (prompt, response) in enumerate(rows):
        ids[i, : len(prompt) + len(response)] = torch.tensor(prompt + response)
        predicted[i, len(prompt) - 1 : len(prompt) + len(response) - 1] = 1
    return ids.to(device), predicted.to(device), sum(len(p) + len(r) for p, r in rows)


def objective(policy, reference, hidden, ids, predicted, masks, beta):
    """The mean loss. No masks: dpo; one: it weighs log-ratios and KL; two: one each."""
    log_policy, log_reference = policy[:, :-1].float().log_softmax(-1), reference[:, :-1].float().log_softmax(-1)
    target = ids[:, 1:, None]
    ratio = (log_policy.gather(-1, target) - log_reference.gather(-1, target))[..., 0] * predicted
    if masks:
        kl = (log_reference.exp() * (log_reference - log_policy)).sum(-1) * predicted
        hidden = [h[:, :-1] for h in hidden]
        weights = [mask(hidden) for mask in masks]
        ratio = weights[0] * ratio + weights[-1] * kl
    chosen, rejected = ratio.sum(-1).chunk(2)
    return -F.logsigmoid(beta * (chosen - rejected)).mean()


class Trainer:
    def __init__(self, options):
        self.options = options
        dtype = getattr(torch, options.dtype)
        self.policy = GPT2(options).to(options.device)
        self.reference = GPT2(options)
        self.reference.load_state_dict(self.policy.state_dict())
        self.reference.to(options.device, dtype).requires_grad_(False)
        count = {"dpo": 0, "sparse-common": 1, "sparse-independent": 2}[options.method]
        self.masks = nn.ModuleList(Mask(options) for _ in range(count)).to(options.device)
        self.trained = [*self.policy.parameters(), *self.masks.parameters()]
        groups = [
            dict(params=[p for p in self.trained if p.dim() > 1], weight_decay=0.01),
            dict(params=[p for p in self.trained if p.dim() < 2], weight_decay=0.0),
        ]
        fused = {}
        if options.device == "cuda" and "fused" in inspect.signature(torch.optim.AdamW).parameters:
            fused = dict(fused=True)
        self.optimiser = torch.optim.AdamW(groups, lr=1e-6, **fused)
        self.narrow = contextlib.nullcontext
        if dtype != torch.float32:
            self.narrow = lambda: torch.autocast(options.device, dtype=dtype)
        self.objective = objective
        if options.compile:
            self.policy, self.reference = torch.compile(self.policy), torch.compile(self.reference)
            self.objective = torch.compile(objective)

    def step(self, pairs):
        """One optimiser step; returns the loss and the number of real tokens."""
        ids, predicted, tokens = collate(pairs, self.options.device)
        with self.narrow():
            with torch.no_grad():
                reference, hidden = self.reference(ids)
            policy, _ = self.policy(ids)
        loss = self.objective(policy, reference, hidden, ids, predicted, self.masks, self.options.beta)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimiser.step()
        return float(loss), tokens


def measure(options):
    with open(options.pairs) as file:
        pairs = [json.loads(line) for line in file]
    trainer = Trainer(options)
    times, tokens = [], 0
    for i in range(WARM_UP + options.steps):
        batch = [pairs[(i * options.batch + j) % len(pairs)] for j in range(options.batch)]
        start = time.perf_counter()
        loss, real = trainer.step(batch)
        if options.device == "cuda":
            torch.cuda.synchronize()
        if i >= WARM_UP:
            times.append(time.perf_counter() - start)
            tokens += real
    if not math.isfinite(loss):
        sys.exit(f"torch_step: the loss of the last step is {loss}")
    result = dict(
        engine="torch", engine_version=torch.__version__, device=options.device, dtype=options.dtype, compiled=options.compile,
        method=options.method, params=sum(p.numel() for p in trainer.policy.parameters()),
        median_step_s=round(statistics.median(times), 5), tokens_per_s=round(tokens / sum(times), 1),
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )
    if options.device == "cuda":
        result.update(device=torch.cuda.get_device_name(), peak_gpu_mb=torch.cuda.max_memory_allocated() >> 20)
    print(json.dumps(result))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=36)
    parser.add_argument("--dim", type=int, default=1280)
    parser.add_argument("--heads", type=int, default=20)
    parser.add_argument("--vocab", type=int, default=50257)
    parser.add_argument("--ctx", type=int, default=1024, help="positions of the model")
    parser.add_argument("--pairs", required=True, help="records of token ids")
    parser.add_argument("--method", default="sparse-independent", choices=["dpo", "sparse-common", "sparse-independent"])
    parser.add_argument("--batch", type=int, default=8, help="pairs a step")
    parser.add_argument("--steps", type=int, default=8, help="counted steps")
    parser.add_argument("--beta", type=float, default=0.1)
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float32"])
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--compile", action="store_true", help="torch.compile the models and the loss")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("torch_step: this PyTorch finds no GPU; pass --device cpu, or install a build with CUDA")
    if options.compile and not hasattr(torch, "compile"):
        sys.exit(f"torch_step: PyTorch {torch.__version__} has no torch.compile; 2.0 or later has")
    torch.manual_seed(0)
    measure(options)


if __name__ == "__main__":
    main()
