"""Text without names of machines and users."""

from __future__ import annotations

import pytest

from idbench.local_names import LocalNames


@pytest.mark.parametrize(
    "text, expected",
    [
        ("by Alicesmith and ALICESMITH", "by user and user"),
        ("ssh alice@node7.example.org failed", "ssh user@host failed"),
        ("bob@node7:/data/x/a.bin", "user@host:a.bin"),
        ("git@example.org:group/repo", "user@host:repo"),
        ("good@strength=0.5 and hub/model@main", "good@strength=0.5 and hub/model@main"),
        ("cannot read /mnt/My Work/photos of mine/a.png: broken", "cannot read a.png: broken"),
        ("from /a/b.png to /c/d.png, 3/4 done", "from b.png to d.png, 3/4 done"),
        ("/a/b.png is 3/4 done", "b.png is 3/4 done"),
    ],
)
def test_what_is_left(text, expected):
    assert LocalNames([], ["alicesmith"]).removed_from(text) == expected
