//! Specimen driver licences with the layout of the AAMVA card design standard.

use std::{
    fmt::{self, Display, Write as _},
    sync::OnceLock,
};

use crate::{Error, picture::Picture};

/// Columns of a drawn licence: a card of 85.6 × 54 mm at about 14 dots per millimetre.
pub const WIDTH: usize = 1200;
/// Rows of a drawn licence.
pub const HEIGHT: usize = 757;

/// A day, printed as month/day/year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Four digits.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Date {
    /// The day with this year, month and day.
    #[must_use]
    pub const fn new(year: u16, month: u8, day: u8) -> Self {
        Self { year, month, day }
    }
}

impl Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}/{:02}/{}", self.month, self.day, self.year)
    }
}

/// What is printed on a licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License {
    /// The heading, as `FLORIDA`.
    pub state_name: String,
    /// Label 4d, with its separators.
    pub number: String,
    /// Label 1.
    pub last_name: String,
    /// Label 2: given and middle names.
    pub first_names: String,
    /// Label 8, first line: house number and street.
    pub street: String,
    /// Label 8, second line: city.
    pub city: String,
    /// Label 8, second line: two letters.
    pub state: String,
    /// Label 8, second line: five digits, or nine with a hyphen.
    pub zip_code: String,
    /// Label 3.
    pub born: Date,
    /// Label 4a.
    pub issued: Date,
    /// Label 4b.
    pub expires: Date,
    /// Label 15: `F`, `M` or `X`.
    pub sex: String,
    /// Label 16, as `5'-06"`.
    pub height: String,
    /// Label 18: three letters.
    pub eyes: String,
    /// Label 9.
    pub class: String,
}

/// The condition of a licence, applied to its drawing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wear {
    /// Blur over the whole card, in pixels.
    pub blur: f32,
    /// How strong a glare lies over everything but the portrait, from 0 to 1.
    pub glare: f32,
}

impl License {
    /// The front of the card. `face` is a drawn face (400 × 500), or nothing for a card without a portrait.
    ///
    /// # Errors
    /// When a field holds something that cannot be drawn.
    pub fn draw(&self, face: Option<&Picture>) -> Result<Picture, Error> {
        // The same on every card.
        static BACKGROUND: OnceLock<Picture> = OnceLock::new();
        let mut card = if let Some(card) = BACKGROUND.get() {
            card.clone()
        } else {
            let card = Picture::from_svg(&Self::background())?;
            BACKGROUND.get_or_init(|| card).clone()
        };
        if let Some(face) = face {
            lay_portraits(&mut card, face);
        }
        card.lay(&Picture::from_svg(&self.text())?, 0, 0, 1.0);
        Ok(card)
    }

