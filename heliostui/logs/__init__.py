"""The logs of containers: read, shown, saved."""
