"""Is this machine ready for the course? ``table(run())`` is the answer as an HTML table, one row per check."""

from __future__ import annotations

import html
import importlib.metadata
import io
import math
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from advcourse import data, models, runtime
from advcourse.zoo.weights import FOLDER

PYTHON = (3, 11)
NETWORK = "mnist/cnn"
SAMPLE = 1000
STAND_IN_ACCURACY = 0.7
"""Digits enlarged from 8x8 are not what the network was trained on; it reads 87 % of them, guessing reads 10 %."""

OK, NOTE, FAILED = "ok", "note", "failed"


@dataclass(frozen=True)
class Row:
    """One check: what was checked, ``"ok"``, ``"note"`` or ``"failed"``, what was found, and what to do about it."""

    name: str
    state: str
    found: str
    advice: str = ""


class Failed(Exception):
    """A check that came out wrong; the message says what was found."""


def run(folder: Path | str = ".") -> list[Row]:
    """Every check, in order; one that raises becomes a failed row, and the others go on.

    Args:
        folder: where the student's notebooks are saved.
    """
    checks: list[tuple[str, Callable[[], tuple[str, str]], str]] = [
        ("Python", _python, f"install Python {PYTHON[0]}.{PYTHON[1]} or later and set the course up again"),
        ("packages", _packages, "run `make setup` again, or `pip install --upgrade` the packages named"),
        ("device", _device, "restart the kernel; ADVCOURSE_SCALE, where it is set, is quick or full"),
        *((f"data: {name}", partial(_data, name), _data_advice(name)) for name in data.NAMES),
        (
            "weights",
            _weights,
            "restore advcourse/zoo/files from the repository (`git checkout -- advcourse/zoo/files`)",
        ),
        (
            "gradient to the input",
            _gradient,
            "restart the kernel: a cell has switched gradients off, or torch is broken",
        ),
        ("figures", _figures, "reinstall matplotlib; in a notebook, run `%matplotlib inline`"),
        ("widgets", _widgets, "open the notebook in JupyterLab or Colab; there, `pip install ipywidgets` and reload"),
        ("saving", partial(_saving, Path(folder)), "move the course to a folder of your own, or set ADVCOURSE_CACHE"),
    ]
    return [_row(name, check, advice) for name, check, advice in checks]


def _row(name: str, check: Callable[[], tuple[str, str]], advice: str) -> Row:
    try:
        return Row(name, *check())
    except Failed as failed:
        return Row(name, FAILED, str(failed), advice)
    except Exception as error:  # whatever a broken installation raises belongs in the table
        return Row(name, FAILED, f"{type(error).__name__}: {error}", advice)


def table(rows: Sequence[Row]) -> str:
    """The rows as an HTML table under a line that counts them; colour is never the only sign."""
    colours = {
        OK: ("#1a7f37", "#dafbe1", "✓"),
        NOTE: ("#7d4e00", "#fff8c5", "✓ note"),
        FAILED: ("#b00020", "#ffe3e3", "✗"),
    }
    cell = "padding:4px 10px;text-align:left;vertical-align:top;white-space:normal"
    lines = []
    for row in rows:
        ink, paper, mark = colours[row.state]
        text = html.escape(row.found)
        if row.advice:
            text += f"<br><strong>What to do:</strong> {html.escape(row.advice)}"
        lines.append(
            f'<tr style="background:{paper};color:#1f2328"><td style="{cell};color:{ink};font-weight:bold">{mark}</td>'
            f'<td style="{cell}">{html.escape(row.name)}</td><td style="{cell}">{text}</td></tr>'
        )
    head = "".join(f'<th scope="col" style="{cell}">{title}</th>' for title in ("", "checked", "found"))
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f"<p><strong>{headline(rows)}</strong></p><table>{body}</table>"


