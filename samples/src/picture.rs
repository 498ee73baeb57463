//! Pictures as floating-point pixels, and operations on them.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixel arithmetic: every value is small, and clamped before it is stored"
)]

use image::{
    DynamicImage, ImageEncoder, RgbImage,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
    },
};

use crate::Error;

/// A colour: red, green, blue from 0 to 255, and opacity from 0 to 1.
pub type Pixel = [f32; 4];

/// A picture with floating-point pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row, from the top left.
    pub pixels: Vec<Pixel>,
}

impl Picture {
    /// A picture of one colour.
    #[must_use]
    pub fn filled(width: usize, height: usize, colour: Pixel) -> Self {
        Self { width, height, pixels: vec![colour; width * height] }
    }

    /// A picture with the results of `colour` for each column and row.
    #[must_use]
    pub fn from_fn(width: usize, height: usize, mut colour: impl FnMut(usize, usize) -> Pixel) -> Self {
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                pixels.push(colour(x, y));
            }
        }
        Self { width, height, pixels }
    }

    /// Reads a JPEG or PNG file.
    ///
    /// # Errors
    /// When the bytes are not such a file.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::from_image(&image::load_from_memory(bytes)?))
    }

    fn from_image(image: &DynamicImage) -> Self {
        let image = image.to_rgba8();
        let (width, height) = (image.width() as usize, image.height() as usize);
        let pixels = image
            .pixels()
            .map(|p| [f32::from(p[0]), f32::from(p[1]), f32::from(p[2]), f32::from(p[3]) / 255.0])
            .collect();
        Self { width, height, pixels }
    }

    /// The picture on black, in 8 bits per channel.
    #[must_use]
    pub fn to_rgb(&self) -> RgbImage {
        let mut bytes = Vec::with_capacity(self.pixels.len() * 3);
        for pixel in &self.pixels {
            for channel in &pixel[..3] {
                bytes.push((channel * pixel[3]).round().clamp(0.0, 255.0) as u8);
            }
        }
        RgbImage::from_raw(self.width as u32, self.height as u32, bytes).unwrap_or_else(|| RgbImage::new(0, 0))
    }

    /// The file in the given format.
    ///
    /// # Errors
    /// When the encoder refuses the picture, for example without pixels.
    pub fn encode(&self, format: Format) -> Result<Vec<u8>, Error> {
        let rgb = self.to_rgb();
        let mut bytes = Vec::new();
        match format {
            Format::Jpeg { quality } => {
                JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&rgb)?;
            }
            Format::Png => {
                PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::Adaptive).write_image(
                    rgb.as_raw(),
                    rgb.width(),
                    rgb.height(),
                    image::ExtendedColorType::Rgb8,
                )?;
            }
            Format::PalettePng => {
                let mut rgba = Vec::with_capacity(self.pixels.len() * 4);
                for pixel in rgb.pixels() {
                    rgba.extend_from_slice(&[pixel[0], pixel[1], pixel[2], 255]);
                }
                // 1 samples every pixel; n would sample every n-th only.
                let palette = color_quant::NeuQuant::new(1, 256, &rgba);
                let indices: Vec<u8> = rgba.chunks_exact(4).map(|pixel| palette.index_of(pixel) as u8).collect();
                let mut encoder = png::Encoder::new(&mut bytes, rgb.width(), rgb.height());
                encoder.set_color(png::ColorType::Indexed);
                encoder.set_palette(palette.color_map_rgb());
                encoder.set_compression(png::Compression::High);
                encoder.set_filter(png::Filter::NoFilter);
                encoder.write_header()?.write_image_data(&indices)?;
            }
        }
        Ok(bytes)
    }

    /// The interpolated colour at a place; outside of the picture that of the edge.
    #[must_use]
    pub fn at(&self, x: f32, y: f32) -> Pixel {
        let x = x.clamp(0.0, self.width as f32 - 1.0);
        let y = y.clamp(0.0, self.height as f32 - 1.0);
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (across, down) = (x - left as f32, y - top as f32);
        let corner = |column: usize, row: usize| self.pixels[row * self.width + column];
        between([corner(left, top), corner(right, top), corner(left, bottom), corner(right, bottom)], across, down)
    }

    /// The picture in another size. Blurs first when it gets smaller, so that lines do not flicker.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Self {
        let (sx, sy) = (self.width as f32 / width as f32, self.height as f32 / height as f32);
        let shrink = sx.max(sy);
        let source = if shrink > 1.0 { &self.blurred(0.42 * shrink) } else { self };
        Self::from_fn(width, height, |x, y| source.at((x as f32 + 0.5) * sx - 0.5, (y as f32 + 0.5) * sy - 0.5))
    }

    /// Left and right exchanged.
    #[must_use]
    pub fn mirrored(mut self) -> Self {
        for row in self.pixels.chunks_exact_mut(self.width) {
            row.reverse();
        }
        self
    }

    /// Gaussian blur; `sigma` in pixels.
    #[must_use]
    pub fn blurred(&self, sigma: f32) -> Self {
        if sigma < 0.2 {
            return self.clone();
        }
        let radius = (sigma * 3.0).ceil() as usize;
        let kernel: Vec<f32> = (0..=radius).map(|i| (-((i * i) as f32) / (2.0 * sigma * sigma)).exp()).collect();
        let total: f32 = kernel[0] + 2.0 * kernel[1..].iter().sum::<f32>();
        let pass = |from: &Self, step_x: usize, step_y: usize| {
            Self::from_fn(from.width, from.height, |x, y| {
                let mut sum = [0.0; 4];
                let mut add = |x: usize, y: usize, weight: f32| {
                    let pixel = &from.pixels[y * from.width + x];
                    for (s, p) in sum.iter_mut().zip(pixel) {
                        *s += p * weight;
                    }
                };
                add(x, y, kernel[0]);
                for (i, weight) in kernel.iter().enumerate().skip(1) {
                    add(x.saturating_sub(i * step_x), y.saturating_sub(i * step_y), *weight);
                    add((x + i * step_x).min(from.width - 1), (y + i * step_y).min(from.height - 1), *weight);
                }
                sum.map(|s| s / total)
            })
        };
        pass(&pass(self, 1, 0), 0, 1)
    }

    /// Lays `other` over this picture with its top left corner at (`left`, `top`); `opacity` from 0 to 1.
    pub fn lay(&mut self, other: &Self, left: isize, top: isize, opacity: f32) {
        for y in 0..other.height {
            for x in 0..other.width {
                let (Some(column), Some(row)) = (
                    left.checked_add_unsigned(x).and_then(|v| usize::try_from(v).ok()),
                    top.checked_add_unsigned(y).and_then(|v| usize::try_from(v).ok()),
                ) else {
                    continue;
                };
                if column >= self.width || row >= self.height {
                    continue;
                }
                let over = other.pixels[y * other.width + x];
                let under = &mut self.pixels[row * self.width + column];
                let weight = over[3] * opacity;
                for i in 0..3 {
                    under[i] += (over[i] - under[i]) * weight;
                }
                under[3] += (1.0 - under[3]) * weight;
            }
        }
    }

    /// Changes the three colour channels of each pixel.
    pub fn recolour(&mut self, mut change: impl FnMut([f32; 3]) -> [f32; 3]) {
        for pixel in &mut self.pixels {
            let [r, g, b] = change([pixel[0], pixel[1], pixel[2]]);
            *pixel = [r, g, b, pixel[3]];
        }
    }

    /// Draws an SVG document of this size.
    ///
    /// # Errors
    /// When the document is not valid SVG.
    pub fn from_svg(svg: &str) -> Result<Self, Error> {
        let mut options = resvg::usvg::Options::default();
        let fonts = options.fontdb_mut();
        fonts.load_font_data(notosans::REGULAR_TTF.to_vec());
        fonts.load_font_data(notosans::BOLD_TTF.to_vec());
        fonts.load_font_data(notosans::ITALIC_TTF.to_vec());
        "Noto Sans".clone_into(&mut options.font_family);
        let tree = resvg::usvg::Tree::from_str(svg, &options)?;
        let size = tree.size().to_int_size();
        let mut pixmap = resvg::tiny_skia::Pixmap::new(size.width(), size.height()).ok_or(Error::NoPixels)?;
        resvg::render(&tree, resvg::tiny_skia::Transform::identity(), &mut pixmap.as_mut());
        let pixels = pixmap
            .pixels()
            .iter()
            .map(|p| {
                let p = p.demultiply();
                [f32::from(p.red()), f32::from(p.green()), f32::from(p.blue()), f32::from(p.alpha()) / 255.0]
            })
            .collect();
        Ok(Self { width: size.width() as usize, height: size.height() as usize, pixels })
    }
}

