"""Defenses that transform: modules images -> images, put in front of the network."""

from advcourse.defenses._bit_depth import BitDepth
from advcourse.defenses._blur import Blur
from advcourse.defenses._crop_resize import CropResize
from advcourse.defenses._defended import Defended
from advcourse.defenses._denoiser import DenoisingAutoencoder, denoising_loss
from advcourse.defenses._jpeg import JPEG
from advcourse.defenses._patches import sample_patches
from advcourse.defenses._quilting import Quilting
from advcourse.defenses._resize_pad import ResizePad
from advcourse.defenses._soft_jpeg import SoftJPEG, cubic_round
from advcourse.defenses._soft_quilting import SoftQuilting
from advcourse.defenses._total_variation import TotalVariation, smoothed

__all__ = [
    "BitDepth",
    "Blur",
    "CropResize",
    "Defended",
    "DenoisingAutoencoder",
    "JPEG",
    "Quilting",
    "ResizePad",
    "SoftJPEG",
    "SoftQuilting",
    "TotalVariation",
    "cubic_round",
    "denoising_loss",
    "sample_patches",
    "smoothed",
]
