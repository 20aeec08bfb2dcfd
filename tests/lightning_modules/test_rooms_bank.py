import sys
from pathlib import Path

import numpy as np
import pytest

from lightning_modules import rooms_bank
from lightning_modules.rooms_bank import (
    PLACES,
    RESPONSE_SAMPLES,
    make_room,
    measure_rt60_s,
    prepare_bank,
)
from lightning_modules.splits import SPLITS
from search_spaces.errors import UserError


def made_up_room(room: int) -> tuple[np.ndarray, float]:
    return np.full((PLACES, RESPONSE_SAMPLES), room, np.float32), 0.2 + room / 100


@pytest.mark.parametrize("rt60_s", [0.2, 0.45, 0.7])
def test_rt60_of_an_exponential_decay(rt60_s: float) -> None:
    noise = np.random.default_rng(0).standard_normal(RESPONSE_SAMPLES)
    decay = 10 ** (-3 * np.arange(RESPONSE_SAMPLES) / 16_000 / rt60_s)
    assert measure_rt60_s((noise * decay).astype(np.float32)) == pytest.approx(rt60_s, rel=0.08)


def test_a_room_is_reverberant_as_asked_and_always_the_same() -> None:
    responses, rt60_s = make_room(3)
    assert responses.shape == (PLACES, RESPONSE_SAMPLES)
    assert 0.2 <= rt60_s <= 0.7
    assert np.sum(responses**2, axis=1) == pytest.approx(1, rel=1e-3)
    first = np.abs(responses).argmax(axis=1) / 16_000
    assert first.max() < 0.05  # the direct sound or an early reflection, not the tail
    again, _ = make_room(3)
    np.testing.assert_allclose(again, responses, atol=1e-6)


def test_a_bank_grows_and_goes_on_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def noted(room: int) -> tuple[np.ndarray, float]:
        made.append(room)
        if room == 7 and made.count(7) == 1:
            raise KeyboardInterrupt
        return made_up_room(room)

    monkeypatch.setattr(rooms_bank, "make_room", noted)
    with pytest.raises(KeyboardInterrupt):
        prepare_bank(10, tmp_path)
    prepare_bank(10, tmp_path)
    bank = prepare_bank(12, tmp_path)
    assert made == [*range(8), *range(7, 12)]
    assert bank.responses[:, 0, 0].tolist() == list(range(12))
    assert bank.rt60_s == pytest.approx(0.2 + np.arange(12) / 100)


def test_a_made_bank_needs_no_simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_bank, "make_room", made_up_room)
    prepare_bank(10, tmp_path)
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)
    assert len(prepare_bank(10, tmp_path).rt60_s) == 10


def test_no_room_is_in_two_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_bank, "make_room", made_up_room)
    bank = prepare_bank(20, tmp_path)
    rooms = [bank.of_split(split).responses[:, 0, 0] for split in SPLITS]
    assert [len(numbers) for numbers in rooms] == [14, 2, 4]
    assert sorted(np.concatenate(rooms).tolist()) == list(range(20))


def test_bad_banks_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="rooms: 9, expected at least 10"):
        prepare_bank(9, tmp_path)
    monkeypatch.setattr(rooms_bank, "make_room", made_up_room)
    prepare_bank(10, tmp_path)
    next(tmp_path.glob("*/room-00004.npz")).write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"room-00004\.npz: damaged"):
        prepare_bank(10, tmp_path)
    prepare_bank(11, tmp_path / "other")
    cut = next((tmp_path / "other").glob("*/room-00010.npz"))
    cut.write_bytes(cut.read_bytes()[:1000])  # a zip without its end
    with pytest.raises(UserError, match=r"room-00010\.npz: damaged"):
        prepare_bank(11, tmp_path / "other")
