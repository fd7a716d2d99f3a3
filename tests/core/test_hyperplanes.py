"""Steps to a hyperplane inside the box, against scipy's linear and quadratic programming."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog, minimize

from advcourse.core.balls import NORMS, norms
from advcourse.core.hyperplanes import to_hyperplane
from tests.support.scenes import normal, seeded


def problem(n=12, seed=0, shape=(2, 2, 3)):
    """Images that touch both ends of the box, normals with zeros, and rises within what the box allows."""
    x = (1.6 * torch.rand(n, *shape, generator=seeded(seed), dtype=torch.float64) - 0.3).clamp(0, 1)
    w = normal(n, *shape, seed=seed + 1)
    w[normal(n, *shape, seed=seed + 2) > 1] = 0
    share = torch.linspace(-0.95, 0.95, n, dtype=torch.float64)
    return x, w, share * furthest(x, w, share).abs()


def furthest(x, w, signs):
    """How much <w, x> changes where each pixel goes to the end of the box that is on its way."""
    to = (w * signs.sign()[:, None, None, None] > 0).double()
    return ((to - x) * w).flatten(1).sum(1)


def shortest(x, w, rise, norm):
    """The least norm, by scipy: linear programs over (δ, t) with |δᵢ| <= t or tᵢ, or a quadratic one."""
    d, x, w = x.numel(), x.flatten().numpy(), w.flatten().numpy()
    box = list(zip(-x, 1 - x, strict=True))
    if norm == "l2":
        constraint = {"type": "eq", "fun": lambda u: w @ u - rise, "jac": lambda u: w}
        found = minimize(
            lambda u: u @ u, np.zeros(d), jac=lambda u: 2 * u, bounds=box, constraints=constraint, tol=1e-14
        )
        return float(np.sqrt(found.fun))
    bounds = np.ones((d, 1)) if norm == "linf" else np.eye(d)
    count = bounds.shape[1]
    sides = np.block([[np.eye(d), -bounds], [-np.eye(d), -bounds]])
    found = linprog(
        np.r_[np.zeros(d), np.ones(count)],
        A_ub=sides,
        b_ub=np.zeros(2 * d),
        A_eq=np.r_[w, np.zeros(count)][None],
        b_eq=[rise],
        bounds=box + [(0, None)] * count,
    )
    assert found.status == 0
    return found.fun


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", [0, 10, 20])
def test_the_step_is_as_short_as_scipys(norm, seed):
    x, w, rise = problem(seed=seed)
    step = to_hyperplane(x, w, rise, norm)
    assert (x + step).min() >= -1e-15 and (x + step).max() <= 1 + 1e-15
    torch.testing.assert_close((w * step).flatten(1).sum(1), rise, rtol=0, atol=1e-12)
    expected = [shortest(*each, norm) for each in zip(x, w, rise.tolist(), strict=True)]
    torch.testing.assert_close(norms(step, norm).tolist(), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("norm", NORMS)
def test_where_the_box_does_not_meet_the_plane_the_step_goes_as_far_as_it_leads(norm):
    x, w, rise = problem()
    reach = furthest(x, w, rise)
    for further in (1.0, 1.3, 100.0):
        step = to_hyperplane(x, w, further * reach, norm)
        torch.testing.assert_close((w * step).flatten(1).sum(1), reach, rtol=0, atol=1e-12)
        assert (step[w == 0] == 0).all()


@pytest.mark.parametrize("norm", NORMS)
def test_nothing_moves_without_a_rise_or_a_normal(norm):
    x, w, rise = problem(3)
    assert (to_hyperplane(x, w, 0 * rise, norm) == 0).all()
    assert (to_hyperplane(x, 0 * w, rise, norm) == 0).all()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scale", [1e-38, 1e-30, 1e30])
def test_the_scale_of_the_plane_does_not_matter_in_single_precision(norm, scale):
    x, w, rise = (t.float() for t in problem())
    scaled = to_hyperplane(x, w * scale, rise * scale, norm)
    torch.testing.assert_close(scaled, to_hyperplane(x, w, rise, norm), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_large_images_reach_the_plane_one_by_one_and_in_batches(norm):
    x, w, rise = problem(4, shape=(3, 17, 31))
    step = to_hyperplane(x, w, rise, norm)
    torch.testing.assert_close((w * step).flatten(1).sum(1), rise, rtol=1e-12, atol=1e-12)
    alone = [to_hyperplane(x[[i]], w[[i]], rise[[i]], norm) for i in range(4)]
    torch.testing.assert_close(step, torch.cat(alone), rtol=0, atol=1e-12)


def test_of_equal_weights_the_first_pixels_are_filled_in_l1():
    x, w = torch.full((1, 1, 2, 2), 0.5).double(), torch.ones(1, 1, 2, 2).double()
    step = to_hyperplane(x, w, torch.tensor([0.75]).double(), "l1")
    assert step.flatten().tolist() == [0.5, 0.25, 0, 0]
