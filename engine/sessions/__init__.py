"""Terminals that people open: sessions (setsid(2)) on the host or in a container that live in the engine.

`terminals` has the verbs, `session` is one of them while it lives, `records` what of it is on disk, `host` what is
started on the host. Imports the containers' parts (keeper, output), the protocol and the standard library.
"""
