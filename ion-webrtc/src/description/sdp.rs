//! Descriptions as SDP: read from what browsers make, written for them.

use std::{fmt::Write as _, net::SocketAddr};

use super::{
    Address, CANDIDATES_MAX, Candidate, CandidateKind, Description, DescriptionError,
    PWD_BYTES_MAX, SDP_BYTES_MAX, Setup, UFRAG_BYTES_MAX, is_ice_text, is_mid,
};

/// Which side's description an SDP is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdpKind {
    /// Of the one who starts.
    Offer,
    /// Of the one who answers.
    Answer,
}

impl SdpKind {
    /// As browsers name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Answer => "answer",
        }
    }
}

/// What stands for the messages' length when nothing does, after RFC 8841.
const MAX_MESSAGE_SIZE: u32 = 65_536;
/// What RFC 8445 recommends for the one address of a host.
const SERVER_PRIORITY: u32 = (126 << 24) | (65_535 << 8) | 255;

pub(super) fn parse(sdp: &str) -> Result<Description, DescriptionError> {
    if sdp.len() > SDP_BYTES_MAX {
        return Err(DescriptionError::TooLong);
    }
    let sections = sdp.lines().filter(|line| line.starts_with("m=")).count();
    if sections != 1 || !sdp.lines().any(|line| line.starts_with("m=application ")) {
        return Err(DescriptionError::Malformed("section"));
    }
    let ufrag = credential(sdp, "ice-ufrag", UFRAG_BYTES_MAX)?;
    let pwd = credential(sdp, "ice-pwd", PWD_BYTES_MAX)?;
    let mid = attribute(sdp, "mid").unwrap_or("0");
    if !is_mid(mid) {
        return Err(DescriptionError::Malformed("mid"));
    }
    Ok(Description {
        ufrag,
        pwd,
        fingerprint: fingerprint(sdp)?,
        setup: setup(sdp)?,
        mid: mid.to_owned(),
        sctp_port: number(sdp, "sctp-port", 5_000)?,
        max_message_size: number(sdp, "max-message-size", MAX_MESSAGE_SIZE)?,
        candidates: candidates(sdp),
    })
}

fn attribute<'a>(sdp: &'a str, name: &str) -> Option<&'a str> {
    sdp.lines().find_map(|line| {
        line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':').map(str::trim)
    })
}

fn credential(sdp: &str, name: &'static str, bytes_max: usize) -> Result<String, DescriptionError> {
    let found = attribute(sdp, name).ok_or(DescriptionError::Missing(name))?;
    if found.len() > bytes_max || !is_ice_text(found) {
        return Err(DescriptionError::Malformed(name));
    }
    Ok(found.to_owned())
}

fn number<T: std::str::FromStr>(
    sdp: &str,
    name: &'static str,
    otherwise: T,
) -> Result<T, DescriptionError> {
    let Some(found) = attribute(sdp, name) else { return Ok(otherwise) };
    found.parse().map_err(|_| DescriptionError::Malformed(name))
}

fn setup(sdp: &str) -> Result<Setup, DescriptionError> {
    match attribute(sdp, "setup").ok_or(DescriptionError::Missing("setup"))? {
        "actpass" => Ok(Setup::ActPass),
        "active" => Ok(Setup::Active),
        "passive" => Ok(Setup::Passive),
        _ => Err(DescriptionError::Malformed("setup")),
    }
}

pub(super) fn fingerprint(sdp: &str) -> Result<[u8; 32], DescriptionError> {
    let missing = DescriptionError::Missing("fingerprint");
    let malformed = DescriptionError::Malformed("fingerprint");
    let text = attribute(sdp, "fingerprint").ok_or(missing)?;
    let (hash, digits) = text.split_once(' ').ok_or(malformed)?;
    if !hash.eq_ignore_ascii_case("sha-256") {
        return Err(malformed);
    }
    let mut bytes = [0; 32];
    let mut pairs = digits.trim().split(':');
    for byte in &mut bytes {
        let pair = pairs.next().filter(|pair| pair.len() == 2).ok_or(malformed)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| malformed)?;
    }
    if pairs.next().is_some() { Err(malformed) } else { Ok(bytes) }
}

fn candidates(sdp: &str) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for candidate in sdp.lines().filter_map(Candidate::from_line) {
        if found.len() < CANDIDATES_MAX && !found.contains(&candidate) {
            found.push(candidate);
        }
    }
    found
}

pub(super) fn write(description: &Description, kind: SdpKind) -> String {
    let Description { ufrag, pwd, mid, sctp_port, max_message_size, .. } = description;
    let setup = match (kind, description.setup) {
        (SdpKind::Offer, _) => "actpass",
        (SdpKind::Answer, Setup::Passive) => "passive",
        (SdpKind::Answer, _) => "active",
    };
    let mut sdp = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mid}\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
    );
    for candidate in &description.candidates {
        line(&mut sdp, &candidate.to_line());
    }
    line(&mut sdp, &format!("ice-ufrag:{ufrag}"));
    line(&mut sdp, &format!("ice-pwd:{pwd}"));
    line(&mut sdp, "ice-options:trickle");
    line(&mut sdp, &format!("fingerprint:sha-256 {}", digits(&description.fingerprint)));
    line(&mut sdp, &format!("setup:{setup}"));
    line(&mut sdp, &format!("mid:{mid}"));
    line(&mut sdp, &format!("sctp-port:{sctp_port}"));
    line(&mut sdp, &format!("max-message-size:{max_message_size}"));
    sdp
}

/// What a server would answer, after libp2p's `webrtc/webrtc-direct.md`: an
/// address that anybody reaches (so it is ICE-lite), the user name as password,
/// and messages of at most 16 KiB.
pub(crate) fn of_server(at: SocketAddr, fingerprint: &[u8; 32], ufrag: &str) -> String {
    let digits = digits(fingerprint);
    let (ip, port) = (at.ip(), at.port());
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    let (kind, address) = (CandidateKind::Host, Address::Ip(ip));
    let candidate = Candidate { kind, address, port, priority: SERVER_PRIORITY }.to_line();
    format!(
        "v=0\r\no=- 0 0 IN {family} {ip}\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n\
         m=application {port} UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN {family} {ip}\r\n\
         a=mid:0\r\na=ice-options:ice2\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{ufrag}\r\n\
         a=fingerprint:sha-256 {digits}\r\na=setup:passive\r\na=sctp-port:5000\r\n\
         a=max-message-size:16384\r\na={candidate}\r\na=end-of-candidates\r\n"
    )
}

/// A SHA-256 as RFC 8122 writes it.
fn digits(fingerprint: &[u8; 32]) -> String {
    fingerprint.map(|byte| format!("{byte:02X}")).join(":")
}

fn line(sdp: &mut String, attribute: &str) {
    write!(sdp, "a={attribute}\r\n").expect("a string takes all that is written");
}
