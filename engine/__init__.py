"""The engine: everything that runs containers. It knows no front end; those reach it through `engine.client`."""
