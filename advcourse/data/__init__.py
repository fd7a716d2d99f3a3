"""Real images as tensors, and where they come from."""

from advcourse.data._load import available, load
from advcourse.data._places import Missing, cache_folder
from advcourse.data._readers import NAMES, PHOTO_SIZE, imagenet_classes

__all__ = [
    "Missing",
    "NAMES",
    "PHOTO_SIZE",
    "available",
    "cache_folder",
    "imagenet_classes",
    "load",
]
