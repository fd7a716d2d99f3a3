"""The explorer of any drawing, driven without a browser."""

import io

import ipywidgets
import pytest
from PIL import Image

from advcourse import widgets


@pytest.fixture
def drawn():
    return []


@pytest.fixture
def explorer(drawn):
    def draw(ax, height, name):
        drawn.append((height, name))
        ax.plot([0, height])
        if height > 8:
            raise ZeroDivisionError("too <high>")
        return f"{name}: {height} < 9"

    slider = ipywidgets.FloatSlider(value=2, min=0, max=9)
    choice = ipywidgets.Dropdown(options=["a", "b"], description="which")
    return widgets.explore(draw, size=(2, 1), css_class="advcourse-some", height=slider, name=choice)


def test_it_can_be_found_and_draws_at_once(explorer, drawn):
    assert "advcourse-some" in explorer._dom_classes and drawn == [(2.0, "a")]
    assert explorer.children[:2] == (explorer.controls["height"], explorer.controls["name"])
    with Image.open(io.BytesIO(explorer.start)) as picture:
        assert picture.format == "PNG" and picture.size == (160, 80)
    assert explorer.message.value == "a: 2.0 &lt; 9"


def test_controls_have_names_and_sliders_wait(explorer):
    assert [control.description for control in explorer.controls.values()] == ["height", "which"]
    assert explorer.controls["height"].continuous_update is False


def test_each_control_draws_anew(explorer, drawn):
    explorer.controls["height"].value = 3
    changed = explorer.picture.value
    assert changed != explorer.start
    explorer.controls["name"].value = "b"
    assert drawn == [(2.0, "a"), (3.0, "a"), (3.0, "b")] and explorer.message.value == "b: 3.0 &lt; 9"


def test_an_error_is_shown_in_place_of_the_text(explorer):
    explorer.controls["height"].value = 9
    assert explorer.message.value == "<b>ZeroDivisionError</b>: too &lt;high&gt;"


@pytest.mark.parametrize(
    "draw, controls, name", [(None, {"a": ipywidgets.IntSlider()}, "draw"), (print, {}, "controls")]
)
def test_bad_input_is_refused_by_name(draw, controls, name):
    with pytest.raises(ValueError, match=f"{name} .*expected"):
        widgets.explore(draw, **controls)
