"""The output of programs: from their pipes and terminals to the log and to those who watch."""
