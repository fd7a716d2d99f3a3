"""Losses of attacked images: closed forms, by hand, and what they do to the model on the way."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from advcourse import training
from advcourse.attacks import fgsm, pgd
from advcourse.defenses import adversarial, awp, fast, free, mart, organic_and_perturbed, trades
from advcourse.defenses._trades import _farthest
from tests.support.affine import affine, scattered
from tests.support.recorders import Recorder
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.toys import smooth_cnn

EPS = 0.05


def two_classes():
    """A linear model, images away from the ends of the box, their labels, and each one's lead of the other class."""
    model, images = affine(2, bias=0.3), scattered()
    labels = torch.arange(len(images)) % 2
    logits = model(images)
    return model, images, labels, (logits[:, 1] - logits[:, 0]) * (1 - 2 * labels)


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2)])
def test_the_adversarial_loss_of_a_linear_model_is_that_of_a_lead_longer_by_the_dual_norm(norm, dual):
    model, images, labels, lead = two_classes()
    loss = adversarial(partial(fgsm, norm=norm), eps=EPS)(model, images, labels)
    worst = F.softplus(lead + EPS * torch.linalg.vector_norm(model.weight[1] - model.weight[0], dual))
    torch.testing.assert_close(loss, worst.mean())


def test_its_gradient_is_that_of_the_loss_at_the_attacked_images_held_still():
    model, images, labels = scene()
    attack = partial(pgd, eps=EPS, steps=3)
    found = torch.autograd.grad(adversarial(attack)(model, images, labels), list(model.parameters()))
    moved = attack(model, images, labels)
    expected = torch.autograd.grad(F.cross_entropy(model(moved), labels), list(model.parameters()))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_the_ball_grows_evenly_while_it_warms_up():
    network, images, labels = scene(4)
    loss, radii = adversarial(partial(pgd, steps=7, random_start=True), eps=0.3, warmup=4), []
    for _ in range(6):
        model = Recorder(network)
        loss(model, images, labels)
        radii.append(max((x - images).abs().max().item() for x in model.seen))
    assert radii == pytest.approx([0.075, 0.15, 0.225, 0.3, 0.3, 0.3])


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize(
    "make",
    [partial(make, partial(fgsm, eps=EPS)) for make in (adversarial, organic_and_perturbed, mart, awp)]
    + [partial(make, eps=EPS) for make in (trades, fast)],
    ids=lambda make: make.func.__name__,
)
def test_the_attack_sees_the_model_in_the_mode_that_is_asked_for(make, mode):
    """The batch normalisation of the attack is that of the images alone, or of their batch."""
    seen, model = [], smooth_cnn().train()
    _, images, labels = scene()
    model[1].register_forward_hook(lambda norm, x, y: seen.append(norm.training))
    make(mode=mode)(model, images, labels)
    assert seen[0] == (mode == "train") and seen[-1] and model.training and model[1].training


def test_a_frozen_batchnorm_stays_frozen_inside_and_after():
    model, images, labels = scene()
    model.train()[1].eval()
    seen = []
    model[1].register_forward_hook(lambda norm, x, y: seen.append(norm.training))
    adversarial(partial(fgsm, eps=EPS))(model, images, labels)
    assert not any(seen) and not model[1].training and model[4].training


def test_organic_and_perturbed_weighs_two_means():
    model, images, labels = scene()
    attack = partial(fgsm, eps=EPS)
    parts = [F.cross_entropy(model(x), labels) for x in (images, attack(model, images, labels))]
    found = organic_and_perturbed(attack, weights=(1, 0.2))(model, images, labels)
    torch.testing.assert_close(found, parts[0] + 0.2 * parts[1])


