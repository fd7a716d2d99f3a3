"""The trainer against a loop written out, the same after a stop and on two processes, and bad input."""

import copy
import math
import os
import signal
import subprocess
import sys
import textwrap
import warnings

import pytest
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import TensorDataset

from advcourse import gan, training
from advcourse.core.streams import Streams
from advcourse.gan import r3gan, standard_gan, wgan, wgan_gp
from advcourse.networks import MLPCritic, MLPGenerator
from advcourse.training.loop import LOSS, ORDER, mix
from tests.support.refusals import refused
from tests.support.scenes import seeded
from tests.support.traces import undrawn

N, LATENT = 22, 3
POINTS = torch.randn(N, 2, generator=seeded(0))
VARIANTS = {"standard": standard_gan(), "wgan": wgan(), "wgan_gp": wgan_gp(), "r3gan": r3gan()}


def players() -> tuple[nn.Module, nn.Module]:
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        return MLPGenerator((2,), LATENT, 8, 2), MLPCritic((2,), 8, 2)


def weights(*networks: nn.Module) -> torch.Tensor:
    return torch.cat([each.detach().flatten() for network in networks for each in network.parameters()])


def play(generator, critic, variant, data=POINTS, **more) -> list[dict]:
    return gan.fit(generator, critic, data, variant, **{"epochs": 2, "batch_size": 5, "progress": False, **more})


def by_hand(generator, critic, variant, epochs=2, size=5, seed=0) -> list[dict]:
    """Algorithm 1 as in the papers, over the same batches and draws."""
    critic_optimizer = variant.critic_optimizer(critic.parameters())
    generator_optimizer = variant.generator_optimizer(generator.parameters())
    number, history = 0, []
    for epoch in range(epochs):
        order = torch.randperm(N, generator=torch.Generator().manual_seed(mix(seed, ORDER, epoch)))
        losses = {"critic": [], "generator": []}
        for rows in order.split(size):
            real = POINTS[rows]
            draws = Streams(mix(seed, LOSS, number), "critic", real)
            fake = generator(draws.randn(LATENT)).detach()
            loss = variant.critic_loss(critic, real, fake, draws).mean()
            critic_optimizer.zero_grad()
            loss.backward()
            critic_optimizer.step()
            if variant.after_critic_step:
                variant.after_critic_step(critic)
            losses["critic"].append((loss.item(), len(rows)))
            if number % variant.critic_steps == variant.critic_steps - 1:
                fake = generator(Streams(mix(seed, LOSS, number), "generator", real).randn(LATENT))
                loss = variant.generator_loss(critic, real, fake).mean()
                generator_optimizer.zero_grad()
                loss.backward()
                generator_optimizer.step()
                losses["generator"].append((loss.item(), len(rows)))
            number += 1
        means = {name: sum(v * n for v, n in found) / sum(n for _, n in found) for name, found in losses.items()}
        history.append({"epoch": epoch + 1, **means})
    return history


@pytest.mark.parametrize("name", VARIANTS)
def test_it_is_the_loop_written_out(name):
    """Five steps an epoch: with k = 5 one of them is the generator's."""
    one, other = players(), players()
    history = play(*one, VARIANTS[name])
    expected = by_hand(*other, VARIANTS[name])
    torch.testing.assert_close(weights(*one), weights(*other), rtol=1e-5, atol=1e-7)
    for found, wanted in zip(history, expected, strict=True):
        assert found == pytest.approx(wanted, rel=1e-5, abs=1e-7)
    assert (weights(one[0]) != weights(players()[0])).any() and (weights(one[1]) != weights(players()[1])).any()


def test_the_generator_moves_at_every_kth_step_alone():
    seen = []

    def watched(critic, real, fake):
        seen.append(len(real))
        return -critic(fake)

    variant = wgan()
    variant = type(variant)(**{**vars(variant), "generator_loss": watched})
    play(*players(), variant, epochs=3, critic_steps=4)  # 15 steps
    assert len(seen) == 3
    seen.clear()
    play(*players(), variant, epochs=3, critic_steps=1)
    assert len(seen) == 15


