//! `/proc/PID`: what processes tell of themselves (proc(5)).
//!
//! Nothing here is kept: a directory is made when it is looked up, for the process that has the number then.

mod files;
mod memory;
mod stat;
mod status;

use abi::{Errno, Mode};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::Cred;
use chroma::inode::FileKind;
use chroma::procfs;
use chroma::synthetic::{Content, Directory, Dynamic, Entry, Listing, Text};
use process::{Process, Thread, table};

/// A process, or one thread of it, and where it stands in the tree.
pub(super) struct Task {
    pub(super) process: Arc<Process>,
    /// The thread that is told of; `None` when the process has ended and waits for its parent.
    pub(super) thread: Option<Arc<Thread>>,
    /// The number the directory has.
    pub(super) number: u32,
    /// Whether it is a thread below `task`, or a whole process.
    pub(super) is_thread: bool,
}

/// What a file of a task says.
type Generate = fn(&Task, &mut Text) -> Result<(), Errno>;

/// The text files: name, mode, content.
const FILES: [(&str, u32, Generate); 13] = [
    ("auxv", 0o400, memory::auxiliary),
    ("cmdline", 0o444, memory::command_line),
    ("comm", 0o644, status::name),
    ("environ", 0o400, memory::environment),
    ("limits", 0o444, status::limits),
    ("maps", 0o444, memory::maps),
    ("mountinfo", 0o444, files::mountinfo),
    ("mounts", 0o444, files::mounts),
    ("oom_score_adj", 0o444, status::oom_adjustment),
    ("stat", 0o444, stat::stat),
    ("statm", 0o444, memory::sizes),
    ("status", 0o444, status::status),
    ("wchan", 0o444, |_, text| {
        text.push(b"0");
        Ok(())
    }),
];

/// The symbolic links, and the directories.
const LINKS: [&str; 3] = ["cwd", "exe", "root"];
const DIRECTORIES: [&str; 2] = ["fd", "task"];

/// Puts in the directories of processes, and the links of whoever asks.
pub(super) fn start() {
    let proc = procfs::proc();
    proc.set_dynamic(Arc::new(Processes));
    let own = |text: fn(u32, u32) -> alloc::string::String| {
        move || {
            let thread = process::thread().ok_or(Errno::ENOENT)?;
            Ok(text(thread.process().pid(), thread.tid()).into_bytes())
        }
    };
    proc.add("self", Entry::link(own(|pid, _| alloc::format!("{pid}"))));
    proc.add("thread-self", Entry::link(own(|pid, tid| alloc::format!("{pid}/task/{tid}"))));
}

/// A number as a name: no sign, no leading zero.
fn number(name: &[u8]) -> Result<u32, Errno> {
    let text = core::str::from_utf8(name).map_err(|_| Errno::ENOENT)?;
    let number: u32 = text.parse().map_err(|_| Errno::ENOENT)?;
    if alloc::format!("{number}").as_bytes() == name { Ok(number) } else { Err(Errno::ENOENT) }
}

/// Inode numbers: those of a task are apart from all others.
fn inode(task: u32, index: usize) -> u64 {
    u64::from(task) << 20 | index as u64
}

struct Processes;

impl Dynamic for Processes {
    fn lookup(&self, name: &[u8]) -> Result<Entry, Errno> {
        let pid = number(name)?;
        let process = table::process(pid).ok_or(Errno::ENOENT)?;
        let thread = process.main_thread();
        Ok(Task { process, thread, number: pid, is_thread: false }.into_entry())
    }

    fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno> {
        loop {
            let from = u32::try_from(listing.next_key()).unwrap_or(u32::MAX);
            let Some(pid) = table::with(|tree| tree.next_process(from)) else { return Ok(()) };
            let name = alloc::format!("{pid}");
            if !listing.add(u64::from(pid), inode(pid, 0), FileKind::Directory, name.as_bytes()) {
                return Ok(());
            }
        }
    }
}

impl Task {
    /// Who owns the files: the task's effective user, or root where nobody may look into it.
    fn owned(&self, entry: Entry) -> Entry {
        let cred = self.process.cred();
        let program = self.thread.as_ref().and_then(|thread| thread.program());
        if program.is_some_and(|program| program.is_dumpable()) {
            entry.owned_by(cred.euid, cred.egid)
        } else {
            entry
        }
    }

