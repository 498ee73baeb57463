//! What follows from a document, the applicant's details, and a second witness of the document.

use chrono::{Datelike as _, NaiveDate};
use serde::Serialize;

use super::matching::{CUT_FROM, is_post_office_box};
use crate::{
    CheckOutcome, Confidences, Details, DetailsColumn, DocumentFields, DocumentType, Personal, Reading, ReasonCode,
    Similarities, Thresholds, Witness, similarities,
};

/// The first year of birth that is believed.
const FIRST_YEAR: i32 = 1900;

/// No state licenses younger drivers; passports are issued to children, too.
const YOUNGEST_DRIVER: u32 = 15;

/// Everything on which the judgement of a document rests: scores and facts, no personal data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// Of details and document; missing where there are no details.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarities: Option<Similarities>,
    /// Of document and witness; missing where there is no witness.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<WitnessSimilarities>,
    /// How sure each field is: that of the service, or 1 where another source says the same.
    pub confidences: Confidences,
    /// What is so or not so.
    pub facts: Facts,
    /// It decides which fields are required.
    #[serde(skip)]
    pub document_type: DocumentType,
}

/// How alike the document's front and its witness are, 0 to 100; missing where one of them is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WitnessSimilarities {
    /// Given names. A middle name is no contradiction: the service takes names of officials for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<f64>,
    /// Family names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<f64>,
    /// Birth dates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<f64>,
    /// Document numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_number: Option<f64>,
    /// Expiry dates: 0 or 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<f64>,
    /// Addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<f64>,
}

/// What the witness says of the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WitnessVerdict {
    /// There is none.
    None,
    /// The same.
    Agrees,
    /// Something else in at least one field.
    Differs,
    /// Another person: two of surname, birth date and number are others, also than those of the applicant.
    Contradicts,
}

/// What is so or not so. `None` where a date is missing, which never passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The expiry date is past; on the day itself a document is still valid.
    pub expired: Option<bool>,
    /// The bearer has not reached the minimum age.
    pub under_age: Option<bool>,
    /// The document can have been issued on its date of issue, if it has one.
    pub issue_date_possible: bool,
    /// The address is no residence.
    pub post_office_box: bool,
    /// What the witness says.
    pub witness: WitnessVerdict,
}

/// Something that does not let a document pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The field, as the scores name it.
    pub field: &'static str,
    /// The band.
    pub outcome: CheckOutcome,
    /// Why.
    pub reason: ReasonCode,
}

/// Given name, family name, birth date, number, address: the fields that details have.
const STATED: [&str; 5] = ["firstName", "lastName", "dateOfBirth", "documentNumber", "address"];

/// From this similarity, a field is the same.
const fn same(thresholds: &Thresholds) -> [f64; 5] {
    [
        thresholds.first_name_similarity,
        thresholds.last_name_similarity,
        thresholds.birth_date_similarity,
        thresholds.document_number_similarity,
        thresholds.address_similarity,
    ]
}

/// From this similarity, a field may be the same.
const fn near(thresholds: &Thresholds) -> [f64; 5] {
    [
        thresholds.first_name_near,
        thresholds.last_name_near,
        thresholds.birth_date_near,
        thresholds.document_number_near,
        thresholds.address_near,
    ]
}

impl Similarities {
    const fn stated(&self) -> [f64; 5] {
        [self.first_name, self.last_name, self.date_of_birth, self.document_number, self.address]
    }

    fn stated_fields(&self) -> impl Iterator<Item = (usize, f64)> {
        self.stated().into_iter().enumerate()
    }

    const fn of_stated([first_name, last_name, date_of_birth, document_number, address]: [f64; 5]) -> Self {
        Self { first_name, last_name, date_of_birth, document_number, address }
    }
}

impl WitnessSimilarities {
    const fn stated(&self) -> [Option<f64>; 5] {
        [self.first_name, self.last_name, self.date_of_birth, self.document_number, self.address]
    }

    /// How alike the front and the witness are.
    fn of(front: &DocumentFields, witness: &Witness) -> Self {
        let compare = |first_name: &str| {
            similarities(
                &Details::from_lookup(|column| {
                    Some(match column {
                        DetailsColumn::FirstName => first_name,
                        DetailsColumn::LastName => witness.fields.last_name.expose(),
                        DetailsColumn::City => witness.fields.city.expose(),
                        DetailsColumn::ZipCode => witness.fields.zip_code.expose(),
                        DetailsColumn::State => witness.fields.state.expose(),
                        DetailsColumn::DocumentNumber => witness.fields.document_number.expose(),
                        DetailsColumn::DateOfBirth => witness.fields.date_of_birth.expose(),
                        DetailsColumn::Address => witness.fields.address.expose(),
                    })
                }),
                front,
            )
        };
        let given = witness.fields.first_name.expose();
        let all = compare(given);
        // One of the two may have all given names in one field, or the first one only.
        let whole = format!("{given} {}", witness.fields.middle_name.expose());
        let first = given.split_whitespace().next().unwrap_or_default();
        let first_name =
            [whole.trim(), first].map(|name| compare(name).first_name).into_iter().fold(all.first_name, f64::max);
        let cut = |front: &Personal, own: &Personal, is_truncated: bool| {
            is_beginning(front, own) || is_truncated && is_beginning(own, front)
        };
        let score = |front: &Personal, own: &Personal, similarity: f64| {
            (!front.is_empty() && !own.is_empty()).then_some(similarity)
        };
        let or_cut = |front: &Personal, own: &Personal, is_truncated: bool, similarity: f64| {
            score(front, own, if cut(front, own, is_truncated) { 100.0 } else { similarity })
        };
        let same_text = |front: &Personal, own: &Personal| score(front, own, if front == own { 100.0 } else { 0.0 });
        Self {
            first_name: or_cut(&front.first_name, &witness.fields.first_name, witness.first_name_truncated, first_name),
            last_name: or_cut(&front.last_name, &witness.fields.last_name, witness.last_name_truncated, all.last_name),
            date_of_birth: score(&front.date_of_birth, &witness.fields.date_of_birth, all.date_of_birth),
            document_number: score(&front.document_number, &witness.fields.document_number, all.document_number),
            expiration_date: same_text(&front.expiration_date, &witness.fields.expiration_date),
            address: score(&front.address, &witness.fields.address, all.address),
        }
    }

