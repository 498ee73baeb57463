//! Turns a drawn face in three dimensions.
#![expect(clippy::cast_precision_loss, reason = "pixel arithmetic: every value is small")]

use crate::picture::Picture;

/// The middle of a face in its drawing.
pub(crate) const MIDDLE: [f32; 2] = [200.5, 285.0];

/// How far the middle of the face is before the ears, in pixels of the drawing, and how soon the head falls off around it.
const HEAD: [f32; 3] = [110.0, 90.0, 130.0];

/// The same for the nose, before the face.
const NOSE: [f32; 3] = [24.0, 15.0, 34.0];

/// How far a place of the drawing, from the middle of the face, is before the ears.
fn depth(x: f32, y: f32) -> f32 {
    let hill =
        |[height, wide, high]: [f32; 3], x: f32, y: f32| height * (-(x / wide).powi(2) - (y / high).powi(2)).exp();
    hill(HEAD, x, y) + hill(NOSE, x, y + 8.0)
}

/// The head turned aside by `yaw` degrees, above 0 so that it is seen from its left. Its right side is brighter than its left by `light`.
pub(crate) fn turned(face: &Picture, yaw: f32, light: f32) -> Picture {
    let (sin, cos) = yaw.to_radians().sin_cos();
    Picture::from_fn(face.width, face.height, |column, row| {
        let (across, y) = (column as f32 - MIDDLE[0], row as f32 - MIDDLE[1]);
        // What is nearer moves further: the place that comes to lie here is found by approximation.
        let mut x = across;
        for _ in 0..24 {
            x = (across - (depth(x, y) - HEAD[0] / 2.0) * sin) / cos;
        }
        let [red, green, blue, opacity] = face.at(MIDDLE[0] + x, MIDDLE[1] + y);
        let slope = (depth(x - 2.0, y) - depth(x + 2.0, y)) / 4.0;
        let lit = (1.0 + light * slope).max(0.0);
        [red * lit, green * lit, blue * lit, opacity]
    })
}