def headline(rows: Sequence[Row]) -> str:
    """One line: how many checks passed, failed, or passed with a note."""
    failed, notes = (sum(row.state == state for row in rows) for state in (FAILED, NOTE))
    if failed:
        return f"{failed} of {len(rows)} checks failed."
    return f"All {len(rows)} checks passed" + (f", {notes} with a note." if notes else ".")


def place(name: str) -> str | None:
    """Where a data set is, in words without a path; ``None`` where it is not at hand."""
    found = data.available()[name]
    if found == "bundled":
        return "bundled with scikit-learn" if name == "digits" else "bundled with scikit-image"
    if found is None:
        return None
    given = os.environ.get("ADVCOURSE_DATA")
    return "in $ADVCOURSE_DATA" if given and Path(found) == Path(given) else "in the cache"


def _python() -> tuple[str, str]:
    if sys.version_info < PYTHON:
        raise Failed(f"Python {platform.python_version()}, expected {PYTHON[0]}.{PYTHON[1]} or later")
    return OK, platform.python_version()


def _packages() -> tuple[str, str]:
    """Every dependency of the package is installed and no older than its floor."""
    from packaging.requirements import Requirement

    needed = [Requirement(line) for line in importlib.metadata.requires("advcourse") or []]
    needed = [requirement for requirement in needed if requirement.marker is None or requirement.marker.evaluate()]
    wrong = []
    for requirement in needed:
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is not installed")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, expected {requirement.specifier}")
    if wrong:
        raise Failed("; ".join(wrong))
    return OK, f"all {len(needed)} that the course needs; torch {torch.__version__}"


def _device() -> tuple[str, str]:
    """The device multiplies matrices as the CPU does in double precision."""
    where, scale = runtime.device(), runtime.scale()
    draw = torch.rand(64, 64, generator=torch.Generator().manual_seed(0))
    error = ((draw.to(where) @ draw.to(where)).cpu().double() - draw.double() @ draw.double()).abs().max().item()
    if not error < 0.05:
        raise Failed(f"a matrix product on {where} is wrong by {error:.2g}")
    return OK, f"{runtime.describe()['device']}; scale is {scale}"


def _data_advice(name: str) -> str:
    if os.environ.get("ADVCOURSE_DATA") and data.available()[name] is None:
        return "put the set there, or unset ADVCOURSE_DATA: while it is set, nothing stands in for what is missing"
    return f"do what the message says, then try `python -m advcourse data {name}`"


def _data(name: str) -> tuple[str, str]:
    """A set at hand is read and looks like images; one that is not at hand has a stand-in or is downloaded later."""
    where = place(name)
    if where is None:
        return _absent(name)
    images, labels, classes = data.load(name, "test", n=SAMPLE)
    low, high = images.min().item(), images.max().item()
    if images.dtype != torch.float32 or not 0 <= low < high <= 1 or len(images) != len(labels):
        raise Failed(f"{tuple(images.shape)} {images.dtype} images in [{low:.3g}, {high:.3g}], {len(labels)} labels")
    channels, height, width = images.shape[1:]
    real = "bundled" if where.startswith("bundled") else "real"
    return (
        OK,
        f"{where if real == 'bundled' else f'real, {where}'}: {channels}×{height}×{width}, {len(classes)} classes",
    )


def _absent(name: str) -> tuple[str, str]:
    if os.environ.get("ADVCOURSE_DATA"):
        raise Failed("not in $ADVCOURSE_DATA, nor in the cache")
    if name == "gtsrb":
        return NOTE, "not here: downloaded when first asked for; nothing stands in for it"
    if name in ("imagenet-samples", "cue-conflict"):
        return (
            NOTE,
            "stand-in: the photographs bundled with scikit-image (the set itself is found in $ADVCOURSE_DATA alone)",
        )
    return NOTE, "stand-in: the digits bundled with scikit-learn, until a download succeeds"


