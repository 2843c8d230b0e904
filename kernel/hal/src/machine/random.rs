//! Random numbers: a ChaCha20 stream whose key comes from the processor's generators, where it has them, and from jitter.

use core::arch::asm;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use super::features::{self, Features};
use super::time;
use crate::{LockClass, SpinLock};

static CLASS: LockClass = LockClass::new("random numbers", 1_020);
static STREAM: SpinLock<Option<ChaCha20Rng>> = SpinLock::new(&CLASS, None);

/// Words gathered for the key.
const ROUNDS: usize = 64;

/// Keys the stream.
pub(super) fn init() {
    *STREAM.lock_irq() = Some(ChaCha20Rng::from_seed(gather()));
}

/// Mixes everything that an outsider does not know into a key.
fn gather() -> [u8; 32] {
    let mut key = [0; 32];
    for (part, word) in key.chunks_exact_mut(8).zip(gather_words()) {
        part.copy_from_slice(&word.to_le_bytes());
    }
    key
}

/// Random words for once, where there is no stream yet. The features are known.
pub(super) fn gather_words() -> [u64; 4] {
    let features = features::get();
    let mut pool =
        [0x736f_6d65_7073_6575_u64, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
    for round in 0..ROUNDS {
        let mut word = time::ticks();
        // How long a serialising instruction takes differs from time to time.
        core::hint::black_box(features::cpuid(0, 0));
        word = word.rotate_left(32) ^ time::ticks();
        if features.contains(Features::RDRAND) {
            word ^= from_processor(false).unwrap_or(0);
        }
        if features.contains(Features::RDSEED) {
            word ^= from_processor(true).unwrap_or(0).rotate_left(17);
        }
        pool[round % 4] ^= word;
        mix(&mut pool);
    }
    pool
}

/// SipHash's round: every bit of the pool comes to depend on every other one.
fn mix(pool: &mut [u64; 4]) {
    let [a, b, c, d] = pool;
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *a;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(16) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(21) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

/// A word from RDRAND or RDSEED, which may have none at the moment.
fn from_processor(seed: bool) -> Option<u64> {
    const ATTEMPTS: usize = 10;
    (0..ATTEMPTS).find_map(|_| {
        let (value, good): (u64, u8);
        // SAFETY: probed; nothing but registers changes.
        unsafe {
            if seed {
                asm!("rdseed {}", "setc {}", out(reg) value, out(reg_byte) good, options(nomem, nostack));
            } else {
                asm!("rdrand {}", "setc {}", out(reg) value, out(reg_byte) good, options(nomem, nostack));
            }
        }
        (good != 0).then_some(value)
    })
}

/// Fills the buffer. May be called anywhere.
pub fn fill(buffer: &mut [u8]) {
    // In pieces, so that interrupts are not off for long.
    for piece in buffer.chunks_mut(1024) {
        if let Some(stream) = STREAM.lock_irq().as_mut() {
            stream.fill_bytes(piece);
        }
    }
}
