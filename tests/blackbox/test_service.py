"""The prediction service, asked without its client: what it answers, bills and refuses, and that it cannot be upset."""

import os
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from itertools import count

import httpx
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from advcourse import __main__ as cli
from advcourse import blackbox
from advcourse.blackbox import _service
from advcourse.blackbox._desk import Desk
from advcourse.blackbox._ledger import Refused
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.served import KEY, oracle, served

OTHER = "another-key-of-the-tests"
SHAPE = (2, 8, 6)
FLOAT = torch.float64
fresh = count()


def body(x=None, rows=None, **more):
    given = {"x": x, "rows": rows, **more}
    return save({name: tensor for name, tensor in given.items() if tensor is not None})


def images(n=2, dtype=FLOAT):
    return scene()[1][:n].to(dtype)


def rows(*places):
    return torch.tensor(places)


class Asking:
    """Requests with the right headers, unless told otherwise."""

    def __init__(self, url):
        self.url, self.client = url, httpx.Client(base_url=url, trust_env=False, timeout=20)

    def __call__(self, path="predict", content=None, call=None, key=KEY, **headers):
        content = body(images(), rows(0, 1)) if content is None else content
        named = {"Authorization": f"Bearer {key}", "Idempotency-Key": call or f"tests/{next(fresh)}"}
        return self.client.post(f"/v1/{path}", content=content, headers={**named, **headers})

    def used(self, *places, key=KEY, session="tests"):
        reply = load(self(f"left?session={session}", body(rows=rows(*places)), key=key).content)
        return reply["used"].tolist(), reply["own"].tolist()


@pytest.fixture(scope="module")
def asking(tmp_path_factory):
    """A service that nothing of a test's own is billed to: everything that it is asked here is refused."""
    folder = tmp_path_factory.mktemp("state")
    with served(scene()[0], folder, largest=2**14, shape=SHAPE, budget=5, keys=[KEY, OTHER]) as url:
        yield Asking(url)


@pytest.fixture
def own(tmp_path):
    """Makes a service with those options, and what asks it."""
    with ExitStack() as stack:
        yield lambda model=None, **options: Asking(
            stack.enter_context(served(scene()[0] if model is None else model, tmp_path, **options))
        )


# -- answers and accounts


def test_it_says_what_a_client_has_to_know(asking):
    told = asking.client.get("/v1/about", headers={"Authorization": f"Bearer {KEY}"}).json()
    assert told == {
        "version": 1,
        "reveals": "logits",
        "k": None,
        "budget": 5,
        "rate": None,
        "shape": list(SHAPE),
        "classes": 4,
        "largest": 2**14,
    }


def test_a_call_is_answered_as_by_an_oracle_and_billed_by_row_and_key(own):
    asking = own(budget=3, keys=[KEY, OTHER])
    x = images(4)
    reply = asking(content=body(x, rows(7, 2, 7, 0)))
    assert reply.status_code == 200
    assert torch.equal(load(reply.content)["answers"], blackbox.Oracle(scene()[0])(x))
    assert asking.used(0, 1, 2, 7) == ([1, 0, 1, 2], [1, 0, 1, 2])
    assert asking.used(0, 1, 2, 7, session="another") == ([1, 0, 1, 2], [0, 0, 0, 0])
    assert asking.used(0, 1, 2, 7, key=OTHER) == ([0, 0, 0, 0], [0, 0, 0, 0])


def test_a_call_that_overruns_one_row_is_refused_whole_and_the_model_does_not_see_it(own):
    model, seen = scene()[0], []
    asking = own(model, budget=2)
    asking(content=body(images(1), rows(4)))
    model.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    reply = asking(content=body(images(4), rows(0, 4, 1, 4)))
    assert reply.status_code == 402
    assert reply.json() == {"detail": "image 4 has 1 queries left of 2, and 2 were asked for"}
    assert asking.used(0, 1, 4)[0] == [0, 0, 1] and seen == []


def test_the_same_call_again_gets_the_same_answer_and_is_billed_once(own):
    model, seen = scene()[0], []
    asking = own(model)
    model.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    first, again = (asking(call="run/0") for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.content == again.content and seen == [2]
    assert asking.used(0, 1)[0] == [1, 1]
    assert asking(call="run/1").content == first.content and asking(call="walk/0").content == first.content
    assert asking(call="run/0", key=KEY).content == first.content
    assert asking.used(0, 1)[0] == [3, 3]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("predict", lambda: body(images() / 2, rows(0, 1))),
        ("predict", lambda: body(images(), rows(1, 0))),
        ("reserve", lambda: body(rows=rows(0, 1))),
    ],
)
def test_another_content_under_the_name_of_a_call_is_refused(own, path, content):
    asking = own()
    asking(call="run/0")
    reply = asking(path, content(), call="run/0")
    assert reply.status_code == 409 and "run/0 was made before, with other content" in reply.json()["detail"]
    assert asking.used(0, 1)[0] == [1, 1]


