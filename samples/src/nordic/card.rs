//! Cards of the size of a licence: a tinted ground, a portrait, labelled values, and a notice that it is no document.

use std::fmt::Write as _;

use crate::{
    Error,
    license::{HEIGHT, WIDTH, escape, lay_portraits},
    picture::Picture,
};

/// The colours of a country's cards.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Colours of the ground, from the upper left to the lower right.
    pub ground: [&'static str; 2],
    /// Colour of the bar behind the heading, and of labels.
    pub accent: &'static str,
    /// Colour of the lines on the ground.
    pub lines: &'static str,
}

/// One side of a card.
#[derive(Debug, Clone)]
pub(super) struct Side {
    look: Look,
    text: String,
    /// The place of the notice that it is no document, in pixels from the top.
    warning: usize,
}

/// The colour of values.
const INK: &str = "#16181d";
/// The distance between the two sides of a card that were scanned together, in pixels.
const GAP: usize = 40;

impl Side {
    /// A side with a heading: the code of the country, the kind of card, and the issuer.
    pub(super) fn new(look: Look, [sign, title, issuer]: [&str; 3]) -> Self {
        let mut text = String::new();
        let _ = write!(
            text,
            r##"<text x="44" y="74" font-size="52" font-weight="bold" fill="#ffffff">{}</text>
<text x="400" y="74" font-size="42" font-weight="bold" letter-spacing="2" fill="#ffffff">{}</text>
<text x="1160" y="72" font-size="28" text-anchor="end" fill="#ffffff">{}</text>
"##,
            escape(sign),
            escape(title),
            escape(issuer),
        );
        Self { look, text, warning: 668 }
    }

    /// A value after its label, as `1. ERIKSSON`.
    pub(super) fn beside(mut self, [x, y]: [usize; 2], label: &str, value: &str) -> Self {
        let accent = self.look.accent;
        let _ = write!(
            self.text,
            r#"<text x="{x}" y="{y}"><tspan font-size="30" font-weight="bold" fill="{accent}">{}</tspan><tspan dx="17" font-size="34" font-weight="bold" fill="{INK}">{}</tspan></text>"#,
            escape(label),
            escape(value),
        );
        self
    }

    /// A value under its label.
    pub(super) fn under(mut self, [x, y]: [usize; 2], label: &str, value: &str) -> Self {
        let accent = self.look.accent;
        let below = y + 38;
        let _ = write!(
            self.text,
            r#"<text x="{x}" y="{y}" font-size="22" fill="{accent}">{}</text><text x="{x}" y="{below}" font-size="34" font-weight="bold" fill="{INK}">{}</text>"#,
            escape(label),
            escape(value),
        );
        self
    }

    /// Text of this size on its own.
    pub(super) fn print(mut self, [x, y]: [usize; 2], size: usize, value: &str) -> Self {
        let _ = write!(
            self.text,
            r#"<text x="{x}" y="{y}" font-size="{size}" font-weight="bold" fill="{INK}">{}</text>"#,
            escape(value)
        );
        self
    }

    /// A machine-readable zone at the lower edge, on white. All characters have the same width, as on real documents.
    pub(super) fn zone(mut self, lines: &[String; 3]) -> Self {
        self.warning = 360;
        self.text = r##"<rect y="480" width="1200" height="277" fill="#fbfbf8"/>"##.to_owned() + &self.text;
        for (line, y) in lines.iter().zip([550, 630, 710]) {
            for (index, character) in line.chars().enumerate() {
                let x = 62 + index * 37;
                let _ = write!(
                    self.text,
                    r#"<text x="{x}" y="{y}" font-size="54" text-anchor="middle" fill="{INK}">{}</text>"#,
                    escape(&character.to_string())
                );
                if character == 'I' {
                    // The typeface of real zones gives it serifs, without which it is nearly a one.
                    let (left, top) = (x - 10, y - 39);
                    let _ = write!(
                        self.text,
                        r#"<path d="M{left} {top}h20v4h-20zM{left} {}h20v4h-20z" fill="{INK}"/>"#,
                        y - 4
                    );
                }
            }
        }
        self
    }

    /// The side, with a portrait when there is a `face` (400 × 500).
    ///
    /// # Errors
    /// When a text cannot be drawn.
    pub(super) fn draw(&self, face: Option<&Picture>) -> Result<Picture, Error> {
        let mut card = Picture::from_svg(&self.ground())?;
        if let Some(face) = face {
            lay_portraits(&mut card, face);
        }
        let Self { text, warning, .. } = self;
        let below = warning + 56;
        let text = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="Noto Sans">{text}
<text x="44" y="{warning}" font-size="50" font-weight="bold" fill="#c0392b" letter-spacing="4">SPECIMEN</text>
<text x="44" y="{below}" font-size="21" fill="#4b5563">Not a document. Drawn for testing; the person does not exist.</text></svg>"##
        );
        card.lay(&Picture::from_svg(&text)?, 0, 0, 1.0);
        Ok(card)
    }

    fn ground(&self) -> String {
        let Look { ground: [from, to], accent, lines } = self.look;
        let mut waves = String::new();
        for i in 0..34_u16 {
            let mut path = String::new();
            for step in 0..=60_u16 {
                let x = f32::from(step) * 20.0;
                let y = 100.0
                    + f32::from(i) * 20.0
                    + (x / 170.0 + f32::from(i) * 0.21).sin() * 22.0
                    + (x / 61.0 - f32::from(i) * 0.37).cos() * 6.0;
                let _ = write!(path, "{}{x:.0} {y:.1}", if step == 0 { 'M' } else { 'L' });
            }
            let _ = write!(waves, r#"<path d="{path}" fill="none" stroke="{lines}" opacity="0.3"/>"#);
        }
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">
<defs><linearGradient id="card" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="{from}"/><stop offset="1" stop-color="{to}"/></linearGradient></defs>
<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#card)"/>{waves}<rect width="{WIDTH}" height="104" fill="{accent}"/></svg>"#
        )
    }
}

/// Both sides of a card on one picture, as a scanner lays them under each other.
pub(super) fn scanned(front: &Picture, back: &Picture) -> Picture {
    let mut sheet = Picture::filled(WIDTH, 2 * HEIGHT + GAP, [250.0, 250.0, 250.0, 1.0]);
    sheet.lay(front, 0, 0, 1.0);
    sheet.lay(back, 0, (HEIGHT + GAP).cast_signed(), 1.0);
    sheet
}
