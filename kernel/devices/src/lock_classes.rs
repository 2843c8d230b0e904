//! The classes of this crate's locks. Lower ranks are taken first; chroma's come before, the wait queues after. The serial
//! port's is taken by its interrupt, and so above all that is held with interrupts on.

use hal::LockClass;

pub static READING: LockClass = LockClass::new("reader of a terminal", 335);
pub static WRITING: LockClass = LockClass::new("writer of a terminal", 336);
pub static FEEDING: LockClass = LockClass::new("input of a pseudo-terminal", 338);
pub static LOG_POSITION: LockClass = LockClass::new("position in the log", 337);
pub static PTYS: LockClass = LockClass::new("pseudo-terminals", 370);
pub static DRIVERS: LockClass = LockClass::new("character devices", 372);
pub static CONTROL: LockClass = LockClass::new("controlling terminal", 374);
pub static LINE: LockClass = LockClass::new("line discipline", 380);
pub static OUTPUT: LockClass = LockClass::new("terminal output", 390);
pub static KEYS: LockClass = LockClass::new("keyboard", 801);
pub static PORT: LockClass = LockClass::new("serial port", 800);
