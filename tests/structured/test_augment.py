"""Structured augmentation: the attacks' single step, its cost, and its place in training."""

from functools import partial

import pytest
import torch
from torch import nn

from advcourse import training
from advcourse.core.losses import cross_entropy
from advcourse.core.running import count_passes
from advcourse.core.warps import rigid
from advcourse.structured import (
    augmented,
    basis_operator,
    cache_eigenbases,
    eigenbases,
    flow,
    flow_field,
    flow_step,
    random_flow_step,
    random_recolor_step,
    recolor,
    recolor_step,
    warp,
)
from advcourse.training import image_by_image
from tests.support.toys import pictures, smooth_cnn
from tests.support.traces import in_use, unchanged

K = 5


@pytest.fixture
def scene(tmp_path):
    model, images = smooth_cnn(), 0.25 + 0.5 * pictures(6)
    labels = torch.arange(6) % 4
    cache = cache_eigenbases(images, K, tmp_path, progress=False)
    return model, images, labels, cache


def both(cache, **shared):
    return {
        "flow": partial(flow_step, gamma=1.0, max_displacement=0.3, **shared),
        "recolor": partial(recolor_step, bases=cache, strength=0.05, **shared),
    }


def at_random(cache, **shared):
    return {
        "random flow": partial(random_flow_step, gamma=1.0, max_displacement=0.3, **shared),
        "random recolor": partial(random_recolor_step, bases=cache, strength=0.05, **shared),
    }


@pytest.mark.parametrize("name", ["flow", "recolor"])
def test_the_step_is_that_of_the_attack(name, scene):
    model, images, labels, cache = scene
    stepped = both(cache)[name](model, images, labels)
    attacks = {
        "flow": partial(flow, gamma=1.0, max_displacement=0.3),
        "recolor": partial(recolor, strength=0.05, operator=basis_operator(eigenbases(images, K))),
    }
    with torch.no_grad():
        rose = cross_entropy(model(stepped), labels) > cross_entropy(model(images), labels)
    assert rose.sum() >= 4  # where it fell, the attack gives the image back
    attacked = attacks[name](model, images, labels)
    torch.testing.assert_close(stepped[rose], attacked[rose], rtol=0, atol=1e-12)
    assert not stepped.requires_grad


def test_settings_reach_the_step(scene):
    model, images, labels, cache = scene
    stepped = flow_step(model, images, labels, gamma=7.0, max_displacement=0.1)
    attacked = flow(model, images, labels, gamma=7.0, max_displacement=0.1)
    recoloured = recolor_step(model, images, labels, bases=cache, strength=0.02, rho=0.3, alpha=2.0)
    expected = recolor(
        model, images, labels, strength=0.02, operator=basis_operator(eigenbases(images, K), rho=0.3, alpha=2.0)
    )
    for made, attack in ((stepped, attacked), (recoloured, expected)):
        with torch.no_grad():
            rose = cross_entropy(model(made), labels) > cross_entropy(model(images), labels)
        assert rose.sum() >= 4
        torch.testing.assert_close(made[rose], attack[rose], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["flow", "recolor"])
def test_it_costs_one_forward_and_one_backward_pass(name, scene):
    """The attack's last forward pass, which asks what fools, is not made."""
    model, images, labels, cache = scene
    with count_passes(model) as passes:
        both(cache)[name](model, images, labels)
    assert (passes.forwards, passes.backwards) == (6, 6)


@pytest.mark.parametrize("name", ["flow", "recolor"])
def test_nothing_else_has_changed(name, scene):
    """In training mode BatchNorm would count the images twice, and parameters would keep the attack's gradient."""
    model, images, labels, cache = scene
    in_use(model, "train")
    with unchanged(model, images, labels):
        both(cache)[name](model, images, labels)


@pytest.mark.parametrize("name", ["flow", "recolor"])
def test_uniform_lengths_are_each_images_own(name, scene):
    model, images, labels, cache = scene
    model.eval()
    whole = both(cache)[name](model, images, labels) - images
    torch.manual_seed(0)
    part = both(cache, uniform=True)[name](model, images, labels) - images
    torch.manual_seed(0)
    again = both(cache, uniform=True)[name](model, images, labels) - images
    assert torch.equal(part, again)
    shares = part.flatten(1).norm(dim=1) / whole.flatten(1).norm(dim=1)
    assert (shares < 1).all() and shares.max() - shares.min() > 0.3
    if name == "recolor":  # a change of colours is linear in its length
        torch.testing.assert_close(part, shares[:, None, None, None] * whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["random flow", "random recolor"])
def test_the_control_is_the_operator_on_noise_at_the_same_length(name, scene):
    model, images, labels, cache = scene
    torch.manual_seed(3)
    moved = at_random(cache)[name](model, images, labels)
    torch.manual_seed(3)
    noise = torch.randn_like(images)
    if name == "random flow":
        field = flow_field(noise, images, gamma=1.0)
        expected = warp(images, 0.3 * field / field.norm(dim=1).amax((1, 2))[:, None, None, None])
    else:
        change = basis_operator(eigenbases(images, K))(noise)
        expected = images + 0.05 * change / change.abs().amax((1, 2, 3), keepdim=True)
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-12)
    assert (moved - images).flatten(1).norm(dim=1).min() > 1e-3


