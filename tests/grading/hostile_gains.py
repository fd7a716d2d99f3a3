"""Submissions that try to gain marks."""

from __future__ import annotations

from tests.grading import bank
from tests.grading.hostile import Hostile

SOLVED = bank.solutions("a01_ifgsm")
RIGHT = """
def project(adversarial, images, eps):
    return (images + (adversarial - images).clamp(-eps, eps)).clamp(0, 1)
"""
FAKE = """
def project(adversarial, images, eps):
    return adversarial
"""
PEER = """
import sys


def peer():
    frame = sys._getframe()
    while frame is not None:
        for value in list(frame.f_locals.values()):
            if type(value).__name__ == "Peer":
                return value
        frame = frame.f_back


def attempt(action):
    try:
        return repr(action())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
"""
FORGE = f"""{PEER}
import json, struct


def raw(content):
    peer().wire.connection.setblocking(True)
    peer().wire.connection.sendall(content)
    peer().wire.receive()


def forge(message, *blocks):
    text = json.dumps([message, [len(block) for block in blocks]]).encode()
    peer().wire.connection.setblocking(True)
    peer().wire.connection.sendall(struct.pack(">I", len(text)) + text + b"".join(blocks))
"""
"""Writes frames of its own to the socket."""

ROWS: list[Hostile] = []


def gain(name: str, answers: str | dict[str, str], *zero: str, **more) -> None:
    """A row; a text is the answer to ``project``."""
    answers = {"project": answers} if isinstance(answers, str) else answers
    ROWS.append(Hostile("gain", name, answers, zero, **more))


# -- objects that claim to be right

gain(
    "an object that equals everything",
    """
class Same:
    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda self, other: True
    __getattr__ = lambda self, name: self
    __call__ = __sub__ = __rsub__ = __getitem__ = lambda self, *given: self
    __bool__ = lambda self: True
    shape, dtype = (1, 1, 1, 3), torch.float64

def project(adversarial, images, eps):
    return Same()
""",
    "test_project",
)
gain(
    "a tensor subclass whose comparisons are true",
    """
class Same(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, given=(), named=None):
        return torch.tensor(True) if "eq" in function.__name__ or "close" in function.__name__ else given[0]

def project(adversarial, images, eps):
    return adversarial.as_subclass(Same)
""",
    "test_project",
    why="a tensor of class Same does not cross",
)
gain(
    "an object with __array__ and __torch_function__",
    """
class Same:
    def __array__(self, *given, **named):
        return images.numpy()
    @classmethod
    def __torch_function__(cls, *given, **named):
        return True

def project(adversarial, images, eps):
    return Same()
""",
    "test_project",
    why="Same does not cross",
)
gain(
    "a float subclass that equals everything",
    {
        "success_rate": """
class Rate(float):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = lambda self, *other: 0.0

def success_rate(model, images, adversarial, labels):
    return Rate(0.1)
"""
    },
    "test_success_rate",
    why="Rate does not cross",
)
gain(
    "a str subclass that equals everything",
    {
        "success_rate": """
class Word(str):
    __eq__ = lambda self, other: True
    __hash__ = lambda self: 0

def success_rate(model, images, adversarial, labels):
    return Word("0.75")
"""
    },
    "test_success_rate",
    why="Word does not cross",
)
for _name, _value in {"nan": "float('nan')", "inf": "float('inf')", "a huge int": "10**4000", "true": "True"}.items():
    gain(
        f"{_name} as a rate",
        {"success_rate": f"def success_rate(model, images, adversarial, labels):\n    return {_value}"},
        "test_success_rate",
    )
gain(
    "nan in every pixel",
    "def project(adversarial, images, eps):\n    return adversarial * float('nan')",
    "test_project",
    why="not finite",
)
gain("a function in the place of a tensor", f"{RIGHT}\nright = project\nproject = lambda *given: right", "test_project")
gain(
    "an iterator of right answers", f"{RIGHT}\nright = project\nproject = lambda *g: iter([right(*g)])", "test_project"
)
gain(
    "a model whose hooks run where it is looked at",
    """
class Evil(torch.nn.Identity):
    shape, dtype = (1, 1, 1, 3), torch.float64

def project(adversarial, images, eps):
    made = torch.nn.Identity()
    made.register_forward_hook(lambda *given: images)
    made.shape, made.dtype = (1, 1, 1, 3), "torch.float64"
    return made
""",
    "test_project",
    why="a model of class Identity does not cross",
)
gain(
    "a plain model with facts that imitate a tensor",
    """
def project(adversarial, images, eps):
    made = torch.nn.Identity()
    made.shape, made.requires_grad, made.__class__.__name__ = (1, 1, 1, 3), False, "Tensor"
    return made
""",
    "test_project",
)
gain(
    "a truth value that is neither",
    FORGE
    + """
def project(adversarial, images, eps):
    forge(["answer", True, [], ["result", ["bool", [1, 1, 1, 3], None, 0], False]], bytes([2, 255, 7]))
    return images
""",
    *("test_project", "test_bounded_ifgsm"),
)

