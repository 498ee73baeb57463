//! Malformed archives.

use bonafide_tools::packages::{members, png, zip};

use crate::package::{MARKER, Package, refused};
use crate::raw_zip::{End, Entry, build, build_with, crc};

const NOT_A_ZIP: &str = "PACKAGE_NOT_A_ZIP";
const UNEXPECTED: &str = "PACKAGE_MEMBER_UNEXPECTED";
const UNSAFE: &str = "PACKAGE_PATH_UNSAFE";
const DOUBLED: &str = "PACKAGE_MEMBER_DOUBLED";
const TOO_MANY: &str = "PACKAGE_TOO_MANY_ENTRIES";
const BOMB: &str = "PACKAGE_ZIP_BOMB";
const ENCRYPTED: &str = "PACKAGE_ENCRYPTED";

fn entries(id: &str) -> Vec<Entry> {
    members(id, "X1").into_iter().map(|(name, bytes)| Entry::new(name, bytes)).collect()
}

/// A good package, with its selfie changed.
fn selfie(id: &str, change: impl FnOnce(&mut Entry)) -> Vec<u8> {
    let mut entries = entries(id);
    change(&mut entries[2]);
    build(&entries)
}

/// A good package with one more member.
fn plus(id: &str, entry: Entry) -> Vec<u8> {
    let mut entries = entries(id);
    entries.push(entry);
    build(&entries)
}

fn good(id: &str) -> Vec<u8> {
    zip(&members(id, "X1"))
}

pub(crate) fn all() -> Vec<Package> {
    [truncated(), no_archives(), bombs(), numbers(), names(), kinds(), methods(), contents(), differentials(), around()]
        .concat()
}

fn truncated() -> Vec<Package> {
    let parts = (1..40).map(|part| {
        refused("truncated", &format!("after {part} of 40 parts"), NOT_A_ZIP, move |id| {
            let zip = good(id);
            zip[..zip.len() * part / 40].to_vec()
        })
    });
    let ends = (1..12).map(|bytes| {
        refused("truncated", &format!("without the last {} bytes", bytes * 2 - 1), NOT_A_ZIP, move |id| {
            let zip = good(id);
            zip[..zip.len() - (bytes * 2 - 1)].to_vec()
        })
    });
    parts.chain(ends).collect()
}

