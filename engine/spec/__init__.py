"""The OCI runtime specification as structs: the one description of a container, whoever asks for it.

`default` makes one of what a person asks for, `validate` reads one that somebody wrote. May import msgspec, the
protocol, the errors, `engine.images.image` and the standard library.
"""
