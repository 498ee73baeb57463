//! A picture: a data URL in the request, or an object in the bucket. Its content, not its declared type, decides about its format.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{ApiError, Refusal};
use crate::{Member, ReasonCode, inspect_image};

/// The maximum size of a picture in a request. In base64 it has 5.6 MB, and Lambda accepts events of 6 MB (6,291,456 bytes), which also
/// contain headers and claims.
pub const MAX_INLINE_BYTES: usize = 4 * 1024 * 1024;
/// The maximum size of a picture in the bucket: the limit of Rekognition for S3 objects.
pub const MAX_UPLOAD_BYTES: u64 = 15 * 1024 * 1024;
/// The maximum number of pixels: more than the usual picture of a phone has, and safe to decode.
const MAX_PIXELS: usize = 64_000_000;

/// The format of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JPEG
    Jpeg,
    /// PNG
    Png,
}

impl Format {
    /// The file extension.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// A data URL that is not parsed yet.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct EncodedImage(String);

impl fmt::Debug for EncodedImage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl EncodedImage {
    /// Decodes and checks the picture.
    ///
    /// # Errors
    /// When it is not a data URL of a picture, is too large, or has another format than declared.
    pub fn decode(&self) -> Result<Picture, Refusal> {
        let (declared, data) = [(Format::Jpeg, "data:image/jpeg;base64,"), (Format::Png, "data:image/png;base64,")]
            .into_iter()
            .find_map(|(format, prefix)| Some((format, self.0.strip_prefix(prefix)?)))
            .ok_or(ApiError::ImageEncodingInvalid)?;
        // Checked before decoding.
        if data.len() > MAX_INLINE_BYTES.div_ceil(3) * 4 {
            return Err(ApiError::ImageTooLarge.into());
        }
        let bytes = STANDARD.decode(data).map_err(|_| ApiError::ImageEncodingInvalid)?;
        if bytes.len() > MAX_INLINE_BYTES {
            return Err(ApiError::ImageTooLarge.into());
        }
        let picture = Picture::of(bytes)?;
        if picture.format == declared { Ok(picture) } else { Err(ReasonCode::SelfieNotAnImage.into()) }
    }

    /// A digest, for comparing requests.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

/// A JPEG or PNG of a size that Rekognition accepts, without other data in the file.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    bytes: Vec<u8>,
    format: Format,
}

impl fmt::Debug for Picture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Picture({:?}, [redacted])", self.format)
    }
}

impl Picture {
    /// Checks the bytes of a picture.
    ///
    /// # Errors
    /// When they are not a JPEG or PNG, when the picture is too small or too large, or when other data follows it: the same file could be a
    /// picture to one program and a web page or an archive to another.
    pub fn of(bytes: Vec<u8>) -> Result<Self, Refusal> {
        let extension = inspect_image(Member::Selfie, &bytes)?;
        let size = imagesize::blob_size(&bytes).map_err(|_| ReasonCode::SelfieNotAnImage)?;
        if size.width.saturating_mul(size.height) > MAX_PIXELS {
            return Err(ReasonCode::SelfieTooLarge.into());
        }
        let (format, end) =
            if extension == "png" { (Format::Png, end_of_png(&bytes)) } else { (Format::Jpeg, end_of_jpeg(&bytes)) };
        match end {
            None => Err(ReasonCode::SelfieNotAnImage.into()),
            Some(end) if end < bytes.len() => Err(ApiError::ImageNotPlain.into()),
            Some(_) => Ok(Self { bytes, format }),
        }
    }

    /// The format.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, owned.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Offset of the end of the chunk `IEND`; `None` when the file ends before.
fn end_of_png(bytes: &[u8]) -> Option<usize> {
    let mut at = 8;
    loop {
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        let kind = bytes.get(at + 4..at + 8)?;
        // Length, kind and checksum have four bytes each.
        let end = at.checked_add(12)?.checked_add(usize::try_from(length).ok()?)?;
        if end > bytes.len() {
            return None;
        }
        if kind == b"IEND" {
            return Some(end);
        }
        at = end;
    }
}

/// Offset of the end of the marker "end of image"; `None` when the file ends before.
fn end_of_jpeg(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        // A marker may follow fill bytes.
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        while *bytes.get(at)? == 0xFF {
            at += 1;
        }
        let marker = *bytes.get(at)?;
        at += 1;
        match marker {
            0xD9 => return Some(at),
            // Markers without a segment.
            0x01 | 0xD0..=0xD7 => {}
            0x00 | 0xD8 => return None,
            _ => {
                let length = u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
                if length < 2 {
                    return None;
                }
                at += usize::from(length);
                if marker == 0xDA {
                    at = end_of_scan(bytes, at)?;
                }
            }
        }
    }
}