def test_the_critic_keeps_its_gradients_and_flags_to_itself():
    """The generator's step leaves no gradient in the critic, and what was frozen stays so."""
    generator, critic = players()
    critic[1].bias.requires_grad_(False)
    before = critic[1].bias.clone()
    play(generator, critic, wgan_gp(), critic_steps=1)
    assert torch.equal(critic[1].bias, before) and not critic[1].bias.requires_grad
    assert critic[1].weight.requires_grad
    assert all(each.grad is None or not each.grad.any() for each in (*generator.parameters(), *critic.parameters()))


def test_gradients_left_by_an_earlier_backward_do_not_count():
    one, other = players(), players()
    for network in other:
        for parameter in network.parameters():
            parameter.grad = torch.ones_like(parameter)
    play(*one, wgan_gp())
    play(*other, wgan_gp())
    assert torch.equal(weights(*one), weights(*other))


def test_modes_and_the_random_state_are_left():
    generator, critic = players()
    generator.eval()
    with undrawn():
        play(generator, critic, wgan_gp())
    assert not generator.training and critic.training


def test_the_seed_decides():
    found = []
    for seed in (1, 1, 2):
        networks = players()
        play(*networks, wgan_gp(), seed=seed)
        found.append(weights(*networks))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_a_dataset_gives_what_its_tensor_gives():
    one, other = players(), players()
    play(*one, wgan_gp())
    play(*other, wgan_gp(), TensorDataset(POINTS, torch.zeros(N)))
    assert torch.equal(weights(*one), weights(*other))


def test_the_average_follows_the_generator_and_is_what_the_callback_sees():
    generator, critic = players()
    average, seen = training.moving_average(generator, 0.9), []

    def look(network, record):
        seen.append((network is average.module, network.training, network is generator))
        return {"spread": network(torch.zeros(1, LATENT)).abs().sum().item()}

    history = play(generator, critic, standard_gan(), average=average, on_epoch_end=look)
    assert seen == [(True, False, False)] * 2 and "spread" in history[0]
    assert average.n_averaged == 10
    assert not torch.equal(weights(average), weights(generator))
    assert not average.module[0].weight.requires_grad
    again, other = players()[0], training.moving_average(players()[0], 0.9)
    play(again, players()[1], standard_gan(), average=other)
    assert torch.equal(weights(other), weights(average)) and torch.equal(weights(again), weights(generator))


def test_an_average_that_forgets_at_once_is_what_is_trained():
    generator, critic = players()
    average = training.moving_average(generator, 0)
    play(generator, critic, standard_gan(), average=average)
    torch.testing.assert_close(weights(average), weights(generator), rtol=0, atol=0)
    average = training.moving_average(generator, 0)
    quick_fit(generator, average=average)
    torch.testing.assert_close(weights(average), weights(generator), rtol=0, atol=0)


def test_the_moving_average_is_the_formula():
    model, average = nn.Linear(1, 1), None
    average = training.moving_average(model, 0.5)
    expected = None
    for step in range(6):
        with torch.no_grad():
            model.weight.fill_(float(step))
        average.update_parameters(model)
        beta = min(0.5, (1 + step) / (10 + step))
        expected = step if expected is None else beta * expected + (1 - beta) * step
        assert average.module.weight.item() == pytest.approx(expected)
    for decay in (-0.1, 1, float("nan"), None):
        with refused("decay is .*expected"):
            training.moving_average(model, decay)


def test_training_fit_updates_an_average_after_every_step():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    average, data = training.moving_average(model, 0.9), (torch.rand(12, 1, 2, 2), torch.arange(12) % 2)
    training.fit(model, data, epochs=2, batch_size=4, average=average, progress=False)
    assert average.n_averaged == 6 and not torch.equal(weights(average), weights(model))


