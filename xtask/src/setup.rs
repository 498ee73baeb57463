//! Checks the requirements of the machine, and installs the parts that can be installed into the project.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::project::Project;
use crate::step::Steps;

/// The programs in which the pages can be tested. The first has no windows, and so less work.
const BROWSERS: [&str; 5] =
    ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// What the pages are built from, apart from their own folders and `web/shared`.
const SOURCES_OF_PAGES: [&str; 5] = [
    "package-lock.json",
    "docs/REASON-CODES.md",
    "docs/openapi/review-api.yaml",
    "statemachines/thresholds.json",
    "web/site/base.css",
];
/// What Vite accepts. AWS's CDK supports 22 and newer since 20 has reached its end of life.
const NODE_FLOOR: (u32, u32) = (20, 19);
const PYTHON_FLOOR: (u32, u32) = (3, 11);
/// The build output of demo and tests (4.6), the Python environments and the bundles of the workers (2.1), `node_modules` (0.6), and
/// some room.
const DISK_GIB: u64 = 8;
/// The space that is needed when most of that exists.
const DISK_GIB_AGAIN: u64 = 1;

/// Installs missing parts that a local run needs; quick if there are none.
pub(crate) fn all(project: &Project, steps: &Steps) -> Result<()> {
    thread::scope(|scope| {
        let python = scope.spawn(|| python(project, steps));
        let node = node(project, steps);
        let python = python.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        node.and(python)
    })
}

/// Checks the free disk space.
pub(crate) fn disk(project: &Project) -> Result<()> {
    let is_built = project.python().exists() && project.target().join("debug/deps").exists();
    let needed = if is_built { DISK_GIB_AGAIN } else { DISK_GIB };
    let stat = nix::sys::statvfs::statvfs(&project.root).context("the free disk space could not be read")?;
    // The integer types of these two differ between systems.
    #[expect(clippy::useless_conversion, reason = "u32 on some systems, u64 on others")]
    let free = u64::from(stat.blocks_available()) * u64::from(stat.fragment_size());
    if free < needed << 30 {
        #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
        let shown = free as f64 / f64::from(1 << 30);
        bail!(
            "{shown:.1} GiB are free where {} lies, {needed} GiB are needed: make room, or move the repository",
            project.root.display()
        );
    }
    Ok(())
}

/// Node packages, from the lock file.
pub(crate) fn node(project: &Project, steps: &Steps) -> Result<()> {
    let remedy = "install Node.js 22 or newer (https://nodejs.org; 20.19 still works) and put it on the PATH";
    let node = answer(project, "node", &["--version"]).with_context(|| format!("Node.js is missing: {remedy}"))?;
    if version(node.trim_start_matches('v')) < Some(NODE_FLOOR) {
        bail!("Node.js is too old ({node}): {remedy}");
    }
    answer(project, "npm", &["--version"]).with_context(|| format!("npm is missing: {remedy}"))?;

    let lock = project.root.join("package-lock.json");
    if !lock.is_file() {
        bail!("{} is missing: the clone is not complete", lock.display());
    }
    let _lock = project.lock("npm", || steps.say("… another run installs the Node packages: waiting"))?;
    let stamp = Stamp::new(project, "npm", &[&lock, &project.root.join("package.json")], &node)?;
    if stamp.is_fresh() && project.root.join("node_modules").is_dir() {
        return Ok(());
    }
    stamp.clear()?;
    let mut install = project.command("npm");
    install.args(["ci", "--no-audit", "--no-fund", "--loglevel=http"]);
    steps.run("Installing Node packages", "npm", &mut install)?;
    stamp.write()
}

/// Builds the review desk and the page of conversations when their sources, or the documents from which they take codes and forms, have
/// changed.
pub(crate) fn pages(project: &Project, steps: &Steps) -> Result<()> {
    node(project, steps)?;
    for (page, title) in [("desk", "the review desk"), ("conversation", "the page of conversations")] {
        let _lock = project.lock(page, || steps.say(&format!("… another run builds {title}: waiting")))?;
        let folder = project.root.join("web").join(page);
        let mut sources = sources(&folder)?;
        sources.extend(self::sources(&project.root.join("web/shared"))?);
        sources.extend(SOURCES_OF_PAGES.map(|file| project.root.join(file)));
        let sources: Vec<_> = sources.iter().map(PathBuf::as_path).collect();
        let stamp = Stamp::new(project, page, &sources, "")?;
        if stamp.is_fresh() && folder.join("dist/index.html").is_file() {
            continue;
        }
        stamp.clear()?;
        let mut build = project.command("npm");
        build.args(["run", "build", "--workspace", &format!("web/{page}")]);
        steps.run(&format!("Building {title}"), &format!("{page}-build"), &mut build)?;
        stamp.write()?;
    }
    Ok(())
}

