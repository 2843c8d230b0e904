//! What a new program's start owes to its caller's personality (`personality(2)`).

use crate::current::Current;
use crate::ids::FileIds;
use abi::{Errno, Personality, ProtFlags};
use aegis::{AddressSpace, MapRequest, Placement};
use chroma::Cred;
use hal::UserAddr;

/// Maps the page at address 0, which programs of System V read through null pointers.
pub(super) fn map_first_page(space: &AddressSpace) -> Result<UserAddr, Errno> {
    space.map(MapRequest {
        length: hal::PAGE_SIZE as u64,
        placement: Placement::First,
        protection: ProtFlags::READ | ProtFlags::EXEC,
        maximum: ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC,
        shared: false,
        grows_down: false,
        populate: false,
        backing: None,
    })
}

/// The personality that a program starts with. One of 64 bits starts without `READ_IMPLIES_EXEC`; one with more rights than its
/// caller's without what makes attacks easier.
pub(super) fn personality_of(current: &Current, ids: &FileIds, cred: &Cred) -> Personality {
    let old = current.thread.personality() - Personality::READ_IMPLIES_EXEC;
    let sets_ids = ids.user.is_some() || ids.group.is_some();
    if sets_ids || !current.cred.permitted.contains(cred.permitted) {
        old - Personality::CLEARED_BY_SET_ID
    } else {
        old
    }
}