def test_parts_are_paid_by_their_reservation_and_by_nothing_else(own):
    asking = own(budget=2)
    whole, x = body(rows=rows(0, 0, 1)), images(1)
    assert asking("predict", body(x, rows(0)), call="run/0.0").status_code == 402
    assert asking("reserve", whole, call="run/0").status_code == 200
    assert asking("reserve", whole, call="run/0").status_code == 200
    assert asking.used(0, 1)[0] == [2, 1]
    assert asking("predict", body(x, rows(1)), call="run/0.0").status_code == 200
    assert asking("predict", body(x, rows(1)), call="run/0.0").status_code == 200
    assert asking("predict", body(x, rows(1)), call="run/0.1").status_code == 402
    assert asking("predict", body(images(2), rows(0, 0)), call="run/0.1").status_code == 200
    assert asking("predict", body(x, rows(0)), call="run/0.2").status_code == 402
    assert asking.used(0, 1)[0] == [2, 1]
    assert asking("reserve", body(rows=rows(1, 1)), call="run/1").status_code == 402
    assert asking.used(0, 1)[0] == [2, 1]


def test_a_call_that_the_model_fails_at_is_billed_and_says_little(own):
    asking, content = own(), body(torch.rand(1, 5, 8, 6, dtype=FLOAT), rows(3))
    for _ in range(2):
        reply = asking(content=content, call="run/0")
        assert reply.status_code == 424
        assert reply.json() == {"detail": "the model behind the oracle raised RuntimeError"}
    assert asking.used(3)[0] == [1]


def test_the_model_is_asked_in_its_precision_and_left_in_its_mode(own):
    model = scene(dtype=torch.float32)[0].train()
    asking = own(model)
    answers = [load(asking(content=body(images(dtype=kind), rows(0, 1))).content)["answers"] for kind in (FLOAT, FLOAT)]
    assert model.training and answers[0].dtype == torch.float32
    assert torch.equal(answers[0], blackbox.Oracle(model.eval())(images(dtype=torch.float32)))


def test_a_rate_makes_a_key_wait_and_says_for_how_long(own):
    asking = own(rate=2.0, keys=[KEY, OTHER])
    assert asking(content=body(images(6), torch.arange(6)), call="run/0").status_code == 200
    reply = asking(call="run/1")
    assert reply.status_code == 429 and reply.headers["retry-after"] == "2"
    assert asking(key=OTHER).status_code == 200
    assert asking.used(0, key=OTHER)[0] == [1]


# -- refusals


def header(tensors: str, data: bytes = b"") -> bytes:
    return len(tensors).to_bytes(8, "little") + tensors.encode() + data


def described(dtype="F64", shape="[1,2,8,6]", end=768, data=768):
    x = f'"x":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}'
    return header(f'{{{x},"rows":{{"dtype":"I64","shape":[1],"data_offsets":[{end},{end + 8}]}}}}', bytes(data + 8))


BAD_BODIES = {
    "nothing": lambda: b"",
    "noise": lambda: bytes(range(256)),
    "a pickle": lambda: b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    "json": lambda: b'{"x": [[0]]}',
    "a header longer than the body": lambda: (2**40).to_bytes(8, "little") + b"{}",
    "a header that nests": lambda: header("[" * 9000),
    "a shape that does not fit": lambda: described(shape="[1,2,8,7]"),
    "a shape that overflows": lambda: described(shape=f"[{2**62},{2**62},8,6]"),
    "a negative shape": lambda: described(shape="[-1,2,8,6]"),
    "data cut short": lambda: described(data=700),
    "an unknown dtype": lambda: described(dtype="F63"),
    "float8": lambda: described(dtype="F8_E4M3", end=96, data=96),
    "whole numbers": lambda: body(torch.zeros(1, *SHAPE, dtype=torch.int64), rows(0)),
    "no rows": lambda: body(images()),
    "no images": lambda: body(rows=rows(0, 1)),
    "a tensor more": lambda: body(images(), rows(0, 1), z=rows(1)),
    "an image without a batch": lambda: body(images()[0], rows(0, 1)),
    "no image at all": lambda: body(images(0), rows()),
    "an image without pixels": lambda: body(torch.zeros(1, 2, 0, 6, dtype=FLOAT), rows(0)),
    "another shape": lambda: body(torch.zeros(2, 2, 6, 8, dtype=FLOAT), rows(0, 1)),
    "NaN": lambda: body(images().fill_(torch.nan), rows(0, 1)),
    "infinity": lambda: body(images().fill_(torch.inf), rows(0, 1)),
    "too few rows": lambda: body(images(), rows(0)),
    "rows of another dtype": lambda: body(images(), rows(0, 1).int()),
    "rows in two dimensions": lambda: body(images(), rows(0, 1)[None]),
    "a negative row": lambda: body(images(), rows(0, -1)),
    "a row too far": lambda: body(images(), rows(0, 2**62)),
}


