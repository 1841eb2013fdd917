//! Builds the site into `dist/`.
//!
//! Trunk compiles the page and its workers and runs wasm-bindgen. Here each
//! module is optimised, every file gets a name that carries 16 hexadecimal
//! digits of its contents' hash, so that browsers may keep it for ever, and
//! `index.html` is written with these names. It and `service.js`, which keeps
//! the site in browsers, are the two files that are always asked for anew. Both
//! carry the site's version, a hash of everything in it. The result holds no
//! inline script.
//!
//! A second build costs little: cargo knows what changed, optimised modules
//! are kept by their hash, and files in `dist/` that are right are not touched.

mod imports;
mod order;

use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
};

use crate::{
    shell::{Failure, Outcome, command, fail, output, root, step},
    tools,
};

/// Where the site ends up.
pub(crate) const DIST: &str = "dist";
const TRUNK_DIST: &str = "target/trunk";
const OPTIMISED: &str = "target/trunk-optimised";
/// Optimised modules that are kept, newest first.
const KEPT_MAX: usize = 24;

/// A module of the site: its name, how it is optimised, and the line that
/// starts it once its script has loaded.
struct Module {
    name: &'static str,
    passes: &'static [&'static str],
    starter: &'static str,
}

/// What makes a module small after brotli, which is what visitors wait for: the
/// passes of `-Os` make it smaller before and 12 KiB (of 670) larger after.
const SMALL: &[&str] = &[
    "-O1",
    "--dae-optimizing",
    "--rse",
    "--precompute-propagate",
    "--simplify-locals-notee-nostructure",
    "--vacuum",
    "--reorder-locals",
    "--remove-unused-module-elements",
];

const MODULES: [Module; 4] = [
    Module { name: "web", passes: SMALL, starter: "__wbg_init" },
    Module { name: "ion", passes: SMALL, starter: "wasm_bindgen" },
    // An interpreter, and a reader of pictures: speed is what they are for.
    Module { name: "guest", passes: &["-O3"], starter: "wasm_bindgen" },
    Module { name: "scanner", passes: &["-O3"], starter: "wasm_bindgen" },
];

/// What Rust's wasm32 target uses, and what BLAKE3 does; the optimiser must be told, because
/// stripped modules do not say so themselves.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// Files that are only renamed.
const ASSETS: [&str; 4] = ["boot.js", "favicon.svg", "rooms.css", "style.css"];

/// The service worker: its name must stay, so that browsers find the next one.
const SERVICE: &str = "service.js";
/// The largest spark that browsers keep before anybody asks for it, in bytes.
const SPARK_KEPT_MAX: usize = 256 << 10;
/// Where the site's version is written in the page.
const VERSION_MARK: &str = "data-version=\"\"";
/// Where version and files are written in the service worker.
const SITE_MARK: &str = "const SITE = { version: \"\", files: [] };";

/// Builds everything into `dist/`.
pub(crate) fn site() -> Outcome {
    step("build the site (some minutes the first time, then seconds)", || {
        trunk()?;
        let mut site = Site::default();
        MODULES.iter().try_for_each(|module| site.module(module))?;
        ASSETS.iter().try_for_each(|name| site.asset(name))?;
        site.sparks()?;
        site.page()?;
        site.write(&root().join(DIST))
    })
}

fn trunk() -> Outcome {
    let mut trunk = command("trunk", &["build", "--skip-version-check"]);
    // Trunk reads NO_COLOR as a truth value of its own kind.
    trunk.env("PATH", tools::path()?).env_remove("NO_COLOR");
    output(&mut trunk).map(drop)
}

/// The files of the site as they will be written, and how plain names map to
/// hashed ones. Both begin without a slash.
#[derive(Default)]
struct Site {
    files: BTreeMap<String, Vec<u8>>,
    names: BTreeMap<String, String>,
}

impl Site {
    fn module(&mut self, module: &Module) -> Outcome {
        let folder = root().join(TRUNK_DIST);
        let plain_wasm = format!("{}_bg.wasm", module.name);
        let plain_script = format!("{}.js", module.name);
        let mut wasm = optimised(&folder.join(&plain_wasm), module.passes)?;
        let mut script = read_text(&folder.join(&plain_script))?;
        if !script.contains(module.starter) || script.contains("from './snippets/") {
            return fail(format!(
                "{plain_script} is not what this build expects of wasm-bindgen {}; \
                 is another version first on PATH?",
                tools::WASM_BINDGEN
            ));
        }
        imports::number(&mut script, &mut wasm);
        let wasm = self.add(&plain_wasm, wasm);
        // A module that does not come must be an error of its worker, which is heard.
        let starter = format!(
            "\n{}({{ module_or_path: \"/{wasm}\" }})\
             .catch((error) => setTimeout(() => {{ throw error; }}));\n",
            module.starter
        );
        self.add(&plain_script, (script + &starter).into_bytes());
        Ok(())
    }

