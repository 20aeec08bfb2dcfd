"""The options of `python -m deploy evaluate --probe`."""

from __future__ import annotations

import argparse

from search_spaces.command_line import named_path


def add_probe_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the probes."""
    group = parser.add_argument_group(
        "probes of embeddings", "linear classifiers on the embeddings of one or several --bundle"
    )
    group.add_argument(
        "--probe",
        nargs="+",
        type=named_path,
        metavar="SET",
        help="labelled recordings: a folder per class, or a CSV with path,label[,speaker]",
    )
    group.add_argument(
        "--teacher",
        type=named_path,
        help="with --probe: a teacher's file, or its bundle, to compare",
    )
    group.add_argument("--teacher-rate-hz", type=int, help="where its file does not say it")
    group.add_argument("--teacher-samples", type=int, help="where its file does not say it")
    group.add_argument(
        "--speaker-normalised",
        action="store_true",
        help="take each speaker's mean and spread off the embeddings",
    )
