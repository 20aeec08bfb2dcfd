from __future__ import annotations

import pytest

from lightning_modules.checkpoint_settings import check_settings
from lightning_modules.module import SupernetModule
from search_spaces.errors import UserError


@pytest.fixture(scope="module")
def settings() -> dict[str, object]:
    return SupernetModule("sam-nano").settings()


@pytest.mark.parametrize("resumes", [True, False])
def test_the_same_settings_go_on(settings, resumes):
    check_settings({"settings": settings}, settings, {}, resumes)


def test_another_setting_matters_where_training_goes_on(settings):
    with pytest.raises(UserError, match=r"^checkpoint: trained with ema_decay = 0.5, not 0.998; "):
        check_settings({"settings": settings | {"ema_decay": 0.5}}, settings, {}, resumes=True)
    check_settings({"settings": settings | {"ema_decay": 0.5}}, settings, {}, resumes=False)


def test_another_space_is_not_even_judged(settings):
    with pytest.raises(UserError, match=r"^checkpoint: trained with space = sam, not sam-nano; "):
        check_settings({"settings": settings | {"space": "sam"}}, settings, {}, resumes=False)


def test_a_checkpoint_of_an_earlier_version_has_what_that_trained_with(settings):
    missing = ("sampling", "initial_weights", "sap_augment")
    old = {name: value for name, value in settings.items() if name not in missing}
    old["optimisation"] = {
        name: value for name, value in settings["optimisation"].items() if name != "optimiser"
    }
    check_settings({"settings": old}, settings, {}, resumes=True)
    muon = settings | {"optimisation": settings["optimisation"] | {"optimiser": "muon"}}
    with pytest.raises(UserError, match=r"trained with optimisation = .*adamw.*, not .*muon"):
        check_settings({"settings": old}, muon, {}, resumes=True)


def test_a_checkpoint_of_another_program_is_refused(settings):
    with pytest.raises(UserError, match=r"^checkpoint: not written by this kit's `fit`"):
        check_settings({"state_dict": {}}, settings, {}, resumes=True)


def test_other_options_of_the_trainer_matter_where_training_goes_on(settings):
    saved = {"settings": settings, "trainer": {"precision": "32-true"}}
    with pytest.raises(
        UserError, match=r"trained with trainer.precision = 32-true, not bf16-mixed"
    ):
        check_settings(saved, settings, {"precision": "bf16-mixed"}, resumes=True)
    check_settings(saved, settings, {"precision": "bf16-mixed"}, resumes=False)
    check_settings({"settings": settings}, settings, {"precision": "16-mixed"}, resumes=True)
