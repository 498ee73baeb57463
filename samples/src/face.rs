//! Faces of people who do not exist, derived from the two portraits.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixel arithmetic: every value is small"
)]

use serde::{Deserialize, Serialize};

use crate::{
    Error,
    picture::{Noise, Picture},
    portrait::{HEIGHT, Portrait, WIDTH},
    warp::{Point, Warp},
};

/// How a face differs from the portrait that it starts from. Everything at its default is that portrait.
///
/// Shapes are relative (0 = as in the portrait, 0.1 = a tenth larger) or pixels of the 400 × 500 portrait, as noted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Face {
    /// Where hair, hat and clothes come from, and the features unless they are mixed in from the other portrait.
    pub base: Portrait,
    /// Left and right exchanged.
    pub mirrored: bool,
    /// How far the points of the face move towards the other portrait's (1 = all the way, below 0 = away).
    pub shape: f32,
    /// How much of the other portrait's skin is used, from 0 to 1.
    pub skin: f32,
    /// How much of the other portrait's eyes is used, from 0 to 1.
    pub eyes: f32,
    /// How much of the other portrait's nose is used, from 0 to 1.
    pub nose: f32,
    /// How much of the other portrait's mouth is used, from 0 to 1.
    pub mouth: f32,
    /// Width of the whole head, relative.
    pub head_width: f32,
    /// Width of the jaw, relative.
    pub jaw_width: f32,
    /// The chin lower, in pixels.
    pub chin: f32,
    /// Each eye further from the nose, in pixels.
    pub eye_distance: f32,
    /// Size of the eyes, relative.
    pub eye_size: f32,
    /// Outer corners of the eyes higher, in pixels.
    pub eye_tilt: f32,
    /// Eyes and brows lower, in pixels.
    pub eye_line: f32,
    /// Brows higher, in pixels.
    pub brow_height: f32,
    /// Outer ends of the brows higher, in pixels.
    pub brow_tilt: f32,
    /// The tip of the nose lower, in pixels.
    pub nose_length: f32,
    /// Width of the nose, relative.
    pub nose_width: f32,
    /// Width of the mouth, relative.
    pub mouth_width: f32,
    /// The mouth lower, in pixels.
    pub mouth_line: f32,
    /// Corners of the mouth higher, in pixels.
    pub smile: f32,
    /// Height of the lips, relative.
    pub lips: f32,
    /// Factors on red, green and blue of the skin.
    pub skin_tone: [f32; 3],
    /// Factors on red, green and blue of the hair.
    pub hair_tone: [f32; 3],
    /// Factors on red, green and blue of the clothes.
    pub clothes_tone: [f32; 3],
    /// Hair or hat higher and wider, in pixels.
    pub hair: f32,
    /// Fine lines deeper (above 0) or smoother (down to -1).
    pub lines: f32,
    /// Darkness of a moustache, from 0 to 1.
    pub moustache: f32,
    /// Darkness of a beard, from 0 to 1.
    pub beard: f32,
    /// Darkness of heavier brows, from 0 to 1.
    pub brows: f32,
}

impl Default for Face {
    fn default() -> Self {
        Self {
            base: Portrait::default(),
            mirrored: false,
            shape: 0.0,
            skin: 0.0,
            eyes: 0.0,
            nose: 0.0,
            mouth: 0.0,
            head_width: 0.0,
            jaw_width: 0.0,
            chin: 0.0,
            eye_distance: 0.0,
            eye_size: 0.0,
            eye_tilt: 0.0,
            eye_line: 0.0,
            brow_height: 0.0,
            brow_tilt: 0.0,
            nose_length: 0.0,
            nose_width: 0.0,
            mouth_width: 0.0,
            mouth_line: 0.0,
            smile: 0.0,
            lips: 0.0,
            skin_tone: [1.0; 3],
            hair_tone: [1.0; 3],
            clothes_tone: [1.0; 3],
            hair: 0.0,
            lines: 0.0,
            moustache: 0.0,
            beard: 0.0,
            brows: 0.0,
        }
    }
}

/// The middle of a portrait: both are aligned to it.
const CENTRE: f32 = 200.5;

