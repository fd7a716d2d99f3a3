"""The renderer against closed forms, and the texture attack against what it must find and must not touch."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from advcourse.attacks.physical import texture
from advcourse.evaluation import Outcomes, outcomes, pose_table
from advcourse.rendering import Poses, TexturedObject, at_pose, draw_poses, rotation, soccer_ball
from advcourse.rendering._render import FIELD_OF_VIEW, OVERLAP
from tests.support.scenes import normal, seeded
from tests.support.toys import Constant
from tests.support.traces import unchanged, undrawn

PARTS = 1 / math.tan(math.radians(FIELD_OF_VIEW / 2))  # half picture heights per unit of x / depth
at64 = partial(at_pose, dtype=torch.float64)
draw64 = partial(draw_poses, dtype=torch.float64, size=24, background=(0.2, 0.8))
SIZE = 24


def pattern(height=8, width=16, seed=0):
    return torch.rand(3, height, width, generator=seeded(seed), dtype=torch.float64)


def ball(texture=None, rows=24):
    return TexturedObject.sphere(pattern() if texture is None else texture, rows=rows, dtype=torch.float64)


def quad(corners=((-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)), texture=None):
    """A square in the plane z = 0 whose four corners lie on the unit sphere once scaled."""
    uv = torch.tensor([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=torch.float64)
    return TexturedObject(torch.tensor(corners, dtype=torch.float64), torch.tensor([(0, 1, 2), (0, 2, 3)]), uv, texture)


def joined(*scenes: Poses) -> Poses:
    return Poses(*(torch.cat([getattr(scene, name) for scene in scenes]) for name in vars(scenes[0])))


# -- geometry


@pytest.mark.parametrize("distance", [1.5, 2.5, 4.0])
def test_silhouette_of_a_sphere_has_the_perspective_radius(distance):
    views = ball(rows=64).views(at64(distance=distance), 200)
    radius = 100 * PARTS / math.sqrt(distance**2 - 1)
    row, column = torch.meshgrid(torch.arange(200) - 99.5, torch.arange(200) - 99.5, indexing="ij")
    from_centre = torch.hypot(row, column)
    assert views.mask[0, 0][from_centre < radius - 0.3].all()
    assert not views.mask[0, 0][from_centre > radius].any()


@pytest.mark.parametrize("yaw", [0, 40, -130])
@pytest.mark.parametrize("pitch", [0, 30, -50])
@pytest.mark.parametrize("roll", [0, 70])
def test_centre_of_the_sphere_shows_the_longitude_and_latitude_turned_there(yaw, pitch, roll):
    views = ball(rows=96).views(at64(yaw, pitch, roll), 31)
    u, v = views.uv[0, 15, 15]
    assert abs((u - (0.5 - yaw / 360) + 0.5) % 1 - 0.5) < 1e-3
    assert abs(v - (0.5 + pitch / 180)) < 1e-3


def test_rotations_turn_the_ways_they_are_said_to():
    def turned(vector, **angles):
        angles = {name: torch.tensor([angles.get(name, 0.0)], dtype=torch.float64) for name in ("yaw", "pitch", "roll")}
        return (rotation(**angles)[0] @ torch.tensor(vector, dtype=torch.float64)).round(decimals=9).tolist()

    assert turned([0, 0, 1], yaw=90.0) == [1, 0, 0]  # the front goes right
    assert turned([0, 1, 0], pitch=90.0) == [0, 0, 1]  # the top comes forward
    assert turned([1, 0, 0], roll=90.0) == [0, 1, 0]  # anticlockwise
    assert turned([0, 0, 1], yaw=90.0, pitch=90.0) == [1, 0, 0]  # yaw before pitch


def test_a_facing_square_reproduces_its_texture_upright():
    """Trap: v counted downwards, or left for right: pictures mirrored or upside down."""
    image, half = pattern(16, 16), 1 / math.sqrt(2)  # the corners lie on the unit sphere
    square = quad(texture=image)
    distance = half * PARTS  # the square fills the picture
    scene = at64(distance=distance)
    assert distance > 1
    torch.testing.assert_close(square.render(image, square.views(scene, 16))[0], image, rtol=0, atol=1e-12)


def test_texture_is_interpolated_with_perspective():
    """Trap: texture coordinates interpolated in the picture instead of on the face."""
    square = quad()
    views = square.views(at64(yaw=50, distance=2.0), 61)
    mask, half = views.mask[0, 0], 1 / math.sqrt(2)
    column = ((torch.arange(61, dtype=torch.float64) + 0.5) / 30.5 - 1).expand(61, 61)
    cos, sin = math.cos(math.radians(50)), math.sin(math.radians(50))
    # x = s cos, depth = 2 + s sin for s from -half to half along the square: solve column = PARTS x / depth.
    along = 2 * column / (PARTS * cos - column * sin)
    expected = (along / half + 1) / 2
    assert mask.sum() > 300
    torch.testing.assert_close(views.uv[0, ..., 0][mask], expected[mask], rtol=0, atol=2 * OVERLAP)


def test_the_nearer_face_hides_the_farther_whatever_their_order():
    """Trap: the last face drawn wins."""
    near = [(-1, -1, 0.5), (1, -1, 0.5), (1, 1, 0.5), (-1, 1, 0.5)]
    far = [(-1, -1, -0.5), (1, -1, -0.5), (1, 1, -0.5), (-1, 1, -0.5)]
    faces = torch.tensor([(0, 1, 2), (0, 2, 3), (4, 5, 6), (4, 6, 7)])
    for first, second, level in ((near, far, 0.25), (far, near, 0.75)):
        uv = torch.tensor([[0.25, 0.5]] * 4 + [[0.75, 0.5]] * 4, dtype=torch.float64)
        both = TexturedObject(torch.tensor(first + second, dtype=torch.float64), faces, uv)
        views = both.views(at64(), 32)
        assert torch.allclose(views.uv[0, 14:18, 14:18, 0], torch.tensor(level, dtype=torch.float64))


def test_the_inside_of_a_face_is_not_drawn():
    square = quad()
    assert square.views(at64(), 16).mask.any()
    assert not square.views(at64(yaw=180), 16).mask.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_faces_leave_no_gaps_between_them(dtype):
    """Trap: cracks of single background pixels along the edges that neighbours share."""
    sphere = TexturedObject.sphere(rows=40, dtype=dtype)
    mask = sphere.draw_views(8, seeded(3), size=96, dtype=dtype).mask[:, 0]
    row = torch.arange(96)
    between = lambda seen: seen.cummax(-1).values & seen.flip(-1).cummax(-1).values.flip(-1)  # noqa: E731
    assert mask.any()
    assert torch.equal(between(mask.int()).bool(), mask) and torch.equal(between(mask.mT.int()).mT.bool(), mask)
    assert len(row) == 96


def test_a_quarter_turn_is_a_quarter_of_the_texture():
    sphere, image = ball(), pattern()
    turned = sphere.render(image, sphere.views(at64(yaw=90), SIZE))
    shifted = sphere.render(image.roll(4, 2), sphere.views(at64(), SIZE))
    torch.testing.assert_close(turned, shifted, rtol=0, atol=1e-9)


def test_no_seam_where_the_texture_closes():
    """Trap: at u = 0 = 1 the sampler repeats the edge instead of going round, and a line shows."""
    sphere, image = ball(rows=48), pattern()
    across = sphere.views(at64(yaw=180), 48)  # the seam is in the middle
    shifted = sphere.render(image.roll(8, 2), sphere.views(at64(), 48))
    torch.testing.assert_close(sphere.render(image, across), shifted, rtol=0, atol=1e-9)


def test_poles_do_not_swirl():
    """Trap: one pole vertex shared by all triangles, whose u is right for none but one."""
    wedge = (torch.arange(64) // 8 % 2).double().expand(3, 16, 64)  # eight sectors of longitude
    for pitch in (90, -90):
        sphere = ball(wedge, rows=32)
        views = sphere.views(at64(pitch=pitch, distance=2), 101)
        row, column = torch.meshgrid(50 - torch.arange(101.0), torch.arange(101.0) - 50, indexing="ij")
        near = (torch.hypot(row, column) > 1) & (torch.hypot(row, column) < 20)
        # From above the front is below the middle; from below it is above.
        longitude = torch.atan2(column, -row if pitch > 0 else row) / (2 * math.pi)
        error = (views.uv[0, ..., 0] - (0.5 + longitude) + 0.5) % 1 - 0.5
        assert error[near].abs().max() < 0.6 / 64  # half the width of a triangle, and a little


def test_a_row_of_views_is_what_each_is_alone():
    sphere, scenes = ball(), [at64(yaw=20, distance=2.0), at64(pitch=40, roll=10, distance=3.5)]
    together = sphere.render(sphere.texture, sphere.views(joined(*scenes), SIZE))
    alone = torch.cat([sphere.render(sphere.texture, sphere.views(scene, SIZE)) for scene in scenes])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


def test_sizes_may_be_numpys():
    sphere, scenes = ball(rows=8), draw64(1, seeded())
    assert torch.equal(sphere.views(scenes, np.int64(8)).uv, sphere.views(scenes, (8, 8)).uv)
    with pytest.raises(ValueError, match="size is 'large', expected"):
        sphere.views(scenes, "large")


def test_pictures_that_are_not_square_show_more_at_the_sides():
    sphere, scene = ball(), at64(yaw=20)
    wide = sphere.render(sphere.texture, sphere.views(scene, (24, 40)))
    torch.testing.assert_close(wide[..., 8:32], sphere.render(sphere.texture, sphere.views(scene, 24)))
    assert (wide[..., :8] == 0.5).all() and wide.shape == (1, 3, 24, 40)


# -- light and texture


def test_light_falls_from_the_side_it_comes_from_whatever_the_pose():
    """Trap: the light turns with the object."""
    sphere = ball(torch.ones(3, 8, 16, dtype=torch.float64), rows=64)
    for yaw in (0, 100):
        scene = at64(yaw, 20, 30, light=(1, 0, 0), ambient=0.3, diffuse=0.6)
        views = sphere.views(scene, 101)
        image = sphere.render(sphere.texture, views)[0, 0]
        # The picture's middle row: a ray at column x meets the sphere at angle a from the camera's axis.
        for column in (30, 50, 70):
            slope = (column - 50) / 50.5 / PARTS
            depth = (3 - math.sqrt(9 - (1 + slope**2) * 8)) / (1 + slope**2)
            assert abs(image[50, column] - (0.3 + 0.6 * max(0, slope * depth))) < 2e-3


def test_linear_in_the_texture():
    sphere, (one, two) = ball(), (pattern(seed=1), pattern(seed=2))
    views = sphere.views(draw64(4, seeded(), background=(0.0, 0.0)), SIZE)
    mixed = sphere.render(0.3 * one + 0.6 * two, views)
    torch.testing.assert_close(mixed, 0.3 * sphere.render(one, views) + 0.6 * sphere.render(two, views))


def test_gradient_is_that_of_finite_differences():
    sphere = ball(rows=8)
    views = sphere.views(draw64(2, seeded(), noise=0.02), SIZE)
    weight = normal(2, 3, SIZE, SIZE, seed=5)
    image = pattern(4, 8).mul(0.8).add(0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: (weight * sphere.render(t, views)).sum(), image, eps=1e-6, atol=1e-7)


def test_black_texels_have_a_gradient():
    """Trap: where nothing is added to the light, black texels never change."""
    sphere = ball(rows=8)
    views = sphere.views(draw64(2, seeded()), SIZE)
    gradients = []
    for level in (0.0, 0.5):
        image = torch.full((3, 4, 8), level, dtype=torch.float64, requires_grad=True)
        gradients += torch.autograd.grad(sphere.render(image, views).sum(), image)
    torch.testing.assert_close(*gradients)
    assert gradients[0].any()


def test_one_texture_for_each_view():
    sphere, textures = ball(), torch.stack([pattern(seed=1), pattern(seed=2)])
    views = sphere.views(draw64(2, seeded()), SIZE)
    each = torch.cat([sphere.render(textures[i], views)[i : i + 1] for i in range(2)])
    torch.testing.assert_close(sphere.render(textures, views), each, rtol=0, atol=0)


# -- draws


def test_draws_keep_their_ranges_and_follow_the_generator():
    with undrawn():
        poses = draw_poses(400, seeded(1), yaw=(-20, 40), pitch=(-30, 10), roll=(5, 6), distance=(2, 3), light_angle=30)
    for values, (low, high) in ((poses.yaw, (-20, 40)), (poses.pitch, (-30, 10)), (poses.distance, (2, 3))):
        assert low <= values.min() < low + 0.05 * (high - low) and high - 0.05 * (high - low) < values.max() <= high
    assert poses.light[:, 2].min() >= math.cos(math.radians(30)) - 1e-6
    torch.testing.assert_close(poses.light.norm(dim=1), torch.ones(400))
    again = draw_poses(400, seeded(1), yaw=(-20, 40), pitch=(-30, 10), roll=(5, 6), distance=(2, 3), light_angle=30)
    assert all(torch.equal(getattr(poses, name), getattr(again, name)) for name in vars(poses))


def test_free_angles_face_every_way_alike():
    """Trap: a uniform pitch looks at the poles too often."""
    poses = draw_poses(4000, seeded(2))
    front = rotation(poses.yaw, poses.pitch, poses.roll)[:, 2]  # what the camera sees, in the object's axes
    assert front.mean(0).abs().max() < 0.05
    torch.testing.assert_close(front.square().mean(0), torch.full((3,), 1 / 3), rtol=0, atol=0.03)


def test_photographs_lie_behind_and_noise_on_top():
    photographs = torch.stack([torch.full((3, SIZE, SIZE), level, dtype=torch.float64) for level in (0.2, 0.7)])
    sphere = ball()
    poses = draw64(16, seeded(), background=photographs, noise=0.01)
    image = sphere.render(sphere.texture, sphere.views(poses, SIZE))
    corner = image[:, :, 0, 0].mean(1)
    assert torch.isclose(corner, torch.tensor(0.2).double(), atol=0.03).any()
    assert torch.isclose(corner, torch.tensor(0.7).double(), atol=0.03).any()
    quiet = replace(poses, noise=torch.zeros(1, 1, 1, 1, dtype=torch.float64))
    plain = sphere.render(sphere.texture, sphere.views(quiet, SIZE))
    assert 0.008 < (image - plain).std() < 0.012 and image.min() >= 0 and image.max() <= 1


def test_the_ball_is_black_at_its_pentagons_and_white_between():
    image = soccer_ball(256)
    assert image.shape == (3, 256, 512) and image.min() >= 0 and image.max() <= 1
    # The ball centred on a pentagon, (0, 1, golden ratio), then on a hexagon, (1, 1, 1), then on a seam between two.
    sphere, golden = ball(image.double()), (1 + math.sqrt(5)) / 2
    for yaw, latitude, low, high in (
        (0, math.atan(1 / golden), 0.0, 0.1),
        (-45, math.atan(1 / math.sqrt(2)), 0.9, 1.0),
    ):
        view = sphere.views(at64(yaw=yaw, pitch=math.degrees(latitude)), 31)
        assert low <= sphere.render(sphere.texture, view)[0, 0, 15, 15] <= high
    assert 0.3 < sphere.render(sphere.texture, sphere.views(at64(), 31))[0, 0, 15, 15] < 0.6


# -- files

SQUARE = "v 0 0 0\nv 2 0 0\nv 2 2 0\nv 0 2 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nf 1/1 2/2 3/3 4/4\n"


def test_obj_file_shows_its_texture(tmp_path):
    (tmp_path / "square.obj").write_text(SQUARE)
    image = pattern(16, 16).float()
    square = TexturedObject.from_obj(tmp_path / "square.obj", image)
    shown = square.render(image, square.views(at_pose(distance=PARTS / math.sqrt(2)), 16))[0]
    torch.testing.assert_close(shown, image, rtol=0, atol=1e-4)


def test_obj_file_finds_its_material(tmp_path):
    from PIL import Image

    Image.new("RGB", (4, 2), (255, 0, 51)).save(tmp_path / "red.png")
    (tmp_path / "square.mtl").write_text("newmtl paint\nmap_Kd red.png\n")
    (tmp_path / "square.obj").write_text("mtllib square.mtl\nusemtl paint\n" + SQUARE)
    for given in (None, tmp_path / "red.png"):
        square = TexturedObject.from_obj(tmp_path / "square.obj", given)
        torch.testing.assert_close(square.texture, torch.tensor([1, 0, 0.2])[:, None, None].expand(3, 2, 4))
    (tmp_path / "square.obj").write_text(SQUARE)
    assert (TexturedObject.from_obj(tmp_path / "square.obj").texture == 0.5).all()


def test_unusable_files_are_refused(tmp_path):
    bare = tmp_path / "bare.obj"
    bare.write_text("v 0 0 0\nv 2 0 0\nv 2 2 0\nf 1 2 3\n")
    with pytest.raises(ValueError, match="bare.obj has no texture coordinates"):
        TexturedObject.from_obj(bare)
    empty = tmp_path / "empty.obj"
    empty.write_text("# nothing\n")
    with pytest.raises(ValueError, match="empty.obj holds no faces"):
        TexturedObject.from_obj(empty)
    with pytest.raises(FileNotFoundError, match="no object at"):
        TexturedObject.from_obj(tmp_path / "absent.obj")


# -- the attack


class Bright(nn.Module):
    """Three classes: the mean of each channel, ten times over."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(10.0, dtype=torch.float64))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.calls += 1
        return self.scale * x.mean((2, 3))


