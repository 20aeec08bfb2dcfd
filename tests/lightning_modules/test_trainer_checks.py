"""What of Lightning's trainer is refused; test_cli.py has it from the command line."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lightning_modules.trainer_checks import PRECISIONS, SHORT_PRECISIONS, check_numbers
from search_spaces.errors import UserError


@pytest.mark.parametrize("precision", [None, 32, 16, *PRECISIONS, *SHORT_PRECISIONS])
def test_float32_and_mixed_precisions_may_be_asked_for(precision):
    check_numbers(SimpleNamespace(precision=precision, gradient_clip_val=None))


@pytest.mark.parametrize("precision", ["64-true", "16-true", "bf16-true", "transformer-engine"])
def test_weights_of_another_kind_are_refused(precision):
    with pytest.raises(UserError, match=rf"^trainer.precision: got {precision}, expected 32-true"):
        check_numbers(SimpleNamespace(precision=precision, gradient_clip_val=1.0))


@pytest.mark.parametrize("value", [-0.5, float("inf"), float("nan")])
def test_gradients_are_clipped_to_a_finite_length(value):
    with pytest.raises(UserError, match=rf"^trainer.gradient_clip_val: got {value}, expected 0 "):
        check_numbers(SimpleNamespace(precision="32-true", gradient_clip_val=value))