/// The value between four corners (top left, top right, bottom left, bottom right), `across` and `down` from 0 to 1.
pub(crate) fn between<const N: usize>(corners: [[f32; N]; 4], across: f32, down: f32) -> [f32; N] {
    std::array::from_fn(|i| {
        let [top_left, top_right, bottom_left, bottom_right] = corners.map(|corner| corner[i]);
        let above = top_left + (top_right - top_left) * across;
        let below = bottom_left + (bottom_right - bottom_left) * across;
        above + (below - above) * down
    })
}

/// How a picture is written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG with a quality from 1 to 100.
    Jpeg {
        /// From 1 (worst) to 100.
        quality: u8,
    },
    /// PNG in full colour.
    Png,
    /// PNG with a palette of 256 colours: a third of the size for a photograph.
    PalettePng,
}

impl Format {
    /// The extension of its files, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg { .. } => "jpg",
            Self::Png | Self::PalettePng => "png",
        }
    }
}

/// Pseudo-random numbers that are the same in every run (splitmix64).
#[derive(Debug, Clone)]
pub struct Noise(u64);

impl Noise {
    /// A sequence that `seed` alone determines.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next whole number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next number from -1 to 1; numbers near 0 are more likely.
    pub fn around_zero(&mut self) -> f32 {
        let bits = self.next_u64();
        let half = |v: u64| (v & 0xFFFF) as f32 / 65_535.0;
        half(bits) + half(bits >> 16) - 1.0
    }
}
