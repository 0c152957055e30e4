"""Networks of an ordinary user's engine. docs/rootless-network.md tells what is promised.

uplink                          the home namespace, and what keeps it connected
way_out, pasta, slirp4netns     the way into the world
forwarder, forwarding, callers  published ports
beside                          programs that the keeper holds for all of that
"""
