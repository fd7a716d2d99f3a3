"""The trainer: the optimiser's arithmetic, the same result after a stop, on several processes, and bad input."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from advcourse import training
from advcourse.attacks import pgd
from advcourse.training import loop
from tests.support.scenes import seeded
from tests.support.traces import undrawn

N, CLASSES = 70, 3


def make_data(n: int = N) -> tuple[torch.Tensor, torch.Tensor]:
    """Images whose class is the brightest of their first three pixels."""
    images = torch.rand(n, 1, 4, 4, generator=seeded())
    return images, images.flatten(1)[:, :CLASSES].argmax(1)


def make_model(dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(128, CLASSES)
    )


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


quiet_fit = partial(training.fit, progress=False)


def test_one_full_batch_is_one_gradient_step():
    images, labels = make_data()
    model = make_model()
    before = weights(model)
    gradient = torch.autograd.grad(training.standard_loss(model, images, labels), list(model.parameters()))
    quiet_fit(model, (images, labels), epochs=1, batch_size=N, optimizer=torch.optim.SGD(model.parameters(), lr=0.5))
    expected = before - 0.5 * torch.cat([part.flatten() for part in gradient])
    torch.testing.assert_close(weights(model), expected, rtol=1e-5, atol=1e-6)


def test_learns_and_the_scheduler_is_stepped_every_batch():
    images, labels = make_data(600)
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    steps = 8 * training.steps_per_epoch(600, 50)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=steps)
    history = quiet_fit(model, (images, labels), epochs=8, batch_size=50, optimizer=optimizer, scheduler=schedule)
    assert training.accuracy(model, images, labels) > 0.9
    assert history[-1]["loss"] < history[0]["loss"] / 2
    assert history[0]["lr"] == pytest.approx(0.01 * (1 - 0.9 / 8))
    assert history[-1]["lr"] == pytest.approx(0.001)


@pytest.mark.parametrize("batch_size", [16, 23, 69, N, 1000])
def test_every_image_once_an_epoch_in_a_new_order_and_the_loss_is_the_mean_over_images(batch_size):
    images, labels = make_data()
    model = make_model()
    seen = []

    def loss(model, images, labels):
        seen.append(images)
        return training.standard_loss(model, images, labels)

    still = torch.optim.SGD(model.parameters(), lr=0.0)
    history = quiet_fit(model, (images, labels), loss, epochs=2, batch_size=batch_size, optimizer=still)
    first, second = torch.cat(seen).split(N)
    assert not torch.equal(first, second)
    for epoch in (first, second):
        assert {row.tobytes() for row in epoch.numpy()} == {row.tobytes() for row in images.numpy()}
    expected = training.standard_loss(model, images, labels).item()
    assert [record["loss"] for record in history] == pytest.approx([expected, expected], rel=1e-5)


class Pairs(Dataset):
    """A dataset that computes its items, with labels that are plain numbers."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor):
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index], int(self.labels[index])


@pytest.mark.parametrize("wrap", [TensorDataset, Pairs])
def test_a_dataset_gives_what_its_tensors_give(wrap):
    data = make_data()
    plain, wrapped = make_model(), make_model()
    quiet_fit(plain, data, epochs=2, batch_size=32)
    quiet_fit(wrapped, wrap(*data), epochs=2, batch_size=32)
    assert torch.equal(weights(plain), weights(wrapped))


def test_order_augmentation_and_loss_draw_from_streams_of_their_own():
    drawn = {"augment": [], "loss": []}

    def augment(images):
        drawn["augment"].append(torch.rand(()).item())
        return images

    def loss(model, images, labels):
        drawn["loss"].append(torch.rand(()).item())
        return training.standard_loss(model, images, labels)

    quiet_fit(make_model(), make_data(), loss, epochs=2, batch_size=16, augment=augment)
    assert len(set(drawn["augment"] + drawn["loss"])) == 20


def test_the_seed_decides():
    data = make_data()
    results = []
    for seed in (3, 3, 4):
        model = make_model(dropout=0.3)
        quiet_fit(model, data, epochs=2, batch_size=32, seed=seed)
        results.append(weights(model))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_leaves_modes_gradients_and_the_random_state_as_they_were():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, CLASSES))
    model.train()
    model[1].eval()
    model[4].bias.requires_grad_(False)
    bias = model[4].bias.clone()
    with undrawn():
        quiet_fit(model, make_data(), epochs=1, augment=training.random_crop)
    assert [module.training for module in model] == [True, False, True, True, True]
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model[4].bias.requires_grad
    assert torch.equal(model[4].bias, bias)


