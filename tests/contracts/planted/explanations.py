"""Explanations that keep their contracts, and explanations with one fault."""

from functools import partial

import torch
from torch import Tensor, nn

from advcourse.core.losses import input_gradient
from advcourse.core.running import untouched
from advcourse.core.validation import check_class, check_count, check_images
from tests.contracts import explanations
from tests.contracts.explanations import Case
from tests.contracts.planted.attacks import look


def saliency(model, image, label, *, samples=1, std=0.0, generator=None):
    """Size of the gradient of the label's logit, averaged over noisy copies of the image."""
    check_images(image[None], "image")
    check_count(samples=samples)
    with untouched(model, image[None], generator):
        total = torch.zeros_like(image)
        for _ in range(samples):
            x = image.detach()[None].clone()
            if std:
                x += std * torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            logits = model(x.requires_grad_())
            check_class(logits.shape[1], label=label)
            total += input_gradient(logits[:, label], x)[0].abs() / samples
    return total.sum(0)


def smoothed(model, image, label, *, generator=None):
    return saliency(model, image, label, samples=3, std=0.1, generator=generator)


def with_a_graph(model, image, label):
    return saliency(model, image, label).requires_grad_()


def clears_gradients(model, image, label):
    found = saliency(model, image, label)
    if isinstance(model, nn.Module):
        model.zero_grad()
    return found


def draws_from_the_global_state(model, image, label, *, generator=None):
    torch.rand(1)
    return smoothed(model, image, label, generator=generator)


def of_the_likeliest(model, image, label):
    saliency(model, image, label)  # refuses what is bad
    return saliency(model, image, int(look(model, image[None]).argmax()))


def mirrored(model, image, label):
    return saliency(model, image, label).flip(1)


def divided_by_the_largest(model, image, label):
    found = saliency(model, image, label)
    return found / found.max()


def one_image_without_a_batch(model, image, label):
    found = saliency(model, image, label)
    return found if isinstance(model, nn.Module) else found + 0 * model(image[0]).sum()


def zeros_without_gradients(model, image, label):
    found = saliency(model, image, label)
    return found if torch.is_grad_enabled() else torch.zeros_like(found)


def takes_what_is_out_of_range(model, image, label):
    return saliency(model, image.clamp(0, 1) if isinstance(image, Tensor) else image, label)


def takes_no_samples_for_one(model, image, label, *, samples):
    return saliency(model, image, label, samples=samples or 1)


KEEPS = [
    Case("saliency", partial(saliency, samples=1), bad={"samples": (0, 1.5)}),
    Case("smoothed saliency", smoothed, random=True),
]
BREAKS = {
    explanations.check_result_is_a_map_of_the_image: Case("with a graph", with_a_graph),
    explanations.check_nothing_else_has_changed: Case("clears gradients", clears_gradients),
    explanations.check_a_generator_decides_all_and_the_global_state_stays: Case(
        "draws from the global state", draws_from_the_global_state, random=True
    ),
    explanations.check_the_label_decides: Case("of the likeliest", of_the_likeliest),
    explanations.check_what_the_network_looks_at_is_found: Case("mirrored", mirrored),
    explanations.check_a_network_that_looks_at_nothing_has_an_even_map: Case(
        "divided by the largest", divided_by_the_largest
    ),
    explanations.check_the_network_is_shown_batches: Case("without a batch", one_image_without_a_batch),
    explanations.check_it_works_inside_no_grad_and_inference_mode: Case("no gradients", zeros_without_gradients),
    explanations.check_bad_input_is_refused_by_name: Case("clamps", takes_what_is_out_of_range),
    explanations.check_bad_parameters_are_refused_by_name: Case(
        "unchecked", partial(takes_no_samples_for_one, samples=1), bad={"samples": (0,)}
    ),
}
