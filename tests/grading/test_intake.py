"""Taking in what was handed in: every platform's shape, whatever students put into it."""

import csv
import datetime
import json
import os
import socket
import stat
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import pytest

from advcourse.grading import cells, finding, intake, released, settling, uploads, whose
from advcourse.grading.roster import STUDENT, Roster
from tests.grading import bank

NAME = "a01_ifgsm"
CLASS = """id,first_name,last_name,email,lms_user_id
ada,Ada,Lovelace,ada@example.org,501
van_der_berg,Jan,van der Berg,berg@example.org,
van_dijk,Jan,van Dijk,dijk@example.org,
lee1,Ann,Lee,lee1@example.org,601
lee2,Ann,Lee,lee2@example.org,
zoe,Zoë,Müller,zoe@example.org,
"""
NOON = datetime.datetime(2026, 3, 4, 12, tzinfo=datetime.UTC)


def content(answer="", assignment=NAME):
    """A notebook in which `answer` stands, as bytes."""
    notebook = bank.released(assignment)
    notebook["cells"].append({"cell_type": "markdown", "id": "own", "metadata": {}, "source": answer})
    return json.dumps(notebook).encode()


def at(hours=0):
    return NOON + datetime.timedelta(hours=hours)


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "nbgrader_config.py").touch()
    return folder


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def roster(tmp_path):
    file = tmp_path / "class.csv"
    file.write_text(CLASS, encoding="utf-8")
    return Roster(file)


def lay(inbox, files, hours=0):
    """Writes files by their path, all from that hour."""
    for path, data in files.items():
        file = inbox / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        os.utime(file, (at(hours).timestamp(),) * 2)
    return inbox


def packed(file, entries, hours=0):
    """A zip of (name or ZipInfo, bytes); names get the time of that hour, as zips have it: by the clock here."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries:
            if isinstance(name, str):
                name = zipfile.ZipInfo(name, at(hours).astimezone().timetuple()[:6])
                name.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(name, data)
    os.utime(file, (at(hours).timestamp(),) * 2)
    return file


def take(course, source, **options):
    """Collects; returns the state of each file."""
    return {r.upload.path: r.state for r in intake.collect(NAME, source, course, **options)}


def place(course, student):
    return course / "submitted" / student / NAME


def counting(course):
    """What counts: for each student the content and the time."""
    return {
        folder.name: ((folder / NAME / f"{NAME}.ipynb").read_bytes(), (folder / NAME / "timestamp.txt").read_text())
        for folder in sorted((course / "submitted").iterdir())
    }


def students(course):
    return sorted(folder.name for folder in (course / "submitted").iterdir())


def kept(course):
    return sorted(file.read_bytes() for file in (course / "collected" / NAME).glob("older/*/*"))


def tree(folder):
    """Every file below a folder, but for the report."""
    return {
        str(file.relative_to(folder)): (file.read_bytes(), file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file() and file.name != "report.csv"
    }


# -- shapes

MOODLE_FOLDERS = {"Ada Lovelace_111_assignsubmission_file_/work.ipynb": "ada"}
MOODLE_FLAT = {
    "Ada Lovelace_111_assignsubmission_file_a01_ifgsm.ipynb": "ada",
    "Jan van Dijk_113_assignsubmission_file_x.ipynb": "van_dijk",
    "van der Berg Jan_112_assignsubmission_file_x.ipynb": "van_der_berg",
    "Zoe\u0308 Mu\u0308ller_114_assignsubmission_file_x.ipynb": "zoe",  # decomposed, as macOS writes it
}
CANVAS = {
    "lovelaceada_501_900_a01_ifgsm.ipynb": "ada",
    "vandijkjan_LATE_502_901_a01_ifgsm-1.ipynb": "van_dijk",
    "leeann_601_903_homework.ipynb": "lee1",  # two are called so, the number tells
}
PLAIN = {
    "ada_a01_ifgsm.ipynb": "ada",
    "van_der_berg_a01_ifgsm (1).ipynb": "van_der_berg",
    "van_dijk-a01.ipynb": "van_dijk",
    "zoe_a02_minimal_norm.ipynb.txt": "zoe",  # what it holds decides, not its name
}
FOLDERS = {
    "ada/Untitled7.IPYNB": "ada",
    "van_der_berg/deep/down/a01_ifgsm.ipynb": "van_der_berg",
    "van_dijk/lee1_a01_ifgsm.ipynb": "van_dijk",  # the folder's name counts
    "zoe@example.org/a01_ifgsm.json": "zoe",
}
SUBMITTED = {f"{student}/{NAME}/{NAME}.ipynb": student for student in ("ada", "zoe")}
EXCHANGE = {
    "ada+a01_ifgsm+2026-03-04 12:00:00.123456 UTC+R-nd_m": "ada",
    "van_dijk+a01_ifgsm+2026-03-04 12:00:00 UTC": "van_dijk",
}
EXCHANGE = {f"{folder}/a01_ifgsm.ipynb": student for folder, student in EXCHANGE.items()}
AROUND = {f"submissions/{path}": student for path, student in PLAIN.items()}
SHAPES = [MOODLE_FOLDERS, MOODLE_FLAT, CANVAS, PLAIN, FOLDERS, SUBMITTED, EXCHANGE, AROUND]


@pytest.mark.parametrize("is_zip", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize(
    "shape", SHAPES, ids=["moodle", "flat", "canvas", "plain", "folders", "submitted", "exchange", "around"]
)
def test_every_shape_arrives_with_its_time(course, inbox, roster, shape, is_zip):
    files = {path: content(path) for path in shape}
    source = packed(inbox / "all.zip", files.items()) if is_zip else lay(inbox, files)
    assert take(course, source, roster=roster) == dict.fromkeys(shape, "taken")
    expected = {shape[path]: (files[path], "2026-03-04 12:00:00 UTC") for path in shape}
    assert counting(course) == expected
    before = tree(course)
    assert take(course, source, roster=roster) == dict.fromkeys(shape, "same")
    assert tree(course) == before


def test_without_a_class_list_names_are_taken_as_they_stand(course, inbox):
    files = [
        "Ada Lovelace_111_assignsubmission_file_x.ipynb",
        "doejane_501_900_x.ipynb",
        *list(PLAIN)[1:3],
        "Copy of x_a01.ipynb",
    ]
    assert take(course, lay(inbox, dict.fromkeys(files, content()))) == dict.fromkeys(files, "taken")
    assert students(course) == ["Ada Lovelace", "doejane", "van_der_berg", "van_dijk", "x"]
    assert all(STUDENT.fullmatch(student) for student in students(course))


def test_a_zip_per_student_has_the_time_of_the_zip(course, inbox):
    """What lies in it has the times of the student's machine, and names that the student chose."""
    packed(inbox / "ada.zip", [("bob_a01_ifgsm.ipynb", content("first"))], hours=-9)
    packed(inbox / f"van_dijk_{NAME}.zip", [("sub/x.ipynb", content("other"))], hours=-9)
    packed(inbox / "Eve Lee_7_assignsubmission_file_x+a01_ifgsm+2001-01-01 00:00:00 UTC.zip", [("x.ipynb", content())])
    for file in inbox.iterdir():
        os.utime(file, (at(2).timestamp(),) * 2)
    assert set(take(course, inbox).values()) == {"taken"}
    time = "2026-03-04 14:00:00 UTC"
    first, other = content("first"), content("other")
    assert counting(course) == {"Eve Lee": (content(), time), "ada": (first, time), "van_dijk": (other, time)}


