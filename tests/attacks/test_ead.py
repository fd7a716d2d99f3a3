"""EAD against exact distances, FISTA written out, its search for constants, and counted passes."""

from functools import partial

import pytest
import torch

from advcourse.attacks import ead
from advcourse.core.balls import norms
from advcourse.core.running import count_passes
from tests.support.affine import affine, scattered
from tests.support.recorders import Recorder
from tests.support.scenes import gradient, scene
from tests.support.sparse import exact_sparse
from tests.support.toys import Constant, pictures

slow = partial(pytest.param, marks=pytest.mark.slow)
quick = {"steps": 30, "search_steps": 4, "initial_const": 0.1}


@pytest.mark.parametrize(("classes", "seed"), [(2, 0), slow(2, 1), slow(5, 0)])
def test_the_exact_distance_of_an_affine_model(classes, seed):
    model, images = affine(classes, seed), scattered(6)
    labels = model(images).argmax(1)
    result = ead(model, images, labels, beta=0.02, steps=300, search_steps=10, initial_const=0.01)
    ratio = norms(result - images, "l1") / exact_sparse(model, images, labels, "l1")
    assert (model(result).argmax(1) != labels).all()
    assert ratio.min() >= 1 - 1e-9 and ratio.max() <= 1.02


def written_out(model, image, label, steps, c, beta, target=None):
    """The y and x of one image at one constant, in the order in which the network sees them."""
    x, y, seen = image, image, []

    def smooth(y):
        z = model(y)[0]
        if target is None:
            hinge = (z[label] - torch.cat([z[:label], z[label + 1 :]]).max()).clamp(min=0)
        else:
            hinge = (torch.cat([z[:target], z[target + 1 :]]).max() - z[target]).clamp(min=0)
        return c * hinge + (y - image).square().sum()

    for k in range(steps):
        seen.append(y)
        z = y - 0.01 * (1 - k / steps) ** 0.5 * gradient(smooth, y)
        up, down = (z - beta).clamp(max=1), (z + beta).clamp(min=0)
        new = torch.where(z - image > beta, up, torch.where(z - image < -beta, down, image))
        seen.append(new)
        y = (new + k / (k + 3) * (new - x)).clamp(0, 1)
        x = new
    return torch.cat(seen)


@pytest.mark.parametrize("targeted", [False, True])
def test_fista_written_out(targeted):
    network, images, labels = scene(3)
    for i in range(3):
        model, target = Recorder(network), (labels[i] + 1) % 4
        aim = target[None] if targeted else None
        ead(model, images[[i]], labels[[i]], steps=20, search_steps=1, initial_const=30.0, targets=aim)
        expected = written_out(
            network, images[[i]], labels[i].item(), 20, 30.0, 0.01, target.item() if targeted else None
        )
        assert not torch.equal(expected[-1], images[i])
        torch.testing.assert_close(torch.cat(model.seen[1:]), expected, rtol=0, atol=1e-12)


def test_the_constant_rises_tenfold_and_is_halved_then():
    """Seen by what the network is shown: every constant starts at the image, and is tried as written out."""
    network, images, labels = scene(1)
    model = Recorder(network)
    ead(model, images, labels, steps=20, search_steps=6, initial_const=0.01)
    tried, failed, succeeded, c = model.seen[1:], 0.0, None, 0.01
    for search in range(6):
        seen = torch.cat(tried[40 * search : 40 * search + 40])
        torch.testing.assert_close(seen, written_out(network, images, labels.item(), 20, c, 0.01), rtol=0, atol=1e-12)
        if (network(seen[1::2]).argmax(1) != labels).any():
            succeeded = c
        else:
            failed = c
        c = 10 * c if succeeded is None else (failed + succeeded) / 2
    assert failed > 0 and succeeded is not None


def test_the_decision_rules_return_the_least_of_their_own():
    network, images, labels = scene(1)
    results = {}
    for decision in ("l1", "en"):
        model = Recorder(network)
        results[decision] = ead(model, images, labels, decision=decision, beta=0.02, **quick)
        seen = torch.cat(model.seen[2::2])
        delta = seen - images
        size = norms(delta, "l1")
        size = size if decision == "l1" else norms(delta, "l2").square() + 0.02 * size
        size = size.where(network(seen).argmax(1) != labels, torch.inf)
        assert torch.equal(results[decision][0], seen[size.argmin()])


def test_more_shrinkage_changes_fewer_entries():
    model, images, labels = scene(6)
    counts = []
    for beta in (0.0, 0.005, 0.05):
        result = ead(model, images, labels, beta=beta, **quick)
        assert (model(result).argmax(1) != labels).all()
        counts.append(result.ne(images).sum())
    assert counts[0] > 1.5 * counts[1] > 1.5 * 1.5 * counts[2]


def test_confidence_is_kept():
    model, images, labels = scene(6)
    result = ead(model, images, labels, confidence=0.5, **quick)
    z = model(result)
    own = z.gather(1, labels[:, None])[:, 0]
    others = z.scatter(1, labels[:, None], -torch.inf).amax(1)
    moved = result.ne(images).flatten(1).any(1)
    assert moved.sum() >= 4 and (others - own)[moved].min() >= 0.5


def test_cost_is_two_forwards_and_a_backward_per_step():
    model, images, labels = scene(5)
    labels[:2] = (labels[:2] + 1) % 4  # these leave at once
    with count_passes(model) as passes:
        ead(model, images, labels, steps=7, search_steps=3)
    assert (passes.forwards, passes.backwards) == (5 + 3 * 2 * 21, 3 * 21)


def test_a_gradient_of_zero_moves_nothing():
    images = pictures(3)
    assert torch.equal(ead(Constant(), images, torch.zeros(3, dtype=torch.int64), **quick), images)