@pytest.mark.parametrize("name", ["random flow", "random recolor"])
def test_the_control_asks_nobody_and_draws_from_the_global_generators(name, scene):
    model, images, labels, cache = scene
    step = at_random(cache, uniform=True)[name]
    torch.manual_seed(1)
    with count_passes(model) as passes, unchanged(model, images, labels):
        first = step(model, images, labels)
        second = step(model, images, labels)
    assert (passes.forwards, passes.backwards) == (0, 0) and not torch.equal(first, second)
    torch.manual_seed(1)
    assert torch.equal(step(nn.Flatten(), images, labels.flip(0)), first)
    torch.manual_seed(1)
    whole = at_random(cache)[name](model, images, labels) - images
    shares = (first - images).flatten(1).norm(dim=1) / whole.flatten(1).norm(dim=1)
    assert (shares < 1).all() and shares.max() - shares.min() > 0.3


def test_the_perturbation_comes_first_then_the_augmentation_then_the_loss():
    seen = []

    def perturb(model, images, labels):
        seen.append(("perturb", images.sum().item()))
        return images / 2

    def augment(images):
        seen.append(("augment", images.sum().item()))
        return images + 0.25

    def loss(model, images, labels):
        seen.append(("loss", images.sum().item()))
        return images.mean()

    images = torch.ones(1, 1, 2, 2)
    value = augmented(perturb, augment, loss)(nn.Identity(), images, torch.zeros(1, dtype=torch.long))
    assert seen == [("perturb", 4), ("augment", 2), ("loss", 3)] and value == 0.75
    assert augmented(None, None, loss)(nn.Identity(), images, None) == 1


def test_fit_trains_on_perturbed_images_and_resumes_bit_by_bit(scene, tmp_path):
    _, images, labels, cache = scene
    images, labels = images.float().repeat(4, 1, 1, 1), labels.repeat(4)
    cache = cache_eigenbases(images, K, tmp_path / "float", progress=False)
    losses = {
        name: augmented(step, partial(training.random_crop, padding=1))
        for name, step in (both(cache, uniform=True) | at_random(cache, uniform=True) | {"none": None}).items()
    }

    def run(loss, epochs, checkpoint=None):
        model = smooth_cnn(dtype=torch.float32)
        history = training.fit(
            model, (images, labels), loss, epochs=epochs, batch_size=8, checkpoint=checkpoint, progress=False
        )
        return model.state_dict(), history

    ends = {}
    for name, loss in losses.items():
        whole, history = run(loss, 3)
        assert history[-1]["loss"] < history[0]["loss"]
        run(loss, 1, tmp_path / f"{name}.pt")
        resumed, _ = run(loss, 3, tmp_path / f"{name}.pt")
        assert all(torch.equal(whole[key], resumed[key]) for key in whole)
        ends[name] = torch.cat([value.flatten() for value in whole.values() if value.is_floating_point()])
    assert len({tuple(end.tolist()) for end in ends.values()}) == 5  # no two of them train alike


def test_augmented_images_have_no_basis(scene):
    """A crop before the structured step would pair an image with another's contours."""
    model, images, labels, cache = scene
    moved = rigid(images, 1.0, 0.0, 0.0)
    for step in (recolor_step, random_recolor_step):
        with pytest.raises(
            ValueError, match="images holds 6 of 6 that are not in the cache .*expected images as they were"
        ):
            step(model, moved, labels, bases=cache, strength=0.1)


@pytest.mark.parametrize("bad", [{"gamma": -1.0}, {"max_displacement": -1.0}, {"max_displacement": float("nan")}])
def test_bad_parameters_of_the_flow_are_refused(bad, scene):
    model, images, labels, _ = scene
    for step in (flow_step, random_flow_step):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} is .*expected"):
            step(model, images, labels, **({"gamma": 1.0, "max_displacement": 1.0} | bad))


@pytest.mark.parametrize("bad", [{"strength": -0.1}, {"rho": -1.0}, {"alpha": 0.0}])
def test_bad_parameters_of_the_recolouring_are_refused(bad, scene):
    model, images, labels, cache = scene
    for step in (recolor_step, random_recolor_step):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} is .*expected"):
            step(model, images, labels, bases=cache, **({"strength": 0.1} | bad))


def test_what_is_no_cache_is_refused(scene):
    model, images, labels, _ = scene
    for step in (recolor_step, random_recolor_step):
        with pytest.raises(ValueError, match="bases is a NoneType, expected the BasisCache"):
            step(model, images, labels, bases=None, strength=0.1)


# -- policies of torchvision


def test_a_policy_draws_anew_for_every_image():
    torch.manual_seed(0)
    images = torch.full((40, 3, 4, 4), 128 / 255)
    changed = image_by_image(lambda x: x + torch.randint(0, 9, ()).byte())(images)
    levels = changed.mul(255).round().flatten(1)
    assert (levels == levels[:, :1]).all() and len(levels[:, 0].unique()) > 4
    assert changed.dtype == images.dtype


@pytest.mark.parametrize("name", ["AutoAugment", "RandAugment"])
def test_torchvisions_policies_keep_images_images(name):
    v2 = pytest.importorskip("torchvision.transforms.v2")
    images = pictures(12, 3, 16, 16, dtype=torch.float32)
    torch.manual_seed(0)
    changed = image_by_image(getattr(v2, name)())(images)
    assert changed.shape == images.shape and changed.min() >= 0 and changed.max() <= 1
    levels = changed * 255
    assert (levels - levels.round()).abs().max() < 1e-4
    assert (changed - images).abs().max() > 1 / 255
    torch.testing.assert_close(image_by_image(lambda x: x)(images), images, rtol=0, atol=0.5 / 255 + 1e-6)
    with pytest.raises(ValueError, match="images ranges over .*expected"):  # bytes would wrap around
        image_by_image(lambda x: x)(images + 0.5)
