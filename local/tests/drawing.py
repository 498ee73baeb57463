"""Draws licences in the manner of several states, for the tests and for measuring.

They are not copies of any document: positions and wording follow the published layouts approximately,
the persons are fictitious, the portrait is Grace Hopper's.
"""

from __future__ import annotations

import io
import math
import random
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from bonafide_local.text.boxes import TextBox, TextPage

WIDTH, HEIGHT = 1000, 630
DATA = Path(__file__).resolve().parent / "data"
Line = tuple[float, float, float, str]
Truth = dict[str, str]


@dataclass(frozen=True)
class Layout:
    """Lines are (x, y, size, text) on a card of 1000 by 630; ``~`` before a text prints it small and grey-red."""

    name: str
    lines: tuple[Line, ...]
    truth: Truth = field(hash=False)
    tint: tuple[int, int, int] = (214, 226, 238)
    portrait: tuple[int, int, int, int] = (40, 150, 250, 330)
    ghost: tuple[int, int, int, int] | None = (850, 440, 110, 140)
    bold: bool = False


def _truth(
    first: str,
    last: str,
    number: str,
    birth: str,
    expires: str,
    address: str,
    city: str,
    state: str,
    code: str,
    middle: str = "",
    issued: str = "",
    suffix: str = "",
) -> Truth:
    return {
        "FIRST_NAME": first, "LAST_NAME": last, "MIDDLE_NAME": middle, "SUFFIX": suffix, "DOCUMENT_NUMBER": number,
        "DATE_OF_BIRTH": birth, "EXPIRATION_DATE": expires, "DATE_OF_ISSUE": issued, "ADDRESS": address,
        "CITY_IN_ADDRESS": city, "STATE_IN_ADDRESS": state, "ZIP_CODE_IN_ADDRESS": code,
    }  # fmt: skip


