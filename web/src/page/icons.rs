//! Icons, drawn by us: strokes on a field of 24 by 24, in the text's colour.

use super::raw::{Part, drawn};

/// Overview.
pub(crate) const OVERVIEW: &str = "M12 12m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M4.5 5.5m-1.5 0a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0M19.5 7m-1.5 0a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0M16.5 19.5m-1.5 0a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0M5.7 6.6l4 3.3M18.1 7.7l-3.4 2.4M15.8 18.2l-2.3-3.6";
/// Jobs.
pub(crate) const JOBS: &str =
    "M4 4h6.5v6.5H4zM13.5 4H20v6.5h-6.5zM4 13.5h6.5V20H4zM13.5 16.8l2.3 2.3 4.2-4.6";
/// Sparks.
pub(crate) const SPARKS: &str = "M13 3L5.5 13.5H11L10.2 21 18.5 10H12.6z";
/// Data.
pub(crate) const DATA: &str = "M5 6.500c0-1.700 3.100-3 7-3s7 1.300 7 3-3.100 3-7 3-7-1.300-7-3zM5 6.500v11c0 1.700 3.100 3 7 3s7-1.300 7-3v-11M5 12c0 1.700 3.100 3 7 3s7-1.300 7-3";
/// Files, and a folder.
pub(crate) const FOLDER: &str = "M3.500 6.500V18.500h17V8.500H12L10 6.500z";
/// A file.
pub(crate) const FILE: &str = "M6 3.500h8l4 4V20.500H6zM14 3.500V7.500h4";
/// A text.
pub(crate) const TEXT: &str = "M6 3.500h8l4 4V20.500H6zM9 11h6M9 14h6M9 17h4";
/// A picture.
pub(crate) const PHOTO: &str =
    "M3.500 5h17v14h-17zM3.500 16l5-5 4 4 3-3 5 5M15 9m-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0";
/// A sound.
pub(crate) const SOUND: &str = "M9 17.500m-2.500 0a2.500 2.500 0 1 0 5 0a2.500 2.500 0 1 0-5 0M11.500 17.500V5l7-1.500v12M16 15.500m-2.500 0a2.500 2.500 0 1 0 5 0a2.500 2.500 0 1 0-5 0";
/// Network.
pub(crate) const NETWORK: &str = "M12 5m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M5 18m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M19 18m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M11 6.800L6 16.200M13 6.800l5 9.400M7 18h10";
/// Ions.
pub(crate) const IONS: &str = "M3.5 5h17v11h-17zM8.5 20h7M12 16v4";
/// Mail.
pub(crate) const MAIL: &str = "M3.500 6h17v12.500h-17zM3.500 7l8.500 6.500L20.500 7";
/// Settings.
pub(crate) const SETTINGS: &str = "M4 7h9M17 7h3M4 17h3M11 17h9M15 7m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M9 17m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0";
/// Pause.
pub(crate) const PAUSE: &str = "M8.5 6v12M15.5 6v12";
/// Resume.
pub(crate) const RESUME: &str = "M8 5.5v13l10.5-6.5z";
/// Pair.
pub(crate) const PAIR: &str =
    "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2.500v2.500H14zM20 14v6h-6";
/// Scan.
pub(crate) const SCAN: &str =
    "M4 8.500V4h4.500M15.500 4H20v4.500M20 15.500V20h-4.500M8.500 20H4v-4.500M7 12h10";
/// Invite.
pub(crate) const INVITE: &str = "M9.5 8m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0M3 20c.4-4 3-6 6.5-6s6.1 2 6.5 6M18.5 8.500v6M15.5 11.500h6";
/// Close.
pub(crate) const CLOSE: &str = "M6.5 6.500l11 11M17.5 6.500l-11 11";
/// Upload.
pub(crate) const UPLOAD: &str = "M12 15.500V4.500M7.5 8.500L12 4l4.5 4.500M4 16v4h16v-4";

/// An icon beside words that say the same, so that readers need not hear it.
pub(crate) fn icon(path: &str) -> Part {
    drawing("icon", "0 0 24 24").put(stroke("", path))
}

/// The mark of Ionosphere: an ion under the layer that reflects its waves.
pub(crate) fn logo() -> Part {
    let ion = drawn("circle", "logo-ion").set("cx", "16").set("cy", "23").set("r", "4");
    drawing("logo", "0 0 32 32")
        .put(stroke("logo-arc", "M4.5 15.500a11.5 11.5 0 0 1 23 0"))
        .put(stroke("logo-arc", "M9.8 17.800a6.4 6.4 0 0 1 12.4 0"))
        .put(ion)
}

fn drawing(class: &str, field: &str) -> Part {
    let drawing = drawn("svg", class).set("viewBox", field);
    drawing.set("aria-hidden", "true").set("focusable", "false")
}

fn stroke(class: &str, path: &str) -> Part {
    drawn("path", class).set("d", path)
}
