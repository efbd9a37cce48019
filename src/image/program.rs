//! The platform of a program, from its first bytes.
//!
//! A kernel runs everything that its processor can run, whatever the platform of the image: an
//! amd64 program in an arm64 image works on an amd64 machine, but nowhere else.

use std::fmt;

use super::Platform;

/// The kind of an executable file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Program {
    Elf(Elf),
    /// A script with a `#!` line.
    Script {
        interpreter: String,
        /// The text after the interpreter, as one word.
        argument: String,
    },
    /// Neither.
    Other,
}

/// The processor of an ELF file.
///
/// Source: <https://gabi.xinuos.com/elf/02-eheader.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elf {
    is_64_bit: bool,
    is_big_endian: bool,
    machine: u16,
}

const I386: u16 = 3;
const I486: u16 = 6;
const MIPS: u16 = 8;
const PPC: u16 = 20;
const PPC64: u16 = 21;
const S390: u16 = 22;
const ARM: u16 = 40;
const SPARCV9: u16 = 43;
const X86_64: u16 = 62;
const AARCH64: u16 = 183;
const RISCV: u16 = 243;
const LOONGARCH: u16 = 258;

impl Program {
    /// The number of bytes that are read from the start of a file, as in Linux.
    pub(crate) const HEAD: usize = 256;

    /// The kind of a file that starts with `head`.
    pub(crate) fn of(head: &[u8]) -> Self {
        let head = &head[..head.len().min(Self::HEAD)];
        if let Some(line) = head.strip_prefix(b"#!") {
            let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let line = String::from_utf8_lossy(line);
            let line = line.trim_matches([' ', '\t', '\r']);
            let (interpreter, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            return match interpreter {
                "" => Self::Other,
                _ => Self::Script {
                    interpreter: interpreter.to_owned(),
                    argument: argument.trim().to_owned(),
                },
            };
        }
        Elf::of(head).map_or(Self::Other, Self::Elf)
    }
}

impl Elf {
    fn of(head: &[u8]) -> Option<Self> {
        let [b'\x7f', b'E', b'L', b'F', class @ (1 | 2), data @ (1 | 2), ..] = *head else {
            return None;
        };
        let machine = [*head.get(18)?, *head.get(19)?];
        let is_big_endian = data == 2;
        let machine =
            if is_big_endian { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) };
        Some(Self { is_64_bit: class == 2, is_big_endian, machine })
    }

    /// Whether a machine of this platform runs it natively. `None` if the platform or the machine
    /// in the file is unknown.
    pub(crate) fn runs_on(&self, platform: &Platform) -> Option<bool> {
        let Self { is_64_bit, is_big_endian, machine } = *self;
        let little = !is_big_endian;
        Some(match platform.architecture() {
            // A class 32 file for x86-64 uses the x32 ABI.
            "amd64" => matches!(machine, X86_64 | I386 | I486),
            "386" => matches!(machine, I386 | I486),
            "arm64" => little && matches!(machine, AARCH64 | ARM),
            "arm" => little && machine == ARM,
            "riscv64" => machine == RISCV && is_64_bit,
            "ppc64le" => machine == PPC64 && little,
            "ppc64" => matches!(machine, PPC64 | PPC) && is_big_endian,
            "s390x" => machine == S390 && is_big_endian,
            "mips64le" => machine == MIPS && little,
            "mips64" => machine == MIPS && is_big_endian,
            "mipsle" => machine == MIPS && little && !is_64_bit,
            "mips" => machine == MIPS && is_big_endian && !is_64_bit,
            "loong64" => machine == LOONGARCH && is_64_bit,
            _ => return None,
        })
    }
}