/// Offset of the end of the compressed data after the header of a scan: the next marker that is neither a restart nor an escaped 0xFF.
fn end_of_scan(bytes: &[u8], from: usize) -> Option<usize> {
    let data = bytes.get(from..)?;
    let end = data.windows(2).position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7 | 0xFF))?;
    Some(from + end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).expect("a small chunk");
        [&length.to_be_bytes()[..], &kind, data, &[0; 4]].concat()
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(*b"IHDR", &header), chunk(*b"IDAT", &[1, 2, 3]), chunk(*b"IEND", b"")]
            .concat()
    }

    /// A frame of 600 by 400 pixels and one scan, with an escaped 0xFF, a restart and fill bytes in it.
    fn jpeg() -> Vec<u8> {
        [
            &b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"[..],
            b"\xFF\xC0\0\x11\x08\x01\x90\x02\x58\x03\x01\x22\0\x02\x11\x01\x03\x11\x01",
            b"\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\x12\xFF\0\x34\xFF\xD0\x56\xFF\xFF\xD9",
        ]
        .concat()
    }

    fn data_url(media_type: &str, bytes: &[u8]) -> EncodedImage {
        EncodedImage(format!("data:{media_type};base64,{}", STANDARD.encode(bytes)))
    }

    #[test]
    fn accepts_a_picture_of_the_declared_format() {
        for (media_type, bytes, format) in
            [("image/jpeg", jpeg(), Format::Jpeg), ("image/png", png(80, 80), Format::Png)]
        {
            let picture = data_url(media_type, &bytes).decode().expect("a picture");
            assert_eq!((picture.format(), picture.bytes()), (format, &bytes[..]));
            assert_eq!(format.media_type(), media_type);
        }
    }

    #[test]
    fn refuses_other_texts_than_data_urls() {
        let good = STANDARD.encode(png(80, 80));
        for text in [
            String::new(),
            good.clone(),
            format!("data:image/gif;base64,{good}"),
            format!("data:image/png,{good}"),
            format!("data:image/png;charset=utf-8;base64,{good}"),
            format!(" data:image/png;base64,{good}"),
            format!("DATA:image/png;base64,{good}"),
            format!("data:image/png;base64,{good}\n"),
            format!("data:image/png;base64,{}", good.trim_end_matches('=').to_owned() + "*"),
            format!("data:image/png;base64,{}", &good[..good.len() - 1]),
            "data:image/png;base64,iVBORw0KGgo".to_owned(),
        ] {
            assert_eq!(EncodedImage(text.clone()).decode(), Err(ApiError::ImageEncodingInvalid.into()), "{text}");
        }
    }

    #[test]
    fn the_content_decides_about_the_format() {
        let not_an_image = Err(ReasonCode::SelfieNotAnImage.into());
        assert_eq!(data_url("image/png", &jpeg()).decode(), not_an_image);
        assert_eq!(data_url("image/jpeg", &png(80, 80)).decode(), not_an_image);
        for bytes in [&b""[..], b"GIF89a\x01\0\x01\0", b"<html></html>", b"%PDF-1.7\n\xFF\xD8\xFF\xE0", b"PK\x03\x04"] {
            assert_eq!(data_url("image/png", bytes).decode(), not_an_image);
        }
    }

    #[test]
    fn a_picture_ends_where_its_file_ends() {
        for bytes in [png(80, 80), jpeg()] {
            for rest in [&b"\0"[..], b"PK\x03\x04", b"<script>", &jpeg()] {
                assert_eq!(Picture::of([&bytes, rest].concat()), Err(ApiError::ImageNotPlain.into()));
            }
            for missing in 1..13 {
                let cut = bytes[..bytes.len() - missing].to_vec();
                assert_eq!(Picture::of(cut), Err(ReasonCode::SelfieNotAnImage.into()), "{missing}");
            }
        }
    }

    #[test]
    fn sizes_have_limits() {
        for (width, height, reason) in [
            (79, 400, ReasonCode::SelfieTooSmall),
            (400, 10_001, ReasonCode::SelfieTooLarge),
            (10_000, 6_401, ReasonCode::SelfieTooLarge),
        ] {
            assert_eq!(Picture::of(png(width, height)), Err(reason.into()), "{width} {height}");
        }
        assert!(Picture::of(png(10_000, 6_400)).is_ok());
        let long = EncodedImage(format!("data:image/png;base64,{}", "A".repeat(MAX_INLINE_BYTES.div_ceil(3) * 4 + 4)));
        assert_eq!(long.decode(), Err(ApiError::ImageTooLarge.into()));
        let just = data_url("image/png", &vec![0; MAX_INLINE_BYTES]);
        assert_eq!(just.decode(), Err(ReasonCode::SelfieNotAnImage.into()));
        assert_eq!(data_url("image/png", &vec![0; MAX_INLINE_BYTES + 1]).decode(), Err(ApiError::ImageTooLarge.into()));
    }

    #[test]
    fn debug_of_a_picture_is_redacted() {
        let url = data_url("image/png", &png(80, 80));
        assert_eq!(format!("{url:?}"), "[redacted]");
        assert_eq!(format!("{:?}", url.decode().expect("a picture")), "Picture(Png, [redacted])");
    }

    proptest! {
        #[test]
        fn any_bytes_after_a_signature_are_judged(
            start in proptest::sample::select(vec![vec![], png(80, 80), jpeg()]),
            cut in any::<proptest::sample::Index>(),
            rest in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = Picture::of([&start[..cut.index(start.len() + 1)], &rest].concat());
        }

        /// An accepted picture is the whole input and ends with its last byte.
        #[test]
        fn a_damaged_picture_is_judged(
            start in proptest::sample::select(vec![png(80, 80), jpeg()]),
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..3_u8, any::<u8>()), 0..6),
        ) {
            let mut bytes = start;
            for (place, edit, byte) in edits {
                let place = place.index(bytes.len());
                match edit {
                    0 => bytes[place] = byte,
                    1 => bytes.insert(place, byte),
                    _ => drop(bytes.remove(place)),
                }
            }
            if let Ok(picture) = Picture::of(bytes.clone()) {
                let end = match picture.format() {
                    Format::Jpeg => end_of_jpeg(&bytes),
                    Format::Png => end_of_png(&bytes),
                };
                prop_assert_eq!((end, picture.bytes()), (Some(bytes.len()), &bytes[..]));
            }
        }

        #[test]
        fn any_text_is_judged(start in "(data:image/(jpeg|png);base64,)?", rest in any::<String>()) {
            let _ = EncodedImage(start + &rest).decode();
        }
    }
}
