"""What the checks of penalties and of leaks say, and that right ones pass."""

import math

import pytest
import torch

from advcourse.grading import critics, penalties
from tests.support.refusals import says

WAVE = torch.cos(torch.arange(240, dtype=torch.float64) ** 2)
REAL, NOISE = WAVE[:120].view(2, 3, 4, 5), WAVE[120:].view(2, 3, 4, 5)
CRITIC = critics.Waves(60, 2.5)


def draws(x, n, generator, dtype=torch.float64):
    return torch.rand(n, generator=generator, dtype=dtype).view(-1, *[1] * (x.dim() - 1)).to(x.dtype)


def slope_at(critic, x):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]


def penalty(
    share=lambda x, g: draws(x, len(x), g),
    point=lambda x, e, d: x + e * d,
    size=lambda slope, p: torch.linalg.vector_norm(slope.flatten(1), {1: math.inf, 2: 2, math.inf: 1}[p], dim=1),
    value=lambda s, b: torch.where(s > 1, (s - 1) ** 2, b * (1 - s) ** 2),
    slope=slope_at,
):
    def perturbed_penalty(critic, real, noise, p, below, generator):
        return value(size(slope(critic, point(real, share(real, generator), noise)), p), below)

    return perturbed_penalty


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("p", [1, 2, math.inf])
def test_right_penalties_pass(dtype, p):
    critic = critics.Waves(60, 2.5, dtype=dtype)
    for share in (
        lambda x, g: draws(x, len(x), g, dtype),
        lambda x, g: 1 - draws(x, len(x), g, dtype),
        lambda x, g: draws(x, len(x), g, torch.float32),
    ):
        penalties.penalises(penalty(share), critic, REAL.to(dtype), NOISE.to(dtype), p, 0.3)
    penalties.penalises(penalty(), critics.Plane([3.0, 4.0]), WAVE[:6].view(3, 2), WAVE[6:12].view(3, 2), p, 0.3)


def test_the_penalty_of_a_plane_is_by_the_dual_norm():
    slope = torch.tensor([[3.0, 4.0], [0.3, 0.4]], dtype=torch.float64)
    for p, right in ((2, [16, 0.125]), (1, [9, 0.18]), (math.inf, [36, 0.045])):
        torch.testing.assert_close(penalties.penalty(slope, p, 0.5), torch.tensor(right, dtype=torch.float64))


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"share": lambda x, g: draws(x, 1, g)}, "one ε for the whole batch"),
        ({"share": lambda x, g: torch.rand(x.shape, generator=g, dtype=x.dtype)}, "one ε for every pixel"),
        (
            {"share": lambda x, g: torch.rand(x.shape[:2], generator=g, dtype=x.dtype)[..., None, None]},
            "one ε for every channel",
        ),
        ({"share": lambda x, g: draws(x, len(x), None)}, "global random numbers"),
        ({"point": lambda x, e, d: (1 - e) * x + e * d}, "δ is what is added"),
        ({"point": lambda x, e, d: x + d}, "the far end"),
        ({"point": lambda x, e, d: x}, "at the images themselves"),
        ({"size": lambda s, p: s.flatten(1).norm(p, dim=1)}, "expected in the dual one"),
        ({"size": lambda s, p: s.flatten(1).norm(dim=1)}, "Euclidean norm, whatever p is"),
        ({"size": lambda s, p: penalties._dual(s.reshape(1, -1), p).expand(2)}, "one norm for the whole batch"),
        ({"size": lambda s, p: penalties._dual(s.flatten(1) / 2, p)}, "averaged before they are differentiated"),
        ({"value": lambda s, b: (s - 1).relu() ** 2}, "slopes below one are free"),
        ({"value": lambda s, b: (s - 1) ** 2}, "count as much as those above"),
        ({"value": lambda s, b: torch.where(s > 1, b * (s - 1) ** 2, (s - 1) ** 2)}, "the sides are exchanged"),
        ({"value": lambda s, b: torch.where(s > 1, s - 1, b * (1 - s))}, "is not squared"),
        ({"value": lambda s, b: s**2}, "one is not taken off"),
        ({"value": lambda s, b: penalties._sided(s, b).mean()}, r"returned shape \(\)"),
        ({"value": lambda s, b: 1.01 * penalties._sided(s, b)}, r"gives .* at \("),
        ({"slope": lambda c, x: slope_at(c, x).detach()}, "carries no graph"),
        ({"slope": lambda c, x: slope_at(c, x).detach() + 0 * c(x).sum()}, "is a graph cut"),
        ({"slope": lambda c, x: slope_at(c.eval(), x)}, "between train and eval mode"),
    ],
)
def test_what_is_said_of_a_penalty(changed, pattern):
    with says(pattern):
        for p, scale in ((2, 8.0), (1, 2.5), (1, 0.5)):
            penalties.penalises(penalty(**changed), critics.Waves(60, scale), REAL, NOISE, p, 0.3)


def test_a_square_root_at_zero_is_told():
    flat, points = critics.Dead(2), WAVE[:6].view(3, 2)
    with torch.no_grad():
        flat.offset -= 9
    penalties.penalises(penalty(), flat, points, points, 2, 0.3)
    with says("not finite where a slope is zero"):
        penalties.penalises(penalty(size=lambda s, p: s.square().sum(1).sqrt()), flat, points, points, 2, 0.3)


def leaking(result=lambda jacobian, i: jacobian.sum(0)[i] - jacobian[i, i], norm=lambda v: v.norm()):
    def leak(critic, points):
        jacobian = torch.autograd.functional.jacobian(critic, points).flatten(2)
        return torch.stack([norm(result(jacobian, i)) for i in range(len(points))])

    return leak


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_right_leaks_pass_and_are_zero_where_images_are_alone(dtype):
    points = WAVE[:24].view(4, 1, 3, 2).to(dtype)
    for critic in (critics.Neighbourly(6, dtype=dtype), critics.Waves(6, dtype=dtype)):
        penalties.leaks(leaking(), critic, points)
    assert leaking()(critics.Waves(6), points.double()).max() < 1e-12
    assert leaking()(critics.Neighbourly(6), points.double()).min() > 1e-3


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"result": lambda j, i: j.sum(0)[i]}, "the whole gradient"),
        ({"result": lambda j, i: j[i, i]}, "an image's own score"),
        ({"result": lambda j, i: j[i].sum(0) - j[i, i]}, "asked is how theirs depend on it"),
        ({"norm": lambda v: v.square().sum()}, "the norm is squared"),
        ({"norm": lambda v: v.norm() / 4}, "divided by the number of images"),
        ({"norm": lambda v: 1.1 * v.norm()}, r"gives .* at \("),
    ],
)
def test_what_is_said_of_a_leak(changed, pattern):
    with says(pattern):
        penalties.leaks(leaking(**changed), critics.Neighbourly(6), WAVE[:24].view(4, 1, 3, 2))
