"""Each metric of generators by us and by other libraries, from images to numbers, on the same subsets and splits.

Each library is called as its documentation has it. Subsets and splits are what it draws from ``SEED``, and are drawn
again for ours: with NumPy's generator for torch-fidelity, with torch's for torchmetrics.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from advcourse.core.running import predict
from advcourse.gan.metrics import (
    Penultimate,
    classifier_score,
    features,
    frechet_distance,
    kernel_distance,
    precision_recall,
)

NAME, SEED, BATCH = "mnist/cnn", 2020, 256
PACKAGES = {"torch-fidelity": "torch_fidelity", "torchmetrics": "torchmetrics"}
Numbers = dict[str, float]
Way = Callable[["Sets"], Numbers]


@dataclass(frozen=True)
class Sets:
    """Real and made images, the classifier, and how many splits, subsets and images of a subset there are."""

    real: Tensor
    made: Tensor
    classifier: nn.Module
    splits: int = 10
    subsets: int = 100
    subset_size: int = 1000
    k: int = 3

    @property
    def extractor(self) -> Penultimate:
        return Penultimate(self.classifier)

    def both(self) -> tuple[Tensor, Tensor]:
        """Features of the real images and of those that are made."""
        return features(self.extractor, self.real, BATCH), features(self.extractor, self.made, BATCH)

    def logits(self) -> Tensor:
        return predict(self.classifier, self.made, batch_size=BATCH)


def distance(sets: Sets) -> Numbers:
    return {"Fréchet distance": frechet_distance(*sets.both(), extractor=NAME).value}


def neighbours(sets: Sets) -> Numbers:
    found = precision_recall(*sets.both(), extractor=NAME, k=sets.k)
    return {"precision": found.precision, "recall": found.recall}


def score(sets: Sets, numpys: bool) -> Numbers:
    """On the splits of torch-fidelity, which are NumPy's, or on those of torchmetrics."""
    logits = sets.logits()
    if numpys:
        logits = logits[np.random.RandomState(SEED).permutation(len(logits))]
    order = None if numpys else torch.Generator().manual_seed(SEED)
    found = classifier_score(logits, extractor=NAME, splits=sets.splits, generator=order)
    return {"classifier score": found.value, "its spread": found.spread or 0.0}


def kernel(sets: Sets, numpys: bool) -> Numbers:
    (real, made), size = sets.both(), sets.subset_size
    if not numpys:
        order = torch.Generator().manual_seed(SEED)
        given = {"subsets": sets.subsets, "subset_size": size, "generator": order}
        found = kernel_distance(real, made, extractor=NAME, **given)  # type: ignore[arg-type]
        return {"kernel distance": found.value, "its spread": found.spread or 0.0}
    draws, values = np.random.RandomState(SEED), []
    for _ in range(sets.subsets):
        y, x = (rows[draws.choice(len(rows), size, replace=False)] for rows in (made, real))
        values.append(kernel_distance(x, y, extractor=NAME, subsets=1, subset_size=size).value)
    return {"kernel distance": float(np.mean(values)), "its spread": float(np.std(values))}


class Images(Dataset):
    """Without labels: what torch-fidelity takes."""

    def __init__(self, images: Tensor):
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> Tensor:
        return self.images[place]


def fidelity(sets: Sets, metric: str) -> Numbers:
    """One metric by torch-fidelity, whose extractors are registered classes."""
    from torch_fidelity import FeatureExtractorBase, calculate_metrics
    from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

    class Extractor(FeatureExtractorBase):
        def __init__(self, name: str, features_list: Sequence[str], **settings: object):
            super().__init__(name, features_list)
            self.networks = nn.ModuleDict({"features": sets.extractor, "logits": sets.classifier})

        @staticmethod
        def get_provided_features_list() -> tuple[str, ...]:
            return "features", "logits"

        def forward(self, images: Tensor) -> tuple[Tensor, ...]:
            return tuple(self.networks[name](images) for name in self.features_list)

    FEATURE_EXTRACTORS_REGISTRY["advcourse"] = Extractor
    layers = {f"feature_layer_{each}": "features" for each in ("fid", "kid", "prc")}
    found = calculate_metrics(
        input1=Images(sets.made),
        input2=Images(sets.real),
        **{metric: True},
        **layers,
        feature_layer_isc="logits",
        feature_extractor="advcourse",
        isc_splits=sets.splits,
        kid_subsets=sets.subsets,
        kid_subset_size=sets.subset_size,
        prc_neighborhood=sets.k,
        rng_seed=SEED,
        batch_size=BATCH,
        cuda=sets.real.is_cuda,
        save_cpu_ram=True,  # no processes that load images
        cache=False,
        verbose=False,
    )
    names = {
        "frechet_inception_distance": "Fréchet distance",
        "kernel_inception_distance_mean": "kernel distance",
        "kernel_inception_distance_std": "its spread",
        "inception_score_mean": "classifier score",
        "inception_score_std": "its spread",
        "precision": "precision",
        "recall": "recall",
    }
    return {names[key]: value for key, value in found.items() if key in names}


@torch.no_grad()
def torchmetrics(sets: Sets, metric: str) -> Numbers:
    """One metric by torchmetrics, which takes a module as the extractor."""
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance

    device = sets.real.device
    if metric == "isc":
        judge = InceptionScore(feature=sets.classifier, splits=sets.splits).to(device)
        for batch in sets.made.split(BATCH):
            judge.update(batch)
    else:
        if metric == "fid":
            size = tuple(sets.real.shape[1:])
            judge = FrechetInceptionDistance(feature=sets.extractor, normalize=True, input_img_size=size)
        else:
            given = {"subsets": sets.subsets, "subset_size": sets.subset_size}
            judge = KernelInceptionDistance(feature=sets.extractor, **given)
        judge.to(device)
        for images, real in ((sets.real, True), (sets.made, False)):
            for batch in images.split(BATCH):
                judge.update(batch, real=real)
    torch.manual_seed(SEED)
    found = judge.compute()
    if metric == "fid":
        return {"Fréchet distance": found.item()}
    name = {"isc": "classifier score", "kid": "kernel distance"}[metric]
    return {name: found[0].item(), "its spread": found[1].item()}


WAYS: dict[str, list[tuple[Way, Way]]] = {
    "torch-fidelity": [
        (distance, partial(fidelity, metric="fid")),
        (partial(kernel, numpys=True), partial(fidelity, metric="kid")),
        (partial(score, numpys=True), partial(fidelity, metric="isc")),
        (neighbours, partial(fidelity, metric="prc")),
    ],
    "torchmetrics": [
        (distance, partial(torchmetrics, metric="fid")),
        (partial(kernel, numpys=False), partial(torchmetrics, metric="kid")),
        (partial(score, numpys=False), partial(torchmetrics, metric="isc")),
    ],
}
"""Ours, on a library's subsets and splits, and the library's."""


def installed() -> list[str]:
    return [name for name, package in PACKAGES.items() if importlib.util.find_spec(package)]
