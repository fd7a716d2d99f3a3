"""What the process that forks for each submission has imported: nothing of it is imported again."""

import os
from importlib import import_module

import torch

os.environ["MPLBACKEND"] = "Agg"

for name in (
    "IPython.core.interactiveshell",
    "matplotlib.pyplot",
    "pandas",
    "scipy.fft",
    "scipy.optimize",
    "scipy.sparse.linalg",
    "torch._functorch.autograd_function",
    "torchvision.transforms.functional",
    "advcourse.attacks",
    "advcourse.data",
    "advcourse.defenses",
    "advcourse.evaluation",
    "advcourse.gan.metrics",
    "advcourse.grading.agreeing",
    "advcourse.grading.averages",
    "advcourse.grading.beside",
    "advcourse.grading.boosting",
    "advcourse.grading.chance",
    "advcourse.grading.checks",
    "advcourse.grading.claims",
    "advcourse.grading.critics",
    "advcourse.grading.crops",
    "advcourse.grading.draws",
    "advcourse.grading.drawn",
    "advcourse.grading.fields",
    "advcourse.grading.games",
    "advcourse.grading.halves",
    "advcourse.grading.linear",
    "advcourse.grading.lipschitz",
    "advcourse.grading.masked",
    "advcourse.grading.modes",
    "advcourse.grading.motion",
    "advcourse.grading.pairs",
    "advcourse.grading.patches",
    "advcourse.grading.penalties",
    "advcourse.grading.preflight",
    "advcourse.grading.radii",
    "advcourse.grading.replays",
    "advcourse.grading.through",
    "advcourse.grading.toys",
    "advcourse.grading.turning",
    "advcourse.grading.warping",
    "advcourse.models",
    "advcourse.networks",
    "advcourse.plots",
    "advcourse.structured",
    "tests.grading.forked",
):
    import_module(name)

torch.set_num_threads(1)
torch.rand(8, 8).requires_grad_().square().sum().backward()  # autograd's own first steps
torch.testing.assert_close(torch.ones(1), torch.ones(1))
torch.optim.Adam([torch.nn.Parameter(torch.ones(1))])  # imports what it needs