def _weights(folder: Path = FOLDER) -> tuple[str, str]:
    """The shipped network reads a sample of test images as well as its model card says, up to sampling error."""
    model, card = models.load(NETWORK, folder=folder), models.card(NETWORK, folder)
    with redirect_stdout(io.StringIO()):
        images, labels, _ = data.load("mnist", "test", n=SAMPLE)
    with torch.no_grad():
        accuracy = (model(images).argmax(1) == labels).double().mean().item()
    promised, n = card["accuracy"], len(labels)
    if place("mnist") is None:
        if accuracy < STAND_IN_ACCURACY:
            raise Failed(
                f"{NETWORK} reads {accuracy:.1%} of the stand-in digits, expected {STAND_IN_ACCURACY:.0%} or more"
            )
        return (
            NOTE,
            f"{NETWORK} reads {accuracy:.1%} of {n} stand-in digits; the {promised:.2%} on its card is for MNIST",
        )
    floor = promised - 4 * math.sqrt(promised * (1 - promised) / n)
    if accuracy < floor:
        raise Failed(f"{NETWORK} reads {accuracy:.1%} of {n} test images; its card says {promised:.2%}")
    return OK, f"{NETWORK} reads {accuracy:.1%} of {n} test images; its card says {promised:.2%} of all"


def _gradient() -> tuple[str, str]:
    """Autograd's slope along its own gradient agrees with a central difference, in double precision."""
    draw = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = models.build(NETWORK).double().eval()
    image = torch.rand(1, 1, 28, 28, generator=draw, dtype=torch.float64).requires_grad_()

    def loss_of(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(model(x), torch.tensor([3]))

    loss = loss_of(image)
    if not loss.requires_grad:
        raise Failed("torch records no gradients here")
    (gradient,) = torch.autograd.grad(loss, image)
    slope, step = gradient.norm().item(), 1e-5
    direction = gradient / slope
    with torch.no_grad():
        ends = [loss_of(image + sign * step * direction).item() for sign in (1, -1)]
    measured = (ends[0] - ends[1]) / (2 * step)
    if not abs(measured - slope) <= 1e-3 * slope:
        raise Failed(f"autograd says the loss rises by {slope:.4g} per unit, a finite difference says {measured:.4g}")
    return OK, f"agrees with a finite difference to {abs(measured / slope - 1):.0e}"


def _figures() -> tuple[str, str]:
    """Matplotlib draws a black square on white, which is then found in the pixels."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1), dpi=50, layout="none")  # type: ignore[arg-type]
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 0.5, 1))
    axes.set_axis_off()
    axes.imshow([[0.0]], cmap="gray", vmin=0, vmax=1, aspect="auto")
    canvas.draw()
    pixels = torch.tensor(bytearray(canvas.buffer_rgba()), dtype=torch.float32).view(50, 50, 4)
    left, right = pixels[10:40, 5:20, :3].mean().item(), pixels[10:40, 30:45, :3].mean().item()
    if left > 10 or right < 245:
        raise Failed(f"a black square on white came out as {left:.0f} on {right:.0f}")
    return OK, f"matplotlib {matplotlib.__version__}, backend {matplotlib.get_backend()}"


def _widgets() -> tuple[str, str]:
    """A slider gets a channel to the notebook's kernel."""
    import comm
    import ipywidgets

    slider = ipywidgets.IntSlider()
    channel = slider.comm
    slider.close()
    if channel is None or isinstance(channel, comm.DummyComm):
        raise Failed("no notebook kernel to talk to: sliders would be drawn and do nothing")
    return OK, f"ipywidgets {ipywidgets.__version__}, channel open"


def _saving(folder: Path) -> tuple[str, str]:
    """A file can be written in the notebooks' folder and in the cache of downloads."""
    for what, place in (("the notebook's folder", folder), ("the cache of downloads", data.cache_folder())):
        try:
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=place, prefix=".selfcheck") as file:
                file.write(b"x")
        except OSError as error:
            raise Failed(f"cannot write in {what}: {error}") from error
    return OK, "files can be written in the notebook's folder and in the cache of downloads"
