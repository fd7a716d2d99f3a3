"""How good and how varied are a generator's images? Numbers that name their extractor and how many they are of."""

from advcourse.gan.metrics._features import Penultimate, features
from advcourse.gan.metrics._frechet import frechet_distance
from advcourse.gan.metrics._inception import Inception
from advcourse.gan.metrics._kernel import kernel_distance
from advcourse.gan.metrics._modes import mode_coverage, ring_centres, ring_samples, stacked_coverage
from advcourse.gan.metrics._neighbours import Neighbours, nearest_neighbours, precision_recall
from advcourse.gan.metrics._results import Coverage, Metric, PrecisionRecall
from advcourse.gan.metrics._score import class_histogram, class_kl, classifier_score
from advcourse.gan.metrics._wasserstein import critic_wasserstein, wasserstein

__all__ = [
    "Coverage",
    "Inception",
    "Metric",
    "Neighbours",
    "Penultimate",
    "PrecisionRecall",
    "class_histogram",
    "class_kl",
    "classifier_score",
    "critic_wasserstein",
    "features",
    "frechet_distance",
    "kernel_distance",
    "mode_coverage",
    "nearest_neighbours",
    "precision_recall",
    "ring_centres",
    "ring_samples",
    "stacked_coverage",
    "wasserstein",
]
