"""Architectures of the networks of the course."""

from advcourse.networks._classifiers import (
    BasicBlock,
    CifarResNet,
    FullyConnected,
    LeNet,
    Normalized,
    PlainBlock,
    PlainResNet,
    SignCNN,
    SmallCNN,
    StridedCNN,
)
from advcourse.networks._gan import (
    GAN_ARCHITECTURES,
    DCGANCritic,
    DCGANGenerator,
    MLPCritic,
    MLPGenerator,
    ResNetCritic,
    ResNetGenerator,
    gan_networks,
)

__all__ = [
    "BasicBlock",
    "CifarResNet",
    "DCGANCritic",
    "DCGANGenerator",
    "FullyConnected",
    "GAN_ARCHITECTURES",
    "LeNet",
    "MLPCritic",
    "MLPGenerator",
    "Normalized",
    "PlainBlock",
    "PlainResNet",
    "ResNetCritic",
    "ResNetGenerator",
    "SignCNN",
    "SmallCNN",
    "StridedCNN",
    "gan_networks",
]
