//! The application behind each sample. Every function draws the upload of the sample with its name.

use crate::{
    Error,
    application::{Application, florida},
    license::{self, Date, Wear},
    package::{self, Details, Member},
    picture::{Format, Picture as Drawing},
    selfie::{Room, Shot},
};

type Package = Result<Vec<u8>, Error>;
type Picture = Result<Vec<u8>, Error>;

pub(crate) fn approved(id: &str) -> Package {
    let license = florida(
        "W325-618-84-999-0",
        ["NORA ELAINE", "WHITCOMBE"],
        ["412 PELICAN BAY ROAD", "TALLAHASSEE", "32301"],
        Date::new(1984, 6, 9),
        "F",
    );
    Application {
        license_format: Format::PalettePng,
        selfie_format: Format::PalettePng,
        // Grain makes a PNG large.
        shot: Shot { turn: 3.0, light: 1.05, grain: 6.0, ..Shot::default() },
        ..Application::new(id, license, "nora")
    }
    .zip()
}

pub(crate) fn face_mismatch(id: &str) -> Package {
    let license = florida(
        "T460-021-71-999-0",
        ["AGNES", "TILLERY"],
        ["77 HERON CREEK LANE", "OCALA", "34470"],
        Date::new(1971, 11, 23),
        "F",
    );
    Application {
        selfie_face: Some("stranger".to_owned()),
        shot: Shot { room: Room::Window, side_light: 0.3, yaw: 25.0, ..Shot::default() },
        ..Application::new(id, license, "agnes")
    }
    .zip()
}

pub(crate) fn last_name_mismatch(id: &str) -> Package {
    let license = florida(
        "H416-587-79-999-0",
        ["CLIFFORD DEAN", "HALVORSEN"],
        ["1508 CYPRESS HOLLOW DRIVE", "GAINESVILLE", "32601"],
        Date::new(1979, 2, 14),
        "M",
    );
    let mut application = Application::new(id, license, "clifford");
    "BRANTLEY".clone_into(&mut application.details.last_name);
    application.shot = Shot { room: Room::Shelf, turn: -4.0, warmth: 1.08, ..Shot::default() };
    application.zip()
}

pub(crate) fn document_expired(id: &str) -> Package {
    let mut license = florida(
        "M640-661-63-999-0",
        ["ODETTE", "MARLOWE"],
        ["29 SANDPIPER COURT", "SARASOTA", "34236"],
        Date::new(1963, 8, 30),
        "F",
    );
    license.issued = Date::new(2011, 8, 12);
    license.expires = Date::new(2019, 8, 30);
    Application {
        shot: Shot { room: Room::Kitchen, turn: 5.0, scale: 1.4, yaw: -30.0, ..Shot::default() },
        ..Application::new(id, license, "odette")
    }
    .zip()
}

pub(crate) fn selfie_without_face(id: &str) -> Package {
    let license = florida(
        "C436-421-88-999-0",
        ["INES MARIBEL", "CALDER"],
        ["640 MAGNOLIA POINT AVENUE", "PENSACOLA", "32501"],
        Date::new(1988, 4, 3),
        "F",
    );
    Application {
        selfie_face: None,
        shot: Shot { room: Room::Window, ..Shot::default() },
        ..Application::new(id, license, "agnes")
    }
    .zip()
}

pub(crate) fn face_duplicate(id: &str) -> Package {
    let license = florida(
        "P623-864-86-999-0",
        ["WILMA ROSE", "PRESCOTT"],
        ["3301 OSPREY LANDING STREET", "KEY WEST", "33040"],
        Date::new(1986, 12, 1),
        "F",
    );
    Application {
        shot: Shot { room: Room::Garden, turn: -6.0, scale: 1.3, light: 0.92, ..Shot::default() },
        // The face of the approved sample.
        ..Application::new(id, license, "nora")
    }
    .zip()
}

pub(crate) fn license_unknown(id: &str) -> Package {
    let license = florida(
        "F615-289-92-999-0",
        ["GRETA", "FAIRBANKS"],
        ["18 COQUINA SHELL WAY", "NAPLES", "34102"],
        Date::new(1992, 1, 27),
        "F",
    );
    Application {
        shot: Shot { room: Room::Garden, yaw: 28.0, ..Shot::default() },
        ..Application::new(id, license, "greta")
    }
    .zip()
}

pub(crate) fn third_party_down(id: &str) -> Package {
    let license = florida(
        "P230-520-75-999-0",
        ["LORNA BETH", "PICKETT"],
        ["905 TURTLE MOUND TERRACE", "LAKELAND", "33801"],
        Date::new(1975, 10, 18),
        "F",
    );
    Application {
        shot: Shot { room: Room::Shelf, side_light: -0.3, turn: 4.0, ..Shot::default() },
        ..Application::new(id, license, "lorna")
    }
    .zip()
}

/// A text with the name of a zip file.
#[expect(clippy::unnecessary_wraps, reason = "every sample's function has this form")]
pub(crate) fn not_a_zip(_id: &str) -> Package {
    Ok(b"Dear team, please find my documents attached.\r\n".to_vec())
}

