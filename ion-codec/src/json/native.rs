//! JSON by `serde_json`, which itself nests at most 128 deep.

use serde::de::DeserializeOwned;

/// A value from JSON; the error is a reason for people.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|why| why.to_string())
}

/// A text as JSON writes it, in quotation marks.
pub fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
