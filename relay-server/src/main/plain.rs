//! Where Ctrl-C is the only way to ask a program to stop.

/// Hears requests to stop.
pub(crate) struct Requests;

impl Requests {
    pub(crate) fn listen() -> Self {
        Self
    }

    /// Ends when the program is asked to stop.
    pub(crate) async fn stop(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