/// Other cases, abbreviations, separators, padding and date format than on the licence, but the same facts.
pub(crate) fn formatting(id: &str) -> Package {
    let license = florida(
        "D256-412-81-999-0",
        ["DAGNY MARIE", "DUCKNER"],
        ["1420 N SEAGRASS BLVD APT 6", "TAMPA", "33602"],
        Date::new(1981, 7, 4),
        "F",
    );
    Application {
        details: Details {
            first_name: "Dagny Marie".to_owned(),
            last_name: "Duckner".to_owned(),
            city: "Tampa".to_owned(),
            zip_code: "000033602".to_owned(),
            state: "fl".to_owned(),
            number: "D256412819990".to_owned(),
            born: "7/4/1981".to_owned(),
            street: "1420 North Seagrass Boulevard, Apartment 6".to_owned(),
        },
        shot: Shot { room: Room::Kitchen, turn: -3.0, yaw: 30.0, light: 0.9, warmth: 0.95, ..Shot::default() },
        ..Application::new(id, license, "dagny")
    }
    .zip()
}

pub(crate) fn birth_date_mismatch(id: &str) -> Package {
    let license = florida(
        "B621-774-90-999-0",
        ["RUPERT", "BERGSTAD"],
        ["61 LIMPKIN TRAIL", "DELAND", "32720"],
        Date::new(1990, 5, 16),
        "M",
    );
    let mut application = Application::new(id, license, "rupert");
    "05/16/1980".clone_into(&mut application.details.born);
    application.shot = Shot { room: Room::Window, scale: 1.35, turn: 3.0, ..Shot::default() };
    application.zip()
}

/// As old as a driver must be, so that the sample keeps its outcome until 2029.
pub(crate) fn applicant_under_age(id: &str) -> Package {
    let mut license = florida(
        "K530-109-11-999-0",
        ["TESS", "KENDRICK"],
        ["8 WILLET STREET", "PALATKA", "32177"],
        Date::new(2011, 9, 30),
        "F",
    );
    license.issued = Date::new(2026, 10, 12);
    Application {
        shot: Shot { room: Room::Garden, turn: -3.0, warmth: 1.05, ..Shot::default() },
        ..Application::new(id, license, "tess")
    }
    .zip()
}

pub(crate) fn selfie_two_faces(id: &str) -> Package {
    let license = florida(
        "S520-316-77-999-0",
        ["BLANCHE", "SANQUIST"],
        ["214 TERN HARBOR DRIVE", "APALACHICOLA", "32320"],
        Date::new(1977, 3, 8),
        "F",
    );
    Application {
        shot: Shot { room: Room::Shelf, scale: 0.72, at: [0.29, 0.76], ..Shot::default() },
        companions: vec![("rupert".to_owned(), 0.72, [0.72, 0.78])],
        ..Application::new(id, license, "agnes")
    }
    .zip()
}

pub(crate) fn selfie_blurred(id: &str) -> Package {
    let license = florida(
        "V524-233-82-999-0",
        ["MIRIAM", "VANSICKLE"],
        ["5 ANHINGA LANE", "STUART", "34994"],
        Date::new(1982, 10, 5),
        "F",
    );
    Application { shot: Shot { blur: 9.0, grain: 1.0, ..Shot::default() }, ..Application::new(id, license, "agnes") }
        .zip()
}

pub(crate) fn selfie_dark(id: &str) -> Package {
    let license = florida(
        "L160-905-69-999-0",
        ["HILDE", "LEFFERTS"],
        ["733 SAWGRASS BEND", "VENICE", "34285"],
        Date::new(1969, 12, 19),
        "F",
    );
    Application {
        shot: Shot { room: Room::Shelf, light: 0.15, grain: 2.0, ..Shot::default() },
        ..Application::new(id, license, "agnes")
    }
    .zip()
}

/// Glare hides the text; the portrait is visible.
pub(crate) fn document_unreadable(id: &str) -> Package {
    let license = florida(
        "R235-447-87-999-0",
        ["JULIUS", "ROSSINGER"],
        ["96 EGRET MARSH ROAD", "MIAMI", "33101"],
        Date::new(1987, 6, 22),
        "M",
    );
    Application {
        wear: Wear { blur: 1.5, glare: 1.0 },
        shot: Shot { room: Room::Window, yaw: -30.0, relief: 0.4, ..Shot::default() },
        ..Application::new(id, license, "julius")
    }
    .zip()
}

pub(crate) fn document_without_portrait(id: &str) -> Package {
    let license = florida(
        "E152-680-73-999-0",
        ["PAUL", "EVENSTAD"],
        ["19 KITE CREEK CIRCLE", "CLEARWATER", "33755"],
        Date::new(1973, 1, 11),
        "M",
    );
    let mut application = Application::new(id, license, "paul");
    application.license_face = None;
    application.shot.yaw = 25.0;
    application.zip()
}

