//! Where a picture may show a barcode: areas full of edges, most of which run in one direction.

use image::{GrayImage, Luma, imageops::unsharpen};

/// Pixels a side of the squares in which edges are counted.
const SQUARE: u32 = 16;

/// Areas of one picture that are tried.
const MOST_AREAS: usize = 4;

/// A square with fewer edges than this part of those of a busy square is background.
const BUSY: f64 = 0.2;

/// Degrees by which an area is turned besides its own direction, which perspective and neighbours falsify.
const TURNS: [f64; 7] = [0.0, 1.5, -1.5, 3.0, -3.0, 6.0, -6.0];

/// An area with fewer pixels along its rows of bars is enlarged.
const FEW_PIXELS: f64 = 900.0;

/// The sums of the products of the gradients in x and y: a structure tensor.
#[derive(Clone, Copy, Default)]
struct Edges {
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Edges {
    fn strength(self) -> f64 {
        self.xx + self.yy
    }

    /// The direction across most edges, in radians.
    fn direction(self) -> f64 {
        (2.0 * self.xy).atan2(self.xx - self.yy) / 2.0
    }
}

impl std::ops::AddAssign for Edges {
    fn add_assign(&mut self, other: Self) {
        self.xx += other.xx;
        self.xy += other.xy;
        self.yy += other.yy;
    }
}

/// Squares that touch, with the sum of their edges.
#[derive(Default)]
struct Area {
    /// Column and row.
    squares: Vec<(u32, u32)>,
    edges: Edges,
}

/// One way to look at an area.
pub(crate) struct Cutting {
    /// The direction across the bars, in radians.
    direction: f64,
    /// The cosine and sine coordinates of its upper left corner, and its size, in pixels of the page.
    corner: (f64, f64),
    size: (f64, f64),
    /// Pixels for each pixel of the page.
    scale: f64,
    sharpened: bool,
}

/// What may be barcodes, the likeliest first.
pub(crate) fn cuttings(page: &GrayImage) -> Vec<Cutting> {
    let areas = areas(page);
    let mut cuttings = Vec::new();
    for turn in TURNS {
        for sharpened in [false, true] {
            cuttings.extend(areas.iter().map(|area| area.cutting(turn.to_radians(), sharpened)));
        }
    }
    cuttings
}

/// The areas with most edges.
fn areas(page: &GrayImage) -> Vec<Area> {
    let (columns, rows) = (page.width() / SQUARE, page.height() / SQUARE);
    let edges: Vec<Edges> =
        (0..rows).flat_map(|row| (0..columns).map(move |column| edges(page, column * SQUARE, row * SQUARE))).collect();
    // Of a page with a barcode, a twentieth at least is barcode.
    let mut strengths: Vec<f64> = edges.iter().map(|edges| edges.strength()).collect();
    strengths.sort_unstable_by(f64::total_cmp);
    let busy = BUSY * strengths.get(strengths.len() * 49 / 50).copied().unwrap_or_default();
    let index = |(column, row): (u32, u32)| (row * columns + column) as usize;
    let mut free: Vec<bool> = edges.iter().map(|edges| edges.strength() > busy).collect();
    let mut areas = Vec::new();
    for start in (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row))) {
        let mut area = Area::default();
        let mut next = vec![start];
        while let Some((column, row)) = next.pop() {
            if !std::mem::take(&mut free[index((column, row))]) {
                continue;
            }
            area.edges += edges[index((column, row))];
            area.squares.push((column, row));
            for row in row.saturating_sub(1)..=(row + 1).min(rows - 1) {
                next.extend((column.saturating_sub(1)..=(column + 1).min(columns - 1)).map(|column| (column, row)));
            }
        }
        areas.push(area);
    }
    areas.retain(|area| area.squares.len() >= 8);
    areas.sort_unstable_by(|left, right| right.edges.strength().total_cmp(&left.edges.strength()));
    areas.truncate(MOST_AREAS);
    areas
}

/// The edges of one square.
fn edges(page: &GrayImage, left: u32, top: u32) -> Edges {
    let at = |x: u32, y: u32| f64::from(page.get_pixel(x, y)[0]);
    let mut sum = Edges::default();
    for y in top.max(1)..(top + SQUARE).min(page.height() - 1) {
        for x in left.max(1)..(left + SQUARE).min(page.width() - 1) {
            let (dx, dy) = (at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1));
            sum += Edges { xx: dx * dx, xy: dx * dy, yy: dy * dy };
        }
    }
    sum
}

impl Area {
    fn cutting(&self, turn: f64, sharpened: bool) -> Cutting {
        let direction = self.edges.direction() + turn;
        let (sin, cos) = direction.sin_cos();
        let mut from = (f64::MAX, f64::MAX);
        let mut to = (f64::MIN, f64::MIN);
        for (column, row) in &self.squares {
            let (x, y) = ((f64::from(*column) + 0.5) * f64::from(SQUARE), (f64::from(*row) + 0.5) * f64::from(SQUARE));
            let (along, down) = (x * cos + y * sin, y * cos - x * sin);
            from = (from.0.min(along), from.1.min(down));
            to = (to.0.max(along), to.1.max(down));
        }
        // The squares at the rim, and the quiet zone.
        let margin = 2.5 * f64::from(SQUARE);
        let size = (to.0 - from.0 + 2.0 * margin, to.1 - from.1 + 2.0 * margin);
        let scale = if size.0 < FEW_PIXELS { 2.0 } else { 1.0 };
        Cutting { direction, corner: (from.0 - margin, from.1 - margin), size, scale, sharpened }
    }
}

impl Cutting {
    /// How many pixels it has.
    pub(crate) fn pixels(&self) -> u64 {
        let (width, height) = self.dimensions();
        u64::from(width) * u64::from(height)
    }

    fn dimensions(&self) -> (u32, u32) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive length within a page")]
        let pixels = |length: f64| ((length * self.scale) as u32).max(1);
        (pixels(self.size.0), pixels(self.size.1))
    }

    /// Cuts it out.
    pub(crate) fn of(&self, page: &GrayImage) -> GrayImage {
        let (sin, cos) = self.direction.sin_cos();
        let (width, height) = self.dimensions();
        let cut = GrayImage::from_fn(width, height, |x, y| {
            let along = self.corner.0 + f64::from(x) / self.scale;
            let down = self.corner.1 + f64::from(y) / self.scale;
            Luma([sample(page, along * cos - down * sin, along * sin + down * cos)])
        });
        if self.sharpened { unsharpen(&cut, 2.0, 0) } else { cut }
    }
}

/// The brightness between four pixels; outside of the page it is white, as paper.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the page, and 0 to 255")]
fn sample(page: &GrayImage, x: f64, y: f64) -> u8 {
    if x < 0.0 || y < 0.0 || x >= f64::from(page.width() - 1) || y >= f64::from(page.height() - 1) {
        return u8::MAX;
    }
    let (left, top) = (x as u32, y as u32);
    let (right_part, lower_part) = (x.fract(), y.fract());
    let at = |x: u32, y: u32| f64::from(page.get_pixel(x, y)[0]);
    let upper = at(left, top) * (1.0 - right_part) + at(left + 1, top) * right_part;
    let lower = at(left, top + 1) * (1.0 - right_part) + at(left + 1, top + 1) * right_part;
    (upper * (1.0 - lower_part) + lower * lower_part) as u8
}
