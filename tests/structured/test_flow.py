"""Motion fields against dense solves, finite differences of the warp and closed forms."""

import math
import sys

import pytest
import torch
from scipy.fft import dct

from advcourse import data, models
from advcourse.core.losses import cross_entropy, input_gradient
from advcourse.core.running import count_passes
from advcourse.structured import eigenvectors, flow, flow_field, flow_with_field, warp
from tests.structured import dense
from tests.support.recorders import watched
from tests.support.refusals import refused
from tests.support.scenes import normal, scene, seeded
from tests.support.toys import Affine, pictures, smooth_cnn

BOUNDARIES = ("neumann", "periodic", "zero")
SHAPES = [(1, 7, 10), (3, 10, 7), (2, 1, 5), (3, 6, 1), (1, 2, 2)]


def sloped(channels=3, height=9, width=7, n=3, dtype=torch.float64):
    """A gradient for each pixel, and images."""
    images = pictures(n, channels, height, width, dtype=dtype)
    return normal(*images.shape, seed=5).to(dtype), images


def cpu_eigenvectors(n, boundary):
    return eigenvectors(n, boundary, torch.device("cpu"), torch.float64)


# -- the transform against dense matrices


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_field_is_the_dense_solution(shape, boundary):
    """Rows and columns taken for each other, or one colour for all, give another field."""
    gradient, images = sloped(*shape)
    for gamma, alpha in ((0, 1), (0.3, 1), (7.0, 0.5), (1e4, 2)):
        field = flow_field(gradient, images, gamma=gamma, alpha=alpha, boundary=boundary)
        expected = dense.flow(gradient, images, gamma, alpha, boundary)
        torch.testing.assert_close(field, expected, rtol=0, atol=1e-12 * max(1, expected.abs().max()))


def test_at_32_pixels_too():
    gradient, images = sloped(3, 32, 32, n=1)
    field = flow_field(gradient, images, gamma=3.0)
    torch.testing.assert_close(field, dense.flow(gradient, images, 3.0), rtol=0, atol=1e-10)


def test_float32_keeps_its_digits():
    gradient, images = sloped(3, 18, 14, dtype=torch.float32)
    field = flow_field(gradient, images, gamma=30.0)
    exact = dense.flow(gradient.double(), images.double(), 30.0)
    assert field.dtype == torch.float32
    assert (field - exact).abs().max() <= 2e-6 * exact.abs().max()


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("n", [1, 2, 3, 8, 33])
def test_the_transform_is_orthonormal_and_diagonalises(n, boundary):
    matrix, values = cpu_eigenvectors(n, boundary)
    d_x, _ = dense.forward(1, n, boundary)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(n, dtype=torch.float64), rtol=0, atol=1e-13)
    torch.testing.assert_close(matrix @ (d_x.T @ d_x) @ matrix.T, values.diag(), rtol=0, atol=1e-13)


def test_the_neumann_transform_is_the_dct_of_scipy():
    matrix, _ = cpu_eigenvectors(13, "neumann")
    expected = dct(torch.eye(13, dtype=torch.float64).numpy(), type=2, norm="ortho", axis=0)
    torch.testing.assert_close(matrix, torch.from_numpy(expected), rtol=0, atol=1e-14)


def test_differences_padded_with_zeros_are_not_for_the_cosine_transform():
    """The cosine transform used for zero-padded differences errs by tens of per cent; theirs does not."""
    gradient, images = sloped(1, 8, 8, n=1)
    expected = dense.flow(gradient, images, 10.0, boundary="zero")
    cosine = flow_field(gradient, images, gamma=10.0)
    assert (cosine - expected).norm() > 0.1 * expected.norm()
    torch.testing.assert_close(flow_field(gradient, images, gamma=10.0, boundary="zero"), expected, rtol=0, atol=1e-12)


def test_a_checkerboard_is_smoothed_away():
    """Central differences inside P do not see it: smoothing would leave it as it is."""
    height = width = 8
    column = torch.arange(width, dtype=torch.float64)
    images = (column / 10).expand(1, 1, height, width).clone()  # Z_x = 0.1, Z_y = 0
    board = 1 - 2 * ((column[:, None] + column) % 2)
    whole = flow_field(board[None, None], images, gamma=10.0, boundary="periodic")
    # Each pixel differs by 2 from its four neighbours: an eigenvector, of eigenvalue 8.
    torch.testing.assert_close(whole[0, 0], -0.1 * board / (1 + 10 * 8), rtol=0, atol=1e-14)
    field = flow_field(board[None, None], images, gamma=10.0)
    assert field[:, 0].abs().max() < 0.1 / 20 and field[:, 1].abs().max() == 0


