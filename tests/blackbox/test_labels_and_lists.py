"""Label scores against their closed form; the way inwards from an image of the target; bandits' steps written out."""

import math

import pytest
import torch

from advcourse.blackbox import Oracle, QueryBudgetExceeded, bandits, label_score, nes_label_only, nes_partial
from advcourse.blackbox._approach import places
from advcourse.blackbox._asking import Asking
from advcourse.core.losses import log_odds
from advcourse.core.streams import Streams
from tests.support.recorders import Recorder
from tests.support.refusals import refused
from tests.support.scenes import normal, scene, seeded
from tests.support.toys import Affine


def halves(d=30, classes=2, seed=0):
    """An affine model whose classes' weights have mean zero at grey."""
    w = normal(classes, d, seed=seed)
    return Affine(w, -0.5 * w.sum(1))


@pytest.mark.parametrize("mu", [0.03, 0.1, 0.3])
def test_from_labels_of_two_classes_the_score_is_phi_of_the_margin(mu):
    model = halves()
    images = torch.rand(6, 1, 5, 6, generator=seeded(2), dtype=torch.float64)
    targets = torch.tensor([0, 1, 0, 1, 0, 1])
    found = label_score(Oracle(model, reveals="label"), images, targets, copies=4000, mu=mu)
    logits = model(images)
    margins = (logits[:, 0] - logits[:, 1]) * (1 - 2 * targets)
    length = (model.weight[0] - model.weight[1]).norm()
    expected = (1 + torch.erf(margins / (mu * length) / math.sqrt(2))) / 2
    error = (expected * (1 - expected) / 4000).sqrt()
    assert ((found - expected).abs() < 4 * error + 1e-3).all()
    assert expected.min() < 0.4 and expected.max() > 0.6


@pytest.mark.parametrize("noise", ["gaussian", "uniform"])
def test_on_a_list_the_score_is_the_mean_of_ranks(noise):
    model, images = halves(classes=5), torch.rand(3, 1, 5, 6, generator=seeded(2), dtype=torch.float64)
    targets = torch.tensor([0, 3, 4])
    found = label_score(Oracle(model, reveals="top_k", k=3), images, targets, copies=40, mu=0.2, noise=noise, seed=7)
    streams = Streams(7, "label_score", images)
    drawn = streams.randn(40, 1, 5, 6) if noise == "gaussian" else 2 * streams.rand(40, 1, 5, 6) - 1
    for i, target in enumerate(targets.tolist()):
        order = model(images[i] + 0.2 * drawn[i]).argsort(1, descending=True)[:, :3]
        ranks = [(3 - row.tolist().index(target)) / 3 if target in row.tolist() else 0.0 for row in order]
        assert found[i].item() == pytest.approx(sum(ranks) / 40, abs=1e-12)


def test_a_score_is_billed_in_full_or_not_at_all():
    model, images = halves(), torch.rand(2, 1, 5, 6, dtype=torch.float64)
    oracle, targets = Oracle(model, reveals="label", budget=30), torch.tensor([0, 1])
    label_score(oracle, images, targets, copies=20)
    with pytest.raises(QueryBudgetExceeded, match="image 0 has 10 queries left, and 20 were asked for"):
        label_score(oracle, images, targets, copies=20)
    assert oracle.queries().tolist() == [20, 20]


class Listens(Oracle):
    """Remembers single looks: calls that ask no image twice."""

    def __init__(self, model, **settings):
        super().__init__(model, **settings)
        self.looks = []

    def __call__(self, x, rows=None):
        answers = super().__call__(x, rows)
        if len(rows.unique()) == len(rows):
            self.looks.append((x, answers))
        return answers


