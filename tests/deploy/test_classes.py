"""Bundles that name classes: lowered once for real, else a stand-in that hears the pitch."""

from __future__ import annotations

import argparse
import csv
import json
import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from deploy import evaluate, lower, predict
from deploy.__main__ import main
from deploy.bundle import read_bundle
from deploy.evaluation import read_evaluation
from lightning_modules import recordings_cache
from search_spaces.architecture import smallest
from search_spaces.clips_file import Clips, to_int16, write_clips
from search_spaces.errors import UserError
from search_spaces.single import write_single
from search_spaces.spaces import get_space
from search_spaces.supernet import build_subnet
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask
from search_spaces.task_json import task_fields
from tests.deploy.fakes import PeakBundle
from tests.lightning_modules.recording_folder import PITCHES_HZ, write_folder, write_recording

TASK = ClassesTask(("high", "low", "middle"))


class PitchBundle:
    """Says the class whose pitch is the strongest; the more so, the longer the sound."""

    name, path, precisions = "net-pitch", Path("bundle"), ("fp32",)
    clip_samples = 16_000
    manifest: ClassVar[dict[str, Any]] = {"temperature": 2.0}

    def __init__(self) -> None:
        self.task = TASK

    def choose_precision(self, precision: str | None) -> str:
        return precision or "fp32"

    def load(self, precision: str | None = None) -> PitchBundle:
        return self

    def run(self, waveform: np.ndarray) -> np.ndarray:
        spectrum = np.abs(np.fft.rfft(waveform))  # 1 Hz a bin
        power = np.array([spectrum[PITCHES_HZ[name]] for name in TASK.names]) + 1e-9
        return (power / power.sum()).astype(np.float32)


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch) -> PitchBundle:
    fake = PitchBundle()
    for command in (predict, evaluate):
        monkeypatch.setattr(command, "read_bundle", lambda path: fake)
    origin = {
        "bundle": {
            "name": "net-pitch",
            "precision": "fp32",
            "manifest_sha256": "0" * 64,
            "runtime": {"name": "executorch", "version": "1.4.1"},
        },
        "clips": {"number": 1, "sha256": "0" * 64},
    }
    monkeypatch.setattr("deploy.evaluate_classes.origin_of", lambda *_: origin)
    return fake


def parse(command: object, *arguments: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)  # type: ignore[attr-defined]
    return parser.parse_args([str(argument) for argument in arguments])


def test_a_row_per_window_or_per_file(
    tmp_path: Path, bundle: PitchBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    short = write_recording(tmp_path / "short.wav", 200, seconds=0.3)
    long = write_recording(tmp_path / "long.wav", 1800, seconds=2.6)
    assert predict.run(parse(predict, short, long)) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["label"] for row in rows] == ["low", "high", "high", "high"]
    assert [row["end_s"] for row in rows] == ["0.300", "1.000", "2.000", "2.600"]
    assert list(rows[0]) == ["file", "start_s", "end_s", "label", "probability"]
    assert predict.run(parse(predict, "--per", "file", "--format", "json", short, long)) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["label"], row["end_s"]) for row in rows] == [("low", 0.3), ("high", 2.6)]


def test_counts_are_not_of_whole_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "read_bundle", lambda path: PeakBundle())
    with pytest.raises(UserError, match="--per file: this bundle counts people, who come and go"):
        predict.run(parse(predict, "--per", "file", tmp_path))


