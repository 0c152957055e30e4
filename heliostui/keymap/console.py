"""Commands of the console itself. Imports command."""

from __future__ import annotations

from heliostui.keymap.command import Command

START_ENGINE = Command(
    "engine.start",
    "start_engine",
    "enter",
    "Start the engine",
    "Start an engine that was ended",
    footer=True,
    place="containers",
)
CONSOLE = (
    Command(
        "console.presence",
        "presence",
        "f3",
        "Follow me",
        "Present what you look at, follow who presents, look around and return",
    ),
    Command(
        "console.record",
        "record",
        "f4",
        "Record",
        "Record a terminal, or all of the console, into an asciicast file; again: end it",
    ),
    Command("console.picture", "picture", "f12", "Screenshot", "Keep what is on the screen as an SVG picture"),
    Command("console.theme", "toggle_theme", "", "Dark or light", "Change between the dark and the light theme"),
    Command(
        "console.themes", "themes", "ctrl+t", "Theme…", "Choose a theme: ours, of high contrast, Textual's, your own"
    ),
    Command(
        "console.receipts",
        "receipts",
        "f2",
        "Receipts",
        "What was done, by whom: each with its command line and the kernel's steps",
    ),
    Command("console.help", "help", "question_mark,f1", "Help", "All keys", footer=True, display="?"),
    Command("console.menu", "palette", "ctrl+p,colon", "Menu", "Find a command by its name", footer=True, display="^p"),
    Command("console.leave", "quit", "q", "Leave", "Leave the console; containers and terminals go on", footer=True),
)
