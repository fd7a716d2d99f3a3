"""Structured perturbations: linear operators that turn the loss gradient into a motion or a recolouring."""

from advcourse.structured.augment import augmented, flow_step, image_by_image, recolor_step
from advcourse.structured.basis_cache import BasisCache, cache_eigenbases
from advcourse.structured.eigenbasis import Basis, eigenbases, eigenbasis, learned_basis
from advcourse.structured.flow import flow, flow_field, flow_with_field, warp
from advcourse.structured.photometric import edge_correlation, edge_strength, photometric_operator
from advcourse.structured.recolor import basis_operator, recolor, recolor_operator

__all__ = [
    "Basis",
    "BasisCache",
    "augmented",
    "basis_operator",
    "cache_eigenbases",
    "edge_correlation",
    "edge_strength",
    "eigenbases",
    "eigenbasis",
    "flow",
    "flow_field",
    "flow_step",
    "flow_with_field",
    "image_by_image",
    "learned_basis",
    "photometric_operator",
    "recolor",
    "recolor_operator",
    "recolor_step",
    "warp",
]
