"""What the metrics of generators do on a device; see ``attacking``."""

from __future__ import annotations

from functools import partial

import torch

from advcourse.gan.metrics import (
    Penultimate,
    class_histogram,
    class_kl,
    classifier_score,
    critic_wasserstein,
    features,
    frechet_distance,
    kernel_distance,
    mode_coverage,
    nearest_neighbours,
    precision_recall,
    ring_centres,
    ring_samples,
    stacked_coverage,
    wasserstein,
)
from tests.device.attacking import Found, generators
from tests.support.scenes import normal, scene

rows = partial(normal, 40, 4)


def does_features_and_scores(device: str, dtype: torch.dtype) -> Found:
    model, images, _ = scene(8, device=device, dtype=dtype)
    logits = model(images).detach()
    found: Found = {"features": features(Penultimate(model), images, 3), "histogram": class_histogram(logits)}
    found["kl"] = class_kl(logits, logits[:5], extractor="toy").value
    found["given"] = str(classifier_score(logits, extractor="toy", splits=2))
    for place, generator in generators(device).items():
        found[place] = classifier_score(logits, extractor="toy", splits=2, generator=generator()).value
    return found


def does_feature_distances(device: str, dtype: torch.dtype) -> Found:
    real, fake = (each.to(dtype).to(device) for each in (rows(), rows(seed=1) + 0.3))
    distances = [frechet_distance(real, fake, extractor="toy").value]
    measure = partial(kernel_distance, real, fake, extractor="toy", subsets=3, subset_size=9)
    distances += [measure(generator=generator()).value for generator in generators(device).values()]
    torch.manual_seed(2)
    distances += [measure(subset_size=40).value, wasserstein(real[:, 0], fake[:, 0]).value]
    distances.append(critic_wasserstein(lambda x: x.sum(1), real, fake, batch_size=16).value)
    return {"distances": distances, "shares": str(precision_recall(real, fake, extractor="toy"))}


def does_feature_neighbours(device: str, dtype: torch.dtype) -> Found:
    found = nearest_neighbours(rows().to(dtype).to(device), rows(seed=1).to(dtype).to(device), k=3)
    return {"indices": found.indices, "distances": found.distances}


def does_coverage(device: str, dtype: torch.dtype) -> Found:
    model, images, _ = scene(6, channels=3, device=device, dtype=dtype)
    classifier, _, _ = scene(1, channels=1, device=device, dtype=dtype)
    centres = ring_centres()
    points = (centres.double().repeat(5, 1) + 0.02 * rows()[:, :2]).to(dtype).to(device)
    ring = [mode_coverage(points, each, share=0.1) for each in (centres, centres.to(device))]
    return {
        "ring": [list(each.counts) for each in ring],
        "stacked": list(stacked_coverage(classifier, images, extractor="toy").counts),
        "points": ring_samples(9, generator=generators(device)["there"]()),
    }
