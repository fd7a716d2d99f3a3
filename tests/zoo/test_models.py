"""Networks: their shapes, their weights, and what is said when the weights are not to be had."""

import copy
import json
import os
import shutil
from http.client import BadStatusLine, InvalidURL
from pathlib import Path

import pytest
import torch

from advcourse import data, models
from advcourse.core.running import predict
from advcourse.zoo import weights
from advcourse.zoo._recipes import RECIPES
from advcourse.zoo._recipes_gan import GAN_RECIPES
from tests.support.files import cut, flip

REAL = os.environ.get("ADVCOURSE_DATA")
INPUTS = {"mnist": (1, 28, 28), "fashion-mnist": (1, 28, 28), "cifar10": (3, 32, 32), "gtsrb": (3, 32, 32)}


@pytest.mark.parametrize("name", weights.ARCHITECTURES)
def test_every_network_maps_its_images_to_the_classes_logits_or_to_images(name):
    torch.manual_seed(0)
    model = models.build(name)
    images = torch.rand(3, *INPUTS[(RECIPES | GAN_RECIPES)[name].data])
    logits = (3, 43 if name.startswith("gtsrb") else 10)
    if name in weights.GENERATORS:
        assert model(torch.randn(3, 100)).shape == images.shape
    else:
        assert model(images).shape == (images.shape if name in weights.DENOISERS else logits)
    assert sum(parameter.numel() for parameter in model.parameters()) * 4 < 3_000_000
    torch.manual_seed(0)
    assert torch.equal(next(models.build(name).parameters()), next(model.parameters()))


@pytest.mark.data
def test_reference_networks_reach_their_published_accuracy():
    images, labels, _ = data.load("cifar10", n=400)
    for net in ("resnet20", "resnet56"):
        accuracy = (predict(models.load(f"reference/cifar10_{net}"), images).argmax(1) == labels).float().mean()
        assert accuracy > 0.87  # 91.7 and 93.4 % on all 10,000


# Percent on all 10,000 test images, by the data folder's description and, for the errors, by the papers.
SMALL = {
    "certified_mnist": 98.20,
    "certified_mnist_0_3": 85.23,
    "certified_fashion_mnist": 78.27,
    "certified_cifar10_8px": 27.61,
    "robust_cifar10_cnn_a_adv": 69.75,
    "robust_cifar10_cnn_a_mix": 74.17,
    "robust_cifar10_conv_small_pgd": 62.92,
    "robust_cifar10_oval_base": 58.52,
    "robust_cifar10_resnet2b": 69.25,
}


@pytest.mark.data
@pytest.mark.parametrize("net", SMALL)
def test_small_robust_and_certified_networks_reach_their_stated_accuracy(net):
    """Within three standard deviations of what 1000 of the 10,000 images give."""
    stated = SMALL[net] / 100
    name = net.replace("fashion_mnist", "fashion-mnist").split("_")[1]
    images, labels, _ = data.load(name, n=1000)
    accuracy = (predict(models.load(f"reference/{net}"), images).argmax(1) == labels).double().mean().item()
    assert abs(accuracy - stated) < 3 * (stated * (1 - stated) * 0.9 / 1000) ** 0.5


@pytest.mark.data
def test_every_small_network_of_the_data_folder_can_be_loaded_and_a_changed_one_is_refused(monkeypatch, tmp_path):
    described = json.loads(Path(REAL, "weights/small_nets.json").read_text())["nets"]
    assert set(described) == set(SMALL) and {f"reference/{net}" for net in SMALL} < set(weights.REFERENCES)
    for net, facts in described.items():
        accuracy = facts.get("clean_accuracy_percent", 100 - facts.get("clean_error_percent", 0))
        assert accuracy == pytest.approx(SMALL[net])
    (tmp_path / "weights").mkdir()
    file = tmp_path / "weights/certified_mnist.safetensors"
    shutil.copy(f"{REAL}/weights/{file.name}", file)
    flip(file)
    monkeypatch.setenv("ADVCOURSE_DATA", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"certified_mnist.safetensors is damaged \(its sha256"):
        models.load("reference/certified_mnist")


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


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Torchvision's cache of networks, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    hub = tmp_path / "torch/hub/checkpoints"
    hub.mkdir(parents=True)
    return hub


@pytest.fixture
def asked(monkeypatch):
    """What every download raises, to be changed, and behind it the addresses that were asked for."""
    asked = [OSError("no network in this test")]

    def urlopen(request, *_, **__):
        asked.append(request.full_url)
        raise asked[0]

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    monkeypatch.setattr("torch.hub.urlopen", urlopen)
    return asked


NETWORKS = [("mobilenet_v2", "mobilenet_v2-b0353104.pth"), ("squeezenet1_0", "squeezenet1_0-b66bff10.pth")]


