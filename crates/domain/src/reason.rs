//! The one list of reasons: what a machine reads, what an applicant is told, what staff see.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What can be done about a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ReasonClass {
    /// The applicant cannot change it.
    Final,
    /// The applicant can correct it and send the evidence again.
    Correctable,
    /// The system could not judge; staff can replay it.
    Technical,
}

/// The text is no reason code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown reason code")]
pub struct UnknownReasonCode;

macro_rules! is_overrulable {
    () => {
        true
    };
    (NeverOverruled) => {
        false
    };
}

macro_rules! reasons {
    ($($variant:ident $code:literal $class:ident $($never_overruled:ident)? { applicant: $applicant:literal, staff: $staff:literal })+) => {
        /// Why an application did not simply pass. Append-only: a code is never renamed and never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ReasonCode {
            $(#[doc = $staff] #[serde(rename = $code)] $variant,)+
        }

        impl ReasonCode {
            /// All reasons, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code: `SCREAMING_SNAKE`, subject first.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What can be done about it.
            #[must_use]
            pub const fn class(self) -> ReasonClass {
                match self { $(Self::$variant => ReasonClass::$class,)+ }
            }

            /// The reasons for which no person may overrule a decline.
            pub fn never_overruled() -> impl Iterator<Item = Self> {
                Self::ALL.iter().copied().filter(|reason| !reason.is_overrulable())
            }

            /// Whether a person may overrule a decline for it, after an appeal.
            #[must_use]
            pub const fn is_overrulable(self) -> bool {
                match self { $(Self::$variant => is_overrulable!($($never_overruled)?),)+ }
            }

            /// The sentence for the applicant.
            #[must_use]
            pub const fn applicant(self) -> &'static str {
                match self { $(Self::$variant => $applicant,)+ }
            }

            /// The sentence for staff.
            #[must_use]
            pub const fn staff(self) -> &'static str {
                match self { $(Self::$variant => $staff,)+ }
            }
        }
    };
}

