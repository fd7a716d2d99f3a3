"""The classifiers' own parts: the normalisation they own, and the shortcut of a residual block."""

import torch
from torch import nn

from advcourse import networks


def test_normalized_owns_mean_and_deviation():
    model = networks.Normalized(nn.Identity(), (0.5, 0.25), (0.5, 0.1))
    images = torch.tensor([1.0, 0.35]).view(1, 2, 1, 1).expand(1, 2, 3, 3)
    torch.testing.assert_close(model(images), torch.ones(1, 2, 3, 3))
    assert set(model.state_dict()) == {"mean", "std"}
    assert model.double()(images.double()).dtype == torch.float64


def test_the_shortcut_has_no_parameters():
    """Option A: every second row and column, and zeros for the new channels on both sides."""
    block = networks.BasicBlock(4, 8, 2).eval()
    nn.init.zeros_(block.conv2.weight)
    x = torch.rand(2, 4, 6, 6)
    out = block(x)
    assert torch.equal(out[:, 2:6], x[:, :, ::2, ::2])
    assert out[:, :2].abs().sum() == out[:, 6:].abs().sum() == 0
    assert sum(p.numel() for p in networks.CifarResNet(3).parameters()) == 269_722
