use std::format;
use std::string::String;
use std::vec::Vec;

use super::{Unpacked, unpack};
use crate::testing::World;
use crate::walk::WalkFlags;

fn entry(archive: &mut Vec<u8>, name: &str, mode: u32, inode: u32, links: u32, data: &[u8]) {
    archive.extend(b"070701");
    for value in
        [inode as usize, mode as usize, 0, 0, links as usize, 1234, data.len(), 0, 0, 1, 3, name.len() + 1, 0]
    {
        archive.extend(format!("{value:08X}").into_bytes());
    }
    archive.extend(name.as_bytes());
    archive.push(0);
    pad(archive);
    archive.extend(data);
    pad(archive);
}

fn pad(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}

fn sample() -> Vec<u8> {
    let mut archive = Vec::new();
    entry(&mut archive, ".", 0o040755, 1, 2, b"");
    entry(&mut archive, "bin", 0o040755, 2, 2, b"");
    entry(&mut archive, "bin/sh", 0o100755, 3, 2, b"");
    entry(&mut archive, "bin/ash", 0o100755, 3, 2, b"#!shell");
    entry(&mut archive, "link", 0o120777, 4, 1, b"bin/sh");
    entry(&mut archive, "null", 0o020666, 5, 1, b"");
    entry(&mut archive, "TRAILER!!!", 0, 0, 1, b"");
    archive
}

#[test]
fn an_archive_becomes_files_links_and_devices() {
    let world = World::new();
    let view = world.view();
    assert_eq!(unpack(&view, &sample()), Ok(Unpacked { entries: 6, archives: 1 }));
    assert_eq!(view.read_file("link"), "#!shell");
    assert_eq!(view.links("bin/sh"), 2);
    let null = view.resolve(b"null", WalkFlags::empty()).unwrap().dentry.inode().unwrap().stat().unwrap();
    assert_eq!((null.st_mode, null.st_rdev, null.st_mtime), (0o020666, 0x103, 1234));
}

#[test]
fn archives_follow_one_another_with_padding_and_later_ones_win() {
    let world = World::new();
    let view = world.view();
    let mut both = sample();
    both.resize(both.len().next_multiple_of(512), 0);
    entry(&mut both, "bin/sh", 0o100644, 9, 1, b"second");
    entry(&mut both, "TRAILER!!!", 0, 0, 1, b"");
    assert_eq!(unpack(&view, &both), Ok(Unpacked { entries: 7, archives: 2 }));
    assert_eq!(view.read_file("bin/sh"), "second");
    assert_eq!(view.read_file("bin/ash"), "#!shell");
}

#[test]
fn a_compressed_archive_is_inflated_and_checked() {
    let plain = sample();
    let mut packed = Vec::from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
    packed.extend(miniz_oxide::deflate::compress_to_vec(&plain, 6));
    packed.extend(super::unpack::crc32(&plain).to_le_bytes());
    packed.extend((plain.len() as u32).to_le_bytes());
    packed.extend([0; 7]);
    let world = World::new();
    assert_eq!(unpack(&world.view(), &packed), Ok(Unpacked { entries: 6, archives: 1 }));
    let middle = packed.len() / 2;
    packed[middle] ^= 0x10;
    assert!(unpack(&World::new().view(), &packed).is_err());
}

#[test]
fn malformed_archives_are_named_with_their_offset() {
    let message =
        |bytes: &[u8]| -> String { format!("{}", unpack(&World::new().view(), bytes).unwrap_err()) };
    assert_eq!(message(b"garbage!"), "initial archive: a header is cut off at offset 0x0");
    let mut bad = sample();
    bad[112 + 3] = b'9';
    assert_eq!(message(&bad), "initial archive: not a newc header at offset 0x70");
    let whole = sample();
    assert_eq!(message(&whole[..whole.len() - 120]), "initial archive: a header is cut off at offset 0x2cc");
    let mut missing_parent = Vec::new();
    entry(&mut missing_parent, "no/file", 0o100644, 1, 1, b"");
    assert_eq!(message(&missing_parent), "initial archive: `no/file` can't be made (ENOENT) at offset 0x0");
}

#[test]
fn no_mutation_of_an_archive_does_more_than_fail() {
    let whole = sample();
    for cut in 0..whole.len() {
        let _ = unpack(&World::new().view(), &whole[..cut]);
    }
    let mut state = 12345u32;
    for _ in 0..2000 {
        let mut mutated = whole.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 8) as usize % mutated.len();
            mutated[at] = (state >> 3) as u8;
        }
        let _ = unpack(&World::new().view(), &mutated);
    }
}

/// Whatever is wrong with an archive, unpacking ends, and says where. A stranger's bytes must not bring the kernel down.
#[test]
fn changed_archives_are_refused_or_unpacked() {
    let whole = sample();
    let mut state = 1_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..10_000 {
        let mut archive = whole.clone();
        for _ in 0..=draw(3) {
            let at = draw(archive.len());
            match draw(4) {
                0 => archive.truncate(at + 1),
                1 => archive[at] = draw(256) as u8,
                2 => archive[at] = b"0123456789abcdefABCDEF"[draw(22)],
                _ => archive[at] ^= 1 << draw(8),
            }
        }
        let world = World::new();
        if let Err(malformed) = unpack(&world.view(), &archive) {
            assert!(malformed.offset <= archive.len(), "{malformed}");
        }
    }
}
