"""Structured perturbations: linear operators that turn the loss gradient into a motion or a recolouring."""

from advcourse.structured.flow import flow, flow_field, warp

__all__ = ["flow", "flow_field", "warp"]