def test_a_pattern_says_whose_a_file_is(course, inbox):
    files = {"hw1/2026-ada-x.ipynb": content(), "hw1/2026-van_dijk-x.ipynb": content(), "hw1/other.ipynb": content()}
    states = take(course, lay(inbox, files), names=r"2026-(?P<student_id>\w+)-")
    assert list(states.values()) == ["refused: its name does not fit the pattern of --names", "taken", "taken"]
    assert students(course) == ["ada", "van_dijk"]
    with pytest.raises(ValueError, match=r"--names is 'x', expected a group"):
        take(course, inbox, names="x")
    with pytest.raises(ValueError, match=r"--names is '\(' .*, expected a regular expression"):
        take(course, inbox, names="(")


def test_times_of_the_exchange(course, inbox):
    folders = {
        "ada+a01_ifgsm+2026-03-04 12:00:00 UTC": "2026-03-04 13:00:00.5 UTC",
        "bob+a01_ifgsm+2026-03-04 12:00:00 UTC": "nonsense",
        "eve+x+a01_ifgsm+2026-03-04 12:00:00 CET+rnd": "2026-03-04 12:00:00 CET",
        "gil+a01_ifgsm+2026-03-04 12:00:00 UTC": "2026-03-04 12:00:00 +0200",
    }
    for folder, time in folders.items():
        lay(inbox, {f"{folder}/x.ipynb": content(), f"{folder}/timestamp.txt": time.encode()}, hours=50)
    lay(inbox, {"ada+a02_minimal_norm+2026-03-04 12:00:00 UTC/x.ipynb": content(assignment="a02_minimal_norm")})
    assert len(take(course, inbox)) == 4  # a02 has rows where a02 is collected
    assert {student: time for student, (_, time) in counting(course).items()} == {
        "ada": "2026-03-04 13:00:00 UTC",
        "bob": "2026-03-04 12:00:00 UTC",
        "eve+x": "2026-03-04 11:00:00 UTC",
        "gil": "2026-03-04 10:00:00 UTC",
    }


def test_a_zip_that_says_utc_is_believed_and_one_without_time_has_its_own(course, inbox):
    exact = zipfile.ZipInfo("ada_a01.ipynb", (2026, 3, 1, 0, 0, 0))
    exact.extra = b"UT\x05\x00\x01" + int(at(1).timestamp()).to_bytes(4, "little")
    entries = [(exact, content()), (zipfile.ZipInfo("bob_a01.ipynb"), content())]
    take(course, packed(inbox / "all.zip", entries, hours=3))
    assert [time for _, time in counting(course).values()] == ["2026-03-04 13:00:00 UTC", "2026-03-04 15:00:00 UTC"]


