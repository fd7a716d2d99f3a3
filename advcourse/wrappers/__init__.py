"""Models and transforms made out of others: an ensemble, the expectation over a random transform, a transform with the
gradient of another, random transforms."""

from advcourse.wrappers._bpda import bpda
from advcourse.wrappers._ensemble import Ensemble, ensemble
from advcourse.wrappers._eot import eot
from advcourse.wrappers._logits import logits_from
from advcourse.wrappers._transforms import Transform, compose, draw, random_lighting, random_noise, random_rigid

__all__ = [
    "Ensemble",
    "Transform",
    "bpda",
    "compose",
    "draw",
    "ensemble",
    "eot",
    "logits_from",
    "random_lighting",
    "random_noise",
    "random_rigid",
]
