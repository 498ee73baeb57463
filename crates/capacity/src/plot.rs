//! Plots, as SVG.

use std::error::Error;

use plotters::prelude::*;

/// A line with its name.
pub type Line = (String, Vec<(f64, f64)>);

const COLORS: [RGBColor; 4] =
    [RGBColor(200, 60, 40), RGBColor(220, 150, 30), RGBColor(40, 110, 180), RGBColor(60, 140, 70)];

/// Draws lines over the hours of a day.
///
/// # Errors
/// When a line has no point that can be drawn.
pub fn draw(title: &str, ordinate: &str, lines: &[Line]) -> Result<String, Box<dyn Error + Send + Sync>> {
    let ends = |of: fn(&(f64, f64)) -> f64| lines.iter().flat_map(|(_, points)| points).map(of).fold(1.0, f64::max);
    let (hours, most) = (ends(|point| point.0), ends(|point| point.1) * 1.05);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (760, 340)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 16))
            .margin(10)
            .x_label_area_size(36)
            .y_label_area_size(70)
            .build_cartesian_2d(0.0..hours, 0.0..most)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(WHITE)
            .x_desc("hours since midnight of the first day")
            .y_desc(ordinate)
            .x_label_formatter(&|hour| format!("{hour:.0}"))
            .y_label_formatter(&|value| format!("{value:.0}"))
            .draw()?;
        for ((name, points), color) in lines.iter().zip(COLORS.iter().cycle()) {
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], color.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}
