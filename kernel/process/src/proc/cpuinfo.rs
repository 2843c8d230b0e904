//! `/proc/cpuinfo`: what the processor says of itself (Intel SDM volume 2, CPUID).

use alloc::string::String;
use chroma::synthetic::Text;

/// EAX, EBX, ECX, EDX of a leaf.
type Leaf = [u32; 4];

/// Bits of a register, with their names.
type Bits = &'static [(u32, &'static str)];

/// Flags by register and bit, as Linux calls them: leaf 1 EDX and ECX, leaf 7 EBX and ECX, leaf 0x8000_0001 EDX and ECX.
const FLAGS: [(u32, usize, Bits); 6] = [
    (
        1,
        3,
        &[
            (0, "fpu"),
            (1, "vme"),
            (2, "de"),
            (3, "pse"),
            (4, "tsc"),
            (5, "msr"),
            (6, "pae"),
            (7, "mce"),
            (8, "cx8"),
            (9, "apic"),
            (11, "sep"),
            (12, "mtrr"),
            (13, "pge"),
            (14, "mca"),
            (15, "cmov"),
            (16, "pat"),
            (17, "pse36"),
            (19, "clflush"),
            (22, "acpi"),
            (23, "mmx"),
            (24, "fxsr"),
            (25, "sse"),
            (26, "sse2"),
            (27, "ss"),
            (28, "ht"),
        ],
    ),
    (
        0x8000_0001,
        3,
        &[
            (11, "syscall"),
            (20, "nx"),
            (22, "mmxext"),
            (25, "fxsr_opt"),
            (26, "pdpe1gb"),
            (27, "rdtscp"),
            (29, "lm"),
            (30, "3dnowext"),
            (31, "3dnow"),
        ],
    ),
    (
        1,
        2,
        &[
            (0, "pni"),
            (1, "pclmulqdq"),
            (3, "monitor"),
            (9, "ssse3"),
            (12, "fma"),
            (13, "cx16"),
            (17, "pcid"),
            (19, "sse4_1"),
            (20, "sse4_2"),
            (21, "x2apic"),
            (22, "movbe"),
            (23, "popcnt"),
            (24, "tsc_deadline_timer"),
            (25, "aes"),
            (26, "xsave"),
            (28, "avx"),
            (29, "f16c"),
            (30, "rdrand"),
            (31, "hypervisor"),
        ],
    ),
    (
        0x8000_0001,
        2,
        &[(0, "lahf_lm"), (2, "svm"), (4, "cr8_legacy"), (5, "abm"), (6, "sse4a"), (8, "3dnowprefetch")],
    ),
    (
        7,
        1,
        &[
            (0, "fsgsbase"),
            (3, "bmi1"),
            (5, "avx2"),
            (7, "smep"),
            (8, "bmi2"),
            (9, "erms"),
            (18, "rdseed"),
            (19, "adx"),
            (20, "smap"),
            (23, "clflushopt"),
            (24, "clwb"),
            (29, "sha_ni"),
        ],
    ),
    (
        7,
        2,
        &[
            (2, "umip"),
            (3, "pku"),
            (4, "ospke"),
            (9, "vaes"),
            (10, "vpclmulqdq"),
            (16, "la57"),
            (22, "rdpid"),
        ],
    ),
];

fn bits(value: u32, from: u32, count: u32) -> u32 {
    value >> from & ((1 << count) - 1)
}

fn ascii(words: &[u32]) -> String {
    words.iter().flat_map(|word| word.to_le_bytes()).filter(|byte| *byte != 0).map(char::from).collect()
}

/// Family, model, stepping, as the manuals compute them from leaf 1.
fn signature(eax: u32) -> (u32, u32, u32) {
    let (family, model) = (bits(eax, 8, 4), bits(eax, 4, 4));
    let full_family = if family == 15 { family + bits(eax, 20, 8) } else { family };
    let full_model = if family == 6 || family == 15 { model | bits(eax, 16, 4) << 4 } else { model };
    (full_family, full_model, bits(eax, 0, 4))
}

/// One processor's lines.
pub(super) fn format(
    number: usize,
    count: usize,
    khz: u64,
    cpuid: impl Fn(u32, u32) -> Leaf,
    text: &mut Text,
) {
    let [highest, ebx, ecx, edx] = cpuid(0, 0);
    let [signature_bits, line_bits, ..] = cpuid(1, 0);
    let (family, model, stepping) = signature(signature_bits);
    let vendor = ascii(&[ebx, edx, ecx]);
    let brand = [0x8000_0002, 0x8000_0003, 0x8000_0004].map(|leaf| ascii(&cpuid(leaf, 0)));
    writeln!(
        text,
        "processor\t: {number}\nvendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {model}"
    );
    writeln!(text, "model name\t: {}\nstepping\t: {stepping}", brand.concat().trim());
    writeln!(text, "cpu MHz\t\t: {}.{:03}", khz / 1000, khz % 1000);
    writeln!(text, "physical id\t: 0\nsiblings\t: {count}\ncore id\t\t: {number}\ncpu cores\t: {count}");
    writeln!(text, "apicid\t\t: {number}\ninitial apicid\t: {number}\nfpu\t\t: yes\nfpu_exception\t: yes");
    write!(text, "cpuid level\t: {highest}\nwp\t\t: yes\nflags\t\t:");
    for (leaf, register, names) in FLAGS {
        let value = cpuid(leaf, 0).get(register).copied().unwrap_or(0);
        for (bit, name) in names {
            if value >> bit & 1 != 0 {
                write!(text, " {name}");
            }
        }
    }
    // Linux's measure of a delay loop, which on this hardware is twice the clock.
    let bogus = khz / 5;
    writeln!(text, "\nbugs\t\t:\nbogomips\t: {}.{:02}", bogus / 100, bogus % 100);
    let line = bits(line_bits, 8, 8) * 8;
    let [sizes, ..] = cpuid(0x8000_0008, 0);
    writeln!(text, "clflush size\t: {line}\ncache_alignment\t: {line}");
    let (physical, linear) = (bits(sizes, 0, 8), bits(sizes, 8, 8));
    writeln!(text, "address sizes\t: {physical} bits physical, {linear} bits virtual\npower management:\n");
}
