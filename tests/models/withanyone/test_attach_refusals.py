"""People and transformers that do not fit a branch are refused."""

from __future__ import annotations

import pytest
from support.lazy import lazy, needs
from support.tiny_branch import (
    ARCFACE,
    HEIGHT,
    LEFT,
    SIGLIP,
    TOKENS,
    WIDTH,
    branch_for,
    run,
    run_with,
    somebody,
)
from support.tiny_withanyone import tiny_flux

from idbench.errors import WeightsError

pytestmark = needs("torch", "diffusers")

torch = lazy("torch")
attach = lazy("idbench.models.withanyone.attach")


def test_people_who_do_not_fit_are_refused(flux, tiny, tmp_path):
    with pytest.raises(ValueError, match="boxes for each of 2 references, found 1"):
        somebody(2, [LEFT])
    with pytest.raises(ValueError, match="SigLIP features for each of 1 references, found 2"):
        attach.People(somebody(1).arcface, somebody(2).siglip)
    for people, message in (
        (attach.People(torch.zeros(1, ARCFACE + 1)), rf"embeddings \(P, {ARCFACE}\), found \(1, {ARCFACE + 1}\)"),
        (attach.People(torch.zeros(1, ARCFACE)), rf"SigLIP features \(P, T, {SIGLIP}\) with one T, found None"),
        (attach.People(torch.zeros(1, ARCFACE), torch.zeros(1, 5, 3)), r"found \(1, 5, 3\)"),
    ):
        with pytest.raises(ValueError, match=message):
            run_with(tiny, flux, [people])
    with pytest.raises(ValueError, match=f"batch of 1 with {TOKENS} image tokens.*found 2 with {TOKENS}"):
        run_with(tiny, flux, [somebody(1)], range(2))
    with (
        pytest.raises(ValueError, match=f"batch of 1 with {2 * TOKENS} image tokens.*found 1 with {TOKENS}"),
        tiny.people([somebody(1)], 2 * WIDTH, HEIGHT),
    ):
        run(flux)
    with pytest.raises(ValueError, match="detach"):
        attach.attach(flux, tiny.branch)
    other = tiny_flux()
    with pytest.raises(ValueError, match=r"siglip_weight 0, found 0\.4"):
        run_with(attach.attach(other, branch_for(other, tmp_path, kontext=True)), other, [somebody(1)])


def test_a_branch_for_another_transformer_is_refused(flux, tiny):
    with pytest.raises(WeightsError, match="expected 6 blocks, found 5"):
        attach.attach(tiny_flux(single=4), tiny.branch)
    with pytest.raises(WeightsError, match="expected 96 features per image token, found 32"):
        attach.attach(tiny_flux(heads=6), tiny.branch)
