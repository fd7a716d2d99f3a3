"""Downloads that fail: one line and a stand-in, whatever is raised; and an outage ends in the same process."""

import http.client
import os
import socket
import tempfile
import threading

import pytest

from advcourse import data
from tests.data.checks import fails, is_whole


def test_an_outage_ends_in_the_same_process(server, clock, capsys):
    server.fault = OSError("no network in this test")
    fails("mnist", "test", capsys)
    tried = len(server.asked)
    assert tried
    server.fault = None
    clock[0] += 59
    fails("mnist", "test", capsys, "no network in this test")
    assert len(server.asked) == tried  # not yet tried again: a silent server costs its patience
    clock[0] += 2
    is_whole("mnist", "test")


def test_the_minute_begins_when_the_try_has_ended(server, clock, capsys, monkeypatch):
    def silent(*_, **__):
        clock[0] += 40
        tries.append(clock[0])
        raise TimeoutError("timed out")

    tries = []
    monkeypatch.setattr("torchvision.datasets.CIFAR10", silent)
    fails("cifar10", "test", capsys, "timed out")
    clock[0] += 50
    fails("cifar10", "test", capsys)
    assert len(tries) == 1
    clock[0] += 11
    fails("cifar10", "test", capsys)
    assert len(tries) == 2


def test_another_cache_is_tried_at_once(server, clock, monkeypatch, tmp_path):
    server.fault = OSError("no network in this test")
    data.load("mnist")
    server.fault = None
    monkeypatch.setenv("ADVCOURSE_CACHE", str(tmp_path / "another"))
    is_whole("mnist", "test")


# -- failures that are no OSError


@pytest.fixture
def no_http():
    """The port of a server that answers in no known tongue."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1024)
                    connection.sendall(b"SSH-2.0-none\r\n")

        threading.Thread(target=answer, daemon=True).start()
        yield listening.getsockname()[1]


PROXIES = ["http://127.0.0.1:port", "http://127.0.0.1:99999", "http://[::1", "http://", "socks9://x", "http://a..b:1"]


@pytest.fixture
def proxied(own_cache, monkeypatch, clock):
    """A way to send every connection through a proxy."""

    def through(address):
        for variable in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
            monkeypatch.delenv(variable, raising=False)
        for variable in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(variable, address)
        monkeypatch.setattr("urllib.request._opener", None)  # built once, with the proxies of that time

    return through


@pytest.mark.parametrize("name", ["mnist", "cifar10", "gtsrb"])
@pytest.mark.parametrize("address", PROXIES)
def test_a_proxy_whose_address_is_none(proxied, capsys, name, address):
    proxied(address)
    fails(name, "test", capsys, "download failed")


@pytest.mark.parametrize("name", ["mnist", "cifar10", "gtsrb"])
def test_a_proxy_that_does_not_speak_http(proxied, no_http, capsys, name):
    proxied(f"http://127.0.0.1:{no_http}")
    fails(name, "test", capsys, "download failed")


@pytest.mark.parametrize(
    "error",
    [http.client.BadStatusLine("x"), http.client.InvalidURL("y"), ValueError("z"), OverflowError("p"), KeyError("k")],
)
def test_whatever_a_download_raises_is_a_failed_download(server, capsys, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("torchvision.datasets.CIFAR10", fail)
    fails("cifar10", "test", capsys, type(error).__name__)
    monkeypatch.setenv("ADVCOURSE_CACHE", tempfile.mkdtemp(dir=os.environ["ADVCOURSE_CACHE"]))
    with pytest.raises(data.Missing) as raised:  # and the first cause stays to be read
        data.load("cifar10", stand_in=False)
    causes, cause = [], raised.value
    while cause is not None:
        causes.append(cause)
        cause = cause.__cause__
    assert error in causes


def test_with_a_folder_given_a_failed_download_is_an_error(proxied, monkeypatch, tmp_path):
    monkeypatch.setenv("ADVCOURSE_DATA", str(tmp_path))
    proxied("http://127.0.0.1:port")
    with pytest.raises(data.Missing, match=f"mnist is not in {tmp_path} or .*download failed"):
        data.load("mnist")
