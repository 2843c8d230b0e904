//! The table: every system call, the single truth about it.
//!
//! A row says: the number's name in [`abi::nr`], the call's name, its handler with typed arguments, the rights that the
//! capability behind its descriptor must hold, the compatibility program that proves it, and notes on flags.

use abi::fs::{
    CloseRangeFlags, DescriptorFlags, FallocateMode, FlockOperation, MemfdFlags, OpenHow, RwFlags,
    SpliceFlags, UmountFlags,
};
use abi::inotify::InotifyMask;
use abi::ipc::{MqAttr, Sembuf};
use abi::memory::{BarrierCommands, KeyDenials, MlockallFlags, MsyncFlags};
use abi::mount::{FsmountFlags, FsopenFlags, FspickFlags, MountAttr, MoveMountFlags, OpenTreeFlags};
use abi::poll::{EpollEvent, Pollfd, SigsetArgument};
use abi::process::{CapData, CapHeader, CloneArgs, Rusage};
use abi::sched::SchedAttr;
use abi::seccomp::FilterFlags;
use abi::signal::{Sigaction, Sigevent, Stack};
use abi::socket::{MessageFlags, Mmsghdr, Msghdr};
use abi::stat::StatxMask;
use abi::system::{GetrandomFlags, Sysinfo, Ustat, Utsname};
use abi::time::{Itimerspec, Itimerval, Timex, Timezone, Tms};
use abi::{
    AccessFlags, AtFlags, CloneFlags, Gid, Iovec, MapFlags, Mode, MremapFlags, OpenFlags, ProtFlags,
    RenameFlags, Rlimit, SigSet, Siginfo, Stat, Statfs, Statx, Timespec, Timeval, Uid, WaitFlags, nr,
};
use chroma::Fd;
use hal::UserAddr;

use crate::argument::{Argument, In, InBytes, InOut, Out, OutBytes, PathName, SignalNumber, StringList};
use crate::dispatch::restart_syscall;
use crate::files::{
    attributes, descriptors, directories, io, links, locks, make, mount_attributes, mount_contexts,
    mount_trees, mounts, open, owners, splice, stat, sync, times, transfer, xattr,
};
use crate::processes::{
    capabilities, execute, groups, identity, kcmp, lifecycle, limits, others_memory, pidfd, prctl, seccomp,
    wait,
};
use crate::row::Status::{Accepted, Missing, Refused};
use crate::row::{Note, Parameter, Row};
use crate::sockets::{connect, create, options, receive, send};
use crate::waiting::{epoll, eventfd, inotify, poll, select, signalfd, timerfd};
use crate::{barriers, futex, ipc, keys, memory, mqueue, sched, signals, system, time};

macro_rules! table {
    ($($number:ident $name:literal $($handler:ident)::+ ($($argument:ident: $kind:ty),*)
        [$rights:literal] $test:literal $({ $($subject:literal: $status:expr),* $(,)? })? ;)*) => {
        /// Every call.
        pub static ROWS: &[Row] = &[$(Row {
            number: nr::$number,
            name: $name,
            arguments: &[$(Parameter {
                name: stringify!($argument),
                kind: <$kind as Argument>::TYPE,
                shape: <$kind as Argument>::SHAPE,
                show: <$kind as Argument>::show,
            }),*],
            rights: $rights,
            test: $test,
            notes: &[$($(Note { subject: $subject, status: $status }),*)?],
            call: |current| {
                let mut registers = current.context.regs.arguments().into_iter();
                let _ = &mut registers;
                $(let $argument = <$kind as Argument>::from_raw(registers.next().unwrap_or(0));)*
                current.context.regs.rax = $($handler)::+(current, $($argument),*)?;
                Ok(())
            },
        }),*];
    };
}