impl Face {
    /// The same person on another day: the hair lies otherwise, and a camera that smooths the skin.
    #[must_use]
    pub fn on_another_day(&self) -> Self {
        Self { hair: 20.0, lines: -1.0, ..self.clone() }
    }

    /// Head and shoulders, 400 × 500, transparent around them.
    ///
    /// # Errors
    /// When the shape is so extreme that two points of the face coincide.
    pub fn draw(&self) -> Result<Picture, Error> {
        let target = self.landmarks();
        let base = self.bent(self.base, &target)?;
        let mut picture = base.clone();
        let hull = Region::face(&target, 16.0);
        if [self.skin, self.eyes, self.nose, self.mouth].iter().any(|w| *w > 0.0) {
            let mut other = self.bent(self.base.other(), &target)?;
            match_colours(&mut other, &base, &hull);
            let eyes = Region::eyes(&target);
            let nose = Region::nose(&target);
            let mouth = Region::mouth(&target);
            for (i, pixel) in picture.pixels.iter_mut().enumerate() {
                let mut weight = self.skin;
                weight += (self.nose - weight) * nose.0[i];
                weight += (self.mouth - weight) * mouth.0[i];
                weight += (self.eyes - weight) * eyes.0[i];
                weight *= hull.0[i];
                for (own, other) in pixel[..3].iter_mut().zip(&other.pixels[i]) {
                    *own += (other - *own) * weight;
                }
            }
        }
        self.age(&mut picture, &hull);
        self.tint(&mut picture, &Region::face(&target, 34.0));
        self.grow_hair(&mut picture, &target);
        Ok(if self.mirrored { picture.mirrored() } else { picture })
    }

    /// One portrait, its features moved to `target`.
    fn bent(&self, portrait: Portrait, target: &[Point; 68]) -> Result<Picture, Error> {
        let mut source = portrait.landmarks().to_vec();
        let mut goal = target.to_vec();
        // Points around the face hold hair, hat and clothes where they are.
        for [x, y] in AROUND {
            source.push([*x, *y]);
            let raised = if *y < 180.0 { self.hair } else { 0.0 };
            let aside = if *y < 300.0 { self.hair / 2.0 * (x - CENTRE).signum() } else { 0.0 };
            goal.push([self.widened(*x, *y) + aside, *y - raised]);
        }
        for i in 0..=8_u8 {
            let (x, y) = (f32::from(i) * (WIDTH as f32 - 1.0) / 8.0, f32::from(i) * (HEIGHT as f32 - 1.0) / 8.0);
            let edge = [[x, 0.0], [x, HEIGHT as f32 - 1.0], [0.0, y], [WIDTH as f32 - 1.0, y]];
            // The corners belong to two edges, and may be named once only.
            let edge = if i == 0 || i == 8 { &edge[..2] } else { &edge[..] };
            source.extend_from_slice(edge);
            goal.extend_from_slice(edge);
        }
        Ok(Warp::new(WIDTH, HEIGHT, &source, &goal)?.apply(&portrait.cut_out()?))
    }

    fn widened(&self, x: f32, y: f32) -> f32 {
        // Shoulders keep their width.
        let share = 1.0 - ((y - 380.0) / 60.0).clamp(0.0, 1.0);
        CENTRE + (x - CENTRE) * (1.0 + self.head_width * share)
    }

