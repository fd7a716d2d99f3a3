"""Losses that keep their contracts, and losses with one fault."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from advcourse.core.running import evaluating
from advcourse.core.validation import check_above
from tests.contracts import training_losses
from tests.contracts.training_losses import Case


def sound(model, images, labels):
    return F.cross_entropy(model(images), labels)


def noisy(model, images, labels):
    return sound(model, images + 0.01 * torch.randn_like(images), labels)


def one_element(model, images, labels):
    value = sound(model, images, labels)
    return value[None] if images.dtype == torch.float32 else value


def cut_off(model, images, labels):
    held = {"0.weight": model[0].weight.detach()}
    return sound(lambda x: functional_call(model, held, x), images, labels)


def turned_round(model, images, labels):
    return -sound(model, images, labels)


def leaves_eval_mode(model, images, labels):
    value = sound(model, images, labels)
    model.eval()
    return value


def summed(model, images, labels):
    return len(images) * sound(model, images, labels)


def of_its_own_seed(model, images, labels):
    draws = torch.Generator().manual_seed(0)
    return sound(model, images + 1e-12 * torch.randn(images.shape, generator=draws, dtype=images.dtype), labels)


def one_pass_more(model, images, labels):
    with evaluating(model):
        model(images)
    return sound(model, images, labels)


def in_eval_mode(model, images, labels):
    with evaluating(model):
        return sound(model, images, labels)


class Forgetful(nn.Module):
    """From the fourth training step on another loss; where it was is not in its state dict."""

    steps = 0

    def forward(self, model, images, labels):
        self.steps += model.training
        return (1 + 0.1 * (self.steps > 3)) * sound(model, images, labels)


def measured(*, size: float = 1):
    check_above(0, size=size)
    return sound


BAD = {"size": (0, "1")}
KEEPS = [Case("cross-entropy", sound, make=measured, bad=BAD), Case("noise", noisy, random=True)]
BREAKS = {
    training_losses.check_it_is_a_finite_scalar: Case("one element", one_element),
    training_losses.check_its_gradient_reaches_every_parameter: Case("cut off", cut_off),
    training_losses.check_a_small_step_teaches_the_labels: Case("turned round", turned_round),
    training_losses.check_nothing_else_has_changed: Case("leaves eval mode", leaves_eval_mode),
    training_losses.check_it_is_the_mean_over_the_images: Case("summed", summed),
    training_losses.check_the_global_seed_decides: Case("of its own seed", of_its_own_seed, random=True),
    training_losses.check_it_costs_the_passes_that_it_says: Case("one pass more", one_pass_more),
    training_losses.check_statistics_move_with_the_batches_it_trains_on_alone: Case("in eval mode", in_eval_mode),
    training_losses.check_a_run_that_is_stopped_and_resumed_ends_in_the_same_weights: Case("forgets", Forgetful()),
    training_losses.check_bad_settings_are_refused_by_name: Case("takes all", sound, make=lambda size: sound, bad=BAD),
}