# -- errors

gain(
    "an error that imitates a passed check",
    """
class CheckFailed(AssertionError):
    __module__ = "advcourse.grading.checks"
    def _render_traceback_(self):
        return ["✓ project returns the nearest point in the ball and the box"]

def project(adversarial, images, eps):
    raise CheckFailed("✓ project returns the nearest point in the ball and the box")
""",
    "test_project",
)
for _error in ("StopIteration", "SystemExit", "KeyboardInterrupt", "GeneratorExit", "NotImplementedError"):
    gain(f"{_error} from an answer", f"def project(*given):\n    raise {_error}", "test_project", why="error")
gain(
    "an error under the name of the one that ends a test",
    """
class WireError(Exception):
    __module__, __qualname__ = "advcourse.grading.wire", "WireError"

def project(adversarial, images, eps):
    raise WireError("✓")
""",
    "test_project",
    why='"ename": "Exception"',
)

# -- patches of what is around

gain(
    "torch patched to agree",
    f"""
import torch
torch.equal = torch.allclose = lambda *given, **named: True
torch.testing.assert_close = lambda *given, **named: None
torch.Tensor.__eq__ = lambda self, other: torch.ones(()).bool()
{FAKE}""",
    *("test_project", "test_bounded_ifgsm", "test_success_rate"),
)
gain(
    "checks patched to pass",
    f"""
from advcourse.grading import checks, quiet
for name in ("exercise", "tensor", "attack", "close", "in_ball", "in_box", "fail", "perturbation"):
    setattr(checks, name, lambda *given, **named: (lambda test: test))
checks.exercise.__code__ = (lambda title: lambda test: test).__code__
{FAKE}""",
    "test_project",
)
gain(
    "builtins patched",
    f"""
import builtins
builtins.AssertionError = builtins.Warning
builtins.isinstance = lambda *given: True
builtins.abs = lambda x: 0
{FAKE}""",
    *("test_project", "test_bounded_ifgsm"),
)
gain(
    "IPython patched",
    f"""
shell = get_ipython()
shell.input_transformers_cleanup.append(lambda lines: ["pass"])
shell.ast_transformers.append(type("T", (), {{"visit": lambda self, node: node}})())
shell.events.register("post_run_cell", lambda result: setattr(result, "error_in_exec", None))
type(shell).run_cell = lambda self, *given, **named: None
{FAKE}""",
    *("test_project", "test_bounded_ifgsm", "test_success_rate", "test_normalized_l2"),
)
gain(
    "a trace function and a profiler",
    f"""
import sys, threading
sys.settrace(lambda *given: None)
threading.setprofile(lambda *given: None)
{FAKE}""",
    "test_project",
)

# -- names that are not theirs

gain(
    "given names defined anew",
    f"""
class checks:
    exercise = staticmethod(lambda title: lambda test: test)
toys = plt = F_ = None
{RIGHT}""",
)
gain(
    "names of the tests defined anew",
    f"""
test_project = test_bounded_ifgsm = right_project = lambda *given: None
__name__ = "somewhere"
__builtins__ = {{}}
exec = print = None
{FAKE}""",
    *("test_project", "test_bounded_ifgsm"),
)
gain(
    "a test typed into the answer",
    f"""
{FAKE}
@checks.exercise("project returns the nearest point in the ball and the box")
def test_project():
    pass
""",
    "test_project",
    says="✓ project returns",
)

# -- looking for the test

LOOK = """
import gc, sys


def found():
    frames, frame = [], sys._getframe()
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    names = {name for f in frames for name in (*f.f_locals, *f.f_globals)}
    texts = [t for f in frames for t in f.f_locals.values() if isinstance(t, str)]
    return sorted(n for n in names if "expected" in n or "right_" in n) + [t for t in texts if "HIDDEN" in t]
"""
gain(
    "frames searched for what is expected",
    LOOK + "seen = []\n" + FAKE.replace("return", "seen.append(found())\n    return"),
    "test_project",
)
gain(
    "what frames and the collector show, told by the next cell",
    {
        "project": LOOK + "seen = []\n" + FAKE.replace("return", "seen.append(found())\n    return"),
        "success_rate": "print('looked', len(seen), [s for s in seen if s])\n" + SOLVED["success_rate"],
    },
    "test_project",
    says="looked 1 []",
)

