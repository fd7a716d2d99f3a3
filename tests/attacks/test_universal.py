"""Universal perturbations: closed forms, what v promises, and what is measured on it."""

import numpy as np
import pytest
import torch

from advcourse.attacks import universal_deepfool, universal_sgd
from advcourse.attacks._universal import capped_gradient
from advcourse.core.running import count_passes
from advcourse.evaluation import fooling_rate, inner_products, shown
from tests.support.affine import length
from tests.support.scenes import normal, seeded
from tests.support.toys import Affine, Breaks, Constant, pictures, smooth_cnn
from tests.support.traces import MODES, in_use, unchanged, undrawn

D = 2 * 8 * 6
METHODS = {"deepfool": universal_deepfool, "sgd": universal_sgd}
both = pytest.mark.parametrize("method", ["deepfool", "sgd"])


def seek(model, images, *, method="deepfool", **settings):
    return METHODS[method](model, images, progress=False, **settings)


def plane(seed: int = 0, classes: int = 2, bias: float = 0.0) -> Affine:
    """An affine model that sees a grey image at a distance of ``bias`` / |w_0 - w_1| from its boundary."""
    weight = normal(classes, D, seed=seed)
    weight -= weight.mean(1, keepdim=True)
    offset = torch.zeros(classes, dtype=torch.float64)
    offset[0] = bias
    return Affine(weight, offset)


def greys(n: int = 8, spread: float = 0.2) -> torch.Tensor:
    return 0.5 + spread * (torch.rand(n, 2, 8, 6, generator=seeded(7), dtype=torch.float64) - 0.5)


# -- closed forms


def test_on_one_image_it_is_the_exact_distance_of_an_affine_model():
    """min over k of |f_k - f_0| / |w_k - w_0|, times DeepFool's overshoot."""
    model, images = plane(classes=5, bias=4.0), greys(1)
    logits = model(images)[0].detach()
    gaps, label = logits.max() - logits, logits.argmax()
    slopes = (model.weight - model.weight[label]).detach().norm(dim=1)
    exact = (gaps / slopes)[torch.arange(5) != label].min().item()
    v = seek(model, images, eps=10.0, norm="l2")
    assert exact < v.norm().item() <= 1.02 * exact * (1 + 1e-9)
    assert fooling_rate(model, v, images) == 1
    eps = 0.8 * v.abs().max().item()  # linf: the same change, cut pixel by pixel
    torch.testing.assert_close(seek(model, images, eps=eps, epochs=1), v.clamp(-eps, eps), rtol=0, atol=1e-9)


@both
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_black_and_white_pixels_are_moved(method, level):
    """Trap: a clamp that passes no gradient at exactly 0 and 1 leaves the black border of digits alone."""
    images = torch.full((3, 2, 8, 6), level, dtype=torch.float64)
    model = plane()
    model.bias.data[0] += 2.0 - (model(images)[0, 0] - model(images)[0, 1]).item()  # class 0, by a margin of 2
    v = seek(model, images, eps=0.2, method=method, epochs=1)
    inwards = (model.weight[1] - model.weight[0]).detach().view(2, 8, 6) * (1 - 2 * level) > 0
    assert (v[inwards] != 0).all()
    assert fooling_rate(model, v, images) == 1


def test_sgd_reaches_the_best_perturbation_of_an_affine_model():
    """All images in class 0 of two: the best v of the ball is eps sign(w_1 - w_0), or eps times that direction."""
    model, images = plane(bias=8.0), greys()
    assert (model(images).argmax(1) == 0).all()
    difference = (model.weight[1] - model.weight[0]).detach().view(2, 8, 6)
    settings = {"method": "sgd", "batch_size": 3, "delta": 0, "epochs": 5, "cap": 1e9}
    with_eps = {"linf": 0.23 * difference.sign(), "l2": 0.23 * difference / difference.norm()}
    for norm, best in with_eps.items():
        v = seek(model, images, eps=0.23, norm=norm, **settings)
        torch.testing.assert_close(v, best, rtol=0, atol=1e-9)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_batches_of_one_are_the_papers_algorithm(order):
    """Two images on one side of a plane, written out: each is sent over the boundary from where v has brought it."""
    model = plane(bias=9.0)
    slope = (model.weight[1] - model.weight[0]).detach()
    images = greys(2, spread=0.05)
    seed = next(s for s in range(99) if tuple(torch.randperm(2, generator=seeded(s)).tolist()) == order)
    v = torch.zeros(D, dtype=torch.float64)
    for i in order:
        gap = (model(images[[i]] + v.view(1, 2, 8, 6)) @ torch.tensor([1.0, -1.0]).double()).item()
        if gap > 0:
            v = v + 1.02 * gap / slope.norm() ** 2 * slope
    found = seek(model, images, eps=9.0, norm="l2", generator=seeded(seed))
    torch.testing.assert_close(found.flatten(), v, rtol=0, atol=1e-9)