# -- limits


def test_without_smoothing_every_pixel_moves_by_itself():
    gradient, images = sloped()
    d_x = sum(gradient[:, c] * torch.gradient(images[:, c], dim=2)[0] for c in range(3))
    d_y = sum(gradient[:, c] * torch.gradient(images[:, c], dim=1)[0] for c in range(3))
    field = flow_field(gradient, images, gamma=0, alpha=4.0)
    torch.testing.assert_close(field, -torch.stack([d_x, d_y], 1) / 4, rtol=0, atol=1e-14)


@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_with_all_smoothing_all_pixels_move_alike(boundary):
    gradient, images = sloped()
    mean = flow_field(gradient, images, gamma=0).mean((2, 3), keepdim=True)
    field = flow_field(gradient, images, gamma=1e13, boundary=boundary)
    torch.testing.assert_close(field, mean.expand_as(field), rtol=0, atol=1e-11)
    held = flow_field(gradient, images, gamma=1e13, boundary="zero")
    assert held.abs().max() < 1e-9  # the zeros beyond the border hold it


def test_the_field_is_the_minimum():
    """With minus signs before both penalties, as equations 17 and 18 have them, it would be no minimum."""
    gradient, images = sloped(n=1)
    height, width = images.shape[2:]
    gamma, alpha = 2.0, 0.7
    p = dense.roughness(height, width)
    d = [-alpha * solved for solved in flow_field(gradient, images, gamma=0, alpha=alpha)[0].flatten(1)]

    def objective(field):
        return sum(
            d[axis] @ v + alpha / 2 * (v @ v + gamma * v @ p @ v) for axis, v in enumerate(field.flatten(1))
        ).item()

    field = flow_field(gradient, images, gamma=gamma, alpha=alpha)[0]
    least = objective(field)
    draws = seeded()
    for _ in range(20):
        other = torch.randn(field.shape, generator=draws, dtype=torch.float64)
        for size in (1e-3, 0.1, 10):
            assert objective(field + size * other) > least


# -- the warp, and what the loss does along the field


def plane(height=6, width=8):
    """An image that rises by 0.05 a column and by 0.02 a row, and where its pixels are."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (height, width)), indexing="ij")
    return (0.1 + 0.05 * x + 0.02 * y)[None, None], x, y


def test_the_warp_carries_pixels_along_the_field():
    """A field to the right moves what is seen to the right: read at p - t v, not at p + t v."""
    images = torch.zeros(1, 1, 5, 6, dtype=torch.float64)
    images[0, 0, 2, 2] = 1
    field = torch.zeros(1, 2, 5, 6, dtype=torch.float64)
    field[:, 0], field[:, 1] = 2, -1
    moved = warp(images, field, 1.0)
    assert moved[0, 0, 1, 4] == 1 and moved.sum() == 1
    assert torch.equal(warp(images, field, -0.5)[0, 0, 2:4, 1], torch.tensor([0.5, 0.5]).double())
    assert torch.equal(warp(images, field, 0), images)


def test_a_fraction_of_a_pixel_is_that_fraction():
    """Half a pixel off, or a factor (W - 1) / W, where grid_sample's coordinates are taken for pixels."""
    images, x, _ = plane()
    field = torch.zeros(1, 2, 6, 8, dtype=torch.float64)
    field[:, 0], field[:, 1] = 0.3, 0.4
    moved = warp(images, field, 0.5)
    torch.testing.assert_close(moved[..., 1:, 1:], images[..., 1:, 1:] - 0.15 * 0.05 - 0.2 * 0.02, rtol=0, atol=1e-14)