fn no_archives() -> Vec<Package> {
    let contents: [(&str, Vec<u8>); 18] = [
        ("nothing", Vec::new()),
        ("text", format!("I am {MARKER}").into_bytes()),
        ("gzip", b"\x1F\x8B\x08\0\0\0\0\0\0\x03".to_vec()),
        ("7z", b"7z\xBC\xAF\x27\x1C\0\x04".to_vec()),
        ("RAR", b"Rar!\x1A\x07\x01\0".to_vec()),
        ("tar", [vec![b'a'; 257], b"ustar\x0000".to_vec(), vec![0; 248]].concat()),
        ("PDF", b"%PDF-1.7\n%%EOF".to_vec()),
        ("ELF", b"\x7FELF\x02\x01\x01\0".to_vec()),
        ("picture", png(600, 400)),
        ("XML entities", b"<!DOCTYPE x [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><x>&b;</x>".to_vec()),
        ("two letters", b"PK".to_vec()),
        ("only a header", b"PK\x03\x04".to_vec()),
        ("only an end that declares members", b"PK\x05\x06\0\0\0\0\x03\0\x03\0\0\0\0\0\0\0\0\0\0\0".to_vec()),
        ("megabytes of nothing", vec![0; 6 * 1024 * 1024]),
        ("a hundred thousand ends", b"PK\x05\x06".repeat(100_000)),
        ("a hundred thousand headers", b"PK\x03\x04".repeat(100_000)),
        ("ends that fit", b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2E\0\0\0\0\0\0\0\0\0".repeat(5_000)),
        ("locators", b"PK\x06\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0".repeat(5_000)),
    ];
    contents.into_iter().map(|(name, bytes)| refused("no archive", name, NOT_A_ZIP, move |_| bytes.clone())).collect()
}

fn bombs() -> Vec<Package> {
    const MEGABYTE: usize = 1024 * 1024;
    let with = |index: usize, bytes: Vec<u8>| {
        move |id: &str| {
            let mut members = members(id, "X1");
            members[index].1.clone_from(&bytes);
            zip(&members)
        }
    };
    let nested = zip(&[("bomb".to_owned(), zip(&[("zeros".to_owned(), vec![0; 4 * MEGABYTE])]))]);
    let inner = nested.clone();
    vec![
        refused("bomb", "selfie of zeros", BOMB, with(2, vec![0; 12 * MEGABYTE])),
        refused("bomb", "document of zeros", BOMB, with(1, vec![0; 12 * MEGABYTE])),
        refused("bomb", "picture followed by zeros", BOMB, with(2, [png(600, 400), vec![0; 9 * MEGABYTE]].concat())),
        refused("bomb", "details of spaces", "DETAILS_UNREADABLE", with(0, vec![b' '; MEGABYTE])),
        refused("bomb", "archive in place of the selfie", "SELFIE_NOT_AN_IMAGE", with(2, nested)),
        refused("bomb", "archive as one more member", UNEXPECTED, move |id| {
            plus(id, Entry::new("more.zip", inner.clone()))
        }),
        refused("bomb", "the archive in itself", UNEXPECTED, |id| plus(id, Entry::new("self.zip", good(id)))),
        refused("bomb", "declares less than it holds", BOMB, |id| {
            let mut zip = with_zeros(id);
            let real = u32::try_from(5 * MEGABYTE).expect("a size").to_le_bytes();
            for at in 0..zip.len() - 4 {
                if zip[at..at + 4] == real {
                    zip[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
                }
            }
            zip
        }),
        refused("bomb", "declares four gigabytes", NOT_A_ZIP, |id| selfie(id, |entry| entry.size = Some(0xFFFF_FFF0))),
        refused("bomb", "declares four gigabytes compressed", NOT_A_ZIP, |id| {
            selfie(id, |entry| entry.compressed = Some(0xFFFF_FFF0))
        }),
        // One stored member that the directory lists twice, under two names.
        refused("bomb", "two members share their bytes", NOT_A_ZIP, |id| {
            let mut entries = entries(id);
            let at = build(&entries[..1]).len() - directory_bytes(&entries[..1]);
            entries[2].at = Some(u32::try_from(at).expect("an offset"));
            build(&entries)
        }),
        // The second member's header lies within the first member.
        refused("bomb", "a member within a member", NOT_A_ZIP, |id| {
            let mut entries = entries(id);
            let inner = build(&[Entry::new(entries[2].name.clone(), entries[2].bytes.clone())]);
            let inner = inner[..inner.len() - directory_bytes(&entries[2..])].to_vec();
            let start = build(&entries[..1]).len() - directory_bytes(&entries[..1]) + 30 + entries[1].name.len();
            entries[2].at = Some(u32::try_from(start + entries[1].bytes.len()).expect("an offset"));
            entries[1].bytes.extend(inner);
            build(&entries)
        }),
    ]
}

fn with_zeros(id: &str) -> Vec<u8> {
    let mut members = members(id, "X1");
    members[2].1.resize(5 * 1024 * 1024, 0);
    zip(&members)
}

/// The size of the directory and the end record behind these entries.
fn directory_bytes(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| 46 + entry.name.len() + entry.extra.len()).sum::<usize>() + 22
}

fn numbers() -> Vec<Package> {
    let many = |count: usize| {
        move |id: &str| {
            let mut entries = entries(id);
            entries.extend((0..count).map(|index| Entry::new(format!("{index}/"), "")));
            build(&entries)
        }
    };
    let ends = |end: End| move |id: &str| build_with(&entries(id), end);
    let zip64 = |entries: u64| End { zip64_entries: Some(entries), ..End::default() };
    let entries = |entries: u16| End { entries: Some(entries), ..End::default() };
    vec![
        refused("count", "one too many", TOO_MANY, many(62)),
        refused("count", "a thousand", TOO_MANY, many(1_000)),
        refused("count", "sixty thousand", TOO_MANY, many(60_000)),
        refused("count", "declares 65535, which refers to zip64", TOO_MANY, ends(entries(u16::MAX))),
        refused("count", "declares 65534", TOO_MANY, ends(entries(u16::MAX - 1))),
        refused("count", "declares one too few", NOT_A_ZIP, ends(entries(2))),
        refused("count", "declares one too many", NOT_A_ZIP, ends(entries(4))),
        refused("count", "declares none", NOT_A_ZIP, ends(entries(0))),
        refused("zip64", "declares 65", TOO_MANY, ends(zip64(65))),
        refused("zip64", "declares two millions", TOO_MANY, ends(zip64(2_000_000))),
        refused("zip64", "declares all there are", TOO_MANY, ends(zip64(u64::MAX))),
        refused("zip64", "declares one too few", NOT_A_ZIP, ends(zip64(2))),
        refused("zip64", "declares none", NOT_A_ZIP, ends(zip64(0))),
        refused("zip64", "a hundred megabytes that declare millions", TOO_MANY, |id| {
            let mut zip = vec![0; 100 * 1024 * 1024];
            zip[..4].copy_from_slice(b"PK\x03\x04");
            let end = build_with(&self::entries(id), zip64(2_000_000));
            let (at, real) = (zip.len() as u64, end.len() - 56 - 20 - 22);
            zip.extend(&end[real..]);
            // The locator points elsewhere.
            let locator = zip.len() - 22 - 12;
            zip[locator..locator + 8].copy_from_slice(&at.to_le_bytes());
            zip
        }),
        refused(
            "zip64",
            "numbers without their records",
            NOT_A_ZIP,
            ends(End { directory_bytes: Some(u32::MAX), directory_start: Some(u32::MAX), ..End::default() }),
        ),
        refused(
            "end",
            "directory beyond the end",
            NOT_A_ZIP,
            ends(End { directory_start: Some(0x7FFF_FFFF), ..End::default() }),
        ),
        refused("end", "directory at the start", NOT_A_ZIP, ends(End { directory_start: Some(0), ..End::default() })),
        refused("end", "a second disk", NOT_A_ZIP, ends(End { disk: 1, ..End::default() })),
        Package::odd("zip64", "an end that needs none", |id| build_with(&self::entries(id), zip64(3))),
    ]
}

fn names() -> Vec<Package> {
    let leading_out = [
        "../escaped.png",
        "a/../../escaped.png",
        "/etc/passwd",
        "//host/share/x.png",
        "\\\\host\\share\\x.png",
        "..\\..\\x.png",
        "C:\\Windows\\x.png",
        "C:x.png",
        "selfie.png:stream",
        "a/..",
        "\\x.png",
        "__MACOSX/../../x.png",
        "a\\..\\..\\.DS_Store",
    ];
    let strange = [
        "CON",
        "NUL.png",
        "COM1.csv",
        "AUX.zip",
        "PRN",
        "LPT9.png",
        "сelfie.png",
        "gnp.eifles\u{202E}",
        "ｓｅｌｆｉｅ.png",
        "se\u{301}lfie.png",
        "\u{1F600}.png",
        "\u{200B}.png",
        "\u{1}.png",
        "\u{1B}[2J.png",
        "a\nb.png",
        "a\tb.png",
        "\u{7F}",
        "...",
        "~root.png",
        "$(reboot).png",
        "`reboot`.png",
        "<script>alert(1)</script>",
        "%2e%2e%2fx.png",
        "{{7*7}}.png",
        "'; DROP TABLE applications;--.png",
        "-rf",
        ".",
        "a.png ",
        "a.png.",
        "a.png.exe",
        "a.png;.exe",
        ".htaccess",
        "index.html",
    ];
    let mut packages: Vec<Package> = leading_out
        .iter()
        .map(|name| refused("name", name, UNSAFE, |id| plus(id, Entry::new(*name, MARKER))))
        .chain(
            strange
                .iter()
                .map(|name| refused("name", name, UNEXPECTED, |id| plus(id, utf8(Entry::new(*name, MARKER))))),
        )
        .collect();
    for (what, change) in [
        ("a trailing space", " "),
        ("a trailing dot", "."),
        ("a trailing extension", ".exe"),
        ("a trailing semicolon", ";.exe"),
        ("a trailing newline", "\n"),
        ("a trailing invisible character", "\u{200B}"),
    ] {
        packages
            .push(refused("name", what, UNEXPECTED, move |id| selfie(id, |entry| entry.name.extend(change.bytes()))));
    }
    packages.extend([
        refused("name", "a member of another application", UNEXPECTED, |id| {
            plus(id, Entry::new("someone-else_selfie.png", png(400, 600)))
        }),
        refused("name", "a NUL within", UNSAFE, |id| plus(id, Entry::new("a\0.png", MARKER))),
        refused("name", "a NUL before another extension", UNSAFE, |id| {
            selfie(id, |entry| entry.name.extend(b"\0.exe"))
        }),
        refused("name", "sixty thousand letters", UNEXPECTED, |id| plus(id, Entry::new("a".repeat(60_000), MARKER))),
        refused("name", "ten thousand folders", UNEXPECTED, |id| {
            plus(id, Entry::new(format!("{}x", "a/".repeat(10_000)), MARKER))
        }),
        refused("name", "not UTF-8 in spite of its flag", UNEXPECTED, |id| {
            plus(id, utf8(Entry::new(b"\xFF\xFE.png", MARKER)))
        }),
        refused("name", "letters of 1981", UNEXPECTED, |id| plus(id, Entry::new(b"\x80\x81.png", MARKER))),
        refused("name", "a person's", UNEXPECTED, |id| plus(id, Entry::new(format!("{MARKER}.png"), MARKER))),
    ]);
    packages
}

/// The entry with the flag for UTF-8.
fn utf8(mut entry: Entry) -> Entry {
    entry.flags |= 1 << 11;
    entry
}

fn kinds() -> Vec<Package> {
    let mut packages: Vec<Package> = [
        ("symbolic link", 0o120_777),
        ("character device", 0o020_666),
        ("block device", 0o060_666),
        ("pipe", 0o010_666),
        ("socket", 0o140_666),
        ("folder", 0o040_755),
    ]
    .into_iter()
    .map(|(what, mode)| refused("kind", what, UNSAFE, move |id| selfie(id, |entry| entry.mode = mode)))
    .collect();
    packages.push(refused("kind", "link to a secret", UNSAFE, |id| {
        selfie(id, |entry| {
            entry.mode = 0o120_777;
            entry.bytes = b"/proc/self/environ".to_vec();
        })
    }));
    let folders = |names: &'static [&str]| {
        move |_: &str| build(&names.iter().map(|name| Entry::new(*name, "")).collect::<Vec<_>>())
    };
    packages.extend([
        refused("kind", "folders only", "DETAILS_MISSING", folders(&["a/", "a/b/", "c/"])),
        refused("kind", "what macOS adds only", "DETAILS_MISSING", folders(&["__MACOSX/._a", ".DS_Store"])),
        refused("kind", "folders called like the members", "DETAILS_MISSING", |id| {
            let folder = |(name, _): (String, _)| Entry::new(format!("{name}/"), "");
            build(&members(id, "X1").into_iter().map(folder).collect::<Vec<_>>())
        }),
        refused("kind", "without a name", NOT_A_ZIP, |id| {
            let mut entries = entries(id);
            entries[2].name.clear();
            entries[2].local_name = Some(b"x".to_vec());
            build(&entries)
        }),
    ]);
    for (index, reason) in [(0, "DETAILS_MISSING"), (1, "DOCUMENT_MISSING"), (2, "SELFIE_MISSING")] {
        packages.push(refused("kind", "a member is missing", reason, move |id| {
            let mut entries = entries(id);
            entries.remove(index);
            build(&entries)
        }));
    }
    for (what, change) in
        [("the same name", ""), ("in a folder", "folder/"), ("in a folder of Windows", "folder\\"), ("from here", "./")]
    {
        packages.push(refused("twice", what, DOUBLED, move |id| {
            let mut entries = entries(id);
            let mut second = entries[2].clone();
            second.name = [change.as_bytes(), &second.name].concat();
            entries.push(second);
            build(&entries)
        }));
    }
    for (what, kind) in
        [("in capitals", "SELFIE.PNG"), ("another extension", "selfie.jpeg"), ("details", "Details.csv")]
    {
        packages.push(refused("twice", what, DOUBLED, move |id| {
            plus(id, Entry::new(format!("{id}_{kind}"), png(400, 600)))
        }));
    }
    packages
}

