//! What is read, what wins, and what is refused.

use clap::{CommandFactory, Parser};

use super::*;

fn settings(toml: &str) -> Settings {
    toml::from_str(toml).expect("the settings are valid")
}

fn config(toml: &str) -> Result<Config, String> {
    Config::new(settings(toml)).map_err(|error| error.to_string())
}

fn data_dir() -> &'static str {
    "data-dir = \"/nowhere\"\n"
}

#[test]
fn the_defaults_are_those_that_are_documented() {
    let config = config(data_dir()).expect("it is valid");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.listen_tcp.map(|tcp| tcp.to_string()).as_deref(), Some("127.0.0.1:8081"));
    let udp = [config.listen_stun, config.listen_quic]
        .map(|place| place.map(|place| (place.address.to_string(), place.is_asked_for)));
    let by_default = |text: &str| Some((text.to_owned(), false));
    assert_eq!(udp, [by_default("127.0.0.1:8080"), by_default("127.0.0.1:8081")]);
    assert_eq!((config.listen_webrtc, config.ice_servers), (None, Vec::new()));
    assert!(config.open_nebula && !config.trust_proxy);
    assert_eq!(config.tls, Tls::Off);
    let limits = config.limits;
    assert_eq!((limits.reservations, limits.reservations_per_peer), (4_096, 8));
    assert_eq!((limits.circuits, limits.circuits_per_peer), (1_024, 256));
    assert_eq!(limits.circuit_duration, Duration::from_mins(10));
    assert_eq!(limits.circuit_bytes, 64 << 20);
    let per_peer = Allowance { bytes_per_second: 16 << 20, bytes_per_day: 64 << 30 };
    assert_eq!(limits.per_peer, per_peer);
}

#[test]
fn what_comes_first_wins() {
    let first = settings("name = \"flag\"\nmax-circuits = 1");
    let second = settings("name = \"file\"\nmax-circuits = 2\nmax-connections = 3");
    let both = first.or(second);
    assert_eq!(both.name.as_deref(), Some("flag"));
    assert_eq!(both.max_circuits, Some(1));
    assert_eq!(both.max_connections, Some(3));
}

#[test]
fn every_setting_is_taken_over_from_the_file() {
    let all = "listen = \"1.2.3.4:5\"\nlisten-tcp = \"off\"\nlisten-quic = \"off\"\nlisten-stun = \"off\"\nlisten-webrtc = \"off\"\n\
        ice-server = [\"i\"]\nallow-host = [\"h\"]\ndata-dir = \"/d\"\nname = \"n\"\n\
        open-nebula = false\npublic-url = \"https://a\"\nrelay = [\"r\"]\ntrust-proxy = true\n\
        tls-cert = \"c\"\ntls-key = \"k\"\ntls-self-made = true\ntls-name = [\"t\"]\n\
        max-connections = 1\nmax-connections-per-address = 2\nmax-reservations = 3\n\
        max-reservations-per-peer = 4\nmax-circuits = 5\nmax-circuits-per-peer = 6\n\
        max-circuit-seconds = 7\nmax-circuit-mib = 8\nmax-requests-per-minute = 9\n\
        max-peer-kib-per-second = 10\nmax-peer-gib-per-day = 11\n\
        log-format = \"json\"\n";
    let merged = Settings::default().or(settings(all));
    assert_eq!(format!("{merged:?}"), format!("{:?}", settings(all)));
    assert!(!format!("{merged:?}").contains("None"), "{merged:?}");
}

#[test]
fn tcp_follows_http_unless_told_otherwise() {
    let tcp = |text: &str| {
        let config = config(&format!("{}{text}", data_dir()));
        config.map(|config| config.listen_tcp.map(|tcp| tcp.to_string()))
    };
    assert_eq!(tcp("listen = \"0.0.0.0:90\""), Ok(Some("0.0.0.0:91".to_owned())));
    assert_eq!(tcp("listen = \"0.0.0.0:0\""), Ok(Some("0.0.0.0:0".to_owned())));
    assert_eq!(tcp("listen = \"0.0.0.0:65535\""), Ok(None));
    assert_eq!(tcp("listen-tcp = \"off\""), Ok(None));
    assert!(tcp("listen-tcp = \"127.0.0.1:8080\"").is_err_and(|error| error.contains("http")));
}