def test_the_callback_sees_the_epoch_in_eval_mode_and_adds_to_the_record():
    model, modes = make_model(dropout=0.5), []

    def callback(model, record):
        modes.append(model.training)
        return {"twice": 2 * record["epoch"]}

    history = quiet_fit(model, make_data(), epochs=3, on_epoch_end=callback)
    assert [record["twice"] for record in history] == [2, 4, 6]
    assert modes == [False] * 3
    assert model.training


def test_progress_goes_to_stdout_alone(capsys):
    training.fit(make_model(), make_data(), epochs=2)
    shown = capsys.readouterr()
    assert "epoch 2/2" in shown.out
    assert "loss=" in shown.out
    assert shown.err == ""


def test_bf16_runs_the_network_in_bfloat16_and_keeps_the_weights_in_float32():
    dtypes = []

    def loss(model, images, labels):
        dtypes.append(model(images).dtype)
        return training.standard_loss(model, images, labels)

    model = make_model()
    for precision in ("bf16", "no", None):
        quiet_fit(model, make_data(), loss, epochs=1, mixed_precision=precision)
    assert dtypes == [torch.bfloat16, torch.float32, torch.float32]
    assert weights(model).dtype == torch.float32


# What a run that resumes must get right: momentum, schedule, dropout, augmentation, the order, an uneven last batch.
def full_run(model: nn.Module, path, **changes) -> list[dict]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=5 * training.steps_per_epoch(N, 16))
    return quiet_fit(
        model,
        make_data(),
        optimizer=optimizer,
        scheduler=schedule,
        augment=partial(training.random_crop, padding=1),
        checkpoint=path,
        **{"epochs": 5, "batch_size": 16, "seed": 7} | changes,
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    model = make_model(dropout=0.3)
    history = full_run(model, tmp_path_factory.mktemp("whole") / "run.pt")
    return weights(model), history


@pytest.mark.parametrize("epoch", [1, 3])
def test_resumes_after_a_stop_to_the_same_weights_bit_for_bit(tmp_path, uninterrupted, epoch):
    def stop(model, record):
        if record["epoch"] == epoch + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        full_run(make_model(dropout=0.3), tmp_path / "run.pt", on_epoch_end=stop)
    model = make_model(dropout=0.3)
    resumed_at = []
    history = full_run(
        model, tmp_path / "run.pt", on_epoch_end=lambda model, record: resumed_at.append(record["epoch"])
    )
    assert resumed_at == list(range(epoch + 1, 6))
    assert torch.equal(weights(model), uninterrupted[0])
    assert history == uninterrupted[1]


def test_a_finished_run_comes_back_from_its_checkpoint_and_resume_false_starts_over(tmp_path, uninterrupted):
    full_run(make_model(dropout=0.3), tmp_path / "run.pt")
    epochs = []
    for resume, expected in ((True, []), (False, [1, 2, 3, 4, 5])):
        model = make_model(dropout=0.3)
        epochs.clear()
        full_run(model, tmp_path / "run.pt", resume=resume, on_epoch_end=lambda model, r: epochs.append(r["epoch"]))
        assert epochs == expected
        assert torch.equal(weights(model), uninterrupted[0])
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]


class RampedLoss(nn.Module):
    """Cross-entropy whose weight grows with every step."""

    def __init__(self):
        super().__init__()
        self.register_buffer("step", torch.tensor(0))

    def forward(self, model, images, labels):
        self.step += 1
        return self.step / 10 * training.standard_loss(model, images, labels)


def test_what_a_loss_remembers_is_resumed(tmp_path):
    def stop(model, record):
        if record["epoch"] == 3:
            raise KeyboardInterrupt

    whole, stopped = make_model(), make_model()
    history = full_run(whole, tmp_path / "whole.pt", loss=RampedLoss())
    with pytest.raises(KeyboardInterrupt):
        full_run(stopped, tmp_path / "run.pt", loss=RampedLoss(), on_epoch_end=stop)
    loss = RampedLoss()
    assert full_run(stopped, tmp_path / "run.pt", loss=loss) == history
    assert loss.step == 5 * training.steps_per_epoch(N, 16)
    assert torch.equal(weights(whole), weights(stopped))