def test_bf16_keeps_the_penalty_in_float32():
    seen = {}

    class Watch(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def forward(self, x):
            answer = self.layer(x)
            seen.setdefault(str(answer.dtype), 0)
            seen[str(answer.dtype)] += 1
            return answer

    generator, _ = players()
    history = play(generator, Watch(), wgan_gp(), epochs=1, mixed_precision="bf16")
    assert seen == {
        "torch.float32": 6,
        "torch.bfloat16": 11,
    }  # two shapes are checked, of five steps one has a generator's
    assert math.isfinite(history[0]["critic"]) and history[0]["critic"] > 0


def test_a_batch_norm_under_a_penalty_is_named_once_it_plays():
    generator, _ = players()
    critic = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    with pytest.warns(UserWarning, match=r"critic has batch normalisation \(1\)"):
        play(generator, critic, wgan_gp(), epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        play(generator, critic, standard_gan(), epochs=1)


# -- stops


def test_it_resumes_bit_for_bit_after_a_stop(tmp_path):
    whole = players()
    average = training.moving_average(whole[0])
    history = play(*whole, wgan_gp(), epochs=4, average=average)

    def stop(network, record):
        if record["epoch"] == 3:
            raise KeyboardInterrupt

    path = tmp_path / "run.pt"
    part, averaged = players(), training.moving_average(players()[0])
    with pytest.raises(KeyboardInterrupt):
        play(*part, wgan_gp(), epochs=4, checkpoint=path, average=averaged, on_epoch_end=stop)
    rest, averaged = players(), training.moving_average(players()[0])
    assert play(*rest, wgan_gp(), epochs=4, checkpoint=path, average=averaged) == history
    assert torch.equal(weights(*rest), weights(*whole)) and torch.equal(weights(averaged), weights(average))


SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from tests.gan.test_fit import players, play, wgan_gp, training
generator, critic = players()
def told(network, record):
    print("epoch", record["epoch"], flush=True)
play(generator, critic, wgan_gp(), epochs=4000, checkpoint={path!r}, on_epoch_end=told)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals as on Linux and macOS")
def test_killed_it_resumes_bit_for_bit(tmp_path):
    path = tmp_path / "run.pt"
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    script = SCRIPT.format(root=root, path=str(path))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, *sys.path])}
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    while "epoch 3" not in process.stdout.readline():
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    done = len(torch.load(path, weights_only=True)["progress"]["history"])
    assert done >= 2
    resumed, whole = players(), players()
    history = play(*resumed, wgan_gp(), epochs=done + 2, checkpoint=path)
    assert history == play(*whole, wgan_gp(), epochs=done + 2)
    assert torch.equal(weights(*resumed), weights(*whole))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"variant": wgan_gp(weight=5)}, "variant"),
        ({"seed": 3}, "seed"),
        ({"critic_steps": 2}, "critic_steps"),
        ({"data": POINTS + 1}, "data"),
        ({"batch_size": 4}, "batch_size"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change, named):
    path = tmp_path / "run.pt"
    play(*players(), wgan_gp(), checkpoint=path, epochs=1)
    with refused(f"of another run, of {named}"):
        play(*players(), **{"variant": wgan_gp(), "checkpoint": path, **change})


@pytest.mark.parametrize("train", [play, lambda network, _, __, **more: quick_fit(network, **more)])
def test_a_checkpoint_with_another_average_is_refused(tmp_path, train):
    path = tmp_path / "run.pt"
    given = players()[0], players()[1], wgan_gp()
    train(*given, checkpoint=path, epochs=1, average=training.moving_average(given[0], 0.9))
    with refused("of another run, of average"):
        train(*given, checkpoint=path, average=training.moving_average(given[0], 0.5))


def quick_fit(network, **more):
    data = torch.randn(8, LATENT, generator=seeded(0)), torch.arange(8) % 2
    return training.fit(network, data, **{"epochs": 2, "batch_size": 4, "progress": False, **more})


def test_float16_is_refused(monkeypatch):
    monkeypatch.setattr(Accelerator, "mixed_precision", "fp16")
    with refused('mixed_precision is "fp16", expected "no" or "bf16"'):
        play(*players(), wgan())


def test_a_loss_that_is_no_longer_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    path, generator, critic = tmp_path / "run.pt", *players()
    play(generator, critic, wgan_gp(), epochs=1, checkpoint=path)
    good = path.read_bytes()
    poisoned = TensorDataset(torch.cat([POINTS[:-1], torch.full((1, 2), torch.nan)]), torch.zeros(N))
    with pytest.raises(FloatingPointError, match="the mean critic of epoch 1 is nan"):
        play(*players(), wgan_gp(), poisoned, checkpoint=tmp_path / "other.pt")
    assert path.read_bytes() == good and not (tmp_path / "other.pt").exists()


