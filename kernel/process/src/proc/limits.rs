//! `/proc/PID/limits`.

use super::Target;
use abi::process::RLIM_INFINITY;
use abi::{Errno, Resource, Rlimit};
use alloc::string::{String, ToString};
use chroma::cred::Cred;
use chroma::synthetic::Text;

/// The limits' names and units, by number.
const NAMES: [(&str, &str); Resource::COUNT] = [
    ("Max cpu time", "seconds"),
    ("Max file size", "bytes"),
    ("Max data size", "bytes"),
    ("Max stack size", "bytes"),
    ("Max core file size", "bytes"),
    ("Max resident set", "bytes"),
    ("Max processes", "processes"),
    ("Max open files", "files"),
    ("Max locked memory", "bytes"),
    ("Max address space", "bytes"),
    ("Max file locks", "locks"),
    ("Max pending signals", "signals"),
    ("Max msgqueue size", "bytes"),
    ("Max nice priority", ""),
    ("Max realtime priority", ""),
    ("Max realtime timeout", "us"),
];

fn shown(value: u64) -> String {
    if value == RLIM_INFINITY { String::from("unlimited") } else { value.to_string() }
}

pub(super) fn format(limit: impl Fn(Resource) -> Rlimit, text: &mut Text) {
    writeln!(text, "{:<25} {:<20} {:<20} {:<10}", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (resource, (name, unit)) in Resource::TABLE.into_iter().zip(NAMES) {
        let Rlimit { rlim_cur, rlim_max } = limit(resource);
        write!(text, "{name:<25} {:<20} {:<20} ", shown(rlim_cur), shown(rlim_max));
        if !unit.is_empty() {
            write!(text, "{unit:<10}");
        }
        text.push(b"\n");
    }
}

pub(super) fn read(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    format(|resource| target.process.limits.get(resource), text);
    Ok(())
}