# -- batches replayed, the best epoch kept


def test_a_batch_is_replayed_as_it_was_augmented_and_the_scheduler_counts_every_step():
    images, labels = make_data(12)
    model, seen, draws = make_model(), [], []
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)

    def loss(model, images, labels):
        seen.append(images.clone())
        draws.append(torch.rand(()).item())
        return training.standard_loss(model, images, labels)

    augment = partial(training.random_crop, padding=1)
    options = {"batch_size": 4, "optimizer": optimizer, "scheduler": schedule, "augment": augment}
    (record,) = quiet_fit(model, (images, labels), loss, epochs=1, replays=3, **options)
    assert len(seen) == 9 and record["lr"] == 0.5**9
    for first, *others in (seen[:3], seen[3:6], seen[6:]):
        assert all(torch.equal(first, other) for other in others)
    assert not torch.equal(seen[0], seen[3]) and len(set(draws)) == 9


def test_replayed_steps_are_the_steps_of_a_loop():
    images, labels = make_data(8)
    model, by_hand = make_model(), make_model()
    optimizer = torch.optim.SGD(by_hand.parameters(), lr=0.1)
    values = []
    for _ in range(4):
        optimizer.zero_grad()
        values.append(training.standard_loss(by_hand, images, labels))
        values[-1].backward()
        optimizer.step()
    options = {"batch_size": 8, "optimizer": torch.optim.SGD(model.parameters(), lr=0.1)}
    (record,) = quiet_fit(model, (images, labels), epochs=1, replays=4, **options)
    torch.testing.assert_close(weights(model), weights(by_hand))
    assert record["loss"] == pytest.approx(torch.stack(values).mean().item(), rel=1e-5)


def scored(*values: float):
    """A score that gives these values, epoch by epoch, and remembers the weights it saw, and in which mode."""
    given, seen = iter(values), []

    def score(model):
        seen.append(weights(model))
        assert not model.training
        return next(given)

    return score, seen


@pytest.mark.parametrize(
    ("values", "best"),
    [((1, 3, 2, 0), 1), ((0, 0, 0, 0), 0), ((float("nan"), 1, 2, 2), 2), ((4, 3, 2, float("nan")), 0)],
)
def test_the_weights_of_the_best_epoch_are_kept(values, best):
    model, (score, seen) = make_model(), scored(*values)
    history = quiet_fit(model.train(), make_data(), epochs=4, keep_best=score)
    assert torch.equal(weights(model), seen[best]) and model.training
    np.testing.assert_equal([record["score"] for record in history], values)


def test_buffers_are_those_of_the_best_epoch_too():
    model, held = with_batch_norm(), []

    def score(model):
        held.append({name: each.clone() for name, each in model.state_dict().items()})
        return -len(held)

    quiet_fit(model, make_data(), epochs=3, keep_best=score)
    assert all(torch.equal(each, held[0][name]) for name, each in model.state_dict().items())


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 6), (None, 7)])
def test_a_run_ends_after_so_many_epochs_without_a_higher_score(patience, epochs):
    model, (score, seen) = make_model(), scored(1, 2, 2, 3, 3, 1, 9)
    history = quiet_fit(model, make_data(), epochs=7, keep_best=score, patience=patience)
    assert len(history) == epochs
    assert torch.equal(weights(model), seen[{3: 1, 6: 3, 7: 6}[epochs]])


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_the_best_epoch_and_the_waiting_survive_a_stop(tmp_path, epoch):
    values = {1: 2.0, 2: 5.0, 3: 4.0, 4: 3.0, 5: 9.0}

    def go(path, stop=None, done=0):
        model, counted = make_model(), [done]

        def score(model):
            counted[0] += 1
            return values[counted[0]]

        def end(model, record):
            if record["epoch"] == stop:
                raise KeyboardInterrupt

        options = {"keep_best": score, "patience": 2, "checkpoint": path, "on_epoch_end": end}
        history = None
        try:
            history = quiet_fit(model, make_data(), epochs=5, **options)
        except KeyboardInterrupt:
            assert stop
        return model, history

    whole, history = go(tmp_path / "whole.pt")
    go(tmp_path / "run.pt", stop=epoch + 1)
    resumed, again = go(tmp_path / "run.pt", done=epoch)
    assert len(history) == 4 and again == history
    assert torch.equal(weights(whole), weights(resumed))


