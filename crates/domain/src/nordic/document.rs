//! The identity on a Nordic document, from the lines of text that Textract has read.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    Country, NationalNumber, Sex, labels,
    labels::Field,
    page::{Page, Read},
    zone::{self, Found},
};
use crate::{Bounds, ExtractedField, Personal, Reading, Thresholds};

/// A line of text on a document.
#[derive(Clone, Debug)]
pub struct Line {
    /// As printed.
    pub text: Personal,
    /// 0 to 1.
    pub confidence: f64,
    /// Assigns values to labels. Without it, the order of the lines does.
    pub bounds: Option<Bounds>,
}

/// The identity that a document states. Fields that could not be read are empty. Dates are ISO dates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// The national number: normalized, or as printed if it is not valid.
    pub national_id: Personal,
    /// The country that issued the document; `None` if it is not one of the four.
    pub country: Option<Country>,
    /// Given names.
    pub first_name: Personal,
    /// Family name.
    pub last_name: Personal,
    /// ISO date: as printed, otherwise from the national number.
    pub date_of_birth: Personal,
    /// As printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<Sex>,
    /// ISO date; empty on documents without one, such as the Danish health card.
    #[serde(default)]
    pub expiration_date: Personal,
}

/// How much of an identity was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ExtractionStatus {
    /// All required fields.
    Ok,
    /// Some of them.
    Partial,
    /// None.
    Error,
}

/// The confidence of each required field, 0 to 1; 0 for a missing one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityConfidences {
    /// Of the national number.
    pub national_id: f64,
    /// Of the given names.
    pub first_name: f64,
    /// Of the family name.
    pub last_name: f64,
    /// Of the date of birth.
    pub date_of_birth: f64,
}

/// The result of reading a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extraction {
    /// How much was read.
    pub status: ExtractionStatus,
    /// What was read.
    pub identity: Identity,
    /// The minimum of `confidences`.
    pub confidence: f64,
    /// Of each field.
    pub confidences: IdentityConfidences,
}

impl Extraction {
    fn new(identity: Identity, confidences: IdentityConfidences) -> Self {
        let each = [
            (&identity.national_id, confidences.national_id),
            (&identity.first_name, confidences.first_name),
            (&identity.last_name, confidences.last_name),
            (&identity.date_of_birth, confidences.date_of_birth),
        ];
        let read = each.iter().filter(|(field, _)| !field.is_empty()).count();
        let status = match read {
            0 => ExtractionStatus::Error,
            4 => ExtractionStatus::Ok,
            _ => ExtractionStatus::Partial,
        };
        let confidence = each.iter().map(|(_, confidence)| *confidence).fold(1.0, f64::min);
        Self { status, identity, confidence, confidences }
    }
}

/// The factor on all confidences when a zone fails its checks or contradicts the print: no field passes its threshold then.
const DISTRUST: f64 = 0.5;

/// Whether the lines are those of a document of the United States, whose fields Textract's `AnalyzeID` reads.
#[must_use]
pub fn is_for_analyze_id(lines: &[Line]) -> bool {
    let page = Page::new(lines);
    page.country().is_none() && page.has(labels::is_of_united_states)
}

/// The identity that `AnalyzeID` read. Its documents are not from a Nordic country, and have no national number.
#[must_use]
pub fn from_analyze_id(extracted: &[ExtractedField]) -> Extraction {
    let Reading { fields, confidences, .. } = Reading::from_extracted(extracted);
    let identity = Identity {
        national_id: Personal::default(),
        country: None,
        first_name: fields.first_name,
        last_name: fields.last_name,
        date_of_birth: fields.date_of_birth,
        sex: None,
        expiration_date: fields.expiration_date,
    };
    let confidences = IdentityConfidences {
        national_id: 0.0,
        first_name: confidences.first_name,
        last_name: confidences.last_name,
        date_of_birth: confidences.date_of_birth,
    };
    Extraction::new(identity, confidences)
}

