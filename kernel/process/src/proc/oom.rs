//! `oom_score`, `oom_score_adj` and its elder sister `oom_adj`: who goes when memory is short.

use super::Target;
use crate::memory;
use abi::Errno;
use chroma::cred::{Cap, Cred};
use chroma::synthetic::Text;

/// Linux's scale: 0 for what is spared, 666 for what uses nothing, towards 2000 for what uses all or was moved there.
/// `points` are pages, moved by the adjustment.
fn scaled(points: i64, total: u64) -> i64 {
    let total = i64::try_from(total).unwrap_or(i64::MAX).max(1);
    ((1000 + points.saturating_mul(1000) / total).saturating_mul(2) / 3).max(0)
}

pub(super) fn score(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    let total = aegis::frames::managed();
    let points = memory::badness(&target.process).map(|points| i64::try_from(points).unwrap_or(i64::MAX));
    writeln!(text, "{}", points.map_or(0, |points| scaled(points, total)));
    Ok(())
}

pub(super) fn adjustment(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    writeln!(text, "{}", target.process.oom_adjustment());
    Ok(())
}

/// The old scale, -17 to 15, of an adjustment.
fn to_old(adjustment: i32) -> i32 {
    if adjustment == 1000 { 15 } else { adjustment * 17 / 1000 }
}

fn from_old(value: i32) -> i32 {
    if value == 15 { 1000 } else { value * 1000 / 17 }
}

pub(super) fn old_adjustment(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    writeln!(text, "{}", to_old(target.process.oom_adjustment()));
    Ok(())
}

/// The number that was written; blanks around it don't matter.
fn written(bytes: &[u8]) -> Result<i32, Errno> {
    let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
    text.trim().parse().map_err(|_| Errno::EINVAL)
}

/// Only a privileged caller may spare a process more than it was spared.
fn set(target: &Target, cred: &Cred, adjustment: i32) -> Result<(), Errno> {
    if adjustment < target.process.oom_adjustment().min(0) && !cred.has(Cap::SYS_RESOURCE) {
        return Err(Errno::EACCES);
    }
    target.process.set_oom_adjustment(adjustment)
}

pub(super) fn set_adjustment(target: &Target, cred: &Cred, bytes: &[u8]) -> Result<(), Errno> {
    let adjustment = written(bytes)?;
    if !(-1000..=1000).contains(&adjustment) {
        return Err(Errno::EINVAL);
    }
    set(target, cred, adjustment)
}

pub(super) fn set_old_adjustment(target: &Target, cred: &Cred, bytes: &[u8]) -> Result<(), Errno> {
    let value = written(bytes)?;
    if !(-17..=15).contains(&value) {
        return Err(Errno::EINVAL);
    }
    set(target, cred, from_old(value))
}

#[cfg(test)]
mod tests {
    use super::{from_old, scaled, to_old, written};
    use abi::Errno;

    #[test]
    fn the_score_is_on_linux_s_scale() {
        assert_eq!(scaled(1, 120_000), 666);
        assert_eq!(scaled(120_000, 120_000), 1333);
        assert_eq!(scaled(-120_000, 120_000), 0);
    }

    #[test]
    fn the_old_scale_ends_where_the_new_one_does() {
        assert_eq!([-17, 0, 8, 15].map(from_old), [-1000, 0, 470, 1000]);
        assert_eq!([-1000, 0, 470, 1000].map(to_old), [-17, 0, 7, 15]);
    }

    #[test]
    fn what_is_written_must_be_a_number() {
        assert_eq!(written(b" -5\n"), Ok(-5));
        assert_eq!(written(b"x"), Err(Errno::EINVAL));
    }
}
