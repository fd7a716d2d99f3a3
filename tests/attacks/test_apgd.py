"""APGD against the papers' steps written out, closed forms of affine models, recorded iterates and counted passes."""

import math
import warnings

import pytest
import torch
from torch import Tensor, nn

from advcourse.attacks import apgd
from advcourse.core.balls import NORMS, norms, project, uniform
from advcourse.core.losses import log_odds
from advcourse.core.running import count_passes
from advcourse.core.streams import Streams
from tests.support.affine import affine, length, scattered
from tests.support.recorders import Recorder
from tests.support.refusals import refused
from tests.support.scenes import gradient, scene, seeded
from tests.support.toys import Affine, Ripples, Shifted, pictures, smooth_cnn

EPS = {"linf": 0.02, "l2": 0.15, "l1": 1.0}


def start_of(image: Tensor, eps: float, norm: str, index: int, seed: int = 0) -> Tensor:
    """Where the first run starts."""
    stream = Streams(seed, "apgd", image, torch.tensor([index]))
    return project(image + uniform(image, eps, norm, stream), image, eps, norm)


def by_the_paper(model: nn.Module, image: Tensor, label: Tensor, eps: float, norm: str, steps: int) -> list[Tensor]:
    """Algorithm 1 of arXiv:2003.01690 on one image: all its iterates, those that are taken back included."""
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    checkpoints = [math.ceil(round(share * steps, 9)) for share in shares]

    def f(x):
        return log_odds(model(x), label).item()

    def slope(x):
        return gradient(lambda x: log_odds(model(x), label), x)

    def direction(x):
        g = slope(x)
        return g.sign() if norm == "linf" else g / g.flatten().norm()

    x = [start_of(image, eps, norm, 0)]
    seen, size, sizes, tops = [x[0]], 2 * eps, {0: 2 * eps}, {0: f(x[0])}
    best, before = x[0], 0
    for k in range(steps):
        z = project(x[k] + size * direction(x[k]), image, eps, norm)
        step = z if k == 0 else x[k] + 0.75 * (z - x[k]) + 0.25 * (x[k] - x[k - 1])
        x.append(project(step, image, eps, norm))
        seen.append(x[-1])
        best = x[-1] if f(x[-1]) > f(best) else best
        now = k + 1
        if now in checkpoints and now > before:
            risen = sum(f(seen[i + 1]) > f(x[i]) for i in range(before, now))
            unchanged = sizes[before] == size and tops[before] == f(best)
            sizes[now], tops[now] = size, f(best)
            if risen < 0.75 * (now - before) or unchanged:
                size, x[now] = size / 2, best
            before = now
            sizes[now] = size
    return seen


def by_the_paper_in_l1(model: nn.Module, image: Tensor, label: Tensor, eps: float, steps: int) -> list[Tensor]:
    """Algorithm 1 of arXiv:2103.01208 on one image of which no pixel meets the end of the box: all its iterates."""

    def f(x):
        return log_odds(model(x), label).item()

    x = best = start_of(image, eps, "l1", 0)
    size, count, moved, every = eps, image.numel() / 5, image.numel(), max(1, int(0.04 * steps))
    seen = [x]
    for k in range(steps):
        if k and k % every == 0:
            now = (best != image).sum().item()
            size, x = (eps, best) if now < 0.95 * moved else (max(size / 1.5, eps / 10), x)
            moved, count = now, now / 1.5
        g = gradient(lambda x: log_odds(model(x), label), x).flatten()
        chosen = g.abs().argsort(descending=True)[: max(1, int(count))]
        step = torch.zeros_like(g)
        step[chosen] = g[chosen].sign() * size / len(chosen)
        x = project(x + step.view_as(x), image, eps, "l1")
        seen.append(x)
        best = x if f(x) > f(best) else best
    return seen


@pytest.mark.parametrize("steps", [1, 4, 25])
@pytest.mark.parametrize("norm", NORMS)
def test_the_iterates_are_the_papers(norm, steps):
    """One image that stays unfooled; the network is smooth, and its loss bends within the ball."""
    model, images = smooth_cnn(), 0.5 + 0.2 * (pictures(6) - 0.5)
    labels = model(images).argmax(1)
    eps = {"linf": 0.01, "l2": 0.1, "l1": 0.15}[norm]
    for image, label in zip(images.split(1), labels.split(1), strict=True):
        written = (
            by_the_paper_in_l1(model, image, label, eps, steps)
            if norm == "l1"
            else by_the_paper(model, image, label, eps, norm, steps)
        )
        watched = Recorder(model)
        result = apgd(watched, image, label, eps=eps, norm=norm, steps=steps)
        assert (model(result).argmax(1) == label).all()
        torch.testing.assert_close(torch.cat(watched.seen[1:]), torch.cat(written), rtol=0, atol=1e-7)
        highest = max([image, *written], key=lambda x: log_odds(model(x), label).item())
        torch.testing.assert_close(result, highest, rtol=0, atol=1e-7)


