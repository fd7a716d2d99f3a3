"""DI-FGSM against MI-FGSM, torch's own resizing and counted passes."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.attacks import difgsm, diversify, mifgsm
from advcourse.core.losses import cross_entropy
from advcourse.core.running import count_passes
from tests.support.affine import affine
from tests.support.recorders import Recorder
from tests.support.scenes import loss_gradient, scene, seeded
from tests.support.toys import pictures, smooth_cnn

EPS = 0.06


def test_without_resizing_it_is_mifgsm():
    model, images, labels = scene()
    plain = mifgsm(model, images, labels, eps=EPS)
    assert torch.equal(difgsm(model, images, labels, eps=EPS, probability=0.0), plain)
    torch.testing.assert_close(difgsm(model, images, labels, eps=EPS, smallest=1.0), plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 20, 30), (3, 32, 32), (2, 31, 9)])
def test_diversify_is_interpolate_and_pad(shape):
    """Each image is one of the few that torch's own resizing and padding can give; which, is drawn for each."""
    images = pictures(40, *shape).mul(0.9).add(0.1)  # no pixel is black: the frame is seen
    result = diversify(images, probability=1.0, smallest=0.8, generator=seeded(0))
    places = set()
    for image, view in zip(images, result, strict=True):
        rows, columns = ((view.amax((0, axis)) > 0).nonzero()[:, 0] for axis in (2, 1))
        top, left, tall, wide = (int(n) for n in (rows[0], columns[0], len(rows), len(columns)))
        small = F.interpolate(image[None], (tall, wide), mode="bilinear", align_corners=False)
        frame = (left, shape[2] - left - wide, top, shape[1] - top - tall)
        torch.testing.assert_close(view, F.pad(small, frame)[0], rtol=0, atol=1e-12)
        assert round(0.8 * shape[1]) <= tall <= shape[1] and abs(tall / shape[1] - wide / shape[2]) < 0.07
        places.add((top, left, tall, wide))
    assert len(places) >= 12


def test_diversify_leaves_the_share_that_it_should():
    images = pictures(400, 1, 20, 20)
    result = diversify(images, probability=0.3, smallest=0.5, generator=seeded(0))
    left = (result == images).flatten(1).all(1).double().mean()
    assert 0.63 < left < 0.80  # 0.7, and the draws that round to the full size


def test_diversify_lets_the_gradient_through():
    images = pictures(2, 1, 6, 7).requires_grad_()

    def drawn(x):
        return diversify(x, probability=1.0, smallest=0.6, generator=seeded(2))

    assert torch.autograd.gradcheck(drawn, images)


def test_the_gradient_is_taken_at_the_resized_image_and_the_iterate_judged_as_it_is():
    model, images = Recorder(affine(2, size=48)), pictures(3, 1, 6, 8)
    labels = model.model(images).argmax(1)
    settings = {"probability": 1.0, "smallest": 0.5}
    result = difgsm(model, images, labels, eps=EPS, steps=1, generator=seeded(1), **settings)

    def view(x):
        return diversify(x, generator=seeded(1), **settings)

    step = (images + EPS * loss_gradient(lambda x: model.model(view(x)), images, labels).sign()).clamp(0, 1)
    torch.testing.assert_close(torch.stack(model.seen), torch.stack([images, view(images), step]), rtol=0, atol=1e-12)
    better = cross_entropy(model.model(step), labels) > cross_entropy(model.model(images), labels)
    torch.testing.assert_close(result, torch.where(better[:, None, None, None], step, images).detach())


def test_every_step_draws_anew():
    images = pictures(2, 1, 20, 20)
    model = Recorder(smooth_cnn(channels=1))
    settings = {"probability": 1.0, "smallest": 0.5, "generator": seeded()}
    difgsm(model, images, torch.tensor([0, 1]), eps=0.0, steps=8, **settings)
    views = torch.cat([x[:1] for x in model.seen[1::2]])
    assert len(views) == 8 and len(views.flatten(1).unique(dim=0)) >= 5


def test_difgsm_costs_two_forwards_and_a_backward_per_step_and_one_forward():
    model, images, labels = scene()
    with count_passes(model) as passes:
        difgsm(model, images, labels, eps=EPS, steps=7)
    assert (passes.forwards, passes.backwards) == (6 * 15, 6 * 7)


def test_success_grows_with_eps():
    model, images, labels = scene(30)
    fooled = [(model(difgsm(model, images, labels, eps=eps)).argmax(1) != labels).sum() for eps in (0, 0.02, 0.2)]
    assert 0 == fooled[0] < fooled[1] < fooled[2]
