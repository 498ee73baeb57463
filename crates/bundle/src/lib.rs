//! What the binary of a worker needs from the machine on which it runs: its processor and its C library.
//!
//! Lambda's `provided.al2023` has glibc 2.34. A binary that was linked on a newer system may need a newer one, and then ends before its
//! first line.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

use std::fmt;
use std::str::FromStr;

use elf::ElfBytes;
use elf::abi::{EM_AARCH64, EM_X86_64, SHT_GNU_VERNEED, VER_FLG_WEAK};
use elf::endian::AnyEndian;
use elf::gnu_symver::VerNeedIterator;
use elf::string_table::StringTable;

/// A version of the GNU C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc {
    major: u32,
    minor: u32,
}

impl Glibc {
    /// That of Lambda's `provided.al2023`.
    pub const LAMBDA: Self = Self { major: 2, minor: 34 };

    /// The remedy for binaries that need a newer one than [`Self::LAMBDA`].
    pub const REMEDY: &str = "Link for the older one: `pip install cargo-lambda` (it includes zig) and `cargo xtask package --zig`, or \
                              build on a system with glibc 2.34 or older, such as Amazon Linux 2023";
}

impl fmt::Display for Glibc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Glibc {
    type Err = ();

    /// Reads a version such as `2.34` or `2.2.5`, the third number of which no release since 2.3 has.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.split('.').map(|number| number.parse().map_err(drop));
        Ok(Self { major: numbers.next().ok_or(())??, minor: numbers.next().ok_or(())?? })
    }
}

/// A processor of Lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    /// `x86_64`.
    X86,
    /// `arm64`.
    Arm,
}

impl Processor {
    /// Its name in Lambda and in the setting `architecture`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        }
    }
}

/// What a binary needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// `None` for processors that Lambda does not have.
    pub processor: Option<Processor>,
    /// `None` for a binary without the GNU C library.
    pub glibc: Option<Glibc>,
}

