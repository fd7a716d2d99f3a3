"""The data and the models that every backend starts from, and how a backend is asked."""

import numpy as np

CLASSES, SIZE = 3, 6
STEP = 0.1


def batch(n=8, seed=0):
    """Images, labels and sample weights, one of them zero."""
    draw = np.random.default_rng(seed)
    images = draw.random((n, SIZE, SIZE, 1)).astype("float32")
    weights = draw.uniform(0.5, 2, n).astype("float32")
    weights[1] = 0
    return images, draw.integers(0, CLASSES, n), weights


def weights_like(shapes, seed=1):
    """Weights of those shapes, all of them positive in the place of a variance."""
    draw = np.random.default_rng(seed)
    return [
        (draw.uniform(0.5, 1.5, shape) if name.endswith("variance") else draw.normal(0, 0.3, shape)).astype("float32")
        for name, shape in shapes
    ]


def smooth(seed=1):
    """A convolution, BatchNorm and a linear layer, smooth, with the weights of that seed."""
    import keras

    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            keras.layers.Conv2D(3, 3, activation="tanh"),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dense(CLASSES),
        ]
    )
    model.set_weights(weights_like([(each.path, each.shape) for each in model.weights], seed))
    return model


def linear(seed=2):
    """Logits linear in the image."""
    import keras

    model = keras.Sequential([keras.Input((SIZE, SIZE, 1)), keras.layers.Flatten(), keras.layers.Dense(CLASSES)])
    model.set_weights(weights_like([(each.path, each.shape) for each in model.weights], seed))
    return model
