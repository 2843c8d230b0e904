//! Times and counts: `/proc/uptime`, `/proc/loadavg`, `/proc/stat`.

use core::time::Duration;

use chroma::synthetic::Text;

/// Ticks of ten milliseconds (`USER_HZ`), which the text counts in.
fn ticks(time: Duration) -> u128 {
    time.as_millis() / 10
}

/// Seconds and hundredths.
fn hundredths(time: Duration) -> (u64, u32) {
    (time.as_secs(), time.subsec_millis() / 10)
}

pub(super) fn uptime(text: &mut Text) {
    let (up, up_part) = hundredths(chronos::clock::now().since_boot());
    let (idle, idle_part) = hundredths(chronos::system_time().idle);
    writeln!(text, "{up}.{up_part:02} {idle}.{idle_part:02}");
}

pub(super) fn load_averages(text: &mut Text) {
    for load in chronos::load_averages() {
        write!(text, "{}.{:02} ", load / 100, load % 100);
    }
    let (threads, last) = process::table::with(|tree| (tree.thread_count(), tree.last_number()));
    writeln!(text, "{}/{threads} {last}", chronos::runnable_threads());
}

pub(super) fn stat(text: &mut Text) {
    let time = chronos::system_time();
    let (user, system, idle) = (ticks(time.user), ticks(time.system), ticks(time.idle));
    // One line for all processors, one for each: the figures are kept for all together, so each gets its share.
    let count = hal::cpu::online().max(1) as u128;
    writeln!(text, "cpu  {user} 0 {system} {idle} 0 0 0 0 0 0");
    for cpu in 0..count {
        writeln!(text, "cpu{cpu} {} 0 {} {} 0 0 0 0 0 0", user / count, system / count, idle / count);
    }
    writeln!(text, "intr 0");
    writeln!(text, "ctxt {}", time.switches);
    let boot = chronos::clock::realtime().saturating_sub(chronos::clock::now().since_boot());
    writeln!(text, "btime {}", boot.as_secs());
    let made = process::table::with(|tree| tree.last_number());
    writeln!(text, "processes {made}");
    writeln!(text, "procs_running {}", chronos::runnable_threads());
    writeln!(text, "procs_blocked 0");
    writeln!(text, "softirq 0 0 0 0 0 0 0 0 0 0 0");
}
