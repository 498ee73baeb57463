//! Reads the PDF417 barcode of a licence from a photograph.
//!
//! The library that decodes wants a barcode that lies straight, so this finds where bars are, and cuts them out turned upright. The work
//! is bounded: pictures are scaled down, and only so many cuttings are tried.

mod picture;
mod region;

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::GrayImage;
use rxing::{
    Binarizer, BinaryBitmap, DecodeHints, Luma8LuminanceSource, Reader as _,
    common::{GlobalHistogramBinarizer, HybridBinarizer},
    pdf417::PDF417Reader,
};

/// Pixels of all cuttings of one picture that are tried: seconds of work.
const MOST_PIXELS: u64 = 80_000_000;

/// Reads the first barcode of a picture (JPEG or PNG) that the caller understands. `None` if there is none, or the picture is none.
pub fn read<T>(picture: &[u8], understand: impl Fn(&str) -> Option<T>) -> Option<T> {
    let page = without_panic(|| picture::load(picture))?;
    let cuttings = region::cuttings(&page);
    let mut left = MOST_PIXELS;
    let cuttings = cuttings.iter().take_while(|cutting| {
        left = left.saturating_sub(cutting.pixels());
        left > 0
    });
    cuttings.flat_map(|cutting| decode(cutting.of(&page))).find_map(|text| understand(&text))
}

/// The texts that two ways to tell black from white give: by the neighbourhood, and by the whole cutting.
fn decode(cutting: GrayImage) -> impl Iterator<Item = String> {
    let (width, height) = cutting.dimensions();
    let source = Luma8LuminanceSource::new(cutting.into_raw(), width, height).ok();
    let by_whole = source.clone();
    let neighbourhood = std::iter::once_with(move || decode_with(HybridBinarizer::new(source?)));
    let whole = std::iter::once_with(move || decode_with(GlobalHistogramBinarizer::new(by_whole?)));
    neighbourhood.chain(whole).flatten()
}

fn decode_with(binarizer: impl Binarizer) -> Option<String> {
    let mut bitmap = BinaryBitmap::new(binarizer);
    let decoded = without_panic(|| PDF417Reader.decode_with_hints(&mut bitmap, &DecodeHints::default()).ok());
    Some(decoded?.getText().to_owned())
}

/// The libraries index and subtract without checks: a picture at which they panic shows no barcode, and is no fault of the system.
fn without_panic<T>(work: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok().flatten()
}
