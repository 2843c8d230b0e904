//! Processes and threads: making and ending them, waiting for them, who they are, what they may use.

pub mod capabilities;
pub mod execute;
pub mod groups;
pub mod identity;
pub mod kcmp;
pub mod lifecycle;
pub mod limits;
pub mod others_memory;
pub mod pidfd;
pub mod prctl;
pub mod seccomp;
pub mod wait;
