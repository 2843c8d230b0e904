//! What a process does on each signal.
//!
//! The table is an object of its own: `clone(CLONE_SIGHAND)` shares it, `fork` copies it.

use crate::lock_classes;
use abi::signal::{NSIG, SaFlags};
use abi::signal::{SIG_DFL, SIG_IGN, Sigaction};
use abi::{SigSet, Signal};
use hal::SpinLock;

/// What happens on a signal whose action is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// The process ends.
    Terminate,
    /// The process ends; Linux would write a core file (Serix writes none).
    Core,
    /// Nothing.
    Ignore,
    /// The process stops.
    Stop,
    /// A stopped process goes on (which happened when the signal was sent); otherwise nothing.
    Continue,
}

/// The default action of a signal (`signal(7)`).
pub fn default_action(signal: Signal) -> Default {
    match signal {
        Signal::SIGCHLD | Signal::SIGURG | Signal::SIGWINCH => Default::Ignore,
        Signal::SIGCONT => Default::Continue,
        Signal::SIGSTOP | Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU => Default::Stop,
        Signal::SIGQUIT
        | Signal::SIGILL
        | Signal::SIGTRAP
        | Signal::SIGABRT
        | Signal::SIGBUS
        | Signal::SIGFPE
        | Signal::SIGSEGV
        | Signal::SIGXCPU
        | Signal::SIGXFSZ
        | Signal::SIGSYS => Default::Core,
        _ => Default::Terminate,
    }
}

/// The signals that stop a process by default.
pub const STOPPING: SigSet =
    SigSet::EMPTY.with(Signal::SIGSTOP).with(Signal::SIGTSTP).with(Signal::SIGTTIN).with(Signal::SIGTTOU);

/// The action for one signal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Action {
    /// The handler's address, [`SIG_DFL`] or [`SIG_IGN`].
    pub handler: u64,
    /// The flags.
    pub flags: SaFlags,
    /// Where the handler returns to.
    pub restorer: u64,
    /// What is blocked while the handler runs.
    pub mask: SigSet,
}

impl Action {
    /// The action of a user's struct; unknown flag bits are dropped, as Linux does, so that a program can find out.
    pub fn from_abi(action: &Sigaction) -> Self {
        Self {
            handler: action.handler,
            flags: SaFlags::from_bits_truncate(action.flags) - SaFlags::UNSUPPORTED,
            restorer: action.restorer,
            mask: SigSet(action.mask).difference(SigSet::UNBLOCKABLE),
        }
    }

    /// The user's struct.
    pub fn to_abi(self) -> Sigaction {
        Sigaction {
            handler: self.handler,
            flags: self.flags.bits(),
            restorer: self.restorer,
            mask: self.mask.0,
        }
    }

    /// Whether the signal has no effect with this action.
    pub fn ignores(&self, signal: Signal) -> bool {
        self.handler == SIG_IGN
            || self.handler == SIG_DFL
                && matches!(default_action(signal), Default::Ignore | Default::Continue)
    }

    /// Whether a handler is installed.
    pub fn is_caught(&self) -> bool {
        self.handler != SIG_DFL && self.handler != SIG_IGN
    }
}

/// The actions of all signals.
pub struct Actions(SpinLock<[Action; NSIG as usize]>);

impl core::default::Default for Actions {
    fn default() -> Self {
        Self(SpinLock::new(&lock_classes::ACTIONS, [Action::default(); NSIG as usize]))
    }
}

impl Actions {
    /// A table of its own with the same actions.
    pub fn copy(&self) -> Self {
        let actions = *self.0.lock_irq();
        Self(SpinLock::new(&lock_classes::ACTIONS, actions))
    }

    /// The action for a signal.
    pub fn get(&self, signal: Signal) -> Action {
        self.0.lock_irq().get(signal.index()).copied().unwrap_or_default()
    }

    /// Replaces the action for a signal; gives the old one.
    pub fn set(&self, signal: Signal, action: Action) -> Action {
        match self.0.lock_irq().get_mut(signal.index()) {
            Some(slot) => core::mem::replace(slot, action),
            None => Action::default(),
        }
    }

    /// Makes the action for a signal the default one (`SA_RESETHAND`, and faults that cannot be ignored).
    pub fn reset(&self, signal: Signal) {
        if let Some(action) = self.0.lock_irq().get_mut(signal.index()) {
            action.handler = SIG_DFL;
        }
    }

    /// What `exec` does: caught signals get the default action, ignored ones stay ignored; flags and masks go.
    pub fn reset_for_exec(&self) {
        for action in self.0.lock_irq().iter_mut() {
            let handler = if action.handler == SIG_IGN { SIG_IGN } else { SIG_DFL };
            *action = Action { handler, ..Action::default() };
        }
    }

    /// What `CLONE_CLEAR_SIGHAND` does: as [`Actions::reset_for_exec`].
    pub fn reset_caught(&self) {
        self.reset_for_exec();
    }

    /// The signals that are ignored and those that are caught, for `/proc/PID/status`.
    pub fn ignored_and_caught(&self) -> (SigSet, SigSet) {
        let (mut ignored, mut caught) = (SigSet::EMPTY, SigSet::EMPTY);
        for (number, action) in (1..).zip(self.0.lock_irq().iter()) {
            let Some(signal) = Signal::new(number) else { continue };
            if action.handler == SIG_IGN {
                ignored = ignored.with(signal);
            } else if action.handler != SIG_DFL {
                caught = caught.with(signal);
            }
        }
        (ignored, caught)
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Actions};
    use abi::Signal;
    use abi::signal::{SIG_DFL, SIG_IGN, SaFlags};

    #[test]
    fn exec_keeps_ignored_signals_and_forgets_handlers() {
        let actions = Actions::default();
        let caught = Action { handler: 0x1000, flags: SaFlags::RESTART, ..Action::default() };
        actions.set(Signal::SIGINT, caught);
        actions.set(Signal::SIGHUP, Action { handler: SIG_IGN, ..Action::default() });
        actions.reset_for_exec();
        assert_eq!(actions.get(Signal::SIGINT).handler, SIG_DFL);
        assert_eq!(actions.get(Signal::SIGINT).flags, SaFlags::empty());
        assert_eq!(actions.get(Signal::SIGHUP).handler, SIG_IGN);
    }

    #[test]
    fn a_signal_that_does_nothing_by_default_counts_as_ignored() {
        assert!(Action::default().ignores(Signal::SIGCHLD));
        assert!(Action::default().ignores(Signal::SIGCONT));
        assert!(!Action::default().ignores(Signal::SIGTERM));
        assert!(!Action { handler: 0x1000, ..Action::default() }.ignores(Signal::SIGCHLD));
    }

    #[test]
    fn the_copy_of_a_table_is_independent() {
        let actions = Actions::default();
        let copy = actions.copy();
        actions.set(Signal::SIGINT, Action { handler: SIG_IGN, ..Action::default() });
        assert_eq!(copy.get(Signal::SIGINT).handler, SIG_DFL);
    }
}