#[test]
fn udp_listens_where_it_is_told_or_by_default() {
    let quic = |text: &str| {
        let config = config(&format!("{}{text}", data_dir()));
        config.map(|config| config.listen_quic.map(|at| (at.address.to_string(), at.is_asked_for)))
    };
    assert_eq!(quic("listen = \"[::]:90\""), Ok(Some(("[::]:91".to_owned(), false))));
    assert_eq!(quic("listen = \"[::]:65535\""), Ok(None));
    assert_eq!(quic("listen-quic = \"off\""), Ok(None));
    let asked = quic("listen-quic = \"0.0.0.0:8080\"");
    assert_eq!(asked, Ok(Some(("0.0.0.0:8080".to_owned(), true))));
}

#[test]
fn further_ice_servers_are_checked() {
    let text = "ice-server = [\"stun:a\", \"turn:b:3478?transport=tcp me secret\"]";
    let servers = config(&format!("{}{text}", data_dir())).expect("they are good").ice_servers;
    assert_eq!(servers[0].urls, ["stun:a"]);
    assert_eq!(servers[1].credential.as_deref(), Some("secret"));
    for wrong in ["a", "", "turn:a", "turn:a me", "turn:a me secret more", "stun:a b c d"] {
        let refused = config(&format!("{}ice-server = [{wrong:?}]", data_dir()));
        assert!(refused.is_err_and(|error| error.contains("turn:turn.example.org")), "{wrong}");
    }
    let many = vec!["stun:a"; ICE_SERVERS_MAX + 1];
    assert!(config(&format!("{}ice-server = {many:?}", data_dir())).is_err());
}

#[test]
fn zero_is_unlimited_only_where_it_says_so() {
    let text = format!("{}max-circuit-seconds = 0\nmax-circuit-mib = 0", data_dir());
    let limits = config(&text).expect("it is valid").limits;
    assert!(limits.circuit_duration > Duration::from_secs(1 << 28));
    assert!(limits.circuit_duration < Duration::from_secs(u64::from(u32::MAX)));
    assert_eq!(limits.circuit_bytes, 0);
    let refused = config(&format!("{}max-circuits = 0", data_dir()));
    assert!(refused.is_err_and(|error| error.contains("max-circuits")));
}

#[test]
fn the_flags_are_consistent_and_read_as_shown() {
    Flags::command().debug_assert();
    let read = |flags: &[&str]| {
        let flags = Flags::try_parse_from(["relay-server"].iter().chain(flags))?;
        Ok::<_, clap::Error>(flags.settings)
    };
    let settings = read(&["--open-nebula=false", "--trust-proxy", "--relay=a,b", "--relay", "c"])
        .expect("they are valid");
    assert_eq!((settings.open_nebula, settings.trust_proxy), (Some(false), Some(true)));
    assert_eq!(settings.relay, ["a", "b", "c"]);
    assert!(read(&["--open-nebula=maybe"]).is_err());
    assert!(read(&["--max-circuits=-1"]).is_err());
}

#[test]
fn contradictions_are_refused_with_a_remedy() {
    let cases = [
        ("tls-cert = \"a\"", "--tls-key"),
        ("tls-key = \"a\"", "--tls-cert"),
        ("tls-cert = \"a\"\ntls-key = \"b\"\ntls-self-made = true", "one of the two"),
        ("tls-name = [\"a\"]", "--tls-self-made"),
        ("tls-self-made = true\ntls-name = [\"a b\"]", "no host name"),
        ("name = \" \"", "visible characters"),
        ("public-url = \"relay.example\"", "https://relay.example.org"),
        ("relay = [\"/ip4/1.2.3.4/tcp/5/ws\"]", "/bootstrap.json"),
        ("relay = [\"hello\"]", "/bootstrap.json"),
        ("allow-host = [\"a:80\"]", "without a port"),
    ];
    for (text, remedy) in cases {
        let error = config(&format!("{}{text}", data_dir())).expect_err(text);
        assert!(error.contains(remedy), "{text}: {error}");
    }
}

#[test]
fn unknown_keys_are_named_with_their_line() {
    let path = std::env::temp_dir().join(format!("relay-config-{}.toml", std::process::id()));
    std::fs::write(&path, "name = \"a\"\nport = 80\n").expect("it is written");
    let error = Settings::read(&path).expect_err("there is no such key").to_string();
    std::fs::remove_file(&path).expect("it is removed");
    assert!(error.contains("line 2") && error.contains("port"), "{error}");
}

#[test]
fn a_missing_file_is_said_to_be_missing() {
    let error = Settings::read("/nowhere/relay.toml".as_ref()).expect_err("it is missing");
    assert!(error.to_string().contains("--config"), "{error}");
}
