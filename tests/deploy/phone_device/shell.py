"""The phone's shell: a white list of commands, so that nothing of the host is ever run."""

from __future__ import annotations

import hashlib
import re
import shlex
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.phone_device.sync import Disk
from tests.deploy.phone_device.wire import Stream

_EXIT = "; code=$?; echo; echo ersam-exit=$code"
_INSTALL = re.compile(r"cmd package '?install'? .*-S '?(\d+)'?")
_GETPROP = "[{}]: [{}]"


@dataclass
class Phone:
    """What the shell tells of the phone."""

    disk: Disk
    properties: dict[str, str] = field(
        default_factory=lambda: {
            "ro.product.manufacturer": "Test",
            "ro.product.model": "Loopback 1",
            "ro.build.version.sdk": "34",
            "ro.build.version.release": "14",
            "ro.build.fingerprint": "test/loopback/1:14/X/1:user/release-keys",
            "ro.product.cpu.abilist": "arm64-v8a",
        }
    )
    battery_percent: int = 80
    locked: bool = False
    installed: dict[str, int] = field(default_factory=dict)  # package -> version code
    install_failure: str | None = None
    next_version_code: int = 1
    package: str = "org.ersam.runner"
    exit_info: str = ""
    broken: set[str] = field(default_factory=set)  # commands that fail
    log: str = "I/ActivityManager: a line of the log\n"

    def apk(self, package: str) -> Path:
        return self.disk.path(f"/data/app/{package}/base.apk")


