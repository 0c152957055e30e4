"""Networks of containers: bridges, addresses, rules, names, and the ways in and out.

    networks                  who is in which network, and the verbs; with
        registry, subnets     which networks there are
        leases, reservations  addresses, and ports of the host
        asked, details        what containers ask for, and what they are told
        store                 what is on disk
    fabric                    what stands in the kernel, by
        kernel/               namespaces, links, addresses, routes
        nftables/             rules
        names/                the resolver
        rootless/             an ordinary user's way into the world and back
    views/                    what people are shown of it
    model                     what all of them tell each other

Imports the standard library, msgspec, dnslib, psutil and the protocol; of containers only how the keeper is spoken to.
"""
