"""Under its former name: SIGTERM as Ctrl-C."""

from search_spaces.termination import terminated_as_interrupted

__all__ = ["terminated_as_interrupted"]
