from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lightning_modules.teacher import Teacher, stretches
from lightning_modules.teacher_files import read_teacher
from search_spaces.architecture import smallest
from search_spaces.errors import UserError
from search_spaces.frontier import save_weights
from search_spaces.spaces import get_space
from search_spaces.supernet import build_subnet, build_supernet
from search_spaces.supernet_file import write_supernet
from search_spaces.task_classes import ClassesTask
from search_spaces.task_embedding import ProximityTask

CLIP = 16_000


class Bands(nn.Module):
    """Mean squares of four stretches of each frame of 400 samples: [B, frames, 4]."""

    def __init__(self, rate_hz: int = 16_000) -> None:
        super().__init__()
        self.sample_rate = rate_hz

    def forward(self, waveform: Tensor) -> Tensor:
        return waveform.unfold(1, 400, 400).square().unflatten(2, (4, 100)).mean(dim=3)


def torchscript(path: Path, net: nn.Module, **extra: str) -> Path:
    torch.jit.save(torch.jit.script(net), str(path), _extra_files=extra or None)
    return path


def exported(path: Path, example: tuple[int, ...] = (1, 8_000), extra: str = "") -> Path:
    program = torch.export.export(Bands(), (torch.zeros(example),))
    torch.export.save(program, path, extra_files={"teacher.json": extra} if extra else None)
    return path


def teacher(answer: Callable[[Tensor], object], samples: int | None = None) -> Teacher:
    return Teacher("t", answer, samples, None, "0" * 64, 1, CLIP)


def test_frames_and_stretches_are_averaged():
    ramp = torch.arange(10.0)[None]
    by_frame = teacher(lambda x: x.unfold(1, 5, 5)).embed(ramp)
    assert by_frame.tolist() == [[2.5, 3.5, 4.5, 5.5, 6.5]]
    of_4 = teacher(lambda x: x, samples=4).embed(ramp)  # begins at 0, 4 and, to reach the end, 6
    assert of_4[0, 0].item() == pytest.approx((0 + 4 + 6) / 3)
    assert stretches(8, 4, "t") == [0, 4]


def test_a_fixed_number_of_clips_at_once_is_filled_up():
    seen = []

    def answer(clips: Tensor) -> Tensor:
        seen.append(len(clips))
        return clips[:, :3]

    fixed = Teacher("t", answer, None, 2, "0" * 64, 1, CLIP)
    clips = torch.randn(3, 5)
    assert torch.equal(fixed.embed(clips), clips[:, :3])
    assert seen == [2, 2]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: x[0], r"t: answers 1 clips with \[16000\], expected \[1, dimensions\] or"),
        (lambda x: {"a": x}, "answers 1 clips with dict"),
        (lambda x: x[:, :2] / 0.0, "its embedding of a clip is not finite; it cannot teach"),
        (lambda x: x @ x, r"cannot hear a waveform \[1, 16000\]"),
    ],
)
def test_what_is_no_embedding_is_refused(answer: Callable[[Tensor], object], message: str):
    with pytest.raises(UserError, match=message):
        _ = teacher(answer).dimensions


def test_a_teacher_of_longer_clips_is_refused():
    with pytest.raises(UserError, match="t: hears 20000 samples at once, a clip has 16000; give"):
        _ = teacher(lambda x: x, samples=20_000).dimensions


def test_torchscript_and_exported_programs_teach_alike(tmp_path: Path):
    script = read_teacher(torchscript(tmp_path / "t.pt", Bands()), CLIP)
    program = read_teacher(exported(tmp_path / "t.pt2"), CLIP, rate_hz=16_000)
    clips = torch.randn(3, CLIP)
    assert script.dimensions == program.dimensions == 4
    assert (script.samples, program.samples) == (None, 8_000)
    assert torch.allclose(script.embed(clips), program.embed(clips), atol=1e-6)
    assert script.bytes == (tmp_path / "t.pt").stat().st_size


def test_a_program_that_was_exported_while_it_trained_is_refused(tmp_path: Path):
    net = nn.Sequential(Bands(), nn.Dropout(0.1)).train()
    program = torch.export.export(net, (torch.zeros(1, 8_000),))
    torch.export.save(program, tmp_path / "t.pt2")
    message = r"t.pt2: answers the same clip otherwise a second time, as with dropout; call its ev"
    with pytest.raises(UserError, match=message):
        read_teacher(tmp_path / "t.pt2", CLIP, rate_hz=16_000)


