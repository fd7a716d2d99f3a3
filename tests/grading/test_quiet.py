"""Nothing reaches the standard error from inside `quiet`, and nothing is lost."""

import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from advcourse.grading.quiet import quiet

NOISE = """
import ctypes, logging, os, sys, warnings
from advcourse.grading.quiet import quiet

handler = logging.StreamHandler(sys.stderr)
logging.getLogger("noisy").addHandler(handler)
with quiet():
    with quiet():
        print("printed", file=sys.stderr)
    warnings.warn("warned")
    logging.getLogger("noisy").error("logged")
    os.write(2, b"descriptor\\n")
    ctypes.CDLL(None).perror(b"from C")
"""
WORDS = ("printed", "warned", "logged", "descriptor", "from C")


def test_in_a_process():
    done = subprocess.run([sys.executable, "-c", NOISE + "\nprint('after', file=sys.stderr)"], capture_output=True)
    assert done.stderr.decode().strip() == "after"
    assert all(word in done.stdout.decode() for word in WORDS)


def test_in_a_kernel():
    """As in a test cell: the outputs hold stdout alone, and the standard error works again afterwards."""
    after = "print('after', file=sys.stderr); logging.getLogger('noisy').error('logged again')"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in (NOISE, after)])
    NotebookClient(notebook, timeout=120, kernel_name="python3", coalesce_streams=True).execute()
    inside, outside = ({output.name: output.text for output in cell.outputs} for cell in notebook.cells)
    assert set(inside) == {"stdout"}
    assert all(word in inside["stdout"] for word in WORDS)
    assert set(outside) == {"stderr"}
    assert "after" in outside["stderr"] and "logged again" in outside["stderr"]


def test_exceptions_pass_and_the_descriptor_is_put_back(capfd):
    before = os.fstat(2)
    with pytest.raises(KeyError, match="mine"), quiet():
        raise KeyError("mine")
    assert os.fstat(2).st_ino == before.st_ino
    print("heard", file=sys.stderr)
    assert "heard" in capfd.readouterr().err
