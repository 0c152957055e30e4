"""Spec → plan of system calls → executed in a new process, with a receipt.

`build` and its parts turn an OCI spec into a `Plan`; `program` is the plan's binary form, which `fast` (C) and
`portable` (Python) walk in the child. Nothing here imports asyncio; `program`, `fast` and `portable` run in the keeper
and import the standard library only.
"""
