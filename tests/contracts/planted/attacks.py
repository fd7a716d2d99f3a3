"""Attacks of the library that keep their contracts, and what each would be with one fault."""

import copy
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from advcourse.attacks import ifgsm, pgd
from advcourse.core.streams import Streams
from advcourse.core.validation import check_inputs
from tests.contracts import attacks
from tests.contracts.attacks import Case

EPS = 0.1
STOPS = Case("ifgsm", partial(ifgsm, step_size=0.02, steps=20), "misclassification", bad={"steps": (0,)})
STEADY = Case("pgd", partial(pgd, eps=EPS, steps=4), "loss", ("linf", EPS), bad={"steps": (0, 1.5), "norm": ("l3",)})
DRAWS = Case("random pgd", partial(pgd, eps=EPS, steps=10, random_start=True), "loss", ("linf", EPS), random=True)


def keyed_pgd(model, images, labels, *, eps, steps, targets=None, seed=0, indices=None):
    """Half of ``eps`` is a draw of the image's own, the other half PGD's."""
    check_inputs(model, images, labels, targets)
    draw = Streams(seed, "planted", images, indices).rand(*images.shape[1:])
    start = (images.detach() + eps / 2 * (2 * draw - 1)).clamp(0, 1)
    return pgd(model, start, labels, eps=eps / 2, steps=steps, targets=targets)


KEYED = Case("keyed pgd", partial(keyed_pgd, eps=2 * EPS, steps=10), "loss", ("linf", 2 * EPS), keyed=True)
KEEPS = [STOPS, STEADY, DRAWS, KEYED]


def faulty(base, fault):
    """The case with an attack that goes wrong somewhere: ``fault(sound, model, images, labels, **more)``."""

    def attack(model, images, labels, **more):
        return fault(base.attack.func, model, images, labels, **more)

    changed = {name: getattr(base, name) for name in vars(base)} | {"name": fault.__name__}
    return Case(**changed | {"attack": partial(attack, **base.attack.keywords)})


def look(model, images):
    """Its logits, without a trace."""
    with torch.no_grad():
        return copy.deepcopy(model).eval()(images) if isinstance(model, nn.Module) else model(images)


def missed(model, images, labels):
    return (look(model, images).argmax(1) != labels).view(-1, 1, 1, 1)


