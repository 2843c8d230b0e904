//! POSIX message queues (`mq_overview(7)`).
//!
//! A queue is an inode of a file system of its own ([`directory`]), and a descriptor of it an open file ([`file`]): names, modes,
//! duplicates and polling are those of files. The calls for queues know an open file as a queue by its operations ([`opened`]). What
//! happens in a queue is in [`queue`], under its own lock; what comes next is decided in [`content`].

mod content;
mod directory;
mod file;
mod queue;
mod registration;

use crate::current::{self, Current};
use crate::user::Charge;
use abi::{Errno, Mode, OpenFlags, Resource};
use alloc::sync::Arc;
use chroma::cred::{Access, Cap};
use chroma::fdtable::capability;
use chroma::inode::NewNode;
use chroma::ops::{Node, find_or_make, open_path_file};
use chroma::{Admission, Cred, Fd, FileKind, OpenFile, View};
use core::sync::atomic::{AtomicU32, Ordering};

pub use content::Message;
pub use queue::{Patience, Queue, Shape};
pub use registration::Notice;

/// One more than the highest priority of a message.
pub const PRIORITIES: u32 = 32768;
/// What nobody may exceed.
const MOST_MESSAGES: u64 = 65536;
const MOST_BYTES: u64 = 16 << 20;
/// What a message takes of `RLIMIT_MSGQUEUE` beside its bytes: Linux's structures for it and for its priority.
const MESSAGE_BYTES: u64 = 48;
const PRIORITY_BYTES: u64 = 48;

/// A limit, as `/proc/sys/fs/mqueue` has it.
pub struct Limit {
    /// Its name there.
    pub name: &'static str,
    /// Its value.
    pub value: AtomicU32,
    /// The least and the highest value; without them it is whatever an `int` holds, and counts without its sign.
    pub range: Option<(i32, i32)>,
}

impl Limit {
    const fn new(name: &'static str, value: u32, range: Option<(i32, i32)>) -> Self {
        Self { name, value: AtomicU32::new(value), range }
    }

    fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed).into()
    }
}

const MESSAGES: Option<(i32, i32)> = Some((1, MOST_MESSAGES as i32));
const BYTES: Option<(i32, i32)> = Some((128, MOST_BYTES as i32));

/// The limits: queues; messages of a queue and bytes of a message, the most that a user may ask for and what there is without a word.
pub static LIMITS: [Limit; 5] = [
    Limit::new("queues_max", 256, None),
    Limit::new("msg_max", 10, MESSAGES),
    Limit::new("msgsize_max", 8192, BYTES),
    Limit::new("msg_default", 10, MESSAGES),
    Limit::new("msgsize_default", 8192, BYTES),
];

/// How many queues there are.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A queue's place in the count.
struct Place;

