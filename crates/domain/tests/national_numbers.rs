//! Published examples of valid and invalid numbers. They belong to no real person, or to the test persons of an authority.

use std::collections::BTreeSet;

use bonafide_domain::nordic::{
    Country::{self, Denmark, Finland, Norway, Sweden},
    NationalNumber,
    NumberCheck::{self, Failed, Inconclusive, Valid},
    NumberKind::{self, Auxiliary, Foreigner, Ordinary, Synthetic},
    Sex::{self, Female, Male},
};
use chrono::NaiveDate;

/// The number, its normalized form, its birth date and sex, its kind, and the result of its check digits.
type Example = (Country, &'static str, &'static str, &'static str, Sex, NumberKind, NumberCheck);

/// Sources: cpr.dk and its test persons; Skatteverket's two examples (640823-3234, 701063-2391), Wikipedia, and the tests of the
/// `personnummer` libraries; the tests of navikt/fnrvalidator, and fnrinfo.no; the tests of the `hetu` libraries and DVV's page on the
/// new intermediate characters.
const EXAMPLES: &[Example] = &[
    (Denmark, "070761-4285", "0707614285", "1961-07-07", Male, Ordinary, Valid),
    (Denmark, "0707614285", "0707614285", "1961-07-07", Male, Ordinary, Valid),
    (Denmark, "070761 4285", "0707614285", "1961-07-07", Male, Ordinary, Valid),
    (Denmark, "211062-5629", "2110625629", "1862-10-21", Male, Ordinary, Valid),
    (Denmark, "010392-2852", "0103922852", "1992-03-01", Female, Ordinary, Valid),
    (Denmark, "251248-4916", "2512484916", "1948-12-25", Female, Ordinary, Valid),
    (Denmark, "070761-4287", "0707614287", "1961-07-07", Male, Ordinary, Inconclusive),
    (Denmark, "010203-6234", "0102036234", "2003-02-01", Female, Ordinary, Inconclusive),
    (Denmark, "010165-4000", "0101654000", "1965-01-01", Female, Ordinary, Inconclusive),
    (Denmark, "670761-4285", "6707614285", "1961-07-07", Male, Auxiliary, Inconclusive),
    (Sweden, "640823-3234", "196408233234", "1964-08-23", Male, Ordinary, Valid),
    (Sweden, "196408233234", "196408233234", "1964-08-23", Male, Ordinary, Valid),
    (Sweden, "19640823-3234", "196408233234", "1964-08-23", Male, Ordinary, Valid),
    (Sweden, "6408233234", "196408233234", "1964-08-23", Male, Ordinary, Valid),
    (Sweden, "811218-9876", "198112189876", "1981-12-18", Male, Ordinary, Valid),
    (Sweden, "860714-1556", "198607141556", "1986-07-14", Male, Ordinary, Valid),
    (Sweden, "19900101-0017", "199001010017", "1990-01-01", Male, Ordinary, Valid),
    (Sweden, "000101-0107", "200001010107", "2000-01-01", Female, Ordinary, Valid),
    (Sweden, "510818-9167", "195108189167", "1951-08-18", Female, Ordinary, Valid),
    (Sweden, "19130401+2931", "191304012931", "1913-04-01", Male, Ordinary, Valid),
    (Sweden, "130401+2931", "191304012931", "1913-04-01", Male, Ordinary, Valid),
    (Sweden, "640327-3813", "196403273813", "1964-03-27", Male, Ordinary, Valid),
    (Sweden, "940323-2383", "199403232383", "1994-03-23", Female, Ordinary, Valid),
    (Sweden, "820323-2775", "198203232775", "1982-03-23", Male, Ordinary, Valid),
    (Sweden, "701063-2391", "197010632391", "1970-10-03", Male, Foreigner, Valid),
    (Sweden, "640883-3231", "196408833231", "1964-08-23", Male, Foreigner, Valid),
    (Sweden, "19900101-1111", "199001011111", "1990-01-01", Male, Ordinary, Failed),
    (Sweden, "20160229-1111", "201602291111", "2016-02-29", Male, Ordinary, Failed),
    (Sweden, "6403273814", "196403273814", "1964-03-27", Male, Ordinary, Failed),
    (Sweden, "640823-3233", "196408233233", "1964-08-23", Male, Ordinary, Failed),
    (Sweden, "811218-9875", "198112189875", "1981-12-18", Male, Ordinary, Failed),
    (Sweden, "900161-0017", "199001610017", "1990-01-01", Male, Foreigner, Failed),
    (Sweden, "7010632392", "197010632392", "1970-10-03", Male, Foreigner, Failed),
    (Norway, "31129956715", "31129956715", "1899-12-31", Male, Ordinary, Valid),
    (Norway, "11108900123", "11108900123", "1989-10-11", Male, Ordinary, Valid),
    (Norway, "13097248022", "13097248022", "1972-09-13", Female, Ordinary, Valid),
    (Norway, "130972 48022", "13097248022", "1972-09-13", Female, Ordinary, Valid),
    (Norway, "29029648784", "29029648784", "1996-02-29", Male, Ordinary, Valid),
    (Norway, "29020075838", "29020075838", "2000-02-29", Female, Ordinary, Valid),
    (Norway, "15021951940", "15021951940", "2019-02-15", Male, Ordinary, Valid),
    (Norway, "30108299920", "30108299920", "1982-10-30", Male, Ordinary, Valid),
    (Norway, "53097248016", "53097248016", "1972-09-13", Female, Foreigner, Valid),
    (Norway, "70108299914", "70108299914", "1982-10-30", Male, Foreigner, Valid),
    (Norway, "13527248013", "13527248013", "1972-12-13", Female, Auxiliary, Valid),
    (Norway, "68467038838", "68467038838", "1970-06-28", Female, Auxiliary, Valid),
    (Norway, "10915596784", "10915596784", "1955-11-10", Male, Synthetic, Valid),
    (Norway, "50846202355", "50846202355", "1962-04-10", Male, Synthetic, Valid),
    (Norway, "13097248032", "13097248032", "1972-09-13", Female, Ordinary, Failed),
    (Norway, "13097248023", "13097248023", "1972-09-13", Female, Ordinary, Failed),
    (Norway, "30108299939", "30108299939", "1982-10-30", Male, Ordinary, Failed),
    (Norway, "12057012345", "12057012345", "1970-05-12", Male, Ordinary, Failed),
    (Finland, "131052-308T", "131052-308T", "1952-10-13", Female, Ordinary, Valid),
    (Finland, "131052-308t", "131052-308T", "1952-10-13", Female, Ordinary, Valid),
    (Finland, "010594Y9032", "010594Y9032", "1994-05-01", Male, Auxiliary, Valid),
    (Finland, "010594Y9021", "010594Y9021", "1994-05-01", Female, Auxiliary, Valid),
    (Finland, "020594X903P", "020594X903P", "1994-05-02", Male, Auxiliary, Valid),
    (Finland, "030594W903B", "030594W903B", "1994-05-03", Male, Auxiliary, Valid),
    (Finland, "040594V9030", "040594V9030", "1994-05-04", Male, Auxiliary, Valid),
    (Finland, "050594U903M", "050594U903M", "1994-05-05", Male, Auxiliary, Valid),
    (Finland, "020504A902E", "020504A902E", "2004-05-02", Female, Auxiliary, Valid),
    (Finland, "010516B903X", "010516B903X", "2016-05-01", Male, Auxiliary, Valid),
    (Finland, "020516C903K", "020516C903K", "2016-05-02", Male, Auxiliary, Valid),
    (Finland, "030516D9037", "030516D9037", "2016-05-03", Male, Auxiliary, Valid),
    (Finland, "010501E9032", "010501E9032", "2001-05-01", Male, Auxiliary, Valid),
    (Finland, "020502E902X", "020502E902X", "2002-05-02", Female, Auxiliary, Valid),
    (Finland, "020503F9037", "020503F9037", "2003-05-02", Male, Auxiliary, Valid),
    (Finland, "100190-999P", "100190-999P", "1990-01-10", Male, Auxiliary, Valid),
    (Finland, "011073-998R", "011073-998R", "1973-10-01", Female, Auxiliary, Valid),
    (Finland, "010190-900P", "010190-900P", "1990-01-01", Female, Auxiliary, Valid),
    (Finland, "010190-002R", "010190-002R", "1990-01-01", Female, Ordinary, Valid),
    (Finland, "010197-100P", "010197-100P", "1997-01-01", Female, Ordinary, Valid),
    (Finland, "010114A173M", "010114A173M", "2014-01-01", Male, Ordinary, Valid),
    (Finland, "290296-7808", "290296-7808", "1996-02-29", Female, Ordinary, Valid),
    (Finland, "290200A248A", "290200A248A", "2000-02-29", Female, Ordinary, Valid),
    (Finland, "280264-051U", "280264-051U", "1964-02-28", Male, Ordinary, Valid),
    (Finland, "010171-1000", "010171-1000", "1971-01-01", Female, Ordinary, Valid),
    (Finland, "010171-1985", "010171-1985", "1971-01-01", Female, Ordinary, Valid),
    (Finland, "111111-111C", "111111-111C", "1911-11-11", Male, Ordinary, Valid),
    (Finland, "010101-0101", "010101-0101", "1901-01-01", Female, Ordinary, Valid),
    (Finland, "010101+0101", "010101+0101", "1801-01-01", Female, Ordinary, Valid),
    (Finland, "010101A0101", "010101A0101", "2001-01-01", Female, Ordinary, Valid),
    (Finland, "131052-308U", "131052-308U", "1952-10-13", Female, Ordinary, Failed),
    (Finland, "010171-1234", "010171-1234", "1971-01-01", Male, Ordinary, Failed),
    (Finland, "010594Y9031", "010594Y9031", "1994-05-01", Male, Auxiliary, Failed),
    (Finland, "010594Y9022", "010594Y9022", "1994-05-01", Female, Auxiliary, Failed),
    (Finland, "020594X9033", "020594X9033", "1994-05-02", Male, Auxiliary, Failed),
    (Finland, "101010-0102", "101010-0102", "1910-10-10", Female, Ordinary, Failed),
];

/// Texts that the same sources refuse, or that break a rule of these sources: not a number of the country.
const REFUSED: &[(Country, &[&str])] = &[
    (
        Denmark,
        &[
            "",
            "070761-428",
            "123456789",
            "070761-42851",
            "12345678901",
            "070761-428A",
            "310299-1234",
            "320161-4285",
            "071361-4285",
            "000061-4285",
            "07076-14285",
            "290299-1234",
            "070761+4285",
        ],
    ),
    (
        Sweden,
        &[
            "",
            "19901301-1111",
            "2017-02-29",
            "not-a-date",
            "20150916-0006",
            "640327-381",
            "510818-916",
            "19900101-001",
            "100101+001",
            "112233-4455",
            "9999999999",
            "199999999999",
            "9913131315",
            "9911311232",
            "9902291237",
            "19990919_3766",
            "990919_3766",
            "Just a string",
            "222",
            "9701063-2391",
            "640893-3231",
            "19000229-0005",
            "20090229-0006",
            "030229-0002",
            "6408233",
            "16550118-2390",
            "20640823-3234",
            // Published examples for leap days and plus signs, with a birth number that Skatteverket does not assign: 000.
            "900101+0009",
            "040229-0001",
            "20000229-0005",
            "20080229-0007",
        ],
    ),
    (
        Norway,
        &[
            "",
            "1234567890",
            "123456789101",
            "1234567891A",
            "32127248022",
            "13137248022",
            "29020112345",
            "02013299997",
            "13094455022",
            "72097248016",
        ],
    ),
    (
        Finland,
        &[
            "",
            "0",
            "0105",
            "020594X903",
            "010594Y90322",
            "010594Y90322010594Y90322",
            "010594Y0011",
            "300201A903B",
            "310252-308T",
            "131052G308T",
            "131052-001T",
            "131052-000J",
            "010101-UUUU",
            "1310523-08T",
            "131052308T",
            "290201A1234",
            "010594G9032",
            "131052/308T",
            "290201A0011",
            "010190-001P",
            "010190-000N",
            "000190-0023",
            "010090-002X",
            "10a010-0101",
            "101010-0ä01",
            "101010b010I",
            "0205169C03K",
            "0105949Y032",
            "301398-1233",
            "320198-123P",
            "290299-123U",
            "300204-123Y",
            "0101AA-123A",
            "010195_433X",
            "01011995+433X",
            "290200-101P",
        ],
    ),
];

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

#[test]
fn published_numbers_are_parsed() {
    for (country, text, normalized, born, sex, kind, check) in EXAMPLES {
        let number = NationalNumber::parse(*country, text, day("2026-11-21")).expect(text);
        assert_eq!(number.country(), *country);
        assert_eq!(number.normalized().expose(), *normalized, "{text}");
        assert_eq!(number.birth_date(), Some(day(born)), "{text}");
        assert_eq!(number.sex(), Some(*sex), "{text}");
        assert_eq!(number.kind(), *kind, "{text}");
        assert_eq!(number.check(), *check, "{text}");
        assert!(number.is_born_on(day(born)) && !number.is_born_on(day("1971-03-04")), "{text}");
    }
}

#[test]
fn texts_published_as_invalid_are_refused() {
    for (country, texts) in REFUSED {
        for text in *texts {
            assert!(NationalNumber::parse(*country, text, day("2026-11-21")).is_err(), "{country} {text}");
        }
    }
}

/// `cargo test -p bonafide-domain --test national_numbers -- --nocapture` prints the counts.
#[test]
fn there_are_examples_of_every_country() {
    for country in Country::ALL {
        let of =
            |check: NumberCheck| EXAMPLES.iter().filter(|example| example.0 == country && example.6 == check).count();
        let (valid, failed, inconclusive) = (of(Valid), of(Failed), of(Inconclusive));
        let refused: usize = REFUSED.iter().filter(|(of, _)| *of == country).map(|(_, texts)| texts.len()).sum();
        println!("{country}: {valid} valid, {failed} failed, {inconclusive} inconclusive, {refused} refused");
        assert!(valid >= 5 && failed + inconclusive >= 4 && refused >= 10, "{country}");
    }
}

/// From the tests of navikt/fnrvalidator for the numbers that Norway assigns from 2032 on.
#[test]
fn norwegian_numbers_follow_the_rules_of_the_given_day() {
    let check = |text, today| NationalNumber::parse(Norway, text, day(today)).map(|number| number.check());
    for text in ["02013299997", "30108299920", "30108299939", "70108299914"] {
        let number = NationalNumber::parse(Norway, text, day("2032-01-02")).expect(text);
        assert_eq!((number.check(), number.birth_date(), number.sex()), (Valid, None, None), "{text}");
    }
    for text in ["02013299987", "02013299996", "13097248032", "13097248023"] {
        assert_eq!(check(text, "2032-01-02"), Ok(Failed), "{text}");
    }
    assert_eq!(check("30108299939", "2031-12-31"), Ok(Failed));
    assert_eq!(check("30108299939", "2032-01-01"), Ok(Valid));
    let number = NationalNumber::parse(Norway, "30108299939", day("2032-01-01")).expect("a number");
    assert!(number.is_born_on(day("1982-10-30")) && number.is_born_on(day("2082-10-30")));
    assert!(!number.is_born_on(day("1982-10-31")) && !number.is_born_on(day("1983-10-30")));
    assert!(check("31029948022", "2032-01-01").is_err());
}

/// The remainders of both sums in the rules of skatteetaten.no. Each sum includes its own check digit with the weight 1.
fn norwegian_remainders(digits: &[u32]) -> (u32, u32) {
    let sum = |weights: &[u32]| digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>();
    (sum(&[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11, sum(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11)
}

/// Synthetic numbers of one day: with 80 added to the month they belong to no person.
#[test]
fn from_2032_on_the_first_norwegian_remainder_may_be_three() {
    let mut seen = BTreeSet::new();
    for serial in 0..50_000_u32 {
        let text = format!("018190{serial:05}");
        let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(10)).collect();
        let (first, second) = norwegian_remainders(&digits);
        seen.insert((first, second));
        for (today, most) in [("2031-12-31", 0), ("2032-01-01", 3)] {
            let number = NationalNumber::parse(Norway, &text, day(today)).expect("a number");
            let expected = if first <= most && second == 0 { Valid } else { Failed };
            assert_eq!((number.check(), number.kind()), (expected, Synthetic), "{text} on {today}: {first}, {second}");
        }
    }
    assert_eq!(seen.len(), 11 * 11, "every pair of remainders");
}
