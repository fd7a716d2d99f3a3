"""What the GAN variants do on a device; see ``attacking``."""

from __future__ import annotations

import torch

from advcourse.core.streams import Streams
from advcourse.gan import generate, gradient_penalty, lsgan, play_ring, r3gan, slerp, standard_gan, wgan, wgan_gp
from advcourse.gan._fit import _CriticLoss, _GeneratorLoss
from advcourse.networks import GAN_ARCHITECTURES, gan_networks
from advcourse.training import moving_average
from tests.device.attacking import Found, generators
from tests.support.toys import pictures

VARIANTS = (standard_gan(), standard_gan(saturating=True), lsgan(), wgan(), wgan_gp(), r3gan())


def does_steps_of_every_variant(device: str, dtype: torch.dtype) -> Found:
    """The body of a step of ``fit``: the critic's and the generator's losses, optimisers, the average."""
    found: Found = {}
    for variant in VARIANTS:
        torch.manual_seed(0)
        generator, critic = (each.to(dtype).to(device) for each in gan_networks("DCGAN", 8, 1, 4, norm="layer"))
        real = pictures(6, 1, 8, 8, dtype).to(device)
        average, draws = moving_average(generator, 0.5), Streams(3, "critic", real)
        steppers = [torch.optim.SGD(network.parameters(), 0.1) for network in (critic, generator)]
        fake = generator(draws.randn(100)).detach()
        _CriticLoss(critic, variant, None)(real, fake, draws, 0.5).backward()
        steppers[0].step()
        if variant.after_critic_step:
            variant.after_critic_step(critic)
        _GeneratorLoss(generator, critic, variant, None)(real, draws.randn(100), 0.5).backward()
        steppers[1].step()
        average.update_parameters(generator)
        held = {"critic": critic, "generator": generator, "average": average}
        for name, network in held.items():
            states = network.state_dict().items()
            found |= {f"{variant.name} {name} {key}": value for key, value in states if value.is_floating_point()}
    return found


def does_a_gradient_penalty(device: str, dtype: torch.dtype) -> Found:
    torch.manual_seed(0)
    critic = gan_networks("DCGAN", 8, 1, 4, norm="layer")[1].to(dtype).to(device)
    real, found = pictures(6, 1, 8, 8, dtype).to(device), Found()
    torch.manual_seed(1)
    for place, generator in {"global": lambda: None, **generators(device)}.items():
        for one_sided in (False, True):
            given = {"one_sided": one_sided, "generator": generator()}
            found[f"{place} {one_sided}"] = gradient_penalty(critic, real, 1 - real, **given)
    return found


def does_generators_and_critics(device: str, dtype: torch.dtype) -> Found:
    found: Found = {}
    for name in GAN_ARCHITECTURES:
        torch.manual_seed(0)
        generator, critic = (each.to(dtype).to(device) for each in gan_networks(name, 8, 3, 4))
        draws = Streams(1, "latents", pictures(4, 1, 2, 2, dtype).to(device))
        images = generator(draws.randn(100))
        found |= {f"{name} images": images, f"{name} scores": critic(images)}
    return found


def does_latents_and_what_is_made_of_them(device: str, dtype: torch.dtype) -> Found:
    torch.manual_seed(0)
    generator = gan_networks("DCGAN", 8, 3, 4)[0].to(dtype).to(device)
    start, end = Streams(1, "latents", pictures(2, 1, 2, 2, dtype).to(device)).randn(100)
    walked = slerp(start, end, torch.linspace(0, 1, 4).to(device))
    elsewhere = generate(generator, walked.cpu())
    assert elsewhere.device.type == "cpu", "made where the latents are not"
    return {"walked": walked, "made": generate(generator, walked), "made of the CPU's": elsewhere.tolist()}


def does_a_run_on_the_ring(device: str, dtype: torch.dtype) -> Found:
    """It trains where accelerate has it trained and ends on the CPU."""
    run = play_ring("WGAN-GP", steps=4, every=2, batch_size=8, width=8, depth=1, progress=False)
    last = run.snapshots[-1]
    return {"points": last.points.tolist(), "values": last.values.tolist(), "losses": [*last.losses.values()]}
