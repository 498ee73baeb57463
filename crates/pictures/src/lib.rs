//! Tells whether two pictures of a face are one photograph.
//!
//! Two photographs of one person differ in pose, expression and light, however alike they look. Two copies of one photograph share the
//! places at which it has detail, wherever they lie: cut out, turned, mirrored, scaled, compressed or brightened. So both faces are cut
//! out, the features of each are found (SIFT), and those are counted that one movement of the plane takes from the selfie to the portrait.

mod features;
mod movement;
mod picture;

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::imageops::{blur, flip_horizontal};
use serde::Deserialize;

use crate::features::Features;

/// Pixels by which a portrait is blurred: 2 % of the face.
const OUT_OF_FOCUS: f32 = 3.0;

/// Where a face is: Rekognition's `BoundingBox`, in shares of the width and the height of the upright picture. It may reach beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FaceBox {
    /// The left edge.
    pub left: f32,
    /// The upper edge.
    pub top: f32,
    /// From the left edge to the right one.
    pub width: f32,
    /// From the upper edge to the lower one.
    pub height: f32,
}

/// Counts the features that a face on a selfie and a face on a document share, with the selfie as it is or mirrored.
///
/// `None` if they cannot be compared: a picture is neither JPEG nor PNG, damaged, transparent or too large, a face is too small or lies
/// outside of its picture, or the picture may be turned in another way than Rekognition turns it.
#[must_use]
pub fn compare(selfie: &[u8], selfie_face: FaceBox, document: &[u8], document_face: FaceBox) -> Option<u32> {
    without_panic(|| {
        let selfie = picture::face(selfie, selfie_face)?;
        let document = picture::face(document, document_face)?;
        // A copy out of focus has other features than the portrait, but those of the portrait out of focus.
        let documents = [Features::of(&blur(&document, OUT_OF_FOCUS))?, Features::of(&document)?];
        let mirrored = flip_horizontal(&selfie);
        let selfies = [Features::of(&selfie)?, Features::of(&mirrored)?];
        selfies.iter().flat_map(|selfie| documents.iter().map(|document| selfie.shared_with(document))).max()
    })
}

/// The libraries index without checks: a picture at which they panic cannot be compared, and is no fault of the system.
fn without_panic<T>(work: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok().flatten()
}
