import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.rooms_turns import draw_turns, to_gates


@given(
    seed=st.integers(0, 10**9),
    together=st.integers(1, 8),
    more=st.integers(0, 2),
    throughout=st.sets(st.integers(0, 7)),
)
def test_exactly_so_many_speak_together(
    seed: int, together: int, more: int, throughout: set[int]
) -> None:
    rng = np.random.default_rng(seed)
    talk_on = [person for person in throughout if person < together]
    turns = draw_turns(rng, together + more, together, 276, 26, talk_on)
    assert turns[talk_on].all()
    assert turns.shape == (together + more, 276)
    assert turns.sum(axis=0).max() == together
    assert (turns[:together].sum(axis=0)[26:] == together).sum() >= 29  # 0.6 s


def test_people_pause() -> None:
    rng = np.random.default_rng(0)
    turns = np.concatenate([draw_turns(rng, 3, 3, 276, 26) for _ in range(50)])
    assert 0.5 < turns.mean() < 0.9
    starts = (turns[:, 1:] & ~turns[:, :-1]).sum(axis=1)
    assert starts.max() >= 2


def test_gates_open_during_turns_and_fade() -> None:
    turns = np.array([[False, True, True, True, False], [True, True, False, False, True]])
    gates = to_gates(turns).reshape(2, 5, 320)
    assert not gates[~turns].any()
    assert (gates[0, 2] == 1).all()
    assert gates[0, 1, 0] == 0
    assert gates[0, 3, -1] == 0
    assert (np.diff(gates[0, 1]) >= 0).all()
    assert (gates[1, 0] == 1).all()  # the turn began before
    assert gates[1, 4, 0] == 0
