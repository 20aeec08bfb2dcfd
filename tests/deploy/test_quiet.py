import os
import subprocess
import sys

SCRIPT = """
import os, sys
from deploy.quiet import quiet
from search_spaces.errors import UserError
print("before", flush=True)
try:
    with quiet():
        os.write(1, b"native out\\n"); os.write(2, b"native err\\n"); print("python out")
        if len(sys.argv) > 1:
            raise eval(sys.argv[1])
except Exception as error:
    print("raised", error, flush=True)
print("after")
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )


def test_holds_back_what_the_block_says() -> None:
    result = run()
    assert (result.stdout, result.stderr) == ("before\nafter\n", "")


def test_shows_it_when_the_block_fails() -> None:
    result = run("RuntimeError('broken')")
    assert result.stdout == "before\nraised broken\nafter\n"
    assert {"native out", "native err", "python out"} <= {*result.stderr.splitlines()}


def test_a_user_error_says_all_itself() -> None:
    assert run("UserError('bad clip')").stderr == ""
