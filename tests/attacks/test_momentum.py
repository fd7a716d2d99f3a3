"""MI-FGSM and DI-FGSM against steps written out, torch's own resizing and counted passes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from advcourse.attacks import difgsm, diversify, mifgsm
from advcourse.core.losses import cross_entropy
from advcourse.core.running import count_passes
from tests.support.toys import Affine, pictures, smooth_cnn

EPS = 0.06


def scene(n=6):
    model, images = smooth_cnn(), pictures(n)
    return model, images, model(images).argmax(1)


class Recorder(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model, self.seen = model, []

    def forward(self, x):
        self.seen.append(x.detach().clone())
        return self.model(x)


def gradients(model, x, labels):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(cross_entropy(model(x), labels).sum(), x)[0]


def written_out(model, images, labels, steps, decay):
    """Every iterate of algorithm 1, one image at a time."""
    iterates = []
    for i in range(len(images)):
        x, momentum, row = images[[i]], torch.zeros_like(images[[i]]), [images[[i]]]
        for _ in range(steps):
            gradient = gradients(model, x, labels[[i]])
            momentum = decay * momentum + gradient / gradient.abs().sum()
            x = x + EPS / steps * momentum.sign()
            x = torch.min(torch.max(x, images[[i]] - EPS), images[[i]] + EPS).clamp(0, 1)
            row.append(x)
        iterates.append(torch.cat(row))
    return torch.stack(iterates, 1)  # (steps + 1, N, C, H, W)


# -- MI-FGSM


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
def test_mifgsm_is_the_papers_algorithm(decay):
    model, images, labels = scene()
    expected = written_out(model, images, labels, 6, decay)
    recorder = Recorder(model)
    result = mifgsm(recorder, images, labels, eps=EPS, steps=6, decay=decay)
    torch.testing.assert_close(torch.stack(recorder.seen), expected, rtol=0, atol=1e-12)
    losses = torch.stack([cross_entropy(model(x), labels) + 1e6 * (model(x).argmax(1) != labels) for x in expected])
    torch.testing.assert_close(result, expected[losses.argmax(0), torch.arange(6)], rtol=0, atol=1e-12)


def test_momentum_makes_a_difference():
    model, images, labels = scene()
    kept = mifgsm(model, images, labels, eps=EPS, decay=1.0)
    forgotten = mifgsm(model, images, labels, eps=EPS, decay=0.0)
    assert ((kept - forgotten).abs() > 1e-3).double().mean() > 0.02


class Bend(nn.Module):
    """A margin that rises gently up to a brightness of 0.505 and falls a thousand times as steeply beyond it."""

    def forward(self, x):
        mean = x.mean((1, 2, 3))
        return torch.stack([0 * mean, torch.where(mean < 0.505, mean, 0.505 - 1000 * (mean - 0.505))], 1)


def brightness(*starts):
    """Of each image, step by step; they are of classes 0, 1, …"""
    images = torch.tensor(starts, dtype=torch.float64).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    recorder = Recorder(Bend())
    mifgsm(recorder, images, torch.arange(len(starts)), eps=0.1, steps=3, step_size=0.01)
    return torch.stack([x.mean((1, 2, 3)) for x in recorder.seen], 1).tolist()


def test_early_gradients_weigh_as_much_as_later_ones():
    """Un-normalised, the steep second gradient would drown the first for good; of equal norm, the two cancel."""
    assert brightness(0.5) == [pytest.approx([0.5, 0.51, 0.51, 0.50], abs=1e-12)]


def test_gradients_are_normalised_image_by_image():
    """By the norm of the batch's gradient, an image beside a steeper one would step otherwise (trap 6)."""
    assert brightness(0.5, 0.9)[0] == pytest.approx(brightness(0.5)[0], abs=1e-12)


def test_mifgsm_goes_on_where_the_image_is_fooled():
    model, images, labels = scene()
    wrong = (labels + 1) % 4
    assert (mifgsm(model, images, wrong, eps=EPS) != images).flatten(1).any(1).all()


