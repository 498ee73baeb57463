//! Specimen documents of Denmark, Sweden, Norway and Finland, and the answers of the local national registers for the people on them.

mod card;
mod mrz;

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer};

use crate::{
    Error,
    application::{face, face_on_selfies, florida},
    license::Date,
    picture::{Format, Noise, Picture},
    selfie,
};
use card::{Look, Side, scanned};
use mrz::Zone;

/// A day. Documents print it in the format of their country, files as year-month-day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Four digits.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Day {
    const fn new(year: u16, month: u8, day: u8) -> Self {
        Self { year, month, day }
    }

    /// As Danish, Norwegian, Finnish and German documents print it.
    fn with_points(self) -> String {
        format!("{:02}.{:02}.{}", self.day, self.month, self.year)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The sex, as documents print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    /// `F`, `K` or `N`.
    Female,
    /// `M`.
    Male,
}

impl Sex {
    fn letter(self) -> char {
        match self {
            Self::Female => 'F',
            Self::Male => 'M',
        }
    }
}

/// A person who does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// As printed, with its separator; `None` if the document has no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub national_id: Option<&'static str>,
    /// All given names, in capitals.
    pub first_name: &'static str,
    /// In capitals.
    pub last_name: &'static str,
    /// As printed; if the document has no date, that of the number.
    pub date_of_birth: Day,
    /// Equal to that of the number, if there is one.
    pub sex: Sex,
}

/// A document that is uploaded in a conversation.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Specimen {
    /// The country that issued it, the kind, and what is special about it.
    pub id: &'static str,
    /// `nordic/<id>.jpg`, relative to `nordic.json`.
    pub file: &'static str,
    /// What is special about it.
    pub title: &'static str,
    /// The country that the person chooses in the conversation, in two letters.
    pub country: &'static str,
    /// The person on the document.
    pub person: Person,
    /// The expected result of the conversation in a stage that accepts synthetic numbers.
    pub expected: Expected,
    #[serde(skip)]
    kind: Kind,
    #[serde(skip)]
    face: Option<&'static str>,
    #[serde(skip)]
    shot: Shot,
    #[serde(skip)]
    register: Option<Entry>,
}

/// The expected result of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// `REGISTERED`, `RESUBMIT`, `UNVERIFIED`, or `FAILED` if the register does not answer.
    pub result: &'static str,
    /// Reason codes that the result, or the record of the session, must include. The person is told one of several refusals only.
    pub reasons: &'static [&'static str],
}

/// How the document was photographed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shot {
    /// Blur over the whole picture, in pixels.
    blur: f32,
    /// Grain, in steps of brightness.
    grain: f32,
    /// Quality of the JPEG file, from 1 to 100. A picture with grain needs a low quality to stay small.
    quality: u8,
}

impl Shot {
    fn take(self, document: &Picture) -> Picture {
        let mut picture = document.blurred(self.blur);
        if self.grain > 0.0 {
            let mut noise = Noise::new(7);
            picture.recolour(|colour| {
                let grain = noise.around_zero() * self.grain;
                colour.map(|channel| (channel + grain).clamp(0.0, 255.0))
            });
        }
        picture
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Fields with the numbers of EU directive 2006/126.
    DrivingLicense,
    IdentityCard,
    /// The Danish one, without a portrait and a date of birth.
    HealthCard,
    /// Drawn by [`crate::license`].
    AmericanLicense,
}

/// The answer of the country's register for the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// The person as on the document; first and last name are replaced if they are given here.
    Known(Option<[&'static str; 2]>),
    /// The person as on the document, with this date of birth.
    Born(Day),
    Unavailable,
}

/// The national register of one country, for development and tests.
#[derive(Debug, Serialize)]
struct Register {
    country: &'static str,
    people: Vec<Record>,
}

/// A number, and the answer for it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    national_id: &'static str,
    /// `known` or `unavailable`.
    answer: &'static str,
    #[serde(flatten)]
    known: Option<Known>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    first_name: &'static str,
    last_name: &'static str,
    date_of_birth: Day,
    sex: Sex,
}

/// The year in which documents expire, later than real ones, so that specimens stay valid for years.
const EXPIRY: u16 = 2046;
/// The date of issue.
const ISSUED: Day = Day::new(2024, 3, 18);

impl Specimen {
    const fn new(id: &'static str, file: &'static str, title: &'static str, country: &'static str) -> Self {
        Self {
            id,
            file,
            title,
            country,
            person: Person {
                national_id: None,
                first_name: "",
                last_name: "",
                date_of_birth: ISSUED,
                sex: Sex::Female,
            },
            expected: Expected { result: "REGISTERED", reasons: &[] },
            kind: Kind::DrivingLicense,
            face: None,
            shot: Shot { blur: 0.0, grain: 0.0, quality: 80 },
            register: None,
        }
    }

