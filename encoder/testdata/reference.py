#!/usr/bin/env python3
"""Write the folders beside this file: small random encoders in Hugging Face layout and what PyTorch gives for them.

The layers are PyTorch's own (torch.nn.TransformerEncoderLayer, post-norm, float64, one sequence at a time without padding), the
tensors' names those of published checkpoints. Made with PyTorch 1.13; run it in this folder to make them again.
"""
import json
import os
import struct

import torch

torch.manual_seed(20261123)
torch.set_default_dtype(torch.float64)
SEQUENCES = [[2, 7, 4, 11, 3], [2, 5, 9, 9, 3, 12, 6, 3], [2, 3]]
TYPES = [[0] * 5, [0, 0, 0, 0, 0, 1, 1, 1], [0, 0]]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "film", "bad", "un", "##aff", "a", "##able", "!", "the"]
LABELS = {"0": "entailment", "1": "neutral", "2": "contradiction"}


def write(path, tensors):
    """Write a safetensors file of float32."""
    header, blobs, offset = {}, [], 0
    for name, t in tensors.items():
        blob = t.to(torch.float32).contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + b"".join(blobs))


class Weights(dict):
    """Tensors by name; new ones are random and exact in float32."""

    def matrix(self, name, *shape):
        self[name] = (0.5 * torch.randn(*shape)).to(torch.float32).double()
        return self[name]

    def linear(self, name, inputs, outputs):
        return self.matrix(name + ".weight", outputs, inputs), self.matrix(name + ".bias", outputs)

    def norm(self, name, width):
        gain = self.matrix(name + ".weight", width)
        gain += 1
        self[name + ".weight"] = gain.to(torch.float32).double()
        return self[name + ".weight"], self.matrix(name + ".bias", width)


def layer(w, names, width, heads, inner, eps, activation):
    """A PyTorch layer with weights under the checkpoint's names."""
    m = torch.nn.TransformerEncoderLayer(width, heads, inner, dropout=0.0, activation=activation, layer_norm_eps=eps, batch_first=True)
    qkv = [w.linear(names[k], width, width) for k in ("q", "k", "v")]
    parts = [
        (m.self_attn.in_proj_weight, torch.cat([x[0] for x in qkv])), (m.self_attn.in_proj_bias, torch.cat([x[1] for x in qkv])),
    ]
    for module, (weight, bias) in (
        (m.self_attn.out_proj, w.linear(names["o"], width, width)), (m.norm1, w.norm(names["n1"], width)),
        (m.linear1, w.linear(names["in"], width, inner)), (m.linear2, w.linear(names["out"], inner, width)),
        (m.norm2, w.norm(names["n2"], width)),
    ):
        parts += [(module.weight, weight), (module.bias, bias)]
    with torch.no_grad():
        for parameter, value in parts:
            parameter.copy_(value)
    return m


def gelu(x):
    return x / 2 * (1 + torch.erf(x / 2**0.5))


def gelu_new(x):
    return x / 2 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))


BERT = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "o": "attention.output.dense",
    "n1": "attention.output.LayerNorm", "in": "intermediate.dense", "out": "output.dense", "n2": "output.LayerNorm",
}
DISTIL = {
    "q": "attention.q_lin", "k": "attention.k_lin", "v": "attention.v_lin", "o": "attention.out_lin", "n1": "sa_layer_norm",
    "in": "ffn.lin1", "out": "ffn.lin2", "n2": "output_layer_norm",
}
ALBERT = {
    "q": "attention.query", "k": "attention.key", "v": "attention.value", "o": "attention.dense", "n1": "attention.LayerNorm",
    "in": "ffn", "out": "ffn_output", "n2": "full_layer_layer_norm",
}


