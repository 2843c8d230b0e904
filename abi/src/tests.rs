//! Sizes and offsets against the independent definition of `linux-raw-sys`.

use core::mem::{offset_of, size_of};
use linux_raw_sys::general as linux;

macro_rules! same_layout {
    ($ours:ty, $theirs:ty, $($field:ident),*) => {
        assert_eq!(size_of::<$ours>(), size_of::<$theirs>(), stringify!($ours));
        $(assert_eq!(offset_of!($ours, $field), offset_of!($theirs, $field), stringify!($ours.$field));)*
    };
}

#[test]
fn file_structs_have_linux_layout() {
    same_layout!(crate::stat::Stat, linux::stat, st_dev, st_ino, st_nlink, st_mode, st_uid, st_gid, st_rdev);
    same_layout!(crate::stat::Stat, linux::stat, st_size, st_blksize, st_blocks, st_atime, st_ctime_nsec);
    same_layout!(
        crate::stat::Statx,
        linux::statx,
        stx_mask,
        stx_mode,
        stx_ino,
        stx_atime,
        stx_mtime,
        stx_mnt_id
    );
    same_layout!(crate::stat::Statx, linux::statx, stx_rdev_major, stx_dev_minor, stx_attributes_mask);
    same_layout!(
        crate::stat::Statfs,
        linux::statfs64,
        f_type,
        f_bavail,
        f_fsid,
        f_namelen,
        f_frsize,
        f_flags
    );
    same_layout!(crate::fs::Flock, linux::flock, l_type, l_whence, l_start, l_len, l_pid);
    same_layout!(crate::fs::Iovec, linux::iovec, iov_base, iov_len);
    same_layout!(crate::fs::OpenHow, linux::open_how, flags, mode, resolve);
    same_layout!(crate::mount::MountAttr, linux::mount_attr, attr_set, attr_clr, propagation, userns_fd);
    same_layout!(crate::poll::Pollfd, linux::pollfd, fd, events, revents);
    assert_eq!(size_of::<crate::poll::EpollEvent>(), size_of::<linux::epoll_event>());
    assert_eq!(offset_of!(linux::linux_dirent64, d_name), crate::dirent::Dirent64::NAME_OFFSET);
    assert_eq!(offset_of!(linux::linux_dirent64, d_type), offset_of!(crate::dirent::Dirent64, d_type));
    assert_eq!(size_of::<crate::dirent::Dirent>(), crate::dirent::Dirent::NAME_OFFSET);
}

#[test]
fn signal_structs_have_linux_layout() {
    same_layout!(crate::signal::Siginfo, linux::siginfo_t,);
    same_layout!(crate::signal::Stack, linux::stack_t, ss_sp, ss_flags, ss_size);
    same_layout!(crate::signal::Sigevent, linux::sigevent, sigev_value, sigev_signo, sigev_notify);
    // `struct sigaction`, `ucontext` and `rt_sigframe` of the kernel are in no exported header: arch/x86/include.
    assert_eq!(size_of::<crate::signal::Sigaction>(), 32);
    assert_eq!(size_of::<crate::signal::Sigcontext>(), 256);
    assert_eq!(offset_of!(crate::signal::Sigcontext, fpstate), 184);
    assert_eq!(offset_of!(crate::signal::Ucontext, uc_mcontext), 40);
    assert_eq!(offset_of!(crate::signal::Ucontext, uc_sigmask), 296);
    assert_eq!(size_of::<crate::signal::Sigframe>(), 8 + 304 + 128);
    assert_eq!(size_of::<crate::signal::FpxSwBytes>(), 48);
    assert_eq!(size_of::<crate::signal::SignalfdSiginfo>(), 128);
}

