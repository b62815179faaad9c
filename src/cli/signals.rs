//! Being asked to end from outside: ctrl-c and SIGTERM.

use tokio::signal;

/// Waits until this process is asked to end.
pub(super) async fn asked_to_end() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
        let mut hang_up = signal::unix::signal(signal::unix::SignalKind::hangup())?;
        tokio::select! {
            asked = signal::ctrl_c() => asked,
            _ = terminate.recv() => Ok(()),
            _ = hang_up.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    signal::ctrl_c().await
}
