"""AdvProp: two kinds of statistics that never meet."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from advcourse import training
from advcourse.attacks import fgsm, pgd
from advcourse.defenses import SplitBatchNorm, advprop, main_batchnorm, split_batchnorm
from advcourse.networks import CifarResNet, SmallCNN
from tests.support.refusals import refused
from tests.support.scenes import scene

attack = partial(pgd, eps=0.2, steps=2)


def statistics(model, side):
    return {name: held for name, held in model.state_dict().items() if f"{side}.running" in name}


def test_a_split_network_answers_as_before_and_comes_back_plain():
    model, images, _ = scene()
    split = split_batchnorm(model)
    assert torch.equal(split(images), model(images))
    assert sum(isinstance(module, SplitBatchNorm) for module in split.modules()) == 2
    assert not any(isinstance(module, SplitBatchNorm) for module in model.modules())
    back = main_batchnorm(split)
    assert list(back.state_dict()) == list(model.state_dict()) and torch.equal(back(images), model(images))


def test_it_splits_those_within_blocks_too():
    split = split_batchnorm(CifarResNet(1))
    assert sum(isinstance(module, SplitBatchNorm) for module in split.modules()) == 7
    assert all(
        isinstance(module.main, nn.BatchNorm2d) for module in split.modules() if isinstance(module, SplitBatchNorm)
    )


def test_main_statistics_are_those_of_a_run_without_the_adversarial_half():
    """At a learning rate of zero, where the weights are the same."""
    _, images, labels = scene()
    runs = []
    for make in (lambda: advprop(attack), lambda: training.standard_loss):
        model = split_batchnorm(scene()[0])
        idle = torch.optim.SGD(model.parameters(), lr=0.0)
        training.fit(model.train(), (images, labels), make(), epochs=2, batch_size=3, optimizer=idle, progress=False)
        runs.append(model)
    (with_it, mains), (_, alone) = ((run, statistics(run, "main")) for run in runs)
    assert mains.keys() == alone.keys() and all(torch.equal(mains[name], alone[name]) for name in mains)
    others, untouched = statistics(with_it, "auxiliary"), statistics(runs[1], "auxiliary")
    assert not any(torch.equal(others[name], untouched[name]) for name in others)


def test_auxiliary_statistics_are_those_of_the_attacked_images_alone():
    model, images, labels = scene()
    split = split_batchnorm(model).train()
    split[8].p = 0.0  # dropout draws nothing
    as_attacked = copy.deepcopy(split).eval()
    for module in as_attacked.modules():
        if isinstance(module, SplitBatchNorm):
            module.chosen = "auxiliary"
    moved = attack(as_attacked, images, labels)
    advprop(attack)(split, images, labels)
    plain = main_batchnorm(split_batchnorm(model)).train()
    plain(moved)
    for name, held in statistics(split, "auxiliary").items():
        torch.testing.assert_close(held, plain.state_dict()[name.replace("auxiliary.", "")])


def test_the_loss_is_the_sum_of_two_means_and_the_attack_is_on_the_auxiliary_side():
    model, images, labels = scene()
    split = split_batchnorm(model)
    split[1].auxiliary.weight.data.mul_(-2)
    auxiliary = copy.deepcopy(model)
    auxiliary[1].weight.data.mul_(-2)
    step = partial(fgsm, eps=0.1)
    expected = F.cross_entropy(model(images), labels) + F.cross_entropy(
        auxiliary(step(auxiliary, images, labels)), labels
    )
    torch.testing.assert_close(advprop(step)(split, images, labels), expected)


def test_the_main_side_stands_again_after_an_error_inside():
    def failing(model, images, labels):
        raise RuntimeError("out of memory")

    split, images, labels = split_batchnorm(scene()[0]), *scene()[1:]
    with pytest.raises(RuntimeError):
        advprop(failing)(split, images, labels)
    assert all(module.chosen == "main" for module in split.modules() if isinstance(module, SplitBatchNorm))


def test_bad_networks_are_refused():
    with refused("without BatchNorm"):
        split_batchnorm(SmallCNN())
    with refused("split already"):
        split_batchnorm(split_batchnorm(CifarResNet(1)))
    model, images, labels = scene()
    with refused("no split BatchNorm"):
        advprop(attack)(model, images, labels)
