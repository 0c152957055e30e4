"""What a container can and can't see and do, on the screen."""
