"""JupyterLab as `make lab` starts it, driven in a real Chromium."""

import re
import shutil
import time
import urllib.request
from pathlib import Path

import pytest

from tests.support.lab import running_lab, status
from tests.support.notebooks import STAND_IN, nothing_at_hand, smaller

from .tree import EXPLORERS

ROOT = Path(__file__).parents[2]
# tracebacks, which JupyterLab shows as one or the other, and what cells write to stderr
ERROR = ", ".join(f'[data-mime-type="application/vnd.jupyter.{kind}"]' for kind in ("error", "stderr"))

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """(address, token) of a running JupyterLab that serves a copy of the lectures."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(ROOT / "lectures", folder / "lectures")
    for pattern in ("*.ipynb", "text/*.md"):  # nbval runs them at their own size
        for file in (folder / "lectures").glob(pattern):
            file.write_text(smaller(file.read_text(encoding="utf-8"), by=8), encoding="utf-8")
    shutil.copy(ROOT / "jupytext.toml", folder)
    with running_lab(folder, environment=nothing_at_hand(folder)) as served:
        yield served


@pytest.fixture
def page(lab, browser, lecture):
    """That lecture alone in a page of its own: reset forgets the tabs of the page before."""
    address, token = lab
    window = browser.new_page(viewport={"width": 1400, "height": 1000})
    window.set_default_timeout(60_000)
    window.goto(f"{address}/lab/tree/lectures/{lecture}.ipynb?token={token}&reset")
    yield window
    window.close()


def test_without_the_token_nothing_is_served(lab):
    address, token = lab
    assert status(f"{address}/api/contents") == 403
    assert status(f"{address}/api/contents?token={'0' * len(token)}") == 403
    assert status(f"{address}/api/contents?token={token}") == 200


def test_the_lectures_come_first(lab):
    address, token = lab
    with urllib.request.urlopen(f"{address}/?token={token}", timeout=30) as answer:
        assert answer.url.partition("?")[0].endswith("/lab/tree/lectures/00_start_here.ipynb")


def menu(page, title: str, entry: str) -> None:
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{title}$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{entry}")).first.click()


@pytest.mark.parametrize("lecture", ["03_first_attacks"])
def test_students_check_their_work_but_do_not_see_the_instructors_tools(page):
    page.locator(".jp-NotebookPanel-toolbar").get_by_text("Validate").wait_for()
    menus = page.locator(".lm-MenuBar-itemLabel").all_inner_texts()
    assert "Run" in menus
    assert "Nbgrader" not in menus
    assert page.get_by_text("Create Assignment").count() == 0


def pictures(page, explorer: str) -> list[str]:
    """What the explorer shows, as the bytes of its images (their addresses change on every update)."""
    return page.evaluate(
        """async explorer => Promise.all([...document.querySelectorAll(explorer + ' img')].map(async img => {
             const bytes = new Uint8Array(await (await fetch(img.src)).arrayBuffer());
             return Array.from(bytes, b => String.fromCharCode(b)).join('');
           }))""",
        explorer,
    )


@pytest.mark.parametrize("lecture", ["05_beyond_pixel_noise"])
def test_a_stored_film_moves(page):
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    films = page.locator('.jp-Notebook img[src^="data:image/gif"]')
    films.first.wait_for(state="attached")
    for film in films.all():
        film.scroll_into_view_if_needed()
        seen, deadline = {film.screenshot()}, time.monotonic() + 30
        while len(seen) == 1:
            assert time.monotonic() < deadline, f"the film stands still: {film.get_attribute('alt')}"
            page.wait_for_timeout(200)
            seen.add(film.screenshot())


@pytest.mark.parametrize("lecture", EXPLORERS)
def test_a_lecture_runs_and_its_explorer_answers(page, lecture):
    explorer, label = EXPLORERS[lecture]
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    prompts = page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt")
    cells.first.wait_for()
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()  # cells run before the kernel answers are lost
    menu(page, "Edit", "Clear Outputs of All Cells")
    page.wait_for_function("!document.querySelector('.jp-Notebook .jp-OutputArea-output')")
    menu(page, "Run", "Run All Cells")
    page.wait_for_function(
        """error => document.querySelector(error) ||
             [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')]
               .every(prompt => /^\\[\\d+\\]/.test(prompt.textContent))""",
        arg=ERROR,
        timeout=600_000,
    )
    assert page.locator(ERROR).all_text_contents() == []
    counts = [int(re.search(r"\d+", text)[0]) for text in prompts.all_text_contents()]
    assert counts == list(range(1, cells.count() + 1))
    assert page.get_by_text(STAND_IN).count()

    widget = page.locator(explorer)
    slider = widget.locator(".widget-hslider", has_text=label)
    slider.wait_for()
    slider.scroll_into_view_if_needed()
    widget.locator("img").first.wait_for()
    readout, shown = slider.locator(".widget-readout").inner_text(), pictures(page, explorer)
    assert shown

    slider.locator(".noUi-handle").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert slider.locator(".widget-readout").inner_text() != readout
    deadline = time.monotonic() + 60
    while pictures(page, explorer) == shown:
        assert time.monotonic() < deadline, "the slider moved and the explorer's picture stayed the same"
        page.wait_for_timeout(250)
