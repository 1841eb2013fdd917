//! Packs the built site into the relay.
//!
//! Reads every file under `dist/` at the repository's root, or under the
//! folder that `IONOSPHERE_SITE` names, and compresses it once with brotli
//! (quality 11) and gzip (level 9). Results are kept in `OUT_DIR` by content
//! hash, so a second build compresses only what changed. A form that is not
//! smaller than the file is left out. An empty folder (a missing one is made)
//! gives an empty list, and the relay says so when asked for its pages. Files
//! over 64 MiB, and more than 2,048 of them, are refused: they are no site.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

const FILE_BYTES_MAX: u64 = 64 << 20;
const FILES_MAX: usize = 2_048;
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW_BITS: u32 = 22;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=IONOSPHERE_SITE");
    let site = site_folder()?;
    // A folder that is missing would make cargo build this package every time.
    fs::create_dir_all(&site)?;
    println!("cargo::rerun-if-changed={}", site.display());
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let packed = out.join("packed");
    fs::create_dir_all(&packed)?;
    let mut files = Vec::new();
    collect(&site, &mut files)?;
    files.sort();
    let mut kept = BTreeSet::new();
    let mut list = String::from("&[\n");
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        list.push_str(&entry(&site, file, &packed, &mut kept)?);
    }
    list.push(']');
    fs::write(out.join("site_files.rs"), list)?;
    forget_others(&packed, &kept)?;
    Ok(())
}

fn site_folder() -> Result<PathBuf, Failure> {
    if let Some(given) = env::var_os("IONOSPHERE_SITE") {
        return Ok(PathBuf::from(given));
    }
    Ok(Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("..").join("dist"))
}

/// Lists the files below a folder. Links are not followed, hidden files and
/// trunk's staging folder are left out.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if entry.file_name().to_string_lossy().starts_with('.') || kind.is_symlink() {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if entry.metadata()?.len() > FILE_BYTES_MAX {
            return Err(format!("{} is larger than 64 MiB", entry.path().display()).into());
        } else {
            files.push(entry.path());
        }
        if files.len() > FILES_MAX {
            return Err(format!("{} holds more than {FILES_MAX} files", folder.display()).into());
        }
    }
    Ok(())
}

/// The Rust expression for one file.
fn entry(
    site: &Path,
    file: &Path,
    packed: &Path,
    kept: &mut BTreeSet<PathBuf>,
) -> Result<String, Failure> {
    let bytes = fs::read(file)?;
    let hash = hex::encode(&Sha256::digest(&bytes)[..16]);
    let path = file.strip_prefix(site)?;
    let path = path.to_str().ok_or("a file name in the site is not Unicode")?.replace('\\', "/");
    let mut text = String::new();
    write!(text, "(\"{}\", \"{hash}\", ", path.escape_default())?;
    write!(text, "include_bytes!({}), ", literal(&fs::canonicalize(file)?)?)?;
    for (ending, pack) in [("br", brotli as Pack), ("gz", gzip)] {
        let kept_at = packed.join(format!("{hash}.{ending}"));
        if !kept_at.exists() {
            write_whole(&kept_at, &pack(&bytes)?)?;
        }
        let is_smaller = fs::metadata(&kept_at)?.len() < bytes.len() as u64;
        if is_smaller {
            write!(text, "Some(include_bytes!({})), ", literal(&kept_at)?)?;
        } else {
            text.push_str("None, ");
        }
        kept.insert(kept_at);
    }
    text.push_str("),\n");
    Ok(text)
}

/// A path as a Rust string literal.
fn literal(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().ok_or("the path of the site or of the build is not Unicode")?;
    Ok(format!("{text:?}"))
}

type Pack = fn(&[u8]) -> io::Result<Vec<u8>>;

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer =
        brotli::CompressorWriter::new(Vec::new(), 64 << 10, BROTLI_QUALITY, BROTLI_WINDOW_BITS);
    packer.write_all(bytes)?;
    Ok(packer.into_inner())
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes)?;
    packer.finish()
}

/// A build that is interrupted leaves no half-written result behind.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, bytes)?;
    fs::rename(unfinished, path)
}

/// Removes what earlier builds kept and this one has no use for.
fn forget_others(packed: &Path, kept: &BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(packed)? {
        let path = entry?.path();
        if !kept.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
