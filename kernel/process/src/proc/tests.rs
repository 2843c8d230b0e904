//! The formats, against what Linux 6.1 printed.

use super::stat::{Addresses, Relations, Signals, Stat};
use super::status::{Memory, Status};
use super::{cpuinfo, limits, maps, meminfo, stat, status, system};
use crate::limits::Limits;
use crate::thread::Name;
use abi::{ProtFlags, SigSet};
use aegis::{AreaInfo, AreaName, Usage};
use alloc::string::String;
use alloc::sync::Arc;
use chroma::Cred;
use chroma::synthetic::Text;
use core::time::Duration;
use hal::{Key, UserAddr};

fn text(write: impl FnOnce(&mut Text)) -> String {
    let mut text = Text::default();
    write(&mut text);
    String::from_utf8(text.bytes().to_vec()).unwrap()
}

fn name(text: &[u8]) -> Name {
    let mut name = Name::default();
    name[..text.len()].copy_from_slice(text);
    name
}

#[test]
fn stat_is_one_line_of_52_fields() {
    let stat = Stat {
        pid: 1044,
        name: name(b"sleep"),
        state: 'T',
        relations: Relations { parent: 90, group: 90, session: 90, exit_signal: 17, ..Relations::default() },
        terminal: 0,
        foreground: -1,
        flags: 4_194_304,
        user: 0,
        system: 1,
        children_user: 0,
        children_system: 0,
        scheduling: (20, 0, 0, 0),
        threads: 1,
        started: 960,
        size: 1_347_584,
        resident: 1,
        resident_limit: u64::MAX,
        addresses: Addresses {
            code: (4_198_400, 5_151_411),
            stack: 140_724_819_596_592,
            data: (5_360_720, 5_374_803),
            heap: 516_325_376,
            arguments: (11, 12),
            environment: (12, 13),
        },
        signals: Signals { ignored: SigSet(6), blocked: SigSet(1 << 40), ..Signals::default() },
        waits: true,
        cpu: 0,
    };
    let line = text(|text| stat::format(&stat, text));
    let expected = "1044 (sleep) T 90 90 90 0 -1 4194304 0 0 0 0 0 1 0 0 20 0 1 0 960 1347584 1 18446744073709551615 \
                    4198400 5151411 140724819596592 0 0 0 0 6 0 1 0 0 17 0 0 0 0 0 0 5360720 5374803 516325376 \
                    11 12 12 13 0\n";
    assert_eq!(line, expected);
    assert_eq!(line.split_ascii_whitespace().count(), 52);
}

#[test]
fn status_has_linux_s_lines() {
    let mut cred = Cred::root();
    cred.groups = Arc::new(std::vec![abi::Gid(3), abi::Gid(7)]);
    let usage = Usage { total: 329, resident: 1, data: 6, stack: 33, text: 235, shared: 0 };
    let memory = Memory { usage, highest: 1, code: 233, tables: 6, ..Memory::default() };
    let mut shown = Status {
        name: name(b"c\na\\t"),
        umask: Some(0o22),
        state: 'R',
        process: 92,
        number: 92,
        relations: Relations { parent: 90, group: 90, session: 90, ..Relations::default() },
        cred: &cred,
        table_size: 64,
        memory: Some(memory),
        threads: 1,
        queued: (0, 1837),
        signals: Signals { caught: SigSet(0x10000), ..Signals::default() },
        no_new_privileges: false,
        filters: (0, 0),
        cpus: 1,
    };
    let lines = text(|text| status::format(&shown, text));
    let expected = "Name:\tc\\na\\\\t\nUmask:\t0022\nState:\tR (running)\nTgid:\t92\nNgid:\t0\nPid:\t92\nPPid:\t90\n\
                    TracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t3 7 \nNStgid:\t92\n\
                    NSpid:\t92\nNSpgid:\t90\nNSsid:\t90\nVmPeak:\t    1316 kB\nVmSize:\t    1316 kB\n\
                    VmLck:\t       0 kB\nVmPin:\t       0 kB\nVmHWM:\t       4 kB\nVmRSS:\t       4 kB\n\
                    RssAnon:\t       4 kB\nRssFile:\t       0 kB\nRssShmem:\t       0 kB\nVmData:\t      24 kB\n\
                    VmStk:\t     132 kB\nVmExe:\t     932 kB\nVmLib:\t       8 kB\nVmPTE:\t      24 kB\n\
                    VmSwap:\t       0 kB\nHugetlbPages:\t       0 kB\nCoreDumping:\t0\n";
    assert!(lines.starts_with(expected), "{lines}");
    assert!(lines.contains("\nSigQ:\t0/1837\nSigPnd:\t0000000000000000\n"));
    assert!(
        lines.contains("\nSigCgt:\t0000000000010000\nCapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\n")
    );
    assert!(lines.contains("\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n"));
    shown.cpus = 0b10_1111;
    assert!(
        text(|text| status::format(&shown, text))
            .contains("\nCpus_allowed:\t2f\nCpus_allowed_list:\t0-3,5\n")
    );
    assert_eq!(text(|text| status::format_statm(&memory, text)), "329 1 0 233 0 39 0\n");
}

struct BusyBox;

impl AreaName for BusyBox {
    fn numbers(&self) -> (u64, u64) {
        (2, 10)
    }