@pytest.mark.parametrize("clips", [2, 4])
def test_batch_norm_that_was_exported_while_it_trained_is_refused(tmp_path: Path, clips: int):
    net = nn.Sequential(Bands(), nn.Flatten(), nn.BatchNorm1d(80)).train()
    program = torch.export.export(net, (torch.randn(clips, 8_000),))
    torch.export.save(program, tmp_path / "t.pt2")
    message = r"t.pt2: answers a clip otherwise beside another one, as batch norm does while it tra"
    with pytest.raises(UserError, match=message):
        read_teacher(tmp_path / "t.pt2", CLIP, rate_hz=16_000)
    torch.export.save(torch.export.export(net.eval(), (torch.zeros(clips, 8_000),)), tmp_path / "e")
    assert read_teacher(tmp_path / "e", CLIP, rate_hz=16_000).dimensions == 80


def test_a_file_may_say_how_it_hears(tmp_path: Path):
    told = '{"rate_hz": 16000, "samples": 4000}'
    read = read_teacher(torchscript(tmp_path / "t.pt", Bands(), **{"teacher.json": told}), CLIP)
    assert read.samples == 4000
    program = exported(tmp_path / "t.pt2", extra=told)
    assert read_teacher(program, CLIP).samples == 8_000  # what it was exported for
    assert read_teacher(program, 100, own_length=True).try_samples == 8_000


@pytest.mark.parametrize("kind", ["subnet", "supernet"])
def test_nets_of_this_kit_teach(tmp_path: Path, kind: str):
    spec, task, path = get_space("sam-nano-1s"), ProximityTask(8), tmp_path / f"{kind}.pt"
    if kind == "supernet":
        write_supernet(path, build_supernet(spec, 8), {}, task)
    else:
        settings = {"settings": {"task": task.to_json()}}
        save_weights(path, smallest(spec), build_subnet(smallest(spec), 8), 8, settings)
    read = read_teacher(path, CLIP)
    assert (read.dimensions, read.samples) == (8, CLIP)
    assert torch.allclose(read.embed(torch.randn(2, CLIP)).norm(dim=1), torch.ones(2))


def test_teachers_that_cannot_be_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match="hears 8000 Hz, the kit's sound has 16000 Hz; put a resam"):
        read_teacher(torchscript(tmp_path / "slow.pt", Bands(8_000)), CLIP)
    with pytest.raises(UserError, match=r"does not say at which rate it hears; give --data.teac"):
        read_teacher(exported(tmp_path / "t.pt2"), CLIP)
    with pytest.raises(UserError, match=r"data.teacher_samples: got 400, but .* says 8000; leave"):
        read_teacher(tmp_path / "t.pt2", CLIP, 16_000, 400)
    with pytest.raises(UserError, match=r"none.pt: no such file, expected TorchScript, a .pt2"):
        read_teacher(tmp_path / "none.pt", CLIP)
    (tmp_path / "text.pt").write_text("no net")
    with pytest.raises(UserError, match=r"text.pt: not a teacher, expected TorchScript"):
        read_teacher(tmp_path / "text.pt", CLIP)
    bad = torchscript(tmp_path / "bad.pt", Bands(), **{"teacher.json": '{"rate_hz": "fast"}'})
    with pytest.raises(UserError, match=r"its teacher.json is .*fast.*, expected"):
        read_teacher(bad, CLIP)
    classes = ClassesTask(("a", "b"))
    supernet = build_supernet(get_space("sam-nano-1s"), 2)
    write_supernet(tmp_path / "supernet.pt", supernet, {}, classes)
    with pytest.raises(UserError, match=r"its outputs are classes, expected an embedding to learn"):
        read_teacher(tmp_path / "supernet.pt", CLIP)


