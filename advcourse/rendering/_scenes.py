"""How an object is turned, lit and photographed, by numbers or drawn at random; and a ball to turn.

Axes and angles as in ``rendering``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.core.validation import check_at_least, check_count, check_images, check_interval

Range = tuple[float, float]


@dataclass(frozen=True)
class Poses:
    """n scenes: how the object is turned, and how it is lit and photographed.

    Attributes:
        yaw, pitch, roll: ``(n,)`` degrees, applied in this order. Yaw turns about the vertical axis (the front moves
            right), pitch about the horizontal one (the top comes forward), roll in the picture, anticlockwise.
        distance: ``(n,)`` from the camera to the object's centre, in radii of its bounding sphere, above 1.
        light: ``(n, 3)`` direction towards the light, of length 1.
        ambient, diffuse: ``(n,)`` intensities. A point with normal m is lit by ambient + diffuse · max(0, m · light).
        background: ``(n, 3, H, W)``, or ``(n, 3, 1, 1)`` for a plain colour.
        noise: ``(n, 3, H, W)`` or ``(n, 1, 1, 1)``, added to the picture.
    """

    yaw: Tensor
    pitch: Tensor
    roll: Tensor
    distance: Tensor
    light: Tensor
    ambient: Tensor
    diffuse: Tensor
    background: Tensor
    noise: Tensor

    def to(self, like: Tensor) -> Poses:
        """The same scenes on the device and in the precision of a tensor."""
        return Poses(*(value.to(like) for value in vars(self).values()))


def at_pose(
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    distance: float = 3.0,
    *,
    light: tuple[float, float, float] = (0.0, 0.0, 1.0),
    ambient: float = 1.0,
    diffuse: float = 0.0,
    background: float = 0.5,
    dtype: torch.dtype = torch.float32,
) -> Poses:
    """One scene by its numbers, as in ``Poses``; lit evenly and without noise unless asked otherwise."""

    def one(value: float) -> Tensor:
        return torch.tensor([float(value)], dtype=dtype)

    direction = F.normalize(torch.tensor([light], dtype=dtype), dim=1)
    plain = one(background).expand(3).reshape(1, 3, 1, 1)
    noise = torch.zeros(1, 1, 1, 1, dtype=dtype)
    turned = one(yaw), one(pitch), one(roll), one(distance)
    return Poses(*turned, direction, one(ambient), one(diffuse), plain, noise)


def draw_poses(
    n: int,
    generator: torch.Generator | None = None,
    *,
    yaw: Range = (-180.0, 180.0),
    pitch: Range = (-90.0, 90.0),
    roll: Range = (-180.0, 180.0),
    distance: Range = (2.5, 3.5),
    light_angle: float = 60.0,
    ambient: Range = (0.4, 0.6),
    diffuse: Range = (0.2, 0.4),
    background: Range | Tensor = (0.0, 1.0),
    noise: float = 0.0,
    size: int = 224,
    dtype: torch.dtype = torch.float32,
) -> Poses:
    """n scenes drawn independently, every range uniform; with all angles free the rotation is uniform too.

    Args:
        n: scenes.
        generator: draws everything.
        yaw, pitch, roll: ranges in degrees; the sine of the pitch is what is uniform, so that no direction is
            seen more often than another.
        distance: range, in radii of the object.
        light_angle: the light comes from a cone of this half angle (degrees) about the direction of the camera.
        ambient, diffuse: ranges of the intensities.
        background: range of each colour channel of a plain background, or photographs ``(B, 3, H, W)`` in [0, 1].
        noise: standard deviation of the noise, which is drawn for pictures of ``size``.
        size: height and width of the pictures.
        dtype: floating point type.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    check_count(n=n, size=size)
    for name, interval in {"yaw": yaw, "pitch": pitch, "roll": roll}.items():
        check_interval(name, interval)
    check_interval("distance", distance, above=1)
    for name, interval in {"ambient": ambient, "diffuse": diffuse}.items():
        check_interval(name, interval)
        check_at_least(0, optional=False, **{name: interval[0]})
    check_at_least(0, light_angle=light_angle, noise=noise)
    device = None if generator is None else generator.device
    draw: dict[str, Any] = {"generator": generator, "dtype": dtype, "device": device}

    def between(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, *shape, **draw)

    lowest, highest = (math.sin(math.radians(angle)) for angle in pitch)
    sine = between(lowest, highest)
    turned = between(*yaw), sine.clamp(-1, 1).asin().rad2deg(), between(*roll), between(*distance)
    tilt, around = math.radians(light_angle) * torch.rand(n, **draw), between(0, 2 * math.pi)
    light = torch.stack([tilt.sin() * around.cos(), tilt.sin() * around.sin(), tilt.cos()], 1)
    levels = between(*ambient), between(*diffuse)
    if isinstance(background, Tensor):
        check_images(background, "background")
        chosen = torch.randint(len(background), (n,), generator=generator, device=device)
        behind = background[chosen.to(background.device)].to(dtype)
    else:
        check_interval("background", background)
        behind = between(*background, 3, 1, 1)
    grain = (
        torch.randn(n, 3, size, size, **draw) * noise if noise else torch.zeros(n, 1, 1, 1, dtype=dtype, device=device)
    )
    return Poses(*turned, light, *levels, behind, grain)


