"""The playground, driven without a browser."""

import io

import pytest
import torch
from PIL import Image
from torch import nn

from advcourse import widgets
from advcourse.rendering import TexturedObject

CLASSES = ["dark", "bright"]


class Brightness(nn.Module):
    """Class 1 where the mean pixel is above one half."""

    def forward(self, images):
        z = 20 * (images.mean((1, 2, 3)) - 0.5)
        return torch.stack([-z, z], 1)


@pytest.fixture
def playground():
    images = torch.stack([torch.full((3, 8, 8), 0.55), torch.full((3, 8, 8), 0.4)])
    return widgets.playground(Brightness(), images, torch.tensor([1, 0]), CLASSES, eps=4 / 255, eps_max=32 / 255)


def test_it_is_a_container_the_page_can_find_and_draws_at_once(playground):
    assert "advcourse-playground" in playground._dom_classes
    assert playground.picture in playground.children
    assert playground.eps.description == "ε" and playground.eps.value == 4
    with Image.open(io.BytesIO(playground.picture.value)) as picture:
        assert picture.format == "PNG" and min(picture.size) > 200


@pytest.mark.parametrize(
    "control, value", [("eps", 16.0), ("attack", "ifgsm"), ("image", 1), ("steps", 3)], ids=lambda v: str(v)
)
def test_every_control_changes_the_picture(playground, control, value):
    before = playground.picture.value
    getattr(playground, control).value = value
    assert playground.picture.value != before
    assert "Error" not in playground.message.value


def test_the_message_states_the_size_of_the_perturbation(playground):
    playground.eps.value = 8
    assert "‖δ‖<sub>∞</sub> = 8.00/255" in playground.message.value


@pytest.mark.parametrize("attack", widgets.ATTACKS)
def test_eps_zero_changes_nothing(playground, attack, monkeypatch):
    drawn = []
    real = widgets.draw_playground

    def spy(model, image, label, adversarial, *rest):
        drawn.append((image, adversarial))
        return real(model, image, label, adversarial, *rest)

    monkeypatch.setattr(widgets, "draw_playground", spy)
    playground.attack.value = attack
    playground.eps.value = 0
    image, adversarial = drawn[-1]
    assert torch.equal(image, adversarial)
    assert "‖δ‖<sub>∞</sub> = 0.00/255" in playground.message.value


def test_large_eps_fools_and_the_picture_names_the_new_class(playground):
    image = playground.images[0]
    small = widgets.run_attack(playground.model, image, 1, attack="pgd", eps=2 / 255, steps=4)
    large = widgets.run_attack(playground.model, image, 1, attack="pgd", eps=24 / 255, steps=4)
    titles = []
    for adversarial in (small, large):
        figure = widgets.draw_playground(playground.model, image, 1, adversarial, CLASSES)
        titles.append(figure.axes[2].get_title())
    assert titles == ["adversarial: bright", "adversarial: dark"]


def test_the_perturbation_panel_states_its_factor(playground):
    image = playground.images[0]
    adversarial = widgets.run_attack(playground.model, image, 1, attack="fgsm", eps=4 / 255, steps=1)
    figure = widgets.draw_playground(playground.model, image, 1, adversarial, CLASSES)
    assert figure.axes[1].get_title() == "perturbation × 20 (grey: no change)"
    unchanged = widgets.draw_playground(playground.model, image, 1, image, CLASSES)
    assert unchanged.axes[1].get_title() == "no perturbation (grey)"


@pytest.mark.filterwarnings("error::UserWarning")
def test_long_class_names_leave_room_for_the_bars(playground):
    names = ["black-and-gold garden spider, Argiope aurantia", "soft-coated wheaten terrier"]
    figure = widgets.draw_playground(playground.model, playground.images[0], 1, playground.images[1], names, "title")
    widgets.png(figure)
    left, right = figure.axes[3:]
    assert left.get_window_extent().width > 150 and right.get_window_extent().width > 150
    assert all(len(text.get_text()) <= 18 for text in left.get_yticklabels())


def test_an_error_is_shown_and_does_not_escape(playground):
    playground.images = torch.full((2, 3, 8, 8), float("nan"))
    playground.eps.value = 12
    assert "ValueError" in playground.message.value and "NaN" in playground.message.value
    playground.images = torch.full((2, 3, 8, 8), 0.55)
    playground.eps.value = 13
    assert "ValueError" not in playground.message.value


def test_moving_a_control_leaves_no_open_figure(playground):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    playground.eps.value = 20
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    "images, labels, named",
    [
        (torch.full((1, 3, 8, 8), 2.0), torch.tensor([0]), "images"),
        (torch.rand(2, 3, 8, 8), torch.tensor([0]), "labels"),
    ],
)
def test_bad_input_is_refused(images, labels, named):
    with pytest.raises(ValueError, match=named):
        widgets.playground(Brightness(), images, labels, CLASSES)


def test_unknown_attack_lists_the_known_ones():
    with pytest.raises(ValueError, match="fgsm, ifgsm, pgd"):
        widgets.run_attack(Brightness(), torch.rand(3, 8, 8), 0, attack="cw", eps=0.1, steps=1)


class Leftness(torch.nn.Module):
    """Two classes: the picture's left half is brighter, or its right half."""

    def forward(self, x):
        left, right = (half.mean((1, 2, 3)) for half in x.tensor_split(2, dim=3))
        return 50 * torch.stack([left, right], 1)


@pytest.fixture
def table():
    half = torch.zeros(3, 8, 16)
    half[:, :, 8:] = 1  # white to the right of the meridian that faces the camera
    textures = {"half white": half, "grey": torch.full((3, 8, 16), 0.5)}
    return widgets.turntable(Leftness(), TexturedObject.sphere(rows=8), textures, ["left", "right"])


def test_the_turntable_turns_and_draws_anew(table):
    shown = {table.picture.value}
    for control, value in ((table.yaw, 90), (table.pitch, 30), (table.light, 60), (table.texture, "grey")):
        control.value = value
        assert table.message.value == ""
        shown.add(table.picture.value)
    assert len(shown) == 5 and table.start in shown


def test_the_turntable_shows_what_the_network_reads(table, monkeypatch):
    titles = []
    monkeypatch.setattr(widgets.plots, "draw_image", lambda ax, image, title="": titles.append(title))
    for light, yaw in ((0, 0), (0, 180), (0, 0)):
        table.light.value, table.yaw.value = light, yaw
    assert titles == ["half white: left", "half white: right"]


def test_the_turntable_shows_its_errors_and_refuses_what_is_no_texture(table):
    table.model = None
    table.yaw.value = 40
    assert "Error" in table.message.value
    for textures in ({}, {"flat": torch.zeros(3, 8)}, {"bright": torch.full((3, 8, 8), 2.0)}):
        with pytest.raises(ValueError, match="textures.*expected"):
            widgets.turntable(Leftness(), TexturedObject.sphere(rows=8), textures, ["left", "right"])