reasons! {
    UploadPrefixUnknown "UPLOAD_PREFIX_UNKNOWN" Correctable {
        applicant: "We could not tell what your file is for. Please upload it again through the application form.",
        staff: "The object's key has none of the known prefixes."
    }
    UploadNameInvalid "UPLOAD_NAME_INVALID" Correctable {
        applicant: "Your file has a name that we cannot use. Please upload it again through the application form.",
        staff: "The object's base name is no application id, or its extension does not fit its prefix."
    }
    UploadKindMismatch "UPLOAD_KIND_MISMATCH" Correctable {
        applicant: "Your application began with another kind of upload. Please upload it again through the application form.",
        staff: "A single picture for an application that began with a package, or the other way round. The application is unchanged."
    }
    SubmissionInProgress "SUBMISSION_IN_PROGRESS" Correctable {
        applicant: "We are still checking what you sent before. Please wait for the result.",
        staff: "An upload came while an earlier one was judged. It was not looked at, and the application is unchanged."
    }
    ApplicationInReview "APPLICATION_IN_REVIEW" Correctable {
        applicant: "A person is looking at your application. Please wait for the result.",
        staff: "An upload came while the application waits for a person. It was not looked at, and the application is unchanged."
    }
    ApplicationClosed "APPLICATION_CLOSED" Final {
        applicant: "Your application is closed. Please contact us.",
        staff: "An upload came after the application was approved or declined. It was not looked at, and the application is unchanged."
    }
    AttemptsExhausted "ATTEMPTS_EXHAUSTED" Final {
        applicant: "We could not use what you sent several times. A person will look at your application.",
        staff: "The last attempt that the setting allows could not be used either, or a third one had the same defect of the document; a person decides."
    }
    UploadMissing "UPLOAD_MISSING" Technical {
        applicant: "We could not open your upload. Please send it again.",
        staff: "The uploaded object was gone before it could be copied to the evidence."
    }
    PackageNotAZip "PACKAGE_NOT_A_ZIP" Correctable {
        applicant: "The file is not a zip archive, or it is damaged. Please pack your documents again.",
        staff: "The package cannot be read as a zip archive."
    }
    PackageEncrypted "PACKAGE_ENCRYPTED" Correctable {
        applicant: "The archive is protected by a password. Please send it without one.",
        staff: "A member of the archive is encrypted."
    }
    PackageTooManyEntries "PACKAGE_TOO_MANY_ENTRIES" Correctable {
        applicant: "The archive holds more files than the three that we need.",
        staff: "The archive has more entries than the limit allows."
    }
    PackageTooLarge "PACKAGE_TOO_LARGE" Correctable {
        applicant: "The archive is too large. Please use smaller pictures.",
        staff: "The archive is larger than the limit."
    }
    PackageZipBomb "PACKAGE_ZIP_BOMB" Correctable {
        applicant: "We cannot accept this archive. Please pack your documents again.",
        staff: "A member expands beyond what its size allows: a decompression bomb, or a header that lies."
    }
    PackagePathUnsafe "PACKAGE_PATH_UNSAFE" Correctable {
        applicant: "We cannot accept this archive. Please pack your documents again.",
        staff: "An entry's path leads out of the archive."
    }
    PackageMemberUnexpected "PACKAGE_MEMBER_UNEXPECTED" Correctable {
        applicant: "The archive holds a file that we did not ask for, or one with a wrong name.",
        staff: "An entry's name is none of <id>_details.csv, <id>_license and <id>_selfie (png, jpg, jpeg)."
    }
    PackageMemberDoubled "PACKAGE_MEMBER_DOUBLED" Correctable {
        applicant: "The archive holds one of the files twice.",
        staff: "Two entries claim to be the same member."
    }
    DetailsMissing "DETAILS_MISSING" Correctable {
        applicant: "Your details are missing from the archive.",
        staff: "The archive has no <id>_details.csv."
    }
    DocumentMissing "DOCUMENT_MISSING" Correctable {
        applicant: "The picture of your document is missing.",
        staff: "There is no document to compare with: not in the archive, or not uploaded yet."
    }
    SelfieMissing "SELFIE_MISSING" Correctable {
        applicant: "Your selfie is missing.",
        staff: "The archive has no selfie."
    }
    DetailsUnreadable "DETAILS_UNREADABLE" Correctable {
        applicant: "Your details could not be read. Please fill in the form again.",
        staff: "The details are no readable CSV table: undecodable, broken rows, or fields beyond the limit."
    }
    DetailsColumnsWrong "DETAILS_COLUMNS_WRONG" Correctable {
        applicant: "Your details are incomplete. Please fill in the form again.",
        staff: "The CSV header lacks a column, or has one twice."
    }
    DetailsRowsWrong "DETAILS_ROWS_WRONG" Correctable {
        applicant: "Your details must describe exactly one person.",
        staff: "The CSV has no data row, or more than one."
    }
    DetailsValueMissing "DETAILS_VALUE_MISSING" Correctable {
        applicant: "Your details are incomplete. Please fill in every field. If you have only one name, write FNU as your first name.",
        staff: "A required value of the CSV is empty."
    }
    DetailsBirthDateUnreadable "DETAILS_BIRTH_DATE_UNREADABLE" Correctable {
        applicant: "The date of birth that you gave is no date. Please write month, day and a year of four digits, such as 02/14/1979.",
        staff: "The date of birth in the details is no date, or has no year of four digits."
    }
    DetailsDocumentNumberUnreadable "DETAILS_DOCUMENT_NUMBER_UNREADABLE" Correctable {
        applicant: "The document number that you gave is no number of a document. Please write it as it is printed, and store it as text, not as a number.",
        staff: "The document number in the details has no letter or digit, or a spreadsheet has shortened it, as in 8.12E+11."
    }
    SelfieNotAnImage "SELFIE_NOT_AN_IMAGE" Correctable {
        applicant: "Your selfie is not a JPEG or PNG picture. Phones often store HEIC: choose JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible) and take it again, or export it as JPEG; another file name does not change it.",
        staff: "The selfie's content is neither JPEG nor PNG, whatever its name says: HEIC, WebP and AVIF are common."
    }
    SelfieTooLarge "SELFIE_TOO_LARGE" Correctable {
        applicant: "Your selfie is too large. Please send a smaller picture.",
        staff: "The selfie is larger than Rekognition takes (15 MB)."
    }
    SelfieTooSmall "SELFIE_TOO_SMALL" Correctable {
        applicant: "Your selfie is too small. Please send a larger picture.",
        staff: "A side of the selfie is shorter than Rekognition needs (80 pixels)."
    }
    SelfieUnreadable "SELFIE_UNREADABLE" Correctable {
        applicant: "Your selfie could not be opened. Please take it again.",
        staff: "Rekognition could not read the selfie."
    }
    SelfieFaceNotFound "SELFIE_FACE_NOT_FOUND" Correctable {
        applicant: "We could not find a face on your selfie. Please take it again in good light.",
        staff: "Rekognition found no face on the selfie."
    }
    SelfieFaceUnclear "SELFIE_FACE_UNCLEAR" Correctable {
        applicant: "Your face is not clear enough on the selfie. Please take it again in good light.",
        staff: "Rekognition is not sure enough that the selfie shows a face."
    }
    SelfieMultipleFaces "SELFIE_MULTIPLE_FACES" Correctable {
        applicant: "There is more than one face on your selfie. Please take it alone.",
        staff: "Rekognition found several faces on the selfie."
    }
    SelfieQualityLow "SELFIE_QUALITY_LOW" Correctable {
        applicant: "Your selfie is too dark, too blurred, or taken from the side. Please take it again.",
        staff: "Rekognition's quality filter refused the face."
    }
    FaceDuplicate "FACE_DUPLICATE" Final {
        applicant: "A person will look at your application. You need not do anything.",
        staff: "The face belongs to another application already, unless the two are twins; the record names that face and its application."
    }
    FaceDuplicateConcurrent "FACE_DUPLICATE_CONCURRENT" Final {
        applicant: "Another application with your face was sent at the same moment. A person will look at your application.",
        staff: "Two applications with the same face were checked at the same moment; a person decides. The row names the other face and its application."
    }
    FaceMismatch "FACE_MISMATCH" Final {
        applicant: "The face on your selfie is not the one on your document.",
        staff: "The similarity of selfie and document portrait is not above the threshold."
    }
    FaceMatchUnsure "FACE_MATCH_UNSURE" Final {
        applicant: "We could not be sure that your selfie and your document show the same person. A person will look at your application.",
        staff: "The similarity of selfie and document portrait is above `SimilarityRefer`, but not above `SimilarityPass`."
    }
    SelfieSamePhotograph "SELFIE_SAME_PHOTOGRAPH" Final {
        applicant: "Your selfie seems to be the picture that is on your document. A person will look at your application.",
        staff: "Selfie and document portrait share so many features that they are one photograph, whole or cut out, unless the document was issued with this very picture."
    }
    PicturesNotCompared "PICTURES_NOT_COMPARED" Final {
        applicant: "A person will look at your pictures. You need not do anything.",
        staff: "Rekognition compared the faces, but selfie and document could not be compared as pictures: one has transparent or turned content, or cannot be decoded. A person has to see that they are two photographs."
    }
    FaceChanged "FACE_CHANGED" Final {
        applicant: "The face on your selfie is not the one of your earlier selfie.",
        staff: "A later selfie does not show the person whose face the application has. The application is unchanged."
    }
    PortraitNotFound "PORTRAIT_NOT_FOUND" Correctable {
        applicant: "We could not find a portrait on your document. Please photograph its front again, and send the picture upright.",
        staff: "Rekognition found no face on the document."
    }
    PortraitNotOnDocument "PORTRAIT_NOT_ON_DOCUMENT" Correctable {
        applicant: "Please photograph only your document, without a person or another picture beside it.",
        staff: "The largest face on the picture of the document is larger than a portrait, or lies beside the document."
    }
    DocumentNotAnImage "DOCUMENT_NOT_AN_IMAGE" Correctable {
        applicant: "The picture of your document is not a JPEG or PNG picture. Phones often store HEIC: choose JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible) and take it again, or export it as JPEG; another file name does not change it.",
        staff: "The document's content is neither JPEG nor PNG, whatever its name says: HEIC, WebP and AVIF are common."
    }
    DocumentTooLarge "DOCUMENT_TOO_LARGE" Correctable {
        applicant: "The picture of your document is too large. Please send a smaller one.",
        staff: "The document is larger than Textract takes (10 MB, 10,000 pixels a side)."
    }
    DocumentTooSmall "DOCUMENT_TOO_SMALL" Correctable {
        applicant: "The picture of your document is too small. Please send a larger one.",
        staff: "A side of the document is shorter than Rekognition needs (80 pixels)."
    }
    DocumentUnreadable "DOCUMENT_UNREADABLE" Correctable {
        applicant: "Your document could not be read. Please photograph it again, flat and in good light.",
        staff: "Rekognition or Textract could not open the document, or Textract read not one field."
    }
    DocumentBackMissing "DOCUMENT_BACK_MISSING" Correctable {
        applicant: "Please photograph the back of your licence as well.",
        staff: "The stage requires the back of a licence, and the package has none."
    }
    BarcodeUnreadable "BARCODE_UNREADABLE" Correctable {
        applicant: "The barcode on the back of your licence could not be read. Please photograph the back straight from above, without glare.",
        staff: "The stage requires a back with a barcode, and the picture shows none of a licence that can be read."
    }
    DocumentIssuerUnreadable "DOCUMENT_ISSUER_UNREADABLE" Final {
        applicant: "We could not read which state issued your document. A person will look at your application.",
        staff: "The issuing state was not read, so that the document's number belongs to no certain customer; a person decides."
    }
    FirstNameUnreadable "FIRST_NAME_UNREADABLE" Correctable {
        applicant: "The first name on your document could not be read. Please photograph it again.",
        staff: "The document's first name is missing, or its confidence is below the threshold."
    }
    LastNameUnreadable "LAST_NAME_UNREADABLE" Correctable {
        applicant: "The last name on your document could not be read. Please photograph it again.",
        staff: "The document's last name is missing, or its confidence is below the threshold."
    }
    BirthDateUnreadable "BIRTH_DATE_UNREADABLE" Correctable {
        applicant: "The date of birth on your document could not be read. Please photograph it again.",
        staff: "The document's date of birth is missing, no date, or its confidence is below the threshold."
    }
    DocumentNumberUnreadable "DOCUMENT_NUMBER_UNREADABLE" Correctable {
        applicant: "The number of your document could not be read. Please photograph it again.",
        staff: "The document number is missing, or its confidence is below the threshold."
    }
    ExpirationDateUnreadable "EXPIRATION_DATE_UNREADABLE" Correctable {
        applicant: "The expiry date of your document could not be read. Please photograph it again.",
        staff: "The document's expiry date is missing, no date, or its confidence is below the threshold."
    }
    IssueDateUnreadable "ISSUE_DATE_UNREADABLE" Correctable {
        applicant: "The date of issue on your document could not be read. Please photograph it again.",
        staff: "The document cannot have been issued on the date that was read: it lies in the future, after the expiry date, or before the bearer was old enough."
    }
    AddressUnreadable "ADDRESS_UNREADABLE" Correctable {
        applicant: "The address on your document could not be read. Please photograph it again.",
        staff: "The document's address is missing, or its confidence is below the threshold."
    }
    FirstNameMismatch "FIRST_NAME_MISMATCH" Final {
        applicant: "The first name that you gave is not the one that we read on your document.",
        staff: "The first names of details and document differ. Near misses are only referred."
    }
    LastNameMismatch "LAST_NAME_MISMATCH" Final {
        applicant: "The last name that you gave is not the one that we read on your document.",
        staff: "The last names of details and document differ. Near misses are only referred."
    }
    BirthDateMismatch "BIRTH_DATE_MISMATCH" Final {
        applicant: "The date of birth that you gave is not the one that we read on your document.",
        staff: "The birth dates of details and document differ. Near misses are only referred."
    }
    DocumentNumberMismatch "DOCUMENT_NUMBER_MISMATCH" Final {
        applicant: "The document number that you gave is not the one that we read on your document.",
        staff: "The document numbers of details and document differ. Near misses are only referred."
    }
    AddressMismatch "ADDRESS_MISMATCH" Final {
        applicant: "The address that you gave is not the one that we read on your document.",
        staff: "The addresses of details and document differ. This is only referred: people move."
    }
    AddressPostOfficeBox "ADDRESS_POST_OFFICE_BOX" Final {
        applicant: "Your address is a post office box. A person will look at your application.",
        staff: "The address of details or document is a post office box, and no residence."
    }
    BarcodeMismatch "BARCODE_MISMATCH" Final {
        applicant: "The front and the back of your document do not agree. A person will look at your application.",
        staff: "The barcode or the machine-readable zone says something else than the print on the front."
    }
    DocumentExpired "DOCUMENT_EXPIRED" Final NeverOverruled {
        applicant: "Your document has expired. Please apply again with a valid one.",
        staff: "The document's expiry date is past."
    }
    ApplicantUnderAge "APPLICANT_UNDER_AGE" Final NeverOverruled {
        applicant: "You are too young to open this account.",
        staff: "The applicant is younger than the minimum age, by the document's date of birth."
    }
    LicenseUnknown "LICENSE_UNKNOWN" Final {
        applicant: "The issuer of your licence could not confirm it. Please contact us.",
        staff: "The licence verification service does not know the licence."
    }
    LicenseFieldMismatch "LICENSE_FIELD_MISMATCH" Final {
        applicant: "The issuer of your licence has something else in its register. A person will look at your application.",
        staff: "The licence verification service knows the number, but has another name, birth date or expiry date. The check's scores say which."
    }
    LicenseNotCompared "LICENSE_NOT_COMPARED" Final {
        applicant: "The issuer of your licence could not confirm it. A person will look at your application.",
        staff: "The licence verification service did not compare number, surname or birth date, so it does not say whose licence this is."
    }
    CustomerAlreadyRegistered "CUSTOMER_ALREADY_REGISTERED" Final NeverOverruled {
        applicant: "You are already registered.",
        staff: "Another application has registered a customer with this document."
    }
    SelfieTooDark "SELFIE_TOO_DARK" Correctable {
        applicant: "Your selfie is too dark. Please take it again in good light.",
        staff: "The brightness of the face on the selfie is below the threshold."
    }
    SelfieTooBlurred "SELFIE_TOO_BLURRED" Correctable {
        applicant: "Your selfie is blurred. Please hold the camera still and take it again.",
        staff: "The sharpness of the face on the selfie is below the threshold."
    }
    SelfieFaceTurned "SELFIE_FACE_TURNED" Correctable {
        applicant: "Please look straight into the camera and take your selfie again.",
        staff: "The face on the selfie is turned to the side, up or down beyond the thresholds."
    }
    SelfieSunglassesWorn "SELFIE_SUNGLASSES_WORN" Correctable {
        applicant: "Please take off your sunglasses and take your selfie again.",
        staff: "Rekognition is sure that the person on the selfie wears sunglasses."
    }
    SelfieFaceCovered "SELFIE_FACE_COVERED" Correctable {
        applicant: "Something covers your face. Please take your selfie again.",
        staff: "Rekognition is sure that the face on the selfie is covered."
    }
    PackageCheckUnavailable "PACKAGE_CHECK_UNAVAILABLE" Technical {
        applicant: "We could not look at your application yet. You need not do anything.",
        staff: "The package could not be unpacked for a technical reason; replay the execution."
    }
    IdentityCheckUnavailable "IDENTITY_CHECK_UNAVAILABLE" Technical {
        applicant: "We could not check your selfie yet. You need not do anything.",
        staff: "The identity check failed for a technical reason; replay the execution."
    }
    DocumentCheckUnavailable "DOCUMENT_CHECK_UNAVAILABLE" Technical {
        applicant: "We could not check your document yet. You need not do anything.",
        staff: "The document check failed for a technical reason; replay the execution."
    }
    ThirdPartyUnavailable "THIRD_PARTY_UNAVAILABLE" Technical {
        applicant: "The issuer of your licence could not be asked yet. You need not do anything.",
        staff: "The licence verification service did not answer, or not in a way that can be understood; replay the execution."
    }
    SystemUnavailable "SYSTEM_UNAVAILABLE" Technical {
        applicant: "We could not finish your application yet. You need not do anything.",
        staff: "The execution failed outside the checks; replay it."
    }
    ExecutionTimedOut "EXECUTION_TIMED_OUT" Technical {
        applicant: "We could not finish your application yet. You need not do anything.",
        staff: "The execution ran out of time; replay it."
    }
    ExecutionAborted "EXECUTION_ABORTED" Technical {
        applicant: "We could not finish your application yet. You need not do anything.",
        staff: "An operator stopped the execution; replay it."
    }
    NationalNumberUnreadable "NATIONAL_NUMBER_UNREADABLE" Correctable {
        applicant: "The national identity number on your document could not be read. Please photograph it again.",
        staff: "The document shows no national number, or several, or its confidence is below the threshold."
    }
    NationalNumberInvalid "NATIONAL_NUMBER_INVALID" Correctable {
        applicant: "What we read on your document is no national identity number. Please photograph it again.",
        staff: "The text that was read as a national number breaks the rules of the country: length, characters, or a date that does not exist."
    }
    NationalNumberCountryMismatch "NATIONAL_NUMBER_COUNTRY_MISMATCH" Correctable {
        applicant: "Your document is of another country than the one that you chose.",
        staff: "The document was issued by another country than the one whose register would be asked."
    }
    NationalNumberCheckFailed "NATIONAL_NUMBER_CHECK_FAILED" Final {
        applicant: "The national identity number on your document cannot be right. Please contact us.",
        staff: "The check digits of the national number do not fit. Danish numbers need not since 2007; they are only referred."
    }
    NationalNumberSynthetic "NATIONAL_NUMBER_SYNTHETIC" Final {
        applicant: "The number on your document is no national identity number of a person. Please contact us.",
        staff: "The national number is one that no population register gives: a replacement, a temporary one, or one made for tests."
    }
    NationalNumberBirthDateMismatch "NATIONAL_NUMBER_BIRTH_DATE_MISMATCH" Final {
        applicant: "The date of birth on your document does not fit your national identity number.",
        staff: "The document's date of birth is another one than the national number's. Of D- and coordination numbers this is only referred."
    }
    NationalNumberSexMismatch "NATIONAL_NUMBER_SEX_MISMATCH" Final {
        applicant: "What your document says of you does not fit your national identity number. Please contact us.",
        staff: "The document's sex is another one than the national number's. It is only referred: it may have changed since."
    }
    RegistryPersonNotFound "REGISTRY_PERSON_NOT_FOUND" Final {
        applicant: "The national register does not know you under this number. Please contact us.",
        staff: "The national registry knows no person with this number."
    }
    RegistryNameMismatch "REGISTRY_NAME_MISMATCH" Final {
        applicant: "The name on your document is not the one in the national register.",
        staff: "The names of document and registry differ."
    }
    RegistryBirthDateMismatch "REGISTRY_BIRTH_DATE_MISMATCH" Final {
        applicant: "The date of birth on your document is not the one in the national register.",
        staff: "The birth dates of document and registry differ."
    }
    RegistryUnavailable "REGISTRY_UNAVAILABLE" Technical {
        applicant: "The national register could not be asked yet. Please try again later.",
        staff: "The national registry did not answer, or not in a way that can be understood; start the step again."
    }
    IdentityUnproven "IDENTITY_UNPROVEN" Final {
        applicant: "We could not confirm your identity in this conversation. We have your application and will contact you.",
        staff: "Only the picture of a document speaks for the person: no selfie passed against its portrait. A person has to decide."
    }
    StepOutOfOrder "STEP_OUT_OF_ORDER" Correctable {
        applicant: "Something is missing before this step. Please go on with the picture of your document.",
        staff: "A step of a conversation was asked for before the one on which it rests, or for another document."
    }
    ApplicationAppealed "APPLICATION_APPEALED" Final {
        applicant: "A person will look at your application again. You need not do anything.",
        staff: "A reviewer has appealed against the decline, so that all checks ran again on the same evidence: two other people have to approve."
    }
    ConsentMissing "CONSENT_MISSING" Correctable {
        applicant: "Please agree to the processing of your pictures first, and upload them again through the application form.",
        staff: "The stage requires the consent of the person, and the upload came without one. It was not looked at, and the application is unchanged."
    }
    ConsentInvalid "CONSENT_INVALID" Correctable {
        applicant: "We could not record that you have agreed to the processing of your pictures. Please upload them again through the application form.",
        staff: "The consent that came with the upload lacks its version or its time, or one of them is malformed or lies in the future: correct the system that uploads. The upload was not looked at, and the application is unchanged."
    }
}

