//! Barcodes on rendered photographs are read, and other pictures are not.

mod photograph;

use std::io::Cursor;

use bonafide_barcode::read;
use image::{GrayImage, ImageFormat, Luma};
use photograph::{PLAIN, Shot, card, photograph, text};

fn found(picture: &[u8]) -> Option<String> {
    read(picture, |text| Some(text.to_owned()))
}

fn png(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).expect("a picture");
    bytes
}

#[test]
fn a_barcode_is_read_at_any_angle_and_a_little_blurred() {
    for (which, shot) in [
        PLAIN,
        Shot { turn: 17.0, ..PLAIN },
        Shot { turn: 123.0, blur: 1.0, ..PLAIN },
        Shot { turn: 270.0, tilt: 10.0, ..PLAIN },
        Shot { turn: -4.0, width: 0.6, ..PLAIN },
    ]
    .into_iter()
    .enumerate()
    {
        let text = text(which);
        let picture = photograph(&card(&text).expect("a card"), shot, 7).expect("a photograph");
        assert_eq!(found(&picture), Some(text), "{which}");
    }
}

#[test]
fn a_barcode_that_is_not_understood_is_passed_over() {
    let picture = png(&card(&text(0)).expect("a card"));
    assert!(found(&picture).is_some());
    assert_eq!(read(&picture, |_| None::<()>), None);
}

#[test]
fn a_picture_that_exif_turns_is_read() {
    let picture = photograph(&card(&text(3)).expect("a card"), PLAIN, 7).expect("a photograph");
    // Orientation 5: mirrored and turned, so that the pixels must be mirrored back.
    let mirrored = image::load_from_memory(&picture).expect("a picture").rotate90().fliph();
    let mut bytes = Vec::new();
    mirrored.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg).expect("a picture");
    assert_eq!(found(&bytes), None);
    let exif = b"\xFF\xE1\x00\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x05\0\0\0\0\0\0";
    let turned = [&bytes[..2], exif, &bytes[2..]].concat();
    assert_eq!(found(&turned), Some(text(3)));
}

#[test]
fn pictures_without_a_barcode_have_no_text() {
    let noise = GrayImage::from_fn(700, 500, |x, y| {
        Luma([u8::try_from((x * 7919 + y * 104_729 + x * y) % 251).unwrap_or_default()])
    });
    let stripes = GrayImage::from_fn(700, 500, |x, _| Luma([if x % 6 < 3 { 0 } else { 255 }]));
    for picture in [noise, stripes, GrayImage::new(700, 500), GrayImage::new(1, 1), GrayImage::new(15, 3000)] {
        assert_eq!(found(&png(&picture)), None);
    }
}

#[test]
fn what_is_no_picture_has_no_text() {
    let whole = png(&card(&text(0)).expect("a card"));
    for bytes in [&b""[..], b"GIF89a", b"not a picture", &whole[..whole.len() / 2]] {
        assert_eq!(found(bytes), None);
    }
}
