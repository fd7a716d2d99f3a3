"""The real JPEG, by what it must do; and JPEG in tensors against it, scipy and finite differences."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.fft import dctn

from advcourse import data
from advcourse.defenses import JPEG, SoftJPEG, cubic_round
from advcourse.defenses._soft_jpeg import compressed, cosine_basis, quantisation
from tests.support.refusals import refused
from tests.support.scenes import gradient, normal
from tests.support.toys import pictures


def photographs(height=45, width=70):
    """Sections of the photographs that come with scikit-image."""
    images = data.load("photos", n=4).images
    return images[:, :, 20 : 20 + height, 30 : 30 + width].double()


def in_bytes(levels):
    return levels.round().clamp(0, 255)


def away(x):
    """Halves away from zero, as libjpeg rounds; cosines in floating point hit them up to rounding."""
    return x.sign() * (x.abs() + 0.5 + 1e-9).floor()


# -- the real one


@pytest.mark.parametrize("grey", [False, True], ids=["RGB", "grey"])
def test_it_is_what_pillow_reads_from_what_pillow_wrote(grey):
    images = photographs()[:, :1] if grey else photographs()
    for image, result in zip(images, JPEG(30)(images), strict=True):
        pixels, file = (255 * image).round().byte().permute(1, 2, 0).numpy(), BytesIO()
        Image.fromarray(pixels.squeeze()).save(file, "JPEG", quality=30, subsampling=2)
        read = np.asarray(Image.open(BytesIO(file.getvalue())), dtype=float).reshape(pixels.shape) / 255
        assert np.array_equal(result.permute(1, 2, 0).numpy(), read)


def test_a_lower_quality_is_farther_off():
    images = photographs()
    off = [(JPEG(quality)(images) - images).abs().mean().item() for quality in (100, 75, 30, 5)]
    assert off == sorted(off) and off[0] < 0.005 and off[-1] > 0.03


def test_pixels_are_rounded_to_the_nearest_byte():
    flat = torch.tensor([0.4, 0.6, 127.4, 127.6, 254.4, 254.6], dtype=torch.float64).view(6, 1, 1, 1) / 255
    result = 255 * JPEG(100)(flat.expand(6, 1, 8, 8))
    assert result.amax((1, 2, 3)).tolist() == [0, 1, 127, 128, 254, 255]


@pytest.mark.parametrize("defense", [JPEG(), SoftJPEG()], ids=["JPEG", "SoftJPEG"])
def test_two_channels_are_refused(defense):
    with refused("images has 2 channels, expected 1 or 3"):
        defense(pictures())


def test_its_gradient_is_refused():
    with pytest.raises(RuntimeError, match="does not require grad"):
        gradient(JPEG(), pictures(channels=3))


# -- in tensors


def test_the_tables_are_those_that_libjpeg_writes_at_every_quality():
    for quality in range(1, 101):
        file = BytesIO()
        Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
        written = Image.open(BytesIO(file.getvalue())).quantization
        for number, table in enumerate(quantisation(quality)):
            assert table.flatten().tolist() == list(written[number]), quality


def test_the_cosines_are_scipys():
    block, basis = normal(8, 8), cosine_basis()
    torch.testing.assert_close(basis @ block @ basis.T, torch.from_numpy(dctn(block.numpy(), norm="ortho")))
    torch.testing.assert_close(basis @ basis.T, torch.eye(8, dtype=torch.float64), rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [(32, 48), (45, 70), (17, 31), (1, 7)], ids=str)
@pytest.mark.parametrize("quality", [10, 50, 75, 95])
@pytest.mark.parametrize("grey", [False, True], ids=["RGB", "grey"])
def test_with_true_rounding_it_is_the_real_one(size, quality, grey):
    """In bytes on the way."""
    images = photographs(*size)[:, : 1 if grey else 3]
    levels = (255 * images).round()
    off = (compressed(levels, quality, away, in_bytes) - 255 * JPEG(quality)(images)).abs()
    print("FIGURE", size, quality, grey, off.max().item(), off.mean().item(), (off > 2.5).double().mean().item())
    soft = (255 * SoftJPEG(quality, torch.round)(levels / 255) - 255 * JPEG(quality)(images)).abs()
    print("SOFT", size, quality, grey, soft.max().item(), soft.mean().item())
