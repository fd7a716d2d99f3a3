"""How many images a perturbation fools, and how alike several are."""

import numpy as np
import pytest
import torch

from advcourse.evaluation import fooling_rate, fooling_table, inner_products, outcomes, shown
from tests.support.refusals import refused
from tests.support.toys import Affine, Breaks, pictures, smooth_cnn
from tests.support.traces import MODES, in_use, unchanged


def test_the_rate_is_against_the_prediction_of_the_image():
    model = Affine(torch.tensor([[1.0, 0.0], [0.0, 1.0], [-9.0, -9.0]]))
    images = torch.tensor([[0.5, 0.4], [0.5, 0.2], [0.2, 0.5], [0.9, 0.1]]).view(4, 1, 1, 2)
    v = torch.tensor([0.0, 0.35]).view(1, 1, 2)  # predicted 0 0 1 0, then 1 1 1 0
    assert fooling_rate(model, v, images) == 0.5
    assert fooling_rate(model, v, images, batch_size=np.int64(3)) == 0.5
    assert shown(images, v)[2].flatten().tolist() == pytest.approx([0.2, 0.85])
    assert shown(images, v + 0.5).max() == 1


def test_nan_logits_fool_nobody():
    """Trap: argmax takes a NaN for the largest logit."""
    images = torch.full((4, 2, 8, 6), 0.5)
    assert fooling_rate(Breaks(0.4), torch.full_like(images[0], -0.2), images) == 0


@pytest.mark.parametrize("mode", MODES)
def test_nothing_else_has_changed(mode):
    model, images = in_use(smooth_cnn(), mode), pictures()
    v = torch.full_like(images[0], 0.1)
    with unchanged(model, images, v):
        fooling_rate(model, v, images)


def test_inner_products_are_the_cosine_of_each_pair():
    one, two = torch.tensor([3.0, 4.0]).view(1, 1, 2), torch.tensor([4.0, -3.0]).view(1, 1, 2)
    gram = inner_products(torch.stack([one, 2 * one, -one, two, torch.zeros_like(one)]))
    expected = torch.tensor([[1.0, 1, -1, 0, 0], [1, 1, -1, 0, 0], [-1, -1, 1, 0, 0], [0, 0, 0, 1, 0], [0.0] * 5])
    torch.testing.assert_close(gram, expected)


def test_the_table_has_a_row_for_each_perturbation_and_a_column_for_each_model():
    """Of two models each looks at its own half of the image: class 1 where that is bright."""
    halves = {"upper": torch.zeros(2, 8, 6), "lower": torch.zeros(2, 8, 6)}
    halves["upper"][:, :4] = halves["lower"][:, 4:] = 1
    threshold = torch.tensor([24.0, 0.0])
    models = {name: Affine(torch.stack([0 * half, half]).flatten(1), threshold) for name, half in halves.items()}
    images = torch.full((5, 2, 8, 6), 0.45)
    images[0] = 0.9  # class 1 already
    found = {"lighter above": 0.1 * halves["upper"], "darker": torch.full_like(images[0], -0.5)}
    table = fooling_table(models, found, images)
    assert list(table.index) == list(found) and list(table.columns) == list(models)
    assert table.to_numpy() == pytest.approx(np.array([[0.8, 0.0], [0.2, 0.2]]))


def test_bad_input_is_refused_by_name():
    model, images = smooth_cnn(), pictures(2)
    v = torch.zeros_like(images[0])
    with pytest.raises(ValueError, match="model is a str, expected a callable"):
        fooling_rate("resnet", v, images)
    for wrong in (images, v[:1], v.float(), v / 0, None):
        with pytest.raises(ValueError, match="perturbation.*expected"):
            fooling_rate(model, wrong, images)
    for bad in (0, True, 1.5, -1):
        with refused("batch_size is .*, expected", bad):
            fooling_rate(model, v, images, batch_size=bad)
        with refused("batch_size is .*, expected", bad):
            outcomes(model, images, 0, None, batch_size=bad)
    assert sum(outcomes(model, images, 0, None, batch_size=np.int64(1))) == 1