quick = partial(texture, poses=draw64, size=SIZE, steps=20, samples=4, step_size=0.1)


def red():
    return torch.tensor([0.7, 0.4, 0.4], dtype=torch.float64)[:, None, None].repeat(1, 8, 16)


def test_it_finds_the_texture_that_an_affine_model_asks_for():
    sphere = ball(red())
    found = quick(Bright(), sphere, target=2, generator=seeded())
    latitude = slice(2, 6)  # every pose shows some of it
    assert found[2, latitude].min() > 0.95 and found[:2, latitude].max() < 0.05
    views = sphere.draw_views(50, seeded(9), size=SIZE, dtype=torch.float64, background=(0.4, 0.6))
    assert pose_table(Bright(), sphere, sphere.texture, 0, 2, views).correct > 0.6
    assert pose_table(Bright(), sphere, found, 0, 2, views).adversarial > 0.9


def test_without_a_target_it_leaves_the_label():
    sphere = ball(red())
    found = quick(Bright(), sphere, label=0, generator=seeded())
    assert found[0, 2:6].max() < 0.05


def test_eps_bounds_the_change_and_the_box():
    sphere = ball(pattern())
    found = quick(Bright(), sphere, target=1, eps=0.07, generator=seeded())
    assert (found - sphere.texture).abs().max() <= 0.07 + 1e-12
    assert (found - sphere.texture).abs().max() > 0.069
    assert found.min() >= 0 and found.max() <= 1


