//! Draws the samples, or checks that the committed files are equal to the drawing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use bonafide_samples::{Error, catalog, nordic};

const HELP: &str = "\
Draws the samples: samples/packages/*.zip, samples/uploads/*.jpg and samples/samples.json; samples/nordic/*.jpg and
samples/nordic.json, and the people on these for the local national registers (samples/registers/*.json).

Usage: cargo run -p bonafide-samples [-- <options>]

Options:
  --check  Write nothing; exit with 1 when a committed file differs from what is drawn
  --help   Print this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let check = match arguments.as_slice() {
        [] => false,
        ["--check"] => true,
        ["--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("Unknown arguments: {}\n\n{HELP}", arguments.join(" "));
            return ExitCode::from(2);
        }
    };
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let result = if check { self::check(&folder) } else { draw(&folder) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The folders that this program writes, next to `samples.json`.
const FOLDERS: [&str; 4] = ["packages", "uploads", "nordic", nordic::REGISTERS];

/// Every file that this program draws.
fn files() -> Result<Vec<(String, Vec<u8>)>, Error> {
    Ok([catalog::files()?, nordic::files()?].concat())
}

/// Writes every file, and removes those of former samples.
fn draw(folder: &Path) -> Result<(), String> {
    for name in FOLDERS {
        let path = folder.join(name);
        fs::create_dir_all(&path).map_err(|error| describe(&path, &error))?;
    }
    let files = files().map_err(|error| error.to_string())?;
    for (name, bytes) in &files {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| describe(&path, &error))?;
        println!("{:>8} bytes  {name}", bytes.len());
    }
    for name in committed(folder)? {
        if !files.iter().any(|(known, _)| *known == name) {
            let path = folder.join(&name);
            fs::remove_file(&path).map_err(|error| describe(&path, &error))?;
            println!("       removed  {name}");
        }
    }
    Ok(())
}

fn check(folder: &Path) -> Result<(), String> {
    let files = files().map_err(|error| error.to_string())?;
    let mut stale: Vec<String> = files
        .iter()
        .filter(|(name, bytes)| fs::read(folder.join(name)).ok().as_deref() != Some(bytes))
        .map(|(name, _)| name.clone())
        .collect();
    stale.extend(committed(folder)?.into_iter().filter(|name| !files.iter().any(|(known, _)| known == name)));
    if stale.is_empty() {
        println!("All {} files are up to date.", files.len());
        Ok(())
    } else {
        Err(format!("Not up to date: {}.\nDraw them with `cargo run -p bonafide-samples`.", stale.join(", ")))
    }
}

/// The files that the folders hold.
fn committed(folder: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for kind in FOLDERS {
        let path = folder.join(kind);
        for entry in fs::read_dir(&path).map_err(|error| describe(&path, &error))? {
            let entry = entry.map_err(|error| describe(&path, &error))?;
            names.push(format!("{kind}/{}", entry.file_name().to_string_lossy()));
        }
    }
    Ok(names)
}

fn describe(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
