from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis.extra import numpy as arrays

from lightning_modules import audio
from lightning_modules.audio import from_pcm16, read_audio, to_pcm16, write_wav
from search_spaces.errors import UserError


def tone(rate_hz: int, seconds: float, channels: int = 1) -> np.ndarray:
    time_s = np.arange(int(rate_hz * seconds)) / rate_hz
    return np.repeat(0.5 * np.sin(2 * np.pi * 440 * time_s)[:, None], channels, axis=1)


@pytest.mark.parametrize(
    ("name", "rate_hz", "channels", "subtype"),
    [
        ("eight_bit.wav", 8000, 1, "PCM_U8"),
        ("fast.wav", 192_000, 8, "FLOAT"),
        ("deep.flac", 44_100, 2, "PCM_24"),
        ("plain.WAV", 16_000, 1, "PCM_16"),
        ("lossy.ogg", 48_000, 2, "VORBIS"),
        ("lossy.mp3", 22_050, 1, "MPEG_LAYER_III"),
    ],
)
def test_any_format_becomes_16_khz_mono(
    tmp_path: Path, name: str, rate_hz: int, channels: int, subtype: str
) -> None:
    path = tmp_path / name
    soundfile.write(path, tone(rate_hz, 1.5, channels), rate_hz, subtype=subtype)
    waveform = read_audio(path)
    assert waveform.dtype == np.float32
    assert waveform.ndim == 1
    assert len(waveform) == pytest.approx(24_000, abs=1600)  # MP3 pads
    middle = waveform[8000:16_000]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    assert np.argmax(np.abs(np.fft.rfft(middle))) * 2 == 440  # bins of 2 Hz


