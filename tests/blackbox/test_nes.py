"""NES against its formula, its theory on linear losses, its steps written out, and what kills the plain estimate."""

import math

import pytest
import torch
import torch.nn.functional as F

from advcourse.blackbox import Oracle, QueryBudgetExceeded, nes, nes_gradient
from advcourse.core.losses import log_odds
from advcourse.core.running import count_passes
from advcourse.core.streams import Streams
from tests.support.recorders import Recorder
from tests.support.refusals import refused
from tests.support.scenes import loss_gradient, normal, scene, seeded
from tests.support.toys import Affine


def linear(d=60, n=1, bias=0.0, dtype=torch.float64):
    """Two classes whose margin is linear in the pixels, with its gradient for the label 0."""
    w = normal(d, seed=3).to(dtype)
    model = Affine(torch.stack([torch.zeros_like(w), w]), torch.tensor([0.0, bias], dtype=dtype))
    images = torch.rand(n, 1, 1, d, generator=seeded(1), dtype=torch.float64).to(dtype)
    return model, images, torch.zeros(n, dtype=torch.int64), w.view(1, 1, 1, d)


def cosine(one, other):
    return F.cosine_similarity(one.flatten(1), other.expand_as(one).flatten(1))


@pytest.mark.parametrize("antithetic", [True, False])
@pytest.mark.parametrize("reveals", ["logits", "probabilities"])
def test_the_estimate_is_the_formula(antithetic, reveals):
    model, images, labels = scene(3)
    count = 4 if antithetic else 8
    delta = torch.randn(3, count, *images.shape[1:], generator=seeded(5), dtype=torch.float64)

    def loss(side):
        shown = (images[:, None] + side * 0.01 * delta).flatten(0, 1)
        return log_odds(model(shown).detach(), labels.repeat_interleave(count)).view(3, count, 1, 1, 1)

    heights = loss(1) - loss(-1) if antithetic else loss(1)
    expected = (heights * delta).sum(1) / (8 * 0.01)
    found = nes_gradient(
        Oracle(model, reveals=reveals),
        images,
        labels,
        samples=8,
        sigma=0.01,
        antithetic=antithetic,
        generator=seeded(5),
    )
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_towards_targets_their_loss_falls():
    model, images, labels = scene(4)
    targets = (labels + 1) % 4
    found = nes_gradient(Oracle(model), images, labels, targets=targets, samples=2000, generator=seeded())
    falling = -loss_gradient(model, images, targets)
    assert (cosine(found, falling) > 0.8).all()


def test_large_images_draw_in_parts_and_sum_the_same_formula(monkeypatch):
    from advcourse.blackbox import _nes

    model, images, labels, w = linear(d=10)
    monkeypatch.setattr(_nes, "TOGETHER", 25)
    with count_passes(model) as passes:
        found = nes_gradient(Oracle(model), images, labels, samples=4000, loss="margin", generator=seeded())
    assert passes.forwards == 4000
    torch.testing.assert_close(found, w, rtol=0.15, atol=0.15)


@pytest.mark.parametrize("samples", [10, 50])
def test_on_a_linear_loss_the_squared_cosine_is_m_over_m_plus_d_plus_one(samples):
    """``samples`` counts queries: of pairs there are half as many directions."""
    d, repeats, m = 60, 600, samples // 2
    model, images, labels, w = linear(d, repeats)
    squared = (
        cosine(nes_gradient(Oracle(model), images, labels, samples=samples, loss="margin", generator=seeded()), w) ** 2
    )
    error = squared.std().item() / math.sqrt(repeats)
    assert abs(squared.mean().item() - m / (m + d + 1)) < 4 * error + 0.01 * m / (m + d + 1)


def test_an_image_in_a_batch_of_64_gets_as_good_an_estimate_as_alone():
    d, n = 60, 64
    model, images, labels, w = linear(d, n)
    alone = torch.cat(
        [
            cosine(nes_gradient(Oracle(model), images[[i]], labels[[i]], loss="margin", generator=seeded(i)), w)
            for i in range(n)
        ]
    )
    together = torch.cat(
        [cosine(nes_gradient(Oracle(model), images, labels, loss="margin", generator=seeded(i)), w) for i in range(4)]
    )
    error = math.sqrt(alone.var().item() / len(alone) + together.var().item() / len(together))
    assert abs(alone.mean() - together.mean()) < 3 * error
    assert alone.mean() > 0.4


def test_a_constant_added_to_the_loss_kills_the_plain_estimate_and_leaves_the_pairs():
    n = 100
    found = {}
    for constant in (0.0, 1e3):
        for antithetic in (True, False):
            model, images, labels, w = linear(60, n, constant)
            given = {"samples": 50, "antithetic": antithetic, "loss": "margin", "generator": seeded()}
            found[constant, antithetic] = cosine(nes_gradient(Oracle(model), images, labels, **given), w).mean().item()
    assert abs(found[1e3, True] - found[0.0, True]) < 1e-6 and found[1e3, True] > 0.4
    assert abs(found[1e3, False]) < 0.06


