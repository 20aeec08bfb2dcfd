"""One phone through the `adb` client: every call is bounded, and a phone that went away is noticed.

The client is run as a process per call. It ends by itself when a cable is pulled; a connection that
only went silent (Wi-Fi) is found by asking the phone for a sign of life while a call runs long.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from search_spaces.errors import UserError, one_line

PING_EVERY_S = 3.0
PING_TIMEOUT_S = 5.0
SHELL_TIMEOUT_S = 30.0
# What the answer to a shell command ends with: without it the answer was cut off.
_ASK_EXIT = "; code=$?; echo; echo ersam-exit=$code"
_EXIT = re.compile(rb"\r?\n?ersam-exit=(\d+)\r?\n\Z")
_GONE = re.compile(
    r"device '.*' not found|no devices|device offline|device still|: closed|protocol fault|: EOF"
    r"|Connection reset|Broken pipe|couldn't read from device|failed to (read|send|write)"
)
_FULL = re.compile("No space left on device|INSUFFICIENT_STORAGE")


def file_name(name: str) -> str:
    """A phone's serial or model as the name of a file or a folder."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)


class PhoneLostError(UserError):
    """The phone went away in the middle of something."""


@dataclass(frozen=True)
class Answer:
    """What a shell command on the phone said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Adb:
    """The client, for one phone.

    Attributes:
        serial: of the phone, as `adb devices` lists it.
        ping_every_s: how often a call that runs long asks for a sign of life.
        ping_timeout_s: how long the phone may take to give one.
        program: the client.
    """

    serial: str
    ping_every_s: float = PING_EVERY_S
    ping_timeout_s: float = PING_TIMEOUT_S
    program: Path = field(default_factory=lambda: find_adb())

    def shell(self, *commands: Sequence[str], timeout_s: float = SHELL_TIMEOUT_S) -> Answer:
        """Run commands on the phone, each only if the one before it succeeded.

        Args:
            commands: words of each command; they are quoted for the phone's shell.
            timeout_s: bound for all of them.

        Raises:
            PhoneLostError: the answer was cut off.
            UserError: no answer in time.
        """
        line = " && ".join(shlex.join(words) for words in commands)
        what = commands[0][0]
        said = self._call(["shell", line + _ASK_EXIT], timeout_s, what)
        end = _EXIT.search(said.stdout)
        if end is None:
            raise self.lost(f"`{what}` was cut off")
        out = said.stdout[: end.start()].decode(errors="replace")
        return Answer(int(end[1]), out, one_line(said.stderr.decode(errors="replace")))

    def push(self, sources: Sequence[Path], folder: str, timeout_s: float) -> None:
        """Copy files into a folder of the phone under their own names.

        Raises:
            PhoneLostError: it went away.
            UserError: no space, not allowed, no answer in time.
        """
        said = self._call(["push", *map(str, sources), f"{folder}/"], timeout_s, "push")
        self._check(said, f"copy files to {folder}")

    def pull(self, source: str, target: Path, timeout_s: float) -> None:
        """Copy one file from the phone.

        Raises:
            PhoneLostError: it went away.
            UserError: no such file, no answer in time.
        """
        said = self._call(["pull", source, str(target)], timeout_s, "pull")
        self._check(said, f"copy {source}")

    def install(self, apk: Path, timeout_s: float) -> str:
        """Install a package over the one that may be there; returns what the phone said.

        Raises:
            PhoneLostError: it went away.
            UserError: no answer in time.
        """
        said = self._call(["install", "-r", "-t", str(apk)], timeout_s, "install")
        text = _text(said)
        if said.returncode != 0 and "INSTALL_" not in text:
            self._check(said, "install the runner")
        return text

    def start_shell(self, words: Sequence[str]) -> subprocess.Popen[str]:
        """Start one command on the phone and leave its output to the caller."""
        return subprocess.Popen(
            [str(self.program), "-s", self.serial, "shell", shlex.join(words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def alive(self) -> bool:
        """Whether the phone gives a sign of life in time."""
        command = [str(self.program), "-s", self.serial, "shell", "echo ersam-alive"]
        try:
            said = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.ping_timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return said.stdout.strip() == b"ersam-alive"

    def lost(self, what: str) -> PhoneLostError:
        """The error for a phone that went away, with what to do."""
        return PhoneLostError(
            f"phone {self.serial}: connection lost, {what}; connect it again and give the same"
            " command: it continues"
        )

    def _call(
        self, arguments: list[str], timeout_s: float, what: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the client; while it takes long, ask the phone for a sign of life."""
        command = [str(self.program), "-s", self.serial, *arguments]
        deadline = time.monotonic() + timeout_s
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                while True:
                    try:
                        out, err = process.communicate(timeout=self.ping_every_s)
                        break
                    except subprocess.TimeoutExpired:
                        if time.monotonic() > deadline:
                            raise UserError(
                                f"phone {self.serial}: `{what}` did not end within"
                                f" {timeout_s:.0f} s; connect it again and give the same command:"
                                " it continues"
                            ) from None
                        if not self.alive():
                            raise self.lost(f"no sign of life during `{what}`") from None
            finally:
                process.kill()
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def _check(self, said: subprocess.CompletedProcess[bytes], what: str) -> None:
        if said.returncode == 0:
            return
        text = _text(said)
        if _FULL.search(text):
            raise UserError(
                f"phone {self.serial}: no space left to {what}; free some and give the same"
                " command: it continues"
            )
        # A client that the cable took in the middle of a pull says nothing at all.
        if not text or _GONE.search(text) or not self.alive():
            raise self.lost(f"could not {what}")
        raise UserError(f"phone {self.serial}: could not {what}: {text}")


def _text(said: subprocess.CompletedProcess[bytes]) -> str:
    """All that the client said, in one line without the progress of a push."""
    text = one_line((said.stderr + b" " + said.stdout).decode(errors="replace"))
    return re.sub(r"\[ *\d+%\] \S+", "", text).strip()


def find_adb() -> Path:
    """The client that adbutils brings (pinned), else one on PATH.

    Raises:
        UserError: neither is there.
    """
    package = importlib.util.find_spec("adbutils")
    if package is not None and package.origin is not None:
        name = "adb.exe" if os.name == "nt" else "adb"
        bundled = Path(package.origin).parent / "binaries" / name
        if bundled.exists():
            return bundled
    found = shutil.which("adb")
    if found is None:
        raise UserError(
            "adb: not found; install adbutils, which brings it (`make setup`), or Android's"
            " platform-tools, and have them on PATH"
        )
    return Path(found)