    fn asset(&mut self, name: &str) -> Outcome {
        let contents = read(&root().join("web").join(name))?;
        self.add(name, contents);
        Ok(())
    }

    /// The gallery, and the modules and sources of examples that it names. Sources get a
    /// further ending, so that they are text to everybody.
    fn sparks(&mut self) -> Outcome {
        let examples = root().join("examples");
        let mut gallery = read_text(&examples.join("gallery.json"))?;
        let words: Vec<String> = gallery.split('"').map(str::to_owned).collect();
        for path in words.iter().filter(|word| word.contains('/')) {
            let file = examples.join(path);
            if !file.is_file() {
                continue;
            }
            let is_module = file.extension().is_some_and(|ending| ending == "wasm");
            let ending = if is_module { "" } else { ".txt" };
            let hashed = self.add(&format!("sparks/{path}{ending}"), read(&file)?);
            let name = hashed.strip_prefix("sparks/").unwrap_or(&hashed);
            gallery = gallery.replace(&format!("\"{path}\""), &format!("\"{name}\""));
        }
        self.add("sparks/gallery.json", gallery.into_bytes());
        Ok(())
    }

    fn page(&mut self) -> Outcome {
        let mut page = without_trunk(&read_text(&root().join("index.html"))?)?;
        for (plain, hashed) in &self.names {
            page = page.replace(&format!("\"/{plain}\""), &format!("\"/{hashed}\""));
        }
        let service = read_text(&root().join("web").join(SERVICE))?;
        let version = self.version(&page, &service);
        let page = marked(&page, VERSION_MARK, &format!("data-version=\"{version}\""))?;
        let service = marked(&service, SITE_MARK, &self.list(&version))?;
        self.files.insert("index.html".to_owned(), page.into_bytes());
        self.files.insert(SERVICE.to_owned(), service.into_bytes());
        Ok(())
    }

    /// A hash of the whole site. Files carry their own in their names.
    fn version(&self, page: &str, service: &str) -> String {
        let names: Vec<&str> = self.files.keys().map(String::as_str).collect();
        hash(format!("{}\0{page}\0{service}", names.join("\0")).as_bytes())
    }

    /// The service worker's line: the version, and the files beside the page. Sparks that are
    /// large wait until somebody asks for them.
    fn list(&self, version: &str) -> String {
        let is_kept = |name: &str, bytes: &[u8]| {
            bytes.len() <= SPARK_KEPT_MAX || !name.starts_with("sparks/")
        };
        let kept = self.files.iter().filter(|(name, bytes)| is_kept(name, bytes));
        let files: Vec<String> = kept.map(|(name, _)| format!("\n  \"/{name}\",")).collect();
        format!("const SITE = {{ version: \"{version}\", files: [{}\n] }};", files.concat())
    }

    /// Adds a file under its hashed name, which is returned.
    fn add(&mut self, plain: &str, contents: Vec<u8>) -> String {
        let (stem, ending) = plain.rsplit_once('.').expect("every file of the site has an ending");
        let hashed = format!("{stem}-{}.{ending}", hash(&contents));
        self.names.insert(plain.to_owned(), hashed.clone());
        self.files.insert(hashed.clone(), contents);
        hashed
    }

    fn write(&self, dist: &Path) -> Outcome {
        for (name, contents) in &self.files {
            let file = dist.join(name);
            if fs::read(&file).is_ok_and(|present| present == *contents) {
                continue;
            }
            fs::create_dir_all(file.parent().expect("a file in a folder"))?;
            fs::write(&file, contents)?;
        }
        self.sweep(dist, dist)
    }

