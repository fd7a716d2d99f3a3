"""What using the library costs: modules loaded, memory held, passes made; and that the benchmark measures truly."""

import dataclasses

import pytest
import torch
from torch import nn

from advcourse.attacks import fgsm, ifgsm, pgd
from benchmarks.footprint import HEAVY, modules_after
from benchmarks.measure import judge
from benchmarks.memory import peak_bytes
from benchmarks.passes import Pass, bare, per_image, recorded
from benchmarks.peers import Budget
from benchmarks.results import Memory, Row, import_verdicts, verdicts
from tests.support.scenes import seeded

IMAGE_BATCHES = 4  # what an attack may hold beyond one bare forward and backward pass


def test_import_loads_nothing_heavy():
    modules = ("attacks", "data", "evaluation", "models", "runtime")
    loaded = modules_after(f"import advcourse, {', '.join(f'advcourse.{module}' for module in modules)}")
    assert "advcourse.models" in loaded
    assert not loaded.intersection(HEAVY)


def test_heavy_modules_would_be_seen():
    assert "torchvision" in modules_after("import torchvision")


def test_attacks_load_nothing_beyond_torch_but_this_package():
    added = modules_after("import torch, json, advcourse.attacks") - modules_after("import torch, json")
    assert "advcourse.attacks" in added
    assert {name for name in added if name.split(".")[0] != "advcourse"} == set()


