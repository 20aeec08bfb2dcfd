import subprocess
import sys

import pytest

import search_spaces


def test_every_exported_name_exists():
    for name in search_spaces.__all__:
        assert getattr(search_spaces, name).__name__ == name


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="module 'search_spaces' has no attribute 'nothing'"):
        search_spaces.nothing  # noqa: B018


def test_architectures_and_costs_need_neither_torch_nor_nni():
    program = (
        "import sys; from search_spaces import costs, largest, get_space;"
        "costs(largest(get_space('sam'))); print('torch' in sys.modules, 'nni' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout.split() == ["False", "False"], result.stderr
