"""What this course adds to nbgrader's autograding and feedback; ``course/nbgrader_config.py`` puts it in place."""

from __future__ import annotations

import re
from typing import Any

from jupyter_client.manager import KernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import Enum, Int

from advcourse.grading import preflight, sandbox

Resources = dict[str, Any]
HIDDEN = re.compile(r"^[^\n]*BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*(\n|\Z)", re.DOTALL | re.MULTILINE)


class RepairCells(NbGraderPreprocessor):
    """Before nbgrader looks at a submission: cells that were copied, split, deleted or lost their metadata.

    By itself nbgrader refuses the whole submission for a copied cell, and gives 0 where all metadata is lost.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        expected = preflight.manifest().get(resources["nbgrader"]["notebook"], [])
        for problem in preflight.repair(nb, expected):
            self.log.warning("%s: %s", resources["nbgrader"]["student"], problem)
        return nb, resources


class SandboxedExecute(Execute):
    """Runs a submission in the sandbox; a dead kernel costs the cell it died in, not the submission."""

    sandbox = Enum(
        ["auto", "required", "off"],
        "auto",
        help="Whether kernels run under bubblewrap: where it works, always (else refuse to grade), or never.",
    ).tag(config=True)
    deaths = Int(3, help="How many times to start again after a dead kernel.").tag(config=True)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._dead: set[int] = set()
        reason = sandbox.unavailable() if self.sandbox != "off" else "switched off"
        if reason is None:
            self.kernel_manager_class = sandbox.SandboxedKernelManager
        elif self.sandbox == "required":
            raise RuntimeError(f"no sandbox to grade in: {reason}")
        else:
            self.log.warning("Submissions run with all your rights, without a sandbox: %s", reason)

    def preprocess(
        self, nb: NotebookNode, resources: Resources, km: KernelManager | None = None
    ) -> tuple[NotebookNode, Resources]:
        self._dead = set()
        for _ in range(self.deaths):
            try:
                return super().preprocess(nb, resources, km)
            except DeadKernelError:
                self.log.warning("the kernel died in cell %s; starting again without it", self._at)
                self._dead.add(self._at)
        # Too many: what has not been reached counts as dead too.
        self._dead.update(range(max(self._dead), len(nb.cells)))
        return super().preprocess(nb, resources, km)

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        self._at = index
        if index not in self._dead:
            return super().preprocess_cell(cell, resources, index)
        if cell.cell_type == "code":
            message = "The kernel died in this cell: too much memory or time, or the process was ended."
            cell.outputs = [
                new_output("error", ename="DeadKernelError", evalue=message, traceback=[message]),
            ]
        return cell, resources


class HideHiddenTests(NbGraderPreprocessor):
    """Takes hidden tests out of what a student gets back: their source, and tracebacks that quote them.

    The last line of an error stays: the message that says what is wrong.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            hidden = HIDDEN.search(cell.source)
            cell.source = HIDDEN.sub("", cell.source)
            for output in cell.outputs:
                if hidden and output.output_type == "error":
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources
