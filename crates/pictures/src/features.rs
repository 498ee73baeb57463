//! The places of a face that can be found again on a copy of it.

use image::GrayImage;
use kornia_imgproc::features::{
    FirstOctave, SiftConfig, SiftFeatures, SiftWorkspace, sift_detect_and_compute, sift_match_descriptors,
};

use crate::movement::{self, Pair, Place};

/// A quarter of the usual contrast: what is left of it in a portrait that is small and pale, or a copy out of focus.
const CONTRAST: f64 = 0.01;

/// The mean brightness of each face, from 0 to 255, and its standard deviation.
const MIDDLE: f32 = 128.0;
const SPREAD: f32 = 60.0;

/// The strongest ones count: it bounds the work, which grows with the square.
const MOST_FEATURES: usize = 1500;

/// A feature is found again when the most similar one is this much nearer than the second.
const RATIO: f32 = 0.8;

/// The features of one face.
pub(crate) struct Features(SiftFeatures);

impl Features {
    pub(crate) fn of(face: &GrayImage) -> Option<Self> {
        let (width, height) = (usize::try_from(face.width()).ok()?, usize::try_from(face.height()).ok()?);
        let pixels = with_full_contrast(face.as_raw());
        let config = SiftConfig { n_features: MOST_FEATURES, contrast_threshold: CONTRAST, ..SiftConfig::default() };
        let mut workspace = SiftWorkspace::new();
        // Doubled first, so that the fine detail of a small face counts.
        let (octave, all_octaves, exact) = (FirstOctave::Double, usize::MAX, false);
        sift_detect_and_compute(&mut workspace, &pixels, width, height, &config, octave, all_octaves, exact)
            .ok()
            .map(Self)
    }

    /// How many of these features lie on the other face where one movement of the plane takes them.
    pub(crate) fn shared_with(&self, other: &Self) -> u32 {
        let (own, others) = (&self.0, &other.0);
        let matched =
            sift_match_descriptors(&own.descriptors, own.len(), &others.descriptors, others.len(), RATIO, false);
        let pairs: Vec<Pair> = matched
            .into_iter()
            .filter_map(|[from, to]| Some(Pair { from: own.place(from)?, to: others.place(to)? }))
            .collect();
        movement::explained(&pairs)
    }
}

/// The brightnesses with one mean and spread for all faces, so that a dark or pale copy has as many features as the portrait.
#[expect(clippy::cast_precision_loss, reason = "a hundred thousand pixels at most")]
fn with_full_contrast(pixels: &[u8]) -> Vec<f32> {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let bright: Vec<f32> = pixels.iter().copied().map(f32::from).collect();
    let middle = mean(&bright);
    let squares: Vec<f32> = bright.iter().map(|value| (value - middle).powi(2)).collect();
    let factor = SPREAD / mean(&squares).sqrt().max(1.0);
    bright.iter().map(|value| (value - middle) * factor + MIDDLE).collect()
}

trait Places {
    fn place(&self, index: i32) -> Option<Place>;
}

impl Places for SiftFeatures {
    fn place(&self, index: i32) -> Option<Place> {
        let point = self.keypoints.get(usize::try_from(index).ok()?)?;
        Some(Place { x: point.x, y: point.y })
    }
}