    /// Where the 68 points of this face are.
    fn landmarks(&self) -> [Point; 68] {
        let (own, others) = (self.base.landmarks(), self.base.other().landmarks());
        let mut points: [Point; 68] = std::array::from_fn(|i| {
            std::array::from_fn(|axis| own[i][axis] + (others[i][axis] - own[i][axis]) * self.shape)
        });
        for (i, point) in points[..17].iter_mut().enumerate() {
            // 0 at the ears, 1 from the angle of the jaw to the chin.
            let low = 1.0 - (i as f32 - 8.0).abs() / 8.0;
            let share = (low * 2.0).min(1.0);
            point[0] = CENTRE + (point[0] - CENTRE) * (1.0 + self.jaw_width * share);
            point[1] += self.chin * low * low;
        }
        for (range, side) in [(17..22, -1.0), (22..27, 1.0)] {
            for i in range {
                let outward = (points[i][0] - CENTRE) * side / 85.0;
                points[i][0] += self.eye_distance * side;
                points[i][1] += self.eye_line - self.brow_height - self.brow_tilt * (outward - 0.5);
            }
        }
        for (range, side) in [(36..42, -1.0), (42..48, 1.0)] {
            let middle = centre_of(&points[range.clone()]);
            for i in range {
                let outward = (points[i][0] - middle[0]) * side / 15.0;
                for axis in 0..2 {
                    points[i][axis] = middle[axis] + (points[i][axis] - middle[axis]) * (1.0 + self.eye_size);
                }
                points[i][0] += self.eye_distance * side;
                points[i][1] += self.eye_line - self.eye_tilt * outward;
            }
        }
        for (i, point) in points.iter_mut().enumerate().take(36).skip(27) {
            let share = if i < 31 { (i - 27) as f32 / 4.0 } else { 1.0 };
            point[1] += self.nose_length * share + self.eye_line * (1.0 - share);
            if i >= 31 {
                point[0] = CENTRE + (point[0] - CENTRE) * (1.0 + self.nose_width);
            }
        }
        let middle = centre_of(&points[48..68]);
        for point in &mut points[48..68] {
            let outward = ((point[0] - middle[0]) / 45.0).abs();
            point[0] = middle[0] + (point[0] - middle[0]) * (1.0 + self.mouth_width);
            point[1] =
                middle[1] + (point[1] - middle[1]) * (1.0 + self.lips) + self.mouth_line - self.smile * (outward - 0.4);
        }
        for point in &mut points {
            point[0] = self.widened(point[0], point[1]);
        }
        points
    }

    fn age(&self, picture: &mut Picture, hull: &Region) {
        if self.lines == 0.0 {
            return;
        }
        let smooth = picture.blurred(if self.lines > 0.0 { 2.5 } else { 1.8 });
        for (i, pixel) in picture.pixels.iter_mut().enumerate() {
            for (own, smooth) in pixel[..3].iter_mut().zip(&smooth.pixels[i]) {
                let detail = *own - smooth;
                // Smooth the skin, not the edges of eyes and glasses.
                let share =
                    if self.lines > 0.0 { self.lines } else { self.lines * (1.0 - (detail.abs() / 30.0).min(1.0)) };
                *own += detail * share * hull.0[i];
            }
        }
    }

    fn tint(&self, picture: &mut Picture, hull: &Region) {
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let i = y * WIDTH + x;
                let pixel = &mut picture.pixels[i];
                let [r, _, b, _] = *pixel;
                // Skin is where red is above green and green above blue, at a medium saturation.
                let reddish = ((r - b) / r.max(1.0) - 0.12).clamp(0.0, 0.1) * 10.0;
                let above_shoulders = 1.0 - ((y as f32 - 395.0) / 30.0).clamp(0.0, 1.0);
                let hair_line = 1.0 - ((y as f32 - 255.0) / 50.0).clamp(0.0, 1.0);
                let skin = match self.base {
                    Portrait::Hopper => hull.0[i].max(reddish * above_shoulders * if y > 170 { 1.0 } else { 0.0 }),
                    Portrait::Collins => hull.0[i].max(reddish * above_shoulders * (1.0 - hair_line)),
                };
                let hair = match self.base {
                    // The hat covers most of the hair.
                    Portrait::Hopper => 0.0,
                    Portrait::Collins => (1.0 - hull.0[i]) * hair_line,
                };
                let clothes = (1.0 - above_shoulders) * (1.0 - hair);
                for (channel, value) in pixel[..3].iter_mut().enumerate() {
                    let factor = 1.0
                        + (self.skin_tone[channel] - 1.0) * skin
                        + (self.hair_tone[channel] - 1.0) * hair
                        + (self.clothes_tone[channel] - 1.0) * clothes;
                    *value = (*value * factor).clamp(0.0, 255.0);
                }
            }
        }
    }

    fn grow_hair(&self, picture: &mut Picture, points: &[Point; 68]) {
        let regions = [
            (self.beard, Region::beard(points)),
            (self.moustache, Region::moustache(points)),
            (self.brows, Region::brows(points)),
        ];
        if regions.iter().all(|(darkness, _)| *darkness <= 0.0) {
            return;
        }
        let mut noise = Noise::new(7);
        // Single hairs: noise that is drawn out downwards.
        let raw: Vec<f32> = (0..WIDTH * HEIGHT).map(|_| noise.around_zero()).collect();
        let strand = |i: usize| (0..7).map(|k| raw[i.saturating_sub(k * WIDTH)]).sum::<f32>() / 2.0;
        for (darkness, region) in regions {
            if darkness <= 0.0 {
                continue;
            }
            for (i, pixel) in picture.pixels.iter_mut().enumerate() {
                let cover = (region.0[i] * darkness * (1.0 + 0.5 * strand(i))).clamp(0.0, 1.0);
                for (channel, hair) in [74.0, 58.0, 46.0].into_iter().enumerate() {
                    pixel[channel] += (hair * self.hair_tone[channel].clamp(0.5, 1.8) - pixel[channel]) * cover;
                }
            }
        }
    }
}