def test_mifgsm_costs_steps_forward_and_backward_and_one_forward():
    model, images, labels = scene()
    with count_passes(model) as passes:
        mifgsm(model, images, labels, eps=EPS, steps=7)
    assert (passes.forwards, passes.backwards) == (6 * 8, 6 * 7)
    with count_passes(model) as passes:
        difgsm(model, images, labels, eps=EPS, steps=7)
    assert (passes.forwards, passes.backwards) == (6 * 15, 6 * 7)


def test_success_grows_with_eps():
    model, images, labels = scene(30)
    for attack in (mifgsm, difgsm):
        fooled = [(model(attack(model, images, labels, eps=eps)).argmax(1) != labels).sum() for eps in (0, 0.02, 0.2)]
        assert 0 == fooled[0] < fooled[1] < fooled[2]


# -- DI-FGSM


def test_without_resizing_it_is_mifgsm():
    model, images, labels = scene()
    plain = mifgsm(model, images, labels, eps=EPS)
    assert torch.equal(difgsm(model, images, labels, eps=EPS, probability=0.0), plain)
    torch.testing.assert_close(difgsm(model, images, labels, eps=EPS, smallest=1.0), plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 20, 30), (3, 32, 32), (2, 31, 9)])
def test_diversify_is_interpolate_and_pad(shape):
    """Each image is one of the few that torch's own resizing and padding can give; which, is drawn for each."""
    images = pictures(40, *shape).mul(0.9).add(0.1)  # no pixel is black: the frame is seen
    result = diversify(images, probability=1.0, smallest=0.8, generator=torch.Generator().manual_seed(0))
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
    result = diversify(images, probability=0.3, smallest=0.5, generator=torch.Generator().manual_seed(0))
    left = (result == images).flatten(1).all(1).double().mean()
    assert 0.63 < left < 0.80  # 0.7, and the draws that round to the full size


def test_diversify_lets_the_gradient_through():
    images = pictures(2, 1, 6, 7).requires_grad_()

    def drawn(x):
        return diversify(x, probability=1.0, smallest=0.6, generator=torch.Generator().manual_seed(2))

    assert torch.autograd.gradcheck(drawn, images)


def test_the_gradient_is_taken_at_the_resized_image_and_the_iterate_judged_as_it_is():
    weight = torch.randn(2, 48, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    model, images = Recorder(Affine(weight)), pictures(3, 1, 6, 8)
    labels = model.model(images).argmax(1)
    result = difgsm(
        model,
        images,
        labels,
        eps=EPS,
        steps=1,
        probability=1.0,
        smallest=0.5,
        generator=torch.Generator().manual_seed(1),
    )
    view = diversify(images.requires_grad_(), probability=1.0, smallest=0.5, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad(cross_entropy(model.model(view), labels).sum(), images)
    step = (images + EPS * gradient.sign()).clamp(0, 1).detach()
    torch.testing.assert_close(torch.stack(model.seen), torch.stack([images, view, step]).detach(), rtol=0, atol=1e-12)
    better = cross_entropy(model.model(step), labels) > cross_entropy(model.model(images), labels)
    torch.testing.assert_close(result, torch.where(better[:, None, None, None], step, images).detach())


def test_every_step_draws_anew():
    images = pictures(2, 1, 20, 20)
    model = Recorder(smooth_cnn(channels=1))
    difgsm(
        model,
        images,
        torch.tensor([0, 1]),
        eps=0.0,
        steps=8,
        probability=1.0,
        smallest=0.5,
        generator=torch.Generator().manual_seed(0),
    )
    views = torch.cat([x[:1] for x in model.seen[1::2]])
    assert len(views) == 8 and len(views.flatten(1).unique(dim=0)) >= 5


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("probability", 1.5),
        ("probability", -0.1),
        ("smallest", -0.1),
        ("smallest", 1.1),
        ("decay", -1.0),
        ("steps", 0),
    ],
)
def test_bad_parameters_are_refused_by_name(name, bad):
    model, images, labels = scene(2)
    with pytest.raises(ValueError, match=f"{name} is .*expected"):
        difgsm(model, images, labels, **{"eps": EPS, name: bad})
