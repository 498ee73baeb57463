//! Renders photographs of invented licences' barcodes on a table.

use std::error::Error;

use image::{GrayImage, Luma, codecs::jpeg::JpegEncoder, imageops};
use rxing::{BarcodeFormat, EncodeHints, Writer as _, pdf417::PDF417Writer, pdf417::encoder::Dimensions};

/// Pixels of a picture.
const SIZE: (u32, u32) = (1600, 1200);

/// A photograph's conditions.
#[derive(Clone, Copy)]
pub(crate) struct Shot {
    /// Degrees in the picture's plane.
    pub(crate) turn: f64,
    /// Pixels: the standard deviation of a Gaussian.
    pub(crate) blur: f32,
    /// Degrees out of the picture's plane, seen from three widths of the card.
    pub(crate) tilt: f64,
    /// The card's share of the picture's width.
    pub(crate) width: f64,
    /// The largest difference in brightness by noise.
    pub(crate) noise: i16,
}

/// A flat, sharp card with a little noise.
pub(crate) const PLAIN: Shot = Shot { turn: 0.0, blur: 0.0, tilt: 0.0, width: 0.8, noise: 8 };

/// What an issuer writes on a card; `which` makes different ones.
pub(crate) fn text(which: usize) -> String {
    let pick = |list: [&'static str; 4]| list[which % 4];
    format!(
        "@\n\u{1e}\rANSI 6360{:02}090102DL00410278ZA03190008DLDAQW{:012}\nDCS{}\nDDEN\nDAC{}\nDDFN\nDAD{}\nDDGN\nDCAE\nDCBNONE\nDCDNONE\n\
         DBD0{}142022\nDBB0{}0319{}\nDBA02282030\nDBC2\nDAU066 in\nDAYBRO\nDAG{} {}\nDAI{}\nDAJFL\nDAK{:05}0000  \nDCF{:06}X{:06}Q{:04}\nDCGUSA\n\
         DDAF\nDDB01012019\nDAW135\nDDK1\rZAZAA{:04}\r",
        which % 60,
        which * 7_919_113 % 1_000_000_007,
        pick(["QUILLFEATHER", "OKAFOR", "VANDERBRUGGEN-SMITH", "IM"]),
        pick(["ODALYS", "TEO", "MAXIMILIANA", "JO"]),
        pick(["WREN", "", "ALEXANDRINE", "Q"]),
        1 + which % 9,
        1 + which % 9,
        50 + which % 49,
        77 + which * 13,
        pick(["N LANTERN HILL RD", "OAK ST", "STATE ROUTE 12 SOUTHWEST APT 1204", "1ST AVE"]),
        pick(["TUCSON", "FORT LAUDERDALE", "RENO", "ST PETERSBURG"]),
        which * 101 % 100_000,
        which * 31_337,
        which * 7919,
        which,
        which,
    )
}

/// Numbers that look random and are always the same.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// The back of a card: 1,712 x 1,080 pixels, a barcode above and lines that look like text below.
pub(crate) fn card(text: &str) -> Result<GrayImage, Box<dyn Error>> {
    let hints = EncodeHints {
        Margin: Some("0".to_owned()),
        ErrorCorrection: Some("4".to_owned()),
        Pdf417Dimensions: Some(Dimensions::new(13, 13, 3, 90)),
        ..EncodeHints::default()
    };
    let bars = PDF417Writer.encode_with_hints(text, &BarcodeFormat::PDF_417, 0, 0, &hints)?;
    let mut card = GrayImage::from_pixel(1712, 1080, Luma([236]));
    let bars_image =
        GrayImage::from_fn(bars.width(), bars.height(), |x, y| Luma([if bars.get(x, y) { 28 } else { 236 }]));
    let (width, height) = (1440, (bars.height() * 1440 / bars.width()).min(460));
    let bars_image = imageops::resize(&bars_image, width, height, imageops::FilterType::Triangle);
    imageops::overlay(&mut card, &bars_image, 136, 90);
    let mut noise = Noise(88_172_645_463_325_252);
    for line in 0..9 {
        let (top, mut left) = (620 + line * 44, 140);
        while left < 1500 {
            let (stroke, gap) = (3 + noise.next() % 5, 4 + noise.next() % 14);
            for x in left..(left + u32::try_from(stroke)?) {
                for y in top..top + 22 {
                    card.put_pixel(x, y, Luma([60]));
                }
            }
            left += u32::try_from(stroke + gap)?;
        }
    }
    Ok(card)
}

/// A JPEG of the card, under these conditions.
pub(crate) fn photograph(card: &GrayImage, shot: Shot, seed: u64) -> Result<Vec<u8>, Box<dyn Error>> {
    let (sin, cos) = shot.turn.to_radians().sin_cos();
    let (tilt_sin, tilt_cos) = shot.tilt.to_radians().sin_cos();
    let (width, height) = (f64::from(card.width()), f64::from(card.height()));
    let scale = width / (f64::from(SIZE.0) * shot.width);
    let far = 3.0 * width;
    let picture = GrayImage::from_fn(SIZE.0, SIZE.1, |x, y| {
        let (x, y) = (f64::from(x) - f64::from(SIZE.0) / 2.0, f64::from(y) - f64::from(SIZE.1) / 2.0);
        // Where the ray through this pixel meets the card, which is tilted about both of its axes.
        let (x, y) = ((x * cos + y * sin) * scale, (y * cos - x * sin) * scale);
        let depth = far / (far * tilt_cos + (x - y) * tilt_sin * std::f64::consts::FRAC_1_SQRT_2);
        let (x, y) = (x * depth + width / 2.0, y * depth + height / 2.0);
        let inside = x >= 0.0 && y >= 0.0 && x < width - 1.0 && y < height - 1.0;
        if inside { Luma([between(card, x, y)]) } else { Luma([150]) }
    });
    let mut picture = if shot.blur > 0.0 { imageops::blur(&picture, shot.blur) } else { picture };
    let mut noise = Noise(seed * 2 + 1);
    for pixel in picture.pixels_mut() {
        let by = i16::try_from(noise.next() % u64::try_from(2 * shot.noise + 1)?)? - shot.noise;
        pixel[0] = u8::try_from((i16::from(pixel[0]) + by).clamp(0, 255))?;
    }
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(&picture)?;
    Ok(bytes)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the card, and 0 to 255")]
fn between(card: &GrayImage, x: f64, y: f64) -> u8 {
    let at = |x: u32, y: u32| f64::from(card.get_pixel(x, y)[0]);
    let (left, top) = (x as u32, y as u32);
    let upper = at(left, top) * (1.0 - x.fract()) + at(left + 1, top) * x.fract();
    let lower = at(left, top + 1) * (1.0 - x.fract()) + at(left + 1, top + 1) * x.fract();
    (upper * (1.0 - y.fract()) + lower * y.fract()) as u8
}
