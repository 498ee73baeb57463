//! The written forms of the words of an address, after USPS Publication 28 (pe.usps.com/text/pub28), appendices B, C, F and H.

use std::collections::HashMap;
use std::sync::LazyLock;

/// From each form of a word to its standard form.
pub(super) type Forms = LazyLock<HashMap<&'static str, &'static str>>;

/// One group for each word, the standard form first.
pub(super) fn forms(groups: &'static str) -> HashMap<&'static str, &'static str> {
    let pairs = |group: &'static str| {
        let standard = group.split_whitespace().next().unwrap_or_default();
        group.split_whitespace().map(move |form| (form, standard))
    };
    groups.split(',').flat_map(pairs).collect()
}

/// What a street's name can end with. Forms that are names of their own are left out: Fry Road is not Ferry Road, Parks not Park.
pub(super) static SUFFIXES: Forms = LazyLock::new(|| {
    forms(
        "ALY ALLEE ALLEY ALLY, ANX ANEX ANNEX ANNX, ARCADE, AVE AV AVEN AVENIDA AVENU AVENUE AVN AVNUE, BCH BEACH,
        BLF BLUF BLUFF, BLFS BLUFFS, BLVD BLV BOUL BOULEVARD BOULV, BND BEND, BR BRANCH BRNCH, BRG BRDGE BRIDGE, BRK BROOK,
        BRKS BROOKS, BTM BOTTM BOTTOM, BYP BYPA BYPAS BYPASS BYPS, BYU BAYOO BAYOU, CIR CIRC CIRCL CIRCLE CRCL CRCLE,
        CIRS CIRCLES, CLB CLUB, CLF CLIFF, CLFS CLIFFS, CMN COMMON, CMNS COMMONS, COR CORNER, CORS CORNERS, CP CAMP CMP,
        CPE CAPE, CRES CRESCENT CRSENT CRSNT, CRK CREEK, CRSE COURSE, CRST CREST, CSWY CAUSEWAY CAUSWA, CT COURT CRT,
        CTR CENTER CENTR CENTRE CNTER CNTR, CTRS CENTERS, CTS COURTS, CURV CURVE, CV COVE, CVS COVES, CYN CANYN CANYON CNYN,
        DL DALE, DM DAM, DR DRIV DRIVE DRV, DRS DRIVES, DV DIVIDE DVD, EST ESTATE, ESTS ESTATES, EXPY EXPR EXPRESSWAY EXPW,
        EXT EXTENSION EXTN EXTNSN, EXTS EXTENSIONS, FALL, FLD FIELD, FLDS FIELDS, FLS FALLS, FLT FLAT, FLTS FLATS,
        FRD FORD, FRG FORG FORGE, FRK FORK, FRKS FORKS, FRST FOREST, FERRY FRRY, FT FORT FRT,
        FWY FREEWAY FREEWY FRWAY FRWY, GDN GARDEN GARDN GRDEN GRDN, GDNS GARDENS GRDNS, GLN GLEN, GLNS GLENS,
        GRN GREEN, GRNS GREENS, GRV GROV GROVE, GRVS GROVES, GTWY GATEWAY GATEWY GATWAY GTWAY,
        HBR HARB HARBOR HARBOUR HARBR HRBOR, HBRS HARBORS, HL HILL, HLS HILLS, HOLW HLLW HOLLOW, HTS HEIGHTS HGTS,
        HVN HAVEN, HWY HGWY HIGHWAY HIGHWY HIWAY HIWY HWAY, INLT INLET, IS ISLAND ISLND, ISLE, ISS ISLANDS ISLNDS,
        JCT JCTION JCTN JUNCTION JUNCTN JUNCTON, JCTS JCTNS JUNCTIONS, KNL KNOL KNOLL, KNLS KNOLLS, KY KEY, KYS KEYS,
        LAND, LCK LOCK, LCKS LOCKS, LDG LDGE LODG LODGE, LF LOAF, LGT LIGHT, LGTS LIGHTS, LK LAKE, LKS LAKES, LN LANE,
        LNDG LANDING LNDNG, LOOP, MALL, MDW MEADOW, MDWS MEADOWS MEDOWS, MEWS, ML MILL, MLS MILLS, MNR MANOR, MNRS MANORS,
        MSN MISSION MISSN MSSN, MT MNT MOUNT, MTN MNTAIN MNTN MOUNTAIN MOUNTIN MTIN, MTNS MNTNS MOUNTAINS, MTWY MOTORWAY,
        NCK NECK, OPAS OVERPASS, ORCH ORCHARD ORCHRD, OVAL OVL, PARK PRK, PARKS, PASS, PATH, PIKE,
        PKWY PARKWAY PARKWY PKWAY PKY, PL PLACE, PLN PLAIN, PLNS PLAINS, PLZ PLAZA PLZA, PNE PINE, PNES PINES, PR PRAIRIE PRR,
        PRT PORT, PRTS PORTS, PSGE PASSAGE, PT POINT, PTS POINTS, RADL RADIAL RADIEL, RAMP, RD ROAD, RDG RDGE RIDGE,
        RDGS RIDGES, RDS ROADS, RIV RIVER RIVR RVR, RNCH RANCH, ROW, RPD RAPID, RPDS RAPIDS, RST REST, RTE ROUTE RT, RUE,
        RUN, SHL SHOAL, SHLS SHOALS, SHR SHOAR SHORE, SHRS SHOARS SHORES, SKWY SKYWAY, SMT SUMIT SUMITT SUMMIT,
        SPG SPNG SPRING SPRNG, SPGS SPNGS SPRINGS SPRNGS, SPUR, SQ SQR SQRE SQU SQUARE, SQS SQRS SQUARES, ST STR STREET STRT,
        STA STATION STATN STN, STRA STRAV STRAVEN STRAVENUE STRAVN, STRM STREAM STREME, STS STREETS, TER TERR TERRACE,
        TPKE TRNPK TRPK TURNPIKE TURNPK, TRAK TRACK TRAK TRK, TRCE TRACE, TRFY TRAFFICWAY, TRL TRAIL, TRWY THROUGHWAY,
        TUNL TUNEL TUNNEL TUNNL, UPAS UNDERPASS, VIADUCT VDCT VIADCT, VIS VIST VISTA VSTA, VL VILLE,
        VLG VILL VILLAG VILLAGE VILLG VILLIAGE, VLY VALLEY VALLY VLLY, VLYS VALLEYS, VW VIEW, VWS VIEWS, WALK, WALL,
        WAY WY, WAYS, WL WELL, WLS WELLS, XING CROSSING CRSSNG, XRD CROSSROAD, XRDS CROSSROADS",
    )
});

