"""What containers use: CPU, memory, processes, I/O, network, pressure; now, for ten minutes back, and where a number
comes from.

One module per source (`cpu`, `memory`, `pids`, `io`, `network`, `pressure`, `processes`): the files of both cgroup
versions, pure functions from their texts to counters, and the formula of each metric. The formula that makes a number
is the one that explains it. Above them: `view` is one source of one container, `watched` all of them, `sampler` reads
all containers once a second and some ten times, `history` remembers, `explain` tells, and `metrics` answers the
protocol's requests.
"""
