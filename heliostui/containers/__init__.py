"""What the console shows of all containers at once, and does to one of them or to many."""
