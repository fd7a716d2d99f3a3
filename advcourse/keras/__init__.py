"""The classifiers, attacks and regularisers of the course for Keras 3, on TensorFlow, JAX or PyTorch.

Images are channels-last, ``(N, H, W, C)`` in [0, 1]. The backend is Keras's: ``KERAS_BACKEND=jax``, set before Keras is
imported, chooses another than TensorFlow. Needs the extra ``tf``: ``pip install "advcourse[tf]"``. Keras is imported
when a name is first used; no other room imports this one. Where a program imports Keras or TensorFlow itself, it has to
import torchvision before: the other way round (TensorFlow 2.21, torchvision 0.29) the process ends.
"""

from typing import TYPE_CHECKING

from advcourse.core.lazy import members

if TYPE_CHECKING:
    from advcourse.keras._adversarial_regularization import AdversarialRegularization
    from advcourse.keras._classifiers import build, load
    from advcourse.keras._fgsm import fgsm
    from advcourse.keras._from_torch import from_torch
    from advcourse.keras._graph_regularization import GraphRegularization, with_neighbors
    from advcourse.keras._pgd import pgd
    from advcourse.keras._train_adversarially import train_adversarially
else:  # mypy shall go on naming what is not there
    __getattr__, __dir__ = members(
        __name__,
        {
            "_adversarial_regularization": "AdversarialRegularization",
            "_classifiers": "build load",
            "_fgsm": "fgsm",
            "_from_torch": "from_torch",
            "_graph_regularization": "GraphRegularization with_neighbors",
            "_pgd": "pgd",
            "_train_adversarially": "train_adversarially",
        },
        extra="tf",
        first="torchvision",
    )

__all__ = [
    "AdversarialRegularization",
    "GraphRegularization",
    "build",
    "fgsm",
    "from_torch",
    "load",
    "pgd",
    "train_adversarially",
    "with_neighbors",
]