def test_a_checkpoint_of_other_replays_is_refused(tmp_path):
    quiet_fit(make_model(), make_data(), epochs=1, checkpoint=tmp_path / "run.pt")
    with pytest.raises(ValueError, match="another run, of replays None, expected replays 2"):
        quiet_fit(make_model(), make_data(), epochs=1, replays=2, checkpoint=tmp_path / "run.pt")


def test_without_a_schedule_a_finished_run_can_be_prolonged(tmp_path):
    straight, prolonged = make_model(), make_model()
    quiet_fit(straight, make_data(), epochs=3, optimizer=torch.optim.SGD(straight.parameters(), 0.1, momentum=0.9))
    for epochs in (1, 3):
        optimizer = torch.optim.SGD(prolonged.parameters(), 0.1, momentum=0.9)
        quiet_fit(prolonged, make_data(), epochs=epochs, optimizer=optimizer, checkpoint=tmp_path / "run.pt")
    assert torch.equal(weights(straight), weights(prolonged))


def patient_loss(model, images, labels):
    """The standard loss, as slow as the environment asks for."""
    if pause := float(os.environ.get("PAUSE", "0")):
        print("step", flush=True)
        time.sleep(pause)
    return training.standard_loss(model, images, labels)


SCRIPT = """
import sys
import torch
sys.path.insert(0, {folder!r})
torch.set_num_threads(1)
from test_training import full_run, make_model, patient_loss, weights
model = make_model(dropout=0.3)
slow = lambda model, record: print("epoch", record["epoch"], flush=True)
full_run(model, {path!r}, loss=patient_loss, on_epoch_end=slow)
torch.save(weights(model), {path!r} + ".weights")
"""


def start(tmp_path, pause: float) -> subprocess.Popen:
    script = SCRIPT.format(folder=os.path.dirname(__file__), path=str(tmp_path / "run.pt"))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PAUSE": str(pause)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", script], **pipes, text=True, env=environment)


@pytest.mark.skipif(os.name == "nt", reason="signals as on Linux and macOS")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_process_stopped_in_mid_epoch_leaves_a_checkpoint_that_resumes(tmp_path, uninterrupted, sent):
    process = start(tmp_path, pause=0.05)
    while "epoch 2" not in process.stdout.readline():
        assert process.poll() is None, process.stderr.read()
    for _ in range(2):
        assert process.stdout.readline() == "step\n"
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert ("KeyboardInterrupt" in errors) == (sent == signal.SIGINT)
    step = torch.load(tmp_path / "run.pt", weights_only=True)["progress"]["step"]
    per_epoch = training.steps_per_epoch(N, 16)
    # Ctrl-C keeps what was done of the third epoch; a kill loses it.
    assert 2 * per_epoch < step < 3 * per_epoch if sent == signal.SIGINT else step == 2 * per_epoch
    assert not (tmp_path / "run.pt.weights").exists()

    model = make_model(dropout=0.3)
    history = full_run(model, tmp_path / "run.pt", loss=patient_loss)
    assert torch.equal(weights(model), uninterrupted[0])
    assert history == uninterrupted[1]


def test_a_damaged_checkpoint_is_named_and_said_how_to_mend(tmp_path):
    path = tmp_path / "run.pt"
    full_run(make_model(), path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:10], b"", b"not a checkpoint at all"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"run\.pt is damaged.*resume=False"):
            full_run(make_model(), path)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    full_run(make_model(), path)
    for changes in ({"seed": 8}, {"batch_size": 17}, {"epochs": 6}):
        with pytest.raises(ValueError, match="of another run"):
            full_run(make_model(), path, **changes)
    with pytest.raises(ValueError, match="of another run, of model .*expected model"):
        full_run(nn.Sequential(nn.Flatten(), nn.Linear(16, CLASSES)), path)
    with pytest.raises(ValueError, match="of another run"):  # no scheduler
        quiet_fit(make_model(), make_data(), epochs=5, batch_size=16, seed=7, checkpoint=path)


