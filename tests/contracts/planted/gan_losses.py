"""GAN variants that keep their contracts, and variants with one fault."""

from dataclasses import replace

import torch
import torch.nn.functional as F

from advcourse.gan import standard_gan, wgan, wgan_gp
from tests.contracts import gan_losses
from tests.contracts.gan_losses import Case
from tests.support.scenes import seeded

LOGISTIC, CLIPPED, PENALISED = standard_gan(), wgan(), wgan_gp()


def with_critic(loss, base=LOGISTIC, **more):
    """The case of a sound variant whose critic's loss is another: ``loss(sound, critic, real, fake, draws)``."""

    def critic_loss(critic, real, fake, generator=None):
        return loss(base.critic_loss, critic, real, fake, generator)

    return Case(loss.__name__, replace(base, critic_loss=critic_loss), **more)


def with_generator(loss, base=LOGISTIC):
    def generator_loss(critic, real, fake):
        return loss(base.generator_loss, critic, real, fake)

    return Case(loss.__name__, replace(base, generator_loss=generator_loss))


def in_single_precision(sound, *given):
    return sound(*given).float()


def doubles_what_stands_in_a_column(sound, critic, real, fake, draws):
    return sound(lambda x: critic(x) * critic(x).dim(), real, fake, draws)


def not_detached(sound, critic, real, fake, draws):
    return sound(critic, real, fake, draws) + 0.1 * F.softplus(critic(fake).view(len(fake), -1)[:, 0])


def of_the_first_images(sound, critic, real, fake):
    return sound(critic, real, torch.cat([fake[:6], fake[6:].detach()]))


def trains_the_critic(sound, critic, real, fake):
    return sound(critic.train(), real, fake)


def turned_round(sound, critic, real, fake, draws):
    return -sound(critic, real, fake, draws)


def generator_turned_round(sound, critic, real, fake):
    return -sound(critic, real, fake)


def of_the_whole_batch(sound, critic, real, fake, draws):
    return sound(critic, real, fake, draws) - critic(real).mean() / 2


def of_one_seed(sound, critic, real, fake, draws):
    return sound(critic, real, fake, seeded(0) if isinstance(draws, torch.Generator) else draws)


def of_any_shape(sound, critic, real, fake, draws):
    fake = fake.expand(-1, real.shape[1], -1, -1)
    count = min(len(real), len(fake))
    return sound(critic, real[:count], fake[:count], draws)


def leaves_the_weights(critic):
    pass


def takes_any_sign(*, weight=10.0):
    return wgan_gp(weight=abs(weight))


KEEPS = [
    Case("logistic", LOGISTIC),
    Case("clipped", CLIPPED),
    Case("penalised", PENALISED, random=True, make=wgan_gp, bad={"weight": (-1,)}),
]
BREAKS = {
    gan_losses.check_losses_are_one_finite_number_an_image: with_critic(in_single_precision),
    gan_losses.check_a_column_of_scores_is_as_good: with_critic(doubles_what_stands_in_a_column),
    gan_losses.check_the_critics_loss_reaches_the_critic_alone: with_critic(not_detached),
    gan_losses.check_the_generators_loss_reaches_every_image_that_is_made: with_generator(of_the_first_images),
    gan_losses.check_nothing_else_has_changed: with_generator(trains_the_critic),
    gan_losses.check_a_step_of_the_critic_widens_the_gap: with_critic(turned_round),
    gan_losses.check_a_step_of_the_generator_narrows_the_gap: with_generator(generator_turned_round),
    gan_losses.check_an_images_loss_is_its_own: with_critic(of_the_whole_batch),
    gan_losses.check_the_generator_of_draws_decides: with_critic(of_one_seed, PENALISED, random=True),
    gan_losses.check_shapes_that_differ_are_refused: with_critic(of_any_shape),
    gan_losses.check_after_a_step_of_the_critic_it_has_moved: Case(
        "stays", replace(CLIPPED, after_critic_step=leaves_the_weights)
    ),
    gan_losses.check_its_optimizers_are_ready: Case("no steps", replace(LOGISTIC, critic_steps=0)),
    gan_losses.check_bad_parameters_are_refused_by_name: Case(
        "any sign", PENALISED, random=True, make=takes_any_sign, bad={"weight": (-1,)}
    ),
}
