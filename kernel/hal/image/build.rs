//! Hands the linker script to the linker, and asks it to keep the relocations, from which the build makes the table that the
//! kernel moves itself with.

fn main() {
    println!("cargo::rerun-if-changed=link.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-T{folder}/link.ld");
        println!("cargo::rustc-link-arg-bins=--emit-relocs");
        // A relaxed instruction would no longer be what its relocation says.
        println!("cargo::rustc-link-arg-bins=--no-relax");
    }
}
