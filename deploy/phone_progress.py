"""What `am instrument -r` prints while a job runs: status lines, then a result and a code."""

from __future__ import annotations

from dataclasses import dataclass, field

_STATUS = "INSTRUMENTATION_STATUS: "
_STATUS_CODE = "INSTRUMENTATION_STATUS_CODE: "
_RESULT = "INSTRUMENTATION_RESULT: "
_CODE = "INSTRUMENTATION_CODE: "
_OURS = "ersam."


@dataclass
class InstrumentOutput:
    """Fed line by line.

    Attributes:
        result: values of the end, e.g. ``ersam.error`` or Android's ``shortMsg``.
        code: of the end; None before it.
        other: lines that belong to nothing, e.g. an error of `am` itself.
    """

    result: dict[str, str] = field(default_factory=dict)
    code: int | None = None
    other: list[str] = field(default_factory=list)
    _status: dict[str, str] = field(default_factory=dict)
    _last: tuple[dict[str, str], str] | None = None

    def feed(self, line: str) -> dict[str, str] | None:
        """Take a line; returns a status of ours when it is whole, its names without ``ersam.``."""
        line = line.rstrip("\r\n")
        if line.startswith(_STATUS_CODE):
            status, self._status, self._last = self._status, {}, None
            ours = {
                name.removeprefix(_OURS): value
                for name, value in status.items()
                if name.startswith(_OURS)
            }
            self.other += [value for name, value in status.items() if name == "Error"]
            return ours or None
        if line.startswith(_STATUS):
            self._keep(self._status, line.removeprefix(_STATUS))
        elif line.startswith(_RESULT):
            self._keep(self.result, line.removeprefix(_RESULT))
        elif line.startswith(_CODE):
            text = line.removeprefix(_CODE).strip()
            self.code = int(text) if text.lstrip("-").isdecimal() else None
            self._last = None
        elif self._last is not None:  # a value of several lines
            values, name = self._last
            values[name] += "\n" + line
        elif line.strip():
            self.other.append(line.strip())
        return None

    def _keep(self, values: dict[str, str], text: str) -> None:
        name, _, value = text.partition("=")
        values[name] = value
        self._last = (values, name)