# -- what goes wrong


@both
@pytest.mark.parametrize("last", [0, 6, 8], ids=["grey", "white", "black"])
def test_v_is_not_the_clipped_difference_of_an_image(method, last):
    """Trap 16: cut v at the box of the image at hand, and white images erase its positive pixels."""
    model, images = plane(bias=2.0), greys(6, spread=0.05)
    images = torch.cat([images, torch.ones_like(images[:2]), torch.zeros_like(images[:2])])
    slope = (model.weight[1] - model.weight[0]).detach().view(2, 8, 6)
    seed = next(s for s in range(999) if torch.randperm(10, generator=seeded(s))[-1] == last)
    v = seek(model, images, eps=0.02, method=method, epochs=1, batch_size=1, generator=seeded(seed))
    assert (v * slope > 0).all()
    if method == "sgd":
        torch.testing.assert_close(v, 0.02 * slope.sign(), rtol=0, atol=1e-9)


@both
def test_it_hands_back_the_perturbation_and_not_images(method):
    """Trap 16: what is learnt on some images fools others, which it was never shown."""
    model = smooth_cnn()
    images, unseen = pictures(40).split(20)
    v = seek(model, images, eps=0.25, method=method, delta=0.1, epochs=5, generator=seeded())
    assert v.shape == images.shape[1:] and v.min() < 0 < v.max()
    changed = shown(unseen, v)
    assert changed.min() >= 0 and changed.max() <= 1
    fooled = (model(changed).argmax(1) != model(unseen).argmax(1)).double().mean().item()
    assert fooling_rate(model, v, unseen) == fooled >= 0.4
    assert fooling_rate(model, v.flip(0, 2), unseen) < fooled  # not whatever is that large


@pytest.mark.parametrize(("method", "norm"), [("deepfool", "linf"), ("deepfool", "l2"), ("sgd", "l2")])
def test_more_passes_never_fool_fewer(method, norm):
    """Trap 13: of several passes the best one counts, not the last."""
    model, images = smooth_cnn(), pictures(12)
    eps = 0.12 if norm == "linf" else 0.6
    settings = {"eps": eps, "norm": norm, "method": method, "delta": 0}
    settings |= {"step_size": eps, "momentum": 0.0} if method == "sgd" else {}
    rates = [
        fooling_rate(model, seek(model, images, epochs=n, batch_size=4, generator=seeded(2), **settings), images)
        for n in range(1, 9)
    ]
    assert rates == sorted(rates)


def test_the_cap_is_on_each_images_loss():
    """Trap 14: capped after the mean, images far beyond the boundary go on pulling, or silence the whole batch."""
    model, images = plane(classes=3), greys(4)
    labels = model(images).argmin(1)  # far beyond
    labels[:2] = model(images[:2]).argmax(1)
    v = torch.zeros_like(images[:1])
    losses = torch.nn.functional.cross_entropy(model(images), labels, reduction="none")
    cap = (losses[:2].max() + losses[2:].min()).item() / 2
    assert losses[:2].max() < cap < losses[2:].min()
    capped = capped_gradient(model, images, labels, v, cap)
    torch.testing.assert_close(capped, capped_gradient(model, images[:2], labels[:2], v, 1e9) / 2, rtol=0, atol=1e-12)


@both
def test_nan_logits_leave_a_finite_perturbation(method):
    images = greys(4, spread=0.0)
    assert seek(Breaks(0.48), images, eps=0.3, method=method).isfinite().all()


@both
def test_a_model_that_cannot_be_fooled_gives_zero(method):
    assert torch.equal(seek(Constant(), pictures(3), eps=0.1, method=method), torch.zeros(2, 8, 6).double())


# -- cost


def test_sgd_costs_a_forward_and_a_backward_per_image_and_pass():
    model, images = smooth_cnn(), pictures(10)
    with count_passes(model) as passes:
        seek(model, images, eps=0.01, method="sgd", delta=0, epochs=3, batch_size=4)
    assert (passes.forwards, passes.backwards) == (10 + 3 * (10 + 10), 3 * 10)


def test_deepfool_works_on_images_not_yet_fooled_alone():
    """Images that v fools cost one forward pass; here the first one's change fools all that follow."""
    model, images = plane(bias=5.0), greys(1).repeat(6, 1, 1, 1)
    with count_passes(model) as passes:
        seek(model, images, eps=9.0, norm="l2")
    assert (passes.forwards, passes.backwards) == (6 + 6 + 1 + 6, 1)