@pytest.mark.parametrize(
    ("told", "given", "message"),
    [
        ('{"rate_hz": 16000, "samples": -5}', None, r"hears -5 samples at once, .*; mend teacher"),
        ('{"rate_hz": 16000, "samples": 0}', None, r"hears 0 samples at once, expected 1 or more"),
        ('{"rate_hz": 16000}', 0, r"hears 0 samples at once, .*; mend --data.teacher_samples"),
        ('{"rate_hz": 16000, "samples": true}', None, r"its teacher.json is .*true.*, expected"),
        ("[" * 100_000, None, r"its teacher.json is .*, expected"),
    ],
)
def test_what_no_teacher_hears_is_refused(
    tmp_path: Path, told: str, given: int | None, message: str
):
    path = torchscript(tmp_path / "t.pt", Bands(), **{"teacher.json": told})
    with pytest.raises(UserError, match=rf"t.pt: {message}"):
        read_teacher(path, CLIP, samples=given)


def test_what_is_no_embedding_is_refused_by_its_file(tmp_path: Path):
    path = torchscript(tmp_path / "t.pt", nn.AvgPool1d(CLIP))
    with pytest.raises(UserError, match=r"t.pt: dimensions: got 1, expected 2 to 8192"):
        read_teacher(path, CLIP, 16_000)


def test_a_program_of_another_input_or_damaged_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    program = torch.export.export(nn.Flatten(), (torch.zeros(1, 2, 3),))
    torch.export.save(program, tmp_path / "cube.pt2")
    with pytest.raises(UserError, match=r"takes \[\[1, 2, 3\]\], expected one waveform \[clips"):
        read_teacher(tmp_path / "cube.pt2", CLIP, 16_000)
    for name, kept in (("t.pt2", "archive_format"), ("t.pt", "constants.pkl")):
        damage(tmp_path / name, kept)
        with pytest.raises(UserError, match=rf"{name}: not readable \(.*\), expected TorchScript"):
            read_teacher(tmp_path / name, CLIP, 16_000)
    assert "Traceback" not in capfd.readouterr().err  # which torch logs


def damage(path: Path, kept: str) -> None:
    """A zip of the one member by which the kind of file is told."""
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"t/{kept}", "pt2" if kept == "archive_format" else "")


TINY = {
    "extractor_mode": "group_norm",
    "extractor_conv_layer_config": [(8, 10, 5), (8, 3, 2)],
    "extractor_conv_bias": False,
    "encoder_embed_dim": 16,
    "encoder_projection_dropout": 0.0,
    "encoder_pos_conv_kernel": 4,
    "encoder_pos_conv_groups": 2,
    "encoder_num_layers": 2,
    "encoder_num_heads": 2,
    "encoder_attention_dropout": 0.0,
    "encoder_ff_interm_features": 16,
    "encoder_ff_interm_dropout": 0.0,
    "encoder_dropout": 0.0,
    "encoder_layer_norm_first": False,
    "encoder_layer_drop": 0.0,
    "aux_num_out": None,
}


def test_a_pipeline_of_torchaudio_teaches_from_its_cache_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pipelines = pytest.importorskip("torchaudio.pipelines")
    models = pytest.importorskip("torchaudio.models")
    tiny = pipelines.Wav2Vec2Bundle("tiny.pth", TINY, 16_000, False, "Wav2Vec2")
    monkeypatch.setattr(pipelines, "TINY", tiny, raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(UserError, match=r"torchaudio:TINY: its weights are not at .*tiny.pth; put"):
        read_teacher(Path("torchaudio:TINY"), CLIP)
    (tmp_path / "checkpoints").mkdir()
    net = models.wav2vec2_model(**TINY).eval()
    torch.save(net.state_dict(), tmp_path / "checkpoints" / "tiny.pth")
    clips = torch.randn(2, 4_000)
    with torch.no_grad():
        first, last = net.extract_features(clips)[0]
    read = read_teacher(Path("torchaudio:TINY"), 4_000)
    assert (read.dimensions, read.samples) == (16, None)
    assert torch.allclose(read.embed(clips), last.mean(dim=1), atol=1e-5)
    of_first = read_teacher(Path("torchaudio:TINY:1"), 4_000)
    assert torch.allclose(of_first.embed(clips), first.mean(dim=1), atol=1e-5)
    with pytest.raises(UserError, match="torchaudio:TINY:3: layer '3', expected 1 to 2"):
        read_teacher(Path("torchaudio:TINY:3"), CLIP)
    with pytest.raises(UserError, match=r"torchaudio:HUGE: no such pipeline of torchaudio; there"):
        read_teacher(Path("torchaudio:HUGE"), CLIP)