# -- the conversation

gain(
    "an answer written by hand",
    FORGE
    + """
def project(adversarial, images, eps):
    right = (images + (adversarial - images).clamp(-eps, eps)).clamp(0, 1)
    forge(["answer", True, [], None])
    return right
""",
    *("test_project", "test_bounded_ifgsm"),
)
CALL = '["call", True, [], ["list", [{}, ["list", []], ["dict", []], ["dict", []]]]]'
REQUESTS = {
    "a service of the other side": '["run", True, [], ["list", ["1"]]]',
    "a private method": '["_send", True, [], ["list", []]]',
    "an unknown service": '["exec", True, [], ["list", ["1"]]]',
    "a script as a service": '["<script>\\nalert(1)</script>", True, [], ["list", []]]',
    "the end of everything": '["clear", True, [], ["list", []]]',
    "a call of what was never given": CALL.format('["known", "t999"]'),
    "a call by a path": CALL.format('"os.system"'),
    "a class of the library": CALL.format('["library", "os:system"]'),
    "a graph that is not kept": '["pull", True, [], ["list", [7, 1.0, False]]]',
    "a change of what is unknown": '["answer", True, [["value", "t999", None]], None]',
    "a change of another kind": '["answer", True, [["__class__", "t1", 1]], None]',
    "a state of the random numbers": '["answer", True, [["state", "rng", ["uint8", [3], None, 0]]], None], b"abc"',
}
for _name, _message in REQUESTS.items():
    _why = "" if '["call' in _message or '["answer' in _message or '["pull' in _message else "which is no request"
    gain(
        f"by hand: {_name}",
        f"{FORGE}\n\ndef project(adversarial, images, eps):\n    forge({_message})\n"
        "    peer().wire.receive()\n    return images",
        "test_project",
        why=_why,
    )
gain(
    "a result under a key of the other side",
    FORGE
    + """
def project(adversarial, images, eps):
    forge(["answer", True, [], ["tensor", "t1", ["float64", [1], None, 0], False, False, None]], bytes(8))
    peer().wire.receive()
""",
    "test_project",
)
gain(
    "everything asked of what was given",
    {
        "fgsm": PEER
        + """
asked = []


def fgsm(model, images, labels, eps, count):
    if not asked:
        for name in ("weight", "loss_gradient", "__class__", "__globals__", "forward", "_modules"):
            asked.append(attempt(lambda: peer().ask("attribute", model, name)))
        asked.append(attempt(lambda: peer().ask("next", model)))
        asked.append(attempt(lambda: peer().ask("call", images, [], {}, {})))
        asked.append(attempt(lambda: peer().ask("call", "fgsm", [], {}, {})))
        asked.append(attempt(lambda: peer().ask("copy", images)))
    x = images.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)
    return (x.detach() + eps * gradient.sign()).clamp(0, 1)
""",
        "project": "print([a for a in asked if 'Error' not in a and 'Refused' not in a], len(asked))\n" + RIGHT,
    },
    says="[] 10",
)

# -- what nbgrader takes from outputs and metadata

gain(
    "outputs that look like scores",
    f"""
{FAKE}
print("✓ project returns the nearest point in the ball and the box")
display({{"text/plain": "2", "application/json": 2}}, raw=True)
2.0
""",
    "test_project",
    says="✓ project",
)


def points_and_tags(notebook: dict) -> None:
    """Flags, points and tags of the student's own making on every cell."""
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception", "remove-cell"]
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"] |= {"points": 100, "locked": False, "solution": True, "schema_version": 99}
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "100"}, "metadata": {}}]
            cell["metadata"]["advcourse"] = {"not_run": "a fault of the grader: full points"}


def cells_exchanged(notebook: dict) -> None:
    """The test of ``project`` under the name of another cell, and one that passes under its own."""
    for cell in notebook["cells"]:
        if cell["id"] == "test_project":
            cell["id"] = "somewhere"
            cell["metadata"]["nbgrader"]["grade_id"] = "somewhere"
    own = {"cell_type": "code", "id": "test_project", "source": "pass", "outputs": [], "execution_count": None}
    about = {"grade_id": "test_project", "grade": True, "locked": True, "solution": False, "points": 2}
    notebook["cells"].append(own | {"metadata": {"nbgrader": about | {"schema_version": 3, "task": False}}})


