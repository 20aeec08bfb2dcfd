"""Probes of embeddings, on stand-ins whose answers are known."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from deploy import evaluate, probe_models
from deploy.probe_classifiers import CLASSIFIERS, by_speaker, probe
from deploy.probe_file import SCHEMA
from deploy.probe_folds import Folds, make_folds
from deploy.probe_models import embedders
from lightning_modules.recordings_item import Item
from search_spaces.errors import UserError
from search_spaces.files import read_json
from search_spaces.task_classes import ClassesTask
from search_spaces.task_embedding import EmbeddingTask, TeacherTask
from tests.lightning_modules.recording_folder import PITCHES_HZ, write_folder, write_recording

SAMPLES = 16_000


class Spectrum(torch.nn.Module):
    """Log energy at the three pitches of the recordings, and a constant."""

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        power = torch.fft.rfft(waveform, n=16_000).abs()
        chosen = torch.stack([power[:, 200], power[:, 600], power[:, 1800]], dim=1)
        return torch.cat([(chosen + 1e-3).log(), torch.ones_like(chosen[:, :1])], dim=1)


class FakeBundle:
    """A bundle whose net is `Spectrum`, or one that hears nothing."""

    def __init__(self, path: Path, task: EmbeddingTask | ClassesTask | None = None) -> None:
        self.path, self.name, self.task = path, path.name, task or TeacherTask(4)
        self.clip_samples = SAMPLES
        files = {name: {"bytes": 1000, "sha256": "0" * 64} for name in ("model.pte", "m8")}
        files["model_int8.pte"] = {"bytes": 400, "sha256": "1" * 64}
        self.manifest = {"files": files}

    def choose_precision(self, precision: str | None) -> str:
        return precision or "int8"

    def load(self, precision: str) -> FakeBundle:
        return self

    def run(self, waveform: np.ndarray) -> np.ndarray:
        if self.name == "deaf":
            return np.zeros(4, np.float32)
        return Spectrum()(torch.from_numpy(np.asarray(waveform, np.float32))[None])[0].numpy()


@pytest.fixture
def bundles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(probe_models, "read_bundle", FakeBundle)
    monkeypatch.setattr(probe_models, "ROUNDS", 1)
    monkeypatch.setenv("ERSAM_CACHE", str(tmp_path / "cache"))
    for name in ("able", "deaf", "teacher"):
        (tmp_path / name).mkdir()
    return tmp_path


def parse(*arguments: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    return parser.parse_args([str(argument) for argument in arguments])


def test_a_table_of_a_teacher_and_its_students(
    bundles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_folder(bundles / "pitches")
    students = ("--bundle", bundles / "able", bundles / "deaf", "--out", bundles / "out")
    options = ("--probe", data, *students, "--teacher", bundles / "teacher")
    assert evaluate.run(parse(*options)) == 0
    value = read_json(bundles / "out" / "probe.json", SCHEMA)
    assert value["sets"] == [
        {
            "name": "pitches",
            "recordings": 30,
            "classes": 3,
            "speakers": 5,
            "folds": 5,
            "tested": "on new speakers, 5 folds",
        }
    ]
    teacher, able, deaf = value["models"]
    assert (teacher["role"], teacher["form"], able["form"]) == ("teacher", "fp32", "int8")
    assert teacher["accuracy"]["pitches"]["logistic"]["value"] == 1.0
    assert able["mean_accuracy"] == teacher["mean_accuracy"] == {"logistic": 1.0, "lda": 1.0}
    assert max(deaf["mean_accuracy"].values()) <= 0.5
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("| model | form | dimensions | pitches | mean | ms per s | MB |")
    assert "| teacher (teacher) | fp32 | 4 | 100.0 / 100.0 | 100.0 / 100.0 |" in out[2]
    assert "| able | int8 | 4 | 100.0 / 100.0 | 100.0 / 100.0 (+0.0 / +0.0) |" in out[3]
    assert out[3].endswith("| 0.000 (40.0 %) |")


def test_a_teacher_may_be_a_file(bundles: Path) -> None:
    program = torch.export.export(Spectrum(), (torch.zeros(1, 8_000),))
    torch.export.save(program, bundles / "t.pt2")
    teacher, student = embedders([bundles / "able"], None, bundles / "t.pt2", 16_000)
    assert (teacher.form, teacher.clip_samples, teacher.dimensions) == ("torch", 8_000, 4)
    clip = np.random.default_rng(0).standard_normal(8_000).astype(np.float32)
    assert teacher.run(clip) == pytest.approx(student.run(clip), abs=1e-5)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_probes_find_what_is_linear_in_new_recordings_only(name: str):
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b"], 100)
    embeddings = rng.standard_normal((200, 20))
    at = np.arange(200)
    folds = Folds([(at[at % 2 == 0], at[at % 2 == 1])], "halves")
    assert 0.3 < probe(name, embeddings, labels, folds).mean() < 0.7
    embeddings[:, 7] += 8 * (labels == "b")
    right = probe(name, embeddings, labels, folds)
    assert len(right) == 100
    assert right.mean() > 0.97


def test_lda_takes_more_dimensions_than_recordings():
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b"], 20)
    embeddings = rng.standard_normal((40, 50)) + 8 * np.outer(labels == "b", np.arange(50) == 7)
    at = np.arange(40)
    folds = Folds([(at[at % 2 == 0], at[at % 2 == 1])], "halves")
    assert probe("lda", embeddings, labels, folds).mean() == 1.0


def test_each_speaker_has_mean_0_and_spread_1():
    embeddings = np.array([[1.0, 5.0], [3.0, 5.0], [10.0, 0.0], [30.0, 4.0]])
    normalised = by_speaker(embeddings, np.array(["x", "x", "y", "y"]))
    assert normalised.tolist() == [[-1, 0], [1, 0], [-1, -1], [1, 1]]
    same = by_speaker(np.full((3, 1), 0.1), np.array(["x", "x", "x"]))  # whose mean is not 0.1
    assert np.abs(same).max() < 1e-9


def items(*rows: tuple[str, str | None, str | None]) -> tuple[list[Item], np.ndarray]:
    made = [
        Item(Path(f"{n}.wav"), f"{n}.wav", (label,), speaker, split=split)  # type: ignore[arg-type]
        for n, (label, speaker, split) in enumerate(rows)
    ]
    return made, np.array([label for label, _, _ in rows])


def folds_of(made: list[Item], labels: np.ndarray, speakers: np.ndarray | None) -> Folds:
    """Where no two recordings sound the same."""
    return make_folds(made, [item.name for item in made], labels, speakers, 0)


def test_folds_of_other_recordings_warn_of_nothing():
    made, labels = items(*((label, None, None) for label in "ab" for _ in range(10)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(folds_of(made, labels, None).pairs) == 5


def test_a_sound_that_is_there_twice_lies_on_one_side():
    made, labels = items(*((label, None, None) for label in "ab" for _ in range(10)))
    sounds = [str(n // 2) for n in range(20)]
    folds = make_folds(made, sounds, labels, None, 0)
    assert folds.how == "on other recordings, 5 folds (no speakers are known)"
    for train, test in folds.pairs:
        assert len(test)
        assert not {sounds[n] for n in train} & {sounds[n] for n in test}
    made, labels = items(("a", None, "train"), ("b", None, "train"), ("a", None, "test"))
    with pytest.raises(UserError, match=r"2.wav is in the test, and so is its sound .*\(0.wav\)"):
        make_folds(made, ["x", "y", "x"], labels, None, 0)
    made, labels = items(("a", None, None), ("b", None, None), ("b", None, None))
    with pytest.raises(UserError, match="class 'a' has one recording"):
        make_folds(made, ["x", "y", "z"], labels, None, 0)


def test_folds_are_of_new_speakers_where_a_label_has_several():
    made, labels = items(*((label, speaker, None) for label in "abc" for speaker in "wxyz"))
    speakers = np.array([item.speaker for item in made])
    folds = folds_of(made, labels, speakers)
    assert folds.how == "on new speakers, 4 folds"
    for train, test in folds.pairs:
        assert not set(speakers[train]) & set(speakers[test])
    whose = folds_of(made, speakers, speakers)  # whose voice it is
    assert whose.how == "on other recordings, 3 folds (the label tells the speaker)"
    unknown = folds_of(made, labels, None)
    assert unknown.how == "on other recordings, 4 folds (no speakers are known)"


def test_speakers_who_share_a_sound_lie_on_one_side():
    made, labels = items(*((label, speaker, None) for speaker in "uvwxyz" for label in "abc"))
    speakers = np.array([item.speaker for item in made])
    sounds = [item.name for item in made]
    sounds[4] = sounds[1]  # v's b is u's, and w's c is v's
    sounds[8] = sounds[5]
    folds = make_folds(made, sounds, labels, speakers, 0)
    assert folds.how == "on new speakers, 4 folds"
    for train, test in folds.pairs:
        assert not {sounds[n] for n in train} & {sounds[n] for n in test}
        assert not set(speakers[train]) & set(speakers[test])


def test_folds_are_of_recordings_where_all_speakers_share_sounds():
    made, labels = items(*((label, speaker, None) for speaker in "xy" for label in "abababab"))
    speakers = np.array([item.speaker for item in made])
    sounds = [item.name for item in made]
    sounds[8] = sounds[0]
    folds = make_folds(made, sounds, labels, speakers, 0)
    assert folds.how == "on other recordings, 5 folds (speakers have sounds in common)"
    for train, test in folds.pairs:
        assert not {sounds[n] for n in train} & {sounds[n] for n in test}


def test_a_split_of_a_csv_is_kept():
    made, labels = items(
        ("a", "x", "train"), ("b", "x", "validation"), ("a", "y", "test"), ("b", "y", "train")
    )
    ((train, test),) = folds_of(made, labels, None).pairs
    assert (train.tolist(), test.tolist()) == ([0, 1, 3], [2])


def test_folds_are_no_more_than_a_class_has_recordings():
    heard = {"a": "wxy", "b": "xyz", "c": "wyz"}
    made, labels = items(*((label, speaker, None) for label in heard for speaker in heard[label]))
    speakers = np.array([item.speaker for item in made])
    assert folds_of(made, labels, speakers).how == "on new speakers, 3 folds"


def test_a_class_of_few_recordings_is_no_warning():
    heard = [(label, speaker, None) for label in "ab" for speaker in "uvwxyz" for _ in range(3)]
    made, labels = items(*heard, ("rare", "u", None), ("rare", "z", None))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folds_of(made, labels, np.array([item.speaker for item in made]))


def test_a_class_that_a_fold_would_not_train_is_refused():
    heard = ["abd", "c", "ad", "bc", "ad"]  # b by the first and the fourth, who lie in one fold
    made, labels = items(
        *((label, str(at), None) for at, classes in enumerate(heard) for label in classes)
    )
    with pytest.raises(UserError, match=r"class 'b' has too few speakers: tested on new speakers"):
        folds_of(made, labels, np.array([item.speaker for item in made]))


@pytest.mark.parametrize("known", [True, False])
def test_too_few_recordings_to_train_by_are_refused(known: bool):
    made, labels = items(*((label, speaker, None) for label in "ab" for speaker in "xy"))
    speakers = np.array([item.speaker for item in made]) if known else None
    with pytest.raises(UserError, match="is trained on 2 recordings of 2 classes, expected"):
        folds_of(made, labels, speakers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--probe", "s", "--clips", "c"), "--clips: is not of --probe"),
        (("--probe", "s", "--segments", "c"), "--segments: is not of --probe"),
        (("--probe", "s", "--rows"), "--rows: is not of --probe"),
        (("--probe", "s", "--wandb"), "--wandb: is not of --probe"),
        (("--probe", "s", "--teacher-rate-hz", "8000"), "--teacher-rate-hz: is of a teacher"),
        (("--clips", "c", "--teacher-samples", "8000"), "--teacher-samples: is of a teacher"),
    ],
)
def test_options_that_would_be_passed_over_are_refused(options: tuple[str, ...], message: str):
    with pytest.raises(UserError, match=message):
        evaluate.run(parse(*options))


def test_sets_that_cannot_probe_are_refused(bundles: Path) -> None:
    made, labels = items(("a", "x", "train"), ("a", "x", "train"))
    with pytest.raises(UserError, match="names 2 recordings to train and 0 to test, expected some"):
        folds_of(made, labels, None)
    made, labels = items(("a", "x", "train"), ("b", "x", "test"))
    with pytest.raises(UserError, match="class 'b' is in the test only; its probe cannot learn it"):
        folds_of(made, labels, None)
    made, labels = items(("a", None, None), ("a", None, None), ("b", None, None))
    with pytest.raises(UserError, match="class 'b' has one recording, expected at least two: one"):
        folds_of(made, labels, None)
    one = write_folder(bundles / "one", pitches_hz={"low": 200})
    bundle = ("--bundle", bundles / "able")
    with pytest.raises(UserError, match=r"^--probe: .*one: holds 1 classes, expected at least two"):
        evaluate.run(parse("--probe", one, *bundle))
    with pytest.raises(UserError, match=r"^--probe: nowhere: no such folder or CSV"):
        evaluate.run(parse("--probe", "nowhere", *bundle))
    (bundles / "two.csv").write_text(f"path,label\n{next(one.rglob('*.wav'))},a;b\n")
    with pytest.raises(UserError, match="has 2 labels, a probe tells one"):
        evaluate.run(parse("--probe", bundles / "two.csv", *bundle))
    lost = write_folder(bundles / "lost")
    for path in (lost / "high").rglob("*.wav"):
        path.write_bytes(b"no audio")
    with pytest.raises(UserError, match=r"--probe: \S+lost: class 'high': none of its recordings"):
        evaluate.run(parse("--probe", lost, *bundle))


def test_nothing_is_probed_that_normalising_by_speaker_takes_off(bundles: Path) -> None:
    data = write_folder(bundles / "p", speakers=["ann", "bob"], each=2)
    paths = sorted(data.rglob("*.wav"))
    rows = [f"{path},{path.parent.parent.name},{path.parent.name}" for path in paths]
    options = ("--bundle", bundles / "able", "--out", bundles, "--speaker-normalised")
    table = bundles / "t.csv"
    table.write_text("\n".join(["path,label,speaker", *rows]))
    assert evaluate.run(parse("--probe", table, *options)) == 0
    once = write_recording(bundles / "p" / "low" / "zoe" / "0.wav", 200, seed=99)
    table.write_text("\n".join(["path,label,speaker", *rows, f"{once},low,zoe"]))
    with pytest.raises(UserError, match=r"^--speaker-normalised: t: speaker zoe has one recording"):
        evaluate.run(parse("--probe", table, *options))
    rows = [f"{path},{path.parent.name},{path.parent.name}" for path in paths]
    table.write_text("\n".join(["path,label,speaker", *rows]))
    with pytest.raises(
        UserError, match="normalised: t: the label tells the speaker, or each speak"
    ):
        evaluate.run(parse("--probe", table, *options))


def test_models_and_options_that_cannot_be_are_refused(
    bundles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_folder(bundles / "p", speakers=["ann", "bob"], each=2, pitches_hz=PITCHES_HZ)
    rows = [f"{path},{path.parent.parent.name}" for path in sorted(data.rglob("*.wav"))]
    (bundles / "p.csv").write_text("\n".join(["path,label", *rows]))
    bundle = ("--bundle", bundles / "able")
    with pytest.raises(UserError, match=r"sets of one name \(p, p\); rename a file or folder"):
        evaluate.run(parse("--probe", data, bundles / "p.csv", *bundle))
    with pytest.raises(
        UserError, match="--speaker-normalised: p does not say the speaker of every"
    ):
        evaluate.run(parse("--probe", bundles / "p.csv", *bundle, "--speaker-normalised"))
    silent = bundles / "silent.pt"  # of its rate
    torch.jit.save(torch.jit.trace(torch.nn.Linear(16_000, 4), torch.zeros(1, 16_000)), str(silent))
    with pytest.raises(UserError, match=r"which rate it hears; give --teacher-rate-hz, or save"):
        evaluate.run(parse("--probe", data, *bundle, "--teacher", silent))
    rate = ("--teacher", bundles / "able", "--teacher-rate-hz", "8000")
    with pytest.raises(UserError, match=r"--teacher-rate-hz: the bundle .*able says it itself"):
        evaluate.run(parse("--probe", data, *bundle, *rate))
    classes, read_bundle = ClassesTask(("a", "b")), probe_models.read_bundle
    monkeypatch.setattr(probe_models, "read_bundle", lambda path: FakeBundle(path, classes))
    with pytest.raises(UserError, match=r"--bundle: .*able is of classes, expected the bundle of"):
        evaluate.run(parse("--probe", data, *bundle))
    monkeypatch.setattr(
        probe_models,
        "read_bundle",
        lambda path: FakeBundle(path, classes) if path.name == "words" else read_bundle(path),
    )
    (bundles / "words").mkdir()
    with pytest.raises(
        UserError, match=r"--teacher: .*words is of classes, expected the bundle of"
    ):
        evaluate.run(parse("--probe", data, *bundle, "--teacher", bundles / "words"))
