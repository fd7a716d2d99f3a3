"""What the process that forks for each submission has imported: nothing of it is imported again."""

import os

os.environ["MPLBACKEND"] = "Agg"

import IPython.core.interactiveshell
import matplotlib.pyplot
import pandas
import scipy.fft
import scipy.sparse.linalg
import torch
import torchvision.transforms.functional

import advcourse.grading.checks
import advcourse.grading.fields
import advcourse.grading.motion
import advcourse.grading.preflight
import advcourse.grading.toys
import advcourse.grading.warping
import advcourse.plots
import advcourse.structured
import advcourse.zoo.weights
import tests.grading.forked

torch.set_num_threads(1)
torch.rand(8, 8).requires_grad_().square().sum().backward()  # autograd's own first steps
