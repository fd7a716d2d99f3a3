"""The explorers, driven without a browser."""

import io
import sys

import pytest
import torch
from PIL import Image
from torch import nn

from advcourse import plots, widgets
from advcourse.core.losses import cross_entropy
from advcourse.rendering import TexturedObject
from advcourse.structured import edge_correlation, flow, recolor, recolor_operator, warp
from tests.support.recorders import watched

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


@pytest.fixture
def played(monkeypatch):
    """What the playground draws from now on, given the model, the image, its label and the adversarial image."""
    # by its name in sys.modules: in the package, ``playground`` is the function
    return watched(monkeypatch, sys.modules["advcourse.widgets._playground"], "draw_playground")


@pytest.mark.parametrize("attack", widgets.ATTACKS)
def test_eps_zero_changes_nothing(playground, attack, played):
    playground.attack.value = attack
    playground.eps.value = 0
    _, image, _, adversarial, *_ = played[-1].given
    assert torch.equal(image, adversarial)
    assert "‖δ‖<sub>∞</sub> = 0.00/255" in playground.message.value


@pytest.mark.parametrize("attack", widgets.ATTACKS)
def test_what_is_drawn_is_the_attack_of_these_settings(attack, played):
    controls = widgets.playground(
        Corner(), blobs(), torch.tensor([0, 0]), ["corner", "elsewhere"], eps=4 / 255, eps_max=32 / 255
    )
    controls.attack.value, controls.eps.value, controls.steps.value = attack, 16.0, 3
    _, image, _, adversarial, *_ = played[-1].given
    three, ten = (widgets.run_attack(Corner(), image, 0, attack=attack, eps=16 / 255, steps=steps) for steps in (3, 10))
    assert torch.equal(adversarial, three) and not torch.equal(image, three)
    assert attack != "ifgsm" or not torch.equal(three, ten)


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
        (torch.rand(1, 3, 8, 8), torch.tensor([2]), "classes holds 2 names, expected at least 3"),
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
    monkeypatch.setattr(plots, "draw_image", lambda ax, image, title="": titles.append(title))
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


class Corner(nn.Module):
    """Class 0 as long as the picture is bright and red towards its upper left corner."""

    def forward(self, images):
        rows, columns = (torch.linspace(1, -1, side, dtype=images.dtype) for side in images.shape[2:])
        weights = torch.tensor([1.0, 0.3, 0.3], dtype=images.dtype)[:, None, None] * (rows[:, None] + columns)
        z = (images * weights).mean((1, 2, 3)) * 40
        return torch.stack([z, -z], 1)


def blobs(height=28, width=24):
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    spots = [torch.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 18) for r, c in ((10, 8), (16, 14))]
    tint = torch.tensor([0.8, 0.5, 0.3])[:, None, None]
    return torch.stack([0.1 + tint * spot for spot in spots])


@pytest.fixture
def deformer():
    return widgets.deformer(Corner(), blobs(), torch.tensor([0, 0]), ["corner", "elsewhere"])


@pytest.fixture
def drawn(monkeypatch):
    """Of what the deformer has drawn last: image, changed image and the keyword arguments."""
    calls = watched(monkeypatch, sys.modules["advcourse.widgets._deformer"], "draw_deformer")
    return lambda: (calls[-1].given[1], calls[-1].given[3], calls[-1].named)


def test_the_deformer_can_be_found_and_draws_at_once(deformer):
    assert "advcourse-deformer" in deformer._dom_classes
    assert deformer.picture in deformer.children and deformer.picture.value == deformer.start
    assert deformer.displacement.max == 1.0  # 28 pixels, the longer side
    with Image.open(io.BytesIO(deformer.start)) as picture:
        assert picture.format == "PNG" and min(picture.size) > 200


@pytest.mark.parametrize(
    "kind, size, smooth", [("motion", "displacement", "gamma"), ("recolouring", "strength", "rho")]
)
def test_every_control_of_the_deformer_changes_the_picture_and_start_is_kept(deformer, kind, size, smooth):
    start = deformer.start
    deformer.kind.value = kind
    values = ((size, getattr(deformer, size).max / 4), (smooth, 1.0), ("steps", 7), ("image", 1))
    for control, value in values:
        before = deformer.picture.value
        getattr(deformer, control).value = int(value) if control == "strength" else value
        assert deformer.picture.value != before, control
        assert "Error" not in deformer.message.value
    assert deformer.start == start


def test_only_the_sliders_of_the_kind_are_seen_and_the_others_keep_their_values(deformer):
    def seen():
        sliders = ("displacement", "gamma", "strength", "rho")
        return [name for name in sliders if getattr(deformer, name).layout.display != "none"]

    assert seen() == ["displacement", "gamma"]
    deformer.displacement.value = 0.25
    deformer.kind.value = "recolouring"
    assert seen() == ["strength", "rho"] and "1/255" in deformer.unit.value
    deformer.kind.value = "motion"
    assert seen() == ["displacement", "gamma"] and "pixels" in deformer.unit.value
    assert deformer.displacement.value == 0.25


