"""Explorers made of ipywidgets: settings on one side, what they do on the other."""

from advcourse.widgets._deformer import Deformer, deformer, draw_deformer
from advcourse.widgets._estimator import Estimator, draw_estimator, estimator
from advcourse.widgets._explorer import Explorer, draw_change, png
from advcourse.widgets._latents import WALKS, LatentExplorer, draw_latent, draw_walk, explore_latents, walk_latents
from advcourse.widgets._plain import PlainExplorer, explore
from advcourse.widgets._playground import ATTACKS, Playground, draw_playground, playground, run_attack
from advcourse.widgets._ring import RingExplorer, draw_ring_run, explore_ring
from advcourse.widgets._training import TrainingWatch, draw_training, watch_training
from advcourse.widgets._turntable import Turntable, turntable

__all__ = [
    "ATTACKS",
    "Deformer",
    "Estimator",
    "Explorer",
    "LatentExplorer",
    "PlainExplorer",
    "Playground",
    "RingExplorer",
    "TrainingWatch",
    "Turntable",
    "WALKS",
    "deformer",
    "draw_change",
    "draw_deformer",
    "draw_estimator",
    "draw_latent",
    "draw_playground",
    "draw_ring_run",
    "draw_training",
    "draw_walk",
    "estimator",
    "explore",
    "explore_latents",
    "explore_ring",
    "playground",
    "png",
    "run_attack",
    "turntable",
    "walk_latents",
    "watch_training",
]