/// Further words with a usual abbreviation.
pub(super) static WORDS: Forms = LazyLock::new(|| {
    forms(
        "APT APARTMENT APTO, BLDG BUILDING, BOX B0X, BSMT BASEMENT, CARR CARRETERA, CLL CALLE, CO CNTY COUNTY, DEPT DEPARTMENT,
        FL FLOOR, FM, HC HCR, LBBY LOBBY, OFC OFFICE, PH PENTHOUSE, PO GPO P0, POBOX POB, RM ROOM, RR RFD, SPC SPACE,
        ST SAINT, STE SUITE, TRLR TRAILER, TWP TOWNSHIP, URB URBANIZACION URBANIZATION",
    )
});

pub(super) static DIRECTIONS: Forms =
    LazyLock::new(|| forms("N NORTH, S SOUTH, E EAST, W WEST, NE NORTHEAST, NW NORTHWEST, SE SOUTHEAST, SW SOUTHWEST"));

/// Words that announce a unit, all with one meaning.
pub(super) const UNITS: [&str; 15] = [
    "#",
    "APT",
    "APARTMENT",
    "APTO",
    "UNIT",
    "STE",
    "SUITE",
    "RM",
    "ROOM",
    "LOT",
    "SPC",
    "SPACE",
    "TRLR",
    "TRAILER",
    "NO",
];

