"""I-FGSM stops image by image: closed forms, recorded iterates and counted passes."""

import torch

from advcourse.attacks import ifgsm
from advcourse.core.losses import cross_entropy, margin
from advcourse.core.running import count_passes
from tests.support.affine import affine, scattered
from tests.support.recorders import Recorder
from tests.support.scenes import loss_gradient
from tests.support.toys import Ripples


def test_a_targeted_step_descends_the_targets_loss():
    model, images = affine(5, 3), scattered(4)
    labels, targets = model(images).argsort(1, descending=True)[:, [0, 2]].T
    expected = images - 0.03 * loss_gradient(model, images, targets).sign()
    torch.testing.assert_close(ifgsm(model, images, labels, step_size=0.03, steps=1, targets=targets), expected)


def test_ifgsm_stops_at_the_first_step_that_fools():
    """On two classes every step lowers the margin by step_size * |w_0 - w_1|_1 while the box is not met."""
    model, images = affine(2), scattered(8)
    labels = model(images).argmax(1)
    slope = (model.weight[0] - model.weight[1]).detach()
    clean = -margin(model(images), labels)
    needed = (clean / (0.004 * slope.abs().sum())).floor() + 1
    assert len(needed.unique()) >= 3
    result = ifgsm(model, images, labels, step_size=0.004, steps=100)
    torch.testing.assert_close((result - images).abs().amax((1, 2, 3)), 0.004 * needed.detach())
    assert (model(result).argmax(1) != labels).all()


def test_ifgsm_pays_only_for_images_still_worked_on():
    model, images = affine(2), scattered(8)
    labels = model(images).argmax(1)
    with count_passes(model) as together:
        result = ifgsm(model, images, labels, step_size=0.004, steps=100)
    steps = ((result - images).abs().amax((1, 2, 3)) / 0.004).round()
    assert together.forwards == (steps + 1).sum()
    assert steps.sum() <= together.backwards <= (steps + 1).sum() - 1
    for i in range(8):  # one image: the pass that finds it fooled needs no gradient
        with count_passes(model) as alone:
            ifgsm(model, images[[i]], labels[[i]], step_size=0.004, steps=100)
        assert (alone.forwards, alone.backwards) == (steps[i] + 1, steps[i])


def test_ifgsm_returns_the_iterate_of_highest_loss_where_none_fools():
    model = Recorder(Ripples())
    images, labels = torch.full((1, 1, 3, 4), 0.44, dtype=torch.float64), torch.tensor([0])
    result = ifgsm(model, images, labels, step_size=0.02, steps=9)
    losses = torch.stack([cross_entropy(model.model(x), labels)[0] for x in model.seen])
    assert len(model.seen) == 10 and 0 < losses.argmax() < 9
    torch.testing.assert_close(result, model.seen[losses.argmax()], rtol=0, atol=1e-12)


def test_ifgsm_without_a_ball_may_leave_it():
    model, images = affine(2), scattered(4)
    labels = model(images).argmax(1)
    free = ifgsm(model, images, labels, step_size=0.01, steps=100)
    held = ifgsm(model, images, labels, step_size=0.01, steps=100, eps=0.005)
    assert (free - images).abs().max() > 0.01
    assert (held - images).abs().max() <= 0.005 + 1e-12
