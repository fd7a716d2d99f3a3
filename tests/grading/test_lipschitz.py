"""What the checks of spectral norms say, and that right ones pass."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from advcourse.grading import lipschitz
from tests.support.refusals import says

WAVE = torch.cos(torch.arange(1, 200, dtype=torch.float64) ** 2)


def filled(layer, dtype=torch.float64):
    draw = torch.Generator().manual_seed(layer.weight.numel())
    for p in layer.parameters():
        p.data = torch.randn(p.shape, generator=draw)
    return layer.to(dtype)


def images(dtype=torch.float64):
    layers = [filled(nn.Conv2d(1, 3, 3, stride=2, padding=1)), nn.ReLU(), nn.Flatten(), filled(nn.Linear(12, 3))]
    critic = nn.Sequential(*layers, nn.Tanh(), filled(nn.Linear(3, 1)), nn.Flatten(0))
    with torch.no_grad():
        critic[3].weight.mul_(0.02)
    return critic.to(dtype)


def test_a_convolution_is_the_matrix_of_its_map():
    layer, x = filled(nn.Conv2d(2, 3, (2, 3), stride=(1, 2), padding=1)), WAVE[:40].view(1, 2, 4, 5)
    plain = F.conv2d(x, layer.weight, None, (1, 2), 1)
    torch.testing.assert_close(lipschitz.operator_of(layer, (2, 4, 5)) @ x.flatten(), plain.flatten())


def test_iteration_rises_to_the_largest_singular_value():
    linear = torch.diag(torch.tensor([3.0, 1.0], dtype=torch.float64))
    found = [lipschitz.iterated(linear, torch.ones(2), m) for m in (0, 1, 40)]
    assert found == pytest.approx([5**0.5, (730 / 82) ** 0.5, 3.0])
    assert lipschitz.iterated(0 * linear, torch.ones(2), 3) == 0


def estimate(matrix=lambda layer, shape: lipschitz.operator_of(layer, shape), steps=lambda m: m, back=lambda s, a: s):
    def spectral_norm(layer, start, count):
        a = matrix(layer, start.shape[1:])
        return back(lipschitz.iterated(a, start, steps(count)), a)

    return spectral_norm


LAYERS = {(4,): nn.Linear(4, 4), (2, 4, 5): nn.Conv2d(2, 3, 3, padding=1)}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", LAYERS)
def test_right_estimates_pass(shape, dtype):
    for count in (0, 1, 7):
        start = 9 * WAVE[: torch.Size(shape).numel()].view(1, *shape).to(dtype)
        lipschitz.stretches(estimate(), filled(LAYERS[shape], dtype), start, count)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"back": lambda s, a: a.norm().item()}, "Frobenius"),
        ({"back": lambda s, a: s**2}, "its square"),
        ({"back": lambda s, a: torch.linalg.matrix_norm(a, 2).item()}, "exact norm"),
        ({"back": lambda s, a: float("nan")}, "take the length off"),
        ({"back": lambda s, a: 1.1 * s}, "expected"),
        ({"steps": lambda m: m + 1}, "one step more"),
        ({"steps": lambda m: m - 1}, "one step less"),
    ],
)
def test_what_is_said_of_an_estimate(changed, pattern):
    with says(pattern):
        lipschitz.stretches(estimate(**changed), filled(LAYERS[(2, 4, 5)]), WAVE[:40].view(1, 2, 4, 5), 3)


def scaling(by=lambda sigma, bound, layer: min(1.0, bound / sigma), extra=lambda layer, by: None, kinds=nn.Module):
    def project_(critic, shape, bound, steps, generator):
        for layer, size in lipschitz.layers(critic, shape):
            if isinstance(layer, kinds):
                factor = by(lipschitz.stretch(layer, size), bound, layer)
                layer.weight.data *= factor
                extra(layer, factor)

    return project_


def new_weight(layer, by):
    layer.weight = nn.Parameter(layer.weight.data.clone())


def one_entry(layer, by):
    if by < 1:
        layer.weight.data.view(-1)[0] += 1e-3


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_right_projections_pass(dtype):
    for bound in (1.0, 0.6):
        lipschitz.projects(scaling(), images(dtype), (1, 4, 4), bound)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"by": lambda s, b, m: b / s}, "is to stay as it is"),
        ({"by": lambda s, b, m: min(1, 1 / s)}, "not by σ / bound"),
        ({"by": lambda s, b, m: 1}, "have not changed"),
        ({"by": lambda s, b, m: min(1, b / m.weight.norm().item()) if s > b else 1}, "Frobenius norm of its weights"),
        ({"by": lambda s, b, m: 0.9 * min(1, b / s) if s > b else 1}, "and now by"),
        ({"kinds": nn.Linear}, "have not changed"),
        ({"extra": lambda m, by: m.bias.data.mul_(by)}, "its bias has changed"),
        ({"extra": new_weight}, "replaced by another"),
        ({"extra": one_entry}, "divided by one number|and now by"),
        ({"extra": lambda m, by: torch.randn(1)}, "global random numbers"),
        ({"extra": lambda m, by: m.eval()}, "between train and eval mode"),
        ({"extra": lambda m, by: m.requires_grad_(False)}, "a trace"),
    ],
)
def test_what_is_said_of_a_projection(changed, pattern):
    with says(pattern):
        lipschitz.projects(scaling(**changed), images(), (1, 4, 4), 0.7)


def bracket(lower=lambda norms: norms.max().item(), upper=torch.prod, order=1):
    def both(critic, points, steps, generator):
        x = points.clone().requires_grad_()
        norms = torch.autograd.grad(critic(x).sum(), x)[0].flatten(1).norm(dim=1)
        sizes = torch.tensor([lipschitz.stretch(*each) for each in lipschitz.layers(critic, points.shape[1:])])
        return (lower(norms), upper(sizes).item())[::order]

    return both


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_right_brackets_pass(dtype):
    lipschitz.steepness(bracket(), images(dtype), WAVE[:80].view(5, 1, 4, 4).to(dtype))


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"lower": lambda n: n.mean().item()}, "the mean slope"),
        ({"lower": lambda n: n.min().item()}, "the smallest slope"),
        ({"lower": lambda n: n.norm().item()}, "one norm was taken over all points"),
        ({"lower": lambda n: n.max().item() / 5}, "the scores are averaged"),
        ({"lower": lambda n: 1.1 * n.max().item()}, "lower"),
        ({"upper": torch.sum}, "the sum over the layers"),
        ({"upper": torch.max}, "the largest of the layers"),
        ({"upper": lambda s: s[1:].prod()}, "without convolutions"),
        ({"order": -1}, "exchanged"),
    ],
)
def test_what_is_said_of_a_bracket(changed, pattern):
    with says(pattern):
        lipschitz.steepness(bracket(**changed), images(), WAVE[:80].view(5, 1, 4, 4))


def test_a_generator_that_is_seeded_again():
    def seeding(function):
        def seeded(*arguments):
            arguments[-1].manual_seed(0)
            return function(*arguments)

        return seeded

    points = WAVE[:80].view(5, 1, 4, 4)
    with says("seeds the generator again"):
        lipschitz.steepness(seeding(bracket()), images(), points)
    with says("seeds the generator again"):
        lipschitz.projects(seeding(scaling()), images(), (1, 4, 4), 0.7)