class Shell:
    """Runs the commands that the kit sends.

    Args:
        phone: its state.
        instrument: runs a job: (path of job.json, write) -> None.
        running: process id of the runner, None where it does not run.
        stop: ends the runner.
    """

    def __init__(
        self,
        phone: Phone,
        instrument: Callable[[str, Callable[[bytes], None]], None],
        running: Callable[[], int | None],
        stop: Callable[[], None],
    ) -> None:
        self.phone, self.disk = phone, phone.disk
        self._instrument, self._running, self._stop = instrument, running, stop
        self._commands: dict[str, Callable[[list[str]], tuple[int, str]]] = {
            "echo": lambda words: (0, " ".join(words) + "\n"),
            "getprop": self._getprop,
            "df": self._df,
            "dumpsys": self._dumpsys,
            "pm": self._pm,
            "am": self._am,
            "pidof": self._pidof,
            "logcat": lambda words: (0, self.phone.log),
            "mkdir": self._mkdir,
            "chmod": self._chmod,
            "sha256sum": self._sha256sum,
            "mv": self._mv,
            "rm": self._rm,
            "cat": self._cat,
            "ls": self._ls,
        }

    def serve(self, stream: Stream, service: str) -> None:
        """Answer `shell,v2:` and `exec:`."""
        line = service.partition(":")[2]
        install = _INSTALL.match(line)
        if install:
            stream.write(self._install(stream.read(int(install[1])), int(install[1])).encode())
            return

        def out(data: bytes, channel: int = 1) -> None:
            stream.write(struct.pack("<BI", channel, len(data)) + data)

        code = self.run(line, out)
        stream.write(struct.pack("<BIB", 3, 1, code))

    def run(self, line: str, out: Callable[..., None]) -> int:
        """Run ``a && b && c``, with the trailer by which the kit asks for the exit code.

        Args:
            line: what the client sent.
            out: takes bytes, and the channel 2 for those of stderr.
        """
        asks_exit = line.endswith(_EXIT)
        words = shlex.split(line.removesuffix(_EXIT))
        code = 0
        for command in _split(words):
            if command[:2] == ["am", "instrument"]:
                self._instrument(command[command.index("job") + 1], out)
                continue
            code, text, complaint = self._run_one(command)
            if text:
                out(text.encode())
            if complaint:
                out(complaint.encode(), 2)
            if code:
                break
        if asks_exit:
            out(f"\nersam-exit={code}\n".encode())
        return code

    def _run_one(self, command: list[str]) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        name, *words = command
        run = self._commands.get(name)
        if run is None:
            return 127, "", f"{name}: not on the white list\n"
        if name in self.phone.broken:
            return 1, "", f"{name}: Read-only file system\n"
        try:
            return (*run(words), "")
        except OSError as error:
            return 1, "", f"{name}: {error.filename}: {error.strerror}\n"

    def _getprop(self, words: list[str]) -> tuple[int, str]:
        return 0, "".join(_GETPROP.format(*item) + "\n" for item in self.phone.properties.items())

    def _df(self, words: list[str]) -> tuple[int, str]:
        free = self.disk.free_bytes // 1024
        header = "Filesystem     1K-blocks     Used Available Use% Mounted on\n"
        return 0, f"{header}/dev/block/dm-9 114211820 19123444 {free} 17% /data\n"

    def _dumpsys(self, words: list[str]) -> tuple[int, str]:
        if words == ["battery"]:
            return 0, f"  USB powered: true\n  level: {self.phone.battery_percent}\n  scale: 100\n"
        if words == ["trust"]:
            return 0, f' User "Owner" (id=0) (current): deviceLocked={int(self.phone.locked)},\n'
        if words[:1] == ["package"]:
            code = self.phone.installed.get(words[1])
            return 0, "" if code is None else f"    versionCode={code} minSdk=26 targetSdk=35\n"
        if words[:2] == ["activity", "exit-info"]:
            return 0, self.phone.exit_info
        return 0, ""

    def _pm(self, words: list[str]) -> tuple[int, str]:
        if words[0] == "path" and words[1] in self.phone.installed:
            return 0, f"package:/data/app/{words[1]}/base.apk\n"
        return 1, ""

    def _am(self, words: list[str]) -> tuple[int, str]:
        if words[0] == "force-stop":
            self._stop()
            return 0, ""
        return 255, f"Error: unknown command '{words[0]}'\n"

    def _pidof(self, words: list[str]) -> tuple[int, str]:
        pid = self._running()
        return (1, "") if pid is None else (0, f"{pid}\n")

    def _mkdir(self, words: list[str]) -> tuple[int, str]:
        for name in words[1:]:
            self.disk.path(name).mkdir(parents=True, exist_ok=True)
        return 0, ""

    def _chmod(self, words: list[str]) -> tuple[int, str]:
        for name in words[1:]:
            self.disk.path(name).chmod(int(words[0], 8))
        return 0, ""

    def _sha256sum(self, words: list[str]) -> tuple[int, str]:
        lines, code = [], 0
        for name in words:
            try:
                digest = hashlib.sha256(self.disk.path(name).read_bytes()).hexdigest()
                lines.append(f"{digest}  {name}\n")
            except FileNotFoundError:
                code = 1
        return code, "".join(lines)

    def _mv(self, words: list[str]) -> tuple[int, str]:
        source, target = words
        self.disk.path(source).replace(self.disk.path(target))
        return 0, ""

    def _rm(self, words: list[str]) -> tuple[int, str]:
        for name in words[1:]:
            _remove(self.disk.path(name))
        return 0, ""

    def _cat(self, words: list[str]) -> tuple[int, str]:
        return 0, self.disk.path(words[0]).read_text(encoding="utf-8")

    def _ls(self, words: list[str]) -> tuple[int, str]:
        names = sorted(path.name for path in self.disk.path(words[0]).iterdir())
        return 0, "".join(f"{name}\n" for name in names)

    def _install(self, apk: bytes, announced: int) -> str:
        if len(apk) < announced:
            return ""  # the cable was pulled: nothing is installed
        if self.phone.install_failure:
            return f"Failure [{self.phone.install_failure}]\n"
        path = self.phone.apk(self.phone.package)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(apk)
        self.phone.installed[self.phone.package] = self.phone.next_version_code
        return "Success\n"


def _split(words: list[str]) -> list[list[str]]:
    """Commands between ``&&``."""
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "&&":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def _remove(path: Path) -> None:
    if path.is_dir():
        for child in path.iterdir():
            _remove(child)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
