"""What the two regularisers share: a Keras model around another whose loss has one term more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from advcourse.core.validation import check_at_least


class Regularized(keras.Model):
    """A model that answers as ``base_model`` and is trained on its loss and ``multiplier`` times another.

    A batch is a pair ``(x, y)``, a triple with sample weights, or a dictionary that holds each under its name. Nothing
    is unpacked by the caller; a dictionary is read where it is used, so that ``fit``, ``evaluate`` and ``predict`` and
    every kind of data that Keras takes work alike. A subclass says in ``extra_loss`` what is added.

    Attributes:
        base_model: the model inside, which shares its weights.
    """

    extra_name = "extra_loss"

    def __init__(
        self, model: Any, multiplier: float, feature: str, label: str, sample_weight: str, **names: Any
    ) -> None:
        super().__init__(**names)
        check_at_least(0, multiplier=multiplier)
        if not isinstance(model, keras.Model):
            raise ValueError(f"model is a {type(model).__name__}, expected a keras.Model")
        self.base_model, self.multiplier = model, float(multiplier)
        self.feature, self.label, self.sample_weight = feature, label, sample_weight
        self.supervised_tracker = keras.metrics.Mean(name="supervised_loss")
        self.extra_tracker = keras.metrics.Mean(name=self.extra_name) if multiplier else None
        self.built = model.built

    def build(self, input_shape: Any) -> None:
        if not self.base_model.built:
            shape = input_shape[self.feature] if isinstance(input_shape, Mapping) else input_shape
            self.base_model(keras.KerasTensor(tuple(shape)))  # symbolic: a subclassed model need not have its own build
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self.base_model(self.features(inputs), training=training)

    def features(self, batch: Any) -> Any:
        """What the model inside sees of a batch."""
        if not isinstance(batch, Mapping):
            return batch
        if self.feature not in batch:
            raise ValueError(f"feature {self.feature!r} is not among {sorted(batch)}, expected it in every batch")
        return batch[self.feature]

    def unpacked(self, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Features, labels and sample weights of a batch, by name where it is a dictionary."""
        if isinstance(x, Mapping):
            y = x.get(self.label) if y is None else y
            sample_weight = x.get(self.sample_weight) if sample_weight is None else sample_weight
        if y is None:
            named = f"{sorted(x)}" if isinstance(x, Mapping) else "the batch"
            raise ValueError(f"label {self.label!r} is not among {named}, expected it there, or y beside x")
        return self.features(x), y, sample_weight

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        features, y, sample_weight = self.unpacked(x, y, sample_weight)
        self.check_compiled()
        total = super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        count = ops.shape(features)[0]
        self.supervised_tracker.update_state(total, sample_weight=count)
        if self.extra_tracker is not None:
            extra = self.extra_loss(x, features, y, y_pred, sample_weight, training)
            self.extra_tracker.update_state(extra, sample_weight=count)
            total = total + self.multiplier * extra
        return total

    def extra_loss(self, x: Any, features: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        """What is added, before the multiplier."""
        raise NotImplementedError

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        _, y, sample_weight = self.unpacked(x, y, sample_weight)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def check_compiled(self) -> None:
        if self._compile_loss is None:
            raise ValueError("loss is None, expected one in compile(loss=…): it is what the regulariser goes by")

    def get_config(self) -> dict[str, Any]:
        model = keras.saving.serialize_keras_object(self.base_model)
        names = {name: getattr(self, name) for name in ("multiplier", "feature", "label", "sample_weight")}
        return {**super().get_config(), "model": model, **names}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        model = keras.saving.deserialize_keras_object(config["model"], custom_objects=custom_objects)
        return cls(**{**config, "model": model})