    /// The fields in which front and witness differ.
    pub fn different<'a>(&'a self, thresholds: &'a Thresholds) -> impl Iterator<Item = &'static str> + 'a {
        let stated = self.stated().into_iter().zip(same(thresholds)).zip(STATED);
        stated
            .filter(|((similarity, same), _)| similarity.is_some_and(|similarity| similarity < *same))
            .map(|(_, name)| name)
            .chain(self.expiration_date.filter(|similarity| *similarity < 100.0).map(|_| "expirationDate"))
    }

    /// What the witness says of the front. `applicant` is how alike the witness and the details are.
    fn verdict(&self, applicant: Option<&Similarities>, thresholds: &Thresholds) -> WitnessVerdict {
        if self.different(thresholds).next().is_none() {
            return WitnessVerdict::Agrees;
        }
        let near = near(thresholds);
        // Family name, birth date and number.
        let others = (1..4).filter(|field| {
            self.stated()[*field].is_some_and(|similarity| similarity < near[*field])
                && applicant.is_some_and(|applicant| applicant.stated()[*field] < near[*field])
        });
        if others.count() >= 2 { WitnessVerdict::Contradicts } else { WitnessVerdict::Differs }
    }
}

/// Whether one name is the beginning of the other, as where a card had no room for more.
fn is_beginning(short: &Personal, long: &Personal) -> bool {
    let letters = |name: &Personal| -> Vec<char> {
        name.expose().chars().filter(|character| character.is_alphabetic()).flat_map(char::to_uppercase).collect()
    };
    let (short, long) = (letters(short), letters(long));
    (CUT_FROM..long.len()).contains(&short.len()) && long.starts_with(&short)
}

/// Assesses a document on `today`.
///
/// `details` are missing where the document is judged alone, `witness` where it has no barcode or zone that could be read. Every field comes
/// from the front; the witness only confirms or contradicts it.
#[must_use]
pub fn assess(
    reading: &Reading,
    details: Option<&Details>,
    witness: Option<&Witness>,
    minimum_age: u32,
    today: NaiveDate,
    thresholds: &Thresholds,
) -> Assessment {
    let front = &reading.fields;
    let (same, near) = (same(thresholds), near(thresholds));
    let seen = witness.map(|witness| WitnessSimilarities::of(front, witness));
    let applicant = details.zip(witness).map(|(details, witness)| similarities(details, &witness.fields));
    let similarities = details.map(|details| {
        let mut told = similarities(details, front).stated();
        if let (Some(witness), Some(seen), Some(applicant)) = (witness, &seen, &applicant) {
            let applicant = applicant.stated();
            let names = [
                (&front.first_name, DetailsColumn::FirstName, witness.first_name_truncated),
                (&front.last_name, DetailsColumn::LastName, witness.last_name_truncated),
            ];
            for (field, (front, column, is_truncated)) in names.into_iter().enumerate() {
                let is_known_cut = is_truncated || applicant[field] >= same[field];
                let agrees = seen.stated()[field].is_some_and(|similarity| similarity >= same[field]);
                if is_known_cut && agrees && is_beginning(front, details.get(column)) {
                    told[field] = 100.0;
                }
            }
            // Where the witness is on the applicant's side, the front may have been misread: a person looks.
            for field in 0..told.len() {
                if applicant[field] >= same[field] {
                    told[field] = told[field].max(near[field]);
                }
            }
        }
        Similarities::of_stated(told)
    });
    let dates = Dates::of(front, today);
    Assessment {
        similarities,
        witness: seen,
        confidences: confidences(reading, details.zip(similarities.as_ref()), seen.as_ref(), &dates, thresholds),
        facts: Facts {
            expired: by_both(dates.expires, witness.map(|witness| &witness.fields.expiration_date), |expires| {
                expires < today
            }),
            under_age: by_both(dates.born, witness.map(|witness| &witness.fields.date_of_birth), |born| {
                age(born, today).is_none_or(|age| age < minimum_age)
            }),
            issue_date_possible: dates.is_issue_possible(front.document_type(), today),
            post_office_box: details.is_some_and(|details| {
                let streets = [details.get(DetailsColumn::Address), &front.address];
                streets.into_iter().any(|street| is_post_office_box(street.expose()))
            }),
            witness: seen.map_or(WitnessVerdict::None, |seen| seen.verdict(applicant.as_ref(), thresholds)),
        },
        document_type: front.document_type(),
    }
}

