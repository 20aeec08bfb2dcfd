"""One command for each published figure; docs/figures.md has them."""
