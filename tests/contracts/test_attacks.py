"""What every attack promises, whatever it does: one suite over the one list in ``catalogue.py``."""

import copy
import re

import numpy as np
import pytest
import torch

from tests.contracts.attack_catalogue import CATALOGUE, Case
from tests.support.toys import Affine, Constant, Shifted, pictures, smooth_cnn

DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
    ),
]
every = pytest.mark.parametrize("case", CATALOGUE, ids=lambda case: case.name)
aimed = pytest.mark.parametrize("case", [c for c in CATALOGUE if c.targeted], ids=lambda case: case.name)
drawing = [case for case in CATALOGUE if case.random]
steady = pytest.mark.parametrize("case", [c for c in CATALOGUE if not c.random], ids=lambda case: case.name)
stopping = pytest.mark.parametrize(
    "case", [c for c in CATALOGUE if c.seeks == "misclassification"], ids=lambda case: case.name
)


def run(case: Case, model, images, labels, seed: int | None = 0, **more):
    if case.random and seed is not None:
        more["generator"] = torch.Generator(images.device).manual_seed(seed)
    return case.attack(model, images, labels, **more)


def scene(device="cpu", dtype=torch.float64, n=6):
    model = smooth_cnn(dtype=dtype).to(device)
    images = pictures(n, dtype=dtype).to(device)
    return model, images, model(images).argmax(1)


def norm(delta, kind):
    return torch.linalg.vector_norm(delta.flatten(1), {"linf": torch.inf, "l2": 2, "l1": 1}[kind], dim=1)


@every
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_result_is_images_in_the_box_and_the_ball(case, device, dtype):
    model, images, labels = scene(device, dtype)
    result = run(case, model, images, labels)
    assert result.shape == images.shape and result.dtype == dtype and result.device == images.device
    assert not result.requires_grad and result.grad_fn is None
    assert result.isfinite().all() and result.min() >= 0 and result.max() <= 1
    assert not torch.equal(result, images)
    assert result.data_ptr() != images.data_ptr()
    if case.bound:
        kind, radius = case.bound
        assert norm(result - images, kind).max() <= radius * (1 + 1e-5)


@pytest.mark.parametrize(
    ("case", "targeted"),
    [(case, targeted) for case in CATALOGUE for targeted in (False, True) if case.targeted or not targeted],
    ids=lambda v: v.name if isinstance(v, Case) else ("any class", "targeted")[v],
)
@pytest.mark.parametrize("mode", ["eval", "train", "mixed"])
def test_nothing_else_has_changed(case, mode, targeted):
    model, images, labels = scene()
    model.train(mode != "eval")
    if mode == "mixed":
        model[1].eval()  # a frozen BatchNorm in a network that trains
    for parameter in list(model.parameters())[:3]:
        parameter.grad = torch.ones_like(parameter)
    next(model.parameters()).requires_grad_(False)
    images.requires_grad_()
    images.grad = torch.full_like(images, 7)
    targets = (labels + 1) % 4 if targeted else None
    given = [t.detach().clone() for t in (images, labels, labels if targets is None else targets)]
    modes = [module.training for module in model.modules()]
    flags = [parameter.requires_grad for parameter in model.parameters()]
    grads = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    state = copy.deepcopy(model.state_dict())

    run(case, model, images, labels, **({"targets": targets} if targeted else {}))

    assert [module.training for module in model.modules()] == modes
    assert [parameter.requires_grad for parameter in model.parameters()] == flags
    for parameter, before in zip(model.parameters(), grads, strict=True):
        assert (parameter.grad is None) == (before is None)
        assert before is None or torch.equal(parameter.grad, before)
    assert all(torch.equal(now, state[key]) for key, now in model.state_dict().items())
    assert images.requires_grad and torch.equal(images.grad, torch.full_like(images, 7))
    for now, before in zip((images, labels, labels if targets is None else targets), given, strict=True):
        assert torch.equal(now, before)


@every
def test_a_graph_that_waits_can_still_run_backward(case):
    """Train-mode BatchNorm keeps its buffers for the backward pass: a loss on clean and attacked images needs both."""
    model, images, labels = scene()
    model.train()
    clean = torch.nn.functional.cross_entropy(model(images), labels)
    adversarial = run(case, model, images, labels)
    (clean + torch.nn.functional.cross_entropy(model(adversarial), labels)).backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("case", drawing, ids=lambda case: case.name)