def test_a_checkpoint_of_an_older_format_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    full_run(make_model(), path)
    saved = torch.load(path, weights_only=True)
    del saved["run"]["format"]
    saved["progress"]["total"] = saved["progress"].pop("totals")
    torch.save(saved, path)
    with pytest.raises(ValueError, match="of another run.*resume=False"):
        full_run(make_model(), path)


def test_a_failed_write_keeps_the_checkpoint_before_it(tmp_path):
    path, run = tmp_path / "run.pt", {"seed": 0}
    loop.save(path, run, {"step": 1}, {"model": make_model()})

    class Broken(nn.Module):
        def state_dict(self):
            return {"unwritable": lambda: None}

    with pytest.raises(Exception, match="pickle|local object"):
        loop.save(path, run, {"step": 2}, {"model": Broken()})
    assert loop.load(path, run, {"model": make_model()}) == {"step": 1}


def test_a_loss_that_is_no_longer_finite_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path):
    model, path = make_model(), tmp_path / "run.pt"

    def loss(model, images, labels):
        steps.append(0)
        return training.standard_loss(model, images, labels) * (float("nan") if len(steps) > 7 else 1)

    steps = []
    with pytest.raises(FloatingPointError, match="epoch 2"):
        quiet_fit(model, make_data(), loss, epochs=3, batch_size=16, checkpoint=path)
    saved = torch.load(path, weights_only=True)
    assert saved["progress"]["step"] == 5
    assert all(value.isfinite().all() for value in saved["parts"]["model"].values())


WORKER = """
    import sys
    import torch
    sys.path.insert(0, {folder!r})
    torch.set_num_threads(1)
    from accelerate import PartialState
    from test_training import distributed_cases
    results = distributed_cases({folder_of_checkpoint!r})
    if PartialState().is_main_process:
        torch.save(results | {{"processes": PartialState().num_processes}}, {out!r})
    PartialState().destroy_process_group()  # a thread of the group that outlives the interpreter aborts the process
"""


def adversarial_loss(model, images, labels):
    attacked = pgd(model, images, labels, eps=0.1, steps=3)
    return training.standard_loss(model, attacked, labels) + training.standard_loss(model, images, labels)


def curvature_loss(model, images, labels):
    """A loss that differentiates twice: cross-entropy plus the squared norm of its gradient to the images."""
    images = images.clone().requires_grad_()
    loss = training.standard_loss(model, images, labels)
    (gradient,) = torch.autograd.grad(loss, images, create_graph=True)
    # The mean loss carries 1/N, which differs between a share and the whole batch.
    return loss + (gradient * len(images)).flatten(1).square().sum(1).mean()


def distributed_cases(folder: str) -> dict[str, torch.Tensor]:
    """Weights and losses after training: plain, with an attack in the loss, with a double backward, resumed.

    70 images in batches of 23 end in a batch of one, which two processes cannot share.
    """
    results = {}
    cases = {
        "plain": (training.standard_loss, 23),
        "adversarial": (adversarial_loss, 16),
        "curvature": (curvature_loss, 32),
        "resumed": (training.standard_loss, 23),
    }
    for name, (loss, batch_size) in cases.items():
        model = make_model()
        history = quiet_fit(
            model,
            make_data(),
            loss,
            epochs=3,
            batch_size=batch_size,
            checkpoint=os.path.join(folder, name + ".pt"),
            optimizer=torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
            augment=training.random_crop,
        )
        results[name] = weights(model)
        results[name + " losses"] = torch.tensor([record["loss"] for record in history])
    return results


