"""GAN variants that keep their contracts, and variants with one fault."""

import torch
import torch.nn.functional as F

from tests.contracts import gan_losses
from tests.contracts.gan_losses import Case


def critics(generator, critic, images, latents):
    """The logistic loss."""
    return F.softplus(-critic(images)).mean() + F.softplus(critic(generator(latents).detach())).mean()


def generators(generator, critic, images, latents):
    """That does not saturate."""
    return F.softplus(-critic(generator(latents))).mean()


def penalised(generator, critic, images, latents):
    """Wasserstein's, with a gradient penalty."""
    made = generator(latents).detach()
    share = torch.rand(len(images), 1, 1, 1, dtype=images.dtype, device=images.device)
    between = (images + share * (made - images)).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return critic(made) - critic(images) + 0.1 * (slope.flatten(1).norm(dim=1) - 1) ** 2


def of_wasserstein(generator, critic, images, latents):
    return 1 - critic(generator(latents))


def in_single_precision(*given):
    return critics(*given).float()


def not_detached(generator, critic, images, latents):
    return F.softplus(-critic(images)).mean() + F.softplus(critic(generator(latents))).mean()


def first_layer_cut_off(generator, critic, images, latents):
    return generators(lambda z: generator[1:](generator[0](z).detach()), critic, images, latents)


def freezes_the_critic(generator, critic, images, latents):
    return generators(generator, critic.requires_grad_(False), images, latents)


def critic_turned_round(*given):
    return -critics(*given)


def generator_turned_round(generator, critic, images, latents):
    return F.softplus(critic(generator(latents))).mean()


def summed(generator, critic, images, latents):
    return len(images) * generators(generator, critic, images, latents)


def of_its_own_seed(generator, critic, images, latents):
    draws = torch.Generator()
    draws.seed()
    noise = torch.randn(images.shape, generator=draws, dtype=images.dtype)
    return critics(generator, critic, images + 1e-12 * noise, latents)


KEEPS = [Case("logistic", critics, generators), Case("penalised", penalised, of_wasserstein, random=True)]
BREAKS = {
    gan_losses.check_losses_are_finite_numbers: Case("single precision", in_single_precision, generators),
    gan_losses.check_the_critics_loss_reaches_the_critic_alone: Case("not detached", not_detached, generators),
    gan_losses.check_the_generators_loss_reaches_all_of_the_generator: Case("cut off", critics, first_layer_cut_off),
    gan_losses.check_nothing_else_has_changed: Case("freezes the critic", critics, freezes_the_critic),
    gan_losses.check_a_step_of_the_critic_widens_the_gap: Case("turned round", critic_turned_round, generators),
    gan_losses.check_a_step_of_the_generator_narrows_the_gap: Case("turned round", critics, generator_turned_round),
    gan_losses.check_losses_are_means_over_the_images: Case("summed", critics, summed),
    gan_losses.check_the_global_seed_decides: Case("of its own seed", of_its_own_seed, generators),
}
