"""Lower, check, measure and use the nets that a search found."""
