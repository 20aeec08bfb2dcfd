"""Bundles of embeddings: lowered once for real, else a stand-in that measures bands."""

from __future__ import annotations

import argparse
import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from pyarrow import parquet

from deploy import evaluate, lower, predict, predict_embedding
from deploy.bundle import read_bundle
from search_spaces.architecture import smallest
from search_spaces.clips_file import Clips, to_float32, to_int16, write_clips
from search_spaces.errors import UserError
from search_spaces.single import write_single
from search_spaces.spaces import get_space
from search_spaces.supernet import build_subnet
from search_spaces.task_classes import ClassesTask
from search_spaces.task_embedding import EmbeddingTask, ProximityTask, TeacherTask
from tests.lightning_modules.recording_folder import write_recording

K = 4


def parse(command: object, *arguments: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)  # type: ignore[attr-defined]
    return parser.parse_args([str(argument) for argument in arguments])


def lowered(folder: Path, task: EmbeddingTask, labels: np.ndarray) -> Path:
    """The smallest net with fresh weights, lowered by the command."""
    architecture = smallest(get_space("sam-nano-1s"))
    net = build_subnet(architecture, K).eval()
    noise = to_int16(0.1 * np.random.default_rng(0).standard_normal((4, 16_000)))
    write_clips(folder / "clips.npz", Clips(noise, labels, labels, np.ones(4, bool), noise))
    torch.save({}, folder / "subnet.pt")
    paths = (folder / "subnet.pt", folder / "clips.npz")
    frontier = write_single(folder, architecture, net, *paths, 0, task)
    options = ("--frontier", frontier, "--out", folder / "out", "--allow-drop")
    assert lower.run(parse(lower, *options)) == 0
    bundle = read_bundle(next((folder / "out").iterdir()))
    assert bundle.task == task
    clip = to_float32(noise[:1])
    expected = task.probabilities(net(torch.from_numpy(clip))).detach().numpy()[0]
    said = bundle.load("fp32").run(clip)
    assert np.abs(said - expected).max() < bundle.tolerance("fp32")
    return bundle.path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    targets = np.random.default_rng(1).standard_normal((4, K)).astype(np.float32)
    return lowered(tmp_path_factory.mktemp("student"), TeacherTask(K), targets)


def test_a_distilled_net_is_lowered_whole(bundle: Path):
    manifest = read_bundle(bundle).manifest
    assert manifest["outputs"] == ["0", "1", "2", "3"]
    assert manifest["temperature"] == 1.0
    assert set(manifest["precisions"]["fp32"]["validation"]) == {"distance", "cosine_distance"}
    int8 = manifest["precisions"]["int8"]
    assert "last layer" not in int8["quantisation"]["left_fp32"]
    assert 0 < manifest["precisions"]["fp32"]["tolerance"] < int8["tolerance"]
    card = (bundle / "README.md").read_text()
    assert "net that makes an embedding of 1 s of sound" in card
    assert "4 numbers, its teacher's less their mean" in card


def test_a_teacher_without_labels_is_lowered_with_length_1(tmp_path: Path):
    path = lowered(tmp_path, ProximityTask(K), np.array([0, 0, 1, 1]))
    said = read_bundle(path).load("fp32").run(np.full(16_000, 0.1, np.float32))
    assert np.linalg.norm(said) == pytest.approx(1, abs=1e-4)
    assert "4 numbers, of length 1" in (path / "README.md").read_text()


@pytest.fixture
def recordings(tmp_path: Path) -> tuple[Path, Path]:
    short = write_recording(tmp_path / "short.wav", 200, seconds=0.3)
    return short, write_recording(tmp_path / "long.wav", 1800, seconds=2.6)


