//! The back of a licence, with its barcode.

use std::fmt::Write as _;

use rxing::{BarcodeFormat, EncodeHints, Writer as _, pdf417::PDF417Writer, pdf417::encoder::Dimensions};

use crate::{
    Error,
    license::{Date, HEIGHT, License, WIDTH},
    picture::Picture,
};

/// The issuer identification number of Florida, the only state of the samples.
const ISSUER: &str = "636010";

/// Columns of codewords, as most cards have. With start, stop and row indicators, each row then has 290 modules.
const COLUMNS: usize = 13;

/// Pixels of a module. A photograph of a card has fewer than a scan.
const MODULE: u32 = 3;

impl License {
    /// The text of the barcode: version 10 of AAMVA's card design standard.
    #[must_use]
    pub fn barcode(&self) -> String {
        let day = |Date { year, month, day }: Date| format!("{month:02}{day:02}{year}");
        let (first, middle) = self.first_names.split_once(' ').unwrap_or((&self.first_names, ""));
        let plain = |text: &str| text.replace('-', "");
        let elements = [
            ("DAQ", plain(&self.number)),
            ("DCS", self.last_name.clone()),
            ("DDE", "N".to_owned()),
            ("DAC", first.to_owned()),
            ("DDF", "N".to_owned()),
            ("DAD", middle.to_owned()),
            ("DDG", "N".to_owned()),
            ("DCA", self.class.clone()),
            ("DCB", "NONE".to_owned()),
            ("DCD", "NONE".to_owned()),
            ("DBD", day(self.issued)),
            ("DBB", day(self.born)),
            ("DBA", day(self.expires)),
            ("DBC", if self.sex == "M" { "1" } else { "2" }.to_owned()),
            ("DAU", "066 in".to_owned()),
            ("DAY", self.eyes.clone()),
            ("DAG", self.street.clone()),
            ("DAI", self.city.clone()),
            ("DAJ", self.state.clone()),
            ("DAK", format!("{:0<9}  ", plain(&self.zip_code))),
            ("DCF", format!("SPECIMEN{}", self.last_name)),
            ("DCG", "USA".to_owned()),
        ];
        let body: String = elements.map(|(id, value)| format!("{id}{value}\n")).concat();
        format!("@\n\u{1e}\rANSI {ISSUER}100001DL0031{:04}DL{body}\r", body.len() + 3)
    }

    /// The back of the card, as it lies before a camera: turned by a few degrees.
    ///
    /// # Errors
    /// When the text does not fit in a barcode.
    pub fn draw_back(&self) -> Result<Picture, Error> {
        let hints = EncodeHints {
            Margin: Some("0".to_owned()),
            ErrorCorrection: Some("4".to_owned()),
            Pdf417Dimensions: Some(Dimensions::new(COLUMNS, COLUMNS, 3, 90)),
            ..EncodeHints::default()
        };
        let bars = PDF417Writer.encode_with_hints(&self.barcode(), &BarcodeFormat::PDF_417, 0, 0, &hints)?;
        let mut path = String::new();
        for y in 0..bars.height() {
            for x in (0..bars.width()).filter(|x| bars.get(*x, y)) {
                let _ = write!(path, "M{x} {y}h1v1h-1z");
            }
        }
        let (left, top) = ((u32::try_from(WIDTH).unwrap_or_default() - MODULE * bars.width()) / 2, 90);
        Picture::from_svg(&format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">
<rect width="{WIDTH}" height="{HEIGHT}" fill="#5b5148"/>
<g transform="rotate(-3 600 378) translate(48 30) scale(0.92)"><rect width="{WIDTH}" height="{HEIGHT}" rx="36" fill="#f4f1ea"/>
<path d="{path}" transform="translate({left} {top}) scale({MODULE} 2.6)" fill="#1c1c1c" shape-rendering="crispEdges"/>
<rect x="0" y="560" width="{WIDTH}" height="76" fill="#2b2b2b"/></g></svg>"##
        ))
    }
}

#[cfg(test)]
mod tests {
    use bonafide_domain::Witness;

    use super::*;
    use crate::{application::florida, picture::Format};

    #[test]
    fn the_barcode_says_what_the_front_says() {
        let license = florida(
            "W325-618-84-999-0",
            ["NORA ELAINE", "WHITCOMBE"],
            ["412 PELICAN BAY ROAD", "TALLAHASSEE", "32301"],
            Date::new(1984, 6, 9),
            "F",
        );
        let back = license.draw_back().expect("a drawing").encode(Format::Jpeg { quality: 80 }).expect("a picture");
        let witness = bonafide_barcode::read(&back, Witness::from_barcode).expect("a witness");
        assert_eq!((witness.fields.first_name.expose(), witness.fields.middle_name.expose()), ("NORA", "ELAINE"));
        assert_eq!(
            (witness.fields.last_name.expose(), witness.fields.document_number.expose()),
            ("WHITCOMBE", "W325618849990")
        );
        assert_eq!(
            (witness.fields.date_of_birth.expose(), witness.fields.expiration_date.expose()),
            ("1984-06-09", "2046-06-09")
        );
        assert_eq!(
            (witness.fields.address.expose(), witness.fields.zip_code.expose()),
            ("412 PELICAN BAY ROAD", "323010000")
        );
        assert_eq!((witness.fields.city.expose(), witness.fields.issuer.expose()), ("TALLAHASSEE", "FL"));
    }
}