table! {
    READ "read" io::read(fd: Fd, buffer: OutBytes, size: usize) ["READ"] "files";
    WRITE "write" io::write(fd: Fd, buffer: InBytes, size: usize) ["WRITE"] "files";
    OPEN "open" open::open(path: PathName, flags: OpenFlags, mode: Mode) [""] "files" {
        "O_DIRECT": Accepted("all file systems live in memory"),
        "O_SYNC": Accepted("as above"),
        "O_ASYNC": Accepted("no file sends SIGIO yet"),
        "O_NOATIME": Accepted("checked; access times follow the mount's flags"),
    };
    CLOSE "close" open::close(fd: Fd) [""] "descriptors";
    STAT "stat" stat::stat(path: PathName, to: Out<Stat>) [""] "files";
    FSTAT "fstat" stat::fstat(fd: Fd, to: Out<Stat>) [""] "files";
    LSTAT "lstat" stat::lstat(path: PathName, to: Out<Stat>) [""] "files";
    POLL "poll" poll::poll(list: InOut<Pollfd>, number: u32, timeout: i32) [""] "polling";
    LSEEK "lseek" io::lseek(fd: Fd, offset: i64, whence: u32) ["SEEK"] "files";
    MMAP "mmap" memory::mmap(at: UserAddr, length: u64, protection: ProtFlags, flags: MapFlags, fd: Fd, offset: u64) ["MAP"] "memory" {
        "MAP_HUGETLB": Refused("ENOMEM: no huge pages are set aside"),
        "MAP_SYNC": Refused("EOPNOTSUPP"),
        "MAP_LOCKED": Accepted("touches the pages; nothing is ever moved out of memory"),
        "MAP_NORESERVE": Accepted("memory is never reserved"),
        "MAP_DENYWRITE": Accepted("as on Linux"),
    };
    MPROTECT "mprotect" memory::mprotect(start: UserAddr, length: u64, protection: ProtFlags) [""] "memory" {
        "PROT_GROWSDOWN": Accepted("changes the range itself only"),
    };
    MUNMAP "munmap" memory::munmap(start: UserAddr, length: u64) [""] "memory";
    BRK "brk" memory::brk(end: UserAddr) [""] "memory";
    RT_SIGACTION "rt_sigaction" signals::rt_sigaction(signal: SignalNumber, new: In<Sigaction>, old: Out<Sigaction>, size: usize) [""] "signals";
    RT_SIGPROCMASK "rt_sigprocmask" signals::rt_sigprocmask(how: i32, new: In<SigSet>, old: Out<SigSet>, size: usize) [""] "signals";
    RT_SIGRETURN "rt_sigreturn" signals::rt_sigreturn() [""] "signals";
    IOCTL "ioctl" descriptors::ioctl(fd: Fd, command: u32, argument: u64) ["IOCTL"] "terminals";
    PREAD64 "pread64" io::pread64(fd: Fd, buffer: OutBytes, size: usize, offset: i64) ["READ"] "files";
    PWRITE64 "pwrite64" io::pwrite64(fd: Fd, buffer: InBytes, size: usize, offset: i64) ["WRITE"] "files";
    READV "readv" io::readv(fd: Fd, vector: In<Iovec>, number: usize) ["READ"] "files";
    WRITEV "writev" io::writev(fd: Fd, vector: In<Iovec>, number: usize) ["WRITE"] "files";
    ACCESS "access" attributes::access(path: PathName, mode: AccessFlags) [""] "permissions";
    PIPE "pipe" descriptors::pipe(ends: Out<[i32; 2]>) [""] "pipes";
    SELECT "select" select::select(number: i32, read: InOut<u64>, write: InOut<u64>, except: InOut<u64>, timeout: InOut<Timeval>) [""] "polling";
    SCHED_YIELD "sched_yield" sched::sched_yield() [""] "threads";
    MREMAP "mremap" memory::mremap(start: UserAddr, old_length: u64, new_length: u64, flags: MremapFlags, target: UserAddr) [""] "memory";
    MSYNC "msync" memory::msync(start: UserAddr, length: u64, flags: MsyncFlags) [""] "memory";
    MINCORE "mincore" memory::mincore(start: UserAddr, length: u64, answer: OutBytes) [""] "memory";
    MADVISE "madvise" memory::madvise(start: UserAddr, length: u64, advice: i32) [""] "memory" {
        "MADV_FREE": Accepted("frees at once, as MADV_DONTNEED"),
        "MADV_WILLNEED": Accepted("everything is in memory"),
        "MADV_COLD": Accepted("nothing is moved out of memory"),
        "MADV_PAGEOUT": Accepted("as above"),
        "MADV_HUGEPAGE": Accepted("no huge pages"),
        "MADV_REMOVE": Missing("holes are punched by fallocate"),
    };
    SHMGET "shmget" ipc::shmget(key: i32, size: u64, flags: u32) [""] "sysvipc" {
        "SHM_HUGETLB": Refused("ENOMEM: no huge pages are set aside"),
        "SHM_NORESERVE": Accepted("memory is never reserved"),
    };
    SHMAT "shmat" ipc::shmat(id: i32, at: UserAddr, flags: u32) [""] "sysvipc";
    SHMCTL "shmctl" ipc::shmctl(id: i32, command: i32, buffer: UserAddr) [""] "sysvipc" {
        "SHM_LOCK": Accepted("nothing is ever moved out of memory"),
        "shm_dtime, shm_lpid": Missing("shmdt sets them; the end of a process that has it attached does not"),
    };
    DUP "dup" descriptors::dup(fd: Fd) [""] "descriptors";
    DUP2 "dup2" descriptors::dup2(old: Fd, new: Fd) [""] "descriptors";
    PAUSE "pause" signals::pause() [""] "signals";
    NANOSLEEP "nanosleep" time::nanosleep(time: In<Timespec>, remaining: Out<Timespec>) [""] "clocks";
    GETITIMER "getitimer" time::getitimer(which: i32, to: Out<Itimerval>) [""] "clocks";
    ALARM "alarm" time::alarm(seconds: u32) [""] "clocks";
    SETITIMER "setitimer" time::setitimer(which: i32, new: In<Itimerval>, old: Out<Itimerval>) [""] "clocks";
    GETPID "getpid" lifecycle::getpid() [""] "processes";
    SENDFILE "sendfile" transfer::sendfile(output: Fd, input: Fd, offset: InOut<i64>, size: usize) ["READ, WRITE"] "files";
    SOCKET "socket" create::socket(family: i32, kind: i32, protocol: i32) [""] "sockets" {
        "every family but AF_UNIX": Refused("EAFNOSUPPORT"),
    };
    CONNECT "connect" connect::connect(fd: Fd, to: UserAddr, length: i32) ["CONNECT"] "sockets";
    ACCEPT "accept" connect::accept(fd: Fd, from: UserAddr, length: InOut<i32>) ["ACCEPT"] "sockets";
    SENDTO "sendto" send::sendto(fd: Fd, buffer: InBytes, size: usize, flags: MessageFlags, to: UserAddr, length: i32) ["WRITE, SEND"] "sockets" {
        "MSG_OOB": Missing("EOPNOTSUPP, as without urgent data in the configuration"),
    };
    RECVFROM "recvfrom" receive::recvfrom(fd: Fd, buffer: OutBytes, size: usize, flags: MessageFlags, from: UserAddr, length: InOut<i32>) ["READ, RECEIVE"] "sockets";
    SENDMSG "sendmsg" send::sendmsg(fd: Fd, header: In<Msghdr>, flags: MessageFlags) ["WRITE, SEND"] "messages";
    RECVMSG "recvmsg" receive::recvmsg(fd: Fd, header: InOut<Msghdr>, flags: MessageFlags) ["READ, RECEIVE"] "messages";
    SHUTDOWN "shutdown" connect::shutdown(fd: Fd, how: i32) ["SHUTDOWN"] "sockets";
    BIND "bind" connect::bind(fd: Fd, at: UserAddr, length: i32) ["BIND"] "sockets";
    LISTEN "listen" connect::listen(fd: Fd, backlog: i32) ["LISTEN"] "sockets";
    GETSOCKNAME "getsockname" connect::getsockname(fd: Fd, to: UserAddr, length: InOut<i32>) [""] "sockets";
    GETPEERNAME "getpeername" connect::getpeername(fd: Fd, to: UserAddr, length: InOut<i32>) [""] "sockets";
    SOCKETPAIR "socketpair" create::socketpair(family: i32, kind: i32, protocol: i32, pair: Out<[i32; 2]>) [""] "sockets";
    SETSOCKOPT "setsockopt" options::setsockopt(fd: Fd, level: i32, name: i32, value: UserAddr, length: i32) [""] "sockets" {
        "SO_PRIORITY, SO_LINGER, SO_REUSEADDR and the like": Accepted("kept; they mean nothing to Unix sockets"),
        "SO_PEEK_OFF, SO_TIMESTAMP, SO_ATTACH_FILTER": Missing("ENOPROTOOPT"),
    };
    GETSOCKOPT "getsockopt" options::getsockopt(fd: Fd, level: i32, name: i32, value: UserAddr, length: InOut<i32>) [""] "sockets" {
        "SO_PEERSEC": Refused("ENOPROTOOPT, as without security modules"),
        "SO_PEERGROUPS": Missing("ENOPROTOOPT"),
    };
    CLONE "clone" lifecycle::clone(flags: u64, stack: UserAddr, parent_tid: UserAddr, child_tid: UserAddr, tls: u64) [""] "threads" {
        "CLONE_NEWPID, NEWUSER, NEWNET, NEWIPC, NEWCGROUP": Refused("EINVAL, as without them in the configuration"),
        "CLONE_PTRACE, CLONE_UNTRACED": Accepted("nothing is traced"),
        "CLONE_SYSVSEM": Accepted("there is nothing to share"),
    };
    FORK "fork" lifecycle::fork() [""] "processes";
    VFORK "vfork" lifecycle::vfork() [""] "processes";
    EXECVE "execve" execute::execve(path: PathName, arguments: StringList, environment: UserAddr) [""] "exec";
    EXIT "exit" lifecycle::exit(code: i32) [""] "threads";
    WAIT4 "wait4" wait::wait4(pid: i32, status: Out<i32>, options: WaitFlags, usage: Out<Rusage>) [""] "processes";
    KILL "kill" signals::kill(pid: i32, signal: SignalNumber) [""] "signals";
    UNAME "uname" system::uname(to: Out<Utsname>) [""] "system";
    SEMGET "semget" ipc::semget(key: i32, size: i32, flags: u32) [""] "sysvipc";
    SEMOP "semop" ipc::semop(id: i32, operations: In<Sembuf>, size: usize) [""] "sysvipc";
    SEMCTL "semctl" ipc::semctl(id: i32, which: i32, command: i32, argument: u64) [""] "sysvipc";
    SHMDT "shmdt" ipc::shmdt(at: UserAddr) [""] "sysvipc";
    MSGGET "msgget" ipc::msgget(key: i32, flags: u32) [""] "sysvipc";
    MSGSND "msgsnd" ipc::msgsnd(id: i32, from: UserAddr, size: usize, flags: u32) [""] "sysvipc";
    MSGRCV "msgrcv" ipc::msgrcv(id: i32, to: UserAddr, size: usize, kind: i64, flags: u32) [""] "sysvipc";
    MSGCTL "msgctl" ipc::msgctl(id: i32, command: i32, buffer: UserAddr) [""] "sysvipc";
    FCNTL "fcntl" descriptors::fcntl(fd: Fd, operation: i32, argument: u64) ["FCNTL"] "descriptors" {
        "F_SETLEASE": Missing("leases; F_GETLEASE says that there is none"),
        "F_NOTIFY": Missing("EINVAL"),
    };
    FLOCK "flock" locks::flock(fd: Fd, operation: FlockOperation) ["LOCK"] "descriptors";
    FSYNC "fsync" sync::fsync(fd: Fd) ["SYNC"] "files";
    FDATASYNC "fdatasync" sync::fsync(fd: Fd) ["SYNC"] "files";
    TRUNCATE "truncate" attributes::truncate(path: PathName, size: i64) [""] "files";
    FTRUNCATE "ftruncate" attributes::ftruncate(fd: Fd, size: i64) [""] "files";
    GETDENTS "getdents" directories::getdents(fd: Fd, buffer: OutBytes, size: u32) ["READ"] "directories";
    GETCWD "getcwd" directories::getcwd(buffer: OutBytes, size: usize) [""] "directories";
    CHDIR "chdir" directories::chdir(path: PathName) [""] "directories";
    FCHDIR "fchdir" directories::fchdir(fd: Fd) [""] "directories";
    RENAME "rename" make::rename(from: PathName, to: PathName) [""] "paths";
    MKDIR "mkdir" make::mkdir(path: PathName, mode: Mode) [""] "directories";
    RMDIR "rmdir" make::rmdir(path: PathName) [""] "directories";
    CREAT "creat" open::creat(path: PathName, mode: Mode) [""] "files";
    LINK "link" links::link(old: PathName, new: PathName) [""] "paths";
    UNLINK "unlink" make::unlink(path: PathName) [""] "paths";
    SYMLINK "symlink" links::symlink(target: PathName, path: PathName) [""] "paths";
    READLINK "readlink" links::readlink(path: PathName, buffer: OutBytes, size: i32) [""] "paths";
    CHMOD "chmod" attributes::chmod(path: PathName, mode: Mode) [""] "permissions";
    FCHMOD "fchmod" attributes::fchmod(fd: Fd, mode: Mode) ["SETATTR"] "permissions";
    CHOWN "chown" owners::chown(path: PathName, user: Uid, group: Gid) [""] "permissions";
    FCHOWN "fchown" owners::fchown(fd: Fd, user: Uid, group: Gid) ["SETATTR"] "permissions";
    LCHOWN "lchown" owners::lchown(path: PathName, user: Uid, group: Gid) [""] "permissions";
    UMASK "umask" directories::umask(mask: Mode) [""] "permissions";
    GETTIMEOFDAY "gettimeofday" time::gettimeofday(to: Out<Timeval>, zone: Out<Timezone>) [""] "clocks";
    GETRLIMIT "getrlimit" limits::getrlimit(resource: u32, to: Out<Rlimit>) [""] "limits";
    GETRUSAGE "getrusage" limits::getrusage(who: i32, to: Out<Rusage>) [""] "limits";
    SYSINFO "sysinfo" system::sysinfo(to: Out<Sysinfo>) [""] "system";
    TIMES "times" time::times(to: Out<Tms>) [""] "clocks";
    GETUID "getuid" identity::getuid() [""] "credentials";
    SYSLOG "syslog" system::syslog(action: i32, buffer: OutBytes, length: i32) [""] "system";
    GETGID "getgid" identity::getgid() [""] "credentials";
    SETUID "setuid" identity::setuid(user: Uid) [""] "credentials";
    SETGID "setgid" identity::setgid(group: Gid) [""] "credentials";
    GETEUID "geteuid" identity::geteuid() [""] "credentials";
    GETEGID "getegid" identity::getegid() [""] "credentials";
    SETPGID "setpgid" groups::setpgid(pid: i32, group: i32) [""] "jobs";
    GETPPID "getppid" lifecycle::getppid() [""] "processes";
    GETPGRP "getpgrp" groups::getpgrp() [""] "jobs";
    SETSID "setsid" groups::setsid() [""] "jobs";
    SETREUID "setreuid" identity::setreuid(real: Uid, effective: Uid) [""] "credentials";
    SETREGID "setregid" identity::setregid(real: Gid, effective: Gid) [""] "credentials";
    GETGROUPS "getgroups" identity::getgroups(size: i32, list: Out<u32>) [""] "credentials";
    SETGROUPS "setgroups" identity::setgroups(size: usize, list: In<u32>) [""] "credentials";
    SETRESUID "setresuid" identity::setresuid(real: Uid, effective: Uid, saved: Uid) [""] "credentials";
    GETRESUID "getresuid" identity::getresuid(real: Out<u32>, effective: Out<u32>, saved: Out<u32>) [""] "credentials";
    SETRESGID "setresgid" identity::setresgid(real: Gid, effective: Gid, saved: Gid) [""] "credentials";
    GETRESGID "getresgid" identity::getresgid(real: Out<u32>, effective: Out<u32>, saved: Out<u32>) [""] "credentials";
    GETPGID "getpgid" groups::getpgid(pid: i32) [""] "jobs";
    SETFSUID "setfsuid" identity::setfsuid(user: Uid) [""] "credentials";
    SETFSGID "setfsgid" identity::setfsgid(group: Gid) [""] "credentials";
    GETSID "getsid" groups::getsid(pid: i32) [""] "jobs";
    CAPGET "capget" capabilities::capget(header: InOut<CapHeader>, data: Out<CapData>) [""] "credentials";
    CAPSET "capset" capabilities::capset(header: InOut<CapHeader>, data: In<CapData>) [""] "credentials";
    RT_SIGPENDING "rt_sigpending" signals::rt_sigpending(to: Out<u64>, size: usize) [""] "signals";
    RT_SIGTIMEDWAIT "rt_sigtimedwait" signals::rt_sigtimedwait(set: In<SigSet>, to: Out<Siginfo>, timeout: In<Timespec>, size: usize) [""] "signals";
    RT_SIGQUEUEINFO "rt_sigqueueinfo" signals::rt_sigqueueinfo(pid: i32, signal: SignalNumber, info: In<Siginfo>) [""] "signals";
    RT_SIGSUSPEND "rt_sigsuspend" signals::rt_sigsuspend(mask: In<SigSet>, size: usize) [""] "signals";
    SIGALTSTACK "sigaltstack" signals::sigaltstack(new: In<Stack>, old: Out<Stack>) [""] "signals";
    UTIME "utime" times::utime(path: PathName, times: In<i64>) [""] "files";
    MKNOD "mknod" make::mknod(path: PathName, mode: Mode, device: u32) [""] "files";
    PERSONALITY "personality" prctl::personality(personality: u32) [""] "personality" {
        "ADDR_COMPAT_LAYOUT": Accepted("kept; mappings are placed downwards all the same"),
        "SHORT_INODE, WHOLE_SECONDS, FDPIC_FUNCPTRS, ADDR_LIMIT_32BIT, ADDR_LIMIT_3GB": Accepted("kept; they mean nothing to 64-bit programs, as on Linux"),
    };
    USTAT "ustat" stat::ustat(device: u32, to: Out<Ustat>) [""] "system" {
        "file systems that nobody can mount": Missing("EINVAL: only what the caller sees mounted is found"),
    };
    STATFS "statfs" stat::statfs(path: PathName, to: Out<Statfs>) [""] "files";
    FSTATFS "fstatfs" stat::fstatfs(fd: Fd, to: Out<Statfs>) [""] "files";
    SYSFS "sysfs" stat::sysfs(question: i32, first: u64, second: UserAddr) [""] "system";
    GETPRIORITY "getpriority" sched::getpriority(which: i32, who: i32) [""] "limits";
    SETPRIORITY "setpriority" sched::setpriority(which: i32, who: i32, value: i32) [""] "limits";
    SCHED_SETPARAM "sched_setparam" sched::sched_setparam(pid: i32, priority: In<i32>) [""] "threads";
    SCHED_GETPARAM "sched_getparam" sched::sched_getparam(pid: i32, to: Out<i32>) [""] "threads";
    SCHED_SETSCHEDULER "sched_setscheduler" sched::sched_setscheduler(pid: i32, policy: i32, priority: In<i32>) [""] "threads" {
        "SCHED_DEADLINE": Refused("EINVAL, as on Linux: it has no times here"),
    };
    SCHED_GETSCHEDULER "sched_getscheduler" sched::sched_getscheduler(pid: i32) [""] "threads";
    SCHED_GET_PRIORITY_MAX "sched_get_priority_max" sched::sched_get_priority_max(policy: i32) [""] "threads";
    SCHED_GET_PRIORITY_MIN "sched_get_priority_min" sched::sched_get_priority_min(policy: i32) [""] "threads";
    SCHED_RR_GET_INTERVAL "sched_rr_get_interval" sched::sched_rr_get_interval(pid: i32, to: Out<Timespec>) [""] "threads";
    MLOCK "mlock" memory::mlock(start: UserAddr, length: u64) [""] "memory";
    MUNLOCK "munlock" memory::munlock(start: UserAddr, length: u64) [""] "memory";
    MLOCKALL "mlockall" memory::mlockall(flags: MlockallFlags) [""] "memory" {
        "every flag": Accepted("nothing is ever moved out of memory"),
    };
    MUNLOCKALL "munlockall" memory::munlockall() [""] "memory";
    VHANGUP "vhangup" system::vhangup() [""] "terminals";
    PIVOT_ROOT "pivot_root" mounts::pivot_root(new_root: PathName, put_old: PathName) [""] "system";
    PRCTL "prctl" prctl::prctl(operation: i32, second: u64, third: u64, fourth: u64, fifth: u64) [""] "processes" {
        "PR_SET_TIMERSLACK": Accepted("timers are as exact as the machine"),
        "PR_SET_SECCOMP, strict mode": Missing("RDTSC stays allowed"),
        "PR_SET_MM": Missing("EINVAL"),
        "PR_SET_VMA": Refused("EINVAL, as without anonymous names in the configuration"),
    };
    ARCH_PRCTL "arch_prctl" prctl::arch_prctl(operation: i32, base: UserAddr) [""] "threads";
    ADJTIMEX "adjtimex" time::adjtimex(timex: InOut<Timex>) [""] "clocks" {
        "every change": Refused("EINVAL: the clock is set, never slewed"),
    };
    SETRLIMIT "setrlimit" limits::setrlimit(resource: u32, limit: In<Rlimit>) [""] "limits" {
        "RLIMIT_CORE, RSS, LOCKS, MSGQUEUE, RTTIME": Accepted("kept; there is nothing they limit"),
    };
    CHROOT "chroot" directories::chroot(path: PathName) [""] "directories";
    SYNC "sync" sync::sync() [""] "files";
    SETTIMEOFDAY "settimeofday" time::settimeofday(time: In<Timeval>, zone: In<Timezone>) [""] "clocks";
    MOUNT "mount" mounts::mount(source: UserAddr, target: PathName, kind: UserAddr, flags: u64, data: UserAddr) [""] "system" {
        "MS_SYNCHRONOUS, MS_DIRSYNC, MS_LAZYTIME": Accepted("all file systems live in memory"),
    };
    UMOUNT2 "umount2" mounts::umount2(target: PathName, flags: UmountFlags) [""] "system";
    REBOOT "reboot" system::reboot(first: u32, second: u32, command: u32, argument: UserAddr) [""] "system" {
        "LINUX_REBOOT_CMD_CAD_ON": Accepted("no keyboard sends it"),
    };
    SETHOSTNAME "sethostname" system::sethostname(name: InBytes, length: i32) [""] "system";
    SETDOMAINNAME "setdomainname" system::setdomainname(name: InBytes, length: i32) [""] "system";
    GETTID "gettid" lifecycle::gettid() [""] "threads";
    READAHEAD "readahead" attributes::readahead(fd: Fd, offset: i64, size: u64) ["READ"] "files" {
        "every range": Accepted("checked; everything is in memory"),
    };
    SETXATTR "setxattr" xattr::setxattr(target: PathName, name: UserAddr, value: InBytes, size: usize, flags: u32) [""] "files";
    LSETXATTR "lsetxattr" xattr::lsetxattr(target: PathName, name: UserAddr, value: InBytes, size: usize, flags: u32) [""] "files";
    FSETXATTR "fsetxattr" xattr::fsetxattr(target: Fd, name: UserAddr, value: InBytes, size: usize, flags: u32) [""] "files";
    GETXATTR "getxattr" xattr::getxattr(target: PathName, name: UserAddr, value: OutBytes, size: usize) [""] "files";
    LGETXATTR "lgetxattr" xattr::lgetxattr(target: PathName, name: UserAddr, value: OutBytes, size: usize) [""] "files";
    FGETXATTR "fgetxattr" xattr::fgetxattr(target: Fd, name: UserAddr, value: OutBytes, size: usize) [""] "files";
    LISTXATTR "listxattr" xattr::listxattr(target: PathName, list: OutBytes, size: usize) [""] "files";
    LLISTXATTR "llistxattr" xattr::llistxattr(target: PathName, list: OutBytes, size: usize) [""] "files";
    FLISTXATTR "flistxattr" xattr::flistxattr(target: Fd, list: OutBytes, size: usize) [""] "files";
    REMOVEXATTR "removexattr" xattr::removexattr(target: PathName, name: UserAddr) [""] "files";
    LREMOVEXATTR "lremovexattr" xattr::lremovexattr(target: PathName, name: UserAddr) [""] "files";
    FREMOVEXATTR "fremovexattr" xattr::fremovexattr(target: Fd, name: UserAddr) [""] "files";
    TKILL "tkill" signals::tkill(tid: i32, signal: SignalNumber) [""] "signals";
    TIME "time" time::time(to: Out<i64>) [""] "clocks";
    FUTEX "futex" futex::futex(word: UserAddr, operation: u32, value: u32, timeout: u64, second: UserAddr, third: u32) [""] "threads" {
        "FUTEX_LOCK_PI and its kin": Missing("ENOSYS, as on a machine without priority inheritance"),
        "FUTEX_FD": Refused("ENOSYS, as since 2.6.26"),
    };
    SCHED_SETAFFINITY "sched_setaffinity" sched::sched_setaffinity(pid: i32, size: u32, from: InBytes) [""] "threads";
    SCHED_GETAFFINITY "sched_getaffinity" sched::sched_getaffinity(pid: i32, size: u32, to: OutBytes) [""] "threads";
    EPOLL_CREATE "epoll_create" epoll::epoll_create(size: i32) [""] "polling";
    REMAP_FILE_PAGES "remap_file_pages" memory::remap_file_pages(start: UserAddr, length: u64, protection: ProtFlags, first: u64, flags: MapFlags) [""] "remapping";
    GETDENTS64 "getdents64" directories::getdents64(fd: Fd, buffer: OutBytes, size: u32) ["READ"] "directories";
    SET_TID_ADDRESS "set_tid_address" lifecycle::set_tid_address(word: UserAddr) [""] "threads";
    RESTART_SYSCALL "restart_syscall" restart_syscall() [""] "restarts";
    SEMTIMEDOP "semtimedop" ipc::semtimedop(id: i32, operations: In<Sembuf>, size: usize, timeout: In<Timespec>) [""] "sysvipc";
    FADVISE64 "fadvise64" attributes::fadvise64(fd: Fd, offset: i64, length: i64, advice: i32) [""] "files" {
        "every advice": Accepted("checked; everything is in memory"),
    };
    TIMER_CREATE "timer_create" time::timer_create(clock: i32, event: In<Sigevent>, to: Out<i32>) [""] "clocks" {
        "clocks of processor time": Refused("EOPNOTSUPP"),
    };
    TIMER_SETTIME "timer_settime" time::timer_settime(id: i32, flags: u32, new: In<Itimerspec>, old: Out<Itimerspec>) [""] "clocks";
    TIMER_GETTIME "timer_gettime" time::timer_gettime(id: i32, to: Out<Itimerspec>) [""] "clocks";
    TIMER_GETOVERRUN "timer_getoverrun" time::timer_getoverrun(id: i32) [""] "clocks";
    TIMER_DELETE "timer_delete" time::timer_delete(id: i32) [""] "clocks";
    CLOCK_SETTIME "clock_settime" time::clock_settime(clock: i32, time: In<Timespec>) [""] "clocks";
    CLOCK_GETTIME "clock_gettime" time::clock_gettime(clock: i32, to: Out<Timespec>) [""] "clocks";
    CLOCK_GETRES "clock_getres" time::clock_getres(clock: i32, to: Out<Timespec>) [""] "clocks";
    CLOCK_NANOSLEEP "clock_nanosleep" time::clock_nanosleep(clock: i32, flags: u32, time: In<Timespec>, remaining: Out<Timespec>) [""] "clocks" {
        "CLOCK_PROCESS_CPUTIME_ID": Refused("EOPNOTSUPP"),
    };
    EXIT_GROUP "exit_group" lifecycle::exit_group(code: i32) [""] "processes";
    EPOLL_WAIT "epoll_wait" epoll::epoll_wait(epoll: Fd, events: Out<EpollEvent>, most: i32, timeout: i32) [""] "polling";
    EPOLL_CTL "epoll_ctl" epoll::epoll_ctl(epoll: Fd, operation: i32, fd: Fd, event: In<EpollEvent>) [""] "polling" {
        "EPOLLWAKEUP": Accepted("the machine does not sleep"),
        "EPOLLEXCLUSIVE": Accepted("every waiter is woken"),
    };
    TGKILL "tgkill" signals::tgkill(pid: i32, tid: i32, signal: SignalNumber) [""] "signals";
    UTIMES "utimes" times::utimes(path: PathName, times: In<Timeval>) [""] "files";
    MQ_OPEN "mq_open" mqueue::mq_open(name: PathName, flags: OpenFlags, mode: Mode, attributes: In<MqAttr>) [""] "queues";
    MQ_UNLINK "mq_unlink" mqueue::mq_unlink(name: PathName) [""] "queues";
    MQ_TIMEDSEND "mq_timedsend" mqueue::mq_timedsend(fd: Fd, from: InBytes, length: usize, priority: u32, until: In<Timespec>) ["WRITE"] "queues_waiting";
    MQ_TIMEDRECEIVE "mq_timedreceive" mqueue::mq_timedreceive(fd: Fd, to: OutBytes, length: usize, priority: Out<u32>, until: In<Timespec>) ["READ"] "queues_waiting";
    MQ_NOTIFY "mq_notify" mqueue::mq_notify(fd: Fd, event: In<Sigevent>) [""] "queues_notified" {
        "SIGEV_THREAD": Refused("what Linux gives for a socket of another kind: there is no netlink"),
    };
    MQ_GETSETATTR "mq_getsetattr" mqueue::mq_getsetattr(fd: Fd, new: In<MqAttr>, old: Out<MqAttr>) [""] "queues";
    WAITID "waitid" wait::waitid(kind: i32, id: u32, to: Out<Siginfo>, options: WaitFlags, usage: Out<Rusage>) [""] "processes";
    IOPRIO_SET "ioprio_set" sched::ioprio_set(which: i32, who: i32, value: i32) [""] "ioprio" {
        "every priority": Accepted("kept and told; there is no queue of a disk"),
    };
    IOPRIO_GET "ioprio_get" sched::ioprio_get(which: i32, who: i32) [""] "ioprio";
    INOTIFY_INIT "inotify_init" inotify::inotify_init() [""] "inotify";
    INOTIFY_ADD_WATCH "inotify_add_watch" inotify::inotify_add_watch(fd: Fd, path: PathName, mask: InotifyMask) [""] "inotify";
    INOTIFY_RM_WATCH "inotify_rm_watch" inotify::inotify_rm_watch(fd: Fd, wd: i32) [""] "inotify";
    OPENAT "openat" open::openat(directory: Fd, path: PathName, flags: OpenFlags, mode: Mode) [""] "paths";
    MKDIRAT "mkdirat" make::mkdirat(directory: Fd, path: PathName, mode: Mode) [""] "paths";
    MKNODAT "mknodat" make::mknodat(directory: Fd, path: PathName, mode: Mode, device: u32) [""] "paths";
    FCHOWNAT "fchownat" owners::fchownat(directory: Fd, path: PathName, user: Uid, group: Gid, flags: AtFlags) [""] "paths";
    FUTIMESAT "futimesat" times::futimesat(directory: Fd, path: PathName, times: In<Timeval>) [""] "files";
    NEWFSTATAT "newfstatat" stat::newfstatat(directory: Fd, path: PathName, to: Out<Stat>, flags: AtFlags) [""] "paths";
    UNLINKAT "unlinkat" make::unlinkat(directory: Fd, path: PathName, flags: AtFlags) [""] "paths";
    RENAMEAT "renameat" make::renameat(old: Fd, from: PathName, new: Fd, to: PathName) [""] "paths";
    LINKAT "linkat" links::linkat(old_directory: Fd, old: PathName, new_directory: Fd, new: PathName, flags: AtFlags) [""] "paths";
    SYMLINKAT "symlinkat" links::symlinkat(target: PathName, directory: Fd, path: PathName) [""] "paths";
    READLINKAT "readlinkat" links::readlinkat(directory: Fd, path: PathName, buffer: OutBytes, size: i32) [""] "paths";
    FCHMODAT "fchmodat" attributes::fchmodat(directory: Fd, path: PathName, mode: Mode) [""] "paths";
    FACCESSAT "faccessat" attributes::faccessat(directory: Fd, path: PathName, mode: AccessFlags) [""] "paths";
    PSELECT6 "pselect6" select::pselect6(number: i32, read: InOut<u64>, write: InOut<u64>, except: InOut<u64>, timeout: InOut<Timespec>, mask: In<SigsetArgument>) [""] "polling";
    PPOLL "ppoll" poll::ppoll(list: InOut<Pollfd>, number: u32, timeout: InOut<Timespec>, mask: In<SigSet>, size: usize) [""] "polling";
    UNSHARE "unshare" lifecycle::unshare(flags: CloneFlags) [""] "processes";
    SET_ROBUST_LIST "set_robust_list" futex::set_robust_list(head: UserAddr, size: usize) [""] "threads";
    GET_ROBUST_LIST "get_robust_list" futex::get_robust_list(tid: i32, head: Out<u64>, size: Out<u64>) [""] "threads" {
        "another thread": Refused("EPERM"),
    };
    SPLICE "splice" splice::splice(input: Fd, input_offset: InOut<i64>, output: Fd, output_offset: InOut<i64>, size: usize, flags: SpliceFlags) ["READ, WRITE"] "pipes" {
        "SPLICE_F_MOVE": Accepted("bytes are copied"),
    };
    TEE "tee" splice::tee(input: Fd, output: Fd, size: usize, flags: SpliceFlags) ["READ, WRITE"] "pipes";
    SYNC_FILE_RANGE "sync_file_range" sync::sync_file_range(fd: Fd, offset: i64, length: i64, flags: u32) ["SYNC"] "files";
    VMSPLICE "vmsplice" splice::vmsplice(fd: Fd, vector: In<Iovec>, number: usize, flags: SpliceFlags) ["READ, WRITE"] "pipes" {
        "SPLICE_F_GIFT": Accepted("bytes are copied"),
    };
    UTIMENSAT "utimensat" times::utimensat(directory: Fd, path: PathName, times: In<Timespec>, flags: AtFlags) [""] "files";
    EPOLL_PWAIT "epoll_pwait" epoll::epoll_pwait(epoll: Fd, events: Out<EpollEvent>, most: i32, timeout: i32, mask: In<SigSet>, size: usize) [""] "polling";
    SIGNALFD "signalfd" signalfd::signalfd(fd: Fd, mask: In<SigSet>, size: usize) [""] "signals";
    TIMERFD_CREATE "timerfd_create" timerfd::timerfd_create(clock: i32, flags: DescriptorFlags) [""] "polling";
    EVENTFD "eventfd" eventfd::eventfd(value: u32) [""] "polling";
    FALLOCATE "fallocate" attributes::fallocate(fd: Fd, mode: FallocateMode, offset: i64, length: i64) ["WRITE"] "files";
    TIMERFD_SETTIME "timerfd_settime" timerfd::timerfd_settime(fd: Fd, flags: u32, new: In<Itimerspec>, old: Out<Itimerspec>) [""] "polling" {
        "TFD_TIMER_CANCEL_ON_SET": Accepted("a change of the clock does not cancel"),
    };
    TIMERFD_GETTIME "timerfd_gettime" timerfd::timerfd_gettime(fd: Fd, to: Out<Itimerspec>) [""] "polling";
    SIGNALFD4 "signalfd4" signalfd::signalfd4(fd: Fd, mask: In<SigSet>, size: usize, flags: DescriptorFlags) [""] "signals";
    EVENTFD2 "eventfd2" eventfd::eventfd2(value: u32, flags: DescriptorFlags) [""] "polling";
    EPOLL_CREATE1 "epoll_create1" epoll::epoll_create1(flags: DescriptorFlags) [""] "polling";
    DUP3 "dup3" descriptors::dup3(old: Fd, new: Fd, flags: OpenFlags) [""] "descriptors";
    PIPE2 "pipe2" descriptors::pipe2(ends: Out<[i32; 2]>, flags: OpenFlags) [""] "pipes";
    INOTIFY_INIT1 "inotify_init1" inotify::inotify_init1(flags: DescriptorFlags) [""] "inotify";
    PREADV "preadv" io::preadv(fd: Fd, vector: In<Iovec>, number: usize, offset: i64) ["READ"] "files";
    PWRITEV "pwritev" io::pwritev(fd: Fd, vector: In<Iovec>, number: usize, offset: i64) ["WRITE"] "files";
    ACCEPT4 "accept4" connect::accept4(fd: Fd, from: UserAddr, length: InOut<i32>, flags: i32) ["ACCEPT"] "sockets";
    RECVMMSG "recvmmsg" receive::recvmmsg(fd: Fd, list: InOut<Mmsghdr>, number: u32, flags: MessageFlags, timeout: InOut<Timespec>) ["READ, RECEIVE"] "messages";
    SENDMMSG "sendmmsg" send::sendmmsg(fd: Fd, list: InOut<Mmsghdr>, number: u32, flags: MessageFlags) ["WRITE, SEND"] "messages";
    RT_TGSIGQUEUEINFO "rt_tgsigqueueinfo" signals::rt_tgsigqueueinfo(pid: i32, tid: i32, signal: SignalNumber, info: In<Siginfo>) [""] "signals";
    PRLIMIT64 "prlimit64" limits::prlimit64(pid: i32, resource: u32, new: In<Rlimit>, old: Out<Rlimit>) [""] "limits";
    CLOCK_ADJTIME "clock_adjtime" time::clock_adjtime(clock: i32, timex: InOut<Timex>) [""] "clocks";
    SYNCFS "syncfs" sync::syncfs(fd: Fd) [""] "files";
    SETNS "setns" lifecycle::setns(fd: Fd, flags: u32) [""] "setns" {
        "files of /proc/PID/ns": Missing("there are none; a pidfd names the process"),
        "CLONE_NEWUSER": Refused("EINVAL: there is one namespace of users, which nobody enters again"),
        "CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWCGROUP, CLONE_NEWTIME": Accepted("checked; there is one of each"),
    };
    GETCPU "getcpu" sched::getcpu(cpu: Out<u32>, node: Out<u32>) [""] "threads";
    PROCESS_VM_READV "process_vm_readv" others_memory::process_vm_readv(pid: i32, own: In<Iovec>, owns: usize, other: In<Iovec>, others: usize, flags: u64) [""] "others_memory";
    PROCESS_VM_WRITEV "process_vm_writev" others_memory::process_vm_writev(pid: i32, own: In<Iovec>, owns: usize, other: In<Iovec>, others: usize, flags: u64) [""] "others_memory";
    KCMP "kcmp" kcmp::kcmp(one: i32, other: i32, what: i32, one_index: u64, other_index: u64) [""] "comparing";
    SCHED_SETATTR "sched_setattr" sched::sched_setattr(pid: i32, attributes: InOut<SchedAttr>, flags: u32) [""] "threads" {
        "SCHED_DEADLINE": Refused("EBUSY, as where no processor time is left for a deadline"),
    };
    SCHED_GETATTR "sched_getattr" sched::sched_getattr(pid: i32, to: Out<SchedAttr>, size: u32, flags: u32) [""] "threads";
    RENAMEAT2 "renameat2" make::renameat2(old: Fd, from: PathName, new: Fd, to: PathName, flags: RenameFlags) [""] "paths";
    SECCOMP "seccomp" seccomp::seccomp(operation: u32, flags: FilterFlags, arguments: UserAddr) [""] "seccomp" {
        "SECCOMP_FILTER_FLAG_NEW_LISTENER, WAIT_KILLABLE_RECV": Missing("EINVAL, as a flag that is not known; SECCOMP_RET_USER_NOTIF is ENOSYS, as without a listener"),
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW": Accepted("speculation is not restricted for filtered threads"),
        "SECCOMP_RET_TRACE": Accepted("ENOSYS, as without a tracer: nobody traces"),
        "SECCOMP_SET_MODE_STRICT": Missing("RDTSC stays allowed"),
    };
    GETRANDOM "getrandom" system::getrandom(buffer: OutBytes, size: usize, flags: GetrandomFlags) [""] "system";
    MEMFD_CREATE "memfd_create" descriptors::memfd_create(name: UserAddr, flags: MemfdFlags) [""] "memory" {
        "MFD_HUGETLB": Refused("EINVAL"),
    };
    EXECVEAT "execveat" execute::execveat(directory: Fd, path: PathName, arguments: StringList, environment: UserAddr, flags: AtFlags) [""] "exec";
    MEMBARRIER "membarrier" barriers::membarrier(command: BarrierCommands, flags: u32, processor: i32) [""] "barriers" {
        "MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ": Missing("EINVAL, and not in the query: there are no restartable sequences"),
    };
    MLOCK2 "mlock2" memory::mlock2(start: UserAddr, length: u64, flags: u32) [""] "memory";
    COPY_FILE_RANGE "copy_file_range" transfer::copy_file_range(input: Fd, input_offset: InOut<i64>, output: Fd, output_offset: InOut<i64>, size: usize, flags: u32) ["READ, WRITE"] "files";
    PREADV2 "preadv2" io::preadv2(fd: Fd, vector: In<Iovec>, number: usize, offset: i64, upper: usize, flags: RwFlags) ["READ"] "files" {
        "RWF_NOWAIT, RWF_APPEND": Refused("EOPNOTSUPP"),
    };
    PWRITEV2 "pwritev2" io::pwritev2(fd: Fd, vector: In<Iovec>, number: usize, offset: i64, upper: usize, flags: RwFlags) ["WRITE"] "files";
    PKEY_MPROTECT "pkey_mprotect" keys::pkey_mprotect(start: UserAddr, length: u64, protection: ProtFlags, key: i32) [""] "protection_keys" {
        "PROT_GROWSDOWN": Accepted("changes the range itself only"),
    };
    PKEY_ALLOC "pkey_alloc" keys::pkey_alloc(flags: u64, denied: KeyDenials) [""] "protection_keys";
    PKEY_FREE "pkey_free" keys::pkey_free(key: i32) [""] "protection_keys";
    STATX "statx" stat::statx(directory: Fd, path: PathName, flags: AtFlags, mask: StatxMask, to: Out<Statx>) [""] "files" {
        "STATX_BTIME": Missing("no file system keeps it; the mask says so"),
    };
    PIDFD_SEND_SIGNAL "pidfd_send_signal" pidfd::pidfd_send_signal(fd: Fd, signal: SignalNumber, info: In<Siginfo>, flags: u32) [""] "pidfds";
    OPEN_TREE "open_tree" mount_trees::open_tree(directory: Fd, path: PathName, flags: OpenTreeFlags) [""] "mount_trees" {
        "AT_NO_AUTOMOUNT": Accepted("nothing is mounted by being looked at"),
    };
    MOVE_MOUNT "move_mount" mount_trees::move_mount(from: Fd, from_path: PathName, to: Fd, to_path: PathName, flags: MoveMountFlags) [""] "mount_trees" {
        "MOVE_MOUNT_F_AUTOMOUNTS, MOVE_MOUNT_T_AUTOMOUNTS": Accepted("as above"),
    };
    FSOPEN "fsopen" mount_contexts::fsopen(kind: UserAddr, flags: FsopenFlags) [""] "mount_contexts";
    FSCONFIG "fsconfig" mount_contexts::fsconfig(fd: Fd, command: u32, key: UserAddr, value: UserAddr, extra: i32) [""] "mount_contexts" {
        "sync, dirsync, lazytime, mand": Accepted("all file systems live in memory; mountinfo does not show them"),
        "FSCONFIG_SET_BINARY, FSCONFIG_SET_PATH, FSCONFIG_SET_FD": Refused("EINVAL: no option takes one"),
        "proc: hidepid, subset": Refused("EINVAL: nothing is hidden"),
    };
    FSMOUNT "fsmount" mount_contexts::fsmount(fd: Fd, flags: FsmountFlags, attributes: u32) [""] "mount_contexts";
    FSPICK "fspick" mount_contexts::fspick(directory: Fd, path: PathName, flags: FspickFlags) [""] "mount_contexts" {
        "FSPICK_NO_AUTOMOUNT": Accepted("nothing is mounted by being looked at"),
    };
    PIDFD_OPEN "pidfd_open" pidfd::pidfd_open(pid: i32, flags: OpenFlags) [""] "pidfds";
    CLONE3 "clone3" lifecycle::clone3(arguments: In<CloneArgs>, size: usize) [""] "threads" {
        "set_tid": Refused("EINVAL"),
    };
    CLOSE_RANGE "close_range" descriptors::close_range(first: u32, last: u32, flags: CloseRangeFlags) [""] "descriptors";
    OPENAT2 "openat2" open::openat2(directory: Fd, path: PathName, how: In<OpenHow>, size: usize) [""] "paths" {
        "RESOLVE_CACHED": Refused("EAGAIN"),
    };
    PIDFD_GETFD "pidfd_getfd" pidfd::pidfd_getfd(pidfd: Fd, fd: Fd, flags: u32) [""] "pidfds";
    FACCESSAT2 "faccessat2" attributes::faccessat2(directory: Fd, path: PathName, mode: AccessFlags, flags: AtFlags) [""] "paths";
    PROCESS_MADVISE "process_madvise" others_memory::process_madvise(pidfd: Fd, vector: In<Iovec>, number: usize, what: i32, flags: u32) [""] "others_memory" {
        "MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT": Accepted("checked; everything is in memory, and stays"),
        "MADV_COLLAPSE": Refused("EINVAL: no huge pages"),
    };
    MOUNT_SETATTR "mount_setattr" mount_attributes::mount_setattr(directory: Fd, path: PathName, flags: AtFlags, attributes: In<MountAttr>, size: usize) [""] "mount_attributes" {
        "MOUNT_ATTR_IDMAP": Refused("EINVAL: there are no namespaces of users"),
    };
    EPOLL_PWAIT2 "epoll_pwait2" epoll::epoll_pwait2(epoll: Fd, events: Out<EpollEvent>, most: i32, timeout: In<Timespec>, mask: In<SigSet>, size: usize) [""] "polling";
}
