//! A photograph as grey pixels.

use std::io::Cursor;

use image::{
    DynamicImage, GrayImage, ImageDecoder as _, ImageReader, Limits,
    imageops::{FilterType, resize},
};

/// Pixels a side at most: the limit of the pictures of a package.
const MOST_PIXELS: u32 = 10_000;

/// Bytes that a decoder may take: the largest picture with four colours of one byte, and its work.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// Pixels of the longer side to which larger pictures are scaled. A barcode over half of it has four pixels for its narrowest bar.
const LONGER_SIDE: u32 = 2800;

/// Reads a picture, turned as its EXIF data says, in shades of grey and scaled down.
pub(crate) fn load(bytes: &[u8]) -> Option<GrayImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_PIXELS);
    limits.max_image_height = Some(MOST_PIXELS);
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let orientation = decoder.orientation().ok()?;
    let grey = DynamicImage::from_decoder(decoder).ok()?.into_luma8();
    let longer = grey.width().max(grey.height());
    let scaled = if longer > LONGER_SIDE {
        let scale = |side: u32| (side * LONGER_SIDE / longer).max(1);
        let (width, height) = (scale(grey.width()), scale(grey.height()));
        resize(&grey, width, height, FilterType::Triangle)
    } else {
        grey
    };
    let mut turned = DynamicImage::ImageLuma8(scaled);
    turned.apply_orientation(orientation);
    Some(turned.into_luma8())
}
