"""A phone for tests: it speaks adb's wire protocol on loopback and is driven by the real client."""
