"""Explorers made of ipywidgets: settings on one side, what they do on the other."""

from advcourse.widgets.deformer import Deformer, deformer, draw_deformer
from advcourse.widgets.explorer import Explorer, draw_change, png
from advcourse.widgets.playground import ATTACKS, Playground, draw_playground, playground, run_attack
from advcourse.widgets.turntable import Turntable, turntable

__all__ = [
    "ATTACKS",
    "Deformer",
    "Explorer",
    "Playground",
    "Turntable",
    "deformer",
    "draw_change",
    "draw_deformer",
    "draw_playground",
    "playground",
    "png",
    "run_attack",
    "turntable",
]
