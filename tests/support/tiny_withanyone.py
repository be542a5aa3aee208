"""Random weights in the layouts of released WithAnyone and FLUX files, small enough for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.lazy import lazy

diffusers = lazy("diffusers")
torch = lazy("torch")

State = dict[str, Any]
"""Tensors by name."""

HEAD = 64


def tiny_flux(
    double: int = 2, single: int = 3, heads: int = 2, head: int = 16, seed: int = 0
) -> diffusers.FluxTransformer2DModel:
    """A random FLUX transformer with 64 latent channels, 24-d text and 20-d pooled text."""
    torch.manual_seed(seed)
    model = diffusers.FluxTransformer2DModel(
        num_layers=double, num_single_layers=single, num_attention_heads=heads, attention_head_dim=head,
        joint_attention_dim=24, pooled_projection_dim=20, guidance_embeds=True,
        axes_dims_rope=(head // 4, head // 4, head // 2),
    )  # fmt: skip
    return model.requires_grad_(False).eval()


def random_identity(
    config: Any, arcface: int = 512, siglip: int = 768, tokens: int = 8, kontext: bool = False, seed: int = 0
) -> State:
    """Random identity weights for a `FluxTransformer2DModel.config`, named and shaped as released.

    arcface, siglip : features of the encoders. tokens : tokens an embedding becomes.
    """
    generator = torch.Generator().manual_seed(seed)
    hidden = config.num_attention_heads * config.attention_head_dim
    inner = config.num_attention_heads * HEAD
    state: State = {}

    def matrix(name: str, out: int, features: int) -> None:
        state[f"{name}.weight"] = torch.randn(out, features, generator=generator) / features**0.5

    def vector(name: str, size: int, around: float) -> None:
        state[name] = around + 0.1 * torch.randn(size, generator=generator)

    def projection(name: str, features: int, middle: int, out: int) -> None:
        matrix(f"{name}.0", middle, features)
        vector(f"{name}.0.bias", middle, 0)
        vector(f"{name}.2.weight", middle, 1)
        vector(f"{name}.2.bias", middle, 0)
        matrix(f"{name}.3", out, middle)
        vector(f"{name}.3.bias", out, 0)

    for suffix in ("",) if kontext else ("_arc", "_sig"):
        projection(f"arcface_in{suffix}", arcface, 4 * hidden, tokens * hidden)
        for block in range(config.num_layers + config.num_single_layers):
            name = f"ipa{suffix}.{block}"
            for norm in ("norm1", "norm2"):
                vector(f"{name}.{norm}.weight", hidden, 1)
                vector(f"{name}.{norm}.bias", hidden, 0)
            matrix(f"{name}.to_q", inner, hidden)
            matrix(f"{name}.to_kv", 2 * inner, hidden)
            matrix(f"{name}.to_out", hidden, inner)
    if not kontext:
        projection("siglip_in_sig", siglip, hidden, hidden)
    projection("siglip_in" if kontext else "siglip_in_arc", siglip, 4 * hidden, 8 * hidden)
    return state


def flux_of(config: Mapping[str, Any], state: State) -> diffusers.FluxTransformer2DModel:
    """diffusers' transformer for a configuration and a state dict in the names of Black Forest Labs."""
    model = diffusers.FluxTransformer2DModel(
        in_channels=config["in_channels"],
        num_layers=config["depth"],
        num_single_layers=config["depth_single_blocks"],
        num_attention_heads=config["num_heads"],
        attention_head_dim=config["hidden_size"] // config["num_heads"],
        joint_attention_dim=config["context_in_dim"],
        pooled_projection_dim=config["vec_in_dim"],
        guidance_embeds=config["guidance_embed"],
        axes_dims_rope=tuple(config["axes_dim"]),
    )
    model.load_state_dict(diffusers_names(state, config["hidden_size"]))
    return model.requires_grad_(False).eval()


EMBEDDERS = {
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "txt_in": "context_embedder",
    "img_in": "x_embedder",
    "final_layer.linear": "proj_out",
}
DOUBLE = {
    "img_mod.lin": "norm1.linear",
    "txt_mod.lin": "norm1_context.linear",
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
    "img_attn.proj": "attn.to_out.0",
    "txt_attn.proj": "attn.to_add_out",
    "img_mlp.0": "ff.net.0.proj",
    "img_mlp.2": "ff.net.2",
    "txt_mlp.0": "ff_context.net.0.proj",
    "txt_mlp.2": "ff_context.net.2",
}
SINGLE = {
    "modulation.lin": "norm.linear",
    "norm.query_norm": "attn.norm_q",
    "norm.key_norm": "attn.norm_k",
    "linear2": "proj_out",
}
JOINED = {
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
}


def diffusers_names(state: State, hidden: int) -> State:
    """diffusers' own conversion assumes a hidden size of 3072; this one works for any."""
    found: State = {}
    for key, value in state.items():
        name, kind = key.replace(".scale", ".weight").rsplit(".", 1)
        if name.startswith(("double_blocks.", "single_blocks.")):
            stream, block, part = name.split(".", 2)
            prefix = f"{'transformer_blocks' if stream == 'double_blocks' else 'single_transformer_blocks'}.{block}."
            if part in JOINED:
                pieces = value.tensor_split([hidden, 2 * hidden, 3 * hidden][: len(JOINED[part]) - 1])
                found |= {f"{prefix}{to}.{kind}": piece for to, piece in zip(JOINED[part], pieces, strict=True)}
            else:
                found[f"{prefix}{(DOUBLE | SINGLE)[part]}.{kind}"] = value
        elif name == "final_layer.adaLN_modulation.1":
            shift, scale = value.chunk(2)
            found[f"norm_out.linear.{kind}"] = torch.cat([scale, shift])
        else:
            found[f"{EMBEDDERS[name]}.{kind}"] = value
    return found