def test_two_processes_give_the_weights_of_one(tmp_path):
    script, out = tmp_path / "worker.py", tmp_path / "results.pt"
    model = make_model()
    quiet_fit(  # the two processes take over what one began
        model,
        make_data(),
        epochs=1,
        batch_size=23,
        checkpoint=tmp_path / "two" / "resumed.pt",
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        augment=training.random_crop,
    )
    values = {"folder": os.path.dirname(__file__), "folder_of_checkpoint": str(tmp_path / "two"), "out": str(out)}
    script.write_text(textwrap.dedent(WORKER).format(**values))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script)]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(launch, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    two = torch.load(out, weights_only=True)
    assert two.pop("processes") == 2
    one = distributed_cases(str(tmp_path / "one"))
    assert two.keys() == one.keys()
    for name in one:
        torch.testing.assert_close(
            two[name], one[name], rtol=0, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
    torch.testing.assert_close(one["resumed"], one["plain"], rtol=0, atol=0)
    start = weights(make_model())
    assert all((one[name] - start).abs().max() > 0.01 for name in ("plain", "adversarial", "curvature"))


def test_random_crop_is_a_slice_of_the_padded_image_or_its_mirror():
    images = torch.rand(200, 3, 6, 5, generator=seeded())
    torch.manual_seed(0)
    cropped = training.random_crop(images, padding=2)
    padded = nn.functional.pad(images, (2, 2, 2, 2))
    found = []
    for image, result in zip(padded, cropped, strict=True):
        windows = {(t, le, False): image[:, t : t + 6, le : le + 5] for t in range(5) for le in range(5)}
        windows |= {(t, le, True): window.flip(2) for (t, le, _), window in list(windows.items())}
        matches = [key for key, window in windows.items() if torch.equal(window, result)]
        assert len(matches) == 1
        found += matches
    tops, lefts, mirrored = zip(*found, strict=True)
    assert set(tops) == set(lefts) == set(range(5))
    assert 70 < sum(mirrored) < 130  # binomial(200, 1/2): four standard deviations are 28
    torch.manual_seed(0)
    assert torch.equal(training.random_crop(images, padding=2), cropped)
    assert torch.equal(training.random_crop(images, padding=0, mirror=False), images)


def test_accuracy_counts_every_image_in_eval_mode_and_restores_the_mode():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.9), nn.Linear(4, 2))
    model[2].weight.data = torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0]])
    model[2].bias.data.zero_()
    images = torch.rand(11, 1, 2, 2)
    labels = (images[:, 0, 0, 1] > images[:, 0, 0, 0]).long()
    labels[0] = 1 - labels[0]
    assert training.accuracy(model, images, labels, batch_size=4) == 10 / 11
    assert model.training


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 2.0}, "epochs is 2.0"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"replays": 0}, "replays is 0"),
        ({"patience": 2}, "patience is 2, expected None without keep_best"),
        ({"patience": 0, "keep_best": lambda model: 0}, "patience is 0"),
        ({"mixed_precision": "fp16"}, "mixed_precision is 'fp16'.*bf16"),
        ({"data": torch.rand(3, 1, 4, 4)}, "data is Tensor"),
        ({"data": (torch.rand(3, 1, 4, 4), torch.zeros(2).long())}, "3 images and 2 labels"),
        ({"data": (torch.rand(0, 1, 4, 4), torch.zeros(0).long())}, "0 images"),
    ],
)
def test_bad_input_is_named(changes, message):
    arguments = {"data": make_data(), "epochs": 1} | changes
    with pytest.raises(ValueError, match=message):
        quiet_fit(make_model(), **arguments)


def press_ctrl_c_twice():
    with loop.deferred_interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        assert interrupt.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)


def test_a_second_ctrl_c_interrupts_at_once():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins with it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c_twice()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_gradients_left_by_an_earlier_backward_do_not_count():
    images, labels = make_data()
    model = make_model()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = weights(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    quiet_fit(model, (images, labels), lambda *a: 0 * training.standard_loss(*a), epochs=1, optimizer=optimizer)
    assert torch.equal(weights(model), before)


def test_a_callback_may_return_numpy_numbers_and_nothing_that_a_checkpoint_cannot_hold(tmp_path):
    path = tmp_path / "run.pt"
    fit = partial(quiet_fit, make_model(), make_data(), checkpoint=path)
    fit(epochs=1, on_epoch_end=lambda model, record: {"a": np.float32(0.5), "b": np.float64(0.25)})
    history = fit(epochs=2)
    assert (history[0]["a"], history[0]["b"]) == (0.5, 0.25)
    with pytest.raises(ValueError, match="(?s)on_epoch_end returned .*expected names and numbers"):
        fit(epochs=3, on_epoch_end=lambda model, record: {"model": model})


def test_ctrl_c_after_a_loss_that_is_not_finite_keeps_the_good_checkpoint(tmp_path):
    """The interrupt comes in the epoch whose loss is NaN, before that is noticed."""
    path, model = tmp_path / "run.pt", make_model()
    calls, one_epoch = [], training.steps_per_epoch(N, 10)

    def loss(model, images, labels):
        calls.append(1)
        if len(calls) == one_epoch + 3:
            os.kill(os.getpid(), signal.SIGINT)
        scale = torch.nan if len(calls) > one_epoch else 1.0
        return scale * training.standard_loss(model, images, labels)

    quiet_fit(model, make_data(), loss, epochs=1, batch_size=10, checkpoint=path)
    good = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        quiet_fit(model, make_data(), loss, epochs=2, batch_size=10, checkpoint=path)
    assert path.read_bytes() == good


def with_batch_norm() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, CLASSES)
    )


