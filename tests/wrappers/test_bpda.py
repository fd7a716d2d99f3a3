"""A transform as it is, differentiated as another: whose values, whose gradient, whose draws."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from advcourse.attacks import deepfool, pgd
from advcourse.evaluation import evaluate
from advcourse.wrappers import bpda, eot, random_lighting, random_noise, random_rigid
from tests.support.refusals import refused
from tests.support.scenes import normal, scene, seeded
from tests.support.toys import pictures, smooth_cnn
from tests.support.traces import unchanged, undrawn


def quantised(images):
    return (images * 4).round() / 4


def through_numpy(images):
    return torch.from_numpy(np.round(images.numpy() * 4) / 4)


def smooth(images, generator=None):
    return torch.sin(3 * images) * images


def halved(images):
    return nn.functional.avg_pool2d(images, 2)


def pulled_back(transform, images, cotangent, *drawn):
    """The values, and the cotangent brought back to the images."""
    x = images.clone().requires_grad_()
    seen = transform(x, *drawn)
    return seen.detach(), torch.autograd.grad(seen, x, cotangent)[0]


@pytest.mark.parametrize(
    "transform", [quantised, through_numpy, torch.round], ids=["quantised", "numpy", "torch.round"]
)
def test_a_quantiser_has_the_gradient_of_the_identity(transform):
    images, cotangent = pictures(), normal(6, 2, 8, 6)
    seen, gradient = pulled_back(bpda(transform), images, cotangent)
    assert torch.equal(seen, transform(images)) and torch.equal(gradient, cotangent)
    if transform is quantised:
        assert (pulled_back(quantised, images, cotangent)[1] == 0).all()


@pytest.mark.parametrize("transform", [smooth, halved], ids=["smooth", "another shape"])
def test_a_transform_that_stands_in_for_itself_is_autograd_exactly(transform):
    images = pictures()
    cotangent = torch.randn_like(transform(images))
    for found, expected in zip(
        pulled_back(bpda(transform, transform), images, cotangent),
        pulled_back(transform, images, cotangent),
        strict=True,
    ):
        assert torch.equal(found, expected)


def test_the_gradient_is_of_the_stand_in_at_the_same_images():
    images, cotangent = pictures(), normal(6, 2, 8, 6)
    seen, gradient = pulled_back(bpda(quantised, smooth), images, cotangent)
    assert torch.equal(seen, quantised(images))
    expected = cotangent * (3 * torch.cos(3 * images) * images + torch.sin(3 * images))
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-14)
    assert not torch.allclose(gradient, pulled_back(smooth, quantised(images), cotangent)[1])


@pytest.mark.parametrize("transform", [random_noise(0.3), random_lighting(0.3, 0.3), random_rigid(2.0, 30.0)])
@pytest.mark.parametrize("given", [True, False], ids=["generator", "global state"])
def test_a_random_transform_and_its_stand_in_see_the_same_draws(transform, given):
    images, cotangent = pictures(), normal(6, 2, 8, 6)
    found = []
    for each in (bpda(transform, transform), transform):
        torch.manual_seed(3)
        drawn = (seeded(3),) if given else ()
        found.append(pulled_back(each, images, cotangent, *drawn))
        found[-1] += (drawn[0].get_state() if given else torch.get_rng_state(),)
    for ours, theirs in zip(*found, strict=True):
        assert torch.equal(ours, theirs)  # values, gradients, and where the draws go on


def test_a_generator_leaves_the_global_state_and_every_pass_draws_anew():
    images = pictures().requires_grad_()
    transform, generator = bpda(random_noise(0.3)), seeded()
    with undrawn():
        first, second = transform(images, generator), transform(images, generator)
        again = transform(images, seeded())
    assert torch.equal(first, again) and not torch.equal(first, second)


def test_without_gradients_it_is_the_transform_alone():
    def refuses(images):
        raise AssertionError("not needed")

    images = pictures()
    assert torch.equal(bpda(quantised, refuses)(images), quantised(images))
    with torch.no_grad():
        assert torch.equal(bpda(through_numpy)(images.requires_grad_()), quantised(images).detach())


def test_other_shapes_are_refused_where_the_identity_stands_in():
    for images in (pictures(), pictures().requires_grad_()):
        with pytest.raises(
            ValueError, match=r"transform returned \(6, 2, 4, 3\), expected \(6, 2, 8, 6\).*give backward"
        ):
            bpda(halved)(images)
    with pytest.raises(ValueError, match=r"backward returned \(6, 2, 8, 6\), expected \(6, 2, 4, 3\)"):
        bpda(halved, smooth)(images)
    with pytest.raises(ValueError, match="backward returned images without a graph .*expected differentiable"):
        bpda(quantised, torch.Tensor.detach)(images)


def test_what_cannot_be_called_is_refused():
    for bad in ((3,), (quantised, 3)):
        with pytest.raises(ValueError, match=r"(transform|backward) is a int, expected a callable"):
            bpda(*bad)


def test_modules_and_functions_of_images_alone_take_the_place_of_transforms():
    class Module(nn.Module):
        def forward(self, images):
            return quantised(images)

    class Levels:
        def __call__(self, images, levels=4):
            return (images * levels).round() / levels

    images = pictures().requires_grad_()
    for transform in (Module(), Levels(), quantised, lambda x, g: quantised(x), lambda x, generator=None: quantised(x)):
        for generator in (None, seeded()):
            assert torch.equal(bpda(transform)(images, generator), quantised(images))


def noisy(images, levels=4, generator=None):
    """Draws, and is told of its other argument."""
    return random_noise(0.1)(images, generator) * levels / 4


def by_name(images, *, generator=None):
    return noisy(images, 4, generator)


def by_place(images, generator=None, /):
    return noisy(images, 4, generator)


def of_any_name(images, g: "torch.Generator | None"):
    return noisy(images, 4, g)


def required(images, levels, generator=None):
    return noisy(images, levels, generator)


class Noisy(nn.Module):
    def forward(self, images, levels=4, *, generator=None):
        return noisy(images, levels, generator)


@pytest.mark.parametrize(
    "transform",
    [noisy, by_name, by_place, of_any_name, Noisy(), partial(required, levels=4), partial(noisy, levels=4)],
    ids=["third", "by name", "by place", "of any name", "module", "partial", "partial of a default"],
)
@pytest.mark.parametrize("given", [True, False], ids=["generator", "global state"])
def test_the_generator_takes_the_place_of_no_other_argument(transform, given):
    images = pictures().requires_grad_()
    for approximation in (None, transform):
        found = []
        for each in (bpda(transform, approximation), random_noise(0.1)):
            torch.manual_seed(3)
            found.append(each(images, *((seeded(3),) if given else ())))
        assert torch.equal(*found)


@pytest.mark.parametrize(
    "transform",
    [lambda x, levels=4: x * levels, lambda x, *rest: x * (4 + len(rest)), lambda x, **rest: x * (4 + len(rest))],
    ids=["default", "*args", "**kwargs"],
)
def test_what_takes_no_generator_is_handed_none(transform):
    images = pictures().requires_grad_()
    for generator in (None, seeded()):
        assert torch.equal(bpda(transform)(images, generator), images * 4)


def test_a_generator_that_is_bound_stays_where_no_other_is_given():
    bound = bpda(partial(random_noise(0.1), generator=seeded(5)))
    assert torch.equal(bound(pictures()), random_noise(0.1)(pictures(), seeded(5)))
    assert torch.equal(bound(pictures(), seeded(6)), random_noise(0.1)(pictures(), seeded(6)))


def test_transforms_that_ask_for_more_than_a_generator_are_refused():
    def annotated(images, levels: int):
        return images * levels

    for bad in (required, annotated, lambda x, *, levels: x, lambda x, g, levels: x, lambda: None):
        with refused(r"transform takes \(.*\), expected \(images\[, generator\]\)"):
            bpda(bad)
        with refused(r"backward takes \(.*\), expected \(images\[, generator\]\)"):
            bpda(quantised, bad)


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "no graph"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool, torch.float32])
def test_a_transform_keeps_the_precision(dtype, graph):
    images = pictures().requires_grad_(graph)
    for bad in (bpda(lambda x: x.to(dtype)), bpda(lambda x: x.to(dtype), smooth)):
        with refused(f"transform returned {dtype} on cpu, expected torch.float64 on cpu, as the images"):
            bad(images)


def test_what_comes_back_is_a_tensor_of_the_images_precision():
    images = pictures().requires_grad_()
    for bad, came in ((None, "NoneType"), ((images,), "tuple"), (np.zeros(3), "ndarray")):
        with refused(f"transform returned a {came}, expected a tensor"):
            bpda(lambda x, bad=bad: bad)(images)
        with refused(f"backward returned a {came}, expected a tensor"):
            bpda(quantised, lambda x, bad=bad: bad)(images)
    with refused("backward returned torch.float32 on cpu, expected torch.float64 on cpu, as the images"):
        bpda(quantised, lambda x: x.float())(images)


def test_under_autocast_a_transform_may_lower_the_precision():
    blur = nn.Conv2d(2, 2, 3, padding=1)
    images = pictures().float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        for transform in (bpda(blur), bpda(quantised, blur)):
            (gradient,) = torch.autograd.grad(transform(images).float().sum(), images)
            assert gradient.dtype == torch.float32 and gradient.abs().sum() > 0


def test_what_is_applied_to_no_images_or_with_no_generator_is_refused():
    for bad, came in ((None, "NoneType"), ([0.5], "list"), (np.zeros((1, 1, 2, 2)), "ndarray")):
        with refused(f"images is a {came}, expected a tensor"):
            bpda(quantised)(bad)
    with refused("images has dtype torch.uint8, expected floating point"):
        bpda(quantised)(torch.zeros(1, 1, 2, 2, dtype=torch.uint8))
    for bad, came in ((3, "int"), (np.random.default_rng(0), "Generator"), ("cpu", "str")):
        for transform in (quantised, random_noise(0.1)):
            with refused(f"generator is a {came}, expected a torch.Generator or None"):
                bpda(transform)(pictures(), bad)


def test_attacks_pass_through_a_defense_that_stops_gradients():
    network, images, labels = scene(12)
    labels = network(quantised(images)).argmax(1)

    def defended(x):
        return network(quantised(x))

    def approximated(x):
        return network(bpda(quantised)(x))

    with unchanged(network, images):
        blind, seeing = (pgd(model, images, labels, eps=0.15, steps=10) for model in (defended, approximated))
    fooled = [(defended(x).argmax(1) != labels).sum().item() for x in (blind, seeing)]
    assert fooled[0] == 0 and fooled[1] >= 6
    assert (defended(deepfool(approximated, images, labels)).argmax(1) != labels).sum() >= 6


def test_it_is_averaged_by_eot_and_measured_by_evaluate():
    network, images, labels = scene(8)

    def rounded(x, generator=None):
        return quantised(random_noise(0.1)(x, generator))

    view = eot(network, bpda(rounded, random_noise(0.1)), 4, generator=seeded())
    report = evaluate(
        lambda x: network(rounded(x)),
        lambda model, x, y: pgd(view, x, y, eps=0.2, steps=10, loss="nll"),
        images,
        labels,
        eps=0.2,
        norm="linf",
    )
    assert report.random and report.draws == 10
    assert report.robust_accuracy < report.clean_accuracy - 0.3


def test_batched_gradients_pass_through_it():
    network, images = smooth_cnn(), pictures(3).requires_grad_()
    logits = network(bpda(quantised)(images))
    rows = torch.eye(4, dtype=torch.float64)[:, None].expand(-1, 3, -1)
    (together,) = torch.autograd.grad(logits, images, rows, is_grads_batched=True, retain_graph=True)
    for k in range(4):
        torch.testing.assert_close(together[k], torch.autograd.grad(logits[:, k].sum(), images, retain_graph=True)[0])
    whole = torch.func.vmap(torch.func.grad(lambda x: network(bpda(quantised)(x[None])).sum()))(images.detach())
    torch.testing.assert_close(whole, together.sum(0).detach())
