"""The course's classifiers in PyTorch beside what Keras makes of their weights: logits and adversarial images."""

from functools import partial

import keras
import numpy as np
import torch

from advcourse import attacks
from advcourse.keras import build, fgsm, from_torch, load, pgd, train_adversarially
from advcourse.zoo import weights
from tests.keras.setting import batch, smooth

SIZES = {"cifar10/resnet20": (32, 3), "gtsrb/cnn": (32, 3)}
EPS = {"linf": 0.05, "l2": 0.7}


def pictures(name, dtype):
    size, channels = SIZES.get(name, (28, 1))
    draw = torch.Generator().manual_seed(0)
    return torch.rand(1, channels, size, size, dtype=torch.float64, generator=draw).to(dtype)


def last(images):
    """Channels-last, as an array."""
    return images.permute(0, 2, 3, 1).numpy()


def apart(first, second):
    return float(np.abs(np.asarray(first) - np.asarray(second)).max())


def gradient(network, images, labels):
    x = images.clone().requires_grad_()
    torch.nn.functional.cross_entropy(network(x), labels, reduction="sum").backward()
    return x.grad


def of(name):
    """In float64, the largest differences; the file's name and float32 weights are those of ``load``."""
    network, images = weights.load(name).double(), pictures(name, torch.float64)
    model = from_torch(network, images.permute(0, 2, 3, 1).shape[1:])
    logits = network(images).detach()
    labels = logits.argmax(1)
    goal = (labels + 1) % logits.shape[1]
    found = {"logits": apart(logits, model(last(images)))}
    ours = fgsm(model, last(images), labels.numpy(), eps=0.05)
    found["fgsm linf"] = apart(ours, last(attacks.fgsm(network, images, labels, eps=0.05)))
    option = {"eps": 0.7, "norm": "l2", "steps": 2}
    ours = pgd(model, last(images), labels.numpy(), targets=goal.numpy(), **option)
    found["pgd l2"] = apart(ours, last(attacks.pgd(network, images, labels, targets=goal, **option)))
    return found


def single(name):
    """In float32, with ``load``: logits, and the sign step where the gradient is above 1e-4 of its largest."""
    network, images = weights.load(name), pictures(name, torch.float32)
    model, labels = load(name), network(images).argmax(1)
    ours = fgsm(model, last(images), labels.numpy(), eps=0.05)
    theirs = last(attacks.fgsm(network, images, labels, eps=0.05))
    slope = np.abs(last(gradient(network, images, labels)))
    clear = slope > 1e-4 * slope.max((1, 2, 3), keepdims=True)
    return {
        "logits": apart(network(images).detach(), model(last(images))),
        "signs": apart(ours * clear, theirs * clear),
        "clear": float(clear.mean()),
        "dtype": str(ours.dtype),
    }


def pgd_without_targets():
    """Iterates in both norms on the cheapest network, at the default step size."""
    name = "mnist/cnn-robust"
    network, images = weights.load(name).double(), pictures(name, torch.float64)
    model, labels = from_torch(network, (28, 28, 1)), network(images).argmax(1)
    found = {}
    for norm, eps in EPS.items():
        theirs = attacks.pgd(network, images, labels, eps=eps, norm=norm, steps=5)
        found[norm] = apart(pgd(model, last(images), labels.numpy(), eps=eps, norm=norm, steps=5), last(theirs))
    return found


def trained():
    """Losses of adversarial training, twice from the same weights, and one step beside its formula."""
    images, labels, _ = batch(32)
    attack, histories = partial(fgsm, eps=0.05), []
    for _ in range(2):
        model = smooth()
        histories.append(train_adversarially(model, images, labels, attack=attack, epochs=3, batch_size=16))
    one, by_hand, rate = smooth(), smooth(), 0.1
    option = {"batch_size": 32, "optimizer": keras.optimizers.SGD(rate), "seed": 3}
    train_adversarially(one, images, labels, attack=attack, **option)
    moved = attack(by_hand, images, labels)
    by_hand.compile(
        keras.optimizers.SGD(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True
    )
    by_hand.train_on_batch(moved, labels)
    step = max(apart(a, b) for a, b in zip(one.get_weights(), by_hand.get_weights(), strict=True))
    return {"histories": histories, "step": step}


def built():
    """``build`` draws from PyTorch's generator, as ``zoo.weights.build`` does."""
    torch.manual_seed(0)
    model = build("mnist/cnn")
    torch.manual_seed(0)
    network = weights.build("mnist/cnn")
    images = pictures("mnist/cnn", torch.float32)
    return apart(network(images).detach(), model(last(images)))


def found():
    return {
        "parity": {name: of(name) for name in weights.CLASSIFIERS},
        "single": single("mnist/cnn"),
        "pgd": pgd_without_targets(),
        "trained": trained(),
        "built": built(),
    }
