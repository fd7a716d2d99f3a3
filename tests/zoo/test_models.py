"""Networks: their shapes, their weights, and what is said when the weights are not to be had."""

import copy
import os
import shutil

import pytest
import torch

from advcourse import data, models
from advcourse.core.running import predict
from advcourse.zoo import weights
from tests.support.files import cut, flip

REAL = os.environ.get("ADVCOURSE_DATA")
INPUTS = {"mnist": (1, 28, 28), "fashion-mnist": (1, 28, 28), "cifar10": (3, 32, 32), "gtsrb": (3, 32, 32)}


@pytest.mark.parametrize("name", weights.ARCHITECTURES)
def test_every_network_maps_its_images_to_the_classes_logits(name):
    torch.manual_seed(0)
    model = models.build(name)
    images = torch.rand(3, *INPUTS[name.split("/")[0]])
    assert model(images).shape == (3, 43 if name.startswith("gtsrb") else 10)
    assert sum(parameter.numel() for parameter in model.parameters()) * 4 < 3_000_000
    torch.manual_seed(0)
    assert torch.equal(next(models.build(name).parameters()), next(model.parameters()))


@pytest.mark.data
def test_reference_networks_reach_their_published_accuracy():
    images, labels, _ = data.load("cifar10", n=400)
    for net in ("resnet20", "resnet56"):
        accuracy = (predict(models.load(f"reference/cifar10_{net}"), images).argmax(1) == labels).float().mean()
        assert accuracy > 0.87  # 91.7 and 93.4 % on all 10,000


@pytest.mark.data
@pytest.mark.parametrize(("net", "least"), [("mobilenet_v2", 0.75), ("squeezenet1_0", 0.5)])
def test_imagenet_reference_networks(net, least):
    images, labels, _ = data.load("imagenet-samples", n=40)
    model = models.load(f"reference/imagenet_{net}")
    assert not any(module.training for module in model.modules())
    assert (predict(model, images, batch_size=20).argmax(1) == labels).float().mean() > least


@pytest.mark.data
def test_imagenet_hands_out_the_one_at_hand_and_says_which(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    models.load("imagenet")
    assert capsys.readouterr().out == "ImageNet network: reference/imagenet_mobilenet_v2\n"


def test_torchvisions_network_is_taken_from_its_cache(monkeypatch, tmp_path, capsys):
    import torchvision

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    network = torchvision.models.mobilenet_v2(weights=None)
    url = torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V1.url
    torch.save(network.state_dict(), folder / url.rsplit("/", 1)[1])
    model = models.load("imagenet")
    assert capsys.readouterr().out == "ImageNet network: imagenet/mobilenet_v2\n"
    images = torch.rand(1, 3, 64, 64)
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 1, 3, 1, 1)
    torch.testing.assert_close(model(images), network.eval()((images - mean) / std))


@pytest.mark.parametrize("content", [b"", b"<html>log in</html>", b"PK\x03\x04 cut off"])
def test_a_damaged_file_in_torchvisions_cache_is_named(monkeypatch, tmp_path, content):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    (tmp_path / "hub/checkpoints/mobilenet_v2-b0353104.pth").write_bytes(content)
    with pytest.raises(RuntimeError, match=r"mobilenet_v2-b0353104.pth is damaged .*delete it"):
        models.load("imagenet")


def test_without_any_imagenet_network_the_error_says_where_it_looked(own_cache, offline, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match=r"no ImageNet network at hand: .*ADVCOURSE_DATA is not set.*no network"
    ):
        models.load("imagenet")


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"name is 'mnist/mlp', expected one of mnist/cnn, .*reference/.*imagenet"):
        models.load("mnist/mlp")
    with pytest.raises(ValueError, match=r"name is 'imagenet', expected a network that this project trains: mnist/cnn"):
        models.build("imagenet")
    with pytest.raises(
        ValueError, match="name is 'reference/cifar10_resnet20', expected a network that this project trains: "
    ):
        models.card("reference/cifar10_resnet20")


def test_a_reference_network_without_a_folder_says_so(own_cache):
    with pytest.raises(FileNotFoundError, match="ADVCOURSE_DATA is not set"):
        models.load("reference/cifar10_resnet20")


@pytest.mark.data
def test_a_damaged_weight_file_is_named(monkeypatch, tmp_path):
    (tmp_path / "weights").mkdir()
    file = tmp_path / "weights/cifar10_resnet20.safetensors"
    shutil.copy(f"{REAL}/weights/cifar10_resnet20.safetensors", file)
    monkeypatch.setenv("ADVCOURSE_DATA", str(tmp_path))
    models.load("reference/cifar10_resnet20")
    cut(file, 5)
    with pytest.raises(RuntimeError, match=r"cifar10_resnet20.safetensors is damaged .*delete it"):
        models.load("reference/cifar10_resnet20")


def test_weights_survive_a_round_trip_and_a_changed_byte_is_found(tmp_path):
    torch.manual_seed(1)
    model = models.build("mnist/cnn")
    with pytest.raises(FileNotFoundError, match="python -m advcourse train mnist/cnn"):
        models.load("mnist/cnn", folder=tmp_path)
    card = weights.save("mnist/cnn", model, {"seed": 1, "accuracy": 0.1}, tmp_path)
    file = tmp_path / "mnist-cnn.safetensors"
    assert card == models.card("mnist/cnn", tmp_path) and card["bytes"] == file.stat().st_size and card["seed"] == 1
    loaded = models.load("mnist/cnn", folder=tmp_path)
    images = torch.rand(2, 1, 28, 28)
    assert torch.equal(loaded(images), copy.deepcopy(model).eval()(images))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mnist-cnn.json", "mnist-cnn.safetensors"]
    file.with_suffix(".json").rename(tmp_path / "kept")
    with pytest.raises(RuntimeError, match=r"mnist-cnn.json is missing or damaged .*restore it"):
        models.load("mnist/cnn", folder=tmp_path)
    (tmp_path / "kept").rename(file.with_suffix(".json"))
    flip(file)
    with pytest.raises(RuntimeError, match=r"mnist-cnn.safetensors is damaged \(its sha256 is not the one on record"):
        models.load("mnist/cnn", folder=tmp_path)
