"""The settings that a study gives to `fit` are looked at before anything is trained."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from lightning_modules.study_config import Study
from lightning_modules.study_design import Row
from search_spaces.errors import UserError


def check_settings(study: Study, rows: Sequence[Row]) -> None:
    """Refuse an unknown setting or a value of a wrong type in any variant.

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
        except ParserError as error:
            raise UserError(f"{study.path}: variant {row.variant!r}: {error}") from None
    study.task.check_data(study.path, {row.protocol for row in rows})