def network() -> nn.Module:
    """A small network whose bare pass holds about 23 image batches."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 16 * 16, 5),
    ).eval()


def batch(count: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.rand(count, 3, 32, 32, generator=seeded(1))
    return images, torch.arange(count) % 5


ATTACKS = {
    "fgsm": lambda *given, **more: fgsm(*given, eps=0.01, **more),
    "ifgsm": lambda *given, **more: ifgsm(*given, eps=0.01, step_size=0.002, steps=5, **more),
    "pgd-linf": lambda *given, **more: pgd(*given, eps=0.01, steps=4, **more),
    "pgd-l2": lambda *given, **more: pgd(*given, eps=0.2, steps=4, norm="l2", **more),
    "pgd-restarts": lambda *given, **more: pgd(*given, eps=0.01, steps=4, random_start=True, restarts=2, **more),
}


def beyond_a_bare_pass(attack, device: str, targeted: bool) -> float:
    """Peak of the attack beyond the peak of one bare forward and backward pass, in image batches."""
    model = network().to(device)
    images, labels = (given.to(device) for given in batch())
    more = {"targets": (labels + 1) % 5} if targeted else {}
    attack(model, images, labels, **more)  # what is set up once is not counted
    floor = peak_bytes(lambda: bare(model, images, labels, [Pass(len(images), True, True)]), device)
    return (peak_bytes(lambda: attack(model, images, labels, **more), device) - floor) / images.nbytes


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("attack", ATTACKS)
def test_peak_memory_is_a_bare_pass_and_four_image_batches(attack, targeted):
    assert 0 < beyond_a_bare_pass(ATTACKS[attack], "cpu", targeted) <= IMAGE_BATCHES


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("attack", ATTACKS)
def test_peak_memory_on_cuda(attack):
    assert 0 < beyond_a_bare_pass(ATTACKS[attack], "cuda", False) <= IMAGE_BATCHES


def test_an_attack_that_hoards_its_iterates_is_seen():
    def hoarding(model, images, labels):
        iterates = [images]
        for eps in (0.01, 0.02, 0.03, 0.04, 0.05):
            iterates.append(fgsm(model, iterates[-1], labels, eps=eps))
        return iterates[-1]

    assert beyond_a_bare_pass(hoarding, "cpu", False) > IMAGE_BATCHES


def test_peak_bytes_counts_what_is_held_at_once():
    def three_then_one():
        held = [torch.empty(1000, 250) for _ in range(3)]
        del held
        return torch.empty(1000, 250)

    assert peak_bytes(three_then_one) == pytest.approx(3e6, rel=0.01)


def test_ifgsm_works_only_on_images_not_yet_fooled():
    # Logits (0, s - m): an image of pixel sum s is fooled once s > m; a step on n pixels adds n * step to s.
    class Sum(nn.Module):
        def forward(self, x):
            total = x.flatten(1).sum(1) - 8
            return torch.stack([torch.zeros_like(total), total], 1)

    steps_needed = torch.tensor([0, 1, 1, 3, 6, 9])
    start = (8 - (steps_needed - 0.5) * 16 * 0.03125) / 16
    images = start[:, None, None, None].expand(-1, 1, 4, 4).double()
    model = Sum()
    with recorded(model) as passes:
        ifgsm(model, images, torch.zeros(6, dtype=torch.long), step_size=0.03125, steps=6)
    # An image that needs t <= 6 steps is run t + 1 times, one that needs more 6 + 1 times.
    assert sum(made.rows for made in passes) == (steps_needed.clamp_max(6) + 1).sum()
    assert [made.rows for made in passes] == [6, 5, 3, 3, 2, 2, 2]
    assert [made.backwards for made in passes] == [1] * 6 + [0]


@pytest.mark.parametrize(("attack", "forwards", "backwards"), [("fgsm", 1, 1), ("pgd-linf", 5, 4), ("pgd-l2", 5, 4)])
def test_bare_passes_are_the_attack_s_own(attack, forwards, backwards):
    model, (images, labels) = network(), batch()
    with recorded(model) as made:
        ATTACKS[attack](model, images, labels)
    assert per_image(made, len(images)) == (forwards, backwards)
    with recorded(model) as again:
        bare(model, images, labels, made)
    assert again == made


def test_judge_refuses_what_breaks_the_budget():
    model, (images, labels) = network(), batch()
    images = images * 0.9
    budget = Budget("pgd", "linf", eps=0.05)
    success, l2, linf = judge(model, budget, images, labels, images + 0.05)
    assert success == (model(images + 0.05).argmax(1) != labels).double().mean()
    assert l2 == pytest.approx(0.05 * 3072**0.5, rel=1e-4)
    assert linf == pytest.approx(0.05, rel=1e-4)
    with pytest.raises(ValueError, match="away, in linf, with 0.05 allowed"):
        judge(model, budget, images, labels, images + 0.051)
    with pytest.raises(ValueError, match="returned images"):
        judge(model, dataclasses.replace(budget, eps=1), images, labels, images + 0.2)


def row(library: str, **changes) -> Row:
    base = Row("case", Budget("pgd", "linf", 0.1), library, 8, 5, 4, success=0.5, l2=1, linf=0.1, over_ours=[1.0])
    return dataclasses.replace(base, **changes)


def test_verdicts_are_reached_and_missed():
    ours = row("advcourse", over_bare=[1.2, 1.04, 1.05])
    slow, slower = row("a", over_ours=[0.98]), row("b", over_ours=[1.5])
    memory = Memory("case", ours.budget, batch=10, floor=100, peak=140)

    def reached(rows, held=memory):
        return [verdict.reached for verdict in verdicts(rows, [held])]

    assert reached([ours, slow, slower]) == [True, True, True]
    assert reached([dataclasses.replace(ours, over_bare=[1.051]), slow, slower])[0] is False
    assert reached([ours, row("a", over_ours=[0.97]), slower])[1] is False  # 1 / 0.97 > 1.03
    assert reached([ours, slow, row("b", over_ours=[0.99])])[1] is False  # another one faster
    assert reached([ours, slow, row("b", over_ours=[1.5], success=0.6)])[1] is False
    assert reached([ours, slow, slower], held=dataclasses.replace(memory, peak=141))[2] is False
    assert [verdict.reached for verdict in import_verdicts({"import x": [0.5], "import y": [0.51]})] == [True, False]
