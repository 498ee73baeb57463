//! A labelled set of details and documents: what is the same though written otherwise, what may be the same, and what is another though
//! written alike.
//!
//! The set is generated, always the same, and synthetic. It is judged as the state machine judges: with the same thresholds.

mod addresses;
mod dates;
mod kind;
mod lists;
mod names;
mod numbers;
mod random;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bonafide_domain::{
    Details, DetailsColumn, DocumentFields, ExtractedField, Personal, Reading, Similarities, Thresholds, similarities,
};
use chrono::NaiveDate;

use kind::Kind;
pub(crate) use kind::Label;
use lists::{GIVEN_NAMES, PLACES, STREETS, SURNAMES};
use random::Random;

const SEED: u64 = 0x000B_04AF_1DE0;
/// Pairs that differ in one way, of each kind.
const PAIRS_OF_A_KIND: usize = 30;
/// Pairs that differ in several ways at once.
const MIXED_PAIRS: usize = 1500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    FirstName,
    LastName,
    DateOfBirth,
    DocumentNumber,
    Address,
}

impl Field {
    pub(crate) const ALL: [Self; 5] =
        [Self::FirstName, Self::LastName, Self::DateOfBirth, Self::DocumentNumber, Self::Address];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::DateOfBirth => "dateOfBirth",
            Self::DocumentNumber => "documentNumber",
            Self::Address => "address",
        }
    }

    const fn of(self, similarities: &Similarities) -> f64 {
        match self {
            Self::FirstName => similarities.first_name,
            Self::LastName => similarities.last_name,
            Self::DateOfBirth => similarities.date_of_birth,
            Self::DocumentNumber => similarities.document_number,
            Self::Address => similarities.address,
        }
    }

    /// The similarity from which on the machine takes the field for the same.
    const fn pass(self) -> f64 {
        match self {
            Self::FirstName => Thresholds::STANDARD.first_name_similarity,
            Self::LastName => Thresholds::STANDARD.last_name_similarity,
            Self::DateOfBirth => Thresholds::STANDARD.birth_date_similarity,
            Self::DocumentNumber => Thresholds::STANDARD.document_number_similarity,
            Self::Address => Thresholds::STANDARD.address_similarity,
        }
    }

    /// The similarity below which the field is another.
    const fn near(self) -> f64 {
        match self {
            Self::FirstName => Thresholds::STANDARD.first_name_near,
            Self::LastName => Thresholds::STANDARD.last_name_near,
            Self::DateOfBirth => Thresholds::STANDARD.birth_date_near,
            Self::DocumentNumber => Thresholds::STANDARD.document_number_near,
            Self::Address => Thresholds::STANDARD.address_near,
        }
    }

    fn judge(self, similarities: &Similarities) -> Label {
        let similarity = self.of(similarities);
        if similarity >= self.pass() {
            Label::Same
        } else if similarity >= self.near() {
            Label::Near
        } else {
            Label::Other
        }
    }
}

/// Where a person lives, in parts.
#[derive(Clone)]
pub(crate) struct Home {
    house: String,
    direction: String,
    name: String,
    suffix: String,
    unit: String,
    state_name: &'static str,
}