/// A field counts as surely read where another source says the same: the witness, or, from a lower limit on, the applicant.
fn confidences(
    reading: &Reading,
    told: Option<(&Details, &Similarities)>,
    seen: Option<&WitnessSimilarities>,
    dates: &Dates,
    thresholds: &Thresholds,
) -> Confidences {
    let Confidences { first_name, last_name, date_of_birth, document_number, expiration_date, address } =
        reading.confidences;
    let same = same(thresholds);
    let is_told = |field: usize| told.is_some_and(|(_, told)| told.stated()[field] >= same[field]);
    let is_seen = |field: usize| {
        seen.is_some_and(|seen| seen.stated()[field].is_some_and(|similarity| similarity >= same[field]))
    };
    let raised = |confidence: f64, is_seen: bool, is_told: bool| {
        let is_sure_enough = confidence >= thresholds.field_confidence_floor;
        if confidence > 0.0 && (is_seen || is_told && is_sure_enough) { 1.0 } else { confidence }
    };
    // An applicant confirms no part of an address that was not read.
    let front = &reading.fields;
    let is_whole = told.is_some_and(|(details, _)| {
        [
            (DetailsColumn::City, &front.city),
            (DetailsColumn::State, &front.state),
            (DetailsColumn::ZipCode, &front.zip_code),
        ]
        .into_iter()
        .all(|(column, part)| details.get(column).is_empty() || !part.is_empty())
    });
    // One name only, as the applicant says, too.
    let has_one_name = reading.no_first_name >= thresholds.field_confidence && is_told(0) && is_told(1);
    let is_expiry_seen = seen.and_then(|seen| seen.expiration_date).is_some_and(|similarity| similarity >= 100.0);
    Confidences {
        first_name: if has_one_name { 1.0 } else { raised(first_name, is_seen(0), is_told(0)) },
        last_name: raised(last_name, is_seen(1), is_told(1)),
        date_of_birth: if dates.born.is_some() { raised(date_of_birth, is_seen(2), is_told(2)) } else { 0.0 },
        document_number: raised(document_number, is_seen(3), is_told(3)),
        expiration_date: match expiration_date {
            confidence if confidence > 0.0 && is_expiry_seen => 1.0,
            // The same text was read twice.
            _ if dates.expires == dates.issued => 0.0,
            confidence => confidence,
        },
        address: raised(address, is_seen(4), is_told(4) && is_whole),
    }
}

/// The dates of a document that can be.
struct Dates {
    born: Option<NaiveDate>,
    issued: Option<NaiveDate>,
    expires: Option<NaiveDate>,
}

impl Dates {
    fn of(front: &DocumentFields, today: NaiveDate) -> Self {
        Self {
            born: date(&front.date_of_birth).filter(|born| born.year() >= FIRST_YEAR && *born <= today),
            issued: date(&front.date_of_issue),
            expires: date(&front.expiration_date),
        }
    }

    fn is_issue_possible(&self, document_type: DocumentType, today: NaiveDate) -> bool {
        let Some(issued) = self.issued else { return true };
        let youngest = match document_type {
            DocumentType::License => YOUNGEST_DRIVER,
            DocumentType::Passport => 0,
        };
        issued <= today
            && self.born.is_none_or(|born| age(born, issued).is_some_and(|age| age >= youngest))
            && self.expires.is_none_or(|expires| issued <= expires)
    }
}

/// Whether it is so by the date of the front, and by that of the witness, if it has one.
fn by_both(front: Option<NaiveDate>, witness: Option<&Personal>, is_so: impl Fn(NaiveDate) -> bool) -> Option<bool> {
    front.map(|front| is_so(front) && witness.and_then(date).is_none_or(is_so))
}

fn date(text: &Personal) -> Option<NaiveDate> {
    text.expose().parse().ok()
}

/// Completed years; `None` before birth. A person who is born on 29 February completes a year on 1 March of a common year.
fn age(born: NaiveDate, today: NaiveDate) -> Option<u32> {
    let completed = (today.month(), today.day()) >= (born.month(), born.day());
    u32::try_from(today.year() - born.year() - i32::from(!completed)).ok()
}

impl Assessment {
    /// All that does not let the document pass, in the order of the machine's reasons.
    #[must_use]
    pub fn findings(&self, thresholds: &Thresholds) -> Vec<Finding> {
        self.unread(thresholds).into_iter().chain(self.doubts(thresholds)).collect()
    }

    /// The outcome with its reasons. What could not be read is asked for first, because nothing follows from it.
    #[must_use]
    pub fn judgement(&self, thresholds: &Thresholds) -> (CheckOutcome, Vec<ReasonCode>) {
        let findings = self.findings(thresholds);
        let has = |outcome: CheckOutcome| findings.iter().any(|finding| finding.outcome == outcome);
        let order = [CheckOutcome::Resubmit, CheckOutcome::Decline, CheckOutcome::Refer];
        let outcome = order.into_iter().find(|outcome| has(*outcome)).unwrap_or(CheckOutcome::Pass);
        let mut reasons: Vec<_> = findings
            .iter()
            .filter(|finding| outcome != CheckOutcome::Resubmit || finding.outcome == outcome)
            .map(|finding| finding.reason)
            .collect();
        reasons.dedup();
        (outcome, reasons)
    }

    /// A passport has no address, and without details none is compared.
    fn has_address(&self) -> bool {
        self.similarities.is_some() && self.document_type == DocumentType::License
    }