/// Outline of head and neck, and points outside of it.
const AROUND: &[Point] = &[
    [60.0, 110.0],
    [120.0, 60.0],
    [200.0, 40.0],
    [285.0, 60.0],
    [345.0, 110.0],
    [50.0, 200.0],
    [355.0, 200.0],
    [70.0, 280.0],
    [330.0, 280.0],
    [125.0, 150.0],
    [200.0, 140.0],
    [275.0, 150.0],
    [120.0, 430.0],
    [200.0, 450.0],
    [280.0, 430.0],
];

fn centre_of(points: &[Point]) -> Point {
    let sum = points.iter().fold([0.0, 0.0], |sum, p| [sum[0] + p[0], sum[1] + p[1]]);
    sum.map(|v| v / points.len() as f32)
}

/// The weight of each pixel in a part of the face, from 0 to 1.
struct Region(Vec<f32>);

impl Region {
    /// The inside of a polygon, its edge softened over about `soft` pixels.
    fn polygon(corners: &[Point], soft: f32) -> Self {
        // Pixels further away than this do not change.
        let margin = soft * 3.0 + 2.0;
        let range = |axis: usize, end: usize| {
            let lowest = corners.iter().map(|corner| corner[axis]).fold(f32::INFINITY, f32::min) - margin;
            let highest = corners.iter().map(|corner| corner[axis]).fold(0.0, f32::max) + margin;
            (lowest.max(0.0) as usize).min(end - 1)..(highest.max(1.0) as usize + 1).min(end)
        };
        let (columns, rows) = (range(0, WIDTH), range(1, HEIGHT));
        let inside = Picture::from_fn(columns.len(), rows.len(), |x, y| {
            let (x, y) = ((columns.start + x) as f32, (rows.start + y) as f32);
            let mut odd = false;
            for (i, a) in corners.iter().enumerate() {
                let b = corners[(i + 1) % corners.len()];
                if (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) {
                    odd = !odd;
                }
            }
            [if odd { 1.0 } else { 0.0 }; 4]
        });
        let mut shares = vec![0.0; WIDTH * HEIGHT];
        for (row, line) in rows.zip(inside.blurred(soft).pixels.chunks_exact(columns.len())) {
            for (share, pixel) in shares[row * WIDTH + columns.start..].iter_mut().zip(line) {
                *share = pixel[0];
            }
        }
        Self(shares)
    }

