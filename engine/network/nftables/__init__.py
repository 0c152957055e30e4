"""The rules: one nftables table, and getting along with other firewalls. docs/network-rules.md goes through them.

nft                       libnftables
table, firewall           the table's text, and keeping it as it shall be
rules                     it in words, with its counters
coexistence               rules of ours in other firewalls
conntrack, loopback6      what a table alone can't do: old flows of UDP, and ::1
"""