    const fn of(
        mut self,
        number: Option<&'static str>,
        [first_name, last_name]: [&'static str; 2],
        date_of_birth: Day,
        sex: Sex,
    ) -> Self {
        self.person = Person { national_id: number, first_name, last_name, date_of_birth, sex };
        self
    }

    const fn with_portrait(mut self, face: &'static str) -> Self {
        self.face = Some(face);
        self
    }

    const fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    const fn shot(mut self, shot: Shot) -> Self {
        self.shot = shot;
        self
    }

    const fn in_register(mut self, entry: Entry) -> Self {
        self.register = Some(entry);
        self
    }

    const fn expecting(mut self, result: &'static str, reasons: &'static [&'static str]) -> Self {
        self.expected = Expected { result, reasons };
        self
    }

    /// The country that issued the document: the first letters of the id.
    fn issuer(&self) -> &'static str {
        self.id.split('-').next().unwrap_or_default()
    }

    /// The document, in pixels.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub fn draw(&self) -> Result<Picture, Error> {
        let portrait = self.face.map(face).transpose()?;
        let portrait = portrait.as_deref();
        let picture = match self.kind {
            Kind::DrivingLicense => self.driving_license().draw(portrait)?,
            Kind::HealthCard => self.health_card().draw(portrait)?,
            Kind::IdentityCard => {
                let front = self.identity_card().draw(portrait)?;
                match self.zone() {
                    Some(lines) => scanned(&front, &self.back(&lines).draw(None)?),
                    None => front,
                }
            }
            Kind::AmericanLicense => {
                let Day { year, month, day } = self.person.date_of_birth;
                florida(
                    "Q512-604-73-999-0",
                    [self.person.first_name, self.person.last_name],
                    ["918 MANATEE LANE", "CEDAR KEY", "32625"],
                    Date::new(year, month, day),
                    "F",
                )
                .draw(portrait)?
            }
        };
        Ok(self.shot.take(&picture))
    }

    /// The document as its JPEG file.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub fn picture(&self) -> Result<Vec<u8>, Error> {
        self.draw()?.encode(Format::Jpeg { quality: self.shot.quality })
    }

    /// The lines of the machine-readable zone, where the document has one.
    #[must_use]
    pub fn zone(&self) -> Option<[String; 3]> {
        let Person { national_id, first_name, last_name, date_of_birth, sex } = self.person;
        if self.kind != Kind::IdentityCard {
            return None;
        }
        let (state, number, optional) = match self.issuer() {
            // The Swedish zone has the number with its century and without its separator.
            "se" => {
                let short: String = national_id.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
                ("SWE", "911222333", format!("{}{short}", date_of_birth.year / 100))
            }
            _ => return None,
        };
        let expires = Day { year: EXPIRY, ..date_of_birth };
        let zone = Zone { state, number, optional: &optional, born: date_of_birth, sex, expires };
        Some(zone.lines(last_name, first_name))
    }

