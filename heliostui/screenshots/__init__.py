"""The console's screens as SVG, dark and light, from a real engine under load: `python -m heliostui.screenshots`."""
