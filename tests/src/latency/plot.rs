//! What was measured, as a plot.

use anyhow::{Context as _, Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::figures::Summary;
use super::{Condition, Report, Request};

const HALF: RGBColor = RGBColor(40, 110, 180);
const MOST: RGBColor = RGBColor(170, 200, 230);
const COLD: RGBColor = RGBColor(200, 60, 40);
const WIDTH: u32 = 760;
const ROW: i32 = 34;
const LEFT: i32 = 230;
const TOP: i32 = 40;
const BOTTOM: i32 = 60;
/// Of the longest bar.
const LENGTH: f64 = 490.0;

struct Row {
    name: String,
    warm: Summary,
    /// Start and first answer.
    cold: f64,
}

/// Draws what functions take for each request, warm and cold, as SVG.
///
/// # Errors
/// When something was not measured.
pub fn plot(report: &Report) -> Result<String> {
    let mut rows = Vec::new();
    for request in Request::ALL.into_iter().filter(|request| request.worker().is_some()) {
        let warm = Summary::of(report.work(request, Condition::Warm).map(|work| work.own));
        let cold = report.work(request, Condition::Cold).map(|work| work.own + work.init.unwrap_or_default());
        let cold = Summary::of(cold).with_context(|| format!("{} was not measured cold", request.name()))?.p50;
        let warm = warm.with_context(|| format!("{} was not measured", request.name()))?;
        rows.push(Row { name: request.name().replace('`', ""), warm, cold });
    }
    draw(&rows).map_err(|error| anyhow!("the plot could not be drawn: {error}"))
}

fn draw(rows: &[Row]) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let count = i32::try_from(rows.len())?;
    let height = TOP + ROW * count + BOTTOM;
    let longest = rows.iter().map(|row| row.warm.p95.max(row.cold)).fold(0.001, f64::max) * 1.02;
    #[expect(clippy::cast_possible_truncation, reason = "pixels of a picture")]
    let x = |seconds: f64| LEFT + (seconds / longest * LENGTH).round() as i32;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, u32::try_from(height)?)).into_drawing_area();
        area.fill(&WHITE)?;
        let text = |size: i32, horizontal| {
            TextStyle::from(("sans-serif", size)).color(&BLACK).pos(Pos::new(horizontal, VPos::Center))
        };
        let title = "What the functions of the face API take themselves (ms)";
        area.draw(&Text::new(title, (i32::try_from(WIDTH)? / 2, 18), text(16, HPos::Center)))?;
        let base = TOP + ROW * count;
        let tick = tick(longest * 1000.0);
        let mut milliseconds = 0.0;
        while milliseconds <= longest * 1000.0 {
            let at = x(milliseconds / 1000.0);
            area.draw(&PathElement::new(vec![(at, TOP), (at, base)], BLACK.mix(0.15)))?;
            area.draw(&Text::new(format!("{milliseconds:.0}"), (at, base + 12), text(12, HPos::Center)))?;
            milliseconds += tick;
        }
        for (row, at) in rows.iter().zip((0..count).map(|row| TOP + ROW * row)) {
            area.draw(&Text::new(row.name.as_str(), (LEFT - 8, at + ROW / 2), text(12, HPos::Right)))?;
            let bar = |to: f64, color: RGBColor| Rectangle::new([(LEFT, at + 6), (x(to), at + 20)], color.filled());
            area.draw(&bar(row.warm.p95, MOST))?;
            area.draw(&bar(row.warm.p50, HALF))?;
            area.draw(&Rectangle::new([(LEFT, at + 22), (x(row.cold), at + 28)], COLD.filled()))?;
        }
        let legend = [
            (HALF, "warm, half of them"),
            (MOST, "warm, 95 of 100"),
            (COLD, "cold, half of them: start and first answer"),
        ];
        let mut left = 110;
        for (color, meaning) in legend {
            let middle = base + 38;
            area.draw(&Rectangle::new([(left, middle - 5), (left + 16, middle + 5)], color.filled()))?;
            area.draw(&Text::new(meaning, (left + 22, middle), text(12, HPos::Left)))?;
            left += 160;
        }
        area.present()?;
    }
    Ok(svg)
}

/// A round number of milliseconds, of which about eight fit.
fn tick(longest: f64) -> f64 {
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
    steps.into_iter().find(|step| longest / step <= 8.0).unwrap_or(5000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_few_and_round() {
        for (longest, step) in [(0.5, 1.0), (8.0, 1.0), (8.1, 2.0), (37.0, 5.0), (3900.0, 500.0), (9e4, 5000.0)] {
            assert!((tick(longest) - step).abs() < 1e-9, "{longest}: {}", tick(longest));
        }
    }
}
