"""Graph regularisation: outputs of a sample and of its neighbours shall be alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from advcourse.core.validation import check_at_least, check_choice, check_count
from advcourse.keras._passes import unchanged_call
from advcourse.keras._regularized import Regularized

DISTANCES = ("l2", "l1", "cosine", "kl", "jsd")


def with_neighbors(
    inputs: Any,
    labels: Any,
    *,
    max_neighbors: int = 3,
    features: Any = None,
    min_similarity: float = 0.0,
) -> dict[str, np.ndarray]:
    """A data set with each sample's nearest neighbours in it, for ``GraphRegularization``.

    Neighbours are nearest by the cosine of their features, and weighted by it; those below ``min_similarity`` are left
    in place and weigh nothing. A sample is no neighbour of itself.

    Args:
        inputs: ``(N, …)``, an array.
        labels: ``(N,)`` or ``(N, K)``.
        max_neighbors: how many of each, fewer than there are samples.
        features: ``(N, …)``, what is compared: a network's features, say; the inputs where they are not given.
        min_similarity: of neighbours that count, from 0 on.

    Returns:
        ``{"feature": inputs, "label": labels, "neighbors": (N, max_neighbors, …), "neighbor_weights":
        (N, max_neighbors)}``.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: the preparation of neural-structured-learning, which weighs edges by the cosine too.
    """
    from sklearn.neighbors import NearestNeighbors  # takes a second to import

    check_count(max_neighbors=max_neighbors)
    check_at_least(0, min_similarity=min_similarity)
    inputs, labels = np.asarray(inputs), np.asarray(labels)
    rows = np.asarray(inputs if features is None else features).reshape(len(inputs), -1)
    if max_neighbors >= len(rows):
        raise ValueError(f"max_neighbors is {max_neighbors}, expected fewer than the {len(rows)} samples")
    search = NearestNeighbors(n_neighbors=max_neighbors, metric="cosine").fit(rows)
    distance, index = search.kneighbors()
    weight = np.where(1 - distance >= min_similarity, 1 - distance, 0).clip(0).astype("float32")
    return {"feature": inputs, "label": labels, "neighbors": inputs[index], "neighbor_weights": weight}


@keras.saving.register_keras_serializable(package="advcourse")
class GraphRegularization(Regularized):
    """A Keras model that is trained to answer alike at a sample and at its neighbours.

    The loss is::

        ℓ(f(x), y) + multiplier · Σᵢₖ wᵢₖ D(f(xᵢ), f(xᵢₖ)) / #{wᵢₖ ≠ 0}

    over the neighbours xᵢₖ of the samples of a batch, of weights wᵢₖ: ``with_neighbors`` finds them. D is the mean over
    the outputs of the squared (l2) or absolute (l1) differences, one less the cosine, or Kullback-Leibler's or
    Jensen-Shannon's divergence of the neighbour's probabilities from the sample's. The neighbours' pass runs in the
    mode of the pass beside it, is trained through, and leaves BatchNorm's averages. ``evaluate`` and ``predict`` need
    no neighbours; where there are none nothing is added.

    In the old neural-structured-learning package this is ``nsl.keras.GraphRegularization(model, config)`` with
    ``make_graph_reg_config(max_neighbors=3, multiplier=0.01, distance_type="l2")``. A batch held there
    ``NL_nbr_0_feature`` and ``NL_nbr_0_weight``; here one entry holds all neighbours and another all weights.

    Args:
        model: any ``keras.Model`` with one input and one output ``(N, K)``; its weights are shared.
        multiplier: weight of the distance.
        distance: ``"l2"``, ``"l1"``, ``"cosine"``, ``"kl"`` or ``"jsd"``.
        max_neighbors: so many of the neighbours are used, the first; all where it is not given.
        from_logits: for ``"kl"`` and ``"jsd"``: the outputs are logits; else probabilities.
        feature, label, sample_weight, neighbors, neighbor_weights: names in a batch.

    Raises:
        ValueError: for bad arguments, a batch without labels, in training one without neighbours or their weights, no
            ``loss`` in ``compile``; the message names what is missing.

    Source: Bui, Ravi & Ramavajjala 2018, *Neural graph learning: training neural networks using graphs* (WSDM),
    equation 1; names and defaults are those of neural-structured-learning.
    """

    extra_name = "graph_loss"

    def __init__(
        self,
        model: Any,
        *,
        multiplier: float = 0.01,
        distance: str = "l2",
        max_neighbors: int | None = None,
        from_logits: bool = True,
        feature: str = "feature",
        label: str = "label",
        sample_weight: str = "sample_weight",
        neighbors: str = "neighbors",
        neighbor_weights: str = "neighbor_weights",
        **names: Any,
    ) -> None:
        super().__init__(model, multiplier, feature, label, sample_weight, **names)
        check_choice("distance", distance, DISTANCES)
        check_count(optional=True, max_neighbors=max_neighbors)
        self.distance, self.max_neighbors, self.from_logits = distance, max_neighbors, from_logits
        self.neighbors, self.neighbor_weights = neighbors, neighbor_weights

    def extra_loss(self, x: Any, features: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        named = x if isinstance(x, Mapping) else {}
        missing = [name for name in (self.neighbors, self.neighbor_weights) if name not in named]
        if missing and training:
            raise ValueError(f"{missing[0]!r} is not among {sorted(named)}, expected it in every batch of training")
        if missing:
            return ops.zeros((), dtype=y_pred.dtype)
        used = (named[self.neighbors], named[self.neighbor_weights])
        neighbors, weights = (ops.convert_to_tensor(each)[:, : self.max_neighbors] for each in used)
        count = neighbors.shape[1]
        outputs = self._of_neighbors(neighbors, training)
        apart = _apart(ops.repeat(y_pred, count, axis=0), outputs, self.distance, self.from_logits)
        weights = ops.cast(ops.reshape(weights, (-1,)), apart.dtype)
        counted = ops.sum(ops.cast(weights != 0, apart.dtype))
        return ops.sum(weights * apart) / ops.maximum(counted, 1)

    def _of_neighbors(self, neighbors: Any, training: bool) -> Any:
        """Outputs of all neighbours of a batch, those of the first sample first."""
        return unchanged_call(self.base_model, ops.reshape(neighbors, (-1, *neighbors.shape[2:])), training)

    def get_config(self) -> dict[str, Any]:
        names = ("distance", "max_neighbors", "from_logits", "neighbors", "neighbor_weights")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _apart(first: Any, second: Any, distance: str, from_logits: bool) -> Any:
    """How far the outputs of each pair are apart, ``(N, K), (N, K) -> (N,)``."""
    if distance == "l2":
        return ops.mean(ops.square(first - second), axis=1)
    if distance == "l1":
        return ops.mean(ops.abs(first - second), axis=1)
    if distance == "cosine":
        return 1 - ops.sum(ops.normalize(first, axis=1) * ops.normalize(second, axis=1), axis=1)
    p, q = (ops.softmax(each, axis=1) if from_logits else each for each in (first, second))
    if distance == "kl":
        return _divergence(p, q)
    middle = (p + q) / 2
    return (_divergence(p, middle) + _divergence(q, middle)) / 2


def _divergence(p: Any, q: Any) -> Any:
    """Kullback-Leibler's divergence of ``q`` from ``p``; probabilities below 1e-7 count as that."""
    return ops.sum(p * (ops.log(ops.maximum(p, 1e-7)) - ops.log(ops.maximum(q, 1e-7))), axis=1)
