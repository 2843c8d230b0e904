//! The keyboard's controller: the simulated machine has none of its own; a test makes one, and plays the keyboard.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::keyboard::{Command, status};

/// What is the matter with a simulated controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing.
    Well,
    /// It never takes what is written.
    Stuck,
    /// There is none: all reads give ones.
    Absent,
    /// It works; no keyboard is attached.
    Alone,
}

struct Device {
    health: Health,
    output: VecDeque<u8>,
    configuration: u8,
    takes_configuration: bool,
}

/// The controller.
#[derive(Clone)]
pub struct Controller(Arc<Mutex<Device>>);

/// Takes the machine's controller, which it has not.
pub fn claim() -> Option<Controller> {
    None
}

impl Controller {
    pub(super) fn new(health: Health) -> Self {
        let device =
            Device { health, output: VecDeque::new(), configuration: 0x45, takes_configuration: false };
        Self(Arc::new(Mutex::new(device)))
    }

    fn device(&self) -> MutexGuard<'_, Device> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keyboard's interrupt line (ISA numbering).
    pub fn irq_line(&self) -> u8 {
        1
    }

    /// Its state.
    pub fn status(&self) -> u8 {
        let device = self.device();
        match device.health {
            Health::Absent => 0xff,
            Health::Stuck => status::BUSY,
            _ if device.output.is_empty() => 0,
            _ => status::FULL,
        }
    }

    /// Reads what it or the keyboard has to say.
    pub fn read(&self) -> u8 {
        self.device().output.pop_front().unwrap_or(0xff)
    }

    /// Gives a byte to the keyboard, or to the controller.
    pub fn write(&self, byte: u8) {
        const ACKNOWLEDGED: u8 = 0xfa;
        let mut device = self.device();
        if std::mem::take(&mut device.takes_configuration) {
            device.configuration = byte;
        } else if device.health == Health::Well {
            device.output.push_back(ACKNOWLEDGED);
        }
    }

    /// Gives the controller a command.
    pub fn command(&self, command: Command) {
        let mut device = self.device();
        match command {
            Command::ReadConfiguration => {
                let configuration = device.configuration;
                device.output.push_back(configuration);
            }
            Command::WriteConfiguration => device.takes_configuration = true,
            _ => {}
        }
    }

    /// The configuration byte, for tests.
    pub fn configuration(&self) -> u8 {
        self.device().configuration
    }

    /// Says something as the keyboard, for tests.
    pub fn say(&self, bytes: &[u8]) {
        self.device().output.extend(bytes);
    }
}