def test_a_penalty_keeps_it_near_the_original():
    sphere = ball(red())
    free, held = (quick(Bright(), sphere, target=2, penalty=p, generator=seeded()) for p in (0.0, 100.0))
    assert (held - sphere.texture).norm() < 0.3 * (free - sphere.texture).norm()


def test_poses_are_drawn_anew_at_every_step():
    """Trap: poses drawn once, so that the texture is for those poses alone."""
    drawn = []

    def poses(n, generator):
        drawn.append(draw64(n, generator))
        return drawn[-1]

    quick(Bright(), ball(red()), target=2, poses=poses, steps=3, generator=seeded())
    assert len(drawn) == 3 and len({scene.yaw[0].item() for scene in drawn}) == 3


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_nothing_else_has_changed(mode):
    """Trap: parameters' gradients left filled, buffers moved, the object's own texture painted over."""
    model, sphere = Bright().train(mode == "train"), ball(red())
    with unchanged(model, sphere.texture), undrawn(), torch.inference_mode():
        found = quick(model, sphere, target=2, generator=seeded())
    assert not found.requires_grad and found.data_ptr() != sphere.texture.data_ptr()
    assert torch.equal(found, quick(model, sphere, target=2, generator=seeded()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_object_decides_the_precision(dtype):
    sphere = TexturedObject.sphere(pattern().float(), rows=8).to(dtype)
    found = quick(
        Bright().to(dtype), sphere, target=2, steps=2, poses=partial(draw_poses, size=SIZE), generator=seeded()
    )
    assert found.dtype == dtype and sphere.render(found, sphere.draw_views(2, seeded(), size=SIZE)).dtype == dtype


@pytest.mark.gpu
def test_on_another_device_it_finds_the_same():
    sphere = ball(red())
    here = quick(Bright(), sphere, target=2, steps=3, generator=seeded())
    there = quick(Bright().cuda(), sphere.to("cuda"), target=2, steps=3, generator=seeded())
    torch.testing.assert_close(there.cpu(), here, rtol=0, atol=1e-6)


def test_a_constant_model_leaves_the_texture_alone():
    sphere = ball(red())
    assert torch.equal(quick(Constant(), sphere, target=2, generator=seeded()), sphere.texture)


def test_outcomes_are_counted_and_nan_is_none_of_them():
    class Fixed(nn.Module):
        def forward(self, x):
            return torch.eye(3)[[0, 1, 1, 2]] + torch.tensor([0, 0, 0, torch.nan])[:, None]

    images = torch.zeros(4, 3, 2, 2)
    assert outcomes(Fixed(), images, 0, 1) == Outcomes(0.5, 0.25, 0.25)
    assert outcomes(Fixed(), images, 0, None) == Outcomes(0.5, 0.25, 0.25)
    assert outcomes(Fixed(), images, None, 2) == Outcomes(0, 1, 0)


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"target": 7}, "target is 7"),
        ({"target": None}, "target and label"),
        ({"target": 1, "label": 1}, "target"),
        ({"label": -1}, "label"),
        ({"eps": -0.1}, "eps"),
        ({"penalty": -1.0}, "penalty"),
        ({"steps": 0}, "steps"),
        ({"samples": 1.5}, "samples"),
        ({"step_size": float("nan")}, "step_size"),
        ({"poses": 3}, "poses"),
        ({"init": torch.zeros(3, 4, 4)}, "init"),
        ({"size": 0}, "size"),
        ({"size": (8, 8, 3)}, "size"),
    ],
)
def test_bad_arguments_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        quick(Bright(), ball(red()), generator=seeded(), **({"target": 2} | bad))


def test_bad_objects_and_scenes_are_named():
    sphere, corners = ball(red()), torch.zeros(3, 3)
    with pytest.raises(ValueError, match="object is a Tensor"):
        quick(Bright(), sphere.texture, target=2)
    with pytest.raises(ValueError, match="distance holds"):
        sphere.views(at64(distance=0.9), 8)
    with pytest.raises(ValueError, match="distance"):
        draw_poses(2, distance=(0.5, 2))
    with pytest.raises(ValueError, match="background and noise"):
        sphere.views(draw64(2, seeded(), noise=0.1), 30)
    with pytest.raises(ValueError, match="texture"):
        TexturedObject.sphere(torch.zeros(1, 8, 8))
    with pytest.raises(ValueError, match="vertices are all the same"):
        TexturedObject(corners, torch.tensor([[0, 1, 2]]), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="uv has 2"):
        TexturedObject(corners, torch.tensor([[0, 1, 2]]), torch.zeros(2, 2))
    with pytest.raises(ValueError, match="faces holds"):
        TexturedObject(torch.eye(3), torch.tensor([[0, 1, 3]]), torch.zeros(3, 2))
