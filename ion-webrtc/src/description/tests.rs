use std::fmt::Write as _;

use super::*;

const CHROMIUM: &str = "v=0\r\no=- 4648475892259889561 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE 0\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
    a=candidate:1001 1 udp 2113937151 0c1d2e3f-0123-4567-89ab-cdef01234567.local 51111 typ host \
    generation 0 network-cost 999\r\n\
    a=candidate:1002 1 udp 2113939711 2001:db8::7 51112 typ host generation 0\r\n\
    a=candidate:1003 1 tcp 1518280447 192.168.1.2 9 typ host tcptype active generation 0\r\n\
    a=candidate:1004 1 udp 1677729535 203.0.113.5 40000 typ srflx raddr 0.0.0.0 rport 0\r\n\
    a=ice-ufrag:wRk9\r\na=ice-pwd:0123456789abcdefghijklmn\r\na=ice-options:trickle\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\na=setup:actpass\r\na=mid:0\r\n\
    a=sctp-port:5000\r\na=max-message-size:262144\r\n";

const FIREFOX: &str = "v=0\r\no=mozilla...THIS_IS_SDPARTA-99.0 3714 0 IN IP4 0.0.0.0\r\ns=-\r\n\
    t=0 0\r\na=fingerprint:sha-256 01:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\na=group:BUNDLE 0\r\n\
    a=ice-options:trickle\r\na=msid-semantic:WMS *\r\n\
    m=application 43214 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 127.0.0.1\r\n\
    a=candidate:0 1 UDP 2122252543 127.0.0.1 43214 typ host\r\na=sendrecv\r\na=end-of-candidates\r\n\
    a=ice-pwd:4f8d7c6b5a493827161504f3e2d1c0bf\r\na=ice-ufrag:1f2e3d4c\r\na=mid:0\r\n\
    a=setup:active\r\na=sctp-port:5000\r\na=max-message-size:1073741823\r\n";

#[test]
fn what_browsers_say_is_understood() {
    let chromium = Description::from_sdp(CHROMIUM).unwrap();
    assert_eq!((chromium.ufrag.as_str(), chromium.mid.as_str()), ("wRk9", "0"));
    assert_eq!((chromium.setup, chromium.sctp_port), (Setup::ActPass, 5_000));
    assert_eq!(chromium.fingerprint[..3], [0, 0x11, 0x22]);
    let kinds: Vec<_> = chromium.candidates.iter().map(|one| one.kind).collect();
    assert_eq!(
        kinds,
        [CandidateKind::Host, CandidateKind::Host, CandidateKind::ServerReflexive],
        "no TCP"
    );
    let firefox = Description::from_sdp(FIREFOX).unwrap();
    assert_eq!((firefox.setup, firefox.max_message_size), (Setup::Active, 1_073_741_823));
    assert_eq!(
        firefox.candidates[0].to_line(),
        "candidate:1 1 udp 2122252543 127.0.0.1 43214 typ host"
    );
}

#[test]
fn it_is_short_and_comes_back() {
    for sdp in [CHROMIUM, FIREFOX] {
        let description = Description::from_sdp(sdp).unwrap();
        let bytes = description.encode();
        assert!(bytes.len() < 140, "{} bytes", bytes.len());
        assert_eq!(Description::decode(&bytes), Ok(description.clone()));
        let again = Description::from_sdp(&description.to_sdp(SdpKind::Offer)).unwrap();
        assert_eq!(again.setup, Setup::ActPass);
        assert_eq!(Description { setup: description.setup, ..again }, description);
    }
}

#[test]
fn the_short_form_is_as_it_is() {
    let description = Description {
        ufrag: "ab".to_owned(),
        pwd: "cd".to_owned(),
        fingerprint: [9; 32],
        setup: Setup::Passive,
        mid: "x".to_owned(),
        sctp_port: 1,
        max_message_size: 2,
        candidates: vec![Candidate {
            kind: CandidateKind::ServerReflexive,
            address: Address::Ip([1, 2, 3, 4].into()),
            port: 5,
            priority: 6,
        }],
    };
    let mut expected = vec![1, 0b11110, 2, b'a', b'b', 2, b'c', b'd'];
    expected.extend([9; 32]);
    expected.extend([1, b'x', 0, 1, 0, 0, 0, 2, 1, 1, 1, 2, 3, 4, 0, 5, 0, 0, 0, 6]);
    assert_eq!(description.encode(), expected);
    assert_eq!(Description::decode(&expected), Ok(description));
}