/// Reads an identity from the lines of a document. `asked` is the country that the applicant chose; it counts where the document does not
/// state one.
///
/// A machine-readable zone with valid check digits takes precedence over the print, except for the names: no check digit covers them, and
/// they have no accents. A zone that fails its checks, or that contradicts the print, lowers the confidence of every field.
#[must_use]
pub fn identity(lines: &[Line], asked: Country, today: NaiveDate, thresholds: &Thresholds) -> Extraction {
    let page = Page::new(lines);
    let (zone, mut trust) = match zone::find(lines, today) {
        Found::Zone(zone) if zone.checks => (Some(zone), 1.0),
        Found::Zone(zone) => (Some(zone), DISTRUST),
        Found::Unreadable => (None, DISTRUST),
        Found::Nothing => (None, 1.0),
    };
    let issuer = zone.as_ref().filter(|zone| zone.checks).map(|zone| Country::from_alpha_3(&zone.issuer));
    let country = issuer.unwrap_or_else(|| Some(page.country().unwrap_or(asked)));

    let mut number = country.and_then(|country| page.number(country, today));
    let mut first_name = page.first_name(today);
    let mut last_name = page.last_name(today);
    let mut birth_date = page.date(Field::BirthDate);
    let mut expiration_date = page.date(Field::ExpirationDate);
    let mut sex = page.sex();
    if let Some(zone) = &zone {
        if zone.checks {
            let read = |text: &str| Read { value: text.to_owned(), confidence: zone.confidence };
            let coded = country.and_then(|country| zone.national_number(country, today));
            trust = trust
                .min(agreed(&mut number, coded.map(|number| read(number.normalized().expose()))))
                .min(agreed(&mut birth_date, zone.birth_date.map(|date| read(&date.to_string()))))
                .min(agreed(&mut expiration_date, zone.expiration_date.map(|date| read(&date.to_string()))));
            sex = zone.sex.or(sex);
        }
        let similarity = zone.similarity(
            first_name.as_ref().map_or("", |name| &name.value),
            last_name.as_ref().map_or("", |name| &name.value),
        );
        for (name, coded, similarity) in
            [(&mut first_name, &zone.first_name, similarity.0), (&mut last_name, &zone.last_name, similarity.1)]
        {
            if name.is_none() && !coded.is_empty() {
                *name = Some(Read { value: coded.clone(), confidence: zone.confidence });
            } else if similarity < thresholds.zone_name_similarity {
                trust = trust.min(DISTRUST);
            }
        }
    }
    let from_number = number.as_ref().zip(country).and_then(|(read, country)| {
        let number = NationalNumber::parse(country, &read.value, today).ok()?;
        Some(Read { value: number.birth_date()?.to_string(), confidence: read.confidence })
    });
    let birth_date = birth_date.or(from_number);

    let text = |read: &Option<Read>| read.as_ref().map(|read| Personal::new(&read.value)).unwrap_or_default();
    let confidence = |read: &Option<Read>| read.as_ref().map_or(0.0, |read| (read.confidence * trust).clamp(0.0, 1.0));
    let confidences = IdentityConfidences {
        national_id: confidence(&number),
        first_name: confidence(&first_name),
        last_name: confidence(&last_name),
        date_of_birth: confidence(&birth_date),
    };
    let identity = Identity {
        national_id: text(&number),
        country,
        first_name: text(&first_name),
        last_name: text(&last_name),
        date_of_birth: text(&birth_date),
        sex,
        expiration_date: text(&expiration_date),
    };
    Extraction::new(identity, confidences)
}