#[test]
fn process_structs_have_linux_layout() {
    same_layout!(crate::process::Rusage, linux::rusage, ru_utime, ru_maxrss, ru_minflt, ru_nvcsw, ru_nivcsw);
    same_layout!(crate::process::Rlimit, linux::rlimit64, rlim_cur, rlim_max);
    same_layout!(
        crate::process::CloneArgs,
        linux::clone_args,
        flags,
        exit_signal,
        stack,
        tls,
        set_tid,
        cgroup
    );
    same_layout!(crate::process::RobustListHead, linux::robust_list_head, futex_offset, list_op_pending);
    same_layout!(
        crate::system::Sysinfo,
        linux_raw_sys::system::sysinfo,
        uptime,
        loads,
        procs,
        totalhigh,
        mem_unit
    );
    same_layout!(crate::system::Utsname, linux_raw_sys::system::new_utsname, release, machine, domainname);
    same_layout!(crate::time::Itimerval, linux::itimerval, it_interval, it_value);
    same_layout!(crate::time::Itimerspec, linux::itimerspec, it_interval, it_value);
    assert_eq!(size_of::<crate::time::Timex>(), 208);
    assert_eq!(size_of::<crate::ipc::MqAttr>(), 64);
}

#[test]
fn terminal_structs_have_linux_layout() {
    same_layout!(crate::tty::Termios, linux::termios, c_iflag, c_lflag, c_line, c_cc);
    same_layout!(crate::tty::Termios2, linux::termios2, c_line, c_cc, c_ispeed, c_ospeed);
    same_layout!(crate::tty::Winsize, linux::winsize, ws_row, ws_col, ws_xpixel, ws_ypixel);
    assert_eq!(size_of::<crate::tty::Termio>(), size_of::<linux::termio>());
}

#[test]
fn numbers_agree() {
    use crate::fs::{MountFlags, OpenFlags};
    use crate::memory::{BarrierCommands, MapFlags};
    use linux_raw_sys::ioctl as theirs;
    assert_eq!(crate::Errno::EHWPOISON.as_i32() as u32, linux_raw_sys::errno::EHWPOISON);
    assert_eq!(crate::Errno::ELOOP.as_i32() as u32, linux_raw_sys::errno::ELOOP);
    assert_eq!(crate::nr::FUTEX_WAITV as u32, linux::__NR_futex_waitv);
    assert_eq!(crate::nr::STATX as u32, linux::__NR_statx);
    assert_eq!(crate::ioctl::TCSETSF2, theirs::TCSETSF2);
    assert_eq!(crate::ioctl::TIOCGPTPEER, theirs::TIOCGPTPEER);
    assert_eq!(crate::ioctl::TIOCSPTLCK, theirs::TIOCSPTLCK);
    assert_eq!(crate::ioctl::BLKGETSIZE64, theirs::BLKGETSIZE64);
    assert_eq!(OpenFlags::TMPFILE.bits(), linux::O_TMPFILE);
    assert_eq!(OpenFlags::SYNC.bits(), linux::O_SYNC);
    assert_eq!(OpenFlags::NOFOLLOW.bits(), linux::O_NOFOLLOW);
    assert_eq!(MountFlags::STRICTATIME.bits(), u64::from(linux::MS_STRICTATIME));
    assert_eq!(MapFlags::FIXED_NOREPLACE.bits(), linux::MAP_FIXED_NOREPLACE);
    let barriers = linux::membarrier_cmd::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
    assert_eq!(BarrierCommands::REGISTER_PRIVATE_EXPEDITED_SYNC_CORE.bits(), barriers as u32);
    assert_eq!(crate::signal::SaFlags::RESETHAND.bits(), u64::from(linux::SA_RESETHAND));
}

#[test]
fn device_numbers_survive_a_round_trip() {
    for (major, minor) in [(1, 3), (4, 65), (136, 300), (0xfff, 0xf_ffff)] {
        let device = crate::DeviceNumber::new(major, minor);
        assert_eq!(crate::DeviceNumber::decode(device.encode()), device);
    }
    assert_eq!(crate::DeviceNumber::new(4, 64).encode(), 0x440);
}