def test_an_array_with_its_rows_named_beside_it(
    bundle: Path, recordings: tuple[Path, Path], tmp_path: Path
):
    out = tmp_path / "e.npy"
    options = ("--bundle", bundle, "--precision", "fp32", "--output", out)
    assert predict.run(parse(predict, *options, *recordings)) == 0
    array = np.load(out)
    assert (array.shape, array.dtype) == ((4, K), np.float32)
    with (tmp_path / "e.npy.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["end_s"] for row in rows] == ["0.300", "1.000", "2.000", "2.600"]
    assert not list(tmp_path.glob("*.rows.csv*"))
    one = ("--per", "file", "--output", tmp_path / "f.npy")
    assert predict.run(parse(predict, *options[:4], *one, *recordings)) == 0
    weights = np.array([1.0, 1.0, 0.6])[:, None]
    average = (array[1:] * weights).sum(axis=0) / weights.sum()
    assert np.load(tmp_path / "f.npy")[1] == pytest.approx(average, abs=1e-5)


def test_an_array_without_rows_has_its_dimensions(bundle: Path, tmp_path: Path):
    out = tmp_path / "e.NPY"  # the case of a suffix says nothing
    missing = tmp_path / "missing.wav"
    assert predict.run(parse(predict, "--bundle", bundle, "--output", out, missing)) == 2
    assert np.load(out).shape == (0, K)


def test_rows_hold_every_number_exactly(
    bundle: Path, recordings: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
):
    options = ("--bundle", bundle, "--precision", "fp32")
    assert predict.run(parse(predict, *options, "--format", "json", recordings[0])) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert list(row) == ["file", "start_s", "end_s", "embedding"]
    assert predict.run(parse(predict, *options, recordings[0])) == 0
    (line,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert json.loads(line["embedding"]) == row["embedding"]
    assert all(float(np.float32(x)) == pytest.approx(x, rel=1e-7) for x in row["embedding"])


def test_parquet_holds_names_times_and_embeddings(
    bundle: Path, recordings: tuple[Path, Path], tmp_path: Path
):
    odd = tmp_path / os.fsdecode(b"caf\xe9.wav")  # which parquet, all of UTF-8, cannot hold
    recordings = (recordings[0], recordings[1].rename(odd))
    out, array = tmp_path / "e.parquet", tmp_path / "e.npy"
    for output in (out, array):
        assert predict.run(parse(predict, "--bundle", bundle, "--output", output, *recordings)) == 0
    written = parquet.read_table(out)
    names = written.column("file").to_pylist()
    assert [name.endswith(r"caf\udce9.wav") for name in names] == [False, *3 * [True]]
    assert written.column("end_s").to_pylist() == [0.3, 1.0, 2.0, 2.6]
    assert np.array_equal(written.column("embedding").to_pylist(), np.load(array))
    none = tmp_path / "none.parquet"
    arguments = ("--bundle", bundle, "--output", none, tmp_path / "missing.wav")
    assert predict.run(parse(predict, *arguments)) == 2
    assert parquet.read_table(none).num_rows == 0
    assert parquet.read_schema(none) == written.schema
    assert list(map(str, written.schema.types)) == [
        "string",
        "double",
        "double",
        "list<element: float>",
    ]


def test_arrays_that_cannot_be_are_refused():
    task, out = TeacherTask(2), Path("e.npy")
    with pytest.raises(UserError, match="--format npy: is for embeddings, and this bundle gives"):
        predict_embedding.check_array("npy", out, ClassesTask(("a", "b")))
    with pytest.raises(UserError, match=r"--format npy: needs a file; give --output NAME.npy"):
        predict_embedding.check_array("npy", None, task)


def test_what_is_not_of_embeddings_is_refused(bundle: Path, tmp_path: Path):
    with pytest.raises(UserError, match="gives embeddings, which have no labels of their own; ju"):
        evaluate.run(parse(evaluate, "--bundle", bundle, "--clips", tmp_path))
    with pytest.raises(UserError, match="several bundles are of the probes of embeddings; give"):
        evaluate.run(parse(evaluate, "--bundle", bundle, bundle, "--clips", tmp_path))
    with pytest.raises(UserError, match="--clips: not given; name labelled clips, or of embedd"):
        evaluate.run(parse(evaluate))
