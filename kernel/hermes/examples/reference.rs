//! Prints the reference of system calls, as the book has it.
#![forbid(unsafe_code)]

fn main() {
    print!("{}", hermes::reference::page());
}