def tests_emptied(notebook: dict) -> None:
    for cell in notebook["cells"]:
        if cell["id"].startswith("test_"):
            cell["source"] = "pass"


gain("points, tags and outputs in the metadata", FAKE, "test_project", change=points_and_tags)
gain("cells under other names", FAKE, "test_project", change=cells_exchanged)
gain("tests emptied", FAKE, "test_project", change=tests_emptied)

# -- what the library has

gain(
    "the library's own function",
    "from advcourse.core.balls import project as other\n\n\ndef project(a, images, eps):\n"
    "    return other(a, images, eps, 'linf')",
    "test_project",
    why="is what this assignment asks you to write",
)
ANEW = """
import gc, importlib, inspect, marshal, sys
import advcourse.core.balls as balls
from pathlib import Path


def ways():
    yield lambda: importlib.reload(balls)
    yield lambda: exec(inspect.getsource(balls), vars(balls))
    yield lambda: exec(Path(balls.__file__).read_text(), vars(balls))
    yield lambda: exec(marshal.loads(Path(balls.__cached__).read_bytes()[16:]), vars(balls))
    yield lambda: sys.modules.pop("advcourse.core.balls") and importlib.import_module("advcourse.core.balls").project
    yield lambda: [f for f in gc.get_objects() if getattr(f, "__name__", "") == "project"][0].__code__.co_consts


def project(adversarial, images, eps):
    found = images
    for way in ways():
        try:
            way()
            found = balls.project(adversarial, images, eps, "linf")
        except Exception:
            pass
    return found.clamp(0, 1)
"""
gain("the library's own function, loaded anew in six ways", ANEW, "test_project")
gain(
    "the attack of the library in the place of the own",
    {
        "fgsm": "import advcourse\n\n\ndef fgsm(model, images, labels, eps, count):\n"
        "    return getattr(advcourse, 'att' + 'acks').fgsm(model, images, labels, eps=eps)"
    },
    *("test_fgsm", "test_fgsm_traces"),
    whole=True,
)
gain(
    "what the tests compare with",
    {"slant_translate": "from advcourse.grading.motion import moved as slant_translate"},
    *("test_shift", "test_slant"),
    assignment="a03_spatial_eot",
    only=("test_shift", "test_slant", "test_eot_gradient"),
)

# -- memory between calls, and what was given

gain(
    "another answer the second time",
    {
        "fgsm": f"calls = []\n{SOLVED['fgsm']}\nright = fgsm\n\n\ndef fgsm(model, images, labels, eps, count):\n"
        "    calls.append(1)\n    return right(model, images, labels, eps * (len(calls) % 2), count)"
    },
    *("test_fgsm", "test_fgsm_traces"),
    whole=True,
)
gain(
    "answers kept from call to call",
    """
kept = {}


def project(adversarial, images, eps):
    return kept.setdefault(eps, images)
""",
    "test_project",
)
gain(
    "a model emptied, so that nothing can be expected of it",
    {
        "fgsm": "def fgsm(model, images, labels, eps, count):\n    with torch.no_grad():\n"
        "        for p in [*model.parameters(), *model.buffers()]:\n            p.zero_()\n    return images.clone()"
    },
    *("test_fgsm", "test_fgsm_traces"),
    whole=True,
)
gain(
    "a model given other layers, hooks and a forward",
    {
        "success_rate": """
def success_rate(model, images, adversarial, labels):
    with torch.no_grad():
        attacked, fooled = model(images).argmax(1) == labels, model(adversarial).argmax(1) != labels
    model.forward = lambda x: torch.zeros(len(x), 4)
    model.register_forward_hook(lambda *given: torch.zeros(1, 4))
    model.train()
    torch.nn.Module.__call__ = lambda *given: torch.zeros(1, 4)
    return fooled[attacked].double().mean().item()
"""
    },
    "test_success_rate",
    whole=False,
)
gain(
    "the images themselves, overwritten with the answer",
    "def project(adversarial, images, eps):\n    return adversarial.copy_(adversarial.clamp(images - eps, images + eps)"
    ".clamp(0, 1))",
    "test_project",
)
gain(
    "requires_grad set on everything",
    {"fgsm": SOLVED["fgsm"].replace("    x = ", "    images.requires_grad_()\n    x = ")},
    "test_fgsm_traces",
    why="left requires_grad",
)
gain(
    "a graph that is kept",
    {"fgsm": SOLVED["fgsm"].replace(".clamp(0, 1)", ".clamp(0, 1).requires_grad_()")},
    "test_fgsm_traces",
    why="still requires a gradient",
)
gain(
    "traces that are left and not told are none",
    {
        "fgsm": "from advcourse.grading import tracks\ntracks.TensorTrack.changes = tracks.ModeTrack.changes = "
        "lambda *given: []\n"
        + SOLVED["fgsm"].replace("    x = ", "    images.zero_ if False else model.eval()\n    x = ")
    },
)
gain(
    "the global random numbers set anew by every answer",
    "def project(adversarial, images, eps):\n    torch.manual_seed(0)\n"
    "    return (images + (adversarial - images).clamp(-eps, eps)).clamp(0, 1)",
)

