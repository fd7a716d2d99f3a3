"""A network behind a defense; and every defense against attacks that do not know it, and those that do."""

from functools import partial

import pytest
import torch
from torch import nn

from advcourse import defenses
from advcourse.attacks import pgd
from advcourse.defenses import (
    JPEG,
    BitDepth,
    Blur,
    CropResize,
    Defended,
    ResizePad,
    Smooth,
    SoftJPEG,
    SplitBatchNorm,
    TotalVariation,
)
from advcourse.evaluation import evaluate, evaluate_robustness
from advcourse.wrappers import bpda, eot, random_noise
from tests.contracts.catalogue.defenses import CATALOGUE
from tests.support.refusals import refused
from tests.support.scenes import scene, seeded
from tests.support.toys import pictures


def test_it_is_the_network_after_the_transform():
    model, images, _ = scene()
    assert torch.equal(Defended(Blur(1.0), model)(images), model(Blur(1.0)(images)))


def test_the_generator_goes_on_to_the_transform():
    model, images, _ = scene()
    noise = random_noise(0.2)
    expected = model(noise(images, seeded(1)))
    assert torch.equal(Defended(noise, model)(images, seeded(1)), expected)
    assert torch.equal(Defended(bpda(noise), model)(images, generator=seeded(1)), expected)


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (lambda images, generator: images[..., 1:], r"transform returned \(6, 2, 8, 5\), expected \(6, 2, 8, 6\)"),
        (lambda images, generator: None, "transform returned NoneType, expected"),
        (lambda images, generator: images + 1, r"what transform returned ranges over .*, expected \[0, 1\]"),
        (lambda images, generator: images.log() * 0, "what transform returned holds NaN, expected"),
    ],
    ids=["shape", "nothing", "range", "NaN"],
)
def test_a_transform_that_returns_no_such_images_is_named(transform, message):
    model, images, _ = scene()
    with refused(message):
        Defended(transform, model)(images)


def test_what_cannot_be_called_is_refused():
    model, _, _ = scene()
    with refused("transform is a int, expected a callable"):
        Defended(3, model)
    with refused("network is a str, expected a callable"):
        Defended(Blur(1.0), "network")


def test_it_is_one_model_to_an_evaluation_and_to_training():
    model, images, _ = scene(channels=3)
    defended = Defended(SoftJPEG(50), model).train()
    labels = model(images).argmax(1)
    report = evaluate(defended, partial(pgd, eps=0.05, steps=3), images, labels)
    assert 0 <= report.robust_accuracy <= report.clean_accuracy <= 1 and defended.training
    defended(images).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


# -- attacks on every defense


class Planted(nn.Module):
    """Two classes by the brightness, or by another sum of the colours; a checkerboard may weigh more.

    The margin is the mean of the pixels weighted by ``colours``, plus ``checker`` times that under a checkerboard of
    ±1, less ``level``.
    """

    def __init__(self, checker=3.0, colours=(1.0, 1.0, 1.0), level=0.5):
        super().__init__()
        self.checker, self.colours = checker, torch.tensor(colours, dtype=torch.float64)[:, None, None]
        self.level = nn.Parameter(torch.tensor(level, dtype=torch.float64))

    def forward(self, images):
        rows, columns = (torch.arange(side) for side in images.shape[2:])
        board = (1 - 2 * ((rows[:, None] + columns) % 2)).to(images.dtype)
        margin = (self.colours * images * (1 + self.checker * board)).mean((1, 2, 3)) - self.level
        return 40 * torch.stack([margin, -margin], 1)


def tinted():
    """A little brighter than the level, not flat, and redder than green."""
    images = 0.53 + 0.02 * (pictures(6, 3, 16, 16) - 0.5)
    images[:, 0] += 0.02
    images[:, 1] -= 0.02
    return images


def fooled(model, images, rounds=5):
    """The share of wrong answers, a random model being asked more than once."""
    with torch.no_grad():
        return torch.stack([(model(images).argmax(1) != 0).double() for _ in range(rounds)]).mean().item()


EPS, LABELS = 0.06, torch.zeros(6, dtype=torch.int64)
attack = partial(pgd, images=tinted(), labels=LABELS, eps=EPS, steps=10)


@pytest.mark.parametrize(
    ("defense", "adaptive"),
    [
        (Blur(1.0), lambda network, t: attack(Defended(t, network))),
        (JPEG(10), lambda network, t: attack(Defended(bpda(t, SoftJPEG(10)), network))),
        (SoftJPEG(10), lambda network, t: attack(Defended(t, network))),
        (CropResize(0.5), lambda network, t: attack(eot(network, t, 8), loss="nll")),
        (TotalVariation(0.5, 0.1, 50), lambda network, t: attack(eot(network, t, 4), loss="nll")),
    ],
    ids=["Blur", "JPEG", "SoftJPEG", "CropResize", "TotalVariation"],
)
def test_the_attack_that_knows_the_defense_succeeds_where_the_other_fails(defense, adaptive):
    """These remove the checkerboard, which the attack on the network alone pours all its budget into."""
    torch.manual_seed(0)
    network = Planted()
    defended = Defended(defense, network)
    unaware, aware = attack(network), adaptive(network, defense)
    assert fooled(defended, tinted()) == 0 and fooled(network, unaware) == 1
    assert fooled(defended, unaware) == 0 and fooled(defended, aware) == 1
    assert (aware - tinted()).abs().max() <= EPS + 1e-9


