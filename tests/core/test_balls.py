"""Draws, steps, projections and the box against closed forms, a bisection and the definition of a projection."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from advcourse.core.balls import NORMS, ROUNDING, clip, norms, project, steepest, uniform, water_level
from advcourse.core.streams import Streams
from tests.support.scenes import seeded


def at_dimension(size: int, n: int):
    return torch.full((n, 1, 1, size), 0.5, dtype=torch.float64)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("size", [2, 5])
def test_a_draw_is_uniform_in_the_ball(norm, size):
    n, eps = 20_000, 0.3
    delta = uniform(at_dimension(size, n), eps, norm, seeded())
    length = norms(delta, norm)
    assert length.max() <= eps * (1 + 1e-12)
    # The share of a ball's volume within the radius r is (r / eps)^size; six standard errors of a share.
    for share in (0.25, 0.5, 0.75):
        inside = (length <= eps * share ** (1 / size)).double().mean().item()
        assert abs(inside - share) < 6 * (share * (1 - share) / n) ** 0.5
    orthants = (delta.flatten(1) > 0).double()
    assert (orthants.mean(0) - 0.5).abs().max() < 6 * 0.5 / n**0.5
    assert abs((delta.flatten(1)[:, 0].abs() > delta.flatten(1)[:, -1].abs()).double().mean() - 0.5) < 6 * 0.5 / n**0.5


def test_a_draw_in_many_dimensions_is_near_the_sphere():
    delta = uniform(torch.zeros(64, 3, 32, 32, dtype=torch.float64), 1.0, "l2", seeded())
    assert abs(norms(delta, "l2").mean().item() - 3072 / 3073) < 1e-4


@pytest.mark.parametrize("norm", NORMS)
def test_the_steepest_step_beats_every_other_of_its_norm(norm):
    gen = seeded()
    x = at_dimension(30, 50)
    gradient = torch.randn(x.shape, generator=gen, dtype=x.dtype)
    step = steepest(gradient, 0.1, norm, x)
    torch.testing.assert_close(norms(step, norm), torch.full((50,), 0.1, dtype=x.dtype))
    dual = norms(gradient, {"linf": "l1", "l2": "l2", "l1": "linf"}[norm])
    torch.testing.assert_close((step * gradient).flatten(1).sum(1), 0.1 * dual)


def test_the_l1_step_moves_what_the_box_lets_move():
    x = torch.tensor([[[[1.0, 0.0, 0.5, 1.0]]]])
    gradient = torch.tensor([[[[9.0, -8.0, 1.0, -7.0]]]])
    torch.testing.assert_close(steepest(gradient, 0.2, "l1", x), torch.tensor([[[[0.0, 0.0, 0.0, -0.2]]]]))
    stuck = steepest(torch.tensor([[[[9.0, -8.0]]]]), 0.2, "l1", torch.tensor([[[[1.0, 0.0]]]]))
    assert torch.equal(stuck, torch.zeros(1, 1, 1, 2))


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), size=st.floats(0, 8), count=st.integers(1, 12), spread=st.floats(0.2, 3))
def test_an_l1_step_is_spent_in_the_box_on_the_best_pixels(seed, size, count, spread):
    gen = seeded(seed)
    x = (0.5 + spread * (torch.rand(3, 1, 3, 4, generator=gen, dtype=torch.float64) - 0.5)).clamp(0, 1)
    gradient = torch.randn(x.shape, generator=gen, dtype=x.dtype)
    sizes, counts = torch.tensor([size, size / 2, 0.1]), torch.tensor([count, 1, 12])
    step = steepest(gradient, sizes.double(), "l1", x, counts)
    assert (step * gradient >= 0).all() and (x + step).min() >= -1e-12 and (x + step).max() <= 1 + 1e-12
    room = torch.where(gradient > 0, 1 - x, x).flatten(1)
    torch.testing.assert_close(norms(step, "l1"), sizes.double().minimum(room.sum(1)))
    for slope, moved, free, budget, pixels in zip(
        gradient.flatten(1).abs(), step.flatten(1).abs(), room, sizes.tolist(), counts.tolist(), strict=True
    ):
        best = [column for column in slope.argsort(descending=True).tolist() if free[column] > 0]
        left = budget
        expected = torch.zeros_like(moved)
        for column in best[:pixels]:
            expected[column] = min(free[column].item(), budget / pixels)
            left -= expected[column].item()
        for column in best:
            more = min(left, (free[column] - expected[column]).item())
            expected[column] += more
            left -= more
        torch.testing.assert_close(moved, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("norm", NORMS)
def test_each_image_has_a_step_size_of_its_own(norm):
    x, sizes = at_dimension(30, 4), torch.tensor([0.0, 0.01, 0.2, 0.4], dtype=torch.float64)
    gradient = torch.randn(x.shape, generator=seeded(), dtype=x.dtype)
    step = steepest(gradient, sizes, norm, x)
    alone = [steepest(gradient[[i]], sizes[i].item(), norm, x[[i]]) for i in range(4)]
    torch.testing.assert_close(step, torch.cat(alone), rtol=0, atol=1e-15)


@pytest.mark.parametrize("norm", NORMS)
def test_a_draw_from_streams_is_each_images_own_and_uniform(norm):
    x, places = at_dimension(5, 4000), torch.arange(4000)
    delta = uniform(x, 0.3, norm, Streams(0, "balls", x, places))
    some = uniform(x[7:9], 0.3, norm, Streams(0, "balls", x[7:9], places[7:9]))
    assert torch.equal(some, delta[7:9])
    length = norms(delta, norm)
    assert length.max() <= 0.3 * (1 + 1e-12)
    inside = (length <= 0.3 * 0.5 ** (1 / 5)).double().mean().item()
    assert abs(inside - 0.5) < 6 * 0.5 / 4000**0.5


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scale", [1e-38, 1e-30, 1.0, 1e30])
def test_a_step_does_not_depend_on_the_gradients_scale(norm, scale):
    x = torch.full((3, 1, 4, 4), 0.5)
    gradient = torch.randn(x.shape, generator=seeded())
    step = steepest(gradient * scale, 0.1, norm, x)
    torch.testing.assert_close(step, steepest(gradient, 0.1, norm, x), rtol=1e-5, atol=1e-7)
    assert torch.equal(steepest(torch.zeros_like(x), 0.1, norm, x), torch.zeros_like(x))


def bisection(delta, eps, images):
    """Projection onto the l1 ball cut by the box, by bisecting its multiplier."""
    room = torch.where(delta > 0, 1 - images, images)

    def shrunk(threshold):
        return (delta.abs() - threshold).clamp_min(0).minimum(room)

    low, high = torch.zeros(len(delta), 1, 1, 1, dtype=delta.dtype), delta.abs().amax((1, 2, 3), keepdim=True)
    if (shrunk(low).sum((1, 2, 3)) <= eps).all():
        return shrunk(low) * delta.sign()
    for _ in range(200):
        middle = (low + high) / 2
        over = shrunk(middle).sum((1, 2, 3), keepdim=True) > eps
        low, high = torch.where(over, middle, low), torch.where(over, high, middle)
    return (
        torch.where(shrunk(0 * low).sum((1, 2, 3), keepdim=True) <= eps, shrunk(0 * low), shrunk(high)) * delta.sign()
    )


@settings(deadline=None, max_examples=60)
@example(seed=987409, eps=2.5, spread=3.0, ties=True)  # the norm is flat, and eps, between two hinges
@given(seed=st.integers(0, 10**6), eps=st.floats(0, 6), spread=st.floats(0.01, 3), ties=st.booleans())
def test_the_l1_projection_is_that_of_a_bisection(seed, eps, spread, ties):
    gen = seeded(seed)
    images = torch.rand(3, 1, 4, 5, generator=gen, dtype=torch.float64)
    delta = spread * torch.randn(images.shape, generator=gen, dtype=torch.float64)
    if ties:
        images, delta = images.round(decimals=1), delta.round(decimals=1)
    projected = project(images + delta, images, eps, "l1") - images
    torch.testing.assert_close(projected, bisection(delta, eps, images), rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), eps=st.floats(0.01, 3), norm=st.sampled_from(["linf", "l1"]))
def test_no_point_of_ball_and_box_is_nearer(seed, eps, norm):
    """The variational inequality <x - p, z - p> <= 0 for every z in the set characterises a projection p."""
    gen = seeded(seed)
    images = torch.rand(1, 1, 3, 4, generator=gen, dtype=torch.float64)
    x = images + torch.randn(images.shape, generator=gen, dtype=torch.float64)
    nearest = project(x, images, eps, norm)
    for _ in range(20):
        other = project(images + torch.randn(images.shape, generator=gen, dtype=torch.float64), images, eps, norm)
        assert ((x - nearest) * (other - nearest)).sum() <= 1e-9


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), eps=st.floats(0, 3), norm=st.sampled_from(NORMS), single=st.booleans())
def test_a_projection_lies_in_ball_and_box_and_keeps_what_is_inside(seed, eps, norm, single):
    gen = seeded(seed)
    dtype = torch.float32 if single else torch.float64
    images = torch.rand(4, 2, 3, 4, generator=gen, dtype=dtype).round(decimals=1)
    x = images + 2 * torch.randn(images.shape, generator=gen, dtype=dtype)
    projected = project(x, images, eps, norm)
    assert projected.min() >= 0 and projected.max() <= 1
    assert norms(projected - images, norm).max() <= eps * (1 + 1e-5) + 1e-6
    torch.testing.assert_close(project(projected, images, eps, norm), projected, rtol=0, atol=2e-6)
    assert torch.equal(project(images, images, eps, norm), images)


def test_the_l2_projection_without_the_box_shrinks_to_the_sphere():
    images = torch.full((2, 1, 1, 3), 0.5, dtype=torch.float64)
    delta = torch.tensor([[0.3, 0.0, 0.4], [0.03, 0.0, 0.04]], dtype=torch.float64).view(2, 1, 1, 3)
    expected = torch.tensor([[0.06, 0.0, 0.08], [0.03, 0.0, 0.04]], dtype=torch.float64).view(2, 1, 1, 3)
    torch.testing.assert_close(project(images + delta, images, 0.1, "l2") - images, expected)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_level_above_which_the_goal_is_left(weighted):
    size = torch.rand(6, 40, generator=seeded(), dtype=torch.float64)
    size[5] = size[5].mul(4).round().div(4)  # ties
    weight = 0.1 + torch.rand(6, 40, generator=seeded(1), dtype=torch.float64) if weighted else torch.ones_like(size)
    goal = torch.tensor([[1e-3], [0.5], [3.0], [15.0], [100.0], [2.0]], dtype=torch.float64)
    level = water_level(size, weight, goal)
    surplus = (weight * (size - level).clamp_min(0)).sum(1, keepdim=True)
    torch.testing.assert_close(surplus[[0, 1, 2, 5]], goal[[0, 1, 2, 5]])
    assert level[4].item() == 0 and (level[[0, 1, 2, 5]] > 0).all() and (surplus <= goal + 1e-12).all()
    torch.testing.assert_close(water_level(size, weight, 0 * goal), size.amax(1, keepdim=True))
    alone = torch.cat([water_level(*rows) for rows in zip(*(t.split(1) for t in (size, weight, goal)), strict=True)])
    assert torch.equal(level, alone)


# -- the box

VALUES = [-2.0, -1e-3, -ROUNDING / 2, 0.0, 0.3, 1.0, 1 + ROUNDING / 2, 1.001, torch.inf, -torch.inf]


@pytest.mark.parametrize("with_gradient", [False, True])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_clipped_values_are_those_of_clamp(dtype, with_gradient):
    x = torch.tensor([*VALUES, torch.nan], dtype=dtype, requires_grad=with_gradient)
    assert torch.equal(clip(x)[:-1], x[:-1].clamp(0, 1)) and clip(x)[-1].isnan()


def test_the_gradient_of_clip_passes_in_the_box_and_on_its_edge():
    """Trap: torch's clamp passes nothing at exactly 0 and 1, where pixels then stay."""
    x = torch.tensor(VALUES, dtype=torch.float64, requires_grad=True)
    clip(x).sum().backward()
    assert x.grad.tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0, 0]
