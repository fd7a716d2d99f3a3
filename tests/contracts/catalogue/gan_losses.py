"""The GAN variants. One joins by a line."""

from tests.contracts.gan_losses import Case

CATALOGUE: list[Case] = []
