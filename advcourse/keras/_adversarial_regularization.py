"""Adversarial regularisation: the loss at perturbed inputs beside the loss at the inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from advcourse.core.validation import check_at_least, check_choice
from advcourse.keras._balls import steepest_step
from advcourse.keras._passes import gradient_at, unchanged_call
from advcourse.keras._regularized import Regularized


@keras.saving.register_keras_serializable(package="advcourse")
class AdversarialRegularization(Regularized):
    """A Keras model that is trained on its loss at the inputs and at adversarially perturbed ones.

    The loss is::

        ℓ(f(x), y) + multiplier · ℓ(f(x̃), y),   x̃ = x + step_size · d(∇ₓℓ(f(x), y))

    with d the normalised gradient (l2), the largest coordinate (l1) or the sign (linf: FGSM). The gradient is taken
    with ``training=False``, and x̃ is a constant to the training. The perturbed pass runs in the mode of the pass
    beside it, but what it would change, as BatchNorm's averages, is thrown away. A sample's weight counts in both
    terms, and where its gradient is zero it stays as it is. With ``multiplier=0`` training is that of the model inside.

    In the old neural-structured-learning package::

        config = nsl.configs.make_adv_reg_config(multiplier=0.2, adv_step_size=0.05, adv_grad_norm="infinity")
        nsl.keras.AdversarialRegularization(model, label_keys=["label"], adv_config=config)

    is here ``AdversarialRegularization(model, multiplier=0.2, step_size=0.05, norm="infinity", label="label")``;
    ``clip_value_min`` and ``clip_value_max`` are ``clip``; ``compile``, ``fit`` and ``evaluate`` are as they were.
    There the gradient is taken in training mode and both passes move BatchNorm's averages, and a gradient shorter than
    1e-6 makes a shorter step. Several features, feature masks and steps of PGD are not offered.

    Args:
        model: any ``keras.Model`` with one input; its weights are shared.
        multiplier: weight of the adversarial loss.
        step_size: length of the perturbation in ``norm``, in the units of the inputs.
        norm: ``"l2"``, ``"l1"`` or ``"linf"``, which is also called ``"infinity"``.
        clip: the lowest and the highest value of an input; nothing is clipped where it is not given.
        feature, label, sample_weight: names in a batch that is a dictionary.

    Raises:
        ValueError: for bad arguments, a batch without labels, no ``loss`` in ``compile``, inputs that are no floating
            point; the message names what is missing.

    Source: Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572, section 6; steps in other norms, names and defaults are
    those of neural-structured-learning.
    """

    extra_name = "adversarial_loss"

    def __init__(
        self,
        model: Any,
        *,
        multiplier: float = 0.2,
        step_size: float = 0.001,
        norm: str = "l2",
        clip: tuple[float, float] | None = None,
        feature: str = "feature",
        label: str = "label",
        sample_weight: str = "sample_weight",
        **names: Any,
    ) -> None:
        super().__init__(model, multiplier, feature, label, sample_weight, **names)
        check_at_least(0, step_size=step_size)
        norm = "linf" if norm == "infinity" else norm
        check_choice("norm", norm, ("l2", "l1", "linf"))
        if clip is not None and not (len(clip) == 2 and clip[0] < clip[1]):
            raise ValueError(f"clip is {clip!r}, expected the lowest and the highest value")
        self.step_size, self.norm = float(step_size), norm
        self.clip = None if clip is None else (float(clip[0]), float(clip[1]))

    def perturbed(self, features: Any, y: Any, sample_weight: Any = None) -> Any:
        """The adversarial inputs of a batch, constants."""
        if not hasattr(features, "dtype"):
            raise ValueError(f"feature {self.feature!r} is a {type(features).__name__}, expected one tensor")
        dtype = keras.backend.standardize_dtype(features.dtype)
        if not keras.backend.is_float_dtype(dtype):
            raise ValueError(f"feature {self.feature!r} has dtype {dtype}, expected floating point")

        def loss(x: Any) -> tuple[Any, None]:
            return self._compile_loss(y, unchanged_call(self.base_model, x), sample_weight), None

        features = ops.convert_to_tensor(features)
        gradient, _ = gradient_at(loss, features)
        moved = features + steepest_step(gradient, self.step_size, self.norm)
        return moved if self.clip is None else ops.clip(moved, *self.clip)

    def extra_loss(self, x: Any, features: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        outputs = unchanged_call(self.base_model, self.perturbed(features, y, sample_weight), training)
        return self._compile_loss(y, outputs, sample_weight)

    def perturb_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """The adversarial inputs of a batch as an array; of a dictionary, the dictionary with them in it."""
        self.check_compiled()
        given = {name: ops.convert_to_tensor(each) for name, each in x.items()} if isinstance(x, Mapping) else x
        features, y, sample_weight = self.unpacked(given, y, sample_weight)
        if not self.built:
            self(given)
        tensors = [None if each is None else ops.convert_to_tensor(each) for each in (features, y, sample_weight)]
        moved = ops.convert_to_numpy(self.perturbed(*tensors))
        return {**x, self.feature: moved} if isinstance(x, Mapping) else moved

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "step_size": self.step_size, "norm": self.norm, "clip": self.clip}