    fn unread(&self, thresholds: &Thresholds) -> Vec<Finding> {
        let limit = thresholds.field_confidence;
        let Confidences { first_name, last_name, date_of_birth, document_number, expiration_date, address } =
            self.confidences;
        [
            ("firstName", ReasonCode::FirstNameUnreadable, first_name >= limit),
            ("lastName", ReasonCode::LastNameUnreadable, last_name >= limit),
            ("dateOfBirth", ReasonCode::BirthDateUnreadable, date_of_birth >= limit),
            ("documentNumber", ReasonCode::DocumentNumberUnreadable, document_number >= limit),
            ("expirationDate", ReasonCode::ExpirationDateUnreadable, expiration_date >= limit),
            ("dateOfIssue", ReasonCode::IssueDateUnreadable, self.facts.issue_date_possible),
            ("address", ReasonCode::AddressUnreadable, !self.has_address() || address >= limit),
        ]
        .into_iter()
        .filter(|(_, _, is_read)| !is_read)
        .map(|(field, reason, _)| Finding { field, outcome: CheckOutcome::Resubmit, reason })
        .collect()
    }

    fn doubts(&self, thresholds: &Thresholds) -> Vec<Finding> {
        let Facts { expired, under_age, post_office_box, witness, .. } = self.facts;
        let (same, near) = (same(thresholds), near(thresholds));
        let mut found = Vec::new();
        let mut find = |field, reason, is_certain: bool| {
            let outcome = if is_certain { CheckOutcome::Decline } else { CheckOutcome::Refer };
            found.push(Finding { field, outcome, reason });
        };
        let reasons = [
            ReasonCode::FirstNameMismatch,
            ReasonCode::LastNameMismatch,
            ReasonCode::BirthDateMismatch,
            ReasonCode::DocumentNumberMismatch,
            ReasonCode::AddressMismatch,
        ];
        for (field, similarity) in self.similarities.iter().flat_map(Similarities::stated_fields) {
            if similarity < same[field] && (STATED[field] != "address" || self.has_address()) {
                find(STATED[field], reasons[field], similarity < near[field]);
            }
        }
        if post_office_box {
            find("address", ReasonCode::AddressPostOfficeBox, false);
        }
        for field in self.witness.iter().flat_map(|witness| witness.different(thresholds)) {
            find(field, ReasonCode::BarcodeMismatch, witness == WitnessVerdict::Contradicts);
        }
        if expired != Some(false) {
            find("expirationDate", ReasonCode::DocumentExpired, expired == Some(true));
        }
        if under_age != Some(false) {
            let is_birth_date_sure = self.similarities.is_none_or(|told| told.date_of_birth >= same[2]);
            find("dateOfBirth", ReasonCode::ApplicantUnderAge, under_age == Some(true) && is_birth_date_sure);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ExtractedField;
    use CheckOutcome::{Decline, Pass, Refer, Resubmit};

    const LIMITS: Thresholds = Thresholds::STANDARD;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    /// Name, text, confidence of each field of an invented card.
    fn card() -> Vec<(&'static str, &'static str, f64)> {
        vec![
            ("FIRST_NAME", "MARIT", 0.98),
            ("MIDDLE_NAME", "", 0.99),
            ("LAST_NAME", "OSTERGREN", 0.98),
            ("DATE_OF_BIRTH", "04/17/1986", 0.97),
            ("DATE_OF_ISSUE", "05/02/2023", 0.97),
            ("EXPIRATION_DATE", "04/17/2031", 0.97),
            ("DOCUMENT_NUMBER", "K4471902", 0.96),
            ("ADDRESS", "77 HARBOR RD", 0.98),
            ("CITY_IN_ADDRESS", "DULUTH", 0.98),
            ("STATE_IN_ADDRESS", "MN", 0.98),
            ("ZIP_CODE_IN_ADDRESS", "55802", 0.98),
            ("STATE_NAME", "MINNESOTA", 0.98),
        ]
    }

    fn card_but(changes: &[(&'static str, &'static str, f64)]) -> Reading {
        let field = |name: &str| changes.iter().find(|change| change.0 == name);
        let fields: Vec<_> = card()
            .into_iter()
            .map(|(name, text, confidence)| field(name).copied().unwrap_or((name, text, confidence)))
            .chain(changes.iter().filter(|change| card().iter().all(|field| field.0 != change.0)).copied())
            .map(|(name, text, confidence)| ExtractedField {
                name: name.to_owned(),
                text: Personal::new(text),
                normalized_date: None,
                confidence,
            })
            .collect();
        Reading::from_extracted(&fields)
    }

    fn details_but(changes: &[(DetailsColumn, &str)]) -> Details {
        Details::from_lookup(|column| {
            let other = changes.iter().find(|change| change.0 == column).map(|change| change.1);
            other.or(Some(match column {
                DetailsColumn::FirstName => "Marit",
                DetailsColumn::LastName => "Ostergren",
                DetailsColumn::City => "Duluth",
                DetailsColumn::ZipCode => "55802",
                DetailsColumn::State => "MN",
                DetailsColumn::DocumentNumber => "K4471902",
                DetailsColumn::DateOfBirth => "4/17/1986",
                DetailsColumn::Address => "77 Harbor Road",
            }))
        })
    }

    fn barcode_but(changes: &[(&str, &str)]) -> Witness {
        let mut text = String::from("@\n\u{1e}\rANSI 636038080002DL00410278ZM03190008DL");
        for (element, value) in [
            ("DAC", "MARIT"),
            ("DAD", "NONE"),
            ("DCS", "OSTERGREN"),
            ("DBB", "04171986"),
            ("DBD", "05022023"),
            ("DBA", "04172031"),
            ("DAQ", "K4471902"),
            ("DAG", "77 HARBOR RD"),
            ("DAI", "DULUTH"),
            ("DAJ", "MN"),
            ("DAK", "558020000"),
            ("DCG", "USA"),
            ("DDE", "N"),
            ("DDF", "N"),
        ] {
            let value = changes.iter().find(|change| change.0 == element).map_or(value, |change| change.1);
            text.extend([element, value, "\n"]);
        }
        Witness::from_barcode(&text).expect("a barcode")
    }

    fn assessed(reading: &Reading, details: Option<&Details>, witness: Option<&Witness>) -> Assessment {
        assess(reading, details, witness, 18, day("2026-11-21"), &LIMITS)
    }

    /// The judgement of the card with changed fields and changed details.
    fn judged(
        fields: &[(&'static str, &'static str, f64)],
        details: &[(DetailsColumn, &str)],
    ) -> (CheckOutcome, Vec<ReasonCode>) {
        assessed(&card_but(fields), Some(&details_but(details)), None).judgement(&LIMITS)
    }

    fn witnessed(
        fields: &[(&'static str, &'static str, f64)],
        details: &[(DetailsColumn, &str)],
        barcode: &[(&str, &str)],
    ) -> (CheckOutcome, Vec<ReasonCode>) {
        assessed(&card_but(fields), Some(&details_but(details)), Some(&barcode_but(barcode))).judgement(&LIMITS)
    }

    #[test]
    fn the_same_facts_pass() {
        assert_eq!(judged(&[], &[]), (Pass, vec![]));
        assert_eq!(assessed(&card_but(&[]), None, None).judgement(&LIMITS), (Pass, vec![]));
    }

    #[test]
    fn a_field_counts_as_read_from_its_limits_on() {
        use DetailsColumn::{Address, DateOfBirth, DocumentNumber, FirstName, LastName};
        for (name, text, column, other, reason) in [
            ("FIRST_NAME", "MARIT", FirstName, "Solveig", ReasonCode::FirstNameUnreadable),
            ("LAST_NAME", "OSTERGREN", LastName, "Bylund", ReasonCode::LastNameUnreadable),
            ("DATE_OF_BIRTH", "04/17/1986", DateOfBirth, "9/3/1971", ReasonCode::BirthDateUnreadable),
            ("DOCUMENT_NUMBER", "K4471902", DocumentNumber, "B9083316", ReasonCode::DocumentNumberUnreadable),
            ("ADDRESS", "77 HARBOR RD", Address, "4 Quarry Lane", ReasonCode::AddressUnreadable),
        ] {
            // Unsure, but what the applicant says.
            assert_eq!(judged(&[(name, text, 0.5)], &[]).0, Pass, "{name}");
            assert_eq!(judged(&[(name, text, 0.499)], &[]), (Resubmit, vec![reason]));
            // Unsure, and something else.
            assert_eq!(judged(&[(name, text, 0.899)], &[(column, other)]), (Resubmit, vec![reason]));
            assert_ne!(judged(&[(name, text, 0.9)], &[(column, other)]).0, Resubmit);
            // Empty, however sure.
            assert_eq!(judged(&[(name, "", 0.99)], &[]), (Resubmit, vec![reason]));
        }
    }

    #[test]
    fn an_expiry_date_needs_confidence_of_its_own() {
        let expiry = |confidence| [("EXPIRATION_DATE", "04/17/2031", confidence)];
        assert_eq!(judged(&expiry(0.9), &[]).0, Pass);
        assert_eq!(judged(&expiry(0.899), &[]), (Resubmit, vec![ReasonCode::ExpirationDateUnreadable]));
        assert_eq!(witnessed(&expiry(0.6), &[], &[]).0, Pass);
        let other = [("DBA", "04172030")];
        assert_eq!(witnessed(&expiry(0.6), &[], &other), (Resubmit, vec![ReasonCode::ExpirationDateUnreadable]));
    }

    #[test]
    fn a_doubtful_place_makes_the_address_doubtful() {
        let zip_code = [("ZIP_CODE_IN_ADDRESS", "55082", 0.53)];
        assert_eq!(judged(&zip_code, &[]), (Resubmit, vec![ReasonCode::AddressUnreadable]));
        assert_eq!(judged(&[("ZIP_CODE_IN_ADDRESS", "55802", 0.53)], &[]).0, Pass);
        // A ZIP code that is empty, but not surely absent: the applicant's is not confirmed.
        for (confidence, outcome) in [(0.6, Resubmit), (0.9, Pass)] {
            assert_eq!(judged(&[("ZIP_CODE_IN_ADDRESS", "", confidence)], &[]).0, outcome);
        }
        assert_eq!(judged(&[("ZIP_CODE_IN_ADDRESS", "", 0.6)], &[(DetailsColumn::ZipCode, "")]).0, Pass);
        // Without details no address is compared, and a passport has none.
        let doubtful = card_but(&zip_code);
        assert_eq!(assessed(&doubtful, None, None).judgement(&LIMITS).0, Pass);
        let passport = [
            ("ID_TYPE", "PASSPORT", 0.9),
            ("ADDRESS", "", 0.9),
            ("CITY_IN_ADDRESS", "", 0.9),
            ("ZIP_CODE_IN_ADDRESS", "", 0.9),
        ];
        assert_eq!(judged(&passport, &[]).0, Pass);
    }

    #[test]
    fn each_similarity_falls_into_its_band() {
        let base = assessed(&card_but(&[]), Some(&details_but(&[])), None);
        let reasons = [
            ReasonCode::FirstNameMismatch,
            ReasonCode::LastNameMismatch,
            ReasonCode::BirthDateMismatch,
            ReasonCode::DocumentNumberMismatch,
            ReasonCode::AddressMismatch,
        ];
        for (field, reason) in reasons.into_iter().enumerate() {
            let with = |similarity| {
                let mut told = base.similarities.expect("details").stated();
                told[field] = similarity;
                Assessment { similarities: Some(Similarities::of_stated(told)), ..base }.judgement(&LIMITS)
            };
            let (same, near) = (same(&LIMITS)[field], near(&LIMITS)[field]);
            assert_eq!(with(same), (Pass, vec![]));
            assert_eq!(with(same - 0.001), (Refer, vec![reason]));
            assert_eq!(with(near), (Refer, vec![reason]));
            if near > 0.0 {
                assert_eq!(with(near - 0.001), (Decline, vec![reason]));
            }
        }
    }

    #[test]
    fn another_address_alone_is_referred() {
        let moved = [
            (DetailsColumn::Address, "4 Quarry Lane"),
            (DetailsColumn::ZipCode, "97001"),
            (DetailsColumn::City, "Oswin"),
        ];
        assert_eq!(judged(&[], &moved), (Refer, vec![ReasonCode::AddressMismatch]));
    }

    #[test]
    fn all_differences_are_told_with_the_worst_outcome() {
        let others = [(DetailsColumn::LastName, "Bylund"), (DetailsColumn::Address, "4 Quarry Lane")];
        let expired = [("EXPIRATION_DATE", "11/20/2026", 0.97)];
        assert_eq!(
            judged(&expired, &others),
            (Decline, vec![ReasonCode::LastNameMismatch, ReasonCode::AddressMismatch, ReasonCode::DocumentExpired])
        );
        // What was not read is asked for first.
        let unread = [("EXPIRATION_DATE", "11/20/2026", 0.97), ("FIRST_NAME", "", 0.99)];
        assert_eq!(judged(&unread, &others), (Resubmit, vec![ReasonCode::FirstNameUnreadable]));
    }

    #[test]
    fn a_document_is_valid_on_the_day_it_expires() {
        assert_eq!(judged(&[("EXPIRATION_DATE", "11/21/2026", 0.97)], &[]).0, Pass);
        assert_eq!(
            judged(&[("EXPIRATION_DATE", "11/20/2026", 0.97)], &[]),
            (Decline, vec![ReasonCode::DocumentExpired])
        );
    }

    #[test]
    fn a_date_of_issue_that_cannot_be_was_misread() {
        for (issued, born, expires, outcome) in [
            ("11/21/2026", "04/17/1986", "04/17/2031", Pass),
            ("11/22/2026", "04/17/1986", "04/17/2031", Resubmit),
            ("04/17/2001", "04/17/1986", "04/17/2031", Pass),
            ("04/16/2001", "04/17/1986", "04/17/2031", Resubmit),
            ("", "04/17/1986", "04/17/2031", Pass),
            ("05/02/20", "04/17/1986", "04/17/2031", Pass),
        ] {
            let fields =
                [("DATE_OF_ISSUE", issued, 0.97), ("DATE_OF_BIRTH", born, 0.97), ("EXPIRATION_DATE", expires, 0.97)];
            let expected = if outcome == Pass { vec![] } else { vec![ReasonCode::IssueDateUnreadable] };
            assert_eq!(judged(&fields, &[]), (outcome, expected), "{issued}");
        }
        // Children have passports.
        let child = [("DATE_OF_ISSUE", "04/17/1990", 0.97), ("ID_TYPE", "PASSPORT", 0.97)];
        assert_eq!(judged(&child, &[]).0, Pass);
        let unborn = [("DATE_OF_ISSUE", "04/16/1986", 0.97), ("ID_TYPE", "PASSPORT", 0.97)];
        assert_eq!(judged(&unborn, &[]).0, Resubmit);
        let expired = [("DATE_OF_ISSUE", "05/02/2025", 0.97), ("EXPIRATION_DATE", "05/01/2025", 0.97)];
        assert_eq!(judged(&expired, &[]), (Resubmit, vec![ReasonCode::IssueDateUnreadable]));
    }

    #[test]
    fn an_expiry_date_that_is_the_date_of_issue_was_not_read() {
        let twice = [("EXPIRATION_DATE", "05/02/2023", 0.97)];
        assert_eq!(judged(&twice, &[]), (Resubmit, vec![ReasonCode::ExpirationDateUnreadable]));
        assert_eq!(witnessed(&twice, &[], &[("DBA", "05022023")]), (Decline, vec![ReasonCode::DocumentExpired]));
    }

    #[test]
    fn a_birth_date_that_cannot_be_was_misread() {
        for born in ["12/31/1899", "11/22/2026", "04/17/198", "04/17/86"] {
            let fields = [("DATE_OF_BIRTH", born, 0.97), ("DATE_OF_ISSUE", "", 0.97)];
            assert_eq!(judged(&fields, &[]), (Resubmit, vec![ReasonCode::BirthDateUnreadable]), "{born}");
        }
    }

    #[test]
    fn an_applicant_comes_of_age_on_the_birthday() {
        let born = |born, told| {
            judged(&[("DATE_OF_BIRTH", born, 0.97), ("DATE_OF_ISSUE", "", 0.9)], &[(DetailsColumn::DateOfBirth, told)])
        };
        assert_eq!(born("11/21/2008", "11/21/2008").0, Pass);
        assert_eq!(born("11/22/2008", "11/22/2008"), (Decline, vec![ReasonCode::ApplicantUnderAge]));
        let alone =
            assessed(&card_but(&[("DATE_OF_BIRTH", "11/22/2008", 0.97), ("DATE_OF_ISSUE", "", 0.9)]), None, None);
        assert_eq!(alone.judgement(&LIMITS), (Decline, vec![ReasonCode::ApplicantUnderAge]));
        assert_eq!(age(day("2008-02-29"), day("2026-02-28")), Some(17));
        assert_eq!(age(day("2008-02-29"), day("2026-03-01")), Some(18));
        assert_eq!(age(day("2027-01-01"), day("2026-03-01")), None);
    }

    #[test]
    fn under_age_by_a_doubtful_birth_date_is_referred() {
        let base = assessed(&card_but(&[]), Some(&details_but(&[])), None);
        let told = Similarities { date_of_birth: 80.0, ..base.similarities.expect("details") };
        let facts = Facts { under_age: Some(true), ..base.facts };
        let doubtful = Assessment { similarities: Some(told), facts, ..base };
        assert_eq!(
            doubtful.judgement(&LIMITS),
            (Refer, vec![ReasonCode::BirthDateMismatch, ReasonCode::ApplicantUnderAge])
        );
    }

    #[test]
    fn a_post_office_box_is_no_residence() {
        let details = [(DetailsColumn::Address, "P.O. Box 318")];
        assert_eq!(
            judged(&[("ADDRESS", "PO BOX 318", 0.98)], &details),
            (Refer, vec![ReasonCode::AddressPostOfficeBox])
        );
        assert!(judged(&[], &details).1.contains(&ReasonCode::AddressPostOfficeBox));
    }

    #[test]
    fn a_person_with_one_name_has_no_given_name() {
        let one_name = [("FIRST_NAME", "", 0.99), ("LAST_NAME", "SUTANTO", 0.98)];
        let told = [(DetailsColumn::FirstName, "FNU"), (DetailsColumn::LastName, "Sutanto")];
        assert_eq!(judged(&one_name, &told), (Pass, vec![]));
        // The service has only not found the name, or the applicant has one.
        let unread = [("FIRST_NAME", "", 0.46), ("LAST_NAME", "SUTANTO", 0.98)];
        assert_eq!(judged(&unread, &told), (Resubmit, vec![ReasonCode::FirstNameUnreadable]));
        let named = [(DetailsColumn::FirstName, "Dewi"), (DetailsColumn::LastName, "Sutanto")];
        assert_eq!(judged(&one_name, &named), (Resubmit, vec![ReasonCode::FirstNameUnreadable]));
    }

    #[test]
    fn a_barcode_confirms_what_is_unsure() {
        for (name, text, reason) in [
            ("FIRST_NAME", "MARIT", ReasonCode::FirstNameUnreadable),
            ("LAST_NAME", "OSTERGREN", ReasonCode::LastNameUnreadable),
            ("DATE_OF_BIRTH", "04/17/1986", ReasonCode::BirthDateUnreadable),
            ("DOCUMENT_NUMBER", "K4471902", ReasonCode::DocumentNumberUnreadable),
            ("ADDRESS", "77 HARBOR RD", ReasonCode::AddressUnreadable),
        ] {
            assert_eq!(judged(&[(name, text, 0.2)], &[]), (Resubmit, vec![reason]));
            assert_eq!(witnessed(&[(name, text, 0.2)], &[], &[]), (Pass, vec![]), "{name}");
            // Every field comes from the front.
            assert_eq!(witnessed(&[(name, "", 0.99)], &[], &[]), (Resubmit, vec![reason]), "{name}");
        }
    }

    #[test]
    fn a_barcode_that_differs_is_referred() {
        for (element, value) in [
            ("DAC", "SOLVEIG"),
            ("DCS", "BYLUND"),
            ("DBB", "04171968"),
            ("DBA", "04172030"),
            ("DAQ", "K4471903"),
            ("DAG", "4 QUARRY LN"),
        ] {
            assert_eq!(
                witnessed(&[], &[], &[(element, value)]),
                (Refer, vec![ReasonCode::BarcodeMismatch]),
                "{element}"
            );
        }
    }

    #[test]
    fn a_middle_name_is_no_contradiction() {
        assert_eq!(witnessed(&[("MIDDLE_NAME", "GORDON P", 0.94)], &[], &[]).0, Pass);
        assert_eq!(witnessed(&[("MIDDLE_NAME", "ELISE", 0.94)], &[], &[("DAD", "ELISE")]).0, Pass);
        let both = [(DetailsColumn::FirstName, "Marit Elise")];
        assert_eq!(witnessed(&[("FIRST_NAME", "MARIT ELISE", 0.97)], &both, &[("DAD", "ELISE")]).0, Pass);
        assert_eq!(witnessed(&[], &[], &[("DAD", "ELISE")]).0, Pass);
    }

    #[test]
    fn the_barcode_of_another_person_declines() {
        let other = [("DCS", "BYLUND"), ("DBB", "09031971")];
        assert_eq!(witnessed(&[], &[], &other), (Decline, vec![ReasonCode::BarcodeMismatch]));
        // One field that is another may have been misread.
        assert_eq!(witnessed(&[], &[], &other[..1]).0, Refer);
        // The barcode is on the applicant's side: the front was misread, or belongs to another card.
        let told = [(DetailsColumn::LastName, "Bylund"), (DetailsColumn::DateOfBirth, "9/3/1971")];
        assert_eq!(witnessed(&[], &told, &other).0, Refer);
        // Without details, no applicant is contradicted.
        let alone = assessed(&card_but(&[]), None, Some(&barcode_but(&other)));
        assert_eq!(alone.judgement(&LIMITS), (Refer, vec![ReasonCode::BarcodeMismatch]));
    }

    #[test]
    fn a_front_that_the_barcode_corrects_never_declines() {
        let misread = [("FIRST_NAME", "GORDON", 0.97)];
        assert_eq!(judged(&misread, &[]), (Decline, vec![ReasonCode::FirstNameMismatch]));
        assert_eq!(
            witnessed(&misread, &[], &[]),
            (Refer, vec![ReasonCode::FirstNameMismatch, ReasonCode::BarcodeMismatch])
        );
        let expired = [("EXPIRATION_DATE", "04/17/2021", 0.97), ("DATE_OF_ISSUE", "", 0.9)];
        assert_eq!(witnessed(&expired, &[], &[]), (Refer, vec![ReasonCode::BarcodeMismatch]));
        let young = [("DATE_OF_BIRTH", "04/17/2016", 0.97), ("DATE_OF_ISSUE", "", 0.9)];
        assert_eq!(
            witnessed(&young, &[], &[]),
            (Refer, vec![ReasonCode::BirthDateMismatch, ReasonCode::BarcodeMismatch])
        );
    }

    #[test]
    fn a_name_that_the_card_cut_is_the_same() {
        let cut = [("LAST_NAME", "WOLFESCHLEGELSTEINHA", 0.97)];
        let told = [(DetailsColumn::LastName, "Wolfeschlegelsteinhausen")];
        let in_barcode = |name, flag| witnessed(&cut, &told, &[("DCS", name), ("DDE", flag)]).0;
        assert_eq!(in_barcode("WOLFESCHLEGELSTEINHA", "T"), Pass);
        assert_eq!(in_barcode("WOLFESCHLEGELSTEINHAUSEN", "N"), Pass);
        assert_eq!(in_barcode("WOLFESCHLEGELSTEIN", "T"), Pass);
        // Without the flag, the name is not known to be cut.
        assert_ne!(in_barcode("WOLFESCHLEGELSTEINHA", "N"), Pass);
        assert_ne!(judged(&cut, &told).0, Pass);
        assert_ne!(in_barcode("OSTERGREN", "T"), Pass);
    }

    #[test]
    fn the_zone_of_a_passport_is_a_witness() {
        let zone = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
        let witness = Witness::from_zone(zone, day("2012-01-01")).expect("a zone");
        let fields = [
            ("ID_TYPE", "PASSPORT", 0.9),
            ("FIRST_NAME", "ANNA", 0.6),
            ("MIDDLE_NAME", "MARIA", 0.6),
            ("LAST_NAME", "ERIKSSON", 0.6),
            ("DATE_OF_BIRTH", "12 AUG 1974", 0.6),
            ("DATE_OF_ISSUE", "16 APR 2007", 0.6),
            ("EXPIRATION_DATE", "15 APR 2012", 0.6),
            ("DOCUMENT_NUMBER", "L898902C3", 0.6),
        ];
        let judge = |fields: &[(&'static str, &'static str, f64)]| {
            assess(&card_but(fields), None, Some(&witness), 18, day("2012-01-01"), &LIMITS).judgement(&LIMITS)
        };
        assert_eq!(judge(&fields), (Pass, vec![]));
        let mut edited = fields;
        edited[6] = ("EXPIRATION_DATE", "15 APR 2017", 0.97);
        assert_eq!(judge(&edited), (Refer, vec![ReasonCode::BarcodeMismatch]));
    }

    #[test]
    fn nothing_personal_is_in_an_assessment() {
        let assessment = assessed(&card_but(&[]), Some(&details_but(&[])), Some(&barcode_but(&[])));
        let json = serde_json::to_string(&assessment).expect("json").to_uppercase();
        for (_, text, _) in card().iter().filter(|(_, text, _)| text.len() > 3) {
            assert!(!json.contains(text), "{text}");
        }
        let alone = serde_json::to_value(assessed(&card_but(&[]), None, None)).expect("json");
        assert!(alone.get("similarities").is_none() && alone.get("witness").is_none());
        assert_eq!(alone["facts"]["witness"], "none");
    }

    proptest! {
        /// There are reasons exactly when it does not pass, and a further doubt never makes the outcome better.
        #[test]
        fn a_judgement_has_reasons_exactly_when_it_does_not_pass(
            told in proptest::array::uniform5(0.0..=100.0_f64),
            sure in proptest::array::uniform5(0.8..=1.0_f64),
            expired in any::<Option<bool>>(),
            under_age in any::<Option<bool>>(),
            post_office_box: bool,
        ) {
            let base = assessed(&card_but(&[]), Some(&details_but(&[])), None);
            let [first_name, last_name, date_of_birth, document_number, address] = sure;
            let assessment = Assessment {
                similarities: Some(Similarities::of_stated(told)),
                confidences: Confidences { first_name, last_name, date_of_birth, document_number, address, ..base.confidences },
                facts: Facts { expired, under_age, post_office_box, ..base.facts },
                ..base
            };
            let (outcome, reasons) = assessment.judgement(&LIMITS);
            prop_assert_eq!(outcome == Pass, reasons.is_empty());
            let rank = |outcome| [Pass, Refer, Decline, Resubmit].iter().position(|known| *known == outcome);
            for field in 0..told.len() {
                let mut worse = told;
                worse[field] /= 2.0;
                let worse = Assessment { similarities: Some(Similarities::of_stated(worse)), ..assessment };
                prop_assert!(rank(worse.judgement(&LIMITS).0) >= rank(outcome));
            }
        }
    }
}
