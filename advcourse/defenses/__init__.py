"""Defenses that transform: modules images -> images, put in front of the network."""

from advcourse.defenses._patches import sample_patches
from advcourse.defenses._quilting import Quilting

__all__ = ["Quilting", "sample_patches"]
