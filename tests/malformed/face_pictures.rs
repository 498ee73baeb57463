//! Malformed pictures for the face API: files that only claim to be pictures, other formats, several files in one, and huge pictures.

use std::fs;

use bonafide_tools::packages::zip;
use bonafide_tools::repository;

use crate::face_requests::Expected;
use crate::package::MARKER;
use crate::pictures::{chunk, frame, jpeg, others, rotated};

const NONE: Expected = Expected::Refused(&["SELFIE_NOT_AN_IMAGE"]);
const NOT_PLAIN: Expected = Expected::Refused(&["IMAGE_NOT_PLAIN"]);
const LARGE: Expected = Expected::Refused(&["SELFIE_TOO_LARGE"]);
const SMALL: Expected = Expected::Refused(&["SELFIE_TOO_SMALL"]);
/// A picture by its structure, without a face. Whether its pixels can be read is decided by Rekognition.
const NO_FACE: Expected = Expected::Refused(&["SELFIE_UNREADABLE", "SELFIE_FACE_NOT_FOUND"]);

/// One picture.
pub(crate) struct Picture {
    pub(crate) name: String,
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Expected,
}

fn picture(name: impl Into<String>, bytes: Vec<u8>, expected: Expected) -> Picture {
    let media_type = if bytes.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
    Picture { name: name.into(), media_type, bytes, expected }
}

pub(crate) fn all() -> Vec<Picture> {
    [foreign(), truncated(), sizes(), bombs(), polyglots(), damaged(), odd()].into_iter().flatten().collect()
}

/// A complete grey picture without a face.
pub(crate) fn plain() -> Vec<u8> {
    png((200, 200), [8, 0], &[], &grey(200, 200))
}

/// A picture of exactly so many bytes.
pub(crate) fn of_bytes(length: usize) -> Vec<u8> {
    let rest = length - plain().len() - chunk(b"paDd", b"").len();
    png((200, 200), [8, 0], &[chunk(b"paDd", &vec![0; rest])], &grey(200, 200))
}

/// A real portrait.
pub(crate) fn portrait() -> Vec<u8> {
    fs::read(repository().join("samples/portraits/hopper.jpg")).expect("a portrait")
}

/// A PNG of this width and height, bits and kind of pixels, with chunks before the pixels, and pixels as a zlib stream.
fn png((width, height): (u32, u32), kind: [u8; 2], before: &[Vec<u8>], pixels: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &kind, &[0, 0, 0]].concat();
    let parts = [b"\x89PNG\r\n\x1A\n".to_vec(), chunk(b"IHDR", &header), before.concat()];
    [parts.concat(), chunk(b"IDAT", pixels), chunk(b"IEND", b"")].concat()
}

/// A zlib stream of rows of so many bytes, each after its filter byte.
fn grey(bytes: usize, rows: usize) -> Vec<u8> {
    let row = [vec![0], vec![0x80; bytes]].concat();
    zlib(&row.repeat(rows))
}

/// A zlib stream, made from the compressed data of a zip file.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let archive = zip(&[("a".to_owned(), bytes.to_vec())]);
    let number = |at: usize| usize::from(u16::from_le_bytes([archive[at], archive[at + 1]]));
    let length = number(18) + (number(20) << 16);
    let start = 30 + number(26) + number(28);
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    [b"\x78\x9C", &archive[start..start + length], &(high << 16 | low).to_be_bytes()].concat()
}