/// With its article: `an x86-64 program`.
impl fmt::Display for Elf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let big =
            |other: &'static str, big: &'static str| if self.is_big_endian { big } else { other };
        f.write_str(match self.machine {
            X86_64 => "an x86-64 program",
            I386 | I486 => "a 32-bit x86 program",
            AARCH64 => "an AArch64 program",
            ARM => "a 32-bit Arm program",
            RISCV if self.is_64_bit => "a 64-bit RISC-V program",
            RISCV => "a 32-bit RISC-V program",
            PPC64 => big("a ppc64le program", "a ppc64 program"),
            PPC => "a 32-bit PowerPC program",
            S390 => "an s390 program",
            MIPS => big("a little-endian MIPS program", "a MIPS program"),
            LOONGARCH => "a LoongArch program",
            SPARCV9 => "a SPARC program",
            other => return write!(f, "a program for ELF machine {other}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first bytes of an ELF file.
    fn elf(bits: u8, big_endian: bool, machine: u16) -> Vec<u8> {
        let mut head = vec![0; 64];
        let (class, data) = (if bits == 64 { 2 } else { 1 }, if big_endian { 2 } else { 1 });
        head[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, data]);
        let machine = if big_endian { machine.to_be_bytes() } else { machine.to_le_bytes() };
        head[18..20].copy_from_slice(&machine);
        head
    }

    #[test]
    fn a_program_runs_on_its_platforms() {
        const ALL: [&str; 14] = [
            "linux/amd64",
            "linux/386",
            "linux/arm64",
            "linux/arm/v7",
            "linux/arm/v6",
            "linux/arm/v5",
            "linux/riscv64",
            "linux/ppc64le",
            "linux/ppc64",
            "linux/s390x",
            "linux/mips64le",
            "linux/mips64",
            "linux/loong64",
            "linux/amd64/v3",
        ];
        let arms = ["linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"];
        for (bits, big, machine, named, runs_on) in [
            (64, false, X86_64, "an x86-64 program", &["linux/amd64", "linux/amd64/v3"][..]),
            (32, false, X86_64, "an x86-64 program", &["linux/amd64", "linux/amd64/v3"]),
            (32, false, I386, "a 32-bit x86", &["linux/amd64", "linux/386", "linux/amd64/v3"]),
            (64, false, AARCH64, "an AArch64 program", &["linux/arm64"]),
            (64, true, AARCH64, "an AArch64 program", &[]),
            (32, false, ARM, "a 32-bit Arm program", &arms),
            (64, false, RISCV, "a 64-bit RISC-V program", &["linux/riscv64"]),
            (32, false, RISCV, "a 32-bit RISC-V program", &[]),
            (64, false, PPC64, "a ppc64le program", &["linux/ppc64le"]),
            (64, true, PPC64, "a ppc64 program", &["linux/ppc64"]),
            (64, true, S390, "an s390 program", &["linux/s390x"]),
            (64, false, MIPS, "a little-endian MIPS program", &["linux/mips64le"]),
            (64, true, MIPS, "a MIPS program", &["linux/mips64"]),
            (64, false, LOONGARCH, "a LoongArch program", &["linux/loong64"]),
            (64, false, 9999, "a program for ELF machine 9999", &[]),
        ] {
            let Program::Elf(elf) = Program::of(&elf(bits, big, machine)) else {
                panic!("{named}")
            };
            assert!(elf.to_string().starts_with(named), "{elf}, not {named}");
            for platform in ALL {
                let found = elf.runs_on(&platform.parse().unwrap());
                assert_eq!(found, Some(runs_on.contains(&platform)), "{elf} on {platform}");
            }
            assert_eq!(elf.runs_on(&"linux/sparc64".parse().unwrap()), None);
        }
    }

    #[test]
    fn a_script_names_its_interpreter() {
        for (head, interpreter, argument) in [
            ("#!/bin/sh\necho", "/bin/sh", ""),
            ("#! /bin/sh -e\r\necho", "/bin/sh", "-e"),
            ("#!/usr/bin/env python3\n", "/usr/bin/env", "python3"),
            ("#!/usr/bin/env\t-S deno run\n", "/usr/bin/env", "-S deno run"),
            ("#!/bin/busybox sh", "/bin/busybox", "sh"),
        ] {
            let found = Program::of(head.as_bytes());
            let (interpreter, argument) = (interpreter.to_owned(), argument.to_owned());
            assert_eq!(found, Program::Script { interpreter, argument }, "{head}");
        }
    }

    #[test]
    fn other_files_are_neither() {
        let mut odd = elf(64, false, X86_64);
        odd[4] = 3;
        for head in [
            &b""[..],
            b"#",
            b"#!",
            b"#! \n/bin/sh",
            b"\x7fELF",
            b"\x7fELF\x02\x01\x01",
            b"MZ",
            &odd,
        ] {
            assert_eq!(Program::of(head), Program::Other, "{head:?}");
        }
        let long = [&b"#!/"[..], &[b'x'; 4096]].concat();
        let Program::Script { interpreter, .. } = Program::of(&long) else {
            panic!("it is a script")
        };
        assert_eq!(interpreter.len(), Program::HEAD - 2);
    }
}
