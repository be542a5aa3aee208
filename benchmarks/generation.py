"""Speed and memory of WithAnyone on diffusers, beside the published call pattern and plain FLUX.

    python benchmarks/generation.py [--scale full|tiny] [--people 2] [--share 0.3] [--json]

Weights are random and made on the device, so nothing is downloaded. `full` (where there is a GPU) is FLUX.1-dev with
the released identity branch in bfloat16, 512 px and 25 steps; `tiny` (elsewhere) the same code in float32 on a
network of a few blocks: its images/s say that everything works, not what a GPU would do. Text encoders, face and
SigLIP encoders and the VAE are left out of every arm: features are random tensors of the right shapes.

Arms, all through the same `FluxPipeline`
    plain       FLUX without identity branch
    native      idbench.models.withanyone, any batch
    published   the published call pattern, rebuilt from its description: one image at a time; in every step both
                branches turn people into tokens, behind every block both make keys and values of them and attend
                from all image tokens, whatever the weights, through a mask with a row per head. Masks are made once
                per image and without Python loops over tokens and heads, which is quicker than what is published.
Cases: boxes over `--share` of the canvas together, and none (everybody everywhere, the worst case); SigLIP weight 0
and 0.5. Before timing, native and published must agree on every case, see `TOLERANCE`.

Overhead. The identity branch must cost at most 1.25 times its share of arithmetic in a sampling step. Judged, on every
case, is the strict reading, `(t_native / t_plain - 1) / (flops_native / flops_plain - 1)`, with t_native / t_plain - 1
taken inside native passes: time between a block's end and its hooks' end over time of all the rest, so that both
sides of the ratio alternate within milliseconds and meet the same machine; the median over passes. Beside it, for
what that cannot see: whole passes of native and plain in turn, `pairs`, with quartiles, and the milder
`(t_native / t_plain) / (flops_native / flops_plain)` of these. On CPU times are CPU seconds of one thread (so is all
of `tiny`), for others' load not to matter; on a GPU CUDA events. FLOPs are counted by `torch.utils.flop_counter.FlopCounterMode` on the meta
device, attention as plain matrix products. What native computes once per image (tokens, keys, values) is part of
images/s, and neither of the time nor of the FLOPs here.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import FluxPipeline, FluxTransformer2DModel
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

from idbench.models.withanyone.attach import Attachment, People, attach
from idbench.models.withanyone.identity import HEAD_SIZE, CrossAttention, IdentityBranch, Sizes
from idbench.models.withanyone.masks import TOKEN_SIZE
from idbench.models.withanyone.schedule import scheduler

ARCFACE, TOKENS, SIGLIP, PATCHES = 512, 8, 768, 256
"""Of the released branch: numbers of an embedding, tokens it becomes, features of a SigLIP patch, patches."""

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 5e-2}
"""Most native and published may differ: L2 norm of the difference over that of the output. The branch itself must
change the output by `SENSITIVITY` times as much, or agreement would mean nothing. Through 57 random blocks bfloat16
itself is 2e-2 away from float32, and native from published as far."""

SENSITIVITY = 3
MAX_OVERHEAD = 1.25


@dataclass(frozen=True)
class Scale:
    """A network (double and single blocks, heads of 128 features, text features) and what is sampled with it."""

    double: int
    single: int
    heads: int
    joint: int
    pooled: int
    text: int
    pixels: int
    steps: int
    batches: tuple[int, ...] = (1, 2, 4, 8)

    @property
    def hidden(self) -> int:
        """Features of an image token."""
        return 128 * self.heads

    @property
    def tokens(self) -> int:
        """Image tokens."""
        return (self.pixels // TOKEN_SIZE) ** 2


FULL = Scale(double=19, single=38, heads=24, joint=4096, pooled=768, text=512, pixels=512, steps=25)
TINY = Scale(double=2, single=4, heads=2, joint=64, pooled=32, text=64, pixels=128, steps=3)

OVERHEAD_ON_CPU = Scale(double=1, single=2, heads=6, joint=64, pooled=32, text=512, pixels=512, steps=1)
"""For the overhead where `FULL` is too large. Image and text tokens, the ratio of double to single blocks and the size
of a head are those of `FULL`. 768 features, for matrix products then take 93 % of a pass of plain FLUX (256 features:
82 %, 512: 89 %; torch's profiler, one thread) and a pass still takes about a second."""


@dataclass(frozen=True)
class Case:
    """How many people stand where, and the weight of the SigLIP branch; published weights add up to 1."""

    people: int
    share: float | None
    siglip_weight: float

    @property
    def name(self) -> str:
        """What tables call it."""
        where = "no boxes" if self.share is None else f"boxes {self.share:g}"
        return f"{where}, siglip {self.siglip_weight:g}"

    def boxes(self, pixels: int) -> list[tuple[int, int, int, int]] | None:
        """Boxes side by side, about square if there is room, that touch `share` of the image tokens together."""
        if self.share is None:
            return None
        side = pixels // TOKEN_SIZE
        column, area = side // self.people, self.share * side**2 / self.people
        wide = max(1, min(round(math.sqrt(area)), column))
        tall = max(1, min(round(area / wide), side))
        left, top = (column - wide) // 2, (side - tall) // 2
        inset = 3  # px, so that edges have to be rounded
        return [
            (
                (i * column + left) * TOKEN_SIZE + inset,
                top * TOKEN_SIZE + inset,
                (i * column + left + wide) * TOKEN_SIZE - inset,
                (top + tall) * TOKEN_SIZE - inset,
            )
            for i in range(self.people)
        ]

    def batch(self, scale: Scale, size: int) -> list[People]:
        """Random people for a batch; the first is the same whatever the size."""
        rng = torch.Generator().manual_seed(0)
        return [
            People(
                torch.randn(self.people, ARCFACE, generator=rng),
                torch.randn(self.people, PATCHES, SIGLIP, generator=rng),
                self.boxes(scale.pixels),
            )
            for _ in range(size)
        ]

    @property
    def weights(self) -> dict[str, float]:
        """As both patterns take them."""
        return {"id_weight": 1 - self.siglip_weight, "siglip_weight": self.siglip_weight}


class Network:
    """Random weights of FLUX and of the identity branch; transformers that share them are handed out."""

    def __init__(self, scale: Scale, device: str, dtype: torch.dtype, seed: int = 0) -> None:
        self.scale, self.device, self.dtype = scale, device, dtype
        rng = None if device == "meta" else torch.Generator(device).manual_seed(seed)
        sizes = Sizes(scale.double + scale.single, scale.hidden, scale.heads, ARCFACE, TOKENS, SIGLIP)
        with _making(device, dtype):
            self._transformer = _transformer(scale)
            self.branch = _random(IdentityBranch(sizes), rng)
            _random(self._transformer, rng)

    def transformer(self) -> FluxTransformer2DModel:
        """One without hooks, in no need of memory."""
        with torch.device("meta"):
            made = _transformer(self.scale)
        made.load_state_dict(self._transformer.state_dict(), assign=True)
        return made.requires_grad_(False).eval()

    def native(self) -> tuple[FluxTransformer2DModel, Attachment]:
        """One with the identity branch, and how to put people into it."""
        made = self.transformer()
        return made, attach(made, self.branch)

    def published(self) -> tuple[FluxTransformer2DModel, Published]:
        """The same in the published call pattern."""
        made = self.transformer()
        return made, Published(made, self.branch)


def _transformer(scale: Scale) -> FluxTransformer2DModel:
    return FluxTransformer2DModel(
        num_layers=scale.double, num_single_layers=scale.single, num_attention_heads=scale.heads,
        attention_head_dim=128, joint_attention_dim=scale.joint, pooled_projection_dim=scale.pooled,
        guidance_embeds=True,
    )  # fmt: skip


@contextmanager
def _making(device: str, dtype: torch.dtype) -> Iterator[None]:
    """Inside, modules are made on a device and of a type, without a copy elsewhere."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(before)


def _random(module: nn.Module, rng: torch.Generator | None) -> nn.Module:
    """Matrices that keep the variance of what they are given, so that every input reaches the output."""
    module.requires_grad_(False).eval()
    for weights in module.parameters():
        if weights.ndim > 1:
            weights.normal_(0, weights.shape[1] ** -0.5, generator=rng)
    return module


class Published:
    """The published call pattern in the hooks of a transformer; `people` is as that of `Attachment`."""

    def __init__(self, transformer: FluxTransformer2DModel, branch: IdentityBranch) -> None:
        self._transformer, self._branch = transformer, branch
        self._blocks = [*transformer.transformer_blocks, *transformer.single_transformer_blocks]
        self._tokens: dict[str, torch.Tensor] = {}

    @contextmanager
    def people(
        self, people: Sequence[People], width: int, height: int, id_weight: float, siglip_weight: float
    ) -> Iterator[None]:
        """Inside, the transformer puts these people into its image: one item, somebody in it."""
        (item,) = people
        device, dtype = self._transformer.device, self._transformer.dtype
        arcface, siglip = item.arcface.to(device, dtype)[None], item.siglip.to(device, dtype)[None]
        heads = self._branch.sizes.heads
        masks = {
            name: None if item.boxes is None else Mask.of(item.boxes, width, height, heads, count, device)
            for name, count in (("arc", TOKENS), ("sig", PATCHES + TOKENS))
        }

        def every_step(embedder: nn.Module, inputs: Any, output: Any) -> None:
            for name in masks:
                self._tokens[name] = getattr(self._branch, name).tokens(arcface, siglip).flatten(1, 2)

        def behind_block(index: int) -> Callable[..., Any]:
            def hook(block: nn.Module, inputs: Any, output: Any) -> Any:
                text, image = output
                arc, sig = (
                    _attend(getattr(self._branch, name).ipa[index], self._tokens[name], image, masks[name])
                    for name in ("arc", "sig")
                )
                return text, image + id_weight * arc + siglip_weight * sig

            return hook

        handles = [self._transformer.x_embedder.register_forward_hook(every_step)]
        handles += [block.register_forward_hook(behind_block(i)) for i, block in enumerate(self._blocks)]
        try:
            yield
        finally:
            self._tokens.clear()
            for handle in handles:
                handle.remove()


@dataclass(frozen=True)
class Mask:
    """Who is seen by whom, boolean (1, heads, N, T), and which image tokens see nobody, (1, heads, N, 1)."""

    seen: torch.Tensor
    nobody: torch.Tensor

    @classmethod
    def of(cls, boxes: Any, width: int, height: int, heads: int, per_person: int, device: Any) -> Mask:
        """A token of a 16 px grid sees the tokens of all people whose boxes, rounded outwards, cover it."""
        rows, columns = height // TOKEN_SIZE, width // TOKEN_SIZE
        seen = torch.zeros(1, heads, rows, columns, len(boxes), per_person, dtype=torch.bool)
        for person, (x1, y1, x2, y2) in enumerate(boxes):
            across = slice(max(0, int(x1) // TOKEN_SIZE), min(columns, math.ceil(x2 / TOKEN_SIZE)))
            down = slice(max(0, int(y1) // TOKEN_SIZE), min(rows, math.ceil(y2 / TOKEN_SIZE)))
            seen[:, :, down, across, person] = True
        seen = seen.flatten(4).flatten(2, 3).to(device)
        return cls(seen, ~seen.any(-1, keepdim=True))


def _attend(attention: CrossAttention, tokens: torch.Tensor, image: torch.Tensor, mask: Mask | None) -> torch.Tensor:
    """What one branch adds behind one block, everything computed anew."""

    def by_head(features: torch.Tensor) -> torch.Tensor:
        return features.unflatten(-1, (-1, HEAD_SIZE)).transpose(1, 2)

    keys, values = map(by_head, attention.to_kv(attention.norm1(tokens)).chunk(2, dim=-1))
    queries = by_head(attention.to_q(attention.norm2(image)))
    found = scaled_dot_product_attention(queries, keys, values, attn_mask=None if mask is None else mask.seen)
    if mask is not None:
        found = found.masked_fill(mask.nobody, 0)
    return attention.to_out(found.transpose(1, 2).flatten(2))


def step_inputs(scale: Scale, batch: int, device: str, dtype: torch.dtype) -> dict[str, Any]:
    """What the transformer is given in one step."""
    rng = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=rng).to(device, dtype)

    side = scale.pixels // TOKEN_SIZE
    grid = torch.cartesian_prod(torch.zeros(1), torch.arange(side).float(), torch.arange(side).float())
    return {
        "hidden_states": draw(batch, scale.tokens, 64),
        "encoder_hidden_states": draw(batch, scale.text, scale.joint),
        "pooled_projections": draw(batch, scale.pooled),
        "timestep": torch.full((batch,), 0.5, device=device, dtype=dtype),
        "guidance": torch.full((batch,), 4.0, device=device),
        "img_ids": grid.to(device, dtype),
        "txt_ids": torch.zeros(scale.text, 3, device=device, dtype=dtype),
        "return_dict": False,
    }


def disagreement(network: Network, case: Case) -> tuple[float, float]:
    """How far native is from published after one step, and how far from plain FLUX, relative L2 each."""
    inputs = step_inputs(network.scale, 1, network.device, network.dtype)
    outputs = []
    with torch.inference_mode():
        for transformer, pattern in (network.native(), network.published()):
            size = network.scale.pixels
            with pattern.people(case.batch(network.scale, 1), size, size, **case.weights):
                outputs.append(transformer(**inputs)[0].float())
        plain = network.transformer()(**inputs)[0].float()
    native, published = outputs
    return float((native - published).norm() / native.norm()), float((native - plain).norm() / native.norm())


def check_agreement(network: Network, case: Case) -> dict[str, Any]:
    """Raises `AssertionError` unless native and published agree and the branch matters."""
    apart, effect = disagreement(network, case)
    allowed = TOLERANCE[network.dtype]
    assert apart <= allowed, f"{case.name}: expected published and native to differ by {allowed}, found {apart:.2g}"
    assert effect >= SENSITIVITY * allowed, f"{case.name}: the identity branch changes the output by {effect:.2g} only"
    return {"case": case.name, "difference": apart, "effect": effect}


@dataclass(frozen=True)
class Arm:
    """One row of the speed table: `run` makes `batch` images in so many steps."""

    name: str
    case: str
    batch: int
    run: Callable[[int], None]


def arms(network: Network, cases: Sequence[Case]) -> list[Arm]:
    """Plain and native at every batch, published at 1."""
    scale, batches = network.scale, network.scale.batches
    plain = network.transformer()
    made = [Arm("plain", "", batch, _sampling(network, plain, batch)) for batch in batches]
    patterns = (("native", *network.native(), batches), ("published", *network.published(), (1,)))
    for case in cases:
        for name, transformer, pattern, sizes in patterns:
            for batch in sizes:
                people = case.batch(scale, batch)
                enter = lambda pattern=pattern, people=people, case=case: pattern.people(  # noqa: E731
                    people, scale.pixels, scale.pixels, **case.weights
                )
                made.append(Arm(name, case.name, batch, _sampling(network, transformer, batch, enter)))
    return made


def _sampling(
    network: Network, transformer: FluxTransformer2DModel, batch: int, enter: Callable[[], Any] = ExitStack
) -> Callable[[int], None]:
    """Latents of a batch, through diffusers' pipeline."""
    scale = network.scale
    pipeline = FluxPipeline(scheduler(scale.pixels, scale.pixels), None, None, None, None, None, transformer)
    pipeline.set_progress_bar_config(disable=True)
    text = step_inputs(scale, batch, network.device, network.dtype)

    def run(steps: int) -> None:
        with torch.inference_mode(), enter():
            pipeline(
                prompt_embeds=text["encoder_hidden_states"],
                pooled_prompt_embeds=text["pooled_projections"],
                width=scale.pixels,
                height=scale.pixels,
                num_inference_steps=steps,
                guidance_scale=4.0,
                generator=[torch.Generator().manual_seed(seed) for seed in range(batch)],
                output_type="latent",
            )
        synchronize(network.device)

    return run


def speed(network: Network, cases: Sequence[Case], repeats: int) -> list[dict[str, Any]]:
    """Images per second (median of repeats, all arms in turn) and peak memory of every arm."""
    rows = []
    made = arms(network, cases)
    seconds: list[list[float]] = [[] for _ in made]
    peaks = []
    for arm in made:
        arm.run(1)
        forget_peak(network.device)
        arm.run(2)
        peaks.append(_peak_of(arm, network))
    for _ in range(repeats):
        for arm, found in zip(made, seconds, strict=True):
            began = time.perf_counter()
            arm.run(network.scale.steps)
            found.append(time.perf_counter() - began)
    for arm, found, peak in zip(made, seconds, peaks, strict=True):
        rate = float(arm.batch / np.median(found))
        rows.append({"arm": arm.name, "case": arm.case, "batch": arm.batch, "images_per_s": rate, "peak_gb": peak})
    return rows


def _peak_of(arm: Arm, network: Network) -> float | None:
    """On a GPU without the branch's weights for plain FLUX, as it has no use for them."""
    peak = peak_memory(network.device)
    if arm.name == "plain" and network.device.startswith("cuda"):
        return peak - sum(weights.nbytes for weights in network.branch.parameters()) / 1e9
    return peak


def synchronize(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def forget_peak(device: str) -> None:
    """Peak memory counts from now on."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    elif sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory(device: str) -> float | None:
    """GB in tensors on a GPU, GB of the whole process on CPU (Linux only), at most since `forget_peak`."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 1e9
    if sys.platform != "linux":
        return None
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9


class Stopwatch:
    """Seconds of a pass, and those of them spent in the hooks that blocks have now."""

    def __init__(self, transformer: FluxTransformer2DModel, device: str) -> None:
        self._cuda = device.startswith("cuda")
        self._transformer = transformer
        self._marks: list[Any] = []
        for block in [*transformer.transformer_blocks, *transformer.single_transformer_blocks]:
            block.register_forward_hook(self._mark, prepend=True)
            block.register_forward_hook(self._mark)

    def _mark(self, *arguments: Any) -> None:
        self._marks.append(self._now())

    def _now(self) -> Any:
        if not self._cuda:
            return time.process_time()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _between(self, first: Any, last: Any) -> float:
        return first.elapsed_time(last) / 1e3 if self._cuda else last - first

    def seconds(self, inputs: dict[str, Any]) -> tuple[float, float]:
        """Of a whole pass, and of its hooks."""
        self._marks.clear()
        began = self._now()
        self._transformer(**inputs)
        ended = self._now()
        if self._cuda:
            torch.cuda.synchronize()
        pairs = zip(self._marks[::2], self._marks[1::2], strict=True)
        return self._between(began, ended), sum(self._between(*pair) for pair in pairs)


def flops(scale: Scale, case: Case | None, batch: int = 1, pattern: str = "native") -> int:
    """Of one step, a sampling's first left out; without a case of plain FLUX."""
    network = Network(scale, "meta", torch.float32)
    inputs = step_inputs(scale, batch, "meta", torch.float32)
    with ExitStack() as stack:
        if case is None:
            transformer = network.transformer()
        else:
            transformer, entered = getattr(network, pattern)()
            people = case.batch(scale, batch)
            stack.enter_context(entered.people(people, scale.pixels, scale.pixels, **case.weights))
        stack.enter_context(torch.inference_mode())
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        for _ in range(2):
            with FlopCounterMode(display=False) as counter:
                transformer(**inputs)
    return counter.get_total_flops()


def overhead(network: Network, case: Case, batch: int, rounds: int) -> dict[str, Any]:
    """Time and arithmetic of the identity branch over those of plain FLUX, for one step."""
    scale, device = network.scale, network.device
    inputs = step_inputs(scale, batch, device, network.dtype)
    arithmetic = flops(scale, case, batch) / flops(scale, None, batch)
    plain = Stopwatch(network.transformer(), device)
    transformer, attachment = network.native()
    native = Stopwatch(transformer, device)
    inside, pairs = [], []
    with (
        torch.inference_mode(),
        attachment.people(case.batch(scale, batch), scale.pixels, scale.pixels, **case.weights),
    ):
        native.seconds(inputs)
        plain.seconds(inputs)
        for _ in range(rounds):
            whole, hooks = native.seconds(inputs)
            alone, nothing = plain.seconds(inputs)
            inside.append((hooks - nothing) / (whole - hooks))
            pairs.append(whole / alone)
    spent = float(np.median(inside))
    share = spent / (arithmetic - 1)
    return {
        "case": case.name,
        "batch": batch,
        "flops": arithmetic - 1,
        "time": spent,
        "ratio": share,
        "holds": share <= MAX_OVERHEAD,
        "pairs": [float(quartile) - 1 for quartile in np.quantile(pairs, (0.25, 0.5, 0.75))],
        "mild_ratio": float(np.median(pairs)) / arithmetic,
    }


def cases_of(people: int, share: float) -> list[Case]:
    return [Case(people, where, weight) for where in (share, None) for weight in (0.0, 0.5)]


def measure(
    scale: Scale, device: str, cases: Sequence[Case], repeats: int, rounds: int, judged: Scale | None = None
) -> dict[str, Any]:
    """Everything there is to report; `judged` is the network of the overhead, `scale` if None."""
    dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    name = torch.cuda.get_device_name() if device.startswith("cuda") else f"CPU, {torch.get_num_threads()} thread"
    network = Network(scale, device, dtype)
    found: dict[str, Any] = {"device": name, "dtype": str(dtype).removeprefix("torch."), "scale": asdict(scale)}
    found["agreement"] = [check_agreement(network, case) for case in cases]
    found["speed"] = speed(network, cases, repeats)
    if judged is not None:
        network = Network(judged, device, dtype)
    # Where kernels are quick, many images at once are another question.
    batches = sorted({1, max(scale.batches)}) if device.startswith("cuda") else [1]
    found["overhead_scale"] = asdict(network.scale)
    found["overhead"] = [overhead(network, case, batch, rounds) for batch in batches for case in cases]
    found["holds"] = all(row["holds"] for row in found["overhead"])
    return found


def text_of(found: dict[str, Any]) -> str:
    """The report for people."""
    lines = [f"{found['device']}, {found['dtype']}, {found['scale']}", "", "agreement of native and published"]
    lines += [
        f"  {row['case']:<26} difference {row['difference']:.1e}, effect of the branch {row['effect']:.2f}"
        for row in found["agreement"]
    ]
    lines += ["", f"{'arm':<10} {'case':<26} {'batch':>5} {'images/s':>9} {'peak GB':>8}"]
    for row in found["speed"]:
        peak = "-" if row["peak_gb"] is None else f"{row['peak_gb']:.2f}"
        lines.append(f"{row['arm']:<10} {row['case']:<26} {row['batch']:>5} {row['images_per_s']:>9.3f} {peak:>8}")
    lines += ["", f"overhead per step, {found['overhead_scale']}"]
    lines.append(
        f"{'case':<26} {'batch':>5} {'flops':>7} {'time':>7} {'ratio':>6} {'':>6}   pairs (quartiles)        mild ratio"
    )
    for row in found["overhead"]:
        low, middle, high = row["pairs"]
        lines.append(
            f"{row['case']:<26} {row['batch']:>5} {row['flops']:>+7.2%} {row['time']:>+7.2%} {row['ratio']:>6.2f} "
            f"{'holds' if row['holds'] else 'FAILS':>6}   {low:+.1%} {middle:+.1%} {high:+.1%}   {row['mild_ratio']:>10.3f}"
        )
    lines.append(
        f"judged: ratio = share of time / share of arithmetic <= {MAX_OVERHEAD} "
        f"{'holds in every case' if found['holds'] else 'does NOT hold in every case'}"
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Check, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--scale", choices=("full", "tiny"), help="[default: full on a GPU, tiny elsewhere]")
    parser.add_argument("--people", type=int, default=2, help="[default: 2]")
    parser.add_argument("--share", type=float, default=0.3, help="of the canvas in boxes [default: 0.3]")
    parser.add_argument("--pixels", type=int, help="[default: 512, tiny 128]")
    parser.add_argument("--steps", type=int, help="[default: 25, tiny 3]")
    parser.add_argument("--batches", type=int, nargs="+", help="[default: 1 2 4 8]")
    parser.add_argument("--repeats", type=int, default=3, help="of every row of images/s [default: 3]")
    parser.add_argument("--rounds", type=int, help="passes of every overhead [default: 5, on a GPU 30]")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    on_gpu = given.device.startswith("cuda")
    chosen = {"pixels": given.pixels, "steps": given.steps, "batches": given.batches and tuple(given.batches)}
    whole = (given.scale or ("full" if on_gpu else "tiny")) == "full"
    scale = replace(FULL if whole else TINY, **{name: value for name, value in chosen.items() if value})
    judged = None if whole else OVERHEAD_ON_CPU
    most = scale.pixels // TOKEN_SIZE
    if not 1 <= given.people <= most:
        parser.error(f"--people: expected 1 to {most}, one column of image tokens each, found {given.people}")
    cases = cases_of(given.people, given.share)
    if not on_gpu:
        torch.set_num_threads(1)  # two wait for each other as soon as anybody else computes
    found = measure(scale, given.device, cases, given.repeats, given.rounds or (30 if on_gpu else 5), judged)
    print(json.dumps(found) if given.json else text_of(found))


if __name__ == "__main__":
    main()