def test_a_generator_decides_all_and_the_global_state_stays(case):
    model, images, labels = scene()
    model.train()  # dropout draws from the global state
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, other = run(case, model, images, labels, seed=1), run(case, model.eval(), images, labels, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    again = run(case, model.eval(), images, labels, seed=2)
    assert torch.equal(other, again) and not torch.equal(first, other)
    assert not torch.equal(run(case, model, images, labels, seed=None), run(case, model, images, labels, seed=None))


@steady
def test_a_batch_gives_what_single_images_give(case):
    model, images, labels = scene(n=7)
    together = run(case, model, images, labels)
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    alone = torch.cat([run(case, model, images[i : i + 1], labels[i : i + 1]) for i in range(7)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-9)
    torch.testing.assert_close(together[order], run(case, model, images[order], labels[order]), rtol=0, atol=1e-9)


@steady
def test_a_constant_added_to_all_logits_changes_nothing(case):
    model, images, labels = scene()
    plain = run(case, model, images, labels)
    for shift in (-20.0, 20.0):
        torch.testing.assert_close(run(case, Shifted(model, shift=shift), images, labels), plain, rtol=0, atol=1e-9)


@every
def test_a_model_that_cannot_be_fooled_gives_the_images_back(case):
    images, labels = pictures(4), torch.zeros(4, dtype=torch.int64)
    result = run(case, Constant(), images, labels)
    assert result.isfinite().all()
    if case.random and case.bound:  # a start in the ball is all that can be done
        assert norm(result - images, case.bound[0]).max() <= case.bound[1] * (1 + 1e-9)
    else:
        assert torch.equal(result, images)


@stopping
def test_the_misclassified_come_back_untouched(case):
    model, images, labels = scene()
    wrong = labels.clone()
    wrong[::2] = (labels[::2] + 1) % 4
    result = run(case, model, images, wrong)
    assert torch.equal(result[::2], images[::2])
    assert not torch.equal(result[1::2], images[1::2])


@pytest.mark.parametrize("case", [c for c in CATALOGUE if c.seeks == "loss"], ids=lambda case: case.name)
def test_loss_seekers_work_on_the_misclassified_too(case):
    model, images, labels = scene()
    wrong = (labels + 1) % 4
    result = run(case, model, images, wrong)
    loss = torch.nn.functional.cross_entropy
    assert (loss(model(result), wrong, reduction="none") > loss(model(images), wrong, reduction="none")).all()


@every
def test_it_fools_an_ordinary_network(case):
    model, images, labels = scene(n=12)
    fooled = model(run(case, model, images, labels)).argmax(1) != labels
    assert fooled.sum() >= 6


@aimed
def test_targeted_moves_towards_the_target(case):
    model, images, labels = scene(n=12)
    targets = model(images).argsort(1, descending=True)[:, 1]
    result = run(case, model, images, labels, targets=targets)
    before, after = (model(x).softmax(1).gather(1, targets[:, None]) for x in (images, result))
    assert (after > before).float().mean() >= 0.9
    if case.minimal:
        assert (model(result).argmax(1) == targets).all()
    else:
        assert after.mean() > before.mean() + 0.1


@pytest.mark.parametrize("case", [c for c in CATALOGUE if c.targeted and not c.random], ids=lambda case: case.name)
def test_targeted_batch_gives_what_single_images_give(case):
    model, images, labels = scene(n=5)
    targets = (labels + 1) % 4
    together = run(case, model, images, labels, targets=targets)
    alone = [run(case, model, images[[i]], labels[[i]], targets=targets[[i]]) for i in range(5)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-9)


@every
def test_inside_no_grad_and_inference_mode(case):
    model, images, labels = scene()
    plain = run(case, model, images, labels)
    with torch.no_grad():
        assert torch.equal(run(case, model, images, labels), plain)
        assert not torch.is_grad_enabled()
    with torch.inference_mode():
        assert torch.equal(run(case, model, images, labels), plain)


@every
def test_labels_of_inference_mode_are_refused_by_name(case):
    model, images, labels = scene()
    with torch.inference_mode(), pytest.raises(ValueError, match="labels was made under torch.inference_mode"):
        run(case, model, images, labels.clone())


@every
def test_numpys_numbers_are_numbers(case):
    model, images, labels = scene()
    given = {
        name: np.float64(value) if isinstance(value, float) else np.int64(value)
        for name, value in case.attack.keywords.items()
        if type(value) in (int, float)
    }
    assert torch.equal(run(case, model, images, labels, **given), run(case, model, images, labels))


@every
def test_nan_logits_are_no_success(case):
    """A network that breaks where it is attacked has not been fooled."""
    images, labels = pictures(3), torch.zeros(3, dtype=torch.int64)

    def breaks(x):
        moved = (x[:, None] != images).flatten(2).any(2).all(1, keepdim=True)
        logits = torch.stack([2 + x.mean((1, 2, 3)), -x.mean((1, 2, 3))], 1)
        return logits.masked_fill(moved, torch.nan)

    if not case.random and case.name != "fgsm":  # fgsm returns its one step whatever becomes of it
        assert torch.equal(run(case, breaks, images, labels), images)


@every
def test_layouts_channels_and_single_images(case):
    model, images, labels = scene()
    strided = images.transpose(2, 3).contiguous().transpose(2, 3)
    torch.testing.assert_close(run(case, model, strided, labels), run(case, model, images, labels), rtol=0, atol=1e-9)
    last = images.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(run(case, model, last, labels), run(case, model, images, labels), rtol=0, atol=1e-9)
    grey = pictures(1, channels=1, height=5, width=9)
    plane = smooth_cnn(channels=1)
    assert run(case, plane, grey, plane(grey).argmax(1)).shape == grey.shape


@every
def test_binary_images_can_be_attacked(case):
    model, images, _ = scene(n=12)
    images = images.round()
    labels = model(images).argmax(1)
    assert (model(run(case, model, images, labels)).argmax(1) != labels).sum() >= 4


@every
def test_a_plain_function_and_frozen_parameters_will_do(case):
    model, images, labels = scene()
    plain = run(case, model, images, labels)
    assert torch.equal(run(case, lambda x: model(x), images, labels), plain)
    assert torch.equal(run(case, model.requires_grad_(False), images, labels), plain)


def bad_inputs():
    images, labels = pictures(3), torch.tensor([0, 1, 2])
    nan = images.clone()
    nan[0, 0, 0, 0] = torch.nan
    return {
        "images": [
            (images[0], labels),
            (images[:0], labels[:0]),
            (images * 2, labels),
            (images - 0.5, labels),
            (nan, labels),
            ((images * 255).byte(), labels),
            (images.numpy(), labels),
        ],
        "labels": [
            (images, labels[:2]),
            (images, labels[:, None]),
            (images, labels.int()),
            (images, labels.double()),
            (images, labels - 1),
            (images, labels + 2),
            (images, [0, 1, 2]),
        ],
        "targets": [
            (images, labels, labels[:2]),
            (images, labels, labels.float()),
            (images, labels, labels - 1),
            (images, labels, labels + 9),
            (images, labels, labels),
            (images, labels, torch.tensor([1, 1, 0])),
        ],
        "model": [(images.float(), labels), (images.half(), labels)],
    }


@pytest.mark.parametrize(
    ("case", "argument"),
    [(case, name) for case in CATALOGUE for name in bad_inputs() if case.targeted or name != "targets"],
    ids=lambda v: v.name if isinstance(v, Case) else v,
)
def test_bad_tensors_are_refused_by_name(case, argument):
    model = smooth_cnn()
    for images, labels, *targets in bad_inputs()[argument]:
        with pytest.raises(ValueError, match=f"{argument}.*expected"):
            case.attack(model, images, labels, **({"targets": targets[0]} if targets else {}))


@pytest.mark.parametrize(
    ("case", "bad"),
    [(c, bad) for c in CATALOGUE for bad in c.bad],
    # no address in a test's name: every xdist worker must collect the same names
    ids=lambda v: v.name if isinstance(v, Case) else re.sub(r"<function.*>", "a function", str(v)),
)
def test_bad_parameters_are_refused_by_name(case, bad):
    model, images, labels = scene()
    (argument,) = bad
    with pytest.raises(ValueError, match=f"{argument}.*expected"):
        case.attack(model, images, labels, **bad)


@every
def test_what_is_no_model_is_refused(case):
    images, labels = pictures(3), torch.tensor([0, 1, 2])
    with pytest.raises(ValueError, match="model is a str, expected a callable"):
        case.attack("resnet", images, labels)
    with pytest.raises(ValueError, match="model returned .*expected logits"):
        case.attack(lambda x: x, images, labels)


@every
def test_devices_that_differ_are_refused(case):
    model, images, labels = scene()
    with pytest.raises(ValueError, match=r"labels is on meta and images on cpu, expected one device"):
        case.attack(model, images, labels.to("meta"))
    with pytest.raises(ValueError, match=r"model is on meta and images on cpu, expected one device"):
        case.attack(Affine(torch.zeros(4, 96)).to("meta"), images, labels)