    fn into_entry(self) -> Entry {
        let task = Arc::new(self);
        let directory = Directory::dynamic(Arc::new(TaskDirectory(task.clone())));
        task.owned(Entry::directory(directory, Mode(0o555))).numbered(inode(task.number, 0))
    }

    fn entry(self: &Arc<Self>, name: &[u8]) -> Result<Entry, Errno> {
        let find = |list: &[&str]| list.iter().position(|n| n.as_bytes() == name);
        if let Some(index) = FILES.iter().position(|(n, ..)| n.as_bytes() == name)
            && let Some((_, mode, generate)) = FILES.get(index)
        {
            let file = TaskFile { task: self.clone(), generate: *generate };
            return Ok(self.owned(Entry::file(file, Mode(*mode))).numbered(inode(self.number, index + 1)));
        }
        if let Some(index) = find(&LINKS) {
            let link = Entry::link(files::Link { task: self.clone(), index });
            return Ok(self.owned(link).numbered(inode(self.number, 100 + index)));
        }
        match find(&DIRECTORIES) {
            Some(0) => {
                let directory = Directory::dynamic(Arc::new(files::Descriptors(self.clone())));
                Ok(self.owned(Entry::directory(directory, Mode(0o500))).numbered(inode(self.number, 200)))
            }
            Some(_) if !self.is_thread => {
                let directory = Directory::dynamic(Arc::new(Threads(self.clone())));
                Ok(self.owned(Entry::directory(directory, Mode(0o555))).numbered(inode(self.number, 201)))
            }
            _ => Err(Errno::ENOENT),
        }
    }
}

/// One text file of a task.
struct TaskFile {
    task: Arc<Task>,
    generate: Generate,
}

impl Content for TaskFile {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        (self.generate)(&self.task, text)
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        // Only `comm` can be opened for writing.
        let name = bytes.split(|byte| matches!(byte, b'\n' | 0)).next().unwrap_or_default();
        let thread = self.task.thread.as_ref().ok_or(Errno::ESRCH)?;
        thread.set_name(name);
        Ok(())
    }
}

struct TaskDirectory(Arc<Task>);

impl Dynamic for TaskDirectory {
    fn lookup(&self, name: &[u8]) -> Result<Entry, Errno> {
        self.0.entry(name)
    }

    fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno> {
        let files = FILES.iter().map(|(name, ..)| (*name, FileKind::Regular));
        let links = LINKS.iter().map(|name| (*name, FileKind::Symlink));
        let directories = DIRECTORIES.iter().map(|name| (*name, FileKind::Directory));
        let all =
            files.chain(links).chain(directories).filter(|(name, _)| !(self.0.is_thread && *name == "task"));
        let from = listing.next_key();
        for (key, (name, kind)) in (0..).zip(all) {
            if key >= from && !listing.add(key, inode(self.0.number, key as usize + 1), kind, name.as_bytes())
            {
                break;
            }
        }
        Ok(())
    }

    fn directories(&self) -> u32 {
        DIRECTORIES.len() as u32
    }
}

/// `/proc/PID/task`.
struct Threads(Arc<Task>);

impl Dynamic for Threads {
    fn lookup(&self, name: &[u8]) -> Result<Entry, Errno> {
        let tid = number(name)?;
        let threads = self.0.process.threads();
        let thread = threads.into_iter().find(|thread| thread.tid() == tid).ok_or(Errno::ENOENT)?;
        let process = self.0.process.clone();
        Ok(Task { process, thread: Some(thread), number: tid, is_thread: true }.into_entry())
    }

    fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno> {
        let mut numbers: Vec<u32> = self.0.process.threads().iter().map(|thread| thread.tid()).collect();
        numbers.sort_unstable();
        let from = listing.next_key();
        for tid in numbers.into_iter().filter(|tid| u64::from(*tid) >= from) {
            let name = alloc::format!("{tid}");
            if !listing.add(u64::from(tid), inode(tid, 0), FileKind::Directory, name.as_bytes()) {
                break;
            }
        }
        Ok(())
    }
}