def test_each_image_may_have_its_own_time():
    _, images = sloped(n=3)
    field = normal(3, 2, 9, 7, seed=1)
    together = warp(images, field, torch.tensor([0.0, 0.5, -1.0]))
    alone = [warp(images[[i]], field[[i]], t) for i, t in enumerate((0.0, 0.5, -1.0))]
    assert torch.equal(together, torch.cat(alone))


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_loss_rises_as_predicted(boundary):
    r"""dL/dt = (1/alpha) sum d^T (I + gamma P)^{-1} d, by differences of the loss over the warp.

    The loss does not look at the border: beyond it a warp repeats pixels, whose difference is zero.
    """
    gradient, images = sloped(n=4)
    inner = torch.zeros_like(gradient)
    inner[..., 1:-1, 1:-1] = gradient[..., 1:-1, 1:-1]
    gamma, alpha, t = 2.0, 0.5, 1e-6
    field = flow_field(inner, images, gamma=gamma, alpha=alpha, boundary=boundary)
    change = warp(images, field, t) - warp(images, field, -t)
    slope = (inner * change).sum((1, 2, 3)) / (2 * t)
    system = torch.eye(63, dtype=torch.float64) + gamma * dense.roughness(9, 7, boundary)
    d = -alpha * flow_field(inner, images, gamma=0, alpha=alpha).flatten(2)
    expected = torch.einsum("nap,pq,naq->n", d, torch.linalg.inv(system), d) / alpha
    assert (expected > 0).all()
    torch.testing.assert_close(slope, expected, rtol=1e-5, atol=0)


@pytest.mark.data
def test_the_loss_rises_along_the_field_on_photographs():
    """With forward differences of the image it rises on some 90 % only, at half the slope predicted."""
    model = models.load("cifar10/resnet20").eval()
    images, labels = data.load("cifar10", "test", n=100)[:2]
    x = images.clone().requires_grad_()
    before = cross_entropy(model(x), labels)
    gradient = input_gradient(before, x)
    field = flow_field(gradient, images, gamma=1.0)
    d = flow_field(gradient, images, gamma=0)
    with torch.no_grad():
        step = 0.01 / field.norm(dim=1).amax((1, 2))
        rise = cross_entropy(model(warp(images, field, step)), labels) - before
    assert (rise > 0).double().mean() >= 0.99
    assert 0.9 < (rise / (step * (d * field).sum((1, 2, 3)))).median() < 1.25


# -- the attack


@pytest.fixture
def warps(monkeypatch):
    """What is warped from now on, each time with the images and the field that are given."""
    # by its name in sys.modules: in the package, ``flow`` is the attack
    return watched(monkeypatch, sys.modules["advcourse.structured._flow"], "warp")


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_fields_add_up_within_the_bound_and_the_original_is_warped(steps, warps):
    """Warping the warped image blurs it once per step and leaves the bound behind."""
    model, images, labels = scene(4)
    flow(model, images, labels, gamma=1.0, max_displacement=1.5, steps=steps)
    assert len(warps) == steps
    for call in warps:
        given, field = call.given
        assert torch.equal(given, images)
        longest = field.norm(dim=1).amax((1, 2))  # Euclidean: neither component alone, nor the mean
        assert (longest <= 1.5 * (1 + 1e-12)).all()
    torch.testing.assert_close(longest, torch.full((4,), 1.5).double(), rtol=1e-6, atol=0)


def test_a_step_is_a_share_of_the_bound_and_short_sums_are_left_as_they_are(warps):
    """2.5 / steps of it, as in PGD; scaled to the bound each time, the first step would be the last."""
    model, images, labels = scene(4)
    flow(model, images, labels, gamma=1.0, max_displacement=1.5, steps=10)
    first, second = (call.given[1].norm(dim=1).amax((1, 2)) for call in warps[:2])
    torch.testing.assert_close(first, torch.full((4,), 1.5 * 0.25).double(), rtol=1e-12, atol=0)
    assert (second < 1.5 * 0.5 * (1 + 1e-12)).all()


def test_targeted_it_lowers_the_loss_of_the_target():
    """Raising that of the true class lowers it too, often, but along another field."""
    model, images, labels = scene(8)
    targets = (labels + 1) % 4
    x = images.clone().requires_grad_()
    loss = cross_entropy(model(x), targets)
    field = flow_field(input_gradient(-loss, x), images, gamma=2.0)
    moved = warp(images, field, 0.2 / field.norm(dim=1).amax((1, 2)))
    assert (cross_entropy(model(moved), targets) < loss).all()
    result = flow(model, images, labels, gamma=2.0, max_displacement=0.2, targets=targets)
    torch.testing.assert_close(result, moved, rtol=0, atol=1e-12)


