"""The output of programs: from their pipes and terminals (`spool`) to the log (`records`, `log`, `reader`), to the
terminal core (`screen`, `questions`) and to those who are attached (`clients`); and their `input`. `stdio` joins them.
"""