def test_no_file_is_from_the_future(course, inbox):
    take(course, lay(inbox, {"ada/x.ipynb": content()}, hours=24 * 40000))
    assert whose.stamped(counting(course)["ada"][1]) <= datetime.datetime.now(datetime.UTC)


# -- several of one student


def test_the_newest_counts_and_the_others_are_kept(course, inbox):
    for hours, name in enumerate(["a01", "b", "a01_ifgsm (1)"]):
        lay(inbox, {f"ada/{name}.ipynb": content(name)}, hours=hours)
    states = {"ada/a01.ipynb": "newer kept", "ada/b.ipynb": "newer kept", "ada/a01_ifgsm (1).ipynb": "taken"}
    assert take(course, inbox) == states
    assert counting(course) == {"ada": (content("a01_ifgsm (1)"), "2026-03-04 14:00:00 UTC")}
    assert kept(course) == sorted([content("a01"), content("b")])
    before = tree(course)
    assert take(course, inbox) == states | {"ada/a01_ifgsm (1).ipynb": "same"}
    assert tree(course) == before


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_order_of_collecting_does_not_matter(course, tmp_path, order):
    states = []
    for hours in order:
        folder = tmp_path / f"round{hours}"
        states += take(course, lay(folder, {"ada_a01.ipynb": content(str(hours))}, hours=hours)).values()
    assert states == (["taken", "taken"] if order == (0, 1) else ["taken", "newer kept"])
    assert counting(course) == {"ada": (content("1"), "2026-03-04 13:00:00 UTC")}
    assert kept(course) == [content("0")]


def test_among_those_of_one_moment_the_number_decides(course, inbox):
    lay(inbox, {f"ada_a01{number}.ipynb": content(number) for number in ("", " (10)", " (9)")})
    assert sorted(take(course, inbox).values()) == ["newer kept", "newer kept", "taken"]
    assert counting(course)["ada"][0] == content(" (10)")


def test_the_same_handed_in_again_is_no_later(course, tmp_path):
    for hours, state in ((0, "taken"), (5, "same"), (-5, "taken"), (0, "same")):
        assert take(course, lay(tmp_path / f"r{hours}", {"ada_a01.ipynb": content()}, hours)) == {
            "ada_a01.ipynb": state
        }
    assert counting(course) == {"ada": (content(), "2026-03-04 07:00:00 UTC")}
    assert kept(course) == []
    files = {"1/ada_a01.ipynb": content(), "2/ada_a01.ipynb": content("b"), "3/ada_a01.ipynb": content()}
    for hours, (path, data) in enumerate(files.items()):
        lay(tmp_path / "back", {path: data}, hours)
    take(course, tmp_path / "back", names="(?P<student_id>ada)")
    assert counting(course) == {"ada": (content(), "2026-03-04 14:00:00 UTC")}  # back to the first after another
    assert kept(course) == [content("b")]


def test_one_put_there_by_hand_gets_a_time(course, inbox):
    place(course, "ada").mkdir(parents=True)
    (place(course, "ada") / f"{NAME}.ipynb").write_bytes(content())
    os.utime(place(course, "ada") / f"{NAME}.ipynb", (at(1).timestamp(),) * 2)
    assert take(course, lay(inbox, {"ada_a01.ipynb": content("older")})) == {"ada_a01.ipynb": "newer kept"}
    assert take(course, lay(inbox, {"ada_a01.ipynb": content()}, 3)) == {"ada_a01.ipynb": "same"}
    assert counting(course) == {"ada": (content(), "2026-03-04 13:00:00 UTC")}


# -- the class list


def test_who_is_not_in_the_class_list_or_fits_two_is_said(course, inbox, roster):
    files = {
        "Ann Lee_9_assignsubmission_file_x.ipynb": "refused: the name Ann Lee fits lee1 and lee2",
        "leeann_77_78_x.ipynb": "refused: the name leeann fits lee1 and lee2",
        "Eve Nobody_10_assignsubmission_file_x.ipynb": "refused: Eve Nobody is not in the class list",
        "eve_a01.ipynb": "refused: eve is not in the class list",
        "van_a01.ipynb": "refused: van is not in the class list",
        "ADA_a01.ipynb": "taken",
    }
    assert take(course, lay(inbox, dict.fromkeys(files, content())), roster=roster) == files
    assert students(course) == ["ada"]


def test_a_number_of_canvas_is_not_taken_for_an_id(course, inbox, tmp_path):
    (tmp_path / "class.csv").write_text("id,first_name,last_name\n501,Ada,Lovelace\n502,Jan,van Dijk\n503,,\n")
    files = {
        "vandijkjan_501_900_x.ipynb": "taken",  # 502, who is called so
        "lovelaceada_501_901_x.ipynb": "taken",
        "doejane_502_902_x.ipynb": "refused: doejane is not in the class list",
        "leeann_503_903_x.ipynb": "taken",  # the class list has no name for 503
    }
    assert take(course, lay(inbox, dict.fromkeys(files, content())), roster=Roster(tmp_path / "class.csv")) == files
    assert students(course) == ["501", "502", "503"]


