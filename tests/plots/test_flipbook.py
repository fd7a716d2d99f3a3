"""Figures one after the other in one small picture."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from advcourse import plots


def page(color, width=2.0):
    figure = plt.figure(figsize=(width, 1.0), layout="none")
    figure.add_axes((0, 0, 1, 1)).imshow(np.full((2, 4, 3), color), aspect="auto")
    return figure


def opened(shown):
    return Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", shown.data)[1])))


def test_it_holds_every_figure_in_turn_and_begins_again():
    before = plt.get_fignums()
    movie = opened(
        plots.flipbook([page((1.0, 0, 0)), page((0, 0, 1.0)), page((1.0, 0, 0))], "a flag", seconds=0.5, dpi=50)
    )
    assert movie.format == "GIF" and movie.n_frames == 3 and movie.info["loop"] == 0 and movie.size == (100, 50)
    middles = []
    for frame in range(3):
        movie.seek(frame)
        assert movie.info["duration"] == 500
        middles.append(np.array(movie.convert("RGB"))[25, 50])
    assert middles[0][0] > 200 > 50 > middles[0][2] and middles[1][2] > 200 and (middles[0] == middles[2]).all()
    assert plt.get_fignums() == before


def test_of_a_generator_one_figure_is_open_at_a_time():
    most, before = 0, len(plt.get_fignums())

    def pages():
        nonlocal most
        for shade in torch.linspace(0, 1, 30).tolist():
            figure = page((shade, shade, shade))
            most = max(most, len(plt.get_fignums()) - before)
            yield figure

    assert opened(plots.flipbook(pages(), "from black to white", dpi=20)).n_frames == 30
    assert most == 1


def test_its_words_stand_in_the_page_whatever_they_hold():
    shown = plots.flipbook([page((0.0, 0, 0)), page((1.0, 1, 1))], 'a "ship" & <cat>')
    assert 'alt="a &quot;ship&quot; &amp; &lt;cat&gt;"' in shown.data and shown.data.startswith("<img ")


def test_it_refuses_one_figure_no_words_and_two_sizes():
    with pytest.raises(ValueError, match="figures holds 1 .*expected two or more"):
        plots.flipbook([page((0.0, 0, 0))], "still")
    with pytest.raises(ValueError, match="alt is ''"):
        plots.flipbook([page((0.0, 0, 0)), page((1.0, 1, 1))], "")
    with pytest.raises(ValueError, match="expected one size"):
        plots.flipbook([page((0.0, 0, 0)), page((1.0, 1, 1), width=3.0)], "two sizes")
    with pytest.raises(ValueError, match="seconds"):
        plots.flipbook([page((0.0, 0, 0)), page((1.0, 1, 1))], "quick", seconds=0)
