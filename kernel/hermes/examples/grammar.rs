//! Prints the grammar of system calls, as the fuzzer reads it.
#![forbid(unsafe_code)]

fn main() {
    print!("{}", hermes::grammar::text());
}