def test_resizing_and_padding_is_averaged_over():
    """Black comes in, so that the classes differ in colour; at its full size an image is what it was, and the attack on
    the network alone succeeds.
    """
    torch.manual_seed(0)
    network, defense = Planted(colours=(1.0, -1.0, 0.0), level=0.0), ResizePad(0.75)
    defended = Defended(defense, network)
    unaware, aware = attack(network), attack(eot(network, defense, 8), loss="nll")
    assert fooled(defended, tinted()) == 0 and fooled(network, unaware) == 1
    assert fooled(defended, unaware, 20) < 0.3 and fooled(defended, aware, 20) > 0.9


def test_through_rounding_there_is_no_gradient_and_the_identity_takes_its_place():
    """What looks robust: PGD does not move, or is refused."""
    network = Planted(checker=0.0)
    for defense in (BitDepth(4), SoftJPEG(10, torch.round)):
        assert torch.equal(attack(Defended(defense, network)), tinted())
    with refused("without a graph to the images"):
        attack(Defended(JPEG(10), network))
    for defense in (BitDepth(4), SoftJPEG(10, torch.round), JPEG(10)):
        assert fooled(Defended(defense, network), tinted()) == 0
        assert fooled(Defended(defense, network), attack(Defended(bpda(defense), network))) == 1


def test_the_identity_in_place_of_total_variation_too():
    torch.manual_seed(0)
    network, defense = Planted(checker=0.0), TotalVariation(0.5, 0.1, 50)
    defended = Defended(defense, network)
    aware = attack(eot(network, bpda(defense), 4), loss="nll")
    assert fooled(defended, tinted()) == 0 and fooled(defended, aware) == 1


def test_the_identity_is_no_gradient_for_what_removes_what_the_network_looks_at():
    """Why the stand-in is chosen for the defense: here the identity's gradient is that of the checkerboard."""
    network = Planted()
    aware = attack(Defended(bpda(JPEG(10)), network))
    assert fooled(Defended(JPEG(10), network), aware) == 0


def test_every_defense_keeps_the_contracts():
    """Those that are modules on images stand in the catalogue; layers of a network that is trained are none."""
    public = {each for each in vars(defenses).values() if isinstance(each, type) and issubclass(each, nn.Module)}
    made = [case.make() for case in CATALOGUE]
    assert {getattr(each, "kind", type(each)) for each in made} == public - {Defended, Smooth, SplitBatchNorm}


@pytest.mark.parametrize("defense", [Blur(3.0), CropResize(0.5), SoftJPEG(10)], ids=["Blur", "CropResize", "SoftJPEG"])
def test_white_stays_in_the_box_in_single_precision(defense):
    """Where weights add up to a little more than one, and JPEG to more than white."""
    seen = defense(torch.ones(4, 3, 23, 31), seeded())
    assert seen.max() <= 1


@pytest.mark.parametrize("defense", [JPEG(10), CropResize(0.5)], ids=["JPEG", "CropResize"])
def test_a_killed_evaluation_of_a_defended_model_goes_on(defense, tmp_path):
    """With an attack that gives up on every second image, killed at the fourth."""
    torch.manual_seed(0)
    network, asked, killed = Planted(), [], []
    seen_as = defense if isinstance(defense, CropResize) else bpda(defense, SoftJPEG(10))

    def aware(model, images, labels, *, indices):
        if len(asked) == 3 and not killed:
            killed.append(True)
            raise KeyboardInterrupt
        asked.append(indices.item())
        if indices.item() % 2:
            return images
        return pgd(eot(network, seen_as, 4), images, labels, eps=EPS, steps=10, loss="nll")

    def judged(checkpoint=None):
        given = {"eps": EPS, "attacks": {"aware": aware}, "curve": False, "batch_size": 1, "checkpoint": checkpoint}
        return evaluate_robustness(Defended(defense, network), tinted(), LABELS, **given).levels[0].robust_accuracy

    with pytest.raises(KeyboardInterrupt):
        judged(tmp_path / "run.pt")
    assert asked == [0, 1, 2]
    assert judged(tmp_path / "run.pt") == 0.5 and asked == [0, 1, 2, 3, 4, 5]
    assert judged() == 0.5 and len(asked) == 12
    network_of_another = Planted(checker=0.0)
    with refused("checkpoint is of a run with other"):
        evaluate_robustness(
            Defended(defense, network_of_another),
            tinted(),
            LABELS,
            eps=EPS,
            attacks={"aware": aware},
            curve=False,
            batch_size=1,
            checkpoint=tmp_path / "run.pt",
        )
