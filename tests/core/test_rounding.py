"""Images that rounding took out of the box by a hair are images, and nothing that comes back lies outside."""

import pytest
import torch

from advcourse.core.running import detached
from advcourse.core.validation import check_images
from advcourse.evaluation import evaluate, fooling_rate, shown
from tests.contracts.attacks import run
from tests.contracts.catalogue.attacks import CATALOGUE
from tests.contracts.contract import cases
from tests.support.scenes import scene
from tests.support.toys import Constant, pictures


def nudged(images):
    """By what resizing and changes of precision leave: 1 + 1e-7 and -1e-9."""
    images = images.round()
    return torch.where(images == 1, images * (1 + 5e-7), images - 1e-9)


@pytest.mark.parametrize("case", cases(CATALOGUE))
def test_attacks_take_them_as_the_images_in_the_box(case):
    """All but the same: what an operator is made of is not put back."""
    model, images, _ = scene(3, dtype=torch.float32)
    off = nudged(images)
    labels = model(off.clamp(0, 1)).argmax(1)
    assert off.min() < 0 and off.max() > 1
    result, expected = run(case, model, off, labels), run(case, model, off.clamp(0, 1), labels)
    assert result.min() >= 0 and result.max() <= 1
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-6)
    kept = run(case, Constant().float(), off, torch.zeros_like(labels))
    assert kept.min() >= 0 and kept.max() <= 1


def test_measures_take_them():
    model, images, _ = scene(dtype=torch.float32)
    off = nudged(images)
    labels = model(off.clamp(0, 1)).argmax(1)
    report = evaluate(model, lambda model, images, labels: images, off, labels)
    assert report.clean_accuracy == 1 and report.linf == 0
    assert report.adversarial.min() >= 0 and report.adversarial.max() <= 1
    nothing = torch.zeros_like(off[0])
    assert fooling_rate(model, nothing, off) == 0
    assert shown(off, nothing).max() <= 1


@pytest.mark.parametrize("beyond", [2e-6, 1e-3])
def test_more_than_rounding_is_refused_with_the_way_back(beyond):
    images = pictures(2).float()
    for off in (images + beyond, images - beyond):
        with pytest.raises(
            ValueError, match=r"ranges over \[.*\], expected \[0, 1\]: clamp\(0, 1\) puts them back"
        ) as why:
            check_images(off)
        assert f"{off.aminmax()[0]:.7g}" in str(why.value) and f"{off.aminmax()[1]:.7g}" in str(why.value)
    with pytest.raises(ValueError, match="normalisation belongs inside the model"):
        check_images(images * 4 - 2)


def test_detached_images_are_contiguous_copies_in_the_box():
    images = nudged(pictures(2, 3)).requires_grad_()
    for given in (images, images.transpose(2, 3), images.contiguous(memory_format=torch.channels_last)):
        put = detached(given)
        assert not put.requires_grad and put.min() >= 0 and put.max() <= 1
        torch.testing.assert_close(put, given.detach(), rtol=0, atol=1e-6)
    assert put.is_contiguous(memory_format=torch.channels_last)
    assert detached(images.transpose(2, 3)).is_contiguous()
