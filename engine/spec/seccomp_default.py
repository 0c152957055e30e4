"""The default seccomp profile: Docker's allow-list, which depends on capabilities as Docker's does.

Left out is what needs a capability that the container lacks (mount, module loading, clocks, raw I/O, rebooting …),
what has no namespace (kernel keyrings), what has a record of holes (userfaultfd, io_uring), and namespaces through
clone and unshare. clone3 hides its flags behind a pointer: it is answered with ENOSYS, and C libraries use clone.
Sockets are of the families that containers have a use for: not AF_VSOCK, which reaches past namespaces, nor AF_ALG.

Unlike Docker's it leaves socketcall out, by which a 32-bit program could have any family: what is behind it is allowed
as the calls themselves are, but for socket (C libraries call that directly since Linux 4.3). And it leaves x32 out,
which distributions' kernels don't have, or have off.
Source: moby/profiles `seccomp/default_linux.go`.
"""

from __future__ import annotations

import errno

from engine.spec.seccomp_profile import Architecture, Argument, Condition, Profile, Rule

ALLOWED = """
accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime
clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64
close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat
faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat
fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs
fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat
getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer
getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit
get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 getxattr
getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents
io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule
landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr
listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier
memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr
mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal
msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat _newselect open
openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll
ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6
pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg
recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall rmdir
rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam sched_get_priority_max
sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity
sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop
semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid
setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid
setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address setuid
setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn
socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo
tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64
ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid
waitpid write writev
""".split()

BY_CAPABILITY = {
    "CAP_DAC_READ_SEARCH": "open_by_handle_at",
    "CAP_SYS_ADMIN": "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr "
    "lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree open_tree_attr perf_event_open "
    "quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare",
    "CAP_SYS_BOOT": "reboot",
    "CAP_SYS_CHROOT": "chroot",
    "CAP_SYS_MODULE": "delete_module init_module finit_module",
    "CAP_SYS_PACCT": "acct",
    "CAP_SYS_PTRACE": "kcmp pidfd_getfd process_madvise",
    "CAP_SYS_RAWIO": "iopl ioperm",
    "CAP_SYS_TIME": "settimeofday stime clock_settime clock_settime64",
    "CAP_SYS_TTY_CONFIG": "vhangup",
    "CAP_SYS_NICE": "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    "CAP_SYSLOG": "syslog",
    "CAP_BPF": "bpf",
    "CAP_PERFMON": "perf_event_open",
}
BY_ARCHITECTURE = {
    ("amd64", "x32"): "arch_prctl",
    ("amd64", "x32", "x86"): "modify_ldt",
    ("arm", "arm64"): "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
}

NAMESPACE_FLAGS = (
    0x7E020000  # CLONE_NEW* of clone(2); its lowest byte is a signal, so a time namespace can't be asked for
)
PERSONALITIES = (0x0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)  # PER_LINUX, PER_LINUX32, UNAME26 and both, "tell me"
LOW_FAMILIES = 12  # all below: AF_UNIX, AF_INET, AF_AX25 … AF_INET6, AF_ROSE
# AF_NETBEUI SECURITY KEY NETLINK PACKET ASH, RDS SNA, PPPOX, LLC IB MPLS CAN TIPC BLUETOOTH IUCV RXRPC,
# PHONET IEEE802154, NFC, KCM QIPCRTR SMC XDP MCTP (linux/socket.h)
FAMILIES = (13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45)

_ALLOW = "SCMP_ACT_ALLOW"


def _allow_if(call: str, value: int, op: str = "EQ") -> Rule:
    return Rule(names=[call], action=_ALLOW, args=[Argument(index=0, value=value, op=f"SCMP_CMP_{op}")])


_unprivileged = Condition(caps=["CAP_SYS_ADMIN"])  # as an exclusion
PROFILE = Profile(
    default_action="SCMP_ACT_ERRNO",
    default_errno_ret=errno.EPERM,
    arch_map=[
        Architecture(architecture="SCMP_ARCH_X86_64", sub_architectures=["SCMP_ARCH_X86"]),
        Architecture(architecture="SCMP_ARCH_AARCH64", sub_architectures=["SCMP_ARCH_ARM"]),
    ],
    syscalls=[
        Rule(names=ALLOWED, action=_ALLOW),
        _allow_if("socket", LOW_FAMILIES, "LT"),
        *(_allow_if("socket", family) for family in FAMILIES),
        *(_allow_if("personality", value) for value in PERSONALITIES),
        *(
            Rule(names=calls.split(), action=_ALLOW, includes=Condition(arches=list(machines)))
            for machines, calls in BY_ARCHITECTURE.items()
        ),
        *(
            Rule(names=calls.split(), action=_ALLOW, includes=Condition(caps=[capability]))
            for capability, calls in BY_CAPABILITY.items()
        ),
        Rule(
            names=["clone"],
            action=_ALLOW,
            args=[Argument(index=0, value=NAMESPACE_FLAGS, op="SCMP_CMP_MASKED_EQ")],
            excludes=_unprivileged,
        ),
        Rule(names=["clone3"], action="SCMP_ACT_ERRNO", errno_ret=errno.ENOSYS, excludes=_unprivileged),
    ],
)