def test_it_stops_when_enough_are_fooled():
    model, images = smooth_cnn(), pictures(12)

    def cost(delta):
        with count_passes(model) as passes:
            seek(model, images, eps=0.4, method="sgd", delta=delta, epochs=6, batch_size=4, generator=seeded())
        return passes.backwards

    assert cost(0) == 6 * 12 > cost(0.5)


# -- contracts


@both
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_result_is_finite_in_the_ball_and_without_a_graph(method, norm, dtype):
    model, images = smooth_cnn(dtype=dtype), pictures(dtype=dtype)
    eps = {"linf": 0.1, "l2": 0.5}[norm]
    v = seek(model, images, eps=eps, norm=norm, method=method, epochs=5, batch_size=4)
    assert v.shape == (2, 8, 6) and v.dtype == dtype and v.isfinite().all() and v.abs().max() > 0
    assert not v.requires_grad and v.grad_fn is None
    assert length(v[None], norm) <= eps * (1 + 1e-6)


@both
@pytest.mark.parametrize("mode", MODES)
def test_nothing_else_has_changed(method, mode):
    """Trap 7: parameters' gradients left filled, buffers moved; trap 10: a frozen BatchNorm that trains again."""
    model, images = in_use(smooth_cnn(), mode), pictures().requires_grad_()
    with unchanged(model, images), undrawn():
        seek(model, images, eps=0.1, method=method, epochs=2, batch_size=4, generator=seeded())


@both
def test_the_generator_decides_all(method):
    model, images = smooth_cnn(), pictures(12)
    first, again, other = (
        seek(model, images, eps=0.1, method=method, epochs=1, batch_size=2, generator=seeded(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert not inner_products(torch.stack([first, other]))[0, 1].item() > 1 - 1e-6


@both
def test_inside_no_grad_and_inference_mode_and_for_a_plain_function(method):
    model, images = smooth_cnn(), pictures()

    def run(f, x):
        return seek(f, x, eps=0.1, method=method, epochs=1, batch_size=3, generator=seeded())

    plain = run(model, images)
    with torch.no_grad():
        assert torch.equal(run(model, images), plain)
    with torch.inference_mode():
        assert torch.equal(run(model, images.clone()), plain)
    assert torch.equal(run(lambda x: model(x), images), plain)
    assert torch.equal(run(model.requires_grad_(False), images), plain)


def test_the_bar_goes_to_stdout_and_can_be_left_out(capsys):
    model, images = smooth_cnn(), pictures(3)
    universal_sgd(model, images, eps=0.1, epochs=1)
    assert "fooled" in (printed := capsys.readouterr()).out and not printed.err
    seek(model, images, eps=0.1, method="sgd", epochs=1)
    assert not any(capsys.readouterr())


BAD = [{"eps": -0.1}, {"eps": float("nan")}, {"eps": "0.1"}, {"norm": "l1"}, {"delta": -0.1}, {"delta": 1.5}]
BAD += [{"epochs": 0}, {"epochs": 1.5}, {"batch_size": 0}]
BAD_DEEPFOOL = [{"steps": 0}, {"overshoot": -1.0}, {"candidates": 9}]
BAD_SGD = [{"step_size": -1.0}, {"momentum": 1.1}, {"momentum": -0.1}, {"cap": -1.0}]


@pytest.mark.parametrize(
    ("method", "bad"),
    [("deepfool", bad) for bad in BAD + BAD_DEEPFOOL] + [("sgd", bad) for bad in BAD + BAD_SGD],
    ids=str,
)
def test_bad_arguments_are_refused_by_name(method, bad):
    given = {"eps": 0.1, **bad}
    with pytest.raises(ValueError, match=f"{next(iter(bad))}.*expected"):
        seek(smooth_cnn(), pictures(2), method=method, **given)


def test_bad_tensors_are_refused_by_name():
    model, images = smooth_cnn(), pictures(2)
    for wrong in (images[0], images * 2, images[:0], (images * 255).byte(), images / 0):
        with pytest.raises(ValueError, match="images.*expected"):
            seek(model, wrong, eps=0.1)
    with pytest.raises(ValueError, match="model.*expected"):
        seek(model, images.float(), eps=0.1)


def test_counts_may_be_numpys():
    model, images = smooth_cnn(), pictures(4)
    for method in ("deepfool", "sgd"):
        v = seek(model, images, eps=np.float32(0.1), method=method, epochs=np.int64(1), batch_size=np.int64(3))
        assert 0 < v.abs().max() <= 0.1 + 1e-8
