from search_spaces.architecture import largest, smallest
from search_spaces.cost import costs
from search_spaces.description import describe
from search_spaces.spaces import SPACES, get_space


def test_describe_lists_dimensions_size_and_costs():
    text = describe(get_space("sam-nano"))
    assert text.startswith("space sam-nano, version 1: 512 architectures (5.1e+02)\n")
    assert "stage3_width             24 32\n" in text
    assert "pool                     mean mean_max\n" in text
    params = [f"{costs(end(get_space('sam-nano'))).params:,}" for end in (smallest, largest)]
    assert f"parameters{params[0]:>27}{params[1]:>12}" in text


def test_every_space_is_described():
    for space in SPACES.values():
        text = describe(space)
        assert all(dimension in text for dimension in space.dimensions)