/// The same front as the details, and the back of another person's licence.
pub(crate) fn back_of_another_licence(id: &str) -> Package {
    let license = florida(
        "A416-587-74-999-0",
        ["CLIFFORD DEAN", "ASHGROVE"],
        ["96 LANTERN HILL ROAD", "PENSACOLA", "32501"],
        Date::new(1974, 5, 2),
        "M",
    );
    let other = florida(
        "U622-310-91-999-0",
        ["BRAM", "UNDERHILL"],
        ["1140 TURTLE COVE LANE", "MIAMI", "33101"],
        Date::new(1991, 12, 27),
        "M",
    );
    Application { license_back: Some(other), ..Application::new(id, license, "clifford") }.zip()
}

/// A front and its own back.
pub(crate) fn barcode_agrees(id: &str) -> Package {
    let license = florida(
        "J525-160-68-999-0",
        ["RUPERT", "JANSSEN"],
        ["318 MANGROVE STREET", "NAPLES", "34102"],
        Date::new(1968, 3, 19),
        "M",
    );
    Application {
        license_back: Some(license.clone()),
        shot: Shot { yaw: -30.0, ..Shot::default() },
        ..Application::new(id, license, "rupert")
    }
    .zip()
}

pub(crate) fn third_party_malformed(id: &str) -> Package {
    let license = florida(
        "G651-038-80-999-0",
        ["EDWIN", "GRUNDVIG"],
        ["350 BANYAN RIDGE AVENUE", "HIALEAH", "33010"],
        Date::new(1980, 2, 25),
        "M",
    );
    Application {
        shot: Shot { room: Room::Garden, turn: 4.0, ..Shot::default() },
        ..Application::new(id, license, "edwin")
    }
    .zip()
}

/// The portrait cut out of the licence, compressed again: the face is the right one, but no person took a selfie.
pub(crate) fn selfie_is_the_portrait(id: &str) -> Package {
    let license = florida(
        "W408-553-70-999-0",
        ["GRETA MAE", "WOLCOTT"],
        ["2210 PLOVER BEACH DRIVE", "NAPLES", "34102"],
        Date::new(1970, 8, 14),
        "F",
    );
    with_the_portrait_as_selfie(&Application::new(id, license, "greta"), |portrait| portrait)
}

/// The same, mirrored, as many selfies are.
pub(crate) fn selfie_is_the_mirrored_portrait(id: &str) -> Package {
    let license = florida(
        "Y216-340-78-999-0",
        ["JULIUS", "YARBROUGH"],
        ["74 SKIMMER POINT ROAD", "HIALEAH", "33010"],
        Date::new(1978, 5, 6),
        "M",
    );
    with_the_portrait_as_selfie(&Application::new(id, license, "julius"), Drawing::mirrored)
}

fn with_the_portrait_as_selfie(application: &Application, disguise: fn(Drawing) -> Drawing) -> Package {
    let mut members = application.members()?;
    let portrait = disguise(license::portrait_on(&application.card()?));
    members[2] = Member::selfie(&application.id, &portrait, application.selfie_format)?;
    package::zip(&members)
}

/// A valid application, from which the malformed ones are made.
fn valid(id: &str) -> Application {
    let license = florida(
        "J525-771-85-999-0",
        ["CELIA", "JENNINGS"],
        ["44 MANATEE SPRINGS WAY", "STARKE", "32091"],
        Date::new(1985, 8, 2),
        "F",
    );
    Application { shot: Shot { yaw: -28.0, ..Shot::default() }, ..Application::new(id, license, "agnes") }
}

/// A selfie of 64 MiB of zeros, packed into 64 KiB.
pub(crate) fn zip_bomb(id: &str) -> Package {
    let mut members = valid(id).members()?;
    members[2] = Member::new(format!("{id}_selfie.png"), vec![0; 64 << 20]);
    package::zip(&members)
}

/// The path of the details leads outside of the folder into which a program unpacks.
pub(crate) fn path_traversal(id: &str) -> Package {
    let mut members = valid(id).members()?;
    members[0].name = format!("../../{id}_details.csv");
    package::zip(&members)
}

pub(crate) fn selfie_missing(id: &str) -> Package {
    let mut members = valid(id).members()?;
    members.truncate(2);
    package::zip(&members)
}

/// The details end in the middle of their row.
pub(crate) fn details_unreadable(id: &str) -> Package {
    let mut members = valid(id).members()?;
    let whole = members[0].bytes.len();
    members[0].bytes.truncate(whole - 45);
    package::zip(&members)
}

/// An application whose selfie is uploaded first, and whose licence follows.
fn late_document(id: &str) -> Application {
    let license = florida(
        "O262-018-83-999-0",
        ["AGATHA", "OAKHURST"],
        ["27 SPOONBILL COVE", "CEDAR KEY", "32625"],
        Date::new(1983, 9, 12),
        "F",
    );
    Application {
        shot: Shot { room: Room::Kitchen, turn: 4.0, scale: 1.3, yaw: -28.0, ..Shot::default() },
        // The only application for which this face is searched.
        ..Application::new(id, license, "agnes")
    }
}

pub(crate) fn late_document_selfie(id: &str) -> Picture {
    let application = late_document(id);
    application.selfie()?.encode(application.selfie_format)
}

pub(crate) fn late_document_license(id: &str) -> Picture {
    let application = late_document(id);
    application.card()?.encode(application.license_format)
}
