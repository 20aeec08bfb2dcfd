"""One command for each published figure; see README, Targets and measured figures."""
