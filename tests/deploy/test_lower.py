import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import lowering
from deploy.__main__ import main
from deploy.bundle import DEFAULT_BUNDLE, MANIFEST, read_bundle
from deploy.lower import is_done, searched_clips, summary, training_record
from search_spaces.errors import UserError
from search_spaces.file_lock import held
from search_spaces.frontier import read_frontier


def test_same_inputs_are_not_lowered_again(
    bundle_path: Path,
    frontier_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(lowering, "lower_net", None)  # must not be called
    arguments = ["lower", "--frontier", str(frontier_path), "--out", str(bundle_path.parent)]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert "is there already, made of the same inputs" in captured.err
    assert captured.out.startswith(f"{bundle_path}: fp32 ")


def test_a_second_lower_of_one_folder_is_refused(
    frontier_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(tmp_path / ".lock", ""):
        assert main(["lower", "--frontier", str(frontier_path), "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: --out {tmp_path}: another `lower` is at work in this folder; wait for it or name"
        " another folder\n"
    )
    assert not list(tmp_path.iterdir())


def test_other_inputs_are(bundle_path: Path) -> None:
    manifest = read_bundle(bundle_path).manifest
    inputs, licence = manifest["inputs"], manifest["licence"]
    assert is_done(bundle_path, inputs, licence)
    assert not is_done(bundle_path, {**inputs, "allow_drop": True}, licence)
    assert not is_done(bundle_path, inputs, "another licence")
    assert not is_done(bundle_path / "nowhere", inputs, licence)


def test_one_refused_winner_is_said_and_leaves_nothing(
    frontier_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(name: str, *_: object, **__: object) -> None:
        raise UserError(f"{name}: fp32 differs")

    monkeypatch.setattr(lowering, "lower_net", refuse)
    assert main(["lower", "--frontier", str(frontier_path), "--out", str(tmp_path)]) == 2
    assert (
        f"error: {read_frontier(frontier_path).best.name}: fp32 differs" in capsys.readouterr().err
    )
    assert not list(tmp_path.iterdir())


def test_full_disk_leaves_nothing(
    frontier_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fill(name: str, network: object, clips: object, levels: object, folder: Path, **_: object):
        (folder / "model.pte").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "model.pte"))

    monkeypatch.setattr(lowering, "lower_net", fill)
    assert main(["lower", "--frontier", str(frontier_path), "--out", str(tmp_path)]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert "model.pte: No space left on device; make room" in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--winner", "net-x"], "winner 'net-x': the frontier has none of this name"),
        (["--max-int8-drop", "-1"], "--max-int8-drop: got -1.0, expected points from 0 to 100"),
        (["--max-int8-drop", "nan"], "--max-int8-drop: got nan, expected points from 0 to 100"),
        (["--licence", ""], "--licence: got '', expected an SPDX id, as MIT or CC-BY-4.0"),
        (["--licence", "MIT\n# x"], "--licence: got 'MIT\\n# x', expected an SPDX id"),
        (["--clips", "nowhere.npz"], "nowhere.npz: no such file"),
        (["--out", "/proc/bundles"], "--out: /proc/bundles cannot be written (No such file"),
        (
            ["--frontier", str(DEFAULT_BUNDLE / MANIFEST)],
            f"{DEFAULT_BUNDLE / MANIFEST}: is of the kind manifest.json, expected frontier.json",
        ),
    ],
)
def test_wrong_arguments_are_one_line(
    arguments: list[str],
    message: str,
    frontier_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["lower", "--frontier", str(frontier_path), "--out", str(tmp_path), *arguments]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")


def test_summary_says_what_became_of_int8(bundle_copy: Callable[[], Path]) -> None:
    path = bundle_copy()
    assert "int8 " in summary(path)
    manifest = json.loads((path / "manifest.json").read_text())
    kept = {**manifest, "int8_reason": "int8 loses 3 points"}
    (path / "manifest.json").write_text(json.dumps(kept))
    assert summary(path).endswith("kept by --allow-drop: int8 loses 3 points")
    left_out = {**kept, "precisions": {**manifest["precisions"], "int8": None}}
    (path / "manifest.json").write_text(json.dumps(left_out))
    assert summary(path).endswith("fp32 only: int8 loses 3 points")


def test_unknown_training_has_a_reason(frontier_path: Path) -> None:
    frontier = read_frontier(frontier_path)
    assert training_record(frontier_path, frontier)["record"] == {"seed": 7, "labelled_clips": 40}
    frontier.raw["inputs"]["checkpoint"]["sha256"] = "0" * 64
    changed = training_record(frontier_path, frontier)
    assert changed["record"] is None
    assert changed["reason"].endswith("supernet.pt: changed since the search")


def test_clips_that_changed_since_the_search_are_refused(frontier_path: Path) -> None:
    frontier = read_frontier(frontier_path)
    recorded = frontier.raw["inputs"]["clips"]
    assert searched_clips(frontier_path, frontier) == frontier_path.with_name("clips.npz")
    recorded["sha256"] = "0" * 64
    with pytest.raises(UserError, match=r"clips\.npz: changed since the search; search anew, or"):
        searched_clips(frontier_path, frontier)
    recorded["path"] = "nowhere.npz"
    with pytest.raises(UserError, match=r"nowhere\.npz: no such file, though the search used it"):
        searched_clips(frontier_path, frontier)


def test_winner_with_changed_weights_is_refused(
    frontier_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frontier = json.loads(frontier_path.read_text())
    frontier["winners"][0]["weights"]["sha256"] = "0" * 64
    other = frontier_path.with_name("other.json")
    other.write_text(json.dumps(frontier))
    assert main(["lower", "--frontier", str(other), "--out", str(tmp_path / "out")]) == 2
    assert "its sha256 is not the one in" in capsys.readouterr().err
    assert not list(tmp_path.glob("out/*"))