def test_size_and_place_of_the_steps_follow_the_ripples():
    """On a loss that ripples, steps are halved and iterates taken back; that too as the paper has it."""
    model, image, label = Ripples(), torch.full((1, 1, 3, 4), 0.44, dtype=torch.float64), torch.tensor([0])
    for norm, eps in (("linf", 0.2), ("l2", 0.7)):
        for steps in (20, 47):
            watched = Recorder(model)
            apgd(watched, image, label, eps=eps, norm=norm, steps=steps)
            written = torch.cat(by_the_paper(model, image, label, eps, norm, steps))
            torch.testing.assert_close(torch.cat(watched.seen[1:]), written, rtol=0, atol=1e-9)


def test_linf_reaches_the_worst_loss_of_two_classes():
    model, images = affine(2, bias=9.0), scattered(4, spread=0.98)
    labels = torch.zeros(4, dtype=torch.int64)
    slope = (model.weight[1] - model.weight[0]).detach()
    worst = (images.flatten(1) + 0.07 * slope.sign()).clamp(0, 1).view_as(images)
    torch.testing.assert_close(apgd(model, images, labels, eps=0.07, steps=10), worst, rtol=0, atol=1e-12)


def test_l2_reaches_the_worst_loss_of_two_classes():
    model, images, labels = affine(2, bias=9.0), scattered(4), torch.zeros(4, dtype=torch.int64)
    slope = (model.weight[1] - model.weight[0]).detach()
    worst = images + (0.1 * slope / slope.norm()).view(1, 1, 3, 4)
    result = apgd(model, images, labels, eps=0.1, steps=40, norm="l2")
    torch.testing.assert_close(result, worst, rtol=0, atol=1e-3)


@pytest.mark.parametrize("spread", [0.9, 1.6, 3.0])
def test_l1_comes_near_the_worst_loss_of_two_classes(spread):
    """Best pixel first, until it is full. The shortest steps are a tenth of ε, and no finer is what is found."""
    model, labels, eps = affine(2, size=245, bias=1000.0), torch.zeros(8, dtype=torch.int64), 6.0
    images = 0.5 + spread * (torch.rand(8, 5, 7, 7, generator=seeded(2), dtype=torch.float64) - 0.5)
    images, slope = images.clamp(0, 1), (model.weight[1] - model.weight[0]).detach()
    for image, result in zip(images, apgd(model, images, labels, eps=eps, steps=100, norm="l1"), strict=True):
        gain, left = 0.0, eps
        for column in slope.abs().argsort(descending=True):
            pixel = image.flatten()[column]
            move = min(left, (1 - pixel if slope[column] > 0 else pixel).item())
            gain, left = gain + move * slope[column].abs().item(), left - move
        found = (slope @ (result - image).flatten()).item()
        assert 0.9 * gain < found <= gain * (1 + 1e-9)


@pytest.mark.parametrize("loss", ["ce", "dlr", "margin"])
@pytest.mark.parametrize("norm", NORMS)
def test_a_linear_model_is_fooled_just_beyond_its_distance_and_not_before(norm, loss):
    """Distance of the hyperplane in the dual norm; three classes, of which the third is out of reach."""
    weight = affine(2, 5).weight.detach()
    model = Affine(torch.cat([weight, weight[:1]]), torch.tensor([0.0, 0.0, -9.0], dtype=torch.float64))
    images, slope = scattered(6), weight[1] - weight[0]
    margins = (model(images)[:, 0] - model(images)[:, 1]).detach()
    dual = torch.linalg.vector_norm(slope, {"linf": 1, "l2": 2, "l1": math.inf}[norm])
    for image, value in zip(images.split(1), margins, strict=True):
        label, least = torch.tensor([0 if value > 0 else 1]), (value.abs() / dual).item()
        for share, fooled in ((0.98, False), (1.05, True)):
            result = apgd(model, image, label, eps=share * least, norm=norm, steps=40, loss=loss)
            assert (model(result).argmax(1) != label).item() == fooled