fn foreign() -> Vec<Picture> {
    let both = |(name, bytes): (&str, Vec<u8>)| {
        ["image/jpeg", "image/png"].map(|media_type| Picture {
            name: format!("{name} as {media_type}"),
            media_type,
            bytes: bytes.clone(),
            expected: NONE,
        })
    };
    let mut pictures: Vec<_> = others().into_iter().flat_map(both).collect();
    pictures.extend([
        Picture { media_type: "image/jpeg", ..picture("a PNG as image/jpeg", plain(), NONE) },
        Picture { media_type: "image/png", ..picture("a JPEG as image/png", portrait(), NONE) },
        picture("a GIF that is a script", format!("GIF89a=/*{MARKER}*/0;alert(1)").into_bytes(), NONE),
        picture(
            "an XML with an entity",
            b"<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>".to_vec(),
            NONE,
        ),
        picture(
            "a command for ImageMagick",
            b"push graphic-context\nfill 'url(https://127.0.0.1/|ls)'\npop".to_vec(),
            NONE,
        ),
    ]);
    pictures
}

fn truncated() -> Vec<Picture> {
    let cut = |name: &'static str, bytes: Vec<u8>, at: &[usize]| -> Vec<_> {
        let cut = |part: &usize| {
            let length = bytes.len() * part / 1000;
            picture(format!("a {name} of {length} bytes out of {}", bytes.len()), bytes[..length].to_vec(), NONE)
        };
        at.iter().map(cut).collect()
    };
    let mut pictures = cut("JPEG", portrait(), &[1, 2, 5, 9, 13, 50, 100, 250, 400, 500, 600, 750, 900, 990, 999]);
    pictures.extend(cut("PNG", plain(), &[20, 50, 100, 150, 200, 300, 400, 500, 600, 700, 800, 900, 950, 990]));
    let whole = portrait();
    pictures.push(picture("a JPEG without its last byte", whole[..whole.len() - 1].to_vec(), NONE));
    pictures.push(picture("a JPEG without its first byte", whole[1..].to_vec(), NONE));
    pictures
}

fn sizes() -> Vec<Picture> {
    let of = |width, height| png((width, height), [8, 0], &[], &grey(80, 80));
    let mut pictures: Vec<_> = [
        ("no pixel", of(0, 0), SMALL),
        ("1 pixel", of(1, 1), SMALL),
        ("79 pixels", of(79, 79), SMALL),
        ("1 pixel high", of(5_000, 1), SMALL),
        ("20,000 pixels wide", of(20_000, 100), LARGE),
        ("10,001 pixels high", of(100, 10_001), LARGE),
        ("one pixel too many", of(10_000, 6_401), LARGE),
        ("100 million pixels", of(10_000, 10_000), LARGE),
        ("four billion pixels wide", of(u32::MAX, u32::MAX), LARGE),
        ("JPEG, 1 pixel wide", jpeg(1, 5_000, 3), SMALL),
        ("JPEG, no height yet", jpeg(600, 0, 3), SMALL),
    ]
    .map(|(name, bytes, expected)| picture(name, bytes, expected))
    .into();
    let (start, end) = (jpeg(600, 400, 3)[..20].to_vec(), b"\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\0\xFF\xD9".to_vec());
    let frames = |first: Vec<u8>, second: Vec<u8>| [start.clone(), first, second, end.clone()].concat();
    let (vast, small) = (frame(65_535, 65_535, 3), frame(600, 400, 3));
    pictures.push(picture("JPEG, a vast frame before a small one", frames(vast.clone(), small.clone()), LARGE));
    pictures.push(picture("JPEG, a small frame before a vast one", frames(small, vast), NO_FACE));
    pictures
}