impl Drop for Place {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Makes the file system known to `mount`. Called once, at bring-up.
pub fn start() {
    chroma::mount::register(&directory::MessageQueues);
}

/// A queue, if the running thread may have one.
///
/// # Errors
/// `ENOSPC`: there are as many as there may be; `EINVAL`: it is not to be so large; `EMFILE`: its user has no bytes left for it.
fn admit(shape: Option<Shape>) -> Result<Queue, Errno> {
    let [queues, most_messages, most_bytes, messages, bytes] = LIMITS.each_ref().map(Limit::get);
    let thread = current::thread().ok_or(Errno::EACCES)?;
    let (is_privileged, user) = thread.parts(|parts| (parts.cred.has(Cap::SYS_RESOURCE), parts.user.clone()));
    let place = Place;
    if u64::from(COUNT.fetch_add(1, Ordering::Relaxed)) >= queues && !is_privileged {
        return Err(Errno::ENOSPC); // the drop takes it back
    }
    let shape =
        shape.unwrap_or(Shape { messages: messages.min(most_messages), bytes: bytes.min(most_bytes) });
    let most = if is_privileged { (MOST_MESSAGES, MOST_BYTES) } else { (most_messages, most_bytes) };
    if !(1..=most.0).contains(&shape.messages) || !(1..=most.1).contains(&shape.bytes) {
        return Err(Errno::EINVAL);
    }
    let priorities = shape.messages.min(PRIORITIES.into());
    let total = shape.messages * (shape.bytes + MESSAGE_BYTES) + priorities * PRIORITY_BYTES;
    let limit = thread.process().limits.current(Resource::Msgqueue);
    let charge = Charge::take_many(&user.queue_bytes, total, limit).ok_or(Errno::EMFILE)?;
    Ok(Queue::new(shape, charge, place))
}

/// A name that a queue may have: one component of a path.
fn check_name(name: &[u8]) -> Result<(), Errno> {
    match name {
        b"" => Err(Errno::ENOENT),
        b"." | b".." => Err(Errno::EACCES),
        _ if name.contains(&b'/') => Err(Errno::EACCES),
        _ => Ok(()),
    }
}

/// `mq_open`: a descriptor of the queue of that name, which is made if the flags say so. `exec` closes it, whatever they say.
///
/// # Errors
/// `ENOENT`, `EEXIST`, `EACCES`, `ENAMETOOLONG`; `EINVAL`: of the access mode; `EMFILE`, `ENFILE`, `ENOMEM`; those of making one.
pub fn open(
    current: &Current,
    name: &[u8],
    flags: OpenFlags,
    mode: Mode,
    shape: Option<Shape>,
) -> Result<Fd, Errno> {
    if name.is_empty() {
        return Err(Errno::ENOENT);
    }
    let number = current.files.reserve(current.fd_limit())?;
    check_name(name)?;
    let cred = &current.cred;
    let admission = Admission::new(cred)?; // a queue that was made stays
    let node = Node::new(FileKind::Regular, mode, current.fs.umask());
    let node = flags.contains(OpenFlags::CREAT).then_some(&node);
    let make = |dir: &_, node: &NewNode<'_>| directory::create(dir, name, node, shape);
    let (path, is_new) = find_or_make(cred, &directory::top()?, name, node, make)?;
    let inode = path.dentry.inode()?.clone();
    if !is_new {
        may_open(&inode, cred, flags)?;
    }
    let file = if flags.contains(OpenFlags::PATH) {
        open_path_file(path, flags, cred.clone())?
    } else {
        if flags.contains(OpenFlags::DIRECT) {
            return Err(Errno::EINVAL);
        }
        let ops = inode.ops().open(&inode, flags, cred)?;
        OpenFile::new_admitted(admission, ops, path, flags, cred.clone())?
    };
    Ok(number.fill(capability(file), true))
}

/// Whether a queue that was there may be opened so.
fn may_open(inode: &chroma::Inode, cred: &Cred, flags: OpenFlags) -> Result<(), Errno> {
    if flags.contains(OpenFlags::CREAT | OpenFlags::EXCL) {
        return Err(Errno::EEXIST);
    }
    let access = match flags.access() {
        mode if mode.read && mode.write => Access::READ | Access::WRITE,
        mode if mode.read => Access::READ,
        mode if mode.write => Access::WRITE,
        _ => return Err(Errno::EINVAL),
    };
    inode.permission(cred, access)
}

/// `mq_unlink`.
///
/// # Errors
/// `ENOENT`, `EACCES`, `EPERM`, `ENAMETOOLONG`.
pub fn unlink(current: &Current, name: &[u8]) -> Result<(), Errno> {
    check_name(name)?;
    let top = directory::top()?;
    View { cred: &current.cred, root: top.clone(), start: top }.unlink(name)
}

/// A queue that a descriptor means.
pub struct Opened {
    file: Arc<OpenFile>,
    queue: Arc<Queue>,
}

/// The queue that an open file is.
///
/// # Errors
/// `EBADF`: it is something else.
pub fn opened(file: Arc<OpenFile>) -> Result<Opened, Errno> {
    let queue = file.ops_as::<file::OpenQueue>().ok_or(Errno::EBADF)?.0.clone();
    Ok(Opened { file, queue })
}

impl Opened {
    /// The queue.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The description of its file.
    pub fn file(&self) -> &OpenFile {
        &self.file
    }

    /// Notes a use of it in its times: as a change of what is in it, too.
    pub fn touch(&self, is_content: bool) {
        file::touch(self.file.inode(), is_content);
    }
}