def test_a_callable_and_its_name_are_one():
    model, images, labels = scene()
    for norm in NORMS:
        named, called = (
            apgd(model, images, labels, eps=EPS[norm], norm=norm, steps=5, loss=loss) for loss in ("ce", log_odds)
        )
        assert torch.equal(named, called)


@pytest.mark.parametrize("norm", NORMS)
def test_no_budget_gives_the_images_back(norm):
    model, images, labels = scene()
    assert torch.equal(apgd(model, images, labels, eps=0, norm=norm, steps=5, restarts=2), images)


def test_what_is_fooled_leaves_and_restarts_work_on_the_rest():
    network, images, labels = scene(12)
    labels[3] = (labels[3] + 1) % 4
    model = Recorder(network)
    result = apgd(model, images, labels, eps=0.04, steps=6, restarts=4)
    sizes = [len(x) for x in model.seen]
    assert sizes[:2] == [12, 11] and torch.equal(result[3], images[3])
    assert sizes == sorted(sizes, reverse=True) and 0 < sizes[-1] < 8 and len(sizes) == 1 + 4 * 7
    left = torch.tensor([row for row in range(12) if row != 3])
    for x in model.seen[1:]:
        assert len(x) == len(left)
        fooled = network(x).argmax(1) != labels[left]
        assert torch.equal(result[left[fooled]], x[fooled])  # what fools is handed back
        left = left[~fooled]
    assert 0 < len(left) and (network(result).argmax(1) == labels).nonzero()[:, 0].tolist() == left.tolist()


def test_the_strongest_of_all_restarts_is_returned():
    network, images, labels = scene(8)
    model = Recorder(network)
    result = apgd(model, images, labels, eps=0.002, steps=3, restarts=5)
    assert [len(x) for x in model.seen] == [8] * (1 + 5 * 4)
    losses = torch.stack([log_odds(network(x), labels) for x in model.seen])
    best = losses.argmax(0)
    assert torch.equal(result, torch.stack(model.seen)[best, torch.arange(8)])
    assert len(((best - 1) // 4).unique()) > 1


def test_restarts_start_from_other_draws():
    network, images, labels = scene(3)
    model = Recorder(network)
    apgd(model, images, labels, eps=0.001, steps=2, restarts=3)
    first, second, third = (model.seen[i] for i in (1, 4, 7))
    assert not torch.equal(first, second) and not torch.equal(second, third) and not torch.equal(first, third)


@pytest.mark.parametrize(("steps", "restarts"), [(1, 1), (7, 1), (4, 3)])
def test_apgd_costs_steps_forward_and_backward_and_a_forward_and_one_for_the_clean_images(steps, restarts):
    model, images, labels = scene(5)
    with count_passes(model) as passes:
        apgd(model, images, labels, eps=1e-4, steps=steps, restarts=restarts)
    assert (passes.forwards, passes.backwards) == (5 + 5 * (steps + 1) * restarts, 5 * steps * restarts)


@pytest.mark.slow
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("loss", ["ce", "dlr", "margin"])
def test_an_image_among_others_is_as_alone(norm, loss):
    """Many steps and restarts, with some fooled early, some late and some never."""
    model, images, labels = scene(20)
    for targets in (None, (labels + 1) % 4):
        settings = {"eps": EPS[norm], "norm": norm, "steps": 30, "loss": loss, "restarts": 2}
        together = apgd(model, images, labels, targets=targets, **settings)
        fooled = model(together).argmax(1) != labels if targets is None else model(together).argmax(1) == targets
        assert 0 < fooled.sum() < 20
        for row in range(0, 20, 4):
            goal = None if targets is None else targets[[row]]
            alone = apgd(model, images[[row]], labels[[row]], targets=goal, indices=torch.tensor([row]), **settings)
            torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1e4])
def test_dlr_sees_through_the_scale_of_the_logits(scale):
    model, images, labels = scene(8)
    for targets in (None, (labels + 1) % 4):
        plain, scaled = (
            apgd(m, images, labels, eps=0.02, steps=8, loss="dlr", targets=targets)
            for m in (model, Shifted(model, scale=scale, shift=3.0))
        )
        torch.testing.assert_close(scaled, plain, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("classes", "targeted"), [(2, False), (3, True)])
