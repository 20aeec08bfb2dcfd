"""What `am instrument -r` prints."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.phone_progress import InstrumentOutput

TEXT = """\
INSTRUMENTATION_STATUS: ersam.event=progress
INSTRUMENTATION_STATUS: ersam.message=a=b, two
lines
INSTRUMENTATION_STATUS: class=ignored
INSTRUMENTATION_STATUS_CODE: 1
INSTRUMENTATION_RESULT: ersam.error=no
engine
INSTRUMENTATION_CODE: 3
"""


def test_statuses_result_and_code() -> None:
    output = InstrumentOutput()
    statuses = [s for line in TEXT.splitlines() if (s := output.feed(line)) is not None]
    assert statuses == [{"event": "progress", "message": "a=b, two\nlines"}]
    assert output.result == {"ersam.error": "no\nengine"}
    assert output.code == 3
    assert output.other == []


def test_what_am_itself_says_is_kept() -> None:
    output = InstrumentOutput()
    for line in (
        "INSTRUMENTATION_STATUS: id=ActivityManagerService",
        "INSTRUMENTATION_STATUS: Error=Unable to find instrumentation info",
        "INSTRUMENTATION_STATUS_CODE: -1",
        "android.util.AndroidException: INSTRUMENTATION_FAILED: x",
    ):
        assert output.feed(line) is None
    assert output.other == [
        "Unable to find instrumentation info",
        "android.util.AndroidException: INSTRUMENTATION_FAILED: x",
    ]
    assert output.code is None


words = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85  "))
names = st.text("abcdefghij_", min_size=1)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(names, words, min_size=1), min_size=1))
def test_any_status_comes_back_as_it_was_sent(sent: list[dict[str, str]]) -> None:
    output, received = InstrumentOutput(), []
    for values in sent:
        lines = [f"INSTRUMENTATION_STATUS: ersam.{name}={text}" for name, text in values.items()]
        for line in [*lines, "INSTRUMENTATION_STATUS_CODE: 1"]:
            received.append(output.feed(line + "\n"))
    assert [status for status in received if status is not None] == sent


@given(st.lists(st.text()))
def test_no_line_breaks_it(lines: list[str]) -> None:
    output = InstrumentOutput()
    for line in lines:
        output.feed(line)
    assert output.code is None or isinstance(output.code, int)