/// Roads and boxes that have a number for a name: one form, and the phrases in standard words that stand for it, longer ones first.
pub(super) const NUMBERED: [(&str, &[&str]); 11] = [
    ("POBOX", &["PO BOX", "P O BOX", "POST OFC BOX", "PO DRAWER", "POBOX", "APARTADO POSTAL", "APARTADO"]),
    ("BOX", &["BOX"]),
    ("RR", &["RURAL RTE", "R R", "RR"]),
    ("HC", &["HWY CONTRACT RTE", "HWY CONTRACT", "HC RTE", "HC", "STAR RTE"]),
    ("PSC", &["POSTAL SERVICE CTR", "PSC"]),
    ("CMR", &["COMMUNITY MAIL RM", "COMMON MAIL RM", "CMR"]),
    ("CR", &["CO RD"]),
    ("SR", &["STATE RTE", "ST RTE"]),
    ("SH", &["STATE HWY", "ST HWY"]),
    ("UH", &["US HWY"]),
    ("FM", &["FARM TO MARKET RD", "FARM TO MARKET", "FM RD"]),
];

const ORDINALS: &str = "FIRST SECOND THIRD FOURTH FIFTH SIXTH SEVENTH EIGHTH NINTH TENTH ELEVENTH TWELFTH THIRTEENTH FOURTEENTH \
    FIFTEENTH SIXTEENTH SEVENTEENTH EIGHTEENTH NINETEENTH";
const TENS: [&str; 8] = ["TWENT", "THIRT", "FORT", "FIFT", "SIXT", "SEVENT", "EIGHT", "NINET"];
const COUNTS: &str = "ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE";

/// The ordinal number at the beginning of these words in figures (`123RD`), and how many words it has.
pub(super) fn ordinal(words: &[String]) -> Option<(String, usize)> {
    let hundreds = |count: &String| place(COUNTS, count).map(|number| 100 * number);
    let (number, length) = match words {
        [count, hundredth, ..] if hundredth == "HUNDREDTH" => (hundreds(count)?, 2),
        [count, hundred, rest @ ..] if hundred == "HUNDRED" => {
            let and = usize::from(rest.first().is_some_and(|word| word == "AND"));
            let (number, length) = below_hundred(&rest[and..])?;
            (hundreds(count)? + number, 2 + and + length)
        }
        words => below_hundred(words)?,
    };
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "TH",
        (_, 1) => "ST",
        (_, 2) => "ND",
        (_, 3) => "RD",
        _ => "TH",
    };
    Some((format!("{number}{ending}"), length))
}

fn below_hundred(words: &[String]) -> Option<(usize, usize)> {
    let (first, rest) = words.split_first()?;
    let tens = || {
        TENS.iter().zip(2..).find_map(|(stem, tens)| match first.strip_prefix(stem)? {
            "IETH" => Some((10 * tens, 1)),
            "Y" => Some((10 * tens + place(ORDINALS, rest.first()?).filter(|units| *units < 10)?, 2)),
            _ => None,
        })
    };
    place(ORDINALS, first).map(|number| (number, 1)).or_else(tens)
}

fn place(words: &str, word: &str) -> Option<usize> {
    words.split(' ').position(|other| other == word).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_are_read_up_to_hundreds() {
        for (words, expected) in [
            ("FIRST ST", Some(("1ST", 1))),
            ("ELEVENTH", Some(("11TH", 1))),
            ("TWELFTH AVE", Some(("12TH", 1))),
            ("TWENTIETH", Some(("20TH", 1))),
            ("TWENTY SECOND ST", Some(("22ND", 2))),
            ("FORTY FOURTH", Some(("44TH", 2))),
            ("EIGHTY THIRD", Some(("83RD", 2))),
            ("NINETIETH", Some(("90TH", 1))),
            ("ONE HUNDREDTH ST", Some(("100TH", 2))),
            ("ONE HUNDRED ELEVENTH", Some(("111TH", 3))),
            ("TWO HUNDRED AND FIFTY FIRST ST", Some(("251ST", 5))),
            ("TWENTY ST", None),
            ("FORT FIRST", None),
            ("ONE ST", None),
            ("HUNDREDTH ST", None),
            ("TWENTY TENTH", None),
            ("", None),
        ] {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            let expected = expected.map(|(text, length)| (text.to_owned(), length));
            assert_eq!(ordinal(&words), expected, "{words:?}");
        }
    }
}
