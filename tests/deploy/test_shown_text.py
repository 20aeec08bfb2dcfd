import os

import pytest

from deploy.shown_text import plot_text, shown


def test_a_byte_that_is_not_utf_8_is_shown() -> None:
    assert shown(os.fsdecode(b"caf\xe9.wav")) == r"caf\udce9.wav"
    assert shown("caf\u00e9.wav") == "caf\u00e9.wav"


@pytest.mark.parametrize("name", ["$5_and_$6", r"a\$b$", "$", "x^2", "caf\udce9"])
def test_matplotlib_draws_a_name_as_it_is(name: str) -> None:
    from matplotlib.text import Text

    drawn, is_formula = Text()._preprocess_math(plot_text(name))  # type: ignore[attr-defined]
    assert (drawn, is_formula) == (shown(name), False)
