//! Invalid object keys.

use crate::package::MARKER;

/// Keys below the known prefixes that are rejected because of their names.
pub(crate) fn all() -> Vec<String> {
    let names = [
        "{MARKER} Jane Doe.zip",
        "{MARKER}é.zip",
        "{MARKER}\u{1F600}.zip",
        "{MARKER}\u{202E}piz.zip",
        "{MARKER}\u{200B}.zip",
        "{MARKER}+b.zip",
        "{MARKER}%20b.zip",
        "{MARKER}%2Fb.zip",
        "{MARKER}%00.zip",
        "{MARKER}%.zip",
        "{MARKER}%zz.zip",
        "{MARKER};b.zip",
        "{MARKER}'b.zip",
        "{MARKER}\"b.zip",
        "{MARKER}&b=c.zip",
        "{MARKER}?b.zip",
        "{MARKER}#b.zip",
        "{MARKER}\\b.zip",
        "{MARKER}:b.zip",
        "{MARKER}|b.zip",
        "{MARKER}$(reboot).zip",
        "<script>{MARKER}</script>.zip",
        "{{7*7}}{MARKER}.zip",
        "{MARKER}.b.zip",
        "{MARKER}.zip.exe",
        "{MARKER}.zip ",
        " {MARKER}.zip",
        "{MARKER}/b.zip",
        "{MARKER}.zip/b",
        "a/../{MARKER}.zip",
        "{MARKER}\t.zip",
        "{MARKER}",
        ".zip",
        "{MARKER}.",
        "{MARKER}.tar",
        "{MARKER}.png",
    ];
    let mut keys: Vec<_> = names.iter().map(|name| format!("zipped/{}", name.replace("{MARKER}", MARKER))).collect();
    keys.push(format!("zipped/{}.zip", "a".repeat(65)));
    keys.push(format!("zipped/{}.zip", "a".repeat(1024 - 11)));
    keys.push(format!("zipped/{}.zip", "é".repeat(500)));
    for name in ["svg", "gif", "bmp", "webp", "heic", "pdf", "zip", "png.exe", ""] {
        keys.push(format!("selfie/{MARKER}.{name}"));
        keys.push(format!("id_document/{MARKER}.{name}"));
    }
    keys
}