    fn path(&self) -> String {
        String::from("/bin/busybox")
    }
}

#[test]
fn maps_are_aligned_as_on_linux() {
    let area = |start, end, protection, offset, named: bool, label| AreaInfo {
        start: UserAddr::new(start),
        end: UserAddr::new(end),
        protection,
        shared: false,
        offset,
        name: named.then(|| Arc::new(BusyBox) as Arc<dyn AreaName>),
        label,
        key: Key::new(5).unwrap(),
        resident: 73,
    };
    let (read, write) = (ProtFlags::READ, ProtFlags::READ | ProtFlags::WRITE);
    let code = area(0x401000, 0x4ea000, read | ProtFlags::EXEC, 0x1000, true, None);
    let lines = text(|text| {
        maps::line(&code, text);
        maps::line(&area(0x521000, 0x522000, write, 0, false, None), text);
        maps::line(&area(0x7ffd_ec56_6000, 0x7ffd_ec58_7000, write, 0, false, Some("[stack]")), text);
    });
    let expected = "00401000-004ea000 r-xp 00001000 00:02 10                                 /bin/busybox\n\
                    00521000-00522000 rw-p 00000000 00:00 0 \n\
                    7ffdec566000-7ffdec587000 rw-p 00000000 00:00 0                          [stack]\n";
    assert_eq!(lines, expected);
    let details = text(|text| maps::details(&code, text));
    assert!(details.starts_with(
        "Size:                932 kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\nRss:                 292 kB\n"
    ));
    assert!(
        details.ends_with("THPeligible:    0\nProtectionKey:         5\nVmFlags: rd ex mr mw me sd \n"),
        "{details}"
    );
}

#[test]
fn limits_are_a_table_with_units() {
    let limits = Limits::initial(3675);
    let table = text(|text| limits::format(|resource| limits.get(resource), text));
    let expected = [
        "Limit                     Soft Limit           Hard Limit           Units     ",
        "Max cpu time              unlimited            unlimited            seconds   ",
        "Max processes             1837                 1837                 processes ",
        "Max open files            1024                 4096                 files     ",
        "Max nice priority         0                    0                    ",
        "Max realtime timeout      unlimited            unlimited            us        ",
    ];
    let lines: std::vec::Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 17);
    assert_eq!([0, 1, 7, 8, 14, 16].map(|line| lines[line]), expected);
}

#[test]
fn the_system_s_lines_are_linux_s() {
    assert_eq!(text(|text| system::loads([0, 105, 1230], 1, 48, 112, text)), "0.00 1.05 12.30 1/48 112\n");
    let times = (Duration::from_millis(4259), Duration::from_millis(50));
    assert_eq!(text(|text| system::uptime(times.0, times.1, text)), "4.25 0.05\n");
    let time = |(user, system, idle)| chronos::SystemTime {
        user: Duration::from_millis(user),
        system: Duration::from_millis(system),
        idle: Duration::from_millis(idle),
        switches: 0,
    };
    let all = system::Statistics {
        processors: [(50, 2_600, 100), (20, 70, 100)].map(time).into(),
        switches: 1451,
        boot: 1_795_304_554,
        processes: 125,
        running: 1,
    };
    let lines = text(|text| system::statistics(&all, text));
    let expected = "cpu  7 0 267 20 0 0 0 0 0 0\ncpu0 5 0 260 10 0 0 0 0 0 0\ncpu1 2 0 7 10 0 0 0 0 0 0\nintr 0\nctxt 1451\nbtime 1795304554\n\
                    processes 125\nprocs_running 1\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n";
    assert_eq!(lines, expected);
}

#[test]
fn meminfo_is_in_kib() {
    let memory =
        meminfo::Memory { total: 120_071, free: 112_804, available: 112_740, cached: 317, heap: 3802 };
    let lines = text(|text| meminfo::format(&memory, text));
    let expected = "MemTotal:         480284 kB\nMemFree:          451216 kB\nMemAvailable:     450960 kB\n\
                    Buffers:               0 kB\nCached:             1268 kB\nSwapCached:            0 kB\n";
    assert!(lines.starts_with(expected), "{lines}");
    assert!(lines.contains("\nSlab:              15208 kB\n"));
}

#[test]
fn cpuinfo_speaks_for_the_processor() {
    let cpuid = |leaf: u32, _: u32| match leaf {
        0 => [13, 0x6874_7541, 0x444d_4163, 0x6974_6e65],
        1 => [0x0006_0fb1, 0x0000_0800, 1 << 31, 1 << 25],
        0x8000_0002 => [0x554d_4551, 0, 0, 0],
        0x8000_0008 => [0x3928, 0, 0, 0],
        _ => [0; 4],
    };
    let lines = text(|text| cpuinfo::format(0, 1, 2_098_227, cpuid, text));
    let expected = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 15\nmodel\t\t: 107\nmodel name\t: QEMU\n\
                    stepping\t: 1\ncpu MHz\t\t: 2098.227\n";
    assert!(lines.starts_with(expected), "{lines}");
    assert!(
        lines.contains("\nflags\t\t: sse hypervisor\nbugs\t\t:\nbogomips\t: 4196.45\nclflush size\t: 64\n")
    );
    assert!(lines.ends_with("address sizes\t: 40 bits physical, 57 bits virtual\npower management:\n\n"));
}
