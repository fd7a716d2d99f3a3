"""Defenses that transform, modules images -> images in front of the network, and defenses that train: losses."""

from advcourse.defenses._adversarial import adversarial, organic_and_perturbed
from advcourse.defenses._advprop import SplitBatchNorm, advprop, main_batchnorm, split_batchnorm
from advcourse.defenses._awp import awp
from advcourse.defenses._bit_depth import BitDepth
from advcourse.defenses._blur import Blur
from advcourse.defenses._crop_resize import CropResize
from advcourse.defenses._cure import cure, curvature_penalty
from advcourse.defenses._defended import Defended
from advcourse.defenses._denoiser import DenoisingAutoencoder, denoising_loss
from advcourse.defenses._fast import fast
from advcourse.defenses._free import free
from advcourse.defenses._jpeg import JPEG
from advcourse.defenses._llr import llr
from advcourse.defenses._mart import mart
from advcourse.defenses._noisy_student import PseudoLabels, noisy_student, pseudo_labels, soft_loss
from advcourse.defenses._patches import sample_patches
from advcourse.defenses._quilting import Quilting
from advcourse.defenses._resize_pad import ResizePad
from advcourse.defenses._smooth import SMOOTH_ACTIVATIONS, Smooth, smooth
from advcourse.defenses._soft_jpeg import SoftJPEG, cubic_round
from advcourse.defenses._soft_quilting import SoftQuilting
from advcourse.defenses._total_variation import TotalVariation, smoothed
from advcourse.defenses._trades import trades

__all__ = [
    "SMOOTH_ACTIVATIONS",
    "BitDepth",
    "Blur",
    "CropResize",
    "Defended",
    "DenoisingAutoencoder",
    "JPEG",
    "PseudoLabels",
    "Quilting",
    "ResizePad",
    "Smooth",
    "SoftJPEG",
    "SoftQuilting",
    "SplitBatchNorm",
    "TotalVariation",
    "adversarial",
    "advprop",
    "awp",
    "cubic_round",
    "cure",
    "curvature_penalty",
    "denoising_loss",
    "fast",
    "free",
    "llr",
    "main_batchnorm",
    "mart",
    "noisy_student",
    "organic_and_perturbed",
    "pseudo_labels",
    "sample_patches",
    "smooth",
    "smoothed",
    "soft_loss",
    "split_batchnorm",
    "trades",
]
