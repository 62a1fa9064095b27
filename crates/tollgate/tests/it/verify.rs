//! `tollgate verify`: a healthy database agrees, and whatever was changed behind the gateway is found.