def test_a_zip_of_macos_has_its_names_in_utf8(course, inbox):
    file = packed(inbox / "all.zip", [("xxxx_a01.ipynb", content())])
    file.write_bytes(file.read_bytes().replace(b"xxxx", "Zo\xeb".encode()))
    assert take(course, file) == {"Zo\xeb_a01.ipynb": "taken"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id\nada\nbob\nada\n", "id is 'ada' in class.csv, row 4, expected one that is in no other row"),
        ("id\nada\nAda\n", "id is 'Ada' in class.csv, row 3, expected one that is in no other row"),
        (
            "id\n../x\n",
            "id is '../x' in class.csv, row 2 (only letters, digits and . @ + - _ may stand in it), expected",
        ),
        (
            "name\nada\n",
            "id is '' in class.csv, row 2 (empty or longer than 100 bytes), expected columns id,first_name",
        ),
        ("id,lms_user_id\na,1\nb,1\n", "lms_user_id is '1' in class.csv, row 3, expected one that is in no other row"),
        ("id\n\xff", "expected a CSV file in UTF-8"),
    ],
)
def test_a_class_list_that_cannot_serve(tmp_path, course, inbox, capsys, text, said):
    (tmp_path / "class.csv").write_bytes(text.encode("latin-1"))
    lay(inbox, {"ada_a01.ipynb": content()})
    assert intake.main([NAME, str(inbox), "--course", str(course), "--students", str(tmp_path / "class.csv")]) == 1
    out, err = capsys.readouterr()
    assert said in err and err.count("\n") == 1 and out == ""


def test_two_students_with_one_id_are_refused_also_in_two_rounds(course, inbox):
    first, second = (f"Ann Lee_{number}_assignsubmission_file_x.ipynb" for number in (111, 222))
    assert take(course, lay(inbox / "a", {first: content("1")})) == {first: "taken"}
    said = take(course, lay(inbox / "b", {second: content("2")}, hours=1))[second]
    assert said.startswith("refused: Ann Lee was number 111 before, not 222")
    lay(inbox / "b", {first: content("1")})
    reason = "refused: several students are Ann Lee: numbers 111, 222; --names tells them apart"
    assert take(course, inbox / "b") == {first: reason, second: reason}
    assert counting(course) == {"Ann Lee": (content("1"), "2026-03-04 12:00:00 UTC")}


def test_ids_that_differ_in_capitals_only_are_refused(course, inbox):
    files = {"ada_a01.ipynb": content("1"), "Ada_a01.ipynb": content("2"), "bob_a01.ipynb": content()}
    states = take(course, lay(inbox, files))
    assert states["ada_a01.ipynb"] == "refused: ada and Ada differ in capital letters only"
    assert states["Ada_a01.ipynb"] == "refused: Ada and ada differ in capital letters only"
    assert students(course) == ["bob"]


def test_a_folder_of_several_students_is_nobodys(course, inbox):
    files = ["week1/doejane_1_2_x.ipynb", "week1/leeann_3_4_x.ipynb", "week2/ada_a01.ipynb", "week2/bob_a01.ipynb"]
    states = take(course, lay(inbox, dict.fromkeys([*files, "eve/eve_a01.ipynb", "eve/backup_a01.ipynb"], content())))
    for path in files:
        assert (
            states[path] == f"refused: {path[:5]} seems to hold several students: collect it by itself, or give --names"
        )
    assert students(course) == ["eve"]


# -- what is bad

A02 = "a02_minimal_norm"
BAD = {
    "html": (b"<html>", "no notebook inside"),
    "list": (b"[]", "no notebook inside"),
    "brackets": (b"[" * 100_000, "no notebook inside"),
    "odd worksheets": (b'{"worksheets": [7], "nbformat": 3}', "no notebook inside"),
    "empty": (b"", "empty"),
    "blank": (b" \n", "empty"),
    "another": (content(assignment=A02), f"holds {A02}, expected {NAME}"),
    "other": (b'{"cells": [], "metadata": {}}', f"holds no cell of any assignment, expected {NAME}"),
    "not utf-8": (b'{"cells": "\xff"}', "no notebook inside"),
}