def test_an_evaluation_has_recall_confusion_and_the_hardest(
    tmp_path: Path, bundle: PitchBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_folder(tmp_path / "data", speakers=["ann"], each=3)
    write_recording(root / "low" / "ann" / "wrong.wav", 1800)
    arguments = parse(evaluate, "--bundle", "b", "--clips", root, "--out", tmp_path, "--rows")
    assert evaluate.run(arguments) == 0
    out = capsys.readouterr().out
    assert "  error                             10.0 %   95 % interval" in out
    assert "low/ann/wrong.wav: low taken for high" in out
    assert "before the temperature" in out
    evaluation = read_evaluation(tmp_path / "evaluation.json")
    assert evaluation["metrics"]["error"]["value"] == pytest.approx(0.1)
    assert evaluation["metrics"]["balanced_error"]["value"] == pytest.approx(0.25 / 3)
    assert evaluation["interval"]["method"].startswith(
        "percentile bootstrap over clips; of balanced_error over those of each class"
    )
    assert evaluation["confusion"] == [[3, 0, 0], [1, 3, 0], [0, 0, 3]]
    recall = {row["name"]: row["recall"]["value"] for row in evaluation["by_class"]}
    assert recall == {"high": 1.0, "low": 0.75, "middle": 1.0}
    assert evaluation["rows"][0]["file"] == "low/ann/wrong.wav"
    assert (tmp_path / "confusion.png").stat().st_size > 1000


@pytest.mark.parametrize("several", [False, True])
def test_names_that_are_not_utf_8_or_look_like_formulas_are_shown(
    tmp_path: Path, bundle: PitchBundle, capsys: pytest.CaptureFixture[str], several: bool
) -> None:
    odd, dear = os.fsdecode(b"caf\xe9"), "$5_and_$6"
    bundle.task = ClassesTask((odd, "low", dear), several)  # in the order of `TASK`
    write_recording(tmp_path / "data" / "odd" / "0.wav", PITCHES_HZ["low"])
    (tmp_path / "data" / "odd").rename(tmp_path / "data" / odd)
    write_recording(tmp_path / "data" / dear / "0.wav", PITCHES_HZ["middle"])
    write_recording(tmp_path / "data" / "low" / "0.wav", PITCHES_HZ["low"])
    options = ("--bundle", "b", "--clips", tmp_path / "data", "--out", tmp_path, "--rows")
    assert main(["evaluate", *map(str, options)]) == 0
    assert r"  caf\udce9/0.wav: caf\udce9 taken for low" in capsys.readouterr().out
    assert read_evaluation(tmp_path / "evaluation.json")["rows"][0]["label"] == odd
    assert (tmp_path / "confusion.png").stat().st_size > 1000


def test_a_file_is_decoded_once_however_its_stretches_are_listed(
    tmp_path: Path, bundle: PitchBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    read_audio = recordings_cache.read_audio

    def noted(path: Path, **options: float) -> np.ndarray:
        decoded.append(path.name)
        return read_audio(path, **options)

    monkeypatch.setattr(recordings_cache, "read_audio", noted)
    write_recording(tmp_path / "a.wav", PITCHES_HZ["high"], seconds=0.4)
    write_recording(tmp_path / "b.wav", PITCHES_HZ["low"], seconds=0.4)
    rows = [
        f"{name}.wav,{label},{start_s},{start_s + 0.2}"
        for start_s in (0.0, 0.2)
        for name, label in (("a", "high"), ("b", "low"))
    ]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,start_s,end_s", *rows]))
    options = ("--bundle", "b", "--clips", tmp_path / "list.csv", "--out", tmp_path)
    assert evaluate.run(parse(evaluate, *options)) == 0
    assert decoded == ["a.wav", "b.wav"]
    evaluation = read_evaluation(tmp_path / "evaluation.json")
    assert evaluation["confusion"] == [[2, 0, 0], [0, 2, 0], [0, 0, 0]]


def test_recordings_that_cannot_be_judged_are_refused(tmp_path: Path, bundle: PitchBundle) -> None:
    write_recording(tmp_path / "alien" / "a.wav", 300)
    with pytest.raises(UserError, match=r"class 'alien' is none of the bundle's: high, low, mid"):
        evaluate.run(parse(evaluate, "--bundle", "b", "--clips", tmp_path))
    (tmp_path / "list.csv").write_text("path,label,split\nalien/a.wav,low,train\n")
    with pytest.raises(UserError, match=r"holds no labelled recording to judge by \(split test\)"):
        evaluate.run(parse(evaluate, "--bundle", "b", "--clips", tmp_path / "list.csv"))


@pytest.mark.parametrize("several", [False, True])
def test_a_net_of_a_second_is_lowered_with_its_task(tmp_path: Path, several: bool) -> None:
    task = ClassesTask(TASK.names, several)
    architecture = smallest(get_space("sam-nano-1s"))
    net = build_subnet(architecture, 3).eval()
    rng = np.random.default_rng(0)
    labels = np.eye(3, dtype=np.int64) if several else np.arange(3)
    noise = to_int16(0.1 * rng.standard_normal((3, 16_000)))
    clips = Clips(noise, labels, labels, np.ones(3, bool), noise)
    write_clips(tmp_path / "clips.npz", clips)
    torch.save({}, tmp_path / "subnet.pt")
    frontier = write_single(
        tmp_path, architecture, net, tmp_path / "subnet.pt", tmp_path / "clips.npz", 0, task
    )
    assert lower.run(parse(lower, "--frontier", frontier, "--out", tmp_path / "out")) == 0
    bundle = read_bundle(next((tmp_path / "out").iterdir()))
    assert bundle.task == task
    assert bundle.clip_samples == 16_000
    assert bundle.manifest["outputs"] == ["high", "low", "middle"]
    card = (bundle.path / "README.md").read_text()
    assert "of 3 classes is heard in 1 s of sound" in card
    said = bundle.load("fp32").run(noise[0].astype(np.float32) / 32767)
    assert said.sum() == pytest.approx(1.0, abs=1e-5) or several
    logits = net(torch.from_numpy(noise[:1].astype(np.float32) / 32767))
    expected = task.probabilities(logits / bundle.manifest["temperature"])[0]
    np.testing.assert_allclose(said, expected.detach().numpy(), atol=1e-3)
    with pytest.raises(UserError, match="names 3 classes, expected a bundle that counts people"):
        bundle.levels  # noqa: B018
    assert "levels" not in task_fields(task)
    assert "levels" in task_fields(CountsTask())
