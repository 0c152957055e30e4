"""What the verbs of the command line share: parsing, tables, times, and the session on an attached terminal."""
