//! Linux's capabilities.

use abi::Errno;
use abi::process::{CapData, CapHeader, LINUX_CAPABILITY_VERSIONS};
use chroma::cred::CapSet;
use process::{Current, ids, table};

use crate::argument::{In, InOut, Out};
use crate::row::Outcome;
use crate::support::DONE;

/// How many structs a version passes; an unknown version is answered with the one that is preferred.
fn structs(header: InOut<CapHeader>, probing: bool) -> Result<(CapHeader, Option<usize>), Errno> {
    let mut head = header.read()?;
    let [one, two, three] = LINUX_CAPABILITY_VERSIONS;
    let number = match head.version {
        version if version == one => 1,
        version if version == two || version == three => 2,
        _ => {
            head.version = three;
            header.write(&head)?;
            return if probing { Ok((head, None)) } else { Err(Errno::EINVAL) };
        }
    };
    Ok((head, Some(number)))
}

/// `capget`. Without a place for the answer it only tells the version.
pub fn capget(current: &mut Current, header: InOut<CapHeader>, data: Out<CapData>) -> Outcome {
    let (head, number) = structs(header, data.is_null())?;
    let Some(number) = number else { return DONE };
    if head.pid < 0 {
        return Err(Errno::EINVAL);
    }
    let cred = match head.pid.unsigned_abs() {
        0 => current.cred.clone(),
        pid => table::thread(pid).ok_or(Errno::ESRCH)?.cred(),
    };
    if data.is_null() {
        return DONE;
    }
    for index in 0..number {
        let half = |set: CapSet| (set.0 >> (32 * index)) as u32;
        data.element(index).write(&CapData {
            effective: half(cred.effective),
            permitted: half(cred.permitted),
            inheritable: half(cred.inheritable),
        })?;
    }
    DONE
}

/// `capset`: of the calling thread only.
pub fn capset(current: &mut Current, header: InOut<CapHeader>, data: In<CapData>) -> Outcome {
    let (head, number) = structs(header, false)?;
    if head.pid != 0 && head.pid.unsigned_abs() != current.tid() {
        return Err(Errno::EPERM);
    }
    let (mut effective, mut permitted, mut inheritable) = (0, 0, 0);
    for index in 0..number.unwrap_or(0) {
        let half = data.element(index).read()?;
        let place = |value: u32| u64::from(value) << (32 * index);
        effective |= place(half.effective);
        permitted |= place(half.permitted);
        inheritable |= place(half.inheritable);
    }
    let known = |set: u64| CapSet(set).and(CapSet::FULL);
    let cred = ids::set_capabilities(&current.cred, known(effective), known(permitted), known(inheritable))?;
    current.set_cred(cred);
    DONE
}