def untouched(asking):
    return asking.used(0, 1)[0] == [0, 0]


@pytest.mark.parametrize("bad", BAD_BODIES)
def test_a_bad_body_is_refused_in_words_and_costs_nothing(asking, bad):
    reply = asking(content=BAD_BODIES[bad]())
    assert reply.status_code == 422 and list(reply.json()) == ["detail"] and "expected" in reply.json()["detail"]
    assert len(reply.text) < 300 and "Traceback" not in reply.text and ".py" not in reply.text
    assert untouched(asking)


def test_what_overflows_in_the_precision_of_the_model_is_refused(own):
    reply = own(scene(dtype=torch.float32)[0])(content=body(images() + 1e300, rows(0, 1)))
    assert reply.status_code == 422 and "infinity" in reply.json()["detail"]


@pytest.mark.parametrize("path", ["reserve", "left"])
@pytest.mark.parametrize("content", [b"", body(rows=torch.zeros(2)), body(rows=rows(-1)), body(rows=rows())])
def test_bad_accounts_are_refused(asking, path, content):
    assert asking(path, content).status_code == 422
    assert untouched(asking)


@pytest.mark.parametrize(
    "call",
    ["", "run", "run/", "/1", "run/one", "run/-1", "run/1.", "run/1.x", "../run/1", "r" * 65 + "/1", "run/" + "1" * 13],
)
def test_a_bad_name_of_a_call_is_refused(asking, call):
    reply = asking(**{"Idempotency-Key": call})
    assert reply.status_code == 400 and "SESSION/NUMBER" in reply.json()["detail"]
    assert untouched(asking)


def test_a_reservation_of_a_part_and_a_bad_session_are_refused(asking):
    assert asking("reserve", body(rows=rows(0)), call="run/1.2").status_code == 400
    assert asking("left?session=a%20b", body(rows=rows(0))).status_code == 400


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", "Bearer ÿ", f"Basic {KEY}"]
)
def test_who_has_no_key_is_told_nothing(asking, authorization):
    for path in ("about", "predict", "reserve", "left"):
        reply = asking.client.request(
            "GET" if path == "about" else "POST",
            f"/v1/{path}",
            headers={"Authorization": authorization.encode("latin-1")},
            content=b"" if path == "about" else body(rows=rows(0)),
        )
        assert reply.status_code == 401 and reply.json() == {"detail": "the key is missing or not known"}


def test_other_addresses_and_methods_are_refused(asking):
    assert {asking.client.get(path).status_code for path in ("/", "/docs", "/openapi.json", "/v1", "/v2/about")} == {
        404
    }
    assert asking.client.get("/v1/predict").status_code == 405


def spoken(url: str, *parts: bytes, wait: float = 5.0) -> bytes:
    """What a service says to those bytes."""
    host, port = url.removeprefix("http://").split(":")
    heard = b""
    with socket.create_connection((host, int(port)), timeout=wait) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            while more := connection.recv(2**16):
                heard += more
        except OSError:
            pass
    return heard


def start(*headers: str) -> bytes:
    lines = ("POST /v1/predict HTTP/1.1", "host: x", f"authorization: Bearer {KEY}", "idempotency-key: raw/0", *headers)
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(size: int) -> bytes:
    return f"{size:x}\r\n".encode() + bytes(size) + b"\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        [start(f"content-length: {2**40}")],
        [start(f"content-length: {2**14 + 1}"), bytes(2**14 + 1)],
        [start("transfer-encoding: chunked"), *[chunk(2**12)] * 5],
        [start("transfer-encoding: chunked"), *[chunk(2**12)] * 5, b"0\r\n\r\n"],
    ],
    ids=["said", "said and sent", "an endless stream", "a stream that ends"],
)
def test_a_body_that_is_too_large_is_refused_while_it_comes(asking, parts):
    assert spoken(asking.url, *parts).startswith(b"HTTP/1.1 413 ")
    assert untouched(asking)


