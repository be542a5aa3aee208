"""People who never lived: procedural faces whose identity, pose, expression and light are known exactly."""

from idbench.synthetic.appearance import (
    Appearance,
    Background,
    Camera,
    Description,
    Expression,
    Light,
    Pose,
    Style,
    mix_appearances,
    sample_appearance,
    sample_background,
    sample_camera,
    sample_description,
    sample_style,
)
from idbench.synthetic.identity import SPREAD, Identity, distance, mix_identities, sample_identities, sibling
from idbench.synthetic.rendering import RENDER_VERSION, Picture, Place, RenderedFace, Sitter, render

__all__ = [
    "RENDER_VERSION",
    "SPREAD",
    "Appearance",
    "Background",
    "Camera",
    "Description",
    "Expression",
    "Identity",
    "Light",
    "Picture",
    "Place",
    "Pose",
    "RenderedFace",
    "Sitter",
    "Style",
    "distance",
    "mix_appearances",
    "mix_identities",
    "render",
    "sample_appearance",
    "sample_background",
    "sample_camera",
    "sample_description",
    "sample_identities",
    "sample_style",
    "sibling",
]
