"""Real images as tensors, and where they come from."""

from advcourse.data._load import available, load
from advcourse.data._photographs import PHOTO_SIZE, imagenet_classes
from advcourse.data._places import Missing, cache_folder
from advcourse.data._readers import NAMES

__all__ = [
    "Missing",
    "NAMES",
    "PHOTO_SIZE",
    "available",
    "cache_folder",
    "imagenet_classes",
    "load",
]
