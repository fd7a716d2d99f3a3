"""Decision regions: the plane, its units, and that each colour is what the model predicts there."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba
from torch import nn

from advcourse import plots
from advcourse.evaluation import rmsd
from advcourse.plots._regions import pixel_level, plane
from tests.support.affine import affine
from tests.support.scenes import loss_gradient, seeded
from tests.support.toys import Constant, pictures, smooth_cnn
from tests.support.traces import in_use, unchanged, undrawn


def test_the_directions_are_the_gradient_and_one_orthogonal_to_it_in_pixel_levels():
    model, image = smooth_cnn(), pictures(1)[0]
    right, up = plane(model, image, 2, seeded())
    torch.testing.assert_close(right, pixel_level(loss_gradient(model, image[None], torch.tensor([2]))[0]))
    assert (right * up).sum().abs() < 1e-12
    half = torch.full((1, 2, 8, 6), 0.5).double()
    for direction in (right, up):
        assert rmsd((half + 0.1 * direction).clamp(0, 1), half).item() == pytest.approx(0.1)


def colours(ax):
    mesh = ax.collections[0]
    return mesh.to_rgba(mesh.get_array().ravel()).reshape(*mesh.get_array().shape, 4)


def test_each_colour_is_what_that_model_predicts_there():
    models = {"one": affine(3, 1, size=96, bias=3.0), "two": affine(3, 1, size=96, bias=-2.0)}
    image = torch.full((2, 8, 6), 0.5).double()
    label = int(models["one"](image[None]).argmax())
    figure = plots.decision_regions(models, image, label, radius=40, points=9, generator=seeded())
    right, up = plane(models["one"], image, label, seeded())
    names = {
        text.get_text(): patch.get_facecolor()
        for text, patch in zip(figure.legends[0].get_texts(), figure.legends[0].get_patches(), strict=True)
    }
    assert names[f"class {label}"] == to_rgba(plots.PALETTE[0]) and len(set(names.values())) == len(names) >= 2
    axis = np.linspace(-40, 40, 9)
    for ax, (name, model) in zip(figure.axes, models.items(), strict=True):
        assert ax.get_title() == name and "levels" in ax.get_xlabel()
        drawn = colours(ax)
        for i, v in enumerate(axis):
            for j, u in enumerate(axis):
                k = int(model((image + u * right + v * up)[None]).argmax())
                assert tuple(drawn[i, j]) == names[f"class {k}"]
    assert "orthogonal" in figure.axes[0].get_ylabel()


def test_the_plane_is_the_sources_for_all_models():
    models = {"one": affine(3, 1, size=96, bias=3.0), "two": affine(3, 5, size=96, bias=1.0)}
    image = torch.full((2, 8, 6), 0.5).double()
    swapped = dict(reversed(models.items()))
    given = {"source": "two", "radius": 30, "points": 7}
    figure, other = (plots.decision_regions(m, image, 0, generator=seeded(), **given) for m in (models, swapped))
    assert np.array_equal(colours(figure.axes[0]), colours(other.axes[1]))
    first = plots.decision_regions(models, image, 0, generator=seeded(), radius=30, points=7)
    assert not np.array_equal(colours(first.axes[1]), colours(figure.axes[1]))


class Bands(nn.Module):
    """Forty classes, one after the other as the image grows brighter; class 20 at mid-grey."""

    def forward(self, x):
        place = 20 + 40 * (x.mean((1, 2, 3)) - 0.5)
        return -((place[:, None] - torch.arange(40, device=x.device)) ** 2)


def test_more_classes_than_colours_are_grey():
    image, names = torch.full((2, 8, 6), 0.5).double(), [f"name {k}" for k in range(40)]
    given = {"radius": 90, "points": 31, "classes": names, "generator": seeded()}
    figure = plots.decision_regions({"m": Bands()}, image, 19, **given)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(texts) == len(plots.PALETTE) + 1 and texts[0] == "name 19" and texts[-1] == "other classes"
    shades = {tuple(c) for c in colours(figure.axes[0]).reshape(-1, 4)}
    assert shades == {to_rgba(c) for c in (*plots.PALETTE, "#cccccc")}


def test_nothing_else_has_changed():
    model, image = in_use(smooth_cnn(), "train"), pictures(1)[0]
    with unchanged(model, image), undrawn():
        plots.decision_regions({"m": model}, image, 0, points=3, generator=seeded())


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"models": {}}, "models"),
        ({"source": "none"}, "source"),
        ({"radius": -1.0}, "radius"),
        ({"points": 0}, "points"),
        ({"image": pictures(1)}, "image"),
        ({"models": {"c": Constant()}}, "model"),
        ({"models": [smooth_cnn()]}, "models"),
        ({"label": 4}, "label"),
        ({"label": -1}, "label"),
    ],
)
def test_bad_input_is_refused_by_name(given, name):
    usual = {"models": {"m": smooth_cnn()}, "image": pictures(1)[0], "label": 0, "points": 3}
    with pytest.raises(ValueError, match=f"{name}.*expected"):
        plots.decision_regions(**{**usual, **given})
