"""How well substitutes answer for an oracle, and what they fool it with: ``python -m benchmarks.substitutes``.

The oracle is ``mnist/cnn`` and says its class alone. The seeds are the first images of the test set; agreement and
transfer are measured on those after them, transfer on what the oracle reads correctly. Beside every rate stands what
random signs of the same size do.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from advcourse import attacks, data, evaluation, models, networks
from advcourse.blackbox import Oracle, Substitute, substitute
from advcourse.core.running import is_fooled, predict, predicted
from benchmarks.report import setting, table

SEEDS = 150
TABLES = ("ceiling", "plain", "period", "optimizers", "copies")
SIZES = (0.25, 0.3)
ATTACKS: dict[str, Callable[..., Tensor]] = {"FGSM": attacks.fgsm, "MI-FGSM": attacks.mifgsm}

Optimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]

OPTIMIZERS: dict[str, Optimizer] = {
    "SGD 0.01, momentum 0.9": partial(torch.optim.SGD, lr=0.01, momentum=0.9),
    "SGD 0.1": partial(torch.optim.SGD, lr=0.1),
    "Adam 0.001": partial(torch.optim.Adam, lr=1e-3),
    "Adam 0.01": partial(torch.optim.Adam, lr=1e-2),
}

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "strided": partial(networks.StridedCNN, (16, 32), 100),
    "lenet": networks.LeNet,
    "the oracle's, narrow": partial(networks.SmallCNN, (8, 16), 64),
    "connected": partial(networks.FullyConnected, 784, 200, 100, 10),
}


@dataclass(frozen=True, eq=False)
class Trial:
    """The oracle, and what substitutes of it are tried on.

    Attributes:
        seeds: the substitute's first images.
        fresh: images on which agreement is measured.
        shown, labels: images that the oracle reads correctly, which are attacked.
        signs: the success of random signs of each size, a mean over ten draws.
    """

    model: nn.Module
    seeds: Tensor
    fresh: Tensor
    shown: Tensor
    labels: Tensor
    signs: dict[float, float]

    def rates(self, network: nn.Module) -> dict[str, float]:
        """Agreement on fresh images, and the success of each attack made on the network."""
        said, same = (predicted(predict(each, self.fresh)) for each in (self.model, network))
        found = {"agreement": (said == same).double().mean().item()}
        for eps in SIZES:
            for name, attack in ATTACKS.items():
                moved = attack(network, self.shown, self.labels, eps=eps)
                found[f"{name} {eps}"] = is_fooled(predict(self.model, moved), self.labels).double().mean().item()
        return found

    def train(self, name: str, rounds: int, every: bool = False, **settings: Any) -> Substitute:
        """A substitute of that architecture; its rates after the last round, or after each."""

        def end(network: nn.Module, record: dict) -> dict:
            return {"rates": self.rates(network)} if every or record["round"] == rounds else {}

        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            network = NETWORKS[name]()
        oracle = Oracle(self.model, reveals="label")
        return substitute(oracle, network, self.seeds, rounds=rounds, on_round_end=end, **settings)


def trial(fresh: int, shown: int) -> Trial:
    images, labels, _ = data.load("mnist", "test")
    model = models.load("mnist/cnn")
    seeds, images, labels = images[:SEEDS], images[SEEDS : SEEDS + fresh], labels[SEEDS : SEEDS + fresh]
    right = predicted(predict(model, images)) == labels
    attacked, of = images[right][:shown], labels[right][:shown]
    tables = {eps: evaluation.controls(model, attacked, of, eps=eps) for eps in SIZES}
    signs = {eps: float(found.loc["random signs", "success rate"]) for eps, found in tables.items()}
    return Trial(model, seeds, images, attacked, of, signs)


HEAD = ["agreement", *(f"{name}, ε {eps:g}" for eps in SIZES for name in ATTACKS)]


def cells(rates: dict[str, float]) -> list[str]:
    return [f"{100 * value:.1f} %" for value in rates.values()]


def signs_row(trial: Trial, columns: int) -> list[str]:
    """The control, under the columns of the rates."""
    return ["random signs", *[""] * columns, *(f"{100 * trial.signs[eps]:.1f} %" for eps in SIZES for _ in ATTACKS)]


def over_rounds(trial: Trial, rounds: int, **settings: Any) -> str:
    """A row for each training of one substitute."""
    found = trial.train("strided", rounds, every=True, **settings)
    rows = [
        [
            *(str(one["round"]), str(one["images"]), f"{one['loss']:.3f}", f"{100 * one['agreement']:.1f} %"),
            *cells(one["rates"]),
        ]
        for one in found.history
    ]
    head = ["round ρ", "queries", "loss", "agreement on the set", *HEAD]
    return table(head, [*rows, signs_row(trial, 4)])


def by_optimizer(trial: Trial, rounds: int, epochs: Iterable[int], **settings: Any) -> str:
    """A row for each optimiser and number of epochs."""
    rows = []
    for name, optimizer in OPTIMIZERS.items():
        for number in epochs:
            last = trial.train("strided", rounds, optimizer=optimizer, epochs=number, **settings).history[-1]
            rows.append([name, str(number), f"{last['loss']:.3f}", *cells(last["rates"])])
            print(*rows[-1], sep=", ", file=sys.stderr, flush=True)
    return table(["optimiser", "epochs", "loss", *HEAD], [*rows, signs_row(trial, 3)])


def by_copies(trial: Trial, rounds: int) -> str:
    """A row for each way to make the copies, each network, and each start."""
    ways: list[tuple[str, dict]] = [
        ("strided", {"lam": lam, "period": tau}) for lam in (0.1, 0.2) for tau in (None, 1, 2)
    ]
    ways += [("strided", {"lam": 0.3, "period": 1}), ("strided", {"lam": 0.2, "period": 1, "restart": True})]
    ways += [(name, {"lam": 0.2, "period": 1}) for name in NETWORKS if name != "strided"]
    ways += [("strided", {"lam": 0.2, "period": 1, "reservoir": 200, "reservoir_after": 1})]
    rows = []
    for name, way in ways:
        found = trial.train(name, rounds, **way)
        said = [str(way["lam"]), str(way["period"] or "none"), "given" if way.get("restart") else "last round's"]
        said += [str(way.get("reservoir", "none")), str(found.queries)]
        rows.append([name, *said, *cells(found.history[-1]["rates"])])
        print(*rows[-1], sep=", ", file=sys.stderr, flush=True)
    head = ["network", "λ", "τ", "weights from", "κ", "queries", *HEAD]
    return table(head, [*rows, signs_row(trial, 6)])


def ceiling(trial: Trial) -> str:
    """What networks that were trained on the training set's labels fool the oracle with."""
    rows = [[name, *cells(trial.rates(models.load(name)))] for name in ("mnist/lenet", "mnist/fc500-150-10")]
    return table(["trained on 60,000 labels", *HEAD], [*rows, signs_row(trial, 1)])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.substitutes", description=__doc__)
    parser.add_argument("--fresh", type=int, default=2000, help="images for agreement (%(default)s)")
    parser.add_argument("--shown", type=int, default=500, help="images attacked (%(default)s)")
    parser.add_argument("--rounds", type=int, default=6, help="of the curves (%(default)s)")
    parser.add_argument("--short", type=int, default=3, help="rounds of the other tables (%(default)s)")
    parser.add_argument("--epochs", type=int, nargs="+", default=[3, 10, 30], help="(%(default)s)")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES, help="(%(default)s)")
    options = parser.parse_args()
    begun, tried = time.perf_counter(), trial(options.fresh, options.shown)
    made: dict[str, tuple[str, Callable[[], str]]] = {
        "ceiling": ("Networks that were never a substitute", partial(ceiling, tried)),
        "plain": (
            "Over the rounds: λ 0.1, no period",
            partial(over_rounds, tried, options.rounds, lam=0.1, period=None),
        ),
        "period": ("Over the rounds: λ 0.2, τ 1", partial(over_rounds, tried, options.rounds, lam=0.2, period=1)),
        "optimizers": (
            f"By optimiser and epochs: λ 0.2, τ 1, ρ = {options.short}",
            partial(by_optimizer, tried, options.short, options.epochs, lam=0.2, period=1),
        ),
        "copies": (f"By how the copies are made: ρ = {options.short}", partial(by_copies, tried, options.short)),
    }
    for name in options.tables:
        title, make = made[name]
        print(f"#### {title}\n\n{make()}\n", flush=True)
    minutes = (time.perf_counter() - begun) / 60
    print(
        setting(
            torch.device("cpu"), " ".join(["python -m benchmarks.substitutes", *sys.argv[1:]]), minutes, "", packages=()
        )
    )


if __name__ == "__main__":
    main()