    fn union(mut self, other: &Self) -> Self {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a = a.max(*b);
        }
        self
    }

    /// The face from `forehead` pixels above the brows to the chin, a little within its outline.
    fn face(points: &[Point; 68], forehead: f32) -> Self {
        let mut corners: Vec<Point> = points[..17].to_vec();
        for i in (17..27).rev() {
            corners.push([points[i][0], points[i][1] - forehead]);
        }
        let middle = centre_of(&corners);
        for corner in &mut corners {
            for axis in 0..2 {
                corner[axis] = middle[axis] + (corner[axis] - middle[axis]) * 0.95;
            }
        }
        Self::polygon(&corners, 6.0)
    }

    fn eyes(points: &[Point; 68]) -> Self {
        let part = |eye: std::ops::Range<usize>, brow: std::ops::Range<usize>| {
            let mut corners: Vec<Point> = points[brow].iter().map(|p| [p[0], p[1] - 10.0]).collect();
            let eye = &points[eye];
            let middle = centre_of(eye);
            corners.push([middle[0] + 34.0, middle[1] + 4.0]);
            corners.push([middle[0] + 26.0, middle[1] + 26.0]);
            corners.push([middle[0] - 26.0, middle[1] + 26.0]);
            corners.push([middle[0] - 34.0, middle[1] + 4.0]);
            Self::polygon(&corners, 5.0)
        };
        part(36..42, 17..22).union(&part(42..48, 22..27))
    }

    fn nose(points: &[Point; 68]) -> Self {
        let bottom = points[33][1] + 8.0;
        Self::polygon(
            &[
                points[27],
                [points[35][0] + 12.0, points[35][1] - 16.0],
                [points[35][0] + 10.0, bottom],
                [points[31][0] - 10.0, bottom],
                [points[31][0] - 12.0, points[31][1] - 16.0],
            ],
            5.0,
        )
    }

    fn mouth(points: &[Point; 68]) -> Self {
        let middle = centre_of(&points[48..68]);
        let corners: Vec<Point> = points[48..60]
            .iter()
            .map(|p| [middle[0] + (p[0] - middle[0]) * 1.25, middle[1] + (p[1] - middle[1]) * 1.5])
            .collect();
        Self::polygon(&corners, 5.0)
    }

    fn beard(points: &[Point; 68]) -> Self {
        let mut corners: Vec<Point> = points[2..15].iter().map(|p| [p[0], p[1] + 2.0]).collect();
        let cheek = |i: usize, towards: f32| {
            let mouth = centre_of(&points[48..68]);
            [points[i][0] + (mouth[0] - points[i][0]) * towards, points[i][1] + (mouth[1] - points[i][1]) * towards]
        };
        corners.push(cheek(13, 0.35));
        corners.push([points[54][0] + 10.0, points[54][1] + 2.0]);
        corners.push([points[56][0], points[56][1] + 7.0]);
        corners.push([points[57][0], points[57][1] + 9.0]);
        corners.push([points[58][0], points[58][1] + 7.0]);
        corners.push([points[48][0] - 10.0, points[48][1] + 2.0]);
        corners.push(cheek(3, 0.35));
        Self::polygon(&corners, 7.0)
    }

    fn moustache(points: &[Point; 68]) -> Self {
        Self::polygon(
            &[
                [points[31][0] - 2.0, points[31][1] + 6.0],
                [points[33][0], points[33][1] + 5.0],
                [points[35][0] + 2.0, points[35][1] + 6.0],
                [points[54][0] + 8.0, points[54][1] + 2.0],
                [points[53][0], points[53][1] - 1.0],
                [points[51][0], points[51][1] - 2.0],
                [points[49][0], points[49][1] - 1.0],
                [points[48][0] - 8.0, points[48][1] + 2.0],
            ],
            2.5,
        )
    }

    fn brows(points: &[Point; 68]) -> Self {
        let part = |range: std::ops::Range<usize>| {
            let line = &points[range];
            let mut corners: Vec<Point> = line.iter().map(|p| [p[0], p[1] - 4.0]).collect();
            corners.extend(line.iter().rev().map(|p| [p[0], p[1] + 5.0]));
            Self::polygon(&corners, 2.0)
        };
        part(17..22).union(&part(22..27))
    }
}

/// Gives `picture` the mean and spread of colours that `model` has within `region`.
fn match_colours(picture: &mut Picture, model: &Picture, region: &Region) {
    let moments = |of: &Picture, channel: usize| {
        let (mut total, mut sum, mut squares) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (pixel, weight) in of.pixels.iter().zip(&region.0) {
            let (value, weight) = (f64::from(pixel[channel]), f64::from(*weight));
            total += weight;
            sum += value * weight;
            squares += value * value * weight;
        }
        let mean = sum / total.max(1.0);
        (mean, (squares / total.max(1.0) - mean * mean).max(1.0).sqrt())
    };
    for channel in 0..3 {
        let (own, own_spread) = moments(picture, channel);
        let (wanted, wanted_spread) = moments(model, channel);
        let factor = (wanted_spread / own_spread).clamp(0.75, 1.3);
        for pixel in &mut picture.pixels {
            let value = (wanted + (f64::from(pixel[channel]) - own) * factor) as f32;
            pixel[channel] = value.clamp(0.0, 255.0);
        }
    }
}
