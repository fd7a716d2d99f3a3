"""Losses that keep their contracts, and losses with one fault."""

import torch
import torch.nn.functional as F

from tests.contracts import training_losses
from tests.contracts.training_losses import Case


def sound(model, images, labels):
    return F.cross_entropy(model(images), labels)


def noisy(model, images, labels):
    return sound(model, images + 0.01 * torch.randn_like(images), labels)


def one_element(model, images, labels):
    return sound(model, images, labels)[None]


def cut_off(model, images, labels):
    return sound(lambda x: model[1:](model[0](x).detach()), images, labels)


def turned_round(model, images, labels):
    return -sound(model, images, labels)


def leaves_eval_mode(model, images, labels):
    return sound(model.eval(), images, labels)


def summed(model, images, labels):
    return len(images) * sound(model, images, labels)


def of_its_own_seed(model, images, labels):
    draws = torch.Generator()
    draws.seed()
    return sound(model, images + 1e-12 * torch.randn(images.shape, generator=draws, dtype=images.dtype), labels)


KEEPS = [Case("cross-entropy", sound), Case("noise", noisy, random=True)]
BREAKS = {
    training_losses.check_it_is_a_finite_scalar: Case("one element", one_element),
    training_losses.check_its_gradient_reaches_every_parameter: Case("cut off", cut_off),
    training_losses.check_a_small_step_teaches_the_labels: Case("turned round", turned_round),
    training_losses.check_nothing_else_has_changed: Case("leaves eval mode", leaves_eval_mode),
    training_losses.check_it_is_the_mean_over_the_images: Case("summed", summed),
    training_losses.check_the_global_seed_decides: Case("of its own seed", of_its_own_seed),
}
