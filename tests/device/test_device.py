"""The library on a device that is not the CPU, where there is none: on the stand-in of ``backend``.

Two processes do the same work, one on the CPU and one on the stand-in, whose tensors the CPU computes but which refuses
what a device refuses; here their results are compared. Every attack and defense of the catalogues, wrappers,
evaluation, physical attacks, structured perturbations, ``fit`` with its checkpoints, figures and explorers must give
what they give on the CPU, and leave it on the device. In float64 the device knows all that the CPU knows; in float32 it
lacks float64, as MPS does.

What this cannot prove, and a real device must:

* what hangs on a device's name: ``is_cuda`` (DeepFool's ``vmap`` is called directly here), ``"mps"`` (the precision in
  which a recolouring is solved), whatever torch itself does for CUDA alone: fused and ``foreach`` optimisers, cuDNN,
  the generators' own streams of numbers (here they draw as the CPU's);
* precision: other kernels round otherwise, TF32 and autocast more so; a sign or an argmax may then come out otherwise,
  and sums of ``scatter`` and ``index_add`` from run to run;
* memory and time: what is copied to and fro, how much is held, whether work is waited for elsewhere than in
  ``evaluate``; streams, pinned memory, peer devices, several processes;
* operators that a device lacks, and storages, of which the stand-in has none (``torch.save`` writes what
  ``map_location="cpu"`` would read).
"""

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.utils import backend_registration

from tests.device.backend import SETUP
from tests.device.draws import DEVICE
from tests.device.planted import SAYS, SOUND
from tests.device.probing import REFUSALS
from tests.device.worker import CLAIMS, DTYPES, works

ROOT = Path(__file__).parents[2]
PINNED = re.search(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M)[1]
THERE = hasattr(backend_registration, SETUP)
needs_it = pytest.mark.skipif(not THERE, reason=f"torch {torch.__version__} has no {SETUP}, which is private to it")

CLOSE = {"float64": 1e-11, "float32": 1e-6}  # of values of about one: one processor computed both
SOLVED = {"recolor with default solver": 1e-9}  # factors on the CPU, 1e-12 of the residual elsewhere
FACES = (
    "attacks",
    "attacks.physical",
    "defenses",
    "structured",
    "wrappers",
    "evaluation",
    "gan",
    "gan.metrics",
    "rendering",
    "training",
    "plots",
)
TYPES = (
    "Attack Basis BasisCache Coverage Diagnosis Ensemble Finding Inception Level Loss Metric Neighbours Outcomes Part "
    "Poses PrecisionRecall RING_METHODS Report RingMethod RingRun RingSnapshot RobustnessReport Transform Variant Views"
)
NO_TENSORS = (
    "Film PALETTE ROBUSTNESS_SCHEMA STYLE VERSIONS accelerator_state accuracy_curve constant_search cost_curve "
    "count_bars factor film interval_chart quantized_curve share_bars steps_per_epoch style use_style"
)
WITHIN_OTHERS = "check_texture draw_image magnify rasterize"
REPLACED = "SMOOTH_ACTIVATIONS Smooth SplitBatchNorm PseudoLabels"  # of defenses: within their works
COMPILED = "critic_gradients"  # torch has no compiler for the stand-in
NOT_CALLED = set(" ".join((TYPES, NO_TENSORS, WITHIN_OTHERS, REPLACED, COMPILED)).split())


@pytest.fixture(scope="module")
def ran(once):
    """The folder in which both processes have left what they found."""
    return once("device", work)


def work(folder: Path) -> None:
    """Start both processes and wait for them."""
    # The sums of other kernels of MKL depend on where a tensor happens to lie in memory.
    settings = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MKL_CBWR": "COMPATIBLE", "MPLBACKEND": "agg"}
    started = {}
    try:
        for place in ("cpu", DEVICE):
            (folder / place).mkdir()
            command = [sys.executable, "-m", "tests.device.worker", place, str(folder / place)]
            started[place] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | settings,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        for place, process in started.items():
            said, _ = process.communicate(timeout=600)
            assert process.returncode == 0, f"the process on {place} ended with {process.returncode}:\n{said[-3000:]}"
    finally:
        for process in started.values():
            process.kill()  # nothing, where it has ended


