"""An oracle across the network: the same as one here, whatever breaks, and unimpressed by a hostile service."""

import asyncio
import gc
import json
import os
import signal
import sys
import threading
import time

import pytest
import torch
from safetensors.torch import save

from advcourse import blackbox
from advcourse.blackbox import _sending
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.served import (
    KEY,
    attack,
    attacking,
    free_port,
    oracle,
    process,
    response,
    served,
    serving,
    stranger,
)

ABOUT = {"version": 1, "reveals": "logits", "k": None, "budget": 50, "rate": None, "classes": 4, "largest": 2**16}
SETTINGS = [{"reveals": "logits"}, {"reveals": "probabilities"}, {"reveals": "top_k", "k": 3}, {"reveals": "label"}]
ROWS = torch.arange(6)


def parts(answers):
    return answers if isinstance(answers, blackbox.TopK) else (answers,)


def same(one, other):
    return type(one) is type(other) and all(
        torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(parts(one), parts(other), strict=True)
    )


# -- the same as an oracle here


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting["reveals"])
def test_answers_and_accounts_are_those_of_an_oracle_here(tmp_path, setting, dtype):
    model, images, _ = scene(dtype=dtype)
    here = blackbox.Oracle(model, budget=3, **setting)
    with served(model, tmp_path, budget=3, **setting) as url:
        there = oracle(url)
        assert isinstance(there, blackbox.Asked)
        assert (there.reveals, there.k, there.budget) == (here.reveals, here.k, here.budget)
        for places in (None, torch.tensor([2, 2, 0, 5, 1, 1])):
            assert same(there(images, places), here(images, places))
        assert torch.equal(there.queries(ROWS), here.queries(ROWS))
        assert torch.equal(there.left(ROWS), here.left(ROWS))
        messages = []
        for asked in (here, there):
            with pytest.raises(blackbox.QueryBudgetExceeded) as refusal:
                asked(images, torch.tensor([0, 3, 3, 3, 4, 4]))
            messages.append(str(refusal.value))
        assert messages[0] == messages[1]
        assert torch.equal(there.queries(ROWS), here.queries(ROWS)) and torch.equal(there.left(ROWS), here.left(ROWS))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting["reveals"])
def test_answers_come_in_the_precision_of_the_images(tmp_path, setting):
    model, images, _ = scene()
    with served(model, tmp_path, **setting) as url:
        for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            shown = images.to(dtype)
            for ours, theirs in zip(
                parts(oracle(url)(shown)), parts(blackbox.Oracle(model, **setting)(shown.double())), strict=True
            ):
                expected = dtype if theirs.is_floating_point() else torch.int64
                assert ours.dtype == expected and torch.equal(ours, theirs.to(expected))


def test_without_a_budget_there_is_no_end_and_nothing_is_asked_about_it(tmp_path):
    with served(scene()[0], tmp_path) as url:
        there = oracle(url)
    assert there.left(ROWS).tolist() == [2**63 - 1] * 6
    assert there.queries(ROWS[:0]).tolist() == []


@pytest.mark.parametrize("budget", [None, 47])
def test_nes_finds_the_same_for_the_same_queries(tmp_path, budget):
    model, images, labels = scene()
    here = blackbox.Oracle(model, budget=budget)
    settings = {"eps": 0.2, "samples": 10, "sigma": 0.01, "queries": 80}
    with served(model, tmp_path, budget=budget) as url:
        there = oracle(url)
        found = blackbox.nes(there, images, labels, **settings)
        assert torch.equal(found, blackbox.nes(here, images, labels, **settings))
        assert torch.equal(there.queries(ROWS), here.queries(ROWS))
    assert 1 < here.queries().unique().numel()


