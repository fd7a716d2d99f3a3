"""Structured perturbations: linear operators that turn the loss gradient into a motion or a recolouring."""

from advcourse.core.warps import warp
from advcourse.structured._augment import augmented, flow_step, random_flow_step, random_recolor_step, recolor_step
from advcourse.structured._basis_cache import BasisCache, cache_eigenbases
from advcourse.structured._eigenbasis import Basis, eigenbases, eigenbasis, learned_basis
from advcourse.structured._flow import derivatives, eigenvectors, flow, flow_field, flow_with_field
from advcourse.structured._photometric import Photometric, edge_correlation, edge_strength, photometric_operator
from advcourse.structured._recolor import basis_operator, recolor, recolor_operator
from advcourse.structured._solvers import factor, pcg

__all__ = [
    "Basis",
    "BasisCache",
    "Photometric",
    "augmented",
    "basis_operator",
    "cache_eigenbases",
    "derivatives",
    "edge_correlation",
    "edge_strength",
    "eigenbases",
    "eigenbasis",
    "eigenvectors",
    "factor",
    "flow",
    "flow_field",
    "flow_step",
    "flow_with_field",
    "learned_basis",
    "pcg",
    "photometric_operator",
    "random_flow_step",
    "random_recolor_step",
    "recolor",
    "recolor_operator",
    "recolor_step",
    "warp",
]
