//! The program as an operator runs it: words, exit codes and signals.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{TcpListener, UdpSocket},
    process::{Child, Command, Stdio},
};

use node_core::{identity::Invitation, network::bootstrap::Bootstrap};

use crate::support::{Folder, ask};

fn relay(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay-server"));
    command
        .args(["--data-dir", &folder.path("data")])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A relay that is ended with the test, and where it says that it is.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn new(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output is ours");
        BufReader::new(output).read_line(&mut line).expect("its output is read");
        let address = line.trim().strip_prefix("open http://").unwrap_or_else(|| {
            let mut words = String::new();
            let _ = child.stderr.take().map(|mut errors| errors.read_to_string(&mut words));
            panic!("{line:?} is no line with an address; {words}")
        });
        Self { address: address.to_owned(), child }
    }

    fn address(&self) -> std::net::SocketAddr {
        self.address.parse().expect("it is an address")
    }

    async fn nebula_name(&self) -> String {
        let host = format!("Host: {}", self.address);
        let answer = ask(self.address(), "GET /bootstrap.json", &[&host]).await;
        let read = Bootstrap::read(answer.body.as_bytes()).expect("it is a bootstrap document");
        let code = read.nebula.expect("there is an open nebula");
        Invitation::decode(&code).expect("it is an invitation").name
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exit code and the words of a relay that does not start.
fn refusal(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("the program runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn flags_win_over_environment_and_environment_over_file() {
    let (one, two, three) = (Folder::new(), Folder::new(), Folder::new());
    let file = one.path("relay.toml");
    fs::write(&file, "listen = \"127.0.0.1:0\"\nname = \"file\"\n").expect("it is written");
    let with_file = Running::new(&mut relay(&one, &["--config", &file]));
    assert_eq!(with_file.nebula_name().await, "file");
    let environment = ("IONOSPHERE_RELAY_NAME", "environment");
    let mut command = relay(&two, &["--config", &file]);
    let with_environment = Running::new(command.env(environment.0, environment.1));
    assert_eq!(with_environment.nebula_name().await, "environment");
    let mut command = relay(&three, &["--config", &file, "--name", "flag"]);
    let with_flag = Running::new(command.env(environment.0, environment.1));
    assert_eq!(with_flag.nebula_name().await, "flag");
}

#[tokio::test]
async fn a_request_to_terminate_ends_it_in_order() {
    let folder = Folder::new();
    let mut running = Running::new(&mut relay(&folder, &["--listen", "127.0.0.1:0"]));
    let asked = std::time::Instant::now();
    let id = running.child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
    assert!(sent.success());
    let status = running.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    assert!(asked.elapsed().as_secs() < 5, "{:?}", asked.elapsed());
}

#[test]
fn a_port_in_use_is_named_with_a_remedy() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = taken.local_addr().expect("it has an address").to_string();
    let _udp = UdpSocket::bind(&address).expect("the same port is free there");
    for flag in ["--listen", "--listen-tcp", "--listen-quic", "--listen-stun"] {
        let other = if flag == "--listen" { "--listen-tcp=off" } else { "--listen=127.0.0.1:0" };
        let (code, words) = refusal(&mut relay(&folder, &[flag, &address, other]));
        assert_eq!(code, Some(1), "{words}");
        assert!(words.contains(&address) && words.contains("uses this port"), "{words}");
        assert!(words.contains(&format!("another port with {flag}")), "{words}");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_refused_with_code_2() {
    let folder = Folder::new();
    let file = folder.path("relay.toml");
    let cases = [
        ("port = 80", "line 1"),
        ("listen = \"here\"", "line 1"),
        ("name = \"a\"\nmax-circuits = 0", "max-circuits"),
        ("listen-tcp = \"nowhere\"", "neither `off` nor an address"),
        ("\u{0}", "line 1"),
    ];
    for (text, part) in cases {
        fs::write(&file, text).expect("it is written");
        let (code, words) = refusal(&mut relay(&folder, &["--config", &file]));
        assert_eq!(code, Some(2), "{text}: {words}");
        assert!(words.contains(part), "{text}: {words}");
    }
    let (code, words) = refusal(&mut relay(&folder, &["--config", "/nowhere.toml"]));
    assert!(code == Some(2) && words.contains("/nowhere.toml"), "{words}");
    let (code, words) = refusal(&mut relay(&folder, &["--listen", "8080"]));
    assert!(code == Some(2) && words.contains("--listen"), "{words}");
}

#[test]
fn a_key_that_others_can_read_or_that_is_damaged_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    drop(Running::new(&mut relay(&folder, &["--listen", "127.0.0.1:0"])));
    let key = folder.path("data/identity.key");
    let rights = |mode| fs::set_permissions(&key, fs::Permissions::from_mode(mode));
    let mode = fs::metadata(&key).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    rights(0o640).expect("it is changed");
    let (code, words) = refusal(&mut relay(&folder, &["--listen", "127.0.0.1:0"]));
    assert!(code == Some(1) && words.contains("chmod 600"), "{words}");
    rights(0o600).expect("it is changed");
    fs::write(&key, "damage").expect("it is written");
    let (code, words) = refusal(&mut relay(&folder, &["--listen", "127.0.0.1:0"]));
    assert!(code == Some(1) && words.contains("damaged"), "{words}");
}

#[test]
fn a_second_relay_on_the_same_folder_is_refused() {
    let folder = Folder::new();
    let _first = Running::new(&mut relay(&folder, &["--listen", "127.0.0.1:0"]));
    let (code, words) = refusal(&mut relay(&folder, &["--listen", "127.0.0.1:0"]));
    assert!(code == Some(1) && words.contains("another relay uses"), "{words}");
}

#[test]
fn a_certificate_that_cannot_be_read_is_named() {
    let folder = Folder::new();
    let arguments = ["--listen=127.0.0.1:0", "--tls-cert=/nowhere.pem", "--tls-key=/nowhere.key"];
    let (code, words) = refusal(&mut relay(&folder, &arguments));
    assert!(code == Some(1) && words.contains("/nowhere.pem"), "{words}");
}
