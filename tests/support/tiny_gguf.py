"""Tiny GGUF files: the weights of a tiny Llama, written as llama.cpp's converter writes them."""

import struct
from pathlib import Path
from typing import Any

NORMAL, UNKNOWN, CONTROL = 1, 2, 3


def make_gguf(path: Path, folder: Path, *, quantized: bool = False, **changes: Any) -> Path:
    """Write the Llama of a folder as a GGUF file.

    ``changes`` are settings by their names with ``__`` for a dot; None leaves one out.
    """
    import gguf
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    settings = _settings(model.config, tokenizer)
    settings |= {name.replace("__", "."): value for name, value in changes.items()}
    writer = gguf.GGUFWriter(path, settings.pop("general.architecture"))
    for name, value in settings.items():
        if value is not None:
            writer.add_key_value(name, value, gguf.GGUFValueType.get_type(value))
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, model.config.num_hidden_layers)
    for name, weight in model.state_dict().items():
        values = _as_in_ggml(name, weight, model.config).numpy()
        stored = names.get_name(name, (".weight",))
        if quantized and values.ndim == 2 and values.shape[1] % 32 == 0:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(stored, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(stored, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def patch(path: Path, behind: bytes, form: str, *values: int, skip: int = 0) -> None:
    """Write numbers ``skip`` bytes behind the first place where some bytes stand."""
    data = bytearray(path.read_bytes())
    struct.pack_into(f"<{form}", data, data.index(behind) + len(behind) + skip, *values)
    path.write_bytes(data)


def head(*settings: bytes, tensors: int = 0, version: int = 3, count: int | None = None) -> bytes:
    """The beginning of a file, with settings as they stand in it."""
    counts = tensors, len(settings) if count is None else count
    return b"GGUF" + struct.pack("<IQQ", version, *counts) + b"".join(settings)


def setting(name: str, kind: int, value: bytes) -> bytes:
    """A setting as it stands in a file."""
    return text(name) + struct.pack("<I", kind) + value


def text(value: str) -> bytes:
    """A string as it stands in a file."""
    return struct.pack("<Q", len(value.encode())) + value.encode()


def _settings(config: Any, tokenizer: Any) -> dict[str, Any]:
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    special = {"<unk>": UNKNOWN, "<s>": CONTROL, "</s>": CONTROL}
    return {
        "general.architecture": "llama",
        "general.name": "tiny",
        "llama.vocab_size": config.vocab_size,
        "llama.context_length": config.max_position_embeddings,
        "llama.embedding_length": config.hidden_size,
        "llama.block_count": config.num_hidden_layers,
        "llama.feed_forward_length": config.intermediate_size,
        "llama.rope.dimension_count": config.head_dim,
        "llama.rope.freq_base": config.rope_parameters["rope_theta"],
        "llama.attention.head_count": config.num_attention_heads,
        "llama.attention.head_count_kv": config.num_key_value_heads,
        "llama.attention.layer_norm_rms_epsilon": config.rms_norm_eps,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [-float(i) for i in range(len(tokens))],
        "tokenizer.ggml.token_type": [special.get(token, NORMAL) for token in tokens],
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.bos_token_id": config.bos_token_id,
        "tokenizer.ggml.eos_token_id": config.eos_token_id,
        "tokenizer.ggml.unknown_token_id": tokens.index("<unk>"),
    }


def _as_in_ggml(name: str, weight: Any, config: Any) -> Any:
    """The halves of a rotary pair lie side by side there."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    count = next((heads[part] for part in heads if part in name), None)
    if count is None:
        return weight
    halves = weight.reshape(count, 2, -1, weight.shape[1])  # (head, half, pair, input)
    return halves.swapaxes(1, 2).reshape(weight.shape).contiguous()
