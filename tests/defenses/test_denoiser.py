"""The denoising autoencoder against the best linear filter, and its loss against the noise's variance."""

import pytest
import torch
from torch import nn

from advcourse import data, models, training
from advcourse.core.running import evaluating
from advcourse.defenses import DenoisingAutoencoder, denoising_loss
from tests.support.refusals import refused
from tests.support.scenes import seeded
from tests.support.toys import pictures


def test_with_no_weights_it_is_the_identity():
    """A residual: what it adds is zero, and what it is given comes back."""
    model = DenoisingAutoencoder(3, 4).double()
    nn.init.zeros_(model.out.weight)
    nn.init.zeros_(model.out.bias)
    images = pictures(2, 3, 9, 12)
    torch.testing.assert_close(model(images), images, rtol=0, atol=0)


def test_both_paths_reach_the_image():
    """Zeroed one by one, the fine and the coarse features each change what comes out."""
    torch.manual_seed(0)
    model, images = DenoisingAutoencoder(1, 4).double(), pictures(2, 1, 8, 8)
    whole = model(images)
    for layer in (model.up, model.coarse[0]):
        kept = {name: value.clone() for name, value in layer.state_dict().items()}
        nn.init.zeros_(layer.weight)
        assert not torch.equal(model(images), whole)
        layer.load_state_dict(kept)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_images_of_another_precision_keep_it(dtype):
    torch.manual_seed(0)
    model, images = DenoisingAutoencoder(1, 4), pictures(2, 1, 8, 8).to(dtype)
    found = model(images)
    assert found.dtype == dtype
    torch.testing.assert_close(found, model(images.float()).to(dtype), rtol=0, atol=0)


def test_images_of_other_channels_are_refused():
    with refused("images has 1 channels, expected 3"):
        DenoisingAutoencoder(3, 4)(pictures(2, 1, 8, 8))


def test_the_loss_of_the_identity_is_the_variance_of_the_noise():
    """On grey images, far from the edges of the box that clip the noise."""
    images, labels = torch.full((50, 3, 16, 16), 0.5), torch.zeros(50, dtype=torch.int64)
    torch.manual_seed(0)
    found = denoising_loss(nn.Identity(), images, labels, sigma=0.1).item()
    assert found == pytest.approx(0.01, rel=4 * (2 / images.numel()) ** 0.5)
    with refused("sigma is 0, expected"):
        denoising_loss(nn.Identity(), images, labels, sigma=0)


def test_it_learns_more_than_the_best_linear_filter():
    """Stripes under noise: trained for some seconds its error is below that of the best filter of 5 x 5 pixels."""
    phases = 6.28 * torch.rand(32, 1, 1, 1, generator=seeded(0))
    wave = 0.5 + 0.3 * torch.sin(0.7 * torch.arange(16.0) + phases).sign()
    images = wave.expand(32, 1, 16, 16).contiguous()
    labels = torch.zeros(32, dtype=torch.int64)
    sigma = 0.2

    def loss(model, x, y):
        return denoising_loss(model, x, y, sigma=sigma)

    torch.manual_seed(0)
    model = DenoisingAutoencoder(1, 8)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    training.fit(model, (images, labels), loss, epochs=40, optimizer=optimizer, batch_size=16, progress=False)

    noisy = (images + sigma * torch.randn(images.shape, generator=seeded(1))).clamp(0, 1)
    patches = (
        nn.functional.unfold(nn.functional.pad(noisy, (2, 2, 2, 2), mode="replicate"), 5)
        .transpose(1, 2)
        .reshape(-1, 25)
    )
    design = torch.cat([patches, torch.ones(len(patches), 1)], 1)
    filtered = design @ torch.linalg.lstsq(design, images.reshape(-1, 1)).solution
    best = (filtered - images.reshape(-1, 1)).square().mean()
    with evaluating(model), torch.no_grad():
        error = (model(noisy) - images).square().mean()
    assert error < best < (noisy - images).square().mean()


@pytest.mark.data
def test_the_shipped_one_takes_noise_away_and_leaves_the_network_its_answers():
    images, labels, _ = data.load("cifar10", n=200)
    denoiser, network = models.load("cifar10/denoiser"), models.load("cifar10/resnet20")
    sigma = 8 / 255
    noisy = (images + sigma * torch.randn(images.shape, generator=seeded(3))).clamp(0, 1)
    with torch.no_grad():
        error = (denoiser(noisy) - images).square().mean() / (noisy - images).square().mean()
    assert error < 0.5
    clean = training.accuracy(network, images, labels)
    assert training.accuracy(nn.Sequential(denoiser, network), images, labels) > clean - 0.1