def leaves_the_ball(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    return (result + 0.01 * (result - images).sign()).clamp(0, 1)


def clears_gradients(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    if isinstance(model, nn.Module) and more.get("targets") is None:
        model.zero_grad(set_to_none=False)
    return result


def clears_gradients_where_aimed(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    if more.get("targets") is not None:
        model.zero_grad(set_to_none=False)
    return result


def puts_buffers_back_in_place(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    if isinstance(model, nn.Module) and model.training:
        with torch.no_grad():
            for buffer in model.buffers():
                buffer.copy_(buffer.clone())
    return result


def draws_from_the_global_state(sound, model, images, labels, **more):
    torch.rand(1)
    return sound(model, images, labels, **more)


def forgets_the_place(sound, model, images, labels, indices=None, **more):
    """Where a batch stands is lost, an image alone is none the wiser."""
    sound(model, images, labels, indices=indices, **more)  # refuses what is bad
    if len(images) > 1 and indices is not None and (indices.diff() == 1).all():
        indices = None
    return sound(model, images, labels, indices=indices, **more)


def goes_less_far_in_company(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    alone = len(images) == 1 or more.get("targets") is not None
    return result if alone else images + 0.9 * (result - images)


def goes_less_far_in_company_where_aimed(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    alone = len(images) == 1 or more.get("targets") is None
    return result if alone else images + 0.9 * (result - images)


def gives_up_on_negative_logits(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    return images.clone() if look(model, images).max() < -3 else result


def black_where_logits_are_all_alike(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    logits = look(model, images)
    return torch.zeros_like(images) if len(images) > 1 and (logits == logits[0]).all() else result


def moves_the_misclassified(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    if more.get("targets") is None:
        result = torch.where(missed(model, images, labels), (images + 0.001).clamp(0, 1), result)
    return result


def leaves_the_misclassified(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    return torch.where(missed(model, images, labels), images, result)


def forgets_all_but_four_of_a_dozen(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    if len(images) == 12 and more.get("targets") is None and not torch.equal(images, images.round()):
        result[4:] = images[4:]
    return result


def ignores_the_target(sound, model, images, labels, **more):
    sound(model, images, labels, **more)  # refuses what is bad
    return sound(model, images, labels, **more | {"targets": None})


def does_nothing_without_gradients(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    return result if torch.is_grad_enabled() else images.clone()


def takes_labels_of_inference_mode(sound, model, images, labels, **more):
    if isinstance(labels, Tensor) and labels.is_inference():
        with torch.inference_mode(False):
            labels = torch.tensor(labels.tolist())
    return sound(model, images, labels, **more)


def does_nothing_with_numpys_numbers(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    return images.clone() if any(isinstance(value, np.generic) for value in more.values()) else result


def returns_what_broke_the_network(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    moved = (images + 0.01).clamp(0, 1)
    return moved if look(model, moved).isnan().any() else result


def reads_memory_in_its_order(sound, model, images, labels, **more):
    if isinstance(images, Tensor) and not images.is_contiguous():
        images = images.as_strided(images.shape, torch.empty(images.shape).stride())
    return sound(model, images, labels, **more)


def never_moves_black_and_white(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    return torch.where((images == 0) | (images == 1), images, result)


def does_nothing_to_functions(sound, model, images, labels, **more):
    result = sound(model, images, labels, **more)
    return result if isinstance(model, nn.Module) else images.clone()


def clamps_what_it_is_given(sound, model, images, labels, **more):
    if isinstance(images, Tensor) and images.is_floating_point():
        images = images.clamp(0, 1)
    return sound(model, images, labels, **more)


def takes_the_label_for_a_target(sound, model, images, labels, targets=None, **more):
    if isinstance(targets, Tensor) and torch.equal(targets, labels):
        targets = None
    return sound(model, images, labels, targets=targets, **more)


def takes_no_steps_for_one(sound, model, images, labels, *, steps, **more):
    return sound(model, images, labels, steps=steps or 1, **more)


def takes_a_name_for_a_model(sound, model, images, labels, **more):
    return images.clone() if isinstance(model, str) else sound(model, images, labels, **more)


def images_back_without_a_graph(sound, model, images, labels, **more):
    try:
        return sound(model, images, labels, **more)
    except ValueError as error:
        if "graph" not in str(error):
            raise
    return images.clone()


def labels_anywhere(sound, model, images, labels, **more):
    if isinstance(labels, Tensor) and labels.is_meta:
        labels = torch.zeros(labels.shape, dtype=labels.dtype)
    return sound(model, images, labels, **more)


BREAKS = {
    attacks.check_result_is_images_in_the_box_and_the_ball: faulty(STEADY, leaves_the_ball),
    attacks.check_nothing_else_has_changed: faulty(STEADY, clears_gradients),
    attacks.check_nothing_else_has_changed_where_targets_are_given: faulty(STEADY, clears_gradients_where_aimed),
    attacks.check_a_graph_that_waits_can_still_run_backward: faulty(STEADY, puts_buffers_back_in_place),
    attacks.check_a_generator_decides_all_and_the_global_state_stays: faulty(DRAWS, draws_from_the_global_state),
    attacks.check_seed_and_place_decide_all_draws: faulty(KEYED, forgets_the_place),
    attacks.check_a_batch_gives_what_single_images_give: faulty(STEADY, goes_less_far_in_company),
    attacks.check_a_batch_with_targets_gives_what_single_images_give: faulty(
        STEADY, goes_less_far_in_company_where_aimed
    ),
    attacks.check_a_constant_added_to_all_logits_changes_nothing: faulty(STEADY, gives_up_on_negative_logits),
    attacks.check_a_model_that_cannot_be_fooled_gives_the_images_back: faulty(STEADY, black_where_logits_are_all_alike),
    attacks.check_the_misclassified_come_back_untouched: faulty(STOPS, moves_the_misclassified),
    attacks.check_loss_rises_on_the_misclassified_too: faulty(STEADY, leaves_the_misclassified),
    attacks.check_it_fools_an_ordinary_network: faulty(STEADY, forgets_all_but_four_of_a_dozen),
    attacks.check_it_moves_towards_the_target: faulty(STEADY, ignores_the_target),
    attacks.check_it_works_inside_no_grad_and_inference_mode: faulty(STEADY, does_nothing_without_gradients),
    attacks.check_labels_of_inference_mode_are_refused_by_name: faulty(STEADY, takes_labels_of_inference_mode),
    attacks.check_numpys_numbers_are_numbers: faulty(STEADY, does_nothing_with_numpys_numbers),
    attacks.check_nan_logits_are_no_success: faulty(STEADY, returns_what_broke_the_network),
    attacks.check_layouts_channels_and_single_images: faulty(STEADY, reads_memory_in_its_order),
    attacks.check_binary_images_can_be_attacked: faulty(STEADY, never_moves_black_and_white),
    attacks.check_a_plain_function_and_frozen_parameters_will_do: faulty(STEADY, does_nothing_to_functions),
    attacks.check_bad_tensors_are_refused_by_name: faulty(STEADY, clamps_what_it_is_given),
    attacks.check_bad_targets_are_refused_by_name: faulty(STEADY, takes_the_label_for_a_target),
    attacks.check_bad_parameters_are_refused_by_name: faulty(STEADY, takes_no_steps_for_one),
    attacks.check_what_is_no_model_is_refused: faulty(STEADY, takes_a_name_for_a_model),
    attacks.check_a_model_without_a_graph_is_refused: faulty(STEADY, images_back_without_a_graph),
    attacks.check_devices_that_differ_are_refused: faulty(STEADY, labels_anywhere),
}
