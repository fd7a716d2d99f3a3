"""Every figure of a kernel is looked at when it is drawn into a picture; what is wrong with it goes into a file.

``make test`` and ``make figures`` start the kernels of the lectures with ``PYTHONSTARTUP`` naming
tests/notebooks/startup.py, which calls ``watch``; tests/notebooks/figure_report.py reads what came.
"""

import inspect
import json
import os
import uuid
from pathlib import Path
from typing import Any

from IPython import get_ipython
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tests.support.figures import problems

FOLDER = "ADVCOURSE_FIGURES"  # environment variable: where the reports go
PICTURES = {"png", "jpg", "jpeg", "svg", "pdf"}  # frames of an animation are drawn in others


def watch() -> None:
    """Look at each figure that this kernel shows or saves from now on, or whose pixels it takes for a film."""
    file = Path(os.environ[FOLDER]) / f"{uuid.uuid4().hex}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    shell, cell, saving = get_ipython(), {"source": ""}, []
    shell.events.register("pre_run_cell", lambda info: cell.update(source=info.raw_cell))
    draw, pixels = FigureCanvasBase.print_figure, FigureCanvasAgg.buffer_rgba
    signature = inspect.signature(draw)

    def report(canvas: FigureCanvasBase, dpi: Any = None, tight: bool = False) -> None:
        with file.open("a", encoding="utf-8") as reports:
            reports.write(json.dumps(cell | {"problems": looked_at(canvas, dpi, tight)}) + "\n")

    def printed(canvas: FigureCanvasBase, *arguments: Any, **options: Any) -> Any:
        saving.append(canvas)
        try:
            result = draw(canvas, *arguments, **options)
        finally:
            saving.pop()
        given = signature.bind(canvas, *arguments, **options).arguments
        if str(given.get("format")).lower() in PICTURES:
            report(canvas, given.get("dpi"), given.get("bbox_inches") == "tight")
        return result

    def taken(canvas: FigureCanvasAgg) -> memoryview:
        result = pixels(canvas)
        if not saving:
            report(canvas)
        return result

    FigureCanvasBase.print_figure, FigureCanvasAgg.buffer_rgba = printed, taken


def looked_at(canvas: FigureCanvasBase, dpi: Any, tight: bool) -> list[str]:
    """The figure's problems, one more where it could not be examined: nothing here may stop the lecture."""
    try:
        return problems(canvas.figure, tight=tight, dpi=dpi if isinstance(dpi, (int, float)) else None)
    except Exception as error:
        return [f"the figure could not be examined: {error!r}"]
