//! Zip files in which every field can be wrong.

/// One member with the values of its two headers.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    /// Other values for the header in front of the member.
    pub(crate) local_name: Option<Vec<u8>>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) local_method: Option<u16>,
    pub(crate) flags: u16,
    pub(crate) crc: Option<u32>,
    pub(crate) compressed: Option<u32>,
    pub(crate) size: Option<u32>,
    /// Unix mode.
    pub(crate) mode: u32,
    pub(crate) extra: Vec<u8>,
    /// The offset in the directory.
    pub(crate) at: Option<u32>,
    /// Whether the directory lists it.
    pub(crate) is_listed: bool,
}

impl Entry {
    pub(crate) fn new(name: impl Into<Vec<u8>>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            local_name: None,
            bytes: bytes.into(),
            method: 0,
            local_method: None,
            flags: 0,
            crc: None,
            compressed: None,
            size: None,
            mode: 0,
            extra: Vec::new(),
            at: None,
            is_listed: true,
        }
    }

    /// The common part of both headers.
    fn header(&self, method: u16, name: &[u8]) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len()).expect("a size");
        let mut header = Vec::new();
        header.extend(20_u16.to_le_bytes());
        header.extend(self.flags.to_le_bytes());
        header.extend(method.to_le_bytes());
        header.extend([0, 0, 0x21, 0x5B]);
        header.extend(self.crc.unwrap_or_else(|| crc(&self.bytes)).to_le_bytes());
        header.extend(self.compressed.unwrap_or(length).to_le_bytes());
        header.extend(self.size.unwrap_or(length).to_le_bytes());
        header.extend(u16::try_from(name.len()).expect("a name").to_le_bytes());
        header.extend(u16::try_from(self.extra.len()).expect("an extra field").to_le_bytes());
        header
    }
}

/// The values of the end record.
#[derive(Clone, Copy, Default)]
pub(crate) struct End {
    pub(crate) entries: Option<u16>,
    pub(crate) directory_bytes: Option<u32>,
    pub(crate) directory_start: Option<u32>,
    pub(crate) disk: u16,
    /// Adds the zip64 records, which declare so many entries.
    pub(crate) zip64_entries: Option<u64>,
}

pub(crate) fn build(entries: &[Entry]) -> Vec<u8> {
    build_with(entries, End::default())
}

pub(crate) fn build_with(entries: &[Entry], end: End) -> Vec<u8> {
    let (mut zip, mut directory, mut listed) = (Vec::new(), Vec::new(), 0_u16);
    for entry in entries {
        let at = u32::try_from(zip.len()).expect("an offset");
        let local_name = entry.local_name.as_ref().unwrap_or(&entry.name);
        zip.extend(b"PK\x03\x04");
        zip.extend(entry.header(entry.local_method.unwrap_or(entry.method), local_name));
        zip.extend(local_name);
        zip.extend(&entry.extra);
        zip.extend(&entry.bytes);
        if entry.is_listed {
            listed += 1;
            directory.extend(b"PK\x01\x02\x14\x03");
            directory.extend(entry.header(entry.method, &entry.name));
            directory.extend([0; 6]);
            directory.extend((entry.mode << 16).to_le_bytes());
            directory.extend(entry.at.unwrap_or(at).to_le_bytes());
            directory.extend(&entry.name);
            directory.extend(&entry.extra);
        }
    }
    let start = zip.len() as u64;
    zip.extend(&directory);
    let number = |number: u64| u32::try_from(number).expect("a number");
    let (mut entries, mut bytes) = (end.entries.unwrap_or(listed), end.directory_bytes);
    let mut directory_start = end.directory_start;
    if let Some(declared) = end.zip64_entries {
        let record = zip.len() as u64;
        zip.extend(b"PK\x06\x06");
        zip.extend(44_u64.to_le_bytes());
        zip.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for number in [declared, declared, directory.len() as u64, start] {
            zip.extend(number.to_le_bytes());
        }
        zip.extend(b"PK\x06\x07\0\0\0\0");
        zip.extend(record.to_le_bytes());
        zip.extend(1_u32.to_le_bytes());
        (entries, bytes, directory_start) = (u16::MAX, Some(u32::MAX), Some(u32::MAX));
    }
    zip.extend(b"PK\x05\x06");
    zip.extend([end.disk.to_le_bytes(), end.disk.to_le_bytes(), entries.to_le_bytes(), entries.to_le_bytes()].concat());
    zip.extend(bytes.unwrap_or_else(|| number(directory.len() as u64)).to_le_bytes());
    zip.extend(directory_start.unwrap_or_else(|| number(start)).to_le_bytes());
    zip.extend([0, 0]);
    zip
}

/// CRC-32 as in zip files.
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
