"""What people are shown of networks.

view                  the map, and one container's network from inside
interfaces, sockets   as ip(8) and ss(8) show them
capture, pcap         traffic as a file for tcpdump and Wireshark
"""
