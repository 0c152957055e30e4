"""The processes of a container, live."""