def test_trades_without_its_second_term_is_standard_and_with_it_adds_the_divergence_that_it_found():
    model, images, labels = scene()
    clean = F.cross_entropy(model(images), labels)
    torch.testing.assert_close(trades(eps=EPS, beta=0, steps=2)(model, images, labels), clean)
    recorder = Recorder(model)
    torch.manual_seed(0)
    found = trades(eps=EPS, beta=6, steps=5)(recorder, images, labels)
    p, q = (model(x).softmax(1) for x in (images, recorder.seen[-1]))
    torch.testing.assert_close(found, clean + 6 * (p * (p / q).log()).sum(1).mean())


def test_the_ascent_of_trades_comes_near_the_farthest_corner_and_stays_in_the_ball():
    """Of two classes and a linear model the divergence grows with the change of the lead, either way."""
    model, images, labels, lead = two_classes()
    torch.manual_seed(0)
    moved = _farthest(model, images, labels, EPS, steps=10, step_size=None, norm="linf")
    assert (moved - images).abs().max() <= EPS + 1e-12
    reach = EPS * (model.weight[1] - model.weight[0]).abs().sum()
    p = torch.sigmoid(lead)

    def divergence(other):
        q = torch.sigmoid(other)
        return p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()

    best = torch.maximum(divergence(lead + reach), divergence(lead - reach))
    logits = model(moved)
    found = divergence((logits[:, 1] - logits[:, 0]) * (1 - 2 * labels))
    sides = torch.minimum(divergence(lead + reach), divergence(lead - reach))
    assert ((found - best).abs().minimum((found - sides).abs()) < 1e-9).all()


def test_mart_is_its_formula_in_plain_probabilities():
    model, images, labels = scene()
    attack = partial(fgsm, eps=0.2)
    p, q = (model(x).softmax(1) for x in (images, attack(model, images, labels)))
    own = F.one_hot(labels, p.shape[1]).bool()
    boosted = -q[own].log() - (1 - q.masked_fill(own, 0).amax(1)).log()
    weighed = (p * (p / q).log()).sum(1) * (1 - p[own])
    torch.testing.assert_close(mart(attack, beta=5)(model, images, labels), (boosted + 5 * weighed).mean())


def test_mart_is_finite_where_a_wrong_class_has_all_the_probability():
    model, images, labels = scene(dtype=torch.float32)
    wrong = (labels + 1) % 4
    model[-1].weight.data.mul_(100)
    loss = mart(partial(fgsm, eps=0.01))(model, images, wrong)
    loss.backward()
    assert loss.isfinite() and all(held.grad.isfinite().all() for held in model.parameters())


def test_fast_takes_one_step_from_a_random_point_of_the_ball():
    model, images, labels, lead = two_classes()
    recorder = Recorder(model)
    torch.manual_seed(0)
    fast(eps=EPS)(recorder, images, labels)
    start, moved = recorder.seen
    sign = torch.sign((model.weight[1] - model.weight[0]) * (1 - 2 * labels)[:, None]).view(images.shape)
    expected = images + ((start - images) + 1.25 * EPS * sign).clamp(-EPS, EPS)
    assert (start - images).abs().max() <= EPS and (start - images).std() > EPS / 2
    torch.testing.assert_close(moved, expected)


