//! SIGTERM, by which Unix asks a program to terminate.

use tokio::signal::unix::{SignalKind, signal};

/// Ends when the program is asked to terminate.
pub(crate) async fn terminated() {
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}