# -- several processes

WORKER = """
import sys
sys.path.insert(0, {root!r})
import torch
torch.set_num_threads(1)
from tests.gan.test_fit import ends
from accelerate import PartialState
found = ends()
if PartialState().is_main_process:
    torch.save(found | {{"processes": PartialState().num_processes}}, {out!r})
PartialState().destroy_process_group()  # a thread of the group that outlives the interpreter aborts the process
"""


def ends() -> dict[str, torch.Tensor]:
    """Weights and losses of every variant; 22 points in batches of 7 end in one, which two processes cannot share."""
    found = {}
    for name, variant in VARIANTS.items():
        networks = players()
        rates = [torch.optim.SGD(network.parameters(), lr=0.05) for network in networks]
        optimizers = {"generator_optimizer": rates[0], "critic_optimizer": rates[1]}
        history = play(*networks, variant, epochs=3, batch_size=7, critic_steps=2, **optimizers)
        found[name] = weights(*networks)
        found[f"{name} losses"] = torch.tensor([[record["critic"], record["generator"]] for record in history])
    return found


def test_two_processes_give_the_weights_of_one(tmp_path):
    script, out = tmp_path / "worker.py", tmp_path / "results.pt"
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    script.write_text(textwrap.dedent(WORKER).format(root=root, out=str(out)))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script)]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "PYTHONPATH": os.pathsep.join([root, *sys.path])}
    done = subprocess.run(launch, capture_output=True, text=True, timeout=180, env=environment)
    assert done.returncode == 0, done.stderr
    two = torch.load(out, weights_only=True)
    assert two.pop("processes") == 2
    one = ends()
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-5, atol=1e-5, msg=lambda text, n=name: f"{n}: {text}")
        assert "losses" in name or (one[name] - weights(*players())).abs().max() > 0.005


# -- bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variant": "wgan"}, "variant is a str, expected a Variant"),
        ({"variant": wgan}, "variant is a function, expected a Variant"),
        ({"epochs": 0}, "epochs is 0, expected"),
        ({"batch_size": 0}, "batch_size is 0, expected"),
        ({"critic_steps": 0}, "critic_steps is 0, expected"),
        ({"seed": -1}, "seed is -1, expected"),
        ({"latent": 4}, "latent is 4, expected 3, the generator's"),
        ({"mixed_precision": "fp16"}, "mixed_precision is 'fp16', expected"),
        ({"compiled": "yes"}, "compiled is 'yes', expected True or False"),
        ({"data": POINTS[:, :1]}, r"generator makes shape \\(2,\\), expected that of the data, \\(1,\\)"),
        ({"data": torch.full((4, 1, 4, 4), 1.5)}, "data ranges over .*expected \\\\[0, 1\\\\]"),
        ({"data": torch.full((4, 2), torch.nan)}, "data holds values that are not finite"),
        ({"data": torch.zeros(4, 2, dtype=torch.int64)}, "data is torch.int64"),
        ({"data": POINTS[:0]}, "data is torch.float32 of shape"),
        ({"data": "ring"}, "data is str, expected"),
    ],
)
def test_bad_input_is_named(changes, message):
    given = {"variant": wgan(), **changes}
    with refused(message.replace("\\\\", "\\")):
        play(*players(), **given)


def test_networks_that_do_not_fit_are_named():
    generator, critic = players()
    plain = nn.Sequential(nn.Linear(3, 2))
    with refused("latent is None, expected the length"):
        play(plain, critic, wgan())
    with refused("latent is 5, expected what the generator takes"):
        play(plain, critic, wgan(), latent=5)
    with refused("critic returned shape"):
        play(generator, nn.Linear(2, 2), wgan())
    before = copy.deepcopy(plain.state_dict())
    with refused("critic returned shape"):
        play(plain, nn.Linear(2, 2), wgan(), latent=3)
    assert all(torch.equal(before[name], value) for name, value in plain.state_dict().items())
