"""From people and their appearance to a picture, with everything known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from idbench.images import RGB
from idbench.schema import Box
from idbench.synthetic.appearance import Appearance, Background, Camera, Pose, on_that_day
from idbench.synthetic.features import brow_line, chin_y, mouth_curves, nose_tip_y
from idbench.synthetic.film import backdrop, develop
from idbench.synthetic.head import COLUMNS, build_head, crooked
from idbench.synthetic.identity import Identity
from idbench.synthetic.paint import Spots, paint
from idbench.synthetic.raster import Fragments, rasterise
from idbench.synthetic.shading import key_direction, lit_vertices, shade
from idbench.synthetic.surfaces import Float, Kind, Part, rotation
from idbench.synthetic.wardrobe import build_wardrobe

__all__ = ["RENDER_VERSION", "Picture", "Place", "RenderedFace", "Sitter", "render"]

RENDER_VERSION = 1
"""Raise it when the same people in the same appearance give another picture."""


@dataclass(frozen=True)
class Place:
    """Where a head is in the picture: its centre as a share of width and height, and the height of the
    head (crown to chin) as a share of the picture's height. Later sitters stand in front of earlier ones."""

    x: float = 0.5
    y: float = 0.45
    head: float = 0.55


@dataclass(frozen=True)
class Sitter:
    """One person in a picture."""

    identity: Identity
    appearance: Appearance
    place: Place = Place()


@dataclass(frozen=True)
class RenderedFace:
    """What is known about one face of a picture.

    box x1, y1, x2, y2 of the face (brow to chin, as detectors draw it) and landmarks (5, 2) eyes,
    nose tip, mouth corners, image-left first, in pixels; `visible`: share of the face's pixels that no
    other person or the picture's edge hides.
    """

    box: Box
    landmarks: npt.NDArray[np.float32]
    pose: Pose
    visible: float


@dataclass(frozen=True)
class Picture:
    """A rendered picture: RGB pixels (height, width, 3) uint8, its faces in the order of the sitters,
    and `mask` (height, width) float32: the share of each pixel covered by people."""

    pixels: RGB
    faces: tuple[RenderedFace, ...]
    mask: npt.NDArray[np.float32]


HEAD_HEIGHT = 22.8
"""Centimetres from crown to chin of an average head."""

NECK_JOINT = np.array([0, -6, -2], np.float32)
"""The point heads turn about."""


def render(
    sitters: Sequence[Sitter],
    background: Background = Background(),
    camera: Camera = Camera(),
    width: int = 256,
    height: int = 256,
    supersampling: float = 1.5,
) -> Picture:
    """Draw people, the first farthest away.

    The same arguments give the same picture: bit for bit with the same numpy, OpenCV and processor
    instructions; with others a few of 10,000 pixels differ by one or two grey levels.

    supersampling : samples per pixel along each side; 1 is coarse and quick, 2 is fine.
    """
    light = backdrop(background, width, height)
    mask = np.zeros((height, width), np.float32)
    drawn: list[tuple[_Body, Float]] = []
    for sitter in sitters:
        body = _Body(sitter, camera, width, height)
        layer = body.draw(supersampling)
        window, cover = body.window, layer[..., 3:]
        light[window] = light[window] * (1 - cover) + layer[..., :3]
        mask[window] = mask[window] * (1 - cover[..., 0]) + cover[..., 0]
        drawn.append((body, cover[..., 0]))
    faces = []
    for i, (body, _) in enumerate(drawn):
        hidden = np.zeros((height, width), np.float32)
        for other, cover in drawn[i + 1 :]:
            hidden[other.window] = np.maximum(hidden[other.window], cover)
        faces.append(body.face(hidden))
    return Picture(develop(light, camera), tuple(faces), mask)