def test_one_step_is_the_scaled_field():
    model, images, labels = scene(5)
    x = images.clone().requires_grad_()
    loss = cross_entropy(model(x), labels)
    field = flow_field(input_gradient(loss, x), images, gamma=2.0)
    moved = warp(images, field, 0.2 / field.norm(dim=1).amax((1, 2)))
    assert (cross_entropy(model(moved), labels) > loss).all()
    torch.testing.assert_close(flow(model, images, labels, gamma=2.0, max_displacement=0.2), moved, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [1, 1e-30, 1e-42])
def test_a_tiny_gradient_still_moves(scale, warps):
    """Where the loss is saturated, products of tiny numbers vanish unless they are scaled first."""
    model = Affine(scale * torch.randn(2, 48, generator=seeded()))
    images, labels = pictures(3, 1, dtype=torch.float32), torch.tensor([0, 1, 0])
    flow(model, images, labels, gamma=1.0, max_displacement=1.0)
    torch.testing.assert_close(warps[0].given[1].norm(dim=1).amax((1, 2)), torch.ones(3))


def test_an_image_of_one_colour_cannot_be_warped():
    model = smooth_cnn()
    images = torch.full((2, 2, 8, 6), 0.3, dtype=torch.float64)
    labels = model(images).argmax(1)
    assert torch.equal(flow(model, images, labels, gamma=1.0, max_displacement=2.0, steps=3), images)


@pytest.mark.parametrize("steps", [1, 4])
def test_it_costs_steps_forward_and_backward_and_one_forward(steps):
    model, images, labels = scene(5)
    with count_passes(model) as passes:
        flow(model, images, labels, gamma=1.0, max_displacement=1.0, steps=steps)
    assert (passes.forwards, passes.backwards) == (5 * (steps + 1), 5 * steps)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_field_beside_the_images_is_the_one_that_made_them(steps):
    """Of the strongest iterate, which need not be the last, and zero for an image that came back as it was."""
    model, images, labels = scene()
    images = torch.cat([images, torch.full_like(images[:1], 0.3)])  # one that no motion changes
    labels = torch.cat([labels, labels[:1]])
    moved, fields = flow_with_field(model, images, labels, gamma=1.0, max_displacement=4.0, steps=steps)
    assert torch.equal(moved, flow(model, images, labels, gamma=1.0, max_displacement=4.0, steps=steps))
    assert torch.equal(moved, warp(images, fields)) and not fields.requires_grad
    still = (moved == images).flatten(1).all(1)
    assert still[-1] and not still.all()
    assert (fields[still] == 0).all() and (fields[~still] != 0).flatten(1).any(1).all()


# -- bad input


def test_the_largest_gamma_is_its_limit():
    """Infinity times the eigenvalue 0 of the constant would be no number: what float32 does not hold is refused."""
    gradient, images = sloped(dtype=torch.float32)
    limit = flow_field(gradient, images, gamma=1e38)
    largest = flow_field(gradient, images, gamma=torch.finfo(torch.float32).max)
    torch.testing.assert_close(largest, limit, rtol=0, atol=0)
    assert limit.isfinite().all() and limit.abs().max() > 0
    with refused("gamma is 1e.39, expected at most"):
        flow_field(gradient, images, gamma=1e39)


@pytest.mark.parametrize(
    "bad",
    [
        {"gamma": -1.0},
        {"gamma": math.nan},
        {"gamma": "1"},
        {"alpha": 0},
        {"alpha": -1.0},
        {"boundary": "reflect"},
    ],
)
def test_bad_parameters_of_the_field_are_refused_by_name(bad):
    gradient, images = sloped()
    with pytest.raises(ValueError, match=f"{next(iter(bad))} is .*expected"):
        flow_field(gradient, images, **{"gamma": 1.0, **bad})


def test_a_gradient_or_field_of_another_shape_is_refused():
    gradient, images = sloped()
    for bad in (gradient[:1], gradient.float(), gradient * math.nan, None):
        with pytest.raises(ValueError, match="gradient .*expected"):
            flow_field(bad, images, gamma=1.0)
    for bad in (gradient, gradient[:, :2].float(), None):
        with pytest.raises(ValueError, match="field is .*expected"):
            warp(images, bad)
    with pytest.raises(ValueError, match="t has shape"):
        warp(images, gradient[:, :2], torch.ones(2))