@pytest.mark.parametrize(
    "parts",
    [
        [start("content-length: x"), b"x"],
        [start("content-length: -1")],
        [start("content-length: 4", "content-length: 5"), b"12345"],
        [start("content-length: " + "9" * 5000)],
        [start("transfer-encoding: chunked"), b"zz\r\n"],
        [b"\0\1\2\3\r\n\r\n"],
        [b"GET /" + b"a" * 2**17 + b" HTTP/1.1\r\n\r\n"],
    ],
    ids=["no number", "negative", "two lengths", "astronomic", "no chunk", "not HTTP", "a long line"],
)
def test_what_is_not_http_is_refused(asking, parts):
    heard = spoken(asking.url, *parts)
    assert re.match(rb"HTTP/1.1 4\d\d ", heard) and b"Traceback" not in heard
    assert untouched(asking)


def test_a_length_that_lies_is_refused_once_the_body_is_late(asking, monkeypatch):
    monkeypatch.setattr(_service, "BODY_SECONDS", 0.2)
    whole = body(images(), rows(0, 1))
    assert spoken(asking.url, start(f"content-length: {len(whole) + 1}"), whole).startswith(b"HTTP/1.1 408 ")
    monkeypatch.undo()
    heard = spoken(asking.url, start(f"content-length: {len(whole) - 8}"), whole)
    assert heard.startswith(b"HTTP/1.1 422 ") and heard.count(b"HTTP/1.1 ") == heard.count(b"HTTP/1.1 4")
    assert untouched(asking)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    made = Desk(
        scene()[0], keys=[KEY], state=tmp_path_factory.mktemp("desk") / "s", reveals="label", k=None, budget=None,
        rate=None, batch_size=None, shape=None,
    )  # fmt: skip
    yield made
    made.ledger.close()


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_mutation_of_a_body_does_more_than_be_refused(desk, data):
    content = bytearray(body(images(1), rows(0)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, 200) | st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    for ask in (desk.predict, desk.reserve):
        try:
            status = ask(KEY, f"fuzz/{next(fresh)}", bytes(content)).status
        except Refused as refusal:
            status = refusal.status
        assert status == 200 or 400 <= status < 500


def test_a_state_that_cannot_be_written_and_a_fault_are_told_without_a_traceback(own, monkeypatch):
    asking = own()
    for error, status in ((sqlite3.OperationalError("disk is full at /here"), 503), (KeyError("secret"), 500)):

        def fails(*given, error=error):
            raise error

        monkeypatch.setattr("advcourse.blackbox._ledger.Ledger.settle", fails)
        reply = asking()
        assert reply.status_code == status and list(reply.json()) == ["detail"]
        assert not any(word in reply.text for word in ("Traceback", "secret", "here", ".py"))
        assert ("retry-after" in reply.headers) == (status == 503)


# -- many at once, and after a stop


def test_a_thousand_queries_of_twenty_clients_are_all_answered_or_refused(tmp_path):
    model, x, _ = scene()
    seen, told = Counter(), []

    def client(number):
        with httpx.Client(base_url=urls[number % 2], trust_env=False, timeout=60) as link:
            for turn in range(50):
                content = body(x[:1], rows((number + turn) % 10))
                named = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": f"client-{number}/{turn}"}
                told.append(link.post("/v1/predict", content=content, headers=named).status_code)

    with served(model, tmp_path, budget=95) as url, served(model, tmp_path, budget=95) as second:
        urls = url, second  # two services with the same accounts
        model.register_forward_pre_hook(lambda module, given: seen.update(images=len(given[0])))
        clients = [threading.Thread(target=client, args=(number,)) for number in range(20)]
        for each in clients:
            each.start()
        for each in clients:
            each.join()
        used, _ = Asking(url).used(*range(10))
    answered = Counter(told)
    assert answered == {200: 950, 402: 50}
    assert used == [95] * 10 and seen["images"] == 950


def test_a_model_that_thinks_does_not_keep_others_from_their_accounts(own):
    thinking, thought = threading.Event(), threading.Event()

    def think(module, given):
        thinking.set()
        assert thought.wait(20)

    model = scene()[0]
    asking = own(model)
    hook = model.register_forward_pre_hook(think)
    slow = threading.Thread(target=Asking(asking.url))
    slow.start()
    assert thinking.wait(20)
    assert asking.used(0, 1)[0] == [0, 0]
    thought.set()
    slow.join()
    hook.remove()
    assert asking.used(0, 1)[0] == [1, 1]


def test_accounts_and_answers_outlive_the_service(tmp_path):
    with served(scene()[0], tmp_path, budget=2) as url:
        first = Asking(url)(call="run/0").content
    with served(scene(channels=3)[0], tmp_path, budget=2) as url:  # which could not answer this anew
        asking = Asking(url)
        assert asking(call="run/0").content == first and asking.used(0, 1)[0] == [1, 1]
    with refused(r"state is a file kept for reveals='logits', k=None, expected one for reveals='label'"):
        served(scene()[0], tmp_path, reveals="label").__enter__()


def test_two_services_may_share_the_accounts(tmp_path):
    with served(scene()[0], tmp_path, budget=2) as one, served(scene()[0], tmp_path, budget=2) as two:
        assert Asking(one)(call="run/0").content == Asking(two)(call="run/0").content
        assert Asking(two)(call="run/1").status_code == 200
        assert Asking(one)(call="run/2").status_code == 402


# -- how it is started


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keys": []}, "keys holds none"),
        ({"keys": KEY}, "keys holds none, or one of another form"),
        ({"keys": ["short"]}, "keys holds"),
        ({"keys": ["has a space in it"]}, "keys holds"),
        ({"rate": 0}, "rate is 0"),
        ({"largest": 10}, "largest is 10"),
        ({"budget": -1}, "budget is -1"),
        ({"reveals": "all"}, "reveals is 'all'"),
        ({"reveals": "top_k"}, "k is None"),
        ({"reveals": "top_k", "k": 5, "shape": SHAPE}, "k is 5, expected at most 4"),
        ({"shape": (8, 6)}, "shape is (8, 6), expected (C, H, W)"),
        ({"shape": (3, 8, 6)}, "shape is (3, 8, 6), expected one that the model takes"),
    ],
)
def test_bad_options_are_refused(tmp_path, options, message):
    with refused(re.escape(message)):
        blackbox.application(scene()[0], **{"keys": [KEY], "state": tmp_path / "s", **options})


