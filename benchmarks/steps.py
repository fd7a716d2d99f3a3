"""What a PGD step costs beside its passes: each library on a network that costs next to nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks import report
from benchmarks.peers import MAKERS, Budget
from benchmarks.timing import interleaved

SHAPES = ((128, 3, 32, 32), (8, 3, 224, 224))
STEPS, ROUNDS = 40, 9


class TenPixels(nn.Module):
    """Logits read off ten pixels, so that almost all time goes into the attack's own work."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(10))

    def forward(self, images: Tensor) -> Tensor:
        return images[:, 0, 0, :10] * self.scale


def milliseconds(shape: tuple[int, ...], norm: str, device: torch.device) -> dict[str, float]:
    """Processor time per step and library: the least over the rounds, which is what nothing disturbed."""
    model = TenPixels().to(device).eval()
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(device)
    labels = torch.zeros(shape[0], dtype=torch.long, device=device)
    budget = Budget("pgd", norm, eps=0.01, step_size=0.001, steps=STEPS)
    runs = {name: make(model, budget, images, 10) for name, make in MAKERS.items()}
    for run in runs.values():
        run(images, labels)
    timed = {name: lambda run=run: run(images, labels) for name, run in runs.items()}
    times = interleaved(timed, ROUNDS, device, "processor" if device.type == "cpu" else "wall")
    return {name: 1000 * min(seconds) / STEPS for name, seconds in times.items()}


def table(device: torch.device) -> str:
    rows = []
    for shape in SHAPES:
        for norm in ("linf", "l2"):
            found = milliseconds(shape, norm, device)
            rows.append([f"pgd {norm}", " x ".join(map(str, shape)), *(f"{value:.2f}" for value in found.values())])
            print(*rows[-1], flush=True)
    return report.table(["attack", "images", *MAKERS], rows)
