//! The battery-backed clock (Motorola MC146818), read once at boot. It is taken to run in UTC.

use core::time::Duration;

use super::super::port;

const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;
const STATUS_A: u8 = 0x0a;
const STATUS_B: u8 = 0x0b;
const UPDATE_IN_PROGRESS: u8 = 1 << 7;
const BINARY: u8 = 1 << 2;
const HOURS_24: u8 = 1 << 1;
const AFTERNOON: u8 = 1 << 7;

fn register(index: u8) -> u8 {
    // SAFETY: the ports belong to the clock, which touches no memory.
    unsafe {
        port::write_u8(INDEX, index);
        port::read_u8(DATA)
    }
}

/// Seconds, minutes, hours, day, month, year of the century.
fn fields() -> [u8; 6] {
    [0, 2, 4, 7, 8, 9].map(register)
}

/// The time since the epoch; two readings that agree, so that no update falls between two registers.
pub(super) fn read() -> Duration {
    const ATTEMPTS: usize = 1000;
    let mut last = fields();
    for _ in 0..ATTEMPTS {
        if register(STATUS_A) & UPDATE_IN_PROGRESS != 0 {
            continue;
        }
        let next = fields();
        if next == last {
            break;
        }
        last = next;
    }
    let status = register(STATUS_B);
    let number = |value: u8| if status & BINARY != 0 { value } else { (value >> 4) * 10 + (value & 15) };
    let [second, minute, hour, day, month, year] = last;
    let mut hours = u64::from(number(hour & !AFTERNOON));
    if status & HOURS_24 == 0 {
        hours = hours % 12 + if hour & AFTERNOON != 0 { 12 } else { 0 };
    }
    let days = days_since_epoch(2000 + i64::from(number(year)), number(month).into(), number(day).into());
    let minutes = (days * 24 + hours) * 60 + u64::from(number(minute));
    Duration::from_secs(minutes * 60 + u64::from(number(second)))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (years are counted from March, so that the leap day is last).
fn days_since_epoch(year: i64, month: i64, day: i64) -> u64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    const TO_EPOCH: i64 = 719_468;
    (days - TO_EPOCH).max(0) as u64
}