def case(folder, config, prefix, block, names, layers, groups, head, activation, first=0, types=True, embedding=None, rename=None):
    vocabulary, positions, width, heads, inner, eps = 13, 20, 8, 2, 12, 1e-12
    if first:
        eps = 1e-5
    e = embedding or width
    w = Weights()
    p = prefix + "embeddings."
    words, places = w.matrix(p + "word_embeddings.weight", vocabulary, e), w.matrix(p + "position_embeddings.weight", positions, e)
    kinds = w.matrix(p + "token_type_embeddings.weight", types, e) if types else torch.zeros(2, e)
    norm = w.norm(p + "LayerNorm", e)
    if embedding:
        widen = w.linear(prefix + "encoder.embedding_hidden_mapping_in", e, width)
    made = [layer(w, {k: prefix + block % g + v for k, v in names.items()}, width, heads, inner, eps, activation) for g in range(groups)]
    dense, dense_name, label_name = head
    first_layer, last = w.linear(dense_name, width, width), w.linear(label_name, width, len(LABELS))
    expected = {"sequences": SEQUENCES, "types": TYPES, "hidden": [], "logits": []}

    def states(ids, kind):
        """The hidden states of a sequence, the embeddings first."""
        if types == 1 or not types:
            kind = [0] * len(ids)
        x = words[ids] + places[first:first + len(ids)] + kinds[kind]
        x = torch.nn.functional.layer_norm(x, (e,), *norm, eps)
        if embedding:
            x = x @ widen[0].T + widen[1]
        found = [x]
        for i in range(layers):
            found.append(made[i * groups // layers](found[-1].unsqueeze(0)).squeeze(0))
        return found

    for ids, kind in zip(SEQUENCES, TYPES):
        found = states(ids, kind)
        y = dense(found[-1][0] @ first_layer[0].T + first_layer[1])
        expected["hidden"].append([s.tolist() for s in found])
        expected["logits"].append((y @ last[0].T + last[1]).tolist())
    os.makedirs(folder, exist_ok=True)
    if folder == "bert":
        expected["bertscore"] = bertscore(lambda ids: states(ids, [0] * len(ids))[2])
        with open(f"{folder}/vocab.txt", "w") as f:
            f.write("\n".join(PIECES) + "\n")
    write(f"{folder}/model.safetensors", {(rename or str)(k): v for k, v in w.items()})
    config = {"id2label": LABELS, "vocab_size": vocabulary, "max_position_embeddings": positions, **config}
    if config["model_type"] == "distilbert":
        config.update(dim=width, n_layers=layers, n_heads=heads, hidden_dim=inner)
    else:
        config.update(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=inner, type_vocab_size=types)
    with open(f"{folder}/config.json", "w") as f:
        json.dump(config, f, indent=1)
    with open(f"{folder}/expected.json", "w") as f:
        json.dump(expected, f)


def bertscore(hidden):
    """Scores of a candidate and a reference by the definition (Zhang et al. 2020, section 3), from hidden states of ids."""
    texts = {"the unaffable film!": [2, 12, 7, 8, 10, 5, 11, 3], "a bad film": [2, 9, 6, 5, 3], "good!": [2, 4, 11, 3], "a film": [2, 9, 5, 3]}
    candidate, reference = list(texts)[:2]
    x, y = (torch.nn.functional.normalize(hidden(texts[t]), dim=1) for t in (candidate, reference))
    similarity = x @ y.T
    scores = {"layer": 2, "candidate": candidate, "reference": reference, "idf_texts": list(texts)[1:]}
    documents = [set(texts[t]) for t in scores["idf_texts"]]
    rare = lambda i: torch.log(torch.tensor((len(documents) + 1) / (sum(i in d for d in documents) + 1)))
    for name, weight in (("plain", lambda i: torch.tensor(float(i not in (2, 3)))), ("idf", rare)):
        p, r = (
            (torch.stack([weight(i) for i in texts[t]]) * best).sum() / sum(weight(i) for i in texts[t])
            for t, best in ((candidate, similarity.max(1).values), (reference, similarity.max(0).values))
        )
        scores[name] = [p.item(), r.item(), (2 * p * r / (p + r)).item()]
    return scores


def bucket(distance, buckets, most):
    """DeBERTa's bucket of a signed distance, by the formula of its program."""
    middle = buckets // 2
    if -middle <= distance <= middle:
        return distance
    t = lambda x: torch.tensor(float(x))
    far = torch.ceil(torch.log(t(abs(distance)) / middle) / torch.log(t((most - 1) / middle)) * (middle - 1)) + middle
    return int(far) * (1 if distance > 0 else -1)


def deberta(folder, buckets, most, ids_list):
    """DeBERTa, token by token: content to content, content to position and position to content."""
    vocabulary, width, heads, inner, eps, layers = 13, 8, 2, 12, 1e-7, 2
    span, dim = buckets if buckets > 0 else most, width // heads
    w = Weights()
    words = w.matrix("deberta.embeddings.word_embeddings.weight", vocabulary, width)
    norm = lambda x, gain_bias: torch.nn.functional.layer_norm(x, (width,), *gain_bias, eps)
    first = w.norm("deberta.embeddings.LayerNorm", width)
    table = w.matrix("deberta.encoder.rel_embeddings.weight", 2 * span, width)
    table = norm(table, w.norm("deberta.encoder.LayerNorm", width))
    blocks = []
    for i in range(layers):
        p = f"deberta.encoder.layer.{i}."
        blocks.append((
            [w.linear(p + f"attention.self.{k}_proj", width, width) for k in ("query", "key", "value")],
            w.linear(p + "attention.output.dense", width, width), w.norm(p + "attention.output.LayerNorm", width),
            w.linear(p + "intermediate.dense", width, inner), w.linear(p + "output.dense", inner, width), w.norm(p + "output.LayerNorm", width),
        ))
    pooler, label = w.linear("pooler.dense", width, width), w.linear("classifier", width, len(LABELS))
    apply = lambda x, layer: x @ layer[0].T + layer[1]
    expected = {"sequences": ids_list, "types": [[0] * len(ids) for ids in ids_list], "hidden": [], "logits": []}
    for ids in ids_list:
        x = norm(words[ids], first)
        found = [x]
        for (query, key, value), output, norm1, up, down, norm2 in blocks:
            q, k, v, pk, pq = apply(x, query), apply(x, key), apply(x, value), apply(table, key), apply(table, query)
            mixed = torch.zeros(len(ids), width)
            for h in range(0, width, dim):
                s = slice(h, h + dim)
                for i in range(len(ids)):
                    scores = torch.zeros(len(ids))
                    for j in range(len(ids)):
                        c2p = bucket(i - j, buckets, most) if buckets > 0 else i - j
                        p2c = bucket(j - i, buckets, most) if buckets > 0 else j - i
                        c2p, p2c = (min(max(d + span, 0), 2 * span - 1) for d in (c2p, -p2c))
                        scores[j] = (q[i, s] @ k[j, s] + q[i, s] @ pk[c2p, s] + k[j, s] @ pq[p2c, s]) / (3 * dim) ** 0.5
                    mixed[i, s] = torch.softmax(scores, 0) @ v[:, s]
            x = norm(x + apply(mixed, output), norm1)
            x = norm(x + apply(gelu(apply(x, up)), down), norm2)
            found.append(x)
        expected["hidden"].append([s.tolist() for s in found])
        expected["logits"].append(apply(gelu(apply(x[0], pooler)), label).tolist())
    os.makedirs(folder, exist_ok=True)
    write(f"{folder}/model.safetensors", w)
    config = {
        "model_type": "deberta-v2", "id2label": LABELS, "vocab_size": vocabulary, "max_position_embeddings": most, "hidden_size": width,
        "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": inner, "type_vocab_size": 0, "relative_attention": True,
        "max_relative_positions": -1, "position_buckets": buckets, "norm_rel_ebd": "layer_norm", "share_att_key": True,
        "pos_att_type": "p2c|c2p" if buckets > 0 else ["c2p", "p2c"], "position_biased_input": False, "layer_norm_eps": eps,
    }
    with open(f"{folder}/config.json", "w") as f:
        json.dump(config, f, indent=1)
    with open(f"{folder}/expected.json", "w") as f:
        json.dump(expected, f)


def old(name):
    """The name that the first BERT checkpoints gave a norm's tensors."""
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


with torch.no_grad():
    bert = (torch.tanh, "bert.pooler.dense", "classifier")
    roberta = (torch.tanh, "classifier.dense", "classifier.out_proj")
    case("bert", {"model_type": "bert"}, "bert.", "encoder.layer.%d.", BERT, 3, 3, bert, gelu, types=2)
    case("bert-old", {"model_type": "bert"}, "bert.", "encoder.layer.%d.", BERT, 2, 2, bert, gelu, types=2, rename=old)
    case("xlm-roberta", {"model_type": "xlm-roberta", "pad_token_id": 1, "layer_norm_eps": 1e-5}, "roberta.", "encoder.layer.%d.", BERT, 2, 2, roberta, gelu, first=2, types=1)
    case("distilbert", {"model_type": "distilbert"}, "distilbert.", "transformer.layer.%d.", DISTIL, 2, 2, (torch.relu, "pre_classifier", "classifier"), gelu, types=0)
    case("albert", {"model_type": "albert", "embedding_size": 6, "num_hidden_groups": 2}, "albert.", "encoder.albert_layer_groups.%d.albert_layers.0.", ALBERT, 5, 2, (torch.tanh, "albert.pooler", "classifier"), gelu_new, types=2, embedding=6)
    deberta("deberta", 8, 40, [[1, 7, 4, 11, 2], [1, 5, 9, 9, 2, 12, 6, 2], [1] + [4 + i * 5 % 9 for i in range(22)] + [2]])
    deberta("deberta-plain", -1, 9, [[1, 7, 4, 11, 2], [1, 5, 9, 9, 2, 12, 6, 10, 2], [1, 2]])
