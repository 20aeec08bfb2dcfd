"""What a bundle of embeddings makes of windows, or of whole files, and its rows as one array.

Letters: T samples of a window, N rows, K dimensions.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from deploy.predict_classes import Heard, Model, hear_each
from deploy.prediction_rows import AnyRow, EmbeddingRow
from deploy.shown_text import shown
from deploy.windows import Window
from lightning_modules.csv_rows import TableWriter
from search_spaces.errors import UserError
from search_spaces.files import atomic_path, check_writable
from search_spaces.task_embedding import EmbeddingTask

ARRAYS = ("npy", "parquet")  # formats of embeddings alone, which need a file
ROWS = ".rows.csv"  # ends the name of the file from which the array is made at the end


@dataclass(frozen=True)
class EmbeddingListener:
    """A model of embeddings.

    Attributes:
        model: gives embeddings.
        task: of the model.
        clip_samples: T.
        whole_files: one row per file, the average over its windows, instead of one per window.
    """

    model: Model
    task: EmbeddingTask
    clip_samples: int
    whole_files: bool = False
    row_type: ClassVar[type[AnyRow]] = EmbeddingRow

    def rows(self, path: Path, heard: Iterable[Window]) -> Iterator[EmbeddingRow]:
        """One row per window, or one of all."""
        for one in hear_each(self.model, heard, self.whole_files):
            yield _row(path, one)


def _row(path: Path, heard: Heard) -> EmbeddingRow:
    # The shortest text that a float32 is read back from exactly.
    numbers = [float(str(x)) for x in heard.probabilities.astype(np.float32)]
    return EmbeddingRow(str(path), heard.start_s, heard.end_s, numbers)


def check_array(form: str, output: Path | None, task: object) -> Path:
    """The file in which rows are gathered before they become the array ``output``.

    Raises:
        UserError: no file to write, no embeddings to put into it, or a folder or device in the
            place of the file.
    """
    if not isinstance(task, EmbeddingTask):
        raise UserError(
            f"--format {form}: is for embeddings, and this bundle gives none; take csv or json"
        )
    if output is None:
        raise UserError(f"--format {form}: needs a file; give --output NAME.{form}")
    check_writable(output, "--output")
    if form == "npy":
        check_writable(index_path(output), "--output")
    return output.with_name(output.name + ROWS)


def write_array(rows: Path, output: Path, form: str, dimensions: int) -> None:
    """Turn the CSV of `EmbeddingRow` of K ``dimensions`` into an array, and remove it.

    ``npy`` is float32 [N, K], with a CSV of file, start_s and end_s for each of its rows beside it
    (`index_path`); ``parquet`` has these columns and ``embedding``, a list of float32.
    """
    usual = csv.field_size_limit(1 << 24)  # of the whole process
    try:
        with rows.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
            table = list(csv.DictReader(stream))
    finally:
        csv.field_size_limit(usual)
    embeddings = np.array([json.loads(row["embedding"]) for row in table], np.float32)
    embeddings = embeddings.reshape(len(table), dimensions)  # also where nothing was heard
    if form == "parquet":
        _write_parquet(output, table, embeddings)
    else:
        with (
            atomic_path(index_path(output)) as temporary,
            temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream,
        ):
            writer = TableWriter(stream)
            writer.write(("file", "start_s", "end_s"))
            for row in table:
                writer.write((row["file"], row["start_s"], row["end_s"]))
        with atomic_path(output) as temporary, temporary.open("wb") as binary:
            np.save(binary, embeddings)
    rows.unlink()


def index_path(output: Path) -> Path:
    """Where the rows of an array are named."""
    return output.with_name(output.name + ".csv")


def _write_parquet(
    output: Path, table: list[dict[str, str]], embeddings: NDArray[np.float32]
) -> None:
    import pyarrow  # takes time to load, and few ask for it
    from pyarrow import parquet

    schema = pyarrow.schema(
        {
            "file": pyarrow.string(),
            "start_s": pyarrow.float64(),
            "end_s": pyarrow.float64(),
            "embedding": pyarrow.list_(pyarrow.float32()),
        }
    )
    columns = {
        "file": [shown(row["file"]) for row in table],
        "start_s": [float(row["start_s"]) for row in table],
        "end_s": [float(row["end_s"]) for row in table],
        "embedding": list(embeddings),
    }
    with atomic_path(output) as temporary:
        parquet.write_table(pyarrow.table(columns, schema), str(temporary))