def test_a_file_that_is_something_else_is_not_taken_for_the_state(tmp_path):
    (tmp_path / "state.sqlite").write_bytes(b"a letter of mine" * 100)
    with refused("state is .*expected a file of this service, or a new one"):
        served(scene()[0], tmp_path).__enter__()
    assert (tmp_path / "state.sqlite").read_bytes() == b"a letter of mine" * 100


LIGHT_AND_THEN = """
import sys, advcourse.blackbox
assert not {"fastapi", "starlette", "uvicorn", "httpx", "sqlite3"} & set(sys.modules)
from advcourse.__main__ import main
sys.exit(main())
"""


def test_from_the_shell_it_prints_where_it_is_and_the_key_that_it_drew(tmp_path):
    options = "serve mnist/cnn --port 0 --budget 3 --device cpu --reveals top_k --k 2 --shape 1 28 28".split()
    command = [sys.executable, "-c", LIGHT_AND_THEN, *options]
    place = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=place) as service:
        try:
            where, key = service.stdout.readline().split()[-1], service.stdout.readline().split()[-1]
            asked = oracle(where, key=key)
            assert (asked.reveals, asked.k, asked.budget) == ("top_k", 2, 3)
            assert asked(torch.rand(1, 1, 28, 28)).classes.shape == (1, 2)
            assert key not in repr(asked)
        finally:
            service.terminate()
        assert "Traceback" not in service.communicate(timeout=20)[1]
    assert not list(tmp_path.glob("advcourse-*/state*"))


def test_a_key_that_it_drew_can_be_given_to_the_command_whatever_it_drew(monkeypatch, capsys):
    monkeypatch.setattr("uvicorn.Server.run", lambda *given, **options: None)
    monkeypatch.setattr(secrets, "token_bytes", lambda count=None: b"\xf8" * (count or 32))  # in base64 a dash leads
    command = ["serve", "mnist/cnn", "--device", "cpu", "--port", "0"]
    assert cli.main(command) == 0
    key = capsys.readouterr().out.split()[-1]
    assert cli.main([*command, "--key", key]) == 0


@pytest.mark.parametrize("absent", ["fastapi", "uvicorn"])
def test_without_the_extra_one_line_says_what_to_install(monkeypatch, capsys, absent):
    monkeypatch.setitem(sys.modules, absent, None)
    assert cli.main(["serve", "mnist/cnn", "--device", "cpu"]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and "pip install 'advcourse[serve]'" in told.err and not told.out


def test_a_port_that_is_taken_is_an_error(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert cli.main(["serve", "mnist/cnn", "--device", "cpu", "--port", str(taken.getsockname()[1])]) == 2
    assert capsys.readouterr().err.startswith("error: ")