fn methods() -> Vec<Package> {
    let methods = [1, 2, 5, 6, 9, 10, 12, 14, 19, 93, 94, 95, 96, 97, 98, 99, 1000, u16::MAX];
    let mut packages: Vec<Package> = methods
        .into_iter()
        .map(|method| {
            refused("method", &method.to_string(), NOT_A_ZIP, move |id| selfie(id, |entry| entry.method = method))
        })
        .collect();
    for (what, flags, method) in
        [("ZipCrypto", 1, 0), ("AES", 1, 99), ("strong", 0x41, 0), ("with the directory", 0x2041, 0)]
    {
        packages.push(refused("encrypted", what, ENCRYPTED, move |id| {
            selfie(id, |entry| (entry.flags, entry.method) = (flags, method))
        }));
    }
    packages
}

fn contents() -> Vec<Package> {
    let mut packages: Vec<Package> = (0..3)
        .map(|index| {
            refused("checksum", &format!("of member {index}"), NOT_A_ZIP, move |id| {
                let mut entries = entries(id);
                entries[index].crc = Some(crc(&entries[index].bytes) ^ 1);
                build(&entries)
            })
        })
        .collect();
    for byte in [0x07, 0xFF, 0x01, 0x05] {
        packages.push(refused("checksum", &format!("no deflate, beginning with {byte}"), NOT_A_ZIP, move |id| {
            selfie(id, |entry| {
                entry.method = 8;
                entry.bytes = vec![byte; 40];
            })
        }));
    }
    packages
}

