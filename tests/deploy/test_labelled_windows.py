from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from deploy import evaluate
from deploy.labelled_clips import clips_sha256
from deploy.labelled_windows import read_labelled_windows, window_counts
from deploy.segments_segment import Segment
from search_spaces.errors import UserError
from tests.deploy.fakes import PeakModel
from tests.deploy.test_segments import ami, kaldi, libricss

RATE_HZ = 8_000


def segments(*spans: tuple[str, float, float]) -> list[Segment]:
    return [Segment("a", *span) for span in spans]


def record(path: Path, *peaks: float) -> Path:
    """Five seconds of constant sound per peak."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.repeat(np.array(peaks), 5 * RATE_HZ), RATE_HZ)
    return path


@pytest.fixture
def meeting(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    def build(*lines: str, name: str = "EN2002a.Mix-Headset.wav") -> tuple[Path, Path]:
        record(tmp_path / "amicorpus" / name, 0.1, 0.2, 0.0)
        rttm = tmp_path / "rttms" / "EN2002a.rttm"
        rttm.parent.mkdir(exist_ok=True)
        rttm.write_text("".join(f"SPEAKER EN2002a 1 {line}\n" for line in lines))
        return tmp_path / "amicorpus", rttm.parent

    return build


def test_counts_by_hand() -> None:
    spans = segments(("a", 1, 6), ("b", 4, 4.5), ("c", 5.5, 7), ("c", 12, 13), ("a", 14, 99))
    assert window_counts(spans, 4).tolist() == [2, 2, 1, 1]
    assert window_counts([], 2).tolist() == [0, 0]


def test_pauses_are_bridged_as_in_rooms() -> None:
    """Up to about 0.2 s between two segments of one speaker count as speech; more does not."""
    other = ("b", 2.0, 2.04)
    short = segments(("a", 1, 1.95), ("a", 2.1, 3), other)
    long = segments(("a", 1, 1.8), ("a", 2.3, 3), other)
    assert window_counts(short, 1).tolist() == [2]
    assert window_counts(long, 1).tolist() == [1]


def test_two_segments_of_one_speaker_at_once_are_one_person() -> None:
    assert window_counts(segments(("a", 1, 3), ("a", 2, 4)), 1).tolist() == [1]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 20), st.floats(0, 3)), max_size=8))
def test_a_count_is_what_some_moment_of_the_window_holds(
    drawn: list[tuple[str, float, float]],
) -> None:
    spans = segments(*((name, start, start + length) for name, start, length in drawn))
    counts = window_counts(spans, 4)
    for number, count in enumerate(counts):
        begin, end = 5 * number, 5 * number + 5
        near = {s.speaker for s in spans if s.end_s > begin - 0.3 and s.start_s < end + 0.3}
        surely = [
            len({s.speaker for s in spans if s.start_s + 0.02 <= at <= s.end_s - 0.02})
            for at in np.arange(begin + 0.01, end, 0.02)
        ]
        assert max(surely) <= count <= len(near)


def test_ami_s_recordings_become_windows(meeting) -> None:
    recordings, rttms = meeting("1 3 <NA> <NA> A", "2 1 <NA> <NA> B", "6 3 <NA> <NA> A")
    clips = read_labelled_windows(recordings, rttms)
    assert [(clip.start_s, clip.count) for clip in clips] == [(0.0, 2), (5.0, 1), (10.0, 0)]
    assert clips[1].name == "EN2002a.Mix-Headset.wav at 5 s"
    model = PeakModel()
    probabilities, dbfs = evaluate.hear(clips, model.run)
    assert probabilities.argmax(axis=1).tolist() == [1, 2, 0]
    assert dbfs[:2].tolist() == pytest.approx([-20, -14], abs=0.1)
    assert dbfs[2] < -60  # the resampler rings where the sound stops
    assert len({clips_sha256(clips), clips_sha256(clips[:2]), clips_sha256(clips[1:])}) == 3


def test_libricss_s_sessions_become_windows(tmp_path: Path) -> None:
    session = libricss(tmp_path / "for_release").parent.parent
    record(session / "record" / "raw_recording.wav", *[0.1] * 5)
    record(session / "clean" / "mix.wav", 0.1)
    clips = read_labelled_windows(tmp_path / "for_release", tmp_path / "for_release")
    assert [clip.count for clip in clips] == [1, 1, 1, 2, 0]
    assert {clip.protocol for clip in clips} == {"LibriCSS OV20"}


def test_ami_s_speakers_are_counted_together(tmp_path: Path) -> None:
    record(tmp_path / "amicorpus" / "EN2002a.Mix-Headset.wav", 0.1, 0.2)
    ami(tmp_path / "segments")
    ami(tmp_path / "segments", "EN2002a.B.segments.xml")
    clips = read_labelled_windows(tmp_path / "amicorpus", tmp_path / "segments")
    assert [clip.count for clip in clips] == [2, 2]


def test_kaldi_s_data_become_windows(tmp_path: Path) -> None:
    record(tmp_path / "wavs" / "EN2002a.wav", 0.1, 0.2)
    kaldi(tmp_path / "data")
    clips = read_labelled_windows(tmp_path / "wavs", tmp_path / "data")
    assert [clip.count for clip in clips] == [2, 0]


def test_recordings_without_segments_are_left_out_and_said(
    meeting, capsys: pytest.CaptureFixture[str]
) -> None:
    recordings, rttms = meeting("1 3 <NA> <NA> A")
    record(recordings / "ES2004a.Mix-Headset.wav", 0.1)
    assert len(read_labelled_windows(recordings, rttms)) == 3
    assert "left out for want of segments: 1 audio files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "name", "message"),
    [
        (["1 3 <NA> <NA> A"], "other.wav", r"recording EN2002a fits none of --clips, expected one"),
        (["1 30 <NA> <NA> A"], "EN2002a.wav", r"ends at 15\.00 s, but A speaks until 31\.00 s"),
        (
            [f"1 3 <NA> <NA> {speaker}" for speaker in range(11)],
            "EN2002a.wav",
            r"EN2002a\.wav: 11 people speak at once in the 5 s from 0 s on, at most 10",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(meeting, lines: list[str], name: str, message: str) -> None:
    recordings, rttms = meeting(*lines, name=name)
    with pytest.raises(UserError, match=message):
        read_labelled_windows(recordings, rttms)


def test_two_files_of_one_recording_are_refused(meeting) -> None:
    """Reference and guess name the same people otherwise: their counts would add up."""
    recordings, rttms = meeting("0 5 <NA> <NA> MEE006")
    (rttms / "guess.rttm").write_text("SPEAKER EN2002a 1 0 5 <NA> <NA> spk0\n")
    with pytest.raises(UserError, match=r"guess.rttm: .*EN2002a.rttm says too who speaks in"):
        read_labelled_windows(recordings, rttms)


def test_an_id_that_fits_two_recordings_is_refused(meeting) -> None:
    recordings, rttms = meeting("1 3 <NA> <NA> A")
    record(recordings / "EN2002a.Array1-01.wav", 0.1)
    with pytest.raises(UserError, match=r"fits .*Array1-01\.wav and .*Mix-Headset\.wav, expected"):
        read_labelled_windows(recordings, rttms)


@pytest.mark.parametrize(("samples", "said"), [(RATE_HZ, "1.00 s"), (5 * RATE_HZ - 1, "4.99 s")])
def test_a_recording_below_one_window_is_refused(meeting, samples: int, said: str) -> None:
    recordings, rttms = meeting("0 1 <NA> <NA> A")
    soundfile.write(recordings / "EN2002a.Mix-Headset.wav", np.zeros(samples), RATE_HZ)
    with pytest.raises(UserError, match=rf"Mix-Headset\.wav: {said}, expected at least 5 s"):
        read_labelled_windows(recordings, rttms)


def test_a_session_without_its_recording_is_refused(tmp_path: Path) -> None:
    libricss(tmp_path)
    record(tmp_path / "mix.wav", 0.1)
    with pytest.raises(UserError, match=r"its recording .*raw_recording\.wav is not among those"):
        read_labelled_windows(tmp_path, tmp_path)
