"""Expectation over transformation: whose gradient it is, what it costs, where its draws come from."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from advcourse.attacks import pgd
from advcourse.core.losses import LOSSES
from advcourse.core.running import count_passes
from advcourse.wrappers import compose, eot, random_lighting, random_noise, random_rigid
from tests.support.affine import affine
from tests.support.recorders import Recorder
from tests.support.scenes import gradient, loss_gradient, seeded
from tests.support.toys import pictures, smooth_cnn
from tests.support.traces import in_use, unchanged, undrawn

SCALES = torch.tensor([1.4, -1.2, 0.6, -0.9, 0.7], dtype=torch.float64)
SHIFTS = torch.tensor([0.6, 0.0, -0.4, 0.9, 0.2], dtype=torch.float64)


def known(images, generator=None):
    """Five draws in place of random ones: image i of every repetition sees scale and shift i."""
    n = len(images) // 5
    scale, shift = (v.repeat_interleave(n)[:, None, None, None] for v in (SCALES, SHIFTS))
    return scale * images + shift


def labelled(n=4):
    return smooth_cnn(), pictures(n), torch.arange(n) % 4


def plane():
    return affine(3, 2), pictures(3, 1, 3, 4), torch.tensor([2, 0, 1])


def mean_of_gradients(model, images, labels):
    draws = zip(SCALES, SHIFTS, strict=True)
    return torch.stack([loss_gradient(lambda x, s=s, b=b: model(s * x + b), images, labels) for s, b in draws]).mean(0)


def relative(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


# -- the gradient


def test_nll_has_the_mean_of_the_draws_gradients():
    model, images, labels = labelled()
    found = gradient(lambda x: LOSSES["nll"](eot(model, known, 5)(x), labels), images)
    torch.testing.assert_close(found, mean_of_gradients(model, images, labels), rtol=0, atol=1e-14)


def test_the_cross_entropy_of_mean_logits_has_another_gradient():
    """Averaging logits is not the expectation of the loss; nor is ``loss="ce"``, which takes the softmax of the
    averages once more and so comes to the same."""
    model, images, labels = plane()
    expected = mean_of_gradients(model, images, labels)

    def mean_logits(x):
        logits = model(known(x.repeat(5, 1, 1, 1))).unflatten(0, (5, len(x)))
        return F.cross_entropy(logits.mean(0), labels, reduction="none")

    assert relative(gradient(mean_logits, images), expected) > 0.5
    assert relative(gradient(lambda x: LOSSES["ce"](eot(model, known, 5)(x), labels), images), expected) > 0.5


def test_an_affine_model_has_the_gradient_of_the_formula():
    r"""For z = W (s x + b): the mean over draws of s W^T (softmax z - e_y)."""
    model, images, labels = plane()
    expected = torch.zeros(3, 12, dtype=torch.float64)
    for s, b in zip(SCALES, SHIFTS, strict=True):
        share = ((s * images.flatten(1) + b) @ model.weight.T).softmax(1) - F.one_hot(labels, 3)
        expected += s * share @ model.weight / 5
    found = gradient(lambda x: LOSSES["nll"](eot(model, known, 5)(x), labels), images)
    torch.testing.assert_close(found.flatten(1), expected.detach(), rtol=0, atol=1e-14)


def test_pgd_follows_the_mean_gradient():
    model, images, labels = labelled()
    images = 0.4 + 0.2 * images
    expected = images + 0.03 * mean_of_gradients(model, images, labels).sign()
    result = pgd(eot(model, known, 5), images, labels, eps=0.03, steps=1, step_size=0.03, loss="nll")
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


def test_targeted_pgd_follows_the_difference_of_two_mean_gradients():
    model, images, labels = labelled()
    images, targets = 0.4 + 0.2 * images, (labels + 1) % 4
    ascent = mean_of_gradients(model, images, labels) - mean_of_gradients(model, images, targets)
    result = pgd(eot(model, known, 5), images, labels, eps=0.03, steps=1, step_size=0.03, loss="nll", targets=targets)
    moved = (result != images).flatten(1).any(1)
    assert moved.any()
    torch.testing.assert_close(result[moved], (images + 0.03 * ascent.sign())[moved], rtol=0, atol=1e-12)


def test_one_draw_is_not_enough():
    """The error of the estimate falls as the root of the number of draws."""
    model, images, labels = labelled(1)
    shaky = random_noise(0.3)

    def estimates(samples, repeats=30):
        view = eot(model, shaky, samples, generator=seeded())
        return torch.stack([gradient(lambda x: LOSSES["nll"](view(x), labels), images) for _ in range(repeats)])

    best = estimates(2000, 1)[0]
    one, many = ((estimates(n) - best).flatten(1).pow(2).sum(1).mean() for n in (1, 25))
    assert 15 < one / many < 40


# -- what a pass costs


def test_a_pass_costs_a_row_per_draw_and_image():
    model, images, labels = labelled()
    view = eot(model, known, 5)
    with count_passes(model) as rows, count_passes(view) as passes:
        pgd(view, images, labels, eps=0.1, steps=3, loss="nll")
    assert (rows.forwards, rows.backwards) == (5 * 4 * 4, 5 * 4 * 3)
    assert (passes.forwards, passes.backwards) == (4 * 4, 4 * 3)


@pytest.mark.parametrize("batch_size", [1, 3, 20, 21])
def test_batches_of_rows_give_the_same_for_less_memory(batch_size):
    model, images, labels = labelled()
    view, small = (
        eot(model, random_noise(0.1), 5, generator=torch.Generator(), batch_size=b) for b in (None, batch_size)
    )
    sizes = []
    found = []
    handle = model[0].register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    for each in (small, view):
        each.generator.manual_seed(3)
        found.append(gradient(lambda x, each=each: LOSSES["nll"](each(x), labels), images))
        if each is small:
            handle.remove()
    torch.testing.assert_close(*found, rtol=0, atol=1e-14)
    assert max(sizes) <= batch_size
    again = 2 if batch_size < 20 else 1  # run again in the backward pass, in place of being kept
    assert sum(sizes) == again * 20


def test_batches_of_rows_keep_no_activations():
    """A loop over batches alone would keep them all for the backward pass."""
    model, images, _ = labelled()
    kept = []

    def pack(tensor):
        kept.append(tensor.numel())
        return tensor

    view = eot(model, known, 5, batch_size=4)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        view(images.clone().requires_grad_())
    assert sum(kept) < 5 * images.numel() * 3  # the first layer's activations alone are four times the images


# -- the draws


def test_every_pass_draws_anew_for_every_image():
    """Steps that see one frozen draw fit it; so does a draw shared by the batch."""
    model = Recorder(lambda x: torch.stack([x.mean((1, 2, 3)), -x.mean((1, 2, 3))], 1))
    images, labels = pictures(1).expand(3, -1, -1, -1).clone(), torch.tensor([0, 0, 0])
    for generator in (torch.Generator(), None):
        model.seen.clear()
        view = eot(model, random_lighting(0.3, 0.3), 4, generator=generator)
        pgd(view, images, labels, eps=0.0, steps=2, loss="nll")
        rows = torch.cat(model.seen).flatten(1)
        assert len(rows) == 3 * 4 * 3 and len(rows.unique(dim=0)) == 3 * 4 * 3


def test_the_generators_seed_decides_all_and_the_global_state_stays():
    model, images, labels = labelled()
    camera = compose(random_rigid(1, 20, (0.9, 1.1)), random_lighting(0.1, 0.1), random_noise(0.05))

    def run(seed):
        view = eot(model, camera, 3, generator=seeded(seed))
        return pgd(view, images, labels, eps=0.1, steps=4, loss="nll")

    with undrawn():
        first, other = run(1), run(2)
    assert torch.equal(run(1), first) and not torch.equal(first, other)


def test_without_a_generator_the_global_state_draws():
    model, images, _ = labelled()
    view = eot(model, random_noise(0.1), 2)
    torch.manual_seed(0)
    first, second = view(images), view(images)
    torch.manual_seed(0)
    assert torch.equal(view(images), first) and not torch.equal(first, second)


def test_an_attack_with_a_generator_puts_the_global_draws_back():
    """As documented: give ``eot`` a generator of its own, or every call of such an attack sees the same draws."""
    model, images, labels = labelled()
    shared, own = eot(model, random_noise(0.3), 2), eot(model, random_noise(0.3), 2, generator=torch.Generator())
    torch.manual_seed(0)
    runs = [
        [pgd(view, images, labels, eps=0.1, steps=2, loss="nll", generator=torch.Generator()) for _ in range(2)]
        for view in (shared, own)
    ]
    assert torch.equal(*runs[0]) and not torch.equal(*runs[1])


# -- what stays as it was


@pytest.mark.parametrize("batch_size", [None, 6])
def test_a_network_in_training_comes_back_as_it_was(batch_size):
    model, images, labels = labelled()
    view = eot(in_use(model, "train"), random_noise(0.1), 3, batch_size=batch_size)
    assert view.training
    with unchanged(model, images):
        pgd(view, images, labels, eps=0.1, steps=2, loss="nll")


def test_the_mode_follows_the_module():
    model, _, _ = labelled()
    view = eot(model, known, 5)
    assert not view.eval().training and not model.training
    view.train()
    assert model.training


def test_log_probabilities_of_each_draw_are_averaged():
    model, images, _ = labelled()
    each = torch.stack([model(s * images + b).log_softmax(1) for s, b in zip(SCALES, SHIFTS, strict=True)])
    torch.testing.assert_close(eot(model, known, 5)(images), each.mean(0), rtol=0, atol=1e-14)
    single = eot(lambda x: model(x), lambda x, generator: x, 1, batch_size=2)
    torch.testing.assert_close(single(images), model(images).log_softmax(1), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "bad",
    [
        {"samples": 0},
        {"samples": 2.5},
        {"samples": True},
        {"batch_size": 0},
        {"model": None},
        {"transform": 3},
    ],
    ids=str,
)
def test_bad_arguments_are_refused_by_name(bad):
    given = {"model": smooth_cnn(), "transform": known, "samples": 5} | bad
    with pytest.raises(ValueError, match=f"{next(iter(bad))} is .*expected"):
        eot(given.pop("model"), given.pop("transform"), given.pop("samples"), **given)


def test_counts_may_be_numpys():
    model, images, _ = labelled()
    view = eot(model, known, np.int64(5), batch_size=np.int64(3))
    torch.testing.assert_close(view(images), eot(model, known, 5)(images))


def test_transforms_and_models_of_other_shapes_are_named():
    _, images, _ = labelled()
    with pytest.raises(ValueError, match=r"transform returned 1 images, expected 20"):
        eot(smooth_cnn(), lambda x, generator: x[:1], 5)(images)
    with pytest.raises(ValueError, match="model returned .*expected logits"):
        eot(lambda x: x.sum((1, 2, 3)), known, 5)(images)