@pytest.mark.parametrize("steps", [1, 4])
def test_the_field_drawn_is_the_one_applied(deformer, drawn, steps):
    deformer.steps.value, deformer.displacement.value = steps, 0.75
    image, moved, named = drawn()
    field = named["field"]
    assert torch.equal(warp(image[None], field[None])[0], moved) and not torch.equal(image, moved)
    attacked = flow(Corner(), image[None], torch.tensor([0]), gamma=10**2.5, max_displacement=0.75, steps=steps)
    assert torch.equal(attacked[0], moved)
    lengths = field.norm(dim=0)
    assert f"{lengths.max():.2f} px at the most, {lengths.mean():.3f} px in the mean" in deformer.message.value
    assert f"{(moved - image).norm() / image.norm():.4f}" in deformer.message.value
    deformer.gamma.value = 10.0
    smoother = flow(Corner(), image[None], torch.tensor([0]), gamma=10.0, max_displacement=0.75, steps=steps)
    assert torch.equal(drawn()[1], smoother[0]) and not torch.equal(smoother[0], moved)


def recoloured(image, rho):
    operator = recolor_operator(image[None], rho=rho)
    return recolor(Corner(), image[None], torch.tensor([0]), strength=32 / 255, steps=3, operator=operator)


def test_recolouring_states_what_it_did(deformer, drawn):
    deformer.kind.value = "recolouring"
    deformer.steps.value, deformer.strength.value = 3, 32
    image, changed, named = drawn()
    expected = recoloured(image, rho=10**2.5)
    assert torch.equal(changed, expected[0]) and named.get("field") is None
    loss = [cross_entropy(Corner()(x[None]), torch.tensor([0])).item() for x in (image, changed)]
    assert loss[1] > loss[0]
    assert f"largest change {255 * (changed - image).abs().max():.1f}/255" in deformer.message.value
    assert f"{edge_correlation(image[None], expected).item():.3f}" in deformer.message.value
    deformer.rho.value = 10.0
    finer = recoloured(image, rho=10.0)
    assert torch.equal(drawn()[1], finer[0]) and not torch.equal(finer, expected)


def test_the_operator_is_built_anew_for_another_image_or_rho_alone(deformer, monkeypatch):
    built = watched(monkeypatch, sys.modules["advcourse.widgets._deformer"], "recolor_operator")
    deformer.kind.value = "recolouring"
    deformer.steps.value, deformer.strength.value = 3, 32
    assert [call.named for call in built] == [{"rho": 10**2.5}]
    deformer.rho.value = 10.0
    deformer.image.value = 1
    assert len(built) == 3
    deformer.images = deformer.images / 2
    deformer.strength.value = 16
    assert len(built) == 4


@pytest.mark.parametrize("kind, size", [("motion", "displacement"), ("recolouring", "strength")])
def test_size_zero_leaves_the_image_and_says_so(deformer, drawn, kind, size):
    deformer.kind.value = kind
    getattr(deformer, size).value = 0
    image, changed, named = drawn()
    assert torch.equal(image, changed)
    assert "At size 0 the image is left as it is" in deformer.message.value
    figure = widgets.draw_deformer(Corner(), image, 0, changed, deformer.classes, **named)
    assert figure.axes[1].get_title() in ("no motion", "no change (grey)")


def test_an_image_that_no_step_makes_stronger_is_left_and_said_to_be(deformer, drawn):
    deformer.images = torch.full((2, 3, 28, 24), 0.3)  # of one colour: no motion changes it
    deformer.displacement.value = 0.75
    image, changed, _ = drawn()
    assert torch.equal(image, changed)
    assert "No step made a stronger image, so this one is left as it is" in deformer.message.value


def test_the_panels_state_their_factors():
    image = blobs()[0]
    field = torch.zeros(2, 28, 24)
    field[0, 9, 9] = 0.4
    for changed, named, title in (
        (image, {"field": field}, "motion, arrows × 10"),
        (image + 0.04, {}, "change × 10 (grey: none)"),
    ):
        figure = widgets.draw_deformer(Corner(), image, 0, changed, ["a", "b"], **named)
        assert figure.axes[1].get_title() == title


def test_the_deformer_shows_its_errors_and_refuses_bad_input(deformer):
    shown, good = deformer.picture.value, deformer.images
    deformer.images = torch.full((2, 3, 28, 24), float("nan"))
    for kind in ("recolouring", "motion"):
        deformer.kind.value = kind
        assert "ValueError" in deformer.message.value and "NaN" in deformer.message.value
        assert deformer.picture.value == shown
    deformer.images = good
    deformer.steps.value = 2
    assert "Error" not in deformer.message.value
    for images, labels, named in ((2 * blobs(), [0, 0], "images"), (blobs(), [0], "labels")):
        with pytest.raises(ValueError, match=f"{named}.*expected"):
            widgets.deformer(Corner(), images, torch.tensor(labels), ["a", "b"])
