"""Structured perturbations: linear operators that turn the loss gradient into a motion or a recolouring."""

from advcourse.structured.eigenbasis import Basis, eigenbases, eigenbasis, learned_basis
from advcourse.structured.flow import flow, flow_field, warp
from advcourse.structured.photometric import edge_correlation, edge_strength, photometric_operator
from advcourse.structured.recolor import basis_operator, recolor, recolor_operator

__all__ = [
    "Basis",
    "basis_operator",
    "edge_correlation",
    "edge_strength",
    "eigenbases",
    "eigenbasis",
    "flow",
    "flow_field",
    "learned_basis",
    "photometric_operator",
    "recolor",
    "recolor_operator",
    "warp",
]
