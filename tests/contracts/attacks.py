"""What every attack promises, whatever it does."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.contracts.contract import DEVICES, DTYPES, flags, only, over
from tests.support.affine import length
from tests.support.refusals import refused
from tests.support.scenes import scene, seeded
from tests.support.toys import Affine, Constant, Shifted, pictures, smooth_cnn
from tests.support.traces import MODES, in_use, unchanged, undrawn


@dataclass(frozen=True)
class Case:
    """An attack with its settings, and what it promises.

    Attributes:
        name: of the test.
        attack: a ``partial`` with its settings, ``(model, images, labels, targets=None) -> images``.
        seeks: ``"misclassification"`` (stops per image, leaves the misclassified alone) or ``"loss"``.
        bound: norm and radius that the perturbation keeps, where it promises one.
        targeted: takes ``targets``.
        minimal: goes no further than the boundary of the label or the target.
        random: draws; then it takes a ``generator``.
        keyed: draws from streams of its images; then it takes a ``seed`` and ``indices``.
        blind: returns what it has made without running the model on it.
        gradient_free: asks the model for logits alone.
        bad: by argument, values that must be refused by its name.
    """

    name: str
    attack: Callable[..., Tensor]
    seeks: str
    bound: tuple[str, float] | None = None
    targeted: bool = True
    minimal: bool = False
    random: bool = False
    keyed: bool = False
    blind: bool = False
    gradient_free: bool = False
    bad: Mapping[str, tuple] = field(default_factory=dict)


def place(case: Case, rows: Any) -> dict[str, Tensor]:
    """Where those images stand in the set, for what draws by it."""
    return {"indices": torch.as_tensor(rows)} if case.keyed else {}


def starts_anywhere(case: Case) -> bool:
    """It may return a point of the ball that it has drawn."""
    return case.random or (case.keyed and case.bound is not None)


aimed = only(lambda case: case.targeted)
steady = only(lambda case: not case.random)


def run(case: Case, model: Any, images: Tensor, labels: Tensor, seed: int | None = 0, **more: Any) -> Tensor:
    if case.random and seed is not None:
        more["generator"] = seeded(seed, images.device)
    if case.keyed and seed is not None:
        more["seed"] = seed
    return case.attack(model, images, labels, **more)


def same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


@over(device=DEVICES, dtype=DTYPES)
def check_result_is_images_in_the_box_and_the_ball(case: Case, device: str, dtype: torch.dtype) -> None:
    model, images, labels = scene(device=device, dtype=dtype)
    result = run(case, model, images, labels)
    assert result.shape == images.shape and result.dtype == dtype and result.device == images.device
    assert not result.requires_grad and result.grad_fn is None
    assert result.isfinite().all() and result.min() >= 0 and result.max() <= 1
    assert not torch.equal(result, images)
    assert result.data_ptr() != images.data_ptr()
    if case.bound:
        norm, radius = case.bound
        assert length(result - images, norm).max() <= radius * (1 + 1e-5)


@over(mode=MODES)
def check_nothing_else_has_changed(case: Case, mode: str) -> None:
    model, images, labels = scene()
    images.requires_grad_().grad = torch.full_like(images, 7)
    with unchanged(in_use(model, mode), images, labels):
        run(case, model, images, labels)


@aimed
@over(mode=MODES)
def check_nothing_else_has_changed_where_targets_are_given(case: Case, mode: str) -> None:
    model, images, labels = scene()
    images.requires_grad_().grad = torch.full_like(images, 7)
    targets = (labels + 1) % 4
    with unchanged(in_use(model, mode), images, labels, targets):
        run(case, model, images, labels, targets=targets)


def check_a_graph_that_waits_can_still_run_backward(case: Case) -> None:
    """Train-mode BatchNorm keeps its buffers for the backward pass: a loss on clean and attacked images needs both."""
    model, images, labels = scene()
    model.train()
    clean = F.cross_entropy(model(images), labels)
    adversarial = run(case, model, images, labels)
    try:
        (clean + F.cross_entropy(model(adversarial), labels)).backward()
    except RuntimeError as error:
        raise AssertionError("what the graph holds has been touched") from error
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@only(lambda case: case.random)
def check_a_generator_decides_all_and_the_global_state_stays(case: Case) -> None:
    model, images, labels = scene()
    with undrawn():
        first = run(case, model.train(), images, labels, seed=1)  # dropout draws from the global state
        other = run(case, model.eval(), images, labels, seed=2)
    assert torch.equal(other, run(case, model, images, labels, seed=2)) and not torch.equal(first, other)
    assert not torch.equal(run(case, model, images, labels, seed=None), run(case, model, images, labels, seed=None))


@only(lambda case: case.keyed)
def check_seed_and_place_decide_all_draws(case: Case) -> None:
    """No global random state is read or moved."""
    model, images, labels = scene()
    places = torch.arange(5, 5 + len(images))
    with undrawn():
        first, again, seeded_otherwise = (run(case, model, images, labels, seed=seed) for seed in (1, 1, 2))
        elsewhere = run(case, model, images, labels, seed=1, indices=places)
    torch.manual_seed(0)
    assert torch.equal(first, again) and torch.equal(first, run(case, model, images, labels, seed=1))
    assert not torch.equal(first, seeded_otherwise) and not torch.equal(first, elsewhere)
    for name, bad in (("seed", -1), ("seed", 0.5), ("indices", places[1:]), ("indices", -places)):
        with refused(f"{name} .*expected", bad):
            case.attack(model, images, labels, **{name: bad})


@steady
def check_a_batch_gives_what_single_images_give(case: Case) -> None:
    model, images, labels = scene(7)
    together = run(case, model, images, labels)
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    alone = [run(case, model, images[[i]], labels[[i]], **place(case, [i])) for i in range(7)]
    same(together, torch.cat(alone))
    same(together[order], run(case, model, images[order], labels[order], **place(case, order)))


@only(lambda case: case.targeted and not case.random)
def check_a_batch_with_targets_gives_what_single_images_give(case: Case) -> None:
    model, images, labels = scene(5)
    targets = (labels + 1) % 4
    together = run(case, model, images, labels, targets=targets)
    alone = [run(case, model, images[[i]], labels[[i]], targets=targets[[i]], **place(case, [i])) for i in range(5)]
    same(together, torch.cat(alone))


@steady
def check_a_constant_added_to_all_logits_changes_nothing(case: Case) -> None:
    model, images, labels = scene()
    plain = run(case, model, images, labels)
    for shift in (-20.0, 20.0):
        same(run(case, Shifted(model, shift=shift), images, labels), plain)


def check_a_model_that_cannot_be_fooled_gives_the_images_back(case: Case) -> None:
    images, labels = pictures(4), torch.zeros(4, dtype=torch.int64)
    result = run(case, Constant(), images, labels)
    assert result.isfinite().all()
    if starts_anywhere(case) and case.bound:  # a start in the ball is all that can be done
        assert length(result - images, case.bound[0]).max() <= case.bound[1] * (1 + 1e-9)
    else:
        assert torch.equal(result, images)


@only(lambda case: case.seeks == "misclassification")
def check_the_misclassified_come_back_untouched(case: Case) -> None:
    model, images, labels = scene()
    wrong = labels.clone()
    wrong[::2] = (labels[::2] + 1) % 4
    result = run(case, model, images, wrong)
    assert torch.equal(result[::2], images[::2])
    assert not torch.equal(result[1::2], images[1::2])


@only(lambda case: case.seeks == "loss")
def check_loss_rises_on_the_misclassified_too(case: Case) -> None:
    model, images, labels = scene()
    wrong = (labels + 1) % 4
    before, after = (
        F.cross_entropy(model(x), wrong, reduction="none") for x in (images, run(case, model, images, wrong))
    )
    assert (after > before).all()


def check_it_fools_an_ordinary_network(case: Case) -> None:
    model, images, labels = scene(12)
    assert (model(run(case, model, images, labels)).argmax(1) != labels).sum() >= 6


@aimed
def check_it_moves_towards_the_target(case: Case) -> None:
    """And that target: leaving the label alone leads towards the second likeliest class, but no less to the third."""
    model, images, labels = scene(12)
    _, second, third, _ = model(images).argsort(1, descending=True).T
    result, other = (run(case, model, images, labels, targets=targets) for targets in (second, third))
    before, after = (model(x).softmax(1).gather(1, second[:, None]) for x in (images, result))
    assert (after > before).float().mean() >= 0.9
    if case.minimal:
        assert (model(result).argmax(1) == second).all()
    else:
        assert after.mean() > before.mean() + 0.1
    less, more = (model(x).softmax(1).gather(1, third[:, None]) for x in (result, other))
    assert more.mean() > less.mean()


def check_it_works_inside_no_grad_and_inference_mode(case: Case) -> None:
    model, images, labels = scene()
    plain = run(case, model, images, labels)
    with torch.no_grad():
        assert torch.equal(run(case, model, images, labels), plain)
        assert not torch.is_grad_enabled()
    with torch.inference_mode():
        assert torch.equal(run(case, model, images, labels), plain)


def check_labels_of_inference_mode_are_refused_by_name(case: Case) -> None:
    model, images, labels = scene()
    with torch.inference_mode(), refused("labels was made under torch.inference_mode"):
        run(case, model, images, labels.clone())


def check_numpys_numbers_are_numbers(case: Case) -> None:
    model, images, labels = scene()
    given = {
        name: np.float64(value) if isinstance(value, float) else np.int64(value)
        for name, value in case.attack.keywords.items()
        if type(value) in (int, float)
    }
    assert torch.equal(run(case, model, images, labels, **given), run(case, model, images, labels))


@only(lambda case: not case.blind and not starts_anywhere(case))
def check_nan_logits_are_no_success(case: Case) -> None:
    """A network that breaks where it is attacked has not been fooled."""
    images, labels = pictures(3), torch.zeros(3, dtype=torch.int64)

    def breaks(x: Tensor) -> Tensor:
        moved = (x[:, None] != images).flatten(2).any(2).all(1, keepdim=True)
        logits = torch.stack([2 + x.mean((1, 2, 3)), -x.mean((1, 2, 3))], 1)
        return logits.masked_fill(moved, torch.nan)

    assert torch.equal(run(case, breaks, images, labels), images)


def check_layouts_channels_and_single_images(case: Case) -> None:
    model, images, labels = scene()
    plain = run(case, model, images, labels)
    strided = images.transpose(2, 3).contiguous().transpose(2, 3)
    same(run(case, model, strided, labels), plain)
    same(run(case, model, images.contiguous(memory_format=torch.channels_last), labels), plain)
    grey_network, grey, label = scene(1, channels=1, height=5, width=9)
    assert run(case, grey_network, grey, label).shape == grey.shape


def check_binary_images_can_be_attacked(case: Case) -> None:
    model, images, _ = scene(12)
    images = images.round()
    labels = model(images).argmax(1)
    assert (model(run(case, model, images, labels)).argmax(1) != labels).sum() >= 4


def check_a_plain_function_and_frozen_parameters_will_do(case: Case) -> None:
    model, images, labels = scene()
    plain = run(case, model, images, labels)
    assert torch.equal(run(case, lambda x: model(x), images, labels), plain)
    assert torch.equal(run(case, model.requires_grad_(False), images, labels), plain)


def bad_tensors(argument: str) -> Iterator[tuple[Any, Any]]:
    images, labels = pictures(3), torch.tensor([0, 1, 2])
    if argument == "images":
        nan = images.clone()
        nan[0, 0, 0, 0] = torch.nan
        yield from ((bad, labels) for bad in (images[0], images * 2, images - 0.5, nan, images.numpy()))
        yield from ((bad, labels) for bad in ((images * 255).byte(), images.half()))
        yield images[:0], labels[:0]
    elif argument == "labels":
        yield from ((images, bad) for bad in (labels[:2], labels[:, None], labels - 1, labels + 2, [0, 1, 2]))
        yield from ((images, bad) for bad in (labels.int(), labels.double()))
    else:
        yield images.float(), labels


@over(argument=("images", "labels", "model"))
def check_bad_tensors_are_refused_by_name(case: Case, argument: str) -> None:
    model = smooth_cnn()
    for i, (images, labels) in enumerate(bad_tensors(argument)):
        with refused(f"{argument}.*expected", f"{argument} number {i}"):
            case.attack(model, images, labels)


@aimed
def check_bad_targets_are_refused_by_name(case: Case) -> None:
    model, images, labels = smooth_cnn(), pictures(3), torch.tensor([0, 1, 2])
    for bad in (labels[:2], labels.float(), labels - 1, labels + 9, labels, torch.tensor([1, 1, 0])):
        with refused("targets.*expected", bad):
            case.attack(model, images, labels, targets=bad)


@only(lambda case: bool(case.bad))
def check_bad_parameters_are_refused_by_name(case: Case) -> None:
    model, images, labels = scene()
    for name, values in {**flags(case.attack), **case.bad}.items():
        for value in values:
            with refused(f"{name}.*expected", f"{name}={value}"):
                case.attack(model, images, labels, **{name: value})


def check_what_is_no_model_is_refused(case: Case) -> None:
    images, labels = pictures(3), torch.tensor([0, 1, 2])
    with refused("model is a str, expected a callable"):
        case.attack("resnet", images, labels)
    with refused("model returned .*expected logits"):
        case.attack(nn.Identity(), images, labels)


@only(lambda case: not case.gradient_free)
def check_a_model_without_a_graph_is_refused(case: Case) -> None:
    """It would look robust, to gradients and to nothing else."""
    model, images, labels = scene()
    frozen = smooth_cnn().requires_grad_(False)
    for way, detached in (
        ("detach", lambda x: model(x.detach())),
        ("no_grad", torch.no_grad()(model.forward)),
        ("numpy", lambda x: frozen(torch.from_numpy(x.detach().numpy().copy()))),
    ):
        with refused("model returned logits without a graph to the images, expected", way):
            run(case, detached, images, labels)


def check_devices_that_differ_are_refused(case: Case) -> None:
    model, images, labels = scene()
    with refused(r"labels is on meta and images on cpu, expected one device"):
        case.attack(model, images, labels.to("meta"))
    with refused(r"model is on meta and images on cpu, expected one device"):
        case.attack(Affine(torch.zeros(4, 96)).to("meta"), images, labels)
