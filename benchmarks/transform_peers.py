"""Defenses that transform beside ART's of the same kind: ``python -m benchmarks.transform_peers``.

Time, how far the results lie apart, and what a network has right behind either, on clean images and on images that were
attacked through ours. ART's total variation keeps with probability ``prob``, drops in each channel by itself, minimises
the formula as the paper prints it, and starts from the image with the dropped pixels in place.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from advcourse.core.running import predict
from benchmarks.defenses import METHODS, attacked, right_ones
from benchmarks.report import table

HEAD = ("defense", "library", "ms an image", "of ours", "apart from ours, in 1/255", "clean", "attacked through ours")
PACKAGE = "adversarial-robustness-toolbox"


def _art_bits(images: np.ndarray) -> np.ndarray:
    from art.defences.preprocessor import FeatureSqueezing

    return FeatureSqueezing((0.0, 1.0), bit_depth=3)(images)[0]


def _art_jpeg(quality: int) -> Callable[[np.ndarray], np.ndarray]:
    def defense(images: np.ndarray) -> np.ndarray:
        from art.defences.preprocessor import JpegCompression

        return JpegCompression((0.0, 1.0), quality=quality, channels_first=True)(images)[0]

    return defense


def _art_variation(images: np.ndarray) -> np.ndarray:
    from art.defences.preprocessor import TotalVarMin

    np.random.seed(0)  # noqa: NPY002 (what it draws from)
    last = images.transpose(0, 2, 3, 1)
    return TotalVarMin(prob=0.7, clip_values=(0.0, 1.0))(last)[0].transpose(0, 3, 1, 2)


PEERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "3 bits": _art_bits,
    "JPEG 75": _art_jpeg(75),
    "JPEG 50": _art_jpeg(50),
    "drop 0.3 and total variation": _art_variation,
}


def installed() -> list[str]:
    return [PACKAGE] if importlib.util.find_spec("art") else []


def rows(
    name: str, network: nn.Module, images: Tensor, labels: Tensor, made: Tensor, rounds: int = 3
) -> list[list[str]]:
    """Ours and ART's on the same images: ``made`` were attacked through ours."""
    defense, there = METHODS[name].make()[0], PEERS[name]
    sides: dict[str, Callable[[Tensor], Tensor]] = {
        "advcourse": lambda x: defense(x, torch.Generator().manual_seed(0)),
        "ART": lambda x: torch.from_numpy(there(x.numpy()).astype(np.float32)),
    }
    seconds: dict[str, list[float]] = {library: [] for library in sides}
    for _ in range(rounds):
        for library, side in sides.items():
            before = time.process_time()
            with torch.no_grad():
                side(images)
            seconds[library].append(time.process_time() - before)
    found, ours = [], sides["advcourse"](images)
    for library, side in sides.items():
        spent, reference = statistics.median(seconds[library]), statistics.median(seconds["advcourse"])
        seen = side(images)
        right = [(predict(network, each).argmax(1) == labels).float().mean().item() for each in (seen, side(made))]
        apart = 255 * (seen - ours).abs().mean().item()
        timed = [f"{1000 * spent / len(images):.2g}", f"{spent / reference:.1f}"]
        found.append([name, library, *timed, f"{apart:.2f}", *(f"{share:.0%}" for share in right)])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transform_peers", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=100, help="(%(default)s)")
    parser.add_argument("--steps", type=int, default=40, help="of PGD through ours (%(default)s)")
    options = parser.parse_args()
    if not installed():
        parser.error(f"{PACKAGE} is not installed")
    (network, images, labels), found = right_ones(options.images), []
    for name in PEERS:
        found += rows(name, network, images, labels, attacked(name, network, images, labels, options.steps))
        print(table(HEAD, found[-2:]), flush=True)
    print(table(HEAD, found))


if __name__ == "__main__":
    main()
