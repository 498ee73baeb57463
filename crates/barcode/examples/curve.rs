//! How far a barcode may be turned, blurred and tilted: renders invented licences' barcodes on a table and prints which share is read, and
//! in how many milliseconds.
//!
//!     cargo run --release -p bonafide-barcode --example curve
//!     cargo run --release -p bonafide-barcode --example curve -- <turn> <blur> <tilt> <width> <noise> <picture.png>
//!
//! The second form writes one picture and says whether it is read.

use std::{error::Error, io::Cursor, time::Instant};

use image::ImageFormat;

#[path = "../tests/photograph/mod.rs"]
mod photograph;

use photograph::{PLAIN, Shot, card, photograph, text};

/// Which of `count` barcodes are read rightly, and the milliseconds of the quickest, the middle and the slowest.
fn measure(shot: Shot, count: usize) -> Result<(usize, [u128; 3]), Box<dyn Error>> {
    let (mut read, mut times) = (0, Vec::new());
    for which in 0..count {
        let text = text(which);
        let bytes = photograph(&card(&text)?, shot, u64::try_from(which)?)?;
        let start = Instant::now();
        let found = bonafide_barcode::read(&bytes, |found| Some(found.to_owned()));
        times.push(start.elapsed().as_millis());
        read += usize::from(found.as_deref() == Some(&text));
    }
    times.sort_unstable();
    Ok((read, [times[0], times[count / 2], times[count - 1]]))
}

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if let [turn, blur, tilt, width, noise, file] = given.as_slice() {
        let shot = Shot {
            turn: turn.parse()?,
            blur: blur.parse()?,
            tilt: tilt.parse()?,
            width: width.parse()?,
            noise: noise.parse()?,
        };
        let bytes = photograph(&card(&text(0))?, shot, 1)?;
        image::load_from_memory(&bytes)?.save_with_format(file, ImageFormat::Png)?;
        let mut png = Vec::new();
        image::load_from_memory(&bytes)?.write_to(&mut Cursor::new(&mut png), ImageFormat::Png)?;
        println!("{:?}", bonafide_barcode::read(&png, |found| Some(found.to_owned())));
        return Ok(());
    }
    let count: usize = given.first().map_or(Ok(16), |count| count.parse())?;
    let mut shots = Vec::new();
    for turn in [0.0, 2.0, 5.0, 10.0, 20.0, 33.0, 45.0, 90.0, 135.0, 180.0, 270.0] {
        shots.push((format!("turned by {turn}°"), Shot { turn, ..PLAIN }));
    }
    for blur in [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0] {
        shots.push((format!("blurred by {blur} pixels"), Shot { blur, ..PLAIN }));
        shots.push((format!("blurred by {blur} pixels, turned by 7°"), Shot { blur, turn: 7.0, ..PLAIN }));
    }
    for tilt in [10.0, 20.0, 30.0, 40.0] {
        shots.push((format!("tilted by {tilt}°"), Shot { tilt, ..PLAIN }));
        shots.push((
            format!("tilted by {tilt}°, turned by 12°, blurred by 1 pixel"),
            Shot { tilt, turn: 12.0, blur: 1.0, ..PLAIN },
        ));
    }
    for width in [1.0, 0.6, 0.5, 0.4, 0.3] {
        shots.push((format!("over {width} of the picture"), Shot { width, ..PLAIN }));
    }
    for noise in [20, 40, 60] {
        shots.push((format!("noise of {noise}"), Shot { noise, ..PLAIN }));
    }
    println!("| photograph of 1600 x 1200 pixels | read | ms: quickest, middle, slowest |\n|---|---|---|");
    for (name, shot) in shots {
        let (read, [quickest, middle, slowest]) = measure(shot, count)?;
        println!("| {name} | {read} of {count} | {quickest}, {middle}, {slowest} |");
    }
    Ok(())
}