impl Home {
    fn street(&self) -> String {
        let parts = [&self.house, &self.direction, &self.name, &self.suffix, &self.unit];
        parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// What is written of a person on one side.
#[derive(Clone)]
pub(crate) struct Written {
    first: String,
    middle: String,
    last: String,
    suffix: String,
    number: String,
    issuer: String,
    date: NaiveDate,
    born: String,
    issued: String,
    expires: String,
    home: Home,
    street: String,
    city: String,
    state: String,
    zip_code: String,
}

impl Written {
    fn of_a_person(random: &mut Random) -> Self {
        let (city, state, state_name, zip_code, numbers) = random.from(PLACES);
        let (name, long, short) = random.from(STREETS);
        let digit = |random: &mut Random| char::from(b'0' + u8::try_from(random.below(10)).expect("a digit"));
        let number = numbers
            .chars()
            .map(
                |character| {
                    if character == 'A' { random.from(&['A', 'B', 'D', 'I', 'O', 'P', 'S']) } else { digit(random) }
                },
            )
            .collect();
        let (year, day) = (1940 + random.below(65), 1 + random.below(365));
        let date = NaiveDate::from_yo_opt(i32::try_from(year).expect("a year"), u32::try_from(day).expect("a day"));
        let date = date.expect("a date");
        let home = Home {
            house: (1 + random.below(9999)).to_string(),
            direction: String::new(),
            name: name.to_owned(),
            suffix: random.of(&[long, short]).to_owned(),
            unit: String::new(),
            state_name,
        };
        Self {
            first: random.of(GIVEN_NAMES).to_owned(),
            middle: String::new(),
            last: random.of(SURNAMES).to_owned(),
            suffix: String::new(),
            number,
            issuer: state.to_owned(),
            date,
            born: date.format("%m/%d/%Y").to_string(),
            issued: "03/02/2022".to_owned(),
            expires: "03/02/2032".to_owned(),
            street: home.street(),
            home,
            city: city.to_owned(),
            state: state.to_owned(),
            zip_code: zip_code.to_owned(),
        }
    }

    /// The details have no columns for middle names and suffixes.
    fn details(&self) -> Details {
        let text = |column| match column {
            DetailsColumn::FirstName => format!("{} {}", self.first, self.middle),
            DetailsColumn::LastName => format!("{} {}", self.last, self.suffix),
            DetailsColumn::City => self.city.clone(),
            DetailsColumn::ZipCode => self.zip_code.clone(),
            DetailsColumn::State => self.state.clone(),
            DetailsColumn::DocumentNumber => self.number.clone(),
            DetailsColumn::DateOfBirth => self.born.clone(),
            DetailsColumn::Address => self.street.clone(),
        };
        let texts = DetailsColumn::ALL.map(text);
        Details::from_lookup(|column| Some(texts[column as usize].as_str()))
    }

    fn document(&self) -> DocumentFields {
        let fields = [
            ("FIRST_NAME", &self.first),
            ("MIDDLE_NAME", &self.middle),
            ("LAST_NAME", &self.last),
            ("SUFFIX", &self.suffix),
            ("DOCUMENT_NUMBER", &self.number),
            ("DATE_OF_BIRTH", &self.born),
            ("DATE_OF_ISSUE", &self.issued),
            ("EXPIRATION_DATE", &self.expires),
            ("ADDRESS", &self.street),
            ("CITY_IN_ADDRESS", &self.city),
            ("STATE_IN_ADDRESS", &self.state),
            ("STATE_NAME", &self.issuer),
            ("ZIP_CODE_IN_ADDRESS", &self.zip_code),
        ];
        let extracted = fields.map(|(name, text)| ExtractedField {
            name: name.to_owned(),
            text: Personal::new(text),
            normalized_date: None,
            confidence: 0.99,
        });
        let fields = Reading::from_extracted(&extracted).fields;
        // Through the table, as in the machine.
        let stored: BTreeMap<_, _> = fields.entries().into_iter().collect();
        DocumentFields::from_lookup(|name| stored.get(name).map(|value| (*value).clone()).unwrap_or_default())
    }

    fn text_of(&self, field: Field) -> String {
        match field {
            Field::FirstName | Field::LastName => {
                format!("{} | {} | {} | {}", self.first, self.middle, self.last, self.suffix)
            }
            Field::DateOfBirth => self.born.clone(),
            Field::DocumentNumber => format!("{} ({})", self.number, self.issuer),
            Field::Address => format!("{} | {} | {} | {}", self.street, self.city, self.state, self.zip_code),
        }
    }
}

/// Details and a document, with the ways in which they differ.
pub(crate) struct Pair {
    details: Written,
    document: Written,
    kinds: Vec<&'static Kind>,
}

/// All kinds, those of one field together.
fn kinds() -> impl Iterator<Item = &'static Kind> {
    [names::KINDS, dates::KINDS, numbers::KINDS, addresses::KINDS].into_iter().flatten()
}

/// The whole set, always the same.
pub(crate) fn pairs() -> Vec<Pair> {
    let mut random = Random::new(SEED);
    let mut pairs = Vec::new();
    for kind in kinds() {
        for _ in 0..PAIRS_OF_A_KIND {
            pairs.push(pair(&mut random, |_| vec![kind]));
        }
    }
    for _ in 0..MIXED_PAIRS {
        pairs.push(pair(&mut random, mixture));
    }
    pairs
}

/// Several ways at once, each in another field, at most one of them to what is not the same.
fn mixture(random: &mut Random) -> Vec<&'static Kind> {
    let odd = random.chance().then(|| random.below(Field::ALL.len()));
    let choose = |(index, field): (usize, Field)| {
        let same = odd != Some(index);
        let possible: Vec<&Kind> =
            kinds().filter(|kind| (kind.label == Label::Same) == same && kind.fields == [field]).collect();
        random.of(&possible)
    };
    Field::ALL.into_iter().enumerate().map(choose).collect()
}

fn pair(random: &mut Random, choose: impl Fn(&mut Random) -> Vec<&'static Kind>) -> Pair {
    // Not every kind applies to every person.
    loop {
        let kinds = choose(random);
        let mut details = Written::of_a_person(random);
        let mut document = details.clone();
        let exchange = kinds.iter().all(|kind| kind.is_symmetric()) && random.chance();
        if kinds.iter().try_for_each(|kind| (kind.vary)(random, &mut details, &mut document)).is_some() {
            if exchange {
                (details, document) = (document, details);
            }
            return Pair { details, document, kinds };
        }
    }
}