def test_with_too_few_classes_dlr_is_the_margin_and_says_so(classes, targeted):
    model, images = affine(classes), scattered(4)
    labels = model(images).argmax(1)
    targets = (labels + 1) % classes if targeted else None
    with pytest.warns(UserWarning, match="the margin is used instead") as caught:
        result = apgd(model, images, labels, eps=0.01, steps=5, restarts=2, loss="dlr", targets=targets)
    assert len(caught) == 1 and f"compares {classes + 1} logits, and the model has {classes}" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = apgd(model, images, labels, eps=0.01, steps=5, restarts=2, loss="margin", targets=targets)
        apgd(affine(classes + 1), images, labels, eps=0.01, steps=2, loss="dlr", targets=targets)
    assert torch.equal(result, expected)


def test_logits_that_all_tie_give_the_images_back():
    images, labels = scattered(3), torch.tensor([0, 0, 0])
    for targets in (None, torch.tensor([1, 2, 3])):
        result = apgd(affine_of_zeros(), images, labels, eps=0.1, steps=5, loss="dlr", targets=targets)
        assert torch.equal(result, images)


def affine_of_zeros() -> Affine:
    return Affine(torch.zeros(4, 12, dtype=torch.float64))


@pytest.mark.parametrize("norm", NORMS)
def test_the_ball_is_kept_in_single_precision(norm):
    images = pictures(6, dtype=torch.float32)
    model = smooth_cnn(dtype=torch.float32)
    labels = model(images).argmax(1)
    result = apgd(model, images, labels, eps=EPS[norm], norm=norm, steps=12, restarts=2)
    assert norms(result - images, norm).max() <= EPS[norm] * (1 + 1e-5) and result.dtype == torch.float32
    assert length(result - images, norm).max() > 0.5 * EPS[norm]


def hidden_way(rise: float = 1.0) -> tuple[Affine, Tensor, Tensor]:
    """Three classes: the runner-up keeps its distance wherever the image goes; brightness leads to the third."""
    weight = torch.zeros(3, 12, dtype=torch.float64)
    weight[2] = rise
    images = torch.full((4, 1, 3, 4), 0.5, dtype=torch.float64)
    return Affine(weight, torch.tensor([0.0, -0.05, -6.0 - 1.0]).double()), images, torch.zeros(4, dtype=torch.int64)


def test_apgd_t_goes_towards_the_classes_that_are_not_next():
    model, images, labels = hidden_way()
    for loss in ("margin", "dlr"):
        assert (model(apgd(model, images, labels, eps=0.1, steps=10, loss=loss)).argmax(1) == 0).all()
        found = apgd(model, images, labels, eps=0.1, steps=10, loss=loss, target_classes=2)
        assert (model(found).argmax(1) == 2).all(), loss
        first = apgd(model, images, labels, eps=0.1, steps=10, loss=loss, target_classes=1)
        assert (model(first).argmax(1) == 0).all()  # the runner-up alone


def test_apgd_t_counts_any_misclassification_and_costs_its_runs():
    model, images, labels = scene(5)
    with count_passes(model) as passes:
        apgd(model, images, labels, eps=1e-6, steps=4, restarts=2, loss="dlr", target_classes=3)
    assert (passes.forwards, passes.backwards) == (5 * (1 + 6 * 5), 5 * 6 * 4)
    far = apgd(model, images, labels, eps=0.2, steps=10, target_classes=3)
    assert (model(far).argmax(1) != labels).all()


class Turns(nn.Module):
    """Logits whose slope turns with every pass: right on average, of no use alone."""

    def __init__(self, model: nn.Module, noise: Tensor):
        super().__init__()
        self.model, self.noise, self.passes = model, noise, 0

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        sign = 1 if self.passes % 2 else -1
        return self.model(x) + sign * (x.flatten(1) @ self.noise)[:, None] * torch.tensor([0.0, 1.0]).double()


def test_draws_are_averaged():
    images = scattered(6)
    model = affine(2)
    labels = model(images).argmax(1)
    turning = Turns(model, 50 * model.weight[0].detach().roll(1))
    settings = {"eps": 1e-3, "steps": 8, "loss": "margin", "norm": "l2"}
    turning.passes = 1  # the look at the clean images comes first
    found = apgd(turning, images, labels, draws=2, **settings)
    torch.testing.assert_close(found, apgd(model, images, labels, **settings), rtol=0, atol=1e-9)
    assert turning.passes == 2 + 2 + 2 * 9  # each image is looked at twice before the first step
    turning.passes = 1
    assert (apgd(turning, images, labels, **settings) - found).abs().max() > 1e-5


