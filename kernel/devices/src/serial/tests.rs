use abi::DeviceNumber;
use abi::fs::{MountFlags, OpenFlags};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::cred::Cred;
use chroma::mount::{FileSystemType, Mount, MountRequest, Path};
use chroma::{OpenFile, Sink, Source};
use chronos::{Policy, simulate};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use hal::simulate::FarEnd;

use super::B9600;
use super::driver::PortDriver;
use super::port::Port;
use crate::tty::{self, Tty, settings};

/// A port with a raw terminal, and its thread.
struct World {
    machine: simulate::Machine,
    port: Arc<Port>,
    tty: Arc<Tty>,
    far: FarEnd,
}

impl World {
    fn new() -> World {
        let machine = simulate::machine();
        let (uart, far) = hal::simulate::uart();
        let port = Port::new(uart);
        let mut termios = settings::initial(B9600);
        (termios.c_iflag, termios.c_oflag, termios.c_lflag) = (0, 0, 0);
        let driver = Box::new(PortDriver { port: port.clone() });
        let tty = Tty::new(String::from("test"), DeviceNumber::new(4, 64), driver, termios);
        let (served, server) = (port.clone(), tty.clone());
        chronos::thread::spawn("port", Policy::NORMAL, move || served.serve(&server)).unwrap();
        port.start();
        World { machine, port, tty, far }
    }

    fn open(&self) -> Arc<OpenFile> {
        let cred = Arc::new(Cred::root());
        let flags = OpenFlags::RDWR | OpenFlags::NOCTTY;
        let ops = tty::open(&self.tty, flags, &cred, false).unwrap();
        let request =
            MountRequest { source: "devtmpfs", options: b"", flags: MountFlags::empty(), cred: &cred };
        let root = chroma::devfs::DevTmpFs.mount(&request).unwrap();
        let anywhere = Path::top_of(Mount::new(root, "devtmpfs", MountFlags::empty()).unwrap());
        OpenFile::new(ops, anywhere, flags, cred).unwrap()
    }

    /// Serves the device as its interrupt line would, and lets threads run until they wait.
    fn settle(&self) {
        while self.port.interrupt() {}
        self.machine.run();
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
}

/// A program that sends every byte back.
fn echo(file: &OpenFile) {
    let mut bytes = [0; 4096];
    loop {
        let count = file.read(&mut Sink::kernel(&mut bytes)).unwrap();
        assert_eq!(file.write(&mut Source::kernel(&bytes[..count])), Ok(count));
    }
}

#[test]
fn a_program_that_waits_to_write_goes_on_though_its_input_is_full() {
    let world = World::new();
    let file = world.open();
    chronos::thread::spawn("echo", Policy::NORMAL, move || echo(&file)).unwrap();
    let sent = pattern(100_000);
    let mut unsent = &sent[..];
    let mut got = Vec::new();
    while got.len() < sent.len() {
        // The other end reads nothing until nothing more goes: by then all is full that can be.
        loop {
            let count = world.far.send(unsent);
            unsent = &unsent[count..];
            world.settle();
            if count == 0 || unsent.is_empty() {
                break;
            }
        }
        let before = got.len();
        loop {
            let piece = world.far.receive();
            if piece.is_empty() {
                break;
            }
            got.extend(piece);
            world.settle();
        }
        assert!(got.len() > before, "stuck after {before} bytes");
    }
    assert!(got == sent, "bytes were lost or changed");
}

#[test]
fn what_came_while_the_line_was_exactly_full_is_delivered_when_there_is_room() {
    // About as much as a line takes.
    for length in 4090..4100 {
        let world = World::new();
        let file = world.open();
        for piece in [pattern(length), pattern(10)] {
            let mut unsent = &piece[..];
            while !unsent.is_empty() {
                let count = world.far.send(unsent);
                unsent = &unsent[count..];
                world.settle();
            }
        }
        let got = Arc::new(AtomicUsize::new(0));
        let counter = got.clone();
        chronos::thread::spawn("reader", Policy::NORMAL, move || {
            let mut bytes = [0; 4096];
            loop {
                let count = file.read(&mut Sink::kernel(&mut bytes)).unwrap();
                counter.fetch_add(count, Ordering::SeqCst);
            }
        })
        .unwrap();
        world.machine.run();
        assert_eq!(got.load(Ordering::SeqCst), length + 10);
    }
}

#[test]
fn throwing_output_away_lets_its_writer_go_on() {
    let world = World::new();
    let file = world.open();
    let done = Arc::new(AtomicBool::new(false));
    let told = done.clone();
    chronos::thread::spawn("writer", Policy::NORMAL, move || {
        let bytes = pattern(6000);
        assert_eq!(file.write(&mut Source::kernel(&bytes)), Ok(bytes.len()));
        told.store(true, Ordering::SeqCst);
    })
    .unwrap();
    world.settle();
    assert!(!done.load(Ordering::SeqCst), "the ring takes less than that");
    tty::Driver::flush_output(&PortDriver { port: world.port.clone() });
    world.settle();
    assert!(done.load(Ordering::SeqCst));
}
