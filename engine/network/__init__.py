"""Networks of containers: bridges, addresses, rules, names, and the ways in and out.

    networks                                who is in which network, and the verbs
    registry, leases, reservations, store   networks, addresses, ports of the host; what is on disk
    fabric                                  what stands in the kernel, by
        links, netlink, rtnetlink           interfaces, addresses, routes
        firewall, table, nft, coexistence   rules
        resolver, zone, upstream            names
        uplink, pasta, slirp4netns          the world, for an ordinary user
    view, sockets, rules, capture           what people are shown of it

Imports the standard library, msgspec, dnslib, psutil and the protocol; nothing of containers.
"""
