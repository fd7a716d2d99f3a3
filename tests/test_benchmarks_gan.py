"""The benchmarks of GANs at a size at which they take a moment: their rows, and disagreements that are planted."""

import re
from functools import partial

import pytest
import torch
from torch import nn

from advcourse import gan
from benchmarks import gan_metric_peers, gan_metrics, gan_peers, gan_step, gan_steps
from benchmarks.gan_metric_peers import Sets, distance
from benchmarks.gan_step import EAGER, Row, Timing, libraries, settings_of
from tests.support.toys import pictures

TIMING = Timing(2, 1, torch.device("cpu"), "processor")


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Networks and batches."""
    for name, value in {"BATCH": 6, "WIDTH": 4, "NETWORKS": {"tiny": (8, 3)}}.items():
        monkeypatch.setattr(gan_step, name, value)


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:] if line]


# -- steps


@pytest.mark.parametrize("name", gan_step.VARIANTS)
def test_every_variant_takes_both_steps_under_every_setting(name):
    settings = [each for each, setting in gan_step.SETTINGS.items() if not setting.compiled]
    rows = settings_of("tiny", name, settings, TIMING)
    assert [row.name for row in rows] == settings == [EAGER, "bfloat16", "channels_last"]
    assert all(len(times) == 2 for row in rows for times in (row.critic, row.generator, row.of_critic))
    eager, half, last = rows
    assert eager.differs == 0 and last.differs < 1e-4 < half.differs < 0.2
    assert [len(gan_steps.line(row, eager)) for row in rows] == [len(gan_steps.HEAD)] * 3


def test_a_step_moves_its_own_network_alone():
    steps = gan_step.Steps("tiny", gan.wgan_gp(), gan_step.SETTINGS[EAGER], TIMING.device)
    for step, moves, stays in (("critic", steps.critic, steps.generator), ("generator", steps.generator, steps.critic)):
        before = [[each.clone() for each in network.parameters()] for network in (moves, stays)]
        getattr(steps, f"{step}_step")()
        moved, stayed = (
            zip(old, net.parameters(), strict=True) for old, net in zip(before, (moves, stays), strict=True)
        )
        assert any(not torch.equal(*pair) for pair in moved) and all(torch.equal(*pair) for pair in stayed)


@pytest.mark.parametrize("factor", [1, 2])
def test_a_compiled_step_that_differs_is_seen(monkeypatch, factor):
    def compiled(critic, variant, mixed_precision):
        def step(real, fake, share):
            mean = (factor * variant.critic_loss(critic, real, fake, share)).mean()
            mean.backward()
            return mean.detach()

        return step

    monkeypatch.setattr(gan_step.gan, "critic_gradients", compiled)
    eager, row = settings_of("tiny", "wgan", [EAGER, "compiled"], TIMING)
    assert row.differs == pytest.approx(factor - 1) and row.same == (factor == 1) and row.first > 0
    assert len(gan_steps.line(row, eager)) == len(gan_steps.HEAD) and gan_steps.line(row, eager)[-1]


def test_a_setting_that_fails_leaves_the_others(monkeypatch):
    def broken(*_):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(gan_step.gan, "critic_gradients", lambda *_: broken)
    rows = settings_of("tiny", "wgan", [EAGER, "compiled", "bfloat16"], TIMING)
    assert [row.failed for row in rows] == ["", "RuntimeError", ""] and rows[2].critic
    assert gan_steps.line(rows[1], rows[0])[2:5] == ["compiled", "RuntimeError", ""]


def test_when_compiling_is_made_up_for():
    eager, quick, slow = (Row("tiny", "wgan", "compiled", critic=[each] * 3, first=20.1) for each in (0.3, 0.1, 0.4))
    assert quick.compiling() == pytest.approx(20) and gan_steps.paying(eager, quick) == "100 steps"
    assert gan_steps.paying(eager, slow) == "never"


def planted(norm, game):
    """A peer with the formula written out, ``norm`` of the slopes given."""

    def loss(real, fake, seed):
        torch.manual_seed(seed)
        share = torch.rand(len(real), 1)[:, :, None, None]
        between = (share * real + (1 - share) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(game.critic(between).sum(), between, create_graph=True)
        return game.critic(fake).mean() - game.critic(real).mean() + 10 * ((norm(slope) - 1) ** 2).mean()

    return gan_peers.Peer(lambda: None, lambda: None, loss)


def stopping(game):
    def loss(real, fake, seed):
        raise RuntimeError("three channels\nat least")

    return gan_peers.Peer(lambda: None, lambda: None, loss)


def test_a_library_that_computes_something_else_is_seen(monkeypatch):
    peers = {
        "right": partial(planted, lambda slope: slope.flatten(1).norm(dim=1)),
        "over the batch": partial(planted, lambda slope: slope.norm()),
        "stops": stopping,
    }
    monkeypatch.setattr(gan_peers, "PEERS", peers)
    monkeypatch.setattr(gan_peers, "installed", lambda: list(peers))
    rows = libraries("tiny", list(peers), TIMING)
    assert [row.same for row in rows[1:3]] == [True, False]
    text = gan_steps.tables(["tiny"], ["wgan_gp"], [EAGER, "channels_last"], TIMING)
    steps, beside = map(cells, text.split("\n\n"))
    assert [row[2] for row in steps] == [EAGER, "channels_last"]
    assert [row[1] for row in beside] == ["advcourse", *peers]
    assert [row[-1] for row in beside] == ["", "yes", "**no**", "stops: three channels"]
    assert {len(row) for row in beside} == {len(gan_steps.PEER_HEAD)}


@pytest.mark.skipif("torch-mimicry" not in gan_peers.installed(), reason="torch-mimicry is not installed")
def test_torch_mimicry_computes_what_we_do():
    assert libraries("tiny", ["torch-mimicry"], TIMING)[1].same


@pytest.mark.skipif("torchgan" not in gan_peers.installed(), reason="torchgan is not installed")
def test_torchgan_takes_the_norm_over_the_batch(monkeypatch):
    monkeypatch.setitem(gan_peers.PEERS, "planted", partial(planted, lambda slope: slope.norm()))
    ours, its, written = libraries("tiny", ["torchgan", "planted"], TIMING)
    assert not its.same and its.losses == pytest.approx(written.losses, rel=1e-5)


# -- metrics


@pytest.fixture
def sets():
    torch.manual_seed(0)
    classifier = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 4)).eval()
    with torch.no_grad():
        classifier[1].weight *= 10  # so that the distances are no small differences of large numbers
    real, made = (pictures(count, 1, 8, 8, dtype=torch.float32) for count in (60, 80))
    return Sets(real, made.flip(2).sqrt(), classifier, splits=4, subsets=3, subset_size=20)


@pytest.mark.parametrize("library", gan_metric_peers.WAYS)
def test_a_library_has_a_row_for_each_number_and_agrees(sets, library):
    if library not in gan_metric_peers.installed():
        pytest.skip(f"{library} is not installed")
    rows = gan_metrics.compared("toy", sets, library, "processor")
    numbers = [row[1] for row in rows]
    assert numbers[:5] == ["Fréchet distance", "kernel distance", "its spread", "classifier score", "its spread"]
    assert numbers[5:] == (["precision", "recall"] if library == "torch-fidelity" else [])
    for row in rows[: 4 if library == "torchmetrics" else None]:  # its last spread is divided by one less
        assert float(row[4]) == pytest.approx(float(row[3]), rel=1e-4), row
    assert {len(row) for row in rows} == {len(gan_metrics.HEAD)}


def test_a_library_that_disagrees_is_seen(sets, monkeypatch):
    def doubled(given):
        return {name: 2 * value for name, value in distance(given).items()}

    monkeypatch.setitem(gan_metric_peers.WAYS, "planted", [(distance, doubled)])
    (row,) = gan_metrics.compared("toy", sets, "planted", "processor")
    assert row[:3] == ["toy", "Fréchet distance", "planted"] and row[5] == "1e+00"
    monkeypatch.setitem(gan_metric_peers.WAYS, "planted", [(distance, lambda given: {"FID": 1.0})])
    with pytest.raises(ValueError, match="planted returned FID, expected Fréchet distance"):
        gan_metrics.compared("toy", sets, "planted", "processor")


def test_the_sets_and_their_table(sets, monkeypatch):
    def load(name, split, n):
        images = pictures(n, 1, 8, 8, dtype=torch.float32)
        return images, torch.arange(n) % 10, "digits"

    monkeypatch.setattr(gan_metrics.data, "load", load)
    monkeypatch.setattr(gan_metrics.models, "load", lambda name: sets.classifier)
    monkeypatch.setattr(gan_metrics, "installed", lambda: ["planted"])
    monkeypatch.setitem(gan_metric_peers.WAYS, "planted", [(distance, distance)])
    _, fair = gan_metrics.collections(120, TIMING.device)["fair"]
    images = load("mnist", "train", 240)[0]
    assert fair.shape == (120, 1, 8, 8) and (fair[9] - images[10]).abs().max() < (fair[9] - images[9]).abs().max()
    table = gan_metrics.tables(120, "processor", TIMING.device)
    assert [row[0] for row in cells(table)] == ["fair", "collapsed"]
    assert len(gan_metrics.collections(120, TIMING.device)["collapsed"][1].unique(dim=0)) == 100
    assert all(re.fullmatch(r"0e\+00", row[5]) for row in cells(table))