@pytest.mark.parametrize("limits", [{"largest": 2**12}, {"rate": 0.5}], ids=["size", "rate"])
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting["reveals"])
def test_a_call_too_large_for_one_request_is_still_one(tmp_path, monkeypatch, setting, limits):
    model, images, _ = scene(8)
    monkeypatch.setattr("advcourse.blackbox._desk.BURST_SECONDS", 1e9)  # the split, without the wait
    sent, send = [], _sending.Sender.send
    monkeypatch.setattr(_sending.Sender, "send", lambda *given: sent.append(given[1]) or send(*given))
    here = blackbox.Oracle(model, budget=3, **setting)
    with served(model, tmp_path, budget=3, **setting, **limits) as url:
        there = oracle(url)
        places = torch.tensor([0, 1, 2, 0, 1, 0, 3, 4])
        for ours, theirs in zip(parts(there(images, places)), parts(here(images, places)), strict=True):
            torch.testing.assert_close(ours, theirs)
        assert sent.count("reserve") == 1 and sent.count("predict") > 1
        with pytest.raises(blackbox.QueryBudgetExceeded, match="image 0 has 0 queries left of 3"):
            there(images, torch.tensor([5, 5, 5, 4, 4, 1, 1, 0]))
        assert torch.equal(there.queries(ROWS), here.queries(ROWS))
        assert torch.equal(there.left(ROWS), here.left(ROWS))


def test_an_image_that_no_request_can_carry_is_named(tmp_path):
    with served(scene()[0], tmp_path, largest=2**12) as url:
        with pytest.raises(blackbox.OracleError, match="an image takes 4104 bytes, and .* takes at most 4096"):
            oracle(url)(torch.rand(1, 2, 16, 16, dtype=torch.float64))


def test_bad_calls_are_refused_as_by_an_oracle(tmp_path):
    images = scene()[1]
    with served(scene()[0], tmp_path) as url:
        there = oracle(url)
        for bad, places in ((images[0], None), (images / 0, None), (images, ROWS[:2]), (images, ROWS - 1)):
            messages = []
            for asked in (there, blackbox.Oracle(scene()[0])):
                with pytest.raises(ValueError) as refusal:
                    asked(bad, places)
                messages.append(str(refusal.value))
            assert messages[0] == messages[1]
        assert there.queries(ROWS).sum() == 0


def test_a_model_that_fails_is_an_error_and_billed(tmp_path):
    with served(scene()[0], tmp_path, budget=2) as url:
        there = oracle(url)
        with pytest.raises(blackbox.OracleError, match="the model behind .* failed: .* raised RuntimeError"):
            there(torch.rand(1, 5, 8, 6, dtype=torch.float64))
        assert there.left(ROWS[:2]).tolist() == [1, 2] and there.queries(ROWS[:2]).tolist() == [1, 0]


def test_it_can_be_asked_inside_a_running_event_loop(tmp_path):
    async def cell():
        return oracle(url)(images)

    model, images, _ = scene()
    with served(model, tmp_path) as url:
        assert torch.equal(asyncio.run(cell()), blackbox.Oracle(model)(images))


# -- sessions


def test_a_session_begun_again_is_answered_again_and_pays_for_what_is_new(tmp_path):
    model, images, _ = scene(2)
    seen = []
    with served(model, tmp_path, budget=4) as url:
        model.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
        first = oracle(url, session="run")
        answers = [first(images), first(images / 2)]
        oracle(url)(images[:1])  # another's, in between
        assert first.left(ROWS[:2]).tolist() == [1, 2] and seen == [2, 2, 1]
        again = oracle(url, session="run")
        left = [again.left(ROWS[:2]).tolist()]
        for before, x in zip(answers, (images, images / 2), strict=True):
            assert torch.equal(again(x), before)
            left.append(again.left(ROWS[:2]).tolist())
        assert left == [[3, 4], [2, 3], [1, 2]] and seen == [2, 2, 1]
        assert again.queries(ROWS[:2]).tolist() == [3, 2]
        again(images)
        assert again.left(ROWS[:2]).tolist() == [0, 1] and again.queries(ROWS[:2]).tolist() == [4, 3]
        with pytest.raises(blackbox.QueryBudgetExceeded):
            again(images)
        assert again.left(ROWS[:2]).tolist() == [0, 1]


