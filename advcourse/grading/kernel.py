"""A kernel that runs one cell after the other, each within bounds of time and of output, whatever the cell does."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from typing import Any

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from nbformat import NotebookNode
from nbformat.v4 import new_output, output_from_msg

KIB = 2**10
LARGEST_MESSAGE = 8 * KIB**2
"""Bytes of the largest message that is received; a larger one cuts the connection."""

MOST_RECEIVED = 64 * KIB**2
"""Bytes of a cell's messages after which its kernel is ended."""

MOST_KEPT = 4 * KIB**2
"""Bytes of a cell's outputs that are kept; what comes after them is left out."""

GRACE = 5.0
"""Seconds that an interrupted cell has to end, and that the rest of an output has to arrive."""


@dataclass
class Ran:
    """What came of a cell.

    Attributes:
        outputs: as the cell made them, the first that fit.
        trouble: our words about what went wrong with the kernel, or None.
        lost: whether the kernel is gone.
    """

    outputs: list[NotebookNode] = field(default_factory=list)
    trouble: str | None = None
    lost: bool = False


class Kernel:
    """One kernel process and the two sockets that it answers on."""

    def __init__(self, manager: KernelManager, folder: str):
        self.manager = manager
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        arguments = ["--HistoryManager.hist_file=:memory:"]
        manager.start_kernel(extra_arguments=arguments, cwd=folder or None, **quiet)
        self.context = zmq.Context()
        self.context.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        self.context.setsockopt(zmq.RCVHWM, 256)
        self.client: BlockingKernelClient = manager.client(context=self.context)
        try:
            self.client.start_channels(hb=False, stdin=False)
            self.client.wait_for_ready(timeout=120)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process, and everything that it started."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.context.destroy(linger=0)

    def run(self, source: str, seconds: float) -> Ran:
        """Run a cell; after so many ``seconds`` it is interrupted, and if that does not help the kernel is ended."""
        talk = _Talk(self, self.client.execute(source, allow_stdin=False, stop_on_error=False))
        if talk.until(time.monotonic() + seconds):
            return talk.ran
        if not talk.ran.lost and talk.reply is None:
            self.manager.interrupt_kernel()
            ended = talk.until(time.monotonic() + GRACE)
            talk.fail(f"the cell had not ended after {seconds:.0f} s", lost=not ended)
        return talk.ran


class _Talk:
    """The messages about one cell."""

    def __init__(self, kernel: Kernel, message: str):
        self.kernel, self.message, self.ran = kernel, message, Ran()
        self.reply: dict[str, Any] | None = None
        self.idle = self.cut = False
        self.received = self.kept = 0
        self.sockets = [kernel.client.iopub_channel.socket, kernel.client.shell_channel.socket]

    def until(self, deadline: float) -> bool:
        """Read until the cell has ended and said all, the kernel is lost, or the time is up; whether it has ended."""
        poller = zmq.Poller()
        for socket in self.sockets:
            poller.register(socket, zmq.POLLIN)
        while not (self.ended() or self.ran.lost):
            left = deadline - time.monotonic()
            if left <= 0:
                if self.reply is not None:  # nor would what the next cells say
                    self.fail("the end of its output did not arrive", lost=True)
                return False
            if not poller.poll(int(1000 * min(left, 0.5)) + 1):
                if not self.kernel.manager.is_alive():
                    self.fail("the kernel died: too much memory or time, or the process was ended", lost=True)
                continue
            had_reply = self.reply is not None
            for socket in self.sockets:
                self.read(socket)
            if self.reply is not None and not had_reply:
                deadline = time.monotonic() + GRACE
        return not self.ran.lost

    def ended(self) -> bool:
        return self.idle and self.reply is not None

    def fail(self, words: str, *, lost: bool) -> None:
        self.ran.trouble, self.ran.lost = words, lost

    def read(self, socket: zmq.Socket) -> None:
        """At most a hundred messages, so that the time is looked at in between."""
        session = self.kernel.client.session
        for _ in range(100):
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            size = sum(map(len, frames))
            self.received += size + 100
            if self.received > MOST_RECEIVED:
                return self.fail(f"the cell wrote more than {MOST_RECEIVED // KIB**2} MiB", lost=True)
            try:
                message = session.deserialize(session.feed_identities(frames)[1])
                if message["parent_header"].get("msg_id") == self.message:
                    self.take(message, size)
            except Exception:  # whatever a kernel may send
                continue
            if self.ended():
                return

    def take(self, message: dict[str, Any], size: int) -> None:
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "execute_reply":
            self.reply = content
            if content.get("status") != "ok":
                self.note_error(content)
        elif kind == "status":
            self.idle = self.idle or content.get("execution_state") == "idle"
        elif kind in ("stream", "error", "display_data", "execute_result"):
            self.add(output_from_msg(message), size)
        elif kind == "clear_output":
            self.ran.outputs[:] = [output for output in self.ran.outputs if _costs(output)]

    def note_error(self, content: dict[str, Any]) -> None:
        """An error that the reply names stands in the outputs, even where no message of it came."""
        name = str(content.get("ename", "Error"))
        if not any(o.output_type == "error" for o in self.ran.outputs):
            lines = content.get("traceback") or [f"{name}: {content.get('evalue', '')}"]
            given = {"ename": name, "evalue": str(content.get("evalue", "")), "traceback": lines}
            self.ran.outputs.append(new_output("error", **given))

    def add(self, output: NotebookNode, size: int) -> None:
        outputs, first = self.ran.outputs, not any(map(_costs, self.ran.outputs))
        if self.kept + size > MOST_KEPT and not (_costs(output) and first):
            if not self.cut:
                outputs.append(new_output("stream", name="stdout", text="\n… the rest of the output was left out\n"))
            self.cut = True
            return
        self.kept += size
        last = outputs[-1] if outputs else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last.text += output.text
        else:
            outputs.append(output)


def _costs(output: NotebookNode) -> bool:
    """Whether nbgrader takes the points of a test cell with this output."""
    return output.output_type == "error" or output.get("name") == "stderr"
