"""Explorers made of ipywidgets: settings on one side, what they do on the other."""

from advcourse.widgets._deformer import Deformer, deformer, draw_deformer
from advcourse.widgets._estimator import Estimator, draw_estimator, estimator
from advcourse.widgets._explorer import Explorer, draw_change, png
from advcourse.widgets._playground import ATTACKS, Playground, draw_playground, playground, run_attack
from advcourse.widgets._turntable import Turntable, turntable

__all__ = [
    "ATTACKS",
    "Deformer",
    "Estimator",
    "Explorer",
    "Playground",
    "Turntable",
    "deformer",
    "draw_change",
    "draw_deformer",
    "draw_estimator",
    "draw_playground",
    "estimator",
    "playground",
    "png",
    "run_attack",
    "turntable",
]
