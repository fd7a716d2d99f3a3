"""Networks of the course and their weights: ``load("mnist/cnn")`` hands out a classifier in eval mode.

A classifier maps images in [0, 1] to logits and owns its normalisation. Names without a prefix are networks this
project trained (``advcourse/weights``); ``reference/…`` are networks that others trained and that lie in
``$ADVCOURSE_DATA/weights``; ``imagenet/…`` are torchvision's.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse import files
from advcourse.networks import CifarResNet, FullyConnected, LeNet, Normalized, SignCNN, SmallCNN, StridedCNN
from advcourse.runtime import downloading

WEIGHTS = Path(__file__).parent / "weights"


_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}

ARCHITECTURES: dict[str, Callable[[], Normalized]] = {
    "mnist/cnn": lambda: Normalized(SmallCNN(), (0.1307,), (0.3081,)),
    "mnist/cnn-robust": lambda: Normalized(StridedCNN(), (0.0,), (1.0,)),
    "mnist/lenet": lambda: Normalized(LeNet(), (0.1307,), (0.3081,)),
    "mnist/fc500-150-10": lambda: Normalized(FullyConnected(784, 500, 150, 10), (0.1307,), (0.3081,)),
    "fashion-mnist/cnn": lambda: Normalized(SmallCNN(), (0.2860,), (0.3530,)),
    "gtsrb/cnn": lambda: Normalized(SignCNN(), (0.3436, 0.3199, 0.3308), (0.2735, 0.2665, 0.2722)),
    "cifar10/resnet20": lambda: Normalized(CifarResNet(3), (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}
"""Networks this project trains, by name; each entry builds one with fresh random weights."""

_REFERENCE_BLOCKS = {"resnet20": 3, "resnet32": 5, "resnet44": 7, "resnet56": 9}
# sha256 of each file of reference weights, by its name without ".safetensors".
_REFERENCE_SHA256 = {
    "cifar10_resnet20": "39b548e3bab563237634889bc4130ef829bddce64f6cc75e4d92fbecff718fbe",
    "cifar10_resnet32": "9ed731f9d9d2b5b61c60ebefd99e7e6bfdc67bb37a43bfdef1ee4fa1829f0cc4",
    "cifar10_resnet44": "daa98acc7a2829db677183657c2d45603a43a70e72068b6848f2af2553bcfd79",
    "cifar10_resnet56": "afacf9b771d3c1b0f2b0eadd01a809b934dca5dbfa04d0d00b82751a38d3948c",
    "imagenet_mobilenet_v2": "03c150588ef9ee852efecc101ecbac5cc1786994d4e0d52d1bdad4d8bafedffc",
    "imagenet_squeezenet1_0": "849554664a1d80bb2deb2ef4256e2338691efc1a18688fc9f2ef2a4cb9bf09de",
}
REFERENCES = tuple(f"reference/{stem}" for stem in _REFERENCE_SHA256)
TORCHVISION = {"imagenet/mobilenet_v2": "MobileNet_V2_Weights", "imagenet/squeezenet1_0": "SqueezeNet1_0_Weights"}


def names() -> list[str]:
    """Every name that :func:`load` knows, whether or not its weights are at hand."""
    return [*ARCHITECTURES, *REFERENCES, *TORCHVISION, "imagenet"]


def build(name: str) -> Normalized:
    """The untrained network of that name, initialised from PyTorch's global generator."""
    if name not in ARCHITECTURES:
        raise ValueError(f"unknown network {name!r}; this project trains {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]()


def weight_file(name: str, folder: Path = WEIGHTS) -> Path:
    """File of a shipped network's weights; its model card lies beside it as ``.json``."""
    return folder / f"{name.replace('/', '-')}.safetensors"


def card(name: str) -> dict:
    """Model card of a shipped network: data, command, seed, epochs, device, accuracy, size, sha256."""
    if name not in ARCHITECTURES:
        raise ValueError(f"no model card for {name!r}; this project trains {', '.join(ARCHITECTURES)}")
    return files.card(weight_file(name), _advice(name))


def _advice(name: str) -> str:
    return f"restore it from the repository, or make it with `python -m advcourse train {name}`"


def load(name: str, device: torch.device | str | None = None) -> nn.Module:
    """A trained classifier in eval mode, on ``device`` (the CPU where none is given).

    ``"imagenet"`` hands out the ImageNet network at hand, torchvision's mobilenet_v2 or else the
    reference one, and prints which.

    Args:
        name: one of :func:`names`.
        device: where the network goes.

    Returns:
        A module that maps images ``(N, C, H, W)`` in [0, 1] to logits ``(N, classes)``.

    Raises:
        ValueError: for an unknown name (the message lists the known ones).
        FileNotFoundError: where the weights are not at hand (the message says how to get them).
        RuntimeError: where a weight file is damaged (the message names it and says how to mend it).
    """
    if name == "imagenet":
        model = _any_imagenet()
    elif name in ARCHITECTURES:
        model = build(name)
        model.load_state_dict(files.read(weight_file(name), _advice(name), lambda: card(name)["sha256"]))
    elif name in REFERENCES:
        model = _reference(name)
    elif name in TORCHVISION:
        model = _torchvision(name)
    else:
        raise ValueError(f"unknown model {name!r}; known: {', '.join(names())}")
    return model.eval().to(device or "cpu")


def _reference(name: str) -> Normalized:
    import torchvision.models

    root = os.environ.get("ADVCOURSE_DATA")
    if not root:
        raise FileNotFoundError(f"{name} lies in $ADVCOURSE_DATA/weights, and ADVCOURSE_DATA is not set")
    stem = name.removeprefix("reference/")
    file = Path(root).expanduser() / "weights" / f"{stem}.safetensors"
    state = files.read(file, "unpack the data folder again", lambda: _REFERENCE_SHA256[stem])
    net = stem.split("_", 1)[1]
    if net in _REFERENCE_BLOCKS:
        model = Normalized(CifarResNet(_REFERENCE_BLOCKS[net]), **_IMAGENET)
    elif net == "mobilenet_v2":
        network = _tensorflow_padding(torchvision.models.mobilenet_v2(weights=None))
        model = Normalized(network, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    else:
        model = Normalized(torchvision.models.squeezenet1_0(weights=None), **_IMAGENET)
    model.network.load_state_dict(state)
    return model


def _pad_right_and_bottom(module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    return (F.pad(inputs[0], (0, 1, 0, 1)),)


def _tensorflow_padding(network: nn.Module) -> nn.Module:
    """Stride-2 convolutions pad as TensorFlow's "same" does on even sizes: right and bottom only."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
            module.padding = (0, 0)
            module.register_forward_pre_hook(_pad_right_and_bottom)
    return network


def _torchvision(name: str, download: bool = True) -> Normalized:
    import torchvision.models

    weights = getattr(torchvision.models, TORCHVISION[name]).IMAGENET1K_V1
    cached = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[1]
    if not (download or cached.is_file()):
        raise FileNotFoundError(f"{name} is not in torchvision's cache ({cached})")
    try:
        with downloading():
            network = torchvision.models.get_model(name.split("/")[1], weights=weights)
    except (EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise RuntimeError(f"{cached} is damaged ({error}): delete it and load the network again") from error
    except OSError as error:
        raise FileNotFoundError(f"{name} could not be downloaded ({error}); it would go to {cached}") from error
    return Normalized(network, **_IMAGENET)


def _any_imagenet() -> Normalized:
    """Torchvision's network from its cache, else the reference one, else a download."""
    tried = (
        ("imagenet/mobilenet_v2", lambda: _torchvision("imagenet/mobilenet_v2", download=False)),
        ("reference/imagenet_mobilenet_v2", lambda: _reference("reference/imagenet_mobilenet_v2")),
        ("imagenet/mobilenet_v2", lambda: _torchvision("imagenet/mobilenet_v2")),
    )
    reasons = []
    for name, get in tried:
        try:
            model = get()
        except FileNotFoundError as error:
            reasons.append(str(error))
        else:
            print(f"ImageNet network: {name}")
            return model
    raise FileNotFoundError("no ImageNet network at hand: " + "; ".join(reasons))


def save(name: str, model: nn.Module, facts: dict, folder: Path = WEIGHTS) -> dict:
    """Write a network's weights and its model card; returns the card with size and sha256 filled in.

    Args:
        name: one of :data:`ARCHITECTURES`.
        model: as :func:`build` made it, trained.
        facts: data, command, seed, epochs, device, accuracy … for the card.
        folder: where both files go.
    """
    return files.write(weight_file(name, folder), model.state_dict(), {"name": name, **facts})
