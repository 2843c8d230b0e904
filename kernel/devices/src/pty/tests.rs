use abi::Errno;
use abi::fs::{MountFlags, OpenFlags};
use abi::poll::PollEvents;
use alloc::sync::Arc;
use chroma::cred::Cred;
use chroma::mount::{FileSystemType, Mount, MountRequest, Path};
use chroma::ops::OpenRequest;
use chroma::{OpenFile, Sink, Source, View};

use super::DevPts;
use super::master::Master;

struct World {
    cred: Arc<Cred>,
    root: Path,
}

impl World {
    fn new() -> World {
        let cred = Arc::new(Cred::root());
        let request =
            MountRequest { source: "devpts", options: b"mode=620", flags: MountFlags::empty(), cred: &cred };
        let mount = Mount::new(DevPts.mount(&request).unwrap(), "devpts", MountFlags::empty()).unwrap();
        World { cred, root: Path::top_of(mount) }
    }

    fn open(&self, name: &str) -> Result<Arc<OpenFile>, Errno> {
        let view = View { cred: &self.cred, root: self.root.clone(), start: self.root.clone() };
        let flags = OpenFlags::RDWR | OpenFlags::NONBLOCK | OpenFlags::NOCTTY;
        view.open(name.as_bytes(), &OpenRequest::existing(flags))
    }

    /// A pair, unlocked.
    fn pair(&self) -> (Arc<OpenFile>, Arc<OpenFile>) {
        let master = self.open("ptmx").unwrap();
        let pty = master.ops_as::<Master>().unwrap().pty();
        pty.shared.locked.store(false, core::sync::atomic::Ordering::Relaxed);
        let slave = self.open(&std::format!("{}", pty.index)).unwrap();
        (master, slave)
    }
}

fn put(file: &OpenFile, text: &str) -> Result<usize, Errno> {
    file.write(&mut Source::kernel(text.as_bytes()))
}

fn get(file: &OpenFile) -> Result<std::string::String, Errno> {
    let mut bytes = [0; 4096];
    let count = file.read(&mut Sink::kernel(&mut bytes))?;
    Ok(std::string::String::from_utf8(bytes[..count].to_vec()).unwrap())
}

#[test]
fn what_the_master_types_is_read_by_the_slave_and_echoed() {
    let world = World::new();
    let (master, slave) = world.pair();
    put(&master, "hello\r").unwrap();
    assert_eq!(get(&slave).as_deref(), Ok("hello\n"));
    assert_eq!(get(&master).as_deref(), Ok("hello\r\n"));
    put(&slave, "a\tb\n").unwrap();
    assert_eq!(get(&master).as_deref(), Ok("a\tb\r\n"));
    assert_eq!(get(&slave), Err(Errno::EAGAIN));
}

#[test]
fn numbers_are_the_lowest_free_ones_and_locked_slaves_do_not_open() {
    let world = World::new();
    let first = world.open("ptmx").unwrap();
    let second = world.open("ptmx").unwrap();
    assert_eq!(world.open("0").err(), Some(Errno::EIO));
    drop(first);
    assert_eq!(world.open("0").err(), Some(Errno::ENOENT));
    let (_third, slave) = world.pair();
    assert_eq!(slave.ops_as::<crate::tty::OpenTty>().unwrap().tty().name(), "pts/0");
    drop(second);
}

#[test]
fn the_master_sees_the_last_slave_go() {
    let world = World::new();
    let (master, slave) = world.pair();
    put(&slave, "bye").unwrap();
    drop(slave);
    assert!(master.ops().poll(&master, None).contains(PollEvents::HUP | PollEvents::READABLE));
    assert_eq!(get(&master).as_deref(), Ok("bye"));
    assert_eq!(get(&master), Err(Errno::EIO));
}

#[test]
fn the_slave_is_hung_up_on_when_the_master_goes() {
    let world = World::new();
    let (master, slave) = world.pair();
    drop(master);
    assert_eq!(get(&slave).as_deref(), Ok(""));
    assert_eq!(put(&slave, "x"), Err(Errno::EIO));
    assert!(slave.ops().poll(&slave, None).contains(PollEvents::HUP));
}

#[test]
fn much_input_waits_until_the_slave_reads() {
    let world = World::new();
    let (master, slave) = world.pair();
    let line = std::format!("{}\n", "x".repeat(99));
    for _ in 0..100 {
        assert_eq!(put(&master, &line), Ok(100));
        // The echo must not fill up its side.
        while get(&master).is_ok() {}
    }
    for _ in 0..100 {
        assert_eq!(get(&slave).as_deref(), Ok(&line[..]));
        while get(&master).is_ok() {}
    }
    assert_eq!(get(&slave), Err(Errno::EAGAIN));
}

#[test]
fn a_full_master_makes_the_slave_wait() {
    let world = World::new();
    let (master, slave) = world.pair();
    let mut total = 0;
    while let Ok(count) = put(&slave, &"y".repeat(1000)) {
        total += count;
    }
    assert_eq!(total, super::OUTPUT_LIMIT);
    assert!(!slave.ops().poll(&slave, None).contains(PollEvents::OUT));
    get(&master).unwrap();
    assert!(slave.ops().poll(&slave, None).contains(PollEvents::OUT));
}