# -- other assignments: oracles, classes, training

SPENT = bank.solutions("a05_nes")
gain(
    "an oracle copied, so that the copy is billed",
    {
        "attack_under_budget": "import copy\n\n\n"
        + SPENT["attack_under_budget"].replace(
            "    images = images.detach()", "    oracle = copy.deepcopy(oracle)\n    images = images.detach()", 1
        )
    },
    *("test_attack", "test_attack_budget", "test_attack_traces"),
    assignment="a05_nes",
    only=("test_attack", "test_attack_budget", "test_attack_traces", "test_shrink"),
)
gain(
    "training that never trains",
    {"train": "def train(generator, critic, *given, **named):\n    return copy.deepcopy(generator)"},
    *("test_turns", "test_steps", "test_average"),
    assignment="a10_wgan_gp",
    only=("test_turns", "test_steps", "test_average", "test_spectral_norm"),
)
gain(
    "a class that is no autograd function",
    {
        "staircase": "class Staircase:\n    @staticmethod\n    def apply(images, bits, a):\n"
        "        return (images * (2**bits - 1)).round() / (2**bits - 1)"
    },
    "test_staircase",
    assignment="a06_bpda",
    only=("test_staircase", "test_shake", "test_filled"),
)

gain(
    "an oracle looked into",
    {
        "attack_under_budget": f"""{PEER}
seen = []


{SPENT["attack_under_budget"]}
right = attack_under_budget


def attack_under_budget(oracle, *given):
    for name in ("_model", "model", "forget", "_points", "_answers", "__call__"):
        seen.append(attempt(lambda: getattr(oracle, name)))
        seen.append(attempt(lambda: peer().ask("attribute", oracle, name)))
    return right(oracle, *given)
""",
        "rank_score": "print('looked', len(seen) > 10, [s for s in seen if 'Error' not in s and 'method' not in s])\n"
        + SPENT["rank_score"],
    },
    says="looked True []",
    assignment="a05_nes",
    only=("test_attack_traces", "test_rank_score"),
)
gain(
    "queries billed to one image alone",
    {"attack_under_budget": SPENT["attack_under_budget"].replace("oracle(points, rows)", "oracle(points, 0 * rows)")},
    *("test_attack_budget", "test_attack_traces"),
    assignment="a05_nes",
    only=("test_attack_budget", "test_attack_traces", "test_shrink"),
)
gain(
    "errors of the attack that is given, swallowed",
    {
        "min_max_loss": f"""
{bank.solutions("a07_adversarial_training")["min_max_loss"]}
right = min_max_loss


def min_max_loss(*given, **named):
    try:
        return right(*given, **named)
    except Exception:
        return torch.zeros((), dtype=torch.float64)
"""
    },
    "test_min_max_loss",
    assignment="a07_adversarial_training",
    only=("test_min_max_loss", "test_shares"),
)
gain(
    "a model of its own class as the average",
    {
        "train": f"""
{bank.solutions("a10_wgan_gp")["train"]}
right = train


class Average(nn.Module):
    __eq__ = lambda self, other: True
    __hash__ = lambda self: 0

    def parameters(self, recurse=True):
        return iter([])


def train(*given, **named):
    right(*given, **named)
    return Average()
"""
    },
    *("test_turns", "test_steps", "test_average"),
    why="a model of class Average does not cross",
    assignment="a10_wgan_gp",
    only=("test_turns", "test_steps", "test_average", "test_spectral_norm"),
)
gain(
    "a copy of the model, pickled and taken apart",
    {
        "deepfool_step": "import copy, io, pickle\n\n\n"
        + bank.solutions("a02_minimal_norm")["deepfool_step"]
        + """

right = deepfool_step


def deepfool_step(model, images, cost):
    for way in (pickle.dumps, lambda m: torch.save(m, io.BytesIO()), vars, lambda m: m._peer):
        try:
            way(model)
        except Exception:
            pass
    return right(copy.deepcopy(model), images, cost)
"""
    },
    assignment="a02_minimal_norm",
    only=("test_deepfool_step", "test_deepfool_traces"),
)
