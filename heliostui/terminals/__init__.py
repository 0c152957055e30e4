"""Terminals on the screen: sessions, panes, tabs, their jobs, and what is done to them."""
