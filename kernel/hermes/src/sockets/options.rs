//! `getsockopt` and `setsockopt`: the level `SOL_SOCKET`. Unix sockets have no other.

use abi::socket::option::{
    SO_ACCEPTCONN, SO_DOMAIN, SO_ERROR, SO_LINGER, SO_PEERCRED, SO_PEERNAME, SO_PRIORITY, SO_PROTOCOL,
    SO_RCVBUF, SO_RCVBUFFORCE, SO_RCVLOWAT, SO_RCVTIMEO, SO_SNDBUF, SO_SNDBUFFORCE, SO_SNDLOWAT, SO_SNDTIMEO,
    SO_TYPE,
};
use abi::socket::{Linger, SOL_SOCKET, Ucred};
use abi::{Errno, Timeval};
use alloc::vec::Vec;
use cerberus::Rights;
use chroma::Fd;
use chroma::cred::Cap;
use core::time::Duration;
use hal::{UserAddr, user};
use net::Socket;
use process::Current;
use zerocopy::{FromBytes, IntoBytes};

use super::socket_of;
use crate::argument::InOut;
use crate::row::Outcome;
use crate::support::DONE;

/// A value that a program gives; `EINVAL` if it is too short.
fn read<T: FromBytes + IntoBytes>(at: UserAddr, length: usize) -> Result<T, Errno> {
    if length < size_of::<T>() {
        return Err(Errno::EINVAL);
    }
    user::read(at).map_err(|_| Errno::EFAULT)
}

/// `setsockopt`.
pub fn setsockopt(
    current: &mut Current,
    fd: Fd,
    level: i32,
    name: i32,
    value: UserAddr,
    length: i32,
) -> Outcome {
    let length = usize::try_from(length).map_err(|_| Errno::EINVAL)?;
    let (_, socket) = socket_of(current, fd, Rights::empty())?;
    if level != SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP);
    }
    let number: i32 = read(value, length)?;
    let options = socket.options();
    let asked = number.cast_unsigned();
    let forced = number.max(0).cast_unsigned();
    match name {
        SO_SNDBUF => {
            options.set_send_limit(asked, false);
            socket.send_limit_changed();
        }
        SO_SNDBUFFORCE => {
            current.cred.require(Cap::NET_ADMIN)?;
            options.set_send_limit(forced, true);
            socket.send_limit_changed();
        }
        SO_RCVBUF => options.set_receive_limit(asked, false),
        SO_RCVBUFFORCE => {
            current.cred.require(Cap::NET_ADMIN)?;
            options.set_receive_limit(forced, true);
        }
        SO_RCVLOWAT => options.set_low_water(u32::try_from(number).unwrap_or(i32::MAX.cast_unsigned())),
        SO_PRIORITY => {
            if !(0..=6).contains(&number) {
                current.cred.require(Cap::NET_ADMIN)?;
            }
            options.set_priority(asked);
        }
        SO_LINGER => {
            let linger: Linger = read(value, length)?;
            options.set_linger(linger.l_onoff != 0, linger.l_linger.cast_unsigned());
        }
        SO_RCVTIMEO | SO_SNDTIMEO => {
            options.set_timeout(name == SO_RCVTIMEO, timeout(read(value, length)?)?);
        }
        abi::socket::option::SO_DEBUG if number != 0 && !current.cred.has(Cap::NET_ADMIN) => {
            return Err(Errno::EACCES);
        }
        _ if options.set_switch(name, number != 0) => {}
        _ => return Err(Errno::ENOPROTOOPT),
    }
    DONE
}

/// A timeout: none for zero, and nothing at all for a negative one.
fn timeout(time: Timeval) -> Result<Option<Duration>, Errno> {
    if !(0..1_000_000).contains(&time.tv_usec) {
        return Err(Errno::EDOM);
    }
    if time.tv_sec < 0 {
        return Ok(Some(Duration::ZERO));
    }
    Ok(time.to_duration().filter(|time| !time.is_zero()))
}

/// `getsockopt`.
pub fn getsockopt(
    current: &mut Current,
    fd: Fd,
    level: i32,
    name: i32,
    value: UserAddr,
    length: InOut<i32>,
) -> Outcome {
    let (_, socket) = socket_of(current, fd, Rights::empty())?;
    if level != SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP);
    }
    let room = usize::try_from(length.read()?).map_err(|_| Errno::EINVAL)?;
    let answer = answer(&*socket, name)?;
    if name == SO_PEERNAME && room < answer.len() {
        return Err(Errno::EINVAL);
    }
    let part = answer.get(..room.min(answer.len())).unwrap_or_default();
    user::write_bytes(value, part).map_err(|_| Errno::EFAULT)?;
    length.write(&i32::try_from(part.len()).unwrap_or(i32::MAX))?;
    DONE
}

fn answer(socket: &dyn Socket, name: i32) -> Result<Vec<u8>, Errno> {
    let options = socket.options();
    let number = match name {
        SO_TYPE => socket.kind().number(),
        SO_DOMAIN => socket.domain(),
        SO_PROTOCOL => socket.protocol(),
        SO_ACCEPTCONN => i32::from(socket.is_listening()),
        SO_ERROR => socket.take_error().map_or(0, Errno::as_i32),
        SO_SNDBUF => i32::try_from(options.send_limit()).unwrap_or(i32::MAX),
        SO_RCVBUF => i32::try_from(options.receive_limit()).unwrap_or(i32::MAX),
        SO_RCVLOWAT => options.low_water().cast_signed(),
        SO_SNDLOWAT => 1,
        SO_PRIORITY => options.priority().cast_signed(),
        SO_LINGER => {
            let (on, seconds) = options.linger();
            let linger = Linger { l_onoff: i32::from(on), l_linger: seconds.cast_signed() };
            return Ok(linger.as_bytes().to_vec());
        }
        SO_RCVTIMEO | SO_SNDTIMEO => {
            let time: Timeval = options.timeout(name == SO_RCVTIMEO).unwrap_or_default().into();
            return Ok(time.as_bytes().to_vec());
        }
        SO_PEERCRED => {
            let nobody = Ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
            return Ok(socket.peer_identity().unwrap_or(nobody).as_bytes().to_vec());
        }
        SO_PEERNAME => return Ok(socket.peer_name()?.to_vec()),
        _ => i32::from(options.switch(name).ok_or(Errno::ENOPROTOOPT)?),
    };
    Ok(number.to_ne_bytes().to_vec())
}
