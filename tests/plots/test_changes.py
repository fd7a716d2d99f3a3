"""Changes of an image: signed with one channel, lengths with more, all on one scale."""

import numpy as np
import pytest
import torch

from advcourse import plots


def maps(figure):
    return [ax.images[0] for ax in figure.axes if ax.images][1:]


def test_one_channel_is_signed_and_zero_is_in_the_middle():
    image = torch.full((1, 4, 5), 0.5)
    up, down = image.clone(), image.clone()
    up[0, 1, 2] += 0.3
    down[0, 3, 0] -= 0.1
    figure = plots.show_changes(image, {"up": up, "down": down}, title="five")
    shown = maps(figure)
    for each, adversarial in zip(shown, (up, down), strict=True):
        np.testing.assert_allclose(each.get_array(), (adversarial - image)[0], atol=1e-6)
        assert each.get_clim() == shown[0].get_clim() and sum(each.get_clim()) == 0
    assert [ax.get_title() for ax in figure.axes[:3]] == ["five", "up", "down"]
    assert figure.axes[3].get_xlabel() == "change of the pixel"


def test_more_channels_give_lengths_and_the_largest_are_cut_off():
    image = torch.zeros(3, 20, 20)
    small = image.clone() + 0.01
    large = small.clone()
    large[:, 0, 0] = torch.tensor([0.3, 0.0, 0.4])
    shown = maps(plots.show_changes(image, {"a": small, "b": large}))
    assert shown[1].get_array()[0, 0] == pytest.approx(0.5)
    np.testing.assert_allclose(shown[0].get_array(), 0.01 * 3**0.5, rtol=1e-5)
    low, high = shown[0].get_clim()
    assert low == 0 and high == pytest.approx(0.01 * 3**0.5, rel=1e-4)


def test_nothing_changed_is_drawn():
    image = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(0))
    figure = plots.show_changes(image, {"same": image.clone()})
    figure.canvas.draw()
    assert not maps(figure)[0].get_array().any()


@pytest.mark.parametrize(
    "image, adversarials, name",
    [
        (torch.zeros(1, 4, 4), {}, "adversarials"),
        (torch.zeros(1, 4, 4), {"a": torch.zeros(1, 4, 5)}, "adversarials"),
        (2 * torch.ones(1, 4, 4), {"a": torch.zeros(1, 4, 4)}, "image"),
        (torch.zeros(1, 1, 4, 4), {"a": torch.zeros(1, 1, 4, 4)}, "image"),
    ],
)
def test_bad_input_is_refused_by_name(image, adversarials, name):
    with pytest.raises(ValueError, match=f"{name}.*expected"):
        plots.show_changes(image, adversarials)
