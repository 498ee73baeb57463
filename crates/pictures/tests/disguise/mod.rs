//! Copies of a photograph, each made unlike it in one way.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixel arithmetic: every value is small, and clamped before it is stored"
)]

use bonafide_pictures::FaceBox;
use image::{
    ImageResult, Rgb, RgbImage,
    codecs::jpeg::JpegEncoder,
    imageops::{FilterType, crop_imm, fast_blur, flip_horizontal, replace, resize},
};

/// A picture, and where its face is.
#[derive(Clone)]
pub(crate) struct Shot {
    /// The picture, upright.
    pub(crate) picture: RgbImage,
    /// The face on it.
    pub(crate) face: FaceBox,
}

/// What makes a copy unlike the photograph.
pub(crate) type Disguise = Box<dyn Fn(&Shot) -> Shot + Sync>;

impl Shot {
    /// The face of an encoded picture.
    pub(crate) fn of(bytes: &[u8], face: FaceBox) -> ImageResult<Self> {
        Ok(Self { picture: image::load_from_memory(bytes)?.into_rgb8(), face })
    }

    /// The picture as JPEG.
    pub(crate) fn jpeg(&self, quality: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&self.picture).expect("a picture in memory");
        bytes
    }

    /// The middle of the face, and its size, in pixels.
    fn pixels(&self) -> [f32; 4] {
        let (wide, high) = (self.picture.width() as f32, self.picture.height() as f32);
        let FaceBox { left, top, width, height } = self.face;
        [(left + width / 2.0) * wide, (top + height / 2.0) * high, width * wide, height * high]
    }

    /// The portrait: the face with this much around it, in shares of its size.
    pub(crate) fn cut(&self, margin: f32) -> Self {
        let [x, y, width, height] = self.pixels();
        let reach = [width, height].map(|size| size * (0.5 + margin));
        let (left, top) = ((x - reach[0]).max(0.0).round(), (y - reach[1]).max(0.0).round());
        let right = (x + reach[0]).min(self.picture.width() as f32).round();
        let bottom = (y + reach[1]).min(self.picture.height() as f32).round();
        let (wide, high) = (right - left, bottom - top);
        let picture = crop_imm(&self.picture, left as u32, top as u32, wide as u32, high as u32).to_image();
        let face = FaceBox {
            left: (x - width / 2.0 - left) / wide,
            top: (y - height / 2.0 - top) / high,
            width: width / wide,
            height: height / high,
        };
        Self { picture, face }
    }

    /// The portrait printed on a card: small, pale, on a patterned ground, photographed and compressed.
    pub(crate) fn on_a_document(&self) -> Self {
        let portrait = self.cut(0.5).fit(300);
        let portrait = portrait.toned(|value| (value - 128.0) * 0.9 + 134.0);
        let mut card = RgbImage::from_fn(1200, 757, |x, y| {
            let wave = ((x as f32 / 17.0).sin() + (y as f32 / 11.0 + x as f32 / 90.0).cos()) * 9.0;
            Rgb([225.0 + wave, 230.0 - wave, 228.0].map(|value| value as u8))
        });
        replace(&mut card, &portrait.picture, 40, 150);
        let (wide, high) = (portrait.picture.width() as f32, portrait.picture.height() as f32);
        let face = FaceBox {
            left: (40.0 + portrait.face.left * wide) / 1200.0,
            top: (150.0 + portrait.face.top * high) / 757.0,
            width: portrait.face.width * wide / 1200.0,
            height: portrait.face.height * high / 757.0,
        };
        Self { picture: card, face }.compressed(80)
    }

    fn fit(&self, wide: u32) -> Self {
        let factor = wide as f32 / self.picture.width() as f32;
        self.scaled(factor, factor)
    }

    /// In another size, and other proportions.
    pub(crate) fn scaled(&self, across: f32, down: f32) -> Self {
        let side = |pixels: u32, factor: f32| ((pixels as f32 * factor).round() as u32).max(1);
        let (wide, high) = (side(self.picture.width(), across), side(self.picture.height(), down));
        Self { picture: resize(&self.picture, wide, high, FilterType::CatmullRom), face: self.face }
    }

    /// Left and right exchanged.
    pub(crate) fn mirrored(&self) -> Self {
        let face = FaceBox { left: 1.0 - self.face.left - self.face.width, ..self.face };
        Self { picture: flip_horizontal(&self.picture), face }
    }

    /// Compressed and opened again.
    pub(crate) fn compressed(&self, quality: u8) -> Self {
        Self::of(&self.jpeg(quality), self.face).expect("a picture that was just encoded")
    }

    /// Each brightness changed, from 0 to 255.
    pub(crate) fn toned(&self, change: impl Fn(f32) -> f32) -> Self {
        let mut picture = self.picture.clone();
        for value in picture.iter_mut() {
            *value = change(f32::from(*value)).clamp(0.0, 255.0).round() as u8;
        }
        Self { picture, face: self.face }
    }

    /// Out of focus, in hundredths of the width of the face.
    pub(crate) fn blurred(&self, hundredths: f32) -> Self {
        Self { picture: fast_blur(&self.picture, self.pixels()[2] * hundredths / 100.0), face: self.face }
    }

    /// With grain of up to this many steps of brightness.
    pub(crate) fn grained(&self, steps: f32) -> Self {
        let mut state = 1_u64;
        let mut picture = self.picture.clone();
        for value in picture.iter_mut() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let grain = ((state >> 40) as f32 / 8_388_608.0 - 1.0) * steps;
            *value = (f32::from(*value) + grain).clamp(0.0, 255.0).round() as u8;
        }
        Self { picture, face: self.face }
    }

    /// Each place taken from another one: both from the middle of the face, in widths of it.
    pub(crate) fn bent(&self, source: impl Fn(f32, f32) -> (f32, f32)) -> Self {
        let [x, y, size, _] = self.pixels();
        let picture = RgbImage::from_fn(self.picture.width(), self.picture.height(), |column, row| {
            let (u, v) = source((column as f32 - x) / size, (row as f32 - y) / size);
            at(&self.picture, x + u * size, y + v * size)
        });
        Self { picture, face: self.face }
    }

    /// Turned around the face, clockwise.
    pub(crate) fn turned(&self, degrees: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        self.bent(|u, v| (u * cos + v * sin, v * cos - u * sin))
    }

    /// Printed, and photographed from the side.
    pub(crate) fn tilted(&self, degrees: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        // From three widths of the face away.
        self.bent(|u, v| {
            let depth = 3.0 / (3.0 * cos - u * sin);
            (u * depth, v * depth * cos)
        })
    }

    /// The head cut out and set before another ground.
    pub(crate) fn on_another_ground(&self) -> Self {
        let [x, y, width, height] = self.pixels();
        let mut picture = self.picture.clone();
        for (column, row, pixel) in picture.enumerate_pixels_mut() {
            let (u, v) = ((column as f32 - x) / width, (row as f32 - y) / height);
            if u.hypot(v) > 0.62 {
                *pixel = Rgb([170, (190.0 + 20.0 * (u * 9.0).sin()) as u8, 200]);
            }
        }
        Self { picture, face: self.face }
    }

    /// Shown on a screen with bars above and below, and captured.
    pub(crate) fn captured(&self) -> Self {
        let small = self.scaled(0.8, 0.8);
        let (wide, high) = small.picture.dimensions();
        let bar = high / 6;
        let mut picture = RgbImage::from_pixel(wide, high + 2 * bar, Rgb([24, 26, 30]));
        replace(&mut picture, &small.picture, 0, i64::from(bar));
        let share = high as f32 / (high + 2 * bar) as f32;
        let face =
            FaceBox { top: (1.0 - share) / 2.0 + self.face.top * share, height: self.face.height * share, ..self.face };
        Self { picture, face }.compressed(70)
    }
}