@pytest.mark.parametrize("method", [nes_partial, nes_label_only])
def test_the_way_ends_in_the_ball_at_the_target(method):
    model = halves(classes=4)
    pool = torch.rand(300, 1, 5, 6, generator=seeded(2), dtype=torch.float64)
    classes = model(pool).argmax(1)
    images, labels = pool[:8], classes[:8]
    targets = (labels + 1) % 4
    start = torch.stack([pool[100:][classes[100:] == target][0] for target in targets])
    reveals = {"reveals": "label"} if method is nes_label_only else {"reveals": "top_k", "k": 2}
    oracle = Oracle(model, budget=20_000, **reveals)
    result = method(oracle, images, labels, targets=targets, start=start, eps=0.25, widest=1.0)
    assert (result - images).abs().max() <= 0.25 + 1e-9
    assert (model(result).argmax(1) == targets).all()


@pytest.mark.parametrize("method", [nes_partial, nes_label_only])
def test_the_way_of_an_image_is_the_same_alone(method):
    model, pool = halves(classes=4), torch.rand(300, 1, 5, 6, generator=seeded(2), dtype=torch.float64)
    classes = model(pool).argmax(1)
    images, labels = pool[:4], classes[:4]
    targets = (labels + 1) % 4
    start = torch.stack([pool[100:][classes[100:] == target][0] for target in targets])
    reveals = {"reveals": "label"} if method is nes_label_only else {"reveals": "top_k", "k": 2}
    settings = {"eps": 0.05, "widest": 1.0, "samples": 10, "queries": 120}
    together = method(Oracle(model, **reveals), images, labels, targets=targets, start=start, **settings)
    for i in range(4):
        at = torch.tensor([i])
        given = {"targets": targets[at], "start": start[at], "indices": at, **settings}
        alone = method(Oracle(model, **reveals), images[at], labels[at], **given)
        torch.testing.assert_close(alone, together[at], rtol=0, atol=1e-9)


def test_the_first_looks_are_the_image_and_its_start_cut_to_the_widest_ball():
    model, image = halves(classes=3), torch.full((1, 1, 5, 6), 0.5, dtype=torch.float64)
    label = model(image).argmax(1)
    pool = torch.rand(300, 1, 5, 6, generator=seeded(2), dtype=torch.float64)
    target = (label + 1) % 3
    start = pool[model(pool).argmax(1) == target][:1]
    oracle = Listens(model, reveals="label")
    nes_label_only(oracle, image, label, targets=target, start=start, eps=0.05, widest=0.2, queries=300)
    shown = torch.cat([x for x, _ in oracle.looks[:2]])
    torch.testing.assert_close(shown[:1], image)
    torch.testing.assert_close(shown[1:], image + (start - image).clamp(-0.2, 0.2))


@pytest.mark.parametrize("budget", [*range(12), 17, 18, 19, 30, 31, 32, 33])
def test_no_budget_is_asked_beyond(budget):
    """Whatever is left when a step, a proposal or a score comes to be paid."""
    model = halves(classes=3)
    images = torch.rand(3, 1, 5, 6, generator=seeded(2), dtype=torch.float64)
    labels = model(images).argmax(1)
    targets = (labels + 1) % 3
    pool = torch.rand(300, 1, 5, 6, generator=seeded(3), dtype=torch.float64)
    start = torch.stack([pool[model(pool).argmax(1) == target][0] for target in targets])
    for method, reveals, more in (
        (nes_partial, {"reveals": "top_k", "k": 2}, {"samples": 4}),
        (nes_label_only, {"reveals": "label"}, {"samples": 4, "copies": 3}),
        (bandits, {"reveals": "logits"}, {}),
    ):
        oracle = Oracle(model, budget=budget, **reveals)
        aims = {} if method is bandits else {"targets": targets, "start": start}
        result = method(oracle, images, labels, eps=0.001, **aims, **more)
        assert result.shape == images.shape
        assert (oracle.queries(torch.arange(3)) <= budget).all()


def test_what_has_no_start_that_is_listed_comes_back_after_three_looks():
    model, images, labels = scene(4)
    oracle = Oracle(model, reveals="label")
    result = nes_label_only(
        oracle, images, labels, targets=(labels + 1) % 4, start=images.flip(0), eps=0.1, queries=500
    )
    assert torch.equal(result, images) and oracle.queries().tolist() == [3, 3, 3, 3]