@pytest.mark.parametrize("is_zip", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_notebook_is_a_row_and_stops_nobody(course, inbox, bad, is_zip):
    data, reason = BAD[bad]
    files = {"ada_a01.ipynb": data, "bob_a01.ipynb": content(), "zoe_a01.ipynb": content()}
    source = packed(inbox / "all.zip", files.items()) if is_zip else lay(inbox, files)
    expected = {"ada_a01.ipynb": f"refused: {reason}", "bob_a01.ipynb": "taken", "zoe_a01.ipynb": "taken"}
    assert take(course, source) == expected
    assert students(course) == ["bob", "zoe"]


def test_a_bad_newer_file_leaves_the_good_one(course, inbox):
    take(course, lay(inbox, {"ada_a01.ipynb": content()}))
    assert take(course, lay(inbox, {"ada_a01.ipynb": b""}, 1)) == {"ada_a01.ipynb": "refused: empty"}
    assert counting(course) == {"ada": (content(), "2026-03-04 12:00:00 UTC")}


def test_what_is_graded_although_it_is_damaged_is_taken(course, inbox):
    """A byte order mark, format 3, no metadata at all: the grader reads them."""
    import nbformat

    bare = bank.answered(NAME)
    for cell in bare["cells"]:
        cell["metadata"] = {}
        del cell["id"]
    old = nbformat.convert(nbformat.reads(json.dumps(bank.answered(NAME)), as_version=4), 3)
    files = {"ada_a01.ipynb": b"\xef\xbb\xbf" + content(), "bare_a01.ipynb": json.dumps(bare).encode()}
    files["old_a01.ipynb"] = json.dumps(old).encode()
    assert take(course, lay(inbox, files)) == dict.fromkeys(files, "taken")
    assert counting(course)["bare"][0] == files["bare_a01.ipynb"]


@pytest.mark.parametrize("assignment", bank.assignments())
def test_an_assignment_is_known_by_its_cells(assignment):
    known, notebook = released.manifest(), bank.answered(assignment)
    assert released.assignment_of(cells.notebook_of(json.dumps(notebook).encode(), "it"), known) == assignment
    pasted = bank.released("a04_flow" if assignment != "a04_flow" else A02)["cells"][7]
    notebook["cells"].append(pasted)
    assert released.assignment_of(cells.notebook_of(json.dumps(notebook).encode(), "it"), known) == assignment


ODD_NAMES = {
    "../ada_a01.ipynb": "its name leaves the folder (..)",
    "x/../../../etc/ada_a01.ipynb": "its name leaves the folder (..)",
    "/etc/ada_a01.ipynb": "its name is an absolute path",
    "C:/ada_a01.ipynb": "its name is an absolute path",
    "c:ada_a01.ipynb": "its name is an absolute path",
    "x\\ada_a01.ipynb": "its name holds a backslash",
    "..\\ada_a01.ipynb": "its name holds a backslash",
    "\x1b[2Jada_a01.ipynb": "its name holds control characters",
    "a\nda_a01.ipynb": "its name holds control characters",
    f"{'a' * 2000}_a01.ipynb": "its name is too long",
    f"{'a' * 200}_a01.ipynb": f"odd student id {'a' * 200!r}: empty or longer than 100 bytes",
    ".._a01.ipynb": "odd student id '..': only letters, digits and . @ + - _ may stand in it",
    "-rf_a01.ipynb": "odd student id '-rf': only letters, digits and . @ + - _ may stand in it",
    "\udcff_a01.ipynb": "its name holds control characters",
    "a;b_a01.ipynb": "odd student id 'a;b': only letters, digits and . @ + - _ may stand in it",
    "a01_ifgsm.ipynb": "its name does not say whose it is: STUDENT_ASSIGNMENT.ipynb does",
    "readme.md": "no notebook (.ipynb)",
}


@pytest.mark.parametrize("name", [n for n in ODD_NAMES if "\udcff" not in n], ids=ascii)
def test_an_odd_name_in_a_zip_writes_nothing_outside(course, inbox, tmp_path, name):
    before = set(tmp_path.rglob("*"))
    source = packed(inbox / "all.zip", [(name, content()), ("bob_a01.ipynb", content())])
    assert take(course, source) == {name: f"refused: {ODD_NAMES[name]}", "bob_a01.ipynb": "taken"}
    assert students(course) == ["bob"]
    new = {path for path in set(tmp_path.rglob("*")) - before if course not in path.parents and path != source}
    assert new == set()


@pytest.mark.parametrize("name", [n for n in ODD_NAMES if "/" not in n and len(n) < 240], ids=ascii)
def test_an_odd_name_in_a_folder(course, inbox, name):
    assert take(course, lay(inbox, {name: content(), "bob_a01.ipynb": content()})) == {
        name: f"refused: {ODD_NAMES[name]}",
        "bob_a01.ipynb": "taken",
    }


def test_an_id_from_a_pattern_leaves_no_folder(course, inbox):
    source = packed(inbox / "all.zip", [("x/y/z.ipynb", content())])
    (said,) = take(course, source, names="(?P<student_id>x/y)").values()
    assert said == "refused: odd student id 'x/y': only letters, digits and . @ + - _ may stand in it"


def test_links_and_devices_in_a_folder_are_not_followed(course, inbox, tmp_path):
    secret = lay(tmp_path / "secret", {"eve_a01.ipynb": content("secret")})
    lay(inbox, {"bob/x.ipynb": content()})
    (inbox / "ada_a01.ipynb").symlink_to(secret / "eve_a01.ipynb")
    (inbox / "folder").symlink_to(secret)
    (inbox / "bob" / "up").symlink_to("..")
    (inbox / "dead_a01.ipynb").symlink_to("nowhere")
    (inbox / "zip.zip").symlink_to(packed(secret / "s.zip", [("x.ipynb", content())]))
    os.mkfifo(inbox / "pipe_a01.ipynb")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(os.path.relpath(inbox / "sock_a01.ipynb"))
    states = take(course, inbox)
    plain = {
        "bob/x.ipynb": "taken",
        "pipe_a01.ipynb": "refused: no plain file",
        "sock_a01.ipynb": "refused: no plain file",
    }
    links = ["ada_a01.ipynb", "folder", "bob/up", "dead_a01.ipynb", "zip.zip"]
    assert states == plain | dict.fromkeys(links, "refused: a link")
    assert students(course) == ["bob"]


def test_a_file_that_becomes_a_link_or_changes_is_not_taken(course, inbox, tmp_path):
    file = lay(inbox, {"ada_a01.ipynb": content()}) / "ada_a01.ipynb"
    (found,) = finding.find_uploads(inbox)
    receipt = settling.Receipt(found, digest="0")
    with pytest.raises(uploads.Unfit, match="it changed while it was collected"):
        receipt.content()
    file.rename(tmp_path / "away")
    file.symlink_to(tmp_path / "away")
    with pytest.raises(uploads.Unfit, match="a link"):
        found.read()


def test_a_students_folder_that_is_a_link_is_not_written_into(course, inbox, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (course / "submitted").mkdir()
    (course / "submitted" / "ada").symlink_to(tmp_path / "elsewhere")
    (course / "submitted" / "bob").write_text("")
    states = take(course, lay(inbox, {f"{student}_a01.ipynb": content() for student in ("ada", "bob", "eve")}))
    for student in ("ada", "bob"):
        assert states[f"{student}_a01.ipynb"] == f"refused: {course}/submitted/{student} is in the way: no folder"
    assert states["eve_a01.ipynb"] == "taken"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def special(name, kind):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (kind | 0o644) << 16
    return info


def test_links_devices_and_zips_in_a_zip(course, inbox):
    nested = packed(inbox / "in.zip", [("x.ipynb", content())]).read_bytes()
    (inbox / "in.zip").unlink()
    entries = [
        (special("ada_a01.ipynb", stat.S_IFLNK), b"/etc/passwd"),
        (special("dev_a01.ipynb", stat.S_IFCHR), b""),
        (special("pipe_a01.ipynb", stat.S_IFIFO), b""),
        (special("bob_a01.ipynb", stat.S_IFREG), content()),
        ("deep.ZIP", nested),
        ("__MACOSX/._bob_a01.ipynb", b"x"),
        ("folder/", b""),
    ]
    assert take(course, packed(inbox / "all.zip", entries)) == {
        "ada_a01.ipynb": "refused: a link",
        "dev_a01.ipynb": "refused: no plain file",
        "pipe_a01.ipynb": "refused: no plain file",
        "bob_a01.ipynb": "taken",
        "deep.ZIP": "refused: a zip in a zip: unpack the outer one, and collect the folder",
    }
    assert students(course) == ["bob"]


def patched(file, entry, offset, value):
    """Overwrites a field of an entry's record in the list at the end of a zip."""
    data = bytearray(file.read_bytes())
    place = data.rindex(entry.encode()) - 46 + offset
    data[place : place + len(value)] = value
    file.write_bytes(data)
    return file


def test_encrypted_and_oddly_packed_entries(course, inbox):
    entries = [(f"{name}_a01.ipynb", content(name)) for name in ("ada", "bob", "eve", "gil")]
    file = packed(inbox / "all.zip", entries)
    patched(file, "ada_a01.ipynb", 8, b"\x01\x00")
    patched(file, "bob_a01.ipynb", 10, b"\x0e\x00")
    patched(file, "eve_a01.ipynb", 16, b"\x00\x00\x00\x00")
    states = take(course, file)
    assert states["ada_a01.ipynb"] == "refused: encrypted"
    assert states["bob_a01.ipynb"] == "refused: packed by another method than deflate"
    assert states["eve_a01.ipynb"].startswith("refused: damaged in its zip: Bad CRC-32")
    assert states["gil_a01.ipynb"] == "taken"


def test_corrupt_zips_are_one_row_each(course, inbox):
    whole = packed(inbox / "cut.zip", [("x.ipynb", content())]).read_bytes()
    files = {"cut.zip": whole[:-30], "empty.zip": b"", "text.zip": b"no zip", "good.zip": whole}
    states = take(course, lay(inbox, files))
    for name in ("cut.zip", "empty.zip", "text.zip"):
        assert states.pop(name) == "refused: no zip that can be read: File is not a zip file"
    assert states == {"good.zip/x.ipynb": "taken"}
    broken = bytearray(whole)
    broken[60:200] = bytes(140)
    (said,) = take(course, lay(inbox / "b", {"ada.zip": bytes(broken)})).values()
    assert said.startswith("refused: damaged in its zip:")
    (said,) = take(course, inbox / "text.zip").values()
    assert said == "refused: no zip that can be read: File is not a zip file"


def test_files_that_are_too_large(course, inbox, monkeypatch):
    large = content("x" * 300_000)
    monkeypatch.setattr(uploads, "NOTEBOOK_BYTES", 200_000)
    said = f"refused: larger than {200_000 / 2**20:g} MiB"
    states = take(course, lay(inbox, {"ada_a01.ipynb": large, "bob_a01.ipynb": content()}))
    assert states == {"ada_a01.ipynb": said, "bob_a01.ipynb": "taken"}
    file = packed(inbox / "all.zip", [("ada_a01.ipynb", large), ("bob_a01.ipynb", content())])
    assert take(course, file)["ada_a01.ipynb"] == said
    archive = finding._Archive(file, NOON)  # whatever the header says
    with pytest.raises(uploads.Unfit, match="larger than"):
        archive.read(0)


def test_a_header_that_lies_about_the_size(course, inbox):
    file = packed(inbox / "all.zip", [("ada_a01.ipynb", content("x" * 300_000)), ("bob_a01.ipynb", content())])
    patched(file, "ada_a01.ipynb", 24, (1000).to_bytes(4, "little"))
    states = take(course, file)
    assert states["ada_a01.ipynb"].startswith("refused: damaged in its zip: Bad CRC-32")
    assert states["bob_a01.ipynb"] == "taken"


def test_bombs(course, inbox, monkeypatch):
    monkeypatch.setattr(finding, "RATIO_FROM", 1000)
    bomb = ("ada_a01.ipynb", content(" " * 10_000_000))
    states = take(course, packed(inbox / "all.zip", [bomb, ("bob_a01.ipynb", content())]))
    assert states == {"ada_a01.ipynb": "refused: unpacks to more than 200 times its size", "bob_a01.ipynb": "taken"}
    monkeypatch.setattr(finding, "ARCHIVE_BYTES", 2 * len(content()) + 10)
    packed(inbox / "eve.zip", [(f"{number}.ipynb", content()) for number in range(4)])
    lay(inbox, {"gil_a01.ipynb": content()})
    (inbox / "all.zip").unlink()
    states = take(course, inbox)
    said = f"refused: its zip unpacks to more than {finding.ARCHIVE_BYTES / 2**30:g} GiB"
    assert states["eve.zip/2.ipynb"] == states["eve.zip/3.ipynb"] == said
    assert (states["eve.zip/1.ipynb"], states["gil_a01.ipynb"]) == ("same", "taken")
    monkeypatch.setattr(finding, "ARCHIVE_ENTRIES", 3)
    assert take(course, inbox) == {"eve.zip": "refused: a zip of more than 3 files", "gil_a01.ipynb": "same"}


def test_too_deep(course, inbox):
    deep = "ada/" + "x/" * 30
    states = take(course, lay(inbox, {f"{deep}a01.ipynb": content(), "bob_a01.ipynb": content()}))
    assert states == {"ada" + "/x" * 20: "refused: folders too deep", "bob_a01.ipynb": "taken"}


# -- writing


class Killed(BaseException):
    pass


@pytest.mark.parametrize("moment", range(5))
def test_a_killed_run_is_repeated_and_comes_to_the_same_end(course, inbox, tmp_path, monkeypatch, moment):
    lay(inbox, {"ada_a01.ipynb": content("new"), "bob_a01.ipynb": content()}, hours=2)
    first = lay(tmp_path / "first", {"ada_a01.ipynb": content("old")})
    take(course, first)
    whole, left, real = settling._write, [moment], settling.replacing

    def dying(path, data):
        left[0] -= 1
        if left[0] < 0:
            (path.parent / f".{path.name}.0.part").write_bytes(data[:10]) if path.parent.exists() else None
            raise Killed
        whole(path, data)

    monkeypatch.setattr(settling, "_write", dying)
    with pytest.raises(Killed):
        take(course, inbox)
    assert settling.replacing is real
    monkeypatch.setattr(settling, "_write", whole)
    ada = place(course, "ada")
    if (ada / "timestamp.txt").exists():  # never the time of another notebook
        time = (
            "2026-03-04 14:00:00 UTC"
            if (ada / f"{NAME}.ipynb").read_bytes() == content("new")
            else "2026-03-04 12:00:00 UTC"
        )
        assert (ada / "timestamp.txt").read_text() == time
    take(course, inbox)
    time = "2026-03-04 14:00:00 UTC"
    assert counting(course) == {"ada": (content("new"), time), "bob": (content(), time)}
    assert kept(course) == [content("old")]
    assert not list(course.rglob("*.part"))
    assert set(take(course, inbox).values()) == {"same"}


def test_a_full_disk_is_one_line_and_loses_nothing(course, inbox, tmp_path, monkeypatch, capsys):
    take(course, lay(tmp_path / "first", {"ada_a01.ipynb": content("old")}))
    before = tree(course)

    def full(path):
        raise OSError(28, "No space left on device")

    lay(inbox, {"ada_a01.ipynb": content("new")}, 1)
    monkeypatch.setattr(settling, "replacing", full)
    assert intake.main([NAME, str(inbox), "--course", str(course)]) == 1
    assert capsys.readouterr() == ("", f"error: {course}: No space left on device\n")
    assert tree(course) == before


def test_a_folder_that_cannot_be_written_is_one_line(course, inbox, monkeypatch, capsys):
    lay(inbox, {"ada_a01.ipynb": content()})
    monkeypatch.setattr(intake.os, "access", lambda *_: False)
    assert intake.main([NAME, str(inbox), "--course", str(course)]) == 1
    assert capsys.readouterr() == ("", f"error: {course}/submitted: Permission denied\n")


def test_one_student_who_cannot_be_written_stops_nobody(course, inbox, monkeypatch):
    whole = settling._write

    def partly(path, data):
        if "ada" in path.parts:
            raise OSError(13, "Permission denied")
        whole(path, data)

    monkeypatch.setattr(settling, "_write", partly)
    states = take(course, lay(inbox, {"ada_a01.ipynb": content(), "bob_a01.ipynb": content()}))
    said = "refused: cannot be put in its place: Permission denied"
    assert states == {"ada_a01.ipynb": said, "bob_a01.ipynb": "taken"}


# -- the command


def test_the_command_prints_a_table_and_writes_a_report(course, inbox, roster, tmp_path):
    lay(inbox, {"ada_a01.ipynb": content(), "zoe_a01.ipynb": b"", "=1+1\x1b[2J_a01.ipynb": content(), "é.txt": b""})
    command = [sys.executable, "-m", "advcourse.grading", "collect", NAME, str(inbox), "--course", str(course)]
    command += ["--students", str(tmp_path / "class.csv")]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=bank.ROOT, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["student", "file", "time", "state"]
    assert lines[1].split("  ")[-1] == "refused: its name holds control characters" and "\x1b" not in done.stdout
    assert [line.split() for line in lines if line.startswith("ada ")] == [
        ["ada", "ada_a01.ipynb", "2026-03-04", "12:00:00", "UTC", "taken"]
    ]
    missing = "nothing from 5 of 6: van_der_berg, van_dijk, lee1, lee2, zoe"
    assert lines[-1] == f"1 taken, 0 same, 0 newer kept, 3 refused; {missing}"
    with open(course / "collected" / NAME / "report.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["student", "file", "time", "state"] and len(rows) == 5
    assert rows[1] == [
        "",
        "'=1+1\\x1b[2J_a01.ipynb",
        "2026-03-04 12:00:00 UTC",
        "refused: its name holds control characters",
    ]
    assert ["ada", "ada_a01.ipynb", "2026-03-04 12:00:00 UTC", "taken"] in rows


def test_the_exit_status(course, inbox, tmp_path, capsys):
    def run(source, name=NAME):
        return intake.main([name, str(source), "--course", str(course)])

    assert run(lay(inbox, {"ada_a01.ipynb": content()})) == 0
    assert run(inbox) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 taken, 1 same, 0 newer kept, 0 refused"
    assert run(lay(inbox, {"ada_a01.ipynb": content("old")}, -1)) == 1
    assert run(tmp_path / "nowhere") == 1
    assert (
        capsys.readouterr().err
        == f"error: what to collect is {tmp_path}/nowhere, expected a folder or a zip that is there\n"
    )
    (tmp_path / "nothing").mkdir()
    assert run(tmp_path / "nothing") == 1
    assert run(inbox, "a99") == 1
    assert "error: assignment is 'a99', expected one of a01_ifgsm, " in capsys.readouterr().err
    assert intake.main([NAME, str(inbox), "--course", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"error: course is {tmp_path}, expected a folder with nbgrader_config.py\n"


def test_nbgrader_sees_how_late_a_submission_is(course, inbox, tmp_path, monkeypatch):
    from nbgrader.api import Gradebook
    from nbgrader.coursedir import CourseDirectory
    from sqlalchemy.exc import SAWarning

    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # nbgrader starts alembic
    take(course, lay(inbox, {"ada_a01.ipynb": content()}))
    time = CourseDirectory().get_existing_timestamp(str(place(course, "ada")))
    assert time == datetime.datetime(2026, 3, 4, 12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}", "advcourse") as gradebook:
            gradebook.add_assignment(NAME, duedate="2026-03-03 12:00:00 UTC")
            gradebook.add_student("ada")
            gradebook.add_submission(NAME, "ada", timestamp=time)
            assert gradebook.find_submission(NAME, "ada").total_seconds_late == 24 * 3600
            gradebook.grant_extension(NAME, "ada", days=2)
            assert gradebook.find_submission(NAME, "ada").total_seconds_late == 0


def test_collecting_loads_no_torch():
    code = "import sys, advcourse.grading.intake; print({'torch', 'nbgrader', 'nbformat'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=bank.ROOT, capture_output=True, text=True).stdout == "set()\n"
    )
    assert Path(intake.__file__).parent == bank.ROOT / "advcourse" / "grading"
