"""The console in a browser, by textual-serve. The verb `serve` loads it, and the console behind a page its driver."""