/// The page docs/REASON-CODES.md, in Markdown.
#[must_use]
pub fn reason_codes_page() -> String {
    let mut page = String::from(
        "# Reason codes\n\n\
         Generated from `crates/domain/src/reason.rs`; change it there. Codes are append-only: never renamed, never reused.\n\n\
         - **final**: the applicant cannot change it. **final, never overruled**: no reviewer may overrule it either, after an appeal.\n\
         - **correctable**: the applicant can correct it and send the evidence again.\n\
         - **technical**: the system could not judge; staff can replay the execution.\n\n\
         | code | class | to the applicant | to staff |\n|---|---|---|---|\n",
    );
    for reason in ReasonCode::ALL {
        let class = match reason.class() {
            ReasonClass::Final if !reason.is_overrulable() => "final, never overruled",
            ReasonClass::Final => "final",
            ReasonClass::Correctable => "correctable",
            ReasonClass::Technical => "technical",
        };
        // A browser would take the name in angle brackets for a tag.
        let staff = reason.staff().replace('<', "&lt;");
        let row = [format!("`{reason}`"), class.to_owned(), reason.applicant().to_owned(), staff];
        page += &("| ".to_owned() + &row.join(" | ") + " |\n");
    }
    page
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl FromStr for ReasonCode {
    type Err = UnknownReasonCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|reason| reason.code() == text).ok_or(UnknownReasonCode)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_screaming_snake() {
        let codes: HashSet<_> = ReasonCode::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), ReasonCode::ALL.len());
        for code in codes {
            assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code}");
            assert!(!code.starts_with('_') && !code.ends_with('_') && !code.contains("__"), "{code}");
        }
    }

    #[test]
    fn codes_are_read_back() {
        for reason in ReasonCode::ALL {
            assert_eq!(reason.code().parse(), Ok(*reason));
            assert_eq!(serde_json::to_value(reason).expect("json"), reason.code());
        }
        assert_eq!("FACE_LIFTED".parse::<ReasonCode>(), Err(UnknownReasonCode));
    }

    #[test]
    fn sentences_are_sentences() {
        for reason in ReasonCode::ALL {
            for sentence in [reason.applicant(), reason.staff()] {
                assert!(sentence.ends_with('.') && sentence.len() > 15, "{reason}: {sentence}");
            }
        }
    }
}
