"""Crops against torch's own resizing, place by place."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.defenses import CropResize
from tests.support.scenes import seeded
from tests.support.toys import pictures


@pytest.mark.parametrize(
    ("share", "height", "width", "tall", "wide"), [(0.5, 10, 7, 5, 4), (90 / 224, 12, 12, 5, 5), (0.01, 4, 3, 1, 1)]
)
def test_each_image_is_one_of_the_crops_enlarged_and_every_place_comes_up(share, height, width, tall, wide):
    images = pictures(1, 2, height, width).repeat(1200, 1, 1, 1)
    result = CropResize(share)(images, seeded())
    places = {
        (top, left): F.interpolate(
            images[:1, :, top : top + tall, left : left + wide], (height, width), mode="bilinear", align_corners=False
        )
        for top in range(height - tall + 1)
        for left in range(width - wide + 1)
    }
    distances = torch.stack([(result - crop).abs().amax((1, 2, 3)) for crop in places.values()])
    assert distances.min(0).values.max() < 1e-12
    counts = (distances < 1e-12).sum(1)
    expected = 1200 / len(places)
    assert counts.min() > 0 and ((counts - expected) ** 2 / expected).sum() < 2 * len(places)


def test_the_whole_share_is_the_image():
    images = pictures()
    assert torch.equal(CropResize(1.0)(images), images)
