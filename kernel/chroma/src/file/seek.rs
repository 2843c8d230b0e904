//! Positions of `lseek`.

use abi::Errno;

/// The reference point of an `lseek`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // lseek(2) explains them
pub enum Whence {
    Set,
    Current,
    End,
    Data,
    Hole,
}

impl Whence {
    /// By Linux's number; `EINVAL` for others.
    pub fn from_number(number: u32) -> Result<Whence, Errno> {
        Ok(match number {
            0 => Whence::Set,
            1 => Whence::Current,
            2 => Whence::End,
            3 => Whence::Data,
            4 => Whence::Hole,
            _ => return Err(Errno::EINVAL),
        })
    }
}

/// A new position within a file whose size `size` tells; a file without holes is one run of data.
pub fn seek_within(
    current: u64,
    offset: i64,
    whence: Whence,
    size: impl FnOnce() -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    let base = match whence {
        Whence::Set => 0,
        Whence::Current => current,
        Whence::End => size()?,
        Whence::Data | Whence::Hole => {
            let size = size()?;
            let offset = u64::try_from(offset).ok().filter(|o| *o < size).ok_or(Errno::ENXIO)?;
            return Ok(if whence == Whence::Data { offset } else { size });
        }
    };
    base.checked_add_signed(offset).filter(|p| i64::try_from(*p).is_ok()).ok_or(Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::{Whence, seek_within};
    use abi::Errno;

    #[test]
    fn seeking_before_the_start_is_refused() {
        assert_eq!(seek_within(5, -6, Whence::Current, || Ok(10)), Err(Errno::EINVAL));
        assert_eq!(seek_within(5, -5, Whence::Current, || Ok(10)), Ok(0));
        assert_eq!(seek_within(0, i64::MAX, Whence::End, || Ok(10)), Err(Errno::EINVAL));
    }

    #[test]
    fn a_plain_file_is_one_run_of_data_with_a_hole_at_its_end() {
        assert_eq!(seek_within(0, 3, Whence::Data, || Ok(10)), Ok(3));
        assert_eq!(seek_within(0, 3, Whence::Hole, || Ok(10)), Ok(10));
        assert_eq!(seek_within(0, 10, Whence::Data, || Ok(10)), Err(Errno::ENXIO));
    }
}
