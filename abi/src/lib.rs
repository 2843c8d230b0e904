//! The contract with user space: the numbers, layouts, flags and errors of Linux on x86-64, exactly, and
//! Serix's own calls (from 1024).
//!
//! Nothing here does anything; the crate holds only what both sides of the system-call border must agree on.
#![no_std]
#![forbid(unsafe_code)]
