use abi::Errno;
use abi::fs::{OpenFlags, PIPE_BUF};
use abi::poll::PollEvents;
use alloc::sync::Arc;

use super::{make_pipe, pipe_of};
use crate::cred::Cred;
use crate::file::OpenFile;
use crate::io::{Sink, Source};

type Ends = (Arc<OpenFile>, Arc<OpenFile>);

fn nonblocking() -> Ends {
    make_pipe(&Arc::new(Cred::root()), OpenFlags::NONBLOCK).unwrap()
}

fn put(end: &OpenFile, len: usize) -> Result<usize, Errno> {
    end.write(&mut Source::kernel(&std::vec![b'x'; len]))
}

fn get(end: &OpenFile, len: usize) -> Result<usize, Errno> {
    end.read(&mut Sink::kernel(&mut std::vec![0; len]))
}

#[test]
fn bytes_come_out_as_they_went_in() {
    let (reader, writer) = nonblocking();
    writer.write(&mut Source::kernel(b"hello ")).unwrap();
    writer.write(&mut Source::kernel(b"world")).unwrap();
    let mut bytes = [0; 20];
    assert_eq!(reader.read(&mut Sink::kernel(&mut bytes[..4])), Ok(4));
    assert_eq!(reader.read(&mut Sink::kernel(&mut bytes[4..])), Ok(7));
    assert_eq!(&bytes[..11], b"hello world");
    assert_eq!(get(&reader, 1), Err(Errno::EAGAIN));
}

#[test]
fn short_writes_go_in_whole_or_not_at_all() {
    let (reader, writer) = nonblocking();
    assert_eq!(put(&writer, 65536 - 100), Ok(65536 - 100));
    assert_eq!(put(&writer, 101), Err(Errno::EAGAIN));
    assert_eq!(put(&writer, 100), Ok(100));
    assert_eq!(put(&writer, 1), Err(Errno::EAGAIN));
    assert_eq!(get(&reader, 10), Ok(10));
    assert_eq!(put(&writer, PIPE_BUF), Err(Errno::EAGAIN));
    assert_eq!(get(&reader, 4086), Ok(4086));
    assert_eq!(put(&writer, PIPE_BUF), Ok(PIPE_BUF));
    assert_eq!(get(&reader, 4096), Ok(4096));
    assert_eq!(put(&writer, 10_000), Ok(4096), "a long write takes what room there is");
}

#[test]
fn polling_does_not_wait_for_who_is_at_the_pipe() {
    let (reader, writer) = nonblocking();
    let polled = || (reader.ops().poll(&reader, None), writer.ops().poll(&writer, None));
    let (nothing, readable, writable) = (PollEvents::empty(), PollEvents::READABLE, PollEvents::WRITABLE);
    let pipe = pipe_of(&writer).unwrap();
    let held = pipe.ring.lock();
    assert_eq!(polled(), (nothing, writable));
    drop(held);
    put(&writer, 1).unwrap();
    assert_eq!(polled(), (readable, writable));
    put(&writer, 65535).unwrap();
    let held = pipe.ring.lock();
    assert_eq!(polled(), (readable, nothing));
    drop(held);
    get(&reader, 65536).unwrap();
    assert_eq!(polled(), (nothing, writable));
    let taken = {
        put(&writer, 1).unwrap();
        pipe.take_out(&mut [0]).unwrap()
    };
    assert_eq!((polled(), pipe.has_content()), ((nothing, writable), None));
    pipe.put_back(taken, 0);
    assert_eq!((polled(), pipe.has_content()), ((readable, writable), Some(true)));
}

#[test]
fn the_last_writer_leaving_is_the_end_of_the_file() {
    let (reader, writer) = nonblocking();
    put(&writer, 3).unwrap();
    drop(writer);
    assert_eq!(reader.ops().poll(&reader, None), PollEvents::READABLE | PollEvents::HUP);
    assert_eq!(get(&reader, 10), Ok(3));
    assert_eq!(get(&reader, 10), Ok(0));
    assert_eq!(reader.ops().poll(&reader, None), PollEvents::HUP);
}

#[test]
fn writing_without_readers_is_a_broken_pipe() {
    let (reader, writer) = nonblocking();
    drop(reader);
    assert_eq!(put(&writer, 1), Err(Errno::EPIPE));
    assert_eq!(writer.ops().poll(&writer, None), PollEvents::WRITABLE | PollEvents::ERR);
}

