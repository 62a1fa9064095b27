//! The shape of webhook bodies.