/// Archives in which another reader would find other members or other content.
fn differentials() -> Vec<Package> {
    let unicode_path = |name: &str, other: &str| {
        let content = [&[1][..], &crc(name.as_bytes()).to_le_bytes(), other.as_bytes()].concat();
        let length = u16::try_from(content.len()).expect("a length");
        [&0x7075_u16.to_le_bytes()[..], &length.to_le_bytes(), &content].concat()
    };
    vec![
        refused("two readers", "another name in front of the member", NOT_A_ZIP, |id| {
            selfie(id, |entry| entry.local_name = Some(b"run.exe".to_vec()))
        }),
        refused("two readers", "another method in front of the member", NOT_A_ZIP, |id| {
            selfie(id, |entry| entry.local_method = Some(8))
        }),
        refused("two readers", "a member that the directory leaves out", NOT_A_ZIP, |id| {
            let mut hidden = Entry::new("run.exe", "MZ");
            hidden.is_listed = false;
            plus(id, hidden)
        }),
        refused("two readers", "another selfie that the directory leaves out", NOT_A_ZIP, |id| {
            let mut hidden = entries(id).remove(2);
            hidden.is_listed = false;
            plus(id, hidden)
        }),
        refused("two readers", "a path in an extra field", UNSAFE, move |id| {
            selfie(id, |entry| {
                let name = String::from_utf8_lossy(&entry.name).into_owned();
                entry.extra = unicode_path(&name, "../../run.exe");
            })
        }),
        refused("two readers", "its name in an extra field", NOT_A_ZIP, move |id| {
            selfie(id, |entry| {
                entry.extra = unicode_path("run.exe", &String::from_utf8_lossy(&entry.name));
                entry.name = b"run.exe".to_vec();
            })
        }),
        refused("two readers", "an archive in the comment", NOT_A_ZIP, |id| {
            let (mut zip, comment) = (good(id), build(&[Entry::new("run.exe", "MZ")]));
            let length = zip.len() - 2;
            zip[length..].copy_from_slice(&u16::try_from(comment.len()).expect("a comment").to_le_bytes());
            [zip, comment].concat()
        }),
        refused("two readers", "one archive after the other", NOT_A_ZIP, |id| {
            [build(&[Entry::new("run.exe", "MZ")]), good(id)].concat()
        }),
        refused("two readers", "two good archives", NOT_A_ZIP, |id| [good(id), good(id)].concat()),
    ]
}

fn around() -> Vec<Package> {
    let mut packages = Vec::new();
    for (what, bytes) in [
        ("a byte", &b"\0"[..]),
        ("a line", b"\n"),
        ("a picture", b"\xFF\xD8\xFF\xE0\0\x10JFIF"),
        ("a document", b"%PDF-1.7\n"),
        ("a program", b"#!/bin/sh\nreboot\n"),
        ("a page", b"<html><script>alert(1)</script></html>"),
    ] {
        packages.push(refused("in front", what, NOT_A_ZIP, |id| [bytes, &good(id)].concat()));
        packages.push(refused("trailing", what, NOT_A_ZIP, |id| [&good(id), bytes].concat()));
    }
    packages
}
