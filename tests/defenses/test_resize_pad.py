"""Resizing and padding against torch's own; the draws of the sizes are tested with ``attacks.diversify``."""

import torch
import torch.nn.functional as F

from advcourse.defenses import ResizePad
from tests.support.scenes import seeded
from tests.support.toys import pictures


def test_every_image_is_shrunk_and_framed_with_black():
    images = pictures(60, 3, 20, 20).mul(0.9).add(0.1)  # no pixel is black: the frame is seen
    result = ResizePad(0.7)(images, seeded())
    sides = set()
    for image, view in zip(images, result, strict=True):
        rows, columns = ((view.amax((0, axis)) > 0).nonzero()[:, 0] for axis in (2, 1))
        top, left, side = int(rows[0]), int(columns[0]), len(rows)
        small = F.interpolate(image[None], (side, side), mode="bilinear", align_corners=False)
        frame = (left, 20 - left - side, top, 20 - top - side)
        torch.testing.assert_close(view, F.pad(small, frame)[0], rtol=0, atol=1e-12)
        sides.add(side)
    assert sides == set(range(14, 21))