    fn background() -> String {
        let mut lines = String::new();
        for (count, colour, reach, waves) in
            [(26_u16, "#c98a6b", 150.0_f32, 2.0_f32), (26, "#6f9fb5", 110.0, 3.0), (18, "#93b58a", 190.0, 1.5)]
        {
            for i in 0..count {
                let share = f32::from(i) / f32::from(count);
                let mut path = String::new();
                for step in 0..=60_u16 {
                    let x = f32::from(step) * 20.0;
                    let angle = x / 1200.0 * std::f32::consts::TAU * waves;
                    let y = 90.0
                        + share * 690.0
                        + (angle + share * 6.3).sin() * reach * 0.35
                        + (angle * 2.3 - share * 9.0).cos() * reach * 0.16;
                    let _ = write!(path, "{}{x:.0} {y:.1}", if step == 0 { 'M' } else { 'L' });
                }
                let _ = write!(
                    lines,
                    r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.1" opacity="0.34"/>"#
                );
            }
        }
        let mut rosette = String::new();
        for petal in 0..24_u16 {
            let _ = write!(
                rosette,
                r##"<ellipse cx="760" cy="400" rx="210" ry="70" transform="rotate({:.1} 760 400)" fill="none" stroke="#b58ab0" stroke-width="1" opacity="0.26"/>"##,
                f32::from(petal) * 7.5
            );
        }
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">
<defs><linearGradient id="card" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#f7efe2"/><stop offset="0.5" stop-color="#eef5f4"/><stop offset="1" stop-color="#f3e9e4"/></linearGradient>
<linearGradient id="head" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="#1d5f86"/><stop offset="1" stop-color="#3f9aa8"/></linearGradient></defs>
<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#card)"/>{lines}{rosette}
<rect width="{WIDTH}" height="104" fill="url(#head)"/><rect y="104" width="{WIDTH}" height="5" fill="#d9a441"/></svg>"##
        )
    }

    fn text(&self) -> String {
        let mut text = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="Noto Sans">
<text x="44" y="76" font-size="62" font-weight="bold" fill="#ffffff" letter-spacing="5">{}</text>
<text x="760" y="72" font-size="40" font-weight="bold" fill="#ffffff">DRIVER LICENSE</text>
<text x="1106" y="70" font-size="26" fill="#ffffff">USA</text>
<text x="44" y="668" font-size="50" font-weight="bold" fill="#c0392b" letter-spacing="4">SPECIMEN</text>
<text x="44" y="598" font-size="26" font-style="italic" fill="#24304a">{}</text>
<text x="44" y="724" font-size="21" fill="#4b5563">Not a document. Drawn for testing; the person does not exist.</text>
"##,
            escape(&self.state_name),
            escape(&capitalised(&format!("{} {}", self.first_names, self.last_name))),
        );
        let address = format!("{}, {} {}", self.city, self.state, self.zip_code);
        let dates = [self.born, self.issued, self.expires].map(|date| date.to_string());
        for (x, y, size, label, value, colour) in [
            (400, 168, 36, "4d DLN", self.number.as_str(), "#b3261e"),
            (400, 226, 34, "1", self.last_name.as_str(), INK),
            (400, 276, 34, "2", self.first_names.as_str(), INK),
            (400, 326, 30, "8", self.street.as_str(), INK),
            (400, 366, 30, "", address.as_str(), INK),
            (400, 430, 34, "3 DOB", dates[0].as_str(), "#b3261e"),
            (780, 430, 32, "15 SEX", self.sex.as_str(), INK),
            (400, 486, 32, "4a ISS", dates[1].as_str(), INK),
            (780, 486, 32, "16 HGT", self.height.as_str(), INK),
            (400, 542, 34, "4b EXP", dates[2].as_str(), "#b3261e"),
            (780, 542, 32, "18 EYES", self.eyes.as_str(), INK),
            (400, 598, 32, "9 CLASS", self.class.as_str(), INK),
            (620, 598, 28, "9a END", "NONE", INK),
            (400, 650, 28, "12 REST", "NONE", INK),
        ] {
            // Near enough that label and value are read as one line; but "8 412 OAK ST" must not become 8412.
            let gap = match label {
                "8" => 30,
                "4d DLN" => 18,
                "1" | "2" => 9,
                _ => 12,
            };
            let (label, start) = if label.is_empty() {
                (String::new(), format!(r#"x="{}""#, x + 43))
            } else {
                (
                    format!(
                        r##"<tspan font-size="24" font-weight="bold" letter-spacing="1.5" fill="#1f5b80">{label}</tspan>"##
                    ),
                    format!(r#"dx="{gap}""#),
                )
            };
            let _ = write!(
                text,
                r#"<text x="{x}" y="{y}">{label}<tspan {start} font-size="{size}" font-weight="bold" fill="{colour}">{}</tspan></text>"#,
                escape(value)
            );
        }
        // The discriminator is derived from the number; only its form matters.
        let digits: String = self.number.chars().filter(char::is_ascii_digit).collect();
        let _ = write!(
            text,
            r##"<text x="770" y="724" font-size="22" fill="#22577a">5 DD</text><text x="830" y="724" font-size="24" font-weight="bold" fill="{INK}">X{digits}7</text></svg>"##
        );
        text
    }
}

/// The colour of most values.
const INK: &str = "#16181d";

/// Where the portrait is on every card: left, top, width, height.
pub const PORTRAIT: [usize; 4] = [40, 146, 328, 410];

/// About where the face is on every card: left, top, width and height, in pixels.
pub const FACE: [usize; 4] = [PORTRAIT[0] + 78, PORTRAIT[1] + 137, 172, 193];

/// The portrait alone, cut out of a drawn card.
pub(crate) fn portrait_on(card: &Picture) -> Picture {
    let [left, top, width, height] = PORTRAIT;
    Picture::from_fn(width, height, |x, y| card.pixels[(top + y) * card.width + left + x])
}

/// The portrait at the left, and its paler, smaller ghost at the right.
pub(crate) fn lay_portraits(card: &mut Picture, face: &Picture) {
    let backdrop = [214.0, 226.0, 236.0, 1.0];
    let mut portrait = Picture::filled(face.width, face.height, backdrop);
    portrait.lay(face, 0, 0, 1.0);
    // Laser engraving loses some contrast and colour.
    portrait.recolour(|[r, g, b]| {
        let grey = 0.3 * r + 0.59 * g + 0.11 * b;
        [r, g, b].map(|c| ((c + (grey - c) * 0.22) - 128.0) * 0.94 + 132.0)
    });
    let [left, top, width, height] = PORTRAIT;
    card.lay(&portrait.resized(width, height), left.cast_signed(), top.cast_signed(), 1.0);
    let mut ghost = Picture::filled(face.width, face.height, [0.0, 0.0, 0.0, 0.0]);
    ghost.lay(face, 0, 0, 1.0);
    ghost.recolour(|[r, g, b]| [0.3 * r + 0.59 * g + 0.11 * b + 20.0; 3]);
    card.lay(&ghost.resized(168, 210), 1006, 440, 0.5);
}

impl Wear {
    /// The card in this condition.
    #[must_use]
    pub fn apply(self, card: &Picture) -> Picture {
        let mut worn = card.blurred(self.blur);
        if self.glare > 0.0 {
            for (i, pixel) in worn.pixels.iter_mut().enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "a place in the picture")]
                let x = (i % WIDTH) as f32;
                // From the edge of the portrait to the right, as from a lamp on the right.
                let shine = ((x - 376.0) / 30.0).clamp(0.0, 1.0) * self.glare;
                for channel in &mut pixel[..3] {
                    *channel += (252.0 - *channel) * shine;
                }
            }
        }
        worn
    }
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn capitalised(text: &str) -> String {
    text.split(' ')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| format!("{first}{}", letters.as_str().to_lowercase()))
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_dates_as_american_licences_do() {
        assert_eq!(Date::new(1957, 1, 2).to_string(), "01/02/1957");
    }

    #[test]
    fn escapes_characters_that_are_special_in_svg() {
        assert_eq!(escape("A & B <C>"), "A &amp; B &lt;C&gt;");
    }
}