@pytest.mark.parametrize("n", [17, 33, 34])
def test_a_single_image_left_over_joins_the_batch_before(n):
    """BatchNorm takes no batch of one."""
    sizes = []

    def loss(model, images, labels):
        sizes.append(len(images))
        return training.standard_loss(model, images, labels)

    for data in (make_data(n), TensorDataset(*make_data(n))):
        sizes.clear()
        quiet_fit(with_batch_norm(), data, loss, epochs=2, batch_size=16)
        assert sizes == 2 * {17: [17], 33: [16, 17], 34: [16, 16, 2]}[n]
        assert len(sizes) == 2 * training.steps_per_epoch(n, 16)
    assert training.steps_per_epoch(1, 16) == 1 and training.steps_per_epoch(3, 1) == 3


def test_a_run_that_ends_in_a_joined_batch_resumes_to_the_same(tmp_path):
    def run(model, path, **more):
        return quiet_fit(model, make_data(33), epochs=3, batch_size=16, checkpoint=path, **more)

    whole, stopped = with_batch_norm(), with_batch_norm()
    run(whole, tmp_path / "whole.pt")
    calls = []

    def stop(model, record):
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(stopped, tmp_path / "run.pt", on_epoch_end=stop)
    run(stopped, tmp_path / "run.pt", on_epoch_end=lambda model, record: calls.append(record["epoch"]))
    assert calls == [2, 3] and torch.equal(weights(whole), weights(stopped))


def test_what_was_frozen_stays_frozen():
    """A BatchNorm in eval mode in a network that trains: its statistics do not drift, and dropout stays off."""
    model = with_batch_norm()
    frozen, other = model[2], model[4]
    frozen.eval()
    before = frozen.running_mean.clone(), other.running_mean.clone()
    seen = []

    def loss(network, images, labels):
        seen.append((network.training, frozen.training, other.training))
        return training.standard_loss(network, images, labels)

    quiet_fit(model, make_data(), loss, epochs=2, batch_size=16, on_epoch_end=lambda network, record: None)
    assert set(seen) == {(True, False, True)}
    assert torch.equal(frozen.running_mean, before[0]) and not torch.equal(other.running_mean, before[1])
    assert (model.training, frozen.training, other.training) == (True, False, True)
    model.eval()  # as a loaded network comes: it trains as a whole
    seen.clear()
    quiet_fit(model, make_data(), loss, epochs=1, batch_size=16)
    assert set(seen) == {(True, True, True)} and not any(module.training for module in model.modules())


@pytest.mark.parametrize(
    "other",
    [
        lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        lambda parameters: torch.optim.Adam(parameters, lr=0.5),
    ],
)
def test_a_checkpoint_of_another_optimizer_is_refused(tmp_path, other):
    path, model = tmp_path / "run.pt", make_model()
    quiet_fit(model, make_data(), epochs=1, checkpoint=path)
    with pytest.raises(ValueError, match="is of another run"):
        quiet_fit(model, make_data(), epochs=2, checkpoint=path, optimizer=other(model.parameters()))


def test_fewer_epochs_than_were_run_are_refused(tmp_path):
    path, model = tmp_path / "run.pt", make_model()
    quiet_fit(model, make_data(), epochs=3, checkpoint=path)
    with pytest.raises(ValueError, match="epochs is 1, expected at least the 3"):
        quiet_fit(model, make_data(), epochs=1, checkpoint=path)


def test_a_loss_that_is_no_scalar_is_refused():
    with pytest.raises(ValueError, match="loss returned shape .*expected a scalar"):
        quiet_fit(make_model(), make_data(), lambda model, x, y: model(x).sum(1), epochs=1)
