//! Which network addresses webhooks may be sent to.
