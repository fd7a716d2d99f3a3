"""Films: the pictures in their order, each as long as asked, again and again; words and a still one beside them."""

import base64
import io
import re

import numpy as np
import pytest
from matplotlib.colors import ListedColormap
from PIL import Image

from advcourse import plots

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def draw(figure, i):
    figure.patch.set_facecolor([c / 255 for c in COLOURS[i]])


@pytest.fixture(scope="module")
def film():
    return plots.film(draw, 3, alt='red, "green" & blue', size=(2, 1), seconds=0.3, last=1.5)


def test_the_pictures_in_their_order_and_time_without_end(film):
    with Image.open(io.BytesIO(film.gif)) as shown:
        assert (shown.format, shown.n_frames, shown.size, shown.info["loop"]) == ("GIF", 3, (180, 90), 0)
        seen, times = [], []
        for i in range(3):
            shown.seek(i)
            seen.append(np.asarray(shown.convert("RGB"))[45, 90])
            times.append(shown.info["duration"])
    np.testing.assert_allclose(np.array(seen, int), COLOURS, atol=8)
    assert times == [300, 300, 1500]


def test_white_stays_white():
    def lines(figure, i):
        figure.subplots().plot([0, 1], [i, 1])

    with Image.open(io.BytesIO(plots.film(lines, 2, alt="lines", size=(2, 2)).gif)) as shown:
        assert np.asarray(shown.convert("RGB"))[2, 2].tolist() == [255, 255, 255]


def test_areas_of_like_colours_stay_apart():
    def areas(figure, i):
        figure.subplots().imshow(np.tile(np.arange(4), (4, 1)) > 1 + i, cmap=ListedColormap(["#d6e6f2", "#d5efe6"]))

    with Image.open(io.BytesIO(plots.film(areas, 2, alt="areas", size=(4, 4)).gif)) as shown:
        seen = {colour for _, colour in shown.convert("RGB").getcolors(10**6)}
    assert {(0xD6, 0xE6, 0xF2), (0xD5, 0xEF, 0xE6), (255, 255, 255)} <= seen


def test_the_still_picture_is_the_last(film):
    with Image.open(io.BytesIO(film.still)) as shown:
        assert shown.format == "PNG"
        np.testing.assert_allclose(np.asarray(shown.convert("RGB"), int)[45, 90], COLOURS[2], atol=8)


def test_a_notebook_gets_the_gif_with_its_words_and_the_still_picture(film):
    bundle = film._repr_mimebundle_()
    words, data = re.fullmatch(
        r'<img alt="([^"]*)" src="data:image/gif;base64,([^"]+)" style="[^"]*">', bundle["text/html"]
    ).groups()
    assert words == "red, &quot;green&quot; &amp; blue" and base64.b64decode(data) == film.gif
    assert base64.b64decode(bundle["image/png"]) == film.still and bundle["text/plain"] == film.alt


def test_few_colours_make_a_small_file():
    rng = np.random.default_rng(0)

    def noise(figure, i):
        figure.add_axes((0, 0, 1, 1)).imshow(rng.random((20, 20, 3)))

    sizes = [len(plots.film(noise, 2, alt="noise", size=(2, 2), colours=n).gif) for n in (4, 256)]
    assert sizes[0] < 0.6 * sizes[1]


@pytest.mark.parametrize(
    "given, name",
    [
        ({"count": 0}, "count"),
        ({"alt": ""}, "alt"),
        ({"seconds": 0}, "seconds"),
        ({"last": -1}, "last"),
        ({"colours": 257}, "colours"),
    ],
)
def test_bad_input_is_refused_by_name(given, name):
    with pytest.raises(ValueError, match=f"{name} is .*expected"):
        plots.film(draw, **{"count": 1, "alt": "red", **given})