def test_a_session_that_asks_something_else_is_refused_and_goes_on(tmp_path):
    model, images, _ = scene(2)
    with served(model, tmp_path, budget=4) as url:
        oracle(url, session="run")(images)
        other = oracle(url, session="run")
        with pytest.raises(blackbox.OracleError, match="session 'run' cannot go on: call run/0 was made before"):
            other(images / 2)
        assert other.queries(ROWS[:2]).tolist() == [1, 1]
        assert oracle(url).session != oracle(url).session


def whole():
    """The attack undisturbed, on an oracle here: what it finds, and what it costs."""
    here = blackbox.Oracle(scene()[0], budget=BUDGET)
    return attack(here), here.queries(ROWS)


BUDGET = 100


@pytest.mark.parametrize("dies", ["the model runs", "the reply is kept"])
def test_an_attack_outlives_the_death_of_its_service(tmp_path, dies):
    port, state = free_port(), str(tmp_path / "state.sqlite")
    deaths = []

    def keep_alive():
        with process(serving, port, state, BUDGET, dies, 7) as service:
            service.join()
            deaths.append(service.exitcode)
        with process(serving, port, state, BUDGET, None, 0):
            over.wait(60)

    over = threading.Event()
    keeper = threading.Thread(target=keep_alive)
    keeper.start()
    try:
        there = oracle(f"http://127.0.0.1:{port}", retries=8)
        found = attack(there)
        expected, queries = whole()
        assert deaths == [-9]
        assert torch.equal(found, expected) and torch.equal(there.queries(ROWS), queries)
    finally:
        over.set()
        keeper.join()


@pytest.mark.parametrize("largest", [2**24, 2**13], ids=["calls", "parts of calls"])
def test_an_attack_that_was_killed_goes_on_in_its_session_and_pays_nothing_twice(tmp_path, largest):
    model = scene()[0]
    seen = []
    with served(model, tmp_path, budget=BUDGET, largest=largest) as url:
        model.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
        with process(attacking, url, "run", 9) as attacker:
            attacker.join(60)
            assert attacker.exitcode == -9
        there = oracle(url, session="run")
        before = int(there.queries(ROWS).sum())
        found = attack(there)
        expected, queries = whole()
        torch.testing.assert_close(found, expected) if largest == 2**13 else None
        assert largest == 2**13 or torch.equal(found, expected)
        assert torch.equal(there.queries(ROWS), queries) and sum(seen) == queries.sum()
        assert 0 < before < queries.sum()


# -- what breaks on the way


def counted(*replies):
    """Those replies to calls, one after another, the last for good; and the description at once."""
    given = iter(replies[:-1])
    told = []

    def reply(path):
        if path == "/v1/about":
            return response(json.dumps(ABOUT).encode())
        told.append(time.monotonic())
        return next(given, replies[-1])

    return reply, told


GOOD = response(save({"answers": torch.zeros(6, 4)}))


@pytest.mark.parametrize(
    ("bad", "pause"),
    [
        (response(b"", 503), 0.1),
        (response(b"", 502), 0.1),
        (response(b"", 429, "retry-after: 1"), 1.0),
        (b"", 0.1),
        (GOOD[:60], 0.1),
        (GOOD[:-5], 0.1),
        (b"SSH-2.0-OpenSSH_9.2\r\n", 0.1),
    ],
    ids=["503", "502", "429", "hung up", "cut in the headers", "cut in the body", "another protocol"],
)
def test_what_fails_for_a_time_is_asked_again(bad, pause):
    reply, told = counted(bad, GOOD)
    with stranger(reply) as url:
        assert torch.equal(oracle(url, retries=1)(scene()[1]), torch.zeros(6, 4, dtype=torch.float64))
    assert len(told) == 2 and told[1] - told[0] >= pause


def slowly():
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        time.sleep(0.05)
        yield b"x: y\r\n"


def dripping():
    yield b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n"
    while True:
        time.sleep(0.05)
        yield b"x"


def endless():
    yield b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    while True:
        yield b"10000\r\n" + bytes(2**16) + b"\r\n"


def silent():
    time.sleep(2)
    yield b""


