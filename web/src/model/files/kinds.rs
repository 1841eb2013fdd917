//! What a file is, by its media type or its name's ending, and whether the page
//! shows it in place. Only what stands in the list is.

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As a picture.
    Picture,
    /// As a film.
    Video,
    /// As a sound.
    Audio,
    /// As text.
    Text,
    /// Not in place.
    Other,
}

/// Endings and media types of pictures, films and sounds.
const TYPES: [(&str, &str); 22] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("svg", "image/svg+xml"),
    ("mp4", "video/mp4"),
    ("m4v", "video/mp4"),
    ("webm", "video/webm"),
    ("mov", "video/quicktime"),
    ("ogv", "video/ogg"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("oga", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("wav", "audio/wav"),
    ("wav", "audio/x-wav"),
    ("flac", "audio/flac"),
    ("m4a", "audio/mp4"),
    ("aac", "audio/aac"),
];

/// Endings of text, and media types beside `text/…`.
const TEXTS: &str = " txt md csv tsv log json jsonl xml html htm css js mjs ts rs toml yaml yml ini \
                     conf py sh c h cpp hpp go zig java rb sql tex srt vtt application/json \
                     application/xml application/javascript application/toml application/yaml \
                     application/x-sh application/sql ";

/// What a file is, and the media type to show it by; empty for what is not
/// shown by one.
pub fn kind(media_type: &str, name: &str) -> (Kind, &'static str) {
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    let is_said = !matches!(media_type, "" | "application/octet-stream");
    let found = TYPES
        .iter()
        .find(|(end, media)| if is_said { *media == media_type } else { *end == ending });
    if let Some((_, media)) = found {
        let kind = match &media[..5] {
            "image" => Kind::Picture,
            "video" => Kind::Video,
            _ => Kind::Audio,
        };
        return (kind, media);
    }
    let known = if is_said { media_type } else { &ending };
    let is_text = media_type.starts_with("text/")
        || !known.is_empty() && TEXTS.split(' ').any(|text| text == known);
    (if is_text { Kind::Text } else { Kind::Other }, "")
}
