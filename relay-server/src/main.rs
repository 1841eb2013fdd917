//! The program `relay-server`: reads its configuration, starts the relay, says
//! where to open it, and stops on SIGINT or SIGTERM.
//!
//! Exit codes: 0 after a signal, 1 when it could not start or broke, 2 when the
//! configuration cannot be used.

#[cfg(not(unix))]
#[path = "main/plain.rs"]
mod host;
#[cfg(unix)]
#[path = "main/unix.rs"]
mod host;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::Parser;
use relay_server::{
    Config, Error, Relay, Site,
    config::{Flags, LogFormat},
};
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise.
const LOG: &str = "info,libp2p=warn,libp2p_swarm=warn,webrtc=error,dtls=error";

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the system gives no threads: {error}"), 1),
    };
    let ended = runtime.block_on(run(Flags::parse()));
    // What still waits for a socket need not be waited for.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), if error.is_configuration() { 2 } else { 1 }),
    }
}

fn fail(sentence: &str, code: u8) -> ExitCode {
    eprintln!("relay-server: {sentence}");
    ExitCode::from(code)
}

async fn run(flags: Flags) -> Result<(), Error> {
    let (config, log_format) = Config::from_flags(flags)?;
    start_log(log_format);
    let mut relay = relay_server::start(config, Site::embedded()).await?;
    // Whoever has read that it is ready may ask it to stop.
    let mut requests = host::Requests::listen();
    announce(&relay);
    tokio::select! {
        () = requests.stop() => tracing::info!("stopping"),
        () = relay.ended() => return Err(Error::Network("it ended unexpectedly".to_owned())),
    }
    relay.stop().await;
    Ok(())
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let log = log.with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

/// One line on standard output says that the relay is ready and where.
fn announce(relay: &Relay) {
    // Whoever closed standard output does not want to know.
    let _ = writeln!(io::stdout(), "open {}", relay.url).and_then(|()| io::stdout().flush());
    let tcp = relay.tcp.as_ref().map(ToString::to_string);
    let quic = relay.quic.as_ref().map(ToString::to_string);
    let webrtc = relay.webrtc.as_ref().map(ToString::to_string);
    let stun = relay.stun.map(|stun| stun.to_string());
    tracing::info!(
        url = relay.url,
        url_for_others = relay.url_for_others,
        tcp,
        quic,
        webrtc,
        stun,
        peer_id = %relay.peer_id,
        "ready"
    );
}
