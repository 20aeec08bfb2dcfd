"""A study of counting people."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from lightning_modules.mixtures_open import CONDITIONS, DEFAULT_ROOMS
from lightning_modules.sources import find_source
from lightning_modules.sources_cache import INDEX_NAME
from lightning_modules.study_task import ALL, SHARED, Ingredients, Settings, StudyTask, switch
from search_spaces.clip import NUM_COUNTS
from search_spaces.errors import UserError

_INGREDIENTS: Ingredients = {
    "augmentation": SHARED["augmentation"],
    "count_addition": switch("count_addition"),
    "pseudo_labels": (
        {
            "model.pseudo_labels.enabled": True,
            "model.pseudo_labels.alignment": 1.0,
            "model.pseudo_labels.flexible": True,
        },
        {"model.pseudo_labels.enabled": False},
    ),
    "additivity": switch("additivity"),
    "distillation": SHARED["distillation"],
}


class CountsStudy(StudyTask):
    """Counting people, in clips mixed by one protocol and tested on both."""

    kind = "counts"
    grid_field = "protocols"
    own_fields = ("speech", "protocols", "test", "rooms", "all_clips")
    needed = ("speech", "protocols", "test")
    ingredients = _INGREDIENTS
    conditions = CONDITIONS
    error_title = "level error"
    trained_on_title = "trained on"
    grouped_by = "by count, SNR, RT60 and sex of the readers"
    unseen = "test readers"
    labels_title = "labelled clips (validation included)"
    summary_key = ("labelled_clips", "protocol")

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those of `CountsTask`."""
        return ("level_error", "mae", "exact_accuracy")

    @property
    def second(self) -> tuple[str, str, float, int]:
        """The mean absolute error, in people."""
        return ("mae", "MAE", 1.0, 2)

    @property
    def places(self) -> list[str]:
        """The protocols."""
        return list(self.values["protocols"])

    @property
    def rooms(self) -> int:
        """Size of the bank of rooms."""
        return self.values.get("rooms", DEFAULT_ROOMS)

    @property
    def test_name(self) -> str:
        """Names the test clips: other speech, rooms, number or seed are other clips."""
        test, heard = self.values["test"], [self.values["speech"], self.rooms]
        digest = hashlib.sha256(json.dumps(heard).encode()).hexdigest()[:4]
        return f"{test['clips']}-s{test['seed']}-{digest}"

    def settings(self, budget: int | str, clips: int | None, trained_on: str) -> Settings:
        """Speech, protocol, labelled clips and rooms."""
        settings = {
            "data.speech": self.values["speech"],
            "data.protocol": trained_on,
            "data.labelled_clips": clips,
        }
        if "rooms" in self.values:
            settings["data.rooms"] = self.values["rooms"]
        return settings

    def plot_title(self, condition: str) -> str:
        """One protocol for both."""
        return f"trained and tested on {condition}, unseen readers"

    def check_data(self, where: Path, places: Iterable[str]) -> None:
        """See `sources.find_source`; nothing is decoded."""
        speech = self.values["speech"]
        if Path(speech, INDEX_NAME).is_file():
            return  # prepared before
        try:
            find_source(speech)
        except UserError as error:
            raise UserError(f"{where}: field {error}") from None

    def num_outputs(self) -> int:
        """One for each count."""
        return NUM_COUNTS

    def labels_text(self, budget: str, labels: int) -> str:
        """The number."""
        return f"{ALL} ({labels})" if budget == ALL else budget

    def labelled_clips(self, clips: int | None, fit: Path) -> int:
        """As many as were asked for: clips are generated."""
        return clips or 0