def rotation(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Rotation matrices ``(n, 3, 3)`` of angles in degrees: yaw about y, then pitch about x, then roll about z."""

    def about(axis: int, degrees: Tensor) -> Tensor:
        cos, sin = degrees.deg2rad().cos(), degrees.deg2rad().sin()
        matrix = torch.zeros(len(degrees), 3, 3, dtype=degrees.dtype, device=degrees.device)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        matrix[:, axis, axis], matrix[:, i, i], matrix[:, j, j] = 1, cos, cos
        matrix[:, i, j], matrix[:, j, i] = -sin, sin
        return matrix

    return about(2, roll) @ about(0, pitch) @ about(1, yaw)


def sphere_point(u: Tensor, v: Tensor) -> Tensor:
    """Where texture coordinates lie on the unit sphere, ``(…, 3)``: longitude 360 (u - 1/2), latitude 180 (v - 1/2)."""
    longitude, latitude = (u - 0.5) * 2 * math.pi, (v - 0.5) * math.pi
    around = latitude.cos()
    return torch.stack([around * longitude.sin(), latitude.sin(), around * longitude.cos()], -1)


def soccer_ball(height: int = 128, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """A texture ``(3, height, 2 · height)`` for the sphere: black pentagons and grey seams on white leather.

    The pattern is a truncated icosahedron seen from its centre: a point of the sphere lies on the face for which
    (point · normal) / (distance of the face from the centre) is largest, and near a seam where two are almost equal.
    """
    check_count(height=height)
    golden = (1 + math.sqrt(5)) / 2
    signs = [(a, b) for a in (1, -1) for b in (1, -1)]

    def normals(first: float, second: float) -> list[tuple[float, float, float]]:
        pairs = [(a * first, b * second) for a, b in signs]
        return [point for a, b in pairs for point in ((0, a, b), (a, b, 0), (b, 0, a))]

    cube = [(a, b, c) for a, b in signs for c in (1, -1)]
    pentagons, hexagons = (
        F.normalize(torch.tensor(points, dtype=dtype), dim=1)
        for points in (normals(1, golden), normals(golden, 1 / golden) + cube)
    )
    cut = torch.tensor([0, 1 / 3, golden], dtype=dtype)  # the edge from (0, 1, golden) to (0, -1, golden), cut at 1/3
    row, column = torch.arange(height, dtype=dtype), torch.arange(2 * height, dtype=dtype)
    v, u = torch.meshgrid(1 - (row + 0.5) / height, (column + 0.5) / (2 * height), indexing="ij")
    point = sphere_point(u, v)
    five, six = ((point @ faces.T) / (faces @ cut).amax() for faces in (pentagons, hexagons))
    black = ((five.amax(-1) - six.amax(-1)) / 0.02 + 0.5).clamp(0, 1)
    best = six.topk(2, -1).values
    seam = (1 - (best[..., 0] - best[..., 1]) / 0.02).clamp(0, 1) * 0.6
    return (0.97 - 0.92 * torch.maximum(black, seam)).expand(3, -1, -1).contiguous()