def test_fooled_is_what_most_draws_misclassify():
    class Every(nn.Module):
        """Wrong in one pass of so many, once the image is brighter."""

        def __init__(self, period):
            super().__init__()
            self.period, self.passes = period, 0

        def forward(self, x):
            self.passes += 1
            value = x.mean((1, 2, 3)) - 0.5
            wrong = self.passes % self.period == 0
            return torch.stack([torch.zeros_like(value), value if wrong else value - 1], 1)

    images, labels = torch.full((2, 1, 2, 2), 0.4, dtype=torch.float64), torch.zeros(2, dtype=torch.int64)
    for period, draws, stops in ((3, 3, False), (1, 3, True), (3, 1, True)):
        model = Every(period)
        apgd(model, images, labels, eps=0.3, steps=20, draws=draws)
        assert (model.passes < 1 + 21 * draws) == stops, (period, draws)


def published_in_l1(model: nn.Module, image: Tensor, label: Tensor, eps: float, phases: list) -> list[Tensor]:
    """The authors' wide runs on one image: all iterates. The box cuts the steps, and what it cuts off is lost."""
    noise = Streams(0, "apgd", image, torch.tensor([0])).randn(*image.shape[1:])
    x, seen = image + noise, []
    for steps, radius in phases:
        x = project(x, image, radius * eps, "l1")
        best, highest = x, log_odds(model(x), label).item()
        moved, size, every = (x != image).sum().item(), radius * eps, max(1, int(0.04 * steps))
        count = moved / 1.5
        seen.append(x)
        for k in range(steps):
            if k and k % every == 0:
                now = (best != image).sum().item()
                size, x = (radius * eps, best) if now < 0.95 * moved else (max(size / 1.5, radius * eps / 10), x)
                moved, count = now, now / 1.5
            g = gradient(lambda x: log_odds(model(x), label), x).flatten()
            chosen = g.abs().argsort(descending=True)[: max(1, math.ceil(count))]
            step = torch.zeros_like(g)
            step[chosen] = g[chosen].sign() * size / len(chosen)
            x = project(x + step.view_as(x), image, radius * eps, "l1")
            seen.append(x)
            height = log_odds(model(x), label).item()
            best, highest = (x, height) if height > highest else (best, highest)
        x = best
    return seen


def test_unfilled_wide_runs_are_the_authors():
    """On black and white images, where the box cuts every second step."""
    model, images = smooth_cnn(), pictures(3).round()
    labels = model(images).argmax(1)
    for image, label in zip(images.split(1), labels.split(1), strict=True):
        watched = Recorder(model)
        result = apgd(watched, image, label, eps=0.02, norm="l1", steps=20, wide=True, filled=False)
        assert (model(result).argmax(1) == label).all()
        written = torch.cat(published_in_l1(model, image, label, 0.02, [(6, 3), (6, 2), (8, 1)]))
        torch.testing.assert_close(torch.cat(watched.seen[1:]), written, rtol=0, atol=1e-7)
        other = Recorder(model)
        apgd(other, image, label, eps=0.02, norm="l1", steps=20, wide=True)
        assert not torch.allclose(torch.cat(other.seen[1:]), written)


def test_wide_ends_in_the_ball_after_two_larger_ones():
    model, images, labels = scene(4)
    seen = Recorder(model)
    found = apgd(seen, images, labels, eps=1e-3, steps=20, norm="l1", wide=True)
    assert (norms(found - images, "l1") <= 1e-3 * (1 + 1e-9)).all()
    reach = [norms(x - images, "l1").max().item() / 1e-3 for x in seen.seen[1:]]
    assert len(reach) == 7 + 7 + 9
    for part, radius in ((reach[:7], 3), (reach[7:14], 2), (reach[14:], 1)):
        assert radius - 1 < max(part) <= radius * (1 + 1e-6)


def test_in_the_larger_balls_nothing_counts_as_fooled():
    model, images, labels = scene(6)
    far = apgd(model, images, labels, eps=3.0, steps=20, norm="l1")
    assert (model(far).argmax(1) != labels).any()
    near = apgd(model, images, labels, eps=1.0, steps=20, norm="l1", wide=True)
    assert (norms(near - images, "l1") <= 1 + 1e-9).all()


@pytest.mark.parametrize(
    ("name", "given"),
    [("draws", {"draws": 0}), ("target_classes", {"target_classes": 0}), ("target_classes", {"target_classes": 4})],
)
def test_refusals(name, given):
    model, images, labels = scene(2)
    with refused(f"{name} .*expected"):
        apgd(model, images, labels, eps=0.1, **given)
    with refused("target_classes is given beside targets, expected one of them"):
        apgd(model, images, labels, eps=0.1, target_classes=2, targets=(labels + 1) % 4)