    /// Removes what earlier builds left.
    fn sweep(&self, dist: &Path, folder: &Path) -> Outcome {
        for path in sorted(folder)? {
            let name = path.strip_prefix(dist).ok().and_then(Path::to_str).unwrap_or_default();
            if path.is_dir() {
                self.sweep(dist, &path)?;
            } else if !self.files.contains_key(&name.replace('\\', "/")) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// The optimised form of a module, from the cache where it is there.
fn optimised(file: &Path, passes: &[&str]) -> Outcome<Vec<u8>> {
    let contents = read(file)?;
    let cache = root().join(OPTIMISED);
    let way = hash(format!("{}\0{}", passes.concat(), include_str!("site/order.rs")).as_bytes());
    let kept = cache.join(format!("{}-{way}.wasm", hash(&contents)));
    if let Ok(optimised) = fs::read(&kept) {
        return Ok(optimised);
    }
    fs::create_dir_all(&cache)?;
    // Written aside and then renamed, so that a broken run leaves nothing half.
    let aside = cache.join(format!("{}.part", std::process::id()));
    optimise(file, &aside, passes)?;
    fs::write(&aside, order::named(&read(&aside)?)?)?;
    optimise(&aside, &aside, &[order::PASS])?;
    fs::rename(&aside, &kept)?;
    forget_old(&cache)?;
    read(&kept)
}

fn optimise(from: &Path, to: &Path, passes: &[&str]) -> Outcome {
    let (from, to) = (from.display().to_string(), to.display().to_string());
    let mut arguments = vec![from.as_str(), "-o", to.as_str()];
    arguments.extend(passes);
    arguments.extend(FEATURES);
    output(command("wasm-opt", &arguments).env("PATH", tools::path()?)).map(drop)
}

fn forget_old(cache: &Path) -> Outcome {
    let age = |file: &PathBuf| fs::metadata(file).and_then(|about| about.modified()).ok();
    let mut files = sorted(cache)?;
    files.sort_by_key(age);
    let old = files.len().saturating_sub(KEPT_MAX);
    files.iter().take(old).try_for_each(fs::remove_file)?;
    Ok(())
}

/// A text with what stands at its one mark replaced.
fn marked(text: &str, mark: &str, with: &str) -> Outcome<String> {
    if text.matches(mark).count() != 1 {
        return fail(format!("`{mark}` does not stand exactly once where it should"));
    }
    Ok(text.replace(mark, with))
}

/// The page without the links that are meant for trunk.
fn without_trunk(page: &str) -> Outcome<String> {
    let mut kept = String::new();
    let mut rest = page;
    while let Some(mark) = rest.find("data-trunk") {
        let start = rest[..mark].rfind("<link");
        let end = rest[mark..].find("/>").map(|length| mark + length + 2);
        let (Some(start), Some(end)) = (start, end) else {
            return fail("index.html has a `data-trunk` outside of a `<link … />`");
        };
        kept.push_str(rest[..start].trim_end());
        rest = &rest[end..];
    }
    kept.push_str(rest);
    Ok(kept)
}

/// 16 hexadecimal digits that differ when contents differ. They name files of
/// this build to browsers; nothing depends on their being secret or lasting.
fn hash(contents: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(contents);
    format!("{:016x}", hasher.finish())
}

fn sorted(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| unread(folder, &error))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn read(file: &Path) -> Outcome<Vec<u8>> {
    fs::read(file).map_err(|error| unread(file, &error))
}

fn read_text(file: &Path) -> Outcome<String> {
    fs::read_to_string(file).map_err(|error| unread(file, &error))
}

fn unread(path: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn links_for_trunk_are_cut_out() {
        let page = "<a/>\n  <link data-trunk rel=\"x\" />\n  <link\n data-trunk\n/>\n<b/>";
        assert_eq!(without_trunk(page).expect("well formed"), "<a/>\n<b/>");
        assert!(without_trunk("<i data-trunk>").is_err());
    }

    #[test]
    fn the_page_names_files_by_their_hash() {
        let mut site = Site::default();
        let hashed = site.add("sparks/add.wasm", vec![1, 2, 3]);
        let digits = hashed.strip_prefix("sparks/add-").and_then(|it| it.strip_suffix(".wasm"));
        assert!(digits.is_some_and(|digits| digits.len() == 16), "{hashed}");
        assert_eq!(site.names["sparks/add.wasm"], hashed);
    }

    #[test]
    fn page_and_service_worker_carry_the_version_of_all_files() {
        let site = |contents: &[u8]| {
            let mut site = Site::default();
            site.add("boot.js", contents.to_vec());
            site.page().expect("the repository's own page and service worker");
            let text = |name: &str| String::from_utf8_lossy(&site.files[name]).into_owned();
            (text("index.html"), text(SERVICE), site.names["boot.js"].clone())
        };
        let (page, service, boot) = site(b"one");
        let (other_page, ..) = site(b"two");
        let version = |page: &str| {
            let (_, rest) = page.split_once("data-version=\"").expect("it has a version");
            rest.split_once('"').expect("which ends").0.to_owned()
        };
        assert_eq!(version(&page).len(), 16, "{page}");
        assert_ne!(version(&page), version(&other_page));
        assert!(service.contains(&format!("version: \"{}\"", version(&page))), "{service}");
        assert!(service.contains(&format!("\n  \"/{boot}\",\n] }};")), "{service}");
        assert!(marked("a a", "a", "b").is_err() && marked("", "a", "b").is_err());
    }

    #[test]
    fn earlier_builds_are_swept_away() {
        let folder = std::env::temp_dir().join(format!("ionosphere-site-{}", std::process::id()));
        fs::create_dir_all(folder.join("sparks")).expect("a folder to write to");
        fs::write(folder.join("sparks/old.wasm"), "old").expect("a file to write");
        let mut site = Site::default();
        let name = site.add("boot.js", b"new".to_vec());
        site.write(&folder).expect("written");
        let left: BTreeSet<PathBuf> = sorted(&folder).expect("listed").into_iter().collect();
        assert!(left.contains(&folder.join(name)) && !folder.join("sparks/old.wasm").exists());
        fs::remove_dir_all(&folder).expect("removed");
    }
}
