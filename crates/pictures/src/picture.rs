//! A face as grey pixels, cut out of a picture that is turned as Rekognition turns it.

use std::io::Cursor;

use image::{
    DynamicImage, GrayImage, ImageDecoder as _, ImageFormat, ImageReader, Limits,
    imageops::{FilterType, crop_imm, resize},
    metadata::Orientation,
};

use crate::FaceBox;

/// Pixels a side at most: the limit of the pictures of a package.
const MOST_PIXELS: u32 = 10_000;

/// Bytes that a decoder may take: the largest picture with four colours of one byte, and its work.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// How much around the face is cut out with it, on each side, in shares of its width and height.
const MARGIN: f32 = 0.25;

/// Pixels of the longer side to which each face is scaled.
const SIDE: f32 = 256.0;

/// Pixels of the shorter side of a face at least.
const SMALLEST_FACE: f32 = 32.0;

/// The face of a picture, with what is around it.
pub(crate) fn face(bytes: &[u8], face: FaceBox) -> Option<GrayImage> {
    let upright = upright(bytes)?;
    let (wide, high) = (to_float(upright.width()), to_float(upright.height()));
    let (left, top) = (face.left * wide, face.top * high);
    let (width, height) = (face.width * wide, face.height * high);
    let (middle_x, middle_y) = (left + width / 2.0, top + height / 2.0);
    // Comparisons with what is no number are false.
    let is_face = width.min(height) >= SMALLEST_FACE && width <= wide * 2.0 && height <= high * 2.0;
    let is_inside = (0.0..=wide).contains(&middle_x) && (0.0..=high).contains(&middle_y);
    if !is_face || !is_inside {
        return None;
    }
    let scale = SIDE / (width.max(height) * (1.0 + 2.0 * MARGIN));
    let (from_x, to_x) = (to_pixel(left - width * MARGIN), to_pixel(left + width * (1.0 + MARGIN)));
    let (from_y, to_y) = (to_pixel(top - height * MARGIN), to_pixel(top + height * (1.0 + MARGIN)));
    let cut = crop_imm(&upright, from_x, from_y, to_x - from_x, to_y - from_y).to_image();
    let scaled = |side: u32| to_pixel(to_float(side) * scale).max(1);
    Some(resize(&cut, scaled(cut.width()), scaled(cut.height()), FilterType::Triangle))
}

/// Reads a picture in shades of grey, turned as its Exif data says.
fn upright(bytes: &[u8]) -> Option<GrayImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let format = reader.format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_PIXELS);
    limits.max_image_height = Some(MOST_PIXELS);
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let orientation = certain_orientation(bytes, format, decoder.orientation().ok()?)?;
    let picture = DynamicImage::from_decoder(decoder).ok()?;
    if picture.color().has_alpha() && picture.to_luma_alpha8().pixels().any(|pixel| pixel.0[1] < u8::MAX) {
        return None;
    }
    let mut grey = DynamicImage::ImageLuma8(picture.into_luma8());
    grey.apply_orientation(orientation);
    Some(grey.into_luma8())
}

/// The orientation, if there is no doubt that Rekognition sees the same: a face that is cut out at another place has nothing in common
/// with its copy. Rekognition turns JPEGs by their Exif data only, so a PNG must not ask for it, and a JPEG must not name two.
fn certain_orientation(bytes: &[u8], format: ImageFormat, orientation: Orientation) -> Option<Orientation> {
    let is_certain = match format {
        ImageFormat::Png => orientation == Orientation::NoTransforms,
        ImageFormat::Jpeg => named_orientations(jpeg_header(bytes)?).all(|named| named == Some(orientation)),
        _ => false,
    };
    is_certain.then_some(orientation)
}

/// What looks like an entry for the orientation, of whatever type, in either byte order: tag 0x0112, type, count, value.
fn named_orientations(header: &[u8]) -> impl Iterator<Item = Option<Orientation>> {
    header.windows(10).filter_map(|entry| match *entry {
        [0x01, 0x12, 0, 1..=13, _, _, _, _, high, low] | [0x12, 0x01, 1..=13, 0, _, _, _, _, low, high] => {
            Some(if high == 0 { Orientation::from_exif(low) } else { None })
        }
        _ => None,
    })
}

/// Everything before the pixels.
fn jpeg_header(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = 2;
    loop {
        match *bytes.get(at..at + 4)? {
            [0xFF, 0xDA, ..] => return bytes.get(..at),
            // Four colours, of which decoders make different pictures.
            [0xFF, 0xC0..=0xC2, ..] if bytes.get(at + 9) == Some(&4) => return None,
            [0xFF, 0xFF, ..] => at += 1,
            [0xFF, _, high, low] => at += 2 + usize::from(u16::from_be_bytes([high, low])),
            _ => return None,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a picture has fewer pixels a side than a float is exact for")]
fn to_float(pixels: u32) -> f32 {
    pixels as f32
}

/// What lies outside of the picture at its left or upper edge becomes that edge.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of floats saturate, as is wanted here"
)]
fn to_pixel(place: f32) -> u32 {
    place.round() as u32
}
