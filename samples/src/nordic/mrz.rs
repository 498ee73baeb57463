//! Machine-readable zones after ICAO 9303 part 5 (cards, three lines of 30 characters).

use super::{Day, Sex};

/// The data of a card's zone, without the names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zone<'a> {
    /// Three letters, of the state that issued the card and of the holder's nationality.
    pub state: &'a str,
    /// Up to nine letters and digits.
    pub number: &'a str,
    /// Optional data of the first line, up to fifteen letters and digits.
    pub optional: &'a str,
    pub born: Day,
    pub sex: Sex,
    pub expires: Day,
}

impl Zone<'_> {
    /// The three lines, with their check digits.
    pub(super) fn lines(self, last_name: &str, first_names: &str) -> [String; 3] {
        let number = checked(&padded(self.number, 9));
        let first = format!("I<{}{number}{}", self.state, padded(self.optional, 15));
        let (born, expires) = (checked(&short(self.born)), checked(&short(self.expires)));
        let second = format!("{born}{}{expires}{}{}", self.sex.letter(), self.state, padded("", 11));
        // Over the first two lines, without the kind of document, the states and the sex.
        let whole = check_digit(&format!("{}{born}{expires}{}", &first[5..], padded("", 11)));
        let names = format!("{}<<{}", transliterated(last_name), transliterated(first_names));
        [first, format!("{second}{whole}"), padded(&names, 30)]
    }
}

/// The text with its check digit.
fn checked(text: &str) -> String {
    format!("{text}{}", check_digit(text))
}

fn padded(text: &str, length: usize) -> String {
    text.chars().chain(std::iter::repeat('<')).take(length).collect()
}

/// Year, month and day in two digits each.
fn short(day: Day) -> String {
    format!("{:02}{:02}{:02}", day.year % 100, day.month, day.day)
}

/// Weights 7, 3 and 1 over the values of the characters, modulo 10.
fn check_digit(text: &str) -> u32 {
    let values = text.chars().map(|character| character.to_digit(36).unwrap_or(0));
    values.zip([7, 3, 1].into_iter().cycle()).map(|(value, weight)| value * weight).sum::<u32>() % 10
}

/// Replaces letters that a zone does not have as ICAO 9303 part 3 (section 6) says.
fn transliterated(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        match character {
            'Å' => text.push_str("AA"),
            'Ä' | 'Æ' => text.push_str("AE"),
            'Ö' | 'Ø' => text.push_str("OE"),
            'A'..='Z' => text.push(character),
            _ => text.push('<'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_specimen_of_icao_9303() {
        let zone = Zone {
            state: "UTO",
            number: "D23145890",
            optional: "",
            born: Day::new(1974, 8, 12),
            sex: Sex::Female,
            expires: Day::new(2012, 4, 15),
        };
        assert_eq!(
            zone.lines("ERIKSSON", "ANNA MARIA"),
            ["I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"]
        );
    }

    #[test]
    fn includes_optional_data_in_the_composite_check_digit() {
        let zone = |optional| Zone {
            state: "SWE",
            number: "TEST00001",
            optional,
            born: Day::new(1985, 4, 17),
            sex: Sex::Female,
            expires: Day::new(2046, 4, 17),
        };
        let [with, without] = ["198504179803", ""].map(|optional| zone(optional).lines("ÅÄÖ", "ÆØ")[1].clone());
        assert_eq!(with[..29], without[..29]);
        assert_ne!(with, without);
    }

    #[test]
    fn transliterates_letters_that_a_zone_does_not_have() {
        assert_eq!(transliterated("ÅSE-MÆRTA ØSTBÄCK Ö"), "AASE<MAERTA<OESTBAECK<OE");
    }
}