LAYOUTS: tuple[Layout, ...] = (
    Layout("florida", (
        (40, 20, 60, "Florida"), (400, 30, 40, "DRIVER LICENSE"), (900, 30, 24, "USA"),
        (330, 112, 26, "~4d"), (365, 108, 30, "DLN S123-456-57-901-0"),
        (330, 160, 26, "~1"), (350, 156, 28, "SAMPLE"), (330, 196, 26, "~2"), (350, 192, 28, "NICK JAMES"),
        (330, 232, 26, "~8"), (350, 228, 28, "123 MAIN STREET"), (350, 262, 28, "TALLAHASSEE, FL 32399-0000"),
        (330, 314, 26, "~3"), (350, 310, 28, "DOB 06/06/1957"), (640, 314, 26, "~15"), (670, 310, 28, "SEX M"),
        (330, 356, 26, "~4b"), (365, 352, 28, "EXP 06/06/2028"), (640, 356, 26, "~16"), (670, 352, 28, "HGT 5'-10\""),
        (330, 398, 26, "~12"), (365, 394, 28, "REST NONE"), (640, 398, 26, "~9a"), (670, 394, 28, "END NONE"),
        (330, 440, 26, "~4a"), (365, 436, 28, "ISS 06/06/2020"), (330, 482, 26, "~5"), (350, 478, 28, "DD S571234567890"),
        (330, 540, 24, "SAFE DRIVER"), (600, 560, 18, "Operation of a motor vehicle constitutes consent"),
    ), _truth("NICK", "SAMPLE", "S123-456-57-901-0", "06/06/1957", "06/06/2028", "123 MAIN STREET", "TALLAHASSEE", "FL", "32399-0000", "JAMES", "06/06/2020")),
    Layout("california", (
        (40, 15, 64, "California"), (560, 34, 34, "DRIVER LICENSE"), (930, 30, 22, "USA"),
        (320, 100, 34, "DL I1234562"), (320, 145, 28, "EXP 08/31/2029"), (560, 145, 28, "CLASS C"), (560, 180, 28, "END NONE"),
        (320, 180, 28, "LN CARDHOLDER"), (320, 215, 28, "FN IMA"), (320, 250, 28, "2570 24TH STREET"), (320, 282, 28, "ANYTOWN, CA 95818"),
        (320, 330, 30, "DOB 08/31/1977"), (320, 370, 24, "RSTR NONE"), (760, 330, 24, "08311977"),
        (320, 420, 24, "SEX F"), (440, 420, 24, "HAIR BRN"), (580, 420, 24, "EYES BRN"), (320, 455, 24, "HGT 5'-05\""), (480, 455, 24, "WGT 125 lb"),
        (760, 455, 24, "ISS"), (740, 485, 24, "08/31/2024"), (320, 500, 20, "DD 00/00/0000NNNAN/ANFD/YY"),
    ), _truth("IMA", "CARDHOLDER", "I1234562", "08/31/1977", "08/31/2029", "2570 24TH STREET", "ANYTOWN", "CA", "95818", "", "08/31/2024"), tint=(226, 232, 222), bold=True),
    Layout("texas", (
        (40, 15, 58, "TEXAS"), (300, 24, 26, "USA"), (560, 30, 34, "DRIVER LICENSE"),
        (330, 100, 28, "4d. DL: 12345678"), (640, 100, 28, "9. Class: C"), (330, 140, 28, "4a. Iss: 07/17/2023"), (640, 140, 28, "4b. Exp: 07/18/2031"),
        (330, 185, 30, "3. DOB: 07/19/1990"), (330, 230, 30, "1. SAMPLE"), (330, 266, 30, "2. DRIVER ALEXANDER"), (330, 302, 28, "8. 123 NORTH STREET"),
        (358, 336, 28, "CITY, TX 77777-0000"), (330, 386, 24, "12. Restrictions: NONE"), (640, 386, 24, "9a. End: NONE"),
        (330, 420, 24, "16. Hgt: 5'-09\""), (560, 420, 24, "15. Sex: M"), (720, 420, 24, "18. Eyes: BRO"), (330, 458, 22, "5. DD: 00000000000000000000"),
    ), _truth("DRIVER", "SAMPLE", "12345678", "07/19/1990", "07/18/2031", "123 NORTH STREET", "CITY", "TX", "77777-0000", "ALEXANDER", "07/17/2023"), tint=(236, 226, 214)),
    Layout("new-york-old", (
        (40, 15, 50, "NEW YORK STATE"), (560, 30, 36, "DRIVER LICENSE"),
        (330, 95, 30, "ID: 012 345 678"), (700, 95, 30, "CLASS D"), (330, 145, 28, "MOTORIST"), (330, 178, 28, "MICHELLE, M"),
        (330, 211, 28, "2345 ANYWHERE STREET"), (330, 244, 28, "ALBANY NY 12222"), (330, 300, 28, "DOB: 06/09/1985"),
        (330, 335, 26, "SEX: F"), (460, 335, 26, "EYES: BRO"), (660, 335, 26, "HT: 5'-09\""), (330, 370, 26, "E: NONE"), (330, 400, 26, "R: NONE"),
        (330, 440, 28, "ISSUED: 09/30/2021"), (330, 475, 28, "EXPIRES: 10/01/2029"),
    ), _truth("MICHELLE", "MOTORIST", "012 345 678", "06/09/1985", "10/01/2029", "2345 ANYWHERE STREET", "ALBANY", "NY", "12222", "M", "09/30/2021"), tint=(220, 224, 240)),
    Layout("new-york-new", (
        (40, 15, 54, "NEW YORK STATE"), (40, 80, 26, "DRIVER LICENSE"), (330, 110, 20, "~4d ID"), (400, 105, 30, "123 456 789"), (700, 110, 20, "~9 Class"), (790, 105, 28, "D"),
        (330, 150, 20, "~1"), (355, 146, 28, "DOCUMENT"), (330, 186, 20, "~2"), (355, 182, 28, "SAMPLE, A"), (330, 222, 20, "~8"), (355, 218, 28, "2345 ANYPLACE AVE"),
        (355, 252, 28, "ANYTOWN NY 12345"), (330, 304, 20, "~15 Sex"), (410, 300, 26, "F"), (470, 304, 20, "~16 Height"), (580, 300, 26, "5'-08\""), (700, 304, 20, "~18 Eyes"), (790, 300, 26, "BRO"),
        (330, 344, 20, "~9a E"), (395, 340, 26, "NONE"), (330, 380, 20, "~12 R"), (395, 376, 26, "NONE"),
        (330, 420, 20, "~3 DOB"), (420, 414, 30, "10/31/1990"), (330, 462, 20, "~4a Issued"), (450, 456, 28, "03/07/2022"), (330, 502, 20, "~4b Expires"), (460, 496, 28, "10/31/2029"),
    ), _truth("SAMPLE", "DOCUMENT", "123 456 789", "10/31/1990", "10/31/2029", "2345 ANYPLACE AVE", "ANYTOWN", "NY", "12345", "A", "03/07/2022"), tint=(224, 230, 240)),
    Layout("pennsylvania", (
        (40, 15, 50, "Pennsylvania"), (500, 20, 36, "DRIVER'S LICENSE"), (500, 65, 20, "visitPA.com"), (860, 70, 20, "USA"),
        (330, 105, 30, "4d DLN: 99 999 999"), (700, 105, 26, "DUPS: 00"), (330, 150, 30, "3 DOB: 01/07/1973"), (330, 195, 28, "4b EXP: 01/08/2030"), (660, 195, 28, "4a ISS: 01/07/2026"),
        (330, 240, 28, "1 SAMPLE"), (330, 273, 28, "2 ANDREW JASON"), (330, 306, 28, "8 123 MAIN STREET"), (350, 338, 28, "APT. 1"), (350, 370, 28, "HARRISBURG, PA 17101-0000"),
        (330, 415, 24, "15 SEX: M"), (500, 415, 24, "18 EYES: BRO"), (330, 448, 24, "16 HGT: 5'-11\""), (330, 485, 24, "9 CLASS: C"), (500, 485, 24, "9a END: NONE"), (330, 518, 24, "12 RESTR: NONE"), (330, 555, 20, "5 DD: 1234567890123456789012345"),
    ), _truth("ANDREW", "SAMPLE", "99 999 999", "01/07/1973", "01/08/2030", "123 MAIN STREET APT. 1", "HARRISBURG", "PA", "17101-0000", "JASON", "01/07/2026"), tint=(222, 230, 244)),
    Layout("washington", (
        (40, 15, 54, "WASHINGTON"), (560, 30, 34, "DRIVER LICENSE"), (330, 100, 30, "4d LIC# WDLABCD456DG"), (760, 100, 26, "9 CLASS"),
        (330, 145, 28, "1 WINTERGREEN"), (330, 178, 28, "2 JOSEPHINE RUTH"), (330, 211, 28, "8 123 STREET ADDRESS"), (352, 244, 28, "YOUR CITY WA 99999-1234"),
        (330, 295, 28, "3 DOB 12/01/1980"), (620, 295, 28, "4a ISS 05/01/2024"), (330, 335, 24, "15 SEX M"), (480, 335, 24, "18 EYES BRO"), (620, 335, 28, "4b EXP 12/01/2029"),
        (330, 370, 24, "16 HGT 6'-01\""), (530, 370, 24, "17 WGT 170 lb"), (330, 405, 24, "12 RESTRICTIONS NONE"), (330, 440, 24, "9a END NONE"), (330, 480, 20, "5 DD WDLABCD456DG1234567XX1101"),
    ), _truth("JOSEPHINE", "WINTERGREEN", "WDLABCD456DG", "12/01/1980", "12/01/2029", "123 STREET ADDRESS", "YOUR CITY", "WA", "99999-1234", "RUTH", "05/01/2024"), tint=(214, 234, 226)),
    Layout("illinois", (
        (40, 12, 48, "Illinois"), (300, 20, 22, "Secretary of State"), (560, 20, 34, "DRIVER'S LICENSE"), (330, 90, 26, "LIC. NO.: S530-4203-8061"), (330, 130, 26, "DOB: 03-01-1978"),
        (330, 168, 26, "EXPIRES: 03-01-2030"), (640, 168, 26, "ISSUED: 02-13-2026"), (330, 215, 28, "SAMPLE"), (330, 248, 28, "JANE MARIE"), (330, 281, 28, "4567 WEST PALM AVE"), (330, 314, 28, "SPRINGFIELD IL 62702"),
        (330, 370, 24, "SEX: F"), (470, 370, 24, "HT: 5'04\""), (620, 370, 24, "WT: 120"), (760, 370, 24, "EYES: BLU"), (330, 405, 24, "CLASS: D"), (330, 440, 24, "RESTR: NONE"), (560, 440, 24, "END: NONE"),
    ), _truth("JANE", "SAMPLE", "S530-4203-8061", "03/01/1978", "03/01/2030", "4567 WEST PALM AVE", "SPRINGFIELD", "IL", "62702", "MARIE", "02/13/2026"), tint=(240, 228, 222)),
    Layout("georgia", (
        (40, 12, 54, "GEORGIA"), (560, 20, 34, "DRIVER'S LICENSE"), (330, 95, 26, "4d DL NO. 987654321"), (700, 95, 26, "9 CLASS CM"), (330, 135, 28, "3 DOB 01/09/1987"), (330, 180, 28, "2 JANICE ANN"), (330, 213, 28, "1 SAMPLE"),
        (330, 246, 28, "8 4567 NORTH STATE STREET"), (350, 279, 28, "ATLANTA, GA 30303-1234"), (350, 312, 28, "FULTON"), (330, 360, 26, "4a ISS 12/09/2025"), (620, 360, 26, "4b EXP 01/09/2031"), (330, 400, 24, "15 SEX F"), (480, 400, 24, "18 EYES BLU"),
        (330, 435, 24, "16 HGT 5'-06\""), (560, 435, 24, "17 WGT 120 lb"), (330, 470, 24, "12 REST A"), (560, 470, 24, "9a END M"),
    ), _truth("JANICE", "SAMPLE", "987654321", "01/09/1987", "01/09/2031", "4567 NORTH STATE STREET", "ATLANTA", "GA", "30303-1234", "ANN", "12/09/2025"), tint=(244, 232, 220)),
    Layout("arizona", (
        (40, 12, 54, "ARIZONA"), (460, 20, 34, "DRIVER LICENSE"), (850, 20, 24, "USA"), (330, 95, 28, "9 CLASS D"), (330, 135, 28, "4d DLN D08954796"), (330, 175, 28, "3 DOB 02/01/1957"), (330, 220, 28, "1 SAMPLE"), (330, 253, 28, "2 JELANI"),
        (330, 286, 28, "8 123 MAIN ST"), (352, 319, 28, "PHOENIX, AZ 85007"), (330, 370, 26, "4a ISS 09/16/2025"), (330, 405, 26, "4b EXP 02/01/2033"), (620, 370, 24, "15 SEX M"), (620, 405, 24, "18 EYES BRO"), (330, 440, 24, "12 REST NONE"), (620, 440, 24, "9a END NONE"), (330, 480, 20, "5 DD 0000000000000000"),
    ), _truth("JELANI", "SAMPLE", "D08954796", "02/01/1957", "02/01/2033", "123 MAIN ST", "PHOENIX", "AZ", "85007", "", "09/16/2025"), tint=(238, 226, 216)),
    Layout("new-jersey", (
        (40, 12, 50, "NEW JERSEY"), (560, 20, 30, "AUTO DRIVER LICENSE"), (330, 95, 28, "DL S1234 56789 01234"), (760, 95, 26, "CLASS D"), (330, 138, 26, "DOB 05-15-1976"), (640, 138, 26, "EXP 05-15-2030"), (330, 185, 28, "SAMPLE"), (330, 218, 28, "STEPHANIE MARIE"),
        (330, 251, 28, "45 PINE ST APT 3B"), (330, 284, 28, "TRENTON NJ 08608-1234"), (330, 335, 24, "HGT 5'-06\""), (520, 335, 24, "SEX F"), (640, 335, 24, "EYES BRO"), (330, 370, 24, "RESTR. NONE"), (560, 370, 24, "END. NONE"), (330, 410, 26, "ISS 05-15-2026"),
    ), _truth("STEPHANIE", "SAMPLE", "S1234 56789 01234", "05/15/1976", "05/15/2030", "45 PINE ST APT 3B", "TRENTON", "NJ", "08608-1234", "MARIE", "05/15/2026"), tint=(226, 238, 226)),
    Layout("ohio", (
        (40, 12, 54, "OHIO"), (420, 20, 34, "DRIVER LICENSE"), (850, 20, 24, "USA"), (330, 95, 26, "4d LICENSE NO. TL545796"), (330, 135, 28, "1 PUBLIC"), (330, 168, 28, "2 JOHN Q"), (330, 201, 28, "8 1970 WEST BROAD ST"), (350, 234, 28, "COLUMBUS, OH 43223"),
        (330, 285, 28, "3 BIRTHDATE 01/15/1981"), (330, 325, 26, "4a ISSUE DATE 01/15/2026"), (330, 362, 26, "4b EXPIRES 01/15/2030"), (330, 400, 24, "9 CLASS D"), (500, 400, 24, "9a ENDORS NONE"), (330, 435, 24, "12 RESTR A"), (330, 470, 24, "15 SEX M"), (480, 470, 24, "16 HT 5-10"), (620, 470, 24, "17 WT 180"),
    ), _truth("JOHN", "PUBLIC", "TL545796", "01/15/1981", "01/15/2030", "1970 WEST BROAD ST", "COLUMBUS", "OH", "43223", "Q", "01/15/2026"), tint=(228, 228, 240)),
    Layout("virginia", (
        (40, 12, 50, "VIRGINIA"), (460, 20, 34, "DRIVER'S LICENSE"), (330, 92, 18, "~CUSTOMER IDENTIFIER"), (330, 112, 30, "T64235789"), (330, 156, 18, "~NAME"), (330, 176, 28, "SAMPLE,"), (330, 208, 28, "VIRGINIA ANN"), (330, 246, 18, "~ADDRESS"),
        (330, 266, 28, "2300 WEST BROAD STREET"), (330, 299, 28, "RICHMOND, VA 23269-0001"), (330, 345, 18, "~DOB"), (330, 365, 28, "06/09/1986"), (560, 345, 18, "~ISS"), (560, 365, 28, "06/10/2024"), (770, 345, 18, "~EXP"), (770, 365, 28, "06/10/2032"),
        (330, 410, 18, "~SEX"), (330, 430, 26, "F"), (450, 410, 18, "~HGT"), (450, 430, 26, "5'-05\""), (600, 410, 18, "~EYES"), (600, 430, 26, "BRN"), (330, 480, 18, "~CLASS"), (330, 500, 26, "DM"),
    ), _truth("VIRGINIA", "SAMPLE", "T64235789", "06/09/1986", "06/10/2032", "2300 WEST BROAD STREET", "RICHMOND", "VA", "23269-0001", "ANN", "06/10/2024"), tint=(232, 236, 240)),
    Layout("michigan", (
        (40, 12, 54, "MICHIGAN"), (460, 20, 34, "OPERATOR LICENSE"), (330, 95, 28, "S 123 456 789 012"), (330, 140, 28, "JOHN DOE SAMPLE"), (330, 173, 28, "123 MAPLE DR"), (330, 206, 28, "LANSING, MI 48901-1234"),
        (330, 260, 26, "DOB 08-24-1976"), (620, 260, 26, "SEX M"), (330, 300, 26, "EXPIRES 08-24-2029"), (620, 300, 26, "ISS 08-20-2025"), (330, 340, 24, "HT 5-10 EYES BRO"), (330, 380, 24, "TYPE O"), (330, 420, 24, "RESTRICTIONS"),
    ), _truth("JOHN", "SAMPLE", "S 123 456 789 012", "08/24/1976", "08/24/2029", "123 MAPLE DR", "LANSING", "MI", "48901-1234", "DOE", "08/20/2025"), tint=(224, 234, 244)),
    Layout("massachusetts", (
        (40, 12, 46, "MASSACHUSETTS"), (560, 20, 34, "DRIVER'S LICENSE"), (330, 88, 18, "~4a ISS"), (330, 106, 28, "03/18/2024"), (560, 88, 18, "~4d NUMBER"), (560, 106, 28, "S99988801"), (330, 146, 18, "~4b EXP"), (330, 164, 28, "01/20/2030"), (560, 146, 18, "~3 DOB"), (560, 164, 28, "03/18/1981"),
        (330, 204, 18, "~9 CLASS"), (330, 222, 26, "D"), (450, 204, 18, "~12 REST"), (450, 222, 26, "NONE"), (560, 204, 18, "~9a END"), (560, 222, 26, "NONE"), (330, 268, 28, "1 GARCIA"), (330, 300, 28, "2 MARIA"), (330, 336, 28, "8 100 MARKET STREET"), (350, 368, 28, "BIGTOWN, MA 02801"),
        (330, 420, 18, "~15 SEX"), (330, 438, 26, "F"), (450, 420, 18, "~16 HGT"), (450, 438, 26, "4'-06\""), (330, 490, 18, "5 DD 03/12/2024 Rev 07/12/2017"),
    ), _truth("MARIA", "GARCIA", "S99988801", "03/18/1981", "01/20/2030", "100 MARKET STREET", "BIGTOWN", "MA", "02801", "", "03/18/2024"), tint=(232, 232, 222)),
    Layout("colorado", (
        (40, 12, 54, "COLORADO"), (460, 20, 34, "DRIVER LICENSE"), (330, 95, 28, "4d 16-123-4567"), (330, 135, 28, "1 SAMPLE-JONES"), (330, 168, 28, "2 MARY ELIZABETH JR"), (330, 201, 28, "8 1881 PIERCE STREET UNIT 12"), (350, 234, 28, "LAKEWOOD CO 80214"),
        (330, 285, 26, "3 DOB 04/21/1992"), (330, 320, 26, "4b EXP 04/21/2031"), (620, 320, 26, "4a ISS 04/20/2026"), (330, 360, 24, "9 CLASS R"), (500, 360, 24, "9a END NONE"), (700, 360, 24, "12 REST Y"), (330, 400, 24, "15 SEX F 16 HGT 5'-02\" 17 WGT 130 lb"), (330, 435, 24, "18 EYES HAZ 19 HAIR BRO"), (330, 480, 24, "VETERAN"),
    ), _truth("MARY", "SAMPLE-JONES", "16-123-4567", "04/21/1992", "04/21/2031", "1881 PIERCE STREET UNIT 12", "LAKEWOOD", "CO", "80214", "ELIZABETH", "04/20/2026", "JR"), tint=(222, 238, 232)),
    Layout("north-carolina", (
        (40, 12, 46, "NORTH CAROLINA"), (560, 20, 34, "DRIVER LICENSE"), (330, 95, 28, "4d DLN 000099499950"), (700, 95, 26, "9 CLASS C"), (330, 135, 26, "4b EXP 03/19/2031"), (620, 135, 26, "3 DOB 03/19/1979"), (330, 180, 28, "1 O'MALLEY"), (330, 213, 28, "2 PATRICK SEAN"), (330, 250, 28, "8 9817 OLD WAKE FOREST RD"), (352, 283, 28, "APT 204"), (352, 316, 28, "WINSTON-SALEM, NC 27101-0001"),
        (330, 365, 24, "15 SEX M"), (480, 365, 24, "16 HGT 6'-00\""), (660, 365, 24, "18 EYES GRN"), (330, 400, 24, "12 RESTR NONE"), (560, 400, 24, "9a ENDORS NONE"), (330, 440, 26, "4a ISS 03/20/2026"), (330, 480, 20, "5 DD 0000000001"),
    ), _truth("PATRICK", "O'MALLEY", "000099499950", "03/19/1979", "03/19/2031", "9817 OLD WAKE FOREST RD APT 204", "WINSTON-SALEM", "NC", "27101-0001", "SEAN", "03/20/2026"), tint=(240, 236, 226)),
    Layout("old-name-line", (
        (40, 12, 54, "TENNESSEE"), (420, 20, 34, "DRIVER LICENSE"), (330, 95, 26, "DL NUMBER 123456789"), (330, 135, 26, "SAMPLE, JOHN ALLEN"), (330, 168, 26, "1150 FOSTER AVE"), (330, 201, 26, "NASHVILLE, TN 37243"), (330, 255, 26, "BIRTHDATE 11-11-1974"), (330, 290, 26, "EXPIRATION 11-11-2030"), (330, 325, 26, "ISSUE DATE 11-10-2025"), (330, 365, 24, "SEX M  HGT 6-02  EYES BLUE"), (330, 405, 24, "CLASS D"), (500, 405, 24, "END NONE"), (650, 405, 24, "REST 01"),
    ), _truth("JOHN", "SAMPLE", "123456789", "11/11/1974", "11/11/2030", "1150 FOSTER AVE", "NASHVILLE", "TN", "37243", "ALLEN", "11/10/2025"), tint=(228, 238, 244)),
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How a card is photographed or scanned."""

    width: int = 1000
    pattern: float = 1.0
    noise: float = 0.0
    quality: int | None = None
    degrees: float = 0.0
    blur: float = 0.0
    brightness: float = 1.0
    font: str = "default"
    margin: float = 0.0


LOOKS: dict[str, Look] = {
    "scan": Look(width=1000),
    "small": Look(width=560, pattern=0.7, quality=88),
    "large": Look(width=2400, pattern=1.2, noise=6, quality=90),
    "photo": Look(width=1600, pattern=1.0, noise=8, quality=80, degrees=1.6, blur=0.8, brightness=0.9, margin=0.06),
}


@lru_cache(maxsize=256)
def _font(size: int, kind: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if kind != "default":
        try:
            return ImageFont.truetype(kind, size)
        except OSError:
            pass
    return ImageFont.load_default(size)


def boxes_of(layout: Layout, *, glued: bool = False) -> TextPage:
    """The text boxes of a perfect reader, with the pieces of one line joined as a detector does.

    ``glued`` leaves out every space, the worst result of the recogniser.
    """
    boxes: list[TextBox] = []
    for x, y, points, text in sorted(layout.lines, key=lambda line: (line[1] // 8, line[0])):
        words = text.lstrip("~")
        width = _font(round(points), "default").getlength(words)
        box = TextBox(words.replace(" ", "") if glued else words, x, y + 0.15 * points, x + width, y + 0.95 * points, 0.98)
        before = boxes[-1] if boxes else None
        if before and abs(before.middle - box.middle) < 0.4 * box.height and 0 <= box.left - before.right < 0.4 * box.height:
            joint = "" if glued else " "
            boxes[-1] = TextBox(
                before.text + joint + box.text, before.left, min(before.top, box.top), box.right, max(before.bottom, box.bottom), 0.98
            )
        else:
            boxes.append(box)
    return TextPage(WIDTH, HEIGHT, tuple(boxes))


@lru_cache(maxsize=64)
def draw_license(layout: Layout, look: Look = Look(), seed: int = 1) -> bytes:
    """Draw one card; PNG, or JPEG when the look has a quality."""
    chance = random.Random(f"{layout.name}{seed}")
    # Text is drawn at the final size, so that it is as sharp as in a scan of that size.
    scale = look.width / WIDTH
    size = (look.width, round(HEIGHT * scale))
    card = Image.new("RGB", size, layout.tint)
    canvas = ImageDraw.Draw(card)
    _pattern(canvas, size, layout.tint, look.pattern, scale, chance)
    _portraits(card, layout, scale)
    for x, y, points, text in layout.lines:
        small = text.startswith("~")
        text = text.lstrip("~")
        font = _font(max(6, round(points * scale)), look.font)
        heading = y < 60
        color = (150, 60, 50) if small else (30, 60, 120) if heading else (20, 20, 24)
        canvas.text(
            (x * scale, y * scale),
            text,
            font=font,
            fill=color,
            stroke_width=1 if layout.bold and scale >= 1 and not small else 0,
            stroke_fill=color,
        )
    _vertical_birth_date(card, layout, scale, look)
    return _encoded(_photographed(card, look, chance), look)


def _pattern(
    canvas: ImageDraw.ImageDraw, size: tuple[int, int], tint: tuple[int, int, int], strength: float, scale: float, chance: random.Random
) -> None:
    for _ in range(70):
        phase, swing = chance.random() * 6.3, (8 + 26 * chance.random()) * scale
        frequency, base = (0.004 + 0.02 * chance.random()) / scale, chance.random() * size[1]
        color = tuple(max(0, int(part - strength * chance.randint(6, 46))) for part in tint)
        points = [(x, base + swing * math.sin(frequency * x + phase)) for x in range(0, size[0] + 5, 5)]
        canvas.line(points, fill=color, width=max(1, round(scale)))


def _portraits(card: Image.Image, layout: Layout, scale: float) -> None:
    with Image.open(DATA / "hopper.jpg") as opened:
        face = opened.convert("RGB")
    for place, faint in ((layout.portrait, False), (layout.ghost, True)):
        if place is None:
            continue
        left, top, width, height = (round(part * scale) for part in place)
        picture = face.resize((width, height), Image.Resampling.LANCZOS)
        if faint:
            ground = card.crop((left, top, left + width, top + height))
            picture = Image.blend(ground, ImageEnhance.Color(picture).enhance(0).convert("RGB"), 0.45)
        card.paste(picture, (left, top))


def _vertical_birth_date(card: Image.Image, layout: Layout, scale: float, look: Look) -> None:
    text = layout.truth["DATE_OF_BIRTH"].replace("/", "")
    font = _font(max(6, round(18 * scale)), look.font)
    strip = Image.new("RGBA", (round(130 * scale), round(26 * scale)), (0, 0, 0, 0))
    ImageDraw.Draw(strip).text((2, 0), text, font=font, fill=(60, 60, 90, 255))
    turned = strip.rotate(90, expand=True)
    card.paste(turned, (round(968 * scale), round(150 * scale)), turned)


def _photographed(card: Image.Image, look: Look, chance: random.Random) -> Image.Image:
    if look.margin:
        border = round(look.margin * card.width)
        framed = Image.new("RGB", (card.width + 2 * border, card.height + 2 * border), (92, 84, 76))
        framed.paste(card, (border, border))
        card = framed
    if look.degrees:
        card = card.rotate(look.degrees, resample=Image.Resampling.BICUBIC, fillcolor=(92, 84, 76))
    if look.blur:
        card = card.filter(ImageFilter.GaussianBlur(look.blur))
    if look.brightness != 1.0:
        card = ImageEnhance.Brightness(card).enhance(look.brightness)
    if look.noise:
        noise = Image.effect_noise(card.size, look.noise * 2)
        card = Image.blend(card, Image.merge("RGB", [noise] * 3), 0.08)
    return card


def _encoded(card: Image.Image, look: Look) -> bytes:
    buffer = io.BytesIO()
    if look.quality:
        card.save(buffer, "JPEG", quality=look.quality)
    else:
        card.save(buffer, "PNG")
    return buffer.getvalue()