    fn look(&self) -> Look {
        match self.issuer() {
            "dk" => Look { ground: ["#f9e9e6", "#f3ecf4"], accent: "#8a2438", lines: "#d98f93" },
            "se" => Look { ground: ["#e8f0f8", "#f8f4df"], accent: "#1d4f86", lines: "#8fb0d0" },
            "no" => Look { ground: ["#f6ebe9", "#e9eef6"], accent: "#7a2a2a", lines: "#c79aa4" },
            "fi" => Look { ground: ["#eaf2f7", "#f1f1f8"], accent: "#1f3f78", lines: "#94aad2" },
            _ => Look { ground: ["#f7ecea", "#eef0ea"], accent: "#4a4a52", lines: "#bfa9a9" },
        }
    }

    /// The day as documents of its country print it.
    fn printed(&self, day: Day) -> String {
        if self.issuer() == "se" { day.to_string() } else { day.with_points() }
    }

    fn expiry(&self) -> String {
        self.printed(Day { year: EXPIRY, ..self.person.date_of_birth })
    }

    fn driving_license(&self) -> Side {
        let Person { national_id, first_name, last_name, date_of_birth, .. } = self.person;
        let (heading, place, authority) = match self.issuer() {
            "dk" => (["DK", "KØREKORT", "DANMARK"], "ODENSE", "RIGSPOLITIET"),
            "se" => (["S", "KÖRKORT", "SVERIGE"], "SVERIGE", "TRANSPORTSTYRELSEN"),
            "no" => (["N", "FØRERKORT", "NORGE"], "NORGE", "STATENS VEGVESEN"),
            "fi" => (["FIN", "AJOKORTTI / KÖRKORT", "SUOMI"], "TURKU", "TRAFICOM"),
            _ => (["D", "FÜHRERSCHEIN", "DEUTSCHLAND"], "ESSEN", "STADT ESSEN"),
        };
        let born = format!("{} {place}", self.printed(date_of_birth));
        let side = Side::new(self.look(), heading)
            .beside([400, 176], "1.", last_name)
            .beside([400, 232], "2.", first_name)
            .beside([400, 288], "3.", &born)
            .beside([400, 344], "4a.", &self.printed(ISSUED))
            .beside([740, 344], "4c.", authority)
            .beside([400, 400], "4b.", &self.expiry());
        let side = match national_id {
            Some(number) => side.beside([740, 400], "4d.", number),
            None => side,
        };
        side.beside([400, 456], "5.", "00112233").beside([400, 512], "9.", "AM/B")
    }

    fn identity_card(&self) -> Side {
        let Person { national_id, first_name, last_name, date_of_birth, sex } = self.person;
        let (heading, labels, sex, nationality) = match self.issuer() {
            "se" => (
                ["SWE", "IDENTITETSKORT", "SVERIGE"],
                [
                    "Efternamn / Surname",
                    "Förnamn / Given names",
                    "Kön / Sex",
                    "Medborgarskap / Nationality",
                    "Födelsedatum / Date of birth",
                    "Personnummer / Personal no.",
                    "Giltigt till / Date of expiry",
                ],
                sex.letter(),
                "SWE",
            ),
            "no" => (
                ["NOR", "IDENTITETSKORT", "NORGE"],
                [
                    "Etternavn / Surname",
                    "Fornavn / Given names",
                    "Kjønn / Sex",
                    "Statsborgerskap / Nationality",
                    "Fødselsdato / Date of birth",
                    "Fødselsnummer / Personal no.",
                    "Utløpsdato / Date of expiry",
                ],
                sex.letter(),
                "NOR",
            ),
            _ => (
                ["FIN", "HENKILÖKORTTI", "SUOMI"],
                [
                    "Sukunimi / Efternamn / Surname",
                    "Etunimet / Förnamn / Given names",
                    "Sukupuoli / Sex",
                    "Kansalaisuus / Nationality",
                    "Syntymäaika / Date of birth",
                    "Henkilötunnus / Personal ID",
                    "Viimeinen voimassaolopäivä / Date of expiry",
                ],
                sex.letter(),
                "FIN",
            ),
        };
        let [surname, given, sex_label, nationality_label, birth, number, expiry] = labels;
        Side::new(self.look(), heading)
            .under([400, 150], surname, last_name)
            .under([400, 232], given, first_name)
            .under([400, 314], sex_label, &sex.to_string())
            .under([720, 314], nationality_label, nationality)
            .under([400, 396], birth, &self.printed(date_of_birth))
            .under([400, 478], number, national_id.unwrap_or_default())
            .under([400, 560], expiry, &self.expiry())
    }

