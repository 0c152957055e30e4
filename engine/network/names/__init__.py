"""Names of containers, and whom to ask for all others. docs/names.md tells what is promised.

zone                            who is called what, and who may know it
resolver                        the name server on each bridge, with
    questions, answers          the wire, and what is said
    upstream                    those that are asked for other names
    fair_queue, muting          so that nobody keeps the others waiting
    dns_log                     who asked for what
host_files                      /etc/hosts and /etc/resolv.conf
"""
