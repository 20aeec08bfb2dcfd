from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from deploy.vectors import Vectors, read_vectors, write_vectors
from search_spaces.errors import UserError


@settings(max_examples=25, deadline=None)
@given(data=st.data(), precisions=st.sampled_from([("fp32",), ("fp32", "int8")]))
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, precisions: tuple[str, ...]
) -> None:
    clips = data.draw(arrays.arrays(np.int16, st.tuples(st.integers(1, 3), st.integers(1, 9))))
    count, outputs = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 5))
    index = data.draw(arrays.arrays(np.int64, count, elements=st.integers(0, len(clips) - 1)))
    floats = st.floats(-4, 4, width=32)
    gain = data.draw(arrays.arrays(np.float32, count, elements=floats))
    answer = arrays.arrays(np.float32, (count, outputs), elements=floats)
    vectors = Vectors(clips, index, gain, {name: data.draw(answer) for name in precisions})
    path = tmp_path_factory.mktemp("vectors") / "vectors.bin"
    write_vectors(path, vectors)
    again = read_vectors(path, precisions)
    np.testing.assert_array_equal(again.inputs, vectors.inputs)
    for name in precisions:
        np.testing.assert_array_equal(again.expected[name], vectors.expected[name])


def test_layout_is_the_documented_one(tmp_path: Path) -> None:
    expected = {"fp32": np.array([[0.25, 0.75]], dtype=np.float32)}
    clips = np.array([[32767, -32767]], dtype=np.int16)
    vectors = Vectors(clips, np.array([0]), np.array([0.5], dtype=np.float32), expected)
    write_vectors(tmp_path / "v", vectors)
    by_hand = (
        b"ERSAMVEC"
        + np.array([1, 1, 2, 1, 2, 1], "<u4").tobytes()
        + clips.astype("<i2").tobytes()
        + np.array([0], "<u4").tobytes()
        + np.array([0.5, 0.25, 0.75], "<f4").tobytes()
    )
    assert (tmp_path / "v").read_bytes() == by_hand
    np.testing.assert_array_equal(vectors.inputs, [[0.5, -0.5]])


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "vectors.bin"
    path.write_bytes(b"something else")
    with pytest.raises(UserError, match=r"not a vectors\.bin; lower the net anew"):
        read_vectors(path, ("fp32",))
    ones = np.ones((1, 2), dtype=np.float32)
    write_vectors(path, Vectors(np.ones((1, 2), np.int16), np.array([0]), ones[0, :1], {"a": ones}))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"1 precisions and 51 bytes, expected 1 with 1 and 52"):
        read_vectors(path, ("fp32",))
    with pytest.raises(UserError, match="expected 1 with 2"):
        read_vectors(path, ("fp32", "int8"))
