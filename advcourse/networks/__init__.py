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

__all__ = [
    "BasicBlock",
    "CifarResNet",
    "FullyConnected",
    "LeNet",
    "Normalized",
    "PlainBlock",
    "PlainResNet",
    "SignCNN",
    "SmallCNN",
    "StridedCNN",
]