def verdict(folder: Path, name: str, dtype: str) -> None:
    """Raises an ``AssertionError`` where a work failed on the device, left its results elsewhere, or found others."""
    said = {place: json.loads((folder / place / dtype / f"{name}.json").read_text()) for place in ("cpu", DEVICE)}
    for place, each in said.items():
        assert "error" not in each, f"{name} on {place}:\n{each.get('error')}"
    here, there = (load_file(folder / place / dtype / f"{name}.safetensors") for place in ("cpu", DEVICE))
    assert here.keys() == there.keys() and (here or said["cpu"]["numbers"]), f"{name} found nothing"
    for key, place in said[DEVICE]["devices"].items():
        assert place == DEVICE, f"{key} of {name} is on {place}, expected {DEVICE}"
    near = SOLVED.get(name, CLOSE[dtype])
    for key, value in here.items():
        torch.testing.assert_close(
            there[key],
            value,
            rtol=near,
            atol=near,
            equal_nan=True,
            msg=lambda text, key=key: f"{key} of {name} differs: {text}",
        )
    assert_alike(said[DEVICE]["numbers"], said["cpu"]["numbers"], near, name)


def assert_alike(found: object, expected: object, near: float, name: str) -> None:
    """Numbers, texts, and lists and dictionaries of them."""
    if isinstance(expected, dict | list):
        assert isinstance(found, type(expected)) and len(found) == len(expected), f"{name} differs: {found}"
        for key in expected if isinstance(expected, dict) else range(len(expected)):
            assert_alike(found[key], expected[key], near, f"{key} of {name}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=near, abs=near, nan_ok=True), f"{name} differs"
    else:
        assert found == expected, f"{name} differs"


@needs_it
@pytest.mark.parametrize(("name", "dtype"), [(name, dtype) for dtype in DTYPES for name in works(dtype)])
def test_what_is_done_on_the_cpu_is_done_there(ran, name, dtype):
    verdict(ran, name, dtype)


@needs_it
@pytest.mark.parametrize("name", CLAIMS)
def test_what_is_claimed_of_the_device_holds(ran, name):
    said = json.loads((ran / DEVICE / "there.json").read_text())
    assert said[name] == ""


@needs_it
@pytest.mark.parametrize("name", REFUSALS)
def test_what_a_device_refuses_is_refused(ran, name):
    """And by nothing else than what is meant."""
    said, (words, _) = json.loads((ran / DEVICE / "there.json").read_text()), REFUSALS[name]
    assert words in said[name].splitlines()[-1] if said[name] else False, f"{name} is done"


@needs_it
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SAYS)
def test_a_planted_fault_is_refused(ran, name, dtype):
    """It is nothing that the CPU would notice."""
    assert "error" not in json.loads((ran / "cpu" / dtype / f"{name}.json").read_text())
    with pytest.raises(AssertionError, match=SAYS[name]):
        verdict(ran, name, dtype)


@needs_it
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_the_faults_were_planted_in_is_sound(ran, dtype):
    for name in SOUND:
        verdict(ran, name, dtype)


def test_all_that_works_on_tensors_is_reached():
    """What no work calls is listed above."""
    texts = [path.read_text() for path in Path(__file__).parent.glob("*ing.py")]
    texts += [
        (ROOT / "tests" / "contracts" / "catalogue" / f"{kind}.py").read_text() for kind in ("attacks", "defenses")
    ]
    words = set(re.findall(r"\w+", "\n".join(texts)))
    public = {name for face in FACES for name in import_module(f"advcourse.{face}").__all__}
    assert public - words - NOT_CALLED == set()
    assert NOT_CALLED <= public


@pytest.mark.skipif(torch.__version__.split("+")[0] != PINNED, reason=f"torch is not {PINNED}, the tested version")
def test_the_pinned_torch_has_what_the_device_is_made_of():
    assert THERE, f"torch {PINNED} has no {SETUP}: find out what it has now, the tests of this file are skipped"