/// The files of a Node package, without what is installed and built.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut entries = entries.with_context(|| format!("{} could not be read", folder.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.file_name();
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        } else if name != "node_modules" && name != "dist" {
            files.extend(self::sources(&entry.path())?);
        }
    }
    Ok(files)
}

/// The Python environment of the local AWS, from requirements with hashes.
pub(crate) fn python(project: &Project, steps: &Steps) -> Result<()> {
    environment(project, steps, "venv", "local/requirements.txt")
}

/// The Python environment of the tools of `lint`.
pub(crate) fn lint(project: &Project, steps: &Steps) -> Result<()> {
    environment(project, steps, "lint-tools", "local/requirements-lint.txt")
}

/// The Python environment of the contract tests of the face API.
pub(crate) fn contract(project: &Project, steps: &Steps) -> Result<()> {
    environment(project, steps, "contract", "local/requirements-contract.txt")
}

/// Creates the environment `name` below `.local`, again if its requirements have changed.
fn environment(project: &Project, steps: &Steps, name: &str, requirements: &str) -> Result<()> {
    let requirements = project.root.join(requirements);
    let _lock = project.lock(name, || steps.say("… another run installs the Python packages: waiting"))?;
    let venv = project.local().join(name);
    let Some(stamp) = outdated(project, name, &requirements)? else { return Ok(()) };
    let installer = Installer::ready(project, steps)?;
    stamp.clear()?;
    remove(&venv)?;
    // With the Python of the installer's own environment.
    let mut make = installer.command(project, "venv");
    make.arg("--python").arg(&installer.python).arg(&venv);
    steps.run(&format!("Making a Python environment ({name})"), name, &mut make)?;
    installer.install(project, steps, &venv.join("bin/python"), &requirements)?;
    stamp.write()
}

/// The stamp of a Python environment, unless it is installed from these requirements and works.
fn outdated(project: &Project, name: &str, requirements: &Path) -> Result<Option<Stamp>> {
    if !requirements.is_file() {
        bail!("{} is missing: the clone is not complete", requirements.display());
    }
    // An environment contains its own path, so it does not work after a move.
    let stamp = Stamp::new(project, name, &[requirements], &project.root.display().to_string())?;
    let python = project.local().join(name).join("bin/python");
    let works = stamp.is_fresh() && python.exists() && answer(project, &python, &["--version"]).is_ok();
    Ok((!works).then_some(stamp))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} could not be removed", folder.display()))?;
    }
    Ok(())
}

/// Installs what only the tests of the fakes need, into the same environment.
pub(crate) fn python_tests(project: &Project, steps: &Steps) -> Result<()> {
    python(project, steps)?;
    let _lock = project.lock("venv", || steps.say("… another run installs the Python packages: waiting"))?;
    let requirements = project.root.join("local/requirements-dev.txt");
    // A new environment does not contain them.
    let environment = project.root.join("local/requirements.txt");
    let stamp = Stamp::new(project, "venv-tests", &[&requirements, &environment], "")?;
    if stamp.is_fresh() && project.local().join("venv/bin/pytest").exists() {
        return Ok(());
    }
    let installer = Installer::ready(project, steps)?;
    stamp.clear()?;
    installer.install(project, steps, &project.python(), &requirements)?;
    stamp.write()
}

/// uv, in an environment of its own, which Python's own tools make. pip takes several times longer.
struct Installer {
    uv: PathBuf,
    python: PathBuf,
    /// The settings of this machine's pip that uv does not read by itself.
    settings: Vec<(&'static str, String)>,
}

impl Installer {
    fn ready(project: &Project, steps: &Steps) -> Result<Self> {
        let requirements = project.root.join("local/requirements-uv.txt");
        let _lock = project.lock("uv", || steps.say("… another run installs the Python packages: waiting"))?;
        let venv = project.local().join("uv");
        let python = venv.join("bin/python");
        if let Some(stamp) = outdated(project, "uv", &requirements)? {
            let own = find_python(project)?;
            stamp.clear()?;
            remove(&venv)?;
            let mut make = project.command(&own);
            make.args(["-m", "venv"]).arg(&venv);
            steps.run("Making a Python environment (uv)", "uv", &mut make)?;
            let mut install = project.command(&python);
            install
                .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile"])
                .args(["--require-hashes", "--no-deps", "-r"])
                .arg(&requirements);
            steps.run("Installing uv", "pip-uv", &mut install)?;
            stamp.write()?;
        }
        let listed = answer(project, &python, &["-m", "pip", "config", "list"])?;
        Ok(Self { uv: venv.join("bin/uv"), python, settings: settings_of_pip(&listed) })
    }

