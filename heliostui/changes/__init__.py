"""What a container has changed of its image."""
