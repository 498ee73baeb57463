//! Copies of one photograph share many features, and two photographs few.

mod disguise;

use std::io::Cursor;

use bonafide_pictures::{FaceBox, compare};
use disguise::{Shot, disguises};
use image::{DynamicImage, ExtendedColorType, ImageEncoder as _, ImageFormat, codecs::png::PngEncoder};

/// The machine's threshold.
const ONE_PHOTOGRAPH: u32 = 20;

/// Each kind of disguise; the example tries all strengths.
const TRIED: [&str; 15] = [
    "cut closer, 5 % around the face",
    "mirrored",
    "captured from a screen",
    "before another ground",
    "mirrored, turned by 8°, darker, quality 40",
    "closer, brighter, grain of 10, turned by -6°",
    "compressed with quality 20",
    "turned by 45°",
    "tilted by 20°",
    "scaled by 0.6",
    "0.15 times as bright",
    "1.7 times as bright",
    "0.3 times the contrast",
    "blurred by 2 % of the face",
    "grain of 25",
];

fn hopper() -> Shot {
    let face = FaceBox { left: 0.234, top: 0.336, width: 0.558, height: 0.446 };
    Shot::of(include_bytes!("../../../samples/portraits/hopper.jpg"), face).expect("a portrait")
}

fn collins() -> Shot {
    let face = FaceBox { left: 0.246, top: 0.362, width: 0.465, height: 0.372 };
    Shot::of(include_bytes!("../../../samples/portraits/collins.jpg"), face).expect("a portrait")
}

fn count(selfie: &Shot, document: &Shot) -> Option<u32> {
    compare(&selfie.jpeg(90), selfie.face, &document.jpeg(90), document.face)
}

fn png(picture: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).expect("a picture in memory");
    bytes.into_inner()
}

/// Exif data that names nothing but this orientation.
fn exif(orientation: u8) -> Vec<u8> {
    [&b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[orientation, 0, 0, 0, 0, 0, 0]].concat()
}

fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    [&jpeg[..2], b"\xFF\xE1\x00\x22Exif\0\0", &exif(orientation), &jpeg[2..]].concat()
}

#[test]
fn a_document_in_any_disguise_is_one_photograph_with_itself() {
    let document = hopper().on_a_document();
    assert!(count(&document, &document) > Some(ONE_PHOTOGRAPH));
    let mut tried = 0;
    for (name, disguise) in disguises().into_iter().filter(|(name, _)| TRIED.contains(&name.as_str())) {
        tried += 1;
        let counted = count(&disguise(&document.cut(0.5)), &document);
        assert!(counted > Some(ONE_PHOTOGRAPH), "{name}: {counted:?}");
    }
    assert_eq!(tried, TRIED.len());
}

#[test]
fn photographs_of_two_people_share_few_features() {
    let counted = count(&hopper(), &collins().on_a_document()).expect("pictures that can be compared");
    assert!(counted < ONE_PHOTOGRAPH, "{counted}");
}

#[test]
fn a_face_box_may_reach_beyond_the_picture() {
    let document = hopper().on_a_document();
    let closer = document.cut(-0.1);
    assert!(closer.face.left < 0.0 && closer.face.width > 1.0);
    assert!(count(&closer, &document) > Some(ONE_PHOTOGRAPH));
}

#[test]
fn a_jpeg_is_turned_as_its_exif_data_says() {
    // The face is not in the middle, so that it lies elsewhere if the picture is not turned.
    let document = hopper().on_a_document();
    let sensor = DynamicImage::ImageRgb8(document.picture.clone()).rotate270().into_rgb8();
    let sideways = Shot { picture: sensor, face: document.face }.jpeg(90);
    let counted = |bytes: &[u8]| compare(bytes, document.face, &document.jpeg(90), document.face);
    assert!(counted(&with_exif(&sideways, 6)) > Some(ONE_PHOTOGRAPH));
    assert!(counted(&with_exif(&sideways, 1)).is_some_and(|counted| counted < ONE_PHOTOGRAPH));
}

#[test]
fn a_picture_whose_orientation_is_in_doubt_is_not_compared() {
    let selfie = hopper();
    let counted = |bytes: &[u8]| compare(bytes, selfie.face, &selfie.jpeg(90), selfie.face);
    let (two, one) = (with_exif(&with_exif(&selfie.jpeg(90), 6), 1), with_exif(&with_exif(&selfie.jpeg(90), 1), 1));
    assert_eq!(counted(&two), None);
    assert!(counted(&one).is_some());
    assert_eq!(counted(&with_exif(&selfie.jpeg(90), 9)), None);
    for (orientation, is_compared) in [(1, true), (6, false)] {
        let mut bytes = Vec::new();
        let mut encoder = PngEncoder::new(&mut bytes);
        encoder.set_exif_metadata(exif(orientation)).expect("a format with Exif data");
        let (wide, high) = selfie.picture.dimensions();
        encoder.write_image(&selfie.picture, wide, high, ExtendedColorType::Rgb8).expect("a picture in memory");
        assert_eq!(counted(&bytes).is_some(), is_compared, "{orientation}");
    }
}

#[test]
fn a_transparent_picture_is_not_compared() {
    let selfie = hopper();
    let mut picture = DynamicImage::ImageRgb8(selfie.picture.clone()).into_rgba8();
    let counted =
        |picture: &image::RgbaImage| compare(&png(&picture.clone().into()), selfie.face, &selfie.jpeg(90), selfie.face);
    assert!(counted(&picture).is_some());
    picture.get_pixel_mut(3, 5).0[3] = 254;
    assert_eq!(counted(&picture), None);
}

#[test]
fn what_is_no_picture_is_not_compared() {
    let selfie = hopper();
    let whole = png(&selfie.picture.clone().into());
    let gif = b"GIF89a\x01\0\x01\0\0\0\0;";
    for bytes in [&b""[..], b"\xFF\xD8", b"Dear team", gif, &whole[..whole.len() / 2], &selfie.jpeg(90)[..300]] {
        assert_eq!(compare(bytes, selfie.face, &whole, selfie.face), None);
        assert_eq!(compare(&whole, selfie.face, bytes, selfie.face), None);
    }
}

#[test]
fn a_face_that_is_nowhere_or_too_small_is_not_compared() {
    let selfie = hopper();
    let bytes = selfie.jpeg(90);
    for face in [
        FaceBox { left: f32::NAN, ..selfie.face },
        FaceBox { width: f32::NAN, ..selfie.face },
        FaceBox { height: f32::INFINITY, ..selfie.face },
        FaceBox { width: 0.0, ..selfie.face },
        FaceBox { height: -0.4, ..selfie.face },
        FaceBox { left: 1.0, ..selfie.face },
        FaceBox { top: -0.9, ..selfie.face },
        FaceBox { width: 0.05, height: 0.05, ..selfie.face },
        FaceBox { left: -2.0, width: 5.0, ..selfie.face },
    ] {
        assert_eq!(compare(&bytes, face, &bytes, selfie.face), None, "{face:?}");
        assert_eq!(compare(&bytes, selfie.face, &bytes, face), None, "{face:?}");
    }
}
