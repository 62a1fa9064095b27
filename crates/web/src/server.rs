//! The server loop: connections, time limits, TLS, shutdown.
