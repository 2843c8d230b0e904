//! The `newc` header: a magic number and thirteen fields of eight hexadecimal digits (cpio(5)).

/// Bytes of a header.
pub(super) const LEN: usize = 110;
const MAGIC: &[u8] = b"070701";
const MAGIC_WITH_CHECKSUM: &[u8] = b"070702";

/// The fields that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) inode: u32,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) links: u32,
    pub(super) mtime: u32,
    pub(super) size: usize,
    pub(super) device: (u32, u32),
    pub(super) rdev: (u32, u32),
    /// With the NUL.
    pub(super) name_len: usize,
}

/// Reads a header; the error says what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Header, &'static str> {
    let bytes = bytes.get(..LEN).ok_or("a header is cut off")?;
    let (magic, rest) = bytes.split_at(MAGIC.len());
    if magic != MAGIC && magic != MAGIC_WITH_CHECKSUM {
        return Err("not a newc header");
    }
    let mut fields = [0u32; 13];
    let (digits, _) = rest.as_chunks::<8>();
    for (field, digits) in fields.iter_mut().zip(digits) {
        // `from_str_radix` alone would take a sign.
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err("a header field is not hexadecimal");
        }
        let text = core::str::from_utf8(digits).map_err(|_| "a header field is not hexadecimal")?;
        *field = u32::from_str_radix(text, 16).map_err(|_| "a header field is not hexadecimal")?;
    }
    let [inode, mode, uid, gid, links, mtime, size, major, minor, rmajor, rminor, name_len, _] = fields;
    let header = Header {
        inode,
        mode,
        uid,
        gid,
        links,
        mtime,
        size: size as usize,
        device: (major, minor),
        rdev: (rmajor, rminor),
        name_len: name_len as usize,
    };
    match header.name_len {
        0 => Err("an entry has no name"),
        len if len > abi::fs::PATH_MAX => Err("a name is too long"),
        _ => Ok(header),
    }
}