def test_the_estimate_is_all_or_nothing():
    model, images, labels = scene(3)
    oracle = Oracle(model, budget=49)
    oracle(images[:1], torch.tensor([6]))
    with pytest.raises(QueryBudgetExceeded, match="image 5 has 49 queries left, and 50 were asked for"):
        nes_gradient(oracle, images, labels, indices=torch.tensor([5, 6, 7]))
    assert oracle.queries().sum() == 1


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_steps_are_those_of_the_docstring(norm):
    """Two steps: momentum, the stretch in norm, the look after every step."""
    model, images, labels = scene(1)
    watched, eps, alpha = Recorder(model), 1e-3, 4e-4
    nes(Oracle(watched), images, labels, eps=eps, norm=norm, samples=6, sigma=0.02, step_size=alpha, queries=15)
    looks = [watched.seen[0], watched.seen[2], watched.seen[4]]
    assert [len(x) for x in watched.seen] == [1, 6, 1, 6, 1]
    streams, velocity, x = Streams(0, "nes", images), torch.zeros_like(images), images
    for k in range(2):
        torch.testing.assert_close(looks[k], x, rtol=0, atol=1e-12)
        delta = streams.randn(3, *images.shape[1:])[0]
        shown = torch.cat([x + 0.02 * delta, x - 0.02 * delta])
        torch.testing.assert_close(watched.seen[2 * k + 1], shown, rtol=0, atol=1e-12)
        height = log_odds(model(shown).detach(), labels.expand(6))
        estimate = ((height[:3] - height[3:])[:, None, None, None] * delta).sum(0, keepdim=True) / (6 * 0.02)
        velocity = 0.9 * velocity + 0.1 * estimate
        step = velocity.sign() if norm == "linf" else velocity / velocity.norm()
        away = x + alpha * step - images
        away = away.clamp(-eps, eps) if norm == "linf" else away * min(1, eps / away.norm().item())
        x = (images + away).clamp(0, 1)
    torch.testing.assert_close(looks[2], x, rtol=0, atol=1e-12)


def test_on_a_plateau_the_step_is_divided():
    """A loss that only falls: after so many steps each is half as long as the one before, down to the least."""

    def falls(x):
        falls.looks += len(x) == 1
        return torch.stack([falls.looks + 0 * x.mean((1, 2, 3)), x.mean((1, 2, 3))], 1)

    falls.looks = 0
    images = torch.full((1, 1, 4, 4), 0.5, dtype=torch.float64)
    watched = Recorder(falls)
    settings = {"samples": 2, "patience": 2, "momentum": 0.0, "step_size": 0.08, "smallest": 0.02, "queries": 31}
    nes(Oracle(watched), images, torch.tensor([0]), eps=0.5, **settings)
    looks = [x for x in watched.seen if len(x) == 1]
    sizes = [(b - a).abs().max().item() for a, b in zip(looks, looks[1:], strict=False)]
    assert sizes[:6] == pytest.approx([0.08, 0.08, 0.04, 0.02, 0.02, 0.02], abs=1e-9)


def test_plateaus_are_each_images_own():
    """With noisy estimates and no patience the steps of some images are halved before those of others."""
    model, images, labels = scene(4)
    given = {"eps": 1e-3, "samples": 2, "patience": 1, "momentum": 0.0, "step_size": 1e-3, "queries": 40}
    together = nes(Oracle(model), images, labels, **given)
    for i in range(4):
        alone = nes(Oracle(model), images[[i]], labels[[i]], indices=torch.tensor([i]), **given)
        torch.testing.assert_close(alone, together[[i]], rtol=0, atol=1e-12)


@pytest.mark.parametrize("budget", range(14))
def test_no_budget_is_asked_beyond(budget):
    model, images, labels = scene(3)
    oracle = Oracle(model, budget=budget)
    nes(oracle, images, labels, eps=1e-4, samples=4)
    assert oracle.queries(torch.arange(3)).tolist() == 3 * [0 if budget == 0 else 1 + (budget - 1) // 5 * 5]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("samples", {"samples": 5}),
        ("samples", {"samples": 0}),
        ("sigma", {"sigma": 0}),
        ("loss", {"loss": "dlr"}),
        ("targets", {"targets": torch.zeros(2, dtype=torch.int64)}),
        ("indices", {"indices": torch.tensor([0, 1])}),
    ],
)
def test_bad_arguments_of_the_estimate_are_refused_by_name(name, given):
    model, images, labels = scene(3)
    oracle = Oracle(model)
    with refused(f"{name} .*expected"):
        nes_gradient(oracle, images, labels, **given)
    with refused("oracle reveals 'label', expected 'logits' or 'probabilities'"):
        nes_gradient(Oracle(model, reveals="label"), images, labels)
    assert oracle.queries().sum() == 0


@pytest.mark.parametrize("norm, order", [("linf", math.inf), ("l2", 2)])
def test_every_iterate_lies_in_the_ball_and_some_at_its_edge(norm, order):
    model, images, labels = scene(2)
    watched = Recorder(model)
    nes(Oracle(watched), images, labels, eps=0.01, norm=norm, step_size=0.008, queries=50, samples=4)
    looks = [x for x in watched.seen if len(x) == 2]
    away = torch.cat([torch.linalg.vector_norm((x - images).flatten(1), order, dim=1) for x in looks])
    assert len(looks) == 10 and 0.0099 < away.max() < 0.01 + 1e-9  # in l2 the box comes last
