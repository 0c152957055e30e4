"""Network namespaces, and links, addresses and routes in them, by netlink. Blocks; imports the model and the errors.

home, namespaces, visit      namespaces as descriptors, and threads that are in them
netlink, rtnetlink           the socket, and the messages
links, removal, sysctls      what our networks need of them
"""