def test_refusals_of_the_way_inwards():
    model, images, labels = scene(2)
    targets = (labels + 1) % 4
    given = {"targets": targets, "start": images, "eps": 0.1}
    for name, bad in (
        ("start", {"start": images[:1]}),
        ("start", {"start": images * 3}),
        ("targets", {"targets": labels}),
    ):
        with refused(f"{name}.*expected"):
            nes_partial(Oracle(model, reveals="top_k", k=2), images, labels, **{**given, **bad})
    with refused("oracle reveals 'logits', expected 'top_k'"):
        nes_partial(Oracle(model), images, labels, **given)
    with refused("oracle reveals 'logits', expected 'label' or 'top_k'"):
        nes_label_only(Oracle(model), images, labels, **given)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_steps_of_bandits_are_those_of_the_docstring(norm):
    model, images, labels = scene(1)  # 8 by 6 or so, in tiles of two
    watched, alpha, eps = Recorder(model), 7e-4, 1e-3  # two steps may leave the ball
    eta, tau, zeta = (100.0, 1.0, 0.1) if norm == "linf" else (0.1, 0.01, 0.01)
    bandits(Oracle(watched), images, labels, eps=eps, norm=norm, step_size=alpha, queries=7)
    assert [len(x) for x in watched.seen] == [1, 2, 1, 2, 1]
    height, width = images.shape[2:]
    grid = (images.shape[1], -(-height // 2), -(-width // 2))
    streams, w, x = Streams(0, "bandits", images), torch.zeros(1, *grid).double(), images

    def enlarged(v):
        return v.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, :height, :width]

    for k in range(2):
        torch.testing.assert_close(watched.seen[2 * k], x, rtol=0, atol=1e-12)
        u = streams.randn(*grid) / math.sqrt(math.prod(grid))
        v = (w / 2).tanh() if norm == "linf" else w
        q = [enlarged(v + side * tau * u) for side in (1, -1)]
        shown = torch.cat([x + zeta * each / each.norm() for each in q])
        torch.testing.assert_close(watched.seen[2 * k + 1], shown, rtol=0, atol=1e-12)
        heights = log_odds(model(shown).detach(), labels.expand(2))
        w = w + (2 if norm == "linf" else 1) * eta * (heights[0] - heights[1]) * u / (zeta * tau)
        direction = enlarged((w / 2).tanh() if norm == "linf" else w)
        step = direction.sign() if norm == "linf" else direction / direction.norm()
        away = x + alpha * step - images
        beyond = torch.linalg.vector_norm(away.flatten(), math.inf if norm == "linf" else 2) > eps
        away = away.clamp(-eps, eps) if norm == "linf" else away * min(1, eps / away.norm().item())
        x = (images + away).clamp(0, 1)
    torch.testing.assert_close(watched.seen[4], x, rtol=0, atol=1e-12)
    assert beyond


def test_what_bandits_find_beside_images_that_leave_they_find_alone():
    model, images, labels = scene(6)
    oracle = Oracle(model)
    together = bandits(oracle, images, labels, eps=0.3, queries=40)
    assert len(oracle.queries().unique()) >= 3
    for i in range(6):
        place = torch.tensor([i])
        alone = bandits(Oracle(model), images[place], labels[place], eps=0.3, queries=40, indices=place)
        torch.testing.assert_close(alone, together[place], rtol=0, atol=1e-9)


def test_a_target_that_is_not_listed_counts_as_the_last_that_is():
    model, images = halves(classes=4), torch.rand(6, 1, 5, 6, generator=seeded(2), dtype=torch.float64)
    ranked = model(images).softmax(1).sort(1, descending=True)
    rows = torch.arange(6)
    targets = ranked.indices[rows, torch.tensor([1, 2, 3, 1, 2, 3])]
    oracle = Oracle(model, reveals="top_k", k=2)
    asking = Asking(oracle, images, ranked.indices[:, 0], targets, None, None, ("top_k",))
    place, probability, count = places(asking, images, rows)
    assert place.tolist() == [1, -1, -1, 1, -1, -1] and count == 2
    torch.testing.assert_close(probability, ranked.values[:, 1])
