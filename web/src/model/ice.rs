//! STUN and TURN servers as people write them, and what a trial of one found,
//! in words.
//!
//! A server is `stun:`, `stuns:`, `turn:` or `turns:`, a host and perhaps a port
//! (RFC 7064 and 7065), for TURN with a name and a credential. What is not one,
//! is there already, or is one too many is refused with what happened, why, and
//! what to do. Bounds: those of [`IceServer::check`], [`ICE_SERVERS_MAX`] servers.

use node_core::{
    network::bootstrap::{ICE_BYTES_MAX, IceError, IceServer},
    node::{ICE_SERVERS_MAX, IceFound, Problem},
};

use super::{news::problem, words::Meaning};

const NOT_TAKEN: &str = "The server was not taken.";
const SCHEMES: [&str; 4] = ["stun:", "stuns:", "turn:", "turns:"];

/// What a person typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The server's address.
    pub url: String,
    /// By which name TURN knows its user.
    pub username: String,
    /// What goes with it.
    pub credential: String,
}

impl Typed {
    /// Whether this is going to be a TURN server, which asks for more.
    pub fn is_turn(&self) -> bool {
        let url = self.url.trim_start().to_ascii_lowercase();
        url.starts_with("turn:") || url.starts_with("turns:")
    }

    /// The server, if it is one.
    pub fn read(&self) -> Result<IceServer, Problem> {
        let url = lower_scheme(self.url.trim());
        let secret = |text: &str| Some(text.trim().to_owned()).filter(|_| self.is_turn());
        let server = IceServer {
            username: secret(&self.username).filter(|text| !text.is_empty()),
            credential: secret(&self.credential).filter(|text| !text.is_empty()),
            urls: vec![url],
        };
        server.check().map_err(|why| self.refused(why))?;
        Ok(server)
    }

    /// The server beside those that are there already.
    pub fn add(&self, present: &[IceServer]) -> Result<Vec<IceServer>, Problem> {
        let server = self.read()?;
        if present.iter().any(|known| known.urls == server.urls) {
            let why = format!("{} stands in the list already.", server.urls.join(", "));
            return Err(problem(NOT_TAKEN, &why, "Remove it first to give it another name."));
        }
        if present.len() >= ICE_SERVERS_MAX {
            let why = format!("A tab keeps at most {ICE_SERVERS_MAX} servers.");
            return Err(problem(NOT_TAKEN, &why, "Remove one; one or two that answer are enough."));
        }
        Ok(present.iter().cloned().chain([server]).collect())
    }

    fn refused(&self, why: IceError) -> Problem {
        let url = self.url.trim();
        let has_scheme = SCHEMES.iter().any(|scheme| url.to_ascii_lowercase().starts_with(scheme));
        let (why, remedy) = match why {
            _ if url.is_empty() => ("Nothing was typed.".to_owned(), EXAMPLE),
            IceError::NoCredential => (
                "A TURN server relays only for those it knows by a name and a credential."
                    .to_owned(),
                "Ask its operator for both, and type them as they are.",
            ),
            IceError::Length => (
                format!("Address, name and credential have 1 to {ICE_BYTES_MAX} bytes."),
                "Copy them once more from where they came.",
            ),
            _ if !has_scheme => {
                (format!("An address begins with one of {}.", SCHEMES.join(", ")), EXAMPLE)
            }
            _ => (
                "What follows the first colon is no host with, perhaps, a port.".to_owned(),
                EXAMPLE,
            ),
        };
        problem(NOT_TAKEN, &why, remedy)
    }
}

const EXAMPLE: &str = "Write it as its operator does: stun:stun.example.org:3478 or \
                       turn:turn.example.org:3478?transport=udp.";

/// Schemes are taken in capitals, too; browsers want them small.
fn lower_scheme(url: &str) -> String {
    match url.split_once(':') {
        Some((scheme, rest)) => format!("{}:{rest}", scheme.to_ascii_lowercase()),
        None => url.to_owned(),
    }
}

/// A trial, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The number it was asked under.
    pub request: u64,
    /// The server.
    pub server: IceServer,
    /// What came of it; `None` while nothing has.
    pub result: Option<Result<IceFound, Problem>>,
}

