"""Speech, mixtures with few labels, and semi-supervised training of the supernet."""
