"""Every method of the architecture figure with every architecture of it, made small and shipped as one file.

``load()`` hands out the runs and a sheet of what each one's generator made; ``python -m advcourse study games`` plays
all of them again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import RMSprop
from torch.utils.data import Dataset

from advcourse import data, gan, training
from advcourse.core import files
from advcourse.core.running import predict
from advcourse.core.validation import check_choice, check_count
from advcourse.gan import metrics
from advcourse.networks import GAN_ARCHITECTURES, gan_networks
from advcourse.zoo._facts import today
from advcourse.zoo._recipes_gan import at_rates
from advcourse.zoo.weights import load as network

FILE = Path(__file__).parent / "files" / "studies" / "games.safetensors"
EXTRACTOR, SHOWN = "mnist/cnn", 16


class Method(NamedTuple):
    """A variant and how its critic is normalised."""

    make: Callable[[], gan.Variant]
    norm: str


def _gp_rmsprop() -> gan.Variant:
    rmsprop = partial(RMSprop, lr=1e-4)
    return replace(gan.wgan_gp(), name="WGAN-GP, RMSProp", critic_optimizer=rmsprop, generator_optimizer=rmsprop)


METHODS: dict[str, Method] = {
    "DCGAN": Method(gan.standard_gan, "batch"),
    "LSGAN": Method(gan.lsgan, "batch"),
    "WGAN": Method(gan.wgan, "batch"),
    "WGAN-GP": Method(gan.wgan_gp, "layer"),
    "WGAN-GP, RMSProp": Method(_gp_rmsprop, "layer"),
}
"""The four of the architecture figure, and the one that joins them where scores are drawn against time."""


@dataclass(frozen=True)
class GameSettings:
    """What all runs share.

    Attributes:
        rounds: between one measurement and the next, so many steps of the generator each.
        generator_steps: of a round; the critic takes k times as many, on new images of MNIST's training set.
        batch_size: images per step.
        width: of the networks.
        deeper: further blocks of the residual ones.
        faster: times the variant's own rates.
        measured: images of a measurement.
    """

    rounds: int = 8
    generator_steps: int = 40
    batch_size: int = 64
    width: int = 16
    deeper: int = 1
    faster: float = 3.0
    measured: int = 1_000


class Games(NamedTuple):
    """The card, with one record for each run, and sheets ``(runs, 16, 1, 28, 28)`` of images in [0, 1]."""

    card: dict
    sheets: Tensor


def load(*, file: Path = FILE) -> Games:
    """The shipped runs.

    Raises:
        FileNotFoundError, RuntimeError: where the file is not there, or damaged.
    """
    advice = "restore it from the repository, or make it with `python -m advcourse study games`"
    return Games(files.card(file, advice), files.read(file, advice)["sheets"].float() / 255)


def make(
    architectures: Sequence[str] = tuple(GAN_ARCHITECTURES),
    methods: Sequence[str] = tuple(METHODS)[:4],
    curves: int = 3,
    *,
    settings: GameSettings = GameSettings(),
    device: torch.device | str = "cpu",
    file: Path = FILE,
    runs: Path | None = None,
    progress: bool = True,
) -> dict:
    """Play every method with every architecture from seed 0, and all methods with the first from further seeds.

    Args:
        architectures: of ``GAN_ARCHITECTURES``.
        methods: of ``METHODS``, for all architectures.
        curves: seeds, from 0, from which every method of ``METHODS`` plays with ``"DCGAN"``.
        settings: of all runs.
        device: to train on, where accelerate finds one of its kind.
        file: to be written; its card lies beside it.
        runs: folder of the single runs, which are not repeated; in the cache folder where it is not given.
        progress: show progress bars.

    Returns:
        the card.

    Raises:
        ValueError: unknown names, a device that is not there.
        FileNotFoundError: MNIST is not at hand.
    """
    check_count(at_least=0, curves=curves)
    for name, given, known in (("architectures", architectures, GAN_ARCHITECTURES), ("methods", methods, METHODS)):
        for each in given:
            check_choice(name, each, tuple(known))
    device = torch.device(device)
    training.accelerator_state(device.type)
    images, *_ = data.load("mnist", "train", stand_in=False)
    tests, *_ = data.load("mnist", "test", n=settings.measured, stand_in=False)
    wanted = [(architecture, method, 0) for architecture in architectures for method in methods]
    wanted += [("DCGAN", method, seed) for seed in range(curves) for method in METHODS]
    folder = runs or data.cache_folder() / "studies" / "games"
    records, sheets = [], []
    for architecture, method, seed in dict.fromkeys(wanted):
        key = {"architecture": architecture, "method": method, "seed": seed}
        shared = {**asdict(settings), "device": device.type}
        named = "-".join(str(part).replace(",", "").replace(" ", "_") for part in {**key, **shared}.values())
        done = folder / f"{named}.safetensors"
        if not done.is_file():
            record, sheet = _played(architecture, method, seed, settings, device, images, tests, progress)
            files.write(done, {"sheet": sheet}, {"name": named, **key, **record})
        saved = files.card(done, "delete it")
        records.append({name: value for name, value in saved.items() if name not in ("name", "bytes", "sha256")})
        sheets.append(files.read(done, "delete it")["sheet"])
    facts = {
        "name": "games",
        "command": "python -m advcourse study games",
        "settings": {**asdict(settings), "device": device.type, "extractor": EXTRACTOR, "n_real": len(tests)},
        **today(),
        "runs": records,
    }
    return files.write(file, {"sheets": torch.stack(sheets)}, facts)


def _played(
    architecture: str,
    method: str,
    seed: int,
    settings: GameSettings,
    device: torch.device,
    images: Tensor,
    tests: Tensor,
    progress: bool,
) -> tuple[dict, Tensor]:
    """One run: what was measured after each epoch, and a sheet of what the generator makes at the end."""
    torch.manual_seed(seed)
    how = METHODS[method]
    pair = gan_networks(
        architecture, tests.shape[-1], tests.shape[1], settings.width, norm=how.norm, deeper=settings.deeper
    )
    generator, critic = (part.to(device) for part in pair)
    classifier = network(EXTRACTOR, device)
    extract = metrics.Penultimate(classifier)
    real = metrics.features(extract, tests.to(device))
    latents = torch.randn(len(tests), generator.latent, generator=torch.Generator().manual_seed(0))  # type: ignore[call-overload]
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    start, sheet, seen = clock(), torch.zeros_like(tests[:SHOWN]), list[dict[str, float]]()

    def look(generator: nn.Module, record: dict) -> None:
        nonlocal start, sheet
        seconds = clock() - start
        fakes = gan.generate(generator, latents).to(device)
        sheet = fakes[:SHOWN].cpu()
        found = {
            "distance": metrics.frechet_distance(real, metrics.features(extract, fakes), extractor=EXTRACTOR),
            "score": metrics.classifier_score(predict(classifier, fakes), extractor=EXTRACTOR, splits=1),
        }
        seen.append({"seconds": seconds, **{name: each.value for name, each in found.items()}})
        fresh.next()
        start = clock()

    variant = at_rates(how.make(), lambda own: settings.faster * own)
    fresh = _Fresh(images, settings.generator_steps * variant.critic_steps * settings.batch_size)
    options: dict[str, Any] = {"epochs": settings.rounds, "batch_size": settings.batch_size, "seed": seed}
    try:
        gan.fit(generator, critic, fresh, variant, **options, progress=progress, on_epoch_end=look)
        ended = "finished"
    except FloatingPointError:
        ended = "not finite"
    columns = {key: [round(record[key], 4) for record in seen] for key in ("seconds", "distance", "score")}
    columns["generator_steps"] = [settings.generator_steps * (i + 1) for i in range(len(seen))]
    return {"ended": ended, **columns}, (255 * sheet).round().to(torch.uint8)


class _Fresh(Dataset):
    """So many images at a time, the next ones in every pass."""

    def __init__(self, images: Tensor, n: int):
        self.images, self.n, self.start = images, n, 0

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[(self.start + index) % len(self.images)], 0

    def next(self) -> None:
        self.start += self.n
