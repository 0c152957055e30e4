"""What writes and reads the files of each controller: one module each, both versions side by side.

Each has `writes(resources, cgroup)`, the writes that the limits of an OCI spec mean, in order, and `in_force(cgroup)`,
what the kernel has now; `devices`, whose rules can't be read back, has `restrict`.
"""