/// A file that is not an executable for Linux, or a damaged one.
#[derive(Debug, thiserror::Error)]
#[error("the file is not an executable for Linux")]
pub struct NotExecutable(#[from] elf::ParseError);

impl Needs {
    /// Reads them from the bytes of an ELF file.
    ///
    /// # Errors
    /// When the bytes are not an ELF file.
    pub fn of(binary: &[u8]) -> Result<Self, NotExecutable> {
        let file = ElfBytes::<AnyEndian>::minimal_parse(binary)?;
        let processor = match file.ehdr.e_machine {
            EM_X86_64 => Some(Processor::X86),
            EM_AARCH64 => Some(Processor::Arm),
            _ => None,
        };
        let mut glibc = None;
        for section in file.section_headers().into_iter().flat_map(|headers| headers.iter().collect::<Vec<_>>()) {
            if section.sh_type != SHT_GNU_VERNEED {
                continue;
            }
            let (needs, _) = file.section_data(&section)?;
            let names = file.section_headers().ok_or(elf::ParseError::BadOffset(0))?.get(section.sh_link as usize)?;
            let names: StringTable<'_> = file.section_data_as_strtab(&names)?;
            let needs =
                VerNeedIterator::new(file.ehdr.endianness, file.ehdr.class, u64::from(section.sh_info), 0, needs);
            for version in needs.flat_map(|(_, versions)| versions) {
                // The loader starts a binary without a version that only weak symbols have.
                if version.vna_flags & VER_FLG_WEAK != 0 {
                    continue;
                }
                let name = names.get(version.vna_name as usize)?;
                glibc = glibc.max(name.strip_prefix("GLIBC_").and_then(|version| version.parse().ok()));
            }
        }
        Ok(Self { processor, glibc })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[u8] = b"\0libc.so.6\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.39\0GCC_3.0\0GLIBC_PRIVATE\0";

    /// An executable for `x86_64` that needs these versions, each with its flags.
    fn binary(versions: &[(&str, u16)]) -> Vec<u8> {
        let at =
            |name: &str| u32::try_from(NAMES.windows(name.len()).position(|part| part == name.as_bytes()).unwrap());
        let mut needs = Vec::new();
        needs.extend(1_u16.to_le_bytes());
        needs.extend(u16::try_from(versions.len()).unwrap().to_le_bytes());
        for word in [at("libc.so.6").unwrap(), 16, 0] {
            needs.extend(word.to_le_bytes());
        }
        for (number, (name, flags)) in versions.iter().enumerate() {
            needs.extend(0_u32.to_le_bytes());
            needs.extend(flags.to_le_bytes());
            needs.extend(2_u16.to_le_bytes());
            needs.extend(at(name).unwrap().to_le_bytes());
            needs.extend(if number + 1 < versions.len() { 16_u32 } else { 0 }.to_le_bytes());
        }
        let (names_at, needs_at) = (64, 64 + NAMES.len());
        let headers_at = needs_at + needs.len();
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        for half in [2_u16, EM_X86_64] {
            file.extend(half.to_le_bytes());
        }
        file.extend(1_u32.to_le_bytes());
        for word in [0_u64, 0, headers_at as u64] {
            file.extend(word.to_le_bytes());
        }
        file.extend(0_u32.to_le_bytes());
        for half in [64_u16, 0, 0, 64, 3, 0] {
            file.extend(half.to_le_bytes());
        }
        file.extend(NAMES);
        file.extend(&needs);
        let mut section = |kind: u32, offset: usize, size: usize, link: u32, info: u32| {
            for word in [0, kind] {
                file.extend(word.to_le_bytes());
            }
            for word in [0, 0, offset as u64, size as u64] {
                file.extend(word.to_le_bytes());
            }
            for word in [link, info] {
                file.extend(word.to_le_bytes());
            }
            for word in [1_u64, 0] {
                file.extend(word.to_le_bytes());
            }
        };
        section(0, 0, 0, 0, 0);
        section(elf::abi::SHT_STRTAB, names_at, NAMES.len(), 0, 0);
        section(SHT_GNU_VERNEED, needs_at, needs.len(), 1, 1);
        file
    }

    fn glibc(versions: &[(&str, u16)]) -> Option<String> {
        Needs::of(&binary(versions)).unwrap().glibc.map(|version| version.to_string())
    }

    #[test]
    fn finds_the_newest_version_of_the_c_library() {
        let versions = [("GLIBC_2.34", 0), ("GLIBC_2.2.5", 0), ("GCC_3.0", 0), ("GLIBC_PRIVATE", 0)];
        assert_eq!(glibc(&versions).as_deref(), Some("2.34"));
        assert_eq!(glibc(&[("GLIBC_2.34", 0), ("GLIBC_2.39", 0)]).as_deref(), Some("2.39"));
    }

    #[test]
    fn ignores_versions_of_weak_symbols() {
        assert_eq!(glibc(&[("GLIBC_2.34", 0), ("GLIBC_2.39", VER_FLG_WEAK)]).as_deref(), Some("2.34"));
    }

    #[test]
    fn a_binary_may_need_no_c_library() {
        assert_eq!(
            Needs::of(&binary(&[("GCC_3.0", 0)])).unwrap(),
            Needs { processor: Some(Processor::X86), glibc: None }
        );
    }

    #[test]
    fn compares_versions_as_numbers() {
        let version = |text: &str| text.parse::<Glibc>().unwrap();
        assert!(version("2.4") < Glibc::LAMBDA && Glibc::LAMBDA == version("2.34") && version("2.100") > Glibc::LAMBDA);
    }

    #[test]
    fn refuses_what_is_no_executable() {
        assert!(Needs::of(b"#!/bin/sh\n").is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn reads_a_binary_of_this_machine() {
        let needs = Needs::of(&std::fs::read(std::env::current_exe().unwrap()).unwrap()).unwrap();
        assert_eq!(needs.processor.unwrap().name().replace("arm64", "aarch64"), std::env::consts::ARCH);
        #[cfg(target_env = "gnu")]
        assert!(needs.glibc.unwrap() >= "2.2".parse().unwrap());
    }
}
