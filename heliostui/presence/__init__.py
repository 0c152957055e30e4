"""Several people at one engine: who only looks, who presents, and who follows.

`read_only` is what acting keys ask first; `view` reads what the main screen shows and makes another one show the same;
`part` is what this console is to the presentation, `line` its stream to the engine, `dialog` what F3 asks; `actions`
is the main screen's part.
"""
