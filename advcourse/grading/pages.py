"""What of a submission may reach a page: escaped text, PNG images, or our own words.

The formgrader and the feedback show Markdown with its raw HTML, and outputs of every type, as the student made them: a
script there would run with the grader's session. So the notebook that is stored holds nothing that could run.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from nbformat import NotebookNode

LONGEST_TEXT = 100_000
"""Characters of one text in an output."""

MEGAPIXELS = 25
SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs", b"IDAT", b"IEND"}
LEFT_OUT = "(an image was left out: only PNG images are shown)"

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")
TAG = re.compile(r"<(?=[A-Za-z/!?])")
IMAGE = re.compile(r"!\[([^\[\]\n]*)\]\((?:attachment:([^()\s]*)|data:image/png;base64,([A-Za-z0-9+/=]*))\)")
LINK = re.compile(r"\](?=\()(?!\((?:https?://|mailto:))|\](?=:)(?!:[ \t]*https?://)")
MACRO = re.compile(r"\\(?=(?:href|url|require|style|class|cssId|mmlToken|unicode|bbox)(?![A-Za-z]))")


def text(value: Any) -> str:
    """``value`` as text that can be written to a file: no lone surrogates, no control characters."""
    if isinstance(value, list):
        value = "".join(map(str, value))
    return CONTROL.sub("", str(value)).encode("utf-8", "replace").decode("utf-8")


def written(source: str, attachments: Any = None) -> tuple[str, dict[str, dict[str, str]]]:
    """Markdown that renders as before, but for what could run or fetch: its source and its attachments.

    Tags are shown as text (a space after ``<`` ends a tag for every parser of Markdown and HTML, and is nothing in a
    formula); links lead to the web and to addresses of mail only; images are attached PNGs, under names of our own.
    """
    given = attachments if isinstance(attachments, dict) else {}
    kept: dict[str, dict[str, str]] = {}

    def image(found: re.Match) -> str:
        alternative, name, data = found.groups()
        bundle = given.get(unquote(name), given.get(name)) if name is not None else {"image/png": data}
        picture = checked_png(bundle.get("image/png")) if isinstance(bundle, dict) else None
        if picture is None:
            return LEFT_OUT
        ours = f"image-{len(kept) + 1}.png"
        kept[ours] = {"image/png": picture}
        return f"![{MACRO.sub(_apart, alternative)}](attachment:{ours})"

    pieces, place = [], 0
    for found in IMAGE.finditer(source):
        pieces += [_disarmed(source[place : found.start()]), image(found)]
        place = found.end()
    pieces.append(_disarmed(source[place:]))
    return TAG.sub(_apart, "".join(pieces)), kept


def _disarmed(source: str) -> str:
    source = MACRO.sub(_apart, LINK.sub(_apart, source))
    return re.sub(r"!(?=\[)|!\Z", _apart, source)


def _apart(found: re.Match) -> str:
    return f"{found[0]} "


def checked_png(data: Any) -> str | None:
    """The image in base64, without its texts and what stands behind it; None if it is no PNG."""
    try:
        given = base64.b64decode("".join(data.split()) if isinstance(data, str) else "", validate=True)
        picture = _chunks(given)
    except (binascii.Error, struct.error, ValueError):
        return None
    return base64.b64encode(picture).decode("ascii")


def _chunks(given: bytes) -> bytes:
    if not given.startswith(SIGNATURE):
        raise ValueError("the image is of another type, expected PNG")
    kept, place, name = [SIGNATURE], len(SIGNATURE), b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", given, place)
        chunk = given[place : place + 12 + length]
        if struct.unpack(">I", chunk[-4:])[0] != zlib.crc32(chunk[4:-4]):
            raise ValueError("a checksum of the image is wrong, expected a whole PNG")
        if (len(kept) == 1) != (name == b"IHDR"):
            raise ValueError(f"a chunk of the image is {name!r}, expected IHDR, once and first")
        if name == b"IHDR":
            width, height = struct.unpack_from(">II", chunk, 8)
            if not 0 < width * height <= MEGAPIXELS * 10**6:
                raise ValueError(f"the image has {width} x {height} pixels, expected 1 to {MEGAPIXELS} million")
        if name in CHUNKS:
            kept.append(chunk)
        place += len(chunk)
    return b"".join(kept)


def harmless(output: NotebookNode) -> NotebookNode:
    """The output with text and PNG alone, and nothing else that a student could set."""
    from nbformat.v4 import new_output

    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return new_output("stream", name=name, text=_short(output.get("text", "")))
    if kind == "error":
        name, value = _short(output.get("ename", "")), _short(output.get("evalue", ""))
        return new_output("error", ename=name, evalue=value, traceback=_lines(output.get("traceback") or []))
    data: Any = output.get("data")
    data = data if isinstance(data, dict) else {}
    kept: dict[str, str] = {}
    if "image/png" in data:
        picture = checked_png(data["image/png"])
        kept["image/png" if picture else "text/plain"] = picture or LEFT_OUT
    if "text/plain" in data:
        kept["text/plain"] = _short(data["text/plain"])
    if not kept:
        kept["text/plain"] = "(an output was left out: only text and PNG images are shown)"
    return new_output("display_data", data=kept)


def _lines(given: Any) -> list[str]:
    kept, room = [], LONGEST_TEXT
    for line in given if isinstance(given, list) else [given]:
        if room > 0:
            kept.append(_short(line))
            room -= len(kept[-1]) + 1
    return kept


def _short(value: Any) -> str:
    given = text(value)
    return given if len(given) <= LONGEST_TEXT else f"{given[:LONGEST_TEXT]}\n… cut"
