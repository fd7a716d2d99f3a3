"""An image on which a loss of probabilities has everywhere the opposite sign."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.grading import drawn


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_two_losses_disagree_at_every_pixel(dtype):
    for seed in range(20):
        model, image, signs = drawn.torn(seed, dtype)
        slopes, label = [], torch.tensor([0])
        for logits_of in (model, lambda x, model=model: model(x).softmax(1)):
            x = image.clone().requires_grad_()
            slopes.append(torch.autograd.grad(F.cross_entropy(logits_of(x), label), x)[0].sign())
        assert model(image).argmax(1) == label and image.dtype == dtype
        assert torch.equal(slopes[0], signs) and torch.equal(slopes[1], -signs)