def answers(**tensors):
    return response(save(tensors))


FAILURES = {
    "slow headers": (lambda: slowly(), "no whole answer within 0.3 s"),
    "a slow body": (lambda: dripping(), "no whole answer within 0.3 s"),
    "silence": (lambda: silent(), "no whole answer within 0.3 s"),
    "an endless body": (lambda: endless(), "answered with more than 1000000 bytes"),
    "not HTTP": (lambda: b"220 mail.example ESMTP\r\n", "does not answer: RemoteProtocolError"),
    "nothing": (lambda: b"", "does not answer: RemoteProtocolError"),
    "a long wait": (lambda: response(b"", 429, "retry-after: 86400"), r"busy \(429\), and asks to wait 86400 s"),
    "an endless wait": (lambda: response(b"", 503, "retry-after: " + "9" * 400), r"busy \(503\)"),
    "a fault": (lambda: response(b"<html>", 500), r"refused the request \(500\): no reason given"),
    "a refusal": (lambda: response(b'{"detail": "no\\n\\u001b[31m"}', 418), r"\(418\): no\[31m$"),
    "a refused key": (lambda: response(b"", 403), r"refused the key \(403\)"),
    "a redirect": (
        lambda: response(b"", 302, "location: http://127.0.0.1:1/"),
        r"a redirect \(302\), which is not fol",
    ),
    "compression": (lambda: response(b"", 200, "content-encoding: gzip"), "a compressed body"),
    "text": (lambda: response(b"hello"), "no safetensors file"),
    "an empty body": (lambda: response(b""), "no safetensors file"),
    "a pickle": (lambda: response(b"\x80\x04cos\nsystem\n(S'true'\ntR."), "no safetensors file"),
    "another name": (lambda: answers(logits=torch.zeros(6, 4)), "holds 1 tensors, expected those named answers"),
    "another number": (lambda: answers(answers=torch.zeros(5, 4)), r"scores torch.float32 \(5, 4\), expected"),
    "another number of classes": (lambda: answers(answers=torch.zeros(6, 5)), r"scores torch.float32 \(6, 5\)"),
    "one dimension": (lambda: answers(answers=torch.zeros(24)), r"scores torch.float32 \(24,\)"),
    "whole numbers": (lambda: answers(answers=torch.zeros(6, 4, dtype=torch.int64)), "scores torch.int64"),
    "complex numbers": (lambda: answers(answers=torch.zeros(6, 4, dtype=torch.complex64)), "scores torch.complex64"),
    "NaN": (lambda: answers(answers=torch.full((6, 4), torch.nan)), "answered with NaN"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_service_that_is_broken_or_hostile_is_one_clear_error_in_time(monkeypatch, failure):
    monkeypatch.setattr(_sending, "LARGEST_ANSWER", 10**6)
    bad, message = FAILURES[failure]
    with stranger(lambda path: response(json.dumps(ABOUT).encode()) if path == "/v1/about" else bad()) as url:
        there = oracle(url, timeout=0.3, retries=1)
        before = time.monotonic()
        with pytest.raises(blackbox.OracleError, match=message) as error:
            there(scene()[1])
        assert time.monotonic() - before < 1.5
        assert url in str(error.value) and KEY not in str(error.value) and len(str(error.value)) < 600


BAD_ANSWERS = {
    "probabilities above 1": ({"reveals": "probabilities"}, {"answers": torch.full((6, 4), 1.5)}, "outside"),
    "probabilities below 0": ({"reveals": "probabilities"}, {"answers": torch.full((6, 4), -0.5)}, "outside"),
    "a class too high": ({"reveals": "label"}, {"answers": torch.full((6,), 4)}, "class 4 or 4 of 4"),
    "a negative class": ({"reveals": "label"}, {"answers": torch.full((6,), -1)}, "class -1 or -1"),
    "a class in floats": ({"reveals": "label"}, {"answers": torch.zeros(6)}, "classes torch.float32"),
    "a list too short": (
        {"reveals": "top_k", "k": 3},
        {"classes": torch.zeros(6, 2, dtype=torch.int64), "probabilities": torch.zeros(6, 2)},
        r"classes torch.int64 \(6, 2\)",
    ),
    "a list out of order": (
        {"reveals": "top_k", "k": 2},
        {"classes": torch.zeros(6, 2, dtype=torch.int64), "probabilities": torch.tensor([[0.1, 0.9]] * 6)},
        "probabilities that rise",
    ),
    "a list without probabilities": (
        {"reveals": "top_k", "k": 2},
        {"classes": torch.zeros(6, 2, dtype=torch.int64)},
        "expected those named classes and probabilities",
    ),
}


@pytest.mark.parametrize("bad", BAD_ANSWERS)
def test_an_answer_that_cannot_be_is_an_error(bad):
    about, tensors, message = BAD_ANSWERS[bad]
    said = {"/v1/about": response(json.dumps({**ABOUT, **about}).encode()), "/v1/predict": answers(**tensors)}
    with stranger(said.__getitem__) as url, pytest.raises(blackbox.OracleError, match=message):
        oracle(url)(scene()[1])


def test_the_number_of_classes_is_kept_where_the_service_does_not_tell_it():
    reply = iter([torch.zeros(6, 3), torch.zeros(6, 4)])
    about = response(json.dumps({**ABOUT, "classes": None}).encode())
    with stranger(lambda path: about if path == "/v1/about" else answers(answers=next(reply))) as url:
        there = oracle(url)
        assert there(scene()[1]).shape == (6, 3)
        with pytest.raises(blackbox.OracleError, match=r"\(6, 4\), expected floats \(6, 3\)"):
            there(scene()[1])


@pytest.mark.parametrize(
    "counts",
    [
        {"used": torch.zeros(6, dtype=torch.int64)},
        {"used": torch.zeros(6), "own": torch.zeros(6)},
        {"used": torch.zeros(5, dtype=torch.int64), "own": torch.zeros(5, dtype=torch.int64)},
        {"used": torch.zeros(6, dtype=torch.int64), "own": torch.ones(6, dtype=torch.int64)},
        {"used": torch.full((6,), -1), "own": torch.full((6,), -1)},
    ],
)
def test_counts_that_cannot_be_are_an_error(counts):
    with stranger(
        lambda path: response(json.dumps(ABOUT).encode()) if path == "/v1/about" else answers(**counts)
    ) as url:
        with pytest.raises(blackbox.OracleError, match="answered with"):
            oracle(url).left(ROWS)


def test_a_service_that_never_counts_cannot_keep_an_attack_going():
    nothing = {"used": torch.zeros(1, dtype=torch.int64), "own": torch.zeros(1, dtype=torch.int64)}
    said = {"about": json.dumps({**ABOUT, "budget": 2}).encode(), "predict": save({"answers": torch.zeros(1, 4)})}
    with stranger(lambda path: response(said.get(path.rpartition("/")[2]) or save(nothing))) as url:
        there = oracle(url)
        left = []
        for _ in range(3):
            left.append(there.left(ROWS[:1]).tolist())
            there(scene()[1][:1])
        assert left == [[2], [1], [0]] and there.left(ROWS[:1]).tolist() == [0]


BAD_DESCRIPTIONS = {
    "no JSON": b"<html></html>",
    "JSON that nests": b"[" * 10**5,
    "a list": b"[1]",
    "another version": json.dumps({**ABOUT, "version": 2}).encode(),
    "an enormous number": b'{"version": 1, "reveals": "logits", "budget": ' + b"9" * 5000 + b"}",
    "an unknown setting": json.dumps({**ABOUT, "reveals": "weights"}).encode(),
    "a setting in a list": json.dumps({**ABOUT, "reveals": ["logits"]}).encode(),
    "a list without its length": json.dumps({**ABOUT, "reveals": "top_k"}).encode(),
    "a length without its list": json.dumps({**ABOUT, "k": 3}).encode(),
    "a negative budget": json.dumps({**ABOUT, "budget": -1}).encode(),
    "half a budget": json.dumps({**ABOUT, "budget": 0.5}).encode(),
    "a budget that is yes": json.dumps({**ABOUT, "budget": True}).encode(),
    "one class": json.dumps({**ABOUT, "classes": 1}).encode(),
    "no size": json.dumps({**ABOUT, "largest": None}).encode(),
    "a tiny size": json.dumps({**ABOUT, "largest": 10}).encode(),
    "a rate of nothing": json.dumps({**ABOUT, "rate": 0}).encode(),
    "a rate that is no number": json.dumps({**ABOUT, "rate": float("nan")}).encode(),
}


@pytest.mark.parametrize("bad", BAD_DESCRIPTIONS)
def test_a_description_that_cannot_be_is_an_error(bad):
    with stranger(lambda path: response(BAD_DESCRIPTIONS[bad])) as url:
        with pytest.raises(blackbox.OracleError, match="answered with .*no service of this kind, or a broken one"):
            oracle(url)


def test_where_nobody_listens_is_an_error_in_time():
    before = time.monotonic()
    with pytest.raises(blackbox.OracleError, match="does not answer: ConnectError"):
        oracle(f"http://127.0.0.1:{free_port()}", timeout=0.3, retries=2)
    assert time.monotonic() - before < 1.5


# -- the key, and how it is made


def test_a_key_is_refused_and_never_shown(tmp_path):
    with served(scene()[0], tmp_path) as url:
        with pytest.raises(blackbox.OracleError, match=r"refused the key \(401\)") as error:
            oracle(url, key="not-the-key-of-this-service")
        assert "not-the-key" not in str(error.value) and error.value.__cause__ is None
        shown = repr(oracle(url, session="run"))
        assert shown == f"HttpOracle('{url}', reveals='logits', budget=None, session='run')"


def test_the_key_goes_to_no_proxy_and_no_other_address(monkeypatch, tmp_path):
    asked = []
    with stranger(lambda path: asked.append(path) or b"") as proxy, served(scene()[0], tmp_path) as url:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        oracle(url)
        with stranger(lambda path: response(b"", 307, f"location: {proxy}")) as redirecting:
            with pytest.raises(blackbox.OracleError, match="redirect"):
                oracle(redirecting)
    assert asked == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": 1}, "url is a int, expected http"),
        ({"url": "127.0.0.1:80"}, "url is '127.0.0.1:80', expected http"),
        ({"url": "ftp://host"}, "url is 'ftp://host', expected"),
        ({"url": "http://"}, "url is 'http://', expected"),
        ({"url": "http://host:port"}, "url cannot be read"),
        ({"url": "http://me:secret@host"}, "url holds more than an address"),
        ({"url": "http://host/?key=1"}, "url holds more than an address"),
        ({"key": "short"}, "key is of another form"),
        ({"key": "with a\r\nline of its own"}, "key is of another form"),
        ({"key": None}, "key is of another form"),
        ({"session": "a/b"}, "session is 'a/b'"),
        ({"session": ""}, "session is ''"),
        ({"timeout": 0}, "timeout is 0"),
        ({"retries": -1}, "retries is -1"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with refused(message) as refusal:
        blackbox.HttpOracle(**{"url": "http://127.0.0.1:9", "key": KEY, **options})
    assert refusal is None or "secret" not in str(refusal.value)


def test_without_httpx_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(ImportError, match=r"pip install 'advcourse\[serve\]'"):
        oracle("http://127.0.0.1:9")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_a_fork_it_says_that_each_process_needs_its_own(tmp_path):
    with served(scene()[0], tmp_path) as url:
        there = oracle(url)
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            try:
                there.queries(ROWS)
            except blackbox.OracleError as error:
                os._exit(3 if "made in another process" in str(error) else 4)
            os._exit(5)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


def test_it_leaves_no_connection_behind(tmp_path):
    with served(scene()[0], tmp_path) as url:
        there = oracle(url)
        client = there._sender._client
        del there
        gc.collect()
        deadline = time.monotonic() + 5
        while not client.is_closed and time.monotonic() < deadline:
            time.sleep(0.01)
        assert client.is_closed
