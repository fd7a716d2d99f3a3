"""Training: one trainer for every loss ``(model, images, labels) -> scalar``, and what any trainer needs (``loop``)."""

from advcourse.training._augment import image_by_image, random_crop
from advcourse.training._fit import Loss, accuracy, fit, standard_loss
from advcourse.training.loop import accelerator_state, moving_average, steps_per_epoch

__all__ = [
    "Loss",
    "accelerator_state",
    "accuracy",
    "fit",
    "image_by_image",
    "moving_average",
    "random_crop",
    "standard_loss",
    "steps_per_epoch",
]
