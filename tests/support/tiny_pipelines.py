"""Tiny random pipelines of the real classes, saved the way releases are: `Class.from_pretrained(folder)` loads them.

Every text is spelled in bytes, so that one vocabulary of 256 entries knows any prompt; T5 alone, which is no
byte-level tokenizer, gets one of its own. Weights are random and wide enough for every input to reach the pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from support.lazy import lazy

df = lazy("diffusers")
hf = lazy("transformers")
tokenizers = lazy("tokenizers")
torch = lazy("torch")

ARCFACE = 512
"""Numbers in an ArcFace embedding."""

PRINTABLE = [chr(code) for code in range(33, 127)]


def build(class_name: str, folder: Path, seed: int = 0) -> Path:
    """Save a tiny pipeline of a diffusers class; the same weights for the same seed."""
    return save(lambda: BUILDERS[class_name](), folder, seed)


def build_siglip(folder: Path, seed: int = 0, hidden: int = 32, side: int = 32, patch: int = 8) -> Path:
    """Save a SigLIP vision encoder with (side / patch)^2 tokens, and its image processor."""
    hf.SiglipImageProcessor(size={"height": side, "width": side}).save_pretrained(folder)
    config = hf.SiglipVisionConfig(
        hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=2, num_attention_heads=2,
        image_size=side, patch_size=patch,
    )  # fmt: skip
    return save(lambda: hf.SiglipVisionModel(config), folder, seed)


def build_faceid(pipeline: Path, file: Path, seed: int = 0, numbers: int = ARCFACE, lora: bool = False) -> Path:
    """Save an IP-Adapter FaceID checkpoint for a Stable Diffusion XL folder, in the form of the released ones.

    It takes face embeddings of so many `numbers`.

    The attention layers are numbered through; only cross-attention (odd numbers) has keys and values of its
    own, and with `lora` every layer gets the low-rank weights of the released files.
    """
    unet = df.UNet2DConditionModel.from_pretrained(pipeline, subfolder="unet")
    width = unet.config.cross_attention_dim
    random = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=random) * 0.2

    projection = {
        "proj.0.weight": draw(2 * numbers, numbers), "proj.0.bias": draw(2 * numbers),
        "proj.2.weight": draw(4 * width, 2 * numbers), "proj.2.bias": draw(4 * width),
        "norm.weight": torch.ones(width), "norm.bias": torch.zeros(width),
    }  # fmt: skip
    layers = {}
    for number, name in enumerate(unet.attn_processors):
        hidden = unet.get_submodule(name.removesuffix(".processor")).to_q.out_features
        crossed = width if number % 2 else hidden
        if number % 2:
            layers |= {f"{number}.to_{part}_ip.weight": 5 * draw(hidden, width) for part in "kv"}
        if lora:
            for part, inputs in {"q": hidden, "k": crossed, "v": crossed, "out": hidden}.items():
                layers[f"{number}.to_{part}_lora.down.weight"] = draw(4, inputs)
                layers[f"{number}.to_{part}_lora.up.weight"] = draw(hidden, 4)
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"image_proj": projection, "ip_adapter": layers}, file)
    return file


def save(make: Callable[[], Any], folder: Path, seed: int) -> Path:
    """Make something of the seed's weights and save it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = make()
        parts = made.components.values() if isinstance(made, df.DiffusionPipeline) else [made]
        for part in parts:
            if isinstance(part, torch.nn.Module):
                widen(part)
    made.save_pretrained(folder)
    return folder


def widen(network: torch.nn.Module) -> None:
    """Weights wide enough for what goes in at one end to be seen at the other."""
    with torch.no_grad():
        for weights in network.parameters():
            if weights.ndim > 1:
                met = weights[0, :, -1:] if weights.ndim == 5 else weights[0]  # an image is the last of its frames
                weights.normal_(0, met.numel() ** -0.5)