def test_channels_are_averaged(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((32_000, 2))
    soundfile.write(tmp_path / "two.wav", noise, 16_000, subtype="FLOAT")
    expected = noise.astype(np.float32).mean(axis=1)
    np.testing.assert_allclose(read_audio(tmp_path / "two.wav"), expected, atol=1e-7)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
@pytest.mark.parametrize("gains", [(1, -1), (-1, 1), (1, -0.8), (1, 1, -1, -1), (0, 1, -1)])
def test_channels_of_opposite_polarity_do_not_cancel(
    tmp_path: Path, subtype: str, gains: tuple[float, ...]
) -> None:
    sound = 0.1 * np.random.default_rng(0).standard_normal((32_000, 1))
    opposed = sound * np.array(gains) + 0.2  # with an offset, which is no sound
    soundfile.write(tmp_path / "opposed.wav", opposed, 16_000, subtype=subtype)
    heard = read_audio(tmp_path / "opposed.wav")
    expected = sound[:, 0] * np.abs(gains).mean()
    np.testing.assert_allclose(abs(np.corrcoef(heard, expected)[0, 1]), 1.0, atol=1e-6)
    assert np.std(heard) == pytest.approx(np.std(expected), rel=1e-3)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_16_bit_samples_are_read_exactly(tmp_path: Path, name: str, channels: int) -> None:
    samples = np.random.default_rng(0).integers(-32768, 32768, (20_000, channels), np.int16)
    soundfile.write(tmp_path / name, samples, 16_000)
    expected = from_pcm16(samples).astype(np.float64).mean(axis=1)
    np.testing.assert_allclose(read_audio(tmp_path / name), expected, atol=1e-7)
    if channels == 1:
        assert np.array_equal(read_audio(tmp_path / name), from_pcm16(samples[:, 0]))


def test_bad_files_are_refused_by_name(tmp_path: Path) -> None:
    def refuse(name: str, expected: str) -> None:
        with pytest.raises(UserError, match=expected) as refusal:
            read_audio(tmp_path / name)
        assert str(refusal.value).startswith(str(tmp_path / name))

    refuse("missing.wav", "no such file")
    refuse(".", "is a folder")
    (tmp_path / "empty.wav").touch()
    refuse("empty.wav", "is empty")
    (tmp_path / "text.mp3").write_text("not audio " * 200)
    refuse("text.mp3", "cannot be decoded, damaged or not audio")
    soundfile.write(tmp_path / "short.wav", tone(16_000, 0.3), 16_000)
    refuse("short.wav", r"holds 0\.30 s of sound, at least 0\.5 s is needed")
    soundfile.write(tmp_path / "near.wav", tone(16_000, 3.0)[:7999], 16_000)
    refuse("near.wav", r"holds 0\.49 s of sound")
    soundfile.write(tmp_path / "nan.wav", np.full(16_000, np.nan), 16_000, subtype="FLOAT")
    refuse("nan.wav", "holds NaN or infinite samples")
    loud = np.full((16_000, 2), 0.1, np.float32)
    loud[300] = 3e38  # the sum of the channels is infinite, which numpy would warn of
    soundfile.write(tmp_path / "loud.wav", loud, 16_000, subtype="FLOAT")
    refuse("loud.wav", "holds NaN or infinite samples, or such as no sound has; export it again")
    soundfile.write(tmp_path / "slow.wav", tone(16_000, 3.0), 1)
    refuse("slow.wav", "says that it has 1 samples a second, expected 1000 or more; export it")
    refuse("text.mp3", r"not audio \(no MP3 in it\); copy it again")
    soundfile.write(tmp_path / "whole.flac", tone(16_000, 3.0), 16_000)
    whole = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "half.flac").write_bytes(whole[: len(whole) // 2])
    refuse("half.flac", "truncated|cannot be decoded")
    soundfile.write(tmp_path / "whole.wav", tone(16_000, 3.0), 16_000)
    whole = (tmp_path / "whole.wav").read_bytes()
    (tmp_path / "half.wav").write_bytes(whole[: len(whole) // 2])
    refuse("half.wav", r"is truncated \(48022 of 96044 bytes\); copy it again")


@pytest.mark.parametrize("kind", ["RF64", "AIFF", "W64"])
def test_a_truncated_file_of_another_kind_is_refused(tmp_path: Path, kind: str) -> None:
    soundfile.write(tmp_path / "a.wav", tone(16_000, 3.0), 16_000, "PCM_16", format=kind)
    assert len(read_audio(tmp_path / "a.wav")) == 48_000
    whole = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(whole[:60_000])
    with pytest.raises(
        UserError, match=rf"is truncated \(60000 of {len(whole)} bytes\); copy it a"
    ):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_of_joined_recordings_the_first_is_not_taken_for_all(
    tmp_path: Path, suffix: str, channels: int, rate_hz: int
) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, (3 * rate_hz, channels))
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, sound, rate_hz)
    assert len(read_audio(path)) == pytest.approx(48_000, abs=10)
    path.write_bytes(2 * path.read_bytes())
    with pytest.raises(UserError, match="holds several recordings one behind the other, of which"):
        read_audio(path)


def test_a_flac_that_breaks_gives_what_was_sound_before(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 12 * 16_000), 16_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    heard: list[int] = []
    with pytest.raises(UserError, match="cannot be decoded, damaged or not audio"):
        heard.extend(map(len, audio.read_blocks(path)))
    assert sum(heard) >= 6.5 * 16_000


def write_wav_that_says(path: Path, length: int) -> None:
    soundfile.write(path, tone(16_000, 3.0), 16_000)
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = length.to_bytes(4, "little")
    path.write_bytes(content)


# ffmpeg, a signed largest number, sox with its header, arecord with its header
@pytest.mark.parametrize("length", [0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F024, 0x8000_0024])
def test_a_wav_whose_recorder_did_not_know_its_length_is_read(tmp_path: Path, length: int) -> None:
    write_wav_that_says(tmp_path / "a.wav", length)
    assert len(read_audio(tmp_path / "a.wav")) == 48_000


@pytest.mark.parametrize("seconds", [0, 1])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_U8"])
def test_a_wav_that_goes_on_behind_its_header_is_not_taken_for_whole(
    tmp_path: Path, seconds: int, subtype: str
) -> None:
    path, some = tmp_path / "a.wav", tmp_path / "some.wav"
    soundfile.write(path, tone(16_000, 3.0), 16_000, subtype)
    soundfile.write(some, tone(16_000, 3.0)[: seconds * 16_000], 16_000, subtype)
    begun = some.read_bytes()
    left = path.stat().st_size - len(begun)
    path.write_bytes(begun + path.read_bytes()[len(begun) :])
    heard: list[int] = []
    with pytest.raises(UserError, match=rf"goes on for {left} bytes behind the sound that its hea"):
        heard.extend(map(len, audio.read_blocks(path)))
    assert sum(heard) == seconds * 16_000


@pytest.mark.parametrize(
    "behind", [bytes(100_000), b"ID3\x03" + bytes(range(256)) * 400, b"TAG" + b"x" * 125]
)
def test_tags_and_zeros_behind_a_wav_are_no_sound(tmp_path: Path, behind: bytes) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(16_000, 3.0), 16_000)
    path.write_bytes(path.read_bytes() + behind)
    assert len(read_audio(path)) == 48_000


def test_a_truncated_wav_of_two_gigabytes_and_more_is_refused(tmp_path: Path) -> None:
    write_wav_that_says(tmp_path / "a.wav", 0xA000_0000)
    with pytest.raises(UserError, match=r"is truncated \(96044 of 2684354568 bytes\); copy it"):
        read_audio(tmp_path / "a.wav")


@given(arrays.arrays(np.int16, 50))
def test_int16_survives_float_and_back(samples: np.ndarray) -> None:
    assert np.array_equal(to_pcm16(from_pcm16(samples)), samples)


def test_full_scale_does_not_wrap() -> None:
    assert to_pcm16(np.array([1.0, -1.0, 1.5], np.float32)).tolist() == [32767, -32768, 32767]


def test_written_wav_is_bit_exact(tmp_path: Path) -> None:
    samples = np.arange(-16_000, 16_000, 2, dtype=np.int16)
    write_wav(tmp_path / "a.wav", samples)
    read, rate_hz = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert rate_hz == 16_000
    assert np.array_equal(read, samples)


def test_a_low_rate_is_resampled_in_small_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "low.wav", np.full(40_000, 0.1, np.float32), 1000)
    monkeypatch.setattr(audio, "_BLOCK_VALUES", 16_000)
    blocks = [len(block) for block in audio.read_blocks(tmp_path / "low.wav")]
    assert sum(blocks) == pytest.approx(40 * 16_000, abs=200)
    assert max(blocks) < 10 * 16_000  # at 1000 Hz 1000 frames become 16,000
