//! Malformed pictures: in packages, where their headers are checked, and single ones, which Rekognition and Textract read.

use bonafide_tools::packages::{members, png, zip};

use crate::package::{Package, refused};

/// A JPEG up to its frame: size in pixels, and how many components (1 is grey, 3 colours, 4 CMYK).
pub(crate) fn jpeg(width: u16, height: u16, components: u8) -> Vec<u8> {
    let mut bytes = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
    bytes.extend(frame(width, height, components));
    bytes.extend(b"\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\0\xFF\xD9");
    bytes
}

pub(crate) fn frame(width: u16, height: u16, components: u8) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xC0, 0, 8 + 3 * components, 8];
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes.push(components);
    bytes.extend((1..=components).flat_map(|component| [component, 0x11, 0]));
    bytes
}

/// A picture that is rotated by its EXIF data.
pub(crate) fn rotated(orientation: u8) -> Vec<u8> {
    let mut bytes = b"\xFF\xD8\xFF\xE1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    bytes.extend([orientation, 0, 0, 0, 0, 0, 0]);
    bytes.extend(frame(600, 400, 3));
    bytes
}

pub(crate) fn chunk(kind: &[u8], bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("a length");
    let content = [kind, bytes].concat();
    [&length.to_be_bytes()[..], &content, &crate::raw_zip::crc(&content).to_be_bytes()].concat()
}

/// Contents that are neither PNG nor JPEG.
pub(crate) fn others() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nothing", Vec::new()),
        ("a byte", vec![0xFF]),
        ("text", b"this is my face".to_vec()),
        ("SVG", b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec()),
        ("HTML", b"<!DOCTYPE html><script>alert(1)</script>".to_vec()),
        ("GIF", b"GIF89a\x58\x02\x90\x01\xF0\0\0\0\0\0\xFF\xFF\xFF;".to_vec()),
        (
            "BMP",
            [&b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x58\x02\0\0\x90\x01\0\0\x01\0\x18\0"[..], &[0; 24]].concat(),
        ),
        ("WebP", b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0\x30\x01\0\x9D\x01\x2A\x58\x02\x90\x01".to_vec()),
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1".to_vec()),
        ("AVIF", b"\0\0\0\x18ftypavif\0\0\0\0avifmif1".to_vec()),
        ("TIFF", b"II*\0\x08\0\0\0\0\0".to_vec()),
        ("ICO", b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0".to_vec()),
        ("PSD", b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\x01\x90\0\0\x02\x58\0\x08\0\x03".to_vec()),
        ("JPEG 2000", b"\0\0\0\x0CjP  \r\n\x87\n".to_vec()),
        ("PDF", b"%PDF-1.7\n1 0 obj<</OpenAction<</JS(app.alert(1))>>>>endobj".to_vec()),
        ("a program", b"MZ\x90\0".to_vec()),
        ("an archive", zip(&[("a".to_owned(), b"a".to_vec())])),
        ("half a signature", b"\x89PNG\r\n".to_vec()),
        ("a signature only", b"\x89PNG\r\n\x1A\n".to_vec()),
        ("a PNG whose line endings were changed", [b"\x89PNG\n\x1A\n", &png(600, 400)[8..]].concat()),
        ("a JPEG without a frame", b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xFF\xD9".to_vec()),
        ("a JPEG that breaks off in its frame", jpeg(600, 400, 3)[..24].to_vec()),
        ("a JPEG with a segment of no length", b"\xFF\xD8\xFF\xE0\0\0\xFF\xE0\0\0".to_vec()),
    ]
}

fn selfie(name: &str, picture: &[u8]) -> impl FnOnce(&str) -> Vec<u8> {
    let (name, picture) = (name.to_owned(), picture.to_vec());
    move |id| {
        let mut members = members(id, "X1");
        members[2] = (format!("{id}_{name}"), picture);
        zip(&members)
    }
}

pub(crate) fn packages() -> Vec<Package> {
    let mut packages = Vec::new();
    for (name, bytes) in others() {
        packages.push(refused("picture", name, "SELFIE_NOT_AN_IMAGE", selfie("selfie.png", &bytes)));
    }
    for (name, bytes) in others().into_iter().step_by(3) {
        packages.push(refused("picture", &format!("document: {name}"), "DOCUMENT_NOT_AN_IMAGE", move |id| {
            let mut members = members(id, "X1");
            members[1].1 = bytes;
            zip(&members)
        }));
    }
    for (name, bytes, reason) in [
        ("1 pixel", png(1, 1), "SELFIE_TOO_SMALL"),
        ("no pixel", png(0, 0), "SELFIE_TOO_SMALL"),
        ("1 pixel high", png(5_000, 1), "SELFIE_TOO_SMALL"),
        ("1 pixel wide, JPEG", jpeg(1, 5_000, 3), "SELFIE_TOO_SMALL"),
        ("no height yet, JPEG", jpeg(600, 0, 3), "SELFIE_TOO_SMALL"),
        ("20,000 pixels", png(20_000, 20_000), "SELFIE_TOO_LARGE"),
        ("20,000 pixels wide", png(20_000, 100), "SELFIE_TOO_LARGE"),
        ("four billion pixels wide", png(u32::MAX, u32::MAX), "SELFIE_TOO_LARGE"),
        ("65,535 pixels, JPEG", jpeg(65_535, 65_535, 3), "SELFIE_TOO_LARGE"),
        (
            "a preview before the frame",
            [&jpeg(600, 400, 3)[..20], &frame(65_535, 65_535, 3), &frame(600, 400, 3)].concat(),
            "SELFIE_TOO_LARGE",
        ),
    ] {
        packages.push(refused("picture", name, reason, selfie("selfie.png", &bytes)));
    }
    let animated = [png(600, 400), chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]), chunk(b"IEND", b"")].concat();
    for (name, bytes) in [
        ("grey", jpeg(600, 400, 1)),
        ("CMYK", jpeg(600, 400, 4)),
        ("rotated", rotated(6)),
        ("rotated by an invalid number", rotated(200)),
        ("animated", animated),
        ("a trailing archive", [png(600, 400), zip(&[("a".to_owned(), b"a".to_vec())])].concat()),
        ("a trailing page", [jpeg(600, 400, 3), b"<script>alert(1)</script>".to_vec()].concat()),
        ("10,000 missing pixels", png(10_000, 10_000)),
        ("truncated", png(600, 400)),
    ] {
        packages.push(Package::odd("picture, odd", name, selfie("selfie.png", &bytes)));
        packages.push(Package::odd(
            "picture, odd",
            &format!("{name}, with the other extension"),
            selfie("selfie.jpg", &bytes),
        ));
    }
    packages
}

/// Single pictures, which only Rekognition reads.
pub(crate) fn alone() -> Vec<(&'static str, Vec<u8>)> {
    let mut pictures = others();
    pictures.extend([
        ("1 pixel", png(1, 1)),
        ("20,000 missing pixels", png(20_000, 20_000)),
        ("truncated PNG", png(600, 400)),
        ("truncated JPEG", jpeg(600, 400, 3)),
        ("truncated CMYK", jpeg(600, 400, 4)),
        ("truncated, rotated", rotated(6)),
    ]);
    pictures
}