    fn back(&self, lines: &[String; 3]) -> Side {
        let heading = if self.issuer() == "se" {
            ["SWE", "IDENTITETSKORT", "SVERIGE"]
        } else {
            ["FIN", "HENKILÖKORTTI", "SUOMI"]
        };
        Side::new(self.look(), heading).zone(lines)
    }

    fn health_card(&self) -> Side {
        let Person { national_id, first_name, last_name, .. } = self.person;
        let look = Look { ground: ["#fdf3c0", "#fbe58a"], accent: "#8a6a10", lines: "#d9b84a" };
        Side::new(look, ["DK", "SUNDHEDSKORT", "REGION SYDDANMARK"])
            .under([60, 190], "CPR-nr.", national_id.unwrap_or_default())
            .under([60, 290], "Navn", &format!("{first_name} {last_name}"))
            .under([60, 390], "Adresse", "PRØVEVEJ 12, 5000 ODENSE C")
            .under([720, 190], "Gyldigt fra", &self.printed(ISSUED))
            .under([720, 290], "Sikringsgruppe", "1")
            .print([60, 560], 30, "LÆGEHUSET TESTBY")
    }
}

/// Every committed file of this module, by its name within the crate's folder: pictures, their list, and the registers.
///
/// # Errors
/// When a specimen cannot be drawn.
pub fn files() -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut files = vec![("nordic.json".to_owned(), json(SPECIMENS)?)];
    for specimen in SPECIMENS {
        files.push((specimen.file.to_owned(), specimen.picture()?));
    }
    for (file, name) in SELFIES {
        let selfie =
            selfie::Shot { yaw: -26.0, ..selfie::Shot::default() }.take(Some(&*face_on_selfies(name)?), &[])?;
        files.push(((*file).to_owned(), selfie.encode(Format::Jpeg { quality: 80 })?));
    }
    for (country, register) in registers() {
        files.push((format!("{REGISTERS}/{country}.json"), json(&register)?));
    }
    Ok(files)
}

/// The folder of the registers within the crate's folder.
pub const REGISTERS: &str = "registers";

fn json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    Ok((serde_json::to_string_pretty(value)? + "\n").into_bytes())
}

fn registers() -> BTreeMap<&'static str, Register> {
    let mut registers: BTreeMap<_, _> =
        ["DK", "SE", "NO", "FI"].map(|country| (country, Register { country, people: Vec::new() })).into();
    for Specimen { country, person, register, .. } in SPECIMENS {
        let (Some(entry), Some(national_id), Some(register)) =
            (register, person.national_id, registers.get_mut(country))
        else {
            continue;
        };
        let known = |[first_name, last_name]: [&'static str; 2], date_of_birth| Known {
            first_name,
            last_name,
            date_of_birth,
            sex: person.sex,
        };
        let own = [person.first_name, person.last_name];
        let (answer, known) = match *entry {
            Entry::Known(names) => ("known", Some(known(names.unwrap_or(own), person.date_of_birth))),
            Entry::Born(day) => ("known", Some(known(own, day))),
            Entry::Unavailable => ("unavailable", None),
        };
        register.people.push(Record { national_id, answer, known });
    }
    registers
}