def test_free_moves_the_perturbation_on_the_gradient_that_the_weights_descend_on():
    images, labels = scattered(4), torch.tensor([0, 1, 1, 0])
    model, by_hand = affine(2), affine(2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = free(eps=EPS)
    training.fit(model, (images, labels), loss, epochs=1, batch_size=2, optimizer=optimizer, replays=3, progress=False)
    order = torch.randperm(4, generator=torch.Generator().manual_seed(training.loop.mix(0, 0, 0)))
    delta = torch.zeros_like(images[:2])
    for batch in order.split(2):
        for _ in range(3):
            x = (images[batch] + delta).clamp(0, 1).requires_grad_()
            value = F.cross_entropy(by_hand(x), labels[batch])
            *slopes, rise = torch.autograd.grad(value, [*by_hand.parameters(), x])
            with torch.no_grad():
                for held, slope in zip(by_hand.parameters(), slopes, strict=True):
                    held -= 0.1 * slope
            delta = (delta + EPS * rise.sign()).clamp(-EPS, EPS)
    torch.testing.assert_close(model.weight, by_hand.weight)
    torch.testing.assert_close(loss.get_extra_state()["delta"], delta)


def test_free_keeps_what_a_smaller_batch_does_not_use():
    model, images, labels = scene()
    loss = free(eps=EPS)
    loss(model, images, labels).backward()
    before = loss.get_extra_state()["delta"].clone()
    loss(model, images[:2], labels[:2]).backward()
    after = loss.get_extra_state()["delta"]
    assert torch.equal(after[2:], before[2:]) and not torch.equal(after[:2], before[:2])


def test_awp_steps_from_the_weights_with_the_gradient_at_the_worst_ones():
    model, images, labels = scene()
    attack = partial(fgsm, eps=EPS)
    found = torch.autograd.grad(awp(attack, gamma=0.02)(model, images, labels), list(model.parameters()))
    moved, held = attack(model, images, labels), dict(model.named_parameters())
    slopes = dict(
        zip(held, torch.autograd.grad(F.cross_entropy(model(moved), labels), list(held.values())), strict=True)
    )
    worst = {
        name: (w + (0.02 * w.norm() * slopes[name] / slopes[name].norm() if w.dim() > 1 else 0))
        .detach()
        .requires_grad_()
        for name, w in held.items()
    }
    there = F.cross_entropy(functional_call(model, worst, (moved,)), labels)
    assert there > F.cross_entropy(model(moved), labels)
    for one, other in zip(found, torch.autograd.grad(there, list(worst.values())), strict=True):
        torch.testing.assert_close(one, other)


def test_an_attack_that_asks_for_targets_or_returns_no_images_is_refused():
    with refused("targets"):
        adversarial(lambda model, images, labels, targets: images)
    with refused("attack returned shape"):
        adversarial(lambda model, images, labels: images[:, :1])(*scene())
    with refused("attack returned a tuple"):
        mart(lambda model, images, labels: (images, labels))(*scene())
    with refused("warmup is 3"):
        adversarial(partial(fgsm, eps=EPS), warmup=3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: adversarial(partial(pgd, eps=0.1, steps=4)),
        lambda: organic_and_perturbed(partial(pgd, eps=0.1, steps=4)),
        lambda: trades(eps=0.1, steps=4),
        lambda: mart(partial(pgd, eps=0.1, steps=4)),
        lambda: fast(eps=0.1),
        lambda: awp(partial(pgd, eps=0.1, steps=4)),
    ],
    ids=["adversarial", "organic_and_perturbed", "trades", "mart", "fast", "awp"],
)
def test_training_raises_the_accuracy_under_an_attack_that_it_did_not_see(make, digits_split):
    trained = digits_split(make())
    assert trained > digits_split(training.standard_loss) + 0.1


def test_free_training_does_so_too(digits_split):
    standard = digits_split(training.standard_loss, epochs=32)
    assert digits_split(free(eps=0.1), epochs=8, replays=4) > standard + 0.1


@pytest.fixture(scope="module")
def digits_split():
    """Accuracy of a small network on digits held out, under PGD in l2, after training with a loss."""
    from advcourse import data

    images, labels, _ = data.load("digits", "train", n=600)
    tests, test_labels, _ = data.load("digits", "test", n=300)
    known = {}

    def measured(loss, epochs=12, replays=1):
        if (loss, epochs) not in known:
            torch.manual_seed(0)
            size = images[0].numel()
            model = nn.Sequential(nn.Flatten(), nn.Linear(size, 32), nn.ReLU(), nn.Linear(32, 10))
            optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
            training.fit(
                model,
                (images, labels),
                loss,
                epochs=epochs,
                batch_size=64,
                optimizer=optimizer,
                replays=replays,
                progress=False,
            )
            moved = pgd(model, tests, test_labels, eps=0.8, steps=20, norm="l2")
            known[loss, epochs] = training.accuracy(model, moved, test_labels)
        return known[loss, epochs]

    return measured
