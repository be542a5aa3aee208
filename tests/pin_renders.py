"""Pin the reference renders anew: `python tests/pin_renders.py`, after RENDER_VERSION was raised on purpose."""

from __future__ import annotations

import hashlib
import json

import cv2
from support.renders import REFERENCES, reference_picture, this_machine


def main() -> None:
    REFERENCES.mkdir(exist_ok=True)
    digests = {}
    for number in range(4):
        picture = reference_picture(number)
        cv2.imwrite(str(REFERENCES / f"{number}.png"), picture[..., ::-1])
        digests[str(number)] = hashlib.sha256(picture.tobytes()).hexdigest()
    record = {"made_with": this_machine(), "sha256": digests}
    (REFERENCES / "pinned.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