def flux_klein() -> df.DiffusionPipeline:
    return df.Flux2KleinPipeline(
        scheduler=flow_scheduler(), vae=flux2_vae(), text_encoder=qwen3(layers=27), tokenizer=qwen_tokenizer(),
        transformer=flux2_transformer(guidance=False), is_distilled=True,
    )  # fmt: skip


def flux2() -> df.DiffusionPipeline:
    tokenizer = byte_tokenizer("[IMG]", "[IMG_BREAK]", "[IMG_END]")
    tokenizer.chat_template = LAST_TEXT
    config = hf.Mistral3Config(
        text_config={
            "model_type": "mistral", "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 30,
            "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8, "vocab_size": len(tokenizer),
        },
        vision_config={
            "model_type": "pixtral", "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "image_size": 32, "patch_size": 16,
        },
        image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"),
    )  # fmt: skip
    return df.Flux2Pipeline(
        scheduler=flow_scheduler(), vae=flux2_vae(), text_encoder=hf.Mistral3ForConditionalGeneration(config),
        tokenizer=hf.PixtralProcessor(hf.PixtralImageProcessor(), tokenizer, chat_template=LAST_TEXT),
        transformer=flux2_transformer(guidance=True),
    )  # fmt: skip


def flux() -> df.DiffusionPipeline:
    return df.FluxPipeline(**flux_parts())


def kontext() -> df.DiffusionPipeline:
    return df.FluxKontextPipeline(**flux_parts())


def flux_parts() -> dict[str, Any]:
    t5_tokenizer = word_tokenizer()
    t5 = hf.T5Config(
        vocab_size=len(t5_tokenizer), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    return {
        "scheduler": flow_scheduler(),
        "vae": kl_vae(channels=4, shift_factor=0.1),
        "text_encoder": clip_text(),
        "tokenizer": clip_tokenizer(),
        "text_encoder_2": hf.T5EncoderModel(t5),
        "tokenizer_2": t5_tokenizer,
        "transformer": df.FluxTransformer2DModel(
            in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=16, pooled_projection_dim=16, guidance_embeds=True, axes_dims_rope=(4, 6, 6),
        ),
    }  # fmt: skip


def qwen_edit() -> df.DiffusionPipeline:
    tokenizer = qwen_tokenizer()
    ids = {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in QWEN_TOKENS}
    config = hf.Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1,
            "num_key_value_heads": 1, "vocab_size": len(tokenizer),
            "rope_parameters": {"mrope_section": [2, 3, 3], "rope_type": "default", "rope_theta": 1e6},
        },
        vision_config={
            "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 1, "out_hidden_size": 16,
            "fullatt_block_indexes": [0], "patch_size": 14,
        },
        image_token_id=ids["image_pad"], video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"], vision_end_token_id=ids["vision_end"],
    )  # fmt: skip
    processor = hf.Qwen2VLProcessor(
        hf.Qwen2VLImageProcessor(), tokenizer, hf.Qwen2VLVideoProcessor(), chat_template=LAST_TEXT
    )
    return df.QwenImageEditPlusPipeline(
        scheduler=flow_scheduler(use_dynamic_shifting=True),
        vae=df.AutoencoderKLQwenImage(
            base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True],
            latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
        ),
        text_encoder=hf.Qwen2_5_VLForConditionalGeneration(config), tokenizer=tokenizer, processor=processor,
        transformer=df.QwenImageTransformer2DModel(
            in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=16, axes_dims_rope=(4, 6, 6),
        ),
    )  # fmt: skip


def omnigen() -> df.DiffusionPipeline:
    tokenizer = llama_tokenizer()
    rope = {"short_factor": [1.0] * 4, "long_factor": [1.0] * 4}
    return df.OmniGenPipeline(
        transformer=df.OmniGenTransformer2DModel(
            in_channels=4, hidden_size=16, num_attention_heads=2, num_key_value_heads=2, intermediate_size=16,
            num_layers=2, pad_token_id=2, vocab_size=len(tokenizer), rope_scaling=rope, time_step_dim=16,
        ),
        scheduler=flow_scheduler(invert_sigmas=True), vae=kl_vae(channels=4), tokenizer=tokenizer,
    )  # fmt: skip


