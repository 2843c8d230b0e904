use abi::fs::OpenFlags;
use abi::{Errno, Mode};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use super::{Content, Directory, Dynamic, Entry, Listing, Text, from_fn};
use crate::cred::Cred;
use crate::file::Whence;
use crate::inode::FileKind;
use crate::io::{Sink, Source};
use crate::listing::{DirBuffer, Format};
use crate::mount::Path;
use crate::testing::{World, read_all};
use crate::walk::View;

struct Even;

impl Dynamic for Even {
    fn lookup(&self, name: &[u8]) -> Result<Entry, Errno> {
        let number: u64 =
            core::str::from_utf8(name).ok().and_then(|n| n.parse().ok()).ok_or(Errno::ENOENT)?;
        let text = std::format!("{number} is even\n");
        let file = Entry::file(from_fn(move |out| out.push(text.as_bytes())), Mode(0o444));
        if number.is_multiple_of(2) { Ok(file) } else { Err(Errno::ENOENT) }
    }

    fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno> {
        let mut key = listing.next_key().next_multiple_of(2);
        while key < 10 && listing.add(key, 100 + key, FileKind::Regular, std::format!("{key}").as_bytes()) {
            key += 2;
        }
        Ok(())
    }
}

struct Number(AtomicU32);

impl Content for Number {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        writeln!(text, "{}", self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
        self.0.store(text.trim().parse().map_err(|_| Errno::EINVAL)?, Ordering::Relaxed);
        Ok(())
    }
}

fn with_view(test: impl FnOnce(&View<'_>)) {
    let world = World::new();
    let top = Directory::dynamic(Arc::new(Even));
    top.add("count", Entry::file(Number(AtomicU32::new(5)), Mode(0o644)));
    top.subdirectory("sub").add("link", Entry::link(|| Ok(b"../count".to_vec())));
    let root = Path::top_of(super::mount("proc", 0x9fa0, top).unwrap());
    test(&View { cred: &world.superuser, root: root.clone(), start: root });
}

#[test]
fn a_text_is_made_anew_only_at_the_start() {
    with_view(|view| {
        let file = view.try_open("sub/link", OpenFlags::empty()).unwrap();
        let mut byte = [0; 1];
        file.read(&mut Sink::kernel(&mut byte)).unwrap();
        assert_eq!((&byte, read_all(&file)), (b"5", b"\n".to_vec()));
        file.seek(0, Whence::Set).unwrap();
        assert_eq!(read_all(&file), b"6\n");
        assert_eq!(file.seek(0, Whence::End), Err(Errno::EINVAL));
    });
}

#[test]
fn writing_reaches_the_owner_who_may_refuse() {
    with_view(|view| {
        let file = view.try_open("count", OpenFlags::WRONLY | OpenFlags::TRUNC).unwrap();
        assert_eq!(file.write(&mut Source::kernel(b"41\n")), Ok(3));
        assert_eq!(file.write(&mut Source::kernel(b"x")), Err(Errno::EINVAL));
        assert_eq!(view.read_file("count"), "41\n");
    });
}

#[test]
fn dynamic_entries_are_found_listed_and_never_cached() {
    with_view(|view| {
        assert_eq!(view.read_file("4"), "4 is even\n");
        assert_eq!(view.at("5").err(), Some(Errno::ENOENT));
        let root = view.try_open("/", OpenFlags::DIRECTORY).unwrap();
        let mut names = std::vec::Vec::new();
        loop {
            let mut buffer = DirBuffer::new(60, Format::New).unwrap();
            root.with_position(|position| root.ops().read_dir(&root, position, &mut buffer)).unwrap();
            if buffer.bytes().is_empty() {
                break;
            }
            let mut rest = buffer.bytes();
            while !rest.is_empty() {
                let len = usize::from(rest[16]);
                names.push(rest[19..].split(|b| *b == 0).next().unwrap().to_vec());
                rest = &rest[len..];
            }
        }
        let expected: [&[u8]; 9] = [b".", b"..", b"count", b"sub", b"0", b"2", b"4", b"6", b"8"];
        assert_eq!(names, expected);
        assert_eq!(view.unlink(b"count"), Err(Errno::EPERM));
        assert_eq!(view.mkdir(b"x", Mode(0o755), Mode(0)), Err(Errno::ENOENT));
    });
}