/// How many pairs of each label ended in each band.
#[derive(Clone, Copy, Default)]
pub(crate) struct Count([[usize; 3]; 3]);

impl Count {
    const fn add(&mut self, label: Label, band: Label) {
        self.0[label as usize][band as usize] += 1;
    }

    /// Pairs of this label that ended in this band.
    pub(crate) const fn of(&self, label: Label, band: Label) -> usize {
        self.0[label as usize][band as usize]
    }

    pub(crate) fn labelled(&self, label: Label) -> usize {
        self.0[label as usize].iter().sum()
    }

    /// What is not the same, and passed.
    pub(crate) const fn false_accepts(&self) -> usize {
        self.of(Label::Near, Label::Same) + self.of(Label::Other, Label::Same)
    }

    /// What is or may be the same, and was taken for another.
    pub(crate) const fn false_declines(&self) -> usize {
        self.of(Label::Same, Label::Other) + self.of(Label::Near, Label::Other)
    }

    /// What is the same, and needs a person to say so.
    pub(crate) const fn false_referrals(&self) -> usize {
        self.of(Label::Same, Label::Near)
    }
}

/// The judgement of the whole set.
pub(crate) struct Report {
    pub(crate) size: usize,
    /// Of whole pairs: one passes if all its fields pass, and is another if one of them is.
    pub(crate) pairs: Count,
    pub(crate) fields: BTreeMap<Field, Count>,
    kinds: BTreeMap<(Field, Label, &'static str), Count>,
    errors: Vec<String>,
}

pub(crate) fn report() -> Report {
    let pairs = pairs();
    let mut report = Report {
        size: pairs.len(),
        pairs: Count::default(),
        fields: BTreeMap::new(),
        kinds: BTreeMap::new(),
        errors: Vec::new(),
    };
    for Pair { details, document, kinds } in &pairs {
        let similarities = similarities(&details.details(), &document.document());
        let (mut whole_label, mut whole_band) = (Label::Same, Label::Same);
        for field in Field::ALL {
            let band = field.judge(&similarities);
            let kind = kinds.iter().find(|kind| kind.fields.contains(&field));
            let (label, name) = kind.map_or((Label::Same, "unchanged"), |kind| (kind.label, kind.name));
            (whole_label, whole_band) = (whole_label.max(label), whole_band.max(band));
            report.fields.entry(field).or_default().add(label, band);
            report.kinds.entry((field, label, name)).or_default().add(label, band);
            // What is another may be near: then a person looks.
            if band != label && (label, band) != (Label::Other, Label::Near) {
                report.errors.push(format!(
                    "{} of {}, {name} ({}): {} / {}: {:.1}",
                    match band {
                        Label::Same => "false accept",
                        Label::Near => "false referral",
                        Label::Other => "false decline",
                    },
                    field.name(),
                    label.name(),
                    details.text_of(field),
                    document.text_of(field),
                    field.of(&similarities),
                ));
            }
        }
        report.pairs.add(whole_label, whole_band);
    }
    report
}

impl Report {
    /// For people: the table, then each error. The people in it are synthetic.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("Seed {SEED:#x}: {} pairs, {} judgements.\n\n", self.size, self.size * Field::ALL.len());
        let mut row = |field: &str, label: Label, kind: &str, count: &Count| {
            let [pass, near, other] = Label::ALL.map(|band| count.of(label, band));
            let pairs = count.labelled(label);
            writeln!(text, "{field:<15} {:<6} {kind:<44} {pairs:>6} {pass:>6} {near:>6} {other:>6}", label.name())
        };
        let mut write = || {
            for ((field, label, kind), count) in &self.kinds {
                row(field.name(), *label, kind, count)?;
            }
            let whole = ("whole pairs", &self.pairs);
            for (name, count) in self.fields.iter().map(|(field, count)| (field.name(), count)).chain([whole]) {
                for label in Label::ALL {
                    row(name, label, "all", count)?;
                }
            }
            Ok::<_, std::fmt::Error>(())
        };
        write().expect("a text takes all");
        let [accepts, declines, referrals] =
            [self.pairs.false_accepts(), self.pairs.false_declines(), self.pairs.false_referrals()];
        let wrong = format!(
            "\nWhole pairs: {accepts} false accepts, {declines} false declines, {referrals} false referrals.\n"
        );
        text.push_str(&wrong);
        let header = format!(
            "{:<15} {:<6} {:<44} {:>6} {:>6} {:>6} {:>6}\n",
            "field", "label", "kind", "pairs", "pass", "near", "other"
        );
        text = text.replacen("\n\n", &format!("\n\n{header}"), 1);
        for error in &self.errors {
            text.push('\n');
            text.push_str(&error.replace('\n', " "));
        }
        text
    }
}
