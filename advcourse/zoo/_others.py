"""Networks that others trained: reference weights in ``$ADVCOURSE_DATA/weights``, and torchvision's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.core.files import read
from advcourse.networks import CifarResNet, Normalized, PlainResNet, StridedCNN
from advcourse.runtime import DownloadFailed, downloading

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}

# Normalisations and architectures of the small networks, as ``weights/small_nets.json`` says.
_SCALED = {"mean": (0.485, 0.456, 0.406), "std": (0.225, 0.225, 0.225)}
_BY_2010 = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2023, 0.1994, 0.2010)}
_BY_2616 = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2471, 0.2435, 0.2616)}
_AS_IT_IS = {"mean": (0.0,), "std": (1.0,)}
_small_mnist = partial(StridedCNN, (16, 32), 100)
_small_cifar = partial(StridedCNN, (16, 32), 100, inputs=(3, 32))
_SMALL: dict[str, tuple[Callable[[], nn.Module], Mapping[str, Sequence[float]]]] = {
    "certified_mnist": (_small_mnist, _AS_IT_IS),
    "certified_mnist_0_3": (_small_mnist, _AS_IT_IS),
    "certified_fashion_mnist": (_small_mnist, _AS_IT_IS),
    "certified_cifar10_8px": (_small_cifar, _SCALED),
    "robust_cifar10_cnn_a_adv": (_small_cifar, _BY_2010),
    "robust_cifar10_cnn_a_mix": (_small_cifar, _BY_2616),
    "robust_cifar10_conv_small_pgd": (partial(_small_cifar, padding=0), _BY_2010),
    "robust_cifar10_oval_base": (partial(StridedCNN, (8, 16), 100, inputs=(3, 32)), _SCALED),
    "robust_cifar10_resnet2b": (PlainResNet, _BY_2616),
}
_REFERENCE_BLOCKS = {"resnet20": 3, "resnet32": 5, "resnet44": 7, "resnet56": 9}
# sha256 of each file of reference weights, by its name without ".safetensors".
_REFERENCE_SHA256 = {
    "cifar10_resnet20": "39b548e3bab563237634889bc4130ef829bddce64f6cc75e4d92fbecff718fbe",
    "cifar10_resnet32": "9ed731f9d9d2b5b61c60ebefd99e7e6bfdc67bb37a43bfdef1ee4fa1829f0cc4",
    "cifar10_resnet44": "daa98acc7a2829db677183657c2d45603a43a70e72068b6848f2af2553bcfd79",
    "cifar10_resnet56": "afacf9b771d3c1b0f2b0eadd01a809b934dca5dbfa04d0d00b82751a38d3948c",
    "imagenet_mobilenet_v2": "03c150588ef9ee852efecc101ecbac5cc1786994d4e0d52d1bdad4d8bafedffc",
    "imagenet_squeezenet1_0": "849554664a1d80bb2deb2ef4256e2338691efc1a18688fc9f2ef2a4cb9bf09de",
    "certified_cifar10_8px": "849a9439999d257e415d5f72259850226742bc95d58e2db36802227dc829ddb9",
    "certified_fashion_mnist": "80f5645ed34e55679fbae37797e78b6fff2e969b805f305d1f1df8e87762723c",
    "certified_mnist": "50f9345336b8eb21d0938e7443628eca645e524f6ab3908dc2216bf45a09c9de",
    "certified_mnist_0_3": "f3fbb290f4b5e4e690b0d4ea6b4aa70e9bbb8364e2248fa6ea08bbed7e27830f",
    "robust_cifar10_cnn_a_adv": "7ca42b5025b798c0ee677aaf30884419fb88f0454ee2e769fe14f4ac5dbeac17",
    "robust_cifar10_cnn_a_mix": "876070d4d393406515f751363ab324149709e14d33da74b04f624336190e4850",
    "robust_cifar10_conv_small_pgd": "c680cef2eddd2b6cab10c73b056dd0c34e75b0d5f24d24f9a0b7c6eacc0fba5d",
    "robust_cifar10_oval_base": "6a7f25f331314aa8ad417586224764d26c1cd602e44498c555053fdf80bd4cc9",
    "robust_cifar10_resnet2b": "dfc4a9f305688a538735a19c4e7be06f289330ba42280de32918bfd616640ec4",
}
REFERENCES = tuple(f"reference/{stem}" for stem in _REFERENCE_SHA256)
TORCHVISION = {"imagenet/mobilenet_v2": "MobileNet_V2_Weights", "imagenet/squeezenet1_0": "SqueezeNet1_0_Weights"}


def reference(name: str) -> Normalized:
    """A network of ``$ADVCOURSE_DATA/weights``, with the normalisation and padding that its weights ask for."""
    import torchvision.models

    root = os.environ.get("ADVCOURSE_DATA")
    if not root:
        raise FileNotFoundError(f"{name} lies in $ADVCOURSE_DATA/weights, and ADVCOURSE_DATA is not set")
    stem = name.removeprefix("reference/")
    file = Path(os.path.expanduser(root), "weights", f"{stem}.safetensors")
    state = read(file, "unpack the data folder again", _REFERENCE_SHA256[stem])
    net = stem.split("_", 1)[1]
    if stem in _SMALL:
        architecture, scale = _SMALL[stem]
        model = Normalized(architecture(), **scale)
    elif net in _REFERENCE_BLOCKS:
        model = Normalized(CifarResNet(_REFERENCE_BLOCKS[net]), **IMAGENET)
    elif net == "mobilenet_v2":
        network = _tensorflow_padding(torchvision.models.mobilenet_v2(weights=None))
        model = Normalized(network, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    else:
        model = Normalized(torchvision.models.squeezenet1_0(weights=None), **IMAGENET)
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


def imagenet(name: str) -> Normalized:
    """Torchvision's network from its cache, else the reference one of its architecture, else a download.

    ``"imagenet"`` is mobilenet_v2, and says which it is; others say so where they are not what their name promises.
    """
    wanted = "imagenet/mobilenet_v2" if name == "imagenet" else name
    other = f"reference/imagenet_{wanted.split('/')[1]}"
    tried: tuple[tuple[str, Callable[[], Normalized]], ...] = (
        (wanted, lambda: _torchvisions(wanted, download=False)),
        (other, lambda: reference(other)),
        (wanted, lambda: _torchvisions(wanted, download=True)),
    )
    reasons = []
    for found, get in tried:
        try:
            model = get()
        except FileNotFoundError as error:
            reasons.append(str(error))
            continue
        if name == "imagenet":
            print(f"ImageNet network: {found}")
        elif found != name:
            print(f"{name} is not in torchvision's cache: {found}, which has other weights, takes its place.")
        return model
    raise FileNotFoundError("no ImageNet network at hand: " + "; ".join(reasons))


def _torchvisions(name: str, download: bool) -> Normalized:
    import torchvision.models

    weights = getattr(torchvision.models, TORCHVISION[name]).IMAGENET1K_V1
    cached = os.path.join(torch.hub.get_dir(), "checkpoints", weights.url.rsplit("/", 1)[1])
    if cached.startswith("~"):
        raise FileNotFoundError(f"{name} has no cache, for there is no home folder: TORCH_HOME names another place")
    if not os.path.exists(cached):
        if not download:
            raise FileNotFoundError(f"{name} is not in torchvision's cache ({cached})")
        try:
            with downloading():
                weights.get_state_dict(progress=True, check_hash=True)
        except DownloadFailed as error:
            raise FileNotFoundError(f"{name} could not be downloaded ({error}); it would go to {cached}") from error
    network = torchvision.models.get_model(name.split("/")[1], weights=None)
    try:
        network.load_state_dict(weights.get_state_dict(progress=True, check_hash=True))
    except MemoryError:
        raise
    except Exception as error:  # whatever is raised at what is no file of such weights
        state = "cannot be read" if isinstance(error, OSError) else "is damaged"
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise RuntimeError(f"{cached} {state} ({reason}): delete it and load the network again") from error
    return Normalized(network, **IMAGENET)
