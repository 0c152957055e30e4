"""The OCI runtime specification as structs: the one description of a container, whoever asks for it.

May import msgspec and the standard library.
"""