/// Replaces the printed value by the one of the zone. If both are equal, the higher confidence counts; if not, something is wrong with the
/// document or the picture: [`DISTRUST`].
fn agreed(printed: &mut Option<Read>, coded: Option<Read>) -> f64 {
    let Some(mut coded) = coded else { return 1.0 };
    let mut trust = 1.0;
    if let Some(printed) = printed {
        if printed.value == coded.value {
            coded.confidence = coded.confidence.max(printed.confidence);
        } else {
            trust = DISTRUST;
        }
    }
    *printed = Some(coded);
    trust
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn identity(lines: &[Line], asked: Country, today: NaiveDate) -> Extraction {
        super::identity(lines, asked, today, &Thresholds::STANDARD)
    }

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day")
    }

    /// Lines without positions, in reading order.
    fn plain(texts: &[&str]) -> Vec<Line> {
        texts.iter().map(|text| Line { text: Personal::new(text), confidence: 0.97, bounds: None }).collect()
    }

    /// Lines with the positions left and top, in percent.
    fn placed(texts: &[(&str, f64, f64)]) -> Vec<Line> {
        let line = |(text, left, top): &(&str, f64, f64)| Line {
            text: Personal::new(text),
            confidence: 0.97,
            bounds: Some(Bounds {
                left: left / 100.0,
                top: top / 100.0,
                width: 0.012 * f64::from(u32::try_from(text.chars().count()).expect("a length")),
                height: 0.04,
            }),
        };
        texts.iter().map(line).collect()
    }

    /// Country, number, given names, family name, birth date, expiry date.
    fn values(extraction: &Extraction) -> [&str; 6] {
        let identity = &extraction.identity;
        [
            identity.country.map_or("", Country::code),
            identity.national_id.expose(),
            identity.first_name.expose(),
            identity.last_name.expose(),
            identity.date_of_birth.expose(),
            identity.expiration_date.expose(),
        ]
    }

    fn is_sure(extraction: &Extraction) -> bool {
        extraction.status == ExtractionStatus::Ok && unsure(extraction).is_empty()
    }

    /// The fields whose confidence is below the threshold.
    fn unsure(extraction: &Extraction) -> Vec<&'static str> {
        let IdentityConfidences { national_id, first_name, last_name, date_of_birth } = extraction.confidences;
        let each = [
            ("first name", first_name),
            ("last name", last_name),
            ("birth date", date_of_birth),
            ("national number", national_id),
        ];
        each.into_iter()
            .filter(|(_, confidence)| *confidence < Thresholds::STANDARD.field_confidence)
            .map(|(name, _)| name)
            .collect()
    }

    /// A Swedish zone with its check digits.
    fn swedish_zone(number: &str, born: &str, sex: char, names: &str) -> [String; 3] {
        let digit = |text: &str| mrz::check_digit(text).expect("a digit");
        let upper = format!("911222333{}{number:<<15}", digit("911222333"));
        let lower = format!("{born}{}{sex}460417{}", digit(born), digit("460417"));
        let covered = format!("{upper}{}{}<<<<<<<<<<<", &lower[..7], &lower[8..]);
        [format!("I<SWE{upper}"), format!("{lower}SWE<<<<<<<<<<<{}", digit(&covered)), format!("{names:<<30}")]
    }

    fn swedish_card(zone: &[String; 3]) -> Vec<Line> {
        let mut lines = plain(&[
            "SWE",
            "IDENTITETSKORT",
            "SVERIGE",
            "Efternamn / Surname",
            "PROVSTRÖM",
            "Förnamn / Given names",
            "ASTRID LINNÉA",
            "Födelsedatum / Date of birth",
            "1985-04-17",
            "Personnummer / Personal no.",
            "850417-9808",
        ]);
        lines.extend(plain(&zone.each_ref().map(String::as_str)));
        lines
    }

    #[test]
    fn driving_licences_are_read_by_their_numbers() {
        for (texts, asked, expected) in [
            (
                vec![
                    "DK KØREKORT DANMARK",
                    "1. TESTGAARD",
                    "2. RASMUS HOLGER",
                    "3. 07.07.1961 ODENSE",
                    "4a. 18.03.2024 4c. RIGSPOLITIET",
                    "4b. 07.07.2046 4d. 070761-4285",
                    "5. 00112233",
                    "9. AM/B",
                ],
                Country::Denmark,
                ["DK", "0707614285", "RASMUS HOLGER", "TESTGAARD", "1961-07-07", "2046-07-07"],
            ),
            (
                vec![
                    "S",
                    "KÖRKORT",
                    "SVERIGE",
                    "1. TESTBERG",
                    "2. OSKAR",
                    "3. 1978-11-02 NORGE",
                    "4a. 2024-03-18",
                    "4c. TRANSPORTSTYRELSEN",
                    "4b. 2046-11-02",
                    "4d. 781102-9896",
                    "5. 00112233",
                ],
                Country::Sweden,
                ["SE", "197811029896", "OSKAR", "TESTBERG", "1978-11-02", "2046-11-02"],
            ),
            (
                vec![
                    "N FØRERKORT NORGE",
                    "1.",
                    "PRØVESTAD",
                    "2.",
                    "INGRID MARIE",
                    "3.",
                    "14.03.1986 SVERIGE",
                    "4a.",
                    "18.03.2024",
                    "4b.",
                    "14.03.2046",
                    "4d",
                    "148386 22020",
                    "5.",
                    "12 34 567890 1",
                ],
                Country::Norway,
                ["NO", "14838622020", "INGRID MARIE", "PRØVESTAD", "1986-03-14", "2046-03-14"],
            ),
            (
                vec![
                    "FIN AJOKORTTI / KÖRKORT SUOMI",
                    "1. TESTINEN",
                    "2. SANNA",
                    "3. 17.02.1995 SUOMI",
                    "4d.170295Y9347",
                    "4b. 17.02.2046",
                ],
                Country::Finland,
                ["FI", "170295Y9347", "SANNA", "TESTINEN", "1995-02-17", "2046-02-17"],
            ),
        ] {
            let extraction = identity(&plain(&texts), asked, today());
            assert_eq!(values(&extraction), expected);
            assert!(is_sure(&extraction), "{texts:?}");
        }
    }

    #[test]
    fn a_licence_is_read_without_the_number_of_a_name() {
        for (texts, expected) in [
            (["KØREKORT", "DANMARK", "1. TESTGAARD", "RASMUS HOLGER", "3. 07.07.1961"], ["RASMUS HOLGER", "TESTGAARD"]),
            (["KØREKORT", "DANMARK", "TESTGAARD", "2. RASMUS HOLGER", "3. 07.07.1961"], ["RASMUS HOLGER", "TESTGAARD"]),
            (["KØREKORT", "DANMARK", "2. RASMUS HOLGER", "3. 07.07.1961", "SPECIMEN"], ["RASMUS HOLGER", ""]),
            (["KØREKORT", "DANMARK", "1. TESTGAARD", "3. 07.07.1961", "SPECIMEN"], ["", "TESTGAARD"]),
            (["DANMARK", "Efternavn TESTGAARD", "ODENSE", "", ""], ["", "TESTGAARD"]),
        ] {
            let extraction = identity(&plain(&texts), Country::Denmark, today());
            assert_eq!(values(&extraction)[2..4], expected, "{texts:?}");
        }
    }

    #[test]
    fn identity_cards_are_read_by_their_labels() {
        for (texts, expected, sex) in [
            (
                vec![
                    ("NOR", 2.0, 4.0),
                    ("IDENTITETSKORT", 30.0, 4.0),
                    ("NORGE", 80.0, 4.0),
                    ("Etternavn / Surname", 30.0, 18.0),
                    ("TESTNES", 30.0, 23.0),
                    ("Fornavn / Given names", 30.0, 30.0),
                    ("SINDRE", 30.0, 35.0),
                    ("Kjønn / Sex", 30.0, 42.0),
                    ("Statsborgerskap / Nationality", 60.0, 42.0),
                    ("M", 30.0, 47.0),
                    ("NOR", 60.0, 47.0),
                    ("Fødselsdato / Date of birth", 30.0, 54.0),
                    ("02.03.1979", 30.0, 59.0),
                    ("Fødselsnummer / Personal no.", 30.0, 66.0),
                    ("02837922197", 30.0, 71.0),
                    ("Utløpsdato / Date of expiry", 30.0, 78.0),
                    ("02.03.2046", 30.0, 83.0),
                ],
                ["NO", "02837922197", "SINDRE", "TESTNES", "1979-03-02", "2046-03-02"],
                Sex::Male,
            ),
            (
                vec![
                    ("HENKILÖKORTTI", 30.0, 4.0),
                    ("SUOMI FINLAND", 70.0, 4.0),
                    ("Sukunimi/Efternamn/Surname", 30.0, 18.0),
                    ("Henkilötunnus/Personbeteckning", 62.0, 18.0),
                    ("MALLIKAS", 30.0, 23.0),
                    ("240588-908H", 62.0, 23.0),
                    ("Etunimet/Förnamn/Given names", 30.0, 30.0),
                    ("Syntymäaika/Födelsetid", 62.0, 30.0),
                    ("AINO HELENA", 30.0, 35.0),
                    ("24 TOUKO/MAJ 1988", 62.0, 35.0),
                    ("Sukupuoli/Kön/Sex", 30.0, 42.0),
                    ("Viimeinen voimassaolopäivä", 62.0, 42.0),
                    ("N/F", 30.0, 47.0),
                    ("24.05.2046", 62.0, 47.0),
                ],
                ["FI", "240588-908H", "AINO HELENA", "MALLIKAS", "1988-05-24", "2046-05-24"],
                Sex::Female,
            ),
        ] {
            let extraction = identity(&placed(&texts), Country::Denmark, today());
            assert_eq!(values(&extraction), expected);
            assert_eq!(extraction.identity.sex, Some(sex));
            assert!(is_sure(&extraction));
        }
    }

    #[test]
    fn the_number_of_a_health_card_gives_the_birth_date() {
        for texts in [
            vec![
                "DK SUNDHEDSKORT REGION SYDDANMARK",
                "CPR-nr.",
                "140279-1738",
                "Navn",
                "KIRSTEN PRØVESEN",
                "Adresse",
                "PRØVEVEJ 12, 5000 ODENSE C",
            ],
            vec!["SUNDHEDSKORT", "140279-1738", "KIRSTEN PRØVESEN", "PRØVEVEJ 12", "5000 ODENSE C", "LÆGEHUSET TESTBY"],
            vec!["Sundhedskort", "Personnr. 140279-1738", "Navn: Prøvesen, Kirsten"],
        ] {
            let extraction = identity(&plain(&texts), Country::Denmark, today());
            let [country, number, first, last, born, expires] = values(&extraction);
            assert_eq!((country, number, born, expires), ("DK", "1402791738", "1979-02-14", ""));
            assert_eq!((first.to_uppercase(), last.to_uppercase()), ("KIRSTEN".to_owned(), "PRØVESEN".to_owned()));
            assert!(is_sure(&extraction));
        }
    }

    #[test]
    fn particles_belong_to_the_family_name() {
        let name = |text: &str| {
            let extraction = identity(&plain(&["Navn", text]), Country::Denmark, today());
            [extraction.identity.first_name.expose().to_owned(), extraction.identity.last_name.expose().to_owned()]
        };
        assert_eq!(name("ANNA MARIA VON DER LEHN"), ["ANNA MARIA", "VON DER LEHN"]);
        assert_eq!(name("KIRSTEN AF ROSENBORG"), ["KIRSTEN", "AF ROSENBORG"]);
        assert_eq!(name("VON ROSEN"), ["VON", "ROSEN"]);
        assert_eq!(name("KIRSTEN"), ["", ""]);
    }

    #[test]
    fn a_valid_zone_takes_precedence_except_for_the_names() {
        let zone = swedish_zone("198504179808", "850417", 'F', "PROVSTROM<<ASTRID<LINNEA");
        assert!(zone.iter().all(|line| line.len() == 30));
        let extraction = identity(&swedish_card(&zone), Country::Sweden, today());
        assert_eq!(
            values(&extraction),
            ["SE", "198504179808", "ASTRID LINNÉA", "PROVSTRÖM", "1985-04-17", "2046-04-17"]
        );
        assert_eq!(extraction.identity.sex, Some(Sex::Female));
        assert!(is_sure(&extraction));
        // The zone alone is sufficient.
        let extraction = identity(&plain(&zone.each_ref().map(String::as_str)), Country::Denmark, today());
        assert_eq!(
            values(&extraction),
            ["SE", "198504179808", "ASTRID LINNEA", "PROVSTROM", "1985-04-17", "2046-04-17"]
        );
        assert!(is_sure(&extraction));
    }

    #[test]
    fn a_failed_or_contradicting_zone_lowers_every_confidence() {
        let good = swedish_zone("198504179808", "850417", 'F', "PROVSTROM<<ASTRID<LINNEA");
        let mut failed = good;
        failed[1].replace_range(6..7, if failed[1].as_bytes()[6] == b'1' { "2" } else { "1" });
        let unreadable = ["XXXX<<<<<<<<<<<<<<<<<<<<<<", "YYYY<<<<<<<<<<<<<<<<<<<<<", ""].map(str::to_owned);
        for (zone, what) in [
            (failed, "check digit"),
            (unreadable, "no zone"),
            (swedish_zone("198504179816", "850417", 'F', "PROVSTROM<<ASTRID<LINNEA"), "number"),
            (swedish_zone("198504179808", "850418", 'F', "PROVSTROM<<ASTRID<LINNEA"), "birth date"),
            (swedish_zone("198504179808", "850417", 'F', "ANDERSSON<<ASTRID<LINNEA"), "family name"),
            (swedish_zone("198504179808", "850417", 'F', "PROVSTROM<<BERIT"), "given name"),
        ] {
            let extraction = identity(&swedish_card(&zone), Country::Sweden, today());
            assert_eq!(extraction.status, ExtractionStatus::Ok, "{what}");
            assert!((extraction.confidence - 0.485).abs() < 1e-9, "{what}");
            assert_eq!(unsure(&extraction).len(), 4, "{what}");
        }
    }

    #[test]
    fn names_that_a_zone_truncates_are_compared_partly() {
        let is_sure_with = |names: &str| {
            is_sure(&identity(
                &swedish_card(&swedish_zone("198504179808", "850417", 'F', names)),
                Country::Sweden,
                today(),
            ))
        };
        assert!(is_sure_with("PROVSTROM<<ASTRID<MARGARETHALI"));
        assert!(!is_sure_with("PROVSTROM<<ASTRID<MARGARETHAL"));
        assert!(!is_sure_with("PROVSTROM<<BERITA<MARGARETHALI"));
        assert!(!is_sure_with("HOLMSTROM<<ASTRID<MARGARETHALI"));
    }

    #[test]
    fn the_document_decides_about_its_country() {
        let lines = plain(&["KÖRKORT SVERIGE", "1. TESTBERG", "2. OSKAR", "3. 1978-11-02", "4d. 781102-9896"]);
        let extraction = identity(&lines, Country::Denmark, today());
        assert_eq!(values(&extraction)[..2], ["SE", "197811029896"]);
        // A birth place is not a title.
        let lines = plain(&["3. 1978-11-02 NORGE", "KÖRKORT SVERIGE", "1. TESTBERG", "2. OSKAR", "4d. 781102-9896"]);
        let extraction = identity(&lines, Country::Denmark, today());
        assert_eq!(values(&extraction)[..2], ["SE", "197811029896"]);
        // If the document states no country, that of the applicant counts.
        let lines = plain(&["1. TESTGAARD", "Fornavne RASMUS", "CPR 070761-4285"]);
        let extraction = identity(&lines, Country::Denmark, today());
        assert_eq!(values(&extraction)[..3], ["DK", "0707614285", "RASMUS"]);
    }

    #[test]
    fn a_zone_of_another_country_gives_no_country() {
        let lines =
            plain(&["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]);
        let extraction = identity(&lines, Country::Denmark, today());
        assert_eq!(values(&extraction), ["", "", "ANNA MARIA", "ERIKSSON", "1974-08-12", "2012-04-15"]);
        assert_eq!(extraction.status, ExtractionStatus::Partial);
        assert_eq!(unsure(&extraction), ["national number"]);
    }

    #[test]
    fn a_labelled_value_that_is_no_number_is_returned_as_printed() {
        let extraction = identity(&plain(&["CPR-nr. 999999-4285"]), Country::Denmark, today());
        assert_eq!(extraction.identity.national_id.expose(), "999999-4285");
        assert_eq!(extraction.status, ExtractionStatus::Partial);
    }

    #[test]
    fn a_single_number_counts_without_a_label() {
        let number = |texts: &[&str]| {
            identity(&plain(texts), Country::Denmark, today()).identity.national_id.expose().to_owned()
        };
        assert_eq!(number(&["DANMARK", "070761-4285"]), "0707614285");
        assert_eq!(number(&["DANMARK", "070761-4285", "0707614285"]), "0707614285");
        assert_eq!(number(&["DANMARK", "070761-4285", "211062-5629"]), "");
        assert_eq!(number(&["SVERIGE", "640823-3233"]), "");
        assert_eq!(number(&["KØREKORT", "5. 070761-4285"]), "");
    }

    #[test]
    fn the_minimum_of_the_confidences_counts() {
        let mut lines = plain(&["Efternavn HANSEN", "Fornavn BO", "CPR 070761-4285"]);
        for (at, fields) in [(0, &["last name"][..]), (1, &["first name"]), (2, &["birth date", "national number"])] {
            lines[at].confidence = 0.5;
            let extraction = identity(&lines, Country::Denmark, today());
            assert_eq!(extraction.status, ExtractionStatus::Ok);
            assert!((extraction.confidence - 0.5).abs() < f64::EPSILON);
            assert_eq!(unsure(&extraction), fields);
            lines[at].confidence = 0.97;
        }
        assert!(is_sure(&identity(&lines, Country::Denmark, today())));
    }

    #[test]
    fn a_document_without_readable_fields_has_status_error() {
        for texts in [&[] as &[&str], &["a cat"]] {
            let extraction = identity(&plain(texts), Country::Norway, today());
            assert_eq!((extraction.status, extraction.confidence), (ExtractionStatus::Error, 0.0));
        }
    }

    #[test]
    fn documents_of_the_united_states_are_for_analyze_id() {
        for (texts, expected) in [
            (vec!["FLORIDA", "DRIVER LICENSE", "4d DLN Q512-604-73-999-0"], true),
            (vec!["CALIFORNIA USA", "DRIVER'S LICENSE"], true),
            (vec!["PASSPORT", "UNITED STATES OF AMERICA"], true),
            (vec!["KØREKORT DANMARK", "DRIVING LICENCE"], false),
            (vec!["SVERIGE PASS", "UNITED STATES OF AMERICA"], false),
            (vec!["FÜHRERSCHEIN", "DRIVING LICENCE"], false),
            (vec![], false),
        ] {
            assert_eq!(is_for_analyze_id(&plain(&texts)), expected, "{texts:?}");
        }
    }

    #[test]
    fn documents_of_analyze_id_have_no_nordic_country() {
        let field = |name: &str, text: &str| ExtractedField {
            name: name.to_owned(),
            text: Personal::new(text),
            normalized_date: None,
            confidence: 0.98,
        };
        let fields = [
            field("FIRST_NAME", "OLIVE"),
            field("LAST_NAME", "QUARTERMAIN"),
            field("DATE_OF_BIRTH", "05/09/1973"),
            field("DOCUMENT_NUMBER", "Q512604739990"),
        ];
        let extraction = from_analyze_id(&fields);
        assert_eq!(values(&extraction), ["", "", "OLIVE", "QUARTERMAIN", "1973-05-09", ""]);
        assert_eq!((extraction.status, unsure(&extraction)), (ExtractionStatus::Partial, vec!["national number"]));
    }

    #[test]
    fn an_extraction_has_the_documented_form() {
        let lines = plain(&["Efternavn HANSEN", "Fornavn BO", "CPR 070761-4285"]);
        let extraction = identity(&lines, Country::Denmark, today());
        let json = serde_json::to_value(&extraction).expect("json");
        assert_eq!(json["status"], "OK");
        assert_eq!(json["identity"]["nationalId"], "0707614285");
        assert_eq!(json["identity"]["country"], "DK");
        assert_eq!(json["identity"]["dateOfBirth"], "1961-07-07");
        assert_eq!(serde_json::from_value::<Extraction>(json).expect("an extraction"), extraction);
        assert!(!format!("{extraction:?}").contains("HANSEN"));
    }

    proptest! {
        #[test]
        fn is_total(
            texts in proptest::collection::vec(
                "((1|2|3|4b|4d|5)\\. ?|CPR |Navn |Efternamn |Sukunimi/Surname |Kön |)[ -~ÅÖØ«]{0,32}", 0..10,
            ),
            confidences in proptest::collection::vec(0.0..=1.0_f64, 10),
            places in proptest::option::of(proptest::collection::vec((0.0..=1.0_f64, 0.0..=1.0_f64), 10)),
            asked in prop::sample::select(Country::ALL.to_vec()),
        ) {
            let lines: Vec<Line> = texts.iter().enumerate().map(|(at, text)| Line {
                text: Personal::new(text),
                confidence: confidences[at],
                bounds: places.as_ref().map(|places| Bounds { left: places[at].0, top: places[at].1, width: 0.2, height: 0.04 }),
            }).collect();
            let extraction = identity(&lines, asked, today());
            prop_assert!((0.0..=1.0).contains(&extraction.confidence));
            let identity = &extraction.identity;
            let fields = [&identity.national_id, &identity.first_name, &identity.last_name, &identity.date_of_birth];
            let read = fields.iter().filter(|field| !field.is_empty()).count();
            prop_assert_eq!(extraction.status == ExtractionStatus::Ok, read == 4);
            prop_assert_eq!(extraction.status == ExtractionStatus::Error, read == 0);
            prop_assert!(extraction.status == ExtractionStatus::Ok || extraction.confidence <= 0.0);
            prop_assert!(identity.date_of_birth.is_empty() || identity.date_of_birth.expose().parse::<NaiveDate>().is_ok());
            let _ = is_for_analyze_id(&lines);
        }
    }
}
