"""The GAN variants. One joins by a line."""

from advcourse.gan import lsgan, r3gan, standard_gan, wgan, wgan_gp
from tests.contracts.gan_losses import Case

NUMBERS, FLAGS = (-1, float("nan"), None, "1"), (None, 1, "no")
CATALOGUE: list[Case] = [
    Case("standard_gan", standard_gan(), make=standard_gan, bad={"saturating": FLAGS}),
    Case("standard_gan, saturating", standard_gan(saturating=True)),
    Case("lsgan", lsgan()),
    Case("wgan", wgan(), make=wgan, bad={"clip": (0, *NUMBERS)}),
    Case("wgan_gp", wgan_gp(), random=True, make=wgan_gp, bad={"weight": NUMBERS, "one_sided": FLAGS}),
    Case("wgan_gp, one-sided", wgan_gp(weight=100, one_sided=True), random=True),
    Case("r3gan", r3gan(), make=r3gan, bad={"gamma": NUMBERS}),
]