#[test]
fn packets_end_reads_and_lose_their_rest() {
    let (reader, writer) =
        make_pipe(&Arc::new(Cred::root()), OpenFlags::NONBLOCK | OpenFlags::DIRECT).unwrap();
    put(&writer, 5).unwrap();
    put(&writer, 7).unwrap();
    assert_eq!(get(&reader, 3), Ok(3));
    assert_eq!(get(&reader, 100), Ok(7));
    assert_eq!(get(&reader, 100), Err(Errno::EAGAIN));
}

#[test]
fn the_capacity_is_a_power_of_two_of_pages() {
    let (reader, writer) = nonblocking();
    let pipe = pipe_of(&reader).unwrap();
    let cred = Cred::root();
    assert_eq!(pipe.capacity(), 65536);
    assert_eq!(pipe.set_capacity(&cred, 4097), Ok(8192));
    assert_eq!(put(&writer, 100_000), Ok(8192));
    assert_eq!(pipe.set_capacity(&cred, 4096), Err(Errno::EBUSY));
    assert_eq!(pipe.set_capacity(&crate::testing::user(1), 2 << 20), Err(Errno::EPERM));
    assert_eq!(pipe.set_capacity(&cred, 0), Err(Errno::EINVAL));
}

#[test]
fn seeking_a_pipe_is_refused() {
    let (reader, _writer) = nonblocking();
    assert_eq!(reader.seek(0, crate::file::Whence::Set), Err(Errno::ESPIPE));
    assert_eq!(reader.read_at(0, &mut Sink::kernel(&mut [0])), Err(Errno::ESPIPE));
}

#[test]
fn a_fifo_reader_that_finds_a_writer_does_not_wait_for_another() {
    use crate::inode::FileKind;
    use crate::ops::Node;
    let world = crate::testing::World::new();
    let view = world.view();
    view.mknod(b"fifo", &Node::new(FileKind::Fifo, abi::Mode(0o644), abi::Mode(0))).unwrap();
    let open = |flags| view.try_open("fifo", flags | OpenFlags::NONBLOCK);
    assert_eq!(open(OpenFlags::WRONLY).err(), Some(Errno::ENXIO));
    let both = open(OpenFlags::RDWR).unwrap();
    let writer = view.try_open("fifo", OpenFlags::WRONLY).unwrap();
    let reader = view.try_open("fifo", OpenFlags::empty()).unwrap();
    put(&writer, 3).unwrap();
    drop((both, writer));
    assert_eq!((get(&reader, 10), get(&reader, 10)), (Ok(3), Ok(0)));
}

#[test]
fn what_is_lent_is_neither_the_end_nor_room() {
    let (reader, writer) = nonblocking();
    let pipe = pipe_of(&reader).unwrap();
    put(&writer, 65536 - 100).unwrap();
    let taken = pipe.take_out(&mut [0; 5000]).unwrap();
    assert_eq!(put(&writer, 101), Err(Errno::EAGAIN), "its place is not given to others");
    assert_eq!(get(&reader, 65536), Ok(65536 - 5100));
    drop(writer);
    assert_eq!(pipe.take_out(&mut [0; 10]).unwrap().len(), 0, "nothing is left, and need not come back");
    assert_eq!(get(&reader, 1), Err(Errno::EAGAIN));
    pipe.put_back(taken, 4999);
    assert_eq!(get(&reader, 10), Ok(1));
    assert_eq!(get(&reader, 10), Ok(0));
}

#[test]
fn what_came_back_is_as_it_was() {
    let (reader, writer) = nonblocking();
    let pipe = pipe_of(&reader).unwrap();
    put(&writer, 65536 - 100).unwrap();
    for used in [0, 10] {
        pipe.put_back(pipe.take_out(&mut [0; 5000]).unwrap(), used);
    }
    assert_eq!(put(&writer, 100), Ok(100), "the last page takes what fits");
    pipe.put_back(pipe.take_out(&mut [0; 65536]).unwrap(), 0);
    assert_eq!(get(&reader, 4086), Ok(4086));
    assert_eq!(put(&writer, 4096), Ok(4096), "and the first is one again");
}

#[test]
fn a_stock_keeps_its_places() {
    let (reader, writer) = nonblocking();
    let pipe = pipe_of(&reader).unwrap();
    let stock = pipe.stock(10_000, false).unwrap();
    assert_eq!(stock.room(), 3 * 4096);
    assert_eq!(put(&writer, 65536), Ok(13 * 4096));
    assert_eq!(stock.add(&[b'y'; 5000]), 5000);
    assert_eq!(put(&writer, 65536), Ok(4096), "what it did not use is free again");
    assert_eq!(get(&reader, 65536), Ok(14 * 4096 + 5000));
    drop(pipe.stock(usize::MAX, false).unwrap());
    assert_eq!(put(&writer, 65536), Ok(65536));
}