fn at(picture: &RgbImage, x: f32, y: f32) -> Rgb<u8> {
    let x = x.clamp(0.0, picture.width() as f32 - 1.0);
    let y = y.clamp(0.0, picture.height() as f32 - 1.0);
    image::imageops::interpolate_bilinear(picture, x, y).unwrap_or(Rgb([0; 3]))
}

/// Every disguise in several strengths, for the portrait cut out of a document.
pub(crate) fn disguises() -> Vec<(String, Disguise)> {
    let mut all: Vec<(String, Disguise)> = vec![
        ("cut out".to_owned(), Box::new(|shot| shot.cut(0.5))),
        ("cut closer, 20 % around the face".to_owned(), Box::new(|shot| shot.cut(0.2))),
        ("cut closer, 5 % around the face".to_owned(), Box::new(|shot| shot.cut(0.05))),
        ("mirrored".to_owned(), Box::new(Shot::mirrored)),
        ("captured from a screen".to_owned(), Box::new(Shot::captured)),
        ("before another ground".to_owned(), Box::new(Shot::on_another_ground)),
        (
            "mirrored, turned by 8°, darker, quality 40".to_owned(),
            Box::new(|shot| shot.mirrored().turned(8.0).toned(|value| value * 0.7).compressed(40)),
        ),
        (
            "closer, brighter, grain of 10, turned by -6°".to_owned(),
            Box::new(|shot| shot.turned(-6.0).cut(0.15).toned(|value| value * 1.2 + 10.0).grained(10.0)),
        ),
    ];
    let mut add = |name: String, disguise: Disguise| all.push((name, disguise));
    for quality in [75, 40, 20, 10] {
        add(format!("compressed with quality {quality}"), Box::new(move |shot| shot.compressed(quality)));
    }
    for degrees in [-12.0, 3.0, 8.0, 15.0, 20.0, 30.0, 45.0, 90.0] {
        add(format!("turned by {degrees}°"), Box::new(move |shot| shot.turned(degrees)));
    }
    for degrees in [10.0, 20.0, 30.0, 40.0] {
        add(format!("tilted by {degrees}°"), Box::new(move |shot| shot.tilted(degrees)));
    }
    for factor in [0.4, 0.6, 1.7, 3.0] {
        add(format!("scaled by {factor}"), Box::new(move |shot| shot.scaled(factor, factor)));
    }
    for factor in [0.85, 1.15] {
        add(format!("{factor} times as wide"), Box::new(move |shot| shot.scaled(factor, 1.0)));
    }
    for factor in [0.15, 0.3, 0.6, 1.3, 1.7] {
        add(format!("{factor} times as bright"), Box::new(move |shot| shot.toned(|value| value * factor)));
    }
    for factor in [0.3, 0.6, 1.5, 2.0] {
        add(format!("{factor} times the contrast"), Box::new(move |shot| shot.toned(|v| (v - 128.0) * factor + 128.0)));
    }
    for hundredths in [0.5, 1.0, 1.5, 2.0, 3.0] {
        add(format!("blurred by {hundredths} % of the face"), Box::new(move |shot| shot.blurred(hundredths)));
    }
    for steps in [10.0, 25.0, 50.0] {
        add(format!("grain of {steps}"), Box::new(move |shot| shot.grained(steps)));
    }
    for share in [0.01, 0.02, 0.04] {
        let waves = move |u: f32, v: f32| (u + (v * 7.0).sin() * share, v + (u * 7.0).cos() * share);
        add(format!("bent in waves of {share} of the face"), Box::new(move |shot| shot.bent(waves)));
    }
    all
}
