use abi::fs::{MountFlags, OpenFlags};
use abi::socket::{AF_UNIX, MessageFlags, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM};
use abi::{Errno, Mode, PollEvents};
use alloc::sync::Arc;
use chroma::fdtable::{FileCapability, capability};
use chroma::{Cred, Mount, OpenFile, Path, Sink, Source, View, tmpfs};
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::vec::Vec;

use super::flight;
use crate::socket::{Incoming, Outgoing, Rights, Shutdown, Socket};
use crate::{family, file};

/// Names and sockets in flight are everybody's: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

struct World {
    cred: Arc<Cred>,
    root: Path,
}

impl World {
    fn new() -> World {
        let root = tmpfs::instance("tmpfs", &tmpfs::Options::unlimited(Mode(0o755)));
        let mount = Mount::new(root, "tmpfs", MountFlags::empty()).unwrap();
        World { cred: Arc::new(Cred::root()), root: Path::top_of(mount) }
    }

    fn view(&self) -> View<'_> {
        View { cred: &self.cred, root: self.root.clone(), start: self.root.clone() }
    }
}

fn socket(kind: i32) -> Arc<OpenFile> {
    let socket = family::find(i32::from(AF_UNIX), kind).unwrap().create(kind, 0).unwrap();
    file::open(socket, OpenFlags::NONBLOCK, &Arc::new(Cred::root())).unwrap()
}

fn pair(kind: i32) -> (Arc<OpenFile>, Arc<OpenFile>) {
    let (a, b) = (socket(kind), socket(kind));
    family::find(i32::from(AF_UNIX), kind).unwrap().pair(of(&a), of(&b)).unwrap();
    (a, b)
}

fn of(file: &OpenFile) -> &Arc<dyn Socket> {
    file::of(file).unwrap()
}

fn put(file: &OpenFile, bytes: &[u8]) -> Result<usize, Errno> {
    file.write(&mut Source::kernel(bytes))
}

fn get(file: &OpenFile, most: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = std::vec![0; most];
    let count = file.read(&mut Sink::kernel(&mut bytes))?;
    bytes.truncate(count);
    Ok(bytes)
}

fn send_files(file: &OpenFile, files: Vec<FileCapability>, account: &Arc<AtomicU64>) -> Result<usize, Errno> {
    let mut source = Source::kernel(b"x");
    let mut message = Outgoing::new(&mut source, true);
    message.rights = Some(Rights { files, account: account.clone() });
    of(file).clone().send(&mut message)
}

fn receive(file: &OpenFile, flags: MessageFlags) -> (Result<usize, Errno>, Vec<FileCapability>) {
    let mut bytes = [0; 16];
    let mut sink = Sink::kernel(&mut bytes);
    let mut message = Incoming::new(&mut sink, flags, true);
    let count = of(file).receive(&mut message);
    (count, message.files)
}

#[test]
fn bytes_of_several_writes_are_read_together_and_datagrams_are_not() {
    let _alone = alone();
    let (a, b) = pair(SOCK_STREAM);
    assert_eq!((put(&a, b"one"), put(&a, b"two")), (Ok(3), Ok(3)));
    assert_eq!(get(&b, 4).unwrap(), b"onet");
    assert_eq!(get(&b, 4).unwrap(), b"wo");
    assert_eq!(get(&b, 4), Err(Errno::EAGAIN));
    let (a, b) = pair(SOCK_DGRAM);
    assert_eq!((put(&a, b"one"), put(&a, b""), put(&a, b"three")), (Ok(3), Ok(0), Ok(5)));
    assert_eq!((get(&b, 9).unwrap(), get(&b, 9).unwrap()), (b"one".to_vec(), Vec::new()));
    assert_eq!(get(&b, 2).unwrap(), b"th");
    assert_eq!(get(&b, 9), Err(Errno::EAGAIN));
}

#[test]
fn a_stream_takes_as_much_as_its_sender_may_have_under_way() {
    let _alone = alone();
    let (a, b) = pair(SOCK_STREAM);
    let mut count = 0;
    while put(&a, b"x") == Ok(1) {
        count += 1;
    }
    assert_eq!(count, 212_992 / 768 + 1);
    assert!(!of(&a).poll(None).contains(PollEvents::OUT));
    assert_eq!(get(&b, 1000).unwrap().len(), count);
    assert!(of(&a).poll(None).contains(PollEvents::OUT));
    let large = std::vec![7; 1 << 20];
    let taken = put(&a, &large).unwrap();
    assert!(taken > 100_000 && taken < 400_000, "{taken}");
    assert_eq!(get(&b, 1 << 20).unwrap(), &large[..taken]);
}

#[test]
fn who_leaves_with_unread_data_resets_the_other() {
    let _alone = alone();
    let (a, b) = pair(SOCK_STREAM);
    put(&a, b"x").unwrap();
    put(&b, b"y").unwrap();
    drop(b);
    assert!(of(&a).poll(None).contains(PollEvents::HUP | PollEvents::ERR | PollEvents::RDHUP));
    assert_eq!(get(&a, 1).unwrap(), b"y");
    assert_eq!(get(&a, 1), Err(Errno::ECONNRESET));
    assert_eq!((get(&a, 1).unwrap(), put(&a, b"x")), (Vec::new(), Err(Errno::EPIPE)));
}

