//! Warps a picture so that chosen points move to given places, smoothly in between (thin-plate splines).
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "pixel arithmetic: every value is small"
)]

use crate::{
    Error,
    picture::{Picture, between},
};

/// A place in a picture: column, row.
pub(crate) type Point = [f32; 2];

/// The spline is evaluated once per this many pixels, and interpolated in between.
const STEP: usize = 4;

/// For each place in the target, the place in the source that belongs there.
pub(crate) struct Warp {
    columns: usize,
    grid: Vec<Point>,
}

impl Warp {
    /// The warp of a picture of this size that takes `source[i]` to `target[i]`.
    pub(crate) fn new(width: usize, height: usize, source: &[Point], target: &[Point]) -> Result<Self, Error> {
        let count = target.len();
        let size = count + 3;
        // Each row: the kernel to every point, the affine part, then both coordinates of the target.
        let mut rows = vec![vec![0.0_f64; size + 2]; size];
        for i in 0..count {
            for j in 0..count {
                rows[i][j] = kernel(target[i], target[j]);
            }
            let affine = [1.0, f64::from(target[i][0]), f64::from(target[i][1])];
            for (k, value) in affine.into_iter().enumerate() {
                rows[i][count + k] = value;
                rows[count + k][i] = value;
            }
            rows[i][size] = f64::from(source[i][0]);
            rows[i][size + 1] = f64::from(source[i][1]);
        }
        solve(&mut rows).ok_or(Error::PointsCoincide)?;
        let columns = width / STEP + 2;
        let lines = height / STEP + 2;
        let mut grid = Vec::with_capacity(columns * lines);
        for row in 0..lines {
            for column in 0..columns {
                let place = [(column * STEP) as f32, (row * STEP) as f32];
                let mut at = [0.0_f64; 2];
                for (axis, sum) in at.iter_mut().enumerate() {
                    let answer = size + axis;
                    *sum = rows[count][answer]
                        + rows[count + 1][answer] * f64::from(place[0])
                        + rows[count + 2][answer] * f64::from(place[1]);
                    for (i, point) in target.iter().enumerate() {
                        *sum += rows[i][answer] * kernel(place, *point);
                    }
                }
                grid.push(at.map(|v| v as f32));
            }
        }
        Ok(Self { columns, grid })
    }

    fn source_of(&self, x: usize, y: usize) -> Point {
        let (column, row) = (x / STEP, y / STEP);
        let (across, down) = ((x % STEP) as f32 / STEP as f32, (y % STEP) as f32 / STEP as f32);
        let corner = |c: usize, r: usize| self.grid[r * self.columns + c];
        between(
            [corner(column, row), corner(column + 1, row), corner(column, row + 1), corner(column + 1, row + 1)],
            across,
            down,
        )
    }

    pub(crate) fn apply(&self, picture: &Picture) -> Picture {
        Picture::from_fn(picture.width, picture.height, |x, y| {
            let [sx, sy] = self.source_of(x, y);
            picture.at(sx, sy)
        })
    }
}

fn kernel(a: Point, b: Point) -> f64 {
    let (dx, dy) = (f64::from(a[0] - b[0]), f64::from(a[1] - b[1]));
    let squared = dx * dx + dy * dy;
    if squared == 0.0 { 0.0 } else { squared * squared.ln() }
}

/// Gauss-Jordan elimination; each row ends with the two right-hand sides, which become the solutions.
fn solve(rows: &mut [Vec<f64>]) -> Option<()> {
    let size = rows.len();
    for column in 0..size {
        let pivot = (column..size).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        if rows[pivot][column].abs() < 1e-9 {
            return None;
        }
        rows.swap(pivot, column);
        let head = rows[column].clone();
        for (index, row) in rows.iter_mut().enumerate() {
            if index == column {
                for value in &mut row[column..] {
                    *value /= head[column];
                }
            } else {
                let factor = row[column] / head[column];
                for (value, above) in row[column..].iter_mut().zip(&head[column..]) {
                    *value -= factor * above;
                }
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_each_point_to_its_target() {
        let source = [[0.0, 0.0], [40.0, 0.0], [0.0, 40.0], [40.0, 40.0], [20.0, 20.0]];
        let mut target = source;
        target[4] = [24.0, 16.0];
        let warp = Warp::new(41, 41, &source, &target).expect("a warp");
        let [x, y] = warp.source_of(24, 16);
        assert!((x - 20.0).abs() < 0.01 && (y - 20.0).abs() < 0.01);
    }

    #[test]
    fn refuses_points_that_coincide() {
        let points = [[1.0, 1.0]; 4];
        assert!(Warp::new(8, 8, &points, &points).is_err());
    }
}
