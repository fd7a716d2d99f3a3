"""Recolouring against dense solves, null spaces and planted eigenvectors; the attack's promises."""

import math
import sys
from functools import partial

import pytest
import torch
from torch import nn

from advcourse import data, models
from advcourse.attacks import pgd
from advcourse.core.balls import norms
from advcourse.core.losses import cross_entropy, input_gradient
from advcourse.core.running import count_passes
from advcourse.structured import (
    Basis,
    basis_operator,
    edge_correlation,
    eigenbases,
    eigenbasis,
    eigenvectors,
    flow_field,
    learned_basis,
    recolor,
    recolor_operator,
)
from tests.structured import dense
from tests.support.recorders import watched
from tests.support.scenes import normal, scene
from tests.support.toys import pictures, smooth_cnn

FLOOR = 0.05
FORMS = {"literal": (2.0, 0.0), "edge-weighted": (0.0, 3.0), "both": (2.0, 3.0), "neither": (0.0, 0.0)}
forms = pytest.mark.parametrize("form", FORMS)


def regions(height=12, width=15):
    """Three regions of one colour each, with strong edges between them, and the number of each pixel's region."""
    x = torch.arange(width).expand(height, width)
    number = (x >= 5).long() + (x >= 9).long()
    colours = torch.tensor([[0.1, 0.5, 0.9], [0.9, 0.2, 0.4], [0.3, 0.9, 0.1]], dtype=torch.float64)
    return colours[number].permute(2, 0, 1), number


# -- the operator against dense solves


