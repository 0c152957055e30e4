"""Settings of the property tests: no deadline per example, for a busy machine must not make a test fail."""

from hypothesis import settings

settings.register_profile("terminal", deadline=None)
settings.load_profile("terminal")
