"""How property tests choose their examples: the same ones in every run, so that a green tree stays green.

`pytest --hypothesis-profile=explore` looks for new ones. No deadline per example: a busy machine must not make a test
fail.
"""

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=1_000)
settings.load_profile("same")
