"""Feedback in words: each test of a feedback page begins with its points and what failed, in one line."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor

from advcourse.grading.marks import NOT_RUN, OURS, is_test
from advcourse.grading.results import in_words, one_line, words_of


class FeedbackInWords(NbGraderPreprocessor):
    """Puts "0 of 2 points: double(3) is 9, expected 6" before the outputs of a test, after ``GetGrades``.

    The message is the test's last line, cut; it never quotes a hidden test.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and is_test(cell) and "score" in about:
            points, most = float(about["score"]), float(about["points"])
            ours = cell.metadata.get(OURS, {}).get(NOT_RUN)
            said = f"not run: {one_line(ours)}" if ours else words_of(cell)
            line = in_words(points, most, said if points < most else "")
            cell.outputs.insert(0, new_output("stream", name="stdout", text=f"{line}\n"))
        return cell, resources