def glm() -> df.DiffusionPipeline:
    """No id of an end token can be drawn: a random network would end its picture anywhere."""
    codes = 64
    specials = {
        "image_token": "<|image|>", "grid_bos_token": "<sop>", "grid_eos_token": "<eop>",
        "image_end_token": "<|dit_token_16385|>",
    }  # fmt: skip
    tokenizer = byte_tokenizer(bos_token="<|dit_token_16384|>", extra_special_tokens=specials)
    id_of = tokenizer.convert_tokens_to_ids
    start, end = id_of(tokenizer.bos_token), id_of(specials["image_end_token"])
    config = hf.GlmImageConfig(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2,
            "num_attention_heads": 1, "num_key_value_heads": 1, "vision_vocab_size": codes,
            "rope_parameters": {"mrope_section": [4, 2, 2], "rope_type": "default", "rope_theta": 1e4},
            "pad_token_id": id_of(tokenizer.pad_token), "eos_token_id": end,
        },
        vision_config={"depth": 1, "hidden_size": 16, "num_heads": 1, "image_size": 64, "intermediate_size": 16},
        vq_config={"embed_dim": 16, "num_embeddings": codes, "latent_channels": 16},
        image_token_id=id_of("<|image|>"), image_start_token_id=start, image_end_token_id=end,
    )  # fmt: skip
    template = GLM_CHAT.replace("START", tokenizer.bos_token).replace("END", specials["image_end_token"])
    t5 = hf.T5Config(
        vocab_size=384, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, feed_forward_proj="gated-gelu"
    )
    return df.GlmImagePipeline(
        tokenizer=hf.ByT5Tokenizer(), text_encoder=hf.T5EncoderModel(t5),
        processor=hf.GlmImageProcessor(hf.GlmImageImageProcessor(patch_size=16, temporal_patch_size=1, merge_size=1), tokenizer, chat_template=template),
        vision_language_encoder=hf.GlmImageForConditionalGeneration(config),
        vae=kl_vae(channels=4, latents_mean=[0.0] * 4, latents_std=[1.0] * 4),
        transformer=df.GlmImageTransformer2DModel(
            in_channels=4, out_channels=4, num_layers=1, attention_head_dim=8, num_attention_heads=2,
            text_embed_dim=16, time_embed_dim=16, condition_dim=8, prior_vq_quantizer_codebook_size=codes,
        ),
        scheduler=flow_scheduler(use_dynamic_shifting=True),
    )  # fmt: skip


def sdxl() -> df.DiffusionPipeline:
    return df.StableDiffusionXLPipeline(
        vae=kl_vae(channels=4), text_encoder=clip_text(), tokenizer=clip_tokenizer(),
        text_encoder_2=hf.CLIPTextModelWithProjection(clip_text().config), tokenizer_2=clip_tokenizer(),
        unet=df.UNet2DConditionModel(
            sample_size=16, block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=8,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=(2, 2),
            use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 16, cross_attention_dim=32,
        ),
        scheduler=df.EulerDiscreteScheduler(beta_schedule="scaled_linear", timestep_spacing="leading"),
    )  # fmt: skip


BUILDERS: dict[str, Callable[[], df.DiffusionPipeline]] = {
    "Flux2KleinPipeline": flux_klein,
    "Flux2Pipeline": flux2,
    "FluxKontextPipeline": kontext,
    "FluxPipeline": flux,
    "GlmImagePipeline": glm,
    "OmniGenPipeline": omnigen,
    "QwenImageEditPlusPipeline": qwen_edit,
    "StableDiffusionXLPipeline": sdxl,
}


def flow_scheduler(**settings: Any) -> df.FlowMatchEulerDiscreteScheduler:
    return df.FlowMatchEulerDiscreteScheduler(**settings)


def vae_sizes(levels: int = 4) -> dict[str, Any]:
    """Eight pixels a latent, as the releases have it."""
    return {
        "block_out_channels": (8,) * levels, "layers_per_block": 1, "norm_num_groups": 2, "sample_size": 64,
        "down_block_types": ("DownEncoderBlock2D",) * levels, "up_block_types": ("UpDecoderBlock2D",) * levels,
    }  # fmt: skip


def kl_vae(channels: int, **settings: Any) -> df.AutoencoderKL:
    return df.AutoencoderKL(latent_channels=channels, mid_block_add_attention=False, **vae_sizes(), **settings)


def flux2_vae() -> df.AutoencoderKLFlux2:
    return df.AutoencoderKLFlux2(latent_channels=4, mid_block_add_attention=False, **vae_sizes())


def flux2_transformer(guidance: bool) -> df.Flux2Transformer2DModel:
    return df.Flux2Transformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=3 * 16, timestep_guidance_channels=16, axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=guidance,
    )  # fmt: skip


def qwen3(layers: int) -> hf.Qwen3ForCausalLM:
    return hf.Qwen3ForCausalLM(
        hf.Qwen3Config(
            vocab_size=len(qwen_tokenizer()), hidden_size=16, intermediate_size=16, num_hidden_layers=layers,
            num_attention_heads=2, num_key_value_heads=2, head_dim=8,
        )
    )  # fmt: skip


def clip_text() -> hf.CLIPTextModel:
    tokenizer = clip_tokenizer()
    return hf.CLIPTextModel(
        hf.CLIPTextConfig(
            vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=2,
            num_attention_heads=2, projection_dim=16,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        )
    )  # fmt: skip


LAST_TEXT = "{% for part in messages[-1]['content'] %}{{ part if part is string else part['text'] }}{% endfor %}"
"""What the user said and nothing else: spelled in bytes, a system message would fill the sequence by itself."""

GLM_CHAT = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}START<|image|>END{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}"
)

QWEN_TOKENS = ("im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad")


@cache
def byte_vocabulary() -> dict[str, int]:
    """A number for each of the letters that stand for bytes."""
    return {letter: index for index, letter in enumerate(sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()))}


def byte_tokenizer(*special: str, **settings: Any) -> hf.PreTrainedTokenizerFast:
    """Bytes and the special tokens named."""
    backend = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=byte_vocabulary(), merges=[]))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = tokenizers.decoders.ByteLevel()
    backend.add_special_tokens(list(special))
    return hf.PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", **settings)


def qwen_tokenizer() -> hf.Qwen2Tokenizer:
    tokenizer = hf.Qwen2Tokenizer(
        vocab=dict(byte_vocabulary()), merges=[], additional_special_tokens=[f"<|{name}|>" for name in QWEN_TOKENS]
    )
    tokenizer.chat_template = LAST_TEXT
    return tokenizer


def clip_tokenizer() -> hf.CLIPTokenizer:
    letters = byte_vocabulary()
    ends = {f"{letter}</w>": len(letters) + index for letter, index in letters.items()}
    frame = {"<|startoftext|>": 2 * len(letters), "<|endoftext|>": 2 * len(letters) + 1}
    return hf.CLIPTokenizer(vocab=letters | ends | frame, merges=[], model_max_length=77)


def word_tokenizer() -> hf.T5Tokenizer:
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((letter, -3.0) for letter in PRINTABLE)]
    return hf.T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=512)


def llama_tokenizer() -> hf.LlamaTokenizer:
    vocabulary = {token: index for index, token in enumerate(["<unk>", "<s>", "</s>", "▁", "\n", *PRINTABLE])}
    tokenizer = hf.LlamaTokenizer(vocab=vocabulary, merges=[], add_bos_token=True)
    tokenizer.add_tokens(
        [tokenizers.AddedToken(f"<|{name}|>", special=True) for name in ("user", "assistant", "end", "diffusion")]
    )
    return tokenizer
