"""The margin, and gradients of per-image losses."""

import torch

from advcourse.core.losses import cross_entropy, input_gradient, margin
from tests.support.toys import pictures, smooth_cnn


def test_margin_is_positive_exactly_where_misclassified():
    logits = torch.tensor([[-3.0, -1.0, -2.0], [-3.0, -1.0, -2.0]])
    assert margin(logits, torch.tensor([1, 2])).tolist() == [-1.0, 1.0]


def test_a_gradient_is_each_images_own():
    """Not that of the batch's mean, which shrinks as the batch grows."""
    model, images = smooth_cnn(), pictures(5)
    labels = torch.tensor([0, 1, 2, 3, 0])
    x = images.requires_grad_()
    together = input_gradient(cross_entropy(model(x), labels), x)
    alone = [input_gradient(cross_entropy(model(x[[i]]), labels[[i]]), x)[i] for i in range(5)]
    torch.testing.assert_close(together, torch.stack(alone), rtol=0, atol=1e-12)
