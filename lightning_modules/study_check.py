"""The settings that a study gives to `fit` are looked at before anything is trained."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

from lightning_modules.study_config import Study
from lightning_modules.study_design import Fit, Row
from search_spaces.errors import UserError

# Settings of `fit` that name a file or a folder; `speech` and `root` are the study's own.
_NAMED = {
    "model": ("architecture", "initial_weights", "distil_from"),
    "data": ("recordings", "answers", "singles_from", "extra", "unlabelled"),
}


def check_settings(study: Study, rows: Sequence[Row]) -> None:
    """Refuse an unknown setting, a value of a wrong type or a missing file in any variant.

    Raises:
        UserError: naming the study, the variant and the setting; or recordings that cannot be read,
            or a speaker to hold out whom they do not have.
    """
    from lightning.pytorch import Trainer

    from lightning_modules.cli import DATA
    from lightning_modules.cli_errors import OneLineParser, ParserError
    from lightning_modules.module import SupernetModule

    parser = OneLineParser()
    parser.add_argument("--task")
    parser.add_argument("--seed_everything", type=int)
    parser.add_lightning_class_args(Trainer, "trainer")
    parser.add_lightning_class_args(SupernetModule, "model")
    parser.add_lightning_class_args(DATA[study.task.kind], "data")
    # Settings differ by variant alone, but for numbers that the study has checked.
    for row in {row.variant: row for row in rows}.values():
        try:
            for fit in row.fits:
                parser.parse_object(copy.deepcopy(fit.values))
                _check_files(study, row, fit)
        except ParserError as error:
            raise UserError(f"{study.path}: variant {row.variant!r}: {error}") from None
    study.task.check_data(study.path, {row.protocol for row in rows})


def _check_files(study: Study, row: Row, fit: Fit) -> None:
    """Refuse what `fit` would after all that comes before it: a file that is not there.

    Raises:
        UserError: naming the study, the variant and the setting.
    """
    for part, names in _NAMED.items():
        for name in names:
            value = fit.values.get(part, {}).get(name)
            if value is not None and not Path(value).exists():
                raise UserError(
                    f"{study.path}: variant {row.variant!r}: {part}.{name}: {value}: no such file"
                    f" or folder in {Path.cwd()}"
                )
