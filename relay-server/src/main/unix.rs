//! SIGINT and SIGTERM, by which Unix asks a program to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears requests to stop from the moment that it is made.
pub(crate) struct Requests(Vec<Signal>);

impl Requests {
    /// Begins to listen. A signal that cannot be listened to ends the program
    /// as the system does.
    pub(crate) fn listen() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        Self(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    /// Ends when the program is asked to stop.
    pub(crate) async fn stop(&mut self) {
        std::future::poll_fn(|context| {
            let is_asked = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if is_asked { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}