/// Selfies of people on specimens, each with its face. People without a selfie are referred at best.
pub const SELFIES: &[(&str, &str)] = &[
    ("nordic/dk-driving-licence-selfie.jpg", "clifford"),
    ("nordic/se-identity-card-selfie.jpg", "nora"),
    ("nordic/no-driving-licence-selfie.jpg", "odette"),
    ("nordic/fi-identity-card-selfie.jpg", "tess"),
];

/// Every specimen, in the order in which `nordic.json` lists them.
pub const SPECIMENS: &[Specimen] = &[
    // The number is the example of the register's own description.
    Specimen::new("dk-driving-licence", "nordic/dk-driving-licence.jpg", "Everything fits", "DK")
        .of(Some("070761-4285"), ["RASMUS HOLGER", "TESTGAARD"], Day::new(1961, 7, 7), Sex::Male)
        .with_portrait("clifford")
        .in_register(Entry::Known(None)),
    Specimen::new(
        "dk-health-card",
        "nordic/dk-health-card.jpg",
        "Prints no date of birth, and a number that fails modulus 11",
        "DK",
    )
    .of(Some("140279-1738"), ["KIRSTEN", "PRØVESEN"], Day::new(1979, 2, 14), Sex::Female)
    .of_kind(Kind::HealthCard)
    .in_register(Entry::Known(None))
    .expecting("UNVERIFIED", &["IDENTITY_UNPROVEN"]),
    Specimen::new(
        "dk-driving-licence-outage",
        "nordic/dk-driving-licence-outage.jpg",
        "The register does not answer for this number",
        "DK",
    )
    .of(Some("220983-0519"), ["NIELS", "UDFALD"], Day::new(1983, 9, 22), Sex::Male)
    .with_portrait("rupert")
    .in_register(Entry::Unavailable)
    .expecting("FAILED", &["REGISTRY_UNAVAILABLE"]),
    Specimen::new(
        "se-identity-card",
        "nordic/se-identity-card.jpg",
        "Both sides, with a machine-readable zone that holds the number",
        "SE",
    )
    .of(Some("850417-9808"), ["ASTRID LINNEA", "PROVSTRÖM"], Day::new(1985, 4, 17), Sex::Female)
    .with_portrait("nora")
    .of_kind(Kind::IdentityCard)
    .in_register(Entry::Known(None)),
    Specimen::new(
        "se-driving-licence-other-name",
        "nordic/se-driving-licence-other-name.jpg",
        "The register knows the number under another name",
        "SE",
    )
    .of(Some("781102-9896"), ["OSKAR", "TESTBERG"], Day::new(1978, 11, 2), Sex::Male)
    .with_portrait("julius")
    .in_register(Entry::Known(Some(["ERIK", "LINDPROV"])))
    .expecting("UNVERIFIED", &["REGISTRY_NAME_MISMATCH"]),
    Specimen::new(
        "se-driving-licence-check-failed",
        "nordic/se-driving-licence-check-failed.jpg",
        "The last digit of the number is wrong",
        "SE",
    )
    .of(Some("920630-9843"), ["MAJA", "FELBERG"], Day::new(1992, 6, 30), Sex::Female)
    .with_portrait("lorna")
    .expecting("UNVERIFIED", &["REGISTRY_PERSON_NOT_FOUND"]),
    Specimen::new("no-driving-licence", "nordic/no-driving-licence.jpg", "Everything fits", "NO")
        .of(Some("14838622020"), ["INGRID MARIE", "PRØVESTAD"], Day::new(1986, 3, 14), Sex::Female)
        .with_portrait("odette")
        .in_register(Entry::Known(None)),
    Specimen::new(
        "no-driving-licence-blurred",
        "nordic/no-driving-licence-blurred.jpg",
        "The same document, out of focus and in the dark",
        "NO",
    )
    .of(Some("14838622020"), ["INGRID MARIE", "PRØVESTAD"], Day::new(1986, 3, 14), Sex::Female)
    .with_portrait("odette")
    .shot(Shot { blur: 2.5, grain: 120.0, quality: 60 })
    .expecting("RESUBMIT", &["FIRST_NAME_UNREADABLE", "LAST_NAME_UNREADABLE"]),
    Specimen::new(
        "no-identity-card-unknown",
        "nordic/no-identity-card-unknown.jpg",
        "The register does not know the number",
        "NO",
    )
    .of(Some("02837922197"), ["SINDRE", "TESTNES"], Day::new(1979, 3, 2), Sex::Male)
    .with_portrait("edwin")
    .of_kind(Kind::IdentityCard)
    .expecting("UNVERIFIED", &["REGISTRY_PERSON_NOT_FOUND"]),
    Specimen::new(
        "no-driving-licence-check-failed",
        "nordic/no-driving-licence-check-failed.jpg",
        "The last digit of the number is wrong",
        "NO",
    )
    .of(Some("21919022076"), ["TURID", "FEILVIK"], Day::new(1990, 11, 21), Sex::Female)
    .with_portrait("dagny")
    .expecting("UNVERIFIED", &["REGISTRY_PERSON_NOT_FOUND"]),
    Specimen::new("fi-identity-card", "nordic/fi-identity-card.jpg", "Everything fits", "FI")
        .of(Some("240588-908H"), ["AINO HELENA", "MALLIKAS"], Day::new(1988, 5, 24), Sex::Female)
        .with_portrait("tess")
        .of_kind(Kind::IdentityCard)
        .in_register(Entry::Known(None)),
    Specimen::new(
        "fi-driving-licence",
        "nordic/fi-driving-licence.jpg",
        "A number with one of the newer century characters",
        "FI",
    )
    .of(Some("170295X9347"), ["SANNA", "TESTINEN"], Day::new(1995, 2, 17), Sex::Female)
    .with_portrait("greta")
    .in_register(Entry::Known(None))
    .expecting("UNVERIFIED", &["IDENTITY_UNPROVEN"]),
    Specimen::new(
        "fi-driving-licence-other-birth-date",
        "nordic/fi-driving-licence-other-birth-date.jpg",
        "A date of birth that differs from the number's",
        "FI",
    )
    .of(Some("101179-9157"), ["JUHANI", "KOKELAS"], Day::new(1979, 10, 11), Sex::Male)
    .with_portrait("paul")
    .in_register(Entry::Born(Day::new(1979, 11, 10)))
    .expecting("UNVERIFIED", &["NATIONAL_NUMBER_BIRTH_DATE_MISMATCH"]),
    Specimen::new(
        "fi-driving-licence-check-failed",
        "nordic/fi-driving-licence-check-failed.jpg",
        "The check character of the number is wrong",
        "FI",
    )
    .of(Some("030300A9213"), ["PEKKA", "VIRHENEN"], Day::new(2000, 3, 3), Sex::Male)
    .with_portrait("stranger")
    .expecting("UNVERIFIED", &["REGISTRY_PERSON_NOT_FOUND"]),
    Specimen::new(
        "de-driving-licence",
        "nordic/de-driving-licence.jpg",
        "From a country without national numbers on documents",
        "DK",
    )
    .of(None, ["ERIKA", "MUSTERMANN"], Day::new(1951, 8, 12), Sex::Female)
    .with_portrait("agnes")
    .expecting("RESUBMIT", &["NATIONAL_NUMBER_UNREADABLE"]),
    Specimen::new(
        "us-driver-license",
        "nordic/us-driver-license.jpg",
        "An American licence, which AnalyzeID supports",
        "NO",
    )
    .of(None, ["OLIVE", "QUARTERMAIN"], Day::new(1973, 5, 9), Sex::Female)
    .with_portrait("lorna")
    .of_kind(Kind::AmericanLicense)
    .expecting("RESUBMIT", &["NATIONAL_NUMBER_UNREADABLE"]),
];
