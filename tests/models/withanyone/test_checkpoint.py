"""Files of a branch: released ones are loaded whole, others are refused by name."""

from __future__ import annotations

import pytest
from support.lazy import lazy, needs
from support.tiny_branch import (
    ARCFACE,
    SIGLIP,
    branch_for,
)
from support.tiny_withanyone import random_identity

from idbench.errors import WeightsError

pytestmark = needs("torch", "diffusers")

safetensors = lazy("safetensors.torch")
torch = lazy("torch")
checkpoint = lazy("idbench.models.withanyone.checkpoint")


@pytest.mark.parametrize("kontext", [False, True])
def test_a_released_file_is_loaded_whole(flux, tmp_path, kontext):
    branch = branch_for(flux, tmp_path, kontext=kontext, tokens=5)
    sizes = branch.sizes
    assert (sizes.blocks, sizes.hidden, sizes.heads, sizes.arcface, sizes.tokens) == (5, 32, 2, ARCFACE, 5)
    assert sizes.siglip == (None if kontext else SIGLIP)
    released = safetensors.load_file(tmp_path / "identity.safetensors")
    mine = branch.state_dict()
    assert len(mine) == len(released) - 6
    name = "ipa.4.to_kv.weight" if kontext else "ipa_arc.4.to_kv.weight"
    assert torch.equal(mine["arc.ipa.4.to_kv.weight"], released[name])
    assert not branch.training
    assert not any(parameter.requires_grad for parameter in branch.parameters())
    half = checkpoint.load_branch(tmp_path / "identity.safetensors", torch.bfloat16)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda state: state.pop("ipa_sig.3.norm2.bias"), r"1 tensors missing: ipa_sig\.3\.norm2\.bias$"),
        (lambda state: state.pop("ipa_arc.0.to_q.weight"), r"1 tensors missing: ipa_arc\.0\.to_q\.weight$"),
        (
            lambda state: [state.pop(key) for key in list(state) if key.startswith("ipa_sig.4")],
            r"7 tensors missing: ipa_sig\.4\.norm1\.bias, .*, \.\.\.$",
        ),
        (lambda state: state.clear(), "tensors missing"),
        (
            lambda state: state.update({"siglip_in_arc.4.weight": torch.zeros(1)}),
            r"1 tensors unexpected: siglip_in_arc\.4\.weight$",
        ),
        (lambda state: state.update({"double_blocks.0.x": torch.zeros(1)}), r"unexpected: double_blocks\.0\.x$"),
        (
            lambda state: state.update({"arcface_in_sig.2.bias": torch.zeros(7)}),
            r"1 tensors wrongly shaped: arcface_in_sig\.2\.bias \(expected \(128,\), found \(7,\)\)$",
        ),
        (lambda state: state.update({"ipa_arc.0.to_q.weight": torch.zeros(7)}), r"matrix ipa_arc\.0\.to_q\.weight"),
    ],
)
def test_tensors_that_do_not_belong_are_named(flux, tmp_path, damage, message):
    file = tmp_path / "identity.safetensors"
    state = random_identity(flux.config)
    damage(state)
    safetensors.save_file(state, file)
    with pytest.raises(WeightsError, match=message) as found:
        checkpoint.load_branch(file)
    assert str(file) in str(found.value)
    assert "\n" not in str(found.value)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="no weights at"):
        checkpoint.load_branch(tmp_path / "absent.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"no tensors here")
    with pytest.raises(WeightsError, match="found a damaged one"):
        checkpoint.load_branch(tmp_path / "damaged.safetensors")
