"""Profiles that libseccomp 2.5.4 and 2.6.1 compile into filters that let through what no rule allows.

Each: a name, ABIs, the rules about ioctl as (index, op, value) conditions, and calls that the filter gets wrong,
as arguments behind the descriptor: by number of x86-64, or by int $0x80.
"""

import tap

# What a static program, its start and its wait need beyond that: of sysclamp run, of runc and of crun.
STATIC = """access arch_prctl brk capget capset chdir close epoll_ctl epoll_pwait execve exit_group faccessat2 fchown fcntl
fstat fstatfs futex getcwd getdents64 getpid getppid getrandom madvise mmap mprotect munmap nanosleep newfstatat openat
ppoll prctl prlimit64 read readlink readlinkat rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_yield
set_robust_list set_tid_address setgid setgroups setresgid setresuid setuid sigaltstack tgkill uname write""".split()

WEAK = [
    ("64-bit compares in several rules", ["X86_64"],
     [[(2, "LE", 0x100000001)], [(2, "GT", 0x200000001)]],
     [("native", [0, 0x100000002]), ("native", [0, 0x1fffffff0])]),
    ("rules with one and two arguments", ["X86_64"],
     [[(2, "LE", 0xffffffff), (3, "GE", 0x7b0a65b5)], [(2, "GT", 0)]],
     [("native", [0, 0, 0x7b0a65b4])]),
    ("a 64-bit value on i386", ["X86_64", "X86"],
     [[(1, "EQ", 0x100000005)]],
     [("int80", [5])]),
]


def weak_profile(abis, rules):
    """The profile: ERRNO (EPERM) for what is neither needed nor in the rules."""
    return {
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
        "architectures": ["SCMP_ARCH_" + abi for abi in abis],
        "syscalls": [{"names": ["ioctl"], "action": "SCMP_ACT_ALLOW",
                      "args": [{"index": index, "op": "SCMP_CMP_" + op, "value": value} for index, op, value in rule]}
                     for rule in rules] + [{"names": [*STATIC], "action": "SCMP_ACT_ALLOW"}]}


def call_args(how, args):
    """The command line of tests/programs/call_with for an ioctl on no descriptor: EBADF if it is let through."""
    words = [str(arg) for arg in args]
    return ["int80", "54", "0xffffffff", *words] if how == "int80" else ["16", "0xffffffffffffffff", *words]


def makeable(name, calls, i386):
    """Of calls on an ABI those that this kernel takes (@i386: it takes int $0x80); tells of others."""
    there = [call for call in calls if i386 or call[0] != "int80"]
    if len(there) < len(calls):
        tap.skip("i386", name, "this kernel takes no 32-bit calls")
    return there


LET_THROUGH, DENIED = "errno 9\n", "errno 1\n"  # EBADF, EPERM
