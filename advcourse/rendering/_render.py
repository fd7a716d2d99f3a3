"""Textured 3-D objects and a renderer that is linear in the texture.

What a pose shows where is computed once, without a gradient: a z-buffer gives every pixel the point of the texture
that it shows and the light that falls there. The picture is then ``texture sampled there · light + background``.

The object lies in the unit sphere; axes as in ``rendering``. Texture coordinates (u, v) run from (0, 0) at the bottom
left corner of the texture to (1, 1) at the top right, as in ``.obj`` files; the texture repeats along u.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.core.balls import clip
from advcourse.core.validation import check_count, check_counts, check_images
from advcourse.rendering._scenes import Poses, draw_poses, rotation, sphere_point

if TYPE_CHECKING:
    import PIL.Image
    from trimesh import Trimesh

FIELD_OF_VIEW = 60.0  # degrees from the picture's lower to its upper edge
OVERLAP = 1e-4  # of a face's size: neighbours must not leave a gap between them in float32


@dataclass(frozen=True)
class Views:
    """What n poses show, whatever the texture.

    Attributes:
        uv: ``(n, H, W, 2)`` texture coordinates of each pixel.
        shade: ``(n, 1, H, W)`` light on it; zero outside the object.
        rest: ``(n, 3, H, W)`` what is added: background outside the object, noise everywhere.
        mask: ``(n, 1, H, W)`` where the object is seen.
    """

    uv: Tensor
    shade: Tensor
    rest: Tensor
    mask: Tensor


def rasterize(points: Tensor, faces: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Which face each pixel shows, and where in it: a z-buffer over every pixel of every face's bounding box.

    A point (x, y) at depth d in front of the camera falls on row h/2 - c y/d and column w/2 + c x/d, with
    c = h / (2 tan(fov/2)), fov = 60°. Barycentric weights b of the picture become those of the face by
    (bᵢ/dᵢ) / Σⱼ (bⱼ/dⱼ), and the sum is one over the pixel's depth.

    Args:
        points: ``(n, V, 3)``: x, y and depth, all depths positive.
        faces: int64 ``(F, 3)``, corners anticlockwise as seen from outside; faces seen from inside are left out.
        size: height and width of the picture.

    Returns:
        ``(face, weights)``: int64 ``(n, H, W)``, -1 where there is none, and ``(n, H, W, 3)``.
    """
    n, (height, width) = len(points), size
    scale = height / (2 * math.tan(math.radians(FIELD_OF_VIEW / 2)))
    depth = points[..., 2]
    column, row = width / 2 + scale * points[..., 0] / depth, height / 2 - scale * points[..., 1] / depth
    corners = torch.stack([column, row], -1)[:, faces].flatten(0, 1) - 0.5  # pixel centres at whole numbers
    depths = depth[:, faces].flatten(0, 1)
    area = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    limit = torch.tensor([width - 1, height - 1], dtype=points.dtype, device=points.device)
    low, high = corners.amin(1).ceil().clamp_min(0), torch.minimum(corners.amax(1).floor(), limit)
    extent = (high - low + 1).clamp_min(0).long() * (area < 0)[:, None]  # rows count downwards: clockwise is in front
    # One fragment for each pixel of each face's box.
    count = extent.prod(1)
    owner = torch.repeat_interleave(count)
    place = torch.arange(len(owner), device=owner.device) - (count.cumsum(0) - count)[owner]
    pixel = torch.stack([place % extent[owner, 0], place // extent[owner, 0]], 1) + low[owner].long()
    a, b, c = ((corner[owner] - pixel) for corner in corners.unbind(1))
    weights = torch.stack([_cross(b, c), _cross(c, a), _cross(a, b)], 1) / area[owner, None]
    inside = (weights >= -OVERLAP).all(1)
    owner, pixel, weights = owner[inside], pixel[inside], weights[inside].clamp_min(0) / depths[owner[inside]]
    nearness = weights.sum(1)
    index = (owner // len(faces) * height + pixel[:, 1]) * width + pixel[:, 0]
    nearest = nearness.new_zeros(n * height * width).scatter_reduce_(0, index, nearness, "amax")
    winners = (nearness == nearest[index]).nonzero()[:, 0]
    winner = owner.new_full((n * height * width,), -1).scatter_reduce_(0, index[winners], winners, "amax")
    face, shares = torch.full_like(winner, -1), weights.new_zeros(len(winner), 3)
    seen = winner >= 0
    face[seen] = owner[winner[seen]] % len(faces)
    shares[seen] = weights[winner[seen]] / nearness[winner[seen], None]
    return face.view(n, height, width), shares.view(n, height, width, 3)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


class TexturedObject:
    """A triangle mesh with texture coordinates, centred and scaled into the unit sphere.

    Args:
        vertices: ``(V, 3)``.
        faces: int64 ``(F, 3)``, corners anticlockwise as seen from outside; the inside of a face is not drawn.
        uv: ``(V, 2)``; a vertex on a seam is there twice.
        texture: ``(3, h, w)`` in [0, 1], its first row at the top; plain grey where it is not given.
        normals: ``(V, 3)``; the mean of the faces around each vertex, weighted by area, where they are not given.
    """

    def __init__(
        self, vertices: Tensor, faces: Tensor, uv: Tensor, texture: Tensor | None = None, normals: Tensor | None = None
    ):
        for name, value, width in (("vertices", vertices, 3), ("faces", faces, 3), ("uv", uv, 2)):
            if value.dim() != 2 or value.shape[1] != width or len(value) == 0:
                raise ValueError(f"{name} has shape {tuple(value.shape)}, expected (one a row, {width})")
        if len(uv) != len(vertices):
            raise ValueError(f"uv has {len(uv)} rows, expected {len(vertices)}: one per vertex")
        if faces.min() < 0 or faces.max() >= len(vertices):
            raise ValueError(f"faces holds {faces.min()} to {faces.max()}, expected rows of vertices")
        if not (vertices.isfinite().all() and uv.isfinite().all()):
            raise ValueError("vertices or uv holds NaN or infinity, expected finite numbers")
        centred = vertices - (vertices.amax(0) + vertices.amin(0)) / 2
        radius = centred.norm(dim=1).max()
        if radius == 0:
            raise ValueError("vertices are all the same point, expected an object with an extent")
        self.vertices, self.faces, self.uv = centred / radius, faces, uv
        self.normals = _normals(centred, faces) if normals is None else normals
        self.texture = torch.full((3, 128, 128), 0.5, dtype=vertices.dtype) if texture is None else texture
        check_texture(self.texture)

    @classmethod
    def sphere(cls, texture: Tensor | None = None, *, rows: int = 32, dtype: torch.dtype = torch.float32) -> Self:
        """The unit sphere, ``rows`` bands of latitude high and twice as many wide.

        Longitude l and latitude b (degrees) have u = 1/2 + l/360 and v = 1/2 + b/180; (1/2, 1/2) faces the camera.
        """
        check_count(rows=rows)
        rows, columns = max(int(rows), 4), 2 * max(int(rows), 4)
        south, west = torch.arange(rows + 1, dtype=dtype) / rows, torch.arange(columns + 1, dtype=dtype) / columns
        v, u = torch.meshgrid(south, west, indexing="ij")
        points = sphere_point(u, v)
        # A pole is one point for each triangle that ends there, in the middle of that triangle's u.
        u = u + 0.5 / columns * ((v == 0).to(dtype) - (v == 1).to(dtype))
        corner = (torch.arange(rows)[:, None] * (columns + 1) + torch.arange(columns)).flatten()
        above = corner + columns + 1
        faces = torch.cat([torch.stack([corner, corner + 1, above + 1], 1), torch.stack([corner, above + 1, above], 1)])
        points = points.flatten(0, 1)
        return cls(points, faces, torch.stack([u, v], -1).flatten(0, 1), texture, points)

    @classmethod
    def from_obj(cls, path: str | Path, texture: Tensor | str | Path | None = None) -> Self:
        """An ``.obj`` file with texture coordinates.

        Args:
            path: of the file.
            texture: ``(3, h, w)`` in [0, 1], or an image file; where it is not given, the image that the file's
                material names, and grey where there is none.

        Raises:
            FileNotFoundError: where there is no such file.
            ValueError: where the file holds no triangles or no texture coordinates.
        """
        import trimesh

        if not Path(path).is_file():
            raise FileNotFoundError(f"no object at {path}")
        mesh = cast("Trimesh", trimesh.load(str(path), file_type="obj", force="mesh", process=False))
        if len(getattr(mesh, "faces", ())) == 0:
            raise ValueError(f"{path} holds no faces, expected a mesh")
        uv = getattr(mesh.visual, "uv", None)
        if uv is None or len(uv) != len(mesh.vertices):
            raise ValueError(f"{path} has no texture coordinates (vt), expected a UV-mapped object")
        if texture is None:
            image = getattr(getattr(mesh.visual, "material", None), "image", None)
            if image is not None and max(image.size) > 2:  # trimesh puts four pixels where a file has no image
                texture = _pixels(image)
        elif not isinstance(texture, Tensor):
            from PIL import Image

            with Image.open(texture) as image:
                texture = _pixels(image)
        vertices = torch.tensor(mesh.vertices, dtype=torch.float32)
        return cls(vertices, torch.tensor(mesh.faces), torch.tensor(uv, dtype=torch.float32), texture)

    def to(self, *device_or_dtype: torch.device | str | torch.dtype) -> TexturedObject:
        """The object with its texture there, where its views and pictures are then made too."""
        moved = copy(self)
        moved.texture = self.texture.to(*device_or_dtype)  # type: ignore[call-overload]
        return moved

    def views(self, poses: Poses, size: int | tuple[int, int] = 224) -> Views:
        """What the poses show in pictures of that size (height and width), without a gradient."""
        size = size if isinstance(size, (tuple, list)) else (size, size)
        check_counts("size", size, ("height", "width"))
        height, width = (int(side) for side in size)
        if poses.distance.min() <= 1:
            raise ValueError(f"distance holds {poses.distance.min():.4g}, expected more than 1: the object's radius")
        with torch.no_grad():
            poses = poses.to(self.texture)
            turn = rotation(poses.yaw, poses.pitch, poses.roll)
            vertices, normals, uv = (t.to(turn) for t in (self.vertices, self.normals, self.uv))
            faces = self.faces.to(turn.device)
            points = vertices @ turn.mT
            points = torch.stack([points[..., 0], points[..., 1], poses.distance[:, None] - points[..., 2]], -1)
            face, weights = rasterize(points, faces, (height, width))
            corners = faces[face.clamp_min(0)]
            seen = (face >= 0)[:, None]
            where = torch.einsum("nhwi,nhwic->nhwc", weights, uv[corners])
            upright = torch.einsum("nhwi,nhwic->nhwc", weights, normals[corners])
            towards = torch.einsum("nij,nj->ni", turn.mT, poses.light)  # the light in the object's own axes
            cosine = torch.einsum("nhwc,nc->nhw", F.normalize(upright, dim=-1), towards).clamp_min(0)[:, None]
            shade = poses.ambient[:, None, None, None] + poses.diffuse[:, None, None, None] * cosine
            try:
                rest = torch.where(seen, 0.0, poses.background) + poses.noise
            except RuntimeError as error:
                came = tuple(poses.background.shape), tuple(poses.noise.shape)
                raise ValueError(
                    f"background and noise have shapes {came}, expected (n, 3, {height}, {width})"
                ) from error
        return Views(where, shade * seen, rest, seen)

    def draw_views(self, n: int, generator: torch.Generator | None = None, *, size: int = 224, **ranges: Any) -> Views:
        """Views of n poses drawn as ``draw_poses`` does, with the same arguments."""
        return self.views(draw_poses(n, generator, size=size, **ranges), size)

    def render(self, texture: Tensor, views: Views) -> Tensor:
        """Pictures of the object in a texture, linear in it up to the clamp::

            clamp(texture(u, v) · light + rest, 0, 1)

        Args:
            texture: ``(3, h, w)`` in [0, 1], or ``(n, 3, h, w)``: one for each view.
            views: of n poses.

        Returns:
            ``(n, 3, H, W)`` in [0, 1], differentiable in the texture.
        """
        n, width = len(views.uv), texture.shape[-1]
        textures = texture.expand(n, *texture.shape[-3:])
        around = F.pad(textures, (1, 1, 0, 0), mode="circular")  # no seam where u passes from 1 to 0
        u = views.uv[..., 0].remainder(1)
        v = torch.where(
            (views.uv[..., 1] < 0) | (views.uv[..., 1] > 1), views.uv[..., 1].remainder(1), views.uv[..., 1]
        )
        grid = torch.stack([2 * (u * width + 1) / (width + 2) - 1, 1 - 2 * v], -1)
        shown = F.grid_sample(around, grid, mode="bilinear", padding_mode="border", align_corners=False)
        return clip(shown * views.shade + views.rest)


def check_texture(texture: Tensor, name: str = "texture") -> None:
    """One texture ``(3, h, w)`` in [0, 1]."""
    if not isinstance(texture, Tensor) or texture.dim() != 3 or len(texture) != 3:
        came = tuple(texture.shape) if isinstance(texture, Tensor) else type(texture).__name__
        raise ValueError(f"{name} has shape {came}, expected (3, h, w)")
    check_images(texture[None], name)


def _normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Normals of the vertices: of the faces around each, by area; points in the same place share theirs."""
    a, b, c = vertices[faces].unbind(1)
    _, place = vertices.unique(dim=0, return_inverse=True)
    total = torch.zeros(int(place.max()) + 1, 3, dtype=vertices.dtype)
    normal = torch.linalg.cross(b - a, c - a)
    for corner in faces.unbind(1):
        total.index_add_(0, place[corner], normal)
    return F.normalize(total, dim=1)[place]


def _pixels(image: PIL.Image.Image) -> Tensor:
    """A PIL image as ``(3, h, w)`` in [0, 1]."""
    return torch.tensor(np.asarray(image.convert("RGB"))).permute(2, 0, 1).float().div(255)