impl Trial {
    /// What it came to: its meaning and a sentence.
    pub fn words(&self) -> (Meaning, String) {
        let is_turn = self.server.urls.iter().any(|url| url.starts_with("turn"));
        match &self.result {
            None => (Meaning::Waiting, "asking …".to_owned()),
            Some(Err(problem)) => (Meaning::Bad, format!("{} {}", problem.why, problem.remedy)),
            Some(Ok(found)) => found_words(is_turn, *found),
        }
    }
}

fn found_words(is_turn: bool, found: IceFound) -> (Meaning, String) {
    let IceFound { seen, relayed } = found;
    match (is_turn, seen, relayed) {
        (_, _, 1..) => (Meaning::Good, format!("It works: it relays at {}.", addresses(relayed))),
        (true, 1.., 0) => (
            Meaning::Bad,
            "It answers, but relays nothing: see whether name and credential are right.".to_owned(),
        ),
        (false, 1.., 0) => {
            (Meaning::Good, format!("It works: it sees this device at {}.", addresses(seen)))
        }
        (_, 0, 0) => (
            Meaning::Bad,
            "Nothing came within a second: it does not answer, something blocks the way, or this \
             device stands in the open and needs no help."
                .to_owned(),
        ),
    }
}

fn addresses(count: u32) -> String {
    if count == 1 { "1 address".to_owned() } else { format!("{count} addresses") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(url: &str) -> Typed {
        Typed { url: url.to_owned(), ..Typed::default() }
    }

    fn turn(username: &str, credential: &str) -> Typed {
        Typed {
            url: "turn:turn.example.org".to_owned(),
            username: username.to_owned(),
            credential: credential.to_owned(),
        }
    }

    #[test]
    fn servers_are_read_as_people_write_them() {
        for url in ["stun:a.example", " STUN:a.example:3478 ", "stuns:[2001:db8::1]:5349"] {
            let server = typed(url).read().expect(url);
            assert!(server.urls[0].starts_with("stun"), "{server:?}");
        }
        let server = turn(" me ", "secret").read().expect("a TURN server");
        assert_eq!(server.username.as_deref(), Some("me"));
        let stun = Typed { username: "me".to_owned(), ..typed("stun:a.example") };
        assert_eq!(stun.read().expect("a STUN server").username, None, "it needs none");
    }

    #[test]
    fn what_is_no_server_is_refused_with_its_reason() {
        let why = |typed: &Typed| typed.read().expect_err("no server").why;
        assert!(why(&typed("  ")).contains("Nothing"));
        assert!(why(&typed("https://a.example")).contains("stun:"));
        assert!(why(&typed("a.example")).contains("stun:"));
        assert!(why(&typed("stun:")).contains("host"));
        assert!(why(&typed("stun:a.example:0")).contains("host"));
        assert!(why(&typed("stun:a.example:99999")).contains("host"));
        assert!(why(&typed("stun:a b")).contains("host"));
        assert!(why(&turn("me", " ")).contains("credential"));
        assert!(why(&typed(&format!("stun:{}", "a".repeat(600)))).contains("bytes"));
        for url in ["stun:\u{202e}x", "turn:x?transport=sctp", "stun:x?transport=udp"] {
            assert!(typed(url).read().is_err(), "{url}");
        }
    }

    #[test]
    fn a_list_takes_each_server_once_and_not_too_many() {
        let mut servers = typed("stun:a.example").add(&[]).expect("the first");
        assert!(typed("stun:a.example").add(&servers).is_err());
        for at in 1..ICE_SERVERS_MAX {
            servers = typed(&format!("stun:a{at}.example")).add(&servers).expect("room");
        }
        let refused = typed("stun:b.example").add(&servers).expect_err("no room");
        assert!(refused.why.contains(&ICE_SERVERS_MAX.to_string()), "{refused:?}");
    }

    #[test]
    fn a_trial_says_what_came() {
        let trial = |url: &str, seen, relayed| {
            let server = IceServer { urls: vec![url.to_owned()], username: None, credential: None };
            Trial { request: 1, server, result: Some(Ok(IceFound { seen, relayed })) }.words()
        };
        assert_eq!(trial("stun:a", 1, 0).0, Meaning::Good);
        assert!(trial("stun:a", 2, 0).1.contains("2 addresses"));
        assert_eq!(trial("turn:a", 1, 0).0, Meaning::Bad);
        assert!(trial("turn:a", 0, 1).1.contains("relays at 1 address."));
        assert!(trial("stun:a", 0, 0).1.contains("within a second"));
    }
}