    fn command(&self, project: &Project, command: &str) -> Command {
        let mut uv = project.command(&self.uv);
        uv.arg(command).args(["--no-config", "--no-python-downloads", "--system-certs", "--no-progress"]);
        uv.envs(self.settings.iter().cloned());
        uv
    }

    fn install(&self, project: &Project, steps: &Steps, python: &Path, requirements: &Path) -> Result<()> {
        // Modules are compiled at their first import (see `Project::command`), since most are never imported.
        let mut install = self.command(project, "pip");
        install.args(["install", "--require-hashes", "--no-deps", "--python"]).arg(python).arg("-r").arg(requirements);
        let name = requirements.file_stem().unwrap_or_default().to_string_lossy();
        steps.run(&format!("Installing Python packages ({name})"), &format!("pip-{name}"), &mut install)
    }
}

/// The variables of uv for what `pip config list` prints: lines like `global.index-url='https://…'`, and `:env:.cert='…'` for a variable,
/// which comes first, and which wins.
fn settings_of_pip(listed: &str) -> Vec<(&'static str, String)> {
    let known = [
        ("index-url", "UV_DEFAULT_INDEX"),
        ("extra-index-url", "UV_INDEX"),
        ("proxy", "ALL_PROXY"),
        ("cert", "SSL_CERT_FILE"),
    ];
    let lines = || listed.lines().filter_map(|line| line.split_once('='));
    let value = |setting: &str| {
        let (_, value) = lines().find(|(key, _)| key.rsplit('.').next() == Some(setting))?;
        // Several extra indexes are separated by line breaks, which Python escapes here; uv separates them by spaces.
        Some(value.trim_matches('\'').replace("\\n", " ").trim().to_owned())
    };
    known.into_iter().filter_map(|(setting, variable)| Some((variable, value(setting)?))).collect()
}

/// The browser of the tests: the system's own. It is installed only by root, and only with apt-get.
pub(crate) fn browser(project: &Project, steps: &Steps) -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        let named = PathBuf::from(named);
        answer(project, &named, &["--version"])
            .with_context(|| format!("CHROMIUM names {}, which does not start", named.display()))?;
        return Ok(named);
    }
    let _lock = project.lock("browser", || steps.say("… another run installs Chromium: waiting"))?;
    if let Some(found) = find_browser(project) {
        return Ok(found);
    }
    if nix::unistd::geteuid().is_root() && answer(project, "apt-get", &["--version"]).is_ok() {
        let apt = |title: &str, arguments: &[&str]| {
            let mut apt = project.command("apt-get");
            apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
            steps.run(title, "apt-get", &mut apt).inspect_err(|error| steps.say(&format!("{error:#}"))).is_ok()
        };
        let install =
            |package| apt(&format!("Installing {package}"), &["install", "--yes", "--no-install-recommends", package]);
        // Ubuntu has no package of the first name.
        let _ = apt("Updating the package list of this system", &["update"])
            && (install(BROWSERS[0]) || install(BROWSERS[1]));
    }
    find_browser(project).context(
        "Chromium is missing, in which the tests of the pages run: install it (Debian: `sudo apt-get install chromium-headless-shell`; \
         Ubuntu: `sudo snap install chromium`; macOS: `brew install --cask chromium`), or set CHROMIUM to the path of Chromium or Chrome",
    )
}

/// The first browser that starts: on some systems a command of this name only explains how to install the browser.
fn find_browser(project: &Project) -> Option<PathBuf> {
    let folders: Vec<_> =
        env::var_os("PATH").iter().flat_map(|path| env::split_paths(path).collect::<Vec<_>>()).collect();
    let on_the_path = BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let applications = [
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];
    on_the_path
        .chain(applications.map(PathBuf::from))
        .find(|path| path.is_file() && answer(project, path, &["--version"]).is_ok())
}

