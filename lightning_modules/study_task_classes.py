"""A study of naming the classes of recordings."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from lightning_modules.recordings import class_names, read_recordings
from lightning_modules.study_task import ALL, SHARED, Ingredients, Settings, StudyTask, switch
from search_spaces.errors import UserError

OWN_SPLIT = "own split"  # of the recordings, where no speaker is held out by name

_INGREDIENTS: Ingredients = {
    "augmentation": SHARED["augmentation"],
    "sap_augment": switch("sap_augment"),
    "mixing": switch("mixing"),
    "pseudo_labels": switch("pseudo_labels"),
    "distillation": SHARED["distillation"],
}


class ClassesStudy(StudyTask):
    """Naming classes of recordings, perhaps with one speaker after the other held out."""

    kind = "classes"
    grid_field = "held_out"
    own_fields = ("root", "held_out")
    needed = ("root",)
    ingredients = _INGREDIENTS
    conditions = ("test",)
    error_title = "error"
    trained_on_title = "held out"
    grouped_by = "by class, speaker and, where the recordings say it, SNR"
    unseen = "the test's recordings"
    labels_title = "labelled recordings (validation included)"
    summary_key = ()  # the mean over those held out is the figure wanted

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those of `ClassesTask`."""
        return ("error", self.second[0])

    @property
    def second(self) -> tuple[str, str, float, int]:
        """Each class as important; where there may be several, recordings not wholly right."""
        if self.several:
            return ("set_error", "whole sets", 100.0, 1)
        return ("balanced_error", "balanced", 100.0, 1)

    @property
    def places(self) -> list[str]:
        """The speakers that are held out in turn, or the recordings' own split."""
        return list(self.values.get("held_out", [OWN_SPLIT]))

    @property
    def test_name(self) -> str:
        """The recordings follow from the root and the held-out speaker, which every row names."""
        return self.values["root"]

    def own_test(self, trained_on: str) -> str:
        """There is one, whoever is held out."""
        return self.conditions[0]

    def settings(self, budget: int | str, clips: int | None, trained_on: str) -> Settings:
        """Root, labels of each class, and who is held out."""
        settings: Settings = {
            "data.root": self.values["root"],
            "data.labelled_per_class": None if budget == ALL else budget,
        }
        if trained_on != OWN_SPLIT:
            settings["data.test_speakers"] = [trained_on]
        return settings

    def plot_title(self, condition: str) -> str:
        """The recordings, and who was held out."""
        held_out = [place for place in self.places if place != OWN_SPLIT]
        unseen = f", held out: {', '.join(held_out)}" if held_out else ""
        return f"{Path(self.values['root']).name}{unseen}"

    def check_data(self, where: Path, places: Iterable[str]) -> None:
        """See `recordings.read_recordings`; every speaker to hold out must be known."""
        known = {item.speaker for item in read_recordings(Path(self.values["root"]))} - {None}
        unknown = sorted({*places} - {OWN_SPLIT} - known)
        if unknown:
            names = ", ".join(sorted(filter(None, known))[:20])
            mend = f"name one of {names}" if names else "none is known there; leave the field out"
            raise UserError(
                f"{where}: field held_out: no speaker {unknown[0]!r} in {self.values['root']};"
                f" {mend}"
            )

    def num_outputs(self) -> int:
        """One for each class of the recordings."""
        return len(class_names(read_recordings(Path(self.values["root"]))))

    def labels_text(self, budget: str, labels: int) -> str:
        """Of each class, and in all."""
        return f"{ALL} ({labels})" if budget == ALL else f"{budget} a class ({labels})"

    def labelled_clips(self, clips: int | None, fit: Path) -> int:
        """The lines of its `labels.csv`."""
        with (fit / "labels.csv").open(
            encoding="utf-8", errors="surrogateescape", newline=""
        ) as stream:
            return sum(1 for _ in csv.DictReader(stream))
