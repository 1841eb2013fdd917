//! Where there is no signal that asks a program to terminate.

pub(crate) async fn terminated() {
    std::future::pending().await
}