/// The first Python on the PATH that is new enough and can create an environment.
fn find_python(project: &Project) -> Result<PathBuf> {
    let mut seen = Vec::new();
    // The tests run on 3.11, so it comes first.
    for name in ["python3.11", "python3.12", "python3.13", "python3.14", "python3", "python"] {
        let report = "import sys; print('%d.%d' % sys.version_info[:2]); import venv, ensurepip";
        let Ok(output) = project.command(name).args(["-c", report]).output() else { continue };
        let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match version(&found) {
            // A version manager's shim without an installed version.
            None => {}
            Some(found) if found < PYTHON_FLOOR => seen.push(format!("{name} is {}.{}", found.0, found.1)),
            Some((3, 15..)) => {
                seen.push(format!("{name} is {found}, for which the pinned packages have no wheels yet"));
            }
            Some(_) if !output.status.success() => {
                seen.push(format!(
                    "{name} cannot make environments (on Debian and Ubuntu: `apt install python{found}-venv`)"
                ));
            }
            Some(_) => return Ok(name.into()),
        }
    }
    let seen = if seen.is_empty() { "none is on the PATH".to_owned() } else { seen.join("; ") };
    bail!(
        "Python 3.11 to 3.14 is needed: {seen}. Install one (https://www.python.org, your system's packages, or pyenv) and put it on the PATH"
    )
}

/// The output of a tool, or why it could not be run.
fn answer(project: &Project, program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Result<String> {
    let output = project.command(program).args(args).output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// Records that an installation from these files was completed. Contains their content, so there are no hash collisions.
struct Stamp {
    path: PathBuf,
    content: Vec<u8>,
}

impl Stamp {
    fn new(project: &Project, name: &str, files: &[&Path], also: &str) -> Result<Self> {
        let mut content = also.as_bytes().to_vec();
        for file in files {
            content.push(b'\n');
            content.extend(fs::read(file).with_context(|| format!("{} could not be read", file.display()))?);
        }
        Ok(Self { path: project.stamps()?.join(name), content })
    }

    fn is_fresh(&self) -> bool {
        fs::read(&self.path).is_ok_and(|content| content == self.content)
    }

    fn clear(&self) -> Result<()> {
        if self.path.exists() {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }

    fn write(&self) -> Result<()> {
        fs::write(&self.path, &self.content).with_context(|| format!("{} could not be written", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Component;

    use super::*;

    #[test]
    fn reads_versions_as_tools_print_them() {
        assert_eq!(version("20.20.2"), Some((20, 20)));
        assert_eq!(version("3.9"), Some((3, 9)));
        assert_eq!(version("pyenv: python3.13: command not found"), None);
        assert_eq!(version(""), None);
    }

    #[test]
    fn a_page_is_built_again_if_anything_that_it_imports_has_changed() {
        let project = Project::find().expect("the repository");
        let mut imported = BTreeSet::new();
        for page in ["desk", "conversation"] {
            let folder = project.root.join("web").join(page);
            for source in sources(&folder.join("src")).expect("the page's sources") {
                let text = fs::read_to_string(&source).expect("a text");
                for import in text.split('"').filter(|quoted| quoted.starts_with("../")) {
                    let file = import.trim_end_matches("?raw");
                    let parts = source.parent().expect("a folder").join(file);
                    let path = parts.components().fold(PathBuf::new(), |mut path, part| {
                        if part == Component::ParentDir {
                            path.pop()
                        } else {
                            path.push(part);
                            true
                        };
                        path
                    });
                    if !path.starts_with(&folder) && !path.starts_with(project.root.join("web/shared")) {
                        imported.insert(path.strip_prefix(&project.root).expect("in the repository").to_owned());
                    }
                }
            }
        }
        assert!(!imported.is_empty(), "no import was found");
        let unknown: Vec<_> =
            imported.iter().filter(|path| !SOURCES_OF_PAGES.iter().any(|known| Path::new(known) == *path)).collect();
        assert!(unknown.is_empty(), "not in SOURCES_OF_PAGES: {unknown:?}");
    }

    #[test]
    fn takes_over_where_pip_finds_packages() {
        let listed = ":env:.cert='/company.pem'\n:env:.disable-pip-version-check='1'\nglobal.cert='/other.pem'\n\
                      global.index-url='https://user:word@packages.example/simple'\n\
                      global.extra-index-url='\\nhttps://one.example\\nhttps://two.example'\n";
        let expected = [
            ("UV_DEFAULT_INDEX", "https://user:word@packages.example/simple"),
            ("UV_INDEX", "https://one.example https://two.example"),
            ("SSL_CERT_FILE", "/company.pem"),
        ];
        assert_eq!(settings_of_pip(listed), expected.map(|(variable, value)| (variable, value.to_owned())));
        assert_eq!(settings_of_pip(""), []);
    }

    #[test]
    fn compares_versions_as_numbers() {
        assert!(version("3.9") < Some(PYTHON_FLOOR));
        assert!(version("18.19.1") < Some(NODE_FLOOR));
        assert!(version("20.20.2") > Some(NODE_FLOOR));
        assert!(version("100.0.0") > Some(NODE_FLOOR));
    }
}
