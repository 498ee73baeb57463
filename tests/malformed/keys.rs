//! Bad object keys.

use crate::package::MARK;

/// Keys below the known prefixes whose uploads are rejected for their names.
pub(crate) fn all() -> Vec<String> {
    let names = [
        "{MARK} Jane Doe.zip",
        "{MARK}é.zip",
        "{MARK}\u{1F600}.zip",
        "{MARK}\u{202E}piz.zip",
        "{MARK}\u{200B}.zip",
        "{MARK}+b.zip",
        "{MARK}%20b.zip",
        "{MARK}%2Fb.zip",
        "{MARK}%00.zip",
        "{MARK}%.zip",
        "{MARK}%zz.zip",
        "{MARK};b.zip",
        "{MARK}'b.zip",
        "{MARK}\"b.zip",
        "{MARK}&b=c.zip",
        "{MARK}?b.zip",
        "{MARK}#b.zip",
        "{MARK}\\b.zip",
        "{MARK}:b.zip",
        "{MARK}|b.zip",
        "{MARK}$(reboot).zip",
        "<script>{MARK}</script>.zip",
        "{{7*7}}{MARK}.zip",
        "{MARK}.b.zip",
        "{MARK}.zip.exe",
        "{MARK}.zip ",
        " {MARK}.zip",
        "{MARK}/b.zip",
        "{MARK}.zip/b",
        "a/../{MARK}.zip",
        "{MARK}\t.zip",
        "{MARK}",
        ".zip",
        "{MARK}.",
        "{MARK}.tar",
        "{MARK}.png",
    ];
    let mut keys: Vec<_> = names.iter().map(|name| format!("zipped/{}", name.replace("{MARK}", MARK))).collect();
    keys.push(format!("zipped/{}.zip", "a".repeat(65)));
    keys.push(format!("zipped/{}.zip", "a".repeat(1024 - 11)));
    keys.push(format!("zipped/{}.zip", "é".repeat(500)));
    for name in ["svg", "gif", "bmp", "webp", "heic", "pdf", "zip", "png.exe", ""] {
        keys.push(format!("selfie/{MARK}.{name}"));
        keys.push(format!("id_document/{MARK}.{name}"));
    }
    keys
}
