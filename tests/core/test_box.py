"""Clamping to the box: values as torch's, gradients at the edge too."""

import pytest
import torch

from advcourse.core.balls import ROUNDING, clip

VALUES = [-2.0, -1e-3, -ROUNDING / 2, 0.0, 0.3, 1.0, 1 + ROUNDING / 2, 1.001, torch.inf, -torch.inf]


@pytest.mark.parametrize("with_gradient", [False, True])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_values_are_those_of_clamp(dtype, with_gradient):
    x = torch.tensor([*VALUES, torch.nan], dtype=dtype, requires_grad=with_gradient)
    assert torch.equal(clip(x)[:-1], x[:-1].clamp(0, 1)) and clip(x)[-1].isnan()


def test_the_gradient_passes_in_the_box_and_on_its_edge():
    """Trap: torch's clamp passes nothing at exactly 0 and 1, where pixels then stay."""
    x = torch.tensor(VALUES, dtype=torch.float64, requires_grad=True)
    clip(x).sum().backward()
    assert x.grad.tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0, 0]