#[test]
fn halves_are_shut_down_on_both_sides() {
    let _alone = alone();
    let (a, b) = pair(SOCK_SEQPACKET);
    put(&a, b"last").unwrap();
    of(&a).shutdown(Shutdown::SEND).unwrap();
    assert_eq!(put(&a, b"x"), Err(Errno::EPIPE));
    assert_eq!((get(&b, 9).unwrap(), get(&b, 9).unwrap()), (b"last".to_vec(), Vec::new()));
    assert_eq!(put(&b, b"back"), Ok(4));
}

#[test]
fn connections_wait_up_to_the_backlog() {
    let _alone = alone();
    let world = World::new();
    let address = b"\x01\0/s";
    let listener = socket(SOCK_STREAM);
    of(&listener).clone().bind(&world.view(), address, Mode(0o755)).unwrap();
    of(&listener).listen(1).unwrap();
    let connect = || {
        let client = socket(SOCK_STREAM);
        of(&client).clone().connect(&world.view(), address, true).map(|()| client)
    };
    let (first, second) = (connect().unwrap(), connect().unwrap());
    assert_eq!(connect().err(), Some(Errno::EAGAIN));
    put(&first, b"early").unwrap();
    let cred = Arc::new(Cred::root());
    let accepted = file::open(of(&listener).accept(true).unwrap(), OpenFlags::NONBLOCK, &cred).unwrap();
    assert_eq!(get(&accepted, 9).unwrap(), b"early");
    assert_eq!(&*of(&first).peer_name().unwrap(), b"\x01\0/s\0");
    drop(listener);
    assert_eq!(get(&second, 1), Err(Errno::ECONNRESET));
    assert_eq!(connect().err(), Some(Errno::ECONNREFUSED));
}

#[test]
fn names_are_free_again_when_their_socket_is_gone() {
    let _alone = alone();
    let world = World::new();
    let bind = |kind| {
        let file = socket(kind);
        of(&file).clone().bind(&world.view(), b"\x01\0\0name", Mode(0)).map(|()| file)
    };
    let first = bind(SOCK_DGRAM).unwrap();
    assert_eq!(bind(SOCK_DGRAM).err(), Some(Errno::EADDRINUSE));
    assert!(bind(SOCK_STREAM).is_ok(), "another type has names of its own");
    drop(first);
    assert!(bind(SOCK_DGRAM).is_ok());
}

#[test]
fn files_travel_and_are_counted_on_the_way() {
    let _alone = alone();
    let account = Arc::new(AtomicU64::new(0));
    let (a, b) = pair(SOCK_STREAM);
    let (x, y) = pair(SOCK_STREAM);
    send_files(&a, std::vec![capability(x.clone())], &account).unwrap();
    drop(x);
    assert_eq!((account.load(Ordering::Relaxed), flight::any()), (1, true));
    let (_, peeked) = receive(&b, MessageFlags::PEEK);
    assert_eq!((peeked.len(), account.load(Ordering::Relaxed)), (1, 1));
    drop(peeked);
    let (count, files) = receive(&b, MessageFlags::empty());
    assert_eq!((count, files.len(), account.load(Ordering::Relaxed), flight::any()), (Ok(1), 1, 0, false));
    put(files[0].object(), b"hello").unwrap();
    assert_eq!(get(&y, 9).unwrap(), b"hello");
}

#[test]
fn sockets_that_only_hold_each_other_are_found() {
    let _alone = alone();
    let account = Arc::new(AtomicU64::new(0));
    // Two ends in the queue of one, a third in that of the other; the fourth stays outside.
    let (a, b) = pair(SOCK_STREAM);
    let (x, y) = pair(SOCK_STREAM);
    send_files(&a, std::vec![capability(a.clone()), capability(b.clone())], &account).unwrap();
    send_files(&b, std::vec![capability(x)], &account).unwrap();
    drop(a);
    assert_eq!(get(&y, 1), Err(Errno::EAGAIN), "one end is still held");
    drop(b);
    drop(pair(SOCK_STREAM)); // looks for garbage
    assert_eq!(get(&y, 1), Ok(Vec::new()), "its peer was closed");
    assert_eq!((account.load(Ordering::Relaxed), flight::any()), (0, false));
}

#[test]
fn sockets_that_can_be_reached_stay() {
    let _alone = alone();
    let account = Arc::new(AtomicU64::new(0));
    let (outer, inner) = pair(SOCK_STREAM);
    let (a, b) = pair(SOCK_STREAM);
    send_files(&a, std::vec![capability(b.clone())], &account).unwrap();
    send_files(&outer, std::vec![capability(b)], &account).unwrap();
    drop(a);
    drop(pair(SOCK_STREAM)); // looks for garbage
    let (_, files) = receive(&inner, MessageFlags::empty());
    let (_, again) = receive(files[0].object(), MessageFlags::empty());
    assert_eq!(again.len(), 1);
}

#[test]
fn a_long_chain_of_sockets_in_messages_is_dropped_without_recursion() {
    let _alone = alone();
    let account = Arc::new(AtomicU64::new(0));
    let mut last = Vec::new();
    for _ in 0..1000 {
        let (a, b) = pair(SOCK_DGRAM);
        if !last.is_empty() {
            send_files(&a, core::mem::take(&mut last), &account).unwrap();
        }
        last.push(capability(b));
    }
    assert_eq!(account.load(Ordering::Relaxed), 999);
    let little = std::thread::Builder::new().stack_size(64 << 10);
    little.spawn(move || drop(last)).unwrap().join().unwrap();
    assert_eq!((account.load(Ordering::Relaxed), flight::any()), (0, false));
}
