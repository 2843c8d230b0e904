//! `/proc/PID/stat`.

use abi::Errno;
use chroma::synthetic::Text;
use chronos::WaitKind;
use process::usage::ticks;
use process::{table, terminals};

use super::Task;
use super::status::{signal_sets, task_name};

/// A letter and a word for what a task does.
pub(super) fn state(task: &Task) -> (char, &'static str) {
    let Some(thread) = &task.thread else { return ('Z', "zombie") };
    if thread.is_parked() {
        return ('T', "stopped");
    }
    match thread.task().map(|task| task.blocked()) {
        Some(Some(WaitKind::Interruptible)) => ('S', "sleeping"),
        Some(Some(_)) => ('D', "disk sleep"),
        Some(None) => ('R', "running"),
        None => ('X', "dead"),
    }
}

pub(super) fn stat(task: &Task, text: &mut Text) -> Result<(), Errno> {
    let process = &task.process;
    let pid = process.pid();
    let (parent, group, session) =
        table::with(|tree| tree.get(pid).map(|node| (node.parent, node.group, node.session)))
            .ok_or(Errno::ESRCH)?;
    let terminal = terminals::of(process);
    let tty = terminal.as_ref().map_or(0, |tty| tty.number().encode());
    let foreground = terminal.and_then(|tty| tty.foreground()).map_or(-1, |group| i64::from(group.0));
    write!(text, "{} (", task.number);
    text.push(&task_name(task));
    write!(text, ") {} {parent} {group} {session} {tty} {foreground} 0 0 0 0 0 ", state(task).0);
    let (own, children) = (process.usage(), process.children_usage());
    for time in [own.user, own.system, children.user, children.system] {
        write!(text, "{} ", ticks(time));
    }
    let started = ticks(process.started().since_boot());
    write!(text, "20 0 {} 0 {started} ", process.thread_count());
    let program = task.thread.as_ref().and_then(|thread| thread.program());
    let usage = program.as_ref().map(|program| program.space.usage()).unwrap_or_default();
    let places = program.as_ref().map(|program| program.places).unwrap_or_default();
    let page = hal::PAGE_SIZE as u64;
    write!(text, "{} {} {} ", usage.total * page, usage.resident, u64::MAX);
    write!(text, "{} {} {} 0 0 ", places.code.0, places.code.1, places.stack);
    let sets = signal_sets(task);
    // Only the first 31 signals fit here; `status` has all.
    for set in [sets.pending, sets.blocked, sets.ignored, sets.caught] {
        write!(text, "{} ", set & 0x7fff_ffff);
    }
    write!(text, "0 0 0 17 0 0 0 0 0 0 {} {} 0 ", places.data.0, places.data.1);
    let (arguments, environment) =
        program.map_or(((0, 0), (0, 0)), |program| (program.arguments, program.environment));
    writeln!(text, "{} {} {} {} 0", arguments.0, arguments.1, environment.0, environment.1);
    Ok(())
}
