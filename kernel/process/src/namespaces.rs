//! Namespaces: what a process sees of the system. Two kinds exist, mounts and host names; the others' places are here.

use crate::lock_classes;
use abi::Errno;
use abi::system::HOST_NAME_MAX;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::mount::UsedNamespace;
use hal::SpinLock;

/// The names of the host.
pub struct HostNames(SpinLock<Names>);

#[derive(Clone)]
struct Names {
    host: Vec<u8>,
    domain: Vec<u8>,
}

impl Default for HostNames {
    fn default() -> Self {
        let names = Names { host: b"(none)".to_vec(), domain: b"(none)".to_vec() };
        Self(SpinLock::new(&lock_classes::PROCESS, names))
    }
}

impl HostNames {
    /// A namespace of its own with the same names.
    pub fn duplicate(&self) -> Self {
        let names = self.0.lock().clone();
        Self(SpinLock::new(&lock_classes::PROCESS, names))
    }

    /// The host's name.
    pub fn host(&self) -> Vec<u8> {
        self.0.lock().host.clone()
    }

    /// The domain's name.
    pub fn domain(&self) -> Vec<u8> {
        self.0.lock().domain.clone()
    }

    /// Changes the host's name.
    ///
    /// # Errors
    /// `EINVAL`: too long.
    pub fn set_host(&self, name: Vec<u8>) -> Result<(), Errno> {
        self.replace(name, |names| &mut names.host)
    }

    /// Changes the domain's name.
    ///
    /// # Errors
    /// `EINVAL`: too long.
    pub fn set_domain(&self, name: Vec<u8>) -> Result<(), Errno> {
        self.replace(name, |names| &mut names.domain)
    }

    fn replace(&self, mut name: Vec<u8>, which: impl Fn(&mut Names) -> &mut Vec<u8>) -> Result<(), Errno> {
        if name.len() > HOST_NAME_MAX {
            return Err(Errno::EINVAL);
        }
        core::mem::swap(which(&mut self.0.lock()), &mut name);
        Ok(())
    }
}

/// The namespaces of a thread.
#[derive(Clone)]
pub struct Namespaces {
    /// What is mounted.
    pub mounts: UsedNamespace,
    /// The host's names.
    pub names: Arc<HostNames>,
}