fn bombs() -> Vec<Picture> {
    // Eight pixels a byte: the most pixels that the limits of a picture's size allow.
    let vast = png((10_000, 6_400), [1, 0], &[], &grey(1_250, 6_400));
    let text = |kind: &[u8], bytes: usize| {
        let content = [MARKER.as_bytes(), b"\0\0", &zlib(&vec![b'A'; bytes])].concat();
        png((200, 200), [8, 0], &[chunk(kind, &content)], &grey(200, 200))
    };
    vec![
        picture("30,000 by 30,000 pixels and no data", png((30_000, 30_000), [8, 6], &[], &grey(80, 80)), LARGE),
        picture("JPEG of 65,535 by 65,535 pixels", jpeg(65_535, 65_535, 3), LARGE),
        picture(format!("64 million pixels in {} bytes", vast.len()), vast, NO_FACE),
        picture(
            "pixels that unpack to much more than there are",
            png((200, 200), [8, 0], &[], &zlib(&vec![0; 30_000_000])),
            NO_FACE,
        ),
        picture(
            "megabytes after the pixels in the same chunk",
            png((200, 200), [8, 0], &[], &[grey(200, 200), vec![0x55; 3_000_000]].concat()),
            NO_FACE,
        ),
        picture("a text of 30 MB in a few KB", text(b"zTXt", 30_000_000), NO_FACE),
        picture("a colour profile of 30 MB in a few KB", text(b"iCCP", 30_000_000), NO_FACE),
        picture(
            "100,000 empty chunks",
            png((200, 200), [8, 0], &[chunk(b"paDd", b"").repeat(100_000)], &grey(200, 200)),
            NO_FACE,
        ),
        picture(
            "20,000 scans",
            [&jpeg(600, 400, 3)[..], &b"\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\0".repeat(20_000), b"\xFF\xD9"].concat(),
            NOT_PLAIN,
        ),
        picture(
            "20,000 scans in one picture",
            {
                let whole = jpeg(600, 400, 3);
                let (start, end) = whole.split_at(whole.len() - 2);
                [start, &b"\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\0".repeat(20_000), end].concat()
            },
            NO_FACE,
        ),
        picture(
            "a length of a chunk that wraps around",
            {
                let mut bytes = plain();
                bytes[33..37].copy_from_slice(&u32::MAX.to_be_bytes());
                bytes
            },
            NONE,
        ),
    ]
}

fn polyglots() -> Vec<Picture> {
    let archive = zip(&[(format!("{MARKER}.txt"), b"a".to_vec())]);
    let page = format!("<html><script>alert('{MARKER}')</script></html>").into_bytes();
    let trailing = [
        ("a zip file", archive.clone()),
        ("a page", page.clone()),
        ("a script", format!("*/alert('{MARKER}')//").into_bytes()),
        ("PHP", b"<?php system($_GET['c']); __HALT_COMPILER(); ?>".to_vec()),
        ("a PDF", b"%PDF-1.7\n%%EOF".to_vec()),
        ("another JPEG", portrait()),
        ("another PNG", plain()),
        ("a byte", vec![0]),
        ("line endings", b"\r\n".to_vec()),
        ("half a megabyte of nothing", vec![0; 500_000]),
    ];
    let mut pictures = Vec::new();
    for (name, rest) in trailing {
        pictures.push(picture(format!("{name} after a JPEG"), [portrait(), rest.clone()].concat(), NOT_PLAIN));
        pictures.push(picture(format!("{name} after a PNG"), [plain(), rest].concat(), NOT_PLAIN));
    }
    for (name, before) in [
        ("a PDF", b"%PDF-1.7\n".to_vec()),
        ("a page", page.clone()),
        ("a byte", vec![0]),
        ("a BOM", b"\xEF\xBB\xBF".to_vec()),
    ] {
        pictures.push(picture(format!("{name} before a JPEG"), [before.clone(), portrait()].concat(), NONE));
        pictures.push(Picture {
            media_type: "image/png",
            ..picture(format!("{name} before a PNG"), [before, plain()].concat(), NONE)
        });
    }
    // Pictures may contain arbitrary data that picture readers skip.
    let text = |bytes: &[u8]| {
        png((200, 200), [8, 0], &[chunk(b"tEXt", &[MARKER.as_bytes(), b"\0", bytes].concat())], &grey(200, 200))
    };
    pictures.push(picture("a page in a text of a PNG", text(&page), NO_FACE));
    pictures.push(picture("a zip file in a text of a PNG", text(&archive), NO_FACE));
    pictures
}