#[test]
fn signal_sets_are_bit_number_minus_one() {
    use crate::{SigSet, Signal};
    assert_eq!(SigSet::EMPTY.with(Signal::SIGHUP).0, 1);
    assert_eq!(SigSet::UNBLOCKABLE.0, 1 << 8 | 1 << 18);
    assert_eq!(Signal::from_user(64).map(Signal::index), Some(63));
    assert_eq!(Signal::from_user(65), None);
    assert_eq!(Signal::from_user(0), None);
    assert_eq!(SigSet::EMPTY.with(Signal::SIGTERM).with(Signal::SIGINT).first(), Some(Signal::SIGINT));
}

#[test]
fn socket_structs_and_numbers_are_linux() {
    use crate::socket::{self as ours, MessageFlags};
    use linux_raw_sys::net;
    same_layout!(ours::SockaddrUn, net::sockaddr_un, sun_family, sun_path);
    same_layout!(ours::Msghdr, net::msghdr, msg_name, msg_namelen, msg_iov, msg_control, msg_flags);
    same_layout!(ours::Msghdr, net::msghdr, msg_iovlen, msg_controllen);
    same_layout!(ours::Mmsghdr, net::mmsghdr, msg_hdr, msg_len);
    same_layout!(ours::Cmsghdr, net::cmsghdr, cmsg_len, cmsg_level, cmsg_type);
    same_layout!(ours::Ucred, net::ucred, pid, uid, gid);
    same_layout!(ours::Linger, net::linger, l_onoff, l_linger);
    for (mine, theirs) in [
        (MessageFlags::PEEK, net::MSG_PEEK),
        (MessageFlags::CTRUNC, net::MSG_CTRUNC),
        (MessageFlags::TRUNC, net::MSG_TRUNC),
        (MessageFlags::DONTWAIT, net::MSG_DONTWAIT),
        (MessageFlags::EOR, net::MSG_EOR),
        (MessageFlags::WAITALL, net::MSG_WAITALL),
        (MessageFlags::NOSIGNAL, net::MSG_NOSIGNAL),
        (MessageFlags::CMSG_CLOEXEC, net::MSG_CMSG_CLOEXEC),
    ] {
        assert_eq!(mine.bits(), theirs);
    }
    let numbers = [
        (ours::SOCK_STREAM, net::SOCK_STREAM),
        (ours::SOCK_DGRAM, net::SOCK_DGRAM),
        (ours::SOCK_SEQPACKET, net::SOCK_SEQPACKET),
        (ours::SCM_RIGHTS, net::SCM_RIGHTS),
        (ours::SCM_CREDENTIALS, net::SCM_CREDENTIALS),
        (ours::option::SO_SNDBUF, net::SO_SNDBUF),
        (ours::option::SO_PASSCRED, net::SO_PASSCRED),
        (ours::option::SO_PEERCRED, net::SO_PEERCRED),
        (ours::option::SO_RCVTIMEO, net::SO_RCVTIMEO_OLD),
        (ours::option::SO_ACCEPTCONN, net::SO_ACCEPTCONN),
        (ours::option::SO_PROTOCOL, net::SO_PROTOCOL),
        (ours::option::SO_DOMAIN, net::SO_DOMAIN),
        (ours::option::SO_PEERGROUPS, net::SO_PEERGROUPS),
    ];
    for (mine, theirs) in numbers {
        assert_eq!(mine.cast_unsigned(), theirs);
    }
}

#[test]
fn filters_have_linux_layout() {
    use crate::seccomp::{NotifSizes, SockFilter, SockFprog};
    use linux_raw_sys::ptrace as linux;
    same_layout!(SockFilter, linux::sock_filter, code, jt, jf, k);
    same_layout!(SockFprog, linux::sock_fprog, len, filter);
    same_layout!(NotifSizes, linux::seccomp_notif_sizes, seccomp_notif, seccomp_notif_resp, seccomp_data);
    assert_eq!(crate::seccomp::ARCH, linux::AUDIT_ARCH_X86_64);
    assert_eq!(crate::seccomp::FilterFlags::TSYNC_ESRCH.bits(), linux::SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
}