@forms
@pytest.mark.parametrize("solver", ["cg", "lu"])
@pytest.mark.parametrize("weight", ["norm", "strength"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_change_is_the_dense_solution(form, solver, weight, channels):
    """Woodbury's system of N unknowns gives what the whole one of C N gives."""
    images, gradient = pictures(2, channels, 6, 5), normal(2, channels, 6, 5)
    lam, rho = FORMS[form]
    settings = {"lam": lam, "rho": rho, "alpha": 0.7, "weight": weight, "floor": FLOOR}
    change = recolor_operator(images, solver=solver, tolerance=1e-13, **settings)(gradient)
    torch.testing.assert_close(change, dense.recolor(gradient, images, **settings), rtol=0, atol=1e-10)


@pytest.mark.parametrize("solver", ["cg", "lu"])
def test_at_32_pixels_too(solver):
    images, gradient = pictures(1, 1, 32, 32), normal(1, 1, 32, 32)
    settings = {"lam": 0.0, "rho": 10.0, "alpha": 1.0, "weight": "strength", "floor": FLOOR}
    change = recolor_operator(images, solver=solver, tolerance=1e-13, **settings)(gradient)
    torch.testing.assert_close(change, dense.recolor(gradient, images, **settings), rtol=0, atol=1e-10)


@pytest.mark.parametrize("alpha", [1.0, 1e-3])
@forms
def test_the_residual_is_that_of_the_whole_system(form, alpha):
    """Stopped at the inner system's residual, Woodbury's form leaves more than that in its own."""
    images, gradient = pictures(2, 3, 12, 10), normal(2, 3, 12, 10)
    lam, rho = FORMS[form]
    change = recolor_operator(images, lam=lam, rho=rho, alpha=alpha, solver="cg")(gradient)
    for z, g, image in zip(change, gradient, images, strict=True):
        a, smooth = dense.photometric(image, "strength", FLOOR), dense.smoothness(image, "strength", FLOOR)
        left = g.flatten() - alpha * z.flatten() - lam * a.T @ (a @ z.flatten())
        left -= rho * torch.block_diag(*[smooth] * 3) @ z.flatten()
        assert left.norm() <= 1.01e-5 * g.norm()


@forms
def test_the_solvers_agree_in_float32(form):
    images, gradient = pictures(2, 3, 12, 10, dtype=torch.float32), normal(2, 3, 12, 10).float()
    lam, rho = FORMS[form]
    by_cg, by_lu = (recolor_operator(images, lam=lam, rho=rho, solver=s)(gradient) for s in ("cg", "lu"))
    assert by_cg.dtype == by_lu.dtype == torch.float32
    assert (by_cg - by_lu).norm() <= 1e-4 * by_lu.norm()


@pytest.mark.parametrize("solver", ["cg", "lu"])
def test_float32_images_are_solved_in_float64(solver):
    """Worked in float32, the change is off by eight times what rounding the result leaves: weights reach 10,000."""
    coarse, gradient = pictures(2, 3, 6, 5, dtype=torch.float32), normal(2, 3, 24, 20).float() + 1
    images = nn.functional.interpolate(coarse, size=(24, 20), mode="bilinear")
    exact = recolor_operator(images.double(), floor=0.01, solver="lu")(gradient.double())
    change = recolor_operator(images, floor=0.01, solver=solver, tolerance=1e-7)(gradient)
    assert change.dtype == torch.float32
    error, uneven = (z - z.mean((2, 3), keepdim=True) for z in (change.double() - exact, exact))
    assert error.norm() < 6e-6 * uneven.norm()


def test_as_alpha_vanishes_the_deck_keeps_the_null_space_of_a():
    """The pseudo-inverse of M would throw away just that part."""
    images, gradient = pictures(1, 3, 6, 5), normal(1, 3, 6, 5)
    change = recolor_operator(images, lam=1.0, rho=0.0, alpha=1e-9, weight="norm", solver="lu")(gradient)
    a = dense.photometric(images[0], "norm", FLOOR)
    null = torch.linalg.svd(a).Vh[torch.linalg.matrix_rank(a) :]
    projected = (null.T @ (null @ gradient.flatten())).view_as(gradient)
    torch.testing.assert_close(1e-9 * change, projected, rtol=0, atol=1e-7)
    pseudo = (torch.linalg.pinv(a.T @ a) @ gradient.flatten()).view_as(gradient)
    assert (pseudo * projected).sum().abs() < 1e-8 * pseudo.norm() * projected.norm()


def share(operator, noise):
    """How much of the noise's energy is left along the change."""
    change = operator(noise)
    return ((change * noise).sum() / change.norm() / noise.norm()) ** 2


def test_the_deck_lets_two_thirds_of_noise_through_and_the_smooth_form_little():
    """The literal operator is no recolouring: noise passes, and where the image is flat all of it."""
    images, noise = pictures(1, 3, 12, 10), normal(1, 3, 12, 10)
    half_flat = images.clone()
    half_flat[..., :6] = 0.5

    def literal(images):
        return recolor_operator(images, lam=1.0, rho=0.0, alpha=1e-6, solver="lu")

    assert share(literal(images), noise) == pytest.approx((2 * 120 + 1) / 360, abs=0.05)
    assert share(literal(half_flat), noise) > 0.75
    smooth = recolor_operator(half_flat, rho=10.0, solver="lu")
    flat = smooth(noise)[0, :, :, :5]
    assert flat.std((1, 2)).max() < 0.05 * noise.std()
    kept = literal(half_flat)(1e-6 * noise)[0, :, :, :5]
    assert kept.std((1, 2)).min() > 0.8 * noise.std()


def test_changes_are_even_inside_regions_and_free_across_contours():
    image, number = regions()
    noise = normal(1, 3, *number.shape) + number  # the regions' own means differ
    change = recolor_operator(image[None], rho=100.0, floor=1e-3, solver="lu")(noise)[0]
    means = torch.stack([noise[0, :, number == r].mean(1) for r in range(3)])
    for r in range(3):
        assert change[:, number == r].std(1).max() < 0.01 * means.std()
    between = [change[:, number == r].mean(1) for r in range(3)]
    assert (between[0] - between[1]).abs().min() > 0.005 * means.std()


def test_the_operator_is_built_once_and_serves_any_gradient():
    images = pictures(2, 3)
    for solver in ("cg", "lu"):
        operator = recolor_operator(images, solver=solver, tolerance=1e-12)
        first, second = normal(2, 3, 8, 6), normal(2, 3, 8, 6, seed=1)
        torch.testing.assert_close(
            operator(2 * first - second), 2 * operator(first) - operator(second), rtol=0, atol=1e-10
        )
        assert ((operator(first) * first).sum((1, 2, 3)) > 0).all()


# -- eigenvectors


def test_the_eigenvectors_of_a_flat_image_are_cosines():
    """Planted: its weights are alike, so L_w is the path Laplacians' sum."""
    height, width, k = 9, 13, 12
    basis = eigenbasis(torch.full((3, height, width), 0.4, dtype=torch.float64), k, floor=0.1)
    rows, row_values = eigenvectors(height, "neumann", torch.device("cpu"), torch.float64)
    columns, column_values = eigenvectors(width, "neumann", torch.device("cpu"), torch.float64)
    values, order = (100 * (row_values[:, None] + column_values)).flatten().sort()
    torch.testing.assert_close(basis.values, values[:k], rtol=1e-9, atol=1e-9)
    for vector, i in zip(basis.vectors, order[:k].tolist(), strict=True):
        planted = torch.outer(rows[i // width], columns[i % width])
        assert (vector * planted).sum().abs() == pytest.approx(1, abs=1e-9)


def test_the_leading_eigenvectors_are_the_regions():
    """Of three regions between strong edges; the fourth is not constant inside them."""
    image, number = regions()
    basis = eigenbasis(image, 4, floor=1e-3)
    spread = torch.stack([basis.vectors[:, number == r].std(1) for r in range(3)]).amax(0)
    assert spread[:3].max() < 1e-4 * basis.vectors[:3].std()
    assert spread[3] > 0.01
    assert 1e3 * basis.values[2] < basis.values[3]


@pytest.mark.parametrize(("height", "width"), [(6, 5), (18, 15)])
def test_they_are_the_lowest_of_a_dense_solution(height, width):
    image, k = pictures(1, 3, height, width)[0], 7
    basis = eigenbasis(image, k)
    laplacian = dense.smoothness(image, "strength", FLOOR)
    values, vectors = torch.linalg.eigh(laplacian)
    torch.testing.assert_close(basis.values, values[:k].clamp_min(0), rtol=1e-8, atol=1e-8)
    v = basis.vectors.flatten(1)
    torch.testing.assert_close(v @ v.T, torch.eye(k, dtype=torch.float64), rtol=0, atol=1e-10)
    assert (laplacian @ v.T - v.T * basis.values).abs().max() < 1e-8 * values.max()
    assert torch.linalg.svdvals(v @ vectors[:, :k]).min() > 1 - 1e-9
    assert (v.gather(1, v.abs().argmax(1, keepdim=True)) > 0).all()


def push_out(count):
    """So many bases of other images."""
    for image in pictures(count, 1, 4, 4):
        eigenbasis(image, 2)


@pytest.fixture
def solves(monkeypatch):
    """Calls of ARPACK from now on, one for each basis that is found anew of an image of more than 64 pixels."""
    push_out(128)  # what earlier tests have found
    return watched(monkeypatch, sys.modules["advcourse.structured._eigenbasis"], "eigsh")


def test_a_basis_is_the_same_whenever_it_is_found(solves):
    """Without a start of its own ARPACK draws one, and every run gives other digits."""
    image = pictures(1, 3, 18, 15)[0]
    first = eigenbasis(image, 7)
    push_out(128)
    assert all(torch.equal(a, b) for a, b in zip(first, eigenbasis(image, 7), strict=True))
    assert len(solves) == 2


def test_a_basis_is_found_once_per_image(solves):
    image = pictures(1, 3, 10, 9)[0]
    first = eigenbasis(image, 5)
    expected = first.vectors.clone()
    first.vectors.zero_()  # the caller's own copy
    assert torch.equal(eigenbasis(image.clone(), 5).vectors, expected) and len(solves) == 1
    eigenbasis(image, 6), eigenbasis(image, 5, floor=0.1), eigenbasis(image, 5, weight="norm")
    eigenbasis(image.transpose(1, 2), 5), eigenbasis(image.flip(2), 5)
    assert len(solves) == 6
    image[0, 0, 0] = 1 - image[0, 0, 0]
    assert not torch.equal(eigenbasis(image, 5).vectors, expected) and len(solves) == 7


def test_the_bases_of_the_last_128_images_are_kept(solves):
    image, other = pictures(2, 1, 9, 10)
    eigenbasis(image, 2), push_out(126), eigenbasis(other, 2)
    assert len(solves) == 2
    eigenbasis(image, 2)  # the 128th last, and now the last
    assert len(solves) == 2
    push_out(127)
    eigenbasis(image, 2)
    assert len(solves) == 2
    eigenbasis(other, 2)
    assert len(solves) == 3


def test_the_whole_basis_is_the_whole_operator():
    images, gradient = pictures(2, 3, 6, 5), normal(2, 3, 6, 5)
    basis = eigenbases(images, 30)
    expected = recolor_operator(images, rho=3.0, alpha=0.5, solver="lu")(gradient)
    torch.testing.assert_close(basis_operator(basis, rho=3.0, alpha=0.5)(gradient), expected, rtol=0, atol=1e-10)


def test_no_operator_computes_in_the_precision_of_autocast():
    """It rounds to eight bits: the change would leave the basis's span by a quarter of a per cent."""
    images, gradient = pictures(2, 3, 6, 5, dtype=torch.float32), normal(2, 3, 6, 5).float()
    for operator in (
        basis_operator(eigenbases(images, 4)),
        recolor_operator(images, solver="cg"),
        recolor_operator(images, solver="lu"),
        partial(flow_field, images=images, gamma=2.0),
    ):
        expected = operator(gradient)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(operator(gradient), expected)


def test_a_few_vectors_are_the_operator_on_their_span():
    images, gradient = pictures(2, 3, 6, 5), normal(2, 3, 6, 5)
    basis = eigenbases(images, 4)
    v = basis.vectors.flatten(2)
    inside = (gradient.flatten(2) @ v.mT @ v).view_as(gradient)
    expected = recolor_operator(images, rho=3.0, solver="lu")(inside)
    torch.testing.assert_close(basis_operator(basis, rho=3.0)(gradient), expected, rtol=0, atol=1e-10)


def test_a_learned_basis_finds_the_patterns_of_a_set():
    """Planted: images that vary along three patterns, each twice as much as the next."""
    patterns = torch.linalg.qr(normal(48, 3)).Q.T.view(3, 8, 6)
    scores = torch.linalg.qr(normal(40, 4) - normal(40, 4).mean(0)).Q[:, :3]
    scores = (scores - scores.mean(0)) * torch.tensor([0.4, 0.2, 0.1], dtype=torch.float64)
    images = 0.5 + torch.einsum("nk,khw->nhw", scores, patterns).view(20, 2, 8, 6)
    basis = learned_basis(images, 3)
    assert basis.vectors.shape == (3, 8, 6)
    overlap = (basis.vectors.flatten(1) @ patterns.flatten(1).T).abs()
    torch.testing.assert_close(overlap, torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-6)
    torch.testing.assert_close(basis.values, torch.tensor([1.0, 4.0, 16.0]).double(), rtol=1e-6, atol=0)
    with pytest.raises(ValueError, match="k is 4, expected at most 3"):
        learned_basis(images, 4)
    model = smooth_cnn()
    assert not torch.equal(
        recolor(model, images, model(images).argmax(1), strength=0.2, operator=basis_operator(basis)), images
    )


# -- the attack


def middling(n=4):
    """Images that a change of 0.2 leaves in the box."""
    return 0.3 + 0.4 * pictures(n)


@pytest.mark.parametrize("with_basis", [False, True])
def test_one_step_is_the_scaled_change(with_basis):
    model, images = smooth_cnn(), middling()
    labels = model(images).argmax(1)
    x = images.clone().requires_grad_()
    loss = cross_entropy(model(x), labels)
    gradient = input_gradient(loss, x)
    basis = eigenbases(images, 6) if with_basis else None
    shared = {"rho": 2.0, "alpha": 0.2}
    operator = basis_operator(basis, **shared) if with_basis else recolor_operator(images, **shared)
    change = operator(gradient)
    change = images + 0.05 * change / change.abs().amax((1, 2, 3), keepdim=True)
    assert (cross_entropy(model(change), labels) > loss).all()
    result = recolor(model, images, labels, strength=0.05, operator=operator)
    torch.testing.assert_close(result, change, rtol=0, atol=1e-5)


def test_targeted_it_lowers_the_loss_of_the_target():
    """Raising that of the true class lowers it too, often, but by another change."""
    model, images = smooth_cnn(), middling(8)
    labels = model(images).argmax(1)
    targets = (labels + 1) % 4
    x = images.clone().requires_grad_()
    loss = cross_entropy(model(x), targets)
    operator = recolor_operator(images)
    change = operator(input_gradient(-loss, x))
    change = images + 0.05 * change / change.abs().amax((1, 2, 3), keepdim=True)
    assert (cross_entropy(model(change), targets) < loss).all()
    result = recolor(model, images, labels, strength=0.05, operator=operator, targets=targets)
    torch.testing.assert_close(result, change, rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 6])
def test_steps_stay_within_the_strength_and_in_the_operators_range(steps):
    """Clipping each pixel to the strength would leave the range: contours would move."""
    model, images = smooth_cnn(), middling()
    labels = model(images).argmax(1)
    basis = eigenbases(images, 5)
    change = recolor(model, images, labels, strength=0.2, steps=steps, operator=basis_operator(basis)) - images
    assert (norms(change, "linf") <= 0.2 * (1 + 1e-12)).all()
    assert norms(change, "linf").max() > 0.1999999
    v = basis.vectors.flatten(2)
    outside = change.flatten(2) - change.flatten(2) @ v.mT @ v
    assert outside.abs().max() < 1e-12


def test_a_basis_serves_another_model_and_one_serves_all(solves):
    images = pictures(3, height=9, width=8)
    basis = eigenbases(images, 6)
    push_out(128)
    for model in (smooth_cnn(), nn.Sequential(nn.Flatten(), nn.Linear(144, 4)).double()):
        labels = model(images).argmax(1)
        result = recolor(model, images, labels, strength=0.2, operator=basis_operator(basis))
        assert not torch.equal(result, images)
    assert len(solves) == 3
    shared = Basis(basis.vectors[0], basis.values[0])
    several = Basis(basis.vectors[:1].expand(3, -1, -1, -1), basis.values[:1].expand(3, -1))
    torch.testing.assert_close(
        recolor(model, images, labels, strength=0.2, operator=basis_operator(shared)),
        recolor(model, images, labels, strength=0.2, operator=basis_operator(several)),
    )


@pytest.mark.parametrize("steps", [1, 4])
def test_it_costs_steps_forward_and_backward_and_one_forward(steps):
    model, images, labels = scene(5)
    with count_passes(model) as passes:
        recolor(model, images, labels, strength=0.2, steps=steps)
    assert (passes.forwards, passes.backwards) == (5 * (steps + 1), 5 * steps)


def test_without_an_operator_it_is_the_default_one():
    model, images, labels = scene(3)
    inside, built = (
        recolor(model, images, labels, strength=0.2, steps=3, **given)
        for given in ({}, {"operator": recolor_operator(images)})
    )
    assert torch.equal(inside, built) and not torch.equal(inside, images)
    for bad in (3, "lu"):
        with pytest.raises(ValueError, match="operator .*expected a callable"):
            recolor(model, images, labels, strength=0.2, operator=bad)


def test_what_describes_an_operator_has_no_other_door():
    """Settings given to the attack instead of the operator are refused, not ignored."""
    model, images = smooth_cnn(), pictures(2)
    labels, operator = model(images).argmax(1), recolor_operator(images)
    for name in ("basis", "lam", "rho", "alpha", "weight", "floor", "solver"):
        with pytest.raises(TypeError, match=name):
            recolor(model, images, labels, strength=0.2, operator=operator, **{name: 1.0})


@pytest.mark.data
def test_photographs_are_recoloured_and_keep_their_contours():
    """Beside PGD of the same L2: its contours are lost where those of the recoloured image stay."""
    model = models.load("cifar10/resnet20").eval()
    images, labels = data.load("cifar10", "test", n=100)[:2]
    x = images.clone().requires_grad_()
    before = cross_entropy(model(x), labels)
    change = recolor_operator(images)(input_gradient(before, x))
    with torch.no_grad():
        small = images + 0.002 * change / change.abs().amax((1, 2, 3), keepdim=True)
        rises = cross_entropy(model(small.clamp(0, 1)), labels) > before
    assert rises.double().mean() >= 0.99
    images, labels = images[:20], labels[:20]
    recoloured = recolor(model, images, labels, strength=0.2)
    reached = norms(recoloured - images, "l2").mean().item()
    noisy = pgd(model, images, labels, eps=reached, norm="l2", steps=1, step_size=reached)
    kept, lost = (edge_correlation(images, x).mean() for x in (recoloured, noisy))
    assert kept > 0.98 and lost < 0.8
    assert (model(recoloured).argmax(1) != labels).double().mean() > 0.4


# -- bad input


@pytest.mark.parametrize(
    "bad",
    [
        {"lam": -1.0},
        {"rho": -1.0},
        {"rho": math.nan},
        {"alpha": 0},
        {"alpha": -1.0},
        {"weight": "root"},
        {"floor": 0},
        {"solver": "qr"},
        {"tolerance": 0},
    ],
)
def test_bad_parameters_of_the_operator_are_refused_by_name(bad):
    """alpha = 0 is the deck's equation 42, which has no minimum."""
    with pytest.raises(ValueError, match=f"{next(iter(bad))} is .*expected"):
        recolor_operator(pictures(1, 3), **bad)


def test_a_basis_of_other_images_is_refused():
    model, images = smooth_cnn(), pictures(3)
    labels, basis = model(images).argmax(1), eigenbases(images, 4)
    for bad in (
        Basis(basis.vectors[:2], basis.values[:2]),
        Basis(basis.vectors, basis.values[:, :2]),
        Basis(basis.vectors.mT, basis.values),
        Basis(basis.vectors.float(), basis.values.float()),
        Basis(basis.vectors * math.nan, basis.values),
        basis.vectors,
        ([1.0], basis.values),
    ):
        with pytest.raises(ValueError, match="basis .*expected"):
            recolor(model, images, labels, strength=0.1, operator=basis_operator(bad))
    with pytest.raises(ValueError, match="gradient is .*expected"):
        recolor_operator(images)(images[:1])
    for bad in ({"rho": -1.0}, {"alpha": 0.0}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} is .*expected"):
            basis_operator(basis, **bad)
    for bad in (images[:2], images.mT, images.float()):
        with pytest.raises(ValueError, match="basis .*expected"):
            basis_operator(basis)(bad)
    for broken in (lambda g: g[:1], lambda g: None, lambda g: g / 0):
        with pytest.raises(ValueError, match="the operator's result .*expected"):
            recolor(model, images, labels, strength=0.1, operator=broken)
    for half in (eigenbasis, learned_basis):
        with pytest.raises(ValueError, match="has dtype torch.float16, expected torch.float32 or torch.float64"):
            half(images[0].half() if half is eigenbasis else images.half(), 2)
    for k in (0, 49, 2.5):
        with pytest.raises(ValueError, match="k is .*expected"):
            eigenbasis(images[0], k)
    with pytest.raises(ValueError, match="image .*expected"):
        eigenbasis(images, 3)
