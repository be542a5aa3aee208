"""Prompts: what a description says, in English.

Left and right are the viewer's. Every word has one meaning, so a prompt can be read back; what a prompt
does not mention (the exact pose, the clothes, the background) is free.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from idbench.synthetic.appearance import Description, Style
from idbench.synthetic.identity import Identity

__all__ = ["hair_colour", "prompt_for"]

HAIR_COLOURS = ((0.17, "black"), (0.36, "dark brown"), (0.54, "brown"), (0.7, "red"), (0.84, "blond"), (0.95, "grey"))
"""Names up to a tone; beyond, white."""

HAIRCUTS = {
    "shaved": "a shaved head",
    "short": "short {colour} hair",
    "full": "thick {colour} hair",
    "bob": "a {colour} bob",
    "long": "long {colour} hair",
}
BEARDS = {"stubble": "stubble", "moustache": "a moustache", "full": "a full beard"}
GLASSES = {"thin": "glasses", "thick": "thick-rimmed glasses"}

MOODS = {
    "neutral": ("is calm", "calm"),
    "smiling": ("smiles", "smiling"),
    "laughing": ("laughs", "laughing"),
    "surprised": ("is surprised", "surprised"),
    "serious": ("frowns", "frowning"),
    "dreaming": ("dreams with closed eyes", "dreaming with closed eyes"),
    "talking": ("talks", "talking"),
}
"""In a sentence and in a list."""

DIRECTIONS = {
    "ahead": ("facing the camera", "facing the camera"),
    "left": ("looking to the left", "facing left"),
    "right": ("looking to the right", "facing right"),
    "up": ("looking up", "facing up"),
    "down": ("looking down", "facing down"),
}
"""With open and with closed eyes."""

LIGHTS = {
    "soft": "soft {warmth}light",
    "front": "{warmth}light from the front",
    "left": "{warmth}light from the left",
    "right": "{warmth}light from the right",
    "top": "{warmth}light from above",
    "dim": "dim {warmth}light",
}
WARMTHS = {-1: "cold ", 0: "", 1: "warm "}

POSITIONS = {
    2: ("on the left", "on the right"),
    3: ("on the left", "in the middle", "on the right"),
    4: ("on the far left", "left of the middle", "right of the middle", "on the far right"),
}
NUMBERS = {2: "two", 3: "three", 4: "four"}


def hair_colour(tone: float) -> str:
    """The word for `Identity.hair_tone`."""
    return next((name for most, name in HAIR_COLOURS if tone <= most), "white")


def prompt_for(people: Sequence[tuple[Identity, Description]], rng: np.random.Generator) -> str:
    """One sentence about the people of a picture, from left to right; `rng` chooses among the ways to say it."""
    described = [_Words(identity, description) for identity, description in people]
    light = _light(people[0][1])
    frames = _one(described[0], light) if len(described) == 1 else _several(described, light)
    text = str(rng.choice(frames))
    return text[0].upper() + text[1:] + "."


class _Words:
    """The words for one person: who, what they do (in a sentence, in a list), and where they look."""

    def __init__(self, identity: Identity, description: Description) -> None:
        self.who = _person(identity, description.style)
        self.does, self.doing = MOODS[description.mood]
        self.direction = DIRECTIONS[description.direction][description.mood == "dreaming"]


def _one(person: _Words, light: str) -> tuple[str, ...]:
    return (
        f"{person.who} {person.does}, {person.direction}, {light}",
        f"{person.who}, {person.direction}, {person.does} in {light}",
        f"in {light}, {person.who} {person.does}, {person.direction}",
        f"a portrait of {person.who}, {person.doing} and {person.direction}, {light}",
    )


def _several(people: Sequence[_Words], light: str) -> tuple[str, ...]:
    places = POSITIONS[len(people)]
    told = [f"{place} {p.who} {p.does}, {p.direction}" for place, p in zip(places, people, strict=True)]
    listed = [f"{p.who} {place}, {p.doing} and {p.direction}" for place, p in zip(places, people, strict=True)]
    number = NUMBERS[len(people)]
    return (
        f"{number} people in {light}: {'; '.join(listed)}",
        f"a photo of {number} people, {light}; {'; '.join(told)}",
        f"in {light}, {'; '.join(told)}",
    )


def _light(description: Description) -> str:
    return LIGHTS[description.lighting].format(warmth=WARMTHS[description.warmth])


def _person(identity: Identity, style: Style) -> str:
    """A noun phrase: "a young woman with short red hair, glasses and a hat"."""
    word = "woman" if identity.is_woman else "man"
    age = "young " if identity.age < 0.2 else "elderly " if identity.age > 0.8 else ""
    article = "an" if age.startswith("e") else "a"
    looks = [HAIRCUTS[style.hair].format(colour=hair_colour(identity.hair_tone))]
    looks += ["a fringe"] if style.fringe and style.hair != "shaved" else []
    looks += [words[choice] for words, choice in ((BEARDS, style.beard), (GLASSES, style.glasses)) if choice in words]
    looks += ["a hat"] if style.hat else []
    listed = looks[0] if len(looks) == 1 else f"{', '.join(looks[:-1])} and {looks[-1]}"
    return f"{article} {age}{word} with {listed}"