class _Body:
    """One sitter's surfaces on the way to the screen."""

    def __init__(self, sitter: Sitter, camera: Camera, width: int, height: int) -> None:
        self.who = on_that_day(sitter.identity, sitter.appearance.condition)
        self.look = sitter.appearance
        self.size = (width, height)
        pose = self.look.pose
        self.turn = rotation(pose.yaw, pose.pitch, pose.roll)
        follow = rotation(0.3 * pose.yaw, 0, 0.2 * pose.roll)
        head = build_head(self.who, self.look.expression, self.look.style)
        self.parts: list[Part] = [head, *build_wardrobe(self.who, self.look.style)]
        turns = [self.turn if part.turns else follow for part in self.parts]
        self.local = np.concatenate([part.points for part in self.parts])
        self.points = np.concatenate(
            [
                ((crooked(part.points, self.who) if part.turns else part.points) - NECK_JOINT) @ turn.T + NECK_JOINT
                for part, turn in zip(self.parts, turns, strict=True)
            ]
        )
        self.normals = np.concatenate([part.normals @ turn.T for part, turn in zip(self.parts, turns, strict=True)])
        self.kinds = np.concatenate([np.full(len(part.points), part.kind, np.int8) for part in self.parts])
        self.head_count = len(head.points)
        self._project(sitter.place, camera)

    def _project(self, place: Place, camera: Camera) -> None:
        """Perspective from `camera.distance`, the middle of the head at its place."""
        width, height = self.size
        middle = -NECK_JOINT @ self.turn.T + NECK_JOINT
        scale = place.head * height / HEAD_HEIGHT * (camera.distance - middle[2])
        self.depth = (camera.distance - self.points[:, 2]).astype(np.float32)
        near = np.maximum(self.depth, 1)
        self.screen = np.stack(
            [
                place.x * width + scale * (self.points[:, 0] - middle[0]) / near,
                place.y * height - scale * (self.points[:, 1] - middle[1]) / near,
            ],
            1,
        ).astype(np.float32)
        self.eye = np.array([middle[0], middle[1], camera.distance], np.float32)
        low = np.clip(np.floor(self.screen.min(0)), 0, (width - 1, height - 1)).astype(int)
        high = np.clip(np.ceil(self.screen.max(0)), low + 1, (width, height)).astype(int)
        self.window = np.s_[low[1] : high[1], low[0] : high[0]]

    def _triangles(self, screen: Float) -> npt.NDArray[np.int32]:
        """Triangles of all parts; of closed parts only those that face the camera."""
        found, offset = [], 0
        for part in self.parts:
            triangles = part.triangles + np.int32(offset)
            if not part.two_sided:
                a, b, c = (screen[triangles[:, i]] for i in range(3))
                area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
                triangles = triangles[area < 0]
            found.append(triangles)
            offset += len(part.points)
        return np.concatenate(found)

    def draw(self, supersampling: float) -> Float:
        """Light and cover (rows, columns, 4) in the window, light multiplied by cover."""
        rows, columns = self.window
        size = np.array([columns.stop - columns.start, rows.stop - rows.start])
        fine = np.maximum(np.rint(size * supersampling), 1).astype(int)
        screen = ((self.screen - [columns.start, rows.start]) * (fine / size)).astype(np.float32)
        fragments = rasterise(screen, self.depth, self._triangles(screen), int(fine[0]), int(fine[1]))
        layer = np.zeros((fine[1] * fine[0], 4), np.float32)
        layer[fragments.pixels, :3] = np.clip(self._colours(fragments), 0, 4)
        layer[fragments.pixels, 3] = 1
        layer = layer.reshape(fine[1], fine[0], 4)
        return np.asarray(cv2.resize(layer, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA))

    def _colours(self, fragments: Fragments) -> Float:
        """Light (n, 3) that the covered pixels send to the camera."""
        key = key_direction(self.look.light)
        columns = {
            "local": self.local,
            "normal": self.normals,
            "point": self.points,
            "texture": self._each("texture"),
            "hair": self._each("hair"),
            "hat": self._each("hat"),
            "openness": self._each("openness"),
            "lit": self._lit(key),
        }
        wide = {name: values.reshape(len(values), -1) for name, values in columns.items()}
        seen = fragments.interpolate(np.concatenate(list(wide.values()), axis=1).astype(np.float32))
        ends = np.cumsum([values.shape[1] for values in wide.values()])
        at = dict(zip(wide, np.split(seen, ends[:-1], axis=1), strict=True))
        kind = self.kinds[fragments.corners[:, 0]]
        (x, y, z), (tx, ty) = at["local"].T, at["texture"].T
        spots = Spots(kind, x, y, z, tx, ty, at["hair"][:, 0], at["hat"][:, 0])
        views = self.eye - at["point"]
        views /= np.linalg.norm(views, axis=1, keepdims=True)
        normals = at["normal"] / (np.linalg.norm(at["normal"], axis=1, keepdims=True) + 1e-6)
        away = ((normals * views).sum(1) < 0) & (kind != Kind.HEAD) & (kind != Kind.NECK)
        normals[away] *= -1
        coat = paint(spots, self.who, self.look, key)
        lit, openness = np.clip(at["lit"][:, 0], 0, 1), at["openness"][:, 0]
        return shade(coat, normals, views, lit, openness, self.look.light, self.turn, self.who.skin_tone)

    def _each(self, attribute: str) -> Float:
        """One attribute of every part, per vertex."""
        return np.concatenate([getattr(part, attribute) for part in self.parts])

    def _lit(self, key: Float) -> Float:
        """Share of the key light that reaches each vertex; on the head with a soft edge. Glasses cast no shadow."""
        lit = lit_vertices(self.points, self.kinds != Kind.FRAME, key)
        head = lit[: self.head_count].reshape(-1, COLUMNS)
        lit[: self.head_count] = cv2.GaussianBlur(head, (0, 0), 1.6).ravel()
        return lit

    def face(self, hidden: Float) -> RenderedFace:
        """What is known about this face, `hidden` (height, width) being the cover of those in front."""
        head, screen = self.local[: self.head_count], self.screen[: self.head_count]
        how = self.look.expression
        brow = float(brow_line(self.who, how, np.array([2.5], np.float32))[0][0])
        chin = chin_y(self.who) - 1.4 * how.mouth_open
        region = (head[:, 2] > 4) & (head[:, 1] > chin - 1) & (head[:, 1] < brow + 3.8)
        facing = region & (((self.eye - self.points[: self.head_count]) * self.normals[: self.head_count]).sum(1) > 0)
        low, high = screen[facing].min(0), screen[facing].max(0)
        column, row = np.floor(screen[facing]).astype(int).T
        width, height = self.size
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        seen = inside.copy()
        seen[inside] = hidden[row[inside], column[inside]] < 0.5
        box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        return RenderedFace(box, self._landmarks(), self.look.pose, float(seen.mean()))

    def _landmarks(self) -> Float:
        """Eyes, nose tip and mouth corners on screen, from the nearest points of the surface."""
        who, how = self.who, self.look.expression
        head, screen = self.local[: self.head_count], self.screen[: self.head_count]
        corner = mouth_curves(who, how, np.array([10.0], np.float32))
        mouth = (corner.half_width, float(corner.middle[0]))
        spots = [
            (-who.eye_spacing, who.eye_height),
            (who.eye_spacing, who.eye_height),
            (0.0, nose_tip_y(who) + 0.1),
            (-mouth[0], mouth[1]),
            mouth,
        ]
        front = np.flatnonzero(head[:, 2] > 3)
        found = []
        for x, y in spots:
            squared = (head[front, 0] - x) ** 2 + (head[front, 1] - y) ** 2
            nearest = np.argpartition(squared, 4)[:4]
            weight = 1 / (squared[nearest] + 1e-4)
            found.append((screen[front[nearest]] * weight[:, None]).sum(0) / weight.sum())
        return np.asarray(found, np.float32)
