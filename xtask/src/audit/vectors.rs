//! Vector and floating-point instructions: the kernel's image holds none outside hal's marked places, because the
//! registers are the user's and are switched with the thread, not at the kernel's door.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use iced_x86::{Decoder, DecoderOptions, Instruction, OpKind, Register};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

use super::Report;

/// A section whose code may use the registers.
const MARKED_SECTION: &str = ".text.fpu";
/// The module whose functions may: a path with this part.
const MARKED_MODULE: &str = "::fpu::";

/// A function of an image.
struct Function<'a> {
    name: String,
    address: u64,
    code: &'a [u8],
}

/// Decodes every function of a kernel image.
pub fn audit(image: &Path, report: &mut Report) -> Result<()> {
    let bytes = fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let functions =
        functions(&bytes).with_context(|| format!("cannot read {} as an ELF file", image.display()))?;
    let (mut decoded, mut vector) = (0, 0);
    for function in &functions {
        decoded += function.code.len();
        if let Some(instruction) = first_vector(function.code, function.address) {
            vector += 1;
            let place = format!("{} at {:#x}: {instruction}", function.name, instruction.ip());
            report.finding("a vector or floating-point instruction in the kernel", &place);
        }
    }
    report.figure("bytes of kernel code decoded", decoded);
    report.figure("functions with vector instructions outside hal's marked places", vector);
    if functions.is_empty() {
        report.finding("vector instructions", "the kernel's image has no symbols to find its functions by");
    }
    Ok(())
}

/// The functions of an image, without those in the marked places.
fn functions(bytes: &[u8]) -> Result<Vec<Function<'_>>> {
    let file = object::File::parse(bytes)?;
    let mut functions = Vec::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0) {
        let Some(index) = symbol.section_index() else { continue };
        let section = file.section_by_index(index)?;
        let name = format!("{:#}", rustc_demangle::demangle(symbol.name()?));
        if section.name()? == MARKED_SECTION || name.contains(MARKED_MODULE) {
            continue;
        }
        if let Some(code) = section.data_range(symbol.address(), symbol.size())? {
            functions.push(Function { name, address: symbol.address(), code });
        }
    }
    Ok(functions)
}

/// The first instruction of `code` that touches a vector, mask or floating-point register.
fn first_vector(code: &[u8], address: u64) -> Option<Instruction> {
    Decoder::with_ip(64, code, address, DecoderOptions::NONE).into_iter().find(|instruction| {
        (0..instruction.op_count()).any(|operand| {
            instruction.op_kind(operand) == OpKind::Register && is_vector(instruction.op_register(operand))
        })
    })
}

fn is_vector(register: Register) -> bool {
    let within = |first: Register, last: Register| (first as u32..=last as u32).contains(&(register as u32));
    within(Register::XMM0, Register::ZMM31)
        || within(Register::K0, Register::K7)
        || within(Register::MM0, Register::MM7)
        || within(Register::ST0, Register::ST7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_instructions_are_known_by_their_registers() {
        let general: &[u8] = &[0x48, 0x89, 0xd8, 0xf3, 0xa4, 0x0f, 0x01, 0xd0, 0xc3]; // mov, rep movsb, xgetbv, ret
        assert!(first_vector(general, 0).is_none());
        let vectors: [&[u8]; 4] = [
            &[0x0f, 0x28, 0xc1],       // movaps xmm0, xmm1
            &[0xc5, 0xfd, 0x6f, 0x07], // vmovdqa ymm0, [rdi]
            &[0xdd, 0xc0],             // ffree st(0)
            &[0x0f, 0x6f, 0xc1],       // movq mm0, mm1
        ];
        for code in vectors {
            assert!(first_vector(code, 0).is_some(), "{code:x?}");
        }
    }

    #[test]
    fn this_very_program_has_some_outside_the_marked_places() {
        let own = std::env::current_exe().expect("tests run from a file");
        let mut report = Report::default();
        audit(&own, &mut report).expect("an ELF file");
        assert!(!report.findings.is_empty());
    }
}