#[test]
fn an_answer_says_who_begins() {
    let mut answer = Description::from_sdp(FIREFOX).unwrap();
    assert!(answer.to_sdp(SdpKind::Answer).contains("a=setup:active\r\n"));
    answer.setup = Setup::Passive;
    assert!(answer.to_sdp(SdpKind::Answer).contains("a=setup:passive\r\n"));
    assert!(answer.to_sdp(SdpKind::Offer).contains("a=setup:actpass\r\n"));
}

#[test]
fn every_cut_and_addition_is_refused() {
    let bytes = Description::from_sdp(CHROMIUM).unwrap().encode();
    for length in 0..bytes.len() {
        assert!(Description::decode(&bytes[..length]).is_err(), "cut at {length}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Description::decode(&longer), Err(DescriptionError::Trailing));
    assert_eq!(Description::decode(&[1; BYTES_MAX + 1]), Err(DescriptionError::TooLong));
}

#[test]
fn nobody_can_smuggle_lines_into_an_sdp() {
    let evil = CHROMIUM.replace("a=ice-ufrag:wRk9", "a=ice-ufrag:w\ta=candidate");
    assert_eq!(Description::from_sdp(&evil), Err(DescriptionError::Malformed("ice-ufrag")));
    let mut bytes = Description::from_sdp(CHROMIUM).unwrap().encode();
    bytes[3] = b'\n';
    assert_eq!(Description::decode(&bytes), Err(DescriptionError::Malformed("ice-ufrag")));
}

#[test]
fn other_sections_and_hashes_are_refused() {
    let video = CHROMIUM.replace("m=application", "m=video");
    assert_eq!(Description::from_sdp(&video), Err(DescriptionError::Malformed("section")));
    let two = format!("{CHROMIUM}m=audio 9 x 0\r\n");
    assert_eq!(Description::from_sdp(&two), Err(DescriptionError::Malformed("section")));
    let hash = CHROMIUM.replace("sha-256", "sha-1");
    assert_eq!(Description::from_sdp(&hash), Err(DescriptionError::Malformed("fingerprint")));
    let none = CHROMIUM.replace("a=ice-pwd", "a=x");
    assert_eq!(Description::from_sdp(&none), Err(DescriptionError::Missing("ice-pwd")));
}

#[test]
fn there_are_never_too_many_candidates() {
    let mut sdp = CHROMIUM.to_owned();
    for port in 1..100 {
        write!(sdp, "a=candidate:1 1 udp 1 10.0.0.1 {port} typ host\r\n").unwrap();
    }
    let description = Description::from_sdp(&sdp).unwrap();
    assert_eq!(description.candidates.len(), CANDIDATES_MAX);
    assert!(description.encode().len() <= BYTES_MAX);
}

#[test]
fn a_server_answers_with_all_that_its_address_says() {
    for (at, line) in [
        ("203.0.113.1:4001", "c=IN IP4 203.0.113.1"),
        ("[2001:db8::7]:4001", "c=IN IP6 2001:db8::7"),
    ] {
        let at: std::net::SocketAddr = at.parse().unwrap();
        let sdp = of_server(at, &[0xAB; 32], "libp2p+webrtc+v1/x");
        assert!(sdp.contains(line) && sdp.contains("a=ice-lite\r\nm="), "{sdp}");
        let read = Description::from_sdp(&sdp).unwrap();
        assert_eq!((read.ufrag.as_str(), read.pwd.as_str()), ("libp2p+webrtc+v1/x", &*read.ufrag));
        assert_eq!((read.fingerprint, read.setup), ([0xAB; 32], Setup::Passive));
        assert_eq!((read.sctp_port, read.max_message_size), (5_000, 16_384));
        let candidate = &read.candidates[0];
        assert_eq!((candidate.address, candidate.port), (Address::Ip(at.ip()), at.port()));
    }
}