fn damaged() -> Vec<Picture> {
    let mut pictures = Vec::new();
    // The checksums of the header, the pixels and the end.
    let whole = plain();
    for (name, at) in [("header", 29), ("pixels", whole.len() - 16), ("end", whole.len() - 4)] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xFF;
        pictures.push(picture(format!("a wrong checksum of the {name}"), bytes, NO_FACE));
    }
    for (name, kind) in
        [("no kind of pixels", [8, 5]), ("no number of bits", [7, 0]), ("a palette that is missing", [8, 3])]
    {
        pictures.push(picture(name, png((200, 200), kind, &[], &grey(200, 200)), NO_FACE));
    }
    pictures.push(picture("pixels that are no zlib", png((200, 200), [8, 0], &[], b"not compressed at all"), NO_FACE));
    pictures.push(picture("too few pixels", png((2_000, 2_000), [8, 0], &[], &grey(20, 20)), NO_FACE));
    pictures.push(picture("no pixels", png((200, 200), [8, 0], &[], b""), NO_FACE));
    pictures.push(picture(
        "an end and nothing before it",
        [&b"\x89PNG\r\n\x1A\n"[..], &chunk(b"IEND", b"")].concat(),
        NONE,
    ));
    let control = chunk(b"acTL", &[0, 0, 0xFF, 0xFF, 0, 0, 0, 0]);
    let number = [0_u32, 200, 200, 0, 0].map(u32::to_be_bytes).concat();
    let frames = chunk(b"fcTL", &[&number[..], &[0, 1, 0, 1, 0, 0]].concat());
    pictures.push(picture(
        "animated, declares 65,535 pictures",
        png((200, 200), [8, 0], &[control, frames], &grey(200, 200)),
        NO_FACE,
    ));
    for (name, components) in [("grey", 1), ("colours", 3), ("CMYK", 4), ("2 components", 2), ("82 components", 82)] {
        pictures.push(picture(format!("JPEG without tables, {name}"), jpeg(600, 400, components), NO_FACE));
    }
    pictures.push(picture("JPEG, rotated, without pixels", rotated(6), NONE));
    pictures.push(picture(
        "JPEG, pixels before a frame",
        b"\xFF\xD8\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\0\xFF\xD9".to_vec(),
        NONE,
    ));
    pictures
}

/// Real portraits with harmless peculiarities.
fn odd() -> Vec<Picture> {
    let whole = portrait();
    let with = |segment: &[u8]| [&whole[..2], segment, &whole[2..]].concat();
    let comment = |text: &[u8]| {
        let length = u16::try_from(text.len() + 2).expect("a short comment").to_be_bytes();
        [b"\xFF\xFE", &length[..], text].concat()
    };
    let exif = |orientation: u8| rotated(orientation)[2..38].to_vec();
    let mut pictures: Vec<_> = [
        ("upright by its EXIF data", with(&exif(1))),
        ("rotated by its EXIF data", with(&exif(6))),
        ("rotated by what is no number of EXIF's", with(&exif(200))),
        ("a page in a comment", with(&comment(format!("<script>alert('{MARKER}')</script>").as_bytes()))),
        ("a zip file in a comment", with(&comment(&zip(&[(MARKER.to_owned(), b"a".to_vec())])))),
        ("a thousand comments", with(&comment(MARKER.as_bytes()).repeat(1_000))),
        ("fill bytes before a marker", with(&[0xFF; 500])),
        ("line endings changed", replaced(&whole, b"\r\n", b"\n")),
    ]
    .map(|(name, bytes)| picture(format!("a portrait, {name}"), bytes, Expected::Harmless))
    .into();
    for part in 1..=8 {
        let mut bytes = whole.clone();
        let at = 700 + (bytes.len() - 800) * part / 9;
        bytes[at] ^= 0x10;
        pictures.push(picture(format!("a portrait, one bit changed at {at}"), bytes, Expected::Harmless));
    }
    pictures
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.windows(from.len()).position(|part| part == from) {
        out.extend([&rest[..at], to].concat());
        rest = &rest[at + from.len()..];
    }
    [out, rest.to_vec()].concat()
}