def put(net, file):
    """A network with random weights, as torchvision's own of that name."""
    import torchvision

    torch.manual_seed(0)
    network = torchvision.models.get_model(net, weights=None).eval()
    torch.save(network.state_dict(), file)
    return network


@pytest.mark.data
@pytest.mark.parametrize(("net", "file"), NETWORKS)
def test_a_network_of_the_data_folder_comes_before_a_download_and_is_said(hub, asked, capsys, net, file):
    model = models.load(f"imagenet/{net}")
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and f"imagenet/{net}" in said and f"reference/imagenet_{net}" in said
    assert "other weights" in said and len(asked) == 1
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(model(images), models.load(f"reference/imagenet_{net}")(images))


@pytest.mark.data
@pytest.mark.parametrize(("net", "file"), NETWORKS)
def test_torchvisions_cache_comes_before_the_data_folder(hub, asked, capsys, net, file):
    network = put(net, hub / file)
    model = models.load(f"imagenet/{net}")
    assert capsys.readouterr().out == "" and len(asked) == 1
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 1, 3, 1, 1)
    images = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(model(images), network((images - mean) / std))


@pytest.mark.parametrize("given", [None, "empty", "file", "~nobody-of-this-name/data"])
@pytest.mark.parametrize(("net", "file"), NETWORKS)
def test_a_download_comes_last_and_its_error_says_where_else_it_looked(
    own_cache, hub, asked, monkeypatch, tmp_path, given, net, file
):
    if given:
        (tmp_path / "empty").mkdir()
        (tmp_path / "file").touch()
        monkeypatch.setenv("ADVCOURSE_DATA", given if given[0] == "~" else str(tmp_path / given))
    with pytest.raises(FileNotFoundError) as raised:
        models.load(f"imagenet/{net}")
    looked = str(hub / file), "ADVCOURSE_DATA is not set" if given is None else f"weights/imagenet_{net}.safetensors"
    assert all(word in str(raised.value) for word in (*looked, "no network in this test"))
    assert len(asked) > 1 and all(address.endswith(file) for address in asked[1:])


@pytest.mark.data
def test_a_damaged_network_of_the_data_folder_is_named_and_not_passed_over(hub, asked, monkeypatch, tmp_path):
    (tmp_path / "weights").mkdir()
    file = tmp_path / "weights/imagenet_squeezenet1_0.safetensors"
    shutil.copy(f"{REAL}/weights/{file.name}", file)
    cut(file, 5)
    monkeypatch.setenv("ADVCOURSE_DATA", str(tmp_path))
    with pytest.raises(RuntimeError, match=f"{file.name} is damaged"):
        models.load("imagenet/squeezenet1_0")
    assert len(asked) == 1


@pytest.mark.parametrize(
    "error", [BadStatusLine("x"), InvalidURL("y"), ValueError("no url"), OverflowError("p"), RuntimeError("hash")]
)
def test_whatever_a_download_raises_it_is_no_damaged_file(own_cache, hub, asked, error):
    asked[0] = error
    with pytest.raises(FileNotFoundError, match=rf"mobilenet_v2 could not be downloaded .*{error}.*checkpoints"):
        models.load("imagenet/mobilenet_v2")
    assert list(hub.iterdir()) == []


def test_a_cache_of_networks_that_cannot_be_is_said(own_cache, asked, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    with pytest.raises(FileNotFoundError, match=r"mobilenet_v2 could not be downloaded .*file"):
        models.load("imagenet/mobilenet_v2")


def test_without_a_home_folder_nothing_is_kept_in_one_named_so(own_cache, asked, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.setattr("torch.hub.get_dir", lambda: "~/.cache/torch/hub")  # what is left where no home is known
    with pytest.raises(FileNotFoundError, match="no home folder.*TORCH_HOME"):
        models.load("imagenet/mobilenet_v2")
    assert list(tmp_path.iterdir()) == [] and len(asked) == 1


@pytest.mark.parametrize("kind", ["a folder", "another network", "a list"])
def test_what_is_no_network_in_torchvisions_cache_is_named(own_cache, hub, asked, kind):
    file = hub / "squeezenet1_0-b66bff10.pth"
    if kind == "a folder":
        file.mkdir()
    elif kind == "another network":
        put("mobilenet_v2", file)
    else:
        torch.save([1, 2], file)
    state = "cannot be read" if kind == "a folder" else "is damaged"
    with pytest.raises(RuntimeError, match=rf"squeezenet1_0-b66bff10.pth {state} .*delete it"):
        models.load("imagenet/squeezenet1_0")
    assert len(asked) == 1


def test_without_any_imagenet_network_the_error_says_where_it_looked(own_cache, offline, hub):
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
